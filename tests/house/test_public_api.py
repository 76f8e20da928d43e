"""The public names, as a snapshot: a change here is a change for those who use the library."""

import ast
import builtins
import inspect
import re
from pathlib import Path

import pytest

import polycloud

PUBLIC = [
    "BadRequest",
    "BadSettings",
    "Begun",
    "Called",
    "Changes",
    "Client",
    "EstateError",
    "Examined",
    "NoPlan",
    "NotRunning",
    "PlaceQuery",
    "Placement",
    "PolycloudError",
    "Query",
    "Refused",
    "Sandbox",
    "Streamed",
    "__version__",
    "check",
    "compile",
    "connect",
    "examine",
    "explain",
    "init",
    "load",
    "place",
    "placement_report",
    "prove",
    "sandbox_of",
    "schema",
    "trade_offs",
    "up",
    "what_if",
]
EXAMPLE = Path(polycloud.__file__).parent / "app" / "examples" / "sandbox" / "estate.yaml"


def test_the_public_names() -> None:
    assert polycloud.__all__ == PUBLIC
    assert dir(polycloud) == PUBLIC


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(polycloud.__file__).read_text("utf8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen | {"__version__"} == set(PUBLIC)


@pytest.mark.parametrize("name", [n for n in PUBLIC if n != "__version__"])
def test_every_name_is_documented_and_typed(name: str) -> None:
    found = getattr(polycloud, name)
    assert inspect.getdoc(found)
    if inspect.isfunction(found):
        assert all(p.annotation is not p.empty for p in inspect.signature(found).parameters.values())
        assert inspect.signature(found).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", [n for n in PUBLIC if n != "__version__"])
def test_errors_that_are_promised_can_be_caught_by_public_names(name: str) -> None:
    found = getattr(polycloud, name)
    told = [found, *(m for m in vars(found).values() if inspect.isfunction(m))] if inspect.isclass(found) else [found]
    text = " ".join(inspect.getdoc(one) or "" for one in told)
    promised = set(
        re.findall(r"\b(?:BadRequest|BadSettings|NoPlan|NotRunning|Refused|EstateError|[A-Z]\w+Error)\b", text)
    )
    assert promised <= {*PUBLIC, *dir(builtins)}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = polycloud.nothing  # type: ignore[attr-defined]


def test_from_file_to_proof_and_explanation() -> None:
    loaded = polycloud.load(EXAMPLE)
    assert polycloud.check(loaded) == ()
    tables = polycloud.compile(loaded)
    proof = polycloud.prove(loaded)
    assert proof.holds
    assert proof.paths > 1000
    found = polycloud.explain(tables, polycloud.Query("gpt-4o", data_class="personal-eu", needs=("tools",)))
    places = {place.split("/")[1] for v in found.verdicts if v.eligible for place in v.places}
    assert places <= {"westeurope", "europe-west1"}
    examined = polycloud.examine(EXAMPLE)
    assert examined.holds
    assert examined.proof == proof


def test_a_broken_estate_raises_with_all_findings(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text("estate: x\nmodels: {m: {deployments: [{at: aws/us-east-1}]}}\nroutes: [{tier: t, models: [no]}]\n")
    with pytest.raises(polycloud.EstateError) as caught:
        polycloud.compile(polycloud.load(file).__class__(None, polycloud.check(polycloud.load(file))))
    assert len(caught.value.diagnostics) >= 2
    assert not polycloud.examine(file).holds


def test_schema_describes_the_sections() -> None:
    properties = polycloud.schema()["properties"]
    assert isinstance(properties, dict)
    assert {"clouds", "models", "routes", "data_classes"} <= set(properties)


def test_connect_refuses_what_is_no_address() -> None:
    with pytest.raises(ValueError, match="not an http"):
        polycloud.connect("file:///etc/passwd")
