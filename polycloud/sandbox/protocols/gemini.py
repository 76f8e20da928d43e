"""Gemini's generateContent: the body, typed and strict, and the answer, whole, as events or as a JSON array.

Sources: the types of google-genai 3.4.0, recorded traffic, and
docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference (2026-11).
"""

import re
from datetime import UTC, datetime
from itertools import groupby
from typing import Literal

import msgspec

from polycloud.sandbox.ask import Answer, Ask, Piece, Tool
from polycloud.sandbox.protocols.common import Frame, argument_object, compact, deltas
from polycloud.sandbox.wire import Reply

JSON_TYPE = "application/json; charset=UTF-8"
LEVEL_TOKENS = {"MINIMAL": 8, "LOW": 16, "MEDIUM": 32, "HIGH": 64, "THINKING_LEVEL_UNSPECIFIED": 32}
THOUGHT_TOKENS = 64
CANDIDATES_MAX = 8
_FREE = frozenset({"args", "response", "parameters_json_schema", "response_json_schema", "labels", "properties"})


class Shape(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Base of every part."""


class FunctionCall(Shape):
    name: str
    args: dict[str, object] | None = None
    id: str | None = None


class FunctionResponse(Shape):
    name: str
    response: dict[str, object]
    id: str | None = None
    parts: list[object] | None = None


class Part(Shape):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    inline_data: object = None
    file_data: object = None
    executable_code: object = None
    code_execution_result: object = None
    video_metadata: object = None
    media_resolution: object = None
    part_metadata: object = None


class Content(Shape):
    parts: list[Part]
    role: str | None = None


class Declaration(Shape):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    parameters_json_schema: dict[str, object] | None = None
    response: dict[str, object] | None = None
    response_json_schema: dict[str, object] | None = None
    behavior: str | None = None


class ToolSet(Shape):
    function_declarations: list[Declaration] | None = None
    google_search: object = None
    google_search_retrieval: object = None
    google_maps: object = None
    code_execution: object = None
    url_context: object = None
    retrieval: object = None
    enterprise_web_search: object = None
    computer_use: object = None


class CallingConfig(Shape):
    mode: Literal["MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"] | None = None
    allowed_function_names: list[str] | None = None
    stream_function_call_arguments: bool | None = None


class ToolConfig(Shape):
    function_calling_config: CallingConfig | None = None
    retrieval_config: object = None
    include_server_side_tool_invocations: bool | None = None


class ThinkingConfig(Shape):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class Generation(Shape):
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_mime_type: str | None = None
    response_schema: dict[str, object] | None = None
    response_json_schema: dict[str, object] | None = None
    seed: int | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: ThinkingConfig | None = None
    response_modalities: list[str] | None = None
    media_resolution: str | None = None
    audio_timestamp: bool | None = None
    speech_config: object = None
    routing_config: object = None
    model_selection_config: object = None
    image_config: object = None


class Generate(Shape):
    contents: list[Content]
    system_instruction: Content | None = None
    generation_config: Generation | None = None
    tools: list[ToolSet] | None = None
    tool_config: ToolConfig | None = None
    safety_settings: list[object] | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None
    model_armor_config: object = None


def decode(raw: bytes) -> Generate:
    """Raises msgspec.ValidationError or DecodeError. Google takes a field's name in camel or in snake case."""
    try:
        return _BODY.decode(raw)
    except msgspec.ValidationError:
        return msgspec.convert(camel(msgspec.json.decode(raw)), Generate)


def camel(value: object) -> object:
    """``value`` with its members' names in camel case, but for what is free-form."""
    if isinstance(value, list):
        return [camel(v) for v in value]
    if not isinstance(value, dict):
        return value
    return {
        re.sub(r"_([a-z])", lambda m: m[1].upper(), name): inner if snake(name) in _FREE else camel(inner)
        for name, inner in value.items()
    }


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda m: "_" + m[1].lower(), name)


def candidates(body: Generate) -> int:
    config = body.generation_config
    return (config and config.candidate_count) or 1


