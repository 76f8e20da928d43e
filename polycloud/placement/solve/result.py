"""What a solve is asked and what it answers: limits, progress, the plan with its bill, and a proven bound."""

import time
from collections.abc import Callable

import msgspec

from polycloud.placement.bill import Bill
from polycloud.placement.problem import Solution

OPTIMAL, BOUNDED, INFEASIBLE, NOTHING = "optimal", "bounded", "infeasible", "nothing found"
PROOF = 1e-5  # relative: what the solver's tolerance takes off a bound at most


class Limits(msgspec.Struct, frozen=True):
    """When to stop: ``seconds`` of wall time, or a proven relative ``gap``."""

    seconds: float = 60.0
    gap: float = 0.001


USUAL = Limits()


class Progress(msgspec.Struct, frozen=True):
    """How far a solve is. ``best`` and ``bound`` are micro-USD a month; None before there is one."""

    seconds: float
    best: int | None
    bound: int | None
    step: str


Report = Callable[[Progress], bool]


class Reached(msgspec.Struct, frozen=True):
    """One level of a lexicographic solve: the least that was possible, and what the final plan has."""

    level: str
    least: float
    has: float


class Solved(msgspec.Struct, frozen=True):
    """The best plan found and how good it is at worst.

    ``bound`` is micro-USD a month that no faultless plan can undercut. ``status``: ``optimal`` (within the gap asked
    for), ``bounded`` (a plan and a wider gap), ``infeasible`` (proven; ``conflict`` names things that can not all
    hold, none of them superfluous) or ``nothing found`` (neither, in the time given).
    """

    solution: Solution | None
    bill: Bill | None
    bound: int
    seconds: float
    status: str
    method: str
    conflict: tuple[str, ...] = ()
    levels: tuple[Reached, ...] = ()
    trail: object = None

    @property
    def gap(self) -> float:
        """The share of the bill that a better plan could save at most; infinite without a plan."""
        if self.bill is None:
            return float("inf")
        total = self.bill.total
        return max(0, total - self.bound) / abs(total) if total else float(self.bound < 0)


class Watch:
    """One solve's clock, its best plan and bound so far, and whether it may go on.

    ``report`` is called at most every half second and stops the solve by returning False.
    """

    EVERY = 0.5

    def __init__(self, limits: Limits, report: Report | None = None, clock: Callable[[], float] = time.monotonic):
        self.limits = limits
        self.solution: Solution | None = None
        self.bill: Bill | None = None
        self.bound: int | None = None
        self.method = ""
        self._report = report
        self._clock = clock
        self._start = clock()
        self._told = -1.0
        self.stopped = False

    @property
    def seconds(self) -> float:
        return self._clock() - self._start

    @property
    def left(self) -> float:
        return max(0.0, self.limits.seconds - self.seconds)

    @property
    def best(self) -> int | None:
        return None if self.bill is None else self.bill.total

    @property
    def close(self) -> bool:
        """Whether the plan is proven to be as good as was asked for."""
        return self.within(self.limits.gap)

    def within(self, gap: float) -> bool:
        """Whether the plan is proven to be within a relative gap of the optimum."""
        if self.bill is None or self.bound is None:
            return False
        return self.bill.total - self.bound <= gap * abs(self.bill.total)

    def offer(self, solution: Solution, bill: Bill, method: str) -> bool:
        """Keep a plan that is faultless and cheaper than what there is."""
        if bill.faults or (self.bill is not None and self.bill.total <= bill.total):
            return False
        self.solution, self.bill, self.method = solution, bill, method
        return True

    def raise_bound(self, bound: int) -> None:
        """Keep a bound that is better than what there is."""
        self.bound = bound if self.bound is None else max(self.bound, bound)

    def stop(self) -> None:
        self.stopped = True

    def go_on(self, step: str) -> bool:
        """Report when it is time to; False when the time is over or the caller wants what there is."""
        now = self.seconds
        if self._report is not None and now - self._told >= self.EVERY and not self.stopped:
            self._told = now
            self.stopped = not self._report(Progress(now, self.best, self.bound, step))
        return not self.stopped and now < self.limits.seconds

    def solved(self, floor: int) -> Solved:
        """The answer as it stands; ``floor`` is a bound that always holds."""
        bound = floor if self.bound is None else max(self.bound, floor)
        if self.bill is None:
            return Solved(None, None, bound, self.seconds, NOTHING, self.method)
        bound = min(bound, self.bill.total)
        near = max(self.limits.gap, PROOF) * abs(self.bill.total)
        status = OPTIMAL if self.bill.total - bound <= near else BOUNDED
        return Solved(self.solution, self.bill, bound, self.seconds, status, self.method)
