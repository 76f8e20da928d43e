"""On an estate the planner prices the patterns: each under its own restriction, with people on top."""

import datetime
from functools import cache
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import Loaded, load
from polycloud.placement.assess.assessment import assess
from polycloud.placement.assess.costs import EVERYWHERE, FAILOVER, HYBRID, SINGLE, SPECIALISED
from polycloud.placement.assess.needs import Needs
from polycloud.placement.assess.planned import Planner, Plans, from_estate, only, stuck
from polycloud.placement.problem import Item, Option, Place, Problem, Task, Zone

ESTATE = """\
estate: small
clouds:
  aws: {sites: [us-east-1, eu-west-1]}
  gcp: {project: p, sites: [us-central1, europe-west1]}
teams: {web: {knows: [aws]}}
datasets:
  logs: {at: aws/us-east-1, size: 2 TB}
workloads:
  shop: {kind: application, needs: {vcpu: 8, memory: 32 GiB}, scale: {min: 2, max: 6}, team: web}
  count: {kind: batch, needs: {vcpu: 16, memory: 64 GiB}, hours_per_month: 100, reads: [logs]}
slos: {up: {measure: availability, target: 99.9 %}}
"""
NOTHING = Needs()
TODAY = datetime.date(2026, 11, 21)


def estate(tmp_path: Path, more: str = "") -> Loaded:
    file = tmp_path / "estate.yaml"
    file.write_text(ESTATE + more)
    loaded = load(file)
    assert loaded.estate is not None, loaded.diagnostics
    return loaded


@cache
def facts() -> tuple[Catalog, Market]:
    return Catalog.load(), Market.load()


def planned(loaded: Loaded, needs: Needs = NOTHING) -> Plans:
    assert loaded.estate is not None
    return Planner(loaded.estate, *facts(), loaded.place, needs, TODAY, 120.0).plans()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    return planned(estate(tmp_path_factory.mktemp("plain")))


def test_each_pattern_is_planned_under_its_own_restriction(plain: Plans) -> None:
    found = plain.priced
    assert set(found) == {SINGLE, SPECIALISED, FAILOVER, EVERYWHERE}
    bill = {name: plan.cost.items[0].expected for name, plan in found.items()}
    assert len(found[SINGLE].clouds) == 1
    assert bill[SPECIALISED] <= bill[SINGLE] < bill[FAILOVER] < bill[EVERYWHERE]
    assert set(found[FAILOVER].clouds) == set(found[EVERYWHERE].clouds) == {"aws", "gcp"}
    everywhere = found[EVERYWHERE].cost.items[0]
    assert bill[SINGLE] <= everywhere.low < everywhere.expected


def test_people_are_added_as_stated_or_assumed(plain: Plans, tmp_path: Path) -> None:
    assumed = plain.priced[FAILOVER].cost
    assert assumed.items[1].expected == 22_500_000_000
    assert [line.split(":")[0] for line in assumed.assumed] == ["people_failover", "engineer_cost"]
    stated = planned(estate(tmp_path), Needs(extra_cloud_cost=7_000_000)).priced[FAILOVER].cost
    assert (stated.items[1].low, stated.items[1].high, stated.assumed) == (7_000_000, 7_000_000, ())


def test_the_estates_own_price_of_a_cloud_is_used_once(plain: Plans, tmp_path: Path) -> None:
    found = planned(estate(tmp_path, "money: {complexity: {per_cloud: 900 USD}}\n")).priced[FAILOVER].cost
    work = plain.priced[FAILOVER].cost.items[0].expected
    assert (found.items[0].expected, found.items[1].expected) == (work, 900_000_000)


def test_ones_own_hall_adds_the_hybrid(tmp_path: Path) -> None:
    hall = (
        "onprem: {hall: {country: DE, vcpus: 500, cost_per_vcpu_hour: 0.005 USD, storage: 100 TB, "
        "cost_per_gb_month: 0.01 USD}}\n"
    )
    loaded = estate(tmp_path, hall)
    found = planned(loaded)
    assert "onprem" in found.priced[HYBRID].clouds
    assert loaded.estate is not None
    answer = assess(from_estate(loaded.estate, facts()[0]), *facts(), found.priced)
    assert answer.option.unmet == ()
    assert "onprem" in answer.clouds


def test_what_can_not_be_in_one_cloud_is_named(tmp_path: Path) -> None:
    pinned = "  both: {kind: application, needs: {vcpu: 4, memory: 16 GiB}, at: [gcp/*]}\n"
    file = tmp_path / "estate.yaml"
    text = ESTATE.replace("slos:", pinned + "slos:").replace("size: 2 TB", "size: 2 TB, pinned: true")
    file.write_text(text)
    found = planned(load(file))
    assert SINGLE not in found.priced
    assert "single cloud in aws: both can not be there" in found.notes
    assert "single cloud in gcp: logs can not be there" in found.notes
    assert found.priced[SPECIALISED].clouds == ("aws", "gcp")


def test_an_estate_says_what_it_knows(tmp_path: Path) -> None:
    loaded = estate(tmp_path)
    assert loaded.estate is not None
    needs = from_estate(loaded.estate, facts()[0])
    assert (needs.knows, needs.availability, needs.data, needs.own_hall) == (("aws",), 0.999, 2 * 10**12, None)


def test_inside_some_clouds() -> None:
    sites = (Place("aws/a", "aws"), Place("gcp/b", "gcp"))
    options = tuple(Option(at, "m", "on-demand", 1, 10) for at in (0, 1))
    item = Item("data", 0, ((0, 1), (1, 1)), pinned=(1,))
    problem = Problem(sites, (), (Zone("any", ((None,) * 2,) * 2),), (Task("t", "w", options),), (item,))
    inside = only(problem, frozenset({"aws"}))
    assert [o.site for o in inside.tasks[0].options] == [0]
    assert inside.items[0].hold == ((0, 1),)
    assert stuck(inside) == ("data",)
    assert stuck(only(problem, frozenset({"gcp"}))) == ()
    assert stuck(only(problem, frozenset({"oci"}))) == ("t", "data")
