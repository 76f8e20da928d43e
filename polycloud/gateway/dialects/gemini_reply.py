"""Reads a whole Gemini answer; its shapes and tables also serve the streamed form, whose chunks are alike."""

from zlib import crc32

import msgspec

from polycloud.core.chat import ChatReply, Finish, Part, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream, ContentFiltered
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.gemini_request import SIGNED

FILTERED = frozenset(
    {
        "SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR",
        "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "IMAGE_OTHER",
    }
)  # fmt: skip
# The model failed to write an answer; another try can help.
MALFORMED = frozenset(
    {
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE", "OTHER",
    }
)  # fmt: skip
RESPONSE_ID_CHARS = 24  # a made call id stays below the 40 characters that OpenAI's API allows


class UsageMetadata(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None

    def common(self) -> Usage:
        """Cached tokens are within the prompt's count; thoughts are beside the candidates'."""
        thoughts = self.thoughts_token_count or 0
        return Usage(
            self.prompt_token_count or 0,
            (self.candidates_token_count or 0) + thoughts,
            self.cached_content_token_count or 0,
            0,
            thoughts,
        )


class FunctionCall(msgspec.Struct):
    name: str = ""
    args: msgspec.Raw = msgspec.Raw(b"{}")
    id: str = ""


class PartShape(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool = False
    thought_signature: str = ""
    function_call: FunctionCall | None = None


class Content(msgspec.Struct):
    parts: list[PartShape] = []


class Candidate(msgspec.Struct, rename="camel"):
    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str = ""
    index: int = 0


class PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str = ""
    block_reason_message: str = ""


class Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    status: str = ""


class Chunk(msgspec.Struct, rename="camel"):
    candidates: list[Candidate] = []
    usage_metadata: UsageMetadata | None = None
    prompt_feedback: PromptFeedback | None = None
    model_version: str = ""
    response_id: str = ""
    error: Error | None = None


CHUNK = msgspec.json.Decoder(Chunk)


def read_reply(body: bytes) -> ChatReply:
    try:
        reply = CHUNK.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream(f"the answer is no whole Gemini answer: {error}") from error
    blocked = blocked_prompt(reply)
    if blocked:
        raise ContentFiltered(blocked, 200)
    candidate = next((c for c in reply.candidates if c.index == 0), None)
    if candidate is None or candidate.finish_reason is None:
        raise BrokenStream("the answer has no finished candidate")
    if candidate.finish_reason in MALFORMED:
        raise BrokenStream(malformed(candidate))
    parts: list[Part] = []
    calls = 0
    for part in candidate.content.parts if candidate.content is not None else ():
        if part.function_call is not None:
            parts.append(_tool_call(reply.response_id, calls, part.function_call, part.thought_signature))
            calls += 1
        else:
            parts += _texts(part)
    usage = reply.usage_metadata.common() if reply.usage_metadata is not None else Usage()
    finish = finish_of(candidate.finish_reason, calls)
    return ChatReply(reply.response_id, reply.model_version, tuple(parts), finish, usage)


def blocked_prompt(chunk: Chunk) -> str:
    """What Gemini says about a prompt that it blocked (it answers 200 without a candidate); "" when it did not."""
    feedback = chunk.prompt_feedback
    if chunk.candidates or feedback is None or not feedback.block_reason:
        return ""
    return f"Gemini blocked the prompt ({feedback.block_reason}). {feedback.block_reason_message}".rstrip()


def malformed(candidate: Candidate) -> str:
    return f"Gemini ended the answer with {candidate.finish_reason}. {candidate.finish_message}".rstrip()


def finish_of(reason: str, calls: int) -> Finish:
    """Gemini says STOP for tool calls too."""
    if reason in FILTERED:
        return "content_filter"
    if reason == "MAX_TOKENS":
        return "length"
    return "tool_calls" if calls else "stop"


def call_id(response_id: str, index: int, call: FunctionCall) -> str:
    """The call's id, or one that is the same each time the answer is read and no other call's."""
    if call.id:
        return call.id
    mark = response_id[-RESPONSE_ID_CHARS:] or f"{crc32(call.name.encode() + bytes(call.args)):08x}"
    return f"call_{mark}_{index}"


def sign(signature: str) -> str:
    return SIGNED + signature if signature else ""


def _tool_call(response_id: str, index: int, call: FunctionCall, signature: str) -> ToolCall:
    return ToolCall(call_id(response_id, index, call), call.name, bytes(call.args).decode(), signature)


def _texts(part: PartShape) -> list[Part]:
    """Text, and a signature on plain text as an empty thought behind it, the only place that carries one."""
    if part.thought:
        return [Thinking(part.text or "", sign(part.thought_signature))]
    found: list[Part] = [Text(part.text)] if part.text else []
    if part.thought_signature and part.text is not None:
        found.append(Thinking(signature=sign(part.thought_signature)))
    return found
