"""Frames that are known by sight: only text may differ, and only as text may."""

import json

import pytest

from polycloud.gateway.dialects.alike import LESSONS_MAX, around
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.gateway.faces.openai import OpenAIFace

BODY = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}]}'


def openai(text="hi", finish=None, **more):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    value = {"id": "c-1", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def anthropic(text="hi", kind="content_block_delta", **more):
    value = {"type": kind, "index": 0, "delta": {"type": "text_delta", "text": text}, **more}
    return b"event: " + kind.encode() + b"\ndata: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


WIRES = {
    "openai": (OpenAIFace, openai, b"data: [DONE]\n\n"),
    "anthropic": (AnthropicFace, anthropic, b'event: message_stop\ndata: {"type":"message_stop"}\n\n'),
}


@pytest.fixture(params=WIRES)
def wire(request):
    face, frame, _ = WIRES[request.param]
    return face, frame


def learnt(wire, *frames):
    face, frame = wire[0](), wire[1]
    tap = face.tap(face.peek(BODY))
    for piece in frames or (frame("a"), frame("b")):
        tap.feed(piece)
    return tap


def test_a_frame_with_another_text_is_known(wire):
    tap, frame = learnt(wire), wire[1]
    for text in ("", "more", "zwei Wörter", 'a "quoted" \\ word\n', "\x00\u2028", "]}\n\n"):
        assert tap.alike(frame(text)), text


def test_nothing_is_known_before_content_was_seen(wire):
    assert not learnt(wire, wire[1]("")).alike(wire[1]("a"))
    assert not learnt(wire, wire[1]("a")).alike(wire[1]("b"))


def test_any_other_difference_is_read(wire):
    tap, frame = learnt(wire), wire[1]
    good = frame("hi")
    text = good.index(b"hi")
    for other in (
        frame("hi", usage={"prompt_tokens": 1, "completion_tokens": 2, "output_tokens": 2}),
        frame("hi", error={"message": "no"}),
        good + good,
        good + b"data: [DONE]\n\n",
        good[:-1],
        good[1:],
        b": ping\n\n" + good,
        good.replace(b"\n\n", b"\r\n\r\n"),
        good[:text] + b'hi", "error": "x' + good[text + 2 :],  # a member put in by a broken string
        good[:text] + b"hi\\" + good[text + 2 :],
        good[:text] + b"\\x" + good[text + 2 :],
        good[:text] + b"\\u12" + good[text + 2 :],
        good[:text] + b"a\nb" + good[text + 2 :],
        good[:text] + b"\x1f" + good[text + 2 :],
    ):
        assert not tap.alike(other), other


def test_the_rest_of_a_frame_is_not_taken_for_a_whole_one(wire):
    tap, frame = learnt(wire), wire[1]
    good = frame("hi")
    assert tap.feed(good[:9]) == b"" and not tap.alike(good)
    assert tap.feed(good[9:]) == good and tap.alike(good)
    tap.feed(good[:-2] + b"\r\n\r")  # its LF may still come
    assert not tap.alike(good)


@pytest.mark.parametrize("name", WIRES)
def test_nothing_is_known_behind_the_mark(name):
    face, frame, mark = WIRES[name]
    tap = learnt((face, frame))
    tap.feed(mark)
    assert tap.ended and not tap.alike(frame("more"))


def test_a_frame_that_tells_something_is_no_model():
    for told in (openai("b", "stop"), openai("b", usage={"prompt_tokens": 1}), openai("b", x_groq={"usage": {}})):
        assert not learnt((OpenAIFace, openai), openai("a"), told).alike(told)
    stop = anthropic("b", "message_delta", usage={"output_tokens": 3})
    assert not learnt((AnthropicFace, anthropic), anthropic("a"), stop).alike(stop)


def test_a_stream_whose_frames_never_come_twice_is_looked_at_a_few_times(wire, monkeypatch):
    tap, frame = learnt(wire, wire[1]("a")), wire[1]
    looks = []
    monkeypatch.setattr(type(tap), "_learn", lambda self, data: (looks.append(data), _spend(self)))
    for number in range(LESSONS_MAX + 3):
        tap.feed(frame("b", number=number))
    assert len(looks) == LESSONS_MAX


def _spend(tap):
    tap._lessons -= 1


def test_text_that_stands_in_a_frame_twice_gives_no_model():
    assert around(b'data: {"model":"m","text":"m"}', b'"m"') == (b"", b"")
    assert around(b'data: {"n":1}', b"1") == (b"", b"")
    assert around(b'data: {"text":"m"}', b'"m"') == (b'data: {"text":"', b'"}\n\n')
