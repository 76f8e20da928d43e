"""The root of Google Cloud under the real Terraform with the current provider's schema, and under checkov."""

from pathlib import Path

import pytest

from polycloud.clouds.gcp.render import render
from polycloud.clouds.gcp.render_keys import label
from tests.deploy import roots
from tests.deploy.blueprints import SLOWLY, blueprint, written

GIVEN = {
    **roots.NEEDED,
    "halls": {"berlin": {"address": "198.51.100.7", "asn": 65001}},
    "vpn_secrets": {"hall-gcp": "for-tests-alone"},
}


@pytest.mark.parametrize("name", SLOWLY)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    roots.is_planned_once(render, name, tmp_path, GIVEN)


@pytest.mark.parametrize("name", SLOWLY)
def test_the_shipped_tests_pass(name: str, tmp_path: Path) -> None:
    roots.ships_tests_that_pass(render, name, tmp_path)


def test_the_shipped_tests_see_what_is_broken(tmp_path: Path) -> None:
    right, wrong = "total_max_node_count = 50", "total_max_node_count = 500"
    said = roots.ships_tests_that_see(render, "clusters.tf", right, wrong, tmp_path)
    assert any("has 5 to 50 machines" in line for line in said)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ('public_access_prevention    = "enforced"', 'public_access_prevention    = "inherited"', "must not be public"),
        ('location                    = "EUROPE-WEST1"', 'location                    = "US-EAST1"', "stay where"),
    ],
)
def test_the_shipped_tests_see_a_bucket_that_is_not_as_promised(
    right: str, wrong: str, told: str, tmp_path: Path
) -> None:
    root = written(tmp_path, render(blueprint("active-active")))
    text = (root / "storage.tf").read_text()
    assert right in text
    (root / "storage.tf").write_text(text.replace(right, wrong))
    assert any(told in line for line in roots.checkers.terraform_test(root))


@pytest.mark.parametrize("name", SLOWLY)
def test_checkov_finds_nothing(name: str, tmp_path: Path) -> None:
    roots.is_clean(render, name, tmp_path)


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    roots.keeps_texts(render, tmp_path, label(roots.HOSTILE))
