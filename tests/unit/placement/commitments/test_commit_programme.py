"""The programme finds what can be proved by other means: quantiles, exhaustive search, the arithmetic of a bill."""

import itertools
import random
from collections.abc import Sequence

import numpy as np
import pytest

from polycloud.placement.commitments.applied import apply, bought, kept, rounded
from polycloud.placement.commitments.history import DOLLARS, MACHINES, History, Series
from polycloud.placement.commitments.instruments import Held, Instrument, bind
from polycloud.placement.commitments.offers import YEAR_HOURS, Offering
from polycloud.placement.commitments.programme import choose, newsvendor
from polycloud.placement.commitments.scenarios import Path, draw, model, steady
from polycloud.placement.solve.highs import Floats

WEEK = 168


def plan(name: str = "plan", keep: int = 700_000, term: str = "1y", **more: object) -> Offering:
    return Offering(name, "aws", "savings-plan", term, keep_ppm=keep, **more)  # type: ignore[arg-type]


def machine(sku: str, unit: int, term: str = "1y", **more: object) -> Offering:
    return Offering(f"ri {sku} {term}", "aws", "reserved", term, "r", sku, unit_micro=unit, **more)  # type: ignore[arg-type]


def history(*usage: Sequence[int], unit: str = MACHINES, each: float = 1e6) -> History:
    series = (Series("aws", "r", f"m{at}", tuple(line), unit, each) for at, line in enumerate(usage))
    return History(0, tuple(series))


