"""The work: what callers ask, what the upstream answers, and how an answer is known to be right.

Every gateway is given the same requests and the same upstream. An answer counts only when it carries
the whole of what the upstream said, so that an error can not pass for speed.
"""

import json
from typing import NamedTuple

CHUNKS = 50
PACE_SECONDS = 0.02
PIECE = "token+"  # one for each chunk; counting them tells whether a stream is whole
REPLY_END = "end-of-reply"
REQUEST_BYTES = 500
UPSTREAM_TOKEN = "sk-upstream"  # what a gateway must show to the upstream, whatever its caller showed
MODEL_REPLY, MODEL_PACED = "bench", "bench-paced"


class Kind(NamedTuple):
    """One kind of request. ``path`` and ``face`` are the caller's dialect; ``model`` is what it asks for."""

    model: str
    stream: bool
    face: str = "openai"

    @property
    def path(self) -> str:
        return "/v1/messages" if self.face == "anthropic" else "/v1/chat/completions"

    @property
    def body(self) -> bytes:
        """Exactly REQUEST_BYTES long."""
        value: dict[str, object] = {
            "model": self.model,
            "max_tokens": 400,
            "temperature": 0.2,
            "messages": [
                {"role": "system" if self.face == "openai" else "user", "content": "Answer briefly."},
                {"role": "assistant", "content": "Certainly."},
                {"role": "user", "content": ""},
            ],
        }
        if self.stream:
            value["stream"] = True
        room = REQUEST_BYTES - len(json.dumps(value))
        messages = value["messages"]
        assert isinstance(messages, list)
        messages[-1]["content"] = ("Tell me how a request finds its way. " * 20)[:room]
        return json.dumps(value).encode()


def right(kind: Kind, body: bytes) -> bool:
    """Whether ``body`` is the whole answer, in the caller's dialect."""
    if not kind.stream:
        return REPLY_END.encode() in body and len(body) >= 500
    if body.count(PIECE.encode()) != CHUNKS:
        return False
    return body.endswith(b"data: [DONE]\n\n") if kind.face == "openai" else b"message_stop" in body[-64:]


def _chunk(delta: dict[str, object], finish: str | None = None) -> dict[str, object]:
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "bench-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


USAGE = {"prompt_tokens": 120, "completion_tokens": 60, "total_tokens": 180}


def openai_reply() -> bytes:
    """About 600 bytes."""
    text = ("A request is read, weighed, sent and counted. " * 7) + REPLY_END
    value = {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "bench-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": USAGE,
    }
    return json.dumps(value).encode()


def openai_events() -> list[bytes]:
    """CHUNKS events with text, then those that end a stream (usage is asked for by most gateways)."""
    values: list[dict[str, object]] = [_chunk({"role": "assistant", "content": PIECE})]
    values += [_chunk({"content": PIECE}) for _ in range(CHUNKS - 1)]
    events = [b"data: " + json.dumps(v).encode() + b"\n\n" for v in values]
    last = [_chunk({}, "stop"), {**_chunk({}), "choices": [], "usage": USAGE}]
    return [*events, b"".join(b"data: " + json.dumps(v).encode() + b"\n\n" for v in last) + b"data: [DONE]\n\n"]
