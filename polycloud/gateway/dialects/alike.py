"""Frames that differ in one JSON string alone need to be read once: most of a stream is one chunk, again and again,
with another piece of text in it."""

import re

from polycloud.gateway.dialects.sse import SEPARATOR

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
