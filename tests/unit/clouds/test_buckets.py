"""What every bucket has in the rendered HCL of each cloud, held against the estate: versions, the key of its own site,
nobody from outside, its ages, its copies. Each line of it is broken once, to see that it is missed."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from polycloud.app.wiring import renderers
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint, Bucket, Lifecycle
from polycloud.deploy.derive import derive
from polycloud.deploy.render.terraform import identifier
from polycloud.estate import load
from tests.deploy import blueprints
from tests.deploy.blueprints import NAMES

CLOUDS = ("aws", "azure", "gcp", "oci")
AGES = "{warm_after: 30d, cold_after: 90d, archive_after: 365d, delete_after: 7y}"
SITES = {
    "aws": ("eu-west-1", "us-east-1"),
    "azure": ("westeurope", "eastus"),
    "gcp": ("europe-west1", "us-central1"),
    "oci": ("eu-frankfurt-1", "eu-amsterdam-1"),
}
ACCOUNTS = {"aws": 'account: "123456789012"', "azure": "tenant: t", "gcp": "project: p-1", "oci": "compartment: c"}
YEARS = 7 * 365 + 1  # seven years as the estate counts them


@cache
def aged(folder: Path) -> Blueprint:
    """An estate with one bucket in each cloud that ages in every way, and has a copy in its cloud."""
    lines = ["estate: aged", "clouds:"]
    lines += [f"  {c}: {{{ACCOUNTS[c]}, sites: [{', '.join(SITES[c])}]}}" for c in CLOUDS]
    lines += ["datasets:"]
    for cloud, (site, other) in SITES.items():
        lines.append(f"  {cloud}: {{at: {cloud}/{site}, replicate_to: [{cloud}/{other}], lifecycle: {AGES}}}")
    (folder / "estate.yaml").write_text("\n".join(lines) + "\n")
    loaded = load(folder / "estate.yaml", None)
    assert loaded.estate is not None, loaded.diagnostics
    return derive(loaded.estate, Catalog.load(), Market.load())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Blueprint:
    return aged(tmp_path_factory.mktemp("aged"))


def root(cloud: str, blueprint: Blueprint) -> str:
    return "\n".join(renderers()[f"terraform/{cloud}"](blueprint).files.values())


def body(text: str, kind: str, label: str) -> str:
    """A resource's inside with its spaces made one; "" where there is none."""
    found = re.search(rf'^resource "{kind}" "{label}" \{{\n(.*?)^}}', text, re.M | re.S)
    return re.sub(r"\s+", " ", found[1]) if found else ""


Says = Iterator[tuple[str, str, str, str]]  # (kind, label, a pattern that it must match, what that is)


def aws(bucket: Bucket, label: str, copies: list[Bucket]) -> Says:
    yield "aws_s3_bucket_versioning", label, 'status = "Enabled"', "versions"
    key = f"aws_kms_key.{identifier(bucket.key, bucket.site.region)}.arn"
    sse = rf'sse_algorithm = "aws:kms" kms_master_key_id = {key}'
    yield "aws_s3_bucket_server_side_encryption_configuration", label, sse, "its key"
    for word in ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"):
        yield "aws_s3_bucket_public_access_block", label, f"{word} = true", word
    yield "aws_s3_bucket_policy", label, r'"Deny" .*"aws:SecureTransport" = "false"', "TLS"
    yield "aws_s3_bucket", label, "prevent_destroy = true", "it stays"
    steps = (("warm", "STANDARD_IA"), ("cold", "GLACIER_IR"), ("archive", "DEEP_ARCHIVE"))
    for folders, ages in places(bucket):
        for step, storage in steps:
            if days := getattr(ages, step):
                told = rf'{folders}[^#]*?transition \{{ days = {days} storage_class = "{storage}"'
                yield "aws_s3_bucket_lifecycle_configuration", label, told, f"{step} at {days} days"
        if ages.delete:
            told = rf"{folders}[^#]*?expiration \{{ days = {ages.delete} "
            yield "aws_s3_bucket_lifecycle_configuration", label, told, f"gone at {ages.delete} days"
    for copy in copies:
        theirs = f"aws_kms_key.{identifier(copy.key, copy.site.region)}.arn"
        there = rf"bucket = aws_s3_bucket.{identifier(copy.name)}.arn"
        told = rf"{there} encryption_configuration \{{ replica_kms_key_id = {theirs}"
        yield "aws_s3_bucket_replication_configuration", label, told, f"copied to {copy.name}"


