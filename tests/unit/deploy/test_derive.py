"""From an estate to the blueprint: names that clouds allow, networks that stay, buckets for every copy."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import polycloud.deploy.yaml as text
from polycloud.app import wiring
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint, Run, Where
from polycloud.deploy.checks import prove, together
from polycloud.deploy.derive import declared_copies, derive
from polycloud.deploy.derive.clusters import networks
from polycloud.deploy.derive.names import RULES, broken, made
from polycloud.deploy.derive.traffic import services
from polycloud.deploy.ports import Reference, Rendered, Resource
from polycloud.estate import Estate, load

KEYS = ("aws_kms_key.", "azurerm_key_vault_key.", "google_kms_crypto_key.", "oci_kms_key.")
EXAMPLES = Path(__file__).resolve().parents[3] / "polycloud" / "app" / "examples"
CATALOG, MARKET = Catalog.load(), Market.load()


def estate(name: str) -> Estate:
    loaded = load(EXAMPLES / name / "estate.yaml", None)
    assert loaded.estate is not None
    return loaded.estate


def blueprint(name: str, **given: object) -> Blueprint:
    return derive(estate(name), CATALOG, MARKET, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_every_example_has_a_blueprint_and_it_is_the_same_twice(name: str) -> None:
    assert blueprint(name) == blueprint(name)
    found = blueprint(name)
    assert found.clusters and found.services
    assert {c.site.id for c in found.clusters} <= {n.site.id for n in found.networks}
    assert len({n.cidr for n in found.networks}) == len(found.networks)
    assert all(broken(b.site.cloud, "bucket", b.physical) is None for b in found.buckets)


def test_the_eight_clusters_have_their_pools() -> None:
    found = blueprint("active-active")
    assert len(found.clusters) == 8
    declared = next(c for c in found.clusters if c.name == "aws-us-east-1")
    assert {(p.name, p.least, p.most, p.spot) for p in declared.pools} >= {
        ("system", 2, 4, False),
        ("workload", 2, 100, False),
        ("gpu", 0, 8, True),
    }
    plain = next(c for c in found.clusters if c.name == "gcp-asia-east1")
    assert {(p.role, p.least, p.most) for p in plain.pools} >= {("system", 3, 3), ("workload", 5, 50)}


def test_a_placed_run_gets_a_pool_of_its_machine() -> None:
    run = Run("train-0", "train-ranker", "training", "gcp-us-central1", "a2-highgpu-8g", 2, True, "A100", 8)
    found = next(c for c in blueprint("active-active", runs=(run,)).clusters if c.name == "gcp-us-central1")
    pool = next(p for p in found.pools if p.machine == "a2-highgpu-8g" and p.spot)
    assert (pool.role, pool.most, pool.least) == ("gpu", 2, 0)


def test_a_pool_that_names_an_accelerator_never_gets_another() -> None:
    run = Run("train-0", "train-ranker", "training", "aws-us-east-1", "p6-b200.48xlarge", 1, True, "A100", 8)
    found = next(c for c in blueprint("active-active", runs=(run,)).clusters if c.name == "aws-us-east-1")
    named = next(p for p in found.pools if p.name == "gpu")
    assert named.machine != "p6-b200.48xlarge"
    assert named.accelerator in MARKET.accelerators_named("A100")
    assert any(p.machine == "p6-b200.48xlarge" and p.spot for p in found.pools)


def test_networks_stay_when_a_site_is_added_before_them() -> None:
    old = [Where("aws/us-east-1", "aws", "us-east-1", "US"), Where("gcp/us-central1", "gcp", "us-central1", "US")]
    first = {n.site.id: n.cidr for n in networks(old, {})}
    again = {n.site.id: n.cidr for n in networks([*old, Where("aws/ap-south-1", "aws", "ap-south-1", "IN")], first)}
    assert {site: again[site] for site in first} == first
    assert len(set(again.values())) == 3


def test_more_sites_than_networks_is_an_error() -> None:
    with pytest.raises(ValueError, match="need a /16"):
        networks([Where(f"aws/r-{n}", "aws", f"r-{n}", "US") for n in range(241)], {})


def test_a_dataset_with_two_copies_has_two_buckets_and_one_way_between_them() -> None:
    found = [b for b in blueprint("oci-primary").buckets if "ledger" in b.datasets]
    assert {b.site.id for b in found} >= {"oci/eu-frankfurt-1", "oci/eu-amsterdam-1"}
    by_site = {b.site.id: b for b in found}
    assert by_site["oci/eu-frankfurt-1"].copies_to and not by_site["oci/eu-amsterdam-1"].copies_to
    assert by_site["oci/eu-frankfurt-1"].lifecycle.warm == 30
    assert by_site["oci/eu-frankfurt-1"].audit


def test_copies_of_the_estate_begin_with_the_first_one() -> None:
    assert declared_copies(estate("active-active"))["clickstream"][0] == "aws/us-east-1"


def test_callers_under_a_confining_law_are_steered_inside_it() -> None:
    edge = blueprint("active-active").edge
    assert edge is not None
    confined = dict(edge.confined)
    assert confined["IE"] == ("europe",) == confined["DE"]
    assert confined["US"] == ("america",)


def test_pools_of_the_entry_have_names_that_a_subset_may_have() -> None:
    one = estate("active-active")
    assert one.entry is not None
    pools = {"E_U": one.entry.pools["europe"], "america": one.entry.pools["america"]}
    pools["america"] = pools["america"].model_copy(update={"fallback": ("E_U",)})
    entry = one.entry.model_copy(update={"pools": pools})
    found = derive(one.model_copy(update={"entry": entry}), Catalog.load(), Market.load()).edge
    assert found is not None
    odd, plain = sorted((pool.name for pool in found.pools), key=lambda name: name == "america")
    assert plain == "america" and re.fullmatch("[a-z0-9-]{1,63}", odd)
    assert {pool.fallback for pool in found.pools if pool.name == "america"} == {(odd,)}
    assert dict(found.confined)["DE"] == (odd,)


@given(
    st.sampled_from(list(RULES)),
    st.lists(st.text(st.characters(codec="ascii"), min_size=1, max_size=50), min_size=1, max_size=3),
)
def test_made_names_are_lawful_whatever_they_are_made_from(key: tuple[str, str], parts: list[str]) -> None:
    cloud, kind = key
    assert broken(cloud, kind, made(cloud, kind, *parts)) is None


def test_names_that_had_to_be_cut_stay_apart() -> None:
    assert made("azure", "bucket", "northwind", "clickstream-raw", "westeurope") != made(
        "azure", "bucket", "northwind", "clickstreamraw", "westeurope"
    )


def test_references_without_a_provider_and_addresses_twice_are_problems() -> None:
    one = Rendered({"a.tf": ""}, (Resource("aws/x", "bucket", "aws/us-east-1", "datasets.x"),), ("pool:eu",))
    two = Rendered(
        {"a.tf": "", "b.yaml": ""},
        (Resource("aws/x", "bucket", "aws/us-east-1", "datasets.x"),),
        (),
        (Reference("pool:eu", "b.yaml"), Reference("pool:us", "b.yaml")),
    )
    problems = together({"one": one, "two": two}).problems
    assert [re.sub(r"^(\S+) .*", r"\1", p) for p in problems] == ["a.tf", "b.yaml", "aws/x"]


def test_a_resource_outside_its_class_breaks_the_proof() -> None:
    inside = Resource("oci/b", "bucket", "oci/eu-frankfurt-1", "datasets.ledger", data_class="ledger")
    outside = Resource("aws/b", "bucket", "aws/eu-west-1", "datasets.ledger", data_class="ledger")
    found = prove([inside, outside], estate("oci-primary"), CATALOG)
    assert found.pairs == 2
    assert len(found.broken) == 1 and "aws/eu-west-1" in found.broken[0]


@pytest.mark.parametrize("name", ["sandbox", "oci-primary", "active-active"])
def test_a_key_is_proved_for_all_that_it_wraps(name: str) -> None:
    whole = blueprint(name)
    rendered = [one for renderer in wiring.renderers().values() for one in renderer(whole).resources]
    keys = {one.site: one.data_class.split() for one in rendered if one.address.partition("/")[2].startswith(KEYS)}
    kept = [one for one in rendered if one.source.startswith(("datasets.", "stores.", "databases."))]
    held = [(one, name) for one in kept if one.kind in ("bucket", "database") for name in one.data_class.split()]
    assert held and all(name in keys[one.site] for one, name in held)


@given(st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.lists(st.text()))))
def test_yaml_reads_back_as_it_was(value: dict[str, object]) -> None:
    import yaml

    assert yaml.safe_load(text.dump(value)) == value
    assert list(yaml.safe_load_all(text.dump(value, {"b": 1}))) == [value, {"b": 1}]


def pools(tmp_path: Path, said: str, more: str = "") -> dict[str, tuple[int, int]]:
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: e\nclouds: {aws: {sites: [us-east-1]}}\n"
        f"clusters: {{main: {{at: aws/us-east-1, {more}pools: {{{said}}}}}}}\n"
    )
    loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    (cluster,) = derive(loaded.estate, CATALOG, MARKET).clusters
    return {pool.name: (pool.least, pool.most) for pool in cluster.pools}


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("workload: {machine: m7i.4xlarge}", {"system": (3, 3), "workload": (5, 50), "gpu": (0, 10)}),
        ("system: {}", {"system": (3, 3), "workload": (5, 50), "gpu": (0, 10)}),
        ("system: {min: 5}, gpu: {max: 2}", {"system": (5, 5), "workload": (5, 50), "gpu": (0, 2)}),
        ("workload: {max: 2}", {"system": (3, 3), "workload": (2, 2), "gpu": (0, 10)}),
        ("workers: {}, chips: {accelerator: A100}", {"system": (3, 3), "workers": (5, 50), "chips": (0, 10)}),
        ("batch: {spot: true}", {"system": (3, 3), "workload": (5, 50), "gpu": (0, 10), "batch": (0, 50)}),
        ("workload: {}, large: {}", {"system": (3, 3), "workload": (5, 50), "gpu": (0, 10), "large": (0, 50)}),
    ],
)
def test_naming_one_pool_leaves_the_others_and_their_bounds_as_usual(
    tmp_path: Path, said: str, wanted: dict[str, tuple[int, int]]
) -> None:
    assert pools(tmp_path, said) == wanted


def test_a_cluster_that_is_there_already_gets_no_pool_that_it_does_not_have(tmp_path: Path) -> None:
    assert pools(tmp_path, "workers: {min: 1, max: 9}", "existing: old-main, ") == {"workers": (1, 9)}


@pytest.mark.parametrize("site", ["oci/eu-frankfurt-1", "oci/us-ashburn-1", "aws/us-east-1", "azure/westeurope"])
def test_an_accelerator_that_nobody_named_runs_todays_cuda(tmp_path: Path, site: str) -> None:
    cloud, region = site.split("/")
    path = tmp_path / "estate.yaml"
    path.write_text(f"estate: e\nclouds: {{{cloud}: {{sites: [{region}]}}}}\nclusters: {{main: {{at: {site}}}}}\n")
    loaded = load(path, None)
    assert loaded.estate is not None
    (cluster,) = derive(loaded.estate, CATALOG, MARKET).clusters
    chip = next(pool.accelerator for pool in cluster.pools if pool.name == "gpu")
    assert chip not in ("K80", "M60", "P4", "P100", "V100-16GB", "V100-32GB", "")


def test_addresses_of_its_own_and_places_of_secrets_reach_the_blueprint(tmp_path: Path) -> None:
    assert blueprint("hybrid-burst").called == ("http://10.0.0.5:8000/v1", "http://10.0.0.6:9000")
    path = tmp_path / "estate.yaml"
    path.write_text(
        "estate: small\nclouds: {aws: {role: primary, sites: [us-east-1]}}\n"
        "secrets: {sso: {vault: {path: kv/data/team/sso, field: token}}, bought: {aws_secret: bought}}\n"
    )
    loaded = load(path, None)
    assert loaded.estate is not None
    found = derive(loaded.estate, CATALOG, MARKET)
    assert found.in_vault == {"sso": ("kv/data/team/sso", "token")} and found.in_clouds == ("bought",)


@pytest.mark.parametrize(
    ("said", "scope", "version"),
    [
        ({}, "global", ""),
        ({"profile": "datazone:us", "hosting": "azure"}, "datazone:us", "2"),
        ({"profile": "global", "hosting": "anthropic"}, "global", "1"),
    ],
)
def test_claude_on_azure_is_deployed_as_residency_counts_it(said: dict[str, str], scope: str, version: str) -> None:
    deployments = [{"at": "azure/eastus2", "model": "claude-opus-5-5", **said}]
    whole = {"estate": "e", "clouds": {"azure": {"sites": ["eastus2"]}}, "models": {"m": {"deployments": deployments}}}
    (found,) = services(Estate.model_validate_json(json.dumps(whole)), CATALOG)
    assert (found.scope, found.version) == (scope, version)


@pytest.mark.parametrize(
    ("model", "more", "scope", "upstream"),
    [
        ("eu.anthropic.claude-sonnet-4-6", {}, "eu", "eu.anthropic.claude-sonnet-4-6"),
        ("anthropic.claude-sonnet-4-6", {"profile": "eu"}, "eu", "eu.anthropic.claude-sonnet-4-6"),
        ("anthropic.claude-sonnet-4-6", {}, "", "anthropic.claude-sonnet-4-6"),
    ],
)
def test_an_id_of_bedrock_that_crosses_regions_is_a_profile(
    model: str, more: dict[str, str], scope: str, upstream: str
) -> None:
    deployments = [{"at": "aws/eu-central-1", "model": model, **more}]
    whole = {
        "estate": "e",
        "clouds": {"aws": {"sites": ["eu-central-1"]}},
        "models": {"m": {"deployments": deployments}},
    }
    (found,) = services(Estate.model_validate_json(json.dumps(whole)), CATALOG)
    assert (found.scope, found.upstream) == (scope, upstream)
