"""The common form of a request, written as Anthropic messages.

What Anthropic refuses is not sent (docs.claude.com/en/api/messages, 2026-11): empty text, thinking that it
did not sign, a last answer that ends in blanks, tool results behind text, a conversation that begins
with the assistant, stop sequences of blanks, and sampling parameters beside thinking, with a budget or adaptive ("may
only be set to 1 when thinking is enabled or in adaptive mode", seen in github.com/dotCipher/opencode-claude-bridge
pull request 1).
"""

from zlib import crc32

import msgspec

from polycloud.core.chat import (
    ChatRequest,
    Media,
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.core.errors import Unsupported
from polycloud.gateway.dialects import bedrock_converse_models as claude
from polycloud.gateway.dialects import writing
from polycloud.gateway.dialects.anthropic_messages_read import HINTS, NAME
from polycloud.gateway.dialects.cache_marks import cache_control
from polycloud.gateway.dialects.reading import ENCODER

Body = dict[str, object]

MAX_TOKENS = 4096  # Anthropic requires a bound; the least that every model still served may write
TEMPERATURE_MAX = 1.0  # OpenAI and Gemini allow 2
TOOL_ID_CHARS = 48  # of a foreign id that is kept; its checksum keeps ids apart
_EMPTY_SCHEMA = msgspec.Raw(b'{"type":"object","properties":{}}')
_SERVICE_TIERS = frozenset((b'"auto"', b'"standard_only"'))
_MODES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}


def write_request(request: ChatRequest, model: str, called: str = "") -> bytes:
    """The body. Raises Unsupported for media that the format can not carry."""
    thinking, effort, most = claude.thinking_fields(request, model)
    body: Body = {
        "model": called or model,
        "max_tokens": most or MAX_TOKENS,
        "messages": _messages(request.messages),
    }
    system = _system(request.messages)
    if system:
        body["system"] = system
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        choice = _tool_choice(request)
        if choice is not None:
            body["tool_choice"] = choice
    body.update(thinking)
    output: Body = {"effort": effort} if effort else {}
    if request.response_format is not None and request.response_format.schema:
        output["format"] = {"type": "json_schema", "schema": writing.titled(request.response_format)}
    if output:
        body["output_config"] = output
    _sampling(request, body, thinks=claude.claude_thinks(thinking))
    stops = claude.stops(request.stop)
    if stops:
        body["stop_sequences"] = stops
    if request.user:
        body["metadata"] = {"user_id": request.user}
    for name, raw in request.hints.items():
        if _is_hint(name, raw):
            body[name] = msgspec.Raw(raw)
    if request.stream:
        body["stream"] = True
    body.update(writing.own_fields(request, NAME))
    return ENCODER.encode(body)


def dropped(request: ChatRequest, model: str) -> tuple[str, ...]:
    """Names of what ``write_request`` leaves out or changes in meaning."""
    names = [name for name, raw in request.hints.items() if not _is_hint(name, raw)]
    names += writing.lost(request, NAME)
    for name in ("seed", "frequency_penalty", "presence_penalty"):
        if getattr(request, name) is not None:
            names.append(name)
    if request.response_format is not None and not request.response_format.schema:
        names.append("response_format")
    names += claude.changed_thinking(request, model)
    names += claude.lost_sampling(request, thinks=claude.claude_thinks(claude.thinking_fields(request, model)[0]))
    if len(claude.stops(request.stop)) < len(request.stop):
        names.append("stop")
    if request.response_format is not None and request.response_format.strict is False:
        names.append("response_format.strict")
    if any(message.name for message in request.messages):
        names.append("messages.name")
    if writing.has_late_system(request.messages):
        names.append("messages.system")
    if writing.needs_opening(request.messages, _is_sent):
        names.append("messages")
    if any(not keeps(p) for m in request.messages for p in m.parts if isinstance(p, Thinking)):
        names.append("thinking")
    return tuple(dict.fromkeys(names))


def keeps(part: Thinking) -> bool:
    """Whether Anthropic takes ``part`` back: only what it signed or hid; other makers' marks hold a colon."""
    mark = part.redacted or part.signature
    return bool(mark) and ":" not in mark


def tool_id(call_id: str) -> str:
    """``call_id`` where Anthropic takes it (letters, digits, - and _), else the same acceptable one each time."""
    if call_id and call_id.isascii() and call_id.replace("-", "a").replace("_", "a").isalnum():
        return call_id
    kept = "".join(c if c.isascii() and c.isalnum() else "_" for c in call_id[:TOOL_ID_CHARS])
    return f"{kept}_{crc32(call_id.encode()):08x}"


