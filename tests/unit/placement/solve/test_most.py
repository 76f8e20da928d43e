"""What meters could carry at most, beside a count of every way by hand."""

import random
from collections import Counter

import pytest

from polycloud.placement.problem import GB, Flow, Item, Lane, Meter, Option, Place, Problem, Task, Zone
from polycloud.placement.solve import exact

SITES = 5


def drawn(seed: int) -> Problem:
    draw = random.Random(seed)
    meters = tuple(
        Meter(f"m{at}", ((0, 9), (GB, 5)) if draw.random() < 0.5 else ((0, 9),), draw.choice((None, 7 * GB)))
        for at in range(4)
    )
    zones = tuple(
        Zone(
            str(zone),
            tuple(
                tuple(
                    None if draw.random() < 0.3 else Lane(tuple(draw.choices(range(4), k=draw.randint(0, 3))))
                    for _ in range(SITES)
                )
                for _ in range(SITES)
            ),
        )
        for zone in range(2)
    )
    items = tuple(
        Item(
            f"item {at}",
            draw.randrange(2),
            tuple((site, 0) for site in sorted(draw.sample(range(SITES), 3))),
            origin=draw.randint(-1, SITES - 1),
            feed=draw.randint(0, GB),
            move=draw.randint(0, GB),
            copies_most=draw.choice((None, 2)),
        )
        for at in range(3)
    )
    tasks = tuple(
        Task(
            f"task {at}",
            "work",
            tuple(Option(draw.randrange(SITES), "m", "on-demand", 1, 0) for _ in range(3)),
            tuple(Flow(item, draw.randint(1, GB), draw.random() < 0.4) for item in draw.sample(range(3), 2)),
        )
        for at in range(4)
    )
    return Problem(tuple(Place(f"aws/{at}", "aws") for at in range(SITES)), meters, zones, tasks, items)


def by_hand(problem: Problem) -> list[int]:
    total: Counter[int] = Counter()

    def add(zone: int, starts: set[int], ends: set[int], volume: int) -> None:
        lanes = [lane for i in starts for j in ends if (lane := problem.zones[zone].lanes[i][j]) is not None]
        for meter in range(len(problem.meters)):
            total[meter] += volume * max((lane.meters.count(meter) for lane in lanes), default=0)

    for item in problem.items:
        if item.origin >= 0:
            add(item.zone, {item.origin}, {s for s, _ in item.hold}, (item.feed + item.move) * (item.copies_most or 3))
    for task in problem.tasks:
        here = {option.site for option in task.options}
        for flow in task.flows:
            item = problem.items[flow.item]
            there = {site for site, _ in item.hold}
            if flow.write:
                add(item.zone, here, there, flow.volume * (item.copies_most or 3))
            else:
                add(item.zone, there, here, flow.volume)
    return [max(1, total[meter]) for meter in range(len(problem.meters))]


@pytest.mark.parametrize("seed", range(30))
def test_meters_that_bend_have_what_every_way_could_bring(seed: int) -> None:
    problem = drawn(seed)
    found, right = exact.most(problem), by_hand(problem)
    bends = [len(meter.tiers) > 1 or meter.capacity is not None for meter in problem.meters]
    assert any(bends)
    assert [limit for limit, bent in zip(found, bends, strict=True) if bent] == [
        limit for limit, bent in zip(right, bends, strict=True) if bent
    ]
