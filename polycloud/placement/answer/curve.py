"""The trade-offs: what fewer clouds, shorter round trips or less carbon would cost, each point a plan of its own.

Epsilon constraints: the cheapest plan under a limit on the other measure, for limits between the best that is
possible and what the cheapest plan has. A limit on latency or carbon is a quota of the problem, so the points are as
exact as any plan; a limit on clouds is solved for every set of that many clouds.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from time import monotonic

import msgspec

from polycloud.placement.answer.values import Curve, CurvePoint
from polycloud.placement.bill import clouds_used
from polycloud.placement.problem import Option, Problem, Quota, Solution, Task
from polycloud.placement.solve import Limits, Solved, solve

STEPS = 4  # limits between the best and the cheapest plan's
UNITS_MOST = 100_000  # of a limit: solvers keep such coefficients exact
CLOUDS_MOST = 6  # 63 sets; there are four clouds
AXES = ("clouds", "latency", "carbon")
Solve = Callable[[Problem, Limits], Solved]
Measure = Callable[[Option], int]


def _latency(option: Option) -> int:
    return option.latency_us


def _grams(option: Option) -> int:
    return option.grams


class Sweep:
    """All curves of one problem within a time, around a plan that is solved already."""

    def __init__(
        self,
        problem: Problem,
        solved: Solved,
        limits: Limits,
        find: Solve = solve,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._problem = problem
        self._solved = solved
        self._gap = limits.gap
        self._solve = find
        self._clock = clock
        self._until = clock() + limits.seconds

    def curves(self, axes: Sequence[str] = AXES) -> tuple[Curve, ...]:
        """The curves asked for. One with a single point says that nothing is to be had on that axis."""
        found = []
        for at, axis in enumerate(axes):
            share = (self._until - self._clock()) / (len(axes) - at)
            points = list(self._clouds(share) if axis == "clouds" else self._measured(axis, share))
            found.append(Curve(axis, different(points, axis)))
        return tuple(found)

    def _clouds(self, seconds: float) -> Iterator[CurvePoint]:
        """The cheapest plan with at most one cloud, two, and so on."""
        names = sorted({place.cloud for place in self._problem.sites} - {"onprem"})[:CLOUDS_MOST]
        sets = [chosen for size in range(1, len(names)) for chosen in combinations(names, size)]
        until, best = self._clock() + seconds, None
        for size in range(1, len(names)):
            bound: int | None = None
            for chosen in (c for c in sets if len(c) == size):
                left = sum(len(c) >= size for c in sets)
                problem = within(self._problem, frozenset(chosen) | {"onprem"})
                if problem is None:
                    continue
                solved = self._solve(problem, self._limits(until, left))
                bound = solved.bound if bound is None else min(bound, solved.bound)
                if solved.bill is not None and (best is None or solved.bill.total < best[1].month_micro):
                    best = (chosen, self._point(problem, solved, f"at most {size}: {', '.join(chosen)}"))
            if best is not None and len(best[0]) == size:
                yield best[1]
        yield self._point(self._problem, self._solved, "any clouds")

    def _measured(self, axis: str, seconds: float) -> Iterator[CurvePoint]:
        measure = _latency if axis == "latency" else _grams
        if self._solved.solution is None:
            return
        now = total(self._problem, self._solved.solution, measure)
        until = self._clock() + seconds
        least = self._solve(only(self._problem, measure), self._limits(until, STEPS + 1))
        if least.solution is not None:
            low = total(self._problem, least.solution, measure)
            for step in range(STEPS if low < now else 0):
                ceiling = low + (now - low) * step // STEPS
                problem = capped(self._problem, measure, ceiling)
                solved = self._solve(problem, self._limits(until, STEPS - step))
                if solved.solution is not None:
                    yield self._point(problem, solved, self._named(axis, ceiling))
        yield self._point(self._problem, self._solved, "no limit")

    def _limits(self, until: float, parts: int) -> Limits:
        return Limits(max((until - self._clock()) / max(parts, 1), 0.2), self._gap)

    def _named(self, axis: str, ceiling: int) -> str:
        if axis == "carbon":
            return f"at most {ceiling / 1000:,.0f} kg CO2e a month"
        users = sum(any(option.latency_us for option in task.options) for task in self._problem.tasks)
        return f"at most {ceiling / 1000 / max(users, 1):.1f} ms in the mean"

    def _point(self, problem: Problem, solved: Solved, limit: str) -> CurvePoint:
        assert solved.solution is not None and solved.bill is not None
        plan = solved.solution
        waited = [o.latency_us for o in running(problem, plan) if o.latency_us]
        grams = total(problem, plan, _grams)
        return CurvePoint(
            limit=limit,
            month_micro=solved.bill.total,
            bound_micro=solved.bound,
            latency_ms=sum(waited) / len(waited) / 1000 if waited else None,
            clouds=tuple(sorted(clouds_used(problem, plan))),
            kg_co2e=grams / 1000 if grams else None,
            proven=solved.status == "optimal",
        )


def different(points: Sequence[CurvePoint], axis: str) -> tuple[CurvePoint, ...]:
    """Without points that a tighter limit has reached already."""
    found: dict[tuple[int, float | None], CurvePoint] = {}
    for point in points:
        found.setdefault((point.month_micro, measured(point, axis)), point)
    return tuple(found.values())


def measured(point: CurvePoint, axis: str) -> float | None:
    """What a point has on an axis: clouds in use, milliseconds, or kilograms."""
    return {"clouds": float(len(point.clouds)), "latency": point.latency_ms, "carbon": point.kg_co2e}[axis]


def running(problem: Problem, plan: Solution) -> list[Option]:
    return [task.options[choice] for task, choice in zip(problem.tasks, plan.choice, strict=True)]


def total(problem: Problem, plan: Solution, measure: Measure) -> int:
    return sum(map(measure, running(problem, plan)))


def within(problem: Problem, clouds: frozenset[str]) -> Problem | None:
    """The problem with nothing outside some clouds; None where a task or a data set has no place left."""
    inside = {at for at, place in enumerate(problem.sites) if place.cloud in clouds}
    tasks = tuple(_narrow(task, lambda option: option.site in inside) for task in problem.tasks)
    items = tuple(
        msgspec.structs.replace(item, hold=tuple(h for h in item.hold if h[0] in inside)) for item in problem.items
    )
    if not all(task.options for task in tasks):
        return None
    if not all(len(item.hold) >= item.copies and inside.issuperset(item.pinned) for item in items):
        return None
    return msgspec.structs.replace(problem, tasks=tasks, items=items)


def _narrow(task: Task, keep: Callable[[Option], bool]) -> Task:
    return msgspec.structs.replace(task, options=tuple(filter(keep, task.options)))


def only(problem: Problem, measure: Measure) -> Problem:
    """The problem in which nothing costs but the measure, so that its optimum has the least of it."""
    tasks = tuple(
        msgspec.structs.replace(
            task,
            options=tuple(
                msgspec.structs.replace(option, cost=measure(option), penalty=0, pool=-1, hourly=())
                for option in task.options
            ),
        )
        for task in problem.tasks
    )
    items = tuple(msgspec.structs.replace(i, hold=tuple((site, 0) for site, _ in i.hold)) for i in problem.items)
    meters = tuple(msgspec.structs.replace(meter, tiers=((0, 0),)) for meter in problem.meters)
    return msgspec.structs.replace(
        problem, tasks=tasks, items=items, meters=meters, pools=(), wide=(), credits=(), per_cloud=0, fixed=()
    )


def capped(problem: Problem, measure: Measure, ceiling: int) -> Problem:
    """The problem with the sum of a measure held to a ceiling.

    No plan under the ceiling is lost. Large measures are counted in units, so the ceiling can be passed by less than
    a hundred-thousandth of itself for each task.
    """
    at, unit = len(problem.quotas), max(-(-ceiling // UNITS_MOST), 1)

    def counted(option: Option) -> Option:
        units = measure(option) // unit
        return msgspec.structs.replace(option, quotas=(*option.quotas, (at, units))) if units else option

    tasks = tuple(
        msgspec.structs.replace(task, options=tuple(counted(o) for o in task.options if measure(o) <= ceiling))
        for task in problem.tasks
    )
    quota = Quota("the limit asked for", ceiling // unit)
    return msgspec.structs.replace(problem, tasks=tasks, quotas=(*problem.quotas, quota))
