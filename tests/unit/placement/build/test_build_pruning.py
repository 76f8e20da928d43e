"""What is left away is never part of the best plan: small estates with and without it, every plan of both tried."""

import itertools
from collections.abc import Callable
from random import Random

import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.placement.bill import commitment_cost, used
from polycloud.placement.build import Built
from polycloud.placement.build.candidates import Candidates
from polycloud.placement.build.pruning import SLACK, Pruning, alone, shared_least
from polycloud.placement.problem import Problem, Solution

Make = Callable[..., Built]
HERE = "aws/us-east-1"
HEAD = "estate: one\nclouds:\n  aws: {sites: [us-east-1]}\n"
DAY, NIGHT = [100] * 12 + [0] * 12, [0] * 12 + [100] * 12


def curve(levels: list[int]) -> str:
    return "[" + ", ".join(f"{level} %" for level in levels) + "]"


def served(name: str, most: int, memory: int, levels: list[int], kind: str = "application") -> str:
    usual = f"kind: {kind}, environment: development, interruptible: false"
    needs = f"{{vcpu: 8, memory: {memory} GiB}}"
    return f"  {name}: {{{usual}, needs: {needs}, scale: {{min: 0, max: {most}, demand: {curve(levels)}}}}}\n"


def best(problem: Problem) -> int:
    """The least cost of all plans, micro-USD: every choice, and for each pool every promise that could be best."""
    least = None
    for choice in itertools.product(*(range(len(task.options)) for task in problem.tasks)):
        plan = Solution(choice, (), tuple(() for _ in problem.tasks), tuple((0,) * len(p.terms) for p in problem.pools))
        total = sum(task.options[at].cost for task, at in zip(problem.tasks, choice, strict=True))
        for at, (pool, usage) in enumerate(zip(problem.pools, used(problem, plan), strict=True)):
            tried = []
            held_now = sum(term.held for term in pool.terms)
            for promise in {0, *(max(0, use - held_now) for use in usage)}:
                for term in range(len(pool.terms)):
                    row = tuple(held.held + (promise if n == term else 0) for n, held in enumerate(pool.terms))
                    if all(t.most is None or amount <= t.most for t, amount in zip(pool.terms, row, strict=True)):
                        tried.append(commitment_cost(problem, at, usage, row))
            total += min(tried)
        least = total if least is None else min(least, total)
    assert least is not None
    return least


def both(make: Make, text: str, market: object) -> tuple[Problem, Problem]:
    """The problem as it is built, and with nothing left away."""
    pruned = make(text, market, head=HEAD).problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Candidates, "_unbeaten", lambda _, choices: choices)
        patch.setattr(Pruning, "at_site", lambda _, drafts: list(drafts))
        patch.setattr(Pruning, "together", lambda _, parts, drafts: drafts)
        return pruned, make(text, market, head=HEAD).problem


def test_a_dearer_machine_that_rides_on_anothers_promise_is_kept(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    """``big`` must be in the family r by its memory; ``night`` fits on c too, which is cheaper in every way alone.

    By day ``big`` uses 10 r-machines at 1.00, by night ``night`` 10 machines. Promised, r costs 0.50 in all 730 hours:
    apart: big on r, 365 h x 10 x 1.00 = 3,650 (promised: 730 x 10 x 0.50 = 3,650, the same);
           night on c at 0.90, 365 x 10 x 0.90 = 3,285; together 6,935.
    night on r too: 730 x 10 x 0.50 = 3,650 for both.
    """
    market = small(
        (
            offer(HERE, "r1.large", 1_000_000, vcpu=8, memory_gib=64, committed_3y=500_000),
            offer(HERE, "c1.large", 900_000, vcpu=8, memory_gib=32, committed_3y=440_000),
        )
    )
    text = "workloads:\n" + served("big", 10, 64, DAY) + served("night", 10, 32, NIGHT)
    pruned, whole = both(make, text, market)
    assert best(pruned) == best(whole) == 3_650_000_000


@pytest.mark.parametrize("seed", range(60))
def test_the_best_plan_is_never_left_away(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object], seed: int
) -> None:
    chance = Random(seed)
    offers = []
    for family, memory in (("c", 16), ("m", 32), ("r", 64), ("x", 32)):
        keeps = (chance.choice((None, 0.6, 0.7, 0.9)), chance.choice((None, 0.3, 0.5, 0.7)))
        for size in chance.choice(((1,), (1, 2))):
            price = round(size * chance.choice((80, 90, 100, 110, 130)) * 10_000 * chance.choice((1, 1, 1.1)))
            one, three = (None if keep is None else round(price * keep) for keep in keeps)
            offers.append(
                offer(
                    HERE,
                    f"{family}1.x{size}",
                    price,
                    vcpu=8 * size,
                    memory_gib=memory * size,
                    spot=chance.choice((None, price // 3)),
                    committed_1y=one,
                    committed_3y=three,
                )
            )
    work = ""
    for n in range(3):
        levels = chance.choice((DAY, NIGHT, [100] * 24, [50] * 8 + [100] * 8 + [25] * 8))
        kind = chance.choice(("application", "application", "batch"))
        work += served(f"w{n}", chance.randint(1, 4), chance.choice((16, 16, 32, 64)), levels, kind)
    held = "commitments:\n  old: {cloud: aws, kind: reserved, at: us, sku: m1.x1, units: 2, discount: 40 %}\n"
    held = held.replace("at: us", f"at: {HERE}") if chance.random() < 0.3 else ""
    pruned, whole = both(make, f"workloads:\n{work}{held}", small(tuple(offers)))
    assert best(pruned) <= best(whole) + 3 * SLACK
    assert sum(len(task.options) for task in pruned.tasks) <= sum(len(task.options) for task in whole.tasks)


@pytest.mark.parametrize("seed", range(20))
def test_what_riding_can_save_is_bounded(seed: int) -> None:
    """C(u + b) - C(u) by trying: never below the bound, and it is reached where other work leaves just those hours."""
    chance = Random(seed)
    hours = (200, 530)
    keep = chance.choice((300_000, 600_000, 900_000))
    usage = (chance.randrange(20), chance.randrange(20))
    least = shared_least(keep, usage, hours)
    assert least <= alone(keep, usage, hours)
    for other in itertools.product(range(25), repeat=2):
        both_used = (other[0] + usage[0], other[1] + usage[1])
        assert alone(keep, both_used, hours) - alone(keep, other, hours) >= least - 1
