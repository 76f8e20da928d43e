"""YAML for the files of other tools: every text is quoted by PyYAML's own rules, the lines are put together here.

A render of a hundred clusters writes half a million values, which PyYAML's emitter alone would take half a minute
for; most of them are the same few thousand texts, so each is written by PyYAML once and kept.
"""

import functools
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import yaml

WIDTH = 4096  # no folding: a changed word must not move a line's end
KEPT = 65_536  # texts that are kept: a few megabytes, and more than a render of a hundred clusters has


class _Dumper(yaml.SafeDumper):
    """Lists are indented below their key, texts of several lines stand as blocks, nothing is shared by anchors."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    printable = all(c.isprintable() or c == "\n" for c in text)
    trailing = any(line.endswith(" ") for line in text.split("\n"))
    style = '"' if not printable else "|" if "\n" in text and not trailing else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def header(what: str, estate: str, source: str, comment: str = "#") -> str:
    """The first lines of every file: what it is, and which part of the estate it came from."""
    lines = (
        " ".join(what.split()),
        f"From the estate {' '.join(estate.split())}: {' '.join(source.split())}.",
        "Written by polycloud render: change the estate, not this file.",
    )
    return "".join(f"{comment} {line}\n" for line in lines)


def dump(*documents: Mapping[str, Any], head: str = "") -> str:
    """One file of one or several documents, keys in the order given; ``head`` is a comment for its top."""
    return head + "---\n".join(map(_document, documents))


class _Odd(Exception):
    """What can not be put together from parts: a key that is empty, of several lines or very long, and a text whose
    last line ends open, after which the document must say that it ends."""


def _document(document: Mapping[str, Any]) -> str:
    try:
        return "\n".join(_lines(document, 0)) + "\n"
    except _Odd:
        return _whole(document)


def _whole(value: Mapping[str, Any]) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=WIDTH, allow_unicode=True))


def _lines(value: object, depth: int) -> Iterator[str]:
    """A value as lines, each with ``depth`` spaces before it."""
    pad = " " * depth
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _hung(f"{pad}{_key(key)}:", inner, depth)
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            if _holds(inner):
                first, *rest = _lines(inner, depth + 2)
                yield f"{pad}- {first[depth + 2 :]}"
                yield from rest
            else:
                yield from _hung(f"{pad}-", inner, depth)
    else:
        yield from _scalar(value)


def _hung(head: str, value: object, depth: int) -> Iterator[str]:
    """A value after its key or dash: below it, or on the same line."""
    if _holds(value):
        yield head
        yield from _lines(value, depth + 2)
        return
    first, *rest = _scalar(value)
    yield f"{head} {first}"
    pad = " " * depth
    yield from (f"{pad}{line}" if line else "" for line in rest)


def _holds(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def _scalar(value: Any) -> tuple[str, ...]:
    """A text, number or empty value as lines; those after the first are indented by two."""
    if isinstance(value, Mapping):
        return ("{}",)
    return ("[]",) if isinstance(value, list | tuple) else _written(type(value).__name__, value)


@functools.lru_cache(KEPT)
def _written(kind: str, value: Hashable) -> tuple[str, ...]:
    """``kind`` keeps 1, 1.0 and True apart, which are equal."""
    lines = _whole({"k": value}).removeprefix("k: ").removesuffix("\n").split("\n")
    if lines[-1] == "...":
        raise _Odd
    return tuple(lines)


@functools.lru_cache(KEPT)
def _key(key: Hashable) -> str:
    text = str(yaml.dump({key: 0}, Dumper=_Dumper, width=WIDTH, allow_unicode=True))
    if text.startswith("? "):
        raise _Odd
    return text.removesuffix(": 0\n")
