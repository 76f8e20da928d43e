"""Reads a streamed OCI answer of the GENERIC format: bare ``data:`` lines in, chat events out.

Each ``data:`` line is a whole JSON value, and one or two line ends stand between them, so lines are
cut and not events; there is no ``[DONE]``, the piece with a ``finishReason`` ends the answer
(research in published clients; no traffic of this service is recorded, 2026-11).
"""

import msgspec

from polycloud.core.chat import (
    ChatEvent,
    Ended,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.core.errors import BrokenStream
from polycloud.gateway.dialects.oci_generic_reply import CallShape, MessageShape, UsageShape, finish_of, made_id

LINE_BYTES_MAX = 4 * 1024 * 1024  # a piece is some hundred bytes; a whole long answer in one piece stays below
FINAL_CODES = frozenset({"400", "401", "403", "404", "413", "InvalidParameter", "NotAuthenticated", "NotAuthorized"})


class _Piece(msgspec.Struct, rename="camel"):
    index: int = 0
    message: MessageShape | str | None = None  # text beside an error's code
    finish_reason: str | None = None
    usage: UsageShape | None = None
    code: str | int | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


class _Error(msgspec.Struct):
    code: str | int = ""
    message: str = ""


_PIECE = msgspec.json.Decoder(_Piece)
_ERROR = msgspec.json.Decoder(_Error)


class _Call:
    """A tool call that is being written; it is announced once its name is known."""

    __slots__ = ("announced", "arguments", "id", "index", "name")

    def __init__(self, index: int, call_id: str) -> None:
        self.index = index
        self.id = call_id
        self.name = ""
        self.arguments = ""
        self.announced = False


class OciGenericReader:
    """A StreamReader of ``actions/chat`` with ``isStream``."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._started = False
        self._ended = False
        self._calls: list[_Call] = []
        self._broken = ""

    def feed(self, data: bytes) -> list[ChatEvent]:
        if self._broken:
            raise BrokenStream(self._broken)
        events: list[ChatEvent] = []
        for line in self._lines(data):
            if not line.startswith(b"data:"):
                continue
            value = line[5:].strip()
            if not value or value == b"[DONE]":
                continue
            try:
                self._read(value, events)
            except (msgspec.DecodeError, RecursionError) as error:
                if self._ended:  # what follows the end is no part of the answer, but for counts of tokens
                    continue
                self._broken = f"a piece of the OCI stream can not be read: {error}"
                break
        if self._broken and not events:
            raise BrokenStream(self._broken)
        return events

    def _lines(self, data: bytes) -> list[bytes]:
        if data.find(b"\n") < 0:
            self._rest.append(data)
            self._size += len(data)
            self._bound()
            return []
        self._rest.append(data)
        lines = b"".join(self._rest).split(b"\n")
        rest = lines.pop()
        self._rest = [rest] if rest else []
        self._size = len(rest)
        self._bound()
        return lines

    def _bound(self) -> None:
        if self._size > LINE_BYTES_MAX:
            self._broken = f"the OCI stream has a line over {LINE_BYTES_MAX} bytes"

    def _read(self, value: bytes, events: list[ChatEvent]) -> None:
        piece = _PIECE.decode(value)
        if self._ended:
            if piece.usage is not None:
                events.append(Used(piece.usage.common()))
            return
        if piece.code is not None or piece.error:
            events.append(_failed(bytes(piece.error) or value))
            return
        if not self._started:
            self._started = True
            events.append(Started())
        if piece.index != 0:
            return
        if isinstance(piece.message, MessageShape):
            self._message(piece.message, events)
        if piece.finish_reason:
            self._finish(piece.finish_reason, events)
        if piece.usage is not None:
            events.append(Used(piece.usage.common()))
        if piece.finish_reason:
            self._ended = True
            events.append(Ended())

    def _message(self, message: MessageShape, events: list[ChatEvent]) -> None:
        if message.reasoning_content:
            events.append(ThinkingDelta(message.reasoning_content))
        events += [TextDelta(item.text) for item in message.content or () if item.text]
        if message.refusal:
            events.append(TextDelta(message.refusal))
        for fragment in message.tool_calls or ():
            self._fragment(fragment, events)

    def _fragment(self, fragment: CallShape, events: list[ChatEvent]) -> None:
        call = self._call_of(fragment)
        if fragment.name and not call.name:
            call.name = fragment.name
        if not call.name:
            call.arguments += fragment.arguments or ""  # kept until the name comes
            return
        if not call.announced:
            call.announced = True
            events.append(ToolCallStarted(call.index, call.id, call.name))
        text, call.arguments = call.arguments + (fragment.arguments or ""), ""
        if text:
            events.append(ToolCallDelta(call.index, text))

    def _call_of(self, fragment: CallShape) -> _Call:
        """The call that a fragment goes on with: the one of its id, else the last, unless it names another."""
        if fragment.id:
            known = next((call for call in self._calls if call.id == fragment.id), None)
            if known is not None:
                return known
        elif self._calls and not (fragment.name and self._calls[-1].name):
            return self._calls[-1]
        index = len(self._calls)
        call = _Call(index, fragment.id or made_id(index, fragment))
        self._calls.append(call)
        return call

    def _finish(self, reason: str, events: list[ChatEvent]) -> None:
        if any(not call.announced for call in self._calls):
            raise msgspec.DecodeError("a tool call never got its name")
        events.append(Finished(finish_of(reason, len(self._calls))))


def _failed(body: bytes) -> Failed:
    error = _ERROR.decode(body)
    code = str(error.code)
    return Failed(code, error.message or "OCI sent an error in the stream", code not in FINAL_CODES)
