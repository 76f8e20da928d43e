"""Money that place, commit, prices and route tell in full: upfront, age, growth, what is unknown, what is one's own."""

import json
from pathlib import Path

import msgspec
import pytest

from polycloud.app.cli import main
from polycloud.app.cli.place import Answer, own_price
from polycloud.core.errors import BadRequest
from polycloud.placement.answer.ways import hops

STEADY = """\
estate: steady
clouds: {aws: {sites: [eu-west-1]}}
workloads:
  train: {kind: application, needs: {vcpu: 8, memory: 32 GiB}, hours_per_month: 730}
"""
GROWS = """\
estate: grows
clouds: {aws: {sites: [us-east-1]}}
datasets:
  d: {at: aws/us-east-1, size: 12 TB, grows: {size: 10 TB, per: month}}
"""
MOVES = """\
estate: moves
clouds: {aws: {sites: [us-east-1]}, gcp: {sites: [us-central1]}}
datasets:
  big: {at: aws/us-east-1, size: 400 TB, replicate_to: [gcp/us-central1]}
"""
HALL = """\
estate: hall
clouds: {oci: {sites: [eu-frankfurt-1]}, azure: {sites: [germanywestcentral]}}
onprem:
  hall: {country: DE, lat: 50, lon: 8, storage: 500 TB, cost_per_gb_month: 0.005 USD}
datasets:
  d: {at: onprem/hall, size: 10 TB, pinned: true}
  e: {at: oci/eu-frankfurt-1, size: 10 TB, pinned: true}
links:
  direct: {between: [oci/eu-frankfurt-1, azure/germanywestcentral], via: azure-oci, bandwidth: 10 Gbps}
workloads:
  w:
    kind: data
    needs: {vcpu: 4, memory: 16 GiB}
    hours_per_month: 100
    at: [azure/germanywestcentral]
    read_per_month: {d: 50 TB, e: 50 TB}
"""
OWN = """\
estate: own
clouds: {aws: {sites: [us-east-1]}, gcp: {sites: [us-central1]}}
datasets:
  d: {at: aws/us-east-1, size: 50 TB, replicate_to: [gcp/us-central1]}
money:
  rates:
    storage: [{at: "aws/*", per_gb_month: 0.001 USD}]
    egress: [{from: "aws/*", to: internet, per_gb: 0.012 USD}]
    round_trips: [{between: [gcp/us-central1, aws/us-east-1], time: 9ms}]
    carbon: [{at: gcp/us-central1, grams_per_kwh: 30}]
    interruptions: [{at: aws/us-east-1, machine: m7i.large, per_month: 3 %}]
    links: [{name: colo, via: direct-connect, between: [aws/us-east-1, "gcp/*"], per_hour: 0.5 USD, per_gb: 0.01 USD}]
"""


def file_of(folder: Path, text: str) -> str:
    path = folder / "estate.yaml"
    path.write_text(text)
    return str(path)


def placed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    assert main.run(["place", "--seconds", "10", *arguments, "--json"]) == 0
    return msgspec.json.decode(capsys.readouterr().out, type=Answer)


def test_a_promise_to_buy_says_what_is_paid_at_once_and_how_old_its_price_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = placed(capsys, "-e", file_of(tmp_path, STEADY)).placement
    (promise,) = [row for row in found.promises if row.buy_micro_hour]
    assert (promise.term, promise.as_of, promise.quality) == ("3 years", "2021-09-27", "derived")
    assert promise.upfront_micro == promise.buy_micro_hour * promise.keep_ppm * 3 * 8760 // 1_000_000
    (fact,) = [row for row in found.facts if " for 3 years at " in row.what]
    assert fact.stale and fact.sources == ("opencost-ri",) and "all paid upfront" in fact.value
    assert any("upfront" in text for text in found.warnings)


