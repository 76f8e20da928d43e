"""Drift from whichever file Terraform gives: a plan says it itself, a state says what there is; no secret is shown."""

import json
from pathlib import Path

import pytest

from polycloud.core.errors import BadRequest
from polycloud.deploy.drift import Drift, observed


def written(folder: Path, **given: object) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps({"format_version": "1.2", **given}))
    return path


def change(address: str, actions: list[str], before: object = None, after: object = None, **more: object) -> object:
    return {"address": address, "change": {"actions": actions, "before": before, "after": after, **more}}


def test_what_changed_outside_is_named_by_argument(tmp_path: Path) -> None:
    seen = change("aws_eks_cluster.a", ["update"], {"version": "1.35", "name": "a"}, {"version": "1.36", "name": "a"})
    assert observed(written(tmp_path, resource_drift=[seen])).drifts == (
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
    assert [(d.address, d.what) for d in observed(path).drifts] == [
        ("aws_s3_bucket.raw", "gone from the cloud"),
        ("aws_vpc.main", "not applied: create"),
    ]


@pytest.mark.parametrize("mark", [True, {"password": True}, {"password": [{"inner": True}]}])
def test_a_sensitive_value_is_never_shown(tmp_path: Path, mark: object) -> None:
    seen = change("db.x", ["update"], {"password": "old-secret"}, {"password": "new-secret"}, before_sensitive=mark)
    found = observed(written(tmp_path, resource_drift=[seen])).drifts
    assert len(found) == 1
    assert "secret" not in str(found)


def test_an_empty_plan_is_a_plan(tmp_path: Path) -> None:
    found = observed(written(tmp_path, resource_changes=[]))
    assert (found.form, found.drifts) == ("plan", ())


RESOURCE = {"mode": "managed", "type": "aws_s3_bucket", "name": "raw"}


def test_a_state_is_read_in_both_of_its_forms(tmp_path: Path) -> None:
    instance = {**RESOURCE, "address": 'aws_s3_bucket.raw["a"]', "index": "a", "values": {"bucket": "x", "key": "k"}}
    data = {"mode": "data", "type": "aws_region", "name": "r", "address": "data.aws_region.r", "values": {}}
    inner = {**RESOURCE, "address": "module.m.aws_s3_bucket.raw", "values": {}}
    root = {
        "resources": [{**instance, "sensitive_values": {"key": True}}, data],
        "child_modules": [{"address": "module.m", "resources": [inner]}],
    }
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"format_version": "1.0", "values": {"root_module": root}}))
    shown = observed(path)
    marks = [[{"type": "get_attr", "value": "key"}]]
    one = {"attributes": {"bucket": "x", "key": "k"}, "index_key": "a", "sensitive_attributes": marks}
    path.write_text(
        json.dumps(
            {
                "version": 4,
                "resources": [
                    {**RESOURCE, "instances": [one]},
                    {**data, "instances": []},
                    {**RESOURCE, "module": "module.m", "instances": [{"attributes": {}}]},
                ],
            }
        )
    )
    kept = observed(path)
    assert (shown.form, kept.form) == ("state", "state file")
    assert shown.instances == kept.instances
    assert [i.address for i in kept.instances] == ["aws_s3_bucket.raw", "module.m.aws_s3_bucket.raw"]
    assert kept.instances[0].sensitive == {"key"}


def test_an_empty_state_is_a_state(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"format_version": "1.0"}')
    assert observed(tmp_path / "a.json").form == "state"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "terraform show -json"),
        ("[]", "terraform show -json"),
        ('{"version": 4}', "terraform show -json"),
        ('{"version": 3, "resources": []}', "version 3, not 4"),
        ('{"format_version": "2.0", "values": {}}', "2.0"),
        ('{"format_version": "2.0", "resource_changes": []}', "2.0"),
        ('{"encrypted_data": "x", "serial": 1}', "encrypted state of OpenTofu"),
        ('{"resources": {}}', "neither a plan nor a state"),
        ('{"format_version": "1.2", "resource_drift": ' + "[" * 5000 + "]" * 5000 + "}", "neither a plan nor a state"),
    ],
)
def test_any_other_file_is_refused_with_the_way_to_make_one(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadRequest, match=said):
        observed(tmp_path / "x.json")


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_what_a_shell_wrote_in_another_coding_is_read(tmp_path: Path, coding: str) -> None:
    mark = "\ufeff" if coding == "utf-16-be" else ""
    (tmp_path / "p.json").write_text(mark + '{"format_version": "1.2", "resource_drift": []}', encoding=coding)
    assert observed(tmp_path / "p.json").form == "plan"
