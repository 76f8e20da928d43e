"""A relay outside the residency is never used, however cheap: lanes and trees over networks of chance."""

from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.catalog.market_rows import EgressPrice, Link, Step
from polycloud.placement.bill import price
from polycloud.placement.problem import GB, Problem
from polycloud.placement.routes.lanes import zones
from polycloud.placement.routes.multicast import cheapest_tree
from polycloud.placement.routes.network import network
from polycloud.placement.routes.tree import case

SITES = tuple(f"aws/r{at}" for at in range(6))
PRICES = st.one_of(st.none(), st.integers(0, 200_000))


class Drawn:
    """A market of drawn prices: None is unknown."""

    def __init__(self, prices: list[int | None]) -> None:
        self.prices = prices

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None:
        found = self.prices[SITES.index(src) * len(SITES) + SITES.index(dst)]
        return None if found is None else EgressPrice(src, dst, f"{src} to {dst}", (Step(0, found),), quality="list")

    def links(self, kind: str | None = None, a: str | None = None, b: str | None = None) -> tuple[Link, ...]:
        return ()


@settings(max_examples=150, deadline=None)
@given(st.lists(PRICES, min_size=36, max_size=36), st.sets(st.sampled_from(SITES)))
def test_lanes_pass_only_inside_and_cost_what_the_best_path_inside_costs(
    prices: list[int | None], inside: set[str]
) -> None:
    lanes = zones(SITES, {"held": inside}, Drawn(prices), None)
    problem = Problem((), lanes.meters, lanes.zones, ())
    for start, row in enumerate(lanes.zones[0].lanes):
        best = _cheapest_from(start, prices, inside)
        for end, lane in enumerate(row):
            if lane is None:
                assert end not in best
                continue
            assert {SITES[start], SITES[end], *lane.via} <= inside
            assert price(problem, lane) == best[end]


def _cheapest_from(start: int, prices: list[int | None], inside: set[str]) -> dict[int, int]:
    """Bellman and Ford over the sites inside: far end -> price of a GB."""
    best = {start: 0} if SITES[start] in inside else {}
    for _ in SITES:
        for a in list(best):
            for b, site in enumerate(SITES):
                cost = prices[a * len(SITES) + b]
                if cost is not None and site in inside and a != b:
                    best[b] = min(best.get(b, best[a] + cost), best[a] + cost)
    return best


@settings(max_examples=60, deadline=None)
@given(
    st.lists(PRICES, min_size=36, max_size=36),
    st.sets(st.integers(0, 5)),
    st.integers(0, 5),
    st.sets(st.integers(0, 5), min_size=1),
    st.integers(1, 50_000 * GB),
)
def test_trees_stay_inside_and_widening_never_costs_more(
    prices: list[int | None], inside: set[int], source: int, targets: set[int], volume: int
) -> None:
    ways = network(SITES, Drawn(prices))
    ends = sorted(targets - {source})
    if not ends:
        return
    held = cheapest_tree(case(ways, source, ends, volume, inside))
    free = cheapest_tree(case(ways, source, ends, volume, set(range(6))))
    if held is not None:
        assert {source, *(hop.end for hop in held.hops), *(hop.start for hop in held.hops)} <= inside
        assert free is not None and free.bound <= held.micro
