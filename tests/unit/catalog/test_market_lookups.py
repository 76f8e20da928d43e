"""Look-ups of the market: offers, accelerators by any name, storage, egress by its rules, round trips, carbon."""

import itertools
import subprocess
import sys

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import (
    Accelerator,
    Carbon,
    EgressPrice,
    Interruption,
    Link,
    MeasuredRtt,
    Offer,
    OwnRows,
    Power,
    Step,
    StoragePrice,
    Throughput,
)

FRANKFURT = "oci/eu-frankfurt-1"


@pytest.fixture(scope="module")
def market() -> Market:
    return Market.load()


# -- machines ------------------------------------------------------------------------------------------------


def test_an_offer_has_its_prices_sources_and_date(market: Market) -> None:
    p5 = market.offer("aws/us-east-1", "p5.48xlarge")
    assert p5 is not None
    assert (p5.accelerator, p5.accelerator_count, p5.vcpu, p5.memory_gib) == ("H100", 8, 192, 2048)
    assert (p5.on_demand, p5.currency, p5.quality, p5.as_of) == (55_040_000, "USD", "list", "2026-07-20")
    assert "karpenter-aws" in p5.sources and p5.priced
    assert market.offer("aws/us-east-1", "p99.huge") is None
    assert market.offers("aws/nowhere-1") == ()


def test_a_spot_price_from_a_saving_is_marked_derived(market: Market) -> None:
    c5 = market.offer("aws/af-south-1", "c5.2xlarge")
    assert c5 is not None and c5.on_demand is not None and c5.preemptible
    assert c5.spot == round(c5.on_demand * 0.29)
    assert c5.spot_quality == "derived" and "spotinfo" in c5.sources
    quoted = market.offer("gcp/europe-west4", "e2-standard-16")
    assert quoted is not None and (quoted.spot, quoted.spot_quality) == (282_112, "list")


def test_a_saving_of_nothing_gives_no_spot_price(market: Market) -> None:
    old = market.offer("aws/ap-northeast-1", "p2.8xlarge")
    assert old is not None and old.on_demand and old.spot is None and not old.preemptible
    assert market.interruption("aws/ap-northeast-1", "p2.8xlarge") is not None


def test_a_machine_without_an_on_demand_price_is_listed_all_the_same(market: Market) -> None:
    p5e = market.offer("aws/us-west-2", "p5e.48xlarge")
    assert p5e is not None
    assert (p5e.on_demand, p5e.spot, p5e.quality) == (None, 19_538_700, "unpriced")
    assert not Offer("onprem/hall", "box").priced


def test_oci_lists_one_price_for_all_commercial_regions_and_says_so(market: Market) -> None:
    there = {o.machine: o for o in market.offers(FRANKFURT)}
    assert len(there) == 76
    shape = there["BM.GPU.H100.8"]
    assert (shape.site, shape.on_demand, shape.spot, shape.preemptible) == (FRANKFURT, 80_000_000, None, False)
    assert "availability" in shape.note
    assert market.offers("oci/us-gov-ashburn-1") == () == market.offers("oci/*")


def test_yuan_stay_yuan(market: Market) -> None:
    assert {o.currency for o in market.offers("aws/cn-north-1")} == {"CNY"}
    assert {o.currency for o in market.offers("aws/ap-northeast-1")} == {"USD"}


def test_sites_offering_an_accelerator(market: Market) -> None:
    h100 = market.sites_offering("nvidia h100")
    assert {"aws/us-east-1", "gcp/us-central1", FRANKFURT} < set(h100)
    assert "oci/*" not in h100 and "oci/us-gov-ashburn-1" not in h100
    assert set(market.sites_offering("A100-80GB")) < set(market.sites_offering("A100"))
    assert market.sites_offering("abacus") == ()


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("A100", ("A100-40GB", "A100-80GB")),
        ("NVIDIA Tesla A100", ("A100-40GB", "A100-80GB")),
        ("nvidia_a100_80gb", ("A100-80GB",)),
        ("V100", ("V100-16GB", "V100-32GB")),
        ("H100", ("H100",)),
        ("NVIDIA-H100-80GB-HBM3", ("H100",)),
        ("h100-nvl", ("H100-NVL",)),
        ("TPU-v5p", ("TPU-v5p",)),
        ("tpu_v5p", ("TPU-v5p",)),
        ("tpu v5 lite", ("TPU-v5e",)),
        ("trn2", ("Trainium2",)),
        ("B100", ()),
    ],
)
def test_an_accelerator_by_any_of_its_names(market: Market, word: str, names: tuple[str, ...]) -> None:
    assert market.accelerators_named(word) == names
    chip = market.accelerator(word)
    assert (chip.name if chip else None) == (names[0] if names else None)


