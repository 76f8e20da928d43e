"""Whether a JSON value is what a JSON Schema asks for, and which of its keywords no check is made for.

``RULES`` judge a value by itself and ``_PARTS`` by further schemas; both have the meaning of json-schema.org/draft/
2020-12 (2026-11). Whatever is in neither is no check, unless it is one of ``_SILENT``, which ask for nothing.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from polycloud.gateway.json_pattern import WORK_MAX, pattern
from polycloud.gateway.json_rules import RULES, count

DEPTH_MAX = 128  # schemas within schemas on the way to one value; no answer nests deeper
STEPS_MAX = 100_000  # schemas and choices tried for one answer, some 0.1 s: a schema can ask for exponentially many
UNCHECKED_MAX = 20  # keywords that a caller is told by name
_SILENT = frozenset({
    "$schema", "$comment", "$anchor", "$defs", "definitions", "title", "description", "default", "examples",
    "deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "contentSchema",
})  # fmt: skip


class _Endless(Exception):
    """The check was ended; ``not`` and ``oneOf`` must not take that for a mismatch."""


def mismatch(value: object, schema: object) -> str:
    """Where and why ``value`` is not what ``schema`` asks for, or can not be told; "" when it is."""
    try:
        return _Judge(schema).fault(value, schema, "the answer", DEPTH_MAX)
    except _Endless as why:
        return str(why)


def unchecked(schema: object) -> tuple[str, ...]:
    """The keywords of ``schema`` that ``mismatch`` does not check, in order; ``*`` when they are too many to name."""
    found: set[str] = set()
    seen: set[int] = set()
    left = [schema]
    while left:
        one = left.pop()
        if not isinstance(one, dict) or id(one) in seen:
            continue
        seen.add(id(one))
        for keyword, wanted in one.items():
            if keyword in _PARTS and (parts := _PARTS[keyword][0](wanted)) is not None:
                left += parts
            elif keyword == "$ref" and (target := _referred(wanted, schema)) is not None:
                left.append(target)
            elif keyword in ("then", "else"):
                left.append(wanted)
            elif keyword in RULES and RULES[keyword].form(wanted):
                pass
            elif keyword not in _SILENT and not keyword.startswith("x-") and (keyword != "$id" or one is not schema):
                found.add(keyword)
        patterns = one.get("patternProperties")
        if isinstance(patterns, dict) and not all(map(pattern, patterns)):
            found.add("patternProperties")
    return tuple(sorted(found)) if len(found) <= UNCHECKED_MAX else ("*",)


class _Judge:
    """One check of one answer, within ``STEPS_MAX``."""

    def __init__(self, root: object) -> None:
        self._root = root
        self._left = STEPS_MAX

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise _Endless("the answer takes too many steps to check against its schema")

    def fault(self, value: object, schema: object, at: str, depth: int) -> str:
        if schema is False:
            return f"{at} must not be there"
        if not isinstance(schema, dict):
            return ""
        if not depth:
            raise _Endless("the answer nests, or its schema refers to itself, too deep to be checked")
        choices = schema.get("enum")
        self.spend(1 + len(schema) + (len(choices) if isinstance(choices, list) else 0))
        for keyword, rule in RULES.items():
            if keyword in schema and rule.of(value) and rule.form(schema[keyword]):
                why = rule.fault(value, schema[keyword])
                if why:
                    return f"{at} {why}"
        target = _referred(schema.get("$ref"), self._root)
        found = self.fault(value, target, at, depth - 1) if target is not None else ""
        judges = {judge: 1 for keyword, (form, judge) in _PARTS.items() if form(schema.get(keyword)) is not None}
        return found or next((why for judge in judges if (why := judge(self, value, schema, at, depth - 1))), "")

    def fits(self, value: object, schema: object, depth: int) -> bool:
        return not self.fault(value, schema, "", depth)

    def matches(self, source: object, text: str) -> bool | None:
        """None: not to be told."""
        made = pattern(source)
        if made is None:
            return None
        if (work := made.work(text)) > WORK_MAX:
            raise _Endless("the answer has a text that is too long for the pattern of its schema")
        self.spend(work // 50)  # a step of ``re`` is that much shorter
        return made.expression.search(text) is not None


def _all_of(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    return next((found for one in schema["allOf"] if (found := judge.fault(value, one, at, depth))), "")


def _any_of(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    fits = any(judge.fits(value, one, depth) for one in schema["anyOf"])
    return "" if fits else f"{at} fits none of the schema's alternatives"


def _one_of(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    fits = sum(judge.fits(value, one, depth) for one in schema["oneOf"])
    return "" if fits == 1 else f"{at} fits {fits or 'none'} of the schema's alternatives"


def _not(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    return f"{at} is what the schema forbids" if judge.fits(value, schema["not"], depth) else ""


def _if(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    return judge.fault(value, schema.get("then" if judge.fits(value, schema["if"], depth) else "else"), at, depth)


def _dependent(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    if not isinstance(value, dict):
        return ""
    asked = (one for name, one in schema["dependentSchemas"].items() if name in value)
    return next((found for one in asked if (found := judge.fault(value, one, at, depth))), "")


def _names(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    names = value if isinstance(value, dict) else ()
    fits = all(judge.fits(name, schema["propertyNames"], depth) for name in names)
    return "" if fits else f"{at} has a member whose name the schema forbids"


def _members(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    """``properties``, ``patternProperties`` and ``additionalProperties``, member by member."""
    properties, patterns = (
        found if isinstance(found := schema.get(keyword), dict) else {}
        for keyword in ("properties", "patternProperties")
    )
    for name, member in value.items() if isinstance(value, dict) else ():
        matches = {source: judge.matches(source, name) for source in patterns}
        asked = [patterns[source] for source, found in matches.items() if found]
        if name in properties:
            asked.append(properties[name])
        elif not asked and None not in matches.values():
            if schema.get("additionalProperties") is False:
                return f"{at} has a member that the schema forbids"
            asked.append(schema.get("additionalProperties"))
        for one in asked:
            if wrong := judge.fault(member, one, f"{at}.{name}", depth):
                return wrong
    return ""


def _elements(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    """``prefixItems`` and ``items``, element by element."""
    placed = _schemas(schema.get("prefixItems")) or []
    for i, element in enumerate(value if isinstance(value, list) else ()):
        wanted = placed[i] if i < len(placed) else schema.get("items")
        if wrong := judge.fault(element, wanted, f"{at}[{i}]", depth):
            return wrong
    return ""


def _contains(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    if not isinstance(value, list):
        return ""
    found = sum(judge.fits(one, schema["contains"], depth) for one in value)
    least, most = schema.get("minContains", 1), schema.get("maxContains", len(value))
    fits = found >= (least if count(least) else 1) and found <= (most if count(most) else len(value))
    return "" if fits else f"{at} has {found} elements of the kind of which the schema asks for another number"


def _text(judge: _Judge, value: object, schema: dict[str, Any], at: str, depth: int) -> str:
    fits = not isinstance(value, str) or judge.matches(schema["pattern"], value)
    return "" if fits else f"{at} does not match the schema's pattern"


def _is_schema(value: object) -> bool:
    return isinstance(value, dict | bool)


def _schema(value: object) -> list[object] | None:
    return [value] if _is_schema(value) else None


def _schemas(value: object) -> list[object] | None:
    return value if isinstance(value, list) and value and all(map(_is_schema, value)) else None


def _named(value: object) -> list[object] | None:
    return list(value.values()) if isinstance(value, dict) and all(map(_is_schema, value.values())) else None


def _expression(value: object) -> list[object] | None:
    return [] if pattern(value) else None


# Each with what its form is, as the schemas in it (None: of another form, and not checked), and who judges.
_PARTS: dict[
    str, tuple[Callable[[object], list[object] | None], Callable[[_Judge, object, dict[str, Any], str, int], str]]
] = {
    "allOf": (_schemas, _all_of),
    "anyOf": (_schemas, _any_of),
    "oneOf": (_schemas, _one_of),
    "not": (_schema, _not),
    "if": (_schema, _if),
    "pattern": (_expression, _text),
    "properties": (_named, _members),
    "patternProperties": (_named, _members),
    "additionalProperties": (_schema, _members),
    "propertyNames": (_schema, _names),
    "dependentSchemas": (_named, _dependent),
    "prefixItems": (_schemas, _elements),
    "items": (_schema, _elements),
    "contains": (_schema, _contains),
}


def _referred(reference: object, root: object) -> object | None:
    """The schema at ``#`` or ``#/…`` of the same document; None for any other reference."""
    if not isinstance(reference, str) or not (reference + "/").startswith("#/"):
        return None
    found = root
    for step in unquote(reference).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        elif isinstance(found, dict):
            found = found.get(name)
        else:
            return None
    return found if _is_schema(found) else None
