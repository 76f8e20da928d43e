"""The root of what is inside OpenBao under the real Terraform: who signs in from where, and what outlives a cloud."""

from pathlib import Path
from typing import Any

import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint
from tests.deploy import checkers, roots
from tests.deploy.blueprints import SLOWLY, blueprint, secrets_in, written

RENDER = renderers()["terraform/vault"]
UNCHECKED = "nothing was found to check"  # checkov has no checks for Vault


def given(whole: Blueprint) -> dict[str, Any]:
    """What a person gives: the issuers, outputs of the clouds' roots."""
    return {"cluster_issuers": {cluster.name: f"https://{cluster.name}.example" for cluster in whole.clusters}}


@pytest.mark.parametrize("name", SLOWLY)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    whole = blueprint(name)
    found = RENDER(whole)
    root = written(tmp_path, found)
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    assert checkers.terraform_pins(root) == []
    trip = checkers.terraform_roundtrip(root, roots.asked(root, given(whole)))
    assert trip.findings == []
    planned = {change["address"].partition("[")[0] for change in trip.plan["resource_changes"]}
    assert planned == {resource.address.partition("/")[2] for resource in found.resources}
    made = {one["address"]: one["values"] for one in trip.state["values"]["root_module"]["resources"]}
    assert made["vault_raft_autopilot.voters"]["min_quorum"] == 3
    mounts = {one["path"] for address, one in made.items() if address.startswith("vault_jwt_auth_backend.clusters")}
    assert len(mounts) == len(whole.clusters)
    assert checkers.terraform_test(root) == []


@pytest.mark.parametrize("name", SLOWLY)
def test_checkov_finds_nothing_and_no_secret_is_in_a_file(name: str, tmp_path: Path) -> None:
    found = RENDER(blueprint(name))
    assert set(checkers.checkov(written(tmp_path, found))) <= {UNCHECKED}
    assert secrets_in(found) == []
