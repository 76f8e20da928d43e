"""What every protocol offers a site, and the few steps they share."""

import math
import re
from collections.abc import Iterator
from typing import Literal, Protocol, TypeVar

import msgspec

from polycloud.sandbox.ask import Answer, Ask
from polycloud.sandbox.tokens import TOKEN_BYTES
from polycloud.sandbox.wire import Reply, Request

DELTA_CHARS = 12  # a streamed piece: about three tokens, as providers batch them
Trouble = Literal["throttle", "quota", "http_error", "content_filter", "context_too_long", "unauthorized"]
Frame = tuple[bytes, int]
"""Bytes of one streamed event, and the generated tokens that it carries."""
T = TypeVar("T")


class Refused(Exception):
    """The request is answered with an error, as the provider words it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Writer(Protocol):
    """How one call's answer is written in its protocol. State of one answer."""

    def whole(self, answer: Answer) -> Reply: ...

    def head(self, answer: Answer) -> dict[str, str]:
        """Headers of a streamed answer."""
        ...

    def frames(self, answer: Answer) -> list[Frame]: ...

    def failure(self) -> bytes:
        """The protocol's own way to say, inside a stream that began well, that it failed."""
        ...

    def broken(self) -> bytes:
        """An event that can not be read."""
        ...


class Call(msgspec.Struct, kw_only=True):
    """A chat request that passed all checks. ``key`` names the credential that it came with; ``choices`` how many
    answers it asks for."""

    ask: Ask
    model: str
    key: str
    stream: bool
    writer: Writer
    explicit_cache: bool = False
    choices: int = 1


class Wire(Protocol):
    """One site's protocol: checks and reads requests, words errors."""

    def read(self, request: Request) -> Call | Reply:
        """The chat call that ``request`` makes, or the whole reply to anything else. Raises Refused."""
        ...

    def invalid(self, request: Request, message: str) -> Reply:
        """The provider's error for a request that is wrong."""
        ...

    def trouble(self, kind: Trouble, request: Request, status: int, retry_after_seconds: float) -> Reply:
        """The provider's error for ``kind``; ``status`` is for ``http_error``."""
        ...


def deltas(text: str) -> Iterator[tuple[str, int]]:
    """``text`` in streamed pieces with their tokens; the tokens add up to ``tokens.count(text)``."""
    start = size = spent = 0
    while start < len(text):
        end = start + DELTA_CHARS
        space = text.find(" ", end, end + DELTA_CHARS)
        piece = text[start : space if space > 0 else end]
        size += len(piece.encode("utf8", "surrogatepass"))
        total = -(-size // TOKEN_BYTES)
        yield piece, total - spent
        start, spent = start + len(piece), total


def argument_object(text: str) -> dict[str, object]:
    """Arguments as an object, for protocols that carry no text; a call cut short by the token limit has none."""
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def whole_seconds(seconds: float) -> str:
    """For ``retry-after``: never earlier than meant."""
    return str(math.ceil(seconds))


def compact(value: object) -> str:
    return msgspec.json.encode(value).decode()


_PLACE = re.compile(r" - at `\$(?P<place>[^`]*)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"missing required field `(?P<name>[^`]*)`")
_TYPES = re.compile(r"Expected `(?P<wanted>[^`]*)`(?:, got `(?P<got>[^`]*)`)?")


class Mistake(msgspec.Struct, frozen=True):
    """What is wrong with a body: ``place`` like ``messages[0].content``, empty for the body itself."""

    kind: Literal["unknown", "missing", "type", "value"]
    place: str
    name: str = ""
    wanted: str = ""
    got: str = ""
    text: str = ""

    @property
    def path(self) -> str:
        return ".".join(part for part in (self.place, self.name) if part)


def mistake(error: msgspec.ValidationError) -> Mistake:
    """Reads msgspec's message, the same wording for every field, back into its parts."""
    text = str(error)
    found = _PLACE.search(text)
    place = found["place"].lstrip(".") if found else ""
    if unknown := _UNKNOWN.search(text):
        return Mistake("unknown", place, unknown["name"], text=text)
    if missing := _MISSING.search(text):
        return Mistake("missing", place, missing["name"], text=text)
    if types := _TYPES.search(text):
        return Mistake("type", place, wanted=types["wanted"], got=types["got"] or "", text=text)
    return Mistake("value", place, text=text.partition(" - at ")[0])
