"""The commands place and prices: the examples, what if, reports, wrong input, and what a conflict says."""

import json
import signal
from pathlib import Path

import msgspec
import pytest

from polycloud.app.cli import main
from polycloud.app.cli.place import Answer, Watcher, gap, levels, line, own_price, watched
from polycloud.core.errors import BadRequest
from polycloud.placement.solve import Progress

EXAMPLES = Path(main.__file__).parents[1] / "examples"
SANDBOX = str(EXAMPLES / "sandbox" / "estate.yaml")
IMPOSSIBLE = """\
estate: too-little
onprem:
  hall: {country: DE, accelerators: {H100: 8}, cost_per_hour: 2 USD}
data_classes: {inside: {sites: [onprem/hall]}}
residency: {default_class: inside}
workloads:
  first: {kind: training, needs: {accelerator: H100, count: 6}, hours_per_month: 100}
  second: {kind: training, needs: {accelerator: H100, count: 6}, hours_per_month: 100}
"""
NOTHING_FITS = """\
estate: nothing
clouds: {aws: {sites: [us-east-1, eu-west-1]}}
data_classes: {eu: {stay_in: [eu]}}
workloads:
  work: {kind: batch, class: eu, at: [aws/us-*], needs: {vcpu: 4, memory: 16 GiB}, hours_per_month: 10}
"""


def answer_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    assert main.run(["place", *arguments, "--json"]) == 0
    return msgspec.json.decode(capsys.readouterr().out, type=Answer)


@pytest.mark.parametrize("example", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_the_examples_are_placed_and_proved(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer_of(capsys, "-e", str(EXAMPLES / example / "estate.yaml")).placement
    assert found.residency.holds
    assert found.residency.facts > 10
    assert found.optimality.gap <= 0.001
    assert found.cost.month_micro == sum(line.micro for line in found.cost.lines)
    assert all(workload.parts and workload.reason for workload in found.workloads)
    assert all(a.extra_micro is None or a.extra_micro >= 0 for w in found.workloads for a in w.alternatives)
    assert found.facts


def test_people_get_tables_and_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "-e", SANDBOX]) == 0
    shown = capsys.readouterr().out
    for words in ("USD a month", "of the optimum", "residency holds", "Where work runs", "What it costs"):
        assert words in shown


def test_what_if_a_site_were_gone(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer_of(capsys, "-e", SANDBOX, "--without", "aws/us-east-1").what_if
    assert found is not None
    assert found.after is not None
    assert found.extra_micro is not None and found.extra_micro >= 0
    assert sum(found.by_kind.values()) == found.extra_micro
    used = {part.site for workload in found.after.workloads for part in workload.parts}
    assert "aws/us-east-1" not in used
    assert any(moved.before.startswith("aws/us-east-1") for moved in found.moved)


def test_what_if_a_price_were_another(capsys: pytest.CaptureFixture[str]) -> None:
    before = answer_of(capsys, "-e", SANDBOX).placement
    part = next(part for workload in before.workloads for part in workload.parts if part.market == "on-demand")
    found = answer_of(capsys, "-e", SANDBOX, "--price", f"{part.site}:{part.machine}=0.01 USD").what_if
    assert found is not None
    assert found.extra_micro is not None and found.extra_micro < 0


def test_aims_in_order_give_two_per_cent_each(capsys: pytest.CaptureFixture[str]) -> None:
    cost, first = (answer_of(capsys, "-e", SANDBOX, *more).placement for more in ([], ["--levels", "latency,cost"]))
    assert [row.level for row in first.levels] == ["latency", "cost"]
    assert all(row.has <= row.least * 1.021 for row in first.levels)
    assert first.latency_ms is not None and cost.latency_ms is not None
    assert first.latency_ms <= cost.latency_ms
    assert first.cost.month_micro >= cost.cost.month_micro
    assert not cost.levels


def test_a_simpler_plan_is_never_better(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer_of(capsys, "-e", SANDBOX).placement
    assert [row.name for row in found.baselines if row.name.startswith("only ")] == [
        "only aws", "only azure", "only gcp", "only oci",
    ]  # fmt: skip
    for row in found.baselines:
        assert (row.month_micro is None) == bool(row.why_not)
        assert row.month_micro is None or row.month_micro >= found.cost.month_micro


def test_what_if_nothing_is_left_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "-e", SANDBOX, "--without", "onprem/*"]) == 1
    shown = capsys.readouterr().out
    assert "there is no plan" in shown
    assert "estate.yaml:" in shown


