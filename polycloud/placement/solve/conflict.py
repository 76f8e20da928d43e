"""Why there is no plan: a set of demands that can not all hold, of which none is superfluous."""

from collections.abc import Callable, Iterator
from itertools import combinations

import msgspec

from polycloud.placement.problem import Item, Option, Problem, Task
from polycloud.placement.solve import feasible
from polycloud.placement.solve.result import Watch

FEW = 12  # demands among which every smaller set is tried


class Demand(msgspec.Struct, frozen=True):
    """Something that a problem asks for: ``kind`` is task, item, near, group, quota, meter or complexity."""

    kind: str
    index: int
    name: str


def demands(problem: Problem) -> tuple[Demand, ...]:
    """All demands of a problem that can be dropped one by one, those that explain most to a reader first."""
    groups: dict[int, str] = {}
    for task in problem.tasks:
        if task.group >= 0:
            groups.setdefault(task.group, task.workload)
    found = [Demand("task", at, task.name) for at, task in enumerate(problem.tasks)]
    found += [Demand("item", at, item.name) for at, item in enumerate(problem.items)]
    found += [Demand("quota", at, quota.name) for at, quota in enumerate(problem.quotas)]
    found += [
        Demand("near", at, f"{problem.tasks[near.a].name} near {problem.tasks[near.b].name}")
        for at, near in enumerate(problem.near)
    ]
    found += [Demand("group", group, f"parts of {name} apart") for group, name in groups.items()]
    found += [Demand("meter", at, m.name) for at, m in enumerate(problem.meters) if m.capacity is not None]
    return tuple(found)


def keep(problem: Problem, kept: frozenset[Demand]) -> Problem:
    """The problem that demands only what is kept, and costs nothing: what it takes to see whether it can be had."""
    by: dict[str, set[int]] = {}
    for demand in kept:
        by.setdefault(demand.kind, set()).add(demand.index)
    items, tasks = by.get("item", set()), by.get("task", set())
    names = [at for at in range(len(problem.tasks)) if at in tasks]
    new_task = {old: new for new, old in enumerate(names)}
    new_item = {old: new for new, old in enumerate(sorted(items))}
    groups, quotas = by.get("group", set()), by.get("quota", set())

    def slim(at: int) -> Task:
        task = problem.tasks[at]
        seen: dict[tuple[int, tuple[tuple[int, int], ...]], Option] = {}
        for option in task.options:
            limits = tuple(pair for pair in option.quotas if pair[0] in quotas)
            bare = msgspec.structs.replace(option, cost=0, penalty=0, pool=-1, hourly=(), quotas=limits)
            seen.setdefault((option.site, limits), bare)
        flows = tuple(
            msgspec.structs.replace(flow, item=new_item[flow.item]) for flow in task.flows if flow.item in new_item
        )
        return msgspec.structs.replace(
            task, options=tuple(seen.values()), flows=flows, group=task.group if task.group in groups else -1
        )

    def free(item: Item) -> Item:
        return msgspec.structs.replace(item, hold=tuple((site, 0) for site, _ in item.hold))

    near = [
        msgspec.structs.replace(n, a=new_task[n.a], b=new_task[n.b])
        for at, n in enumerate(problem.near)
        if at in by.get("near", set()) and n.a in new_task and n.b in new_task
    ]
    meters = tuple(
        msgspec.structs.replace(
            meter, tiers=((0, 0),), capacity=meter.capacity if at in by.get("meter", set()) else None
        )
        for at, meter in enumerate(problem.meters)
    )
    return Problem(
        sites=problem.sites,
        meters=meters,
        zones=problem.zones,
        tasks=tuple(slim(at) for at in names),
        items=tuple(free(problem.items[at]) for at in sorted(new_item)),
        quotas=problem.quotas,
        near=tuple(near),
    )


def conflict(problem: Problem, watch: Watch) -> tuple[str, ...]:
    """Names of demands that can not all hold: the fewest where there are few, else a set without a superfluous one.

    Empty when the time is over before a set is proven.
    """
    all_of = demands(problem)

    def impossible(kept: tuple[Demand, ...]) -> bool:
        return _impossible(problem, kept, watch)

    if len(all_of) > FEW:
        all_of = _suspects(all_of, feasible.blame(problem, watch), impossible)
    found = smallest(all_of, impossible)
    return tuple(demand.name for demand in found)


def _suspects(
    all_of: tuple[Demand, ...], blamed: list[tuple[str, int]], impossible: Callable[[tuple[Demand, ...]], bool]
) -> tuple[Demand, ...]:
    """Fewer demands that are impossible already: what is to blame, with as few tasks as show it."""
    of = {(demand.kind, demand.index): demand for demand in all_of}
    tasks = [of[key] for key in blamed if key[0] == "task"]
    rest = [of[key] for key in blamed if key[0] != "task"]
    many = 1
    while tasks:
        some = (*tasks[:many], *rest)
        if impossible(some):
            return some
        if many >= len(tasks):
            break
        many *= 2
    return all_of


def smallest(all_of: tuple[Demand, ...], impossible: Callable[[tuple[Demand, ...]], bool]) -> tuple[Demand, ...]:
    """A set that is impossible and stays so with nothing taken away."""
    if not impossible(all_of):
        return ()
    found = _narrow(all_of, impossible)
    if len(all_of) <= FEW or len(found) <= 2:
        pool = all_of if len(all_of) <= FEW else found
        for some in _smaller(pool, len(found)):
            if impossible(some):
                return some
    return found


def _smaller(pool: tuple[Demand, ...], size: int) -> Iterator[tuple[Demand, ...]]:
    for few in range(1, size):
        yield from combinations(pool, few)


def _narrow(all_of: tuple[Demand, ...], impossible: Callable[[tuple[Demand, ...]], bool]) -> tuple[Demand, ...]:
    """Drop parts of the set, large parts first, while the rest stays impossible."""
    kept = list(all_of)
    length = max(1, len(kept) // 2)
    while True:
        at = 0
        while at < len(kept):
            rest = kept[:at] + kept[at + length :]
            if impossible(tuple(rest)):
                kept = rest
            else:
                at += length
        if length == 1:
            return tuple(kept)
        length = max(1, length // 2)


def _impossible(problem: Problem, kept: tuple[Demand, ...], watch: Watch) -> bool:
    """Whether it is proven that what is kept can not be had together."""
    return feasible.find(keep(problem, frozenset(kept)), watch, "conflict").impossible
