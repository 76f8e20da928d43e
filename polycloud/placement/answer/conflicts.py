"""Why there is no plan, in the estate's own statements: what each conflicting demand asks for, at its line."""

from collections.abc import Callable, Mapping

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.core.errors import PolycloudError
from polycloud.estate.paths import KeyPath
from polycloud.placement.answer.words import data, listed
from polycloud.placement.problem import Problem

FIX = "relax any one of these statements: none of them is superfluous"


class NoPlan(PolycloudError):
    """No plan keeps every rule, or none was found in time. ``conflict``: statements that can not all hold."""

    code = "no_plan"
    status = 422

    def __init__(self, message: str, conflict: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(message)
        self.conflict = conflict


def conflicts(
    problem: Problem,
    names: tuple[str, ...],
    paths: Mapping[str, KeyPath],
    place: Callable[[KeyPath], Place],
    slos: tuple[str, ...] = (),
) -> tuple[Diagnostic, ...]:
    """One finding for each demand of an irreducible conflict, in the order of the file. ``slos`` are the promises of
    availability that take part by refusing some of the ways."""
    said = {**_work(problem), **_data(problem), **_limits(problem)}
    told = [(said.get(name, name), paths.get(name, ())) for name in names]
    told += [(f"slos.{name}: ways that are expected to be up less are refused", ("slos", name)) for name in slos]
    found = (Diagnostic("error", "plan_conflict", message, place(path), FIX) for message, path in told)
    return tuple(sorted(found, key=lambda one: (one.place.file, one.place.line, one.message)))


def _work(problem: Problem) -> dict[str, str]:
    found = {}
    for task in problem.tasks:
        sites = list(dict.fromkeys(problem.sites[option.site].id for option in task.options))
        found[task.name] = f"{task.name} must run, and may only at {listed(sites, 5)}"
        found[f"parts of {task.workload} apart"] = f"the parts of {task.workload} must not share a {task.apart}"
    for near in problem.near:
        a, b = problem.tasks[near.a].name, problem.tasks[near.b].name
        found[f"{a} near {b}"] = f"{a} must be near {b}"
    return found


def _data(problem: Problem) -> dict[str, str]:
    found = {}
    for item in problem.items:
        sites = [problem.sites[site].id for site, _ in item.hold]
        copies = "a copy" if item.copies == 1 else f"{item.copies} copies"
        pinned = listed([problem.sites[site].id for site in item.pinned])
        stays = f", and must stay at {pinned}" if pinned else ""
        found[item.name] = f"{item.name} needs {copies}, and may only be at {listed(sites, 5)}{stays}"
    return found


def _limits(problem: Problem) -> dict[str, str]:
    found = {quota.name: f"{quota.name}: no more than {quota.limit:,}" for quota in problem.quotas}
    found.update(
        {m.name: f"{m.name} carries no more than {data(m.capacity)} a month" for m in problem.meters if m.capacity}
    )
    return found