def test_facts_of_an_accelerator(market: Market) -> None:
    h100 = market.accelerator("H100")
    assert h100 is not None
    assert (h100.memory_gb, h100.tflops, h100.precision, h100.memory_gb_per_s, h100.watts) == (
        80,
        989.4,
        "bf16",
        3350,
        700,
    )
    v100 = market.accelerator("V100-32GB")
    assert v100 is not None and (v100.tflops, v100.precision) == (125, "fp16")


def test_relative_speed_by_arithmetic_and_by_memory(market: Market) -> None:
    assert market.relative_speed("A100", "training") == market.relative_speed("A100", "inference") == 1.0
    assert market.relative_speed("H100", "training") == pytest.approx(989.4 / 312)
    assert market.relative_speed("H100", "batch") == market.relative_speed("H100", "training")
    assert market.relative_speed("H100", "inference") == pytest.approx(3350 / 1555)
    assert market.relative_speed("A100-80GB", "inference") == pytest.approx(2039 / 1555)
    assert market.relative_speed("RTX-PRO-6000", "training") is None
    assert market.relative_speed("abacus", "training") is None


def test_interruptions_are_intervals_and_unknown_outside_aws(market: Market) -> None:
    often = market.interruption("aws/af-south-1", "c5.2xlarge")
    assert often is not None and (often.low, often.high) == (0.2, None)
    seldom = market.interruption("aws/af-south-1", "c5.large")
    assert seldom is not None and (seldom.low, seldom.high) == (0.1, 0.15)
    assert market.interruption("gcp/us-central1", "a2-highgpu-1g") is None


def test_did_you_mean(market: Market) -> None:
    assert market.similar("accelerator", "H10O")[0] == "H100"
    assert "TPU-v5p" in market.similar("accelerator", "tpu-v5q")
    assert market.similar("machine:aws/us-east-1", "p5.48xlrge")[0] == "p5.48xlarge"
    assert market.similar("machine", "BM.GPU.H100.9")[0] == "BM.GPU.H100.8"
    assert market.similar("accelerator", "zzzzzz") == []
    with pytest.raises(ValueError, match="no names of kind"):
        market.similar("planet", "mars")


# -- storage -------------------------------------------------------------------------------------------------


def test_storage_by_tier_and_volume(market: Market) -> None:
    hot = market.storage_tier("aws/us-east-1", "hot")
    assert hot is not None
    assert hot.storage_class == "S3 Standard"
    assert hot.steps == (Step(0, 23_000), Step(51_200, 22_000), Step(512_000, 21_000))
    assert (hot.retrieval_per_gb, hot.min_days, hot.put_per_1000, hot.get_per_1000) == (0, 0, 5_000, 400)
    warm = market.storage_tier("aws/us-east-1", "warm")
    assert warm is not None and (warm.storage_class, warm.retrieval_per_gb, warm.min_days) == (
        "S3 Standard-IA",
        10_000,
        30,
    )
    assert market.storage_tier("azure/eastus", "hot").storage_class == "Blob Hot LRS"  # type: ignore[union-attr]
    oci = market.storage_tier(FRANKFURT, "hot")
    assert oci is not None and (oci.site, oci.steps) == (FRANKFURT, (Step(0, 25_500),)) and oci.note
    assert market.storage_tier("aws/ap-east-2", "hot") is None


# -- egress --------------------------------------------------------------------------------------------------


def test_across_clouds_the_source_charges_its_internet_meter_by_steps(market: Market) -> None:
    price = market.egress("aws/us-east-1", "gcp/us-central1")
    assert price is not None
    assert price.meter == "aws/us-east-1 internet"
    steps = (Step(0, 90_000), Step(10_240, 85_000), Step(51_200, 70_000), Step(153_600, 50_000))
    assert price.steps == steps
    assert (price.dst, price.quality) == ("gcp/us-central1", "derived"), "the last step is that of regions like it"
    ohio = market.egress("aws/us-east-2", "gcp/us-central1")
    assert ohio is not None and (ohio.steps, ohio.quality) == (steps, "list")
    assert market.egress("aws/us-east-1", "onprem/frankfurt").meter == price.meter  # type: ignore[union-attr]


