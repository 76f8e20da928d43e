"""Writes a chat as the body of Gemini's generateContent and streamGenerateContent, as Vertex AI takes it.

Shapes from google-genai 3.4.0 ``types.py`` and recorded Vertex and Gemini traffic (2026-11). Thinking
levels and budgets: cloud.google.com/vertex-ai/generative-ai/docs/thinking (2026-11).
"""

import base64
import re

import msgspec

from polycloud.core.chat import ChatRequest, Effort, Message, Part, Thinking, Tool, ToolCall, ToolResult
from polycloud.gateway.dialects import writing

NAME = "gemini"
SIGNED = "gemini:"  # marks thinking that Gemini signed, so that no other maker's signature goes to it or back
# Gemini 3 refuses a turn's first call without its signature; this value, given by Google for histories that
# come from other models, skips the check (ai.google.dev/gemini-api/docs/thought-signatures, 2026-11).
UNSIGNED_CALL = base64.b64encode(b"skip_thought_signature_validator").decode()
LEVELS_SINCE = 3  # Gemini 3 takes a thinking level, earlier ones a budget
BUDGET_TOKENS: dict[Effort, int] = {
    "none": 0, "minimal": 512, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576,
}  # fmt: skip
PRO_BUDGET_TOKENS_MIN = 128  # Gemini 2.5 Pro can not stop thinking

_VERSION = re.compile(r"gemini-(\d+)")

Body = dict[str, object]


def write_request(request: ChatRequest, model: str) -> bytes:
    body: Body = {"contents": _contents(request, model)}
    system = [
        {"text": text.text}
        for message in request.messages
        if message.role == "system"
        for text in (writing.plain_text(part, NAME) for part in message.parts)
        if text.text
    ]
    if system:
        body["systemInstruction"] = {"parts": system}
    if request.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in request.tools]}]
        if request.tool_choice is not None:
            body["toolConfig"] = {"functionCallingConfig": _calling(request.tool_choice.mode, request.tool_choice.name)}
    config = _generation(request, model)
    if config:
        body["generationConfig"] = config
    body.update(writing.own_fields(request, NAME))
    return msgspec.json.encode(body)


def dropped(request: ChatRequest, model: str) -> tuple[str, ...]:
    names = writing.foreign_fields(request, NAME)
    if request.parallel_tools is False and request.tools:
        names.append("parallel_tool_calls")
    names += _changed_thinking(request, model)
    if request.response_format is not None and request.response_format.strict is False:
        names.append("response_format.strict")
    if request.prefill:
        names.append("messages.prefill")
    if not _says(request, model):
        names.append("messages")
    if any(tool.strict for tool in request.tools):
        names.append("tools.strict")
    if writing.has_cache_marks(request):
        names.append("cache_control")
    if any(message.name for message in request.messages):
        names.append("messages.name")
    if writing.has_late_system(request.messages):
        names.append("messages.system")
    if any(not _is_own(part) for m in request.messages for part in m.parts if isinstance(part, Thinking)):
        names.append("thinking")
    return tuple(dict.fromkeys(names))


def uses_levels(model: str) -> bool:
    found = _VERSION.search(model)
    return found is not None and int(found[1]) >= LEVELS_SINCE


def _contents(request: ChatRequest, model: str) -> list[Body]:
    contents: list[Body] = []
    names: dict[str, str] = {}
    role = ""
    parts: list[Body] = []
    for message in request.messages:
        if message.role == "system":
            continue
        written = _parts(message, names, uses_levels(model))
        if not written:
            continue
        mine = "model" if message.role == "assistant" else "user"
        if mine != role:
            role, parts = mine, []
            contents.append({"role": role, "parts": parts})
        parts += written
    return contents or [{"role": "user", "parts": [{"text": writing.OPENING}]}]


def _says(request: ChatRequest, model: str) -> bool:
    """Whether a message is left to send: Gemini refuses a request without contents."""
    spoken = (message for message in request.messages if message.role != "system")
    return any(_parts(message, {}, uses_levels(model)) for message in spoken)


def _parts(message: Message, names: dict[str, str], signs_calls: bool) -> list[Body]:
    written: list[Body] = []
    calls = 0
    for part in message.parts:
        if isinstance(part, ToolCall):
            names[part.id] = part.name
            written.append(_call(part, signs_calls and calls == 0))
            calls += 1
        else:
            written += _part(part, names)
    return written


