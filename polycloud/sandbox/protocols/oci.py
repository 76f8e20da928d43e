"""OCI Generative AI: ``actions/chat`` in the GENERIC format, with request signatures and API keys checked.

Sources: the models of oci 2.189.0; docs.oracle.com/iaas/api/#/en/generative-ai-inference/20231130/ChatResult/Chat
and docs.oracle.com/iaas/Content/generative-ai/api-keys.htm (2026-11). Nobody publishes recorded traffic of
this service: bodies follow the schema, the wording of some errors is our own.
"""

import uuid
from datetime import UTC, datetime

import msgspec

from polycloud.core.clock import Clock
from polycloud.sandbox.ask import Answer
from polycloud.sandbox.credentials import Credentials, load_key
from polycloud.sandbox.protocols.azure import is_reasoning
from polycloud.sandbox.protocols.common import Call, Frame, Refused, Trouble, deltas, mistake, whole_seconds
from polycloud.sandbox.protocols.oci_body import (
    EFFORT_TOKENS,
    Assistant,
    ChatDetails,
    Generic,
    OnDemand,
    ToolMessage,
    ask_of,
)
from polycloud.sandbox.protocols.oci_signature import MISSING, SignatureRefused, verify
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.wire import Reply, Request

PATH = "/20231130/actions/chat"
_CODES = {
    400: "InvalidParameter",
    401: "NotAuthenticated",
    404: "NotAuthorizedOrNotFound",
    409: "IncorrectState",
    429: "TooManyRequests",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}
_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"}


