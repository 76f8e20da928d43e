"""Anthropic messages as they stand on the wire: one struct per object, nothing decided.

Fields follow anthropic 2.11.0 (github.com/anthropics/anthropic-sdk-python, 2026-11). Content blocks are
one struct with every known member, so that a block of an unknown type still can be told and named.
"""

from typing import Literal

import msgspec

from polycloud.gateway.dialects.reading import ABSENT


class Wire(msgspec.Struct, gc=False):
    pass


class CacheControl(Wire):
    type: str = "ephemeral"
    ttl: str | None = None


class Source(Wire):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None


class Own(Wire, omit_defaults=True):
    """What other vendors hang on a tool call and must have back; our member ``polycloud`` of a block."""

    signature: str = ""


class Block(Wire):
    type: str
    text: str | None = None
    source: Source | str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: "str | list[Block] | Block | None" = None
    is_error: bool | None = None
    cache_control: CacheControl | None = None
    polycloud: Own | None = None


class Message(Wire):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class Tool(Wire):
    """Server tools have a dated ``type``; the last three members are of tool search and code execution."""

    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = ABSENT
    strict: bool | None = None
    cache_control: CacheControl | None = None
    defer_loading: bool | None = None
    allowed_callers: list[str] | None = None
    input_examples: msgspec.Raw = ABSENT


class ToolChoice(Wire):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(Wire):
    type: str
    budget_tokens: int | None = None


class Format(Wire):
    type: str
    schema: msgspec.Raw = ABSENT


class OutputConfig(Wire):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None
    task_budget: msgspec.Raw = ABSENT


class Metadata(Wire):
    user_id: str | None = None


class Request(Wire):
    model: str
    max_tokens: int
    messages: list[Message]
    system: str | list[Block] | None = None
    tools: list[Tool] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: Format | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stream: bool | None = None
    metadata: Metadata | None = None
    cache_control: CacheControl | None = None


class OutputDetails(Wire):
    thinking_tokens: int | None = None


class CacheCreation(Wire):
    ephemeral_1h_input_tokens: int | None = None


class Usage(Wire):
    """``input_tokens`` leaves cached tokens out; ``cache_creation`` splits the cache writes by lifetime."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class ReplyBlock(Wire):
    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    polycloud: Own | None = None


class Reply(Wire):
    content: list[ReplyBlock]
    id: str = ""
    model: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: Usage | None = None


class PassReply(Wire):
    """What metering needs of an answer that passes through."""

    content: msgspec.Raw
    stop_reason: str | None = None
    usage: Usage | None = None


class StartedMessage(Wire):
    id: str = ""
    model: str = ""
    usage: Usage | None = None


class Delta(Wire):
    """A block's delta by ``type``, or the delta of the message, which has none."""

    type: str | None = None
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class Error(Wire):
    type: str | None = None
    message: str | None = None


class PassDelta(Wire):
    stop_reason: str | None = None


class PassEvent(Wire):
    """What a tap still reads of an event once content was seen."""

    type: str
    delta: PassDelta | None = None
    message: StartedMessage | None = None
    usage: Usage | None = None
    error: Error | None = None


class TextDelta(Wire):
    text: msgspec.Raw


class TextEvent(Wire):
    """An event with text."""

    type: str
    delta: TextDelta


class Event(Wire):
    type: str
    index: int | None = None
    delta: Delta | None = None
    content_block: ReplyBlock | None = None
    message: StartedMessage | None = None
    usage: Usage | None = None
    error: Error | None = None
