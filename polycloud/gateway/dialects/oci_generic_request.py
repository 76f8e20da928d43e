"""Writes a chat as OCI Generative AI's ``chatRequest`` of the GENERIC format.

The compartment and the serving mode around it are the cloud's, not the dialect's. Shapes from oci
2.189.0 ``generative_ai_inference/models`` (GenericChatRequest and its parts), 2026-11.
"""

import msgspec

from polycloud.core.chat import ChatRequest, Effort, Message, ResponseFormat, Text, Thinking, Tool, ToolCall, ToolResult
from polycloud.gateway.dialects import writing

NAME = "oci_generic"
EFFORTS: dict[Effort, str] = {
    "none": "NONE", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM",
    "high": "HIGH", "xhigh": "HIGH", "max": "HIGH",
}  # fmt: skip
# A budget in tokens as the nearest effort, by Google's published table (1,024, 8,192, 24,576).
LOW_TOKENS, MEDIUM_TOKENS = 1024, 8192
OPENAI_PREFIX = "openai."  # these models take maxCompletionTokens and refuse maxTokens

Body = dict[str, object]


def write_request(request: ChatRequest, model: str) -> bytes:
    rows = [row for message in request.messages for row in _rows(message)]
    if not _says(rows):
        rows.append({"role": "USER", "content": [_text(Text(writing.OPENING))]})
    fields: Body = {
        "apiFormat": "GENERIC",
        "messages": rows,
        "isStream": request.stream or None,
        "streamOptions": {"isIncludeUsage": True} if request.stream else None,
        "maxCompletionTokens" if model.startswith(OPENAI_PREFIX) else "maxTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "seed": request.seed,
        "stop": list(request.stop) or None,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "reasoningEffort": _effort(request),
        "responseFormat": _response_format(request.response_format),
    }
    if request.tools:
        fields["tools"] = [_tool(tool) for tool in request.tools]
        fields["isParallelToolCalls"] = request.parallel_tools
        if request.tool_choice is not None:
            fields["toolChoice"] = _choice(request.tool_choice.mode, request.tool_choice.name)
    body = {name: value for name, value in fields.items() if value is not None}
    body.update(writing.own_fields(request, NAME))
    return msgspec.json.encode(body)


def dropped(request: ChatRequest) -> tuple[str, ...]:
    names = writing.foreign_fields(request, NAME)
    if request.effort in ("xhigh", "max") and request.thinking_budget is None:
        names.append("reasoning_effort:high")
    if request.thinking_budget and (level := _effort(request)):
        names.append(f"reasoning_effort:{level.lower()}")
    if request.prefill:
        names.append("messages.prefill")
    if not _says([row for message in request.messages for row in _rows(message)]):
        names.append("messages")
    if any(tool.strict for tool in request.tools):
        names.append("tools.strict")
    if writing.has_cache_marks(request):
        names.append("cache_control")
    if writing.has_thinking(request.messages):
        names.append("thinking")
    if any(part.is_error for m in request.messages for part in m.parts if isinstance(part, ToolResult)):
        names.append("tool_result.is_error")
    return tuple(dict.fromkeys(names))


def _says(rows: list[Body]) -> bool:
    """Whether anything but the system speaks: OCI refuses a request without messages, and models one without a
    user's."""
    return any(row["role"] != "SYSTEM" for row in rows)


def _rows(message: Message) -> list[Body]:
    """``message`` in OCI's roles: each tool result is a message of its own, in front of what else was said."""
    rows: list[Body] = []
    texts: list[Body] = []
    calls: list[Body] = []
    for part in message.parts:
        if isinstance(part, ToolResult):
            content = [_text(writing.plain_text(item, NAME)) for item in part.parts]
            rows.append({"role": "TOOL", "toolCallId": part.call_id, "content": content})
        elif isinstance(part, ToolCall):
            calls.append({"id": part.id, "type": "FUNCTION", "name": part.name, "arguments": part.arguments or "{}"})
        elif not isinstance(part, Thinking):
            text = writing.plain_text(part, NAME)
            if text.text:
                texts.append(_text(text))
    if not texts and not calls:
        return rows
    row: Body = {"role": message.role.upper(), "content": texts or None}  # null, not "", beside tool calls
    if calls:
        row["toolCalls"] = calls
    if message.name:
        row["name"] = message.name
    return [*rows, row]


def _text(part: Text) -> Body:
    return {"type": "TEXT", "text": part.text}


def _tool(tool: Tool) -> Body:
    definition: Body = {"type": "FUNCTION", "name": tool.name}
    if tool.description:
        definition["description"] = tool.description
    if tool.schema:
        definition["parameters"] = msgspec.Raw(tool.schema)
    return definition


def _choice(mode: str, name: str) -> Body:
    if mode == "named":
        return {"type": "FUNCTION", "name": name}
    return {"type": {"required": "REQUIRED", "none": "NONE"}.get(mode, "AUTO")}


def _effort(request: ChatRequest) -> str | None:
    budget = request.thinking_budget
    if budget is not None:
        if budget == 0:
            return "NONE"
        return "LOW" if budget <= LOW_TOKENS else "MEDIUM" if budget <= MEDIUM_TOKENS else "HIGH"
    return EFFORTS[request.effort] if request.effort is not None else None


def _response_format(wanted: ResponseFormat | None) -> Body | None:
    if wanted is None:
        return None
    if not wanted.schema:
        return {"type": "JSON_OBJECT"}
    schema: Body = {"name": wanted.name or "answer", "schema": msgspec.Raw(wanted.schema)}
    if wanted.description:
        schema["description"] = wanted.description
    if wanted.strict is not None:
        schema["isStrict"] = wanted.strict
    return {"type": "JSON_SCHEMA", "jsonSchema": schema}
