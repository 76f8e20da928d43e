"""The common form of a chat: what every dialect is read into and written from.

A request is a list of messages made of parts; an answer is a list of events (or, whole, a
``ChatReply``). Tool arguments stay JSON *text* and schemas stay raw JSON all the way through, so
that nothing is re-ordered or re-spelled. What one dialect has and this form lacks travels in
``extras``, under the dialect's name, and comes back out between equal dialects.
"""

import enum
from typing import Literal

import msgspec

from polycloud.core.usage import Usage

Role = Literal["system", "user", "assistant"]
CacheMark = Literal["", "5m", "1h"]
Finish = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "context_window", "pause"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Need(enum.IntFlag):
    """What a request asks of a deployment: one bit a capability, the index of a table of masks."""

    TOOLS = 1 << 0
    TOOL_CHOICE = 1 << 1  # a required or a named tool; "auto" and "none" need nothing
    SERIAL_TOOLS = 1 << 2  # parallel tool calls switched off
    JSON_OBJECT = 1 << 3
    JSON_SCHEMA = 1 << 4
    REASONING = 1 << 5  # effort or thinking budget
    SEED = 1 << 6
    STOP = 1 << 7
    TOP_K = 1 << 8
    PENALTIES = 1 << 9  # frequency or presence penalty
    PROMPT_CACHE = 1 << 10  # explicit cache markers
    IMAGES = 1 << 11
    OTHER_MEDIA = 1 << 12  # audio, documents, video
    LOGPROBS = 1 << 13
    MULTIPLE = 1 << 14  # n > 1
    STREAM = 1 << 15
    TEMPERATURE = 1 << 16  # some reasoning models refuse temperature and top-p
    OPENAI_EXTRAS = 1 << 17  # fields that only OpenAI chat completions carry
    ANTHROPIC_EXTRAS = 1 << 18
    NATIVE_TOOLS = 1 << 19  # tools, and ways to answer, that only the caller's own format has
    NATIVE_CONTENT = 1 << 20  # parts of messages that only the caller's own format has
    FIVE_STOPS = 1 << 21  # more than four stop sequences
    MANY_STOPS = 1 << 22  # more than five


NEED_BITS = len(Need)


class Text(msgspec.Struct, frozen=True, tag="text"):
    text: str
    cache: CacheMark = ""


class Media(msgspec.Struct, frozen=True, tag="media"):
    """An image or document, by URL or base64 data; carried so that it is refused or routed, never dropped.

    ``detail`` is OpenAI's wish for an image's resolution, ``name`` a file's name."""

    kind: Literal["image", "audio", "document", "video"]
    media_type: str = ""
    data: str = ""
    url: str = ""
    cache: CacheMark = ""
    detail: str = ""
    name: str = ""


class Thinking(msgspec.Struct, frozen=True, tag="thinking"):
    """Reasoning that a model showed; ``signature`` must go back unchanged, ``redacted`` is opaque data."""

    text: str = ""
    signature: str = ""
    redacted: str = ""


class ToolCall(msgspec.Struct, frozen=True, tag="tool_call"):
    """``arguments`` is JSON text exactly as the model wrote it. ``signature``: Gemini's thought signature."""

    id: str
    name: str
    arguments: str
    signature: str = ""
    cache: CacheMark = ""


class ToolResult(msgspec.Struct, frozen=True, tag="tool_result"):
    call_id: str
    parts: tuple[Text | Media, ...]
    is_error: bool = False
    cache: CacheMark = ""


Part = Text | Media | Thinking | ToolCall | ToolResult


class Message(msgspec.Struct, frozen=True):
    """Tool results are parts of a user message; consecutive messages of one role are allowed."""

    role: Role
    parts: tuple[Part, ...]
    name: str = ""


class Tool(msgspec.Struct, frozen=True):
    """``schema`` is the JSON Schema of the arguments as raw JSON (b"" when the caller gave none)."""

    name: str
    description: str = ""
    schema: bytes = b""
    strict: bool | None = None
    cache: CacheMark = ""


class ToolChoice(msgspec.Struct, frozen=True):
    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""


class ResponseFormat(msgspec.Struct, frozen=True):
    """``schema`` b"" means any JSON object."""

    name: str = ""
    schema: bytes = b""
    strict: bool | None = None
    description: str = ""


class ChatRequest(msgspec.Struct, frozen=True):
    """One chat turn, as asked. None means that the caller did not say.

    ``max_tokens`` bounds all generated tokens, reasoning included. ``effort`` and
    ``thinking_budget`` (tokens) are two spellings of the same wish; a writer maps one to the other.
    ``hints`` are fields without effect on the answer (``user``, ``metadata``): dropping one is
    reported, but moves no request. ``extras`` maps a dialect's name to fields as raw JSON. ``lost`` names members
    of the caller's messages, tools and options that this form has no place for; ``prefill`` says that the last
    message is the beginning of the answer, to be gone on with.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    effort: Effort | None = None
    thinking_budget: int | None = None
    stream: bool = False
    include_usage: bool = False
    user: str = ""
    hints: dict[str, bytes] = {}
    extras: dict[str, dict[str, bytes]] = {}
    lost: tuple[str, ...] = ()
    prefill: bool = False


class ChatReply(msgspec.Struct, frozen=True):
    """A whole answer. ``parts`` are Text, Thinking and ToolCall in the order the model gave them."""

    id: str
    model: str
    parts: tuple[Part, ...]
    finish: Finish
    usage: Usage
    stop_sequence: str = ""
    refusal: bool = False


class Started(msgspec.Struct, frozen=True):
    """The provider accepted; not yet content, so not yet a reason to commit a 200."""

    id: str = ""
    model: str = ""
    usage: Usage | None = None


class TextDelta(msgspec.Struct, frozen=True):
    text: str


class ThinkingDelta(msgspec.Struct, frozen=True):
    text: str = ""
    signature: str = ""
    redacted: str = ""


class ToolCallStarted(msgspec.Struct, frozen=True):
    """``index`` counts the answer's tool calls from 0; readers make an id where the provider gives none."""

    index: int
    id: str
    name: str
    signature: str = ""


class ToolCallDelta(msgspec.Struct, frozen=True):
    index: int
    arguments: str


class Finished(msgspec.Struct, frozen=True):
    reason: Finish
    stop_sequence: str = ""


class Used(msgspec.Struct, frozen=True):
    """Counts so far; cumulative, the last one holds."""

    usage: Usage


class Failed(msgspec.Struct, frozen=True):
    """An error inside the stream, after HTTP 200: what the provider said."""

    code: str
    message: str
    retryable: bool = True


class Ended(msgspec.Struct, frozen=True):
    """The protocol's own terminal mark was read. A stream without it is broken."""


ChatEvent = Started | TextDelta | ThinkingDelta | ToolCallStarted | ToolCallDelta | Finished | Used | Failed | Ended
CONTENT_EVENTS = (TextDelta, ThinkingDelta, ToolCallStarted, ToolCallDelta)
