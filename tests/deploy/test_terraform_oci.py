"""The root of Oracle Cloud under the real Terraform with the provider's schema as a table, and under checkov."""

from pathlib import Path

import pytest

from polycloud.clouds.oci.render import render
from tests.deploy import roots
from tests.deploy.blueprints import SLOWLY, blueprint, written

GIVEN = {
    **roots.NEEDED,
    "halls": {"berlin": {"address": "198.51.100.7", "asn": 65001, "networks": ["192.168.0.0/16"]}},
    "vpn_secrets": {"hall-oci": "for-tests-alone"},
    "lines": {
        "oci-line": {
            "service": "ocid1.providerservice.oc1..example",
            "asn": "65001",
            "oracle_address": "169.254.30.1/30",
            "customer_address": "169.254.30.2/30",
        }
    },
    "vault_type": "VIRTUAL_PRIVATE",
}


@pytest.mark.parametrize("name", SLOWLY)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    roots.is_planned_once(render, name, tmp_path, GIVEN)


@pytest.mark.parametrize("name", SLOWLY)
def test_the_shipped_tests_pass(name: str, tmp_path: Path) -> None:
    roots.ships_tests_that_pass(render, name, tmp_path)


def test_the_shipped_tests_see_what_is_broken(tmp_path: Path) -> None:
    right, wrong = "is_public_ip_enabled = false", "is_public_ip_enabled = true"
    said = roots.ships_tests_that_see(render, "clusters.tf", right, wrong, tmp_path)
    assert any("must be reached from inside alone" in line for line in said)


@pytest.mark.slow
def test_the_shipped_tests_see_a_bucket_that_is_public(tmp_path: Path) -> None:
    root = written(tmp_path, render(blueprint("oci-primary")))
    text = (root / "storage.tf").read_text()
    assert '"NoPublicAccess"' in text
    (root / "storage.tf").write_text(text.replace('"NoPublicAccess"', '"ObjectRead"'))
    assert any("must not be public" in line for line in roots.checkers.terraform_test(root))


@pytest.mark.parametrize("name", SLOWLY)
def test_checkov_finds_nothing(name: str, tmp_path: Path) -> None:
    roots.is_clean(render, name, tmp_path)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    roots.keeps_texts(render, tmp_path)
