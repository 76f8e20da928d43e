"""OpenAI chat completions as callers speak them."""

from collections.abc import Mapping

import msgspec

from polycloud.core.chat import ChatReply, ChatRequest, Finish
from polycloud.core.errors import BadRequest, PolycloudError
from polycloud.core.ports.models import NO_HEADERS, Envelope, StreamWriter, Tap
from polycloud.core.usage import Usage
from polycloud.gateway.dialects import needs as bit
from polycloud.gateway.dialects import openai_chat_read, openai_chat_reply
from polycloud.gateway.dialects import openai_chat_wire as wire
from polycloud.gateway.dialects.cache_marks import uncached
from polycloud.gateway.dialects.openai_chat_errors import error_body
from polycloud.gateway.dialects.openai_chat_read import EFFORTS, KNOWN, NAME, NATIVE
from polycloud.gateway.dialects.openai_chat_stream import Tap as ChatTap
from polycloud.gateway.dialects.openai_chat_stream import Writer
from polycloud.gateway.dialects.openai_chat_write import is_reasoning, keeps_signatures
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
from polycloud.policy.eligible import WHOLE_ONLY

_REQUEST = msgspec.json.Decoder(wire.Request)
_COUNT = msgspec.json.Decoder(int)
_USAGE_ASKED = msgspec.Raw(b'{"include_usage":true}')
_THOUGHTFUL = bit.REASONING | bit.TEMPERATURE
_NEEDED = NATIVE | {"logprobs", "top_logprobs", "n"}  # extras with needs of their own


class OpenAIFace:
    """The face over the dialect ``openai_chat``. Stateless."""

    name = NAME
    id_header = b"x-request-id"

    def peek(self, body: bytes, headers: Mapping[bytes, bytes] = NO_HEADERS) -> Envelope:
        """Raises BadRequest with the caller's mistake."""
        fields, request = read_body(_REQUEST, body, headers)
        if not request.model:
            raise BadRequest("model: must name a model", "model")
        if not request.messages:
            raise BadRequest("messages: must hold at least one message", "messages")
        most = request.max_completion_tokens
        if most is None:
            most = request.max_tokens
        if most is not None and most < 1:
            raise BadRequest("max_tokens: must be at least 1", "max_tokens")
        needs, marked, reasoned = _message_needs(request.messages)
        needs |= _field_needs(request)
        if request.tools or request.tool_choice is not None:
            needs |= _tool_needs(request)
        if not KNOWN.issuperset(fields):
            extras = openai_chat_read.extra_fields(fields, fields.keys() - KNOWN)
            if not NATIVE.isdisjoint(extras):
                needs |= bit.NATIVE_TOOLS
            if not _NEEDED.issuperset(extras):
                needs |= bit.OPENAI_EXTRAS
            if "logit_bias" in extras:
                needs |= bit.PENALTIES
        if needs & _THOUGHTFUL == _THOUGHTFUL and request.reasoning_effort != "none":
            reasoned = True
        options = request.stream_options
        return MarkedEnvelope(
            request.model,
            bool(request.stream),
            needs,
            len(body) // 4,
            most,
            fields,
            options is not None and bool(options.include_usage),
            at_odds=reasoned and not needs & WHOLE_ONLY,
            marked=marked,
        )

    def read_request(self, envelope: Envelope) -> ChatRequest:
        """Raises BadRequest, and Unsupported for what has no common form."""
        return openai_chat_read.read_request(read_fields(_REQUEST, envelope.fields), envelope.fields)

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
        """The body for a provider of the same dialect: the model's name set, usage asked for, the rest as it came."""
        fields = envelope.fields.copy()
        fields["model"] = msgspec.Raw(ENCODER.encode(model))
        if "max_tokens" in fields and is_reasoning(known or model):
            most = fields.pop("max_tokens")  # the older name of the same bound, which these models refuse
            if not given(fields.get("max_completion_tokens", ABSENT)):
                fields["max_completion_tokens"] = most
        if unsampled:
            unsample(fields)
        if output_max:
            for name in ("max_tokens", "max_completion_tokens"):
                lower(fields, name, output_max, output_max)
        if envelope.stream and not envelope.include_usage:
            asked = fields.get("stream_options")
            if asked is None or not given(asked):
                fields["stream_options"] = _USAGE_ASKED
            else:
                options = FIELDS.decode(asked)
                options["include_usage"] = msgspec.Raw(b"true")
                fields["stream_options"] = msgspec.Raw(ENCODER.encode(options))
        if isinstance(envelope, MarkedEnvelope) and envelope.marked:
            fields["messages"] = _unmarked(fields["messages"], keeps_signatures(known or model))
        return ENCODER.encode(uncached(fields) if bare else fields)

    def pass_reply(self, body: bytes) -> tuple[Usage | None, Finish | None]:
        """Raises BrokenStream when ``body`` is no whole answer."""
        return openai_chat_reply.pass_reply(body)

    def tap(self, envelope: Envelope) -> Tap:
        choices = _COUNT.decode(envelope.fields["n"]) if envelope.needs & bit.MULTIPLE else 1
        return ChatTap(envelope.include_usage, choices)

    def write_reply(self, reply: ChatReply, model: str, created: int) -> bytes:
        return openai_chat_reply.write_reply(reply, model, created)

    def stream_writer(self, model: str, reply_id: str, created: int, include_usage: bool) -> StreamWriter:
        return Writer(model, reply_id, created, include_usage)

    def write_error(self, error: PolycloudError, request_id: str) -> bytes:
        return ENCODER.encode(error_body(error, request_id))

    def write_models(self, models: list[tuple[str, str]], created: int) -> bytes:
        """The models list; each entry is (name, owner)."""
        return ENCODER.encode({"object": "list", "data": [_model(model, created) for model in models]})

    def write_model(self, model: tuple[str, str], created: int) -> bytes:
        """One entry of the models list."""
        return ENCODER.encode(_model(model, created))

    def keep_alive(self) -> bytes:
        """A comment: clients skip lines that begin with a colon."""
        return b": keep-alive\n\n"


