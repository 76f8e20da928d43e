"""The trade-offs: each point is the optimum under its limit, and tighter limits never cost less."""

from collections.abc import Callable
from itertools import pairwise, product

import pytest

from polycloud.placement.answer.curve import Sweep, capped, only, running, total, within
from polycloud.placement.bill import bill, clouds_used, with_sources
from polycloud.placement.problem import Option, Problem, Solution
from polycloud.placement.solve import Limits, solve
from polycloud.placement.solve.promises import promised

Make = Callable[..., Problem]


@pytest.mark.parametrize("seed", range(2))
def test_less_of_one_thing_never_costs_less(seed: int, make_problem: Make) -> None:
    problem = make_problem(seed)
    solved = solve(problem)
    assert solved.bill is not None
    clouds, latency, carbon = Sweep(problem, solved, Limits(20.0)).curves()
    for curve in (clouds, latency, carbon):
        costs = [point.month_micro for point in curve.points]
        slack = costs[0] // 500  # each point is optimal to a thousandth
        assert all(a >= b - slack for a, b in pairwise(costs)), (curve.axis, costs)
        assert costs[-1] == solved.bill.total
    assert [len(point.clouds) for point in clouds.points] == sorted(len(point.clouds) for point in clouds.points)
    amounts = [point.kg_co2e or 0 for point in carbon.points]
    assert amounts == sorted(amounts)


@pytest.mark.parametrize("seed", range(2))
def test_a_point_is_the_best_under_its_limit(seed: int, make_problem: Make) -> None:
    """Against every choice of options there is, for a problem without data that couple."""
    problem = make_problem(seed, 4, 0)

    def grams(option: Option) -> int:
        return option.grams

    solved = solve(problem, Limits(gap=0.0))
    assert solved.solution is not None
    ceiling = total(problem, solved.solution, grams) * 9 // 10
    found = solve(capped(problem, grams, ceiling), Limits(gap=0.0))
    best = None
    for choice in product(*(range(len(task.options)) for task in problem.tasks)):
        plan = plan_of(problem, choice)
        whole = bill(problem, plan)
        if not whole.faults and total(problem, plan, grams) <= ceiling:
            best = whole.total if best is None else min(best, whole.total)
    assert (found.bill is None) == (best is None)
    if found.bill is not None and best is not None:
        assert abs(found.bill.total - best) <= best // 100_000


def plan_of(problem: Problem, choice: tuple[int, ...]) -> Solution:
    return promised(problem, with_sources(problem, choice, ()))


def test_within_leaves_only_some_clouds(make_problem: Make) -> None:
    problem = make_problem(3)
    narrow = within(problem, frozenset({"aws", "onprem"}))
    assert narrow is not None
    solved = solve(narrow)
    assert solved.solution is not None
    assert clouds_used(narrow, solved.solution) <= {"aws"}
    assert within(problem, frozenset({"nowhere"})) is None


def test_only_counts_nothing_but_the_measure(make_problem: Make) -> None:
    problem = only(make_problem(3), lambda option: option.latency_us)
    solved = solve(problem)
    assert solved.solution is not None
    assert solved.bill is not None
    assert solved.bill.total == sum(option.latency_us for option in running(problem, solved.solution))
