"""Fewer relays, the same optimum: a relay is dropped when another can take its place in any tree at no more cost.

Regions of one price list are alike as relays, so this leaves a dozen of eighty. A hop of the stand-in may replace a
hop of the relay when both run on the same meters; when the dearest that the one can add is no more than the least that
the other can save; or when all of the relay's hops on a meter of its own move to a meter that is never dearer and whose
price falls with volume (what is already there then makes the moved ones only cheaper).
"""

from itertools import accumulate, pairwise

import msgspec

from polycloud.placement.problem import Meter
from polycloud.placement.routes.network import Hop
from polycloud.placement.routes.tree import Case

Tiers = tuple[tuple[int, int], ...]


class _Prices:
    """What the n-th hop on each meter adds, for as many as a tree can have; meters of equal tiers are counted once."""

    def __init__(self, given: Case) -> None:
        self.volume = given.volume
        self.most = len({hop.end for hop in given.hops})
        self.meters = given.meters
        self.source = given.source
        starts: dict[int, set[int]] = {}
        for hop in given.hops:
            for meter in hop.meters:
                starts.setdefault(meter, set()).add(hop.start)
        self.owner = {meter: next(iter(sites)) for meter, sites in starts.items() if len(sites) == 1}
        self.limited = {meter for meter in starts if given.meters[meter].capacity is not None}
        listed = {given.meters[meter].tiers: given.meters[meter] for meter in starts}
        steps = {tiers: self._steps(meter) for tiers, meter in listed.items()}
        self.steps = steps
        self.least = {meter: min(steps[given.meters[meter].tiers]) for meter in starts}
        self.most_each = {meter: max(steps[given.meters[meter].tiers]) for meter in starts}
        self.falls = {tiers: all(a >= b for a, b in pairwise(found)) for tiers, found in steps.items()}
        self._cheaper: dict[tuple[Tiers, Tiers], bool] = {}

    def _steps(self, meter: Meter) -> list[int]:
        totals = [meter.cost(times * self.volume) for times in range(self.most + 1)]
        return [after - before for before, after in pairwise(totals)]

    def replaces(self, new: Hop, old: Hop) -> bool:
        """Whether a tree that uses ``new`` for ``old`` is never dearer."""
        if new.meters == old.meters:
            return True
        if not self.limited.isdisjoint(new.meters) or not self.limited.isdisjoint(old.meters):
            return False
        if sum(self.most_each[m] for m in new.meters) <= sum(self.least[m] for m in old.meters):
            return True
        if len(new.meters) != 1 or len(old.meters) != 1:
            return False
        (b,), (a,) = new.meters, old.meters
        moves_together = self.owner.get(a) == old.start and new.start != old.start
        return moves_together and self._never_dearer(self.meters[b].tiers, self.meters[a].tiers)

    def _never_dearer(self, new: Tiers, old: Tiers) -> bool:
        """Whether the new price falls with volume and no number of hops costs more than at the old one."""
        if (new, old) not in self._cheaper:
            totals = zip(accumulate(self.steps[new]), accumulate(self.steps[old]), strict=True)
            self._cheaper[new, old] = self.falls[new] and all(a <= b for a, b in totals)
        return self._cheaper[new, old]


def reduced(given: Case) -> Case:
    """The same case without relays that another can stand in for; its best trees cost what they cost before.

    Of relays that are alike, the one that the network lists first is kept.
    """
    prices = _Prices(given)
    kept = set(given.targets) | {given.source}
    into: dict[int, dict[int, list[Hop]]] = {}
    out: dict[int, dict[int, list[Hop]]] = {}
    for hop in given.hops:
        out.setdefault(hop.start, {}).setdefault(hop.end, []).append(hop)
        into.setdefault(hop.end, {}).setdefault(hop.start, []).append(hop)
    nodes = set(into) | set(out)
    for relay in sorted(nodes - kept, reverse=True):
        others = (other for other in sorted(nodes) if other != relay and other in out)
        if any(_stands_in(prices, into, out, relay, other, nodes) for other in others):
            nodes.discard(relay)
    hops = tuple(hop for hop in given.hops if hop.start in nodes and hop.end in nodes)
    return msgspec.structs.replace(given, hops=hops)


Sides = dict[int, dict[int, list[Hop]]]


def _stands_in(prices: _Prices, into: Sides, out: Sides, relay: int, other: int, nodes: set[int]) -> bool:
    """Whether every hop into and out of ``relay`` has one of ``other`` to replace it; the source needs none into it."""
    for sides in (out, into):
        if sides is into and other == prices.source:
            continue
        theirs = sides.get(other, {})
        for node, hops in sides.get(relay, {}).items():
            if node in nodes and node != other:
                found = theirs.get(node, ())
                if not all(any(prices.replaces(new, old) for new in found) for old in hops):
                    return False
    return True
