"""The binary framing of AWS event streams: bytes in, checked frames out.

A frame is u32 total length, u32 length of the headers, u32 CRC-32 of those eight bytes, headers,
payload, u32 CRC-32 of everything before it; all big-endian
(docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html, 2026-11).
"""

import struct
from typing import NamedTuple
from zlib import crc32

from polycloud.core.errors import BrokenStream

FRAME_BYTES_MAX = 4 * 1024 * 1024  # a chat frame is some hundred bytes; a redacted thought some ten thousand
HEADER_BLOCKS_MAX = 64  # distinct header blocks that are remembered; Converse sends about eight

_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_OVERHEAD = _PRELUDE.size + _CHECKSUM.size
_STRING = 7
_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # bool, bool, byte … timestamp, uuid
_SIZED = (6, _STRING)  # bytes and text: u16 length first


class Frame(NamedTuple):
    """``kind`` is ``event``, ``exception`` or ``error``; ``name`` the event's or the exception's type."""

    kind: str
    name: str
    payload: bytes


class EventStream:
    """Cuts one stream into frames. State of one answer; splitting the bytes anywhere changes nothing."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []  # pieces, joined only when a frame can be whole
        self._size = 0
        self._needed = _PRELUDE.size
        self._blocks: dict[bytes, tuple[str, str]] = {}
        self._broken: str = ""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that ``data`` completes. Raises BrokenStream on a checksum or length that can not be right;
        frames in front of the broken one are given first, and the next call raises."""
        if self._broken:
            raise BrokenStream(self._broken)
        self._kept.append(data)
        self._size += len(data)
        if self._size < self._needed:
            return []
        data = b"".join(self._kept)
        size = self._size
        frames: list[Frame] = []
        at = 0
        try:
            while size - at >= _PRELUDE.size:
                total = self._total(data, at)
                if size - at < total:
                    self._needed = total
                    break
                frames.append(self._frame(data, at, total))
                at += total
            else:
                self._needed = _PRELUDE.size
        except BrokenStream as error:
            self._broken = error.message
            if not frames:
                raise
        self._kept = [data[at:]]
        self._size = size - at
        return frames

    def _total(self, data: bytes, at: int) -> int:
        total, headers, checksum = _PRELUDE.unpack_from(data, at)
        if crc32(data[at : at + 8]) != checksum:
            raise BrokenStream("an event stream frame has a wrong prelude checksum")
        if total > FRAME_BYTES_MAX or headers + _OVERHEAD > total:
            raise BrokenStream(f"an event stream frame claims {total} bytes with {headers} bytes of headers")
        return int(total)

    def _frame(self, data: bytes, at: int, total: int) -> Frame:
        end = at + total - _CHECKSUM.size
        if crc32(data[at:end]) != _CHECKSUM.unpack_from(data, end)[0]:
            raise BrokenStream("an event stream frame has a wrong checksum")
        payload = at + _PRELUDE.size + _PRELUDE.unpack_from(data, at)[1]
        block = data[at + _PRELUDE.size : payload]
        found = self._blocks.get(block)
        if found is None:
            found = _kind_and_name(_headers(block))
            if len(self._blocks) < HEADER_BLOCKS_MAX:
                self._blocks[block] = found
        return Frame(found[0], found[1], data[payload:end])


def _kind_and_name(headers: dict[str, str]) -> tuple[str, str]:
    kind = headers.get(":message-type", "event")
    if kind == "exception":
        return kind, headers.get(":exception-type", "")
    if kind == "error":
        return kind, headers.get(":error-code", "")
    return kind, headers.get(":event-type", "")


def _headers(block: bytes) -> dict[str, str]:
    """The text headers of a frame; those of other types are stepped over."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(block):
            name_end = at + 1 + block[at]
            name = block[at + 1 : name_end].decode()
            kind = block[name_end]
            at = name_end + 1
            if kind in _SIZED:
                size = int.from_bytes(block[at : at + 2], "big")
                at += 2
                if kind == _STRING:
                    found[name] = block[at : at + size].decode()
                at += size
            else:
                at += _FIXED_SIZES[kind]
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise BrokenStream("an event stream frame has headers that can not be read") from error
    if at != len(block):
        raise BrokenStream("an event stream frame has headers that run over their end")
    return found