def complaint(body: Generate, model: str, stream: bool = False) -> str:
    """What is wrong with ``body`` beyond its types; empty when nothing is.

    Several candidates come whole, never streamed (the inference reference above), and of no Gemini 3
    (github.com/googleapis/js-genai/issues/1609), 2026-11.
    """
    if candidates(body) > 1 and (stream or model.startswith("gemini-3")):
        return "Multiple candidates is not enabled for " + ("streamGenerateContent" if stream else "this model")
    if not body.contents:
        return "Unable to submit request because at least one contents field is required."
    for content in body.contents:
        if content.role not in (None, "user", "model", "function"):
            return "Please use a valid role: user, model."
        if not content.parts:
            return "Unable to submit request because it must include at least one parts field."
        if any(_kinds(part) != 1 for part in content.parts):
            return "Unable to submit request because it must have a text parameter. Add a text parameter, try again."
    waiting = 0
    for i, (_, turn) in enumerate(groupby(body.contents, key=lambda c: c.role == "model")):
        parts = [part for content in turn for part in content.parts]
        calls = sum(p.function_call is not None for p in parts)
        results = sum(p.function_response is not None for p in parts)
        if (waiting and results != waiting) or (results and not waiting):
            return (
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if calls and i == 0:
            return (
                "Please ensure that function call turn comes immediately after a user turn or after a function "
                "response turn."
            )
        waiting = calls
    return _config_complaint(body) or _signature_complaint(body, model)


def _config_complaint(body: Generate) -> str:
    config = body.generation_config or Generation()
    for name, value, low, high in (
        ("temperature", config.temperature, 0, 2),
        ("topP", config.top_p, 0, 1),
        ("maxOutputTokens", config.max_output_tokens, 1, 2**31),
        ("candidateCount", config.candidate_count, 1, CANDIDATES_MAX),
    ):
        if value is not None and not low <= value <= high:
            return (
                f"Unable to submit request because it has a {name} value of {value} but the supported range is from "
                f"{low} (inclusive) to {high} (inclusive). Update the value and try again."
            )
    if len(config.stop_sequences or ()) > 5:
        return "Unable to submit request because it has more than 5 stopSequences."
    calling = body.tool_config.function_calling_config if body.tool_config else None
    if calling is not None and calling.mode == "ANY" and not declarations(body):
        return "Function calling config is set without function_declarations."
    return ""


def _signature_complaint(body: Generate, model: str) -> str:
    """Gemini 3 wants the first call of each step of the current turn back with its thought signature.

    Source: docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures (2026-11).
    """
    if not model.startswith("gemini-3"):
        return ""
    turn = [i for i, c in enumerate(body.contents) if c.role != "model" and any(p.text for p in c.parts)]
    for i, content in enumerate(body.contents[turn[-1] :] if turn else (), turn[-1] if turn else 0):
        first = next((p for p in content.parts if p.function_call is not None), None)
        if first is not None and first.function_call is not None and not first.thought_signature:
            return (
                f"Unable to submit request because function call `{first.function_call.name}` in the {i + 1}. content "
                "block is missing a `thought_signature`. Learn more: "
                "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/thought-signatures"
            )
    return ""


def declarations(body: Generate) -> list[Declaration]:
    return [d for tools in body.tools or () for d in tools.function_declarations or ()]


def ask_of(body: Generate) -> Ask:
    """The question in ``body``."""
    pieces = [
        Piece("system", p.text) for p in (body.system_instruction.parts if body.system_instruction else ()) if p.text
    ]
    for content in body.contents:
        pieces += [_piece(content.role or "user", part) for part in content.parts]
    tools = [
        Tool(d.name, d.description or "", d.parameters_json_schema or d.parameters or {}) for d in declarations(body)
    ]
    ask = Ask(pieces=pieces, tools=tools)
    calling = body.tool_config.function_calling_config if body.tool_config else None
    if calling is not None:
        ask.choice = "required" if calling.mode == "ANY" else "none" if calling.mode == "NONE" else "auto"
        ask.allowed = calling.allowed_function_names or []
    config = body.generation_config or Generation()
    ask.max_tokens = config.max_output_tokens
    ask.stop = config.stop_sequences or []
    if config.response_mime_type == "application/json":
        ask.schema = config.response_json_schema or config.response_schema
        ask.json_object = ask.schema is None
    thinking = config.thinking_config
    if thinking is not None and thinking.thinking_budget != 0:
        ask.thinking = LEVEL_TOKENS.get((thinking.thinking_level or "").upper(), THOUGHT_TOKENS)
        ask.show_thinking = bool(thinking.include_thoughts)
    ask.salt = compact([config.seed, config.temperature, config.top_p, config.top_k])
    return ask


def _piece(role: str, part: Part) -> Piece:
    if part.function_call is not None:
        return Piece("call", compact(part.function_call.args or {}), part.function_call.name)
    if part.function_response is not None:
        return Piece("tool", compact(part.function_response.response), part.function_response.name)
    if part.thought:
        return Piece("thinking", part.text or "")
    return Piece("assistant" if role == "model" else "user", part.text or "", images=int(part.text is None))


def _kinds(part: Part) -> int:
    return sum(
        member is not None
        for member in (
            part.text,
            part.function_call,
            part.function_response,
            part.inline_data,
            part.file_data,
            part.executable_code,
            part.code_execution_result,
        )
    )


class GeminiWriter:
    """Writes generateContent answers. ``sse`` streams as events, otherwise as the elements of a JSON array."""

    def __init__(self, model: str, sse: bool) -> None:
        self.model, self.sse = model, sse

    def whole(self, answer: Answer) -> Reply:
        body = self._chunk(answer, [], last=True)
        body["candidates"] = [
            self._candidate(one, [p for p, _ in self._parts(one, in_pieces=False)], last=True, index=i)
            for i, one in enumerate(answer.choices())
        ]
        return Reply(200, msgspec.json.encode(body), {"content-type": JSON_TYPE})

    def head(self, answer: Answer) -> dict[str, str]:
        return {
            "content-type": "text/event-stream" if self.sse else JSON_TYPE,
            "content-disposition": "attachment",
            "vary": "Origin, X-Origin, Referer",
        }

    def frames(self, answer: Answer) -> list[Frame]:
        parts = self._parts(answer, in_pieces=True) or [({"text": ""}, 0)]
        frames = []
        for i, (part, tokens) in enumerate(parts):
            last = i == len(parts) - 1
            data = msgspec.json.encode(self._chunk(answer, [part], last))
            frames.append((self._framed(data, first=i == 0, last=last), tokens))
        return frames

    def failure(self) -> bytes:
        error = {"code": 503, "message": "The service is currently unavailable.", "status": "UNAVAILABLE"}
        return self._framed(msgspec.json.encode({"error": error}), first=False, last=True)

    def broken(self) -> bytes:
        return self._framed(b'{"candidates": [{"content": {"role": "mod', first=False, last=True)

    def _framed(self, data: bytes, first: bool, last: bool) -> bytes:
        if self.sse:
            return b"data: " + data + b"\r\n\r\n"
        return (b"[" if first else b",\r\n") + data + (b"\n]\n" if last else b"\n")

    def _parts(self, answer: Answer, in_pieces: bool) -> list[tuple[dict[str, object], int]]:
        parts: list[tuple[dict[str, object], int]] = []
        signed = False
        for block in answer.blocks:
            if block.kind == "call":
                call = {"name": block.name, "args": argument_object(block.text)}
                part: dict[str, object] = {"functionCall": call}
                # Of parallel calls only the first is signed.
                if not signed:
                    part["thoughtSignature"] = block.signature
                signed = True
                parts.append((part, block.tokens))
                continue
            mark = {"thought": True} if block.kind == "thinking" else {}
            for text, tokens in deltas(block.text) if in_pieces else [(block.text, block.tokens)]:
                parts.append(({"text": text, **mark}, tokens))
        if answer.reasoning and parts and not signed and "thought" not in parts[-1][0]:
            parts[-1][0]["thoughtSignature"] = answer.blocks[-1].signature
        return parts

    def _candidate(
        self, answer: Answer, parts: list[dict[str, object]], last: bool, index: int = 0
    ) -> dict[str, object]:
        candidate: dict[str, object] = {"content": {"role": "model", "parts": parts}}
        if last:
            candidate["finishReason"] = "MAX_TOKENS" if answer.finish == "length" else "STOP"
        if index:  # JSON of a proto leaves 0 out
            candidate["index"] = index
        return candidate

    def _chunk(self, answer: Answer, parts: list[dict[str, object]], last: bool) -> dict[str, object]:
        return {
            "candidates": [self._candidate(answer, parts, last)],
            "usageMetadata": usage(answer) if last else {"trafficType": "ON_DEMAND"},
            "modelVersion": self.model,
            "createTime": datetime.fromtimestamp(answer.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "responseId": answer.id[:22],
        }


def usage(answer: Answer) -> dict[str, object]:
    """Cached tokens are part of the prompt's count; thoughts are counted beside the candidates."""
    visible = answer.output - answer.reasoning
    counts: dict[str, object] = {
        "promptTokenCount": answer.input,
        "candidatesTokenCount": visible,
        "totalTokenCount": answer.input + answer.output,
        "trafficType": "ON_DEMAND",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": answer.input}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": visible}],
    }
    if answer.reasoning:
        counts["thoughtsTokenCount"] = answer.reasoning
    if answer.cache_read:
        counts["cachedContentTokenCount"] = answer.cache_read
        counts["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.cache_read}]
    return counts


_BODY = msgspec.json.Decoder(Generate)
