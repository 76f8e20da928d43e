"""A problem without anything to decide has an optimum: what is fixed."""

import pytest

from polycloud.placement.problem import Item, Place, Problem
from polycloud.placement.solve import OPTIMAL, Limits, solve, solving


@pytest.mark.parametrize("small", [5_000, -1])
@pytest.mark.parametrize("fixed", [0, 7_000_000])
def test_no_tasks_and_no_items(fixed: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    problem = Problem((Place("aws/a", "aws"),), (), (), (), fixed=(("support", fixed),) if fixed else ())
    solved = solve(problem, Limits(5, 0.0))
    assert solved.status == OPTIMAL
    assert solved.bill is not None
    assert solved.bill.total == fixed
    assert fixed - 10 <= solved.bound <= fixed


@pytest.mark.parametrize("small", [5_000, -1])
def test_an_item_without_tasks(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", small)
    item = Item("item", 0, ((0, 5_000_000), (1, 3_000_000)))
    problem = Problem((Place("aws/a", "aws"), Place("gcp/b", "gcp")), (), (), (), items=(item,))
    solved = solve(problem, Limits(5, 0.0))
    assert solved.bill is not None
    assert solved.bill.total == 3_000_000
    assert solved.solution is not None and solved.solution.copies == ((1,),)
