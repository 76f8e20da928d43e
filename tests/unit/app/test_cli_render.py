"""The commands that write files from the estate: the folder, what a plan says, what stops a render, drift."""

import json
import shutil
from pathlib import Path

import pytest

from polycloud.app import wiring
from polycloud.app.cli.main import run
from polycloud.app.cli.output import table
from polycloud.deploy.ports import Reference, Rendered, Resource

EXAMPLES = Path(__file__).resolve().parents[3] / "polycloud" / "app" / "examples"


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    folder = tmp_path / "estate"
    shutil.copytree(EXAMPLES / "sandbox", folder)
    return folder / "estate.yaml"


def arguments(command: str, *more: object, estate: Path) -> list[str]:
    return [command, *map(str, more), "-e", str(estate), "--unplaced"]


def test_a_render_writes_and_the_next_one_finds_nothing_to_do(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    said = capsys.readouterr().out
    assert "proved inside their classes" in said and f"written to {out}" in said
    assert (out / "README.md").exists() and (out / "terraform/aws/clusters.tf").exists()
    assert run(arguments("plan", out, "--check", "--json", estate=estate)) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["files"]["changed"] == plan["files"]["added"] == plan["files"]["removed"] == []
    assert plan["monthly"] == plan["monthly_before"] > 0
    assert plan["proved"] > 0


def test_a_change_of_one_field_changes_what_it_concerns_and_check_says_so(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    text = estate.read_text()
    wanted = "    size: 2 TB\n"
    assert wanted in text
    estate.write_text(text.replace(wanted, f"{wanted}    lifecycle: {{warm_after: 45d, cold_after: 90d}}\n"))
    capsys.readouterr()
    assert run(arguments("plan", out, "--check", "--json", estate=estate)) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["files"]["changed"] == ["terraform/aws/storage.tf", "terraform/aws/tests/aws.tftest.hcl"]
    (resource,) = [c for c in found["resources"] if c["change"] != "same"]
    assert (resource["change"], resource["monthly"]) == ("changed", resource["before"])
    assert resource["address"].startswith("aws/aws_s3_bucket_lifecycle_configuration.")
    assert run(arguments("plan", out, estate=estate)) == 0
    assert "resources: 0 new, 1 changed, 0 gone, " in capsys.readouterr().out


def test_data_that_grows_changes_the_cost_and_no_file(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    text = estate.read_text()
    assert "size: 2 TB" in text
    estate.write_text(text.replace("size: 2 TB", "size: 3 TB"))
    capsys.readouterr()
    assert run(arguments("plan", out, "--check", "--json", estate=estate)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["monthly"] > found["monthly_before"]
    assert [c["change"] for c in found["resources"] if c["change"] != "same"] == ["dearer"]


def test_a_file_edited_by_hand_stops_the_render(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    (out / "README.md").write_text("mine")
    assert run(arguments("render", out, estate=estate)) != 0
    assert "README.md" in capsys.readouterr().err
    assert (out / "README.md").read_text() == "mine"
    assert run(arguments("render", out, "--force", estate=estate)) == 0


def test_an_estate_with_errors_writes_nothing(estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate.write_text(estate.read_text() + "nonsense: 1\n")
    assert run(arguments("render", tmp_path / "out", estate=estate)) == 2
    assert not (tmp_path / "out").exists()
    assert "nothing was rendered" in capsys.readouterr().err


def test_a_folder_that_is_not_ours_is_left_alone(estate: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/precious").write_text("x")
    assert run(arguments("render", tmp_path / "out", estate=estate)) != 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["precious"]


def test_a_placement_that_is_none_is_refused(estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.json").write_text("{}")
    assert run(["render", str(tmp_path / "out"), "-e", str(estate), "--placement", str(tmp_path / "p.json")]) == 2
    assert "polycloud place --save" in capsys.readouterr().err


def test_a_saved_placement_is_what_is_rendered(estate: Path, tmp_path: Path) -> None:
    saved = tmp_path / "placement.json"
    assert run(["place", "-e", str(estate), "--save", str(saved)]) == 0
    assert run(["render", str(tmp_path / "out"), "-e", str(estate), "--placement", str(saved)]) == 0
    answer = json.loads(saved.read_text())["placement"]
    sites = {part["site"] for workload in answer["workloads"] for part in workload["parts"]}
    rendered = {path.parent.name for path in (tmp_path / "out/kubernetes/overlays").glob("*/workloads.yaml")}
    assert {site.replace("/", "-") for site in sites} == rendered


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Rendered({"x": ""}, needs=(Reference("cluster:nowhere", "x"),)), "cluster:nowhere"),
        (
            Rendered({"x": ""}, (Resource("b", "bucket", "aws/us-east-1", "d", data_class="personal-eu"),)),
            "personal-eu",
        ),
    ],
)
def test_a_broken_reference_or_residency_writes_nothing(
    wrong: Rendered,
    said: str,
    estate: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wiring, "renderers", lambda: {"wrong": lambda blueprint: wrong})
    assert run(arguments("render", tmp_path / "out", estate=estate)) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_drift_is_told_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change = {"actions": ["update"], "before": {"version": "1.35"}, "after": {"version": "1.36"}}
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_drift": [{"address": "a.b", "change": change}]}))
    assert run(["drift", str(path)]) == 1
    assert "1.36" in capsys.readouterr().out
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": []}))
    assert run(["drift", str(path)]) == 0
    path.write_text("x")
    assert run(["drift", str(path)]) == 2


def test_a_state_is_held_against_what_the_estate_renders(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, state = tmp_path / "out", tmp_path / "state.json"
    assert run(arguments("render", out, estate=estate)) == 0
    values = {"bucket": "another", "region": "eu-central-1", "tags": {"data-class": "personal-eu"}}
    bucket = {"mode": "managed", "type": "aws_s3_bucket", "name": "tickets_aws_eu_central_1"}
    shown = {**bucket, "address": "aws_s3_bucket.tickets_aws_eu_central_1", "values": values}
    state.write_text(json.dumps({"format_version": "1.0", "values": {"root_module": {"resources": [shown]}}}))
    capsys.readouterr()
    assert run(arguments("drift", state, out, "--json", estate=estate)) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["form"], found["root"], found["known"]) == ("state", "aws", 1)
    told = {(one["address"], one["what"]): one["found"] for one in found["drifts"]}
    assert told["aws_s3_bucket.tickets_aws_eu_central_1", "bucket"] == "another"
    assert told["aws_vpc.eu_central_1", "not in the state"] == "nothing"
    raw = {"version": 4, "resources": [{**bucket, "instances": [{"attributes": values}]}]}
    state.write_text(json.dumps(raw))
    assert run(arguments("drift", state, out, estate=estate)) == 1
    said = capsys.readouterr().out
    assert "is a state file of the root aws; 1 of its resources" in said and "another" in said


def test_a_plan_has_its_own_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.json"
    path.write_text(json.dumps({"format_version": "1.2", "resource_changes": []}))
    assert run(["drift", str(path), "--root", "aws"]) == 2
    assert "is a plan" in capsys.readouterr().err


def test_a_renaming_warns_until_the_estate_says_what_it_was(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    text = estate.read_text()
    assert "\n  tickets:" in text
    text = text.replace("tickets", "requests")
    estate.write_text(text)
    capsys.readouterr()
    assert run(arguments("plan", out, "--json", estate=estate)) == 0
    (loss,) = json.loads(capsys.readouterr().out)["losses"]
    assert loss.endswith("If it is called datasets.requests now, add there: was: tickets")
    estate.write_text(text.replace("\n  requests:\n", "\n  requests:\n    was: tickets\n"))
    assert run(arguments("render", out, "--json", estate=estate)) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["losses"] == []
    assert {cost["change"] for cost in found["resources"]} == {"same"}
    assert "terraform/aws/moved.tf" in found["files"]["added"]


def test_another_account_replaces_all_that_is_in_it_and_says_so(
    estate: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(arguments("render", out, estate=estate)) == 0
    text = estate.read_text()
    assert 'account: "123456789012"' in text and "project: northwind-ai" in text
    estate.write_text(text.replace("123456789012", "210987654321").replace("northwind-ai", "northwind-two"))
    capsys.readouterr()
    assert run(arguments("plan", out, "--json", estate=estate)) == 0
    found = json.loads(capsys.readouterr().out)
    at = {cost["address"]: cost["change"] for cost in found["resources"]}
    there = {address for address in at if address.startswith(("aws/", "gcp/"))}
    assert there and {address for address, change in at.items() if change == "replaced"} == there
    assert len(there) == sum(int(loss.split(": ")[1].split()[0]) for loss in found["losses"])
    assert found["losses"][0].startswith("clouds.aws.account was 123456789012 and is 210987654321: ")
    assert found["losses"][1].startswith("clouds.gcp.project was northwind-ai and is northwind-two: ")
    assert run(arguments("plan", out, estate=estate)) == 0
    assert f"0 gone, {len(there)} replaced, " in capsys.readouterr().out
    estate.write_text(text.replace(', account: "123456789012"', ""))  # a person gives it then: nothing is known
    assert run(arguments("plan", out, "--json", estate=estate)) == 0
    assert json.loads(capsys.readouterr().out)["losses"] == []


def test_a_table_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table(("resource", "found"), [("aws_vpc.x\x1b[31m\x07", "two\nlines [red]")])
    out = capsys.readouterr().out
    assert "\x1b" not in out and "\x07" not in out and r"x\x1b[31m\x07" in out and "[red]" in out
