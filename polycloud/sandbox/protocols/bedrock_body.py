"""The body of Bedrock's Converse, typed and strict.

Source: the service model of bedrock-runtime 2023-09-30 as published with botocore 1.44.5.
"""

from typing import Literal

import msgspec

from polycloud.sandbox.ask import Ask, Piece, Tool
from polycloud.sandbox.protocols.common import compact


class Shape(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """Base of every part."""


class CachePoint(Shape):
    type: Literal["default"]
    ttl: Literal["5m", "1h"] | None = None


class ToolUse(Shape):
    tool_use_id: str
    name: str
    input: dict[str, object]
    type: str | None = None


class ResultBlock(Shape):
    json: object = None
    text: str | None = None
    image: object = None
    document: object = None
    video: object = None
    search_result: object = None


class ToolResult(Shape):
    tool_use_id: str
    content: list[ResultBlock]
    status: Literal["success", "error"] | None = None
    type: str | None = None


class ReasoningText(Shape):
    text: str
    signature: str | None = None


class Reasoning(Shape):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Block(Shape):
    """A union: exactly one member is set."""

    text: str | None = None
    image: object = None
    document: object = None
    video: object = None
    audio: object = None
    tool_use: ToolUse | None = None
    tool_result: ToolResult | None = None
    guard_content: object = None
    cache_point: CachePoint | None = None
    reasoning_content: Reasoning | None = None
    citations_content: object = None
    search_result: object = None


class Message(Shape):
    role: Literal["user", "assistant"]
    content: list[Block]


class SystemBlock(Shape):
    text: str | None = None
    guard_content: object = None
    cache_point: CachePoint | None = None


class Inference(Shape):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class InputSchema(Shape):
    json: dict[str, object]


class ToolSpec(Shape):
    name: str
    input_schema: InputSchema
    description: str | None = None
    strict: bool | None = None


class ToolEntry(Shape):
    tool_spec: ToolSpec | None = None
    system_tool: object = None
    cache_point: CachePoint | None = None


class Empty(Shape):
    pass


class NamedTool(Shape):
    name: str


class Choice(Shape):
    auto: Empty | None = None
    any: Empty | None = None
    tool: NamedTool | None = None


class ToolConfig(Shape):
    tools: list[ToolEntry]
    tool_choice: Choice | None = None


class JsonSchema(Shape):
    schema: str
    name: str | None = None
    description: str | None = None


class Structure(Shape):
    json_schema: JsonSchema


class TextFormat(Shape):
    type: Literal["json_schema"]
    structure: Structure


class OutputConfig(Shape):
    text_format: TextFormat | None = None
    effort: str | None = None


class Tier(Shape):
    type: Literal["priority", "default", "flex", "reserved"]


class Performance(Shape):
    latency: Literal["standard", "optimized"] | None = None


class Converse(Shape, kw_only=True):
    messages: list[Message]
    system: list[SystemBlock] | None = None
    inference_config: Inference | None = None
    tool_config: ToolConfig | None = None
    guardrail_config: object = None
    additional_model_request_fields: dict[str, object] | None = None
    prompt_variables: object = None
    additional_model_response_field_paths: list[str] | None = None
    request_metadata: dict[str, str] | None = None
    performance_config: Performance | None = None
    service_tier: Tier | None = None
    output_config: OutputConfig | None = None


def members(block: Block | SystemBlock | ToolEntry | ResultBlock | Choice | Reasoning) -> list[str]:
    """The members of a union that are set."""
    return [name for name in block.__struct_fields__ if getattr(block, name) is not None]


def ask_of(body: Converse) -> Ask:
    """The question in ``body``; thinking is read elsewhere, it is the model's own field."""
    pieces: list[Piece] = []
    for system in body.system or ():
        if system.cache_point is not None and pieces:
            pieces[-1].mark = system.cache_point.ttl or "5m"
        elif system.text is not None:
            pieces.append(Piece("system", system.text))
    names: dict[str, str] = {}
    for message in body.messages:
        for block in message.content:
            _block(message.role, block, pieces, names)
    tools: list[Tool] = []
    for entry in body.tool_config.tools if body.tool_config else ():
        if entry.tool_spec is not None:
            spec = entry.tool_spec
            tools.append(Tool(spec.name, spec.description or "", spec.input_schema.json))
        elif entry.cache_point is not None and tools:
            tools[-1].mark = entry.cache_point.ttl or "5m"
    ask = Ask(pieces=pieces, tools=tools)
    choice = body.tool_config.tool_choice if body.tool_config else None
    if choice is not None and choice.tool is not None:
        ask.choice, ask.choice_name = "named", choice.tool.name
    elif choice is not None and choice.any is not None:
        ask.choice = "required"
    inference = body.inference_config or Inference()
    ask.max_tokens = inference.max_tokens
    ask.stop = inference.stop_sequences or []
    ask.salt = compact([inference.temperature, inference.top_p])
    return ask


def _block(role: Literal["user", "assistant"], block: Block, pieces: list[Piece], names: dict[str, str]) -> None:
    if block.cache_point is not None:
        if pieces:
            pieces[-1].mark = block.cache_point.ttl or "5m"
    elif block.tool_use is not None:
        names[block.tool_use.tool_use_id] = block.tool_use.name
        pieces.append(Piece("call", compact(block.tool_use.input), block.tool_use.name))
    elif block.tool_result is not None:
        text = "".join(_result_text(r) for r in block.tool_result.content)
        images = sum(r.image is not None or r.document is not None for r in block.tool_result.content)
        pieces.append(Piece("tool", text, names.get(block.tool_result.tool_use_id, ""), images=images))
    elif block.reasoning_content is not None:
        shown = block.reasoning_content.reasoning_text
        pieces.append(Piece("thinking", shown.text if shown else ""))
    elif block.text is not None:
        pieces.append(Piece(role, block.text))
    else:
        pieces.append(Piece(role, "", images=1))


def _result_text(block: ResultBlock) -> str:
    return block.text or (compact(block.json) if block.json is not None else "")
