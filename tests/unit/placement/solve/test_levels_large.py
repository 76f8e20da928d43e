"""Levels of a problem that is too large for the exact model: later aims never cost earlier ones more than the slack."""

import pytest

from polycloud.placement.bill import bill
from polycloud.placement.solve import LEVELS, Limits, levels, solve, solve_levels
from polycloud.placement.solve.levels import LEAST, measure
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
