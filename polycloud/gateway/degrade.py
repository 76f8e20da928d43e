"""What is done where a deployment can not do all that was asked and the route allows less.

Structured output has an alternative: the schema goes into the prompt and the answer is checked, a streamed one
before any of it goes out; keywords of the schema that no check is made for are named. So has one tool call at a time:
of several calls the first is kept. A bound on tokens above the model's own is lowered to it. The rest is left out. All
of it is named in ``x-polycloud-degraded``.
"""

import msgspec

from polycloud.core.chat import (
    ChatEvent,
    ChatReply,
    ChatRequest,
    Finish,
    Message,
    Need,
    Part,
    ResponseFormat,
    Text,
    Thinking,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from polycloud.core.errors import BrokenStream
from polycloud.core.ports.models import Envelope
from polycloud.gateway.dialects.openai_chat_read import NAME as OPENAI
from polycloud.gateway.dialects.writing import extra_names
from polycloud.gateway.json_schema import mismatch, unchecked

STOPS = 4, 5  # how many stop sequences are kept where five, and where more than five, are too many
_EXTRAS = Need.OPENAI_EXTRAS | Need.ANTHROPIC_EXTRAS
NAMES: dict[int, str] = {
    Need.SERIAL_TOOLS: "parallel_tool_calls:first",
    Need.JSON_OBJECT: "response_format:prompt",
    Need.JSON_SCHEMA: "response_format:prompt",
    Need.REASONING: "reasoning_effort",
    Need.SEED: "seed",
    Need.TOP_K: "top_k",
    Need.PENALTIES: "penalties",
    Need.PROMPT_CACHE: "cache_control",
    Need.TEMPERATURE: "temperature,top_p",
    Need.FIVE_STOPS: "stop:4",
    Need.MANY_STOPS: "stop:5",
    Need.STOP: "stop",
}


def names(request: ChatRequest, missing: int, output_max: int = 0) -> list[str]:
    """What callers are told of ``missing`` needs of ``request``, and of a bound on tokens that was lowered to
    ``output_max``. Extras go by the names that their fields have."""
    if missing & Need.STOP:
        missing &= ~Need.FIVE_STOPS
    if missing & (Need.STOP | Need.FIVE_STOPS):
        missing &= ~Need.MANY_STOPS
    found = [name for bit, name in NAMES.items() if missing & bit]
    if missing & Need.PENALTIES and "logit_bias" in request.extras.get(OPENAI, {}):
        found = [name for name in found if name != "penalties" or request.frequency_penalty or request.presence_penalty]
        found.append("logit_bias")
    if missing & Need.JSON_SCHEMA and request.response_format is not None and request.response_format.schema:
        found += [f"response_format.schema.{keyword}" for keyword in _unchecked(request.response_format.schema)]
    if missing & _EXTRAS:
        found += extra_names(request)
    return found + _bounds(output_max, None if missing & Need.REASONING else request.thinking_budget)


def _bounds(output_max: int, budget: int | None) -> list[str]:
    """A bound on tokens that was lowered, and a thinking budget that had to follow it."""
    found = [f"max_tokens:{output_max}"] if output_max else []
    return [*found, f"thinking_budget:{output_max // 2}"] if output_max and (budget or 0) >= output_max else found


def _unchecked(schema: bytes) -> tuple[str, ...]:
    try:
        return unchecked(msgspec.json.decode(schema))
    except (msgspec.DecodeError, RecursionError):
        return ("*",)


def passed(envelope: Envelope, missing: int, output_max: int) -> tuple[str, ...]:
    """The same of a body that passes through in the caller's own dialect: only what leaves it whole can be missing."""
    found = [*envelope.left, *(name for bit, name in NAMES.items() if missing & bit)]
    thinking = envelope.fields.get("thinking") if output_max else None
    asked = _THINKING.decode(thinking) if thinking else None
    return (*found, *_bounds(output_max, asked.budget_tokens if asked else None))


class _Thinking(msgspec.Struct):
    budget_tokens: int | None = None


_THINKING = msgspec.json.Decoder(_Thinking | None)


def reduce(request: ChatRequest, missing: int, output_max: int = 0) -> ChatRequest:
    """The request without what the deployment can not do. ``output_max``: the tokens that it can write, 0 when that
    is no matter; a thinking budget then leaves half of them for the answer."""
    changes: dict[str, object] = {}
    if missing & Need.SERIAL_TOOLS:
        changes["parallel_tools"] = None
    if missing & Need.REASONING and not (request.effort is None and request.thinking_budget is None):
        changes["effort"] = changes["thinking_budget"] = None
    if missing & Need.SEED:
        changes["seed"] = None
    if missing & Need.TOP_K:
        changes["top_k"] = None
    if missing & Need.PENALTIES:
        changes["frequency_penalty"] = changes["presence_penalty"] = None
        own = request.extras.get(OPENAI, {})
        if "logit_bias" in own:
            kept = {name: raw for name, raw in own.items() if name != "logit_bias"}
            changes["extras"] = {**request.extras, OPENAI: kept}
    if missing & Need.TEMPERATURE and not (request.temperature is None and request.top_p is None):
        changes["temperature"] = changes["top_p"] = None
    if missing & _EXTRAS:
        changes["extras"] = {}
    if missing & Need.STOP:
        changes["stop"] = ()
    elif missing & (Need.FIVE_STOPS | Need.MANY_STOPS):
        changes["stop"] = request.stop[: STOPS[not missing & Need.FIVE_STOPS]]
    if missing & (Need.JSON_OBJECT | Need.JSON_SCHEMA) and request.response_format is not None:
        changes["response_format"] = None
        changes["messages"] = (Message("system", (Text(_instruction(request.response_format)),)), *request.messages)
    if output_max:
        changes["max_tokens"] = output_max
        if request.thinking_budget is not None and request.thinking_budget >= output_max:
            changes.setdefault("thinking_budget", output_max // 2)
    reduced = msgspec.structs.replace(request, **changes) if changes else request
    return _unmarked(reduced) if missing & Need.PROMPT_CACHE else reduced


def _unmarked(request: ChatRequest) -> ChatRequest:
    """The request without prompt-cache markers."""
    plain = msgspec.structs.replace

    def part(value: Part) -> Part:
        return plain(value, cache="") if not isinstance(value, Thinking) and value.cache else value

    return plain(
        request,
        messages=tuple(plain(m, parts=tuple(map(part, m.parts))) for m in request.messages),
        tools=tuple(plain(t, cache="") if t.cache else t for t in request.tools),
    )


def _instruction(wanted: ResponseFormat) -> str:
    text = "Answer with one JSON object and nothing else: no prose, no code fence."
    if wanted.schema:
        text += " It must be valid against this JSON Schema: " + wanted.schema.decode()
    return text


def by_prompt(request: ChatRequest, missing: int) -> ResponseFormat | None:
    """The form that the prompt asks for and the answer is checked against, None when there is none."""
    return request.response_format if missing & (Need.JSON_OBJECT | Need.JSON_SCHEMA) else None


def check_json(reply: ChatReply, wanted: ResponseFormat) -> None:
    """Raises BrokenStream when an answer that had to be JSON by prompt is not, so that another try is made.

    An answer that was cut at its token limit, or that calls a tool, is what the caller asked for."""
    if any(isinstance(part, ToolCall) for part in reply.parts):
        return
    check_json_text("".join(part.text for part in reply.parts if isinstance(part, Text)), reply.finish, wanted)


def check_json_text(text: str, finish: Finish | None, wanted: ResponseFormat) -> None:
    """The same of a streamed answer's text; ``finish`` is how it ended, None when it did not say."""
    if finish not in ("stop", None):
        return
    try:
        value = msgspec.json.decode(text, type=dict[str, object])
        wrong = mismatch(value, msgspec.json.decode(wanted.schema)) if wanted.schema else ""
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
        raise BrokenStream("the model was asked for JSON by prompt and answered something else", 200) from error
    if wrong:
        raise BrokenStream(f"the model was asked for JSON by prompt and did not follow its schema: {wrong}", 200)


def first_call(reply: ChatReply) -> ChatReply:
    """The answer with the first of its tool calls only: the caller asked for one at a time."""
    calls = [part for part in reply.parts if isinstance(part, ToolCall)]
    if len(calls) < 2:
        return reply
    kept = tuple(part for part in reply.parts if part is calls[0] or not isinstance(part, ToolCall))
    return msgspec.structs.replace(reply, parts=kept)


def first_call_events(events: list[ChatEvent]) -> list[ChatEvent]:
    """Events without those of a second tool call and later ones."""
    return [e for e in events if not (isinstance(e, ToolCallStarted | ToolCallDelta) and e.index > 0)]
