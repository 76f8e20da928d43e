"""A problem as arrays, with one price per byte on each lane: what bounds and searches compute with.

Money is USD in float64 here; the bill in whole micro-USD has the last word.
"""

from collections import defaultdict

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import GB, Item, Problem
from polycloud.placement.solve.highs import Bools, Floats, Ints, np

FIRST = "first tier"


class Dense:
    """``options`` of all tasks stand in one row of arrays, those of task t from ``first[t]`` to ``first[t + 1]``.

    ``rows`` are limits over options: quotas, parts that must stay apart, nearness; option k has the coefficients
    ``row_value[k]`` in the rows ``row_of[k]`` (padded with a row that has no limit).
    """

    def __init__(self, problem: Problem, prices: Floats | None = None):
        self.problem = problem
        self.sites = len(problem.sites)
        self.first = np.cumsum([0] + [len(task.options) for task in problem.tasks]).astype(np.int64)
        options = [option for task in problem.tasks for option in task.options]
        self.task = np.repeat(np.arange(len(problem.tasks)), np.diff(self.first))
        self.site = np.array([option.site for option in options], dtype=np.int64)
        self.own = np.array([option.cost + option.penalty for option in options], dtype=np.float64) / MILLION
        self.pool = np.array([option.pool for option in options], dtype=np.int64)
        blocks = len(problem.blocks)
        self.hourly = np.array([o.hourly or (0,) * blocks for o in options], dtype=np.float64).reshape(-1, blocks)
        self.hourly /= MILLION
        self.blocks = np.array(problem.blocks, dtype=np.float64)
        self.names, self.limit, self.row_of, self.row_value = _rows(problem)
        self._lanes(problem)
        self._flows(problem)
        self.reprice(first_prices(problem) if prices is None else prices)

    def reprice(self, prices: Floats) -> None:
        """Take these prices per byte of each meter, USD."""
        self.prices = prices
        self.way = []
        for base, (pair, meters) in zip(self._open, self._metered, strict=True):
            way = base.copy()
            np.add.at(way.reshape(-1), pair, prices[meters])
            self.way.append(way)
        self.hold = np.full((len(self.problem.items), self.sites), np.inf)
        for at, item in enumerate(self.problem.items):
            for site, cost in item.hold:
                self.hold[at, site] = cost / MILLION
            if item.origin >= 0:
                lane = self.way[item.zone][item.origin].copy()
                lane[item.origin] = 0.0
                carried = np.isfinite(lane)
                self.hold[at, ~carried] = np.inf
                first = lane if not self.problem.first else self._first(item, carried)
                moving = np.full(self.sites, float(item.move))
                moving[list(item.filled)] = 0.0
                self.hold[at, carried] += lane[carried] * item.feed + first[carried] * moving[carried]

    def _first(self, item: Item, carried: Bools) -> Floats:
        """USD per byte of the first transfer to each site."""
        found = np.zeros(self.sites)
        lanes = self.problem.zones[item.zone].lanes[item.origin]
        for site in np.flatnonzero(carried).tolist():
            lane = lanes[site]
            if lane is not None and site != item.origin:
                found[site] = sum(self.prices[meter] for meter in self.problem.filling(lane))
        return found

    def fastest(self, k_cost: Floats) -> Ints:
        """For each task the option of least cost."""
        least = np.minimum.reduceat(k_cost, self.first[:-1])
        at = np.flatnonzero(k_cost <= least[self.task])
        _, where = np.unique(self.task[at], return_index=True)
        return at[where]

    def _lanes(self, problem: Problem) -> None:
        self._open: list[Floats] = []
        self._metered: list[tuple[Ints, Ints]] = []
        for zone in problem.zones:
            base = np.zeros((self.sites, self.sites))
            at: list[int] = []
            meters: list[int] = []
            for i, lanes in enumerate(zone.lanes):
                for j, lane in enumerate(lanes):
                    if lane is None:
                        base[i, j] = np.inf
                    else:
                        at += [i * self.sites + j] * len(lane.meters)
                        meters += lane.meters
            self._open.append(base)
            self._metered.append((np.array(at, dtype=np.int64), np.array(meters, dtype=np.int64)))

    def _flows(self, problem: Problem) -> None:
        flows = [(at, flow) for at, task in enumerate(problem.tasks) for flow in task.flows]
        self.flow_task = np.array([at for at, _ in flows], dtype=np.int64)
        self.flow_item = np.array([flow.item for _, flow in flows], dtype=np.int64)
        self.volume = np.array([flow.volume for _, flow in flows], dtype=np.float64)
        self.write = np.array([flow.write for _, flow in flows], dtype=bool)
        self.flows_of_task: list[list[int]] = [[] for _ in problem.tasks]
        self.flows_of_item: list[list[int]] = [[] for _ in problem.items]
        for at, (task, flow) in enumerate(flows):
            self.flows_of_task[task].append(at)
            self.flows_of_item[flow.item].append(at)


def first_prices(problem: Problem) -> Floats:
    """USD per byte at the first tier of each meter."""
    return np.array([meter.tiers[0][1] for meter in problem.meters], dtype=np.float64) / GB / MILLION


def _rows(problem: Problem) -> tuple[list[str], Floats, Ints, Floats]:
    """Names and limits of rows; for each option its rows in order, and its coefficients in them."""
    start = np.cumsum([0] + [len(task.options) for task in problem.tasks]).tolist()
    options = [option for task in problem.tasks for option in task.options]
    names = [quota.name for quota in problem.quotas]
    limits = [float(quota.limit) for quota in problem.quotas]
    found = [(k, quota, units) for k, option in enumerate(options) for quota, units in option.quotas]
    for where, ks in _apart(problem, start).items():
        if len(ks) > 1:
            found += [(k, len(names), 1) for k in ks]
            names.append(f"apart {where[1]}")
            limits.append(1.0)
    for near in problem.near:
        a, b = problem.tasks[near.a], problem.tasks[near.b]
        for site in sorted({option.site for option in a.options}):
            found += [(start[near.a] + k, len(names), 1) for k, option in enumerate(a.options) if option.site == site]
            close = near.close[site]
            found += [(start[near.b] + k, len(names), -1) for k, option in enumerate(b.options) if option.site in close]
            names.append(f"{a.name} near {b.name}")
            limits.append(0.0)
    cells = np.array(found, dtype=np.int64).reshape(-1, 3)
    keys, cell = np.unique(cells[:, 0] * max(1, len(names)) + cells[:, 1], return_inverse=True)
    k, row = np.divmod(keys, max(1, len(names)))
    slot = np.arange(len(k)) - np.searchsorted(k, k)
    width = int(slot.max(initial=-1)) + 1
    row_of = np.full((len(options), width), len(names), dtype=np.int64)
    row_value = np.zeros((len(options), width))
    row_of[k, slot] = row
    row_value[k, slot] = np.bincount(cell, weights=cells[:, 2], minlength=len(k))
    return names, np.array(limits), row_of, row_value


def _apart(problem: Problem, start: list[int]) -> dict[tuple[int, str], list[int]]:
    """The options that only one part of a workload may have, by group and place."""
    together: dict[tuple[int, str], list[int]] = defaultdict(list)
    for task, base in zip(problem.tasks, start, strict=False):
        for k, option in enumerate(task.options if task.group >= 0 else ()):
            place = problem.sites[option.site]
            together[task.group, place.cloud if task.apart == "cloud" else place.id].append(base + k)
    return together
