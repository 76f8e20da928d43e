"""The common form of a request, written as OpenAI chat completions."""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from polycloud.core.chat import (
    ChatRequest,
    Effort,
    Media,
    Message,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.core.errors import Unsupported
from polycloud.gateway.dialects.needs import UNCHANGED
from polycloud.gateway.dialects.openai_chat_read import HINTS, NAME
from polycloud.gateway.dialects.reading import ENCODER
from polycloud.gateway.dialects.writing import has_cache_marks, has_thinking, lost, own_fields

# Reasoning effort and thinking budget are two spellings of one wish. The three middle steps are Google's
# (cloud.google.com/vertex-ai/generative-ai/docs/migrate/openai/overview, 2026-11); the ends are ours.
BUDGET_TOKENS: dict[Effort, int] = {
    "none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 65536,
}  # fmt: skip

# Models that refuse max_tokens (platform.openai.com/docs/guides/reasoning, 2026-11).
_REASONING_PREFIXES = ("o1", "o3", "o4", "gpt-5", "gpt-6")
MODELS_KEPT_MAX = 1024  # names of an estate's models; every request that bounds its answer asks for one
_SERVICE_TIERS = frozenset((b'"auto"', b'"default"', b'"flex"', b'"scale"', b'"priority"', b'"fast"'))
_SIMPLE = ("top_p", "temperature", "top_k", "seed", "frequency_penalty", "presence_penalty")
_SAMPLING = ("temperature", "top_p")
# The efforts that a family takes; the first prefix counts, and what none of them fits takes any. GPT-5.1 and later do
# not think until they are asked to, older ones can not be stopped (learn.microsoft.com/javascript/api/@azure/
# ai-projects/reasoningeffort, docs.vllm.ai for gpt-oss, 2026-11).
_LEVELS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_EFFORTS: tuple[tuple[str, tuple[Effort, ...]], ...] = (
    ("gpt-oss", ("low", "medium", "high")),
    ("o1", ("low", "medium", "high")),
    ("o3", ("low", "medium", "high")),
    ("o4", ("low", "medium", "high")),
    ("gpt-5-pro", ("high",)),
    ("gpt-5.1-codex-max", ("none", "low", "medium", "high", "xhigh")),
    ("gpt-5.1", ("none", "low", "medium", "high")),
    ("gpt-5.", ("none", "low", "medium", "high", "xhigh")),
    ("gpt-5", ("minimal", "low", "medium", "high")),
    ("gpt-6", ("none", "low", "medium", "high", "xhigh")),
)
# Open models whose servers take earlier reasoning back (api-docs.deepseek.com/guides/thinking_mode, docs.vllm.ai
# reasoning_outputs, 2026-11); OpenAI's and Azure's refuse the member as unknown.
_KEEP_REASONING = ("deepseek", "qwen", "kimi", "glm", "gpt-oss", "minimax")


def write_request(request: ChatRequest, model: str, called: str = "") -> bytes:
    """The body. Raises Unsupported for media that the format can not carry at its place."""
    body: dict[str, object] = {"model": called or model}
    body["messages"] = _messages(request.messages, model)
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.parallel_tools is not None:
            body["parallel_tool_calls"] = request.parallel_tools
    if request.tool_choice is not None and request.tools:
        body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.response_format is not None:
        body["response_format"] = _response_format(request.response_format)
    if request.max_tokens is not None:
        body["max_completion_tokens" if is_reasoning(model) else "max_tokens"] = request.max_tokens
    effort = effort_of(request, model)
    for name in _SIMPLE:
        value = getattr(request, name)
        if value is not None and not (name in _SAMPLING and _unsampled(model, effort)):
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    if effort is not None:
        body["reasoning_effort"] = effort
    if request.user:
        body["user"] = request.user
    for name, raw in request.hints.items():
        if _is_hint(name, raw):
            body[name] = msgspec.Raw(raw)
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    body.update(own_fields(request, NAME))
    return ENCODER.encode(body)


def dropped(request: ChatRequest, model: str) -> tuple[str, ...]:
    """Names of what ``write_request`` leaves out."""
    names = [name for name, raw in request.hints.items() if not _is_hint(name, raw)]
    names += lost(request, NAME)
    if request.prefill:
        names.append("messages.prefill")
    if request.thinking_budget is not None and request.effort is not None:
        names.append("thinking_budget")
    effort = effort_of(request, model)
    if effort != request.effort and not (effort == "none" and request.thinking_budget == 0):
        names.append(f"reasoning_effort:{effort}")
    if _unsampled(model, effort):
        names += [name for name in _SAMPLING if getattr(request, name) not in UNCHANGED]
    if has_thinking(request.messages) and not keeps_reasoning(model):
        names.append("thinking")
    if has_cache_marks(request):
        names.append("cache_control")
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolResult) and part.is_error:
                names.append("tool_result.is_error")
    return tuple(dict.fromkeys(names))


@lru_cache(MODELS_KEPT_MAX)
def is_reasoning(model: str) -> bool:
    """Whether a model takes max_completion_tokens only, by its name (a vendor's prefix is skipped)."""
    return _bare(model).startswith(_REASONING_PREFIXES)


@lru_cache(MODELS_KEPT_MAX)
def is_openai(model: str) -> bool:
    """Whether a model is one that OpenAI and Azure serve, which refuse members of messages that they do not know."""
    name = _bare(model)
    return name.startswith(("gpt-", "chatgpt", *_REASONING_PREFIXES)) and not name.startswith("gpt-oss")


