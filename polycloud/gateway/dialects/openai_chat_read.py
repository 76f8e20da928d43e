"""An OpenAI chat completions request, read into the common form."""

import msgspec

from polycloud.core.chat import (
    CacheMark,
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
from polycloud.gateway.dialects import openai_chat_wire as wire
from polycloud.gateway.dialects.cache_marks import cache_mark
from polycloud.gateway.dialects.reading import chosen, given
from polycloud.gateway.dialects.unread import unread

NAME = "openai_chat"

CARRIED = frozenset(
    (
        "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format", "max_tokens",
        "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "seed", "frequency_penalty",
        "presence_penalty", "reasoning_effort", "stream", "stream_options", "user",
    )
)  # fmt: skip
# Members without effect on the answer's content: they choose billing, storage, caching or abuse checks.
HINTS = frozenset(
    (
        "metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options",
        "safety_identifier",
    )
)  # fmt: skip
KNOWN = CARRIED | HINTS
# Members that ask for tools or for an answer in sound: no other format has them, and nothing stands in for them.
NATIVE = frozenset(("functions", "function_call", "modalities", "audio", "web_search_options"))
# Members that, with these values, say what is so anyway.
_NEUTRAL = {
    "n": b"1",
    "functions": b"[]",
    "logprobs": b"false",
    "logit_bias": b"{}",
    "modalities": b'["text"]',
    "top_logprobs": b"0",
}
EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_MEDIA_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav"}


def read_request(request: wire.Request, fields: dict[str, msgspec.Raw]) -> ChatRequest:
    """``fields`` are the same members as raw JSON. Raises BadRequest, and Unsupported for what has no common form."""
    tools, all_tools = _tools(request.tools or [])
    choice, own_choice = _tool_choice(request.tool_choice)
    response_format, own_format = _response_format(request.response_format)
    extras = extra_fields(fields, fields.keys() - KNOWN)
    if not all_tools:
        extras["tools"] = bytes(fields["tools"])
    if request.reasoning_effort and request.reasoning_effort not in EFFORTS:
        extras["reasoning_effort"] = bytes(fields["reasoning_effort"])
    if own_choice:
        extras["tool_choice"] = bytes(fields["tool_choice"])
    if own_format:
        extras["response_format"] = bytes(fields["response_format"])
    stop = request.stop
    return ChatRequest(
        model=request.model,
        messages=tuple(_message(m, f"messages[{i}]") for i, m in enumerate(request.messages)),
        tools=tools,
        tool_choice=choice,
        parallel_tools=request.parallel_tool_calls,
        response_format=response_format,
        max_tokens=request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        seed=request.seed,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        effort=EFFORTS.get(request.reasoning_effort or ""),
        stream=bool(request.stream),
        include_usage=request.stream_options is not None and bool(request.stream_options.include_usage),
        user=request.user or "",
        hints=chosen(fields, HINTS),
        extras={NAME: extras} if extras else {},
        lost=unread(wire.Request, fields),
    )


def extra_fields(fields: dict[str, msgspec.Raw], names: set[str]) -> dict[str, bytes]:
    """Those of ``names`` that say something: null and neutral values do not."""
    return {name: raw for name, raw in chosen(fields, names).items() if raw != _NEUTRAL.get(name)}


def _mark(control: wire.CacheControl | None) -> CacheMark:
    return cache_mark(control.type, control.ttl) if control is not None else ""


def _message(message: wire.Message, where: str) -> Message:
    role = message.role
    if role == "function" or given(message.function_call):
        raise Unsupported(f"{where}: function_call is the old form; send tool_calls and tool messages", where)
    if given(message.audio):
        raise Unsupported(f"{where}.audio: earlier audio answers can only go back to OpenAI", where)
    parts = _content(message.content, f"{where}.content")
    if message.cache_control is not None and parts:
        parts[-1] = msgspec.structs.replace(parts[-1], cache=_mark(message.cache_control))
    if role == "tool":
        if message.tool_call_id is None:
            raise BadRequest(f"{where}.tool_call_id: this field is required in a tool message", f"{where}.tool_call_id")
        result = tuple(part for part in parts if isinstance(part, Text | Media))
        cache: CacheMark = ""
        if result and result[-1].cache:  # a mark on the last part marks the whole result
            cache = result[-1].cache
            result = (*result[:-1], msgspec.structs.replace(result[-1], cache=""))
        return Message("user", (ToolResult(message.tool_call_id, result, cache=cache),), message.name or "")
    if role == "assistant":
        return Message("assistant", _assistant(message, parts, where), message.name or "")
    if role == "user":
        return Message("user", tuple(parts), message.name or "")
    return Message("system", tuple(parts), message.name or "")


def _assistant(message: wire.Message, parts: list[Part], where: str) -> tuple[Part, ...]:
    found: list[Part] = []
    if message.polycloud is not None:
        found += [Thinking(t.text, t.signature, t.redacted) for t in message.polycloud.thinking]
    else:
        text = message.reasoning_content or message.reasoning
        if text:
            found.append(Thinking(text))
    found += parts
    if message.refusal:
        found.append(Text(message.refusal))
    for i, call in enumerate(message.tool_calls or ()):
        if call.function is None:
            raise Unsupported(f"{where}.tool_calls[{i}]: only function tools have a common form", where)
        signature = thought_signature(call.extra_content)
        found.append(ToolCall(call.id, call.function.name, call.function.arguments, signature))
    return tuple(found)


def thought_signature(extra: wire.ExtraContent | None) -> str:
    return (extra.google.thought_signature or "") if extra is not None and extra.google is not None else ""


def _content(content: str | list[wire.Part] | None, where: str) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [_part(part, f"{where}[{i}]") for i, part in enumerate(content or ())]


def _part(part: wire.Part, where: str) -> Part:
    cache = _mark(part.cache_control)
    kind = part.type
    if kind == "text" and part.text is not None:
        return Text(part.text, cache)
    if kind == "refusal" and part.refusal is not None:
        return Text(part.refusal, cache)
    if kind == "image_url" and part.image_url is not None:
        url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
        detail = "" if isinstance(part.image_url, str) else part.image_url.detail or ""
        media_type, data = data_url(url)
        return Media("image", media_type, data, "" if data else url, cache, detail)
    if kind == "input_audio" and part.input_audio is not None:
        audio = part.input_audio
        return Media("audio", _MEDIA_TYPES.get(audio.format, f"audio/{audio.format}"), audio.data, "", cache)
    if kind == "file" and part.file is not None:
        if not part.file.file_data:
            raise Unsupported(f"{where}.file: only file_data has a common form, a file_id does not", where)
        media_type, data = data_url(part.file.file_data)
        name = part.file.filename or ""
        return Media("document", media_type or "application/pdf", data or part.file.file_data, "", cache, "", name)
    if kind in ("text", "refusal", "image_url", "input_audio", "file"):
        raise BadRequest(f"{where}.{kind}: this field is required in a part of type {kind}", f"{where}.{kind}")
    raise Unsupported(f"{where}.type: {kind[:40]!r} parts have no common form", where)


def data_url(url: str) -> tuple[str, str]:
    """(media type, base64 data) of a data URL; ("", "") for any other."""
    if not url.startswith("data:"):
        return "", ""
    head, _, data = url[5:].partition(",")
    if not head.endswith(";base64"):
        return "", ""
    return head[:-7].partition(";")[0], data


def _tools(tools: list[wire.Tool]) -> tuple[tuple[Tool, ...], bool]:
    """The function tools, and whether they are all."""
    found = []
    for i, tool in enumerate(tools):
        if tool.type != "function":
            continue
        function = tool.function
        if function is None:
            raise BadRequest(f"tools[{i}].function: this field is required", f"tools[{i}].function")
        schema = bytes(function.parameters) if given(function.parameters) else b""
        cache = _mark(tool.cache_control)
        found.append(Tool(function.name, function.description or "", schema, function.strict, cache))
    return tuple(found), len(found) == len(tools)


def _tool_choice(choice: str | wire.ToolChoice | None) -> tuple[ToolChoice | None, bool]:
    """The common form of the choice, and whether it has none."""
    if choice is None:
        return None, False
    if isinstance(choice, str):
        if choice == "auto":
            return ToolChoice("auto"), False
        if choice == "none":
            return ToolChoice("none"), False
        if choice == "required":
            return ToolChoice("required"), False
        return None, True
    if choice.type == "function":
        if choice.function is None:
            raise BadRequest("tool_choice.function: this field is required", "tool_choice.function")
        return ToolChoice("named", choice.function.name), False
    return None, True


def _response_format(asked: wire.ResponseFormat | None) -> tuple[ResponseFormat | None, bool]:
    """The common form of the format, and whether it has none."""
    if asked is None or asked.type == "text":
        return None, False
    if asked.type == "json_object":
        return ResponseFormat(), False
    if asked.type != "json_schema":
        return None, True
    schema = asked.json_schema
    if schema is None or not given(schema.schema):
        where = "response_format.json_schema" + ("" if schema is None else ".schema")
        raise BadRequest(f"{where}: this field is required", where)
    return ResponseFormat(schema.name, bytes(schema.schema), schema.strict, schema.description or ""), False
