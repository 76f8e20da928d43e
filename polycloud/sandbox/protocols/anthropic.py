"""Anthropic's messages as Vertex AI and Azure serve them: the body, typed and strict, and the answer.

Sources: the types of anthropic 2.11.0, recorded traffic, docs.claude.com/en/api/messages,
docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude and
platform.claude.com/docs/en/build-with-claude/claude-in-microsoft-foundry (2026-11).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeVar

import msgspec

from polycloud.sandbox.ask import Answer, Ask, Mark, Piece, Tool
from polycloud.sandbox.ask import Block as AnswerBlock
from polycloud.sandbox.protocols import claude
from polycloud.sandbox.protocols.common import Frame, Mistake, Refused, argument_object, compact, deltas, mistake
from polycloud.sandbox.wire import Reply

VERSIONS = ("vertex-2023-10-16", "2026-10-21")  # the documented one, and what anthropic 2.11.0 sends
JSON = {"content-type": "application/json"}
_FINISH = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tool_calls": "tool_use"}
_KINDS = {
    "int": "integer",
    "str": "string",
    "bool": "boolean",
    "array": "list",
    "object": "dictionary",
    "float": "number",
}


_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
B = TypeVar("B", bound="Body")


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """Base of every part."""


class CacheControl(Shape):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class TextBlock(Shape, tag_field="type", tag="text"):
    text: str
    cache_control: CacheControl | None = None
    citations: object = None


class ImageBlock(Shape, tag_field="type", tag="image"):
    source: object
    cache_control: CacheControl | None = None


class DocumentBlock(Shape, tag_field="type", tag="document"):
    source: object
    cache_control: CacheControl | None = None
    citations: object = None
    context: str | None = None
    title: str | None = None


class SearchResult(Shape, tag_field="type", tag="search_result"):
    """What the caller found; docs.claude.com/en/docs/build-with-claude/search-results (2026-11)."""

    source: str
    title: str
    content: list[TextBlock]
    cache_control: CacheControl | None = None
    citations: object = None


class ToolUse(Shape, tag_field="type", tag="tool_use"):
    id: str
    name: str
    input: dict[str, object]
    cache_control: CacheControl | None = None
    caller: object = None


class ToolResult(Shape, tag_field="type", tag="tool_result"):
    tool_use_id: str
    content: str | list[TextBlock | ImageBlock | DocumentBlock | SearchResult] | None = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None


class ThinkingBlock(Shape, tag_field="type", tag="thinking"):
    thinking: str
    signature: str


class RedactedBlock(Shape, tag_field="type", tag="redacted_thinking"):
    data: str


Block = TextBlock | ImageBlock | DocumentBlock | SearchResult | ToolUse | ToolResult | ThinkingBlock | RedactedBlock


class Message(Shape):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class ToolSpec(Shape):
    name: str
    input_schema: dict[str, object]
    description: str | None = None
    type: Literal["custom"] | None = None
    cache_control: CacheControl | None = None
    strict: bool | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[dict[str, object]] | None = None


class Choice(Shape):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Format(Shape):
    type: Literal["json_schema"]
    schema: dict[str, object]


class OutputConfig(Shape):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None
    task_budget: object = None


class Body(Shape, kw_only=True):
    """What both clouds read in the body."""

    max_tokens: int
    messages: list[Message]
    cache_control: CacheControl | None = None
    container: object = None
    context_management: object = None
    diagnostics: object = None
    inference_geo: str | None = None
    metadata: object = None
    output_config: OutputConfig | None = None
    service_tier: str | None = None
    speed: Literal["standard", "fast"] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    system: str | list[TextBlock] | None = None
    temperature: float | None = None
    thinking: dict[str, object] | None = None
    tool_choice: Choice | None = None
    tools: list[ToolSpec] | None = None
    top_k: int | None = None
    top_p: float | None = None


class VertexBody(Body, kw_only=True):
    """The version and the betas are said here, the model in the address."""

    anthropic_version: str
    anthropic_beta: list[str] | None = None


class AzureBody(Body, kw_only=True):
    """As Anthropic's own: the version and the betas are said in headers."""

    model: str


