import itertools

import pytest

from polycloud.core.errors import BrokenStream
from polycloud.gateway.dialects import sse


def read(*pieces: bytes) -> list[tuple[bytes, bytes]]:
    frames = sse.Frames()
    found = []
    for piece in pieces:
        cut = piece.split(sse.SEPARATOR) if frames.whole(piece) else frames.cut(piece)
        found += [sse.parse(frame) for frame in cut]
    return [event for event in found if event != (b"", b"")]


STREAMS = [
    b"data: one\n\ndata: two\n\n",
    b"data: one\r\n\r\ndata: two\r\n\r\n",
    b"data: one\r\rdata: two\r\r",
    b"data: one\n\r\ndata: two\r\n\n",
    b"\xef\xbb\xbfdata: one\n\n: ping\n\ndata:two\n\n",
    b"id: 1\ndata: one\nretry: 5\n\n\n\nid: 2\ndata: two\n\n",
]


@pytest.mark.parametrize("stream", STREAMS)
def test_line_endings_and_splits_change_nothing(stream):
    wanted = [(b"", b"one"), (b"", b"two")]
    assert read(stream) == wanted
    for a, b in itertools.combinations(range(len(stream) + 1), 2):
        assert read(stream[:a], stream[a:b], stream[b:]) == wanted
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == wanted


@pytest.mark.parametrize("stream", [*STREAMS, b"data: a\r", b"data: a\n\ndata: rest", b"\r\n\n\r"])
def test_frames_joined_with_the_rest_are_the_bytes_that_came(stream):
    for at in range(len(stream) + 1):
        frames = sse.Frames()
        given = b"".join(frames.cut(stream[:at]) + frames.cut(stream[at:]))
        assert stream.startswith(given)
        assert b"data: rest" not in given


def test_event_names_and_lines_of_data_are_joined():
    assert read(b"event: error\ndata: {\ndata:  1}\n\n") == [(b"error", b"{\n 1}")]


def test_an_unfinished_frame_is_not_given_out():
    assert read(b"data: one\n\ndata: two\n") == [(b"", b"one")]


def test_a_frame_over_the_bound_breaks_the_stream(monkeypatch):
    monkeypatch.setattr(sse, "FRAME_BYTES_MAX", 64)
    assert read(b"data: " + b"x" * 50 + b"\n\n", b"data: " + b"y" * 50 + b"\n\n")
    for pieces in ([b"data: " + b"x" * 64 + b"\n\n"], [b"x"] * 70, [b"data: x\n"] * 10):
        with pytest.raises(BrokenStream, match="64 bytes"):
            read(*pieces)


def test_pieces_of_one_line_count_once(monkeypatch):
    monkeypatch.setattr(sse, "FRAME_BYTES_MAX", 64)
    assert read(b"data: " + b"x" * 20, b"x" * 20, b"x" * 10 + b"\n", b"\n") == [(b"", b"x" * 50)]
