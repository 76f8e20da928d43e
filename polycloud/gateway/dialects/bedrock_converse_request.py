"""Writes a chat as the body of Bedrock's Converse and ConverseStream.

Shapes from botocore 1.44.5 ``bedrock-runtime/2023-09-30/service-2.json`` (2026-11): two roles that
alternate, system text beside them, cache points as blocks of their own.
"""

import base64
import re
from zlib import crc32

import msgspec

from polycloud.core.chat import CacheMark, ChatRequest, Part, ResponseFormat, Thinking, Tool, ToolCall, ToolResult
from polycloud.gateway.dialects import bedrock_converse_models as models
from polycloud.gateway.dialects import writing
from polycloud.gateway.dialects.anthropic_messages_headers import BETA

NAME = "bedrock_converse"
TOOL_ID_CHARS = 48  # of a foreign id that is kept; with its checksum it stays below the 64 that Bedrock allows
OPAQUE = "bedrock:"  # marks redacted thinking that is no text and so travels as Bedrock's own base64

_TOOL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NO_TOOL_ID = re.compile(r"[^a-zA-Z0-9_-]")

Body = dict[str, object]


def write_request(request: ChatRequest, model: str) -> bytes:
    body: Body = {"messages": _messages(request, model)}
    system = _system(request, model)
    if system:
        body["system"] = system
    extra, effort, max_tokens = models.thinking_fields(request, model)
    thinks = models.claude_thinks(extra)
    inference = _inference(request, max_tokens, thinks, _stops(request, model))
    if inference:
        body["inferenceConfig"] = inference
    if "stopSequences" in inference and models.family(model) == "claude":
        body["additionalModelResponseFieldPaths"] = ["/stop_sequence"]  # Converse itself does not say which was hit
    tools, native_choice = _tool_config(request, model)
    if tools:
        body["toolConfig"] = tools
    if native_choice:
        extra["tool_choice"] = native_choice
    if request.top_k is not None and not thinks:
        extra.update(models.top_k_fields(request.top_k, model))
    if BETA in request.hints and models.family(model) == "claude":
        extra[BETA] = msgspec.Raw(request.hints[BETA])
    if extra:
        body["additionalModelRequestFields"] = extra
    output: Body = {"effort": effort} if effort else {}
    if request.response_format is not None and request.response_format.schema:
        output["textFormat"] = _text_format(request.response_format)
    if output:
        body["outputConfig"] = output
    body.update(writing.own_fields(request, NAME))
    return msgspec.json.encode(body)


def dropped(request: ChatRequest, model: str) -> tuple[str, ...]:
    names = writing.foreign_fields(request, NAME)
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(request, name) is not None:
            names.append(name)
    if request.response_format is not None and not request.response_format.schema:
        names.append("response_format")
    names += models.lost_fields(request, model)
    if any(message.name for message in request.messages):
        names.append("messages.name")
    if writing.needs_opening(request.messages, lambda part: not isinstance(part, Thinking) or _carried(part, model)):
        names.append("messages")
    # Claude and Nova go on with an answer that was begun (docs.aws.amazon.com/nova/latest/userguide/
    # prompting-prefilling.html, 2026-11).
    if request.prefill and models.family(model) not in ("claude", "nova"):
        names.append("messages.prefill")
    if len(_stops(request, model)) < len(request.stop):
        names.append("stop")
    wanted = request.response_format
    if wanted is not None and wanted.strict is False:
        names.append("response_format.strict")
    if BETA in names and models.family(model) == "claude":
        names.remove(BETA)
    if writing.has_late_system(request.messages):
        names.append("messages.system")
    if any(not _carried(part, model) for m in request.messages for part in m.parts if isinstance(part, Thinking)):
        names.append("thinking")
    if _none_is_lost(request, model):
        names.append("tool_choice")
    return tuple(dict.fromkeys(names))


def _system(request: ChatRequest, model: str) -> list[Body]:
    blocks: list[Body] = []
    for message in request.messages:
        if message.role == "system":
            for part in message.parts:
                text = writing.plain_text(part, NAME)
                if text.text.strip():
                    blocks.append({"text": text.text})
                    blocks += _cache_point(text.cache, model)
    return blocks


def _messages(request: ChatRequest, model: str) -> list[Body]:
    """Messages that alternate and begin with the user: what stands side by side is merged, empty ones go."""
    turns: list[tuple[str, list[list[Body]]]] = []
    for message in request.messages:
        if message.role == "system":
            continue
        written = [blocks for part in message.parts if (blocks := _blocks(part, model))]
        if turns and turns[-1][0] == message.role:
            turns[-1][1].extend(written)
        elif written:
            turns.append((message.role, written))
    if not turns or turns[0][0] == "assistant":
        turns.insert(0, ("user", [[{"text": writing.OPENING}]]))
    for _, written in turns:
        written.sort(key=_after_results)
    messages: list[Body] = [{"role": role, "content": [b for blocks in w for b in blocks]} for role, w in turns]
    if turns and turns[-1][0] == "assistant":
        _trim(turns[-1][1][-1][0])
    return messages


def _after_results(blocks: list[Body]) -> bool:
    """Claude refuses tool results behind other content."""
    return "toolResult" not in blocks[0]


def _trim(block: Body) -> None:
    """Claude refuses an answer to go on with that ends in blanks."""
    text = block.get("text")
    if isinstance(text, str):
        block["text"] = text.rstrip()


