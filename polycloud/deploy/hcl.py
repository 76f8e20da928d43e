"""HCL as values and as text: what `terraform fmt` leaves as it is, in which no estate's text becomes an expression.

The alignment follows fmt's own rule: consecutive lines that hold a whole ``name = value`` share the column of their
``=``; a line that opens a bracket, a block or a blank line ends the run (hclwrite, format.go, seen 2026-11).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, Union

import msgspec

INLINE_MAX = 100  # characters: a longer list is easier to review one element a line
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Expr(msgspec.Struct, frozen=True):
    """An expression as it stands, such as ``aws_vpc.main.id``: written by a renderer, never from an estate's text."""

    text: str


class Call(msgspec.Struct, frozen=True):
    """A function of one argument, such as ``jsonencode``, over a value whose texts are escaped like all others."""

    function: str
    argument: "Value"


class Block(msgspec.Struct, frozen=True):
    """A block with its labels; ``body`` holds attributes and blocks in the order of the file."""

    kind: str
    labels: tuple[str, ...] = ()
    body: tuple[Union["Attribute", "Block", "Comment"], ...] = ()


class Comment(msgspec.Struct, frozen=True):
    """One comment; its lines may not end it early, so line ends become spaces."""

    text: str


Value: TypeAlias = "str | int | bool | float | Expr | Call | Sequence[Value] | Mapping[str, Value] | None"


class Attribute(msgspec.Struct, frozen=True):
    name: str
    value: Value


Part = Attribute | Block | Comment


def block(kind: str, *labels: str, attributes: Mapping[str, Value] | None = None, parts: Iterable[Part] = ()) -> Block:
    """A block with its attributes first, then its inner parts. An attribute whose value is None is left out."""
    given = tuple(Attribute(name, value) for name, value in (attributes or {}).items() if value is not None)
    return Block(kind, labels, (*given, *parts))


def render(parts: Iterable[Part]) -> str:
    """A whole file: blocks apart by one blank line, ending in one newline. Raises ValueError for a name that HCL does
    not allow as an attribute, a block or a label's identifier."""
    texts = ["\n".join(_part(part, 0)) for part in parts]
    return "\n\n".join(texts) + "\n"


def quoted(text: str) -> str:
    """A string literal: quotes, control characters and template marks are escaped."""
    escaped = "".join(_ESCAPES.get(c, c if c.isprintable() else f"\\u{ord(c):04x}") for c in text)
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def joined(*pieces: "str | Expr") -> Expr:
    """A template of literal texts and expressions: ``joined(Expr("var.name"), "-logs")`` is ``"${var.name}-logs"``."""
    inner = "".join(f"${{{p.text}}}" if isinstance(p, Expr) else quoted(p)[1:-1] for p in pieces)
    return Expr(f'"{inner}"')


def _part(part: Part, depth: int) -> list[str]:
    if isinstance(part, Comment):
        return ["  " * depth + "# " + " ".join(part.text.split())]
    if isinstance(part, Attribute):
        return _aligned([_assignment(_name(part.name), part.value, depth)])
    return _block(part, depth)


def _block(part: Block, depth: int) -> list[str]:
    pad = "  " * depth
    head = " ".join((_name(part.kind), *map(quoted, part.labels)))
    if not part.body:
        return [f"{pad}{head} {{}}"]
    lines: list[str] = []
    run: list[tuple[str, list[str]]] = []
    for inner in part.body:
        if isinstance(inner, Attribute):
            run.append(_assignment(_name(inner.name), inner.value, depth + 1))
            continue
        lines += _aligned(run)
        run = []
        if lines and isinstance(inner, Block):
            lines.append("")
        lines += _part(inner, depth + 1)
    lines += _aligned(run)
    return [f"{pad}{head} {{", *lines, f"{pad}}}"]


def _assignment(name: str, value: Value, depth: int) -> tuple[str, list[str]]:
    """The left side with its indent, and the lines of the right side."""
    return "  " * depth + name, _value(value, depth)


def _aligned(run: list[tuple[str, list[str]]]) -> list[str]:
    lines: list[str] = []
    whole: list[tuple[str, str]] = []

    def close() -> None:
        width = max((len(left) for left, _ in whole), default=0)
        lines.extend(f"{left:<{width}} = {right}" for left, right in whole)
        whole.clear()

    for left, right in run:
        if len(right) == 1:
            whole.append((left, right[0]))
        else:
            close()
            lines += [f"{left} = {right[0]}", *right[1:]]
    close()
    return lines


def _value(value: Value, depth: int) -> list[str]:
    if isinstance(value, Expr):
        return value.text.split("\n")
    if isinstance(value, Call):
        lines = _value(value.argument, depth)
        return (
            [f"{value.function}({lines[0]}", *lines[1:-1], f"{lines[-1]})"]
            if lines[1:]
            else [f"{value.function}({lines[0]})"]
        )
    if isinstance(value, str):
        return [quoted(value)]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if value is None:
        return ["null"]
    if isinstance(value, int | float):
        return [repr(value)]
    return _object(value, depth) if isinstance(value, Mapping) else _list(list(value), depth)


def _list(values: list[Value], depth: int) -> list[str]:
    texts = [_value(value, depth + 1) for value in values]
    inline = "[" + ", ".join(text[0] for text in texts) + "]"
    if all(len(text) == 1 for text in texts) and len(inline) + 2 * depth <= INLINE_MAX:
        return [inline]
    pad = "  " * (depth + 1)
    lines = ["["]
    for text in texts:
        lines += [pad + text[0], *text[1:-1], text[-1] + ","] if len(text) > 1 else [f"{pad}{text[0]},"]
    return [*lines, "  " * depth + "]"]


def _object(value: Mapping[str, Value], depth: int) -> list[str]:
    if not value:
        return ["{}"]
    pairs = [_assignment(k if _NAME.fullmatch(k) else quoted(k), v, depth + 1) for k, v in value.items()]
    return ["{", *_aligned(pairs), "  " * depth + "}"]


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no HCL identifier")
    return name
