"""What follows a stream's terminal mark is no part of the answer, in any dialect, wherever the bytes are split."""

import json
import struct
from zlib import crc32

import pytest

from polycloud.app.adapters import dialects, faces
from polycloud.core.chat import Ended, Finished, TextDelta, Used
from polycloud.core.errors import BrokenStream
from polycloud.core.ports.models import Envelope

JUNK = [
    b"data: not json\n\n",
    b"\n\nrubbish \xff\xfe\x00",
    b'data: {"choices": 7, "type": 8, "candidates": 9}\n\n',
    b"data: {",
]


def sse(*values: object, event: bool = False) -> bytes:
    frames = []
    for value in values:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        name = f"event: {value['type']}\n".encode() if event and isinstance(value, dict) else b""
        frames.append(name + b"data: " + data + b"\n\n")
    return b"".join(frames)


def frame(kind: str, value: object) -> bytes:
    headers = b"".join(
        bytes([len(n)]) + n.encode() + b"\x07" + len(v).to_bytes(2, "big") + v.encode()
        for n, v in ((":event-type", kind), (":message-type", "event"))
    )
    payload = json.dumps(value).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return message + struct.pack(">I", crc32(message))


def chunk(delta: object, finish: str | None = None) -> dict[str, object]:
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


OPENAI = sse(
    chunk({"content": "hi"}),
    chunk({}, "stop"),
    {**chunk({}), "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2}},
    b"[DONE]",
)
ANTHROPIC = sse(
    {"type": "message_start", "message": {"id": "m", "model": "x", "usage": {"input_tokens": 5, "output_tokens": 0}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
    event=True,
)
GEMINI_USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
GEMINI = sse(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": "hi"}]}}], "responseId": "r"},
    {
        "candidates": [{"content": {"role": "model", "parts": []}, "finishReason": "STOP"}],
        "usageMetadata": GEMINI_USAGE,
    },
)
OCI_USAGE = {"promptTokens": 5, "completionTokens": 2, "totalTokens": 7}
OCI = sse(
    {"index": 0, "message": {"role": "ASSISTANT", "content": [{"type": "TEXT", "text": "hi"}]}},
    {"finishReason": "stop", "usage": OCI_USAGE},
)
BEDROCK = (
    frame("messageStart", {"role": "assistant"})
    + frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "hi"}})
    + frame("messageStop", {"stopReason": "end_turn"})
    + frame("metadata", {"usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}})
)
STREAMS = {
    "openai_chat": OPENAI, "anthropic_messages": ANTHROPIC, "gemini": GEMINI, "oci_generic": OCI,
    "bedrock_converse": BEDROCK,
}  # fmt: skip


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize("name", STREAMS)
def test_a_reader_gives_the_whole_answer_and_nothing_of_what_follows(name: str, junk: bytes) -> None:
    stream, dialect = STREAMS[name], dialects()[name]
    clean = dialect.stream_reader().feed(stream)
    assert Ended() in clean and TextDelta("hi") in clean
    assert any(isinstance(e, Finished) for e in clean) and any(isinstance(e, Used) for e in clean)
    for parts in ((stream + junk,), (stream, junk), (stream, junk, junk), (stream + junk[:3], junk[3:])):
        reader = dialect.stream_reader()
        assert [e for part in parts for e in reader.feed(part)] == clean, parts


@pytest.mark.parametrize("name", STREAMS)
def test_the_same_rubbish_before_the_mark_is_an_error(name: str) -> None:
    stream, reader = STREAMS[name], dialects()[name].stream_reader()
    half = stream[: -len(frame("metadata", {"usage": {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}}))]
    before = half if name == "bedrock_converse" else stream[: stream.index(b"\n\n") + 2]
    with pytest.raises(BrokenStream):
        reader.feed(before + b"data: not json\n\n" + b"\0" * 40)
        reader.feed(b"data: not json\n\n")


@pytest.mark.parametrize(
    ("name", "late"),
    [
        (
            "gemini",
            {
                "candidates": [{"content": {"parts": [{"text": "no"}]}}],
                "usageMetadata": {**GEMINI_USAGE, "candidatesTokenCount": 9},
            },
        ),
        (
            "oci_generic",
            {"message": {"content": [{"type": "TEXT", "text": "no"}]}, "usage": {**OCI_USAGE, "completionTokens": 9}},
        ),
    ],
)
def test_counts_of_tokens_that_come_late_are_still_read_and_text_is_not(name: str, late: object) -> None:
    reader = dialects()[name].stream_reader()
    reader.feed(STREAMS[name])
    found = reader.feed(sse(late))
    assert [type(e) for e in found] == [Used] and isinstance(found[0], Used) and found[0].usage.output_tokens == 9


@pytest.mark.parametrize("junk", JUNK)
@pytest.mark.parametrize(
    ("path", "name"), [(b"/v1/chat/completions", "openai_chat"), (b"/v1/messages", "anthropic_messages")]
)
def test_a_tap_lets_nothing_through_behind_the_mark(path: bytes, name: str, junk: bytes) -> None:
    face, stream = faces()[path], STREAMS[name]
    envelope = Envelope("m", True, 0, 1, None, {}, include_usage=True)
    for parts in ((stream + junk,), (stream, junk), (stream[:-1], stream[-1:] + junk), (stream + junk[:3], junk[3:])):
        tap = face.tap(envelope)
        passed = b"".join(map(tap.feed, parts))
        assert passed.rstrip(b"\n") == stream.rstrip(b"\n"), parts
        assert tap.ended and not tap.failed and tap.usage is not None and tap.usage.output_tokens == 2
