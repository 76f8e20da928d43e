"""The search's own sums beside the bill, and small pieces of a plan put back anew."""

import random
from collections.abc import Callable

import pytest

from polycloud.placement.bill import MILLION, bill, commitment_cost
from polycloud.placement.problem import Option, Place, Pool, Problem, Quota, Task, Term
from polycloud.placement.solve import Limits, highs, large, recreate, resolve, solve, solving, tariff
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.dual import Answer, Dual, Prices
from polycloud.placement.solve.highs import Outcome, np
from polycloud.placement.solve.neighbours import Neighbours
from polycloud.placement.solve.promises import best
from polycloud.placement.solve.recreate import Recreate
from polycloud.placement.solve.search import Search
from tests.property.planner_problems import random_problem

CENT = 0.01
DOLLAR = 1_000_000


def begun(problem: Problem) -> Search:
    search = Search(Dense(problem, tariff.marginal(problem, {})))
    search.open[:] = search.may
    search.refresh()
    search.place(np.arange(len(problem.tasks)))
    return search


def recreated(search: Search, tries: int) -> None:
    dense = search.dense
    nearby = Neighbours(dense, random.Random(1))
    nothing = np.zeros(len(dense.problem.pools))
    Recreate(search, nearby, dense.own, lambda chosen: nothing).run(-np.inf, tries, lambda: True)


@pytest.mark.parametrize("seed", range(60))
def test_pieces_never_cost_more_and_the_sum_is_the_bill(seed: int) -> None:
    problem = random_problem(seed)
    search = begun(problem)
    before = search.total()
    recreated(search, 40)
    assert search.total() <= before + CENT
    plan = search.plan()
    priced = bill(problem, plan)
    fixed = sum(cost for _, cost in problem.fixed)
    if not (priced.faults or problem.wide or problem.credits) and tariff.plain(problem):
        assert abs(search.total() - (priced.total - fixed) / MILLION) < CENT


@pytest.mark.parametrize("seed", range(60))
def test_annealing_may_lose_on_the_way_and_ends_with_the_best(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recreate, "HOT", 0.3)
    search = begun(random_problem(seed))
    dense, before = search.dense, search.total()
    nearby, nothing = Neighbours(dense, random.Random(1)), np.zeros(len(dense.problem.pools))
    tries, met = iter(range(61)), [before]
    pieces = Recreate(search, nearby, dense.own, lambda chosen: nothing)
    pieces.anneal(lambda: next(tries) / 60, lambda: met.append(search.total()))
    assert search.total() == pytest.approx(min(met), abs=CENT)
    assert met == sorted(met, reverse=True)
    data = search.data.copy()
    search.refresh()
    assert np.allclose(search.data, data)


