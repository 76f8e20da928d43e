"""Promises: what family they are for, what is held, what can be bought, and which hours they cover."""

from collections.abc import Callable
from datetime import date

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market_rows import Offer
from polycloud.estate import Loaded
from polycloud.placement.bill import bill, with_sources
from polycloud.placement.build import Built, build
from polycloud.placement.problem import HOURS, Pool, Term, Wide

Make = Callable[..., Built]
US, DE = "aws/us-east-1", "aws/eu-central-1"
WORK = "workloads: {w: {kind: application, needs: {vcpu: 8}, scale: {max: 10}}}\n"


@pytest.fixture
def market(offer: Callable[..., Offer], small: Callable[..., object]) -> object:
    return small(
        (
            offer(US, "m5.large", 1_000_000, committed_1y=700_000, committed_3y=500_000),
            offer(US, "m5.huge", 3_000_000, vcpu=16.0, memory_gib=64.0, committed_1y=2_400_000, committed_3y=1_500_000),
            offer(DE, "m5.large", 1_200_000),
        )
    )


def pools(built: Built) -> dict[str, Pool]:
    return {pool.name: pool for pool in built.problem.pools}


def test_a_family_in_a_region_can_be_promised_at_the_catalogues_ratios(make: Make, market: object) -> None:
    built = make(WORK, market)
    assert pools(built) == {
        "aws/us-east-1 m5": Pool("aws/us-east-1 m5", (Term("1 year", 700_000), Term("3 years", 500_000)))
    }
    option = built.problem.tasks[0].options[0]
    assert (option.pool, option.hourly) == (0, (10_000_000,))
    elsewhere = built.problem.tasks[0].options[1]
    assert (elsewhere.pool, elsewhere.hourly) == (-1, ())  # no committed price is known there


def test_the_dearest_ratio_in_a_family_holds_for_all_of_it(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "m5.large", 1_000_000, committed_3y=500_000),
            offer(US, "m5.huge", 1_950_000, vcpu=16.0, committed_3y=1_000_000),
            offer(US, "m5.odd", 1_000_000, vcpu=8.0, committed_3y=490_000),
        )
    )
    (pool,) = make(WORK, market).problem.pools
    assert pool.terms == (Term("3 years", 512_821),)  # 1.00 / 1.95, rounded up


PLAN = "{cloud: aws, kind: savings-plan, amount: 61_362 USD, term: 1y, discount: 30 %}"
PREPAID = "{cloud: aws, kind: universal-credits, amount: 61_362 USD, term: 1y}"


def test_a_held_plan_for_a_cloud_covers_what_the_families_promises_leave(make: Make, market: object) -> None:
    built = make(WORK + f"commitments: {{plan: {PLAN}}}", market)
    # 61,362 USD over 8,765.83 hours are 7 USD an hour, worth 10 USD at on-demand prices.
    assert pools(built) == {
        "aws/us-east-1 m5": Pool("aws/us-east-1 m5", (Term("1 year", 700_000), Term("3 years", 500_000))),
        "aws/eu-central-1 m5": Pool("aws/eu-central-1 m5", ()),  # no committed price is known there
    }
    (wide,) = built.problem.wide
    assert wide == Wide("plan", (0, 1), 700_000, wide.held, "aws")
    assert wide.held == pytest.approx(10_000_000, rel=1e-4)
    assert {option.pool for option in built.problem.tasks[0].options} == {0, 1}
    assert built.paths["plan"] == ("commitments", "plan")
    adds = bill(built.problem, with_sources(built.problem, (0,), ())).of("commitment")
    assert adds == pytest.approx(HOURS * (7 - 10) * 1_000_000, rel=1e-4)


def test_a_plan_for_one_site_leaves_the_other_alone(make: Make, market: object) -> None:
    built = make(WORK + f"commitments: {{plan: {PLAN.replace('kind', f'at: {US}, kind')}}}", market)
    (wide,) = built.problem.wide
    assert [built.problem.pools[at].name for at in wide.pools] == ["aws/us-east-1 m5"]


def test_credits_pay_all_that_their_cloud_charges(make: Make, market: object) -> None:
    built = make(WORK + f"commitments: {{credits: {PREPAID}}}", market)
    (credit,) = built.problem.credits
    assert credit.cloud == "aws" and credit.pools == (0,)
    assert credit.amount == credit.paid == pytest.approx(HOURS * 7_000_000, rel=1e-4)
    assert [built.problem.meters[at].name.partition("/")[0] for at in credit.meters] == ["aws"] * len(credit.meters)
    assert len(credit.meters) == len([meter for meter in built.problem.meters if meter.name.startswith("aws/")]) > 0
    assert built.paths["credits"] == ("commitments", "credits")
    option = built.problem.tasks[0].options[0]
    assert option.cost == HOURS * 10_000_000
    assert bill(built.problem, with_sources(built.problem, (0,), ())).total == option.cost


def test_credits_at_a_discount_are_worth_more_than_was_paid(make: Make, market: object) -> None:
    text = PREPAID.replace("term: 1y", "term: 1y, discount: 50 %")
    (credit,) = make(WORK + f"commitments: {{credits: {text}}}", market).problem.credits
    assert credit.amount == pytest.approx(2 * credit.paid, rel=1e-6)


