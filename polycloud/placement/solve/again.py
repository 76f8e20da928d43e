"""Solving much the same problem again: the old plan and the old prices, carried over by name, are nearly right."""

import msgspec

from polycloud.placement.bill import with_sources
from polycloud.placement.problem import Option, Problem, Solution
from polycloud.placement.solve import exact, promises, solving
from polycloud.placement.solve.columns import Way
from polycloud.placement.solve.dual import Prices
from polycloud.placement.solve.highs import Ints, np
from polycloud.placement.solve.large import GENTLE, Large, Trail
from polycloud.placement.solve.result import USUAL, Limits, Report, Solved, Watch

STEPS = 80, 150  # of dual ascent to make good what the change did to the prices, and again when that did not do
WORSE = 1.5  # a gap so many times wider than before is good enough: closing the rest takes longest
SHARE = 6  # of the time that a solve from nothing may take; who has more time asks for that
FEW = 3e-3  # a gap that is not worth more work when the old one was narrower


def resolve(
    problem: Problem, changed: Problem, previous: Solved, limits: Limits = USUAL, report: Report | None = None
) -> Solved:
    """Solve ``changed``, beginning where the solve of ``problem`` ended; tasks, items, sites, machines, quotas and
    pools are the same where they have the same name. The answer is given when it is proven to be within what
    ``limits`` ask for, within 0.3 %, or at most half as far again from the optimum as the previous one was; for a
    large problem whose tasks are coupled also when small pieces put back anew no longer pay."""
    if previous.solution is None or not all(task.options for task in changed.tasks):
        return solving.solve(changed, limits, report=report)
    names = _Names(problem, changed)
    if not isinstance(previous.trail, Trail) or exact.size(changed) <= solving.SMALL:
        return solving.solve(changed, limits, names.plan(previous.solution), report)
    watch = Watch(msgspec.structs.replace(limits, seconds=limits.seconds / SHARE), report)
    trail: Trail | None = None
    try:
        trail = _retrace(Large(changed, watch), names, previous.solution, previous.trail, previous.gap)
    except KeyboardInterrupt:
        watch.stop()
    if watch.solution is None and not watch.stopped:
        return solving.solve(
            changed, msgspec.structs.replace(limits, seconds=limits.seconds - watch.seconds), report=report
        )
    floor = solving.floor(changed) if watch.bound is None else watch.bound
    return msgspec.structs.replace(watch.solved(floor), trail=trail)


def _retrace(large: Large, names: "_Names", plan: Solution, trail: Trail, gap: float) -> Trail | None:
    """The old plan where it still fits and the rest where it is cheapest at the old prices; then a little ascent and
    small pieces anew where the plan is furthest from its bound; where that does not do and tasks are coupled, more
    ascent, a plan by the new prices, and pieces again. What is still too wide then is closed only where that is quick:
    where nothing couples tasks, or the model is not large."""
    watch = large.watch
    tasks = _begin(large, names, plan)
    large.lower()
    prices = large.dual.lawful(names.prices(trail, large.dual.start(), large.dense.names))
    for task in tasks.tolist():
        large.search.put(task, int(large.search.choice[task]), -1.0)
    large.settle_in(tasks, prices)
    large.search.sweep(large.order, lambda: True)
    large.offer("carried over")
    if watch.solution is None or not large.plain:
        large.polish("carried over")
    large.certify(prices)
    allowed = max(watch.limits.gap, gap * WORSE, FEW)
    if watch.within(allowed) or not watch.go_on("bound"):
        return large.trail([])
    for steps in STEPS if large.coupled else STEPS[:1]:
        ascent = large.ascend(prices, steps, GENTLE, allowed)
        if steps == STEPS[-1] and not watch.within(allowed):
            large.spread()
        large.recreate(allowed)
        if watch.within(allowed) or not watch.go_on("bound"):
            return large.trail([])
    if not large.coupled:
        return large.settle([way for old in trail.ways if (way := names.way(old)) is not None])
    if exact.size(large.problem) <= solving.SPELLED:
        return large.refine(ascent, allowed)
    return large.trail([])


def _begin(large: Large, names: "_Names", plan: Solution) -> Ints:
    """Put the old plan into the search, and what is new or has lost its place anywhere: those tasks."""
    search, dense = large.search, large.dense
    choices = names.choices(plan)
    lost = np.array([task for task, index in enumerate(choices) if index is None], dtype=np.int64)
    for task, index in enumerate(choices):
        if index is not None:
            search.put(task, int(dense.first[task]) + index)
    for item, sites in enumerate(names.copies(plan)):
        search.open[item, sites] = True
    search.refresh()
    search.place(lost)
    for item in names.fewer(plan):
        search.copies(item)
    return lost


