"""Availability and cost: the arithmetic against cases that are done by hand."""

import pytest

from polycloud.catalog.market import Market
from polycloud.placement import availability as available
from polycloud.placement.assess.costs import (
    EVERYWHERE,
    FAILOVER,
    FIGURES,
    HYBRID,
    PATTERNS,
    SINGLE,
    SPECIALISED,
    Shape,
    cost,
)
from polycloud.placement.assess.needs import Needs

HERE = Shape(available.ONE, 2, "aws/us-east-1", "azure/eastus")
GB = 10**9


def test_compute_and_model_must_both_be_up() -> None:
    assert available.one_region() == pytest.approx(0.9989001)


def test_two_copies_fail_together_by_their_common_cause() -> None:
    assert available.doubled(0.9, 0.0) == pytest.approx(0.99)
    assert available.doubled(0.9, 1.0) == pytest.approx(0.9)
    assert available.doubled(0.9, 0.5) == pytest.approx(1 - (0.05 + 0.0025))


def test_a_standby_loses_the_time_of_the_switch() -> None:
    assert available.standby(0.9, 0.0, 0.0) == pytest.approx(0.99)
    assert available.standby(0.9, 0.0, 1.0) == pytest.approx(0.9)
    assert available.standby(0.9, 1.0, 0.0) == pytest.approx(0.9)
    assert available.standby(0.9, 0.0, 0.5) == pytest.approx(1 - 0.1 * (0.5 + 0.5 * 0.1))


def test_more_is_never_less_available_and_ranges_are_in_order() -> None:
    ladder = [available.in_one_cloud(depth) for depth in available.DEPTHS]
    ladder += [available.over_clouds(active=True)]
    for figure in [*ladder, available.over_clouds(active=False)]:
        assert figure.worst <= figure.expected <= figure.best <= 1
    assert [f.expected for f in ladder] == sorted(f.expected for f in ladder)
    assert available.over_clouds(active=False).expected > available.in_one_cloud(available.STANDBY).expected


def test_two_clouds_are_not_the_product_of_independent_failures() -> None:
    """What a naive composite says is an order of magnitude too good."""
    down = 1 - available.one_region()
    naive = 1 - down**2
    assert available.over_clouds(active=True).expected < naive
    assert available.minutes_a_year(naive) < 1
    assert available.minutes_a_year(available.over_clouds(active=True).expected) > 10


def test_the_least_doubling_that_holds_a_target() -> None:
    assert available.depth_for(None) == available.ONE
    assert available.depth_for(0.998) == available.ONE
    assert available.depth_for(0.999) == available.STANDBY
    assert available.depth_for(0.9998) == available.ACTIVE
    assert available.depth_for(0.99999) is None
    assert available.depth_for(0.9989, needs_both=True) == available.STANDBY


def stated(**more: object) -> Needs:
    known: dict[str, object] = {
        "monthly_spend": 100_000_000_000,
        "model_share": 0.4,
        "steady_share": 0.5,
        "moved_per_month": 1000 * GB,
        "extra_cloud_cost": 20_000_000_000,
        "engineer_cost": 10_000_000_000,
    }
    return Needs(**{**known, **more})  # type: ignore[arg-type]


def test_what_everybody_stated_leaves_only_named_assumptions() -> None:
    found = cost(FAILOVER, HERE, stated(), Market.load())
    egress = Market.load().egress("aws/us-east-1", "azure/eastus")
    assert egress is not None
    lines = [item.expected for item in found.items]
    assert lines == [100_000_000_000, 12_000_000_000, 1000 * egress.first_paid, 20_000_000_000]
    assert [line.split(":")[0] for line in found.assumed] == ["standby"]
    assert (found.low, found.high) == (found.expected - 6_000_000_000, found.expected + 12_000_000_000)


def test_a_single_cloud_pays_for_its_second_region_only_when_it_needs_one() -> None:
    market = Market.load()
    one = cost(SINGLE, HERE, stated(), market)
    assert one.expected == 100_000_000_000
    active = cost(SINGLE, Shape(available.ACTIVE, 1, "", ""), stated(), market)
    assert active.expected == 160_000_000_000
    standby = cost(SINGLE, Shape(available.STANDBY, 1, "", ""), stated(), market)
    assert standby.expected == 112_000_000_000


def test_hybrid_saves_on_steady_work_what_own_machines_are_cheaper() -> None:
    found = cost(HYBRID, HERE, stated(moved_per_month=0), Market.load())
    assert [item.expected for item in found.items][1] == -round(100_000_000_000 * 0.5 * 0.3)
    assert found.high > 100_000_000_000  # at worst they are dearer than the cloud


def test_models_by_a_gateway_cost_a_part_of_a_platform() -> None:
    needs = stated(extra_cloud_cost=None)
    whole = cost(SPECIALISED, HERE, needs, Market.load())
    models = cost(SPECIALISED, Shape(available.ONE, 2, "", "", models_only=True), needs, Market.load())
    assert models.expected == 100_000_000_000 + round(0.25 * 10_000_000_000)
    assert models.expected < whole.expected


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_cost_is_in_order_and_adds_up(pattern: str) -> None:
    found = cost(pattern, HERE, Needs(monthly_spend=50_000_000_000, data=10**14), Market.load())
    assert found.low <= found.expected <= found.high
    assert found.expected == sum(item.expected for item in found.items)
    assert all(line.split(":")[0] in FIGURES for line in found.assumed)


def test_without_a_price_for_the_way_one_is_assumed_and_named() -> None:
    found = cost(EVERYWHERE, Shape(available.ONE, 2, "", ""), stated(), Market.load())
    assert any(line.startswith("egress:") for line in found.assumed)


@pytest.mark.parametrize("assumption", FIGURES.values(), ids=lambda a: a.key)
def test_assumptions_have_a_range_around_them(assumption: object) -> None:
    figure = FIGURES[assumption.key]  # type: ignore[attr-defined]
    assert figure.low <= figure.expected <= figure.high
    assert figure.text
