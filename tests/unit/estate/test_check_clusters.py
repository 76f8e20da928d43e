"""Clusters that can be made: versions by the day, names, and what stays silent."""

import datetime
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.kubernetes import minor, release, releases
from polycloud.catalog.names import broken, made
from polycloud.core.diagnostics import Diagnostic
from polycloud.deploy.derive.clusters import DEFAULT_VERSION
from polycloud.deploy.render.links import LINKS_MAX
from polycloud.estate import check, load
from polycloud.estate.check_places import VPNS_MAX

NOVEMBER = datetime.date(2026, 11, 21)
ESTATE = """
estate: northwind
clouds:
  aws: {{sites: [us-east-1]}}
  gcp: {{project: p, sites: [us-central1]}}
  oci: {{compartment: c, sites: [eu-frankfurt-1]}}
clusters:
  main: {{at: {at}, version: "{version}"}}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def said(folder: Path, catalog: Catalog, at: str, version: str, day: datetime.date | None) -> list[Diagnostic]:
    path = folder / "estate.yaml"
    path.write_text(ESTATE.format(at=at, version=version), encoding="utf8")
    return [d for d in check(load(path), catalog, day) if d.place.path == "clusters.main.version"]


@pytest.mark.parametrize(
    ("at", "version", "code"),
    [
        ("aws/us-east-1", "1.27", "kubernetes_unsupported"),
        ("gcp/us-central1", "1.27", "kubernetes_unsupported"),
        ("oci/eu-frankfurt-1", "1.27", "kubernetes_unsupported"),
        ("aws/us-east-1", "1.33", "kubernetes_ends"),
        ("aws/us-east-1", "1.34", "kubernetes_ends"),  # in eleven days
        ("gcp/us-central1", "1.34", "kubernetes_ends"),
        ("aws/us-east-1", "1.35", ""),
        ("gcp/us-central1", "1.36", ""),
        ("oci/eu-frankfurt-1", "1.34", ""),  # no day is stated
        ("oci/eu-frankfurt-1", "1.36", "kubernetes_unseen"),
        ("aws/us-east-1", "1.38", "kubernetes_unseen"),
        ("aws/us-east-1", "1.40", "kubernetes_unsupported"),
        ("aws/us-east-1", "latest", "form_wrong"),
        ("aws/us-east-1", "1.035", "form_wrong"),
    ],
)
def test_versions_by_the_day(tmp_path: Path, catalog: Catalog, at: str, version: str, code: str) -> None:
    found = said(tmp_path, catalog, at, version, NOVEMBER)
    assert [d.code for d in found] == ([code] if code else [])
    assert all("1.35" in d.fix for d in found)
    assert all((d.severity == "error") == (d.code in ("kubernetes_unsupported", "form_wrong")) for d in found)
    silent = said(tmp_path, catalog, at, version, None)
    assert [d.code for d in silent] == ([code] if code and code != "kubernetes_ends" else [])


def test_extended_support_is_told_with_its_price(tmp_path: Path, catalog: Catalog) -> None:
    (one,) = said(tmp_path, catalog, "aws/us-east-1", "1.33", NOVEMBER)
    assert "ended on 2026-07-29" in one.message and "costs more until 2027-07-29" in one.message
    (later,) = said(tmp_path, catalog, "aws/us-east-1", "1.33", datetime.date(2027, 8, 1))
    assert "costs more" not in later.message


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp", "oci"])
def test_the_version_that_is_taken_without_a_word_is_supported_everywhere(cloud: str) -> None:
    listed = releases(cloud)
    assert [one.version for one in listed] == sorted((one.version for one in listed), key=minor)
    taken = release(cloud, DEFAULT_VERSION)
    assert taken is not None and not taken.ended(NOVEMBER)


def test_names_by_the_rules_of_their_places() -> None:
    assert broken("gcp", "cluster", "Main_One") is not None
    assert broken("aws", "cluster", "Main_One") is None
    assert broken("azure", "pool", "workload-spot") is not None
    assert broken("kubernetes", "account", "a" * 64) is not None
    assert broken("kubernetes", "account", "train-ranker") is None


PARTS = """
estate: northwind
clouds:
  aws: {sites: [us-east-1]}
  azure: {subscription: s, sites: [westeurope]}
  gcp: {project: p, sites: [us-central1]}
  oci: {compartment: c, sites: [eu-frankfurt-1]}
"""


@pytest.mark.parametrize(
    ("part", "code", "where", "words"),
    [
        ("clusters: {m: {at: aws/us-east-1, pools: {gpu: {machine: g5.xlarge}}}}", "", "", ""),
        ("clusters: {m: {at: aws/us-east-1, pools: {big: {machine: g5.xlarge, accelerator: A10G}}}}", "", "", ""),
        (
            "clusters: {m: {at: aws/us-east-1, pools: {big: {machine: g5.xlarge, accelerator: H100}}}}",
            "accelerator_elsewhere",
            "clusters.m.pools.big.machine",
            "has A10G, and not H100",
        ),
        (
            "clusters: {m: {at: aws/us-east-1, pools: {gpu: {machine: m7i.2xlarge}}}}",
            "accelerator_elsewhere",
            "clusters.m.pools.gpu.machine",
            "no accelerator",
        ),
        ("clusters: {m: {at: gcp/us-central1, pools: {old: {machine: n1-standard-8, accelerator: T4}}}}", "", "", ""),
        ("clusters: {m: {at: azure/westeurope, pools: {w: {max: 1000}}}}", "", "", ""),
        (
            "clusters: {m: {at: azure/westeurope, pools: {w: {max: 1001}}}}",
            "out_of_range",
            "clusters.m.pools.w.max",
            "at most 1000",
        ),
        ("links: {line: {between: [azure/westeurope, oci/eu-frankfurt-1], via: azure-oci}}", "", "", ""),
        (
            "links: {line: {between: [aws/us-east-1, azure/westeurope], via: azure-oci}}",
            "link_elsewhere",
            "links.line.via",
            "at oci, where",
        ),
        (
            "links: {line: {between: [aws/us-east-1, oci/eu-frankfurt-1], via: expressroute}}",
            "link_elsewhere",
            "links.line.via",
            "at azure, where",
        ),
        (
            "links:\n"
            + "".join(f"  v{n}: {{between: [aws/us-east-1, azure/westeurope], via: vpn}}\n" for n in range(33)),
            "out_of_range",
            "links.v32.via",
            "for 32",
        ),
    ],
)
def test_what_a_cloud_can_not_make_is_told_by_its_line(
    tmp_path: Path, catalog: Catalog, part: str, code: str, where: str, words: str
) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(PARTS + part, encoding="utf8")
    found = [d for d in check(load(path), catalog) if d.severity == "error"]
    assert [(d.code, d.place.path) for d in found] == ([(code, where)] if code else [])
    assert all(words in d.message and d.fix and d.place.line > 1 for d in found)


def test_a_bucket_is_made_without_the_name_that_google_keeps() -> None:
    assert made("gcp", "bucket", "acme", "ads", "x") == "acme-ads-x"
    for name in ("google-ads", "goog", "gogoogog"):
        found = made("gcp", "bucket", "acme", name, "europe-west1")
        assert "goog" not in found and broken("gcp", "bucket", found) is None
    assert broken("gcp", "bucket", "my-google-ads") is not None


def test_as_many_links_are_taken_as_have_addresses() -> None:
    assert VPNS_MAX == LINKS_MAX
