"""What a JSON Schema asks for and an answer does not give; the expected words are only where it is."""

import re

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.gateway.json_pattern import pattern
from polycloud.gateway.json_schema import STEPS_MAX, mismatch, unchecked

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}, "tags": {"$ref": "#/$defs/tags"}},
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"tags": {"type": "array", "items": {"enum": ["a", "b", 1]}}},
}
IF = {"if": {"required": ["a"]}, "then": {"required": ["b"]}, "else": {"required": ["c"]}}
X = {"patternProperties": {"^x": {"type": "integer"}}, "additionalProperties": False}


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
        ({"x1": 1}, X),
        ({"next": {"next": {}}}, {"properties": {"next": {"$ref": "#"}}}),
        ({"a": {"b/c": 1}}, {"properties": {"a": {"$ref": "#/$defs/e%20f/allOf/1"}},
                             "$defs": {"e f": {"allOf": [False, {"required": ["b/c"]}]}}}),
        ({"a": 1, "b": 1}, IF),
        ({"c": 1}, IF),
        ([1, 2, "x"], {"contains": {"type": "integer"}, "minContains": 2, "maxContains": 2}),
        ([], {"contains": {}, "minContains": 0}),
        ([1, True, [1], [True]], {"uniqueItems": True}),
        (0.3, {"multipleOf": 0.1}),
        (1e300, {"multipleOf": 1}),
        ("2026-11-21", {"pattern": r"^\d{4}-\d{2}-\d{2}$"}),
        ("grün", {"minLength": 4, "maxLength": 4}),
        (5, {"minLength": 4, "minItems": 3, "required": ["x"], "pattern": "x"}),
    ],
)  # fmt: skip
def test_what_fits(value, schema):
    assert mismatch(value, schema) == ""
    assert unchecked(schema) == ()


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
        ([True], {"const": [1]}, "constant"),
        ({"a": [{"b": False}]}, {"enum": [{"a": [{"b": 0}]}]}, "none of the values"),
        (2.5, {"oneOf": [{"type": "integer"}, {"type": "string"}]}, "fits none of the schema's alternatives"),
        (2, {"oneOf": [{"type": "integer"}, {"type": "number"}]}, "fits 2 of the schema's alternatives"),
        (2.5, {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "fits none"),
        ({}, {"allOf": [{"type": "object"}, {"required": ["a"]}]}, "lacks the member 'a'"),
        ({"next": {"next": 1}}, {"type": "object", "properties": {"next": {"$ref": "#"}}}, "next.next is not"),
        ("x", {"not": {"type": "string"}}, "is what the schema forbids"),
        ({"a": 1}, IF, "lacks the member 'b'"),
        ({}, IF, "lacks the member 'c'"),
        ({"x1": "1"}, X, "x1 is not of type integer"),
        ({"y": 1}, X, "has a member that the schema forbids"),
        (["x"], {"contains": {"type": "integer"}}, "has 0 elements"),
        ([1, 2], {"contains": {"type": "integer"}, "maxContains": 1}, "has 2 elements"),
        ([{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], {"uniqueItems": True}, "equal elements"),
        ({"Ab": 1}, {"propertyNames": {"pattern": "^[a-z]+$"}}, "name the schema forbids"),
        ({"a": 1}, {"dependentRequired": {"a": ["b"]}}, "lacks the member 'b'"),
        ({"a": 1}, {"dependentSchemas": {"a": {"minProperties": 2}}}, "fewer than 2 members"),
        ({"a": 1}, {"maxProperties": 0}, "more than 0 members"),
        (1, {"minimum": 2}, "less than 2"),
        (3, {"maximum": 2.5}, "more than 2.5"),
        (2, {"exclusiveMinimum": 2}, "not more than 2"),
        (2, {"exclusiveMaximum": 2}, "not less than 2"),
        (0.35, {"multipleOf": 0.1}, "no multiple of 0.1"),
        ("", {"minLength": 1}, "shorter than 1"),
        ("abc", {"maxLength": 2}, "longer than 2"),
        ([], {"minItems": 1}, "fewer than 1"),
        ([1, 2], {"maxItems": 1}, "more than 1"),
        ("2026-11-21\n", {"pattern": r"^\d{4}-\d{2}-\d{2}$"}, "pattern"),
    ],
)
def test_what_does_not_fit_is_told(value, schema, why):
    assert re.search(why, mismatch(value, schema))
    assert unchecked(schema) == ()


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "something new"}, ["type"]),
        ({"properties": {"a": {"type": "string", "format": "email"}}}, ["format"]),
        ({"items": {"anyOf": [{"unevaluatedProperties": False}]}}, ["unevaluatedProperties"]),
        ({"$ref": "https://elsewhere.example/schema"}, ["$ref"]),
        ({"$ref": "#name", "$anchor": "name"}, ["$ref"]),
        ({"$ref": "#/$defs/none"}, ["$ref"]),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"format": "x"}, "b": {"never": 1}}}, ["format"]),
        ({"pattern": "(a+)+$"}, ["pattern"]),
        ({"patternProperties": {"a|b": {}}, "additionalProperties": False}, ["patternProperties"]),
        ({"items": [{}], "minLength": "5", "exclusiveMinimum": True, "required": "a"},
         ["exclusiveMinimum", "items", "minLength", "required"]),
        ({"$id": "https://a.example/s", "properties": {"a": {"$id": "b"}}}, ["$id"]),
        ({"if": {"format": "x"}, "then": {"nullable": True}}, ["format", "nullable"]),
        ({"const": {"format": "x"}, "default": {"format": "x"}, "x-own": 1, "title": "t"}, []),
        ({f"k{i}": 1 for i in range(100)}, ["*"]),
    ],
)  # fmt: skip
def test_what_is_not_checked_is_named_and_forbids_nothing(schema, named):
    assert list(unchecked(schema)) == named
    if "const" not in schema:
        assert mismatch({"x": "a"}, schema) == ""


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"not": {"$ref": "#"}},
        {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
        {"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}],
         "$defs": {"a": {"type": "string", "not": {"$ref": "#"}}}},
    ],
)  # fmt: skip
def test_a_schema_that_only_refers_to_itself_ends_and_nothing_passes_by_it(schema):
    assert "too deep to be checked" in mismatch("x", schema)


