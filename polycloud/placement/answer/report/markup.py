"""HTML and SVG built from values: text is escaped here, once, and nowhere else is markup put together from text."""

import re
from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9:-]*")
_VOID = frozenset({"meta", "br", "path", "rect", "circle", "line", "use"})  # drawn as <x/>, valid in HTML and SVG alike
_UNTEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


Child: TypeAlias = "str | int | float | Iterable[Child] | None"


def join(*children: Child) -> Markup:
    """Children one after another; text escaped, None left out."""
    return Markup("".join(_text(child) for child in children))


def tag(name: str, /, *children: Child, **attributes: str | int | float | None) -> Markup:
    """``<name …>children</name>``. A trailing underscore of an attribute's name is dropped, others become hyphens;
    None leaves it out."""
    assert _NAME.fullmatch(name)
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_escaped(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{said}/>")
    return Markup(f"<{name}{said}>{join(*children)}</{name}>")


def _text(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str):
        return _escaped(child)
    if isinstance(child, int | float):
        return _escaped(_number(child))
    return "".join(_text(inner) for inner in child)


def _number(value: str | int | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _escaped(text: str) -> str:
    """Control characters have no place in HTML, and marks that turn the direction of writing hide what follows."""
    return escape(_UNTEXT.sub("\N{REPLACEMENT CHARACTER}", text), quote=True)
