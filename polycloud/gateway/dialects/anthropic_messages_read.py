"""An Anthropic messages request, read into the common form."""

from typing import Literal

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
from polycloud.core.errors import BadRequest, Unsupported
from polycloud.gateway.dialects import anthropic_messages_wire as wire
from polycloud.gateway.dialects.anthropic_messages_headers import BETA
from polycloud.gateway.dialects.cache_marks import cache_mark
from polycloud.gateway.dialects.reading import chosen, given
from polycloud.gateway.dialects.unread import unread

NAME = "anthropic_messages"

CARRIED = frozenset(
    (
        "model", "max_tokens", "messages", "system", "tools", "tool_choice", "thinking", "output_config",
        "output_format", "stop_sequences", "temperature", "top_p", "top_k", "stream", "metadata", "cache_control",
    )
)  # fmt: skip
# Members that ask nothing of a target: they choose capacity, speed or diagnostics, or switch on what other members
# (which are needs of their own) then ask for.
HINTS = frozenset(("service_tier", "speed", "diagnostics", BETA))
KNOWN = CARRIED | HINTS
# Members that bring tools which the provider runs (code execution and skills, MCP servers).
NATIVE = frozenset(("container", "mcp_servers"))
TEXT_BLOCKS = frozenset(("text", "thinking", "redacted_thinking", "tool_use", "tool_result"))
COMMON_BLOCKS = TEXT_BLOCKS | {"image", "document"}
# Members that say what is so anyway: the SDK hands them back with a model's own blocks.
_NEUTRAL: dict[str, object] = {"messages.content.caller": {"type": "direct"}}
_MODES = {"auto": "auto", "any": "required", "none": "none", "tool": "named"}


