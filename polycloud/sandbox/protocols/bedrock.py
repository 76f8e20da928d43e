"""AWS Bedrock: Converse and ConverseStream, with signatures and bearer keys checked.

Sources: the service model in botocore 1.44.5, recorded traffic, and
docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11).
"""

import re
import uuid
from typing import Literal
from urllib.parse import unquote
from zlib import crc32

import msgspec

from polycloud.core.clock import Clock
from polycloud.sandbox.ask import Answer, Ask
from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.protocols import claude
from polycloud.sandbox.protocols.bedrock_body import Converse, ask_of, members
from polycloud.sandbox.protocols.common import Call, Frame, Refused, Trouble, argument_object, deltas, mistake
from polycloud.sandbox.protocols.sigv4 import AccessKey, SignatureRefused, verify
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.wire import Reply, Request

STREAM_TYPE = "application/vnd.amazon.eventstream"
_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
_FINISH = {"stop": "end_turn", "stop_sequence": "stop_sequence", "length": "max_tokens", "tool_calls": "tool_use"}
_PADDING = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_STATUS_KINDS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_CLAUDE_FIELDS = {"thinking", "top_k", "anthropic_beta", "output_config", "context_management"}
_NOVA_FIELDS = {"inferenceConfig", "reasoningConfig"}


def error(status: int, kind: str, message: str) -> Reply:
    headers = {
        "content-type": "application/json",
        "x-amzn-requestid": str(uuid.uuid4()),
        "x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/",
    }
    return Reply(status, msgspec.json.encode({"message": message}), headers)