def _bare(model: str) -> str:
    return model.rpartition("/")[2].rpartition("openai.")[2]


def _unsampled(model: str, effort: Effort | None) -> bool:
    """Whether the model refuses temperature and top-p because it is asked to think."""
    return effort not in (None, "none") and is_reasoning(model)


def keeps_reasoning(model: str) -> bool:
    """Whether a model's servers take the reasoning of earlier turns back, by its name."""
    name = model.lower()
    return any(family in name for family in _KEEP_REASONING)


def keeps_signatures(model: str) -> bool:
    """Whether a model wants the thought signatures of earlier tool calls back, by its name: to others the member is
    unknown, and some servers refuse it."""
    return "gemini" in model.lower()


def effort_of(request: ChatRequest, model: str) -> Effort | None:
    """The effort that was asked for, or the largest one whose budget fits in the thinking budget; the nearest of those
    that the model has."""
    asked = _asked(request)
    name = _bare(model)
    levels = next((levels for prefix, levels in _EFFORTS if name.startswith(prefix)), _LEVELS)
    if asked is None or asked in levels:
        return asked
    at = _LEVELS.index(asked)
    return min(reversed(levels), key=lambda level: abs(_LEVELS.index(level) - at))


def _asked(request: ChatRequest) -> Effort | None:
    if request.effort is not None or request.thinking_budget is None:
        return request.effort
    if request.thinking_budget <= 0:
        return "none"
    if request.thinking_budget >= BUDGET_TOKENS["high"]:
        return "high"
    return "medium" if request.thinking_budget >= BUDGET_TOKENS["medium"] else "low"


def _is_hint(name: str, raw: bytes) -> bool:
    return name in HINTS and (name != "service_tier" or raw in _SERVICE_TIERS)


def _messages(messages: Sequence[Message], model: str) -> list[dict[str, object]]:
    written: list[dict[str, object]] = []
    for message in messages:
        if message.role == "assistant":
            written.append(_assistant(message, model))
            continue
        rest: list[Part] = []
        results = False
        for part in message.parts:
            if isinstance(part, ToolResult):
                results = True
                written.append(_tool_message(part))
            else:
                rest.append(part)
        if rest or not results:
            body: dict[str, object] = {"role": message.role, "content": _content(rest)}
            if message.name:
                body["name"] = message.name
            written.append(body)
    return written


def _tool_message(result: ToolResult) -> dict[str, object]:
    texts = []
    for part in result.parts:
        if not isinstance(part, Text):
            raise Unsupported(f"openai_chat tool results carry text only, no {part.kind}", "messages")
        texts.append(part)
    return {"role": "tool", "tool_call_id": result.call_id, "content": _content(texts)}


def _assistant(message: Message, model: str) -> dict[str, object]:
    thinking: list[Thinking] = []
    calls: list[dict[str, object]] = []
    rest: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolCall):
            calls.append(tool_call(part, signed=keeps_signatures(model)))
        elif isinstance(part, Thinking):
            thinking.append(part)
        else:
            rest.append(part)
    body: dict[str, object] = {"role": "assistant", "content": _content(rest) if rest or not calls else None}
    text = "".join(t.text for t in thinking)
    if text and keeps_reasoning(model):
        body["reasoning_content"] = text
    if calls:
        body["tool_calls"] = calls
    if message.name:
        body["name"] = message.name
    return body


def tool_call(call: ToolCall, *, signed: bool = True) -> dict[str, object]:
    """A whole tool call, in requests and in answers; ``signed``: with Gemini's thought signature."""
    body: dict[str, object] = {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }
    if call.signature and signed:
        body["extra_content"] = {"google": {"thought_signature": call.signature}}
    return body


def _content(parts: Sequence[Part]) -> str | list[dict[str, object]]:
    """One text is written as a string: some servers know no other form."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts]


def _part(part: Part) -> dict[str, object]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if not isinstance(part, Media):
        raise Unsupported(f"a {type(part).__name__} can not stand at this place in an openai_chat request", "messages")
    if part.kind == "image":
        url = f"data:{part.media_type};base64,{part.data}" if part.data else part.url
        image = {"url": url, "detail": part.detail} if part.detail else {"url": url}
        return {"type": "image_url", "image_url": image}
    if part.kind == "audio" and part.data:
        kind = {"audio/mpeg": "mp3"}.get(part.media_type, part.media_type.removeprefix("audio/"))
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind}}
    if part.kind == "document" and part.data:
        data = f"data:{part.media_type};base64,{part.data}"
        return {"type": "file", "file": {"filename": part.name or "document", "file_data": data}}
    raise Unsupported(f"openai_chat requests carry no {part.kind} by URL", "messages")


def _tool(tool: Tool) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.schema:
        function["parameters"] = msgspec.Raw(tool.schema)
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice) -> object:
    if choice.mode == "named":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode


def _response_format(wanted: ResponseFormat) -> dict[str, object]:
    if not wanted.schema:
        return {"type": "json_object"}
    schema: dict[str, object] = {"name": wanted.name or "answer"}
    if wanted.description:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["strict"] = wanted.strict
    schema["schema"] = msgspec.Raw(wanted.schema)
    return {"type": "json_schema", "json_schema": schema}
