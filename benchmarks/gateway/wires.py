"""The same answers in the dialects of Bedrock and Gemini, for the streams that cross dialects.

Frames of Bedrock: https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html (2026-11), the
encoding shared by AWS's streaming services.
"""

import json
import zlib

from work import CHUNKS, PIECE, REPLY_END


def _frame(kind: str, value: dict[str, object]) -> bytes:
    headers = b""
    for name, text in ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event")):
        headers += bytes([len(name)]) + name.encode() + b"\x07" + len(text).to_bytes(2, "big") + text.encode()
    payload = json.dumps(value).encode()
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    message = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return message + zlib.crc32(message).to_bytes(4, "big")


def bedrock_events() -> list[bytes]:
    """CHUNKS text deltas; the first with what precedes it, and one more item with what follows."""
    delta = _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": PIECE}, "p": "abcdefgh"})
    end = _frame("contentBlockStop", {"contentBlockIndex": 0}) + _frame("messageStop", {"stopReason": "end_turn"})
    usage = {"inputTokens": 120, "outputTokens": 60, "totalTokens": 180}
    end += _frame("metadata", {"usage": usage, "metrics": {"latencyMs": 1000}})
    return [_frame("messageStart", {"role": "assistant"}) + delta, *[delta] * (CHUNKS - 1), end]


def bedrock_reply() -> bytes:
    text = "A request is read, weighed, sent and counted. " * 9 + REPLY_END
    value = {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 120, "outputTokens": 60, "totalTokens": 180},
        "metrics": {"latencyMs": 5},
    }
    return json.dumps(value).encode()


def _gemini(text: str, finish: str = "") -> dict[str, object]:
    candidate: dict[str, object] = {"content": {"role": "model", "parts": [{"text": text}]}}
    if finish:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 120, "candidatesTokenCount": 60, "totalTokenCount": 180}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "bench", "responseId": "r"}


def gemini_events() -> list[bytes]:
    """CHUNKS text events, and one more item that ends the stream; Gemini has no terminal mark but the reason."""
    event = b"data: " + json.dumps(_gemini(PIECE)).encode() + b"\r\n\r\n"
    return [*[event] * CHUNKS, b"data: " + json.dumps(_gemini("", "STOP")).encode() + b"\r\n\r\n"]


def gemini_reply() -> bytes:
    return json.dumps(_gemini("A request is read, weighed, sent and counted. " * 9 + REPLY_END, "STOP")).encode()
