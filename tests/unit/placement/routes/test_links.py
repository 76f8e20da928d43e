"""Link options and the choice: unknown is never nothing, production goes private, break-even to the gigabyte."""

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Link, OwnRows
from polycloud.estate import Estate
from polycloud.placement.routes.choice import LinkChoice, link_choices
from polycloud.placement.routes.flows import PairFlow, pair_flows
from polycloud.placement.routes.links import LinkOption, LinkOptions
from polycloud.placement.routes.network import network
from polycloud.placement.routes.speeds import Speeds

CATALOG, MARKET = Catalog.load(), Market.load()
US, GCP, AZ, OCI, HALL = "aws/us-east-1", "gcp/us-central1", "azure/eastus", "oci/us-ashburn-1", "onprem/halle"
GB = 10**9


def estate(**parts: object) -> Estate:
    clouds = {
        "aws": {"sites": ("us-east-1",)},
        "gcp": {"sites": ("us-central1",)},
        "azure": {"sites": ("eastus",)},
        "oci": {"sites": ("us-ashburn-1",)},
    }
    whole = {"estate": "small", "clouds": clouds, "onprem": {"halle": {"country": "DE"}}, **parts}
    return Estate.model_validate(whole)


def one(**parts: object) -> LinkChoice:
    (found,) = link_choices(estate(**parts), CATALOG, MARKET)
    return found


def option(choice: LinkChoice, kind: str) -> LinkOption:
    return next(row for row in choice.options if row.kind == kind)


def declared(a: str, b: str, via: str, **more: str) -> dict[str, object]:
    return {"x": {"between": (a, b), "via": via, **more}}


def test_a_data_set_in_a_store_is_where_the_store_is() -> None:
    def flows(**home: str) -> tuple[PairFlow, ...]:
        data = {"clicks": {"size": "12 TB", "grows": {"size": "2 TB", "per": "month"}, **home}}
        work = {"train": {"kind": "training", "at": (GCP,), "reads": ("clicks",), "writes": ("clicks",)}}
        stores = {"lake": {"at": US, "kind": "objects"}}
        return pair_flows(estate(datasets=data, workloads=work, stores=stores))

    assert flows(store="lake") == flows(at=US)
    assert flows(at=US)[0].out > 0


def test_what_a_hall_pays_for_a_gigabyte_is_unknown_until_it_is_stated() -> None:
    flow = [PairFlow(US, HALL, 0, 100 * GB)]
    (silent,) = link_choices(estate(), CATALOG, MARKET, flow)
    assert option(silent, "internet").unknown == (f"per GB out of {HALL}",)
    assert option(silent, "vpn").total is None
    hall = {"halle": {"country": "DE", "cost_per_gb_out": "0.01 USD"}}
    (stated,) = link_choices(estate(onprem=hall), CATALOG, MARKET, flow)
    assert option(stated, "internet").total == 1_000_000


def test_the_flows_of_a_plan_stand_in_for_those_of_the_estate() -> None:
    small = estate(datasets={"clicks": {"at": US, "size": "12 TB", "replicate_to": (AZ,)}})
    found = pair_flows(small, [(US, GCP, 5, "a plan"), (GCP, US, 2, "more"), (US, "aws/us-west-2", 9, "inside")])
    assert found == (PairFlow(US, GCP, 5, 2, ("a plan", "more")),)


def test_flows_come_from_copies_and_from_work_bound_to_a_site() -> None:
    small = estate(
        datasets={
            "clicks": {
                "at": US,
                "size": "12 TB",
                "grows": {"size": "2 TB", "per": "month"},
                "replicate_to": ("gcp/*", "aws/*"),
            },
            "notes": {"at": HALL, "size": "300 GB"},
        },
        workloads={
            "train": {
                "kind": "training",
                "at": (GCP,),
                "reads": ("notes",),
                "writes": ("clicks",),
                "written_per_month": {"clicks": "1 TB"},
            }
        },
    )
    assert {(row.a, row.b): (row.out, row.back) for row in pair_flows(small)} == {
        (US, GCP): (3000 * GB, 1000 * GB),
        (GCP, HALL): (0, 300 * GB),
    }


def test_an_option_with_unknown_parts_has_no_total() -> None:
    found = one(links=declared(AZ, OCI, "azure-oci", cost_per_gb="0 USD"))
    port = option(found, "azure-oci")
    assert any("ExpressRoute circuit" in what for what in port.unknown)
    assert port.total is None and port.micro > 0 and port.break_even_gb is None
    assert "ask for" in found.reason


def test_a_stated_price_completes_it_and_it_can_win() -> None:
    found = one(links=declared(AZ, OCI, "azure-oci", cost_per_month="1150 USD"))
    port = option(found, "azure-oci")
    assert (port.unknown, port.total) == ((), 1_150_000_000)
    assert found.chosen == "azure-oci" and found.backup == "vpn"


