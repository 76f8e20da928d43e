"""The whole answer: rules as they are defined, an honest verdict, and earlier promises of an estate."""

import math
import random

import msgspec
import numpy as np
import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.estate.schema.work import Commitment
from polycloud.placement.commitments import rules
from polycloud.placement.commitments.history import HOUR, MACHINES, History, Series
from polycloud.placement.commitments.instruments import Bound, Held, bind, hold
from polycloud.placement.commitments.offers import Offering
from polycloud.placement.commitments.portfolio import PLAN, Settings, recommend
from polycloud.placement.commitments.reading import no_prices

WEEK = 168
QUICK = Settings(fitted=8, judged=20)
PLAN_1Y = Offering("plan 1y", "aws", "savings-plan", "1y", keep_ppm=700_000)
RESERVED = Offering("ri", "aws", "reserved", "1y", "r", "m", unit_micro=600_000)


def machines(level: list[float], seed: int = 1, swing: float = 3.0) -> History:
    """One level a week, in machines of 1 USD an hour."""
    chance = random.Random(seed)
    micro = [
        max(0, round(level[h // WEEK] + swing * math.sin(h / 24 * 2 * math.pi) + chance.gauss(0, 0.5))) * 1_000_000
        for h in range(len(level) * WEEK)
    ]
    return History(1_780_272_000, (Series("aws", "r", "m", tuple(micro), MACHINES, 1e6),))


def test_the_rules_are_what_they_say() -> None:
    history = machines([10.0] * 8)
    recent = np.array(history.series[0].micro[-28 * 24 :]) / 1e6
    bound = bind(history, [PLAN_1Y])
    found = {rule: rules.amounts(rule, history, bound.instruments, ())[0] for rule in rules.RULES}
    assert found[rules.NONE] == 0
    assert found[rules.RULE] == pytest.approx(0.7 * recent.mean())
    assert found[rules.PEAK] == recent.max()
    assert found[rules.RECOMMENDER] == sorted(recent)[int(0.3 * len(recent))]


def test_a_rule_takes_the_cheapest_instrument_and_whole_machines() -> None:
    history = machines([10.4] * 8)
    bound = bind(history, [PLAN_1Y, RESERVED])
    plan, reserved = rules.amounts(rules.RULE, history, bound.instruments, ())
    assert plan == 0
    assert reserved == math.floor(0.7 * np.mean(history.series[0].micro[-28 * 24 :]) / 1e6)


def test_a_rule_buys_again_what_has_ended() -> None:
    history = machines([10.0] * 8)
    bound = bind(history, [PLAN_1Y])
    held = msgspec.structs.replace(bound.instruments[0], offering=PLAN_1Y)
    whole = Bound(bound.instruments, (Held("old", held, 5.0, 8760),))
    ((now, later),) = rules.schedule(rules.RULE, history, whole, 2)
    assert now < later == rules.amounts(rules.RULE, history, bound.instruments, ())[0]


def test_on_steady_usage_the_plan_beats_every_rule_and_adds_up() -> None:
    history = machines([20.0] * 18)
    answer = recommend(history, bind(history, [PLAN_1Y]), QUICK)
    assert answer.optimal
    costs = {outcome.name: outcome.mean for outcome in answer.outcomes}
    assert min(costs, key=lambda name: costs[name]) == PLAN
    assert costs[rules.NONE] > costs[rules.RULE] > costs[PLAN]
    buy = answer.buys[0]
    assert buy.saving_micro == pytest.approx(costs[rules.NONE] - costs[PLAN], rel=1e-6)
    assert buy.cost_micro == pytest.approx(0.7 * buy.covers_micro, rel=1e-6)
    plan = answer.outcome(PLAN)
    assert plan.p10 <= plan.p50 <= plan.p90 <= plan.worst + 1
    assert answer.outcome(rules.NONE).utilisation is None
    assert plan.utilisation is not None
    assert 0.8 < plan.utilisation <= 1
    assert answer.held_out is not None
    held_out = dict(answer.held_out.costs)
    assert held_out[PLAN] < 1.005 * min(held_out.values())  # the same amount as the recommender's, but for noise


def test_when_usage_collapses_the_held_out_weeks_say_that_the_rule_won() -> None:
    history = machines([20.0] * 12 + [9.0] * 6)
    answer = recommend(history, bind(history, [PLAN_1Y]), QUICK)
    assert answer.held_out is not None
    costs = dict(answer.held_out.costs)
    assert answer.held_out.winner != PLAN
    assert costs[rules.RULE] < costs[PLAN] < costs[rules.PEAK]
    assert answer.held_out.fitted_weeks + answer.held_out.judged_weeks == 18


def test_the_fall_is_billed_and_regret_is_against_the_best_of_it() -> None:
    history = machines([20.0] * 12)
    answer = recommend(history, bind(history, [PLAN_1Y]), QUICK)
    assert all(outcome.regret >= 0 for outcome in answer.outcomes)
    peak, plan = answer.outcome(rules.PEAK), answer.outcome(PLAN)
    assert peak.regret > plan.regret > 0
    assert peak.fallen - plan.fallen == pytest.approx(peak.regret - plan.regret, abs=2)


def test_nothing_on_offer_buys_nothing_and_says_so() -> None:
    history = machines([20.0] * 4)
    answer = recommend(history, Bound(()), QUICK)
    assert answer.buys == ()
    assert answer.held_out is None
    assert {outcome.mean for outcome in answer.outcomes} == {answer.outcome(PLAN).mean}


def test_short_histories_say_what_they_do_not_show() -> None:
    history = machines([20.0] * 2)
    notes = " ".join(recommend(history, bind(history, [PLAN_1Y]), QUICK).notes)
    assert "risk is understated" in notes
    assert "season of the year" in notes


def test_the_same_seed_gives_the_same_answer() -> None:
    history = machines([20.0] * 8)
    bound = bind(history, [PLAN_1Y, RESERVED])
    assert recommend(history, bound, QUICK) == recommend(history, bound, QUICK)


# -- what an estate holds already ------------------------------------------------------------------------------


def commitment(**keys: str | int) -> Commitment:
    written = {"cloud": "aws", "kind": "savings-plan", "starts": "2026-01-01", "term": "1y", **keys}
    return Commitment.model_validate({k: v for k, v in written.items() if v != ""})


NOW = 1_782_864_000  # 2026-07-01


def test_an_amount_for_a_term_is_spread_over_its_hours() -> None:
    history = machines([20.0] * 4)
    found = hold({"old": commitment(amount="87_660 USD", discount="30 %")}, history, [], no_prices, NOW)
    assert found.aside == ()
    held = found.held[0]
    assert held.amount == pytest.approx(10 / 0.7)  # 87,660 USD in 8,766 hours, at 70 % of the on-demand price
    assert held.until == 184 * 24 + 6  # a year of 365.25 days from January


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"starts": "2024-01-01", "amount": "1 USD", "discount": "10 %"}, "it has ended"),
        ({"starts": "2026-09-01", "amount": "1 USD", "discount": "10 %"}, "it has not begun"),
        ({"amount": "1 USD"}, "with a discount"),
        ({"amount": "1 EUR", "discount": "10 %"}, "in USD"),
        ({"units": 3}, "no known price"),
        ({"kind": "ptu", "cloud": "azure", "units": 3}, "says what one serves"),
        ({"amount": "1 USD", "discount": "10 %", "cloud": "gcp"}, "no usage of the history"),
    ],
)
def test_what_can_not_be_counted_is_told(keys: dict[str, str | int], reason: str) -> None:
    found = hold({"old": commitment(**keys)}, machines([20.0] * 4), [], no_prices, NOW)
    assert found.held == ()
    assert reason in found.aside[0]


