"""The body of OpenAI's chat completions, typed and strict, as Azure OpenAI and vLLM also take it.

Source: the OpenAI API reference, chat completions (platform.openai.com/docs/api-reference/chat, 2026-11).
"""

from typing import Literal

import msgspec

from polycloud.sandbox.ask import Ask, Piece, Tool
from polycloud.sandbox.protocols.common import compact

EFFORT_TOKENS = {"none": 0, "minimal": 8, "low": 16, "medium": 32, "high": 64, "xhigh": 96, "max": 128}
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    """Base of every part: an unknown member is an error, as at the provider."""


class Turn(msgspec.Struct):
    """Base of the messages, in which OpenAI, Azure and vLLM leave unknown members unread
    (github.com/microsoft/agent-framework/issues/2203, github.com/vllm-project/vllm/pull/10463, 2026-11)."""


class TextPart(Shape, tag_field="type", tag="text"):
    text: str
    prompt_cache_breakpoint: object = None


class ImageUrl(Shape):
    url: str
    detail: str | None = None


class ImagePart(Shape, tag_field="type", tag="image_url"):
    image_url: ImageUrl


class AudioPart(Shape, tag_field="type", tag="input_audio"):
    input_audio: object


class FilePart(Shape, tag_field="type", tag="file"):
    file: object


class RefusalPart(Shape, tag_field="type", tag="refusal"):
    refusal: str


Content = str | list[TextPart | ImagePart | AudioPart | FilePart | RefusalPart]


class FunctionCall(Shape):
    name: str
    arguments: str


class ToolCall(Shape):
    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


class System(Turn, tag_field="role", tag="system"):
    content: Content
    name: str | None = None


class Developer(Turn, tag_field="role", tag="developer"):
    content: Content
    name: str | None = None


class User(Turn, tag_field="role", tag="user"):
    content: Content
    name: str | None = None


class Assistant(Turn, tag_field="role", tag="assistant"):
    content: Content | None = None
    refusal: str | None = None
    name: str | None = None
    audio: object = None
    tool_calls: list[ToolCall] | None = None
    annotations: object = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class ToolMessage(Turn, tag_field="role", tag="tool"):
    content: Content
    tool_call_id: str


Message = System | Developer | User | Assistant | ToolMessage


class Function(Shape):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class FunctionTool(Shape):
    function: Function
    type: Literal["function"]


class ChosenFunction(Shape):
    name: str


class Chosen(Shape):
    function: ChosenFunction
    type: Literal["function"]


class SchemaFormat(Shape):
    name: str
    schema: dict[str, object] | None = None
    description: str | None = None
    strict: bool | None = None


class TextFormat(Shape, tag_field="type", tag="text"):
    pass


class ObjectFormat(Shape, tag_field="type", tag="json_object"):
    pass


class JsonSchemaFormat(Shape, tag_field="type", tag="json_schema"):
    json_schema: SchemaFormat


class StreamOptions(Shape):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None
    continuous_usage_stats: bool | None = None


class Body(Shape, kw_only=True):
    """Every member of the reference; those that change nothing here are checked for their type and left."""

    model: str | None = None
    messages: list[Message]
    audio: object = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    logprobs: bool | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    metadata: dict[str, str] | None = None
    modalities: list[str] | None = None
    moderation: object = None
    n: int | None = None
    parallel_tool_calls: bool | None = None
    prediction: object = None
    presence_penalty: float | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: object = None
    prompt_cache_retention: str | None = None
    reasoning_effort: Effort | None = None
    response_format: TextFormat | ObjectFormat | JsonSchemaFormat | None = None
    safety_identifier: str | None = None
    seed: int | None = None
    service_tier: str | None = None
    stop: str | list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    tool_choice: Literal["none", "auto", "required"] | Chosen | None = None
    tools: list[FunctionTool] | None = None
    top_logprobs: int | None = None
    top_p: float | None = None
    user: str | None = None
    user_security_context: object = None
    verbosity: Literal["low", "medium", "high"] | None = None
    web_search_options: object = None


def ask_of(body: Body) -> Ask:
    """The question in ``body``."""
    names: dict[str, str] = {}
    pieces: list[Piece] = []
    for message in body.messages:
        if isinstance(message, Assistant):
            _assistant(message, pieces, names)
            continue
        text, images = _content(message.content)
        if isinstance(message, ToolMessage):
            pieces.append(Piece("tool", text, names.get(message.tool_call_id, "")))
        else:
            kind: Literal["user", "system"] = "user" if isinstance(message, User) else "system"
            pieces.append(Piece(kind, text, images=images))
    tools = [Tool(t.function.name, t.function.description or "", t.function.parameters or {}) for t in body.tools or ()]
    ask = Ask(pieces=pieces, tools=tools, parallel=body.parallel_tool_calls is not False)
    if isinstance(body.tool_choice, Chosen):
        ask.choice, ask.choice_name = "named", body.tool_choice.function.name
    elif body.tool_choice is not None:
        ask.choice = body.tool_choice
    if isinstance(body.response_format, JsonSchemaFormat):
        ask.schema = body.response_format.json_schema.schema or {}
    ask.json_object = isinstance(body.response_format, ObjectFormat)
    ask.max_tokens = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    ask.stop = [body.stop] if isinstance(body.stop, str) else body.stop or []
    ask.salt = compact([body.seed, body.temperature, body.top_p])
    return ask


def _assistant(message: Assistant, pieces: list[Piece], names: dict[str, str]) -> None:
    text, _ = _content(message.content)
    pieces.append(Piece("assistant", text))
    for call in message.tool_calls or ():
        names[call.id] = call.function.name
        pieces.append(Piece("call", call.function.arguments, call.function.name))


def _content(content: Content | None) -> tuple[str, int]:
    if content is None or isinstance(content, str):
        return content or "", 0
    text = "".join(p.text for p in content if isinstance(p, TextPart))
    return text, sum(isinstance(p, ImagePart | AudioPart | FilePart) for p in content)
