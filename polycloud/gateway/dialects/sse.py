"""Server-sent events cut out of a byte stream, whatever the line endings and wherever the bytes were split.

A frame is everything up to and with a blank line. ``Frames`` cuts, ``parse`` reads one frame. Format:
html.spec.whatwg.org/multipage/server-sent-events.html (2026-11): lines end with LF, CRLF or CR, ``data``
lines of one frame are joined, lines that begin with a colon are comments, a byte order mark is skipped.
"""

from polycloud.core.errors import BrokenStream

FRAME_BYTES_MAX = 8 * 1024 * 1024  # the largest frames seen carry an image of a few megabytes
_BOM = b"\xef\xbb\xbf"
LF, CR = 10, 13  # as numbers: to look for bytes in bytes, Python first makes an error that they are no number


class Frames:
    """Cuts one stream into frames. Nothing of a frame is given out before its blank line is there."""

    __slots__ = ("_after_cr", "_lines", "_rest", "_rest_size", "_size", "pending")

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._rest: list[bytes] = []
        self._size = 0
        self._rest_size = 0
        self._after_cr = False
        self.pending = False

    def whole(self, data: bytes) -> bool:
        """Whether ``data`` is made of whole frames that end with two LFs, and nothing was kept before it.

        That is how nearly every read looks; ``data.split(SEPARATOR)`` then gives the frames.
        """
        return not self.pending and data.endswith(SEPARATOR) and CR not in data and len(data) <= FRAME_BYTES_MAX

    def cut(self, data: bytes) -> list[bytes]:
        """Frames that ``data`` completes, each with its line endings: joined they are the bytes that came.

        Raises BrokenStream on a frame over FRAME_BYTES_MAX.
        """
        frames: list[bytes] = []
        if self._after_cr and data:
            self._after_cr = False
            if data[0] == 10:  # the LF of a CRLF whose CR already ended a frame
                frames.append(b"\n")
                data = data[1:]
        if LF in data or CR in data:
            self._rest.append(data)
            lines = b"".join(self._rest).splitlines(keepends=True)
            self._rest.clear()
            self._rest_size = 0
            for line in lines[:-1]:
                self._line(line, frames)
            self._last(lines[-1], frames)
        elif data:
            self._keep(data)
        self.pending = bool(self._lines or self._rest) or self._after_cr
        return frames

    def _line(self, line: bytes, frames: list[bytes]) -> None:
        self._lines.append(line)
        if line in (b"\n", b"\r\n", b"\r"):
            frames.append(b"".join(self._lines))
            self._lines.clear()
            self._size = 0
        else:
            self._size += len(line)
            self._check()

    def _last(self, line: bytes, frames: list[bytes]) -> None:
        """The last line of what came: it may go on, and so may a CR at its end."""
        if line == b"\r":
            self._line(line, frames)
            self._after_cr = True
        elif line.endswith(b"\n"):
            self._line(line, frames)
        else:
            self._keep(line)

    def _keep(self, piece: bytes) -> None:
        self._rest.append(piece)
        self._rest_size += len(piece)
        self._check()

    def _check(self) -> None:
        if self._size + self._rest_size > FRAME_BYTES_MAX:
            raise BrokenStream(f"the provider's stream has a frame over {FRAME_BYTES_MAX} bytes", 200)


SEPARATOR = b"\n\n"


def tail(data: bytes) -> bytes:
    """What of the bytes behind a terminal mark still belongs to it: the LF of a CRLF that was split."""
    return b"\n" if data[:1] == b"\n" else b""


def parse(frame: bytes) -> tuple[bytes, bytes]:
    """(event name, data) of one frame; b"" for what it has not. Comments and unknown fields are skipped."""
    event = b""
    data: list[bytes] = []
    for line in frame.removeprefix(_BOM).splitlines():
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
    return event, b"\n".join(data)