def _blocks(part: Part, model: str) -> list[Body]:
    if isinstance(part, Thinking):
        return [_reasoning(part)] if _carried(part, model) else []
    if isinstance(part, ToolCall):
        use = {"toolUseId": _tool_id(part.id), "name": part.name, "input": writing.arguments_object(part.arguments)}
        return [{"toolUse": use}, *_cache_point(part.cache, model)]
    if isinstance(part, ToolResult):
        return [_tool_result(part), *_cache_point(part.cache, model)]
    text = writing.plain_text(part, NAME)
    return [{"text": text.text}, *_cache_point(text.cache, model)] if text.text.strip() else []


def _tool_result(part: ToolResult) -> Body:
    texts = [writing.plain_text(item, NAME).text for item in part.parts]
    result: Body = {"toolUseId": _tool_id(part.call_id), "content": [{"text": text} for text in texts if text.strip()]}
    if part.is_error:
        result["status"] = "error"
    return {"toolResult": result}


def _tool_id(given: str) -> str:
    """``given`` where Bedrock and Claude take it, else the same acceptable id for it each time."""
    if _TOOL_ID.fullmatch(given):
        return given
    return f"{_NO_TOOL_ID.sub('_', given)[:TOOL_ID_CHARS]}_{crc32(given.encode()):08x}"


def _reasoning(part: Thinking) -> Body:
    if part.redacted:
        data = part.redacted
        opaque = data[len(OPAQUE) :] if data.startswith(OPAQUE) else base64.b64encode(data.encode()).decode()
        return {"reasoningContent": {"redactedContent": opaque}}
    return {"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}


def _carried(part: Thinking, model: str) -> bool:
    return models.family(model) == "claude" and models.keeps(part)


def _cache_point(mark: CacheMark, model: str, *, tool: bool = False) -> list[Body]:
    ttl = models.cache_ttl(mark, model, tool=tool)
    if not ttl:
        return []
    # Five minutes is the default, and older models refuse the field.
    return [{"cachePoint": {"type": "default", "ttl": ttl} if ttl == "1h" else {"type": "default"}}]


def _stops(request: ChatRequest, model: str) -> list[str]:
    return models.stops(request.stop) if models.family(model) == "claude" else list(request.stop)


def _inference(request: ChatRequest, max_tokens: int | None, thinks: bool, stops: list[str]) -> Body:
    lost = models.lost_sampling(request, thinks=thinks)
    temperature = request.temperature
    if temperature is not None and "temperature" in lost:
        temperature = None if thinks else models.TEMPERATURE_MAX
    fields: Body = {
        "maxTokens": max_tokens,
        "temperature": temperature,
        "topP": None if "top_p" in lost else request.top_p,
        "stopSequences": stops or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _tool_config(request: ChatRequest, model: str) -> tuple[Body, Body]:
    """(toolConfig, Claude's own ``tool_choice`` for what Converse can not say).

    Converse refuses a history with tool blocks and no tools, so tools that the caller no longer sends
    are declared by the names that the history has.
    """
    choice = request.tool_choice
    refuses = choice is not None and choice.mode == "none"
    used = _used_tools(request)
    if not request.tools or refuses:
        if not used:
            return {}, {}
        refuses = True
    tools = request.tools or tuple(Tool(name) for name in used)
    specs: list[Body] = []
    for tool in tools:
        specs.append({"toolSpec": _tool_spec(tool, models.takes_strict_tools(model))})
        specs += _cache_point(tool.cache, model, tool=True)
    config: Body = {"tools": specs}
    claude = models.family(model) == "claude"
    if refuses:
        return config, {"type": "none"} if claude else {}
    if claude and request.parallel_tools is False:
        return config, _serial_choice(request)
    if choice is not None:
        config["toolChoice"] = _tool_choice(choice.mode, choice.name)
    return config, {}


def _tool_choice(mode: str, name: str) -> Body:
    if mode == "named":
        return {"tool": {"name": name}}
    return {"any": {}} if mode == "required" else {"auto": {}}


def _serial_choice(request: ChatRequest) -> Body:
    choice = request.tool_choice
    chosen: Body = {"type": "auto"}
    if choice is not None and choice.mode == "required":
        chosen = {"type": "any"}
    elif choice is not None and choice.mode == "named":
        chosen = {"type": "tool", "name": choice.name}
    return {**chosen, "disable_parallel_tool_use": True}


def _tool_spec(tool: Tool, takes_strict: bool) -> Body:
    spec: Body = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    empty = tool.schema.strip() in (b"", b"{}")  # which Bedrock refuses: it wants an object's schema
    spec["inputSchema"] = {"json": msgspec.Raw(b'{"type":"object","properties":{}}' if empty else tool.schema)}
    if tool.strict and takes_strict:
        spec["strict"] = True
    return spec


def _text_format(wanted: ResponseFormat) -> Body:
    schema: Body = {"schema": wanted.schema.decode()}
    if wanted.name:
        schema["name"] = wanted.name
    if wanted.description:
        schema["description"] = wanted.description
    return {"type": "json_schema", "structure": {"jsonSchema": schema}}


def _used_tools(request: ChatRequest) -> list[str]:
    names = {part.name: None for m in request.messages for part in m.parts if isinstance(part, ToolCall)}
    return list(names)


def _none_is_lost(request: ChatRequest, model: str) -> bool:
    choice = request.tool_choice
    refuses = choice is not None and choice.mode == "none"
    return (refuses or not request.tools) and models.family(model) != "claude" and bool(_used_tools(request))
