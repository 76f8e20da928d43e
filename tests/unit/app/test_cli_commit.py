"""``polycloud commit``: from a file to a table, JSON, and mistakes with their lines."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from polycloud.app.cli.commit import commit
from polycloud.app.cli.main import run as cli_run
from polycloud.core.errors import BadRequest, EstateError

OFFERS = "offers:\n  - {name: plan, cloud: aws, kind: savings-plan, term: 1y, discount: 30 %}\n"


@pytest.fixture
def usage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Eight weeks of machines that swing by the day, in a directory without an estate."""
    monkeypatch.chdir(tmp_path)
    rows = ["time,cloud,region,sku,quantity,unit,cost"]
    for hour in range(8 * 168):
        day, of_day = divmod(hour, 24)
        stamp = f"2026-{6 + day // 28:02d}-{1 + day % 28:02d}T{of_day:02d}:00Z"
        machines = 10 + (of_day > 8) * 4
        rows.append(f"{stamp},aws,us-east-1,m7i.2xlarge,{machines},machines,{machines * 0.4:.4f}")
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(rows))
    return file


def run(*arguments: object) -> object:
    return commit.main(args=[str(a) for a in arguments], prog_name="polycloud commit", standalone_mode=False)


def test_what_to_buy_and_how_it_compares(usage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offers = tmp_path / "offers.yaml"
    offers.write_text(OFFERS)
    assert run(usage, "--offers", offers, "--term", "1y") == 0
    shown = capsys.readouterr().out
    for words in (
        "saves USD/month",
        "70 % of the baseline",
        "worst tenth",
        "if -30 %",
        "billed on the",
        "its own cost",
    ):
        assert words in shown


def test_the_same_as_json(usage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offers = tmp_path / "offers.yaml"
    offers.write_text(OFFERS)
    assert run(usage, "--offers", offers, "--term", "1y", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["outcomes"][0]["name"] == "this plan"
    assert all(isinstance(buy["cost_micro"], int) for buy in told["buys"])
    assert told["optimal"] is True


def test_an_estates_promises_are_respected(usage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text(
        "estate: e\nclouds: {aws: {sites: [us-east-1]}}\ncommitments:\n"
        '  old: {cloud: aws, kind: savings-plan, amount: 100_000 USD, discount: 30 %, starts: "2026-05-01", term: 1y}\n'
    )
    assert run(usage, "-e", estate, "--term", "1y", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [use["name"] for use in told["held"]] == ["old"]


def test_an_estate_that_buys_no_promises_is_followed(
    usage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    estate, offers = tmp_path / "estate.yaml", tmp_path / "offers.yaml"
    offers.write_text(OFFERS)
    text = "estate: e\nclouds: {aws: {sites: [us-east-1]}}\nmoney: {new_commitments: false}\n"
    estate.write_text(text)
    why = f"the estate buys no new promises ({estate}:3:26): without new_commitments: false they are weighed"
    assert run(usage, "-e", estate, "--offers", offers, "--term", "1y", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["buys"] == [] and told["aside"] == [why]
    assert run(usage, "-e", estate, "--offers", offers, "--term", "1y") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "buy nothing Over" in shown and why.replace(" ", "") in shown.replace(" ", "")
    assert run(usage, "-e", estate, "--online", "--term", "1y", "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"online": [], "missing": [], "aside": [why]}
    estate.write_text(text.replace("false", "true"))
    assert run(usage, "-e", estate, "--offers", offers, "--term", "1y", "--json") == 0
    assert json.loads(capsys.readouterr().out)["buys"]


def test_an_estate_with_an_error_that_only_check_finds_is_refused(usage: Path, tmp_path: Path) -> None:
    estate = tmp_path / "estate.yaml"
    estate.write_text("estate: e\nclouds: {aws: {sites: [us-east-1, atlantis-1]}}\n")
    with pytest.raises(EstateError) as refused:
        run(usage, "-e", estate)
    assert [found.code for found in refused.value.diagnostics if found.severity == "error"] == ["region_unknown"]


def test_the_online_rule(usage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(usage, "--term", "1y", "--online", "--json") == 0
    told = json.loads(capsys.readouterr().out)["online"]
    assert told[0]["guarantee"] == 2.0
    assert told[0]["best_micro"] <= told[0]["paid_micro"] <= 2 * told[0]["best_micro"]
    assert run(usage, "--term", "1y", "--online") == 0
    assert "best in hindsight" in capsys.readouterr().out


def test_bad_lines_and_offers_end_with_two(usage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with usage.open("a") as file:
        file.write("\n2026-08-01T00:00Z,aws,us-east-1,m7i.2xlarge,-1,machines,1")
    offers = tmp_path / "offers.yaml"
    offers.write_text(OFFERS.replace("30 %", "30"))
    assert run(usage, "--offers", offers) == 2
    told = capsys.readouterr().err
    assert f"usage.csv:{8 * 168 + 2}:1: error[usage_line]" in told
    assert "offers.yaml:2" in told


@pytest.mark.parametrize("arguments", [(), ("usage.csv", "--from-gateway"), ("usage.csv", "--term", "2y")])
def test_wrong_options_are_refused(usage: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(BadRequest):
        run(*arguments)


def test_a_risk_is_between_none_and_all(usage: Path) -> None:
    with pytest.raises(click.BadParameter):
        run(usage, "--risk", "1.5")


class Gateway:
    """A running gateway's admin client: one busy hour of each day, and a model whose price is unknown."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def usage(self, by: tuple[str, ...], since: str, until: str) -> dict[str, object]:
        assert by == ("site", "model")
        start = int(since)
        self.asked.append((start, int(until)))
        busy = start // 3600 % 24 in range(8, 20)
        group = {"site": "azure/westeurope", "model": "gpt-4o"}
        row = {
            "group": group,
            "input_tokens": 6_000_000,
            "output_tokens": 0,
            "cost_usd": "30.000000000001",
            "unpriced": 1,
        }
        refused = {
            "group": {"site": "", "model": ""},
            "input_tokens": 0,
            "output_tokens": 0,
            "cost_usd": None,
            "unpriced": 0,
        }
        return {"rows": [row, refused] if busy else []}


def test_the_gateways_own_usage_in_units(
    usage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """100,000 tokens a minute for half of the day at 30 USD an hour: 40 units of 2,500 pay at 0.30 USD each."""
    gateway = Gateway()
    monkeypatch.setattr("polycloud.app.cli.instance.client", lambda estate, state: gateway)
    offers = tmp_path / "offers.yaml"
    offers.write_text(
        "offers:\n  - {name: ptu, cloud: azure, kind: ptu, at: azure/westeurope, sku: gpt-4o, term: 1y,\n"
        "     per_hour: 0.30 USD, serves: 2500/m, minimum: 15, increment: 5}\n"
    )
    assert run("--from-gateway", "--since", "2w", "--offers", offers, "--term", "1y", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [(buy["name"], buy["amount"]) for buy in told["buys"]] == [("ptu", 40.0)]
    assert told["buys"][0]["utilisation"] == pytest.approx(0.5, abs=0.01)
    assert len(gateway.asked) == 2 * 168
    assert all(until - since == 3600 for since, until in gateway.asked)
    assert "168 attempts have no known price: they are left out of every cost" in told["notes"]


def test_a_gateway_is_not_asked_for_a_year(usage: Path) -> None:
    with pytest.raises(BadRequest, match="13w"):
        run("--from-gateway", "--since", "1y")


@pytest.mark.parametrize(("command", "missing"), [("commit", "highspy"), ("commit", "numpy"), ("assess", "highspy")])
def test_without_the_planner_installed_it_says_what_to_install(command: str, missing: str) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        f"from polycloud.app.cli.main import run; sys.exit(run([{command!r}, 'usage.csv']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode in (1, 2)
    assert 'pip install -e ".[place]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_or_of_another_kind_is_wrong_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "usage.txt").write_text("time")
    assert cli_run(["commit", "nowhere.csv"]) == 2
    assert cli_run(["commit", "usage.txt"]) == 2
    assert cli_run(["assess", "--needs", "nowhere.yaml"]) == 2
    said = capsys.readouterr().err
    assert "nowhere.csv" in said and ".csv and .parquet" in said and "nowhere.yaml" in said
