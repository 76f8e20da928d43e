"""The published schema: current, described throughout, and of one mind with the loader."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import polycloud.app
import polycloud.estate
from polycloud.estate import json_schema, load
from polycloud.estate.codes import CODES
from polycloud.estate.jsonschema import schema_text
from polycloud.estate.references import references

PACKAGE = Path(polycloud.estate.__file__).parent
EXAMPLES = Path(polycloud.app.__file__).parent / "examples"


def test_the_file_that_ships_is_current() -> None:
    shipped = (PACKAGE / "estate.schema.json").read_text(encoding="utf-8")
    assert shipped == schema_text(), "run: polycloud schema > polycloud/estate/estate.schema.json"


def _definitions(schema: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    yield "Estate", schema
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    yield from definitions.items()


def test_every_field_is_described_and_no_key_is_free() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    definitions = dict(_definitions(schema))
    assert len(definitions) > 50
    for name, definition in definitions.items():
        if definition.get("type") != "object":
            continue
        assert definition["additionalProperties"] is False, name
        properties = definition["properties"]
        assert isinstance(properties, dict)
        for key, field in properties.items():
            described = field.get("description") or definitions[field["$ref"].split("/")[-1]].get("description")
            assert described, f"{name}.{key}"


def test_examples_of_units_match_their_patterns() -> None:
    found = 0
    for _, definition in _definitions(json_schema()):
        for field in definition.get("properties", {}).values():  # type: ignore[attr-defined]
            for example in field.get("examples", ()):
                assert re.search(field["pattern"], example)
                found += 1
    assert found > 20


@pytest.mark.parametrize("name", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_examples_fit_the_published_schema(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    validator.check_schema(json_schema())
    data = load(EXAMPLES / name / "estate.yaml").data
    assert [error.message for error in validator.iter_errors(json.loads(json.dumps(data)))] == []


def test_the_published_schema_refuses_what_the_loader_refuses(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json_schema())
    for wrong in (
        {"estate": "x", "modles": {}},
        {"estate": "x", "teams": {"a": {"rate": 600}}},
        {"estate": "x", "routes": [{"match": {"model": "m"}, "cap": 0.02}]},
        {"estate": "x", "onprem": {"a": {"country": "no"}}},
        {"estate": "x", "clouds": {"aws": {"sites": ["us-east-1"], "credentials": "hunter2"}}},
        {},
    ):
        path = tmp_path / "estate.yaml"
        path.write_text(json.dumps(wrong), encoding="utf-8")
        assert load(path).estate is None
        assert not validator.is_valid(wrong)


def test_every_code_is_explained_and_every_explanation_is_used() -> None:
    sources = [path for path in PACKAGE.parent.rglob("*.py") if path.name != "codes.py"]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    said = {code for broken in (Path(__file__).parent / "broken").glob("*.txt") for code in _said(broken)}
    given = {code for path in sources for code in _given(path)}
    assert {"residency_broken", "address_missing", "sandbox_missing", "class_broken"} <= given
    assert (said | given) - set(CODES) == set()
    unused = {code for code in CODES if f'"{code}"' not in source and not code.endswith("_unknown")}
    assert unused == set()


def _given(path: Path) -> Iterator[str]:
    """Codes that the source of a module gives to findings, where it spells them out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        at = {"Diagnostic": 1, "error": 0, "warn": 0}.get(name)
        if at is None or len(node.args) <= at + 1 or (name == "error" and len(node.args) < 3):
            continue
        code = node.args[at]
        if isinstance(code, ast.Constant) and isinstance(code.value, str) and code.value.isidentifier():
            yield code.value


def _said(path: Path) -> list[str]:
    return re.findall(r" (?:error|warning)\[(\w+)\]", path.read_text(encoding="utf-8"))


def test_references_are_found_wherever_the_schema_marks_them() -> None:
    data = {
        "clouds": {"aws": {"credentials": "secret:a"}},
        "routes": [{"at": ["aws/*"], "shares": {"aws/x": "1 %"}, "failover_shares": {"aws/y": {"aws/z": "1 %"}}}],
        "continuity": {"drills": {"d": {"at": "gcp/*"}}, "standby": {"aws/s": "aws/t"}},
        "links": {"l": {"between": ["aws/a", "gcp/b"], "backup": "m"}},
        "datasets": {"d": {"class": "c", "derived_from": ["e"]}},
    }
    found = {(reference.to, reference.text) for reference in references(data)}
    assert found == {
        ("secret", "secret:a"),
        ("site pattern", "aws/*"),
        ("site", "aws/x"),
        ("site", "aws/y"),
        ("site", "aws/z"),
        ("site pattern", "gcp/*"),
        ("site", "aws/s"),
        ("site", "aws/t"),
        ("site", "aws/a"),
        ("site", "gcp/b"),
        ("link", "m"),
        ("data class", "c"),
        ("dataset", "e"),
    }
