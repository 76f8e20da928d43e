"""Problems too large to be spelled out: a search gives a plan, prices give a bound, and where they leave a choice a
small exact model decides.

1. Search: an instant plan.
2. Dual ascent and column generation: prices, a bound, and how a fractional optimum places tasks and copies.
3. The exact model over what the fractional optimum uses, what is nearly as cheap at its prices, and the best plan.
4. What time is left goes into the bound.
"""

import math
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from itertools import combinations, pairwise

import msgspec

from polycloud.placement.bill import bill, clouds_used, volumes
from polycloud.placement.problem import Item, Problem, Solution, Task
from polycloud.placement.solve import baseline, exact, highs, tariff
from polycloud.placement.solve.columns import Master, Relaxed, Way
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.dual import Dual, Prices
from polycloud.placement.solve.facility import BIG
from polycloud.placement.solve.highs import Bools, Ints, np
from polycloud.placement.solve.result import Watch
from polycloud.placement.solve.search import Search, carried

ASCENT = 300  # steps before the first master problem: what they gain later costs more than a master's round
AGAIN = 100  # steps between two masters
ROUNDS = 200
MANY = 15  # ways per task with which a master is still fast
LEVELS = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0)  # of the way from the best prices to the master's
ASSIGN = 0.1  # of the time, for options with the copies as they are
ASSIGNED = 0.001  # the gap of that
SURE = 0.9  # a share of an option in the fractional optimum that is as good as all
SHARES = (1e-3, 1e-2, 3e-2, 1e-1)  # in the fractional optimum, from which an option or a copy may matter
SPELLED = 32_000  # columns for options and sources that the exact model over a restriction may have
COUPLED = 0.004  # of the relaxation's cost: how close the bound comes to it before the restriction is solved
BOUND_SHARE = 0.4  # of the time, before the restriction is solved
CLOUDS = 5  # up to which each set of clouds has its own bound


class Trail(msgspec.Struct):
    """What a solve leaves for the next one: its prices and the ways that it has seen."""

    prices: Prices
    rows: list[str]
    ways: list[Way]


