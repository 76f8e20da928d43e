"""Values made for a schema satisfy it."""

import random
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.sandbox.instances import NoInstance, instance
from polycloud.sandbox.patterns import Unmatched, matching


def made(schema: dict[str, Any], seed: int = 1, names: tuple[str, ...] = ()) -> Any:
    return instance(schema, random.Random(seed), names)


def satisfies(value: Any, schema: Any) -> bool:
    """A small validator of its own for the schemas drawn below."""
    if "enum" in schema:
        return value in schema["enum"]
    if "anyOf" in schema:
        return any(satisfies(value, s) for s in schema["anyOf"])
    kind = schema["type"]
    if kind == "object":
        known = schema.get("properties", {})
        return (
            isinstance(value, dict)
            and set(schema.get("required", ())) <= set(value) <= set(known)
            and all(satisfies(v, known[k]) for k, v in value.items())
        )
    if kind == "array":
        size = isinstance(value, list) and schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 99)
        return size and all(satisfies(v, schema["items"]) for v in value)
    if kind == "string":
        return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 999)
    if kind == "integer":
        return type(value) is int and schema["minimum"] <= value <= schema["maximum"]
    return isinstance(value, bool) if kind == "boolean" else value is None


leaf = st.one_of(
    st.builds(
        lambda low, more: {"type": "string", "minLength": low, "maxLength": low + more},
        st.integers(0, 30),
        st.integers(0, 9),
    ),
    st.builds(
        lambda low, more: {"type": "integer", "minimum": low, "maximum": low + more},
        st.integers(-99, 99),
        st.integers(0, 9),
    ),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": ["a", 2, None]}]),
)


def wider(inner: Any) -> Any:
    properties = st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=4)
    objects = properties.flatmap(
        lambda p: st.builds(
            lambda required: {"type": "object", "properties": p, "required": sorted(required)},
            st.sets(st.sampled_from(sorted(p))) if p else st.just(set()),
        )
    )
    arrays = st.builds(
        lambda items, low, more: {"type": "array", "items": items, "minItems": low, "maxItems": low + more},
        inner,
        st.integers(0, 3),
        st.integers(0, 3),
    )
    return st.one_of(
        objects, arrays, st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3))
    )


@given(st.recursive(leaf, wider, max_leaves=12), st.integers(0, 5))
def test_made_values_satisfy_their_schema(schema: dict[str, Any], seed: int) -> None:
    value = made(schema, seed)
    assert satisfies(value, schema)
    assert value == made(schema, seed)


@pytest.mark.parametrize(
    ("schema", "good"),
    [
        ({"const": 7}, lambda v: v == 7),
        ({"type": ["string", "null"]}, lambda v: isinstance(v, str)),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, lambda v: 0 < v < 1),
        ({"type": "integer", "multipleOf": 7, "minimum": 15}, lambda v: v % 7 == 0 and v >= 15),
        ({"type": "integer", "maximum": -5}, lambda v: v <= -5),
        ({"type": "string", "format": "date"}, lambda v: re.fullmatch(r"\d{4}-\d\d-\d\d", v)),
        (
            {"type": "array", "items": {"enum": [1, 2]}, "minItems": 2, "uniqueItems": True},
            lambda v: sorted(v) == [1, 2],
        ),
        ({"type": "array", "prefixItems": [{"const": 1}, {"const": "b"}], "items": False}, lambda v: v == [1, "b"]),
        ({"properties": {"a": {"const": 1}}}, lambda v: v == {"a": 1}),
        ({"type": "object", "required": ["x"]}, lambda v: "x" in v),
        ({"type": "OBJECT", "properties": {"a": {"type": "BOOLEAN"}}}, lambda v: isinstance(v["a"], bool)),
        (
            {"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}, "type": "object"}]},
            lambda v: v == {"a": 1, "b": 2},
        ),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 3}}}, lambda v: v == 3),
    ],
)
def test_each_keyword(schema: dict[str, Any], good: Any) -> None:
    assert all(good(made(schema, seed)) for seed in range(20))


def test_recursion_ends_where_it_may() -> None:
    node = {
        "type": "object",
        "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["next"],
    }
    value, depth = made(node), 0
    while value["next"] is not None:
        value, depth = value["next"], depth + 1
    assert depth < 20


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/none"},
        {"$ref": "https://example.com/schema"},
        {"type": "integer", "minimum": 5, "maximum": 4},
        {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
        {"type": "array", "items": {"const": 1}, "minItems": 2, "uniqueItems": True},
        {"type": "colour"},
        {"type": "string", "minLength": 10**9},
        {"type": "string", "minLength": 3, "maxLength": 2},
        {"type": "array", "items": {"const": 1}, "minItems": 10**9},
        {"type": "array", "minItems": -1},
        {
            "type": "array",
            "minItems": 500,
            "items": {"type": "array", "minItems": 500, "items": {"const": 1}},
        },
    ],
)
def test_a_schema_without_instance_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(NoInstance):
        made(schema)


def test_names_from_the_question_fill_free_strings() -> None:
    schema = {"type": "object", "properties": {"from": {"type": "string"}, "to": {"type": "string"}}}
    assert made(schema, names=("Paris", "Rome")) == {"from": "Paris", "to": "Rome"}


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}-\d{4}$",
        r"^(foo|bar)+x?$",
        r"[a-z0-9._%+-]+@[a-z]+\.(com|org)",
        r"^\+?[1-9]\d{1,14}$",
        r"^(?:a{2,}|b)[^x]$",
        r"^\w+\s\S$",
        r"a|b",
        r"^$",
    ],
)
def test_patterns(pattern: str) -> None:
    for seed in range(20):
        assert re.search(pattern, matching(pattern, random.Random(seed)))


@pytest.mark.parametrize(
    "pattern", [r"a{1000000000}", r"((a{1000}){1000})", r"(?=a)b", r"(a)\1(", "[", r"(?P<n>a)(?P=n)"]
)
def test_patterns_that_are_not_made(pattern: str) -> None:
    with pytest.raises(Unmatched):
        matching(pattern, random.Random(1))
