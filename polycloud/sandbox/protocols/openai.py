"""OpenAI chat completions as an on-premises server (vLLM) speaks them; Azure builds on it.

Shapes after recorded traffic of api.openai.com and the vLLM server's reference
(docs.vllm.ai/en/latest/serving/openai_compatible_server, 2026-11).
"""

from collections.abc import Iterator
from itertools import zip_longest

import msgspec

from polycloud.sandbox.ask import Answer
from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.protocols.common import (
    Call,
    Frame,
    Mistake,
    Refused,
    Trouble,
    compact,
    deltas,
    mistake,
    whole_seconds,
)
from polycloud.sandbox.protocols.openai_body import EFFORT_TOKENS, Body, ask_of
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.wire import Reply, Request

JSON = {"content-type": "application/json"}
DONE = b"data: [DONE]\n\n"
_FINISH = {"stop": "stop", "stop_sequence": "stop", "length": "length", "tool_calls": "tool_calls"}
_KINDS = {"int": "an integer", "str": "a string", "bool": "a boolean", "array": "an array", "object": "an object"}


def error_reply(status: int, message: str, kind: str, code: str | None = None, param: str | None = None) -> Reply:
    error = {"message": message, "type": kind, "param": param, "code": code}
    return Reply(status, msgspec.json.encode({"error": error}), dict(JSON))


def invalid(message: str, code: str | None = None, param: str | None = None) -> Refused:
    return Refused(error_reply(400, message, "invalid_request_error", code, param))


