"""Cross-checks: what is right passes silently, and each contradiction is told once."""

from datetime import date
from pathlib import Path

import pytest

import polycloud.app
from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate import check, load, sites_of

EXAMPLES = Path(polycloud.app.__file__).parent / "examples"
TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def findings(tmp_path: Path, catalog: Catalog, text: str, today: date | None = None) -> tuple[Diagnostic, ...]:
    path = tmp_path / "estate.yaml"
    path.write_text(text, encoding="utf-8")
    return check(load(path), catalog, today)


@pytest.mark.parametrize(
    ("name", "env"),
    [("sandbox", None), ("sandbox", "live"), ("oci-primary", None), ("active-active", None), ("hybrid-burst", None)],
)
def test_examples_have_nothing_to_say_against_them(catalog: Catalog, name: str, env: str | None) -> None:
    loaded = load(EXAMPLES / name / "estate.yaml", env)
    assert check(loaded, catalog, TODAY) == ()
    assert loaded.estate is not None
    estate = loaded.estate
    used = {d.at.partition("/")[0] for model in estate.models.values() for d in model.deployments}
    assert len(used) >= 3
    assert all(estate.sandbox.covers(cloud) is (env is None) for cloud in used)
    assert (estate.sandbox.key == "pk-demo") is (env is None)


def test_the_examples_hold_what_they_are_named_for(catalog: Catalog) -> None:
    active = load(EXAMPLES / "active-active" / "estate.yaml").estate
    oci = load(EXAMPLES / "oci-primary" / "estate.yaml").estate
    hybrid = load(EXAMPLES / "hybrid-burst" / "estate.yaml").estate
    assert active is not None and oci is not None and hybrid is not None
    eight = {f"aws/{r}" for r in ("us-east-1", "us-west-2", "eu-west-1")}
    eight |= {f"gcp/{r}" for r in ("us-central1", "europe-west1", "asia-east1")} | {"azure/eastus", "azure/westeurope"}
    assert {cluster.at for cluster in active.clusters.values()} == eight == set(active.site_ids())
    shares = next(route for route in active.routes if route.name == "assistant")
    assert sorted(int(share.value * 100) for share in shares.shares.values()) == [25, 35, 40]
    assert all(
        sorted(int(s.value * 100) for s in left.values()) == [40, 60] for left in shares.failover_shares.values()
    )
    assert len(shares.failover_shares) == 3
    assert oci.continuity is not None and oci.continuity.rto is not None and oci.continuity.rpo is not None
    assert (oci.continuity.rto.value, oci.continuity.rpo.value) == (15 * 60, 5 * 60)
    assert oci.clouds.oci is not None and oci.clouds.oci.role == "primary"
    assert {catalog.jurisdictions_of(site.country) for site in sites_of(oci, catalog).values()} == {("eu",)}
    assert [m.deployments[0].at for m in hybrid.models.values()] == ["onprem/frankfurt"] * 2


def test_sites_come_from_the_catalogue_and_from_the_estate(catalog: Catalog) -> None:
    estate = load(EXAMPLES / "sandbox" / "estate.yaml").estate
    assert estate is not None
    sites = sites_of(estate, catalog)
    assert tuple(sites) == estate.site_ids()
    assert (sites["onprem/frankfurt"].country, sites["onprem/frankfurt"].jurisdictions) == ("DE", ("eu",))
    assert sites["aws/eu-central-1"].country == "DE"


def test_a_retired_model_is_warned_of_only_when_the_day_is_known(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "estate: x\nclouds: {gcp: {project: p, sites: [europe-west1]}}\n"
        "models: {gemini-2.5-flash: {deployments: [{at: gcp/europe-west1}]}}\n"
    )
    assert [d.code for d in findings(tmp_path, catalog, text, TODAY)] == ["model_retired"]
    assert findings(tmp_path, catalog, text) == ()


def test_adequacy_widens_a_class_only_when_it_says_so(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "estate: x\nclouds: {aws: {sites: [eu-central-2]}}\n"  # Zurich
        "data_classes: {p: {stay_in: [eu]%s}}\nresidency: {default_class: p}\n"
    )
    assert [d.code for d in findings(tmp_path, catalog, text % "")] == ["class_unsatisfiable"]
    assert findings(tmp_path, catalog, text % ", include_adequate: true") == ()


