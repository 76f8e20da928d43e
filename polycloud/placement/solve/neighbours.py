"""Which tasks and items to decide anew together: those that want the same machines and use the same data."""

import random

from polycloud.placement.problem import Solution
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.highs import Bools, Floats, Ints, np
from polycloud.placement.solve.part import Part

READERS = 2  # of an item that are asked to come along
RIVALS = 6  # tasks that are asked to come along for each cell that a task is in or would rather be in
RATHER = 2  # cheapest options whose cells a task would rather be in
LEAST = 1e-3  # USD: so that every task can be drawn


class Neighbours:
    """Neighbourhoods of one problem. ``cell`` is what options share: a pool of promises, or else their first limit."""

    def __init__(self, dense: Dense, draw: random.Random):
        self._dense, self._draw = dense, draw
        self._readers = [sorted({int(dense.flow_task[f]) for f in flows}) for flows in dense.flows_of_item]
        nothing = -1 - np.arange(len(dense.own))
        row = dense.row_of[:, 0] if dense.row_of.shape[1] else np.full(len(dense.own), len(dense.limit))
        limited = np.where(row < len(dense.limit), len(dense.problem.pools) + row, nothing)
        self._cell = np.where(dense.pool >= 0, dense.pool, limited)

    def worth(self, chosen: Ints, cost: Floats, lost: Floats) -> Floats:
        """By task what keeps a plan from its bound: what its ``chosen`` option costs above the cheapest at best prices,
        ``cost`` by option, and its part of ``lost``, by pool what promises cost more than at these prices."""
        dense = self._dense
        pools = dense.pool[chosen]
        users = np.bincount(pools[pools >= 0], minlength=len(lost))
        share = np.append(lost / np.maximum(users, 1), 0.0)[pools]
        found: Floats = cost[chosen] - np.minimum.reduceat(cost, dense.first[:-1]) + share
        return found.clip(LEAST)

    def around(self, chosen: Ints, cost: Floats, worth: Floats, many: int) -> tuple[list[int], list[int]]:
        """About ``many`` tasks and their items, begun from tasks that keep the plan from its bound. ``worth`` is the
        running sum of ``worth``."""
        dense, draw = self._dense, self._draw
        cells = self._cell[chosen]
        tasks, items = set[int](), set[int]()
        queue: list[int] = []
        by_chance = draw.random() < 0.5
        while len(tasks) < min(many, len(worth)):
            if not queue:
                queue = [int(np.searchsorted(worth, draw.random() * worth[-1], side="right"))]
            task = queue.pop(draw.randrange(len(queue)) if by_chance else 0)
            if task in tasks:
                continue
            tasks.add(task)
            for flow in dense.flows_of_task[task]:
                item = int(dense.flow_item[flow])
                if item not in items:
                    items.add(item)
                    queue += self._some([t for t in self._readers[item] if t not in tasks], READERS)
            own = slice(dense.first[task], dense.first[task + 1])
            rather = dense.first[task] + np.argsort(cost[own], kind="stable")[:RATHER]
            for k in (chosen[task], *rather):
                rivals: Ints = np.flatnonzero(cells == self._cell[k])
                queue += self._some([t for t in rivals.tolist() if t not in tasks], RIVALS)
        return sorted(tasks), sorted(items)

    def piece(self, chosen: Ints, cost: Floats, task: int, many: int) -> list[int]:
        """A task and some of those that use the same data, are where it is or where it would rather be."""
        dense, draw = self._dense, self._draw
        own = slice(dense.first[task], dense.first[task + 1])
        rather = dense.first[task] + np.argpartition(cost[own], min(RATHER, own.stop - own.start) - 1)[:RATHER]
        cells = self._cell[chosen]
        groups = [self._readers[int(dense.flow_item[flow])] for flow in dense.flows_of_task[task]]
        groups += [np.flatnonzero(cells == self._cell[k]).tolist() for k in (chosen[task], *rather)]
        groups = [group for group in groups if group]
        return list({task, *(draw.choice(draw.choice(groups)) for _ in range(many - 1))})

    def _some(self, tasks: list[int], many: int) -> list[int]:
        return tasks if len(tasks) <= many else self._draw.sample(tasks, many)


def part(
    dense: Dense,
    plan: Solution,
    among: tuple[list[int], list[int]],
    options: tuple[Floats, Bools],
    copies: tuple[Floats, Bools],
    near: tuple[int, int],
) -> Part:
    """For some tasks and items the options and sites that are used, the ``near`` cheapest of each, and the plan's.
    ``options`` and ``copies`` are what each costs and whether it is used."""
    (tasks, items), (cost, used), (place, kept) = among, options, copies
    may: dict[int, list[int]] = {}
    for task in tasks:
        own = slice(dense.first[task], dense.first[task + 1])
        found = set(np.flatnonzero(used[own]).tolist()) | {plan.choice[task]}
        found |= set(np.argsort(cost[own], kind="stable")[: near[0]].tolist())
        may[task] = sorted(found)
    holds: dict[int, set[int]] = {}
    for item in items:
        row = dense.problem.items[item]
        cheap = np.argsort(place[item], kind="stable")[: max(near[1], row.copies)]
        sites = {int(site) for site in cheap if np.isfinite(place[item, site])}
        holds[item] = sites | set(np.flatnonzero(kept[item]).tolist()) | set(row.pinned) | set(plan.copies[item])
    return Part(may, holds)
