"""Recorded provider traffic: loaded, served on a socket as it was, and read by code that shares nothing with polycloud.

Fixtures: ``recordings(name)`` gives the exchanges of one file; ``expected(recording)`` what its body says, by the
table of ../shared/recordings/README.md; ``serving(list)`` a local server with one address for each recording.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
PIECE_BYTES = 700  # of a streamed body a write; frames and characters are cut wherever they happen to be


@dataclass
class Recording:
    id: str
    provider: str
    operation: str
    url: str
    request: Any
    status: int
    headers: dict[str, list[str]]
    body: bytes
    streamed: bool


@dataclass
class Expected:
    """``tools`` are (id or "" where the provider gives none, name, arguments as a value)."""

    text: str = ""
    tools: list[tuple[str, str, Any]] = field(default_factory=list)
    finish: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0


def load(name: str) -> list[Recording]:
    path = RECORDINGS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("../shared/recordings is absent: nothing recorded to read")
    found = []
    for line in path.read_text("ascii").splitlines():
        row = json.loads(line)
        streamed = "body_b64" in row
        body = base64.b64decode(row["body_b64"]) if streamed else row["body"].encode()
        fields = {name: row[name] for name in ("id", "provider", "operation", "url", "request", "status", "headers")}
        found.append(Recording(**fields, body=body, streamed=streamed))
    return found


@asynccontextmanager
async def serve(recordings: list[Recording]) -> AsyncIterator[tuple[int, Callable[[int], str]]]:
    """(port, path of the recording at an index): the recorded status, headers and body, at and below ``/<index>``."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        recording = recordings[int(head.split(b" ", 2)[1].split(b"/")[1])]
        length = next((x for x in head.lower().split(b"\r\n") if x.startswith(b"content-length:")), b":0")
        await reader.readexactly(int(length.split(b":")[1]))
        lines = [f"HTTP/1.1 {recording.status} X", "connection: close"]
        lines += [f"{name}: {value}" for name, values in recording.headers.items() for value in values]
        if recording.streamed:
            lines.append("transfer-encoding: chunked")
        else:
            lines.append(f"content-length: {len(recording.body)}")
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
        if recording.streamed:
            for at in range(0, len(recording.body), PIECE_BYTES):
                piece = recording.body[at : at + PIECE_BYTES]
                writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        else:
            writer.write(recording.body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lambda index: f"/{index}"


def aws_events(body: bytes) -> list[tuple[str, Any]]:
    """(event type, payload) of an event stream, lengths only: no checksum is looked at."""
    found = []
    while body:
        total, headers = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
        block = body[12 : 12 + headers]
        at = block.index(b":event-type\x07") + len(b":event-type\x07")
        name = block[at + 2 : at + 2 + int.from_bytes(block[at : at + 2], "big")].decode()
        found.append((name, json.loads(body[12 + headers : total - 4])))
        body = body[total:]
    return found


def sse_values(body: bytes) -> list[Any]:
    """The JSON values of a server-sent event stream whose events are one line each."""
    lines = body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line[5:]) for line in lines if line.startswith("data:") and line[5:].strip() != "[DONE]"]


BEDROCK_FINISH = {"end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length"}
ANTHROPIC_FINISH = {
    "end_turn": "stop", "tool_use": "tool_calls", "stop_sequence": "stop_sequence", "max_tokens": "length",
    "refusal": "content_filter",
}  # fmt: skip
GEMINI_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter", "MODEL_ARMOR": "content_filter"}


def bedrock(recording: Recording) -> Expected:
    if recording.streamed:
        content, stop, usage = bedrock_stream(aws_events(recording.body))
    else:
        body = json.loads(recording.body)
        content, stop, usage = body["output"]["message"]["content"], body["stopReason"], body["usage"]
    cached = usage.get("cacheReadInputTokens", 0)
    return Expected(
        "".join(block["text"] for block in content if "text" in block),
        [
            (use["toolUseId"], use["name"], use["input"])
            for use in (block["toolUse"] for block in content if "toolUse" in block)
            if use.get("type") != "server_tool_use"  # Bedrock runs these itself; the caller must not
        ],
        BEDROCK_FINISH[stop],
        usage["inputTokens"] + cached + usage.get("cacheWriteInputTokens", 0),
        usage["outputTokens"],
        cached,
    )


