"""The way of one transfer: money that adds up, deadlines, residency named, speeds marked."""

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import EgressPrice, OwnRows, Step, Throughput
from polycloud.core.errors import BadRequest, PolicyDenied, Unsupported
from polycloud.core.ports.transfer import TransferPlan, TransferRouter
from polycloud.estate import Estate
from polycloud.placement.routes.route import Router

CATALOG, MARKET = Catalog.load(), Market.load()
TB = 10**12
EU, EU_AWS, US, AU = "gcp/europe-west1", "aws/eu-west-1", "aws/us-east-1", "aws/ap-southeast-2"


def own(prices: dict[tuple[str, str], int], speeds: dict[tuple[str, str], float]) -> Market:
    """The market with these prices and speeds in place of the listed ones."""
    egress = tuple(EgressPrice(a, b, f"{a} to {b}", (Step(0, price),)) for (a, b), price in prices.items())
    return MARKET.with_rows(
        OwnRows(egress=egress, throughput=tuple(Throughput(a, b, g) for (a, b), g in speeds.items()))
    )


SLOW_AND_CHEAP = own(
    {(EU, AU): 100_000, (EU, US): 10_000, (US, AU): 10_000, (EU, EU_AWS): 50_000, (EU_AWS, AU): 45_000},
    {(EU, AU): 2.0, (EU, US): 1.0, (US, AU): 9.0, (EU, EU_AWS): 8.0, (EU_AWS, AU): 8.0},
)


def estate(**parts: object) -> Estate:
    clouds = {"aws": {"sites": ("us-east-1", "eu-west-1", "ap-southeast-2")}, "gcp": {"sites": ("europe-west1",)}}
    return Estate.model_validate({"estate": "small", "clouds": clouds, **parts})


def test_the_hops_add_up_to_the_price_and_the_bound_meets_it() -> None:
    router: TransferRouter = Router(CATALOG, MARKET)
    plan = router.plan("azure/eastus", ("gcp/us-east4", "oci/us-ashburn-1", "aws/us-east-1"), 40 * TB)
    assert sum(hop.micro_usd for hop in plan.hops) == plan.micro_usd == plan.bound_micro_usd
    assert {hop.end for hop in plan.hops} >= set(plan.targets)


def test_the_cheapest_the_fastest_and_the_cheapest_in_time_differ() -> None:
    router = Router(CATALOG, SLOW_AND_CHEAP, estate())
    cheap, fast = router.plan(EU, (AU,), TB), router.plan(EU, (AU,), TB, aim="time")
    in_time = router.plan(EU, (AU,), TB, within_seconds=1100)
    assert (cheap.relays, cheap.micro_usd, cheap.seconds) == ((US,), 20_000_000, pytest.approx(8000))
    assert (fast.relays, fast.micro_usd, fast.seconds) == ((EU_AWS,), 95_000_000, pytest.approx(1000))
    assert (in_time.relays, in_time.seconds) == ((EU_AWS,), pytest.approx(1000))
    assert not cheap.estimated


def test_a_deadline_that_nothing_meets_is_refused_with_the_least_time() -> None:
    with pytest.raises(Unsupported, match=r"the fastest takes 0\.3 h"):
        Router(CATALOG, SLOW_AND_CHEAP, estate()).plan(EU, (AU,), TB, within_seconds=900)


def test_without_relays_only_the_straight_way_is_left() -> None:
    found = Router(CATALOG, SLOW_AND_CHEAP, estate(), relays="none").answer(EU, (AU,), TB)
    assert found.plan.relays == () and found.direct is not None
    assert found.plan.micro_usd == found.direct.micro_usd == 100_000_000


EUROPE = {"data_classes": {"eu": {"stay_in": ("eu",)}}}
NO_STRAIGHT_WAY = own({(EU, "aws/eu-central-1"): 90_000, (EU, US): 1_000, (US, "aws/eu-central-1"): 1_000}, {})


