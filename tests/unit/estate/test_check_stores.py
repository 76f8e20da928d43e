"""Stores that can be made: their names, their rules of ageing; and workloads whose roles omit what they do."""

from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate import check, load

SITES = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-central1", "oci": "us-chicago-1"}
HEAD = """
estate: northwind
clouds:
  aws: {sites: [us-east-1]}
  azure: {resource: r, sites: [eastus]}
  gcp: {project: p, sites: [us-central1]}
  oci: {compartment: c, sites: [us-chicago-1]}
"""


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def said(folder: Path, catalog: Catalog, text: str) -> list[Diagnostic]:
    path = folder / "estate.yaml"
    path.write_text(HEAD + text, encoding="utf8")
    codes = ("name_refused", "name_collides", "rules_too_many", "right_missing")
    return [d for d in check(load(path), catalog) if d.code in codes]


@pytest.mark.parametrize(
    ("cloud", "bucket", "lawful"),
    [
        ("aws", "northwind.raw-2", True),
        ("aws", "Northwind", False),
        ("aws", "a..b", False),
        ("aws", "192.168.5.4", False),
        ("aws", "no", False),
        ("azure", "northwindraw", True),
        ("azure", "northwind-raw", False),
        ("azure", "a" * 25, False),
        ("gcp", "northwind_raw.v2", True),
        ("gcp", "my-google-data", False),
        ("gcp", "Raw", False),
        ("oci", "Northwind_Raw.1", True),
        ("oci", "north wind", False),
    ],
)
def test_a_buckets_name_is_refused_where_its_cloud_would(
    tmp_path: Path, catalog: Catalog, cloud: str, bucket: str, lawful: bool
) -> None:
    text = f'stores:\n  lake: {{at: {cloud}/{SITES[cloud]}, bucket: "{bucket}"}}\n'
    found = said(tmp_path, catalog, text)
    assert [(d.code, d.place.path, d.place.line) for d in found] == (
        [] if lawful else [("name_refused", "stores.lake.bucket", 9)]
    )
    assert all(bucket in d.message and "such as northwind" in d.fix for d in found)
    assert said(tmp_path, catalog, text.replace("{at", "{kind: vectors, at")) == []


def datasets(count: int, alike: bool) -> str:
    lines = [
        f"  d{at}: {{store: lake, layer: raw, lifecycle: {{delete_after: {100 if alike else 100 + at}d}}}}"
        for at in range(count)
    ]
    return "\n".join(("datasets:", *lines, ""))


@pytest.mark.parametrize(("cloud", "most"), [("gcp", 98), ("azure", 99), ("aws", 998), ("oci", 998)])
def test_more_rules_of_ageing_than_a_bucket_takes_are_told(
    tmp_path: Path, catalog: Catalog, cloud: str, most: int
) -> None:
    store = f"stores:\n  lake: {{at: {cloud}/{SITES[cloud]}}}\n"
    assert said(tmp_path, catalog, store + datasets(most, alike=False)) == []
    (found,) = said(tmp_path, catalog, store + datasets(most + 1, alike=False))
    assert (found.code, found.place.path, found.severity) == ("rules_too_many", "stores.lake", "error")
    assert said(tmp_path, catalog, store + datasets(most + 1, alike=True)) == []


ROLES = """
datasets:
  raw: {at: aws/us-east-1}
  clean: {at: aws/us-east-1}
workloads:
  wash: {kind: data, reads: [raw], writes: [clean]}
"""


@pytest.mark.parametrize(
    ("roles", "missing"),
    [
        ("w: {members: ['workload:wash'], can: [{do: [read], on: [dataset/raw]}]}", ["writes[0]"]),
        ("w: {members: ['workload:wash'], can: [{do: [invoke]}]}", ["reads[0]", "writes[0]"]),
        ("w: {members: ['workload:wash'], can: [{do: [read, write], on: ['dataset/*']}]}", []),
        ("w: {members: ['workload:wash'], can: [{do: [read, write]}]}", []),
        ("o: {can: [{do: [write]}]}\n  w: {members: ['workload:wash'], inherits: [o], can: [{do: [read]}]}", []),
        ("w: {members: ['group:data'], can: [{do: [read]}]}", []),
    ],
)
def test_what_a_role_of_a_workload_omits_is_told_where_the_workload_does_it(
    tmp_path: Path, catalog: Catalog, roles: str, missing: list[str]
) -> None:
    found = said(tmp_path, catalog, f"{ROLES}roles:\n  {roles}\n")
    assert [d.place.path for d in found] == [f"workloads.wash.{one}" for one in missing]
    assert {(d.code, d.severity) for d in found} <= {("right_missing", "warning")}


def test_a_role_does_not_take_the_name_of_one_that_is_made(tmp_path: Path, catalog: Catalog) -> None:
    (found,) = said(tmp_path, catalog, f"{ROLES}roles:\n  placed-wash: {{members: ['group:data']}}\n")
    assert (found.code, found.place.path) == ("name_collides", "roles.placed-wash")
    mine = "placed-wash: {members: ['workload:wash'], can: [{do: [read, write]}]}"
    assert said(tmp_path, catalog, f"{ROLES}roles:\n  {mine}\n") == []
    assert said(tmp_path, catalog, f"{ROLES}roles:\n  placed-other: {{members: ['group:data']}}\n") == []
