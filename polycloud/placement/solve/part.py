"""Part of a plan decided anew while the rest stays: a small problem of its own, whose best plan fits into the whole.

What stays is in the small problem by what it leaves: quotas and meters without what it uses, promises beside its
usage, and its reads of the copies that may move. Prepaid money is not in it: what it pays depends on the whole.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from polycloud.placement.bill import volumes
from polycloud.placement.problem import Item, Meter, Option, Problem, Solution, Task

STAYS = "stays"


class Part(msgspec.Struct):
    """Which tasks may go to which of their options, and which items may have copies at which sites; where they are
    now is among them."""

    options: dict[int, list[int]]
    holds: dict[int, set[int]]


class Inside(msgspec.Struct):
    """The small problem and the present plan in it. Its first tasks and items are the part's, in order; ``flows`` are
    for each of its tasks the task of the whole and which of that task's flows it has."""

    problem: Problem
    now: Solution
    flows: list[tuple[int, list[int]]]

    def whole(self, plan: Solution, part: Part, small: Solution) -> Solution:
        """The whole plan with its part as decided; promises are as they were."""
        choice, copies = list(plan.choice), list(plan.copies)
        sources = [list(row) for row in plan.sources]
        for (task, kept), k in zip(part.options.items(), small.choice, strict=False):
            choice[task] = kept[k]
        for item, sites in zip(part.holds, small.copies, strict=False):
            copies[item] = sites
        for (task, flows), row in zip(self.flows, small.sources, strict=True):
            for flow, source in zip(flows, row, strict=True):
                sources[task][flow] = source
        return Solution(tuple(choice), tuple(copies), tuple(map(tuple, sources)), plan.promised)


def inside(problem: Problem, plan: Solution, part: Part) -> Inside:
    """The problem of a part of a plan."""
    return _Builder(problem, plan, part).build()


def beyond(meter: Meter, volume: int) -> Meter:
    """What a meter charges and carries beyond a volume."""
    tiers = [(max(0, start - volume), price) for start, price in meter.tiers]
    first = max(at for at, (start, _) in enumerate(tiers) if start == 0)
    left = None if meter.capacity is None else meter.capacity - volume
    return Meter(meter.name, tuple(tiers[first:]), left)


def _stays(site: int) -> Option:
    return Option(site, STAYS, STAYS, 1, 0)


