"""Whether a JSON value is what a JSON Schema asks for, by the keywords that structured output uses.

What is checked: types, required and forbidden members, elements of arrays, enumerations, constants, references within
the schema, and the combinations of schemas. Patterns, formats and bounds are not: a keyword that is not known here
forbids nothing, as the specification says of unknown ones (json-schema.org/draft/2020-12, 2026-11).
"""

from collections.abc import Callable

DEPTH_MAX = 64  # a schema that refers to itself must end somewhere; no answer nests deeper
ALTERNATIVES = ("anyOf", "oneOf")

_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and (
        isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    ),
}  # fmt: skip


def mismatch(value: object, schema: object) -> str:
    """Where and why ``value`` is not what ``schema`` asks for; "" when nothing is found."""
    return _mismatch(value, schema, schema, "the answer", DEPTH_MAX)


def _mismatch(value: object, schema: object, root: object, at: str, depth: int) -> str:
    if schema is False:
        return f"{at} must not be there"
    if not isinstance(schema, dict) or not depth:
        return ""
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else wanted if isinstance(wanted, list) else []
    known = [_TYPES[kind] for kind in kinds if isinstance(kind, str) and kind in _TYPES]
    if known and len(known) == len(kinds) and not any(fits(value) for fits in known):
        return f"{at} is not of type {' or '.join(map(str, kinds))}"
    choices = schema.get("enum")
    if isinstance(choices, list) and not any(_same(value, one) for one in choices):
        return f"{at} is none of the values that the schema lists"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{at} is not the schema's constant"
    target = _referred(schema.get("$ref"), root)
    found = _mismatch(value, target, root, at, depth - 1) if target is not None else ""
    found = found or _combined(value, schema, root, at, depth)
    if not found and isinstance(value, dict):
        found = _members(value, schema, root, at, depth)
    if not found and isinstance(value, list):
        found = _elements(value, schema, root, at, depth)
    return found


def _combined(value: object, schema: dict[str, object], root: object, at: str, depth: int) -> str:
    every = schema.get("allOf")
    for one in every if isinstance(every, list) else ():
        if found := _mismatch(value, one, root, at, depth - 1):
            return found
    for keyword in ALTERNATIVES:
        some = schema.get(keyword)
        if isinstance(some, list) and some and all(_mismatch(value, one, root, at, depth - 1) for one in some):
            return f"{at} fits none of the schema's alternatives"
    return ""


def _members(value: dict[str, object], schema: dict[str, object], root: object, at: str, depth: int) -> str:
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in value:
            return f"{at} lacks the member {name!r}"
    found = schema.get("properties")
    properties = found if isinstance(found, dict) else {}
    other = schema.get("additionalProperties") if "patternProperties" not in schema else None
    for name, member in value.items():
        if name in properties:
            wrong = _mismatch(member, properties[name], root, f"{at}.{name}", depth - 1)
        elif other is False:
            wrong = f"{at} has a member that the schema forbids"
        else:
            wrong = _mismatch(member, other, root, f"{at}.{name}", depth - 1)
        if wrong:
            return wrong
    return ""


def _elements(value: list[object], schema: dict[str, object], root: object, at: str, depth: int) -> str:
    first = schema.get("prefixItems")
    placed = first if isinstance(first, list) else []
    for i, element in enumerate(value):
        wanted = placed[i] if i < len(placed) else schema.get("items")
        if wrong := _mismatch(element, wanted, root, f"{at}[{i}]", depth - 1):
            return wrong
    return ""


def _same(value: object, other: object) -> bool:
    """Equal as JSON values: true is not 1."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other


def _referred(reference: object, root: object) -> object | None:
    """The schema at ``#/…`` of the same document; None for any other reference."""
    if not isinstance(reference, str) or not reference.startswith("#"):
        return None
    found = root
    for step in reference[1:].split("/")[1:]:
        if not isinstance(found, dict):
            return None
        found = found.get(step.replace("~1", "/").replace("~0", "~"))
    return found
