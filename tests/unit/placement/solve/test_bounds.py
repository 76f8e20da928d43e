"""Bounds beside optima that the test knows: facility location, by looking at every set or by construction."""

import random
from itertools import combinations

import pytest

from polycloud.placement.problem import GB, Flow, Item, Lane, Meter, Option, Place, Problem, Quota, Task, Zone
from polycloud.placement.solve import OPTIMAL, Limits, resolve, solve, solving
from polycloud.placement.solve.large import Trail

DOLLAR = 1_000_000


def located(opening: list[int], distance: list[list[int]]) -> Problem:
    """Facility location: one item, a task at each client's site that reads 1 GB; a pair's price is its distance."""
    facilities, clients = len(opening), len(distance)
    sites = facilities + clients
    meters: list[Meter] = []
    lanes: list[list[Lane | None]] = [[Lane() if i == j else None for j in range(sites)] for i in range(sites)]
    for client, row in enumerate(distance):
        for facility, far in enumerate(row):
            lanes[facility][facilities + client] = Lane((len(meters),))
            meters.append(Meter(f"{facility} {client}", ((0, far * DOLLAR),)))
    return Problem(
        sites=tuple(Place(f"cloud{at % 3}/{at}", f"cloud{at % 3}") for at in range(sites)),
        meters=tuple(meters),
        zones=(Zone("all", tuple(tuple(row) for row in lanes)),),
        tasks=tuple(
            Task(f"client {at}", f"client {at}", (Option(facilities + at, "m", "on-demand", 1, 0),), (Flow(0, GB),))
            for at in range(clients)
        ),
        items=(Item("item", 0, tuple((at, cost * DOLLAR) for at, cost in enumerate(opening))),),
    )


def by_every_set(opening: list[int], distance: list[list[int]]) -> int:
    sets = (s for size in range(1, len(opening) + 1) for s in combinations(range(len(opening)), size))
    return min(sum(opening[at] for at in some) + sum(min(row[at] for at in some) for row in distance) for some in sets)


def drawn(seed: int) -> tuple[list[int], list[list[int]]]:
    draw = random.Random(seed)
    return [draw.randint(5, 60) for _ in range(8)], [[draw.randint(1, 40) for _ in range(8)] for _ in range(12)]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("small", [5_000, -1])
def test_facility_location(seed: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    opening, distance = drawn(seed)
    best = by_every_set(opening, distance) * DOLLAR
    solved = solve(located(opening, distance), Limits(30, 1e-6))
    assert solved.bill is not None
    assert solved.bill.total == best
    assert best - DOLLAR < solved.bound <= best
    assert solved.status == OPTIMAL


def test_clusters_far_apart_have_a_known_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Six towns of five clients; in each a facility of 20 at distance 1, every other town at 1,000."""
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    distance = [[1 if client // 5 == town else 1000 for town in range(6)] for client in range(30)]
    solved = solve(located([20] * 6, distance), Limits(30, 1e-6))
    assert solved.bill is not None
    assert solved.bill.total == (6 * 20 + 30) * DOLLAR
    assert solved.gap <= 1e-5


def packed(quota: int) -> Problem:
    """Forty tasks of one unit: the cheap site takes ``quota`` of them, the dear one the rest."""
    options = (
        Option(0, "m", "on-demand", 1, 10 * DOLLAR, quotas=((0, 1),)),
        Option(1, "m", "on-demand", 1, 25 * DOLLAR),
    )
    return Problem(
        sites=(Place("aws/a", "aws"), Place("gcp/b", "gcp")),
        meters=(),
        zones=(),
        tasks=tuple(Task(f"task {at}", f"task {at}", options) for at in range(40)),
        quotas=(Quota("quota a", quota),),
    )


def test_a_quota_has_its_price_in_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    solved = solve(packed(15), Limits(20, 1e-4))
    assert solved.bill is not None
    assert solved.bill.total == (15 * 10 + 25 * 25) * DOLLAR
    assert solved.bill.total * 0.999 <= solved.bound <= solved.bill.total


def test_solving_again_begins_where_the_last_solve_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    first = solve(packed(15), Limits(20, 1e-4))
    assert isinstance(first.trail, Trail)
    again = resolve(packed(15), packed(20), first, Limits(20, 1e-4))
    assert again.bill is not None
    assert again.bill.total == (20 * 10 + 20 * 25) * DOLLAR
    assert again.bound <= again.bill.total
    assert again.gap <= 0.01
