"""The lanes of a planning problem: for data of each residency, the cheapest lawful way between any two sites.

A lane is a shortest path at first-tier prices over the sites inside the residency, so a relay outside it is not
dearer but absent. Volumes of all lanes add up on the shared meters.
"""

from collections.abc import Mapping, Sequence, Set

import msgspec

from polycloud.estate import Estate
from polycloud.placement.problem import Lane, LeftOut, Meter, Zone
from polycloud.placement.routes.network import INTERNET, Hop, Network, Rates, network

LINK = "link "  # before the name of a link in a hop's words
STRIDE = 1_000  # one more hop than this per path is impossible, so price * STRIDE + hops orders by price, then hops


class Lanes(msgspec.Struct, frozen=True):
    """``zones`` in the order of the residencies asked for; ``fixed`` are monthly fees (name, micro-USD) that are paid
    whatever is chosen; ``left_out`` are ways without a price. ``allowances`` names meters whose free first volume is
    priced at the first paid step, with what that overstates at most, in micro-USD a month."""

    zones: tuple[Zone, ...]
    meters: tuple[Meter, ...]
    fixed: tuple[tuple[str, int], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    allowances: tuple[tuple[str, int], ...] = ()


def zones(
    sites: Sequence[str],
    residencies: Mapping[str, Set[str]],
    market: Rates,
    estate: Estate | None,
    without: Mapping[str, Set[str]] | None = None,
) -> Lanes:
    """One zone for each residency: name -> the sites where such data may be and through which it may pass.

    ``without``: by residency the links of the estate that its data do not take, because they are too much for them.

    Only the estate's links are used beside the internet: an interconnect that nobody ordered carries nothing. Where
    a price is unknown and no other way leads there, the lane is None. All prices of ``meters`` fall with volume.
    """
    ways = network(sites, market, estate)
    meters = tuple(falling(meter) for meter in ways.meters)
    allowances = tuple(
        (meter.name, spare)
        for meter, true in zip(meters, ways.meters, strict=True)
        if (spare := _overstated(true, meter))
    )
    return Lanes(
        tuple(
            zone(name, ways, meters, inside, (without or {}).get(name, frozenset()))
            for name, inside in residencies.items()
        ),
        meters,
        ways.fixed,
        ways.left_out,
        allowances,
    )


def falling(meter: Meter) -> Meter:
    """The meter with a free or cheaper beginning priced like what follows, so that its cost is concave.

    A planner may not count on a free allowance: what else the month sends has used it up, and a cost that is first
    flat and then rises has no tight linear bound. The overstatement is at most the allowance's worth.
    """
    tiers: list[tuple[int, int]] = []
    for at, (start, _) in enumerate(meter.tiers):
        price = max(price for _, price in meter.tiers[at:])
        if not tiers or price != tiers[-1][1]:
            tiers.append((start, price))
    return Meter(meter.name, tuple(tiers), meter.capacity)


def _overstated(true: Meter, concave: Meter) -> int:
    last = true.tiers[-1][0]
    return concave.cost(last) - true.cost(last)


def zone(name: str, ways: Network, meters: Sequence[Meter], inside: Set[str], without: Set[str] = frozenset()) -> Zone:
    """All pairs by the cheapest path inside (Floyd and Warshall), fewest hops among equals."""
    n = len(ways.sites)
    allowed = [site in inside for site in ways.sites]
    far = _unreachable(ways, meters)
    cost = [[far] * n for _ in range(n)]
    first: list[list[Hop | None]] = [[None] * n for _ in range(n)]
    for hop in ways.hops:
        if allowed[hop.start] and allowed[hop.end] and hop.via.removeprefix(LINK) not in without:
            price = sum(meters[meter].tiers[0][1] for meter in hop.meters) * STRIDE + 1
            if price < cost[hop.start][hop.end]:
                cost[hop.start][hop.end] = price
                first[hop.start][hop.end] = hop
    for k in sorted(ways.relays):
        if allowed[k]:
            _relay(k, cost, first, far)
    return Zone(name, tuple(tuple(_lane(ways, first, i, j, allowed[i]) for j in range(n)) for i in range(n)))


def _relay(k: int, cost: list[list[int]], first: list[list[Hop | None]], far: int) -> None:
    onward = cost[k]
    for i, row in enumerate(cost):
        to = row[k]
        if i == k or to >= far:
            continue
        for j, price in enumerate(onward):
            if to + price < row[j] and j != i:
                row[j] = to + price
                first[i][j] = first[i][k]


def _unreachable(ways: Network, meters: Sequence[Meter]) -> int:
    dearest = max((sum(meters[m].tiers[0][1] for m in hop.meters) for hop in ways.hops), default=0)
    return (dearest + 1) * STRIDE * (len(ways.sites) + 1)


def _lane(ways: Network, first: list[list[Hop | None]], start: int, end: int, allowed: bool) -> Lane | None:
    if start == end:
        return Lane() if allowed else None
    meters: list[int] = []
    via: list[str] = []
    at = start
    while at != end:
        hop = first[at][end]
        if hop is None:
            return None
        meters += hop.meters
        if hop.via != INTERNET:
            via.append(hop.via)
        at = hop.end
        if at != end:
            via.append(ways.sites[at])
    return Lane(tuple(meters), tuple(via))
