"""Reads a whole answer of OCI's GENERIC format; its shapes also serve the streamed form."""

from zlib import crc32

import msgspec

from polycloud.core.chat import ChatReply, Finish, Part, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage

FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "complete": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "content_filter": "content_filter",
}


class _PromptDetails(msgspec.Struct, rename="camel"):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, rename="camel"):
    reasoning_tokens: int | None = None


class UsageShape(msgspec.Struct, rename="camel"):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    def common(self) -> Usage:
        """The details are parts of the counts, as in OpenAI's usage, whose fields these are."""
        prompt, completion = self.prompt_tokens_details, self.completion_tokens_details
        return Usage(
            self.prompt_tokens or 0,
            self.completion_tokens or 0,
            (prompt.cached_tokens or 0) if prompt is not None else 0,
            0,
            (completion.reasoning_tokens or 0) if completion is not None else 0,
        )


class ContentShape(msgspec.Struct):
    type: str = ""
    text: str | None = None


class CallShape(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    arguments: str | None = None


class MessageShape(msgspec.Struct, rename="camel"):
    content: list[ContentShape] | None = None
    tool_calls: list[CallShape] | None = None
    reasoning_content: str | None = None
    refusal: str | None = None


class Choice(msgspec.Struct, rename="camel"):
    index: int = 0
    message: MessageShape | None = None
    finish_reason: str | None = None
    usage: UsageShape | None = None


class _ChatResponse(msgspec.Struct, rename="camel"):
    choices: list[Choice]
    usage: UsageShape | None = None


class _Reply(msgspec.Struct, rename="camel"):
    chat_response: _ChatResponse
    model_id: str = ""


_REPLY = msgspec.json.Decoder(_Reply)


def read_reply(body: bytes) -> ChatReply:
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream(f"the answer is no whole OCI answer: {error}") from error
    choice = next((c for c in reply.chat_response.choices if c.index == 0), None)
    if choice is None or not choice.finish_reason:
        raise BrokenStream("the answer has no finished choice")
    message = choice.message or MessageShape()
    parts: list[Part] = []
    if message.reasoning_content:
        parts.append(Thinking(message.reasoning_content))
    parts += [Text(item.text) for item in message.content or () if item.text]
    if message.refusal:
        parts.append(Text(message.refusal))
    calls = message.tool_calls or []
    for index, call in enumerate(calls):
        if not call.name:
            raise BrokenStream("the answer has a tool call without a name")
        parts.append(ToolCall(call.id or made_id(index, call), call.name, call.arguments or "{}"))
    usage = reply.chat_response.usage or choice.usage
    return ChatReply(
        id="",
        model=reply.model_id,
        parts=tuple(parts),
        finish=finish_of(choice.finish_reason, len(calls)),
        usage=usage.common() if usage is not None else Usage(),
        refusal=bool(message.refusal),
    )


def finish_of(reason: str, calls: int) -> Finish:
    """The reason in common terms; some models end their tool calls with a plain stop."""
    found = FINISHES.get(reason.lower(), "stop")
    return "tool_calls" if calls and found == "stop" else found


def made_id(index: int, call: CallShape) -> str:
    """An id for a call that came without one: the same each time the answer is read."""
    mark = crc32(f"{call.name} {call.arguments}".encode())
    return f"call_{mark:08x}_{index}"