def bedrock_stream(events: list[tuple[str, Any]]) -> tuple[list[Any], str, Any]:
    blocks: dict[int, Any] = {}
    stop, usage = "", {}
    for name, event in events:
        if name == "contentBlockStart" and "toolUse" in event["start"]:
            blocks[event["contentBlockIndex"]] = {"toolUse": {**event["start"]["toolUse"], "input": ""}}
        elif name == "contentBlockDelta":
            delta = event["delta"]
            block = blocks.setdefault(event["contentBlockIndex"], {})
            if "text" in delta:
                block["text"] = block.get("text", "") + delta["text"]
            elif "toolUse" in delta:
                block["toolUse"]["input"] += delta["toolUse"]["input"]
        elif name == "messageStop":
            stop = event["stopReason"]
        elif name == "metadata":
            usage = event["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return [blocks[index] for index in sorted(blocks)], stop, usage


def anthropic(recording: Recording) -> Expected:
    body = anthropic_stream(sse_values(recording.body)) if recording.streamed else json.loads(recording.body)
    usage = body["usage"]
    cached = usage.get("cache_read_input_tokens") or 0
    return Expected(
        "".join(block["text"] for block in body["content"] if block["type"] == "text"),
        [(b["id"], b["name"], b["input"]) for b in body["content"] if b["type"] == "tool_use"],
        ANTHROPIC_FINISH[body["stop_reason"]],
        usage["input_tokens"] + cached + (usage.get("cache_creation_input_tokens") or 0),
        usage["output_tokens"],
        cached,
    )


def anthropic_stream(events: list[Any]) -> Any:
    body: Any = {}
    for event in events:
        kind = event["type"]
        if kind == "message_start":
            body = event["message"]
        elif kind == "content_block_start":
            body["content"].append({**event["content_block"], "json": ""})
        elif kind == "content_block_delta":
            block, delta = body["content"][event["index"]], event["delta"]
            if delta["type"] == "text_delta":
                block["text"] += delta["text"]
            elif delta["type"] == "input_json_delta":
                block["json"] += delta["partial_json"]
        elif kind == "message_delta":
            body["stop_reason"] = event["delta"]["stop_reason"]
            body["usage"] |= {name: value for name, value in event["usage"].items() if value is not None}
    for block in body["content"]:
        if block["type"] == "tool_use" and block["json"]:
            block["input"] = json.loads(block["json"])
    return body


def gemini(recording: Recording) -> Expected:
    chunks = sse_values(recording.body) if recording.streamed else [json.loads(recording.body)]
    found = Expected()
    for chunk in chunks:
        for candidate in chunk.get("candidates", [])[:1]:
            for part in candidate.get("content", {}).get("parts", []):
                if "text" in part and not part.get("thought"):
                    found.text += part["text"]
                if "functionCall" in part:
                    call = part["functionCall"]
                    found.tools.append((call.get("id", ""), call["name"], call.get("args", {})))
            if "finishReason" in candidate:
                found.finish = GEMINI_FINISH[candidate["finishReason"]]
        usage = chunk.get("usageMetadata", {})
        found.input_tokens = usage.get("promptTokenCount", 0)
        found.output_tokens = usage.get("candidatesTokenCount", 0) + usage.get("thoughtsTokenCount", 0)
        found.cached_tokens = usage.get("cachedContentTokenCount", 0)
    if found.tools and found.finish == "stop":
        found.finish = "tool_calls"  # Gemini says STOP for tool calls too
    return found


def chat(recording: Recording) -> Expected:
    if recording.streamed:
        message, finish, usage = chat_stream(sse_values(recording.body))
    else:
        body = json.loads(recording.body)
        choice = body["choices"][0]
        message, finish, usage = choice["message"], choice["finish_reason"], body.get("usage") or {}
    content = message.get("content") or ""
    if isinstance(content, list):  # Mistral's thinking models
        content = "".join(part["text"] for part in content if part["type"] == "text")
    tools = [
        (call.get("id") or "", call["function"]["name"], json.loads(call["function"].get("arguments") or "{}"))
        for call in message.get("tool_calls") or []
    ]
    details = usage.get("prompt_tokens_details") or {}
    output = usage.get("completion_tokens", 0)
    # Reasoning that is in neither count is told by the body's own sum (Gemini's compatible endpoint, xAI).
    output = max(output, usage.get("total_tokens", 0) - usage.get("prompt_tokens", 0))
    cached = details.get("cached_tokens") or usage.get("cached_tokens") or usage.get("num_cached_tokens") or 0
    finish = "tool_calls" if tools and finish in ("", "stop") else finish or "stop"
    return Expected(content, tools, finish, usage.get("prompt_tokens", 0), output, cached)


def chat_stream(chunks: list[Any]) -> tuple[Any, str, Any]:
    text, calls, finish, usage = "", {}, "", {}
    for chunk in chunks:
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or usage
        for choice in (chunk.get("choices") or [])[:1]:
            finish = choice.get("finish_reason") or finish
            delta = choice.get("delta") or {}
            content = delta.get("content") or ""
            text += content if isinstance(content, str) else "".join(p.get("text", "") for p in content)
            for call in delta.get("tool_calls") or []:
                known = calls.setdefault(call.get("index", 0), {"id": "", "function": {"name": "", "arguments": ""}})
                known["id"] = known["id"] or call.get("id") or ""
                function = call.get("function") or {}
                known["function"]["name"] = known["function"]["name"] or function.get("name") or ""
                known["function"]["arguments"] += function.get("arguments") or ""
    return {"content": text, "tool_calls": list(calls.values())}, finish, usage


READERS = {"converse": bedrock, "messages": anthropic, "generateContent": gemini, "streamGenerateContent": gemini}


def read(recording: Recording) -> Expected:
    return READERS.get(recording.operation.removesuffix("-stream"), chat)(recording)


@pytest.fixture(scope="session")
def recordings() -> Callable[[str], list[Recording]]:
    return load


@pytest.fixture(scope="session")
def expected() -> Callable[[Recording], Expected]:
    return read


@pytest.fixture(scope="session")
def serving() -> Any:
    return serve
