"""Event stream frames: whole, split, broken and over their bounds."""

import zlib

import pytest

from polycloud.core.errors import BrokenStream
from polycloud.gateway.dialects.eventstream import FRAME_BYTES_MAX, EventStream, Frame


def test_frames_of_one_read(aws_frame):
    data = aws_frame("messageStart", {"a": 1}) + aws_frame("throttlingException", {"message": "x"}, "exception")
    assert EventStream().feed(data) == [
        Frame("event", "messageStart", b'{"a": 1}'),
        Frame("exception", "throttlingException", b'{"message": "x"}'),
    ]


def test_every_split_gives_the_same_frames(aws_frame):
    data = aws_frame("a", {"t": "ü" * 9}) + aws_frame("b", {}) + aws_frame("a", {"t": ""})
    whole = EventStream().feed(data)
    for cut in range(len(data) + 1):
        stream = EventStream()
        assert stream.feed(data[:cut]) + stream.feed(data[cut:]) == whole
    stream = EventStream()
    assert [frame for i in range(len(data)) for frame in stream.feed(data[i : i + 1])] == whole


def test_headers_of_every_type_are_stepped_over(raw_frame):
    others = b"".join(
        bytes([1]) + name + bytes([kind]) + value
        for name, kind, value in [
            (b"a", 0, b""), (b"b", 1, b""), (b"c", 2, b"\0"), (b"d", 3, b"\0" * 2), (b"e", 4, b"\0" * 4),
            (b"f", 5, b"\0" * 8), (b"g", 6, b"\0\x02xx"), (b"h", 8, b"\0" * 8), (b"i", 9, b"\0" * 16),
        ]
    )  # fmt: skip
    name = b"\x0b:event-type\x07\x00\x04ping"
    assert EventStream().feed(raw_frame(others + name, b"{}")) == [Frame("event", "ping", b"{}")]


def test_a_flipped_bit_anywhere_is_found(aws_frame):
    data = aws_frame("contentBlockDelta", {"delta": {"text": "hello"}})
    for at in range(len(data)):
        broken = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(BrokenStream):
            EventStream().feed(broken)


def test_frames_before_a_broken_one_are_given_first(aws_frame):
    good, bad = aws_frame("a", {}), bytearray(aws_frame("b", {}))
    bad[-1] ^= 1
    stream = EventStream()
    assert [frame.name for frame in stream.feed(good + bytes(bad))] == ["a"]
    with pytest.raises(BrokenStream, match="checksum"):
        stream.feed(b"")


@pytest.mark.parametrize("total", [FRAME_BYTES_MAX + 1, 15, 0])
def test_impossible_lengths_are_refused(total):
    prelude = total.to_bytes(4, "big") + (0).to_bytes(4, "big")
    with pytest.raises(BrokenStream, match="claims"):
        EventStream().feed(prelude + zlib.crc32(prelude).to_bytes(4, "big"))


def test_headers_that_run_over_their_end_are_refused(raw_frame):
    with pytest.raises(BrokenStream, match="headers"):
        EventStream().feed(raw_frame(b"\x0b:event-type\x07\x00\xffping", b"{}"))
    with pytest.raises(BrokenStream, match="headers"):
        EventStream().feed(raw_frame(b"\x01a\x0a", b""))
