"""A solve that is stopped answers with a faultless plan, or says that it has none."""

import pytest

from polycloud.placement.bill import bill, with_sources
from polycloud.placement.problem import Problem
from polycloud.placement.solve import INFEASIBLE, NOTHING, Limits, Progress, Solved, solve, solving
from polycloud.placement.solve.result import Watch
from tests.property.planner_problems import random_problem

EITHER = pytest.mark.parametrize("small", [5_000, -1])


def sound(problem: Problem, solved: Solved) -> None:
    if solved.solution is None:
        assert solved.status in (NOTHING, INFEASIBLE)
        assert solved.bill is None
    else:
        assert bill(problem, solved.solution).faults == ()
        assert solved.bill is not None and solved.bound <= solved.bill.total


@EITHER
@pytest.mark.parametrize("seed", range(10))
def test_told_to_stop_at_once(seed: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    problem = random_problem(seed)
    sound(problem, solve(problem, Limits(30, 0.0), report=lambda progress: False))


@EITHER
def test_no_time_at_all(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    problem = random_problem(0)
    sound(problem, solve(problem, Limits(0.0, 0.0)))


@EITHER
def test_an_interrupt_gives_the_best_so_far(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    problem = random_problem(0)
    start = solve(problem, Limits(30, 0.0)).solution
    assert start is not None

    def interrupt(progress: Progress) -> bool:
        raise KeyboardInterrupt

    solved = solve(problem, Limits(30, 0.0), start, interrupt)
    assert solved.solution is not None
    sound(problem, solved)


def test_a_start_that_breaks_a_rule_is_not_an_answer() -> None:
    problem = random_problem(0)
    nowhere = with_sources(problem, tuple(0 for _ in problem.tasks), tuple(() for _ in problem.items))
    assert bill(problem, nowhere).faults
    sound(problem, solve(problem, Limits(0.0, 0.0), nowhere))


def test_progress_is_told_with_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    time = iter(range(1000))
    watch = Watch(Limits(100, 0.0), lambda progress: not told.append(progress), clock=lambda: float(next(time)))
    problem = random_problem(0)
    assert watch.go_on("begin")
    plan = solve(problem, Limits(30, 0.0)).solution
    assert plan is not None
    assert watch.offer(plan, bill(problem, plan), "test")
    watch.raise_bound(5)
    watch.raise_bound(3)
    assert watch.go_on("later")
    assert (told[0].best, told[0].bound) == (None, None)
    assert (told[-1].best, told[-1].bound, told[-1].step) == (bill(problem, plan).total, 5, "later")
