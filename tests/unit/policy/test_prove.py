"""The proof: it holds for the examples, and shows the path for every violation that is planted."""

import json
from pathlib import Path

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.estate import Estate, load
from polycloud.policy import tables as flat
from polycloud.policy.compile import compile
from polycloud.policy.prove import prove
from polycloud.policy.tables import Compiled, Tables

CATALOG = Catalog.load()
EXAMPLES = Path(__file__).parents[3] / "polycloud/app/examples"


def example(name: str) -> tuple[Estate, Tables]:
    found = load(EXAMPLES / name / "estate.yaml")
    assert found.estate is not None
    return found.estate, compile(found.estate, CATALOG)


@pytest.mark.parametrize("name", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_examples_hold(name: str) -> None:
    estate, tables = example(name)
    proof = prove(Compiled(tables), estate, CATALOG)
    assert proof.holds
    assert proof.paths > 50
    assert proof.version == tables.version


def test_a_bit_too_many_in_a_mask_is_shown_with_its_path() -> None:
    estate, tables = example("sandbox")
    compiled = Compiled(tables)
    compiled.class_masks["personal-eu"] |= 1 << compiled.index["azure/eastus/gpt-4o"]
    proof = prove(compiled, estate, CATALOG)
    assert not proof.holds
    broken = proof.breaks[0]
    assert broken.deployment == "azure/eastus/gpt-4o"
    assert broken.place == "azure/eastus"
    assert broken.data_class == "personal-eu"
    assert "personal-eu" in broken.classes
    for word in ("azure/eastus", "personal-eu", "must stay in eu", broken.name):
        assert word in str(broken)


def test_places_left_out_of_the_tables_are_found_in_the_estate() -> None:
    estate, tables = example("sandbox")
    at = Compiled(tables).index["aws/eu-central-1/claude-sonnet"]
    rows = list(tables.deployments)
    rows[at] = msgspec.structs.replace(rows[at], places=(rows[at].site,))
    held = tables.classes["personal-eu"]
    classes = {**tables.classes, "personal-eu": msgspec.structs.replace(held, allowed=(*held.allowed, at))}
    proof = prove(Compiled(msgspec.structs.replace(tables, deployments=tuple(rows), classes=classes)), estate, CATALOG)
    assert {"aws/eu-west-2", "aws/eu-central-2"} <= {b.place for b in proof.breaks}


def test_claude_on_azure_is_counted_by_the_estates_own_words() -> None:
    clouds = {"azure": {"sites": ["eastus2"]}}
    models = {"m": {"deployments": [{"at": "azure/eastus2", "model": "claude-opus-5-5"}]}}
    asked = {"estate": "t", "clouds": clouds, "models": models, "data_classes": {"here": {"sites": ["azure/*"]}}}
    estate = Estate.model_validate_json(json.dumps({**asked, "residency": {"default_class": "here"}}))
    tables = compile(estate, CATALOG)
    rows = (msgspec.structs.replace(tables.deployments[0], places=("azure/eastus2",)),)
    held = {"here": msgspec.structs.replace(tables.classes["here"], allowed=(0,))}
    proof = prove(Compiled(msgspec.structs.replace(tables, deployments=rows, classes=held)), estate, CATALOG)
    assert {b.place for b in proof.breaks} == {"unknown"}


def test_a_class_that_the_estate_does_not_have_holds_nothing() -> None:
    estate, tables = example("sandbox")
    everything = tuple(range(len(tables.deployments)))
    classes = {**tables.classes, "ghost": flat.DataClass("ghost", everything, "haunts")}
    proof = prove(Compiled(msgspec.structs.replace(tables, classes=classes)), estate, CATALOG)
    assert not proof.holds
    assert {b.data_class for b in proof.breaks} == {"ghost"}


def test_a_deployment_that_the_estate_does_not_have_may_run_anywhere() -> None:
    estate, tables = example("sandbox")
    stray = msgspec.structs.replace(tables.deployments[0], id="azure/westeurope/gpt-4o#2")
    at = len(tables.deployments)
    model = tables.models["gpt-4o"]
    models = {**tables.models, "gpt-4o": msgspec.structs.replace(model, deployments=(*model.deployments, at))}
    held = tables.classes["personal-eu"]
    classes = {**tables.classes, "personal-eu": msgspec.structs.replace(held, allowed=(*held.allowed, at))}
    grown = msgspec.structs.replace(tables, deployments=(*tables.deployments, stray), models=models, classes=classes)
    proof = prove(Compiled(grown), estate, CATALOG)
    assert {(b.deployment, b.place) for b in proof.breaks} == {(stray.id, "unknown")}


def test_contradictions_say_who_can_not_be_served_and_whether_that_is_certain() -> None:
    estate, tables = example("sandbox")
    teams = {**tables.teams, "hall": flat.Team("hall", ("gpt-4o",), ("secret-de",))}
    proof = prove(Compiled(msgspec.structs.replace(tables, teams=teams)), estate, CATALOG)
    found = [c for c in proof.contradictions if c.team == "hall" and c.certain]
    assert {(c.name, c.classes) for c in found} == {(n, ("secret-de",)) for n in ("gpt-4o", "gpt-4o-latest")}
    assert "secret-de" in str(found[0])
    assert any(not c.certain for c in proof.contradictions)
