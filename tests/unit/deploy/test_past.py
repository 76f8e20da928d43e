"""What an estate says of the past, in the files: former addresses, names that stay, ids of what is there already."""

from pathlib import Path

import pytest

from polycloud.app import wiring
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy import hcl
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive import derive
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import vault
from polycloud.deploy.render.former import former
from polycloud.deploy.render.import_forms import FORMS, LASTING, page, parts
from polycloud.estate import load

CATALOG, MARKET = Catalog.load(), Market.load()
ESTATE = """
estate: northwind
clouds:
  aws: {sites: [eu-west-1, eu-central-1]}
  azure: {sites: [westeurope]}
  gcp: {project: p, sites: [europe-west1]}
clusters:
  CLUSTER: {at: aws/eu-west-1, pools: {POOL: {min: 1, max: 2}, system: {min: 1, max: 2}}}
datasets:
  DATASET: {at: aws/eu-west-1, replicate_to: [aws/eu-central-1], layer: raw}
  other: {at: azure/westeurope}
stores:
  lake: {at: gcp/europe-west1}
databases:
  DATABASE: {engine: mysql, at: aws/eu-west-1}
links:
  LINK: {between: [aws/eu-west-1, gcp/europe-west1], via: vpn, bandwidth: 1 Gbps}
KEYS
"""
WORDS = {"CLUSTER": "main", "POOL": "work", "DATASET": "events", "DATABASE": "shop", "LINK": "line", "KEYS": ""}


def blueprint(folder: Path, more: dict[str, str] | None = None, **names: str) -> Blueprint:
    """The estate with other names, and with more said of what a line begins with."""
    text = ESTATE
    for word, name in {**WORDS, **names}.items():
        text = text.replace(word, name)
    for begins, said in (more or {}).items():
        assert text.count(begins) == 1, begins
        text = text.replace(begins, f"{begins}{said}, ")
    path = folder / "estate.yaml"
    path.write_text(text)
    loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    return derive(loaded.estate, CATALOG, MARKET)


def rendered(given: Blueprint, root: str) -> Rendered:
    return wiring.renderers()[f"terraform/{root}"](given)


RENAMED = {"CLUSTER": "prod", "POOL": "jobs", "DATASET": "clicks", "DATABASE": "store", "LINK": "wire"}
SAID = {
    "prod: {": "was: main",
    "jobs: {": "was: work",
    "clicks: {": "was: events",
    "store: {": "was: shop",
    "wire: {": "was: line",
}


def test_a_renamed_thing_is_followed_in_all_that_comes_from_it(tmp_path: Path) -> None:
    before, now = blueprint(tmp_path), blueprint(tmp_path, SAID, **RENAMED)
    old, new = rendered(before, "aws"), rendered(now, "aws")
    gone = {r.address for r in old.resources} - {r.address for r in new.resources}
    assert new.moved.keys() == gone
    assert set(new.moved.values()) == {r.address for r in new.resources} - {r.address for r in old.resources}
    assert new.moved["aws/aws_s3_bucket.events_aws_eu_west_1"] == "aws/aws_s3_bucket.clicks_aws_eu_west_1"
    assert new.moved["aws/aws_eks_node_group.main__work"] == "aws/aws_eks_node_group.prod__jobs"
    said = new.files["terraform/aws/moved.tf"]
    assert said.count("moved {") == len(new.moved)
    assert "From the estate northwind: clusters.prod" in said.splitlines()[1]
    assert "  from = aws_eks_cluster.main\n  to   = aws_eks_cluster.prod\n" in said


def test_clouds_keep_the_names_that_they_can_not_change(tmp_path: Path) -> None:
    old = rendered(blueprint(tmp_path), "aws").files
    new = rendered(blueprint(tmp_path, SAID, **RENAMED), "aws").files
    for path, literal in (
        ("storage.tf", 'bucket = "northwind-events-eu-west-1"'),
        ("storage.tf", '"northwind-copy-events-aws-eu-west-1"'),
        ("clusters.tf", '"main"'),
        ("clusters.tf", 'node_group_name = "work"'),
        ("clusters.tf", '"/aws/eks/main/cluster"'),
        ("database.tf", '"northwind-shop"'),
    ):
        assert literal in old[f"terraform/aws/{path}"], literal
        assert literal in new[f"terraform/aws/{path}"], literal
    # Pods choose machines by the pool's name as manifests say it now.
    assert '"polycloud/pool" = "jobs"' in new["terraform/aws/clusters.tf"]