class _Names:
    """What of a problem is what in the changed one."""

    def __init__(self, old: Problem, new: Problem):
        self._old, self._new = old, new
        self._site = _match([place.id for place in old.sites], [place.id for place in new.sites])
        self._task = _match([task.name for task in old.tasks], [task.name for task in new.tasks])
        self._item = _match([item.name for item in old.items], [item.name for item in new.items])
        self._start = np.cumsum([0] + [len(task.options) for task in new.tasks]).tolist()
        self._begin = np.cumsum([0] + [len(task.options) for task in old.tasks]).tolist()
        self._options: dict[int, dict[tuple[int, str, str], int]] = {}
        self._old_task = {new_at: old_at for old_at, new_at in self._task.items()}
        self._old_item = {new_at: old_at for old_at, new_at in self._item.items()}

    def choices(self, plan: Solution) -> list[int | None]:
        """For each task of the changed problem the option that it had, if it is still there."""
        return [self._option(self._old_task.get(at), at, plan) for at in range(len(self._new.tasks))]

    def copies(self, plan: Solution) -> list[list[int]]:
        """For each item of the changed problem the sites that it had and may still have."""
        found = []
        for at, item in enumerate(self._new.items):
            old = self._old_item.get(at)
            may = {site for site, _ in item.hold}
            had = [] if old is None else [self._site[s] for s in plan.copies[old] if s in self._site]
            found.append([site for site in had if site in may])
        return found

    def fewer(self, plan: Solution) -> list[int]:
        """The items of the changed problem that are new or have lost a copy."""
        had = {at: len(plan.copies[old]) for at, old in self._old_item.items()}
        return [at for at, now in enumerate(self.copies(plan)) if len(now) < had.get(at, 1)]

    def plan(self, plan: Solution) -> Solution | None:
        """The old plan in the new numbering, if all of it is still there."""
        choices = self.choices(plan)
        copies = tuple(tuple(sorted(sites)) for sites in self.copies(plan))
        if any(k is None for k in choices):
            return None
        whole = with_sources(self._new, tuple(k for k in choices if k is not None), copies)
        return promises.promised(self._new, whole)

    def way(self, old: Way) -> Way | None:
        """A way in the new numbering, if it is still there with as many flows."""
        task = int(np.searchsorted(self._begin, old[0], side="right")) - 1
        at = self._task.get(task)
        if at is None or len(self._new.tasks[at].flows) != len(old) - 1:
            return None
        option = self._old.tasks[task].options[old[0] - self._begin[task]]
        k = self._find(at, option)
        sites = [self._site.get(site) for site in old[1:]]
        items = [{site for site, _ in self._new.items[flow.item].hold} for flow in self._new.tasks[at].flows]
        if k is None or any(site is None or site not in may for site, may in zip(sites, items, strict=True)):
            return None
        return (self._start[at] + k, *(site for site in sites if site is not None))

    def prices(self, trail: Trail, new: Prices, rows: list[str]) -> Prices:
        """The old prices in the new numbering; ``new`` where there are none."""
        copy, row, cover = new.copy.copy(), new.row.copy(), new.cover.copy()
        sites = np.array(list(self._site.items()), dtype=np.int64).reshape(-1, 2)
        flows = _match(_flows(self._old), _flows(self._new))
        for old, at in flows.items():
            copy[at, sites[:, 1]] = trail.prices.copy[old, sites[:, 0]]
        for old, at in _match(trail.rows, rows).items():
            row[at] = trail.prices.row[old]
        pools = _match([pool.name for pool in self._old.pools], [pool.name for pool in self._new.pools])
        if self._old.blocks == self._new.blocks:
            for old, at in pools.items():
                cover[at] = trail.prices.cover[old]
        return Prices(copy, row, cover)

    def _option(self, old: int | None, new: int, plan: Solution) -> int | None:
        if old is None:
            return None
        return self._find(new, self._old.tasks[old].options[plan.choice[old]])

    def _find(self, task: int, old: Option) -> int | None:
        """The first option of a task of the changed problem that is an old one."""
        if task not in self._options:
            every = list(enumerate(self._new.tasks[task].options))
            self._options[task] = {(o.site, o.machine, o.market): k for k, o in reversed(every)}
        return self._options[task].get((self._site.get(old.site, -1), old.machine, old.market))


def _match(old: list[str], new: list[str]) -> dict[int, int]:
    """Old index to new index of what has the same name; the second of a name to the second."""
    at: dict[str, list[int]] = {}
    for index, name in reversed(list(enumerate(new))):
        at.setdefault(name, []).append(index)
    return {index: at[name].pop() for index, name in enumerate(old) if at.get(name)}


def _flows(problem: Problem) -> list[str]:
    return [
        f"{task.name}\n{problem.items[flow.item].name}\n{flow.write}" for task in problem.tasks for flow in task.flows
    ]
