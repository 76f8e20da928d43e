"""Which way a problem is solved: spelled out where it is small, by bounds and restriction where it is large."""

import math
from operator import mul

import msgspec

from polycloud.placement.bill import bill
from polycloud.placement.problem import Option, Problem, Solution
from polycloud.placement.solve import conflict, exact, feasible, highs, large, layers
from polycloud.placement.solve.result import INFEASIBLE, USUAL, Limits, Report, Solved, Watch

SMALL = 5_000  # columns for options and sources up to which the exact model is solved in a second or two
SPELLED = 100_000  # the same, up to which it is worth the rest of the time


def floor(problem: Problem) -> int:
    """A bound that holds at once: every task at its cheapest, data for nothing, all usage at its cheapest promise."""
    total = sum(cost for _, cost in layers.spent(problem).fixed)
    for task in problem.tasks:
        if task.options:
            total += min([o.cost + o.penalty - covered(problem, o) for o in task.options])
    return total + sum(min(0, cost) for item in problem.items for _, cost in item.hold)


def covered(problem: Problem, option: Option) -> int:
    """What promises could save on an option at most."""
    if option.pool < 0:
        return 0
    return sum(map(mul, problem.blocks, option.hourly))


def solve(
    problem: Problem, limits: Limits = USUAL, start: Solution | None = None, report: Report | None = None
) -> Solved:
    """The cheapest faultless plan, or the best within the limits, with a proven bound.

    ``start`` is a plan to be no worse than, if it is faultless. ``report`` is called about twice a second; when it
    returns False, and on an interrupt from the keyboard, the best so far is the answer.
    """
    watch = Watch(limits, report)
    if start is not None:
        watch.offer(start, bill(problem, start), "start")
    trail: large.Trail | None = None
    try:
        size = exact.size(problem)
        impossible = any(not task.options for task in problem.tasks)
        if size > SMALL and not impossible:
            trail = large.solve(problem, watch)
            if watch.solution is None:
                found = feasible.find(problem, watch, "feasibility")
                impossible = found.impossible
                if found.plan is not None:
                    watch.offer(found.plan, bill(problem, found.plan), "feasible")
        if not impossible and size <= SPELLED and not watch.close and watch.go_on("exact"):
            impossible = spell_out(problem, watch)
        if impossible:
            names = conflict.conflict(problem, watch)
            return Solved(None, None, 0, watch.seconds, INFEASIBLE, "exact", names)
    except KeyboardInterrupt:
        watch.stop()
    return msgspec.structs.replace(watch.solved(floor(problem)), trail=trail)


def spell_out(problem: Problem, watch: Watch) -> bool:
    """Solve the exact model; True when it proves that there is no plan."""
    built = exact.build(problem)
    hint = None if watch.solution is None else exact.hint(built, watch.solution)
    options: highs.Settings = {"presolve": "off"} if problem.wide else {}  # it takes longer than it saves there
    if exact.size(problem) <= SMALL:
        options = highs.PLAIN
    gap = min(watch.limits.gap, 1e-6)
    outcome = highs.run(built.model, watch.left, gap, lambda: watch.go_on("exact"), hint, options=options)
    if outcome.infeasible:
        return True
    if outcome.values is not None:
        plan = exact.read(problem, built, outcome.values)
        watch.offer(plan, bill(problem, plan), "exact")
    if math.isfinite(outcome.bound):
        watch.raise_bound(math.floor(outcome.bound * 1e6) - layers.rounded(problem))
    return False
