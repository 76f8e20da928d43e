"""Trees of hops: what one costs on shared meters with volume tiers, and a good one quickly.

Every hop of a tree carries the whole volume once, so a meter's charge depends only on how many of the tree's hops run
on it: ``charge[meter][k]`` for k hops, exact for any tiers, free allowances included. Nodes copy without charge.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set

import msgspec

from polycloud.placement.problem import Meter
from polycloud.placement.routes.network import Hop, Network

Price = Callable[[int, Counter[int]], float]  # a hop's price when the meters carry so many hops already


class Case(msgspec.Struct, frozen=True):
    """One transfer: from ``source`` to all ``targets``, ``volume`` bytes over ``hops``."""

    source: int
    targets: tuple[int, ...]
    volume: int
    hops: tuple[Hop, ...]
    meters: tuple[Meter, ...]

    def cost(self, chosen: Iterable[int]) -> int:
        """Micro-USD of a set of hops, by index, tiers counted on the summed volume of each meter."""
        on = Counter(meter for hop in chosen for meter in self.hops[hop].meters)
        return sum(self.meters[meter].cost(times * self.volume) for meter, times in on.items())

    def fits(self, chosen: Iterable[int]) -> bool:
        """Whether no meter carries more than its capacity."""
        on = Counter(meter for hop in chosen for meter in self.hops[hop].meters)
        return all(
            (most := self.meters[meter].capacity) is None or times * self.volume <= most for meter, times in on.items()
        )


def case(
    ways: Network,
    source: int,
    targets: Sequence[int],
    volume: int,
    inside: Set[int],
    usable: Callable[[Hop], bool] = lambda _: True,
) -> Case:
    """The transfer's own part of a network: only hops inside the residency, from sites that have or may pass on the
    data, with room for the volume, and on some way from the source to a target."""
    hops = [
        hop
        for hop in ways.hops
        if hop.start in inside
        and hop.end in inside
        and hop.end != source
        and (hop.start == source or hop.start in ways.relays)
        and all((most := ways.meters[meter].capacity) is None or most >= volume for meter in hop.meters)
        and usable(hop)
    ]
    ahead = reached({source}, ((hop.start, hop.end) for hop in hops))
    behind = reached(set(targets), ((hop.end, hop.start) for hop in hops))
    useful = ahead & behind
    kept = tuple(hop for hop in hops if hop.start in useful and hop.end in useful)
    return Case(source, tuple(dict.fromkeys(targets)), volume, kept, ways.meters)


def reached(start: Set[int], pairs: Iterable[tuple[int, int]]) -> set[int]:
    """All nodes that can be reached from ``start``, itself included."""
    onward: dict[int, list[int]] = {}
    for tail, head in pairs:
        onward.setdefault(tail, []).append(head)
    found, todo = set(start), list(start)
    while todo:
        for head in onward.get(todo.pop(), ()):
            if head not in found:
                found.add(head)
                todo.append(head)
    return found


def marginal(given: Case, weight: Mapping[int, float] | None = None) -> Price:
    """What one more hop adds to the bill, times (1 - weight) of the hop."""
    known: dict[tuple[int, int], int] = {}

    def of(meter: int, times: int) -> int:
        if (meter, times) not in known:
            at = given.meters[meter]
            known[meter, times] = at.cost((times + 1) * given.volume) - at.cost(times * given.volume)
        return known[meter, times]

    def price(hop: int, on: Counter[int]) -> float:
        added = sum(of(meter, on[meter]) for meter in given.hops[hop].meters)
        return added * (1.0 - weight.get(hop, 0.0)) + 1e-3 if weight else float(added)

    return price


def grown(given: Case, price: Price) -> list[int] | None:
    """A tree that takes the nearest missing target again and again (Takahashi and Matsuyama, 1980), pruned.

    None when a target can not be reached, or only over a meter that is full.
    """
    leaving: dict[int, list[int]] = {}
    for at, hop in enumerate(given.hops):
        leaving.setdefault(hop.start, []).append(at)
    nodes, chosen, missing = {given.source}, list[int](), set(given.targets) - {given.source}
    on: Counter[int] = Counter()
    while missing:
        path = _nearest(given, leaving, nodes, missing, lambda hop: price(hop, on))
        if path is None:
            return None
        for at in path:
            chosen.append(at)
            nodes.add(given.hops[at].end)
            on.update(given.hops[at].meters)
        missing -= nodes
    kept = pruned(given, chosen)
    return kept if given.fits(kept) else None


def _nearest(
    given: Case, leaving: Mapping[int, list[int]], nodes: Set[int], missing: Set[int], price: Callable[[int], float]
) -> list[int] | None:
    """The cheapest path from any of ``nodes`` to any of ``missing``; fewest hops among equals."""
    best: dict[int, tuple[float, int]] = dict.fromkeys(nodes, (0.0, 0))
    into: dict[int, int] = {}
    heap = [(0.0, 0, node) for node in sorted(nodes)]
    while heap:
        far, steps, node = heapq.heappop(heap)
        if (far, steps) > best[node]:
            continue
        if node in missing:
            path = []
            while node not in nodes:
                path.append(into[node])
                node = given.hops[into[node]].start
            return path[::-1]
        for at in leaving.get(node, ()):
            end = given.hops[at].end
            reach = (far + price(at), steps + 1)
            if end not in nodes and (end not in best or reach < best[end]):
                best[end], into[end] = reach, at
                heapq.heappush(heap, (*reach, end))
    return None


def pruned(given: Case, chosen: Sequence[int]) -> list[int]:
    """The hops of a tree inside ``chosen`` that some target needs, parents first."""
    into: dict[int, int] = {}
    order = [given.source]
    leaving: dict[int, list[int]] = {}
    for at in sorted(chosen):
        leaving.setdefault(given.hops[at].start, []).append(at)
    for node in order:  # grows while it is walked
        for at in leaving.get(node, ()):
            end = given.hops[at].end
            if end not in into and end != given.source:
                into[end] = at
                order.append(end)
    needed: set[int] = set()
    for target in given.targets:
        node = target
        while node != given.source and node in into and node not in needed:
            needed.add(node)
            node = given.hops[into[node]].start
    return [into[node] for node in order[1:] if node in needed]


def covers(given: Case, chosen: Sequence[int]) -> bool:
    """Whether the hops lead from the source to every target."""
    pairs = ((given.hops[at].start, given.hops[at].end) for at in chosen)
    return set(given.targets) <= reached({given.source}, pairs)


def shortest_paths(given: Case) -> list[int] | None:
    """The union of every target's cheapest path from the source, each as if it were alone."""
    alone = marginal(given)
    leaving: dict[int, list[int]] = {}
    for at, hop in enumerate(given.hops):
        leaving.setdefault(hop.start, []).append(at)
    chosen: dict[int, None] = {}
    for target in given.targets:
        path = _nearest(given, leaving, {given.source}, {target}, lambda hop: alone(hop, Counter()))
        if path is None:
            return None
        chosen.update(dict.fromkeys(path))
    return pruned(given, list(chosen))
