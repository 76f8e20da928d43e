"""Datasets that share a store age as each of them says, in the folders that are its own."""

import re
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.clouds.aws import render as aws
from polycloud.clouds.azure import render as azure
from polycloud.clouds.gcp import render as gcp
from polycloud.clouds.oci import render as oci
from polycloud.deploy.blueprint import Bucket, Lifecycle
from polycloud.deploy.derive import derive
from polycloud.estate import check, load

GIVEN = Path(__file__).resolve().parents[2] / "deploy" / "given" / "shared.yaml"
loaded = load(GIVEN, None)
assert loaded.estate is not None
WHOLE = derive(loaded.estate, Catalog.load(), Market.load())
BOOKS = Lifecycle(30, 90, 365, 2556)


def bucket(name: str) -> Bucket:
    return next(one for one in WHOLE.buckets if one.name.startswith(name))


def blocks(kind: str, label: str, text: str) -> list[str]:
    """The rules of a resource, each as its lines without what only sets them apart."""
    inside = text.partition(f'resource "{kind}" "{label}" {{')[2].partition("\n}\n")[0]
    rules = re.findall(r"\n  (?:rule|rules|lifecycle_rule) \{\n(.*?)\n  \}", inside, re.S)
    return [re.sub(r"\s+", " ", one) for one in rules]


def test_where_datasets_differ_nothing_ages_as_a_whole() -> None:
    found = bucket("aws-lake")
    assert found.lifecycle == Lifecycle()
    assert found.aged() == (
        ("aws-books", ("curated/aws-books/", "raw/aws-books/"), BOOKS),
        ("aws-logs", ("curated/aws-logs/", "raw/aws-logs/"), Lifecycle(delete=30)),
        ("aws-plain", ("curated/aws-plain/", "raw/aws-plain/"), Lifecycle(30, 90)),
    )


def test_s3_has_a_rule_for_each_folder() -> None:
    rules = blocks(
        "aws_s3_bucket_lifecycle_configuration", "aws_lake_aws_eu_west_1", text(aws.render(WHOLE).files, "aws")
    )
    logs = next(rule for rule in rules if '"age raw/aws-logs/"' in rule)
    assert 'prefix = "raw/aws-logs/"' in logs and "expiration { days = 30 }" in logs and "transition" not in logs
    books = next(rule for rule in rules if '"age raw/aws-books/"' in rule)
    assert re.findall(r'days = (\d+) storage_class = "(\w+)"', books) == [
        ("30", "STANDARD_IA"),
        ("90", "GLACIER_IR"),
        ("365", "DEEP_ARCHIVE"),
    ]
    assert "expiration { days = 2556 }" in books
    plain = next(rule for rule in rules if '"age curated/aws-plain/"' in rule)
    assert "transition" in plain and "expiration" not in plain
    assert all('prefix = "' in rule for rule in rules if '"age' in rule)


def test_cloud_storage_has_a_rule_for_each_step_with_the_folders_that_take_it() -> None:
    rules = blocks("google_storage_bucket", "gcp_lake_gcp_europe_west1", text(gcp.render(WHOLE).files, "gcp"))
    deleting = {
        re.search(r"age = (\d+)", rule)[1]: re.findall(r'"(\w+/[\w-]+/)"', rule)  # type: ignore[index]
        for rule in rules
        if '"Delete"' in rule and " age = " in rule
    }
    assert deleting == {
        "30": ["curated/gcp-logs/", "raw/gcp-logs/"],
        "2556": ["curated/gcp-books/", "raw/gcp-books/"],
    }
    near = [rule for rule in rules if "NEARLINE" in rule]
    assert len(near) == 1 and "gcp-books" in near[0] and "gcp-plain" in near[0] and "gcp-logs" not in near[0]


def test_azure_tells_blobs_apart_by_container_and_folder() -> None:
    rules = blocks(
        "azurerm_storage_management_policy", "azure_lake_azure_westeurope", text(azure.render(WHOLE).files, "azure")
    )
    assert ' name = "age-azure-books" ' in f" {rules[0]}"
    logs = next(rule for rule in rules if "raw/azure.logs/" in rule)
    assert "delete_after_days_since_modification_greater_than = 30 " in logs and "tier_to" not in logs
    assert re.search(r'name = "age-[A-Za-z0-9-]+"', logs)  # a dot is not allowed there
    books = next(rule for rule in rules if "raw/azure-books/" in rule)
    assert "delete_after_days_since_modification_greater_than = 2556" in books and "tier_to_archive" in books


def test_oracle_filters_by_folder_and_leaves_deleting_in_a_copy_to_the_replication() -> None:
    whole = text(oci.render(WHOLE).files, "oci")
    kind = "oci_objectstorage_object_lifecycle_policy"
    rules = blocks(kind, "oci_lake_oci_eu_frankfurt_1", whole)
    logs = next(rule for rule in rules if '"delete-oci-logs"' in rule)
    assert 'time_amount = "30"' in logs and re.findall(r'"(\w+/[\w-]+/)"', logs) == [
        "curated/oci-logs/",
        "raw/oci-logs/",
    ]
    books = next(rule for rule in rules if '"delete-oci-books"' in rule)
    assert 'time_amount = "2556"' in books
    copies = blocks(kind, "oci_spare_oci_eu_amsterdam_1", whole)
    assert any('"archive-oci-books"' in rule for rule in copies)
    assert not any('"DELETE"' in rule and '"objects"' in rule for rule in copies)
    assert "deleted here by the replication" in whole


def text(files: dict[str, str], cloud: str) -> str:
    return files[f"terraform/{cloud}/storage.tf"]


def test_an_estate_is_refused_by_as_many_rules_as_would_be_rendered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What check counts, before anything is rendered, is what the roots write."""
    kinds = {
        "aws": (aws.render, "aws_s3_bucket_lifecycle_configuration", "aws_lake_aws_eu_west_1"),
        "azure": (azure.render, "azurerm_storage_management_policy", "azure_lake_azure_westeurope"),
        "gcp": (gcp.render, "google_storage_bucket", "gcp_lake_gcp_europe_west1"),
        "oci": (oci.render, "oci_objectstorage_object_lifecycle_policy", "oci_lake_oci_eu_frankfurt_1"),
    }
    monkeypatch.setattr("polycloud.estate.check_stores.RULES", dict.fromkeys(kinds, 0))
    told = {d.place.path: d.message for d in check(loaded, Catalog.load()) if d.code == "rules_too_many"}
    for cloud, (render, kind, label) in kinds.items():
        text = render(WHOLE).files[f"terraform/{cloud}/storage.tf"]
        count = len(blocks(kind, label, text))
        assert count and f"would have {count} rules" in told[f"stores.{cloud}-lake"], cloud
