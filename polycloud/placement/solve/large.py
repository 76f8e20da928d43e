"""Problems too large to be spelled out: a search gives a plan, prices give a bound, and where they leave a choice a
small exact model decides.

1. Search: an instant plan.
2. Dual ascent: prices, a bound, and how an optimum that may split tasks and copies would place them.
3. Where tasks are coupled: a plan by these prices, then all tasks with the copies where they are, then small pieces
   anew, then one neighbourhood after the other, each decided exactly while the rest stays.
   Else: column generation, and the exact model over what its fractional optimum uses.
4. What time is left goes into larger neighbourhoods, or into the bound.
"""

import math
import random
from collections.abc import Callable, Iterable
from copy import copy
from functools import partial
from itertools import combinations, pairwise

import msgspec

from polycloud.placement.bill import bill, clouds_used, volumes
from polycloud.placement.problem import Problem
from polycloud.placement.solve import baseline, exact, highs, layers, neighbours, promises, tariff
from polycloud.placement.solve.columns import Master, Relaxed, Way
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.dual import Ascent, Dual, Prices
from polycloud.placement.solve.facility import BIG
from polycloud.placement.solve.highs import Bools, Floats, Ints, np
from polycloud.placement.solve.neighbours import Neighbours
from polycloud.placement.solve.part import Inside, Part, inside
from polycloud.placement.solve.recreate import Recreate
from polycloud.placement.solve.result import Watch
from polycloud.placement.solve.search import Search, carried

ASCENT = 500  # steps of dual ascent
ANEW, GENTLE = 2, 0.3  # how often again from the best prices, and how long their first steps are then
EACH = 10  # ways per task with which the first master problem begins
ROUNDS = 200
LEVELS = (0.05, 0.2, 0.6, 1.0)  # of the way from the best prices to the master's
SURE = 0.9  # a share of an option in the fractional optimum that is as good as all
SHARES = (1e-3, 1e-2, 3e-2, 1e-1)  # in the fractional optimum, from which an option or a copy may matter
SPELLED = 32_000  # columns for options and sources that the exact model over a restriction may have
BOUND_SHARE = 0.4  # of the time, before the restriction is solved
USED = 0.03  # of recent answers, from which an option or a copy is open to a neighbourhood
NEAR = (5, 4)  # cheapest options and sites that are open to each task and item of a neighbourhood
ASSIGN, ASSIGN_SHARE = 20.0, 0.3  # seconds, and of the time, for all tasks with the copies where they are
TRIES = 400  # pieces put back anew between two looks at the bill
ANNEAL_SHARE, ANNEALED = 0.6, 100  # of the time, and pieces put back anew for each task, for annealing at most
SHOWN = 2.0  # seconds between two plans that annealing hands over: to price one exactly takes thirty tries
PAYS = 0.1  # of what the gap is too wide, that so many must gain to be followed by more
SECONDS = 3.0  # for one neighbourhood
MANY, FEWEST = 80, 20  # tasks of a neighbourhood at first, and at least
LARGER, SMALLER = 1.05, 0.8  # times as many tasks, after one without a better plan, and after one that took too long
NEARLY = 1e-6  # of a plan's cost, by which a bound in single precision may be too high
CLOUDS = 5  # up to which each set of clouds has its own bound


class Trail(msgspec.Struct):
    """What a solve leaves for the next one: its prices and the ways that it has seen."""

    prices: Prices
    rows: list[str]
    ways: list[Way]


