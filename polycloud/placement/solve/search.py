"""A local search over complete plans: tasks move given the copies, copies change given the tasks, until neither pays.

Everything that breaks a rule costs ``BIG`` for each unit, so that the search first becomes lawful and then cheap.
Prices per byte are the dense problem's; ``plan`` hands over to the exact bill.
"""

from collections.abc import Callable
from itertools import pairwise

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import Solution
from polycloud.placement.solve import promises
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.facility import BIG, Need, facilities
from polycloud.placement.solve.highs import Bools, Floats, Ints, np

SWEEPS = 60  # a search that still improves after so many sweeps gains next to nothing


class Search:
    """One plan in the making: ``choice`` by task (an index into all options), ``open`` by item and site."""

    def __init__(self, dense: Dense, carry: Floats | None = None):
        self.dense = dense
        problem = dense.problem
        self.carry = carried(dense) if carry is None else carry
        self.limit = np.append(dense.limit, np.inf)
        self.pool = np.where(dense.pool < 0, len(problem.pools), dense.pool)
        self.choice: Ints = np.full(len(problem.tasks), -1, dtype=np.int64)
        self.open = np.zeros((len(problem.items), dense.sites), dtype=bool)
        self.may = np.isfinite(dense.hold)
        self.row_used = np.zeros(len(self.limit))
        self.usage = np.zeros((len(problem.pools) + 1, len(problem.blocks)))
        self.terms = _terms(dense)
        self.wide = [
            (wide.held / MILLION, np.isin(np.arange(len(problem.pools) + 1), wide.pools)) for wide in problem.wide
        ]
        self.clouds = np.array([place.cloud for place in problem.sites])
        self.data = np.zeros((len(problem.tasks), dense.sites))
        self._flow = np.zeros((len(dense.volume), dense.sites))
        self.options = [_Options(self, slice(*ends)) for ends in pairwise(dense.first.tolist())]
        self.extra: Floats | None = None  # costs of options that steer and nobody pays
        self.steer: Floats | None = None  # what rows and promises are worth at known prices, instead of what they add

    # -- costs --------------------------------------------------------------------------------------------

    def pool_cost(self, pools: Ints, usage: Floats) -> Floats:
        """What promises add at best for usage (n, blocks) of pools (n)."""
        terms, hours = self.terms, self.dense.blocks
        levels, paid, least = np.ascontiguousarray(usage.T), terms.keep[pools, 0] * hours.sum(), np.zeros(len(pools))
        for level in levels:  # with one open term the best level is the usage of some block, or nothing
            np.minimum(least, paid * level - hours @ np.minimum(levels, level), out=least)
        odd = np.flatnonzero(terms.odd[pools])
        if len(odd):
            least[odd] = self._odd_cost(pools[odd], usage[odd])
        return least

    def _odd_cost(self, pools: Ints, usage: Floats) -> Floats:
        terms, hours = self.terms, self.dense.blocks
        keep, room, whole = terms.keep[pools], terms.room[pools], terms.whole[pools][:, None]
        total = hours.sum()
        out = terms.paid[pools] * total - (hours * np.minimum(usage, whole)).sum(axis=1)
        level, below = np.sort(usage, axis=1), np.zeros_like(usage)
        below[:, 1:] = level[:, :-1]
        covered = hours[usage.argsort(axis=1)][:, ::-1].cumsum(axis=1)[:, ::-1]  # hours that use more than ``below``
        for term in range(keep.shape[1]):  # the cheapest first, each up to the level that no longer pays
            gain = covered - keep[:, term, None] * total
            top = np.where(gain > 0, level, 0.0).max(axis=1, initial=0.0)[:, None]
            end = np.maximum(whole, np.minimum(top, whole + room[:, term, None]))
            out -= (gain * np.maximum(0.0, np.minimum(level, end) - np.maximum(below, whole))).sum(axis=1)
            whole = end
        return np.asarray(out, dtype=np.float64)

    def refresh(self) -> None:
        """Recompute what each task's data cost at each site, given the copies."""
        self.data = np.zeros_like(self.data)
        self._flow[:] = 0.0
        for item in range(len(self.open)):
            self.reach(item)

    def reach(self, item: int) -> None:
        """Recompute what an item costs its tasks at each site, given its copies."""
        dense = self.dense
        flows = dense.flows_of_item[item]
        if not flows:
            return
        at = np.flatnonzero(self.open[item])
        part = self.carry[flows][:, at] if len(at) else np.full((len(flows), 1, dense.sites), BIG)
        part = np.minimum(part, BIG)
        cost = np.where(dense.write[flows][:, None], part.sum(axis=1), part.min(axis=1))
        np.add.at(self.data, dense.flow_task[flows], cost - self._flow[flows])
        self._flow[flows] = cost

    def total(self) -> float:
        """USD for the plan at these prices, where no promises are wide; what is broken counts as well."""
        dense, problem = self.dense, self.dense.problem
        sites = dense.site[self.choice]
        cost = dense.own[self.choice].sum() + self.data[np.arange(len(sites)), sites].sum()
        cost += dense.hold[self.open].sum() + self.pool_cost(np.arange(len(problem.pools)), self.usage[:-1]).sum()
        cost += BIG * np.maximum(0.0, self.row_used - self.limit).sum()
        if problem.per_cloud:
            clouds = {*self.clouds[sites], *self.clouds[self.open.any(axis=0)]} - {"onprem"}
            cost += problem.per_cloud / MILLION * max(0, len(clouds) - 1)
        return float(cost)

    # -- moves --------------------------------------------------------------------------------------------

    def put(self, task: int, k: int, sign: float = 1.0) -> None:
        """Count an option in (or out, with sign -1)."""
        self.row_used[self.dense.row_of[k]] += sign * self.dense.row_value[k]  # only the row without limit comes twice
        self.usage[self.pool[k]] += sign * self.dense.hourly[k]
        self.choice[task] = k if sign > 0 else -1

    def marginal(self, task: int) -> Floats:
        """What each option of a task that is not placed would add."""
        own = self.options[task]
        cost: Floats = own.cost + self.data[task][own.site]
        if self.extra is not None:
            cost += self.extra[own.part]
        if self.steer is not None:
            cost += self.steer[own.part]
        elif len(self.dense.problem.pools):
            before = self.usage[own.pool]
            usage = np.concatenate([before, before + own.hourly])
            now, then = self.pool_cost(own.pools, usage).reshape(2, -1)
            added = then - now
            for held, inside in self.wide:  # its own promise or this one, about: the bill knows
                free = np.maximum(0.0, held - self.usage[inside].sum(axis=0))
                saved = (self.dense.blocks * np.minimum(free, own.hourly)).sum(axis=1)
                added = np.where(inside[own.pool], np.minimum(added, -saved), added)
            cost += np.where(own.loose, 0.0, added)
        for rows, value, limit in own.rows:
            over = self.row_used[rows] - limit
            cost += BIG * (np.maximum(0.0, over + value) - np.maximum(0.0, over))
        return cost

    def place(self, order: Ints) -> None:
        """Place tasks one by one, each where it adds least."""
        for task in order.tolist():
            self.put(task, int(self.dense.first[task] + self.marginal(task).argmin()))

    def clear(self) -> None:
        """Take every task out."""
        for task in np.flatnonzero(self.choice >= 0).tolist():
            self.put(task, int(self.choice[task]), -1.0)

    def sweep(self, order: Ints, go_on: Callable[[], bool]) -> bool:
        """Let each task move to where it adds least; True when one did."""
        moved = False
        for task in order:
            old = int(self.choice[task])
            self.put(int(task), old, -1.0)
            cost = self.marginal(int(task))
            best = int(cost.argmin())
            at = old - int(self.dense.first[task])
            if cost[best] < cost[at] - 1e-6:
                self.put(int(task), int(self.dense.first[task]) + best)
                moved = True
            else:
                self.put(int(task), old)
            if not go_on():
                break
        return moved

    def copies(self, item: int) -> bool:
        """Improve the copies of one item for where its readers and writers are; True when something changed."""
        dense, problem = self.dense, self.dense.problem.items[item]
        flows = np.array(dense.flows_of_item[item], dtype=np.int64)
        here = dense.site[self.choice[dense.flow_task[flows]]]
        carry = np.minimum(self.carry[flows, :, here], BIG)
        write = dense.write[flows]
        fixed = np.where(self.may[item], dense.hold[item], BIG) + carry[write].sum(axis=0)
        most = dense.sites if problem.copies_most is None else problem.copies_most
        need = Need(problem.copies, most, np.isin(np.arange(dense.sites), problem.pinned))
        before = self.open[item].copy()
        self.open[item] = facilities(fixed, carry[~write], before, self.may[item], need)
        return bool((before != self.open[item]).any())

    def improve(self, order: Ints, go_on: Callable[[], bool]) -> None:
        """Sweeps over tasks and items until nothing improves or the time is over."""
        self.refresh()
        for _ in range(SWEEPS):
            moved = self.sweep(order, go_on)
            changed = [item for item in range(len(self.open)) if self.copies(item)]
            for item in changed:
                self.reach(item)
            if not (moved or changed) or not go_on():
                return

    def state(self) -> tuple[Ints, Floats, Floats, Bools]:
        """What ``back`` needs."""
        return self.choice.copy(), self.row_used.copy(), self.usage.copy(), self.open.copy()

    def back(self, state: tuple[Ints, Floats, Floats, Bools]) -> None:
        """The plan as it was."""
        changed = np.flatnonzero((self.open != state[3]).any(axis=1)).tolist()
        self.choice, self.row_used, self.usage, self.open = state
        for item in changed:
            self.reach(item)

    # -- plan ---------------------------------------------------------------------------------------------

    def chosen(self, solution: Solution) -> Ints:
        """A plan's ``choice`` as this search counts options."""
        return self.dense.first[:-1] + np.array(solution.choice, dtype=np.int64)

    def take(self, solution: Solution) -> None:
        """Start from a plan."""
        self.clear()
        self.open[:] = False
        for item, sites in enumerate(solution.copies):
            self.open[item, list(sites)] = True
        self.refresh()
        for task, k in enumerate(self.chosen(solution).tolist()):
            self.put(task, k)

    def plan(self) -> Solution:
        """The plan, with the cheapest sources at the dense problem's prices and the cheapest promises."""
        dense, problem = self.dense, self.dense.problem
        choice = tuple(int(k - dense.first[task]) for task, k in enumerate(self.choice))
        copies = tuple(tuple(int(s) for s in np.flatnonzero(row)) for row in self.open)
        sources = []
        for task, flows in enumerate(dense.flows_of_task):
            here, found = int(dense.site[self.choice[task]]), []
            for flow in flows:
                sites = copies[int(dense.flow_item[flow])]
                if dense.write[flow] or not sites:
                    found.append(-1)
                else:
                    way = dense.way[problem.items[int(dense.flow_item[flow])].zone]
                    found.append(min(sites, key=lambda s: (way[s, here], s)))
            sources.append(tuple(found))
        return promises.promised(problem, Solution(choice, copies, tuple(sources)))


