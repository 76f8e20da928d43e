"""``polycloud assess``: from answers, a file or an estate to a plain yes or no."""

import json
from pathlib import Path

import pytest

from polycloud.app.cli.assess import assess
from polycloud.core.errors import BadRequest, EstateError


def run(*arguments: object) -> object:
    return assess.main(args=[str(a) for a in arguments], prog_name="polycloud assess", standalone_mode=False)


def test_a_plain_no(capsys: pytest.CaptureFixture[str]) -> None:
    code = run("--answer", "monthly_spend=8000 USD", "--answer", "engineers=3", "--answer", "knows=aws")
    shown = capsys.readouterr().out
    assert code == 0
    assert shown.startswith("No: stay in one cloud (aws")
    for words in ("What would change the answer:", "Assumed, because nobody said", "not answered:", "active-active"):
        assert words in shown


def test_a_file_and_answers_above_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text("monthly_spend: 900_000 USD\nsurvive_cloud: no\n")
    assert run("--needs", file, "--answer", "survive_cloud=yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recommended"] == "primary with failover"
    assert len(told["options"]) == 5


def test_mistakes_in_a_file_end_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "needs.yaml"
    file.write_text("monthly_spend: 900000\n")
    assert run("--needs", file) == 2
    assert "needs.yaml:1:1: error[value_wrong]" in capsys.readouterr().err


def test_without_anything_and_without_a_terminal_it_says_what_to_give() -> None:
    with pytest.raises(BadRequest, match="--needs FILE"):
        run()


def test_a_wrong_answer_is_refused() -> None:
    with pytest.raises(BadRequest, match="availability"):
        run("--answer", "availability=high")


def test_on_a_terminal_it_asks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    given = iter(["8000", "8000 USD", *[""] * 40])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(given))
    assert run() == 0
    shown = capsys.readouterr().out
    assert "write it as in 80_000 USD" in shown
    assert "No: stay in one cloud" in shown


def test_an_estate_is_planned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: e\nclouds: {aws: {sites: [us-east-1]}, gcp: {project: p, sites: [us-central1]}}\n"
        "workloads: {shop: {kind: application, needs: {vcpu: 8, memory: 32 GiB}}}\n"
    )
    assert run("-e", file, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["recommended"], told["source"]) == ("single cloud", "the planner, on your estate")
    assert "the planner's bill" in told["options"][0]["cost"]["items"][0]["what"]


def test_a_broken_estate_is_told(tmp_path: Path) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text("estate: e\nclowds: {}\n")
    with pytest.raises(EstateError, match="clowds"):
        run("-e", file)


def test_an_estate_with_an_error_that_only_check_finds_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "estate.yaml"
    bad.write_text("estate: e\nclouds: {aws: {sites: [us-east-1, atlantis-1]}}\n")
    with pytest.raises(EstateError) as refused:
        run("-e", bad)
    assert [found.code for found in refused.value.diagnostics if found.severity == "error"] == ["region_unknown"]


def test_halls_alone_are_not_called_several_clouds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: lonely\nonprem: {kiosk: {country: IS, vcpus: 16, cost_per_vcpu_hour: 0.02 USD}}\n"
        "workloads: {only: {kind: batch, needs: {vcpu: 4, memory: 8 GiB}, hours_per_month: 10}}\n"
    )
    assert run("-e", file, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [option["clouds"] for option in told["options"] if set(option["clouds"]) == {"onprem"}] == []