def read_request(request: wire.Request, fields: dict[str, msgspec.Raw]) -> ChatRequest:
    """``fields`` are the same members as raw JSON. Raises BadRequest, and Unsupported for what has no common form."""
    messages = [_message(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
    if request.system:
        messages.insert(0, Message("system", _blocks(request.system, "system")))
    if request.cache_control is not None:  # the whole request's mark stands for one on its last block
        _mark_last(messages, request.cache_control)
    effort, budget = _thinking(request)
    choice = request.tool_choice
    extras = extra_fields(request, fields)
    return ChatRequest(
        model=request.model,
        messages=tuple(messages),
        tools=tuple(
            _tool(tool, f"tools[{i}]") for i, tool in enumerate(request.tools or ()) if not is_server_tool(tool)
        ),
        tool_choice=_tool_choice(choice) if choice is not None else None,
        parallel_tools=None
        if choice is None or choice.disable_parallel_tool_use is None
        else not choice.disable_parallel_tool_use,
        response_format=_response_format(request),
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=tuple(request.stop_sequences or ()),
        effort=effort,
        thinking_budget=budget,
        stream=bool(request.stream),
        include_usage=True,
        user=(request.metadata.user_id or "") if request.metadata is not None else "",
        hints=chosen(fields, HINTS),
        extras={NAME: extras} if extras else {},
        lost=unread(wire.Request, fields, _NEUTRAL),
        prefill=request.messages[-1].role == "assistant",
    )


def extra_fields(request: wire.Request, fields: dict[str, msgspec.Raw]) -> dict[str, bytes]:
    """Members that only this dialect carries, as raw JSON: unknown ones, and known ones with special content."""
    found = chosen(fields, fields.keys() - KNOWN)
    if request.tools and any(is_special_tool(tool) for tool in request.tools):
        found["tools"] = bytes(fields["tools"])
    if request.output_config is not None and given(request.output_config.task_budget):
        found["output_config"] = bytes(fields["output_config"])
    if request.thinking is not None and request.thinking.type not in ("enabled", "adaptive", "disabled"):
        found["thinking"] = bytes(fields["thinking"])
    return found


def is_server_tool(tool: wire.Tool) -> bool:
    return tool.type is not None and tool.type != "custom"


def is_special_tool(tool: wire.Tool) -> bool:
    """Whether a tool is more than a name, a description and a schema, or is one of the provider's own."""
    return (
        is_server_tool(tool)
        or bool(tool.defer_loading)
        or tool.allowed_callers is not None
        or given(tool.input_examples)
    )


def _mark_last(messages: list[Message], control: wire.CacheControl) -> None:
    for i in range(len(messages) - 1, -1, -1):
        parts = messages[i].parts
        if parts and not isinstance(parts[-1], Thinking):
            last = msgspec.structs.replace(parts[-1], cache=cache_mark(control.type, control.ttl))
            messages[i] = msgspec.structs.replace(messages[i], parts=(*parts[:-1], last))
            return


def _message(message: wire.Message, where: str) -> Message:
    return Message(message.role, _blocks(message.content, f"{where}.content"))


def _blocks(content: str | list[wire.Block], where: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),) if content else ()
    return tuple(_part(block, f"{where}[{i}]") for i, block in enumerate(content))


def _part(block: wire.Block, where: str) -> Part:
    control = block.cache_control
    cache = cache_mark(control.type, control.ttl) if control is not None else ""
    kind = block.type
    if kind == "text" and block.text is not None:
        return Text(block.text, cache)
    if kind in ("image", "document") and block.source is not None:
        return _media(block, where)
    if kind == "thinking":
        return Thinking(block.thinking or "", block.signature or "")
    if kind == "redacted_thinking" and block.data is not None:
        return Thinking(redacted=block.data)
    if kind == "tool_use" and block.id is not None and block.name is not None:
        arguments = bytes(block.input).decode() if given(block.input) else "{}"
        signature = block.polycloud.signature if block.polycloud is not None else ""
        return ToolCall(block.id, block.name, arguments, signature, cache)
    if kind == "tool_result" and block.tool_use_id is not None:
        return ToolResult(block.tool_use_id, _result(block, where), bool(block.is_error), cache)
    if kind in COMMON_BLOCKS:
        raise BadRequest(f"{where}: a required member of a {kind} block is missing", where)
    raise Unsupported(f"{where}.type: {kind[:40]!r} blocks have no common form", where)


def _result(block: wire.Block, where: str) -> tuple[Text | Media, ...]:
    content = block.content
    if content is None:
        return ()
    if isinstance(content, wire.Block):
        raise BadRequest(f"{where}.content: expected a string or an array, got an object", f"{where}.content")
    found = []
    for part in _blocks(content, f"{where}.content"):
        if not isinstance(part, Text | Media):
            raise BadRequest(f"{where}.content: tool results hold text, images and documents", f"{where}.content")
        found.append(part)
    return tuple(found)


def _media(block: wire.Block, where: str) -> Media:
    source = block.source
    control = block.cache_control
    cache = cache_mark(control.type, control.ttl) if control is not None else ""
    kind: Literal["image", "document"] = "image" if block.type == "image" else "document"
    if isinstance(source, wire.Source):
        if source.type == "base64" and source.data is not None:
            return Media(kind, source.media_type or "", source.data, "", cache)
        if source.type == "url" and source.url is not None:
            return Media(kind, "", "", source.url, cache)
    raise Unsupported(f"{where}.source: only base64 and url sources have a common form", where)


def _tool(tool: wire.Tool, where: str) -> Tool:
    if not tool.name:
        raise BadRequest(f"{where}.name: this field is required", f"{where}.name")
    control = tool.cache_control
    return Tool(
        tool.name,
        tool.description or "",
        bytes(tool.input_schema) if given(tool.input_schema) else b"",
        tool.strict,
        cache_mark(control.type, control.ttl) if control is not None else "",
    )


def _tool_choice(choice: wire.ToolChoice) -> ToolChoice:
    mode = _MODES.get(choice.type)
    if mode is None:
        raise BadRequest("tool_choice.type: must be auto, any, tool or none", "tool_choice.type")
    if mode == "named":
        if not choice.name:
            raise BadRequest("tool_choice.name: this field is required", "tool_choice.name")
        return ToolChoice("named", choice.name)
    if mode == "required":
        return ToolChoice("required")
    return ToolChoice("none" if mode == "none" else "auto")


def _thinking(request: wire.Request) -> tuple[Effort | None, int | None]:
    """(effort, thinking budget); adaptive thinking without an effort is the provider's default, high."""
    effort: Effort | None = request.output_config.effort if request.output_config is not None else None
    thinking = request.thinking
    if thinking is None:
        return effort, None
    if thinking.type == "enabled":
        if thinking.budget_tokens is None:
            raise BadRequest("thinking.budget_tokens: this field is required", "thinking.budget_tokens")
        return effort, thinking.budget_tokens
    if thinking.type == "disabled":
        return "none", None
    return effort or "high", None


def _response_format(request: wire.Request) -> ResponseFormat | None:
    asked = request.output_config.format if request.output_config is not None else None
    asked = asked or request.output_format
    if asked is None:
        return None
    if asked.type != "json_schema" or not given(asked.schema):
        raise BadRequest("output_config.format: must be json_schema with a schema", "output_config.format")
    return ResponseFormat(schema=bytes(asked.schema))
