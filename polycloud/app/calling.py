"""One prompt by either API: what is sent, and what of the answer a person wants to know."""

import json
from collections.abc import Iterator
from http.client import HTTPResponse, IncompleteRead
from typing import Any

import msgspec

from polycloud.core.errors import BadRequest

CALL_SECONDS = 660.0  # a little over the longest total deadline of a route by default
LINE_BYTES_MAX = 1024 * 1024  # one event of a stream
OUTPUT_TOKENS = 1024  # the Anthropic API asks for a bound
NO_KEY = "no key: make one with `polycloud keys create --team TEAM`, give --key or POLYCLOUD_KEY"


class Call(msgspec.Struct, frozen=True):
    """One prompt, in one of the two APIs."""

    model: str
    prompt: str
    stream: bool = False
    anthropic: bool = False
    data_class: str = ""
    region: str = ""
    max_tokens: int | None = None

    @property
    def path(self) -> str:
        return "/v1/messages" if self.anthropic else "/v1/chat/completions"

    @property
    def body(self) -> dict[str, object]:
        found: dict[str, object] = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt}],
            "stream": self.stream,
        }
        if self.stream and not self.anthropic:  # the other API always tells
            found["stream_options"] = {"include_usage": True}
        if self.max_tokens or self.anthropic:
            found["max_tokens"] = self.max_tokens or OUTPUT_TOKENS
        return found

    def headers(self, key: str) -> dict[str, str]:
        """Raises BadRequest when there is no key."""
        if not key:
            raise BadRequest(NO_KEY)
        found = {"x-api-key": key, "anthropic-version": "2023-06-01"} if self.anthropic else {}
        if not self.anthropic:
            found["authorization"] = f"Bearer {key}"
        if self.data_class:
            found["x-polycloud-class"] = self.data_class
        if self.region:
            found["x-polycloud-region"] = self.region
        return found


class Called(msgspec.Struct, frozen=True):
    """The answer to one prompt: its text, the ``deployment`` that gave it, how many were tried, and what it could not
    do that was asked for. ``request`` names its records."""

    text: str
    request: str
    deployment: str
    attempts: int
    degraded: tuple[str, ...]
    input_tokens: int
    output_tokens: int


def called(headers: dict[str, str], value: dict[str, Any]) -> Called:
    """``value`` is a whole answer of either API; ``headers`` by lower-case name."""
    came, went = tokens(value.get("usage") or {})
    degraded = headers.get("x-polycloud-degraded", "")
    return Called(
        text=text_of(value),
        request=headers.get("x-polycloud-request", ""),
        deployment=headers.get("x-polycloud-deployment", ""),
        attempts=int(headers.get("x-polycloud-attempts", "1")),
        degraded=tuple(part.strip() for part in degraded.split(",") if part.strip()),
        input_tokens=came,
        output_tokens=went,
    )


def events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON events of a server-sent stream; comments are passed over. One with ``error`` in it is the last. Raises
    IncompleteRead when it ends with neither that nor its end mark."""
    whole = False
    while line := answer.readline(LINE_BYTES_MAX):
        whole = whole or line.startswith((b"data: [DONE]", b"event: message_stop"))
        if line.startswith(b"data: {"):
            try:
                event = json.loads(line[6:])
            except ValueError as error:
                raise IncompleteRead(line) from error
            yield event
            if "error" in event:
                return
    if not whole:
        raise IncompleteRead(b"")


def text_of(value: dict[str, Any]) -> str:
    """The text in an answer or stream event of either API."""
    for choice in value.get("choices") or ():
        return str((choice.get("message") or choice.get("delta") or {}).get("content") or "")
    if isinstance(value.get("delta"), dict):
        return str(value["delta"].get("text") or "")
    return "".join(str(block.get("text", "")) for block in value.get("content") or ())


def usage_of(event: dict[str, Any]) -> dict[str, Any]:
    """What an event of a stream says of the tokens; of later events later figures hold."""
    found = event.get("usage") or (event.get("message") or {}).get("usage") or {}
    return {name: value for name, value in found.items() if value is not None}


def tokens(usage: dict[str, Any]) -> tuple[int, int]:
    """Tokens in and out, as either API counts them."""
    came = usage.get("prompt_tokens", usage.get("input_tokens", 0))
    went = usage.get("completion_tokens", usage.get("output_tokens", 0))
    return came, went
