"""Turns what the schema refuses into findings that people can act on: the reason, the place and the fix."""

import re
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from polycloud.estate.leaks import looks_secret
from polycloud.estate.paths import KeyPath, path_text, suggestion
from polycloud.estate.schema import Estate

Finding = tuple[str, str, str]  # code, message, fix

_EXPECTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "tuple_type": "a list",
    "list_type": "a list",
}


def explain(error: ErrorDetails) -> Finding:
    """Code, message and fix of one refusal."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    path: KeyPath = tuple(error["loc"])
    if "message" in context and "fix" in context:
        return kind, str(context["message"]), str(context["fix"])
    if kind == "extra_forbidden":
        known = keys_of(path[:-1])
        return "key_unknown", f"{path[-1]!r} is not a key of {_named(path[:-1])}", suggestion(str(path[-1]), known)
    if kind == "missing":
        return "key_missing", f"{_named(path[:-1])} needs {path[-1]!r}", f"add {path[-1]}: {_hint(path)}"
    if kind == "literal_error":
        choices = _choices(path) or [str(context.get("expected", ""))]
        return "choice_unknown", f"{show(given)} is not one of {', '.join(choices)}", suggestion(str(given), choices)
    if kind in _EXPECTED:
        return "type_wrong", f"expected {_EXPECTED[kind]}, found {_kind(given)}", _type_fix(kind, given)
    if kind in ("too_short", "too_long"):
        return "count_wrong", _length(kind, context, error), "add an item" if kind == "too_short" else "remove some"
    bounds = {"greater_than_equal": "ge", "less_than_equal": "le", "greater_than": "gt", "less_than": "lt"}
    if kind in bounds:
        word = {"ge": "at least", "le": "at most", "gt": "more than", "lt": "less than"}[bounds[kind]]
        limit = context.get(bounds[kind])
        return "out_of_range", f"{show(given)} is out of range", f"write a number that is {word} {limit}"
    if kind == "string_pattern_mismatch":
        return "form_wrong", f"{show(given)} does not have the form {context.get('pattern')}", "see `polycloud schema`"
    return "value_wrong", error["msg"], ""


def show(value: object) -> str:
    """A value as a message may repeat it: short, and never a secret."""
    if isinstance(value, str) and looks_secret(value):
        return "a value that looks like a secret"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _length(kind: str, context: dict[str, object], error: ErrorDetails) -> str:
    bound = context.get("min_length" if kind == "too_short" else "max_length")
    word = "at least" if kind == "too_short" else "at most"
    return f"{_named(tuple(error['loc']))} needs {word} {bound} item{'' if bound == 1 else 's'}"


def _named(path: KeyPath) -> str:
    return path_text(path) or "the estate"


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {show(value)}" if value else "an empty text"
    return "a map" if isinstance(value, dict) else "a list" if isinstance(value, list | tuple) else "nothing"


def _type_fix(kind: str, given: object) -> str:
    if kind == "string_type" and isinstance(given, int | float):
        return f'put it in quotes: "{show(given)}"'
    if kind == "bool_type" and isinstance(given, str) and given.lower() in ("yes", "on", "y", "no", "off", "n"):
        return "write true" if given.lower() in ("yes", "on", "y") else "write false"
    if kind in ("int_type", "float_type") and isinstance(given, str) and re.fullmatch(r"[\d_]{1,18}", given):
        return f"write it without quotes and separators: {given.replace('_', '').lstrip('0') or 0}"
    if kind == "float_type" and isinstance(given, str) and re.fullmatch(r"-?\d{1,18}\.\d{1,30}", given):
        return f"write it without quotes: {given}"
    if kind in ("tuple_type", "list_type") and isinstance(given, str | int | float):
        return f"write a list: [{show(given) if not isinstance(given, str) else given[:60]}]"
    if kind in ("dict_type", "model_type", "model_attributes_type"):
        return "write keys with values below it"
    return ""


# Walking the schema by a path: which keys and choices there are at a place.


def _strip(annotation: object) -> object:
    """The type without Annotated and without None."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif origin in (Union, UnionType):
            rest = [part for part in get_args(annotation) if part is not type(None)]
            annotation = rest[0]
        else:
            return annotation


def _type_at(path: KeyPath) -> object:
    """The type of the value at ``path``, or None where the schema knows no such place."""
    found: object = Estate
    for part in path:
        found = _strip(found)
        if isinstance(found, type) and issubclass(found, BaseModel):
            fields = {field.alias or name: field for name, field in found.model_fields.items()}
            if part not in fields:
                return None
            found = fields[str(part)].annotation
        elif get_origin(found) is dict:
            found = get_args(found)[1]
        elif get_origin(found) is tuple:
            inner = get_args(found)
            found = inner[0] if len(inner) == 2 and inner[1] is Ellipsis else inner[min(int(part), len(inner) - 1)]
        else:
            return None
    return _strip(found)


def keys_of(path: KeyPath) -> tuple[str, ...]:
    """The keys that the map at ``path`` may have; empty where any name may stand."""
    found = _type_at(path)
    if isinstance(found, type) and issubclass(found, BaseModel):
        keys = tuple(field.alias or name for name, field in found.model_fields.items())
        return (*keys, "include") if found is Estate else keys
    return ()


def _choices(path: KeyPath) -> list[str]:
    if path and path[-1] == "[key]":
        holder = _type_at(path[:-2])
        found = _strip(get_args(holder)[0]) if get_origin(holder) is dict else None
    else:
        found = _type_at(path)
    return [str(choice) for choice in get_args(found)] if get_origin(found) is Literal else []


def _hint(path: KeyPath) -> str:
    holder = _type_at(path[:-1])
    if isinstance(holder, type) and issubclass(holder, BaseModel):
        for name, field in holder.model_fields.items():
            if (field.alias or name) == path[-1] and field.description:
                return f"… ({field.description.rstrip('.')})"
    return "…"