class Large:
    """One solve of a large problem: the search with its prices, and the dual with its own."""

    def __init__(self, problem: Problem, watch: Watch):
        self.true, self.watch = problem, watch
        problem = self.problem = layers.spent(problem)
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
        self.watch.offer(plan, bill(self.true, plan), method)

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
            found = baseline.only(self.true, search, some, None)
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
            self.search.carry = carried(self.dense)

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
        self.dual = Dual(low, self.search.carry if self.plain else carried(low))

    def certify(self, prices: Prices) -> None:
        """Count prices as the best, and their bound as proven."""
        value = self.dual.certain(prices, self._clouds()) + self.left
        if self.value < value < math.inf:
            self.value, self.prices = value, prices
            self.watch.raise_bound(self.dual.safe(value) - layers.rounded(self.problem))

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

    def ascend(self, start: Prices, steps: int, long: float = 1.0, enough: float | None = None) -> Ascent:
        """Steps upwards from the best prices, or from ``start`` where there are none, until the bound is within
        ``enough`` of the best plan."""
        prices = start if self.prices is None else self.prices
        high, best = math.inf, self.watch.best
        if enough is not None and best is not None:
            high = (best - (enough - NEARLY) * abs(best)) / 1e6 - self.left
        found = self.dual.ascend(prices, steps, self._on("bound"), long, high)
        self.certify(found.prices)
        return found

    def generate(self, master: Master, seconds: float, close: float) -> Relaxed | None:
        """Rounds of column generation until the master and the bound agree to ``close`` or the time is over."""
        end = self.watch.seconds + seconds
        relaxed: Relaxed | None = None
        for _ in range(ROUNDS):
            if self.prices is None:
                return relaxed
            found = master.solve(max(1.0, end - self.watch.seconds), self._on("columns"))
            if found is None:
                return relaxed
            relaxed = found
            new = master.add(master.better(self.dual.answer(found.prices)))
            base, best, value = self.prices, self.prices, self.value - self.left
            for share in LEVELS:
                mixed = self.dual.lawful(base.mixed(found.prices, share))
                tried = self.dual.answer(mixed).value
                if tried > value:
                    best, value = mixed, tried
            if best is not base:
                self.certify(best)
            if found.cost + self.left - self.value <= close * abs(found.cost) or self.watch.close:
                return relaxed
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
        """From prices to the end, where nothing couples tasks: column generation, a plan near the fractional optimum,
        the exact model over what that uses, and more columns with what time is left. ``ways`` are known to be good."""
        watch = self.watch
        master = Master(self.dual)
        master.add(ways)
        if watch.solution is not None:
            master.add(master.of(watch.solution))
        if self.prices is not None:
            master.add(master.better(self.dual.answer(self.prices), EACH))
        relaxed = self.generate(master, BOUND_SHARE * watch.limits.seconds, watch.limits.gap / 2)
        if relaxed is not None and not watch.close and watch.go_on("rounding"):
            self.round(relaxed)
            if not watch.close and watch.go_on("restricted"):
                self.restrict(relaxed.options, relaxed.copies, watch.left)
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

    def spread(self) -> None:
        """A plan by prices alone: tasks where they and their data are cheapest and there is room, those first that
        have most to lose, then copies for them."""
        if self.prices is None:
            return
        self.search.clear()
        self.settle_in(np.arange(len(self.problem.tasks)), self.prices)
        self.search.open[:] = False
        self.polish("prices")

    def settle_in(self, tasks: Ints, prices: Prices) -> None:
        """Place tasks that are nowhere where they and their data are cheapest at prices."""
        search, dense = self.search, self.dense
        answer, steer = self.dual.answer(prices), self.dual.steer(prices)
        data = search.data.copy()
        search.data[:] = BIG
        search.data[dense.task, dense.site] = np.minimum(answer.cost - steer - dense.own, BIG)
        search.steer = steer
        ranked = [np.sort(answer.cost[start:end])[:2] for start, end in pairwise(dense.first.tolist())]
        lose = np.array([two[1] - two[0] if len(two) > 1 else BIG for two in ranked])
        search.place(tasks[np.argsort(-lose[tasks], kind="stable")])
        search.steer, search.data = None, data

    def restrict(self, options: Floats, copies: Floats, seconds: float) -> None:
        """The exact model over what a fractional optimum uses: as much of it as the model may hold."""
        every = list(range(len(self.problem.tasks))), list(range(len(self.problem.items)))
        for share in SHARES:
            part = self.part(every, options > share, copies > share, (1, 0))
            if part is None or self.watch.solution is None:
                return
            small = inside(self.problem, self.watch.solution, part)
            if exact.size(small.problem) <= SPELLED or share == SHARES[-1]:
                self.reopen(part, small, seconds, "restricted")
                return

    def recreate(self, enough: float) -> None:
        """Small pieces of the plan anew until the gap is ``enough`` or that no longer pays."""
        watch, search = self.watch, self.search
        pieces = self._pieces()
        while pieces is not None and not watch.within(enough) and watch.go_on("recreating"):
            if watch.solution is None or watch.bill is None or watch.bound is None:
                return
            before = watch.bill.total
            missing = (before - watch.bound / (1.0 - enough)) / 1e6
            search.take(watch.solution)
            pieces.run(search.total() - missing, TRIES, self._on("recreating"))
            self.offer("recreated")
            if (before - watch.bill.total) / 1e6 < PAYS * missing:
                return

    def anneal(self, seconds: float) -> None:
        """Small pieces of the plan anew, in which it may get dearer for a while, for so many seconds at most."""
        watch, begun, shown, tries = self.watch, self.watch.seconds, self.watch.seconds, 0
        pieces = self._pieces()
        if pieces is None or watch.solution is None:
            return
        most = ANNEALED * len(self.problem.tasks)

        def done() -> float:
            nonlocal tries
            tries += 1
            if watch.close or not watch.go_on("annealing"):
                return 1.0
            return max(tries / most, (watch.seconds - begun) / max(seconds, 1e-9))

        def better() -> None:
            nonlocal shown
            if watch.seconds - shown >= SHOWN:
                self.offer("annealing")
                shown = watch.seconds

        self.search.take(watch.solution)
        pieces.anneal(done, better)
        self.offer("annealing")

    def _pieces(self) -> Recreate | None:
        if self.prices is None:
            return None
        nearby = Neighbours(self.dense, random.Random(0))  # noqa: S311  no secret
        return Recreate(self.search, nearby, self.dual.answer(self.prices).cost, partial(self.lost, prices=self.prices))

    def assign(self, ascent: Ascent) -> None:
        """The best options for all tasks together, with the copies where they are."""
        every = self.part((list(range(len(self.problem.tasks))), []), ascent.options > USED, ascent.copies > USED, NEAR)
        best = self.watch.solution
        if every is not None and best is not None and self.watch.go_on("assignment"):
            seconds = min(ASSIGN, ASSIGN_SHARE * self.watch.limits.seconds)
            self.reopen(every, inside(self.problem, best, every), seconds, "assignment")
            self.search.take(self.watch.solution or best)
            self.polish("assignment")

    def refine(self, ascent: Ascent, enough: float) -> Trail | None:
        """From a plan and prices to the end, where tasks are coupled: one neighbourhood after the other is decided
        anew, larger ones when nothing is found, until the gap is ``enough``."""
        watch = self.watch
        used, kept = ascent.options > USED, ascent.copies > USED
        nearby = Neighbours(self.dense, random.Random(0))  # noqa: S311  no secret
        every, most = len(self.problem.tasks), max(self.dense.sites, *np.diff(self.dense.first).tolist())
        many, near = min(float(MANY), every), NEAR
        while not watch.within(enough) and watch.go_on("neighbours"):
            before = watch.solution
            if before is None or self.prices is None:
                break
            cost, chosen = self.dual.answer(self.prices).cost, self.search.chosen(before)
            worth = nearby.worth(chosen, cost, self.lost(chosen, self.prices)).cumsum()
            around = nearby.around(chosen, cost, worth, int(many))
            part = self.part(around, used, kept, near)
            if part is None:
                break
            if not self.reopen(part, inside(self.problem, before, part), SECONDS, "neighbours"):
                many = max(FEWEST, many * SMALLER)
            elif watch.solution is before:
                if many >= every:
                    if min(near) >= most:
                        break
                    near = near[0] * 2, near[1] * 2
                many = min(every, many * LARGER)
        return self.trail([])

    def lost(self, chosen: Ints, prices: Prices) -> Floats:
        """USD by pool that promises cost a plan beyond what they cost at prices."""
        dense, pools = self.dense, len(self.problem.pools)
        usage = np.zeros((pools + 1, len(dense.blocks)))
        np.add.at(usage, self.search.pool[chosen], dense.hourly[chosen])
        cost: Floats = self.search.pool_cost(np.arange(pools), usage[:-1]) + (prices.cover * usage[:-1]).sum(axis=1)
        return cost.clip(0.0)

    def part(self, among: tuple[list[int], list[int]], used: Bools, kept: Bools, near: tuple[int, int]) -> Part | None:
        """What a fractional optimum uses of some tasks and items, the ``near`` cheapest of each at the best prices,
        and where the best plan has them."""
        best = self.watch.solution
        if best is None or self.prices is None:
            return None
        answer = self.dual.answer(self.prices)
        cost, place = answer.cost, answer.place
        if self.problem.per_cloud:  # which the prices do not see: stay with the best plan's
            clouds = [*clouds_used(self.problem, best), "onprem"]
            outside = np.array([site.cloud not in clouds for site in self.problem.sites], dtype=bool)
            cost, place = cost + BIG * outside[self.dense.site], place + BIG * outside
            near = near[0] * 4, near[1]
        return neighbours.part(self.dense, best, among, (cost, used), (place, kept), near)

    def reopen(self, part: Part, small: Inside, seconds: float, step: str, finer: int = 5) -> bool:
        """Decide a part of the best plan anew, ``finer`` times as well as was asked for; False when the time was too
        short to prove it."""
        best = self.watch.solution
        if best is None:
            return True
        built, end = exact.build(small.problem), self.watch.seconds + seconds
        gap = max(self.watch.limits.gap / finer, 1e-5)
        hint = exact.hint(built, small.now)
        outcome = highs.run(built.model, min(seconds, self.watch.left), gap, self._on(step), hint)
        if outcome.values is not None:
            plan = small.whole(best, part, exact.read(small.problem, built, outcome.values))
            plan = promises.promised(self.problem, plan)
            self.watch.offer(plan, bill(self.true, plan), step)
        return self.watch.seconds < end


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
    start = large.dual.start()
    ascent = large.ascend(start, ASCENT)
    trail = None
    if large.coupled:
        large.spread()
        large.recreate(watch.limits.gap)
        large.assign(ascent)
        large.anneal(ANNEAL_SHARE * watch.left)
        for _ in range(0 if watch.close else ANEW):
            ascent = large.ascend(start, ASCENT, GENTLE)
    else:
        trail = large.settle()
    if large.coupled or not large.plain:
        found = large.refine(ascent, watch.limits.gap)
        trail = found if trail is None else trail
    return trail
