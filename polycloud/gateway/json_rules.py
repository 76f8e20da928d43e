"""The keywords of JSON Schema that judge a value by itself, without further schemas."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """``fault`` of a value that is ``of`` the kind by what the keyword says, which has a ``form`` to have."""

    of: Callable[[object], bool]
    form: Callable[[Any], bool]
    fault: Callable[[Any, Any], str]


def _any(*_: object) -> bool:
    return True


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is(kind: type) -> Callable[[object], bool]:
    return lambda value: isinstance(value, kind)


def _words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


_TYPES: dict[str, Callable[[object], bool]] = {
    "object": _is(dict),
    "array": _is(list),
    "string": _is(str),
    "boolean": _is(bool),
    "null": lambda value: value is None,
    "number": _number,
    "integer": lambda value: _number(value) and value == int(value),  # type: ignore[call-overload]
}


def _kinds(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def _lacks(value: dict[str, Any], names: list[str]) -> str:
    return next((f"lacks the member {name!r}" for name in names if name not in value), "")


def _plain(value: object) -> object:
    """The value so that equal is equal as JSON: true is not 1, 1 is 1.0, and the order of members is no matter."""
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return frozenset((name, _plain(one)) for name, one in value.items()) if isinstance(value, dict) else value


def _same(value: object, other: object) -> bool:
    return value == other and _plain(value) == _plain(other)


def _rule(of: Callable[[object], bool], form: Callable[[Any], bool], fits: Callable[..., bool], why: str) -> Rule:
    return Rule(of, form, lambda value, wanted: "" if fits(value, wanted) else why.format(wanted))


RULES = {
    "type": Rule(
        _any,
        lambda wanted: all(isinstance(kind, str) and kind in _TYPES for kind in _kinds(wanted)),
        lambda value, wanted: ""
        if any(_TYPES[kind](value) for kind in _kinds(wanted))
        else f"is not of type {' or '.join(_kinds(wanted))}",
    ),
    "enum": _rule(
        _any, _is(list), lambda v, w: any(_same(v, one) for one in w), "is none of the values that the schema lists"
    ),
    "const": _rule(_any, _any, _same, "is not the schema's constant"),
    "minimum": _rule(_number, _number, lambda v, w: v >= w, "is less than {}"),
    "maximum": _rule(_number, _number, lambda v, w: v <= w, "is more than {}"),
    "exclusiveMinimum": _rule(_number, _number, lambda v, w: v > w, "is not more than {}"),
    "exclusiveMaximum": _rule(_number, _number, lambda v, w: v < w, "is not less than {}"),
    "multipleOf": _rule(
        _number,
        lambda wanted: _number(wanted) and wanted > 0,
        lambda v, w: (Fraction(str(v)) / Fraction(str(w))).denominator == 1,
        "is no multiple of {}",
    ),
    "minLength": _rule(_is(str), count, lambda v, w: len(v) >= w, "is shorter than {} characters"),
    "maxLength": _rule(_is(str), count, lambda v, w: len(v) <= w, "is longer than {} characters"),
    "minItems": _rule(_is(list), count, lambda v, w: len(v) >= w, "has fewer than {} elements"),
    "maxItems": _rule(_is(list), count, lambda v, w: len(v) <= w, "has more than {} elements"),
    "uniqueItems": _rule(
        _is(list), _is(bool), lambda v, w: not w or len(set(map(_plain, v))) == len(v), "has equal elements"
    ),
    "minContains": _rule(_is(list), count, _any, ""),  # judged with ``contains``
    "maxContains": _rule(_is(list), count, _any, ""),
    "minProperties": _rule(_is(dict), count, lambda v, w: len(v) >= w, "has fewer than {} members"),
    "maxProperties": _rule(_is(dict), count, lambda v, w: len(v) <= w, "has more than {} members"),
    "required": Rule(_is(dict), _words, _lacks),
    "dependentRequired": Rule(
        _is(dict),
        lambda wanted: isinstance(wanted, dict) and all(map(_words, wanted.values())),
        lambda value, wanted: _lacks(value, [name for has, names in wanted.items() if has in value for name in names]),
    ),
}  # fmt: skip
