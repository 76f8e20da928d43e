"""Anthropic messages as callers speak them."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from polycloud.core.chat import ChatReply, ChatRequest, Finish
from polycloud.core.errors import BadRequest, PolycloudError
from polycloud.core.ports.models import NO_HEADERS, Envelope, StreamWriter, Tap
from polycloud.core.usage import Usage
from polycloud.gateway.dialects import anthropic_messages_read, anthropic_messages_reply
from polycloud.gateway.dialects import anthropic_messages_wire as wire
from polycloud.gateway.dialects import needs as bit
from polycloud.gateway.dialects.anthropic_messages_errors import error_body
from polycloud.gateway.dialects.anthropic_messages_headers import read_headers
from polycloud.gateway.dialects.anthropic_messages_read import COMMON_BLOCKS, KNOWN, NAME, NATIVE, is_server_tool
from polycloud.gateway.dialects.anthropic_messages_stream import Tap as MessagesTap
from polycloud.gateway.dialects.anthropic_messages_writer import Writer
from polycloud.gateway.dialects.cache_marks import uncached
from polycloud.gateway.dialects.reading import (
    ABSENT,
    ENCODER,
    FIELDS,
    MarkedEnvelope,
    given,
    lower,
    read_body,
    read_fields,
    unsample,
)

_REQUEST = msgspec.json.Decoder(wire.Request)
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


class AnthropicFace:
    """The face over the dialect ``anthropic_messages``. Stateless."""

    name = NAME
    id_header = b"request-id"

    def peek(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> Envelope:
        """Betas are told in a header; in the body, where Vertex and Bedrock read them, they go on. Raises BadRequest
        with the caller's mistake."""
        fields, request = read_body(_REQUEST, body, headers)
        if b"anthropic-version" in headers or b"anthropic-beta" in headers:
            read_headers(headers, fields)
        if not request.model:
            raise BadRequest("model: must name a model", "model")
        if not request.messages:
            raise BadRequest("messages: must hold at least one message", "messages")
        if request.max_tokens < 1:
            raise BadRequest("max_tokens: must be at least 1", "max_tokens")
        needs = _field_needs(request)
        marked = foreign = False
        for message in request.messages:
            if type(message.content) is list:
                block_needs, block_marked, block_foreign = _block_needs(message.content)
                needs |= block_needs
                marked = marked or block_marked
                foreign = foreign or block_foreign
        if type(request.system) is list:
            needs |= _block_needs(request.system)[0]
        if request.tools or request.tool_choice is not None:
            needs |= _tool_needs(request)
        special = request.tools or request.output_config is not None or request.thinking is not None
        if (special or fields.keys() - KNOWN) and (extras := anthropic_messages_read.extra_fields(request, fields)):
            needs |= bit.ANTHROPIC_EXTRAS
            if not NATIVE.isdisjoint(extras):
                needs |= bit.NATIVE_TOOLS
        return MarkedEnvelope(
            request.model,
            bool(request.stream),
            needs,
            len(body) // 4,
            request.max_tokens,
            fields,
            True,
            ("thinking",) if foreign else (),
            marked=marked or foreign,
        )

    def read_request(self, envelope: Envelope) -> ChatRequest:
        """Raises BadRequest, and Unsupported for what has no common form."""
        return anthropic_messages_read.read_request(read_fields(_REQUEST, envelope.fields), envelope.fields)

    def pass_request(
        self,
        envelope: Envelope,
        model: str,
        output_max: int = 0,
        *,
        bare: bool = False,
        unsampled: bool = False,
        known: str = "",
    ) -> bytes:
        """The body for a provider of the same dialect: the model's name set, the rest as it came."""
        fields = envelope.fields.copy()
        fields["model"] = msgspec.Raw(ENCODER.encode(model))
        if unsampled:
            unsample(fields)
        if output_max:
            lower(fields, "max_tokens", output_max, output_max)
            if given(fields.get("thinking", ABSENT)):
                thinking = FIELDS.decode(fields["thinking"])
                lower(thinking, "budget_tokens", output_max - 1, output_max // 2)
                fields["thinking"] = msgspec.Raw(ENCODER.encode(thinking))
        if isinstance(envelope, MarkedEnvelope) and envelope.marked:
            fields["messages"] = _unmarked(fields["messages"])
        return ENCODER.encode(uncached(fields) if bare else fields)

    def pass_reply(self, body: bytes) -> tuple[Usage | None, Finish | None]:
        """Raises BrokenStream when ``body`` is no whole answer."""
        return anthropic_messages_reply.pass_reply(body)

    def tap(self, envelope: Envelope) -> Tap:
        return MessagesTap()

    def write_reply(self, reply: ChatReply, model: str, created: int) -> bytes:
        return anthropic_messages_reply.write_reply(reply, model)

    def stream_writer(self, model: str, reply_id: str, created: int, include_usage: bool) -> StreamWriter:
        """Usage is always part of this format."""
        return Writer(model, reply_id)

    def write_error(self, error: PolycloudError, request_id: str) -> bytes:
        return ENCODER.encode(error_body(error, request_id))

    def write_models(self, models: list[tuple[str, str]], created: int) -> bytes:
        """The models list; each entry is (name, owner)."""
        rows = [_model(name, created) for name, _ in models]
        ends = (rows[0]["id"], rows[-1]["id"]) if rows else (None, None)
        return ENCODER.encode({"data": rows, "has_more": False, "first_id": ends[0], "last_id": ends[1]})

    def write_model(self, model: tuple[str, str], created: int) -> bytes:
        """One entry of the models list."""
        return ENCODER.encode(_model(model[0], created))

    def keep_alive(self) -> bytes:
        """A ping: clients skip it."""
        return b'event: ping\ndata: {"type":"ping"}\n\n'


def _model(name: str, created: int) -> dict[str, object]:
    at = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": "model", "id": name, "display_name": name, "created_at": at}


def _field_needs(request: wire.Request) -> int:
    needs = 0
    if request.stream:
        needs |= bit.STREAM
    if request.temperature not in bit.UNCHANGED or request.top_p not in bit.UNCHANGED:
        needs |= bit.TEMPERATURE
    if request.top_k is not None:
        needs |= bit.TOP_K
    if request.stop_sequences:
        needs |= bit.stops(len(request.stop_sequences))
    if request.cache_control is not None:
        needs |= bit.PROMPT_CACHE
    if request.thinking is not None and request.thinking.type != "disabled":
        needs |= bit.REASONING
    output = request.output_config
    if output is not None:
        if output.effort is not None:
            needs |= bit.REASONING
        if output.format is not None:
            needs |= bit.JSON_SCHEMA
    if request.output_format is not None:
        needs |= bit.JSON_SCHEMA
    return needs


def _block_needs(blocks: list[wire.Block]) -> tuple[int, bool, bool]:
    """The needs that blocks show, whether one holds a member of ours, and whether one is thinking that Anthropic did
    not sign."""
    needs = 0
    marked = foreign = False
    for block in blocks:
        kind = block.type
        if block.cache_control is not None:
            needs |= bit.PROMPT_CACHE
        if kind == "text":
            continue
        if kind == "image":
            needs |= bit.IMAGES
        elif kind == "document":
            needs |= bit.OTHER_MEDIA
        elif kind == "thinking":
            foreign = foreign or not block.signature or ":" in block.signature
        elif kind not in COMMON_BLOCKS:
            needs |= bit.NATIVE_CONTENT
        if isinstance(block.source, wire.Source) and block.source.type not in ("base64", "url"):
            needs |= bit.NATIVE_CONTENT
        if kind == "tool_result" and type(block.content) is list:
            needs |= _block_needs(block.content)[0]
        marked = marked or block.polycloud is not None
    return needs, marked, foreign


def _tool_needs(request: wire.Request) -> int:
    needs = 0
    if request.tools:
        needs |= bit.TOOLS
        if any(is_server_tool(tool) for tool in request.tools):
            needs |= bit.NATIVE_TOOLS
        if any(tool.cache_control is not None for tool in request.tools):
            needs |= bit.PROMPT_CACHE
    choice = request.tool_choice
    if choice is not None:
        if choice.type in ("any", "tool"):
            needs |= bit.TOOL_CHOICE
        if choice.disable_parallel_tool_use:
            needs |= bit.SERIAL_TOOLS
    return needs


def _unmarked(messages: msgspec.Raw) -> msgspec.Raw:
    """The messages as Anthropic takes them: without members of ours, and without thinking that is not its own."""
    kept = []
    for message in _OBJECTS.decode(messages):
        content = message["content"]
        if bytes(content).startswith(b"["):
            blocks = [block for block in _OBJECTS.decode(content) if not _is_foreign(block)]
            for block in blocks:
                block.pop("polycloud", None)
            if not blocks:
                continue
            message["content"] = msgspec.Raw(ENCODER.encode(blocks))
        kept.append(message)
    return msgspec.Raw(ENCODER.encode(kept))


def _is_foreign(block: dict[str, msgspec.Raw]) -> bool:
    if bytes(block["type"]) != b'"thinking"':
        return False
    signature = bytes(block.get("signature", b'""'))
    return len(signature) <= 2 or b":" in signature
