"""Promises for many pools and prepaid money: beside every plan there is, and never a reason to plan worse."""

import random
from itertools import product

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.placement.answer.costs import pool_uses
from polycloud.placement.answer.ledger import Change, Ledger
from polycloud.placement.bill import bill, used
from polycloud.placement.problem import HOURS, Credit, Problem, Solution, Wide
from polycloud.placement.solve import Limits, solve, solving
from polycloud.placement.solve.part import Part, inside
from polycloud.placement.solve.promises import promised
from tests.property.planner_problems import DOLLAR, layered, optimum

EXACTLY = Limits(60, 0.0)
RUNS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MOST = 2_000  # plans that a test looks at
CENT = 10_000
STEP = 10_000  # micro-USD an hour: usage and what is held are multiples of it


def best_of(problem: Problem) -> int | None:
    try:
        return optimum(problem, MOST)
    except OverflowError:
        pytest.skip("too many plans to look at")


def total(problem: Problem) -> int | None:
    solved = solve(problem, EXACTLY)
    return None if solved.bill is None else solved.bill.total


@pytest.mark.parametrize("seed", range(150))
def test_the_optimum_is_that_of_looking_at_every_plan(seed: int) -> None:
    problem = layered(seed)
    best, solved = best_of(problem), solve(problem, EXACTLY)
    if best is None:
        assert solved.solution is None
        return
    assert solved.solution is not None and solved.bill is not None
    assert solved.bill == bill(problem, solved.solution) and not solved.bill.faults
    assert abs(solved.bill.total - best) <= CENT
    assert solved.bound <= best


@pytest.mark.parametrize("seed", range(200, 260))
def test_the_way_of_large_problems_bounds_from_below(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    problem = layered(seed)
    best, solved = best_of(problem), solve(problem, Limits(2, 0.0))
    if best is not None:
        assert solved.bound <= best
        assert solved.bill is None or (solved.bill.total >= best and not solved.bill.faults)


@pytest.mark.parametrize("seed", range(300, 420))
def test_promises_under_wide_ones_are_the_best_of_a_grid(seed: int) -> None:
    problem = msgspec.structs.replace(layered(seed), credits=())
    if not problem.wide:
        pytest.skip("it has no wide promise")
    choice = tuple(0 for _ in problem.tasks)
    bare = msgspec.structs.replace(problem, items=(), tasks=tuple(_dry(task) for task in problem.tasks))
    plan = Solution(choice, (), tuple(() for _ in choice), tuple(tuple(t.held for t in p.terms) for p in bare.pools))
    usage = used(bare, plan)
    found = bill(bare, promised(bare, plan)).total
    single = [
        msgspec.structs.replace(pool, terms=pool.terms[:1]) for pool in bare.pools
    ]  # a grid over one term of each pool
    one = msgspec.structs.replace(bare, pools=tuple(single))
    ranges = []
    for pool, rows in zip(single, usage, strict=True):
        term = pool.terms[0]
        top = max([*rows, term.held]) if term.most is None else term.most
        ranges.append(range(term.held, top + 1, STEP))
    tried = (
        bill(one, Solution(choice, (), plan.sources, tuple((amount,) for amount in amounts))).total
        for amounts in product(*ranges)
    )
    least = min(tried)
    assert bill(one, promised(one, plan)).total <= least + CENT
    assert found <= bill(bare, plan).total + CENT


def _dry(task: object) -> object:
    return msgspec.structs.replace(task, flows=(), options=task.options[:1])  # type: ignore[attr-defined, type-var]


@RUNS
@given(st.integers(0, 10**9), st.integers(1, 60), st.booleans())
def test_what_is_paid_already_never_makes_the_rest_dearer(seed: int, held: int, fee: bool) -> None:
    problem = layered(seed)
    before = total(problem)
    if before is None:
        return
    clouds = {o.pool: problem.sites[o.site].cloud for t in problem.tasks for o in t.options if o.pool >= 0}
    pools = tuple(sorted(clouds))  # those that something can use
    keep = 700_000 if fee else 0
    free = msgspec.structs.replace(problem, wide=(*problem.wide, Wide("more", pools, keep, held * STEP)))
    after = total(free)
    assert after is not None
    paid = held * STEP * keep * HOURS // 1_000_000
    if len(set(clouds.values())) > 1 and problem.credits:
        return  # a promise of one cloud never covers another's machines
    assert after <= before + paid + CENT


@RUNS
@given(st.integers(0, 10**9), st.integers(1, 500), st.booleans())
def test_money_paid_already_never_makes_the_rest_dearer(seed: int, dollars: int, fee: bool) -> None:
    problem = layered(seed)
    before = total(problem)
    if before is None:
        return
    known = problem.credits[0] if problem.credits else Credit("", "aws", 0, 0)
    paid = dollars * DOLLAR if fee else 0
    more = msgspec.structs.replace(known, name="more", amount=dollars * DOLLAR, paid=paid)
    after = total(msgspec.structs.replace(problem, credits=(*problem.credits, more)))
    assert after is not None
    assert before - (dollars * DOLLAR - paid) - CENT <= after <= before + paid + CENT


@pytest.mark.parametrize("seed", range(100))
def test_a_part_decided_anew_costs_the_whole_as_much_less(seed: int) -> None:
    problem = msgspec.structs.replace(layered(seed), credits=())
    plan = solve(problem, EXACTLY).solution
    if plan is None:
        pytest.skip("there is no lawful plan")
    tasks = range(0, len(problem.tasks), 2)
    part = Part({task: list(range(len(problem.tasks[task].options))) for task in tasks}, {})
    small = inside(problem, plan, part)
    now = promised(small.problem, small.now)
    solved = solve(small.problem, EXACTLY)
    assert solved.bill is not None and solved.solution is not None
    assert abs(bill(small.problem, now).total - solved.bill.total) <= CENT  # the plan is the best there is
    whole = promised(problem, small.whole(plan, part, solved.solution))
    assert abs(bill(problem, whole).total - bill(problem, plan).total) <= CENT


@pytest.mark.parametrize("seed", range(150))
def test_any_change_costs_what_the_bill_says(seed: int) -> None:
    problem, draw = layered(seed), random.Random(seed)
    plan = solve(problem, EXACTLY).solution
    if plan is None:
        pytest.skip("there is no lawful plan")
    ledger = Ledger(problem, plan)
    for _ in range(8):
        change = Change({t: draw.randrange(len(task.options)) for t, task in enumerate(problem.tasks)}, {})
        found, whole = ledger.outcome(change), bill(problem, ledger.changed(change))
        if not whole.faults:  # a way that is missing carries nothing
            assert found.total == whole.total
            assert found.total >= ledger.total - CENT


@pytest.mark.parametrize("seed", range(60))
def test_what_is_used_adds_what_the_bill_says(seed: int) -> None:
    problem = layered(seed)
    solved = solve(problem, EXACTLY)
    if solved.solution is None or solved.bill is None:
        pytest.skip("there is no lawful plan")
    assert sum(use.adds_micro for use in pool_uses(problem, solved.solution)) == solved.bill.of("commitment")
