"""The tests that ship with each root fail for what they are there for: five faults at once in the rendered HCL."""

import re
from pathlib import Path

import pytest

from polycloud.app.wiring import renderers
from tests.deploy import checkers
from tests.deploy.blueprints import EVERYTHING, blueprint, written

Fault = tuple[str, str, str, str]  # the file, what it says, what it would say, and what the tests say to that
FAULTS: dict[str, tuple[Fault, ...]] = {
    "aws": (
        ("storage.tf", 'status = "Enabled"\n  }', 'status = "Suspended"\n  }', "must keep versions"),
        ("storage.tf", "restrict_public_buckets = true", "restrict_public_buckets = false", "must not be public"),
        ("storage.tf", 'sse_algorithm     = "aws:kms"', 'sse_algorithm     = "AES256"', "must be encrypted"),
        ("clusters.tf", "min_size     = 5", "min_size     = 1", "has 5 to 50 machines"),
        ("keys.tf", "enable_key_rotation     = true", "enable_key_rotation     = false", "must be renewed"),
    ),
    "azure": (
        ("storage.tf", "versioning_enabled  = true", "versioning_enabled  = false", "must keep versions"),
        (
            "storage.tf",
            "shared_access_key_enabled         = false",
            "shared_access_key_enabled = true",
            "must not be public",
        ),
        (
            "clusters.tf",
            "private_cluster_enabled             = true",
            "private_cluster_enabled = false",
            "must be reached from inside",
        ),
        ("ai.tf", "local_auth_enabled                 = false", "local_auth_enabled = true", "never by keys"),
        (
            "keys.tf",
            "purge_protection_enabled      = true",
            "purge_protection_enabled = false",
            "must not be deleted for good",
        ),
    ),
    "gcp": (
        ("storage.tf", '"enforced"', '"inherited"', "must not be public"),
        (
            "storage.tf",
            "  versioning {\n    enabled = true",
            "  versioning {\n    enabled = false",
            "must keep versions",
        ),
        ("clusters.tf", "enable_private_nodes    = true", "enable_private_nodes    = false", "from inside alone"),
        ("clusters.tf", "total_max_node_count = 50", "total_max_node_count = 500", "has 5 to 50 machines"),
        ("keys.tf", '= "7776000s"', '= "77760000s"', "must be renewed"),
    ),
    "oci": (
        ("storage.tf", '"NoPublicAccess"', '"ObjectRead"', "must not be public"),
        ("storage.tf", 'versioning            = "Enabled"', 'versioning            = "Disabled"', "must keep versions"),
        ("clusters.tf", "is_public_ip_enabled = false", "is_public_ip_enabled = true", "from inside alone"),
        ("clusters.tf", '"ENHANCED_CLUSTER"', '"BASIC_CLUSTER"', "must have rights of their own"),
        ("network.tf", "prohibit_public_ip_on_vnic = true", "prohibit_public_ip_on_vnic = false", "public address"),
    ),
}
COPIED, AGED = "must be copied to", "must age as the estate says"
BUCKETS: dict[str, tuple[Fault, ...]] = {
    "aws": (
        (
            "storage.tf",
            'delete_marker_replication {\n      status = "Enabled"',
            'delete_marker_replication {\n      status = "Disabled"',
            COPIED,
        ),
        ("storage.tf", "days          = 90", "days          = 900", AGED),
        ("storage.tf", "days = 2556", "days = 2555", "clicks-aws-us-east-1 " + AGED),
    ),
    "azure": (
        ("storage.tf", "change_feed_enabled = true", "change_feed_enabled = false", COPIED),
        ("storage.tf", "modification_greater_than = 90", "modification_greater_than = 900", AGED),
    ),
    "gcp": (
        (
            "storage.tf",
            "gcs_data_sink {\n      bucket_name = google_storage_bucket.orders_gcp_europe_west4",
            "gcs_data_sink {\n      bucket_name = google_storage_bucket.visits_gcp_europe_west4",
            COPIED,
        ),
        ("storage.tf", "age = 2556", "age = 2555", AGED),
    ),
    "oci": (
        (
            "storage.tf",
            'destination_region_name = "eu-amsterdam-1"',
            'destination_region_name = "us-ashburn-1"',
            COPIED,
        ),
        ("storage.tf", 'action      = "INFREQUENT_ACCESS"', 'action      = "ARCHIVE"', AGED),
    ),
}
ESTATES = {"aws": "sandbox", "azure": EVERYTHING, "gcp": "active-active", "oci": "oci-primary"}


@pytest.mark.parametrize(
    "cloud", ["aws", *(pytest.param(cloud, marks=pytest.mark.slow) for cloud in ("azure", "gcp", "oci"))]
)
def test_five_faults_are_five_failures(cloud: str, tmp_path: Path) -> None:
    all_are_seen(cloud, ESTATES[cloud], FAULTS[cloud], tmp_path)


@pytest.mark.parametrize(
    "cloud", ["gcp", *(pytest.param(cloud, marks=pytest.mark.slow) for cloud in ("aws", "azure", "oci"))]
)
def test_a_bucket_that_ages_or_is_copied_in_another_way_is_seen(cloud: str, tmp_path: Path) -> None:
    all_are_seen(cloud, EVERYTHING, BUCKETS[cloud], tmp_path)


def all_are_seen(cloud: str, estate: str, faults: tuple[Fault, ...], folder: Path) -> None:
    root = written(folder, renderers()[f"terraform/{cloud}"](blueprint(estate)))
    for file, right, wrong, _ in faults:
        text = (root / file).read_text()
        assert right in text, right
        (root / file).write_text(text.replace(right, wrong))
    said = re.sub(r"[\s│]+", " ", "\n".join(checkers.terraform_test(root)))  # whose lines are wrapped
    assert [told for *_, told in faults if told not in said] == []