def path(usage: Floats) -> Path:
    """A future whose level stays."""
    return Path(usage, np.ones((usage.shape[1] // WEEK + 2, usage.shape[0])), WEEK)


def bound(offerings: Sequence[Offering], series: int = 1) -> tuple[Instrument, ...]:
    found = bind(history(*([[1_000_000]] * series)), offerings)
    assert found.aside == ()
    return found.instruments


@pytest.mark.parametrize("keep", [50_000, 300_000, 720_000, 950_000])
@pytest.mark.parametrize("seed", range(5))
def test_one_pool_and_term_is_the_newsvendor(keep: int, seed: int) -> None:
    usage = np.random.default_rng(seed).gamma(2.0, 3e6, (1, 700))
    found = choose([path(usage)], bound([plan(keep=keep)]), states=700)
    assert found.optimal
    assert found.amounts[0] == pytest.approx(newsvendor(usage, keep / 1e6) / 1e6, abs=6e-4)


def test_the_newsvendor_against_every_amount_that_could_be_best() -> None:
    chance = random.Random(4)
    for _ in range(200):
        usage = np.array([chance.randint(0, 9) for _ in range(chance.randint(1, 12))], dtype=float)
        keep = chance.uniform(0.01, 1.2)
        costs = {a: keep * a + float(np.maximum(usage - a, 0).mean()) for a in {0.0, *usage}}
        assert costs[newsvendor(usage, keep)] == pytest.approx(min(costs.values()))


def billed(
    usage: Floats, instruments: Sequence[Instrument], amounts: Sequence[float], held: Sequence[Held] = ()
) -> float:
    hours = usage.shape[1]
    pledges = [bought(i, [a], path(usage), hours) for i, a in zip(instruments, amounts, strict=True)]
    return apply(usage, [*pledges, *(kept(promise, hours) for promise in held)]).total


@pytest.mark.parametrize("seed", range(12))
def test_whole_units_of_overlapping_offers_match_exhaustive_search(seed: int) -> None:
    """Two machines with reservations of their own, and a convertible one that covers both."""
    chance = np.random.default_rng(seed)
    usage = chance.integers(0, 5, (2, 40)) * 1e6
    prices = chance.integers(400_000, 950_000, 3)
    wide = Offering("wide", "aws", "reserved", "1y", "r", "m0", unit_micro=int(prices[2]), convertible=True)
    instruments = bound([machine("m0", int(prices[0])), machine("m1", int(prices[1])), wide], 2)
    found = choose([path(usage)], instruments, states=40)
    assert found.optimal
    best = min(billed(usage, instruments, amounts) for amounts in itertools.product(range(6), repeat=3))
    assert billed(usage, instruments, found.amounts) == pytest.approx(best, rel=1e-6)


def test_units_come_in_their_increments_above_their_minimum() -> None:
    usage = np.full((1, 60), 9e6)  # nine machines, always
    for minimum, increment, expected in ((0, 1, 9), (5, 2, 8), (9, 5, 0), (10, 10, 0)):
        offer = machine("m0", 900_000, minimum=minimum, increment=increment)
        assert choose([path(usage)], bound([offer]), states=60).amounts == (expected,), (minimum, increment)


def test_a_minimum_that_still_pays_is_bought() -> None:
    usage = np.full((1, 60), 9e6)
    offer = machine("m0", 500_000, minimum=10, increment=5)
    assert choose([path(usage)], bound([offer]), states=60).amounts == (10,)


def test_provisioned_units_serve_tokens() -> None:
    """A unit serves 2,500 tokens a minute, worth 0.50 USD an hour of usage here, for 0.30 USD."""
    series = Series("azure", "westeurope", "gpt-4o", (1,), "tokens/m", 200.0)
    offer = Offering(
        "ptu", "azure", "ptu", "1y", "westeurope", "gpt-4o", unit_micro=300_000, serves=2500.0, increment=5
    )
    instruments = bind(History(0, (series,)), [offer]).instruments
    usage = np.full((1, 60), 22 * 500_000.0)
    assert choose([path(usage)], instruments, states=60).amounts == (20,)
    dear = bind(History(0, (series,)), [Offering("ptu", "azure", "ptu", "1y", unit_micro=600_000, serves=2500.0)])
    assert "saves nothing" in dear.aside[0]


def test_prepaid_credits_look_at_the_whole_term() -> None:
    """Usage that swings by the hour is as good as steady usage for a sum that is drawn down."""
    swing = np.tile([0.0, 2e6], YEAR_HOURS // 2)[None, :]
    credits = Offering("credits", "aws", "universal-credits", "1y", keep_ppm=900_000)
    assert choose([path(swing)], bound([credits]), states=400).amounts[0] == pytest.approx(YEAR_HOURS, rel=1e-3)
    assert choose([path(swing)], bound([plan(keep=900_000)]), states=YEAR_HOURS).amounts == (0.0,)


def test_a_risk_weight_trades_the_mean_for_the_tail() -> None:
    """Futures that fall far: the tail buys more of what protects it, and is cheaper there."""
    futures = [path(np.full((1, 400), level * 1e6)) for level in [10.0] * 8 + [40.0, 40.0]]
    instruments = bound([plan(keep=600_000)])
    calm, wary = (choose(futures, instruments, risk=risk, states=4).amounts[0] for risk in (0.0, 0.9))
    assert (calm, wary) == (10.0, 40.0)


def test_an_amount_is_never_above_what_may_be_bought() -> None:
    usage = np.full((1, 60), 9e6)
    assert choose([path(usage)], bound([machine("m0", 500_000, most=4)]), states=60).amounts == (4,)
    assert choose([path(usage)], bound([plan(most=2.5)]), states=60).amounts == (2.5,)


def test_what_is_held_is_not_bought_again_until_it_ends() -> None:
    usage = np.full((1, YEAR_HOURS), 10e6)
    instruments = bound([plan(keep=700_000)])
    for until, expected in ((YEAR_HOURS, 4.0), (YEAR_HOURS // 2, 4.0), (YEAR_HOURS // 5, 10.0)):
        held = Held("old", bound([plan("old", keep=500_000)])[0], 6.0, until)
        found = choose([path(usage)], instruments, [held], states=40).amounts[0]
        assert found == pytest.approx(expected, abs=0.01), until


def test_prepaid_credits_that_are_held_are_drawn_before_new_ones_are_bought() -> None:
    usage = np.full((2, YEAR_HOURS), 1e6)
    credits = Offering("credits", "aws", "universal-credits", "1y", keep_ppm=750_000)
    new = bound([credits], 2)
    for left, until, expected in ((YEAR_HOURS, YEAR_HOURS, 1.0), (YEAR_HOURS, YEAR_HOURS // 4, 1.5), (0.0, 1, 2.0)):
        held = Held("old", new[0], left, until)
        found = choose([path(usage)], new, [held], states=40)
        assert found.amounts[0] / YEAR_HOURS == pytest.approx(expected, rel=1e-3), (left, until)


def test_prepaid_credits_of_a_part_and_of_the_whole_do_not_cover_twice() -> None:
    usage = np.array([[1e6] * 400, [2e6] * 400])
    part = Offering("part", "aws", "universal-credits", "1y", "r", "m0", keep_ppm=600_000)
    whole = Offering("whole", "aws", "universal-credits", "1y", keep_ppm=700_000)
    instruments = bound([part, whole], 2)
    found = choose([path(usage)], instruments, states=40)
    assert [a * 400 / YEAR_HOURS for a in found.amounts] == pytest.approx([400, 800], rel=1e-3)


def test_each_year_has_an_amount_of_its_own() -> None:
    """What is held until the first year's end is bought again then, not now."""
    usage = np.full((1, 3 * YEAR_HOURS), 10e6)
    one, three = bound([plan(keep=700_000), plan("long", keep=690_000, term="3y")])
    held = Held("old", bound([plan("old", keep=500_000)])[0], 6.0, YEAR_HOURS)
    found = choose([path(usage)], [one, three], [held], states=10)
    assert found.schedule[1] == (pytest.approx(4.0),)
    assert found.schedule[0] == (pytest.approx(0.0), pytest.approx(6.0), pytest.approx(6.0))


def test_a_bill_adds_up_and_the_better_discount_goes_first() -> None:
    usage = np.array([[4e6, 1e6], [3e6, 3e6]])
    reserved, spend = bound([machine("m0", 500_000), plan(keep=700_000)], 2)
    found = apply(usage, [bought(reserved, [2], None, 2), bought(spend, [3.0], None, 2)])
    assert found.covered == (3e6, 6e6)  # the reservation stands empty by half in the second hour
    assert found.paid == (2e6, 4_200_000)
    assert found.rest == 2e6
    assert sum(found.covered) + found.rest == found.usage
    assert found.total == 8_200_000


@pytest.mark.parametrize("seed", range(20))
def test_covered_and_rest_are_the_usage_whatever_is_promised(seed: int) -> None:
    chance = np.random.default_rng(seed)
    usage = chance.integers(0, 9, (3, 50)) * 1e6
    credits = Offering("credits", "aws", "universal-credits", "1m", keep_ppm=800_000)
    instruments = bound([machine("m1", 600_000), plan(keep=800_000), credits], 3)
    amounts = chance.integers(0, 30, 3)
    found = apply(usage, [bought(i, [float(a)], None, 50) for i, a in zip(instruments, amounts, strict=True)])
    assert sum(found.covered) + found.rest == pytest.approx(usage.sum())
    assert found.rest >= -1e-6
    assert all(c <= w + 1e-6 for c, w in zip(found.covered, found.whole, strict=True))


def test_what_ends_within_the_horizon_is_bought_again_at_the_level_of_then() -> None:
    levels = np.array([[1.0]] * 52 + [[2.0]] * 60)
    future = Path(np.full((1, 2 * YEAR_HOURS), 1e6), levels, WEEK)
    pledge = bought(bound([machine("m0", 500_000, increment=3)])[0], [3], future, 2 * YEAR_HOURS)
    assert (pledge.units[0], pledge.units[YEAR_HOURS - 1], pledge.units[YEAR_HOURS]) == (3, 3, 6)


def test_rounding_goes_down_to_what_can_be_bought() -> None:
    offer = bound([machine("m0", 500_000, minimum=10, increment=5)])[0]
    assert [rounded(offer, a) for a in (4, 9.9, 10, 14.9, 15.0)] == [0, 0, 10, 10, 15]


# -- futures -----------------------------------------------------------------------------------------------


def swinging(weeks: int, growth: float = 0.0) -> list[int]:
    return [round((5 + h % 24) * 1e6 * (1 + growth) ** (h // WEEK)) for h in range(weeks * WEEK)]


def test_futures_follow_from_the_seed_alone() -> None:
    source = model(history(swinging(16, 0.02)))
    assert (draw(source, 500, 3, 1).usage == draw(source, 500, 3, 1).usage).all()
    assert (draw(source, 500, 3, 1).usage != draw(source, 500, 3, 2).usage).any()
    assert (draw(source, 500, 3, 1).usage != draw(source, 500, 4, 1).usage).any()


def test_a_history_that_repeats_has_futures_that_repeat_it() -> None:
    source = model(history(swinging(12)))
    assert np.allclose(draw(source, 12 * WEEK, 1, 0).usage[0], swinging(12))


def test_a_trend_is_followed_for_as_long_as_the_history_and_no_longer() -> None:
    source = model(history(swinging(24, 0.01)))
    levels = draw(source, YEAR_HOURS, 1, 0).levels[:, 0]
    assert levels[6] / levels[0] == pytest.approx(1.01**24, rel=1e-3)
    assert levels[-1] == pytest.approx(levels[6])


def test_series_that_move_together_still_do() -> None:
    chance = np.random.default_rng(5)
    weeks = chance.uniform(0.5, 1.5, 20)
    line = [round(1e6 * weeks[h // WEEK]) for h in range(20 * WEEK)]
    usage = draw(model(history(line, [2 * v for v in line])), 5000, 1, 0).usage
    assert np.allclose(usage[1], 2 * usage[0])


def test_levels_that_wandered_spread_the_futures_and_stay_bounded() -> None:
    chance = np.random.default_rng(6)
    walk = np.exp(np.cumsum(chance.normal(0, 0.2, 10)))
    line = [round(1e6 * walk[h // (4 * WEEK)]) for h in range(40 * WEEK)]
    source = model(history(line))
    ends = [draw(source, 3 * YEAR_HOURS, 1, n).levels[-1, 0] for n in range(60)]
    assert np.quantile(ends, 0.9) > 1.5 * np.quantile(ends, 0.1)
    assert max(ends) <= 4 * source.levels.max()
    assert min(ends) >= source.levels.min() / 4


def test_a_series_that_rests_for_weeks_keeps_a_level() -> None:
    line = [0] * (6 * WEEK) + [1_000_000] * (2 * WEEK)
    assert np.isfinite(draw(model(history(line)), 2000, 1, 0).usage).all()


def test_the_stress_falls_at_once_and_stays() -> None:
    source = model(history(swinging(12)))
    fallen = steady(source, 2 * WEEK, 0.7)
    assert np.allclose(fallen.usage[0], 0.7 * np.array(swinging(2)))
    assert fallen.ratio((0,), WEEK) == 1.0  # known only once the block is over
    assert steady(source, 9 * WEEK, 0.7).ratio((0,), 5 * WEEK) == pytest.approx(0.7)


def test_spend_alone_can_not_be_reserved_by_the_machine() -> None:
    found = bind(history([1], unit=DOLLARS), [machine("m0", 1)])
    assert found.instruments == ()
    assert "counts machines" in found.aside[0]
    assert "no usage matches" in bind(history([1]), [machine("other", 1)]).aside[0]