def test_a_promise_without_an_end_runs_on_and_is_doubted() -> None:
    old = commitment(amount="87_660 USD", discount="30 %", starts="", term="")
    found = hold({"old": old}, machines([20.0] * 4), [], no_prices, NOW)
    assert not found.held[0].certain
    assert "does not say when it ends" in found.aside[0]


def test_units_are_priced_by_the_catalogue_or_by_an_offer_of_the_same_kind() -> None:
    def price(site: str, machine: str) -> Offer:
        return Offer(site, machine, 2, 8, "", 0, 1_000_000, None, 600_000, None)

    old = commitment(kind="reserved", units=4, at="aws/r", sku="m")
    found = hold({"old": old}, machines([20.0] * 4), [], price, NOW).held[0]
    assert (found.amount, found.instrument.cost, found.instrument.covers) == (4, 600_000, (1e6,))


def test_earlier_promises_lower_what_is_bought() -> None:
    history = machines([20.0] * 12, swing=0.0)
    free = recommend(history, bind(history, [PLAN_1Y]), QUICK).buys[0].amount
    bound = bind(history, [PLAN_1Y])
    old = commitment(amount="87_660 USD", discount="30 %", starts="2026-08-20")
    kept = hold({"old": old}, history, [], no_prices, history.start + history.hours * HOUR)
    with_held = recommend(history, Bound(bound.instruments, kept.held), QUICK)
    (use,) = with_held.held
    assert (use.name, use.utilisation) == ("old", pytest.approx(1.0))
    assert use.covers_micro == pytest.approx(10 / 0.7 * 730 * 1e6, rel=1e-6)
    assert with_held.buys[0].amount == pytest.approx(free - 10 / 0.7, rel=0.1)
