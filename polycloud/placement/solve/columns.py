"""The linear relaxation by column generation, where nothing couples tasks but their data: a small master problem over
the ways seen so far, and the dual bound as the search for better ways. A way is an option of a task together with the
copy that each of its flows uses.

The master's duals are prices for ``Dual``, whose answer is a bound for the whole problem and names the ways that the
master lacks.
"""

from collections.abc import Callable, Iterable

import msgspec

from polycloud.placement.problem import Solution
from polycloud.placement.solve.dual import Answer, Dual, Prices
from polycloud.placement.solve.highs import INF, Floats, Indices, Ints, highs, np, watched

Way = tuple[int, ...]  # an option (an index into all options) and the site of the copy for each flow of its task
Row = tuple[float, float, list[int], list[float]]
EACH = 4  # new ways per task and round


class Relaxed(msgspec.Struct):
    """The master's optimum: its cost in USD, its prices, and how much of each option and of each copy (items, sites)
    it uses."""

    cost: float
    prices: Prices
    options: Floats
    copies: Floats


class Master:
    """The master problem, kept in the solver between rounds so that each can start where the last ended."""

    def __init__(self, dual: Dual):
        dense = dual.dense
        self.dense, self.dual = dense, dual
        self.ways: list[Way] = []
        self._seen: set[Way] = set()
        self._use: dict[tuple[int, int], int] = {}
        self._copy = np.full((len(dense.problem.items), dense.sites), -1, dtype=np.int64)
        self._solver = highs()
        self._solver.setOptionValue("threads", 1)
        self._frame()

    def _frame(self) -> None:
        """The columns and rows that are there before any way."""
        dense, problem = self.dense, self.dense.problem
        columns: list[tuple[float, float, float]] = []
        rows: list[Row] = []
        for at, item in enumerate(problem.items):
            sites = np.flatnonzero(self.dual.may[at])
            self._copy[at, sites] = len(columns) + np.arange(len(sites))
            rows.append((item.copies, INF if item.copies_most is None else item.copies_most, [], []))
            for site in sites:
                rows[-1][2].append(len(columns))
                rows[-1][3].append(1.0)
                columns.append((float(dense.hold[at, site]), float(site in item.pinned), 1.0))
        self._task_row = len(rows)
        rows += [(1.0, 1.0, [], []) for _ in problem.tasks]
        self._fixed = len(columns)
        self._add_columns(columns, [([], []) for _ in columns])
        self._add_rows(rows)

    def add(self, ways: Iterable[Way]) -> int:
        """Take in ways; how many are new."""
        new = [way for way in dict.fromkeys(ways) if way not in self._seen]
        if not new:
            return 0
        self._seen.update(new)
        rows: list[Row] = []
        first = self._solver.getNumRow()
        for way in new:
            flows = self.dense.flows_of_task[int(self.dense.task[way[0]])]
            for flow, site in zip(flows, way[1:], strict=True):
                if (flow, site) not in self._use:
                    self._use[flow, site] = first + len(rows)
                    rows.append((-INF, 0.0, [int(self._copy[self.dense.flow_item[flow], site])], [-1.0]))
        self._add_rows(rows)
        parts = [self._column(way) for way in new]
        self._add_columns([(cost, 0.0, INF) for cost, _ in parts], [part for _, part in parts])
        self.ways += new
        return len(new)

    def _column(self, way: Way) -> tuple[float, tuple[list[int], list[float]]]:
        dense, k = self.dense, way[0]
        task, here = int(dense.task[k]), int(dense.site[k])
        cost = float(dense.own[k])
        values: dict[int, float] = {self._task_row + task: 1.0}
        for flow, site in zip(dense.flows_of_task[task], way[1:], strict=True):
            cost += float(self.dual.carry[site, self.dual.pair[flow, here]])
            values[self._use[flow, site]] = 1.0
        return cost, (list(values), list(values.values()))

    def solve(self, seconds: float, go_on: Callable[[], bool]) -> Relaxed | None:
        """The relaxation over the ways seen; None when it was stopped. Copies that no way uses, about which the master
        has nothing to say, are free."""
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + seconds)
        if not watched(self._solver, go_on):
            return None
        solution = self._solver.getSolution()
        if not (solution.dual_valid and solution.value_valid):
            return None
        duals, values = np.array(solution.row_dual), np.array(solution.col_value)
        dense = self.dense
        copy = np.zeros((len(dense.volume), dense.sites))
        if self._use:
            at = np.array(list(self._use))
            copy[at[:, 0], at[:, 1]] = -duals[np.fromiter(self._use.values(), dtype=np.int64)]
        cover = np.zeros((len(dense.problem.pools), len(dense.blocks)))
        prices = self.dual.lawful(Prices(copy, np.zeros(len(dense.limit)), cover))
        kept = np.where(self._copy >= 0, values[np.maximum(self._copy, 0)], 0.0)
        shares = values[self._fixed :]
        options = np.zeros(len(dense.own))
        np.add.at(options, np.array([way[0] for way in self.ways], dtype=np.int64), shares)
        return Relaxed(self._solver.getInfo().objective_function_value, prices, options, kept)

    def better(self, answer: Answer, each: int = EACH) -> list[Way]:
        """For each task its cheapest options at an answer's prices, with the copies that they would use."""
        dense = self.dense
        order = np.lexsort((answer.cost, dense.task))
        pair = (
            dense.task[order] * dense.sites + dense.site[order]
        )  # of the machines at a site only the cheapest matters
        order = order[np.sort(np.unique(pair, return_index=True)[1])]
        rank = np.arange(len(order)) - np.searchsorted(dense.task[order], dense.task[order])
        picked: Ints = order[(rank < each) & np.isfinite(answer.cost[order])]
        source: list[list[int]] = [[] for _ in picked]
        for at, k in enumerate(picked.tolist()):
            flows = dense.flows_of_task[dense.task[k]]
            source[at] = answer.reach[:, self.dual.pair[flows, dense.site[k]]].argmin(axis=0).tolist() if flows else []
        return [(k, *sites) for k, sites in zip(picked.tolist(), source, strict=True)]

    def of(self, solution: Solution) -> list[Way]:
        """The ways of a plan. A write counts as reaching its cheapest copy."""
        dense, found = self.dense, []
        for task, (index, sources) in enumerate(zip(solution.choice, solution.sources, strict=True)):
            k = int(dense.first[task]) + index
            here = dense.site[k]
            way = [k]
            for flow, source in zip(dense.flows_of_task[task], sources, strict=True):
                copies = solution.copies[int(dense.flow_item[flow])]
                way.append(
                    source
                    if source >= 0
                    else min(copies, key=lambda s: float(self.dual.carry[s, self.dual.pair[flow, here]]))
                )
            found.append(tuple(way))
        return found

    def _add_rows(self, rows: list[Row]) -> None:
        if rows:
            starts, index, value = _flat([(row[2], row[3]) for row in rows])
            low, high = np.array([float(row[0]) for row in rows]), np.array([float(row[1]) for row in rows])
            self._solver.addRows(len(rows), low, high, len(index), starts, index, value)

    def _add_columns(
        self, columns: list[tuple[float, float, float]], parts: list[tuple[list[int], list[float]]]
    ) -> None:
        if columns:
            starts, index, value = _flat(parts)
            cost, low, high = (np.array(values, dtype=np.float64) for values in zip(*columns, strict=True))
            self._solver.addCols(len(columns), cost, low, high, len(index), starts, index, value)


def _flat(parts: list[tuple[list[int], list[float]]]) -> tuple[Indices, Indices, Floats]:
    starts = np.cumsum([0] + [len(index) for index, _ in parts[:-1]]).astype(np.int32)
    index = np.array([i for part, _ in parts for i in part], dtype=np.int32)
    return starts, index, np.array([v for _, part in parts for v in part], dtype=np.float64)
