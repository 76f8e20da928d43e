"""One to many: the cheapest tree (a Steiner arborescence) with a proven bound, exact with volume tiers.

The model has a 0/1 column for each hop, for each meter with tiers one for each number of hops on it, and directed
cuts: every set of sites that holds the source and not some target is left by a hop. Cuts are added as they are broken
(found by maximum flow), first to the relaxation, whose value is a bound at any moment, then to the whole-number model.
One tree carries the whole volume; it is not split into stripes.
"""

import time
from collections.abc import Callable, Sequence

import msgspec

from polycloud.placement.routes.cuts import broken_cuts
from polycloud.placement.routes.network import Hop
from polycloud.placement.routes.reduce import reduced
from polycloud.placement.routes.tree import Case, covers, grown, marginal, pruned, reached
from polycloud.placement.solve.highs import FAIR, Model, Outcome, run
from polycloud.placement.solve.result import Progress

MICRO = 1_000_000
ROUNDS_MOST = 200  # of cuts on the relaxation: each adds cuts that were broken, and a few dozen suffice in practice
HALF = 0.5
BROKEN = 1e-4  # by which a row must be broken to be added
FIX = 1e-6  # USD by which a reduced cost must exceed the gap before its hop is dropped


class Tree(msgspec.Struct, frozen=True):
    """Hops, parents first; ``micro`` and ``bound`` are micro-USD for one transfer.

    ``bound`` is a true lower bound on every tree's cost, to the solver's tolerance of a millionth; equal to
    ``micro`` where the tree is proven to be the cheapest.
    """

    hops: tuple[Hop, ...]
    micro: int
    bound: int
    seconds: float
    method: str

    @property
    def proven(self) -> bool:
        return self.bound >= self.micro