def test_azure_bills_by_zone_and_google_by_destination(market: Market) -> None:
    paris, virginia = market.egress("azure/francecentral", FRANKFURT), market.egress("azure/eastus", FRANKFURT)
    assert paris is not None and virginia is not None
    assert paris.meter == virginia.meter == "azure/zone-1 internet" and paris.steps == virginia.steps
    assert paris.steps[0] == Step(0, 0) and paris.first_paid == 87_000
    assert (virginia.quality, paris.quality) == ("list", "derived")
    sydney = market.egress("gcp/us-central1", "aws/ap-southeast-2")
    assert sydney is not None and sydney.meter == "gcp/us-central1 internet-australia" and sydney.first_paid == 190_000
    hall = market.egress("gcp/us-central1", "onprem/perth", dst_country="AU")
    assert hall is not None and hall.steps == sydney.steps


def test_oci_has_ten_terabytes_free_and_a_price_by_zone(market: Market) -> None:
    eu, asia = market.egress(FRANKFURT, "aws/eu-west-1"), market.egress("oci/ap-tokyo-1", "aws/eu-west-1")
    gulf = market.egress("oci/me-dubai-1", "aws/eu-west-1")
    assert eu is not None and asia is not None and gulf is not None
    assert eu.steps == (Step(0, 0), Step(10_240, 8_500))
    assert (asia.first_paid, gulf.first_paid) == (25_000, 50_000)
    inside = market.egress(FRANKFURT, "oci/us-ashburn-1")
    assert inside is not None and (inside.meter, inside.quality) == (eu.meter, "derived")


def test_inside_a_cloud_the_pair_counts(market: Market) -> None:
    assert market.egress("aws/us-east-1", "aws/us-east-2").first_paid == 10_000  # type: ignore[union-attr]
    assert market.egress("aws/us-east-1", "aws/eu-west-1").first_paid == 20_000  # type: ignore[union-attr]
    near = market.egress("gcp/europe-west1", "gcp/europe-west4")
    assert near is not None and near.first_paid == 20_000
    assert near.meter != market.egress("gcp/europe-west1", "gcp/us-central1").meter  # type: ignore[union-attr]


def test_a_pair_that_nobody_lists_is_derived_from_the_continents(market: Market) -> None:
    warsaw = market.egress("azure/polandcentral", "azure/westeurope")
    assert warsaw is not None and (warsaw.first_paid, warsaw.quality, warsaw.rule) == (20_000, "derived", "continents")
    africa = market.egress("gcp/africa-south1", "gcp/europe-west1")
    assert africa is not None and africa.rule == "internet as upper bound" and africa.quality == "derived"


def test_inside_a_site_is_free_and_the_unknown_is_none(market: Market) -> None:
    same = market.egress("aws/eu-west-1", "aws/eu-west-1")
    assert same is not None and same.steps == (Step(0, 0),) and same.rule == "same site"
    assert market.egress("onprem/frankfurt", "aws/eu-central-1") is None
    assert market.egress("aws/cn-north-1", "aws/eu-central-1") is None, "yuan: no price in the tables"
    assert market.egress("azure/usgovvirginia", "azure/eastus") is None


def test_another_realm_of_the_vendor_is_reached_over_the_internet(market: Market) -> None:
    assert market.egress("aws/us-gov-west-1", "aws/us-gov-east-1").first_paid == 30_000  # type: ignore[union-attr]
    assert market.egress("aws/us-gov-west-1", "aws/us-west-2").first_paid == 155_000  # type: ignore[union-attr]


def test_a_step_that_rises_is_mended_and_marked(market: Market) -> None:
    tokyo = market.egress("gcp/asia-northeast1", "aws/us-east-1")
    assert tokyo is not None and (tokyo.quality, tokyo.rule) == ("derived", "steps never rise")


# -- time ----------------------------------------------------------------------------------------------------


def test_measured_round_trips_are_the_same_both_ways(market: Market) -> None:
    there, back = market.rtt("aws/us-east-1", "gcp/europe-west1"), market.rtt("gcp/europe-west1", "aws/us-east-1")
    assert there is not None and there == back and there.measured
    assert 70 < there.ms < 120 and there.low_ms == there.ms == there.high_ms


def test_an_error_of_the_source_is_not_believed(market: Market) -> None:
    """One direction was recorded at 10 ms for 9,700 km; light in glass needs 95."""
    cape = market.rtt("aws/af-south-1", "gcp/europe-west2")
    assert cape is not None and cape.ms > 94


