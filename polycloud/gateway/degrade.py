"""What is done where a deployment can not do all that was asked and the route allows less.

Structured output has an alternative: the schema goes into the prompt and the answer is checked. The
rest is left out and named in ``x-polycloud-degraded``.
"""

import msgspec

from polycloud.core.chat import ChatReply, ChatRequest, Message, Need, Part, ResponseFormat, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream

NAMES: dict[int, str] = {
    Need.SERIAL_TOOLS: "parallel_tool_calls",
    Need.JSON_OBJECT: "response_format:prompt",
    Need.JSON_SCHEMA: "response_format:prompt",
    Need.REASONING: "reasoning_effort",
    Need.SEED: "seed",
    Need.TOP_K: "top_k",
    Need.PENALTIES: "penalties",
    Need.PROMPT_CACHE: "cache_control",
    Need.LOGPROBS: "logprobs",
    Need.TEMPERATURE: "temperature,top_p",
    Need.OPENAI_EXTRAS: "extras",
    Need.ANTHROPIC_EXTRAS: "extras",
}


def names(missing: int) -> list[str]:
    """What callers are told of ``missing`` needs."""
    return [name for bit, name in NAMES.items() if missing & bit]


def reduce(request: ChatRequest, missing: int) -> ChatRequest:
    """The request without what the deployment can not do."""
    changes: dict[str, object] = {}
    if missing & Need.SERIAL_TOOLS:
        changes["parallel_tools"] = None
    if missing & Need.REASONING:
        changes["effort"] = changes["thinking_budget"] = None
    if missing & Need.SEED:
        changes["seed"] = None
    if missing & Need.TOP_K:
        changes["top_k"] = None
    if missing & Need.PENALTIES:
        changes["frequency_penalty"] = changes["presence_penalty"] = None
    if missing & Need.TEMPERATURE:
        changes["temperature"] = changes["top_p"] = None
    if missing & (Need.OPENAI_EXTRAS | Need.ANTHROPIC_EXTRAS | Need.LOGPROBS):
        changes["extras"] = {}
    if missing & (Need.JSON_OBJECT | Need.JSON_SCHEMA) and request.response_format is not None:
        changes["response_format"] = None
        changes["messages"] = (Message("system", (Text(_instruction(request.response_format)),)), *request.messages)
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


def check_json(reply: ChatReply) -> None:
    """Raises BrokenStream when an answer that had to be JSON by prompt is not, so that another try is made.

    An answer that was cut at its token limit, or that calls a tool, is what the caller asked for."""
    if reply.finish != "stop" or any(isinstance(part, ToolCall) for part in reply.parts):
        return
    text = "".join(part.text for part in reply.parts if isinstance(part, Text))
    try:
        msgspec.json.decode(text, type=dict)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise BrokenStream("the model was asked for JSON by prompt and answered something else", 200) from error