def test_one_workload_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "-e", SANDBOX, "--explain", "nightly-report"]) == 0
    shown = capsys.readouterr().out
    assert "it would win if" in shown
    assert "not considered" in shown
    assert "train-ranker:" not in shown


def test_the_report_and_the_saved_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page, saved = tmp_path / "report.html", tmp_path / "answer.json"
    found = answer_of(capsys, "-e", SANDBOX, "--curve", "--html", str(page), "--save", str(saved))
    assert msgspec.json.decode(saved.read_bytes(), type=Answer) == found
    assert [curve.axis for curve in found.trade_offs] == ["clouds", "latency", "carbon"]
    text = page.read_text("utf8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.count("<svg") == 1 + sum(len(curve.points) > 1 for curve in found.trade_offs)
    assert all(workload.name in text for workload in found.placement.workloads)


def test_a_conflict_is_told_by_line_and_nothing_in_it_is_superfluous(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(IMPOSSIBLE)
    assert main.run(["place", "-e", str(file)]) == 1
    shown = capsys.readouterr().err
    assert f"{file}:7:" in shown
    assert f"{file}:8:" in shown
    assert "no more than 8" in shown
    assert main.run(["place", "-e", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["error"] == "no_plan"
    assert [found["place"]["line"] for found in told["conflict"]] == [3, 7, 8]
    file.write_text(IMPOSSIBLE.replace("count: 6", "count: 4"))
    assert main.run(["place", "-e", str(file)]) == 0


PROMISED = """\
estate: promised
clouds: {aws: {sites: [us-east-1]}, gcp: {sites: [us-central1]}}
slos: {up: {measure: availability, target: 99.8 %}}
quotas:
  few: {at: gcp/us-central1, what: H200, limit: 4}
  more: {at: gcp/us-central1, what: B200, limit: 8}
workloads:
  a: {kind: inference, needs: {accelerator: H200, count: 8}, scale: {max: 1}}
  b: {kind: inference, needs: {accelerator: H200, count: 8}, scale: {max: 1}}
"""


def test_a_conflict_that_a_promised_availability_makes_names_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(PROMISED)  # one machine at AWS is promised 99.5 %, at Google Cloud 99.9 %
    assert main.run(["place", "-e", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [found["place"]["line"] for found in told["conflict"]] == [3, 6, 8, 9]
    file.write_text(PROMISED.replace("aws: {sites: [us-east-1]}, ", ""))
    assert main.run(["place", "-e", str(file), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [found["place"]["line"] for found in told["conflict"]] == [6, 8, 9]  # without AWS it takes no part
    file.write_text(PROMISED.replace("99.8 %", "99.5 %"))
    assert main.run(["place", "-e", str(file)]) == 0


def test_work_that_can_be_nowhere_is_an_error_of_the_estate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(NOTHING_FITS)
    assert main.run(["place", "-e", str(file)]) == 2
    shown = capsys.readouterr().err
    assert f"{file}:5:" in shown
    assert "work can run nowhere" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--explain", "nobody"], "there is no workload 'nobody'"),
        (["--without", "aws/us-east-9"], "no site or workload"),
        (["--price", "p5.48xlarge=20 USD"], "SITE:MACHINE=AMOUNT"),
        (["--price", "aws/us-east-1:p5.48xlarge=cheap"], "--price"),
        (["--price", "aws/us-east-1:p5.48xlarge=-2 USD"], "--price"),
        (["--price", "aws/us-east-1:p5.48xlrge=2 USD"], "did you mean p5"),
        (["--price", "aws/sa-east-1:p5.48xlarge=2 USD"], "no site of the estate"),
        (["--add", "aws/us-east-9"], "did you mean aws/us-east"),
        (["--gap", "0.1"], "--gap"),
        (["--levels", "cost,beauty"], "'beauty' is not one aim"),
        (["--levels", "cost,cost"], "'cost' is said twice"),
        (["--html", "no/such/report.html"], "there is no such folder"),
        (["--save", "/"], "that is a folder; name a file in it"),
        (["--seconds", "0"], "--seconds"),
    ],
)
def test_wrong_input_says_what_is_wrong(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "-e", SANDBOX, *arguments]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_file_that_can_not_be_written_does_not_cost_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "-e", SANDBOX, "--html", "/dev/full"]) == 1
    shown = capsys.readouterr()
    assert "of the optimum" in shown.out
    assert "No space left on device" in shown.err


def test_a_reader_that_has_gone_does_not_cost_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("polycloud.app.cli.place.emit", gone)
    page = tmp_path / "report.html"
    with pytest.raises(BrokenPipeError):
        main.run(["place", "-e", SANDBOX, "--html", str(page)])
    assert page.read_text("utf8").startswith("<!DOCTYPE html>")


def test_a_price_and_a_share_are_read_strictly() -> None:
    row = own_price("aws/us-east-1:p4d.24xlarge=20 USD")
    assert (row.at, row.machine, str(row.on_demand)) == ("aws/us-east-1", "p4d.24xlarge", "20.00 USD")
    assert gap("0.1%") == gap("0.1 %") == pytest.approx(0.001)
    assert levels("cost, latency") == ("cost", "latency")
    with pytest.raises(BadRequest):
        levels("cost,cost")


def test_progress_is_one_line_and_ctrl_c_ends_the_search(capsys: pytest.CaptureFixture[str]) -> None:
    told = Progress(12.0, 110_000_000, 100_000_000, "exact")
    assert line(told) == "12 s: best 110 USD, no plan under 100 USD, gap 9.09 % (exact)"
    assert line(Progress(1.0, None, None, "exact")) == "1 s: no plan yet (exact)"
    quiet = Watcher(live=False)
    assert quiet(told)
    assert quiet(Progress(13.0, None, None, "exact"))
    assert capsys.readouterr().err.count("\n") == 1
    with watched() as watcher:
        assert watcher(told)
        signal.raise_signal(signal.SIGINT)
        assert not watcher(told)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    "arguments",
    [
        ["machines", "--accelerator", "A100"],
        ["machines", "--at", "aws/us-east-1", "--vcpu", "8", "--memory", "32"],
        ["accelerators"],
        ["accelerators", "H100"],
        ["storage", "--tier", "hot"],
        ["egress", "aws/us-east-1"],
        ["links", "--kind", "vpn"],
        ["rtt", "DE", "aws/us-east-1", "onprem/frankfurt"],
        ["carbon"],
        ["models", "--model", "claude-*"],
    ],
)
def test_prices_have_a_source_and_an_order(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["prices", *arguments, "-e", SANDBOX, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows
    assert all(row["sources"] or row["own"] or row["quality"] in ("estimated", "unpriced") for row in rows)
    assert main.run(["prices", *arguments, "-e", SANDBOX, "--limit", "3"]) == 0
    shown = capsys.readouterr()
    assert "source" in shown.out
    assert len(rows) <= 3 or f"{len(rows) - 3} more" in shown.err


def test_prices_of_the_estate_are_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: x\nclouds: {aws: {sites: [us-east-1]}}\n"
        "money:\n  discounts: {aws: 10 %}\n  prices: [{at: aws/*, machine: m7i.large, on_demand: 0.05 USD}]\n"
    )
    assert main.run(["prices", "machines", "--machine", "m7i.*", "-e", str(file), "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["m7i.large"]["own"]
    assert rows["m7i.large"]["values"]["on-demand"] == 0.05
    assert not rows["m7i.xlarge"]["own"]
    assert rows["m7i.xlarge"]["values"]["on-demand"] == pytest.approx(0.2016 * 0.9)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["machines", "--accelerator", "A10O"], 2, "did you mean A10"),
        (["machines", "--at", "aws/us-east-9"], 2, "no site is that"),
        (["rtt", "nowhere", "DE"], 2, "'nowhere' is no site"),
        (["machines", "--machine", "no-such-*"], 1, "nothing fits"),
    ],
)
def test_prices_of_what_is_not_there(
    arguments: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["prices", *arguments, "-e", SANDBOX]) == code
    assert said in capsys.readouterr().err


def test_what_there_is_none_of_is_not_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(
        "estate: lonely\nonprem: {kiosk: {country: IS, vcpus: 16, cost_per_vcpu_hour: 0.02 USD}}\n"
        "workloads: {only: {kind: batch, needs: {vcpu: 4, memory: 8 GiB}, hours_per_month: 10}}\n"
    )
    assert main.run(["place", "-e", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "no single cloud" not in shown and "Where work runs" in shown
    file.write_text(
        "estate: data\nclouds: {aws: {sites: [us-east-1]}, gcp: {sites: [europe-west1]}}\n"
        "datasets: {a: {size: 10 TB, replicas: 2}}\n"
    )
    assert main.run(["place", "-e", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "no single cloud can do it\n" in shown and "Where work runs" not in shown
