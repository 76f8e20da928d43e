"""The root of Azure under the real Terraform with the current provider's schema, and under checkov."""

from pathlib import Path

import pytest

from polycloud.clouds.azure.render import render
from tests.deploy import roots
from tests.deploy.blueprints import SLOWLY, blueprint, written

GIVEN = {
    "halls": {"berlin": {"address": "198.51.100.7", "asn": 65001}},
    "vpn_secrets": {"hall-azure": "for-tests-alone"},
    "lines": {"azure-line": {"place": "Amsterdam2", "ready": True}},
    "database_passwords": {"crm": "for-tests-alone"},
    "database_admins": {"databases": "00000000-0000-0000-0000-000000000001"},
    "cluster_issuers": {"aws-main": "https://oidc.example"},
    "emergency_groups": ["00000000-0000-0000-0000-000000000002"],
}


@pytest.mark.parametrize("name", SLOWLY)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    roots.is_planned_once(render, name, tmp_path, GIVEN)


@pytest.mark.parametrize("name", SLOWLY)
def test_the_shipped_tests_pass(name: str, tmp_path: Path) -> None:
    roots.ships_tests_that_pass(render, name, tmp_path)


def test_the_shipped_tests_see_what_is_broken(tmp_path: Path) -> None:
    said = roots.ships_tests_that_see(render, "ai.tf", '"DataZoneStandard"', '"GlobalStandard"', tmp_path)
    assert any("must be worked on where the estate says" in line for line in said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "right", "wrong", "told"),
    [
        ("clusters.tf", "max_count               = 50", "max_count               = 500", "has 5 to 50 machines"),
        (
            "storage.tf",
            "shared_access_key_enabled         = false",
            "shared_access_key_enabled         = true",
            "public",
        ),
        ("database.tf", "public_network_access_enabled = false", "public_network_access_enabled = true", "inside"),
    ],
)
def test_the_shipped_tests_see_a_promise_that_is_not_kept(
    file: str, right: str, wrong: str, told: str, tmp_path: Path
) -> None:
    root = written(tmp_path, render(blueprint("everything")))
    text = (root / file).read_text()
    assert right in text
    (root / file).write_text(text.replace(right, wrong))
    assert any(told in line for line in roots.checkers.terraform_test(root))


@pytest.mark.parametrize("name", SLOWLY)
def test_checkov_finds_nothing(name: str, tmp_path: Path) -> None:
    roots.is_clean(render, name, tmp_path)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    roots.keeps_texts(render, tmp_path)
