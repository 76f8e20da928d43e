"""What a JSON Schema asks for and an answer does not give; the expected words are only where it is."""

import re

import pytest

from polycloud.gateway.json_schema import mismatch

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}, "tags": {"$ref": "#/$defs/tags"}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"tags": {"type": "array", "items": {"enum": ["a", "b", 1]}}},
}


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ({"name": "x", "age": None, "tags": ["a", 1]}, PERSON),
        ({"name": "x", "age": 3.0}, PERSON),
        ({"x": 1}, {"type": "object", "additionalProperties": {"type": "number"}}),
        ("5", {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"any": ["thing"]}, True),
        ({"any": ["thing"]}, {}),
        ([1, "x"], {"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}),
        ({"x1": 1}, {"patternProperties": {"^x": {}}, "additionalProperties": False}),
        ("x", {"type": "something new"}),
        ("x", {"$ref": "https://elsewhere.example/schema"}),
        ({"next": {"next": {}}}, {"properties": {"next": {"$ref": "#"}}}),
    ],
)
def test_what_fits(value, schema):
    assert mismatch(value, schema) == ""


@pytest.mark.parametrize(
    ("value", "schema", "why"),
    [
        ([], PERSON, "the answer is not of type object"),
        ({}, PERSON, "lacks the member 'name'"),
        ({"name": 5}, PERSON, "name is not of type string"),
        ({"name": "x", "age": True}, PERSON, "age is not of type integer or null"),
        ({"name": "x", "age": 3.5}, PERSON, "age is not of type"),
        ({"name": "x", "tags": ["a", "c"]}, PERSON, r"tags\[1\] is none of the values"),
        ({"name": "x", "tags": [True]}, PERSON, "none of the values"),
        ({"name": "x", "more": 1}, PERSON, "has a member that the schema forbids"),
        ({"x": "1"}, {"additionalProperties": {"type": "number"}}, "x is not of type number"),
        (2, {"const": 1}, "constant"),
        (2.5, {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "none of the schema's alternatives"),
        ({}, {"allOf": [{"type": "object"}, {"required": ["a"]}]}, "lacks the member 'a'"),
        ({"next": {"next": 1}}, {"type": "object", "properties": {"next": {"$ref": "#"}}}, "next.next is not"),
    ],
)
def test_what_does_not_fit_is_told(value, schema, why):
    assert re.search(why, mismatch(value, schema))


def test_a_schema_that_only_refers_to_itself_ends():
    assert mismatch({}, {"$ref": "#"}) == ""
