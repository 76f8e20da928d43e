"""The root of AWS under the real Terraform with the current provider's schema, and under checkov."""

from pathlib import Path

import pytest

from polycloud.clouds.aws.render import render
from tests.deploy import roots
from tests.deploy.blueprints import SLOWLY

GIVEN = {
    "database_passwords": {"accounts": "for-tests-alone"},
    "halls": {"berlin": {"address": "198.51.100.7", "asn": 65001, "networks": ["192.168.0.0/16"]}},
    "lines": {"aws-gcp-line": {"connection": "dxcon-1", "vlan": 100, "asn": 65002}},
    "vpn_secrets": {"hall-aws": "for-tests-alone"},
    "sso_role_arns": {"operators": "arn:aws:iam::123456789012:role/operators"},
}


@pytest.mark.parametrize("name", SLOWLY)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    roots.is_planned_once(render, name, tmp_path, GIVEN)


@pytest.mark.parametrize("name", SLOWLY)
def test_the_shipped_tests_pass(name: str, tmp_path: Path) -> None:
    roots.ships_tests_that_pass(render, name, tmp_path)


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        pytest.param(
            "clusters.tf", "max_size     = 50", "max_size     = 500", "has 5 to 50 machines", marks=pytest.mark.slow
        ),
        ("storage.tf", "block_public_acls       = true", "block_public_acls       = false", "must not be public"),
        pytest.param(
            "storage.tf",
            'region = "eu-central-1"\n  bucket = "sandbox-tickets',
            'region = "us-east-1"\n  bucket = "x',
            "stay",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_shipped_tests_see_what_is_broken(file: str, right: str, wrong: str, said: str, tmp_path: Path) -> None:
    assert any(said in line for line in roots.ships_tests_that_see(render, file, right, wrong, tmp_path))


@pytest.mark.parametrize("name", SLOWLY)
def test_checkov_finds_nothing(name: str, tmp_path: Path) -> None:
    roots.is_clean(render, name, tmp_path)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    roots.keeps_texts(render, tmp_path)
