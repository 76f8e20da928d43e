"""The proof of residency: it holds for what the builder makes, and catches every way to break a plan."""

from collections.abc import Callable

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.placement.bill import bill, with_sources
from polycloud.placement.build import Built, proof
from polycloud.placement.problem import Lane, Problem, Solution

Make = Callable[..., Built]
US, DE, IE, BE, IOWA = range(5)  # in the order of the sites
ESTATE = """
data_classes:
  eu-only: {stay_in: [eu]}
  fixed: {stay_in: [eu], replicate: never}
  spread: {stay_in: [eu], replicate: anywhere}
  general: {}
residency: {default_class: general}
links: {sea: {between: [aws/us-east-1, aws/eu-west-1], via: direct-connect, cost_per_gb: 0 USD}}
models: {m: {trained_on: [eu-only], deployments: [{at: aws/eu-central-1, model: claude-sonnet-4-6, profile: eu}]}}
datasets:
  people: {class: eu-only, at: aws/eu-central-1, size: 1 TB, grows: {size: 10 GB, per: month}, replicas: 2}
  secret: {class: fixed, size: 1 TB}
  wide: {class: spread, at: aws/eu-central-1, size: 1 TB, replicas: 2}
  free: {size: 1 TB}
workloads:
  reader: {kind: data, needs: {vcpu: 8}, reads: [people, free], writes: [wide], written_per_month: {wide: 1 GB}}
  server: {kind: inference, needs: {vcpu: 8}, serves: m, reads: [secret]}
  plain: {kind: application, needs: {vcpu: 8}}
"""


def plan(problem: Problem) -> Solution:
    """Each task at the first of its options, each item at the first of its sites."""
    copies = tuple(tuple(sorted(site for site, _ in item.hold[: item.copies])) for item in problem.items)
    return with_sources(problem, tuple(0 for _ in problem.tasks), copies)


@pytest.fixture
def made(make: Make) -> Built:
    return make(ESTATE)


def checked(made: Built, catalog: Catalog, problem: Problem, solution: Solution) -> tuple[str, ...]:
    assert made.estate is not None
    return proof(made.estate, catalog, problem, solution).breaks


def test_a_plan_of_the_builder_holds_and_every_fact_is_counted(made: Built, catalog: Catalog) -> None:
    solution = plan(made.problem)
    assert bill(made.problem, solution).faults == ()
    assert made.estate is not None
    found = proof(made.estate, catalog, made.problem, solution)
    assert found.holds
    assert found.facts == sum(found.classes.values())
    assert set(found.classes) == {"eu-only", "fixed", "spread", "general"}
    assert found.facts >= 3 + 6 + 3  # tasks' classes, copies, and the ends of the ways between them


def test_classes_of_work_are_those_of_its_data_and_of_what_its_model_learned_from(made: Built) -> None:
    assert made.classes["reader"] == ("eu-only", "general", "spread")
    assert made.classes["server"] == ("fixed", "eu-only")
    assert made.classes["plain"] == ("general",)
    sites = {task.name: {option.site for option in task.options} for task in made.problem.tasks}
    assert sites == {"reader": {DE, IE, BE}, "server": {DE, IE, BE}, "plain": {US, DE, IE, BE, IOWA}}


@pytest.mark.parametrize("task", [0, 1])
@pytest.mark.parametrize("site", [US, IOWA])
def test_a_task_outside_is_caught(made: Built, catalog: Catalog, task: int, site: int) -> None:
    row = made.problem.tasks[task]
    moved = msgspec.structs.replace(row, options=(msgspec.structs.replace(row.options[0], site=site),))
    tasks = (*made.problem.tasks[:task], moved, *made.problem.tasks[task + 1 :])
    problem = msgspec.structs.replace(made.problem, tasks=tasks)
    told = [said for said in checked(made, catalog, problem, plan(made.problem)) if said.startswith(row.name)]
    broken = {"reader": ("eu-only", "spread"), "server": ("fixed", "eu-only")}[row.name]
    assert len(told) == len(broken)
    assert all(any(f": {name} must stay in eu" in said for said in told) for name in broken)