def test_a_link_between_clouds_is_followed_in_the_root_of_both(tmp_path: Path) -> None:
    found = rendered(blueprint(tmp_path, {"wire: {": "was: line"}, LINK="wire"), "global")
    assert {was.partition("/")[2].partition(".")[0] for was in found.moved} >= {"aws_vpn_connection"}
    assert '"line"' in found.files["terraform/global/links.tf"] or "line-0" in found.files["terraform/global/links.tf"]


def test_folders_of_a_renamed_dataset_stay_where_its_objects_are(tmp_path: Path) -> None:
    (bucket,) = [
        b
        for b in blueprint(tmp_path, {"clicks: {": "was: [visits, events]"}, DATASET="clicks").buckets
        if b.name == "clicks-aws-eu-west-1"
    ]
    assert bucket.physical == "northwind-events-eu-west-1"
    assert (bucket.folder("clicks"), bucket.folder("other")) == ("events", "other")
    assert bucket.was == ("visits-aws-eu-west-1", "events-aws-eu-west-1")


def test_names_are_given_back_one_at_a_time(tmp_path: Path) -> None:
    now = blueprint(tmp_path, {"third: {": "was: [second, first]"}, CLUSTER="third")
    found = rendered(now, "aws")
    assert found.moved["aws/aws_eks_cluster.first"] == "aws/aws_eks_cluster.second"
    assert found.moved["aws/aws_eks_cluster.second"] == "aws/aws_eks_cluster.third"
    step = former(now)
    assert step is not None and [c.name for c in step[0].clusters] == ["second"]
    step = former(step[0])
    assert step is not None and [c.name for c in step[0].clusters] == ["first"]
    assert former(step[0]) is None


def test_what_was_not_renamed_has_no_such_files(tmp_path: Path) -> None:
    found = rendered(blueprint(tmp_path), "aws")
    assert found.moved == {}
    assert not {path for path in found.files if path.endswith(("moved.tf", "imports.tf"))}


def test_what_is_there_is_imported_at_its_region_under_its_name(tmp_path: Path) -> None:
    more = {
        "main: {": "existing: live",
        "work: {": "existing: crew",
        "events: {": "existing: {aws/eu-west-1: acme}",
        "shop: {": "existing: {aws/eu-west-1: acme-shop}",
    }
    found = rendered(blueprint(tmp_path, more), "aws")
    imports = found.files["terraform/aws/imports.tf"]
    assert 'import {\n  to = aws_s3_bucket.events_aws_eu_west_1\n  id = "acme@eu-west-1"\n}' in imports
    assert 'to = aws_s3_bucket_versioning.events_aws_eu_west_1\n  id = "acme@eu-west-1"' in imports
    assert 'to = aws_eks_node_group.main__work\n  id = "live:crew@eu-west-1"' in imports
    assert "to = aws_s3_bucket.events_aws_eu_central_1" not in imports
    # What a bucket need not have is no block, which would fail where it is missing, but a command.
    assert "# Where it is there already: terraform import aws_s3_bucket_policy.events_aws_eu_west_1 'acme@" in imports
    text = found.files["terraform/aws/clusters.tf"]
    assert '"live"' in text and '"/aws/eks/live/cluster"' in text and 'node_group_name = "crew"' in text
    start = text.index('resource "aws_eks_cluster" "main" {')
    assert "prevent_destroy = true" in text[start : text.index("\n}\n", start)]
    told = [gap for gap in found.gaps if "made anew" in gap]
    assert any(gap.startswith("clusters.main: beside live") and "aws_eks_access_entry" in gap for gap in told)
    assert any(gap.startswith("clusters.main.pools.work: beside crew") for gap in told)


