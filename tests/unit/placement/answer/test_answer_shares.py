"""The target shares of traffic beside the plan's, in every form of the answer."""

from pathlib import Path

import msgspec
import pytest

from polycloud.app.cli.main import run
from polycloud.estate import load
from polycloud.placement.answer.shares import site_shares
from polycloud.placement.answer.values import SiteShare
from polycloud.placement.answer.words import shared
from polycloud.placement.build import Detail
from polycloud.placement.problem import ON_DEMAND, Option, Place, Problem, Solution, Task

ESTATE = """
estate: shared
clouds: {aws: {sites: [us-east-1]}, gcp: {sites: [us-central1, us-east4]}}
TRAFFIC
workloads:
  web: {kind: application, needs: {vcpu: 4}, scale: {min: 8, max: 8}, pattern: active-active}
  night: {kind: batch, needs: {vcpu: 4}, hours_per_month: 10}
"""
TRAFFIC = "traffic: {shares: {aws/us-east-1: 75 %, gcp/us-central1: 25 %}}"


def test_each_workload_counts_alike_by_its_own_demand(tmp_path: Path) -> None:
    sites = (Place("aws/us-east-1", "aws"), Place("gcp/us-central1", "gcp"), Place("gcp/us-east4", "gcp"))
    options = tuple(Option(site, "m", ON_DEMAND, 1, 1) for site in range(3))
    names = (("web#1", "web"), ("web#2", "web"), ("api", "api"), ("night", "night"))
    problem = Problem(sites, (), (), tuple(Task(name, work, options) for name, work in names))
    details = tuple((Detail("m", "", 1.0, 1.0, serves=serves),) * 3 for serves in (0.75, 0.25, 1.0, 0.0))
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE.replace("TRAFFIC", TRAFFIC), encoding="utf-8")
    estate = load(path).estate
    assert estate is not None
    assert site_shares(problem, Solution((0, 1, 2, 0), (), ()), estate, details) == (
        SiteShare("aws/us-east-1", 750_000, 375_000),
        SiteShare("gcp/us-central1", 250_000, 125_000),
        SiteShare("gcp/us-east4", 0, 500_000),
    )


def test_the_difference_is_in_words() -> None:
    assert shared(SiteShare("a/b", 750_000, 375_000)) == ("75.0 %", "37.5 %", "−37.5 %")
    assert shared(SiteShare("a/b", 0, 500_000)) == ("0.0 %", "50.0 %", "+50.0 %")
    assert shared(SiteShare("a/b", 250_000, 250_000)) == ("25.0 %", "25.0 %", "as meant")
    assert shared(SiteShare("a/b", 250_000, None)) == ("25.0 %", "-", "-")


@pytest.mark.parametrize("stated", [True, False])
def test_terminal_json_and_page_have_the_table(
    tmp_path: Path, stated: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(ESTATE.replace("TRAFFIC", TRAFFIC if stated else ""), encoding="utf-8")
    page, kept = tmp_path / "page.html", tmp_path / "plan.json"
    assert run(["place", "--estate", str(path), "--html", str(page), "--save", str(kept)]) == 0
    assert ("Shares of what is served" in capsys.readouterr().out) is stated
    assert ("Shares of what is served" in page.read_text("utf8")) is stated
    rows = msgspec.json.decode(kept.read_bytes())["placement"]["shares"]
    assert [(row["site"], row["target_ppm"], row["plan_ppm"]) for row in rows] == (
        [("aws/us-east-1", 750_000, 750_000), ("gcp/us-central1", 250_000, 250_000)] if stated else []
    )