def parse(raw: bytes) -> Body:
    """Raises Refused in OpenAI's words."""
    try:
        body = _BODY.decode(raw)
    except msgspec.ValidationError as error:
        raise _wrong(mistake(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
        )
        raise invalid(message) from None
    check(body)
    return body


def _wrong(found: Mistake) -> Refused:
    if found.kind == "unknown":
        return invalid(f"Unrecognized request argument supplied: {found.path}", param=None)
    if found.kind == "missing":
        message = f"Missing required parameter: '{found.path}'."
        return invalid(message, "missing_required_parameter", found.path)
    if found.kind == "type":
        wanted = " or ".join(_KINDS.get(w.strip(), w.strip()) for w in found.wanted.split("|") if w.strip() != "null")
        got = f", but got {_KINDS.get(found.got, found.got)} instead" if found.got else ""
        return invalid(f"Invalid type for '{found.place}': expected {wanted}{got}.", "invalid_type", found.place)
    return invalid(f"Invalid value for '{found.place}': {found.text}.", "invalid_value", found.place)


def check(body: Body) -> None:
    """The rules that types do not say: ranges, and tool results that follow their calls."""
    if not body.messages:
        raise invalid("Invalid 'messages': empty array. Expected an array with minimum length 1.", "empty_array")
    for name, value, low, high in (
        ("temperature", body.temperature, 0, 2),
        ("top_p", body.top_p, 0, 1),
        ("frequency_penalty", body.frequency_penalty, -2, 2),
        ("presence_penalty", body.presence_penalty, -2, 2),
        ("n", body.n, 1, 128),
        ("max_tokens", body.max_tokens, 1, 2**31),
        ("max_completion_tokens", body.max_completion_tokens, 1, 2**31),
    ):
        if value is not None and not low <= value <= high:
            side, bound = ("below minimum", low) if value < low else ("above maximum", high)
            word = "minimum" if value < low else "maximum"
            message = (
                f"Invalid '{name}': {side} value. Expected a value {'>=' if word == 'minimum' else '<='} {bound}, "
            )
            code = f"{'integer' if isinstance(value, int) else 'decimal'}_{side.replace(' ', '_')}_value"
            raise invalid(f"{message}but got {value} instead.", code, name)
    if isinstance(body.stop, list) and len(body.stop) > 4:
        raise invalid(
            "Invalid 'stop': array too long. Expected an array with maximum length 4.", "array_above_max_length"
        )
    if body.stream_options is not None and not body.stream:
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise invalid(message, None, "stream_options")
    if body.tool_choice is not None and not body.tools:
        raise invalid(
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
            param="tool_choice",
        )
    _check_tool_turns(body)


def _check_tool_turns(body: Body) -> None:
    wire = msgspec.to_builtins(body.messages)
    waiting: list[str] = []
    for i, message in enumerate(wire):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                raise invalid(f"Invalid parameter: {text}", None, f"messages.[{i}].role")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        waiting = [c["id"] for c in message.get("tool_calls") or ()]
    if waiting:
        text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        ids = ", ".join(waiting)
        message = f"{text}'tool_call_id'. The following tool_call_ids did not have response messages: {ids}"
        raise invalid(message, None, "messages")


class ChatWriter:
    """Writes chat completions; ``shows_thinking`` puts reasoning in ``reasoning_content``, as vLLM does."""

    def __init__(self, model: str, include_usage: bool, shows_thinking: bool) -> None:
        self.model, self.include_usage, self.shows_thinking = model, include_usage, shows_thinking

    def whole(self, answer: Answer) -> Reply:
        return Reply(200, msgspec.json.encode(self.completion(answer)), dict(JSON))

    def completion(self, answer: Answer) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{answer.id[:29]}",
            "object": "chat.completion",
            "created": answer.created,
            "model": self.model,
            "choices": [self._choice(choice, i) for i, choice in enumerate(answer.choices())],
            "usage": usage(answer),
            "system_fingerprint": "fp_simulated",
        }

    def _choice(self, answer: Answer, index: int) -> dict[str, object]:
        text, calls = answer.text(), answer.calls()
        message: dict[str, object] = {"role": "assistant", "content": None if calls and not text else text}
        message["refusal"] = None
        if self.shows_thinking and answer.thinking():
            message["reasoning_content"] = answer.thinking()
        if calls:
            message["tool_calls"] = [
                {"id": f"call_{c.id}", "type": "function", "function": {"name": c.name, "arguments": c.text}}
                for c in calls
            ]
        return {"index": index, "message": message, "logprobs": None, "finish_reason": _FINISH[answer.finish]}

    def head(self, answer: Answer) -> dict[str, str]:
        return {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}

    def frames(self, answer: Answer) -> list[Frame]:
        """Choices take turns, as their texts grow side by side; usage is told once, of all of them."""
        head = self._chunk_head(answer)
        choices = [
            [self._chunk(head, i, *piece) for piece in self._pieces(one)] for i, one in enumerate(answer.choices())
        ]
        frames = [frame for turn in zip_longest(*choices) for frame in turn if frame is not None]
        if self.include_usage:
            frames.append((_event({**head, "choices": [], "usage": usage(answer)}), 0))
        return [*frames, (DONE, 0)]

    def _pieces(self, answer: Answer) -> Iterator[tuple[dict[str, object], int, str | None]]:
        """What one choice's chunks hold: the delta, its tokens, and how the choice ended."""
        yield {"role": "assistant", "content": "", "refusal": None}, 0, None
        if self.shows_thinking:
            for text, tokens in deltas(answer.thinking()):
                yield {"reasoning_content": text}, tokens, None
        for text, tokens in deltas(answer.text()):
            yield {"content": text}, tokens, None
        for i, call in enumerate(answer.calls()):
            function = {"name": call.name, "arguments": ""}
            start = {"index": i, "id": f"call_{call.id}", "type": "function", "function": function}
            yield {"tool_calls": [start]}, call.tokens - sum(n for _, n in deltas(call.text)), None
            for text, tokens in deltas(call.text):
                yield {"tool_calls": [{"index": i, "function": {"arguments": text}}]}, tokens, None
        yield {}, 0, _FINISH[answer.finish]

    def failure(self) -> bytes:
        message = "The server had an error while processing your request. Sorry about that!"
        return _event({"error": {"message": message, "type": "server_error", "param": None, "code": None}})

    def broken(self) -> bytes:
        return b'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n'

    def choice_extras(self, finished: bool) -> dict[str, object]:
        """More members of a streamed choice."""
        return {}

    def _chunk_head(self, answer: Answer) -> dict[str, object]:
        return {
            "id": f"chatcmpl-{answer.id[:29]}",
            "object": "chat.completion.chunk",
            "created": answer.created,
            "model": self.model,
            "system_fingerprint": "fp_simulated",
        }

    def _chunk(
        self, head: dict[str, object], index: int, delta: dict[str, object], tokens: int, finish: str | None
    ) -> Frame:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        choice.update(self.choice_extras(finish is not None))
        chunk: dict[str, object] = {**head, "choices": [choice]}
        if self.include_usage:
            chunk["usage"] = None
        return _event(chunk), tokens