def error(status: int, kind: str, message: str, request_id: str = "req_simulated") -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}
    return Reply(status, msgspec.json.encode(body), {**JSON, "request-id": request_id})


def trouble(status: int) -> Reply:
    """The error that comes with a status of the server's own."""
    name, text = ("overloaded_error", "Overloaded") if status == 529 else ("api_error", "Internal server error")
    return error(status, name, text)


def invalid(message: str) -> Refused:
    return Refused(error(400, "invalid_request_error", message))


def parse(raw: bytes) -> VertexBody:
    """Raises Refused in Anthropic's words."""
    body = _decoded(_VERTEX, raw)
    if body.anthropic_version not in VERSIONS:
        raise invalid(f"anthropic_version: Input should be '{VERSIONS[0]}'")
    _check(body)
    return body


def parse_azure(raw: bytes) -> AzureBody:
    """Raises Refused in Anthropic's words."""
    body = _decoded(_AZURE, raw)
    _check(body)
    return body


def _decoded(decoder: msgspec.json.Decoder[B], raw: bytes) -> B:
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as wrong:
        raise invalid(_wording(mistake(wrong))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid("The request body is not valid JSON.") from None


def _check(body: Body) -> None:
    if body.max_tokens < 1:
        raise invalid("max_tokens: Input should be greater than or equal to 1")
    for name, value in (("temperature", body.temperature), ("top_p", body.top_p)):
        if value is not None and not 0 <= value <= 1:
            raise invalid(f"{name}: range: 0..1")
    if complaint := claude.stop_complaint(body.stop_sequences or []):
        raise invalid(complaint)
    _check_messages(body)
    complaint = claude.signature_complaint(_shown(body))
    if not complaint and body.thinking is not None:
        forced = body.tool_choice is not None and body.tool_choice.type in ("any", "tool")
        complaint = claude.thinking_complaint(
            body.thinking, body.max_tokens, body.temperature, forced, _opens_with_thinking(body)
        )
    if complaint:
        raise invalid(complaint)


def _wording(found: Mistake) -> str:
    place = re.sub(r"\[(\d+|\.\.\.)\]", r".\1", found.path)
    if found.kind == "unknown":
        return f"{place}: Extra inputs are not permitted"
    if found.kind == "missing":
        return f"{place}: Field required"
    if found.kind == "type":
        wanted = next((w.strip() for w in found.wanted.split("|") if w.strip() != "null"), "value")
        return f"{place}: Input should be a valid {_KINDS.get(wanted, wanted)}"
    return f"{place}: {found.text}"


def _check_messages(body: Body) -> None:
    if not body.messages:
        raise invalid("messages: at least one message is required")
    if body.tool_choice is not None and not body.tools:
        raise invalid("tool_choice: may only be specified while providing tools")
    names = [tool.name for tool in body.tools or ()]
    wrong = next((i for i, name in enumerate(names) if not _TOOL_NAME.fullmatch(name)), None)
    if wrong is not None:
        raise invalid(f"tools.{wrong}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    if len(names) > len({*names}):
        raise invalid("tools: Tool names must be unique.")
    waiting: list[str] = []
    for i, message in enumerate(body.messages):
        blocks = _blocks(message)
        results = [b.tool_use_id for b in blocks if isinstance(b, ToolResult)]
        missing = [w for w in waiting if w not in results]
        if missing:
            raise invalid(_unanswered(i - 1, missing))
        for j, block in enumerate(blocks):
            if isinstance(block, TextBlock) and not block.text:
                raise invalid(f"messages.{i}.content.{j}: text content blocks must be non-empty")
            if isinstance(block, ToolResult) and block.tool_use_id not in waiting:
                raise invalid(
                    f"messages.{i}.content.{j}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                    "previous message."
                )
        if not blocks and i < len(body.messages) - 1:
            raise invalid(
                "messages: all messages must have non-empty content except for the optional final assistant message"
            )
        waiting = [b.id for b in blocks if isinstance(b, ToolUse)]
    if waiting:
        raise invalid(_unanswered(len(body.messages) - 1, waiting))


def _unanswered(at: int, ids: list[str]) -> str:
    names = ", ".join(ids)
    return (
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: {names}. Each "
        "`tool_use` block must have a corresponding `tool_result` block in the next message."
    )


def _blocks(message: Message) -> list[Block]:
    if isinstance(message.content, str):
        return [TextBlock(message.content)] if message.content else []
    return message.content


def _shown(body: Body) -> list[claude.Shown]:
    return [
        claude.Shown(f"messages.{i}.content.{j}", block.thinking, block.signature)
        for i, message in enumerate(body.messages)
        for j, block in enumerate(_blocks(message))
        if isinstance(block, ThinkingBlock)
    ]


def _opens_with_thinking(body: Body) -> bool:
    last = _blocks(body.messages[-1])
    if len(body.messages) < 2 or not any(isinstance(b, ToolResult) for b in last):
        return True
    return isinstance(_blocks(body.messages[-2])[0], ThinkingBlock | RedactedBlock)


def ask_of(body: Body) -> Ask:
    """The question in ``body``."""
    pieces: list[Piece] = []
    if isinstance(body.system, str):
        pieces.append(Piece("system", body.system))
    elif body.system is not None:
        pieces += [Piece("system", block.text, mark=_mark(block.cache_control)) for block in body.system]
    names: dict[str, str] = {}
    for message in body.messages:
        pieces += [_piece(message.role, block, names) for block in _blocks(message)]
    if body.cache_control is not None and pieces:
        pieces[-1].mark = _mark(body.cache_control)
    tools = [Tool(t.name, t.description or "", t.input_schema, _mark(t.cache_control)) for t in body.tools or ()]
    ask = Ask(pieces=pieces, tools=tools, max_tokens=body.max_tokens, stop=body.stop_sequences or [])
    choice = body.tool_choice
    if choice is not None:
        ask.parallel = not choice.disable_parallel_tool_use
        if choice.type == "tool":
            ask.choice, ask.choice_name = "named", choice.name or ""
        else:
            ask.choice = "required" if choice.type == "any" else "none" if choice.type == "none" else "auto"
    if body.output_config is not None and body.output_config.format is not None:
        ask.schema = body.output_config.format.schema
    ask.thinking = claude.thinks(body.thinking)
    ask.salt = compact([body.temperature, body.top_p, body.top_k])
    return ask


def _mark(control: CacheControl | None) -> Mark:
    return "" if control is None else control.ttl or "5m"


def _said(block: TextBlock | SearchResult) -> str:
    if isinstance(block, TextBlock):
        return block.text
    return f"{block.title} ({block.source}): " + " ".join(part.text for part in block.content)


def _piece(role: Literal["user", "assistant", "system"], block: Block, names: dict[str, str]) -> Piece:
    if isinstance(block, ThinkingBlock):
        return Piece("thinking", block.thinking)
    if isinstance(block, RedactedBlock):
        return Piece("thinking", block.data)
    mark = _mark(block.cache_control)
    if isinstance(block, TextBlock | SearchResult):
        return Piece(role, _said(block), mark=mark)
    if isinstance(block, ToolUse):
        names[block.id] = block.name
        return Piece("call", compact(block.input), block.name, mark)
    if isinstance(block, ToolResult):
        content = block.content if isinstance(block.content, list) else [TextBlock(block.content or "")]
        text = "".join(_said(c) for c in content if isinstance(c, TextBlock | SearchResult))
        images = sum(not isinstance(c, TextBlock | SearchResult) for c in content)
        return Piece("tool", text, names.get(block.tool_use_id, ""), mark, images)
    return Piece(role, "", mark=mark, images=1)


class MessagesWriter:
    """Writes messages. ``refused``: the model declined, as Anthropic's streaming classifiers do;
    ``omits_thinking``: of a thought only the signature is shown; ``mark``: what the cloud puts into ids."""

    def __init__(
        self,
        model: str,
        refused: bool = False,
        omits_thinking: bool = False,
        mark: str = "vrtx_",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.model, self.refused, self.omits_thinking = model.partition("@")[0], refused, omits_thinking
        self.mark, self.headers = mark, headers

    def whole(self, answer: Answer) -> Reply:
        content = [self._content(b) for b in answer.blocks]
        body = {
            **self._message(answer),
            "content": content,
            **self._stop(answer),
            "usage": usage(answer, answer.output),
        }
        return Reply(200, msgspec.json.encode(body), {**JSON, **self.headers})

    def head(self, answer: Answer) -> dict[str, str]:
        return {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", **self.headers}

    def frames(self, answer: Answer) -> list[Frame]:
        nothing = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
        message = {**self._message(answer), "content": [], **nothing, "usage": usage(answer, 1)}
        frames: list[Frame] = [(_event("message_start", {"message": message}), 0)]
        for i, block in enumerate(answer.blocks):
            frames += self._block_frames(i, block)
            if i == 0:
                frames.insert(2, (b'event: ping\ndata: {"type": "ping"}\n\n', 0))
        delta = {"delta": self._stop(answer), "usage": usage(answer, answer.output)}
        return [*frames, (_event("message_delta", delta), 0), (_event("message_stop", {}), 0)]

    def failure(self) -> bytes:
        return _event("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}})

    def broken(self) -> bytes:
        return b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del\n\n'

    def _block_frames(self, i: int, block: AnswerBlock) -> list[Frame]:
        pieces = [] if block.kind == "thinking" and self.omits_thinking else list(deltas(block.text))
        opened = block.tokens - sum(n for _, n in pieces)
        start = self._content(block)
        if block.kind == "call":
            start["input"] = {}
            kind, member = "input_json_delta", "partial_json"
        elif block.kind == "thinking":
            start.update(thinking="", signature="")
            kind, member = "thinking_delta", "thinking"
        else:
            start["text"] = ""
            kind, member = "text_delta", "text"
        frames: list[Frame] = [(_event("content_block_start", {"index": i, "content_block": start}), opened)]
        for text, tokens in pieces:
            delta = {"type": kind, member: text}
            frames.append((_event("content_block_delta", {"index": i, "delta": delta}), tokens))
        if block.kind == "thinking":
            signed = {"type": "signature_delta", "signature": block.signature}
            frames.append((_event("content_block_delta", {"index": i, "delta": signed}), 0))
        return [*frames, (_event("content_block_stop", {"index": i}), 0)]

    def _content(self, block: AnswerBlock) -> dict[str, object]:
        if block.kind == "thinking":
            shown = "" if self.omits_thinking else block.text
            return {"type": "thinking", "thinking": shown, "signature": block.signature}
        if block.kind == "text":
            return {"type": "text", "text": block.text}
        return {
            "type": "tool_use",
            "id": f"toolu_{self.mark}{block.id}",
            "name": block.name,
            "input": argument_object(block.text),
        }

    def _message(self, answer: Answer) -> dict[str, object]:
        return {"id": f"msg_{self.mark}{answer.id[:24]}", "type": "message", "role": "assistant", "model": self.model}

    def _stop(self, answer: Answer) -> dict[str, object]:
        reason = "refusal" if self.refused else _FINISH[answer.finish]
        details = {"type": "refusal", "category": "general_harms", "explanation": None} if self.refused else None
        return {"stop_reason": reason, "stop_sequence": answer.stop_sequence or None, "stop_details": details}


def refusal(model: str, *, stream: bool, mark: str = "vrtx_") -> Reply:
    """The answer of a Claude that declined."""
    answer, writer = (
        Answer(id="0" * 64, blocks=[], finish="stop", input=0, output=0),
        MessagesWriter(model, True, mark=mark),
    )
    if stream:
        return Reply(200, b"".join(data for data, _ in writer.frames(answer)), writer.head(answer))
    return writer.whole(answer)


def usage(answer: Answer, output: int) -> dict[str, object]:
    """Cached tokens are not part of ``input_tokens``."""
    return {
        "input_tokens": answer.input - answer.cache_read - answer.cache_write,
        "cache_creation_input_tokens": answer.cache_write,
        "cache_read_input_tokens": answer.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": answer.cache_write - answer.cache_write_hour,
            "ephemeral_1h_input_tokens": answer.cache_write_hour,
        },
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": min(answer.reasoning, output)},
    }


def _event(kind: str, payload: Mapping[str, object]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind, **payload}) + b"\n\n"


_VERTEX = msgspec.json.Decoder(VertexBody)
_AZURE = msgspec.json.Decoder(AzureBody)
