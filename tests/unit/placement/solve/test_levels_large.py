"""Levels of a problem that is too large for the exact model: later aims never cost earlier ones more than the slack."""

import msgspec
import pytest

from polycloud.placement.bill import bill
from polycloud.placement.problem import Problem
from polycloud.placement.solve import LEVELS, Limits, Solved, levels, solve, solve_levels
from polycloud.placement.solve.levels import LEAST, measure
from polycloud.placement.solve.result import Report
from tests.property.planner_problems import random_problem


@pytest.mark.parametrize("seed", range(12))
def test_what_was_reached_is_held(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "SMALL", -1)
    problem = random_problem(seed)
    solved = solve_levels(problem, LEVELS, slack=0.05, limits=Limits(20, 1e-6))
    if solved.solution is None:
        assert solve(problem, Limits(20, 1e-6)).solution is None
        return
    assert bill(problem, solved.solution).faults == ()
    assert [reached.level for reached in solved.levels] == list(LEVELS)
    for reached in solved.levels:
        assert reached.has == measure(problem, solved.solution, reached.level)
        assert reached.has <= reached.least + 0.05 * abs(reached.least) + LEAST


def test_all_levels_together_keep_to_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def solved(problem: Problem, limits: Limits, report: Report | None = None) -> Solved:
        asked.append(limits.seconds)
        return msgspec.structs.replace(solve(problem, limits, report=report), seconds=9.0)

    spelled = levels._spelled

    def spelled_out(*given: object) -> object:
        asked.append(given[3].seconds)  # type: ignore[attr-defined]
        return spelled(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(levels, "solve", solved)
    monkeypatch.setattr(levels, "_spelled", spelled_out)
    assert solve_levels(random_problem(1), LEVELS, limits=Limits(20, 1e-6)).solution is not None
    assert asked == [10.0, 11.0]
