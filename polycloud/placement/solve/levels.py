"""Several aims in order of priority: each is made as good as it can be while those before it keep within the slack.

The exact model takes what an earlier level reached as one more row. A problem too large for it is solved with the
later aim as money, at the highest price per unit for which the earlier levels still hold, found by halving.
"""

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from polycloud.placement.bill import MILLION, bill, clouds_used
from polycloud.placement.problem import Option, Problem, Solution
from polycloud.placement.solve import exact, highs
from polycloud.placement.solve.highs import INF
from polycloud.placement.solve.result import USUAL, Limits, Reached, Report, Solved, Watch
from polycloud.placement.solve.solving import SMALL, solve

COST, LATENCY, AVAILABILITY, COMPLEXITY, CARBON = "cost", "latency", "availability", "complexity", "carbon"
LEVELS = (COST, LATENCY, AVAILABILITY, COMPLEXITY)
FIRST = 0.5  # of the time, for the cheapest plan, from which all levels begin
TRIES = 6  # solves per level of a large problem
LEAST = 1e-6  # slack in absolute terms, so that a level that reached 0 can be held

MINUTE_MS = 60_000

MEASURES: dict[str, Callable[[Option], float]] = {
    LATENCY: lambda option: option.latency_us / 1000,
    AVAILABILITY: lambda option: option.down_ms / MINUTE_MS,
    CARBON: lambda option: option.grams / 1000,
}


def measure(problem: Problem, solution: Solution, level: str) -> float:
    """What a plan has of a level: micro-USD a month, milliseconds summed over tasks, minutes of expected downtime a
    month summed over workloads, clouds, or kilograms of CO2 a month."""
    if level == COST:
        return float(bill(problem, solution).total)
    if level == COMPLEXITY:
        return float(len(clouds_used(problem, solution)))
    chosen = (task.options[k] for task, k in zip(problem.tasks, solution.choice, strict=True))
    return sum(MEASURES[level](option) for option in chosen)


def solve_levels(
    problem: Problem,
    levels: Sequence[str] = LEVELS,
    slack: float = 0.02,
    limits: Limits = USUAL,
    report: Report | None = None,
) -> Solved:
    """Optimise the levels in order; each may end up worse than its best by ``slack`` (relative) for those after it.

    ``bound`` and ``gap`` of the answer are about cost. Raises ValueError for a level that there is not.
    """
    unknown = [level for level in levels if level not in (COST, COMPLEXITY, *MEASURES)]
    if unknown:
        raise ValueError(f"no such level: {', '.join(unknown)}; there are {', '.join((COST, COMPLEXITY, *MEASURES))}")
    first = solve(problem, msgspec.structs.replace(limits, seconds=FIRST * limits.seconds), report=report)
    if first.solution is None:
        return first
    ways = _spelled if exact.size(problem) <= SMALL else _weighed
    left = msgspec.structs.replace(limits, seconds=limits.seconds - first.seconds)
    solution, least = ways(problem, list(levels), slack, left, first.solution, report)
    priced = bill(problem, solution)
    reached = tuple(Reached(level, value, measure(problem, solution, level)) for level, value in least.items())
    return msgspec.structs.replace(
        first, solution=solution, bill=priced, levels=reached, method=f"{first.method}, levels"
    )


def _spelled(
    problem: Problem, levels: list[str], slack: float, limits: Limits, start: Solution, report: Report | None
) -> tuple[Solution, dict[str, float]]:
    """Level by level in the exact model."""
    counted = msgspec.structs.replace(problem, per_cloud=max(1, problem.per_cloud))  # else clouds have no columns
    built = exact.build(counted)
    watch = Watch(limits, report)
    model, money, best, least = built.model, list(built.model.cost), start, dict[str, float]()
    offset, model.offset = model.offset, 0.0
    for level in levels:
        values = _costs(problem, built, money, level)
        model.cost = values
        outcome = highs.run(model, watch.left, 1e-6, partial(watch.go_on, f"level {level}"), exact.hint(built, best))
        if outcome.values is not None:
            plan = exact.read(problem, built, outcome.values)
            if not bill(problem, plan).faults:
                best = plan
        least[level] = measure(problem, best, level)
        has = sum(v * x for v, x in zip(values, outcome.values, strict=True)) if outcome.values is not None else None
        limit = has if has is not None else least[level] / (MILLION if level == COST else 1)
        columns = [at for at, value in enumerate(values) if value]
        model.row(
            -INF,
            limit + slack * abs(limit + (offset if level == COST else 0.0)) + LEAST,
            columns,
            [values[at] for at in columns],
        )
        if not watch.go_on(f"level {level}"):
            break
    return best, least


def _costs(problem: Problem, built: exact.Exact, money: list[float], level: str) -> list[float]:
    if level == COST:
        return list(money)
    values = [0.0] * len(money)
    if level == COMPLEXITY:
        for column in built.clouds.values():
            values[column] = 1.0
        return values
    for task, columns in zip(problem.tasks, built.x, strict=True):
        for option, column in zip(task.options, columns, strict=True):
            values[column] = MEASURES[level](option)
    return values


def _weighed(
    problem: Problem, levels: list[str], slack: float, limits: Limits, start: Solution, report: Report | None
) -> tuple[Solution, dict[str, float]]:
    """Level by level with a price on what the level counts, as high as the earlier levels allow."""
    best, least = start, dict[str, float]()
    watch = Watch(limits, report)
    part = Limits(max(1.0, limits.seconds / (TRIES * max(1, len(levels)))), limits.gap)
    for level in levels:
        if level != COST:
            total, low, high = abs(bill(problem, start).total), 0.0, None
            weight = total / 10 / max(measure(problem, best, level), 1.0)
            for _ in range(TRIES):
                found = solve(_priced(problem, level, weight), part, best, lambda p: watch.go_on(f"level {p.step}"))
                kept = found.solution is not None and _holds(problem, found.solution, least, slack)
                if (
                    kept
                    and found.solution is not None
                    and measure(problem, found.solution, level) <= measure(problem, best, level)
                ):
                    best, low = found.solution, weight
                else:
                    high = weight
                weight = weight * 4 if high is None else (low + high) / 2
                if not watch.go_on(f"level {level}"):
                    break
        least[level] = measure(problem, best, level)
    return best, least


def _priced(problem: Problem, level: str, weight: float) -> Problem:
    if level == COMPLEXITY:
        return msgspec.structs.replace(problem, per_cloud=problem.per_cloud + round(weight))
    worth = MEASURES[level]

    def dearer(option: Option) -> Option:
        return msgspec.structs.replace(option, penalty=option.penalty + round(weight * worth(option)))

    tasks = tuple(msgspec.structs.replace(task, options=tuple(map(dearer, task.options))) for task in problem.tasks)
    return msgspec.structs.replace(problem, tasks=tasks)


def _holds(problem: Problem, solution: Solution, least: dict[str, float], slack: float) -> bool:
    if bill(problem, solution).faults:
        return False
    return all(
        measure(problem, solution, level) <= value + slack * abs(value) + LEAST for level, value in least.items()
    )