def usage(answer: Answer) -> dict[str, object]:
    return {
        "prompt_tokens": answer.input,
        "completion_tokens": answer.output,
        "total_tokens": answer.input + answer.output,
        "prompt_tokens_details": {"cached_tokens": answer.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


class OnPremises:
    """A vLLM-like server: ``/v1/chat/completions`` and ``/v1/models``, a bearer key if the site asks for one."""

    def __init__(self, site: SiteSpec, credentials: Credentials) -> None:
        self._site, self._credentials = site, credentials

    def read(self, request: Request) -> Call | Reply:
        """Raises Refused."""
        key = self._authenticate(request)
        if request.path == "/v1/models" and request.method == "GET":
            return self._models()
        if request.path in ("/health", "/ping") and request.method == "GET":
            return Reply(200, b"")
        if request.path != "/v1/chat/completions":
            raise Refused(Reply(404, compact({"detail": "Not Found"}).encode(), dict(JSON)))
        if request.method != "POST":
            raise Refused(Reply(405, compact({"detail": "Method Not Allowed"}).encode(), {**JSON, "allow": "POST"}))
        body = parse(request.body)
        model = body.model or ""
        if model not in self._site.models:
            message = f"The model `{model}` does not exist."
            raise Refused(error_reply(404, message, "NotFoundError", param="model"))
        ask = ask_of(body)
        ask.thinking = EFFORT_TOKENS[body.reasoning_effort or "none"]
        stream = bool(body.stream)
        options = body.stream_options
        writer = ChatWriter(model, bool(options and options.include_usage), shows_thinking=True)
        return Call(ask=ask, model=model, key=key, stream=stream, writer=writer, choices=body.n or 1)

    def invalid(self, request: Request, message: str) -> Reply:
        return invalid(message).reply

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        if kind in ("throttle", "quota"):
            reply = error_reply(429, "Too many requests are waiting; try again later.", "RateLimitError")
            reply.headers["retry-after"] = whole_seconds(retry_after_seconds)
            return reply
        if kind == "unauthorized":
            return _unauthorized()
        if kind == "context_too_long":
            return context_reply(8192, 9000)
        if kind == "content_filter":
            return error_reply(400, "The request was refused by the server's content policy.", "BadRequestError")
        return error_reply(status, "The server had an error while processing your request.", "InternalServerError")

    def _authenticate(self, request: Request) -> str:
        if not self._site.key_required:
            return "anonymous"
        if request.headers.get("authorization", "") != f"Bearer {self._credentials.onprem_key}":
            raise Refused(_unauthorized())
        return "key"

    def _models(self) -> Reply:
        data = [
            {"id": m, "object": "model", "created": 0, "owned_by": "vllm", "root": m, "parent": None}
            for m in self._site.models
        ]
        return Reply(200, msgspec.json.encode({"object": "list", "data": data}), dict(JSON))


def context_reply(limit: int, asked: int) -> Reply:
    message = (
        f"This model's maximum context length is {limit} tokens. However, your messages resulted in {asked} tokens. "
        "Please reduce the length of the messages."
    )
    return error_reply(400, message, "invalid_request_error", "context_length_exceeded", "messages")


def thinking_tokens(body: Body, default: str) -> int:
    return EFFORT_TOKENS[body.reasoning_effort or default]


def _unauthorized() -> Reply:
    return Reply(401, b'{"error":"Unauthorized"}', dict(JSON))


def _event(value: object) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


_BODY = msgspec.json.Decoder(Body)
