"""A question and its answer in the sandbox's own plain form, between the protocols and the author."""

from typing import Literal

import msgspec

Kind = Literal["system", "user", "assistant", "call", "tool", "thinking"]
Mark = Literal["", "5m", "1h"]
Finish = Literal["stop", "stop_sequence", "length", "tool_calls"]


class Piece(msgspec.Struct):
    """One block of a conversation. ``name`` is the tool's for calls and results; ``mark`` the lifetime of a cache
    mark after it, "" for none."""

    kind: Kind
    text: str = ""
    name: str = ""
    mark: Mark = ""
    images: int = 0


class Tool(msgspec.Struct):
    """``schema`` is the decoded JSON Schema of the arguments."""

    name: str
    description: str = ""
    schema: dict[str, object] = {}
    mark: Mark = ""


class Ask(msgspec.Struct, kw_only=True):
    """One chat turn as the provider understood it.

    ``choice``: ``auto``, ``none``, ``required`` or ``named`` (then ``choice_name``);
    ``allowed`` narrows which tools may be called. ``schema`` asks
    for JSON of that schema, ``json_object`` for any JSON object. ``thinking`` is the number of tokens
    that the model may think, shown when ``show_thinking``.
    """

    pieces: list[Piece]
    tools: list[Tool] = []
    choice: Literal["auto", "none", "required", "named"] = "auto"
    choice_name: str = ""
    allowed: list[str] = []
    parallel: bool = True
    schema: dict[str, object] | None = None
    json_object: bool = False
    max_tokens: int | None = None
    stop: list[str] = []
    thinking: int = 0
    show_thinking: bool = True
    salt: str = ""


class Block(msgspec.Struct):
    """A part of an answer; ``text`` holds the arguments as JSON text when it is a call."""

    kind: Literal["thinking", "text", "call"]
    text: str
    id: str = ""
    name: str = ""
    signature: str = ""
    tokens: int = 0


class Answer(msgspec.Struct, kw_only=True):
    """``input`` counts all prompt tokens, cached ones included; ``output`` all generated, reasoning included;
    ``cache_write_hour`` is the part of the cache writes that live an hour. ``more`` are the further choices, where
    several were asked for: of the first one, ``output`` and ``reasoning`` are the sums of all."""

    id: str
    blocks: list[Block]
    finish: Finish
    stop_sequence: str = ""
    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    cache_write_hour: int = 0
    reasoning: int = 0
    created: int = 0
    more: list["Answer"] = []

    def choices(self) -> list["Answer"]:
        return [self, *self.more]

    def text(self) -> str:
        return "".join(b.text for b in self.blocks if b.kind == "text")

    def thinking(self) -> str:
        return "".join(b.text for b in self.blocks if b.kind == "thinking")

    def calls(self) -> list[Block]:
        return [b for b in self.blocks if b.kind == "call"]
