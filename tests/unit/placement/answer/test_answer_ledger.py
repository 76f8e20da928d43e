"""The ledger agrees with the bill, to the micro-dollar, for every change; its words for faults too."""

import random
from collections.abc import Callable

import pytest

from polycloud.placement.answer.ledger import Change, Ledger
from polycloud.placement.answer.moves import held_at, move, places
from polycloud.placement.bill import bill
from polycloud.placement.problem import Problem
from polycloud.placement.solve import solve


@pytest.mark.parametrize("seed", range(10))
def test_any_change_costs_what_the_bill_says(seed: int, make_problem: Callable[..., Problem]) -> None:
    problem = make_problem(seed)
    solved = solve(problem)
    if solved.solution is None:
        pytest.skip("this seed has no plan")
    ledger = Ledger(problem, solved.solution)
    r = random.Random(seed)
    for _ in range(25):
        tasks = {t: r.randrange(len(problem.tasks[t].options)) for t in r.sample(range(len(problem.tasks)), 2)}
        items = {}
        for i in r.sample(range(len(problem.items)), r.randrange(2)):
            allowed = [site for site, _ in problem.items[i].hold]
            items[i] = tuple(sorted(r.sample(allowed, r.randrange(1, len(allowed) + 1))))
        change = Change(tasks, items)
        found, whole = ledger.outcome(change), bill(problem, ledger.changed(change))
        assert found.total == whole.total
        assert bool(found.faults) == bool(whole.faults), (found.faults, whole.faults)
        assert found.kinds.total() == whole.total - ledger.total


@pytest.mark.parametrize("seed", range(4))
def test_a_move_is_never_better_than_the_optimum_and_holding_is_never_worse_than_moving(
    seed: int, make_problem: Callable[..., Problem]
) -> None:
    problem = make_problem(seed)
    solved = solve(problem)
    if solved.solution is None:
        pytest.skip("this seed has no plan")
    ledger = Ledger(problem, solved.solution)
    for task in range(len(problem.tasks)):
        for site, options in places(problem, task).items():
            tried = move(ledger, task, site, options)
            if tried.outcome.faults:
                continue
            assert tried.outcome.total >= solved.bound
            held = held_at(problem, task, site)
            narrow = held.narrowed(ledger.changed(tried.change))
            assert bill(held.problem, narrow).total == tried.outcome.total
            assert held.widened(narrow) == ledger.changed(tried.change)
