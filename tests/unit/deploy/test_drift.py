"""Drift is read from Terraform's own plan JSON: what changed, what is gone, what was never applied; no secret shown."""

import json
from pathlib import Path

import pytest

from polycloud.core.errors import BadRequest
from polycloud.deploy.drift import Drift, drift_of


def written(folder: Path, **given: object) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", **given}))
    return path


def change(address: str, actions: list[str], before: object = None, after: object = None, **more: object) -> object:
    return {"address": address, "change": {"actions": actions, "before": before, "after": after, **more}}


def test_what_changed_outside_is_named_by_argument(tmp_path: Path) -> None:
    seen = change("aws_eks_cluster.a", ["update"], {"version": "1.35", "name": "a"}, {"version": "1.36", "name": "a"})
    assert drift_of(written(tmp_path, resource_drift=[seen])) == (
        Drift("aws_eks_cluster.a", "version", "1.35", "1.36"),
    )


def test_what_is_gone_and_what_was_never_applied(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        resource_drift=[change("aws_s3_bucket.raw", ["delete"], {"bucket": "x"})],
        resource_changes=[
            change("aws_s3_bucket.raw", ["create"]),
            change("aws_vpc.main", ["create"]),
            change("aws_vpc.other", ["no-op"]),
        ],
    )
    assert [(d.address, d.what) for d in drift_of(path)] == [
        ("aws_s3_bucket.raw", "gone from the cloud"),
        ("aws_vpc.main", "not applied: create"),
    ]


@pytest.mark.parametrize("mark", [True, {"password": True}, {"password": [{"inner": True}]}])
def test_a_sensitive_value_is_never_shown(tmp_path: Path, mark: object) -> None:
    seen = change("db.x", ["update"], {"password": "old-secret"}, {"password": "new-secret"}, before_sensitive=mark)
    found = drift_of(written(tmp_path, resource_drift=[seen]))
    assert len(found) == 1
    assert "secret" not in str(found)


def test_a_file_that_is_no_plan_is_refused_with_the_way_to_make_one(tmp_path: Path) -> None:
    for text in ("", "[]", '{"version": 4}'):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(BadRequest, match="terraform show -json"):
            drift_of(tmp_path / "x.json")