def test_unknown_never_wins_on_cost_over_a_known_price() -> None:
    links = declared(US, GCP, "exchange", cost_per_month="9000 USD", cost_per_gb="0.05 USD")
    found = one(links=links)
    assert option(found, "interconnect").total is None
    assert option(found, "interconnect").micro < option(found, "exchange").micro
    assert found.chosen == "exchange"


@pytest.mark.parametrize(
    ("environment", "kind"), [("production", "interconnect"), ("staging", "vpn"), ("development", "vpn")]
)
def test_production_is_private_and_the_rest_a_vpn(environment: str, kind: str) -> None:
    links = declared(US, GCP, "interconnect", cost_per_month="4900 USD", cost_per_gb="0.02 USD")
    assert one(environment=environment, links=links).chosen == kind


def test_break_even_is_the_first_gigabyte_at_which_the_link_is_cheaper() -> None:
    links = declared(US, AZ, "exchange", cost_per_month="2400 USD", cost_per_gb="0.02 USD")
    least = option(one(links=links), "exchange").break_even_gb
    assert least is not None
    ways = network((US, AZ), MARKET)
    meter = ways.meters[next(hop for hop in ways.hops if hop.start == 0).meters[0]]

    def cheaper(gb: int) -> bool:
        return 2_400_000_000 + gb * 20_000 < meter.cost(gb * GB)

    assert cheaper(least) and not cheaper(least - 1)


def test_a_vpn_never_pays_against_the_internet() -> None:
    vpn = option(one(links=declared(US, GCP, "internet")), "vpn")
    assert vpn.total is not None and vpn.break_even_gb is None and vpn.encrypted and not vpn.private
    internet = option(one(links=declared(US, GCP, "internet")), "internet")
    assert internet.total is not None and vpn.total - internet.total == 2 * 730 * 50_000


def test_rows_of_ones_own_fill_what_no_list_gives() -> None:
    circuit = Link("Azure ExpressRoute circuit 1G", "expressroute", (AZ,), ("any/*",), 1.0, port_per_hour=700_000)
    gateway = Link("Azure ExpressRoute gateway 1G", "expressroute", (AZ,), ("any/*",), 1.0, port_per_hour=400_000)
    joined = Link("Azure ExpressRoute connection", "expressroute", (AZ,), ("any/*",), port_per_hour=50_000)
    market = MARKET.with_rows(OwnRows(links=(circuit, gateway, joined)))
    options = LinkOptions(estate(), market, Speeds(market, ()))
    found = {row.kind: row for row in options.between(PairFlow(AZ, OCI), 1.0)}
    assert found["azure-oci"].unknown == ()
    assert found["azure-oci"].total == 730 * (700_000 + 400_000 + 50_000 + 212_500)


def test_what_is_slow_or_narrow_is_said_and_the_declared_backup_counts() -> None:
    links = {
        "main": {
            "between": (US, HALL),
            "via": "direct-connect",
            "bandwidth": "10 Gbps",
            "latency": "90ms",
            "cost_per_month": "900 USD",
            "backup": "spare",
            "sla": "99.9 %",
        },
        "spare": {"between": (US, HALL), "via": "vpn", "bandwidth": "500 Mbps"},
    }
    found = one(links=links)
    assert (found.chosen, found.backup) == ("direct-connect", "vpn (spare)")
    assert "90.0 ms (measured or declared) is OVER the 50 ms allowed" in found.reason
    assert option(found, "direct-connect").sla == pytest.approx(0.999)
    promised = one(links=links, slos={"near": {"measure": "cross-cloud-latency", "target": "95 %", "within": "100ms"}})
    assert "within the 100 ms" in promised.reason


def test_a_hall_is_estimated_from_where_it_stands() -> None:
    found = one(links=declared(US, HALL, "internet"))
    internet = option(found, "internet")
    assert internet.rtt_ms is not None and internet.rtt_ms > 60 and not internet.rtt_measured
    assert internet.gbps is None


def test_halls_are_joined_too_and_regions_of_one_cloud_are_not() -> None:
    links = {
        "halls": {"between": (HALL, "onprem/ulm"), "via": "exchange", "cost_per_month": "700 USD", "provider": "own"},
        "inside": {"between": (US, "aws/us-west-2"), "via": "direct-connect"},
    }
    clouds = {"aws": {"sites": ("us-east-1", "us-west-2")}}
    halls = {"halle": {"country": "DE"}, "ulm": {"country": "DE"}}
    (found,) = link_choices(estate(clouds=clouds, onprem=halls, links=links), CATALOG, MARKET)
    assert {found.flow.a, found.flow.b} == {HALL, "onprem/ulm"}
    assert (found.chosen, found.link, option(found, "exchange").total) == ("exchange", "halls", 700_000_000)


def test_a_price_in_another_currency_is_not_known() -> None:
    links = declared(US, GCP, "exchange", cost_per_month="9000 EUR", cost_per_gb="0.05 USD")
    assert any("in EUR" in what for what in option(one(links=links), "exchange").unknown)
