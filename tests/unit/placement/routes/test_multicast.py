"""One to many: the tree equals brute force, bounds are bounds, tiers are to the micro-dollar."""

import random
from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product

import pytest

from polycloud.placement.problem import GB, Meter
from polycloud.placement.routes.multicast import cheapest_tree
from polycloud.placement.routes.network import Hop, Network
from polycloud.placement.routes.reduce import reduced
from polycloud.placement.routes.tree import Case, case, covers, grown, marginal
from polycloud.placement.solve.result import Progress

TB = 1000 * GB


def graph(seed: int, sites: int = 6) -> tuple[Network, int]:
    """A network of chance, with shared meters, volume tiers, free allowances, parallel hops and full meters."""
    dice = random.Random(seed)
    meters: list[Meter] = []
    for at in range(sites + 2):
        prices = sorted(
            (dice.choice([20, 50, 80, 90, 120]) * 1000 for _ in range(dice.choice([1, 1, 3]))), reverse=True
        )
        starts = [0, *sorted(dice.sample(range(1, 40), len(prices) - 1))]
        if dice.random() < 0.25:
            prices, starts = [0, *prices], [0, 1, *(s + 1 for s in starts[1:])]
        capacity = dice.choice([None, None, None, 12 * TB])
        meters.append(Meter(f"m{at}", tuple((s * TB, p) for s, p in zip(starts, prices, strict=True)), capacity))
    hops: list[Hop] = []
    for start, end in product(range(sites), range(sites)):
        if start != end and dice.random() < 0.8:
            own = (start,) if dice.random() < 0.7 else (sites + dice.randrange(2),)
            if dice.random() < 0.2:
                meters.append(Meter(f"pair {start} {end}", ((0, dice.choice([10, 20, 90]) * 1000),)))
                own = (len(meters) - 1,)
            hops.append(Hop(start, end, own))
            if dice.random() < 0.1:
                hops.append(Hop(start, end, (dice.randrange(sites), sites), "link x"))
    relays = frozenset(site for site in range(sites) if dice.random() < 0.9)
    return Network(tuple(f"s{at}" for at in range(sites)), tuple(meters), tuple(hops), relays), dice.randrange(1, 4)


def trees(given: Case) -> Iterator[list[int]]:
    """Every tree: for each set of relays one hop into each site of it, where that leads from the source."""
    into: dict[int, list[int]] = {}
    for at, hop in enumerate(given.hops):
        into.setdefault(hop.end, []).append(at)
    others = sorted(set(into) - set(given.targets))
    for count in range(len(others) + 1):
        for used in combinations(others, count):
            for chosen in product(*(into.get(node, []) for node in (*given.targets, *used))):
                if covers(given, chosen) and _is_tree(given, chosen):
                    yield list(chosen)


def _is_tree(given: Case, chosen: tuple[int, ...]) -> bool:
    nodes = {given.source, *(given.hops[at].end for at in chosen)}
    return all(given.hops[at].start in nodes for at in chosen)


def cheapest(given: Case) -> int | None:
    return min((given.cost(tree) for tree in trees(given) if given.fits(tree)), default=None)


@pytest.mark.parametrize("seed", range(60))
def test_the_tree_is_as_cheap_as_the_cheapest_of_all_trees(seed: int) -> None:
    ways, targets = graph(seed)
    given = case(ways, 0, range(1, 1 + targets), (1 + seed % 7) * TB + seed, set(range(6)))
    best, found = cheapest(given), cheapest_tree(given)
    if best is None:
        assert found is None
        return
    assert found is not None
    assert found.micro == best
    assert found.bound == best
    on = Counter(meter for hop in found.hops for meter in hop.meters)
    assert found.micro == sum(ways.meters[m].cost(times * given.volume) for m, times in on.items())


def alike(seed: int, sites: int = 6) -> tuple[Network, int]:
    """Sites of few price lists, as regions of a cloud are: own meters of equal tiers, one shared by a zone, pairs."""
    dice = random.Random(seed)
    lists = (((0, 90_000), (10 * TB, 85_000), (20 * TB, 50_000)), ((0, 80_000),), ((0, 90_000), (10 * TB, 70_000)))
    meters = [Meter("zone", ((0, 0), (TB, 80_000), (9 * TB, 60_000)))]
    hops = []
    for start in range(sites):
        meters.append(Meter(f"s{start}", dice.choice(lists)))
        own = 0 if dice.random() < 0.35 else len(meters) - 1
        for end in range(sites):
            if dice.random() < 0.25:
                meters.append(Meter(f"{start} to {end}", ((0, dice.choice([20_000, 50_000])),)))
                hops.append(Hop(start, end, (len(meters) - 1,)))
            else:
                hops.append(Hop(start, end, (own,)))
    hops = [hop for hop in hops if hop.start != hop.end and dice.random() < 0.95]
    return Network(tuple(map(str, range(sites))), tuple(meters), tuple(hops), frozenset(range(sites))), seed % 3 + 1


def test_dropping_relays_changes_no_optimum() -> None:
    dropped = 0
    for seed in range(80):
        ways, targets = alike(seed)
        given = case(ways, 0, range(1, 1 + targets), (1 + seed % 9) * TB, set(range(6)))
        small, found = reduced(given), cheapest_tree(given)
        dropped += len({hop.end for hop in given.hops}) - len({hop.end for hop in small.hops})
        assert found is not None and cheapest(small) == cheapest(given) == found.micro == found.bound
    assert dropped > 40  # else nothing was tested


@pytest.mark.parametrize("seed", range(200, 230))
def test_stopped_at_once_the_bound_still_holds(seed: int) -> None:
    ways, targets = graph(seed)
    given = case(ways, 0, range(1, 1 + targets), 3 * TB, set(range(6)))
    best, found = cheapest(given), cheapest_tree(given, report=lambda _: False)
    assert found is None or (best is not None and found.bound <= best <= found.micro)


def test_progress_is_told_and_the_best_so_far_is_kept() -> None:
    ways, _ = graph(3)
    told: list[Progress] = []

    def report(progress: Progress) -> bool:
        told.append(progress)
        return True

    found = cheapest_tree(case(ways, 0, (1, 2, 3), TB, set(range(6))), report=report)
    assert found and told and told[-1].bound is not None and told[-1].bound <= found.micro


def test_a_relay_outside_the_residency_is_absent() -> None:
    meters = (Meter("dear", ((0, 190_000),)), Meter("cheap", ((0, 10_000),)))
    hops = (Hop(0, 1, (1,)), Hop(1, 2, (1,)), Hop(0, 2, (0,)))
    ways = Network(("a", "b", "c"), meters, hops, frozenset({0, 1, 2}))
    free, held = (cheapest_tree(case(ways, 0, (2,), TB, inside)) for inside in ({0, 1, 2}, {0, 2}))
    assert free and held
    assert (free.micro, held.micro) == (20_000_000, 190_000_000)
    assert [hop.end for hop in held.hops] == [2]


def test_the_grown_tree_never_breaks_the_bound() -> None:
    for seed in range(300, 320):
        ways, targets = graph(seed, sites=9)
        given = case(ways, 0, range(1, 2 + targets), 5 * TB, set(range(9)))
        quick, found = grown(given, marginal(given)), cheapest_tree(given)
        if quick is not None:
            assert found is not None and found.bound <= given.cost(quick)