class _Builder:
    """The tables of one small problem while it is put together."""

    def __init__(self, problem: Problem, plan: Solution, part: Part):
        self._problem, self._plan, self._part = problem, plan, part
        self._chosen = [task.options[k] for task, k in zip(problem.tasks, plan.choice, strict=True)]
        self._items = {item: at for at, item in enumerate(part.holds)}
        self._pools: dict[int, int] = {}
        self._quotas: dict[int, int] = {}
        self._tasks: list[Task] = []
        self._choice: list[int] = []
        self._flows: list[tuple[int, list[int]]] = []
        self._at: dict[int, int] = {}

    def build(self) -> Inside:
        problem, part = self._problem, self._part
        for task, kept in part.options.items():
            for flow in problem.tasks[task].flows:
                self._items.setdefault(flow.item, len(self._items))
            options = tuple(self._option(problem.tasks[task].options[k]) for k in kept)
            self._add(task, list(range(len(problem.tasks[task].flows))), options, kept.index(self._plan.choice[task]))
        near = [n for n in problem.near if n.a in part.options or n.b in part.options]
        for task in self._bound({task for n in near for task in (n.a, n.b)}):
            flows = [at for at, flow in enumerate(problem.tasks[task].flows) if flow.item in part.holds]
            self._add(task, flows, (_stays(self._chosen[task].site),), 0)
        for wide in sorted(problem.wide, key=lambda wide: -len(wide.pools)):
            if any(pool in self._pools for pool in wide.pools):  # what the others leave of it depends on all of them
                for pool in wide.pools:
                    self._pools.setdefault(pool, len(self._pools))
        self._rest()
        small = msgspec.structs.replace(
            problem,
            tasks=tuple(self._tasks),
            items=tuple(self._item(item) for item in self._items),
            pools=tuple(problem.pools[pool] for pool in self._pools),
            wide=tuple(
                msgspec.structs.replace(wide, pools=tuple(self._pools[pool] for pool in wide.pools))
                for wide in problem.wide
                if any(pool in self._pools for pool in wide.pools)
            ),
            quotas=tuple(
                msgspec.structs.replace(problem.quotas[q], limit=problem.quotas[q].limit - self._taken[q])
                for q in self._quotas
            ),
            near=tuple(msgspec.structs.replace(n, a=self._at[n.a], b=self._at[n.b]) for n in near),
            credits=(),
            fixed=(),
            left_out=(),
        )
        now = Solution(
            tuple(self._choice),
            tuple(self._plan.copies[item] for item in self._items),
            tuple(tuple(self._plan.sources[task][flow] for flow in flows) for task, flows in self._flows),
            tuple(tuple(term.held for term in pool.terms) for pool in small.pools),
        )
        return Inside(self._metered(small, now), now, self._flows)

    def _metered(self, small: Problem, now: Solution) -> Problem:
        """With what meters charge beyond the volumes of all that stays."""
        if all(len(meter.tiers) == 1 and meter.capacity is None for meter in small.meters):
            return small
        every, mine = volumes(self._problem, self._plan)[0], volumes(small, now)[0]
        meters = tuple(beyond(meter, every[at] - mine[at]) for at, meter in enumerate(small.meters))
        return msgspec.structs.replace(small, meters=meters)

    def _option(self, option: Option) -> Option:
        pool = -1 if option.pool < 0 else self._pools.setdefault(option.pool, len(self._pools))
        quotas = tuple((self._quotas.setdefault(q, len(self._quotas)), units) for q, units in option.quotas)
        return msgspec.structs.replace(option, pool=pool, quotas=quotas)

    def _item(self, item: int) -> Item:
        """An item with the sites that it may have; one that is only read keeps the copies that it has."""
        row, has = self._problem.items[item], self._plan.copies[item]
        may = self._part.holds.get(item)
        if may is None:
            hold = tuple(pair for pair in row.hold if pair[0] in has)
            return msgspec.structs.replace(row, hold=hold, pinned=has)
        return msgspec.structs.replace(row, hold=tuple(pair for pair in row.hold if pair[0] in may))

    def _bound(self, near: set[int]) -> Iterable[int]:
        """The tasks that stay and yet matter: readers and writers of what may move, parts of the same workload, and
        what must be near."""
        part, tasks = self._part, self._problem.tasks
        groups = {tasks[task].group for task in part.options} - {-1}
        for at, task in enumerate(tasks):
            moved = at in near or task.group in groups or any(flow.item in part.holds for flow in task.flows)
            if moved and at not in part.options:
                yield at

    def _add(self, task: int, flows: list[int], options: tuple[Option, ...], choice: int) -> None:
        row = self._problem.tasks[task]
        inner = tuple(msgspec.structs.replace(row.flows[at], item=self._items[row.flows[at].item]) for at in flows)
        self._at[task] = len(self._tasks)
        self._tasks.append(msgspec.structs.replace(row, options=options, flows=inner))
        self._choice.append(choice)
        self._flows.append((task, flows))

    def _rest(self) -> None:
        """What all that stays uses of quotas and pools, and the clouds that it is in."""
        self._taken: Counter[int] = Counter()
        usage = {pool: [0] * len(self._problem.blocks) for pool in self._pools}
        sites = {site for item, at in enumerate(self._plan.copies) if item not in self._part.holds for site in at}
        for at, option in enumerate(self._chosen):
            if at in self._part.options:
                continue
            sites.add(option.site)
            for quota, units in option.quotas:
                self._taken[quota] += units
            if option.pool in usage:
                usage[option.pool] = [a + b for a, b in zip(usage[option.pool], option.hourly, strict=True)]
        stays = [
            msgspec.structs.replace(_stays(min(sites)), pool=self._pools[pool], hourly=tuple(hourly))
            for pool, hourly in usage.items()
            if any(hourly)
        ]
        if self._problem.per_cloud:
            stays += [_stays(site) for site in {self._problem.sites[site].cloud: site for site in sites}.values()]
        for option in stays:
            self._tasks.append(Task(STAYS, STAYS, (option,)))
            self._choice.append(0)
            self._flows.append((0, []))