def azure(bucket: Bucket, label: str, copies: list[Bucket]) -> Says:
    kind = "azurerm_storage_account"
    key = f"azurerm_key_vault_key.{identifier('data', bucket.site.region)}.versionless_id"
    for told in (
        "versioning_enabled = true",
        f"key_vault_key_id = {key}",
        "public_network_access_enabled = false",
        "allow_nested_items_to_be_public = false",
        "shared_access_key_enabled = false",
        "https_traffic_only_enabled = true",
        'default_action = "Deny"',
        "prevent_destroy = true",
    ):
        yield kind, label, told, told
    tiers = (("warm", "cool"), ("cold", "cold"), ("archive", "archive"))
    for folders, ages in places(bucket):
        for step, tier in tiers:
            if days := getattr(ages, step):
                told = rf"{folders}[^#]*?tier_to_{tier}_after_days_since_modification_greater_than = {days} "
                yield "azurerm_storage_management_policy", label, told, f"{step} at {days} days"
        if ages.delete:
            told = rf"{folders}[^#]*?delete_after_days_since_modification_greater_than = {ages.delete} "
            yield "azurerm_storage_management_policy", label, told, f"gone at {ages.delete} days"
    for layer in bucket.layers:
        container = f"{label}__{identifier(layer)}"
        yield "azurerm_storage_container", container, 'container_access_type = "private"', "closed"
    for copy in copies:
        told = f"destination_storage_account_id = azurerm_storage_account.{identifier(copy.name)}.id"
        yield "azurerm_storage_object_replication", identifier(bucket.name, copy.name), told, f"copied to {copy.name}"


def gcp(bucket: Bucket, label: str, copies: list[Bucket]) -> Says:
    kind = "google_storage_bucket"
    key = f"google_kms_crypto_key.{identifier(bucket.key, bucket.site.region)}.id"
    for told in (
        r"versioning \{ enabled = true",
        f"default_kms_key_name = {key}",
        'public_access_prevention = "enforced"',
        "uniform_bucket_level_access = true",
        "prevent_destroy = true",
    ):
        yield kind, label, told, told
    tiers = (("warm", "NEARLINE"), ("cold", "COLDLINE"), ("archive", "ARCHIVE"))
    for folders, ages in places(bucket):
        for step, storage in tiers:
            if days := getattr(ages, step):
                told = rf'storage_class = "{storage}" }} condition \{{ age = {days} [^}}]*?{folders}'
                yield kind, label, told, f"{step} at {days} days"
        if ages.delete:
            told = rf'type = "Delete" }} condition \{{ age = {ages.delete} [^}}]*?{folders}'
            yield kind, label, told, f"gone at {ages.delete} days"
    for copy in copies:
        told = f"gcs_data_sink {{ bucket_name = google_storage_bucket.{identifier(copy.name)}.name"
        yield (
            "google_storage_transfer_job",
            identifier(bucket.name, copy.name),
            re.escape(told),
            f"copied to {copy.name}",
        )


def oci(bucket: Bucket, label: str, copies: list[Bucket]) -> Says:
    key = f"oci_kms_key.{identifier(bucket.key, bucket.site.region)}.id"
    for told in (
        'versioning = "Enabled"',
        f"kms_key_id = {key}",
        'access_type = "NoPublicAccess"',
        "prevent_destroy = true",
    ):
        yield "oci_objectstorage_bucket", label, told, told
    for copy in copies:
        told = f"destination_bucket_name = oci_objectstorage_bucket.{identifier(copy.name)}.name"
        yield "oci_objectstorage_replication_policy", identifier(bucket.name, copy.name), told, f"copied to {copy.name}"


def places(bucket: Bucket) -> Iterator[tuple[str, Lifecycle]]:
    """The ages of a bucket, or of each dataset in it with the first of its folders."""
    for _, folders, ages in bucket.aged():
        yield (re.escape(folders[0]) if folders else ""), ages


SAY: dict[str, Callable[[Bucket, str, list[Bucket]], Says]] = {"aws": aws, "azure": azure, "gcp": gcp, "oci": oci}