def _is_hint(name: str, raw: bytes) -> bool:
    return name in HINTS and (name != "service_tier" or raw in _SERVICE_TIERS)


def _is_sent(part: Part) -> bool:
    return not isinstance(part, Thinking) or keeps(part)


def _sampling(request: ChatRequest, body: Body, *, thinks: bool) -> None:
    lost = claude.lost_sampling(request, thinks=thinks)
    if request.temperature is not None and not thinks:
        body["temperature"] = min(request.temperature, TEMPERATURE_MAX)
    for name in ("top_p", "top_k"):
        value = getattr(request, name)
        if value is not None and name not in lost:
            body[name] = value


def _system(messages: tuple[Message, ...]) -> str | list[Body]:
    """All system text; a single unmarked one as a string."""
    texts = [
        writing.plain_text(part, NAME) for message in messages if message.role == "system" for part in message.parts
    ]
    texts = [text for text in texts if text.text.strip()]
    if len(texts) == 1 and not texts[0].cache:
        return texts[0].text
    return [_text(text) for text in texts]


def _messages(messages: tuple[Message, ...]) -> list[Body]:
    """Roles alternate, the user begins, results stand before what else a user message holds."""
    turns: list[tuple[str, list[Body]]] = []
    for message in messages:
        if message.role == "system":
            continue
        blocks = _blocks(message)
        if not blocks:
            continue
        if turns and turns[-1][0] == message.role:
            turns[-1][1].extend(blocks)
        else:
            turns.append((message.role, blocks))
    if not turns or turns[0][0] != "user":
        turns.insert(0, ("user", [{"type": "text", "text": writing.OPENING}]))
    for role, blocks in turns:
        if role == "user":
            blocks.sort(key=lambda block: block["type"] != "tool_result")
    role, last = turns[-1]
    if role == "assistant" and last[-1]["type"] == "text":
        last[-1]["text"] = str(last[-1]["text"]).rstrip()
    return [{"role": role, "content": _content(blocks)} for role, blocks in turns]


def _content(blocks: list[Body]) -> object:
    """A single unmarked text is written as a string."""
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks


def _blocks(message: Message) -> list[Body]:
    blocks = []
    for part in message.parts:
        if isinstance(part, Text) and not part.text.strip():
            continue
        if isinstance(part, Thinking) and not keeps(part):
            continue
        blocks.append(_block(part))
    return blocks


def _block(part: Part) -> Body:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, Thinking):
        return thinking_block(part)
    if isinstance(part, ToolCall):
        body: Body = {
            "type": "tool_use",
            "id": tool_id(part.id),
            "name": part.name,
            "input": writing.arguments_object(part.arguments),
        }
    elif isinstance(part, ToolResult):
        body = {"type": "tool_result", "tool_use_id": tool_id(part.call_id)}
        found = [_block(inner) for inner in part.parts if not isinstance(inner, Text) or inner.text.strip()]
        if found:
            body["content"] = _content(found)
        if part.is_error:
            body["is_error"] = True
    else:
        body = _media(part)
    if part.cache:
        body["cache_control"] = cache_control(part.cache)
    return body


def thinking_block(part: Thinking) -> Body:
    """Reasoning, in requests and in answers."""
    if part.redacted:
        return {"type": "redacted_thinking", "data": part.redacted}
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _text(part: Text) -> Body:
    if part.cache:
        return {"type": "text", "text": part.text, "cache_control": cache_control(part.cache)}
    return {"type": "text", "text": part.text}


def _media(part: Media) -> Body:
    if part.kind not in ("image", "document"):
        raise Unsupported(f"anthropic_messages requests carry no {part.kind}", "messages")
    source: Body = {"type": "url", "url": part.url}
    if part.data:
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
    return {"type": part.kind, "source": source}


def _tool(tool: Tool) -> Body:
    body: Body = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    body["input_schema"] = msgspec.Raw(tool.schema) if tool.schema else _EMPTY_SCHEMA
    if tool.strict is not None:
        body["strict"] = tool.strict
    if tool.cache:
        body["cache_control"] = cache_control(tool.cache)
    return body


def _tool_choice(request: ChatRequest) -> Body | None:
    choice = request.tool_choice
    if choice is None:
        if request.parallel_tools is None:
            return None
        choice = ToolChoice()
    body: Body = {"type": _MODES[choice.mode]}
    if choice.mode == "named":
        body["name"] = choice.name
    if choice.mode != "none" and request.parallel_tools is not None:
        body["disable_parallel_tool_use"] = not request.parallel_tools
    return body