@pytest.mark.parametrize("item", [0, 1])
@pytest.mark.parametrize("site", [US, IOWA])
def test_a_copy_outside_is_caught(made: Built, catalog: Catalog, item: int, site: int) -> None:
    solution = plan(made.problem)
    copies = list(solution.copies)
    copies[item] = (site, *copies[item][1:])
    broken = msgspec.structs.replace(solution, copies=tuple(copies))
    name = made.problem.items[item].name
    assert any(f"a copy of {name} at" in said for said in checked(made, catalog, made.problem, broken))


def test_all_copies_outside_are_caught_even_where_copies_may_be_anywhere(made: Built, catalog: Catalog) -> None:
    solution = plan(made.problem)
    wide = [item.name for item in made.problem.items].index("wide")
    one_inside = (US, DE)
    for copies, breaks in ((one_inside, False), ((US, IOWA), True)):
        changed = tuple(copies if at == wide else row for at, row in enumerate(solution.copies))
        found = checked(made, catalog, made.problem, msgspec.structs.replace(solution, copies=changed))
        assert any("no copy of wide is inside" in said for said in found) is breaks


def test_a_second_copy_of_what_is_never_replicated_is_caught(made: Built, catalog: Catalog) -> None:
    solution = plan(made.problem)
    secret = [item.name for item in made.problem.items].index("secret")
    copies = tuple((DE, IE) if at == secret else row for at, row in enumerate(solution.copies))
    broken = msgspec.structs.replace(solution, copies=copies)
    assert any("never replicated" in said for said in checked(made, catalog, made.problem, broken))


@pytest.mark.parametrize("word", ["aws/us-east-1", "gcp/us-central1", "link sea", "link nowhere", "somewhere"])
def test_a_relay_or_link_that_leads_outside_is_caught(made: Built, catalog: Catalog, word: str) -> None:
    zone = made.problem.items[0].zone
    lanes = tuple(tuple(Lane(via=(word,)) if lane else None for lane in row) for row in made.problem.zones[zone].lanes)
    zones = list(made.problem.zones)
    zones[zone] = msgspec.structs.replace(zones[zone], lanes=lanes)
    problem = msgspec.structs.replace(made.problem, zones=tuple(zones))
    assert any("people" in said for said in checked(made, catalog, problem, plan(made.problem)))


def test_a_relay_inside_holds(made: Built, catalog: Catalog) -> None:
    zone = made.problem.items[0].zone
    lanes = tuple(
        tuple(Lane(via=("gcp/europe-west1",)) if lane else None for lane in row)
        for row in made.problem.zones[zone].lanes
    )
    zones = list(made.problem.zones)
    zones[zone] = msgspec.structs.replace(zones[zone], lanes=lanes)
    problem = msgspec.structs.replace(made.problem, zones=tuple(zones))
    assert checked(made, catalog, problem, plan(made.problem)) == ()


def test_a_read_from_where_no_copy_is_and_a_way_that_is_none_are_caught(made: Built, catalog: Catalog) -> None:
    solution = plan(made.problem)
    stray = msgspec.structs.replace(solution, sources=((US, *solution.sources[0][1:]), *solution.sources[1:]))
    assert any("where no copy is" in said for said in checked(made, catalog, made.problem, stray))
    zone = made.problem.items[0].zone
    none = tuple(tuple(None for _ in row) for row in made.problem.zones[zone].lanes)
    zones = list(made.problem.zones)
    zones[zone] = msgspec.structs.replace(zones[zone], lanes=none)
    problem = msgspec.structs.replace(made.problem, zones=tuple(zones))
    assert any("no way from" in said for said in checked(made, catalog, problem, solution))


def test_names_that_the_estate_does_not_know_are_caught(made: Built, catalog: Catalog) -> None:
    task = msgspec.structs.replace(made.problem.tasks[2], workload="other")
    problem = msgspec.structs.replace(made.problem, tasks=(*made.problem.tasks[:2], task))
    assert checked(made, catalog, problem, plan(made.problem)) == ("other is no workload of the estate",)
