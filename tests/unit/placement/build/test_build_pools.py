"""Promises: what family they are for, what is held, what can be bought, and which hours they cover."""

from collections.abc import Callable
from datetime import date

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market_rows import Offer
from polycloud.estate import Loaded
from polycloud.placement.bill import commitment_cost, with_sources
from polycloud.placement.build import Built, build
from polycloud.placement.build.pools import ONE_POOL
from polycloud.placement.problem import Pool, Term

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


def test_a_held_plan_for_a_cloud_covers_all_of_it(make: Make, market: object) -> None:
    text = WORK + "commitments: {plan: {cloud: aws, kind: savings-plan, amount: 61_362 USD, term: 1y, discount: 30 %}}"
    built = make(text, market)
    # 61,362 USD over 8,765.83 hours are 7 USD an hour, worth 10 USD at on-demand prices.
    (pool,) = built.problem.pools
    assert pool.name == "aws"
    (term,) = pool.terms  # Frankfurt has no committed price, so nothing more is on offer for the whole
    assert (term.name, term.keep_ppm, term.most) == ("plan", 700_000, term.held)
    assert term.held == pytest.approx(10_000_000, rel=1e-4)
    assert {option.pool for option in built.problem.tasks[0].options} == {0}
    assert built.paths["plan"] == ("commitments", "plan")
    assert [row.what for row in built.problem.left_out if row.why == ONE_POOL] == [
        "new promises for single families in aws"
    ]
    solution = with_sources(built.problem, (0,), ())
    assert solution.promised == ((term.held,),)
    paid = commitment_cost(built.problem, 0, [10_000_000], (term.held,))
    assert paid == pytest.approx(730 * (7 - 10) * 1_000_000, rel=1e-4)


def test_a_commitment_without_a_discount_is_paid_at_list_prices(make: Make, market: object) -> None:
    text = WORK + "commitments: {credits: {cloud: aws, kind: universal-credits, amount: 61_362 USD, term: 1y}}"
    built = make(text, market)
    (pool,) = built.problem.pools
    (term,) = pool.terms
    assert (term.keep_ppm, term.most) == (1_000_000, term.held)
    assert term.held == pytest.approx(7_000_000, rel=1e-4)
    paid = commitment_cost(built.problem, 0, [1_000_000], (term.held,))
    assert paid == pytest.approx(730 * (7 - 1) * 1_000_000, rel=1e-4)  # used for 1 USD an hour, paid for 7


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
    ("today", "pool", "codes"),
    [
        (None, "aws", []),
        (date(2025, 12, 31), "aws/us-east-1 m5", []),  # begins tomorrow
        (date(2026, 1, 1), "aws", []),
        (date(2028, 6, 1), "aws", []),
        (date(2028, 11, 15), "aws", ["commitment_ends"]),
        (date(2029, 2, 1), "aws/us-east-1 m5", []),  # over
    ],
)
def test_terms_begin_and_end(
    read: Callable[..., Loaded], catalog: Catalog, market: object, today: date | None, pool: str, codes: list[str]
) -> None:
    plan = "{cloud: aws, kind: savings-plan, amount: 1_000_000 USD, starts: '2026-01-01', term: 3y, discount: 30 %}"
    loaded = read(WORK + f"commitments: {{plan: {plan}}}")
    built = build(loaded.estate, catalog, market, loaded.place, today=today)  # type: ignore[arg-type]
    assert [row.name for row in built.problem.pools] == [pool]
    assert [found.code for found in built.diagnostics] == codes
    if pool != "aws":
        assert any("commitment plan" in row.what for row in built.problem.left_out)


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