def test_annealing_leaves_what_is_only_the_best_nearby(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty tasks of unlike sizes in six sites that hold hardly more."""

    def annealed(hot: float) -> float:
        monkeypatch.setattr(recreate, "HOT", hot)
        search, tries = begun(knapsack(-1, 36)), iter(range(2001))
        nearby = Neighbours(search.dense, random.Random(1))
        pieces = Recreate(search, nearby, search.dense.own, lambda chosen: np.zeros(0))
        pieces.anneal(lambda: next(tries) / 2000, lambda: None)
        return search.total()

    assert annealed(3e-3) < annealed(recreate.COLD) - CENT


@pytest.mark.parametrize("seed", range(60))
def test_a_plan_that_is_taken_back_is_as_it_was(seed: int) -> None:
    search = begun(random_problem(seed))
    search.open[:, 1:] &= np.arange(search.open.shape[1] - 1) % 2 == 0
    search.refresh()
    kept, data, total = search.state(), search.data.copy(), search.total()
    for item in range(len(search.open)):
        if search.copies(item):
            search.reach(item)
    search.sweep(np.arange(len(search.choice)), lambda: True)
    search.back(kept)
    assert np.allclose(search.data, data)
    assert search.total() == pytest.approx(total)


@pytest.mark.parametrize("seed", range(60))
def test_usage_costs_what_the_cheapest_promises_cost(seed: int) -> None:
    draw = random.Random(seed)
    blocks = draw.choice(((730,), (200, 530), (100, 300, 330)))
    terms = [
        tuple(
            Term(str(at), draw.randint(1, 21) * 50_000, draw.choice((0, 3 * DOLLAR)), draw.choice((None, 7 * DOLLAR)))
            for at in range(many)
        )
        for many in range(4)
    ]
    pools = tuple(Pool(str(at), row) for at, row in enumerate(terms))
    tasks = (Task("t", "t", (Option(0, "m", "on-demand", 1, 1, pool=0, hourly=(1,) * len(blocks)),)),)
    problem = Problem((Place("aws/a", "aws"),), (), (), tasks, pools=pools, blocks=blocks)
    usage = [[draw.randint(0, 12) * DOLLAR for _ in blocks] for _ in pools]
    found = Search(Dense(problem)).pool_cost(np.arange(len(pools)), np.array(usage) / MILLION)
    for at, row in enumerate(usage):
        promised = best(pools[at], row, blocks)
        assert found[at] == pytest.approx(commitment_cost(problem, at, row, promised) / MILLION, abs=1e-4)


def knapsack(without: int, room: int = 50) -> Problem:
    """Sixty tasks of unlike sizes over six sites with room for a third of them each, one site lost or none."""
    draw = random.Random(7)
    tasks = []
    for at in range(60):
        units = draw.randint(1, 6)
        rates = [draw.randint(20, 60) for _ in range(6)]
        options = tuple(
            Option(s, "m", "on-demand", 1, rate * units * DOLLAR, quotas=((s, units),))
            for s, rate in enumerate(rates)
            if s != without
        )
        tasks.append(Task(f"task {at}", f"task {at}", options))
    return Problem(
        tuple(Place(f"aws/{s}", "aws") for s in range(6)),
        (),
        (),
        tuple(tasks),
        quotas=tuple(Quota(f"quota {s}", room) for s in range(6)),
    )


def test_a_lost_site_takes_a_third_of_the_bounds_and_no_exact_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    asked = {"bounds": 0, "models": 0}
    answer, run = Dual.answer, highs.run

    def answered(self: Dual, prices: Prices) -> Answer:
        asked["bounds"] += 1
        return answer(self, prices)

    def ran(*model: object, **options: object) -> Outcome:
        asked["models"] += 1
        return run(*model, **options)  # type: ignore[arg-type]

    limits = Limits(120, 0.01)
    first, lost = solve(knapsack(-1), limits), knapsack(2)
    assert first.bill is not None
    monkeypatch.setattr(Dual, "answer", answered)
    monkeypatch.setattr(highs, "run", ran)
    again = resolve(knapsack(-1), lost, first, limits)
    few, models, asked["bounds"] = asked["bounds"], asked["models"], 0
    nothing = solve(lost, limits)
    assert again.bill is not None and nothing.bill is not None
    assert again.gap <= max(0.01, 1.5 * first.gap)
    assert again.bound <= nothing.bill.total
    assert models == 0
    assert 0 < few * 3 < asked["bounds"]


def test_a_large_coupled_problem_is_annealed_for_so_many_tries_a_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solving, "SMALL", -1)
    monkeypatch.setattr(solving, "SPELLED", -1)
    monkeypatch.setattr(large, "ANNEALED", 7)
    asked = []
    anneal = Recreate.anneal

    def counted(self: Recreate, done: Callable[[], float], better: Callable[[], None]) -> None:
        def share() -> float:
            asked.append(done())
            return asked[-1]

        anneal(self, share, better)

    monkeypatch.setattr(Recreate, "anneal", counted)
    solved = solve(knapsack(-1, 36), Limits(120, 1e-9))
    assert solved.bill is not None
    assert not solved.bill.faults
    assert len(asked) == 7 * 60
    assert asked == sorted(asked)
    assert asked[-1] == 1.0