class Large:
    """One solve of a large problem: the search with its prices, and the dual with its own."""

    def __init__(self, problem: Problem, watch: Watch):
        self.problem, self.watch = problem, watch
        self.plain = tariff.plain(problem)
        self.dense = Dense(problem, tariff.marginal(problem, {}))
        self.search = Search(self.dense)
        self.order: Ints = baseline.order(self.dense)
        self.coupled = bool(len(self.dense.limit) or problem.pools)
        self.prices: Prices | None = None
        self.value = -math.inf
        self.left = sum(cost for _, cost in problem.fixed) / 1e6

    # -- plans --------------------------------------------------------------------------------------------

    def offer(self, method: str) -> None:
        """Show the search's plan to the watch."""
        plan = self.search.plan()
        self.watch.offer(plan, bill(self.problem, plan), method)

    def begin(self) -> None:
        """A first plan: every task as if every copy were there, then the copies for it, then both in turn."""
        self.search.open[:] = self.search.may
        self.search.refresh()
        self.search.place(self.order)
        self.search.open[:] = False
        self.polish("search")

    def fewer_clouds(self, search: Search) -> None:
        """Where clouds have a price, the best plan for every set of two clouds or more; one alone is a naive plan."""
        names = sorted({place.cloud for place in self.problem.sites} - {"onprem"})
        if not self.problem.per_cloud or len(names) > CLOUDS:
            return
        may = search.may
        for some in (s for many in range(2, len(names)) for s in combinations(names, many)):
            if not self.watch.go_on("fewer clouds"):
                return
            found = baseline.only(self.problem, search, some, None)
            search.may, search.extra = may, None
            if found.solution is not None and found.bill is not None:
                self.watch.offer(found.solution, found.bill, "fewer clouds")

    def polish(self, method: str, rounds: int = 4) -> None:
        """Improve what the search holds and offer it, again at the prices that it then pays on the margin."""
        keep_on = self._on(method)
        for item in range(len(self.problem.items)):
            self.search.copies(item)
        for _ in range(1 if self.plain else rounds):
            self.search.improve(self.order, keep_on)
            self.offer(method)
            if self.plain or not keep_on():
                return
            on, _faults = volumes(self.problem, self.search.plan())
            prices = tariff.marginal(self.problem, on)
            for at, meter in enumerate(self.problem.meters):
                if meter.capacity is not None and on[at] > meter.capacity:
                    prices[at] = 2.0 * max(prices[at], self.dense.prices[at], 1e-11)
            if np.array_equal(prices, self.dense.prices):
                return
            self.dense.reprice(prices)
            self.search.carry = carried(self.dense, np.float64)

    def _on(self, step: str) -> Callable[[], bool]:
        return lambda: self.watch.go_on(step)

    # -- bound --------------------------------------------------------------------------------------------

    def lower(self) -> None:
        """Begin with the bound, at lane prices that no plan can undercut; the search keeps its own."""
        low = self.dense
        if not self.plain:
            on, _faults = volumes(self.problem, self.search.plan())
            prices, left = tariff.under(self.problem, on)
            low = copy(self.dense)
            low.reprice(prices)
            self.left += left
        self.dual = Dual(low, carried(low, np.float32))

    def certify(self, prices: Prices) -> None:
        """Count prices as the best, and their bound as proven."""
        value = self.dual.certain(prices, self._clouds()) + self.left
        if self.value < value < math.inf:
            self.value, self.prices = value, prices
            rounded = len(self.problem.meters) + len(self.problem.pools) + 1  # each a micro-dollar at most in a bill
            self.watch.raise_bound(self.dual.safe(value) - rounded)

    def _clouds(self) -> list[tuple[float, Bools]]:
        """For each set of clouds that a plan may use: what it adds, and whether each site is in it."""
        clouds = np.array([place.cloud for place in self.problem.sites])
        names = sorted(set(clouds.tolist()) - {"onprem"})
        if not self.problem.per_cloud or len(names) > CLOUDS:
            return [(0.0, np.ones(len(clouds), dtype=bool))]
        return [
            (self.problem.per_cloud / 1e6 * max(0, many - 1), np.isin(clouds, [*some, "onprem"]))
            for many in range(len(names) + 1)
            for some in combinations(names, many)
        ]

    def target(self) -> float:
        best = self.watch.best
        return (self.value + abs(self.value) * 0.1 if best is None else best / 1e6) - self.left

    def ascend(self, prices: Prices, target: float, steps: int) -> Prices:
        found, _ = self.dual.ascend(prices, target, steps, lambda _value: self.watch.go_on("bound"))
        self.certify(found)
        return found

    def generate(self, master: Master, seconds: float, close: float) -> Relaxed | None:
        """Rounds of column generation until the master and the bound agree to ``close`` or the time is over."""
        end = self.watch.seconds + seconds
        relaxed: Relaxed | None = None
        for turn in range(ROUNDS):
            if self.prices is None:
                return relaxed
            known = (
                self.prices if self.coupled and turn % 2 else None
            )  # free copies make news, known prices make progress
            found = master.solve(max(1.0, end - self.watch.seconds), known, self._on("columns"))
            if found is None:
                return relaxed
            relaxed = found
            if self.coupled and len(master.ways) > MANY * len(self.problem.tasks):
                master.begin(found.used)
            answer = self.dual.answer(found.prices)
            new = master.add(master.better(answer))
            base, best, value = self.prices, self.prices, self.value - self.left
            for share in LEVELS:
                mixed = self.dual.lawful(base.mixed(found.prices, share))
                tried = self.dual.answer(mixed).value
                if tried > value:
                    best, value = mixed, tried
            if best is not base:
                self.certify(best)
            gap = found.cost + self.left - self.value
            if gap <= close * abs(found.cost) or self.watch.close:
                return relaxed
            if self.coupled:
                best = self.ascend(best, found.cost, AGAIN)
            new += master.add(master.better(self.dual.answer(best)))
            if not new or self.watch.seconds > end or not self.watch.go_on("columns"):
                return relaxed
        return relaxed

    def trail(self, ways: list[Way]) -> Trail | None:
        """What the next solve of much the same problem may begin with."""
        if self.prices is None:
            return None
        return Trail(self.prices, self.dense.names, ways)

    def settle(self, ways: Iterable[Way] = ()) -> Trail | None:
        """From prices to the end: column generation, a plan near the fractional optimum, the restriction, and more
        column generation with what time is left. ``ways`` are known to be good."""
        watch = self.watch
        master = Master(self.dual)
        master.add(ways)
        if watch.solution is not None:
            master.add(master.of(watch.solution))
        if self.prices is not None:
            master.add(master.better(self.dual.answer(self.prices)))
        close = COUPLED if self.coupled else watch.limits.gap / 5
        relaxed = self.generate(master, BOUND_SHARE * watch.limits.seconds, close)
        if relaxed is not None and not watch.close and watch.go_on("rounding"):
            self.round(relaxed)
            if self.coupled and not watch.close and watch.go_on("assignment"):
                self.assign(relaxed, 6)
            if not watch.close and watch.go_on("restricted"):
                self.restrict(relaxed, 1)
            if not watch.close and watch.go_on("columns"):
                self.generate(master, watch.left, watch.limits.gap / 5)
        return self.trail(master.ways)

    # -- restriction --------------------------------------------------------------------------------------

    def round(self, relaxed: Relaxed) -> None:
        """A plan near the fractional one: tasks that are nearly whole as they are, the rest where they are cheapest at
        the best prices and there is room, the most certain first; copies where half of one is."""
        search, chosen = self.search, self.dense.fastest(-relaxed.options)
        search.open[:] = (relaxed.copies > 0.5) & search.may
        for item in np.flatnonzero(~search.open.any(axis=1)).tolist():
            search.open[item, int(relaxed.copies[item].argmax())] = True
        search.clear()
        search.refresh()
        sure = relaxed.options[chosen]
        for task in np.flatnonzero(sure > SURE).tolist():
            search.put(task, int(chosen[task]))
        search.steer = self.dual.steer(relaxed.prices if self.prices is None else self.prices)
        search.place(
            np.array([task for task in np.argsort(-sure, kind="stable") if sure[task] <= SURE], dtype=np.int64)
        )
        search.steer = None
        self.polish("rounding")

    def assign(self, relaxed: Relaxed, near: int) -> None:
        """With the copies where they are, the best options for all tasks together: no flows are left in that model."""
        self.search.refresh()
        part = self.part(relaxed, near, SHARES[0])
        tasks = []
        for task, row in zip(part.problem.tasks, self.search.data, strict=True):
            there = [msgspec.structs.replace(o, cost=o.cost + round(float(row[o.site]) * 1e6)) for o in task.options]
            tasks.append(msgspec.structs.replace(task, options=tuple(there), flows=()))
        folded = msgspec.structs.replace(part.problem, tasks=tuple(tasks), items=(), meters=(), zones=())
        built = exact.build(folded)
        best = self.watch.solution
        hint = None if best is None else exact.hint(built, msgspec.structs.replace(part.within(best), copies=()))
        seconds = min(self.watch.left, ASSIGN * self.watch.limits.seconds)
        outcome = highs.run(built.model, seconds, ASSIGNED, self._on("assignment"), hint)
        if outcome.values is None:
            return
        self.search.clear()
        for at, (kept, columns) in enumerate(zip(part.options, built.x, strict=True)):
            values = [outcome.values[column] for column in columns]
            self.search.put(at, int(self.dense.first[at]) + kept[values.index(max(values))])
        self.polish("assignment")

    def restrict(self, relaxed: Relaxed, near: int) -> None:
        """Solve the exact model over what matters: as much of it as the model may hold."""
        for share in SHARES:
            part = self.part(relaxed, near, share)
            if exact.size(part.problem) <= SPELLED or share == SHARES[-1]:
                self.spell(part)
                return

    def part(self, relaxed: Relaxed, near: int, share: float) -> "Restriction":
        """What the fractional optimum uses more than ``share`` of, the ``near`` cheapest options at the best prices,
        and the best plan."""
        best = self.watch.solution
        cost = self.dual.answer(relaxed.prices if self.prices is None else self.prices).cost
        hold = self.dense.hold
        if best is not None and self.problem.per_cloud:  # which the prices do not see: stay with the best plan's
            used = [*clouds_used(self.problem, best), "onprem"]
            outside = np.array([place.cloud not in used for place in self.problem.sites], dtype=bool)
            cost, hold = cost + BIG * outside[self.dense.site], hold + BIG * outside
            near *= 4
        options, holds = [], []
        for at, (start, end) in enumerate(pairwise(self.dense.first.tolist())):
            kept = set(np.flatnonzero(relaxed.options[start:end] > share).tolist())
            kept |= set(np.argsort(cost[start:end], kind="stable")[:near].tolist())
            if best is not None:
                kept.add(best.choice[at])
            options.append(sorted(kept))
        for at, item in enumerate(self.problem.items):
            sites = set(np.flatnonzero(relaxed.copies[at] > share).tolist()) | set(item.pinned)
            if best is not None:
                sites |= set(best.copies[at])
            sites |= set(np.argsort(hold[at], kind="stable")[: item.copies].tolist())
            holds.append(sites)
        return Restriction(self.problem, options, holds)

    def spell(self, part: "Restriction") -> None:
        """The exact model of a restriction, from the best plan."""
        start = self.watch.solution
        built = exact.build(part.problem)
        hint = None if start is None else exact.hint(built, part.within(start))
        gap = max(self.watch.limits.gap / 5, 1e-5)
        outcome = highs.run(built.model, self.watch.left, gap, self._on("restricted"), hint)
        if outcome.values is not None:
            plan = part.whole(exact.read(part.problem, built, outcome.values))
            self.watch.offer(plan, bill(self.problem, plan), "restricted")