def test_a_price_of_ones_own_for_a_promise_is_not_dated_by_the_catalogue(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = placed(capsys, "-e", file_of(tmp_path, STEADY)).placement.workloads[0].parts[0].machine
    own = f"money:\n  prices: [{{at: aws/eu-west-1, machine: {machine}, committed_3y: 0.05 USD}}]\n"
    found = placed(capsys, "-e", file_of(tmp_path, STEADY + own)).placement
    (promise,) = [row for row in found.promises if row.buy_micro_hour]
    assert (promise.as_of, promise.upfront_micro) == ("", 0)


def test_commit_names_the_sum_that_is_due_and_the_age_of_its_rates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    days = [f"2026-0{m}-{d:02d},aws,eu-west-1,p3dn.24xlarge,4,machines" for m in (7, 8) for d in range(1, 32)]
    Path("usage.csv").write_text("\n".join(["time,cloud,region,machine,quantity,unit", *days]))
    assert main.run(["commit", "usage.csv", "--term", "3y", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (buy,) = told["buys"]
    assert buy["upfront_micro"] == pytest.approx(buy["cost_micro"] * 36, rel=1e-6)
    assert buy["as_of"] == "2021-09-27" and "opencost-ri (derived, 2021-09-27)" in buy["source"]
    assert any("paid upfront" in note for note in told["notes"])
    assert any("more than a year old" in note for note in told["notes"])


def test_prices_by_a_promise_have_its_own_source_and_date(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    line = ["prices", "machines", "--at", "aws/us-east-1", "--machine", "m7i.large", "--json"]
    assert main.run([*line, "--by", "1y"]) == 0
    (promised,) = json.loads(capsys.readouterr().out)
    assert main.run(line) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (promised["as_of"], promised["sources"], promised["values"]["upfront"]) == ("2023-08-30", ["leaner"], "all")
    assert listed["as_of"] == "2026-07-20"


def test_three_years_grow_as_the_data_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0.023, 0.022 and 0.021 USD per GB from 0, 50 and 500 TB; 72, 192 and 312 TB in the middle of each year;
    10 TB arrive a month in 1.25 million writes of 8 MB, at 0.005 USD a thousand."""
    cost = placed(capsys, "-e", file_of(tmp_path, GROWS)).placement.cost
    months = [51_200 * 23 + (gb - 51_200) * 22 + 6_250 for gb in (72_000, 192_000, 312_000)]
    assert cost.years_micro == tuple(12 * 1000 * month for month in months)
    assert cost.three_years_micro == sum(cost.years_micro)


def test_a_first_copy_is_priced_as_sent_in_one_month(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As ``route`` prices it, in the month's bill as well: a twelfth each month would never leave the dearest tiers."""
    path = file_of(tmp_path, MOVES)
    cost = placed(capsys, "-e", path).placement.cost
    assert main.run(["route", "aws/us-east-1", "gcp/us-central1", "--size", "400TB", "-e", path, "--json"]) == 0
    routed = json.loads(capsys.readouterr().out)["direct"]["micro_usd"]
    assert cost.once_micro == pytest.approx(routed, rel=1e-6)
    slices = [line.micro for line in cost.lines if line.kind == "transfer"]
    assert sum(slices) * 12 == pytest.approx(routed, rel=1e-6)


def test_what_the_estate_does_not_state_is_said_to_be_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = placed(capsys, "-e", file_of(tmp_path, HALL)).placement
    facts = {row.what: row for row in found.facts}
    assert facts["fee of link direct"].quality == "unknown"
    assert facts["traffic out of onprem/hall"].value == "unknown, counted as 0"
    over = facts["traffic oci/eu-frankfurt-1 to azure/germanywestcentral over link direct"]
    assert over.quality == "general"
    said = "\n".join(found.warnings)
    assert "links.direct.cost_per_month" in said and "onprem.hall.cost_per_gb_out" in said
    assert not found.links[0].stated
    whole = HALL.replace("bandwidth: 10 Gbps", "bandwidth: 10 Gbps, cost_per_month: 9 USD")
    whole = whole.replace("0.005 USD}", "0.005 USD, cost_per_gb_out: 0.001 USD}")
    stated = placed(capsys, "-e", file_of(tmp_path, whole)).placement
    assert not any(row.quality == "unknown" for row in stated.facts)


def test_a_route_out_of_a_hall_says_that_its_price_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text, told in ((HALL, True), (HALL.replace("0.005 USD}", "0.005 USD, cost_per_gb_out: 0.001 USD}"), False)):
        path = file_of(tmp_path, text)
        line = ["route", "onprem/hall", "azure/germanywestcentral", "--size", "1PB", "--relays", "none", "-e", path]
        assert main.run([*line, "--json"]) == 0
        notes = json.loads(capsys.readouterr().out)["notes"]
        assert any("onprem/hall" in note and "counted as 0" in note for note in notes) == told


def test_nothing_is_free(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BadRequest, match="free"):
        own_price("aws/us-east-1:m7i.large=0 USD")
    free = "money:\n  prices: [{at: aws/eu-west-1, machine: m5.large, on_demand: 0 USD}]\n"
    found = placed(capsys, "-e", file_of(tmp_path, STEADY + free)).placement
    assert [d.code for d in found.diagnostics] == ["price_zero"]


def test_doubts_keep_their_line_and_their_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = file_of(tmp_path, GROWS.replace("12 TB", "9 TB"))
    (doubt,) = placed(capsys, "-e", path).placement.diagnostics
    assert (doubt.code, doubt.place.line, bool(doubt.fix)) == ("unit_slip", 4, True)
    assert "datasets.d" in doubt.place.path
    assert main.run(["place", "--seconds", "5", "-e", path]) == 0
    shown = capsys.readouterr().out
    assert "estate.yaml:4:" in shown and "fix:" in shown


def test_what_if_is_compared_with_simpler_plans_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = placed(capsys, "-e", file_of(tmp_path, STEADY), "--price", "aws/eu-west-1:m5.2xlarge=0.01 USD")
    assert found.what_if is not None and found.what_if.after is not None
    assert [row.name for row in found.what_if.after.baselines] == [row.name for row in found.placement.baselines]
    assert found.what_if.after.baselines


@pytest.mark.parametrize("seconds", ["nan", "inf"])
def test_seconds_are_a_number(seconds: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["place", "--seconds", seconds, "-e", file_of(tmp_path, STEADY)]) == 2
    assert "--seconds" in capsys.readouterr().err


def test_rows_of_ones_own_hold_in_plans_and_are_shown_as_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(tmp_path, OWN)
    cost = placed(capsys, "-e", path).placement.cost
    assert cost.once_micro == 50_000 * 12_000
    kept = next(line.micro for line in cost.lines if line.kind == "storage" and line.site == "aws/us-east-1")
    assert kept == 50_000 * 1_000
    for words, value in (
        (["storage", "--tier", "hot", "--at", "aws/us-east-1"], ("per GB", 0.001)),
        (["egress", "aws/us-east-1", "gcp/us-central1"], ("first paid", 0.012)),
        (["rtt", "aws/us-east-1", "gcp/us-central1"], ("ms", 9.0)),
        (["carbon", "--at", "gcp/us-central1"], ("g/kWh", 30.0)),
        (["links", "--kind", "direct-connect", "--between", "aws/us-east-1", "gcp/us-central1"], ("a month", 365.0)),
    ):
        assert main.run(["prices", *words, "-e", path, "--json"]) == 0
        rows = [row for row in json.loads(capsys.readouterr().out) if row["own"]]
        assert [row["values"][value[0]] for row in rows] == [value[1]], words


def test_links_are_chosen_by_the_flows_of_a_saved_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, plan = file_of(tmp_path, OWN), tmp_path / "plan.json"
    found = placed(capsys, "-e", path, "--save", str(plan))
    sent = sum(flow.bytes for flow in found.placement.flows for start, end, _ in hops(flow) if start != end)
    assert main.run(["route", "--links", "--plan", str(plan), "-e", path, "--json"]) == 0
    (pair,) = json.loads(capsys.readouterr().out)
    assert pair["flow"]["out"] + pair["flow"]["back"] == sent > 0
    plan.write_text("[]")
    assert main.run(["route", "--links", "--plan", str(plan), "-e", path]) != 0
    assert "place --save" in capsys.readouterr().err


def test_a_price_of_ones_own_that_says_nothing_of_the_market_is_no_fact_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "estate.yaml"
    file.write_text(STEADY + "money: {prices: [{at: 'aws/*', machine: m5.2xlarge, committed_3y: 0.10 USD}]}\n")
    assert main.run(["place", "-e", str(file), "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out, type=Answer).placement
    (priced,) = [fact for fact in found.facts if fact.what.startswith("m5.2xlarge (on-demand)")]
    assert (priced.value, priced.quality) == ("0.428 USD an hour on-demand", "list")
