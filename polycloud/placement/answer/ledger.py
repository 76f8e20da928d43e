"""A plan that can be asked "what if this part of it were different?" without adding up everything anew.

Exact: a change's total and faults are those that ``bill`` finds for the changed plan. Only what the change touches
is computed, so a thousand tasks can each be tried at sixty places.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from polycloud.placement.bill import bill, charges, commitment_cost, credit_costs, price, rest, used, wide_costs
from polycloud.placement.problem import Credit, Flow, Option, Problem, Solution
from polycloud.placement.solve.promises import beside, best


class Change(NamedTuple):
    """Another option for some tasks and other copies of some items; sources follow at first-tier prices."""

    tasks: Mapping[int, int]
    items: Mapping[int, tuple[int, ...]]


class Outcome(NamedTuple):
    """The changed plan's total, micro-USD a month, every rule that it would newly break, and what changes by the
    bill's kinds of line."""

    total: int
    faults: tuple[str, ...]
    kinds: Counter[str]


class _Books(NamedTuple):
    """What adds up: bytes per meter, units per quota, uses per cloud, parts per (group, place), and by
    kind the sum of all that does not couple."""

    meters: defaultdict[int, int]
    quotas: defaultdict[int, int]
    clouds: defaultdict[str, int]
    groups: defaultdict[tuple[int, str], int]
    plain: defaultdict[str, int]
    missing: list[str]


class _Touch(NamedTuple):
    """Tasks that a change touches and does not move, and the books of all that it touches, as they are."""

    others: tuple[int, ...]
    before: _Books


KEPT_MOST = 1_000  # of them, by what is changed: one task is tried at many places, one after the other


