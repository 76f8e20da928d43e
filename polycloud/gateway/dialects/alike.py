"""Frames that differ in one JSON string alone need to be read once: most of a stream is one chunk, again and again,
with another piece of text in it."""

import re

from polycloud.core.chat import Finish
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.sse import SEPARATOR, Frames

LESSONS_MAX = 4  # frames of a stream that are looked at to learn its form; some providers' never come twice
# All that may stand between the quotes of a JSON string (RFC 8259 section 7).
TEXT = re.compile(rb'[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*').fullmatch


def around(frame: bytes, text: bytes) -> tuple[bytes, bytes]:
    """What stands in ``frame`` before and behind the JSON string ``text``, with its quotes and the frame's blank line;
    nothing when it is no string, or stands there twice and may mean something else in the other place."""
    if text[:1] != b'"' or frame.count(text) != 1:
        return b"", b""
    head, _, tail = frame.partition(text)
    return head + b'"', b'"' + tail + SEPARATOR


class Watch:
    """What the taps of all dialects have in common: the frames of one stream, and the form of those that hold text and
    nothing else, once ``_head`` and ``_tail`` around the text are learnt."""

    __slots__ = ("_frames", "_head", "_lessons", "_tail", "content", "ended", "failed", "finish", "usage")

    def __init__(self) -> None:
        self._frames = Frames()
        self._head = self._tail = b""
        self._lessons = LESSONS_MAX
        self.content = False
        self.ended = False
        self.failed = ""
        self.usage: Usage | None = None
        self.finish: Finish | None = None

    def alike(self, data: bytes, before: int = 0, behind: int = 0) -> bool:
        """Whether ``data`` is a frame of the learnt form, so that nothing in it can matter."""
        head, end, size = self._head, self._tail, len(data) - behind
        if not head or self.ended or self._frames.pending:
            return False
        around = data.startswith(head, before) and data.endswith(end, before, size)
        return around and TEXT(data, before + len(head), size - len(end)) is not None
