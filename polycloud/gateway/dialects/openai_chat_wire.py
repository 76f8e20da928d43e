"""OpenAI chat completions as they stand on the wire: one struct per object, nothing decided.

Fields follow openai 3.52.0 (github.com/openai/openai-python, 2026-11) and what compatible servers add:
``reasoning_content`` (DeepSeek, vLLM), ``reasoning`` (Groq, OpenRouter, newer vLLM), lists of content
parts in answers (Mistral), ``stop_reason`` (vLLM), ``x_groq``. Members that are not listed are ignored in
answers; in requests the face counts them as extras.
"""

from typing import Literal

import msgspec

from polycloud.gateway.dialects.reading import ABSENT


class Wire(msgspec.Struct, gc=False):
    pass


class CacheControl(Wire):
    type: str = "ephemeral"
    ttl: str | None = None


class ImageUrl(Wire):
    url: str
    detail: str | None = None


class InputAudio(Wire):
    data: str
    format: str = ""


class File(Wire):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class Part(Wire):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    cache_control: CacheControl | None = None


class OwnThinking(Wire, omit_defaults=True):
    """Reasoning with what must go back unchanged; travels as the member ``polycloud`` of a message.

    ``index`` counts in streams: OpenAI's own client merges lists of objects by it and fails without.
    """

    index: int | None = None
    text: str = ""
    signature: str = ""
    redacted: str = ""


class Own(Wire):
    thinking: list[OwnThinking]


class Google(Wire):
    thought_signature: str | None = None


class ExtraContent(Wire):
    """Where Gemini's OpenAI-compatible endpoint keeps thought signatures."""

    google: Google | None = None


class Function(Wire):
    name: str
    arguments: str = ""


class ToolCall(Wire):
    id: str
    function: Function | None = None
    type: str | None = None
    extra_content: ExtraContent | None = None


class Message(Wire):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    polycloud: Own | None = None
    cache_control: CacheControl | None = None
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class FunctionTool(Wire):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class Tool(Wire):
    type: str = "function"
    function: FunctionTool | None = None
    cache_control: CacheControl | None = None


class Named(Wire):
    name: str


class ToolChoice(Wire):
    type: str = "function"
    function: Named | None = None


class JsonSchema(Wire):
    name: str
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None
    description: str | None = None


class ResponseFormat(Wire):
    type: str
    json_schema: JsonSchema | None = None


class StreamOptions(Wire):
    include_usage: bool | None = None


class Request(Wire):
    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    reasoning_effort: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user: str | None = None


class InputDetails(Wire):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(Wire):
    reasoning_tokens: int | None = None


class Usage(Wire):
    """``prompt_cache_hit_tokens`` is DeepSeek's, ``num_cached_tokens`` Mistral's, ``cached_tokens`` Moonshot's."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    num_cached_tokens: int | None = None
    cached_tokens: int | None = None


class ReplyPart(Wire):
    """A part of an answer's content, as Mistral sends them."""

    type: str = ""
    text: str | None = None
    thinking: str | list["ReplyPart"] | None = None


class ReplyFunction(Wire):
    name: str | None = None
    arguments: str | None = None


class ReplyToolCall(Wire):
    """``index`` counts in streams; some servers leave it or the id out."""

    index: int | None = None
    id: str | None = None
    function: ReplyFunction | None = None
    extra_content: ExtraContent | None = None


class ReplyMessage(Wire):
    """A whole message or, in a stream, a delta of one."""

    content: str | list[ReplyPart] | None = None
    tool_calls: list[ReplyToolCall] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    polycloud: Own | None = None


class ReplyChoice(Wire):
    index: int | None = None
    message: ReplyMessage | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None


class Reply(Wire):
    choices: list[ReplyChoice] | None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    error: msgspec.Raw = ABSENT


class ChunkChoice(Wire):
    index: int | None = None
    delta: ReplyMessage | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None


class Groq(Wire):
    usage: Usage | None = None


class Chunk(Wire):
    choices: list[ChunkChoice] | None = None
    id: str | None = None
    model: str | None = None
    usage: Usage | None = None
    x_groq: Groq | None = None
    error: msgspec.Raw = ABSENT
    object: str | None = None


class PassChoice(Wire):
    finish_reason: str | None = None
    index: int = 0


class PassChunk(Wire):
    """What a tap still reads of a chunk once content was seen; the rest is skipped, at a third of the time."""

    choices: list[PassChoice] | None = None
    usage: Usage | None = None
    x_groq: Groq | None = None
    error: msgspec.Raw = ABSENT
    object: str | None = None


class TextDelta(Wire):
    content: msgspec.Raw


class TextChoice(Wire):
    delta: TextDelta
    finish_reason: str | None = None


class TextChunk(Wire):
    """A chunk with text, and what else in it would have to be read."""

    choices: list[TextChoice]
    usage: Usage | None = None
    x_groq: Groq | None = None
    error: msgspec.Raw = ABSENT
    object: str | None = None


class PassReply(Wire):
    """What metering needs of an answer that passes through."""

    choices: list[PassChoice]
    usage: Usage | None = None


class ErrorBody(Wire):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    status_code: int | None = None
