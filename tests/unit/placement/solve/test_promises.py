"""Promises are the cheapest for what runs, beside a look at every amount."""

import random
from itertools import product

import pytest

from polycloud.placement.bill import commitment_cost
from polycloud.placement.problem import HOURS, Place, Pool, Problem, Term
from polycloud.placement.solve.promises import best


@pytest.mark.parametrize("seed", range(60))
def test_no_other_amount_is_cheaper(seed: int) -> None:
    draw = random.Random(seed)
    blocks = draw.choice(((HOURS,), (200, HOURS - 200), (100, 300, HOURS - 400)))
    terms = tuple(
        Term(f"term {at}", draw.randint(1, 19) * 50_000, draw.choice((0, 1)), draw.choice((None, 2, 4)))
        for at in range(draw.choice((1, 2)))
    )
    problem = Problem((Place("aws/a", "aws"),), (), (), (), pools=(Pool("pool", terms),), blocks=blocks)
    usage = [draw.randint(0, 6) for _ in blocks]
    found = best(problem.pools[0], usage, blocks)
    for term, amount in zip(terms, found, strict=True):
        assert term.held <= amount and (term.most is None or amount <= term.most)
    every = product(*(range(term.held, (8 if term.most is None else term.most) + 1) for term in terms))
    cheapest = min(commitment_cost(problem, 0, usage, amounts) for amounts in every)
    assert commitment_cost(problem, 0, usage, found) == cheapest


def test_nothing_is_promised_that_costs_as_much_as_it_covers() -> None:
    pool = Pool("pool", (Term("dear", 1_000_000),))
    assert best(pool, [5, 5], (365, 365)) == (0,)


def test_a_peak_is_left_to_on_demand() -> None:
    pool = Pool("pool", (Term("year", 600_000),))
    assert best(pool, [10, 100], (365, 365)) == (10,)