def test_estimates_are_marked_and_grow_with_distance(market: Market) -> None:
    near, far = market.rtt(FRANKFURT, "aws/eu-central-1"), market.rtt(FRANKFURT, "aws/ap-southeast-2")
    assert near is not None and far is not None
    assert not near.measured and near.ms < 5
    assert not far.measured and far.ms > 2 * 16_000 / 204.2 and far.note
    assert market.rtt("azure/southeastasia", FRANKFURT) is not None


def test_callers_are_named_by_country_or_point(market: Market) -> None:
    germany, point = market.rtt("DE", "aws/eu-central-1"), market.rtt((52.5, 13.4), "aws/eu-central-1")
    assert germany is not None and point is not None and not germany.measured
    assert germany.ms < 12 and 5 < point.ms < 20
    assert market.rtt("JP", "aws/eu-central-1").ms > 150  # type: ignore[union-attr]
    assert market.rtt("US", "US").ms < 10  # type: ignore[union-attr]
    assert market.rtt("XX", "aws/eu-central-1") is None
    assert market.rtt("onprem/frankfurt", "aws/eu-central-1") is None
    same = market.rtt("aws/eu-central-1", "aws/eu-central-1")
    assert same is not None and same.high_ms == 1.0


def test_throughput_is_the_newest_measurement(market: Market) -> None:
    row = market.throughput("aws/us-east-1", "gcp/us-east4")
    assert row is not None and row.gbps > 1 and row.as_of == "2022-11-28"
    assert market.throughput(FRANKFURT, "aws/us-east-1") is None


# -- links, carbon -------------------------------------------------------------------------------------------


def test_links_by_the_estates_kind_and_ends(market: Market) -> None:
    kinds = {link.kind for link in market.links()}
    assert kinds == {"vpn", "direct-connect", "expressroute", "fastconnect", "interconnect", "azure-oci", "component"}
    private = market.links("azure-oci", FRANKFURT, "azure/germanywestcentral")
    assert [link.name for link in private] == ["OCI-Azure interconnect Frankfurt"]
    assert (private[0].per_gb_out_a, private[0].per_gb_out_b, private[0].quality) == (0, 0, "general")
    assert market.links("azure-oci", FRANKFURT, "azure/eastus") == ()
    ports = {link.bandwidth_gbps: link.port_per_hour for link in market.links("fastconnect", FRANKFURT, "onprem/hall")}
    assert ports == {1: 212_500, 10: 1_275_000, 100: 10_750_000}
    assert market.links("fastconnect", "aws/eu-west-1", "onprem/hall") == ()
    assert {link.name for link in market.links("vpn", "aws/us-east-1", "gcp/us-central1")} >= {"GCP VPN tunnel"}


def test_carbon_and_power(market: Market) -> None:
    oslo = market.carbon("azure/norwayeast")
    assert oslo is not None and 0 < oslo.grams_per_kwh < 60
    tokyo = market.carbon("gcp/asia-northeast1")
    assert tokyo is not None and (tokyo.grams_per_kwh, tokyo.kind, tokyo.year) == (452.85, "region", 2024)
    assert market.carbon("oci/eu-madrid-3").kind == "country"  # type: ignore[union-attr]
    aws, oci = market.power("aws"), market.power("oci")
    assert aws is not None and oci is not None
    assert (aws.pue, aws.watts_per_vcpu()) == (1.135, pytest.approx(2.12))
    assert (oci.quality, aws.quality) == ("derived", "list")
    assert market.power("onprem").quality == "general"  # type: ignore[union-attr]


# -- the user's rows -----------------------------------------------------------------------------------------