def invalid(message: str) -> Refused:
    return Refused(error(400, "ValidationException", message))


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One message of an AWS event stream.

    Source: docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html (2026-11).
    """
    head = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for name, value in headers.items()
    )
    prelude = (16 + len(head) + len(payload)).to_bytes(4, "big") + len(head).to_bytes(4, "big")
    start = prelude + crc32(prelude).to_bytes(4, "big") + head + payload
    return start + crc32(start).to_bytes(4, "big")


class ConverseWriter:
    """Writes Converse answers; ``claude`` models show signatures with their reasoning."""

    def __init__(self, model: str, caches: bool) -> None:
        self.signs = claude.is_claude(model)
        self.caches = caches
        self.stop_reason: Literal["", "content_filtered"] = ""

    def whole(self, answer: Answer) -> Reply:
        content: list[dict[str, object]] = []
        for block in answer.blocks:
            if block.kind == "thinking":
                shown = {"text": block.text, "signature": block.signature} if self.signs else {"text": block.text}
                content.append({"reasoningContent": {"reasoningText": shown}})
            elif block.kind == "text":
                content.append({"text": block.text})
            else:
                use = {"toolUseId": f"tooluse_{block.id}", "name": block.name, "input": argument_object(block.text)}
                content.append({"toolUse": use})
        body = {
            "metrics": {"latencyMs": 1},
            "output": {"message": {"content": content, "role": "assistant"}},
            "stopReason": self._stop_reason(answer),
            "usage": self._usage(answer),
        }
        headers = {"content-type": "application/json", "x-amzn-requestid": str(uuid.uuid4())}
        return Reply(200, msgspec.json.encode(body), headers)

    def head(self, answer: Answer) -> dict[str, str]:
        return {"content-type": STREAM_TYPE, "x-amzn-requestid": str(uuid.uuid4())}

    def frames(self, answer: Answer) -> list[Frame]:
        events: list[tuple[str, dict[str, object], int]] = [("messageStart", {"role": "assistant"}, 0)]
        for i, block in enumerate(answer.blocks):
            at: dict[str, object] = {"contentBlockIndex": i}
            if block.kind == "thinking":
                for text, tokens in deltas(block.text):
                    events.append(("contentBlockDelta", {**at, "delta": {"reasoningContent": {"text": text}}}, tokens))
                if self.signs:
                    signed = {"reasoningContent": {"signature": block.signature}}
                    events.append(("contentBlockDelta", {**at, "delta": signed}, 0))
            elif block.kind == "text":
                for text, tokens in deltas(block.text):
                    events.append(("contentBlockDelta", {**at, "delta": {"text": text}}, tokens))
            else:
                start = {"toolUse": {"toolUseId": f"tooluse_{block.id}", "name": block.name}}
                pieces = list(deltas(block.text))
                named = block.tokens - sum(tokens for _, tokens in pieces)
                events.append(("contentBlockStart", {**at, "start": start}, named))
                for text, tokens in pieces:
                    events.append(("contentBlockDelta", {**at, "delta": {"toolUse": {"input": text}}}, tokens))
            events.append(("contentBlockStop", dict(at), 0))
        events.append(("messageStop", {"stopReason": self._stop_reason(answer)}, 0))
        events.append(("metadata", {"metrics": {"latencyMs": 1}, "usage": self._usage(answer)}, 0))
        seed = int(answer.id[:6], 16)
        return [(_event(kind, payload, seed + i), tokens) for i, (kind, payload, tokens) in enumerate(events)]

    def failure(self) -> bytes:
        headers = {
            ":exception-type": "modelStreamErrorException",
            ":content-type": "application/json",
            ":message-type": "exception",
        }
        return frame(
            headers, b'{"message":"The model stopped unexpectedly while it answered.","originalStatusCode":500}'
        )

    def broken(self) -> bytes:
        good = _event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "never whole"}}, 7)
        return good[:-4] + bytes(b ^ 0xFF for b in good[-4:])

    def _stop_reason(self, answer: Answer) -> str:
        return self.stop_reason or _FINISH[answer.finish]

    def _usage(self, answer: Answer) -> dict[str, object]:
        """Cached tokens are not part of ``inputTokens`` here, but of ``totalTokens``."""
        usage: dict[str, object] = {
            "inputTokens": answer.input - answer.cache_read - answer.cache_write,
            "outputTokens": answer.output,
            "totalTokens": answer.input + answer.output,
        }
        if self.caches:
            usage["cacheReadInputTokens"] = answer.cache_read
            usage["cacheWriteInputTokens"] = answer.cache_write
            if answer.cache_write:
                usage["cacheDetails"] = [{"ttl": "5m", "inputTokens": answer.cache_write}]
        return usage


class Bedrock:
    """One region's ``bedrock-runtime`` endpoint."""

    def __init__(self, site: SiteSpec, credentials: Credentials, clock: Clock) -> None:
        self._site, self._clock = site, clock
        self._bearer = credentials.aws_bearer
        self._accepted = AccessKey(
            credentials.aws_access_key, credentials.aws_secret_key, credentials.aws_session_token
        )

    def read(self, request: Request) -> Call | Reply:
        """Raises Refused."""
        key = self._authenticate(request)
        found = _PATH.fullmatch(request.path)
        if found is None or request.method != "POST":
            raise Refused(error(404, "UnknownOperationException", "The operation is not offered by this sandbox."))
        body = _parse(request.body)
        model, stream = unquote(found[1]), found[2] == "converse-stream"
        if model not in self._site.models:
            raise invalid("The provided model identifier is invalid.")
        _check(body)
        ask = ask_of(body)
        marked = any(p.mark for p in ask.pieces) or any(t.mark for t in ask.tools)
        if marked and not (claude.is_claude(model) or "nova" in model):
            message = "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information."
            raise Refused(error(403, "AccessDeniedException", message))
        _read_thinking(body, ask, model)
        _read_schema(body, ask)
        writer = ConverseWriter(model, caches=marked or claude.is_claude(model))
        return Call(ask=ask, model=model, key=key, stream=stream, writer=writer, explicit_cache=True)

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        if kind == "throttle":
            reply = error(429, "ThrottlingException", "Too many requests, please wait before trying again.")
            reply.headers["retry-after"] = f"{retry_after_seconds:.0f}"
            return reply
        if kind == "quota":
            message = "Your request exceeds the service quota for your account."
            return error(400, "ServiceQuotaExceededException", message)
        if kind == "unauthorized":
            message = "The security token included in the request is invalid."
            return error(403, "UnrecognizedClientException", message)
        if kind == "context_too_long":
            return error(400, "ValidationException", "Input is too long for requested model.")
        if kind == "content_filter":
            return _filtered(request)
        message = "The system encountered an unexpected error during processing. Try your request again."
        return error(status, _STATUS_KINDS.get(status, "InternalServerException"), message)

    def _authenticate(self, request: Request) -> str:
        given = request.headers.get("authorization", "")
        if not given:
            raise Refused(error(403, "MissingAuthenticationTokenException", "Missing Authentication Token"))
        if given.startswith("Bearer "):
            if given != f"Bearer {self._bearer}":
                message = "Authentication failed: Please make sure your API Key is valid."
                raise Refused(error(403, "AccessDeniedException", message))
            return "bearer"
        try:
            verify(request, self._accepted, self._site.region, "bedrock", self._clock.wall())
        except SignatureRefused as refused:
            raise Refused(error(403, refused.kind, refused.message)) from None
        return self._accepted.access_key