def _model(model: tuple[str, str], created: int) -> dict[str, object]:
    return {"id": model[0], "object": "model", "created": created, "owned_by": model[1]}


def _message_needs(messages: list[wire.Message]) -> tuple[int, bool, bool]:
    """The needs that messages show, and whether one holds a member of ours or Gemini's, or earlier reasoning."""
    needs = 0
    marked = reasoned = False
    for message in messages:
        if isinstance(message.content, list):
            for part in message.content:
                if part.cache_control is not None:
                    needs |= bit.PROMPT_CACHE
                if part.type == "image_url":
                    needs |= bit.IMAGES
                elif part.type not in ("text", "refusal"):
                    needs |= bit.OTHER_MEDIA
                    if part.input_audio is None and (part.file is None or not part.file.file_data):
                        needs |= bit.NATIVE_CONTENT
        if message.polycloud is not None:
            marked = True
        if message.reasoning_content or message.reasoning:
            reasoned = True
        if message.cache_control is not None:
            needs |= bit.PROMPT_CACHE
        if given(message.function_call) or given(message.audio) or message.role == "function":
            needs |= bit.NATIVE_CONTENT
        for call in message.tool_calls or ():
            if call.function is None:
                needs |= bit.NATIVE_CONTENT
            if call.extra_content is not None:
                marked = True
    return needs, marked, reasoned


def _field_needs(request: wire.Request) -> int:
    needs = 0
    if request.stream:
        needs |= bit.STREAM
    if request.temperature not in bit.UNCHANGED or request.top_p not in bit.UNCHANGED:
        needs |= bit.TEMPERATURE
    if request.seed is not None:
        needs |= bit.SEED
    if request.stop:
        needs |= bit.STOP if isinstance(request.stop, str) else bit.stops(len(request.stop))
    if request.top_k is not None:
        needs |= bit.TOP_K
    if request.frequency_penalty or request.presence_penalty:
        needs |= bit.PENALTIES
    if request.reasoning_effort is not None:
        needs |= bit.REASONING if request.reasoning_effort in EFFORTS else bit.OPENAI_EXTRAS
    if request.logprobs or request.top_logprobs:
        needs |= bit.LOGPROBS
    if request.n is not None and request.n != 1:
        if request.n < 1:
            raise BadRequest("n: must be at least 1", "n")
        needs |= bit.MULTIPLE
    if request.response_format is not None:
        if request.response_format.type == "json_schema":
            needs |= bit.JSON_SCHEMA
        elif request.response_format.type == "json_object":
            needs |= bit.JSON_OBJECT
        elif request.response_format.type != "text":
            needs |= bit.OPENAI_EXTRAS
    return needs


def _tool_needs(request: wire.Request) -> int:
    needs = 0
    if request.tools:
        needs |= bit.TOOLS
        for tool in request.tools:
            if tool.type != "function":
                needs |= bit.NATIVE_TOOLS
            if tool.cache_control is not None:
                needs |= bit.PROMPT_CACHE
        if request.parallel_tool_calls is False:
            needs |= bit.SERIAL_TOOLS
    choice = request.tool_choice
    if isinstance(choice, str):
        if choice == "required":
            needs |= bit.TOOL_CHOICE
        elif choice not in ("auto", "none"):
            needs |= bit.NATIVE_TOOLS
    elif choice is not None:
        needs |= bit.TOOL_CHOICE if choice.type == "function" else bit.NATIVE_TOOLS
    return needs


def _unmarked(messages: msgspec.Raw, signed: bool) -> msgspec.Raw:
    """The messages without the members that only we read, and unless ``signed`` those that only Gemini reads."""
    found = msgspec.json.decode(messages, type=list[dict[str, msgspec.Raw]])
    for message in found:
        message.pop("polycloud", None)
        if not signed and given(message.get("tool_calls", ABSENT)):
            calls = msgspec.json.decode(message["tool_calls"], type=list[dict[str, msgspec.Raw]])
            for call in calls:
                call.pop("extra_content", None)
            message["tool_calls"] = msgspec.Raw(ENCODER.encode(calls))
    return msgspec.Raw(ENCODER.encode(found))
