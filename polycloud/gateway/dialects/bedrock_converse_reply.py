"""Reads a whole Converse answer; its shapes and tables also serve the streamed form."""

import base64
import binascii

import msgspec

from polycloud.core.chat import ChatReply, Finish, Part, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.bedrock_converse_request import OPAQUE

SERVER_TOOL = "server_tool_use"  # run by Bedrock itself; the caller has nothing to do

FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "model_context_window_exceeded": "context_window",
}
MALFORMED = frozenset({"malformed_model_output", "malformed_tool_use"})  # the model failed; another try can help


class _CacheDetail(msgspec.Struct, rename="camel"):
    ttl: str = ""
    input_tokens: int = 0


class TokenUsage(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_write_input_tokens: int = 0
    cache_details: list[_CacheDetail] = []

    def common(self) -> Usage:
        """Bedrock counts cached tokens beside ``inputTokens``; here they are a part of the input. ``cacheDetails``
        are the writes by lifetime (botocore 1.44.5 ``CacheDetail``)."""
        read, write = self.cache_read_input_tokens, self.cache_write_input_tokens
        hour = min(sum(one.input_tokens for one in self.cache_details if one.ttl == "1h"), write)
        return Usage(self.input_tokens + read + write, self.output_tokens, read, write, 0, hour)


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str = ""


class _ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class _Reasoning(msgspec.Struct, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str = ""


class _CitedText(msgspec.Struct):
    text: str = ""


class _Citations(msgspec.Struct):
    content: list[_CitedText] = []


class _Block(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Citations | None = None


class _Message(msgspec.Struct):
    content: list[_Block] = []


class _Output(msgspec.Struct):
    message: _Message


class ModelFields(msgspec.Struct):
    """Members of the model's own answer that the request asked for.

    Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, 2026-11.
    """

    stop_sequence: object = None

    def stop(self, finish: Finish) -> str:
        """The stop sequence that ended the answer; "" when none did, or it is not told."""
        return self.stop_sequence if finish == "stop_sequence" and isinstance(self.stop_sequence, str) else ""


NO_FIELDS = ModelFields()


class _Reply(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str
    usage: TokenUsage
    additional_model_response_fields: ModelFields | None = None


_REPLY = msgspec.json.Decoder(_Reply)


def read_reply(body: bytes) -> ChatReply:
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream(f"the answer is no whole Converse answer: {error}") from error
    if reply.stop_reason in MALFORMED:
        raise BrokenStream(f"Bedrock ended the answer with {reply.stop_reason}")
    parts: list[Part] = []
    for block in reply.output.message.content:
        parts += _parts(block)
    finish = FINISHES.get(reply.stop_reason, "stop")
    stop = (reply.additional_model_response_fields or NO_FIELDS).stop(finish)
    return ChatReply("", "", tuple(parts), finish, reply.usage.common(), stop_sequence=stop)


def read_redacted(data: str) -> str:
    """Redacted thinking as its maker wrote it, so that the same model at another cloud takes it back."""
    try:
        return base64.b64decode(data, validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return OPAQUE + data


def _parts(block: _Block) -> list[Part]:
    if block.text is not None:
        return [Text(block.text)] if block.text else []
    if block.tool_use is not None:
        use = block.tool_use
        return [] if use.type == SERVER_TOOL else [ToolCall(use.tool_use_id, use.name, bytes(use.input).decode())]
    if block.reasoning_content is not None:
        return [_thinking(block.reasoning_content)]
    if block.citations_content is not None:
        return [Text(item.text) for item in block.citations_content.content if item.text]
    return []


def _thinking(content: _Reasoning) -> Thinking:
    if content.reasoning_text is None:
        return Thinking(redacted=read_redacted(content.redacted_content))
    return Thinking(content.reasoning_text.text, content.reasoning_text.signature or "")