def missed(cloud: str, blueprint: Blueprint, text: str) -> list[str]:
    """What a root's buckets lack of what the estate asks for."""
    here = {bucket.name: bucket for bucket in blueprint.of(cloud).buckets}
    found = []
    for bucket in here.values():
        copies = [here[name] for name in bucket.copies_to if name in here]
        if cloud == "oci":  # one copy, of a whole bucket: the others are told
            copies = [copy for copy in copies if not bucket.copied(copy) and {*copy.datasets} <= {*bucket.datasets}][:1]
        for kind, label, pattern, what in SAY[cloud](bucket, identifier(bucket.name), copies):
            if not re.search(pattern, body(text, kind, label)):
                found.append(f"{kind}.{label}: {what}")
    return found


@pytest.mark.parametrize("cloud", CLOUDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_bucket_of_the_examples_has_all_that_the_estate_asks_for(name: str, cloud: str) -> None:
    blueprint = blueprints.blueprint(name)
    assert missed(cloud, blueprint, root(cloud, blueprint)) == []


@pytest.mark.parametrize("cloud", CLOUDS)
def test_every_age_comes_and_every_copy_is_made(cloud: str, whole: Blueprint) -> None:
    text = root(cloud, whole)
    assert missed(cloud, whole, text) == []
    (first,) = [one for one in whole.of(cloud).buckets if one.copies_to]
    assert (first.lifecycle.warm, first.lifecycle.cold, first.lifecycle.archive) == (30, 90, 365)
    assert first.lifecycle.delete in (YEARS, YEARS - 1)
    if cloud == "oci":  # one tier for warm and cold, and the copy follows the source's deletions
        rules = body(text, "oci_objectstorage_object_lifecycle_policy", identifier(first.name))
        told = [("INFREQUENT_ACCESS", 30), ("ARCHIVE", 365), ("DELETE", first.lifecycle.delete)]
        for action, days in told:
            assert re.search(rf'action = "{action}" is_enabled = true target = "objects" time_amount = "{days}"', rules)


BROKEN = {
    "aws": [
        ('status = "Enabled"', 'status = "Suspended"'),
        ("block_public_policy     = true", "block_public_policy     = false"),
        ('sse_algorithm     = "aws:kms"', 'sse_algorithm     = "AES256"'),
        ('"aws:SecureTransport" = "false"', '"aws:SecureTransport" = "true"'),
        ("      days          = 90\n", "      days          = 900\n"),
        ('storage_class = "DEEP_ARCHIVE"', 'storage_class = "GLACIER"'),
        (
            "replica_kms_key_id = aws_kms_key.data__us_east_1.arn",
            "replica_kms_key_id = aws_kms_key.data__eu_west_1.arn",
        ),
    ],
    "azure": [
        ("versioning_enabled  = true", "versioning_enabled  = false"),
        ("allow_nested_items_to_be_public   = false", "allow_nested_items_to_be_public   = true"),
        ('container_access_type = "private"', 'container_access_type = "blob"'),
        ("tier_to_cold_after_days_since_modification_greater_than    = 90", "tier_to_cold_after = 90"),
        ("destination_storage_account_id = ", "destination_storage_account_id = azurerm_storage_account.x.id # "),
    ],
    "gcp": [
        ('public_access_prevention    = "enforced"', 'public_access_prevention    = "inherited"'),
        ("  versioning {\n    enabled = true", "  versioning {\n    enabled = false"),
        ("default_kms_key_name = google_kms_crypto_key.data__europe_west1.id", 'default_kms_key_name = ""'),
        ('storage_class = "COLDLINE"', 'storage_class = "NEARLINE"'),
        ("gcs_data_sink {", "gcs_data_source {"),
    ],
    "oci": [
        ('"NoPublicAccess"', '"ObjectRead"'),
        ('versioning            = "Enabled"', 'versioning            = "Disabled"'),
        ("kms_key_id            = oci_kms_key.data__eu_frankfurt_1.id", 'kms_key_id            = ""'),
        ("destination_bucket_name = ", "destination_bucket_name = other."),
    ],
}


@pytest.mark.parametrize(("cloud", "right", "wrong"), [(c, *pair) for c in CLOUDS for pair in BROKEN[c]])
def test_each_of_them_is_missed(cloud: str, right: str, wrong: str, whole: Blueprint) -> None:
    text = root(cloud, whole)
    assert right in text
    assert missed(cloud, whole, text.replace(right, wrong)) != []
