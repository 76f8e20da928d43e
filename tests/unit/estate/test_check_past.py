"""What an estate says of the past: names that are free, ids in the form of their cloud, networks that can be cut."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.estate import check, load

ESTATE = """
estate: northwind
clouds:
  aws: {{sites: [us-east-1]{aws}}}
  azure: {{sites: [westeurope]{azure}}}
  gcp: {{project: p, sites: [us-central1]{gcp}}}
  oci: {{compartment: c, sites: [eu-frankfurt-1]}}
onprem: {{hall: {{country: DE}}}}
clusters:
  main: {{at: aws/us-east-1{main}}}
  far: {{at: gcp/us-central1{far}}}
  home: {{at: onprem/hall{home}}}
datasets:
  raw: {{at: oci/eu-frankfurt-1{raw}}}
  clean: {{at: aws/us-east-1{clean}}}
encryption_keys:
  main: {{held_by: gcp, id: main{key}}}
"""
AI = "Microsoft.CognitiveServices/accounts"
FAR, KEY = "projects/p/locations/{}/clusters/prod", "projects/p/locations/{}/keyRings/r/cryptoKeys/k"
PLACES = ("aws", "azure", "gcp", "main", "far", "home", "raw", "clean", "key")


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def said(folder: Path, catalog: Catalog, **given: str) -> list[tuple[str, str]]:
    path = folder / "estate.yaml"
    more = {name: f", {given[name]}" if name in given else "" for name in PLACES}
    path.write_text(ESTATE.format_map(more), encoding="utf8")
    return [(d.code, d.place.path) for d in check(load(path), catalog) if d.severity == "error"]


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("main", "existing: prod, was: [old, older]"),
        ("main", "was: old"),
        ("main", "pools: {gpu: {machine: g5.xlarge, existing: gpus, was: cards}}"),
        ("far", "existing: projects/p/locations/us-central1/clusters/prod"),
        ("far", "existing: projects/p/locations/us-central1-a/clusters/prod"),
        ("key", "existing: {gcp/us-central1: " + KEY.format("us-central1") + "}"),
        ("raw", "existing: {oci/eu-frankfurt-1: n/space/b/raw}"),
        ("clean", "existing: {aws/us-east-1: acme-clean}, was: tidy"),
        ("aws", "networks: {us-east-1: {cidr: 10.9.0.0/16, existing: vpc-0abc}}"),
        ("gcp", "networks: {us-central1: {cidr: 172.16.0.0/16}}"),
        (
            "azure",
            "existing: {westeurope: /subscriptions/1/resourceGroups/g/providers/" + AI + "/northwind-westeurope}",
        ),
    ],
)
def test_a_past_that_can_be_is_accepted(place: str, text: str, tmp_path: Path, catalog: Catalog) -> None:
    assert said(tmp_path, catalog, **{place: text}) == []


@pytest.mark.parametrize(
    ("place", "text", "code", "path"),
    [
        ("main", "was: far", "name_twice", "clusters.main.was"),
        ("main", "existing: 'a b'", "form_wrong", "clusters.main.existing"),
        ("far", "existing: prod", "form_wrong", "clusters.far.existing"),
        ("home", "existing: x", "existing_unknown", "clusters.home.existing"),
        ("far", "existing: " + FAR.format("europe-west1"), "address_elsewhere", "clusters.far.existing"),
        (
            "key",
            "existing: {gcp/us-central1: " + KEY.format("europe-west1") + "}",
            "address_elsewhere",
            'encryption_keys.main.existing["gcp/us-central1"]',
        ),
        ("raw", "existing: {oci/eu-frankfurt-1: raw}", "form_wrong", 'datasets.raw.existing["oci/eu-frankfurt-1"]'),
        ("raw", "existing: {aws/eu-west-1: raw}", "site_unknown", 'datasets.raw.existing["aws/eu-west-1"]'),
        ("aws", "networks: {us-east-1: {cidr: 10.9.0.0/20}}", "form_wrong", "clouds.aws.networks.us-east-1.cidr"),
        ("aws", "networks: {us-east-1: {cidr: 52.0.0.0/16}}", "form_wrong", "clouds.aws.networks.us-east-1.cidr"),
        ("aws", "networks: {us-east-1: {existing: vpc-1}}", "key_missing", "clouds.aws.networks.us-east-1"),
        ("aws", "networks: {us-west-2: {cidr: 10.9.0.0/16}}", "site_unknown", "clouds.aws.networks.us-west-2"),
        ("azure", "existing: {westeurope: contoso}", "form_wrong", "clouds.azure.existing.westeurope"),
        ("azure", "existing: {westeurope: contoso}", "value_twice", "clouds.azure.existing.westeurope"),
    ],
)
def test_a_past_that_can_not_be_is_told_with_its_place(
    place: str, text: str, code: str, path: str, tmp_path: Path, catalog: Catalog
) -> None:
    assert (code, path) in said(tmp_path, catalog, **{place: text})


def test_one_name_was_not_two_things_and_one_network_is_not_two(tmp_path: Path, catalog: Catalog) -> None:
    assert ("name_twice", "clusters.far.was") in said(tmp_path, catalog, main="was: old", far="was: old")
    net = "{cidr: 10.9.0.0/16}"
    found = said(tmp_path, catalog, aws=f"networks: {{us-east-1: {net}}}", gcp=f"networks: {{us-central1: {net}}}")
    assert ("name_twice", "clouds.gcp.networks.us-central1.cidr") in found
