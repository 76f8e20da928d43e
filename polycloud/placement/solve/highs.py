"""A linear model with whole-number columns, and one run of HiGHS on it that stops when it is told to.

HiGHS runs in a thread of its own; the caller's thread watches the clock, so that an interrupt is answered within
a second even where the solver does not look up. A process may not end before its solvers: a thread that comes back
from the library to an interpreter that is gone aborts it.
"""

import atexit
import math
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence

import msgspec

try:
    import highspy
    import numpy as np
    from numpy.typing import NDArray
except ModuleNotFoundError as error:
    raise ModuleNotFoundError('the planner needs its solver: pip install -e ".[place]"', name=error.name) from error

__all__ = [
    "FAIR",
    "INF",
    "LOOK",
    "PLAIN",
    "Bools",
    "Floats",
    "Indices",
    "Ints",
    "Model",
    "Outcome",
    "Settings",
    "highs",
    "highspy",
    "np",
    "run",
    "watched",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Indices = NDArray[np.int32]
Bools = NDArray[np.bool_]
Settings = Mapping[str, str | int | float | bool]
INF = math.inf
LOOK = 0.1  # seconds between two looks at the clock while the solver works
FAIR = 1e-6  # the solver's tolerance, relative: a bound is lowered by it
INTERRUPTED = 130  # the exit code of a process that ctrl-C ended

# For models that are solved in a second or so: cuts and branches alone. Presolve and the search inside smaller models
# take longer than they save, 0.8 s against 0.4 s for 14 tasks under three wide promises, and prove nothing more.
PLAIN: Settings = {
    "presolve": "off",
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_root_reduced_cost": False,
}

_at_work: set[threading.Thread] = set()


class Model:
    """Columns and rows as they are added; costs are USD so that the solver's tolerances fit."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.low: list[float] = []
        self.high: list[float] = []
        self.whole: list[bool] = []
        self.row_low: list[float] = []
        self.row_high: list[float] = []
        self.start: list[int] = [0]
        self.index: list[int] = []
        self.value: list[float] = []
        self.offset = 0.0

    def column(self, cost: float = 0.0, low: float = 0.0, high: float = 1.0, whole: bool = False) -> int:
        """A new column's index."""
        self.cost.append(cost)
        self.low.append(low)
        self.high.append(high)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, low: float, high: float, columns: Sequence[int], values: Sequence[float]) -> None:
        """low <= sum of values * columns <= high."""
        self.row_low.append(low)
        self.row_high.append(high)
        self.index.extend(columns)
        self.value.extend(values)
        self.start.append(len(self.index))

    def at_most(self, small: Sequence[int], large: Sequence[int]) -> None:
        """sum of small <= sum of large."""
        self.row(-INF, 0.0, [*small, *large], [1.0] * len(small) + [-1.0] * len(large))


class Outcome(msgspec.Struct, frozen=True):
    """What a run found: ``bound`` in USD holds for the model, tolerance taken off; ``values`` None: no solution."""

    values: list[float] | None
    bound: float
    infeasible: bool
    duals: list[float] | None = None


def highs() -> highspy.Highs:
    """A solver that is silent."""
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    return solver


def run(
    model: Model,
    seconds: float,
    gap: float,
    keep_on: Callable[[], bool],
    start: dict[int, float] | None = None,
    relaxed: bool = False,
    options: Settings | None = None,
) -> Outcome:
    """Solve; ``keep_on`` is asked every tenth of a second and stops the run by saying False.

    ``start`` are values of some whole columns to begin from. ``relaxed`` forgets that columns are whole and asks
    for the rows' duals.
    """
    solver = highs()
    solver.setOptionValue("time_limit", max(0.0, seconds))
    solver.setOptionValue("mip_rel_gap", gap)
    solver.setOptionValue("mip_abs_gap", 0.0)
    solver.setOptionValue("threads", 2)
    for name, value in (options or {}).items():
        solver.setOptionValue(name, value)
    solver.passModel(_lp(model, relaxed))
    if start:
        at = np.fromiter(start.keys(), dtype=np.int32)
        solver.setSolution(len(at), at, np.fromiter(start.values(), dtype=np.float64))
    if not watched(solver, keep_on):
        return Outcome(None, -INF, False)
    return _outcome(solver, relaxed)


def watched(solver: highspy.Highs, keep_on: Callable[[], bool]) -> bool:
    """Run in a thread and stop it when told to; False when it does not notice in time and is left to itself."""
    stopped = threading.Event()

    def look(event: highspy.highs.HighsCallbackEvent) -> None:
        if stopped.is_set():
            event.interrupt()

    solver.clearCallbacks()  # type: ignore[no-untyped-call]  # those of an earlier run would stop this one
    solver.cbMipInterrupt += look
    solver.cbSimplexInterrupt += look
    solver.cbIpmInterrupt += look
    worker = threading.Thread(target=_work, args=(solver,), daemon=True)  # at the end ``_end`` waits for it
    _at_work.add(worker)
    try:
        worker.start()
        while worker.is_alive():
            worker.join(LOOK)
            if worker.is_alive() and not keep_on():
                stopped.set()
                worker.join(LOOK * 5)
                break
    finally:
        stopped.set()
    return not worker.is_alive()


def _work(solver: highspy.Highs) -> None:
    try:
        solver.run()
    finally:
        _at_work.discard(threading.current_thread())


def _end() -> None:
    """Wait for solvers that were told to stop and have not noticed; another ctrl-C ends the process as it stands."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    for worker in list(_at_work):
        worker.join()


for _ in range(2):  # a ctrl-C at its very beginning ends the first of them, not the second
    atexit.register(_end)


def _lp(model: Model, relaxed: bool) -> "highspy.HighsLp":
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.row_low)
    lp.col_cost_ = np.array(model.cost, dtype=np.float64)
    lp.col_lower_ = np.array(model.low, dtype=np.float64)
    lp.col_upper_ = np.array(model.high, dtype=np.float64)
    lp.row_lower_ = np.array(model.row_low, dtype=np.float64)
    lp.row_upper_ = np.array(model.row_high, dtype=np.float64)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = lp.num_col_, lp.num_row_
    lp.a_matrix_.start_ = np.array(model.start, dtype=np.int32)
    lp.a_matrix_.index_ = np.array(model.index, dtype=np.int32)
    lp.a_matrix_.value_ = np.array(model.value, dtype=np.float64)
    lp.offset_ = model.offset
    if not relaxed and any(model.whole):
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[whole] for whole in model.whole]
    return lp


def _outcome(solver: "highspy.Highs", relaxed: bool) -> Outcome:
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kModelEmpty:  # nothing to decide
        offset = solver.getLp().offset_
        return Outcome([], offset, False, [] if relaxed else None)
    info = solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    solution = solver.getSolution()
    values = list(solution.col_value) if found else None
    infeasible = status == highspy.HighsModelStatus.kInfeasible
    whole = not relaxed and len(solver.getLp().integrality_) > 0
    if whole:
        bound = info.mip_dual_bound
    else:
        bound = info.objective_function_value if status == highspy.HighsModelStatus.kOptimal else -INF
    bound = bound - FAIR * (1.0 + abs(bound)) if math.isfinite(bound) else -INF
    duals = list(solution.row_dual) if relaxed and solution.dual_valid else None
    return Outcome(values, bound, infeasible, duals)