def _parse(raw: bytes) -> Converse:
    try:
        return _BODY.decode(raw)
    except msgspec.ValidationError as wrong:
        found = mistake(wrong)
        place = found.path.replace("[", ".").replace("]", "") or "body"
        if found.kind == "missing":
            constraint = "Member must not be null"
            message = f"1 validation error detected: Value null at '{place}' failed to satisfy constraint: {constraint}"
            raise invalid(message) from None
        if found.kind == "unknown":
            message = f"Malformed input request: extraneous key [{found.name}] is not permitted, please reformat your input and try again."
            raise invalid(message) from None
        raise invalid(f"The value at {place} is of the wrong kind: {found.text}") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refused(error(400, "SerializationException", "The request body is not valid JSON.")) from None


def _check(body: Converse) -> None:
    """The rules of the API that its types do not say, in its own words where they are known."""
    if not body.messages or body.messages[0].role != "user":
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a user "
            "message."
        )
    for i, message in enumerate(body.messages):
        if i and message.role == body.messages[i - 1].role:
            raise invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
                "between user and assistant roles and try again."
            )
        if not message.content:
            raise invalid(
                f"The content field in the Message object at messages.{i} is empty. Add a ContentBlock object to the "
                "content field and try again."
            )
        for j, block in enumerate(message.content):
            if len(members(block)) != 1:
                raise invalid(f"The ContentBlock object at messages.{i}.content.{j} must set exactly one member.")
            if block.text is not None and not block.text.strip():
                raise invalid(
                    f"The text field in the ContentBlock object at messages.{i}.content.{j} is blank. Add text to the "
                    "text field, and try again."
                )
    for i, system in enumerate(body.system or ()):
        if len(members(system)) != 1 or system.text == "":
            raise invalid(
                f"The SystemContentBlock object at system.{i} must set exactly one member, and no blank text."
            )
    _check_ranges(body)
    _check_tools(body)


def _check_ranges(body: Converse) -> None:
    inference = body.inference_config
    if inference is None:
        return
    for name, value, low, high in (
        ("maxTokens", inference.max_tokens, 1, None),
        ("temperature", inference.temperature, 0, 1),
        ("topP", inference.top_p, 0, 1),
    ):
        if value is None:
            continue
        if value < low or (high is not None and value > high):
            bound = f"greater than or equal to {low}" if value < low else f"less than or equal to {high}"
            raise invalid(
                f"1 validation error detected: Value '{value}' at 'inferenceConfig.{name}' failed to satisfy constraint: "
                f"Member must have value {bound}"
            )


