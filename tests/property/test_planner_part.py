"""A part of a plan decided anew costs the whole plan as much more or less as it costs the part."""

import random

import pytest

from polycloud.placement.bill import bill, with_sources
from polycloud.placement.problem import Problem, Solution
from polycloud.placement.solve import Limits, solve
from polycloud.placement.solve.part import Part, inside
from polycloud.placement.solve.promises import promised
from tests.property.planner_problems import random_problem


def drawn(draw: random.Random, problem: Problem) -> Solution:
    """Any plan, lawful or not."""
    choice = tuple(draw.randrange(len(task.options)) for task in problem.tasks)
    copies = []
    for item in problem.items:
        sites = [site for site, _ in item.hold]
        copies.append(tuple(sorted(draw.sample(sites, draw.randint(max(1, item.copies), len(sites))))))
    return promised(problem, with_sources(problem, choice, tuple(copies)))


@pytest.mark.parametrize("seed", range(300))
def test_the_difference_is_the_same(seed: int) -> None:
    draw = random.Random(seed)
    problem = random_problem(seed)
    plan = drawn(draw, problem)
    if bill(problem, plan).faults:
        plan = solve(problem, Limits(30, 0.0)).solution or plan
    before = bill(problem, plan)
    if before.faults:
        pytest.skip("there is no lawful plan")
    tasks = draw.sample(range(len(problem.tasks)), draw.randint(1, len(problem.tasks)))
    items = draw.sample(range(len(problem.items)), draw.randint(0, len(problem.items)))
    part = Part(
        {task: list(range(len(problem.tasks[task].options))) for task in sorted(tasks)},
        {item: {site for site, _ in problem.items[item].hold} for item in sorted(items)},
    )
    small = inside(problem, plan, part)
    now = promised(small.problem, small.now)
    assert small.whole(plan, part, small.now) == plan
    assert bill(small.problem, now).faults == ()
    solved = solve(small.problem, Limits(30, 0.0))
    assert solved.solution is not None and solved.bill is not None
    after = bill(problem, promised(problem, small.whole(plan, part, solved.solution)))
    assert after.faults == ()
    saved = bill(small.problem, now).total - solved.bill.total
    assert saved >= 0
    rounded = len(problem.meters) + len(problem.pools) + 1
    assert before.total - after.total >= saved - 2 * rounded
