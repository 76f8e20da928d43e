"""The solvers beside a search of every plan, on random small problems with everything that couples them."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from polycloud.placement.bill import bill
from polycloud.placement.problem import Problem
from polycloud.placement.solve import (
    INFEASIBLE,
    LEVELS,
    Limits,
    Solved,
    baselines,
    resolve,
    solve,
    solve_levels,
    solving,
)
from polycloud.placement.solve.conflict import Demand, demands, keep
from polycloud.placement.solve.levels import LEAST, measure
from tests.property.planner_problems import optimum, random_problem

EXACTLY = Limits(60, 0.0)
RUNS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MOST = 4_000  # plans that a test looks at


def known(seed: int) -> tuple[Problem, int | None]:
    """A problem and its optimum; too large ones do not count."""
    problem = random_problem(seed)
    try:
        return problem, optimum(problem, MOST)
    except OverflowError:
        assume(False)
        raise


def check(problem: Problem, best: int | None, solved: Solved) -> None:
    if best is None:
        assert solved.status == INFEASIBLE
        assert solved.solution is None
        return
    assert solved.solution is not None and solved.bill is not None
    assert solved.bill == bill(problem, solved.solution)
    assert solved.bill.faults == ()
    assert solved.bill.total == best
    assert solved.bound <= best


@pytest.mark.parametrize("tenth", range(10))
def test_the_optimum_is_that_of_looking_at_every_plan(tenth: int) -> None:
    looked_at = 0
    for seed in range(tenth * 30, tenth * 30 + 30):
        problem = random_problem(seed)
        try:
            best = optimum(problem, MOST)
        except OverflowError:
            continue
        looked_at += 1
        check(problem, best, solve(problem, EXACTLY))
    assert looked_at >= 25


@RUNS
@given(st.integers(1_000, 10**9))
def test_the_optimum_holds_for_any_seed(seed: int) -> None:
    problem, best = known(seed)
    check(problem, best, solve(problem, EXACTLY))


@pytest.mark.parametrize("seed", range(400, 440))
def test_the_way_of_large_problems_bounds_from_below_and_plans_without_fault(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    problem = random_problem(seed)
    try:
        best = optimum(problem, MOST)
    except OverflowError:
        pytest.skip("too many plans to look at")
    solved = solve(problem, Limits(5, 0.0))
    if best is None:
        assert solved.solution is None
        return
    assert solved.bound <= best
    if solved.bill is not None:
        assert solved.bill.faults == ()
        assert solved.bill.total >= best


@RUNS
@given(st.integers(0, 10**9))
def test_no_lawful_naive_plan_is_better(seed: int) -> None:
    problem = random_problem(seed)
    solved = solve(problem, EXACTLY)
    for naive in baselines(problem):
        assert (naive.solution is None) == (naive.why_not != "")
        if naive.solution is not None and naive.bill is not None:
            assert bill(problem, naive.solution) == naive.bill
            assert naive.bill.faults == ()
            assert solved.bill is not None and solved.bill.total <= naive.bill.total


def impossible(problem: Problem, some: frozenset[Demand]) -> bool:
    return optimum(keep(problem, some), 40_000) is None


@pytest.mark.parametrize("seed", range(120))
def test_every_member_of_a_conflict_is_needed(seed: int) -> None:
    problem = random_problem(seed)
    solved = solve(problem, EXACTLY)
    if solved.status != INFEASIBLE:
        assert solved.conflict == ()
        return
    found = frozenset(demand for demand in demands(problem) if demand.name in solved.conflict)
    assert found and len(found) == len(solved.conflict)
    assert impossible(problem, found)
    for demand in found:
        assert not impossible(problem, found - {demand})


@RUNS
@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_solving_again_from_another_problem_gives_the_same_optimum(seed: int, other: int) -> None:
    problem, best = known(seed)
    before = random_problem(other)
    check(problem, best, resolve(before, problem, solve(before, EXACTLY), EXACTLY))


@RUNS
@given(st.integers(0, 10**9))
def test_levels_keep_to_what_earlier_levels_reached(seed: int) -> None:
    problem = random_problem(seed)
    solved = solve_levels(problem, LEVELS, slack=0.05, limits=EXACTLY)
    if solved.solution is None or solved.bill is None:
        assert solve(problem, EXACTLY).status == INFEASIBLE
        return
    assert solved.bill.faults == ()
    assert [reached.level for reached in solved.levels] == list(LEVELS)
    for reached in solved.levels:
        assert reached.has == measure(problem, solved.solution, reached.level)
        assert reached.has <= reached.least + 0.05 * abs(reached.least) + 10 + LEAST