def _call(part: ToolCall, needs_signature: bool) -> Body:
    call: Body = {"id": part.id, "name": part.name, "args": writing.arguments_object(part.arguments)}
    signature = part.signature or (UNSIGNED_CALL if needs_signature else "")
    return {"functionCall": call, "thoughtSignature": signature} if signature else {"functionCall": call}


def _part(part: Part, names: dict[str, str]) -> list[Body]:
    if isinstance(part, Thinking):
        if not _is_own(part):
            return []
        signature = part.signature.removeprefix(SIGNED)
        thought: Body = {"text": part.text, "thoughtSignature": signature}
        return [{**thought, "thought": True}] if part.text else [thought]
    if isinstance(part, ToolResult):
        text = "\n".join(writing.plain_text(item, NAME).text for item in part.parts)
        name = names.get(part.call_id, part.call_id)
        answer = {"error" if part.is_error else "result": text}
        return [{"functionResponse": {"id": part.call_id, "name": name, "response": answer}}]
    text = writing.plain_text(part, NAME).text
    return [{"text": text}] if text else []


def _is_own(part: Thinking) -> bool:
    return part.signature.startswith(SIGNED)


def _declaration(tool: Tool) -> Body:
    declared: Body = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    if tool.schema:
        declared["parametersJsonSchema"] = msgspec.Raw(tool.schema)
    return declared


def _calling(mode: str, name: str) -> Body:
    if mode == "named":
        return {"mode": "ANY", "allowedFunctionNames": [name]}
    return {"mode": {"required": "ANY", "none": "NONE"}.get(mode, "AUTO")}


def _generation(request: ChatRequest, model: str) -> Body:
    fields: Body = {
        "maxOutputTokens": request.max_tokens,
        "temperature": request.temperature,
        "topP": request.top_p,
        "topK": request.top_k,
        "seed": request.seed,
        "stopSequences": list(request.stop) or None,
        "frequencyPenalty": request.frequency_penalty,
        "presencePenalty": request.presence_penalty,
        "thinkingConfig": _thinking(request, model),
    }
    wanted = request.response_format
    if wanted is not None:
        fields["responseMimeType"] = "application/json"
        if wanted.schema:
            fields["responseJsonSchema"] = writing.titled(wanted)
    return {name: value for name, value in fields.items() if value is not None}


def _changed_thinking(request: ChatRequest, model: str) -> list[str]:
    """What becomes of the asked reasoning where it is not what was asked."""
    effort, budget = request.effort, request.thinking_budget
    sent = _thinking(request, model) or {}
    names = []
    tokens = sent.get("thinkingBudget")
    if tokens is not None and tokens != (budget if budget is not None else BUDGET_TOKENS[effort or "none"]):
        names.append(f"thinking_budget:{tokens}")
    level = str(sent.get("thinkingLevel", "")).lower()
    if level and level != effort:
        names.append(f"reasoning_effort:{level}")
    elif effort in ("xhigh", "max") and budget is None:
        names.append("reasoning_effort:high")
    if budget is not None and effort not in (None, "none"):
        names.append("reasoning_effort")
    return names


def _thinking(request: ChatRequest, model: str) -> Body | None:
    """A budget goes as it is to every version; an effort as a level since Gemini 3 and as a budget before. Thoughts
    count against ``maxOutputTokens`` (cloud.google.com/vertex-ai/generative-ai/docs/thinking, 2026-11): a budget that
    would leave no room for the answer becomes half of it."""
    effort, budget = request.effort, request.thinking_budget
    if effort is None and budget is None:
        return None
    shown = budget != 0 if budget is not None else effort != "none"
    pro = "pro" in model
    if budget is None and effort is not None:
        if uses_levels(model):
            return {"thinkingLevel": _level(effort, pro), "includeThoughts": shown}
        budget = BUDGET_TOKENS[effort]
    if pro and not uses_levels(model) and budget == 0:
        budget = PRO_BUDGET_TOKENS_MIN
    most = request.max_tokens
    if budget and most is not None and budget >= most:
        budget = max(most // 2, PRO_BUDGET_TOKENS_MIN if pro else 1)
    return {"thinkingBudget": budget, "includeThoughts": shown}


def _level(effort: Effort, pro: bool) -> str:
    if effort in ("none", "minimal"):
        return "LOW" if pro else "MINIMAL"
    return {"low": "LOW", "medium": "MEDIUM"}.get(effort, "HIGH")