def test_a_schema_that_asks_for_more_and_more_ends():
    levels = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 2} for i in range(30)}
    assert "too many steps" in mismatch({}, {"$ref": "#/$defs/l0", "$defs": levels | {"l30": {}}})
    many = {"items": {"enum": [[i] for i in range(STEPS_MAX // 10)]}}
    assert "too many steps" in mismatch([[STEPS_MAX // 10 - 1]] * 20, many)


@pytest.mark.parametrize(
    ("source", "fits", "not_"),
    [
        ("^[A-Z]{2,3}$", ["AB", "ABC"], ["A", "ABCD", "ab", "AB\n"]),
        (r"^\d+\.\d*$", ["1.", "12.5"], ["x", "١."]),
        ("b.d", ["abode bad"], ["b\u2028d", "bd"]),
        (r"^[^\d\-]?\$", ["a$", "$"], ["1$"]),
        (r"a\$", ["a$"], ["a"]),
        ("", ["", "x"], []),
        ("^[a-z0-9_-]+@[a-z]+$", ["a_b-1@c"], ["a@"]),
    ],
)
def test_patterns(source, fits, not_):
    found = pattern(source)
    assert found is not None
    assert all(found.expression.search(text) for text in fits)
    assert not any(found.expression.search(text) for text in not_)


@pytest.mark.parametrize(
    "source",
    ["(a)", "a|b", "a**", "a{2,1}", "[z-a]", "[a", "a{100}", r"\1", r"\s", r"\bx", "a++", "a*?", "[[]", "[a--b]",
     "[a&&b]", "[a||b]", "[a~~b]", "^*", "a^b", "a$b", "\\", "x" * 201, 5, None],
)  # fmt: skip
def test_patterns_that_may_take_long_or_mean_something_else_are_not_tried(source):
    assert pattern(source) is None


def test_a_text_that_is_too_long_for_a_pattern_is_no_match_and_takes_no_time():
    schema = {"pattern": "a*a*a*a*a*b"}
    assert mismatch("a" * 5 + "b", schema) == ""
    assert "too long for the pattern" in mismatch("a" * 100, schema)
    assert "too long for the pattern" in mismatch("a" * 100, {"not": schema})
    assert mismatch("A" + "a" * 100_000, {"pattern": "^[A-Z]"}) == ""


VALUES = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 1.0, 1.5, -2, "", "a", "b1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b1", "c"]), inner, max_size=3),
    max_leaves=4,
)


def keywords(schemas):
    some, counts = st.lists(schemas, min_size=1, max_size=3), st.integers(0, 2)
    numbers = st.sampled_from([-1, 0, 1, 1.5])
    words = st.lists(st.sampled_from(["a", "b1"]), max_size=2, unique=True)
    named = st.dictionaries(st.sampled_from(["a", "b1"]), schemas, max_size=2)
    known = {
        "type": st.sampled_from(
            ["object", "array", "string", "boolean", "null", "number", "integer", ["null", "array"]]
        ),
        "enum": st.lists(VALUES, min_size=1, max_size=3),
        "const": VALUES,
        "pattern": st.sampled_from(["^a", "1$", "[ab]"]),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "1$"]), schemas, max_size=2),
        "multipleOf": st.sampled_from([0.5, 1, 2]),
        "uniqueItems": st.booleans(),
        "required": words,
        "dependentRequired": st.dictionaries(st.sampled_from(["a", "b1"]), words, max_size=2),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), some),
        **dict.fromkeys(("not", "if", "then", "else", "items", "contains", "propertyNames"), schemas),
        "additionalProperties": schemas,
        **dict.fromkeys(("properties", "dependentSchemas"), named),
        **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), numbers),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), counts),
        **dict.fromkeys(("minContains", "maxContains"), counts),
    }
    return st.fixed_dictionaries({}, optional=known).map(lambda found: dict(list(found.items())[:4]))


SCHEMAS = st.recursive(
    st.booleans() | st.sampled_from([{"type": "string"}, {"type": "integer"}, {"const": 1}]), keywords, max_leaves=6
)


@given(VALUES, SCHEMAS)
def test_it_judges_as_the_reference_does(value, schema):
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (mismatch(value, schema) == "") == expected
    assert unchecked(schema) == ()