class _Search:
    """The model of one case with the best tree and bound so far."""

    def __init__(self, given: Case, seconds: float, report: Callable[[Progress], bool] | None) -> None:
        self.given = given
        self.limit = seconds
        self.report = report
        self.start = time.monotonic()
        self.stopped = False
        self.best: list[int] | None = None
        self.micro = 0
        self.bound = 0
        self.model = Model()
        self.rows: list[tuple[list[int], list[float]]] = []  # beside the model's own form, for reduced costs
        self.x = [0] * len(given.hops)
        self.counts: list[tuple[list[int], list[int]]] = []  # hops of a meter with tiers, and its counting columns
        self.offer(grown(given, marginal(given)))
        self._columns()

    # -- the model ---------------------------------------------------------------------------------------

    def _columns(self) -> None:
        given = self.given
        on: dict[int, list[int]] = {}
        for at, hop in enumerate(given.hops):
            for meter in hop.meters:
                on.setdefault(meter, []).append(at)
        linear: dict[int, float] = {}
        counted: dict[int, list[float]] = {}
        for meter, hops in on.items():
            charge, full = self._charges(meter, hops)
            each = charge[0]
            if not full and all(abs(c - (k + 1) * each) <= k + 1 for k, c in enumerate(charge)):  # but for rounding
                linear[meter] = each
            else:  # a better tree pays for no more hops than the best tree costs
                counted[meter] = [c for k, c in enumerate(charge) if k == 0 or self.best is None or c <= self.micro]
        for at, hop in enumerate(given.hops):
            cost = sum(linear.get(meter, 0.0) for meter in hop.meters)
            self.x[at] = self.model.column(cost / MICRO, whole=True)
        for meter, charge in counted.items():
            self._count(on[meter], charge)
        self._simple_rows()

    def _charges(self, meter: int, hops: Sequence[int]) -> tuple[list[float], bool]:
        """Micro-USD for 1, 2 … hops on a meter, and whether it may get full: at most one hop leads into each site, and
        no more run on it than it carries."""
        at = self.given.meters[meter]
        ends = most = len({self.given.hops[hop].end for hop in hops})
        if at.capacity is not None and self.given.volume:
            most = min(most, at.capacity // self.given.volume)
        return [float(at.cost(times * self.given.volume)) for times in range(1, most + 1)], most < ends

    def _count(self, hops: Sequence[int], charge: Sequence[float]) -> None:
        """Exactly one number of hops on a meter, or none; the cost is that number's charge."""
        many = [self.model.column(cost / MICRO, whole=True) for cost in charge]
        self.counts.append((list(hops), many))
        times = [float(k + 1) for k in range(len(charge))]
        self._row(0.0, 0.0, [*(self.x[at] for at in hops), *many], [*[1.0] * len(hops), *(-t for t in times)])
        self._row(-1.0, float("inf"), many, [-1.0] * len(many))

    def _simple_rows(self) -> None:
        """Into each target one hop; into a relay at most one, and only if a hop leaves it."""
        into: dict[int, list[int]] = {}
        out: dict[int, list[int]] = {}
        for at, hop in enumerate(self.given.hops):
            into.setdefault(hop.end, []).append(self.x[at])
            out.setdefault(hop.start, []).append(self.x[at])
        for node, hops in into.items():
            if node in self.given.targets:
                self._row(1.0, 1.0, hops, [1.0] * len(hops))
            else:
                self._row(-1.0, float("inf"), hops, [-1.0] * len(hops))
                leaving = out.get(node, [])
                self._row(0.0, float("inf"), [*leaving, *hops], [*[1.0] * len(leaving), *[-1.0] * len(hops)])

    def _row(self, low: float, high: float, columns: list[int], values: list[float]) -> None:
        self.model.row(low, high, columns, values)
        self.rows.append((columns, values))

    def cut(self, hops: Sequence[int]) -> None:
        self._row(1.0, float("inf"), [self.x[at] for at in hops], [1.0] * len(hops))

    # -- the search --------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    def offer(self, chosen: Sequence[int] | None) -> None:
        if chosen is None or not covers(self.given, chosen):
            return
        tree = pruned(self.given, chosen)
        cost = self.given.cost(tree)
        if self.given.fits(tree) and (self.best is None or cost < self.micro):
            self.best, self.micro = tree, cost

    def raise_bound(self, dollars: float) -> None:
        """A bound in USD, rounded down to what it surely proves."""
        if dollars > self.bound / MICRO:
            self.bound = int(dollars * MICRO)

    @property
    def closed(self) -> bool:
        """Whether the gap is no more than the solver's own tolerance and the meters' rounding can make it."""
        return self.best is not None and self.micro - self.bound <= 4 * FAIR * (self.micro + MICRO) + len(self.best)

    def go_on(self, step: str) -> bool:
        if self.report is not None and not self.stopped:
            best = self.micro if self.best is not None else None
            self.stopped = not self.report(Progress(self.seconds, best, self.bound, step))
        return not self.stopped and self.seconds < self.limit

    def solve(self, relaxed: bool, step: str) -> Outcome:
        return run(self.model, max(0.01, self.limit - self.seconds), 0.0, lambda: self.go_on(step), relaxed=relaxed)

    def relax(self) -> None:
        """Cuts until the relaxation breaks none; its last value is the bound."""
        for _ in range(ROUNDS_MOST):
            found = self.solve(True, "relaxation")
            if found.values is None:
                return
            self.raise_bound(found.bound)
            values = [found.values[column] for column in self.x]
            self.offer(grown(self.given, marginal(self.given, {a: v for a, v in enumerate(values) if v > FAIR})))
            if self.closed or not self.go_on("relaxation"):
                return
            cuts = broken_cuts(self.given, values)
            for hops in cuts:
                self.cut(hops)
            if not self._share(found.values) and not cuts:
                self._drop(found)
                return

    def _share(self, values: Sequence[float]) -> int:
        """Any j hops of a meter number at most min(j, k) when it counts k: without this the relaxation would take
        a twelfth of twelve cheap hops where it wants one."""
        added = 0
        for hops, many in self.counts:
            order = sorted((self.x[at] for at in hops), key=lambda column: -values[column])
            total, worst, size = 0.0, BROKEN, 0
            for j, column in enumerate(order[: len(many)], 1):
                total += values[column]
                room = sum(min(j, k) * values[c] for k, c in enumerate(many, 1))
                if total - room > worst:
                    worst, size = total - room, j
            if size:
                held = [*order[:size], *many]
                self._row(-float("inf"), 0.0, held, [1.0] * size + [-float(min(size, k + 1)) for k in range(len(many))])
                added += 1
        return added

    def _drop(self, found: Outcome) -> None:
        """Hops whose reduced cost exceeds the gap are in no better tree."""
        if found.duals is None or self.best is None:
            return
        reduced = list(self.model.cost)
        for (columns, values), dual in zip(self.rows, found.duals, strict=True):
            if dual:
                for column, value in zip(columns, values, strict=True):
                    reduced[column] -= dual * value
        gap = self.micro / MICRO - found.bound + FIX
        for column in self.x:
            if reduced[column] > gap:
                self.model.high[column] = 0.0

    def branch(self) -> None:
        """Whole-number solves with the cuts so far; what they leave apart becomes the next cut."""
        while not self.closed and self.go_on("branch and bound"):
            found = self.solve(False, "branch and bound")
            self.raise_bound(found.bound)
            if found.infeasible and self.best is not None:  # every better tree used a hop that was dropped
                self.bound = self.micro
            if found.values is None:
                return
            chosen = [at for at, column in enumerate(self.x) if found.values[column] > HALF]
            self.offer(chosen)
            if self.closed or covers(self.given, chosen):
                return
            within = reached(
                {self.given.source}, ((self.given.hops[at].start, self.given.hops[at].end) for at in chosen)
            )
            self.cut([at for at, hop in enumerate(self.given.hops) if hop.start in within and hop.end not in within])


def cheapest_tree(given: Case, seconds: float = 30.0, report: Callable[[Progress], bool] | None = None) -> Tree | None:
    """The cheapest tree, or the best one of ``seconds`` with its bound; None when a target can not be reached.

    ``report`` is called about once a second and more often; it stops the search by returning False.
    """
    if not given.hops or not covers(given, range(len(given.hops))):
        return None
    small = reduced(given)
    search = _Search(small, seconds, report)
    search.relax()
    method = "relaxation with cuts"
    if not search.closed:
        method = "branch and cut"
        search.branch()
    if search.best is None:
        return None
    bound = search.micro if search.closed else min(search.bound, search.micro)
    return Tree(tuple(small.hops[at] for at in search.best), search.micro, bound, search.seconds, method)
