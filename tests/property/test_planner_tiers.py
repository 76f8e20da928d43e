"""The way of large problems knows tiers: beside the exact model on problems of some size whose meters have several."""

import random

import pytest

from polycloud.placement.bill import bill
from polycloud.placement.problem import GB, Flow, Item, Lane, Meter, Option, Place, Problem, Task, Zone
from polycloud.placement.solve import Limits, solve, solving

DOLLAR = 1_000_000
NEAR = 0.01  # of the optimum


def tiered(seed: int, tasks: int = 24, sites: int = 6, items: int = 8) -> Problem:
    """Sites of three clouds, one meter for each; some begin with a free tier, all get cheaper with volume."""
    draw = random.Random(seed)
    places = tuple(Place(f"cloud{at % 3}/{at}", f"cloud{at % 3}") for at in range(sites))
    meters = tuple(_meter(draw, at) for at in range(sites))
    lanes = tuple(tuple(Lane() if i == j else Lane((i,)) for j in range(sites)) for i in range(sites))
    data = []
    for at in range(items):
        hold = tuple((site, draw.randint(5, 60) * DOLLAR) for site in range(sites))
        data.append(Item(f"item {at}", 0, hold, draw.randrange(sites)))
    work = []
    for at in range(tasks):
        options = tuple(Option(site, "m", "on-demand", 1, draw.randint(50, 400) * DOLLAR) for site in range(sites))
        reads = draw.sample(range(items), draw.randint(0, 2))
        flows = tuple(Flow(item, draw.randint(50, 3000) * GB) for item in reads)
        work.append(Task(f"task {at}", f"task {at}", options, flows))
    return Problem(places, meters, (Zone("all", lanes),), tuple(work), tuple(data))


def _meter(draw: random.Random, at: int) -> Meter:
    first = draw.randint(80, 120) * 1_000
    tiers = [(0, first), (1_000 * GB, first * 7 // 10), (4_000 * GB, first // 3)]
    if draw.random() < 0.5:
        tiers = [(0, 0), (100 * GB, first), *tiers[1:]]
    return Meter(f"meter {at}", tuple(tiers))


@pytest.mark.parametrize("seed", range(8))
def test_near_the_optimum(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = tiered(seed)
    exact = solve(problem, Limits(60, 1e-4))
    assert exact.bill is not None
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    large = solve(problem, Limits(5, 1e-4))
    assert large.solution is not None and large.bill is not None
    assert bill(problem, large.solution).faults == ()
    assert large.bound <= exact.bill.total
    assert large.bill.total <= exact.bill.total * (1 + NEAR)
