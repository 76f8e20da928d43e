"""Any estate that can be written becomes a problem whose figures agree with each other, or is refused with reasons."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Interruption, Offer
from polycloud.core.diagnostics import Place
from polycloud.core.errors import EstateError
from polycloud.estate import Estate
from polycloud.estate.paths import KeyPath
from polycloud.placement.bill import bill, held, with_sources
from polycloud.placement.build import Built, Changes, build
from polycloud.placement.problem import OWN, SPOT

SITES = ["aws/us-east-1", "aws/eu-central-1", "azure/westeurope", "gcp/europe-west1", "onprem/hall"]
percent = st.integers(0, 100).map(lambda n: f"{n} %")
hours = st.integers(1, 744)
JOBS = ("training", "batch", "data")


class FewMachines(Market):
    """Seven machines at each site of a cloud, with and without each kind of price."""

    def offers(self, site_id: str) -> tuple[Offer, ...]:
        if site_id.startswith("onprem/"):
            return ()
        more = len(site_id) * 1_000  # no two sites cost the same
        return (
            Offer(site_id, "m5.large", 4, 16, "", None, 200_000 + more, 70_000, 150_000, 100_000),
            Offer(site_id, "m5.huge", 16, 64, "", None, 790_000 + more, None, 600_000, 400_000),
            Offer(site_id, "r9.large", 8, 64, "", None, 500_000 + more, 90_000, None, None),
            Offer(site_id, "p4.large", 96, 1000, "A100-40GB", 8, 20_000_000 + more, 9_000_000, None, 8_000_000),
            Offer(site_id, "g6.large", 8, 32, "L4", 1, 800_000 + more, 300_000, None, None),
            Offer(
                site_id,
                "x1.large",
                96,
                1000,
                "H100",
                8,
                30_000_000 if "gcp" in site_id else None,
                None,
                None,
                9_000_000,
            ),
            Offer(site_id, "x2.large", None, None, "H100", 8, 1_000_000, None, None, None),
        )

    def interruption(self, site_id: str, machine: str) -> Interruption | None:
        return Interruption(site_id, machine, 0.05, 0.10) if machine == "m5.large" else None


@st.composite
def workload(draw: st.DrawFn, datasets: list[str]) -> dict[str, object]:
    kind = draw(st.sampled_from([*JOBS, "inference", "application"]))
    pattern = draw(st.sampled_from(["single", "active-active", "active-passive", "burst", "train-here-serve-there"]))
    needs: dict[str, object] = {"vcpu": draw(st.sampled_from([2, 4, 30])), "memory": "8 GiB"}
    chip = draw(st.sampled_from([None, None, "A100", "L4", "H100"]))
    if chip is not None:
        needs |= {"accelerator": chip, "count": draw(st.sampled_from([1, 4, 8, 12]))}
    most = draw(st.integers(1, 9))
    scale: dict[str, object] = {"min": draw(st.integers(0, most)), "max": most}
    if draw(st.booleans()):
        scale["demand"] = draw(st.lists(percent, min_size=24, max_size=24))
    made: dict[str, object] = {"kind": kind, "pattern": pattern, "needs": needs, "scale": scale}
    made["environment"] = draw(st.sampled_from([None, "development"]))
    made["hours_per_month"] = draw(st.none() | hours)
    made["spot_share"] = draw(st.none() | percent)
    made["interruptible"] = draw(st.none() | st.booleans())
    made["deadline"] = draw(st.sampled_from([None, "6h", "500h"]))
    made["checkpoint_every"] = draw(st.sampled_from([None, "10m", "8h"]))
    made["users"] = draw(st.sampled_from([{}, {"DE": "60 %", "US": "40 %"}]))
    made["latency"] = draw(st.sampled_from([None, None, "90ms", "200ms"]))
    made["late_cost"] = draw(st.sampled_from([None, "3 USD"])) if made["latency"] else None
    if pattern == "active-active":
        made["sites"] = draw(st.none() | st.integers(2, 3))
    if pattern == "active-passive":
        made["standby"] = draw(st.none() | percent)
    touched = st.lists(st.sampled_from(datasets), unique=True) if datasets else st.just([])
    made["reads"], made["writes"] = draw(touched), draw(touched)
    made["read_per_month"] = dict.fromkeys(draw(touched), "17 GB")
    return {key: value for key, value in made.items() if value is not None}


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    datasets = {}
    for n in range(draw(st.integers(0, 3))):
        datasets[f"d{n}"] = {
            "size": draw(st.sampled_from(["1 GB", "7 TB", "3 PB"])),
            "replicas": draw(st.integers(1, 3)),
            "at": draw(st.none() | st.sampled_from(SITES)),
            "grows": draw(st.none() | st.just({"size": "31 GB", "per": "week"})),
            "lifecycle": draw(st.none() | st.just({"warm_after": "30d", "archive_after": "1y", "delete_after": "7y"})),
        }
    work = {f"w{n}": draw(workload(sorted(datasets))) for n in range(draw(st.integers(1, 3)))}
    commitment = {"cloud": "aws", "kind": "savings-plan", "amount": "90_000 USD", "term": "1y", "discount": "25 %"}
    text = {
        "estate": "random",
        "clouds": {
            "aws": {"sites": ["us-east-1", "eu-central-1"]},
            "azure": {"sites": ["westeurope"]},
            "gcp": {"sites": ["europe-west1"]},
        },
        "onprem": {
            "hall": {
                "country": "DE",
                "accelerators": {"A100": 16},
                "vcpus": 40,
                "cost_per_hour": "1 USD",
                "cost_per_vcpu_hour": "0.01 USD",
                "cost_per_gb_month": "0.01 USD",
            }
        },
        "datasets": {name: {k: v for k, v in row.items() if v is not None} for name, row in datasets.items()},
        "workloads": work,
        "commitments": draw(st.sampled_from([{}, {"plan": commitment}])),
        "quotas": {"chips": {"at": "aws/us-east-1", "what": "A100", "limit": 16}},
        "money": {"discounts": {"gcp": "20 %"}},
    }
    return Estate.model_validate_json(json.dumps(text))


def place(path: KeyPath) -> Place:
    return Place("estate.yaml", 1, 1)


@pytest.fixture(scope="module")
def facts() -> tuple[Catalog, Market]:
    return Catalog.load(), FewMachines()


def made(facts: tuple[Catalog, Market], estate: Estate, changes: Changes) -> Built | None:
    try:
        return build(estate, *facts, place, changes)
    except EstateError as error:
        told = [found for found in error.diagnostics if found.severity == "error"]
        assert told
        assert {found.code for found in told} <= {"workload_unplaceable", "dataset_unplaceable"}
        assert all("refuse" in found.message or "find one" in found.message for found in told)
        return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(estate=estates(), without=st.sampled_from([(), ("azure",), ("aws/us-*",)]))
def test_figures_agree(facts: tuple[Catalog, Market], estate: Estate, without: tuple[str, ...]) -> None:
    built = made(facts, estate, Changes(without=without))
    if built is None:
        return
    problem = built.problem
    assert sum(problem.blocks) == 730
    assert len(problem.blocks) <= 4
    for task, details in zip(problem.tasks, built.details, strict=True):
        assert len(task.options) == len(details) > 0
        for option, detail in zip(task.options, details, strict=True):
            assert option.count > 0
            assert option.cost >= 0 <= option.penalty
            covered = [hours * rate for hours, rate in zip(problem.blocks, option.hourly, strict=False)]
            assert sum(covered) <= option.cost
            assert (option.pool >= 0) == bool(option.hourly)
            assert option.market not in (SPOT, OWN) or option.pool < 0
            assert all(units <= problem.quotas[at].limit for at, units in option.quotas)
            assert problem.sites[option.site].cloud == "onprem" or option.market != OWN
            assert detail.low is None or detail.high is None or detail.low <= detail.high == option.cost
    _volumes_are_whole(estate, built)
    for item in problem.items:
        assert len({site for site, _ in item.hold}) == len(item.hold) >= item.copies
        assert set(item.pinned) <= {site for site, _ in item.hold}
    choice = tuple(0 for _ in problem.tasks)
    copies = tuple(tuple(sorted({*i.pinned, *(s for s, _ in i.hold[: i.copies])})) for i in problem.items)
    found = bill(problem, with_sources(problem, choice, copies))
    assert found.of("compute") == sum(task.options[0].cost for task in problem.tasks)
    assert not any("may not be at" in fault for fault in found.faults)
    assert all(len(promised) == len(pool.terms) for promised, pool in zip(held(problem), problem.pools, strict=True))


def _volumes_are_whole(estate: Estate, built: Built) -> None:
    """The parts of a workload read together what the workload reads, whatever its pattern."""
    read: Counter[tuple[str, str]] = Counter()
    for task in built.problem.tasks:
        for flow in task.flows:
            if not flow.write:
                read[task.workload, built.problem.items[flow.item].name] += flow.volume
    for name, work in estate.workloads.items():
        for dataset in {*work.reads, *work.read_per_month}:
            size = estate.datasets[dataset].size
            said = work.read_per_month.get(dataset, size)
            assert said is not None
            assert read[name, dataset] == int(said.value)
