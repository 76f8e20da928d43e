"""The estates that ship: each is a problem worth solving, in the shape that its story tells."""

from pathlib import Path

import pytest

import polycloud.app
from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import load
from polycloud.placement.bill import with_sources
from polycloud.placement.build import Built, Changes, build, proof

EXAMPLES = Path(polycloud.app.__file__).parent / "examples"
NAMES = ("sandbox", "oci-primary", "active-active", "hybrid-burst")


def made(name: str, catalog: Catalog, changes: Changes | None = None) -> Built:
    loaded = load(EXAMPLES / name / "estate.yaml")
    assert loaded.estate is not None
    return build(loaded.estate, catalog, Market.load(), loaded.place, changes or Changes())


@pytest.mark.parametrize("name", NAMES)
def test_every_part_can_run_and_every_dataset_can_be_kept(name: str, catalog: Catalog) -> None:
    built = made(name, catalog)
    problem = built.problem
    assert [found.severity for found in built.diagnostics if found.severity == "error"] == []
    assert len({task.workload for task in problem.tasks}) >= 4
    assert all(task.options for task in problem.tasks)
    assert all(len(item.hold) >= item.copies for item in problem.items)
    assert sum(len({option.site for option in task.options}) > 1 for task in problem.tasks) >= 2  # a choice to make
    assert sum(problem.blocks) == 730
    assert [len(task.options) for task in problem.tasks] == [len(details) for details in built.details]
    assert all(built.paths[task.name] == ("workloads", task.workload) for task in problem.tasks)


@pytest.mark.parametrize("name", NAMES)
def test_costs_cover_what_promises_can_cover(name: str, catalog: Catalog) -> None:
    problem = made(name, catalog).problem
    for task in problem.tasks:
        for option in task.options:
            assert option.cost > 0 and option.count > 0
            assert (
                sum(h * rate for h, rate in zip(problem.blocks, option.hourly, strict=bool(option.hourly)))
                <= option.cost
            )
            assert (option.pool >= 0) == bool(option.hourly)


@pytest.mark.parametrize("name", NAMES)
def test_the_cheapest_machines_at_first_sight_keep_the_law(name: str, catalog: Catalog) -> None:
    built = made(name, catalog)
    problem = built.problem
    choice = tuple(min(range(len(t.options)), key=lambda at, t=t: t.options[at].cost) for t in problem.tasks)  # type: ignore[misc]
    copies = tuple(
        tuple(sorted({*item.pinned, *[site for site, _ in item.hold][: item.copies]}))[: item.copies_most]
        for item in problem.items
    )
    assert built.estate is not None
    assert proof(built.estate, catalog, problem, with_sources(problem, choice, copies)).holds


def test_the_hall_bursts_beside_its_training(catalog: Catalog) -> None:
    problem = made("hybrid-burst", catalog).problem
    by_name = {task.name: task for task in problem.tasks}
    (base,) = by_name["serve-llama#base"].options
    assert (problem.sites[base.site].id, base.count) == ("onprem/frankfurt", 8)  # 16 less the 8 that training needs
    assert all(problem.sites[o.site].cloud != "onprem" for o in by_name["serve-llama#burst"].options)
    assert {problem.sites[o.site].id for o in by_name["fine-tune"].options} == {"onprem/frankfurt"}


def test_internal_data_and_the_ledger_stay_where_they_are_told(catalog: Catalog) -> None:
    hybrid = made("hybrid-burst", catalog).problem
    contracts = next(item for item in hybrid.items if item.name == "contracts")
    assert [hybrid.sites[site].id for site, _ in contracts.hold] == ["onprem/frankfurt"]
    assert contracts.copies_most == 1
    oci = made("oci-primary", catalog)
    for task in oci.problem.tasks:
        if "ledger" in oci.classes[task.name]:
            assert {oci.problem.sites[o.site].cloud for o in task.options} <= {"oci", "azure"}


def test_what_is_held_is_in_the_problem(catalog: Catalog) -> None:
    active = made("active-active", catalog).problem
    held = {wide.name: wide.held for wide in active.wide}
    assert set(held) == {"aws-plan", "azure-reserved", "gcp-use"}
    assert held["aws-plan"] == pytest.approx(8_000_000 / 0.7 / (3 * 8766) * 1_000_000, rel=1e-6)
    assert active.fixed == (
        ("link aws-gcp-us", 4_900_000_000),
        ("link aws-azure-us", 2_400_000_000),
        ("link aws-gcp-eu", 4_900_000_000),
    )


def test_an_estate_without_a_cloud_is_another_problem(catalog: Catalog) -> None:
    built = made("sandbox", catalog, Changes(without=("aws",)))
    assert all(site.cloud != "aws" for site in built.problem.sites)
    assert all(task.options for task in built.problem.tasks)