def test_own_rows_replace_or_add_and_leave_the_old_market_alone(market: Market) -> None:
    east, hall = "aws/us-east-1", "onprem/hall"
    own = market.with_rows(
        OwnRows(
            offers=(Offer(hall, "dgx", accelerator="H100", accelerator_count=8, on_demand=9_000_000),
                    Offer(east, "p5.48xlarge", on_demand=30_000_000)),
            accelerators=(Accelerator("Abacus", "own", tflops=624, precision="bf16"),),
            storage=(StoragePrice(hall, "hot", "NVMe", (Step(0, 8_000),)),),
            egress=(EgressPrice(hall, "internet", "hall uplink", (Step(0, 1_000),)),
                    EgressPrice(east, "internet", "negotiated", (Step(0, 50_000),)),
                    EgressPrice(east, "gcp/us-central1", "private", (Step(0, 20_000),))),
            rtts=(MeasuredRtt(hall, east, 42.0),),
            throughput=(Throughput(hall, east, 9.5),),
            carbon=(Carbon(hall, 20.0, "region"),),
            power=(Power("onprem", 1.2, 1, 4, 0.3),),
            interruptions=(Interruption(east, "p5.48xlarge", 0.0, 0.01),),
            links=(Link("own fibre", "direct-connect", (hall,), (east,), port_per_hour=5_000_000),),
        )
    )  # fmt: skip
    assert own.offer(hall, "dgx") and hall in own.sites_offering("H100")
    assert own.offer(east, "p5.48xlarge").on_demand == 30_000_000  # type: ignore[union-attr]
    assert len(own.offers(east)) == len(market.offers(east))
    assert own.relative_speed("abacus", "training") == 2.0
    assert own.storage_tier(hall, "hot").steps == (Step(0, 8_000),)  # type: ignore[union-attr]
    assert own.egress(hall, east).meter == "hall uplink"  # type: ignore[union-attr]
    assert own.egress(east, "azure/eastus").meter == "negotiated"  # type: ignore[union-attr]
    assert own.egress(east, "gcp/us-central1").meter == "private"  # type: ignore[union-attr]
    assert own.rtt(east, hall).ms == 42.0  # type: ignore[union-attr]
    assert own.throughput(hall, east).gbps == 9.5  # type: ignore[union-attr]
    assert own.carbon(hall).grams_per_kwh == 20.0  # type: ignore[union-attr]
    assert own.power("onprem").pue == 1.2  # type: ignore[union-attr]
    assert own.interruption(east, "p5.48xlarge").high == 0.01  # type: ignore[union-attr]
    assert [link.name for link in own.links("direct-connect", hall, east)][-1] == "own fibre"
    later = own.with_rows(OwnRows(offers=(Offer(hall, "dgx", on_demand=1),)))
    assert later.offer(hall, "dgx").on_demand == 1 and own.offer(hall, "dgx").on_demand == 9_000_000  # type: ignore[union-attr]
    assert market.offers(hall) == () and market.offer(east, "p5.48xlarge").on_demand == 55_040_000  # type: ignore[union-attr]


# -- only what is asked for is read --------------------------------------------------------------------------

ASKED = {
    "market.offers('aws/us-east-1')": {"instances", "promises", "regions"},
    "market.egress('aws/us-east-1', 'gcp/us-central1')": {"regions", "egress_meters"},
    "market.rtt('aws/us-east-1', 'gcp/us-central1')": {"rtt"},
    "market.carbon('aws/us-east-1')": {"carbon"},
    "market.relative_speed('H100', 'training')": {"accelerators", "accelerator_names"},
    "None": set(),
}


@pytest.mark.parametrize("question", ASKED)
def test_a_question_reads_only_its_tables(question: str) -> None:
    code = (
        "from polycloud.catalog import reading\n"
        "real, read = reading.table, []\n"
        "reading.table = lambda name, *part: (read.append(name), real(name, *part))[1]\n"
        "from polycloud.catalog.market import Market\n"
        f"market = Market.load()\n{question}\n{question}\nprint(*read)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    read = done.stdout.split()
    assert set(read) == ASKED[question] and len(read) == len(set(read))


@pytest.mark.parametrize("module", ["polycloud", "polycloud.catalog", "polycloud.gateway.worker"])
def test_the_gateway_and_the_package_load_no_market(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"], capture_output=True, text=True, check=True
    )
    assert not [m for m in done.stdout.split() if m.startswith("polycloud.catalog.market")]


def test_answers_are_values(market: Market) -> None:
    """The same question gives an equal answer, hashable, that nobody can change."""
    sites = ("aws/us-east-1", "azure/westeurope", "gcp/europe-west1", FRANKFURT)
    for a, b in itertools.permutations(sites, 2):
        assert hash(market.egress(a, b)) == hash(Market.load().egress(a, b))
        assert market.rtt(a, b) == market.rtt(b, a)
    with pytest.raises(AttributeError):
        market.offers(FRANKFURT)[0].on_demand = 1  # type: ignore[misc]


def test_no_region_is_dirtier_than_lignite(market: Market) -> None:
    frankfurt = market.carbon("azure/germanywestcentral")
    assert frankfurt is not None
    assert (frankfurt.grams_per_kwh, frankfurt.kind) == (380.95, "country")
    sites = [site.id for site in Catalog.load().sites()]
    assert max(found.grams_per_kwh for site in sites if (found := market.carbon(site)) is not None) < 1500
