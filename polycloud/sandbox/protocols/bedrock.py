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
from polycloud.sandbox.ask import Answer
from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.protocols import claude
from polycloud.sandbox.protocols.bedrock_body import ask_of
from polycloud.sandbox.protocols.bedrock_rules import error, invalid, parse, read_own_choice, read_schema, read_thinking
from polycloud.sandbox.protocols.common import Call, Frame, Refused, Trouble, argument_object, deltas, whole_seconds
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

    def __init__(self, model: str, caches: bool, tells_stop: bool = False) -> None:
        self.tells_stop = tells_stop
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
            **self._stopped(answer),
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
        events.append(("messageStop", self._stopped(answer), 0))
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

    def _stopped(self, answer: Answer) -> dict[str, object]:
        found: dict[str, object] = {"stopReason": self.stop_reason or _FINISH[answer.finish]}
        if self.tells_stop:
            found["additionalModelResponseFields"] = {"stop_sequence": answer.stop_sequence or None}
        return found

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
                hour = answer.cache_write_hour
                lives = (("5m", answer.cache_write - hour), ("1h", hour))
                usage["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in lives if tokens]
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
        model, stream = unquote(found[1]), found[2] == "converse-stream"
        if model not in self._site.models:
            raise invalid("The provided model identifier is invalid.")
        body = parse(request.body, model)
        ask = ask_of(body)
        marked = any(p.mark for p in ask.pieces) or any(t.mark for t in ask.tools)
        if marked and not (claude.is_claude(model) or "nova" in model):
            message = (
                "You invoked an unsupported model or your request did not allow prompt caching. See the "
                "documentation for more information."
            )
            raise Refused(error(403, "AccessDeniedException", message))
        read_own_choice(body, ask, model)
        read_thinking(body, ask, model)
        read_schema(body, ask)
        paths = body.additional_model_response_field_paths or ()
        tells_stop = claude.is_claude(model) and "/stop_sequence" in paths
        writer = ConverseWriter(model, caches=marked or claude.is_claude(model), tells_stop=tells_stop)
        return Call(ask=ask, model=model, key=key, stream=stream, writer=writer, explicit_cache=True)

    def invalid(self, request: Request, message: str) -> Reply:
        return invalid(message).reply

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        if kind == "throttle":
            reply = error(429, "ThrottlingException", "Too many requests, please wait before trying again.")
            reply.headers["retry-after"] = whole_seconds(retry_after_seconds)
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
