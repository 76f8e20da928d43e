"""Which data move where in a plan, with their bytes and their share of what the meters charge."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from polycloud.placement.answer.values import FlowAnswer
from polycloud.placement.problem import Lane, Problem, Solution


class Carried(NamedTuple):
    """One movement. ``task`` is -1 for what feeds a copy; sites and items by index."""

    kind: str
    task: int
    item: int
    start: int
    end: int
    volume: int
    lane: Lane


def carried(problem: Problem, plan: Solution) -> Iterator[Carried]:
    """Every movement between two sites or within one. What no lane carries is a fault of the bill and is not here."""
    for index, (item, sites) in enumerate(zip(problem.items, plan.copies, strict=True)):
        for site in sites:
            if item.origin in (-1, site):
                continue
            lane = problem.zones[item.zone].lanes[item.origin][site]
            if lane is not None and item.feed:
                yield Carried("feed", -1, index, item.origin, site, item.feed, lane)
            if lane is not None and item.moving(site):
                first = Lane(problem.filling(lane), lane.via)
                yield Carried("move", -1, index, item.origin, site, item.moving(site), first)
    for at, (task, choice, sources) in enumerate(zip(problem.tasks, plan.choice, plan.sources, strict=True)):
        here = task.options[choice].site
        for flow, source in zip(task.flows, sources, strict=True):
            lanes = problem.zones[problem.items[flow.item].zone].lanes
            ways = [(here, copy) for copy in plan.copies[flow.item]] if flow.write else [(source, here)]
            for start, end in ways:
                lane = lanes[start][end] if start >= 0 else None
                if lane is not None and flow.volume:
                    kind = "write" if flow.write else "read"
                    yield Carried(kind, at, flow.item, start, end, flow.volume, lane)


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """``amount`` in proportion to ``weights``, whole and summing to it exactly (largest remainder, first wins)."""
    whole = sum(weights)
    if whole <= 0:
        weights = [1] * len(weights)
        whole = len(weights)
    parts = [amount * weight // whole for weight in weights]
    rest = amount - sum(parts)
    order = sorted(range(len(weights)), key=lambda at: (-(amount * weights[at] % whole), at))
    for at in order[:rest]:
        parts[at] += 1
    return parts


def charges(problem: Problem, moved: Sequence[Carried]) -> list[dict[int, int]]:
    """For each movement micro-USD by meter: a meter's charge is shared by bytes, so its tiers are shared too."""
    on: dict[int, list[int]] = defaultdict(list)
    for at, movement in enumerate(moved):
        for meter in movement.lane.meters:
            on[meter].append(at)
    found: list[dict[int, int]] = [defaultdict(int) for _ in moved]
    for meter, users in on.items():
        weights = [moved[at].volume for at in users]
        for at, part in zip(users, shared(problem.meters[meter].cost(sum(weights)), weights), strict=True):
            found[at][meter] += part
    return found


def flow_answers(problem: Problem, plan: Solution) -> tuple[FlowAnswer, ...]:
    """All movements between sites, the dearest first."""
    moved = list(carried(problem, plan))
    costs = charges(problem, moved)
    found = [
        FlowAnswer(
            kind=m.kind,
            workload=problem.tasks[m.task].workload if m.task >= 0 else "",
            dataset=problem.items[m.item].name,
            source=problem.sites[m.start].id,
            target=problem.sites[m.end].id,
            bytes=m.volume,
            month_micro=sum(cost.values()),
            via=m.lane.via,
        )
        for m, cost in zip(moved, costs, strict=True)
        if m.start != m.end or any(cost.values())
    ]
    return tuple(sorted(found, key=lambda f: (-f.month_micro, -f.bytes, f.dataset, f.target)))
