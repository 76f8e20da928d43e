"""Lanes: the cheapest lawful way between any two sites, on shared meters."""

import pytest

from polycloud.catalog.market_rows import EgressPrice, Link, Step
from polycloud.estate import Estate
from polycloud.placement.bill import price
from polycloud.placement.problem import GB, Meter, Problem
from polycloud.placement.routes.lanes import Lanes, falling, zones

EU, US, AU, OCI, HALL = "gcp/europe-west1", "aws/us-east-1", "azure/australiaeast", "oci/eu-frankfurt-1", "onprem/halle"


class Fixed:
    """A market of a few prices: (source, destination) -> micro-USD per GB, on one meter per source."""

    def __init__(self, prices: dict[tuple[str, str], int], links: tuple[Link, ...] = ()) -> None:
        self.prices, self.rows = prices, links

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None:
        found = self.prices.get((src, dst))
        return None if found is None else EgressPrice(src, dst, f"{src} at {found}", (Step(0, found),), quality="list")

    def links(self, kind: str | None = None, a: str | None = None, b: str | None = None) -> tuple[Link, ...]:
        ends = {a, b} - {None}
        return tuple(row for row in self.rows if row.kind == kind and ends <= {*row.sites_a, *row.sites_b})


RELAY = Fixed({(EU, AU): 190_000, (EU, US): 80_000, (US, AU): 90_000, (AU, EU): 120_000})


def estate(**parts: object) -> Estate:
    return Estate.model_validate({"estate": "small", "onprem": {"halle": {}}, **parts})


def via(lanes: Lanes, start: int, end: int, at: int = 0) -> tuple[str, ...] | None:
    lane = lanes.zones[at].lanes[start][end]
    return None if lane is None else lane.via


def test_a_relay_is_taken_when_cheaper_and_only_inside() -> None:
    sites = [EU, US, AU]
    lanes = zones(sites, {"free": set(sites), "not us": {EU, AU}}, RELAY, None)
    assert via(lanes, 0, 2) == (US,)
    assert via(lanes, 0, 2, at=1) == ()
    assert lanes.zones[1].lanes[0][1] is None and lanes.zones[1].lanes[1][1] is None
    problem = Problem((), lanes.meters, lanes.zones, ())
    whole, inside = lanes.zones[0].lanes[0][2], lanes.zones[1].lanes[0][2]
    assert whole and price(problem, whole) == 170_000
    assert inside and price(problem, inside) == 190_000


def test_a_way_without_a_price_is_no_way_and_is_named() -> None:
    lanes = zones([EU, US], {"free": {EU, US}}, RELAY, None)
    assert lanes.zones[0].lanes[1][0] is None
    assert [row.what for row in lanes.left_out] == [f"{US} to {EU}"]


def test_a_link_of_the_estate_has_its_own_price_capacity_and_fee() -> None:
    link = {
        "between": (EU, US),
        "via": "interconnect",
        "bandwidth": "10 Gbps",
        "cost_per_gb": "0.01 USD",
        "cost_per_month": "1700 USD",
    }
    lanes = zones([EU, US], {"free": {EU, US}}, RELAY, estate(links={"express": link}))
    lane = lanes.zones[0].lanes[0][1]
    assert lane and lane.via == ("link express",)
    meter = lanes.meters[lane.meters[0]]
    assert meter.capacity == 10**10 // 8 * 730 * 3600
    assert meter.cost(GB) == 10_000
    assert lanes.fixed == (("link express", 1_700_000_000),)


def test_a_vpn_pays_the_internet_price_on_the_same_meter() -> None:
    lanes = zones([EU, US], {"free": {EU, US}}, RELAY, estate(links={"v": {"between": (EU, US), "via": "vpn"}}))
    lane = lanes.zones[0].lanes[0][1]
    assert lane and lane.via == ()  # no cheaper, so the plain way stays
    assert [m.name for m in lanes.meters].count(f"{EU} at 80000") == 1


def test_a_private_link_without_a_known_price_is_left_out_not_free() -> None:
    links = {"x": {"between": (AU, US), "via": "expressroute"}}
    lanes = zones([AU, US], {"free": {AU, US}}, Fixed({}), estate(links=links))
    assert lanes.zones[0].lanes[0][1] is None
    assert any("link x" in row.what and "cost_per_gb" in row.why for row in lanes.left_out)


def test_the_listed_charge_of_a_private_link_counts() -> None:
    row = Link("OCI-Azure", "azure-oci", (AU,), (OCI,), per_gb_out_a=0, per_gb_out_b=0)
    links = {"x": {"between": (AU, OCI), "via": "azure-oci"}}
    lanes = zones([AU, OCI], {"free": {AU, OCI}}, Fixed({(AU, OCI): 120_000}, (row,)), estate(links=links))
    for start, end in ((0, 1), (1, 0)):
        lane = lanes.zones[0].lanes[start][end]
        assert lane and lane.via == ("link x",) and lanes.meters[lane.meters[0]].cost(GB) == 0
    nobody_ordered = zones([AU, OCI], {"free": {AU, OCI}}, Fixed({(AU, OCI): 120_000}, (row,)), None)
    assert via(nobody_ordered, 0, 1) == ()


@pytest.mark.parametrize(("stated", "expected"), [({}, ()), ({"cost_per_gb_out": "0.01 USD"}, (HALL,))])
def test_a_hall_relays_only_when_its_price_is_stated(stated: dict[str, str], expected: tuple[str, ...]) -> None:
    market = Fixed({(EU, HALL): 80_000, (EU, AU): 190_000})
    lanes = zones([EU, HALL, AU], {"free": {EU, HALL, AU}}, market, estate(onprem={"halle": stated}))
    assert via(lanes, 0, 2) == expected
    own = lanes.zones[0].lanes[1][2]
    assert own and own.via == ()


def test_a_discount_is_off_the_list_price() -> None:
    lanes = zones([EU, US], {"free": {EU, US}}, RELAY, estate(money={"discounts": {"gcp": "30 %"}}))
    lane = lanes.zones[0].lanes[0][1]
    assert lane and lanes.meters[lane.meters[0]].cost(GB) == 56_000


def test_a_free_allowance_is_priced_like_what_follows() -> None:
    free = Meter("m", ((0, 0), (100 * GB, 87_000), (10_240 * GB, 83_000)))
    concave = falling(free)
    assert concave.tiers == ((0, 87_000), (10_240 * GB, 83_000))
    for volume in (1, 50 * GB, 100 * GB, 5_000 * GB, 90_000 * GB):
        assert 0 <= concave.cost(volume) - free.cost(volume) <= 8_700_000
    assert falling(concave) == concave