class Ledger:
    """The books of one faultless plan."""

    def __init__(self, problem: Problem, solution: Solution) -> None:
        self.problem = problem
        self.solution = solution
        self.total = bill(problem, solution).total
        self.users: list[list[int]] = [[] for _ in problem.items]
        for index, task in enumerate(problem.tasks):
            for item in {flow.item for flow in task.flows}:
                self.users[item].append(index)
        self.near: list[list[int]] = [[] for _ in problem.tasks]
        for at, rule in enumerate(problem.near):
            self.near[rule.a].append(at)
            self.near[rule.b].append(at)
        self._prices: dict[int, list[list[int | None]]] = {}
        self._holds = [dict(item.hold) for item in problem.items]
        self._usage = used(problem, solution)
        self._all = self._book(range(len(problem.tasks)), (), range(len(problem.items)), solution)
        self._touches: dict[tuple[tuple[int, ...], tuple[int, ...]], _Touch] = {}
        self._own = [commitment_cost(problem, at, row, solution.promised[at]) for at, row in enumerate(self._usage)]
        self._shared = wide_costs(problem, rest(self._usage, solution.promised))
        self._charged = [charges(problem, solution, credit, self._all.meters) for credit in problem.credits]
        self._added = self._together(self._own, self._shared, self._charged)
        self._inside = {pool for wide in problem.wide for pool in wide.pools}

    def changed(self, change: Change) -> Solution:
        """The whole changed plan, with the cheapest promises in every pool whose usage changes."""
        problem, old = self.problem, self.solution
        choice, copies, sources = list(old.choice), list(old.copies), list(old.sources)
        for item, sites in change.items.items():
            copies[item] = sites
        for task, option in change.tasks.items():
            choice[task] = option
        for task, option in change.tasks.items():
            row = problem.tasks[task]
            here = row.options[option].site
            sources[task] = tuple(self._source(flow, here, copies[flow.item]) for flow in row.flows)
        for task in self._touch(change).others:
            row = problem.tasks[task]
            here = row.options[choice[task]].site
            said = list(sources[task])
            for n, flow in enumerate(row.flows):
                if flow.item in change.items:
                    said[n] = self._kept(flow, here, copies[flow.item], said[n])
            sources[task] = tuple(said)
        promised = list(old.promised)
        for pool, usage in self._usage_after(change).items():
            if problem.wide:
                usage = beside(problem, self._whole_usage(change), promised, pool)
            promised[pool] = best(problem.pools[pool], usage, problem.blocks)
        return Solution(tuple(choice), tuple(copies), tuple(sources), tuple(promised))

    def _whole_usage(self, change: Change) -> list[list[int]]:
        """The usage of every pool after a change."""
        after = self._usage_after(change)
        return [after.get(pool, usage) for pool, usage in enumerate(self._usage)]

    def _together(self, own: list[int], shared: list[int], charged: list[int]) -> int:
        """What all commitments add."""
        return sum(own) + sum(shared) + sum(credit_costs(self.problem, own, shared, charged))

    def _adds(self, change: Change, new: Solution, volumes: Mapping[int, int]) -> int:
        """What commitments add more after a change, with the volumes on the meters that it touches."""
        problem, own, shared = self.problem, list(self._own), self._shared
        after = self._usage_after(change)
        for pool, usage in after.items():
            own[pool] = commitment_cost(problem, pool, usage, new.promised[pool])
        if not self._inside.isdisjoint(after):
            shared = wide_costs(problem, rest(self._whole_usage(change), new.promised))
        charged = list(self._charged)
        for at, credit in enumerate(problem.credits):
            charged[at] += self._charged_more(change, credit, volumes)
        return self._together(own, shared, charged) - self._added

    def _charged_more(self, change: Change, credit: Credit, volumes: Mapping[int, int]) -> int:
        problem, old = self.problem, self.solution
        clouds = [place.cloud for place in problem.sites]
        more = 0
        for task, index in change.tasks.items():
            options = problem.tasks[task].options
            for option, sign in ((options[index], 1), (options[old.choice[task]], -1)):
                more += sign * option.cost if clouds[option.site] == credit.cloud else 0
        for item, sites in change.items.items():
            for copies, sign in ((sites, 1), (old.copies[item], -1)):
                more += sum(sign * self._holds[item][site] for site in copies if clouds[site] == credit.cloud)
        for meter, volume in volumes.items():
            if meter in credit.meters:
                more += problem.meters[meter].cost(volume) - problem.meters[meter].cost(self._all.meters[meter])
        return more

    def _usage_after(self, change: Change) -> dict[int, list[int]]:
        """The pools whose usage a change touches, with what is used then."""
        found: dict[int, list[int]] = {}
        for task, index in change.tasks.items():
            options = self.problem.tasks[task].options
            for option, sign in ((options[self.solution.choice[task]], -1), (options[index], 1)):
                if option.pool >= 0 and option.hourly:
                    usage = found.setdefault(option.pool, list(self._usage[option.pool]))
                    for block, hourly in enumerate(option.hourly):
                        usage[block] += sign * hourly
        return {pool: usage for pool, usage in found.items() if usage != self._usage[pool]}

    def outcome(self, change: Change) -> Outcome:
        """What the change costs and breaks."""
        problem, new = self.problem, self.changed(change)
        others, before = self._touch(change)
        after = self._book(change.tasks, others, change.items, new)
        kinds = Counter(after.plain)
        kinds.subtract(before.plain)
        faults = list(after.missing)
        volumes = {}
        for meter in before.meters.keys() | after.meters.keys():
            old = self._all.meters[meter]
            volume = old + after.meters.get(meter, 0) - before.meters.get(meter, 0)
            if volume == old:
                continue
            row, volumes[meter] = problem.meters[meter], volume
            kinds["transfer"] += row.cost(volume) - row.cost(old)
            if row.capacity is not None and volume > row.capacity:
                faults.append(f"{row.name} carries {volume} bytes a month of {row.capacity}")
        if problem.wide or problem.credits:
            kinds["commitment"] += self._adds(change, new, volumes)
        else:
            for pool, usage in self._usage_after(change).items():
                kinds["commitment"] += commitment_cost(problem, pool, usage, new.promised[pool]) - self._own[pool]
        if problem.per_cloud:
            clouds = self._extra_clouds(before.clouds, after.clouds) - self._extra_clouds({}, {})
            kinds["complexity"] += problem.per_cloud * clouds
        faults += self._broken(before, after, new, change)
        return Outcome(self.total + kinds.total(), tuple(faults), kinds)

    def _extra_clouds(self, before: Mapping[str, int], after: Mapping[str, int]) -> int:
        """Clouds beyond the first when ``before`` has made way for ``after``."""
        now = self._all.clouds
        clouds = now.keys() | after.keys()
        count = sum(1 for name in clouds if now.get(name, 0) + after.get(name, 0) - before.get(name, 0) > 0)
        return max(count - 1, 0)

    def _touch(self, change: Change) -> _Touch:
        key = tuple(change.tasks), tuple(change.items)
        found = self._touches.get(key)
        if found is None:
            others = {task for item in change.items for task in self.users[item]}.difference(change.tasks)
            before = self._book(change.tasks, others, change.items, self.solution)
            if len(self._touches) >= KEPT_MOST:
                self._touches.clear()
            found = self._touches[key] = _Touch(tuple(sorted(others)), before)
        return found

    def _rates(self, item: int) -> list[list[int | None]]:
        """First-tier prices of an item's lanes, from site to site; None where there is none."""
        zone = self.problem.items[item].zone
        if zone not in self._prices:
            lanes = self.problem.zones[zone].lanes
            self._prices[zone] = [
                [None if lane is None else price(self.problem, lane) for lane in row] for row in lanes
            ]
        return self._prices[zone]

    def _source(self, flow: Flow, here: int, copies: Iterable[int]) -> int:
        if flow.write:
            return -1
        rates = self._rates(flow.item)
        ways = [(rate, site) for site in copies if (rate := rates[site][here]) is not None]
        return min(ways)[1] if ways else -1

    def _kept(self, flow: Flow, here: int, copies: Collection[int], now: int) -> int:
        """The source that it has, unless that is gone or another is cheaper at first-tier prices."""
        found = self._source(flow, here, copies)
        if flow.write or found < 0 or now not in copies:
            return found
        rates = self._rates(flow.item)
        kept, other = rates[now][here], rates[found][here]
        return found if kept is None or (other is not None and other < kept) else now

    def _book(self, tasks: Iterable[int], others: Iterable[int], items: Collection[int], plan: Solution) -> _Books:
        """What ``tasks`` and ``items`` bring, and what ``others`` read from and write to ``items``."""
        problem = self.problem
        books = _Books(defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(int), defaultdict(int), [])
        for index in tasks:
            task, option = problem.tasks[index], problem.tasks[index].options[plan.choice[index]]
            self._book_option(books, option)
            if task.group >= 0:
                place = problem.sites[option.site]
                books.groups[task.group, place.cloud if task.apart == "cloud" else place.id] += 1
            for flow, source in zip(task.flows, plan.sources[index], strict=True):
                self._book_flow(books, flow, source, option.site, plan)
        for index in others:
            task = problem.tasks[index]
            here = task.options[plan.choice[index]].site
            for flow, source in zip(task.flows, plan.sources[index], strict=True):
                if flow.item in items:
                    self._book_flow(books, flow, source, here, plan)
        for index in items:
            item = problem.items[index]
            for site in plan.copies[index]:
                books.plain["storage"] += self._holds[index][site]
                books.clouds[problem.sites[site].cloud] += problem.sites[site].cloud != "onprem"
                if item.origin not in (-1, site):
                    self._carry(books, index, item.origin, site, item.feed, item.moving(site))
        return books

    def _book_flow(self, books: _Books, flow: Flow, source: int, here: int, plan: Solution) -> None:
        if flow.write:
            for site in plan.copies[flow.item]:
                self._carry(books, flow.item, here, site, flow.volume)
        else:
            self._carry(books, flow.item, source, here, flow.volume)

    def _book_option(self, books: _Books, option: Option) -> None:
        place = self.problem.sites[option.site]
        books.plain["compute"] += option.cost
        books.plain["penalty"] += option.penalty
        books.clouds[place.cloud] += place.cloud != "onprem"
        for quota, units in option.quotas:
            books.quotas[quota] += units

    def _carry(self, books: _Books, item: int, start: int, end: int, volume: int, first: int = 0) -> None:
        problem = self.problem
        lane = problem.zones[problem.items[item].zone].lanes[start][end] if start >= 0 else None
        if lane is None:
            where = problem.sites[start].id if start >= 0 else "any copy"
            books.missing.append(f"{problem.items[item].name}: no way from {where} to {problem.sites[end].id}")
            return
        for meter in lane.meters:
            books.meters[meter] += volume
        for meter in problem.filling(lane) if first else ():
            books.meters[meter] += first

    def _broken(self, before: _Books, after: _Books, new: Solution, change: Change) -> list[str]:
        problem = self.problem
        found = []
        for quota in after.quotas:
            units = self._all.quotas[quota] + after.quotas[quota] - before.quotas.get(quota, 0)
            if units > problem.quotas[quota].limit:
                found.append(f"{problem.quotas[quota].name}: {units} of {problem.quotas[quota].limit}")
        found += [
            f"parts of one workload share {key[1]}"
            for key in after.groups
            if self._all.groups[key] + after.groups[key] - before.groups.get(key, 0) > 1
        ]
        for rule in {at for task in change.tasks for at in self.near[task]}:
            near = problem.near[rule]
            a, b = (problem.tasks[t].options[new.choice[t]].site for t in (near.a, near.b))
            if b not in near.close[a]:
                found.append(f"{problem.tasks[near.a].name} is not near {problem.tasks[near.b].name}")
        for index, sites in change.items.items():
            item = problem.items[index]
            if len(sites) < item.copies or (item.copies_most is not None and len(sites) > item.copies_most):
                found.append(f"{item.name} has {len(sites)} copies")
            if not set(item.pinned) <= set(sites):
                found.append(f"{item.name} must stay where it is pinned")
        return found