def test_operators_and_kinds_are_limits(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "estate: x\nclouds: {aws: {sites: [us-east-1, us-gov-west-1]}}\nonprem: {hall: {country: DE, operator: acme}}\n"
        "data_classes: {a: {operators: [government]}, b: {operators: [acme]}, c: {operators: [sovereign]}}\n"
        "residency: {default_class: a}\n"
    )
    assert [(d.code, d.place.path) for d in findings(tmp_path, catalog, text)] == [
        ("class_unsatisfiable", "data_classes.c")
    ]


def test_copies_stay_inside_unless_the_class_lets_them_go(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "estate: x\nclouds: {aws: {sites: [eu-west-1, us-east-1]}}\nresidency: {default_class: p}\n"
        "data_classes: {p: {stay_in: [eu], replicate: %s}}\n"
        "datasets: {d: {at: aws/eu-west-1, replicas: 2, replicate_to: [aws/us-east-1]}}\n"
    )
    assert [d.place.path for d in findings(tmp_path, catalog, text % "inside")] == ["datasets.d.replicate_to[0]"]
    assert findings(tmp_path, catalog, text % "anywhere") == ()
    never = findings(tmp_path, catalog, text % "never")
    assert [d.place.path for d in never] == ["datasets.d.replicas", "datasets.d.replicate_to[0]"]


def test_one_address_serves_one_region(tmp_path: Path, catalog: Catalog) -> None:
    text = "estate: x\nclouds: {aws: {sites: [%s], endpoint: 'https://bedrock.internal'}}\n"
    assert findings(tmp_path, catalog, text % "us-east-1") == ()
    assert [d.code for d in findings(tmp_path, catalog, text % "us-east-1, eu-west-1")] == ["address_ambiguous"]


def test_findings_come_in_the_order_of_the_files(tmp_path: Path, catalog: Catalog) -> None:
    (tmp_path / "a.yaml").write_text("teams: {t: {classes: [none]}}\n", encoding="utf-8")
    found = findings(
        tmp_path, catalog, "estate: x\ninclude: [a.yaml]\nresidency: {default_class: gone}\nsandbox: {team: u}\n"
    )
    assert [d.place.path for d in found] == ["residency.default_class", "sandbox.team", "teams.t.classes[0]"]


ELSEWHERE = """
estate: x
residency: {{default_class: here}}
data_classes: {{here: {{stay_in: [eu]}}}}
clouds: {{{cloud}: {{{given}, sites: [{site}]}}}}
"""


@pytest.mark.parametrize(
    ("cloud", "site", "given", "code"),
    [
        ("aws", "eu-central-1", 'endpoint: "https://bedrock-runtime.us-east-1.amazonaws.com"', "address_elsewhere"),
        ("aws", "eu-central-1", 'endpoint: "https://bedrock-runtime.eu-central-1.amazonaws.com"', ""),
        ("aws", "eu-central-1", 'endpoint: "https://models.example"', ""),
        ("azure", "westeurope", "resource: acme-eastus", "address_elsewhere"),
        ("azure", "westeurope", 'resource: "acme-{region}"', ""),
        ("azure", "eastus2", "resource: acme-eastus2", ""),
        ("azure", "westeurope", 'resource: "acme/@elsewhere.example#"', "name_malformed"),
        ("azure", "westeurope", 'api_version: "1\\r\\nx: y"', "name_malformed"),
        ("gcp", "europe-west1", 'project: "p/../../q?x=1"', "name_malformed"),
        ("gcp", "europe-west1", "project: example.com:acme", ""),
        ("oci", "eu-frankfurt-1", 'compartment: "ocid1\\r\\nx: y"', "name_malformed"),
    ],
)
def test_an_address_leads_where_the_estate_says(
    tmp_path: Path, catalog: Catalog, cloud: str, site: str, given: str, code: str
) -> None:
    found = findings(tmp_path, catalog, ELSEWHERE.format(cloud=cloud, site=site, given=given))
    assert {d.code for d in found} & {"address_elsewhere", "name_malformed"} == ({code} if code else set())


def test_a_name_in_a_path_can_not_climb_out_of_it(tmp_path: Path, catalog: Catalog) -> None:
    text = (
        "estate: x\nmodels: {m: {deployments: [{at: gcp/europe-west1, upstream: a/../../locations/us-central1/b}]}}\n"
    )
    assert "name_malformed" in {d.code for d in findings(tmp_path, catalog, text)}