class GenericWriter:
    """Writes GENERIC answers; ``shows_thinking`` puts reasoning in ``reasoningContent``."""

    def __init__(self, model: str, request_id: str, include_usage: bool, shows_thinking: bool) -> None:
        self.model, self.request_id = model, request_id
        self.include_usage, self.shows_thinking = include_usage, shows_thinking

    def whole(self, answer: Answer) -> Reply:
        text, calls = answer.text(), answer.calls()
        message: dict[str, object] = {"role": "ASSISTANT"}
        message["content"] = [{"type": "TEXT", "text": text}] if text or not calls else None
        if self.shows_thinking and answer.thinking():
            message["reasoningContent"] = answer.thinking()
        if calls:
            message["toolCalls"] = [
                {"type": "FUNCTION", "id": f"call_{c.id}", "name": c.name, "arguments": c.text} for c in calls
            ]
        choice = {"index": 0, "message": message, "finishReason": _FINISH[answer.finish]}
        created = datetime.fromtimestamp(answer.created, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        chat = {"apiFormat": "GENERIC", "timeCreated": created, "choices": [choice], "usage": usage(answer)}
        body = {"modelId": self.model, "modelVersion": "1.0.0", "chatResponse": chat}
        headers = {"content-type": "application/json", "opc-request-id": self.request_id}
        return Reply(200, msgspec.json.encode(body), headers)

    def head(self, answer: Answer) -> dict[str, str]:
        return {"content-type": "text/event-stream", "opc-request-id": self.request_id}

    def frames(self, answer: Answer) -> list[Frame]:
        frames: list[Frame] = []
        if self.shows_thinking:
            for text, tokens in deltas(answer.thinking()):
                frames.append((_message({"reasoningContent": text}), tokens))
        for text, tokens in deltas(answer.text()):
            frames.append((_message({"content": [{"type": "TEXT", "text": text}]}), tokens))
        for call in answer.calls():
            pieces = list(deltas(call.text))
            opened = call.tokens - sum(n for _, n in pieces)
            # Only the first fragment of a call has its id and name.
            first = {"type": "FUNCTION", "id": f"call_{call.id}", "name": call.name, "arguments": ""}
            frames.append((_message({"toolCalls": [first]}), opened))
            for text, tokens in pieces:
                frames.append((_message({"toolCalls": [{"type": "FUNCTION", "arguments": text}]}), tokens))
        frames.append((_event({"finishReason": _FINISH[answer.finish]}), 0))
        if self.include_usage:
            frames.append((_event({"usage": usage(answer)}), 0))
        return frames

    def failure(self) -> bytes:
        return _event({"code": "InternalServerError", "message": "The model stopped while it answered."})

    def broken(self) -> bytes:
        return b'data: {"index":0,"message":{"role":"ASSISTANT","content":[{"type":"TE\n\n'


class Oci:
    """One region's inference endpoint."""

    def __init__(self, site: SiteSpec, credentials: Credentials, clock: Clock) -> None:
        self._site, self._credentials, self._clock = site, credentials, clock
        self._key = load_key(credentials.oci_private_key).public_key()
        self._key_id = f"{credentials.oci_tenancy}/{credentials.oci_user}/{credentials.oci_fingerprint}"

    def read(self, request: Request) -> Call | Reply:
        """Raises Refused."""
        request_id = _request_id(request)
        key = self._authenticate(request, request_id)
        if request.path != PATH or request.method != "POST":
            raise _refused(404, "Authorization failed or requested resource not found.", request_id)
        try:
            body = _BODY.decode(request.body)
        except msgspec.ValidationError as wrong:
            raise _refused(400, f"The request is invalid: {mistake(wrong).text}", request_id) from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise _refused(400, "The request body is not valid JSON.", request_id, "CannotParseRequest") from None
        if not body.compartment_id.startswith(("ocid1.compartment.", "ocid1.tenancy.")):
            raise _refused(400, "The compartmentId must be the OCID of a compartment.", request_id)
        model = body.serving_mode.model_id if isinstance(body.serving_mode, OnDemand) else body.serving_mode.endpoint_id
        if model not in self._site.models:
            raise _refused(404, f"Entity with key {model} not found", request_id, "404")
        chat = body.chat_request
        if not isinstance(chat, Generic):
            raise _refused(
                400, "This sandbox simulates apiFormat GENERIC only; COHERE formats are not simulated yet.", request_id
            )
        complaint = _complaint(chat, model)
        if complaint:
            raise _refused(400, complaint, request_id)
        ask = ask_of(chat)
        hidden = model.startswith("openai.") and is_reasoning(model)
        ask.thinking = EFFORT_TOKENS[chat.reasoning_effort or ("MEDIUM" if hidden else "NONE")]
        ask.show_thinking = not hidden
        options = chat.stream_options
        writer = GenericWriter(model, request_id, bool(options and options.is_include_usage), not hidden)
        return Call(ask=ask, model=model, key=key, stream=bool(chat.is_stream), writer=writer)

    def invalid(self, request: Request, message: str) -> Reply:
        return error(400, message, _request_id(request))

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        request_id = _request_id(request)
        if kind == "throttle":
            reply = error(429, "Too many requests for the user.", request_id)
            reply.headers["retry-after"] = whole_seconds(retry_after_seconds)
            return reply
        if kind == "quota":
            message = "The request exceeds the compartment's quota for this model."
            return error(400, message, request_id, "QuotaExceeded")
        if kind == "unauthorized":
            return error(401, MISSING, request_id)
        if kind == "context_too_long":
            message = (
                "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens in the "
                "messages. "
                "Please reduce the length of the messages."
            )
            return error(400, message, request_id, "400")
        if kind == "content_filter":
            return error(400, "Inappropriate content detected!!!", request_id, "400")
        return error(status, "An internal server error occurred.", request_id)

    def _authenticate(self, request: Request, request_id: str) -> str:
        given = request.headers.get("authorization", "")
        if given == f"Bearer {self._credentials.oci_key}":
            return "api-key"
        try:
            verify(request, self._key_id, self._key, self._clock.wall())
        except SignatureRefused as refused:
            raise _refused(401, str(refused), request_id) from None
        return self._credentials.oci_user


def error(status: int, message: str, request_id: str, code: str = "") -> Reply:
    body = {"code": code or _CODES.get(status, "InternalServerError"), "message": message}
    headers = {"content-type": "application/json", "opc-request-id": request_id}
    return Reply(status, msgspec.json.encode(body), headers)


def usage(answer: Answer) -> dict[str, object]:
    return {
        "promptTokens": answer.input,
        "completionTokens": answer.output,
        "totalTokens": answer.input + answer.output,
        "promptTokensDetails": {"cachedTokens": answer.cache_read},
        "completionTokensDetails": {"reasoningTokens": answer.reasoning},
    }


def _complaint(chat: Generic, model: str) -> str:
    if not chat.messages:
        return "The messages must not be empty."
    if chat.num_generations not in (None, 1):
        return "This sandbox answers with one choice: numGenerations must be 1."
    if model.startswith("openai.") and is_reasoning(model) and chat.max_tokens is not None:
        return "Unsupported parameter: 'maxTokens' is not supported with this model. Use 'maxCompletionTokens' instead."
    for name, value, low, high in (
        ("temperature", chat.temperature, 0, 2),
        ("topP", chat.top_p, 0, 1),
        ("maxTokens", chat.max_tokens, 1, 2**31),
        ("maxCompletionTokens", chat.max_completion_tokens, 1, 2**31),
    ):
        if value is not None and not low <= value <= high:
            return f"{name} must be between {low} and {high}, but got {value}."
    waiting: list[str] = []
    for message in chat.messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                return "A TOOL message must answer a tool call of the assistant message before it."
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            break
        if isinstance(message, Assistant):
            waiting = [c.id for c in message.tool_calls or ()]
            if any(getattr(c, "text", None) == "" for c in message.content or ()) and waiting:
                return "The content of an ASSISTANT message with tool calls must be null, not empty."
    return f"These tool calls have no TOOL message: {', '.join(waiting)}" if waiting else ""


def _refused(status: int, message: str, request_id: str, code: str = "") -> Refused:
    return Refused(error(status, message, request_id, code))


def _request_id(request: Request) -> str:
    given = request.headers.get("opc-request-id", "")
    return f"{given or uuid.uuid4().hex.upper()}/{uuid.uuid4().hex.upper()}/{uuid.uuid4().hex.upper()}"


def _message(members: dict[str, object]) -> bytes:
    return _event({"index": 0, "message": {"role": "ASSISTANT", **members}, "pad": "aaaaaaaa"})


def _event(value: dict[str, object]) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


_BODY = msgspec.json.Decoder(ChatDetails)
