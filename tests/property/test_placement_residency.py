"""Whatever the estate says, no option, copy, lane or relay of its planning problem is outside a class that binds it."""

import json
from fnmatch import fnmatchcase

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer
from polycloud.core.diagnostics import Place
from polycloud.core.errors import EstateError
from polycloud.estate import Estate
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.rules import DataClass
from polycloud.placement.bill import with_sources
from polycloud.placement.build import build, proof
from polycloud.placement.problem import Problem

CLOUDS = {
    "aws": ["us-east-1", "eu-central-1", "eu-west-2"],
    "azure": ["westeurope", "eastus"],
    "gcp": ["europe-west6", "us-central1"],
    "oci": ["eu-frankfurt-1", "uk-london-1"],
}
SITES = [f"{cloud}/{region}" for cloud, regions in CLOUDS.items() for region in regions] + ["onprem/hall"]
WHERE = {  # country, by hand
    "aws/us-east-1": "US", "aws/eu-central-1": "DE", "aws/eu-west-2": "GB", "azure/westeurope": "NL",
    "azure/eastus": "US", "gcp/europe-west6": "CH", "gcp/us-central1": "US", "oci/eu-frankfurt-1": "DE",
    "oci/uk-london-1": "GB", "onprem/hall": "DE",
}  # fmt: skip
EU, ADEQUATE = {"DE", "NL"}, {"GB", "CH"}

classes = st.fixed_dictionaries(
    {},
    optional={
        "stay_in": st.lists(st.sampled_from(["eu", "DE", "GB", "us", "aws/us-east-1"]), min_size=1, max_size=2),
        "sites": st.lists(st.sampled_from(["aws/*", "onprem/*", "*/eu-*", "gcp/us-central1"]), min_size=1, max_size=2),
        "clouds": st.lists(st.sampled_from(["aws", "azure", "gcp", "oci", "onprem"]), min_size=1, max_size=3),
        "include_adequate": st.booleans(),
        "replicate": st.sampled_from(["inside", "anywhere", "never"]),
    },
)
NAMES = ["c0", "c1", "c2"]
maybe_class = st.none() | st.sampled_from(NAMES)


@st.composite
def estates(draw: st.DrawFn) -> Estate:
    datasets = {}
    for n in range(draw(st.integers(0, 3))):
        datasets[f"d{n}"] = {
            "class": draw(maybe_class),
            "size": "1 TB",
            "replicas": draw(st.integers(1, 2)),
            "at": draw(st.none() | st.sampled_from(SITES)),
        }
    workloads = {}
    for n in range(draw(st.integers(1, 3))):
        pattern = draw(st.sampled_from(["single", "active-active", "active-passive", "burst"]))
        workloads[f"w{n}"] = {
            "kind": draw(st.sampled_from(["data", "application", "batch"])),
            "needs": {"vcpu": 4, "memory": "8 GiB"},
            "scale": {"max": draw(st.integers(1, 5))},
            "class": draw(maybe_class),
            "pattern": pattern,
            "reads": draw(st.lists(st.sampled_from(sorted(datasets)), unique=True)) if datasets else [],
            "writes": draw(st.lists(st.sampled_from(sorted(datasets)), unique=True)) if datasets else [],
        }
    links = {"l": {"between": draw(st.permutations(SITES))[:2], "via": "interconnect", "cost_per_gb": "0 USD"}}
    hall = {"country": "DE", "vcpus": 16, "cost_per_vcpu_hour": "0.01 USD", "cost_per_gb_month": "0.01 USD"}
    return Estate.model_validate_json(
        json.dumps(
            {
                "estate": "random",
                "clouds": {cloud: {"sites": regions} for cloud, regions in CLOUDS.items()},
                "onprem": {"hall": hall},
                "data_classes": {name: draw(classes) for name in NAMES},
                "residency": {"default_class": draw(maybe_class)},
                "datasets": datasets,
                "workloads": workloads,
                "links": links,
            }
        )
    )