class Restriction:
    """A problem with fewer options and fewer sites for copies, and the way back."""

    def __init__(self, problem: Problem, options: list[list[int]], holds: Iterable[set[int]]):
        self.options = options
        tasks = tuple(_fewer(task, kept) for task, kept in zip(problem.tasks, options, strict=True))
        items = tuple(_narrow(item, sites) for item, sites in zip(problem.items, holds, strict=True))
        self.problem = msgspec.structs.replace(problem, tasks=tasks, items=items)

    def within(self, whole: Solution) -> Solution:
        """A plan of the whole problem as one of the restriction."""
        choice = tuple(kept.index(k) for kept, k in zip(self.options, whole.choice, strict=True))
        return msgspec.structs.replace(whole, choice=choice)

    def whole(self, part: Solution) -> Solution:
        """A plan of the restriction as one of the whole problem."""
        choice = tuple(kept[k] for kept, k in zip(self.options, part.choice, strict=True))
        return msgspec.structs.replace(part, choice=choice)


def _fewer(task: Task, kept: list[int]) -> Task:
    return msgspec.structs.replace(task, options=tuple(task.options[k] for k in kept))


def _narrow(item: Item, sites: set[int]) -> Item:
    return msgspec.structs.replace(item, hold=tuple(pair for pair in item.hold if pair[0] in sites))


def solve(problem: Problem, watch: Watch) -> Trail | None:
    """Fill the watch with a plan and a bound; what is left for the next solve."""
    large = Large(problem, watch)
    large.begin()
    search = Search(large.dense, large.search.carry)
    for naive in baseline.each(problem, search, partial(watch.go_on, "naive plans"), quick=True):
        if naive.solution is not None and naive.bill is not None:
            watch.offer(naive.solution, naive.bill, naive.name)
    large.fewer_clouds(search)
    large.lower()
    large.ascend(large.dual.start(), large.target(), ASCENT)
    return large.settle()