def _check_tools(body: Converse) -> None:
    config = body.tool_config
    if config is not None:
        if not config.tools:
            raise invalid(
                "1 validation error detected: Value '[]' at 'toolConfig.tools' failed to satisfy constraint: Member must "
                "have length greater than or equal to 1"
            )
        for i, entry in enumerate(config.tools):
            spec = entry.tool_spec
            if len(members(entry)) != 1:
                raise invalid(f"The Tool object at toolConfig.tools.{i} must set exactly one member.")
            if spec is not None and not re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", spec.name):
                raise invalid(
                    f"1 validation error detected: Value '{spec.name}' at 'toolConfig.tools.{i}.member.toolSpec.name' "
                    "failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
                )
            if spec is not None and spec.description == "":
                raise invalid(f"The description at toolConfig.tools.{i}.toolSpec is blank.")
            if spec is not None and spec.input_schema.json.get("type") != "object":
                raise invalid(
                    f"The value at toolConfig.tools.{i}.toolSpec.inputSchema.json.type must be one of the following: "
                    "object."
                )
        if config.tool_choice is not None and len(members(config.tool_choice)) != 1:
            raise invalid("The ToolChoice object at toolConfig.toolChoice must set exactly one member.")
    waiting: list[str] = []
    for i, message in enumerate(body.messages):
        uses = [b.tool_use.tool_use_id for b in message.content if b.tool_use is not None]
        results = [b.tool_result.tool_use_id for b in message.content if b.tool_result is not None]
        if (uses or results) and config is None:
            raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
        missing = [u for u in waiting if u not in results]
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{i}.content for the following Ids: {', '.join(missing)}"
            )
        if len(results) > len(waiting):
            raise invalid(
                f"The number of toolResult blocks at messages.{i}.content exceeds the number of toolUse blocks of "
                "previous turn."
            )
        waiting = uses
    if waiting:
        raise invalid(
            f"Expected toolResult blocks at messages.{len(body.messages)}.content for the following Ids: {', '.join(waiting)}"
        )


def _read_thinking(body: Converse, ask: Ask, model: str) -> None:
    fields = body.additional_model_request_fields or {}
    if claude.is_claude(model):
        _only(fields, _CLAUDE_FIELDS, "The model returned the following errors: {}: Extra inputs are not permitted")
        complaint = claude.signature_complaint(_shown(body))
        if not complaint and "thinking" in fields:
            inference = body.inference_config
            complaint = claude.thinking_complaint(
                fields["thinking"],
                inference.max_tokens if inference else None,
                inference.temperature if inference else None,
                ask.choice in ("required", "named"),
                _opens_with_thinking(body),
            )
        if complaint:
            raise invalid(f"The model returned the following errors: {complaint}")
        ask.thinking = claude.thinks(fields.get("thinking"))
        return
    if "nova" in model:
        text = (
            "Malformed input request: extraneous key [{}] is not permitted, please reformat your input and try again."
        )
        _only(fields, _NOVA_FIELDS, text)
    config = fields.get("reasoningConfig")
    if isinstance(config, dict) and config.get("type") == "enabled":
        ask.thinking = claude.THOUGHT_TOKENS
    if fields.get("reasoning_effort") not in (None, "none"):
        ask.thinking = claude.THOUGHT_TOKENS


def _only(fields: dict[str, object], allowed: set[str], text: str) -> None:
    for name in fields:
        if name not in allowed:
            raise invalid(text.format(name))


def _shown(body: Converse) -> list[claude.Shown]:
    shown = []
    for i, message in enumerate(body.messages):
        for j, block in enumerate(message.content):
            text = block.reasoning_content.reasoning_text if block.reasoning_content else None
            if text is not None:
                shown.append(claude.Shown(f"messages.{i}.content.{j}", text.text, text.signature or ""))
    return shown


def _opens_with_thinking(body: Converse) -> bool:
    last = body.messages[-1]
    if not any(b.tool_result is not None for b in last.content):
        return True
    return body.messages[-2].content[0].reasoning_content is not None


def _read_schema(body: Converse, ask: Ask) -> None:
    form = body.output_config.text_format if body.output_config else None
    if form is None:
        return
    try:
        schema = msgspec.json.decode(form.structure.json_schema.schema)
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise invalid("The schema at outputConfig.textFormat.structure.jsonSchema.schema is not valid JSON.")
    ask.schema = schema


def _filtered(request: Request) -> Reply:
    """Bedrock answers 200 and says ``content_filtered``."""
    answer = Answer(id="0" * 64, blocks=[], finish="stop", input=0, output=0)
    writer = ConverseWriter("", caches=False)
    writer.stop_reason = "content_filtered"
    if request.path.endswith("-stream"):
        return Reply(200, b"".join(data for data, _ in writer.frames(answer)), writer.head(answer))
    return writer.whole(answer)


def _event(kind: str, payload: dict[str, object], seed: int) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    padded = {**payload, "p": _PADDING[: seed * 7 % len(_PADDING) + 1]}
    return frame(headers, msgspec.json.encode(padded))


_BODY = msgspec.json.Decoder(Converse)