def test_a_thing_in_another_resource_group_is_found_there(tmp_path: Path) -> None:
    id = "/subscriptions/1/resourceGroups/theirs/providers/Microsoft.Network/virtualNetworks/wide"
    network = "networks: {westeurope: {cidr: 10.99.0.0/16, existing: " + id + "}}"
    found = rendered(blueprint(tmp_path, {"azure: {": network}), "azure")
    text = found.files["terraform/azure/network.tf"]
    start = text.index('resource "azurerm_virtual_network" "westeurope" {')
    block = text[start : text.index("\n}\n", start)]
    assert '"wide"' in block and '"theirs"' in block and '["10.99.0.0/16"]' in block
    subnet = text.index('resource "azurerm_subnet"')
    assert "azurerm_virtual_network.westeurope.resource_group_name" in text[subnet : text.index("\n}\n", subnet)]


def test_what_is_nowhere_written_is_told_and_not_guessed(tmp_path: Path) -> None:
    found = rendered(blueprint(tmp_path, {"shop: {": "existing: {aws/eu-central-1: far}"}), "aws")
    assert "databases.shop: nothing that is written can be far: it is not imported" in found.gaps
    assert "terraform/aws/imports.tf" not in found.files


def test_a_network_that_the_estate_gives_is_taken_and_no_other_site_gets_it(tmp_path: Path) -> None:
    found = blueprint(tmp_path, {"azure: {": "networks: {westeurope: {cidr: 10.16.0.0/16}}"})
    cidrs = {network.site.id: network.cidr for network in found.networks}
    assert cidrs["azure/westeurope"] == "10.16.0.0/16"
    assert len(set(cidrs.values())) == len(cidrs)


def test_the_table_of_ids_has_a_page_for_each_kind() -> None:
    assert {page(kind).split("/providers/")[1].split("/latest")[0] for kind in FORMS} == {
        "hashicorp/aws",
        "hashicorp/azurerm",
        "hashicorp/google",
        "oracle/oci",
    }
    assert page("aws_s3_bucket").endswith("/resources/s3_bucket#import")
    assert LASTING.keys() >= {"aws_s3_bucket", "google_kms_crypto_key", "oci_core_vcn"}


def test_the_vault_unseals_by_the_key_that_is_there(tmp_path: Path) -> None:
    key = "encryption_keys: {main: {held_by: gcp, id: k, existing: {SITE: ID}}}"
    ring = "projects/p/locations/europe-west1/keyRings/acme/cryptoKeys/wrap"
    arm = "/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/safe"
    for site, id, texts in (
        ("gcp/europe-west1", ring, ('"acme"', '"wrap"')),
        ("azure/westeurope", arm, ('"safe"',)),
    ):
        said = key.replace("SITE", site).replace("ID", id)
        plan = blueprint(tmp_path, KEYS=said)
        (found,) = [one for one in plan.keys if one.site.id == site]
        text = hcl.render([vault.seal(plan, found.site)])
        assert all(one in text for one in texts), text


@pytest.mark.parametrize(
    ("id", "last", "group", "ring"),
    [
        ("acme", "acme", "", "acme"),
        ("/subscriptions/1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", "v", "g", ""),
        ("projects/p/locations/l/keyRings/r/cryptoKeys/k", "k", "", "projects/p/locations/l/keyRings/r"),
    ],
)
def test_what_can_be_told_from_an_id(id: str, last: str, group: str, ring: str) -> None:
    told = parts(id)
    assert (told["last"], told["group"]) == (last, group)
    assert not ring or told["ring"] == ring


def test_a_renamed_clusters_collector_writes_where_it_did(tmp_path: Path) -> None:
    now = blueprint(tmp_path, SAID, **RENAMED)
    made = rendered(now, "aws").files["terraform/aws/watch.tf"]
    settings = wiring.renderers()["monitoring"](now).files["monitoring/otel/prod.yml"]
    assert 'name              = "/polycloud/main"' in made and "log_group_name: /polycloud/main" in settings
