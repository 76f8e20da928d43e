"""The body of OCI Generative AI's chat in its GENERIC format, typed and strict.

Source: the models of oci 2.189.0, ``generative_ai_inference``.
"""

from typing import Literal

import msgspec

from polycloud.sandbox.ask import Ask, Piece, Tool
from polycloud.sandbox.protocols.common import compact

EFFORT_TOKENS = {"NONE": 0, "MINIMAL": 8, "LOW": 16, "MEDIUM": 32, "HIGH": 64}


class Shape(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Base of every part."""


class TextContent(Shape, tag_field="type", tag="TEXT"):
    text: str


class ImageContent(Shape, tag_field="type", tag="IMAGE"):
    image_url: object


class AudioContent(Shape, tag_field="type", tag="AUDIO"):
    audio_url: object


class VideoContent(Shape, tag_field="type", tag="VIDEO"):
    video_url: object


class DocumentContent(Shape, tag_field="type", tag="DOCUMENT"):
    document_url: object


Content = list[TextContent | ImageContent | AudioContent | VideoContent | DocumentContent] | None


class ToolCall(Shape):
    id: str
    name: str
    arguments: str
    type: Literal["FUNCTION"]


class System(Shape, tag_field="role", tag="SYSTEM"):
    content: Content = None
    name: str | None = None


class Developer(Shape, tag_field="role", tag="DEVELOPER"):
    content: Content = None
    name: str | None = None


class User(Shape, tag_field="role", tag="USER"):
    content: Content = None
    name: str | None = None


class Assistant(Shape, tag_field="role", tag="ASSISTANT"):
    content: Content = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None
    annotations: object = None
    reasoning_content: str | None = None


class ToolMessage(Shape, tag_field="role", tag="TOOL"):
    content: Content = None
    tool_call_id: str | None = None


class Definition(Shape):
    name: str
    type: Literal["FUNCTION"]
    description: str | None = None
    parameters: dict[str, object] | None = None


class AutoChoice(Shape, tag_field="type", tag="AUTO"):
    pass


class NoChoice(Shape, tag_field="type", tag="NONE"):
    pass


class AnyChoice(Shape, tag_field="type", tag="REQUIRED"):
    pass


class NamedChoice(Shape, tag_field="type", tag="FUNCTION"):
    name: str


class JsonSchema(Shape):
    name: str
    schema: dict[str, object] | None = None
    description: str | None = None
    is_strict: bool | None = None


class TextFormat(Shape, tag_field="type", tag="TEXT"):
    pass


class ObjectFormat(Shape, tag_field="type", tag="JSON_OBJECT"):
    pass


class SchemaFormat(Shape, tag_field="type", tag="JSON_SCHEMA"):
    json_schema: JsonSchema


class StreamOptions(Shape):
    is_include_usage: bool | None = None


class Generic(Shape, tag_field="apiFormat", tag="GENERIC", kw_only=True):
    messages: list[System | Developer | User | Assistant | ToolMessage]
    reasoning_effort: Literal["NONE", "MINIMAL", "LOW", "MEDIUM", "HIGH"] | None = None
    verbosity: str | None = None
    metadata: object = None
    is_stream: bool | None = None
    stream_options: StreamOptions | None = None
    num_generations: int | None = None
    seed: int | None = None
    is_echo: bool | None = None
    top_k: int | None = None
    top_p: float | None = None
    temperature: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: list[str] | None = None
    log_probs: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    logit_bias: object = None
    prediction: object = None
    response_format: TextFormat | ObjectFormat | SchemaFormat | None = None
    tool_choice: AutoChoice | NoChoice | AnyChoice | NamedChoice | None = None
    is_parallel_tool_calls: bool | None = None
    tools: list[Definition] | None = None
    web_search_options: object = None
    service_tier: Literal["AUTO", "DEFAULT", "PRIORITY"] | None = None


class Cohere(msgspec.Struct, tag_field="apiFormat", tag="COHERE"):
    """Recognised, not simulated."""


class CohereTwo(msgspec.Struct, tag_field="apiFormat", tag="COHEREV2"):
    """Recognised, not simulated."""


class OnDemand(Shape, tag_field="servingType", tag="ON_DEMAND"):
    model_id: str


class Dedicated(Shape, tag_field="servingType", tag="DEDICATED"):
    endpoint_id: str


class ChatDetails(Shape):
    compartment_id: str
    serving_mode: OnDemand | Dedicated
    chat_request: Generic | Cohere | CohereTwo


def ask_of(body: Generic) -> Ask:
    """The question in ``body``; thinking is decided elsewhere, it depends on the model."""
    pieces: list[Piece] = []
    names: dict[str, str] = {}
    for message in body.messages:
        text = "".join(c.text for c in message.content or () if isinstance(c, TextContent))
        images = sum(not isinstance(c, TextContent) for c in message.content or ())
        if isinstance(message, Assistant):
            pieces.append(Piece("assistant", text))
            for call in message.tool_calls or ():
                names[call.id] = call.name
                pieces.append(Piece("call", call.arguments, call.name))
        elif isinstance(message, ToolMessage):
            pieces.append(Piece("tool", text, names.get(message.tool_call_id or "", ""), images=images))
        else:
            pieces.append(Piece("user" if isinstance(message, User) else "system", text, images=images))
    ask = Ask(pieces=pieces, tools=[Tool(t.name, t.description or "", t.parameters or {}) for t in body.tools or ()])
    ask.parallel = body.is_parallel_tool_calls is not False
    if isinstance(body.tool_choice, NamedChoice):
        ask.choice, ask.choice_name = "named", body.tool_choice.name
    elif isinstance(body.tool_choice, AnyChoice):
        ask.choice = "required"
    elif isinstance(body.tool_choice, NoChoice):
        ask.choice = "none"
    if isinstance(body.response_format, SchemaFormat):
        ask.schema = body.response_format.json_schema.schema or {}
    ask.json_object = isinstance(body.response_format, ObjectFormat)
    ask.max_tokens = body.max_completion_tokens if body.max_completion_tokens is not None else body.max_tokens
    ask.stop = body.stop or []
    ask.salt = compact([body.seed, body.temperature, body.top_p, body.top_k])
    return ask
