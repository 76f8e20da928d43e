"""The online rule keeps its promise on any demand: at most (2 - alpha) times the offline optimum."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.placement.commitments.online import Price, Rule, Step, cost, follow, offline

DEMANDS = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@st.composite
def prices(draw: st.DrawFn) -> Price:
    hourly = draw(st.integers(1, 10)) * 100_000
    running = draw(st.integers(0, hourly - 1))
    term = draw(st.integers(1, 12))
    return Price(hourly, draw(st.integers(0, hourly * term * 3 // 2)), term, running)


@settings(max_examples=300, deadline=None)
@given(prices(), DEMANDS)
def test_the_rule_is_never_worse_than_its_guarantee(price: Price, demands: list[int]) -> None:
    best = offline(price, demands)
    assert best is not None
    assert cost(price, demands, follow(price, demands)) <= price.guarantee * best


def searched(price: Price, demands: list[int]) -> int:
    """The offline optimum by dynamic programming over the reservations of the last term."""

    @cache
    def least(hour: int, recent: tuple[int, ...]) -> int:
        if hour == len(demands):
            return 0
        found = []
        for new in range(max(demands) + 1):
            force = sum(recent) + new
            paid = new * price.fee + max(0, demands[hour] - force) * price.hourly
            paid += min(demands[hour], force) * price.running
            rest = (*recent, new)[-(price.term - 1) :] if price.term > 1 else ()
            found.append(paid + least(hour + 1, rest))
        return min(found)

    return least(0, (0,) * (price.term - 1))


@settings(max_examples=100, deadline=None)
@given(
    st.builds(Price, st.just(1_000_000), st.integers(0, 5_000_000), st.integers(1, 4), st.integers(0, 999_999)),
    st.lists(st.integers(0, 2), min_size=1, max_size=8),
)
def test_the_offline_optimum_is_that_of_exhaustive_search(price: Price, demands: list[int]) -> None:
    assert offline(price, demands) == searched(price, demands)


@settings(max_examples=100, deadline=None)
@given(prices(), DEMANDS)
def test_no_step_knows_what_comes(price: Price, demands: list[int]) -> None:
    whole = follow(price, demands)
    for cut in (1, len(demands) // 2):
        assert follow(price, demands[:cut]) == whole[:cut]


def test_it_reserves_when_the_fee_is_passed_and_the_guarantee_is_nearly_met() -> None:
    """The worst case: demand that stops as soon as the rule has reserved."""
    price = Price(1_000_000, 10_000_000, 1000)
    demands = [1] * 11 + [0] * 100
    steps = follow(price, demands)
    assert [at for at, step in enumerate(steps) if step.reserve] == [10]
    assert steps[50] == Step(0, 1, 0)
    best = offline(price, demands)
    assert best == 10_000_000
    assert cost(price, demands, steps) == 20_000_000


@pytest.mark.parametrize("price", [Price(0, 1, 1), Price(5, 1, 1, 5), Price(5, -1, 1), Price(5, 1, 0)])
def test_a_price_that_is_none_is_refused(price: Price) -> None:
    with pytest.raises(ValueError, match="needs a term"):
        Rule(price)


def test_a_negative_demand_is_refused() -> None:
    with pytest.raises(ValueError, match="no demand"):
        Rule(Price(5, 1, 1)).step(-1)