def allowed(rule: DataClass, site: str) -> bool:
    """The law once more, in plain words, for these few places."""
    country = WHERE[site]

    def stays(word: str) -> bool:
        if word in (site, country) or (word == "us" and country == "US"):
            return True
        return word == "eu" and (country in EU or (rule.include_adequate and country in ADEQUATE))

    return (
        (not rule.stay_in or any(map(stays, rule.stay_in)))
        and (not rule.sites or any(fnmatchcase(site, pattern) for pattern in rule.sites))
        and (not rule.clouds or site.partition("/")[0] in rule.clouds)
    )


class FewMachines(Market):
    """The market with two machines at each site: residency does not ask which."""

    def offers(self, site_id: str) -> tuple[Offer, ...]:
        plain = Offer(site_id, "m5.xlarge", 4, 16, "", None, 200_000, 80_000, 150_000, 100_000)
        large = Offer(site_id, "m5.huge", 16, 64, "", None, 700_000, 200_000, 600_000, 400_000)
        return () if site_id.startswith("onprem/") else (plain, large)

    def interruption(self, site_id: str, machine: str) -> None:
        return None


def rule_of(estate: Estate, name: str | None) -> DataClass:
    return estate.data_classes.get(name or estate.residency.default_class or "", DataClass())


@pytest.fixture(scope="module")
def facts() -> tuple[Catalog, Market]:
    return Catalog.load(), FewMachines()


def place(path: KeyPath) -> Place:
    return Place("estate.yaml", 1, 1)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(estate=estates())
def test_nothing_of_a_problem_is_outside(facts: tuple[Catalog, Market], estate: Estate) -> None:
    catalog, market = facts
    try:
        built = build(estate, catalog, market, place)
    except EstateError as error:
        assert {found.code for found in error.diagnostics if found.severity == "error"} <= {
            "workload_unplaceable",
            "dataset_unplaceable",
        }
        return
    problem = built.problem
    sites = [site.id for site in problem.sites]
    for task in problem.tasks:
        work = estate.workloads[task.workload]
        data = {*work.reads, *work.writes}
        named = [rule_of(estate, estate.datasets[name].data_class) for name in data]
        named += [rule_of(estate, work.data_class)] if work.data_class or not data else []
        for option in task.options:
            assert all(allowed(rule, sites[option.site]) for rule in named)
    for item in problem.items:
        rule = rule_of(estate, estate.datasets[item.name].data_class)
        inside = [site for site, _ in item.hold if allowed(rule, sites[site])]
        assert inside
        if rule.replicate != "anywhere":
            assert len(inside) == len(item.hold)
            ways = problem.zones[item.zone].lanes
            for start, row in enumerate(ways):
                for end, lane in enumerate(row):
                    if lane is not None:
                        words = [word for word in lane.via if "/" in word]
                        assert all(allowed(rule, site) for site in (sites[start], sites[end], *words))
        elif len(inside) < len(item.hold):
            assert any(allowed(rule, sites[site]) for site in item.pinned)
        if rule.replicate == "never":
            assert item.copies_most == 1
    _every_plan_holds(catalog, estate, built.problem)


def _every_plan_holds(catalog: Catalog, estate: Estate, problem: Problem) -> None:
    """The first and the last option of every task, with as many copies as there may be."""
    for last in (False, True):
        choice = tuple(len(task.options) - 1 if last else 0 for task in problem.tasks)
        copies = tuple(tuple(sorted(site for site, _ in item.hold[: item.copies_most])) for item in problem.items)
        solution = with_sources(problem, choice, copies)
        reachable = all(
            flow.write or source >= 0
            for task, sources in zip(problem.tasks, solution.sources, strict=True)
            for flow, source in zip(task.flows, sources, strict=True)
        )
        found = proof(estate, catalog, problem, solution)
        assert found.facts
        assert found.holds or not reachable or all("no way from" in said for said in found.breaks)