def test_a_better_relay_outside_is_refused_with_its_rule() -> None:
    sites = {"aws": {"sites": ("us-east-1", "eu-central-1")}, "gcp": {"sites": ("europe-west1",)}}
    held = Router(CATALOG, NO_STRAIGHT_WAY, estate(clouds=sites, **EUROPE))
    found = held.answer(EU, ("aws/eu-central-1",), TB, ("eu",))
    assert found.plan.relays == () and found.plan.micro_usd == 90_000_000
    assert found.outside is not None and found.outside.micro_usd == 2_000_000
    assert [(row.site, row.data_class) for row in found.refused] == [(US, "eu")]
    assert "must stay in eu" in found.refused[0].rule
    free = held.answer(EU, ("aws/eu-central-1",), TB)
    assert free.plan.relays == (US,) and free.outside is None


@pytest.mark.parametrize(("replicate", "refused"), [("inside", True), ("never", True), ("anywhere", False)])
def test_an_end_outside_the_class_is_refused_unless_copies_may_go_anywhere(replicate: str, refused: bool) -> None:
    router = Router(CATALOG, MARKET, estate(data_classes={"eu": {"stay_in": ("eu",), "replicate": replicate}}))
    if refused:
        with pytest.raises(PolicyDenied, match="aws/us-east-1 is outside eu, which must stay in eu"):
            router.plan(EU, (US,), TB, ("eu",))
    else:
        assert router.plan(EU, (US,), TB, ("eu",)).targets == (US,)


def test_where_the_only_way_leads_outside_the_refusal_names_relay_and_rule() -> None:
    hall = "onprem/halle"
    yuan = EgressPrice(EU, hall, "yuan", (Step(0, 1),), currency="CNY")
    sites = {"aws": {"sites": ("us-east-1",)}, "gcp": {"sites": ("europe-west1",)}}
    router = Router(
        CATALOG,
        MARKET.with_rows(OwnRows(egress=(yuan,))),
        estate(clouds=sites, onprem={"halle": {"country": "DE"}}, **EUROPE),
    )
    assert router.plan(EU, (hall,), TB).relays == (US,)
    with pytest.raises(PolicyDenied, match=r"in CNY.*there is one by aws/us-east-1, but .* must stay in eu"):
        router.plan(EU, (hall,), TB, ("eu",))


@pytest.mark.parametrize(
    ("source", "targets", "classes", "said"),
    [
        ("aws/us-est-1", (EU,), (), "did you mean .*aws/us-east-1"),
        (EU, (EU,), (), "other than its source"),
        (EU, (US,), ("unheard",), "no data class 'unheard'"),
    ],
)
def test_wrong_input_is_named(source: str, targets: tuple[str, ...], classes: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        Router(CATALOG, MARKET, estate()).plan(source, targets, TB, classes)


def test_an_unmeasured_speed_is_marked_and_a_hall_has_none() -> None:
    plan: TransferPlan = Router(CATALOG, MARKET, relays="none").plan("oci/eu-frankfurt-1", (EU,), TB)
    assert plan.estimated and plan.seconds is not None and not plan.hops[0].measured
    hall = estate(onprem={"halle": {"country": "DE"}})
    to_hall = Router(CATALOG, MARKET, hall).answer(EU_AWS, ("onprem/halle",), TB).plan
    assert to_hall.seconds is None and to_hall.hops[-1].gbps is None
    with pytest.raises(Unsupported, match="declare a link there with its bandwidth"):
        Router(CATALOG, MARKET, hall).plan(EU_AWS, ("onprem/halle",), TB, aim="time")


def test_listed_interconnects_count_only_when_asked_for() -> None:
    plain = Router(CATALOG, MARKET, relays="none").answer("azure/uksouth", ("oci/uk-london-1",), TB)
    asked = Router(CATALOG, MARKET, relays="none", interconnects=True).answer("azure/uksouth", ("oci/uk-london-1",), TB)
    assert plain.plan.micro_usd > 0 and asked.plan.micro_usd == 0
    assert any("billed apart" in text for text in asked.notes)