def carried(dense: Dense) -> Floats:
    """USD for each flow, copy site and task site; infinite where there is no way or there may be no copy."""
    found = np.full((len(dense.volume), dense.sites, dense.sites), np.inf)
    for at in range(len(dense.volume)):
        way = dense.way[dense.problem.items[dense.flow_item[at]].zone]
        way = way.T if dense.write[at] else way
        reach = np.isfinite(way) & np.isfinite(dense.hold[dense.flow_item[at]])[:, None]
        found[at][reach] = way[reach] * dense.volume[at]
    return found


class _Options:
    """The options of one task: what of the dense problem is asked for whenever they are compared. ``loose``: those
    without a pool; ``rows`` has row, value and limit of each kind of limit."""

    def __init__(self, search: Search, part: slice):
        dense = search.dense
        self.part, self.cost, self.site, self.hourly = part, dense.own[part], dense.site[part], dense.hourly[part]
        self.pool = search.pool[part]
        self.pools = np.concatenate([self.pool, self.pool])
        self.loose = dense.pool[part] < 0
        self.rows = [
            (rows, value, search.limit[rows])
            for rows, value in zip(dense.row_of[part].T, dense.row_value[part].T, strict=True)
        ]


class _Terms:
    """By pool and slot, the cheapest first. ``odd``: pools where something is held or may not be promised at will; of
    the others only the cheapest term counts."""

    def __init__(self, keep: Floats, held: Floats, most: Floats):
        self.keep, self.room = keep, most - held
        self.whole, self.paid = held.sum(axis=1), (keep * held).sum(axis=1)
        self.odd: Bools = (held + np.isfinite(most)).sum(axis=1) > 0


def _terms(dense: Dense) -> _Terms:
    """The terms of each pool, the cheapest first, padded with promises that cost more than they cover."""
    pools = dense.problem.pools
    width = max([1, *(len(pool.terms) for pool in pools)])
    keep = np.full((len(pools) + 1, width), 2.0)
    held, most = np.zeros((len(pools) + 1, width)), np.full((len(pools) + 1, width), np.inf)
    for at, pool in enumerate(pools):
        for slot, term in enumerate(sorted(pool.terms, key=lambda term: term.keep_ppm)):
            keep[at, slot], held[at, slot] = term.keep_ppm / MILLION, term.held / MILLION
            most[at, slot] = np.inf if term.most is None else term.most / MILLION
    return _Terms(keep, held, most)