def test_what_covers_nothing_that_can_be_reckoned_is_still_paid(make: Make, market: object) -> None:
    text = WORK + "commitments: {gift: {cloud: aws, kind: savings-plan, amount: 12 USD, term: 1y, discount: 100 %}}"
    built = make(text, market)
    assert built.problem.fixed == (("commitment gift", 999_316),)  # 12 USD in 8,766 hours, for 730 of them
    (found,) = built.diagnostics
    assert found.message.endswith("the plan is made without it, and it is paid")


def test_reserved_machines_are_worth_their_on_demand_price(make: Make, market: object) -> None:
    text = WORK + f"commitments: {{r: {{cloud: aws, kind: reserved, units: 3, sku: m5.large, at: {US}, term: 3y}}}}"
    (pool,) = make(text, market).problem.pools
    assert pool.name == "aws/us-east-1 m5"
    assert pool.terms[0] == Term("r", 500_000, 3_000_000, 3_000_000)
    assert [term.name for term in pool.terms[1:]] == ["1 year", "3 years"]


def test_a_dearer_family_stays_when_promises_for_it_are_held(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m5.large", 1_000_000), offer(US, "p9.large", 5_000_000)))
    assert [o.machine for o in make(WORK, market).problem.tasks[0].options] == ["m5.large"]
    more = f"commitments: {{r: {{cloud: aws, kind: reserved, units: 9, sku: p9.large, at: {US}, discount: 40 %}}}}"
    built = make(WORK + more, market)
    assert [o.machine for o in built.problem.tasks[0].options] == ["m5.large", "p9.large"]


def test_capacity_of_models_is_the_gateways(make: Make, market: object) -> None:
    built = make(WORK + "commitments: {ptu: {cloud: azure, kind: ptu, units: 100}}", market)
    assert any(row.what == "commitment ptu" for row in built.problem.left_out)
    assert "ptu" not in built.paths


def test_what_can_not_be_reckoned_is_told(make: Make, market: object) -> None:
    built = make(WORK + "commitments: {vague: {cloud: aws, kind: savings-plan, units: 3}}", market)
    assert [(found.code, found.severity) for found in built.diagnostics] == [("commitment_vague", "warning")]


@pytest.mark.parametrize(
    ("today", "in_force", "codes"),
    [
        (None, True, []),
        (date(2025, 12, 31), False, []),  # begins tomorrow
        (date(2026, 1, 1), True, []),
        (date(2028, 6, 1), True, []),
        (date(2028, 11, 15), True, ["commitment_ends"]),
        (date(2029, 2, 1), False, []),  # over
    ],
)
def test_terms_begin_and_end(
    read: Callable[..., Loaded], catalog: Catalog, market: object, today: date | None, in_force: bool, codes: list[str]
) -> None:
    plan = "{cloud: aws, kind: savings-plan, amount: 1_000_000 USD, starts: '2026-01-01', term: 3y, discount: 30 %}"
    loaded = read(WORK + f"commitments: {{plan: {plan}}}")
    built = build(loaded.estate, catalog, market, loaded.place, today=today)  # type: ignore[arg-type]
    assert [wide.name for wide in built.problem.wide] == ["plan"] * in_force
    assert [found.code for found in built.diagnostics] == codes
    assert any("commitment plan" in row.what for row in built.problem.left_out) == (not in_force)


def test_spot_hours_are_in_no_pool_and_mixed_ones_in_part(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small((offer(US, "m5.large", 1_000_000, spot=300_000, committed_3y=500_000),))
    text = "workloads: {w: {kind: KIND, needs: {vcpu: 8}}}"
    batch = {o.market: o for o in make(text.replace("KIND", "batch"), market).problem.tasks[0].options}
    assert (batch["spot"].pool, batch["spot"].hourly) == (-1, ())
    training = {o.market: o for o in make(text.replace("KIND", "training"), market).problem.tasks[0].options}
    assert training["mixed"].pool == 0
    assert training["mixed"].hourly == (200_000,)  # a fifth of the hours


def test_an_estate_that_buys_no_promises_keeps_those_that_it_has(make: Make, market: object) -> None:
    old = f"{{cloud: aws, kind: reservation, at: {US}, sku: m5.large, units: 2, discount: 30 %}}"
    held = f"commitments: {{old: {old}}}\n"
    rule = "money: {new_commitments: false}\n"
    assert make(WORK + rule, market).problem.pools == ()
    (pool,) = make(WORK + held + rule, market).problem.pools
    assert pool.terms == (Term("old", 700_000, 2_000_000, 2_000_000),)
    (both,) = make(WORK + held, market).problem.pools
    assert [term.name for term in both.terms] == ["old", "1 year", "3 years"]


def test_without_new_promises_a_machine_that_only_they_make_cheaper_is_left_out(
    make: Make, offer: Callable[..., Offer], small: Callable[..., object]
) -> None:
    market = small(
        (
            offer(US, "m5.large", 1_000_000),
            offer(US, "c5.large", 1_200_000, committed_1y=600_000),
        )
    )
    kept = make(WORK, market).problem.tasks[0].options
    assert {option.machine for option in kept} == {"c5.large", "m5.large"}
    (option,) = make(WORK + "money: {new_commitments: false}\n", market).problem.tasks[0].options
    assert option.machine == "m5.large"
