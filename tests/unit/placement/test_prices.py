"""One rule of negotiated discounts: a plan, a promise and a rendered file pay the same."""

from pathlib import Path

from polycloud.catalog.market import Market
from polycloud.core.money import Money
from polycloud.core.units import parse
from polycloud.estate import load
from polycloud.estate.schema.operations import MoneyRules, OwnPrice
from polycloud.placement.commitments.own_prices import priced
from polycloud.placement.own_rows import own_market
from polycloud.placement.prices import left, less

SITE, MACHINE = "aws/us-east-1", "p4d.24xlarge"
MARKET = Market.load()


def test_a_discount_comes_off_list_prices_and_not_off_the_spot_market() -> None:
    listed = MARKET.offer(SITE, MACHINE)
    assert listed is not None and listed.spot is not None and listed.on_demand is not None
    money = MoneyRules(discounts={"aws": parse("30 %", "ratio")})
    found = priced(MARKET.offer, money)(SITE, MACHINE)
    assert found is not None
    assert found.spot == listed.spot
    assert found.on_demand == less(listed.on_demand, left(money, "aws"))
    assert priced(MARKET.offer, money)("gcp/us-central1", "n2-standard-4") == MARKET.offer(
        "gcp/us-central1", "n2-standard-4"
    )


def test_a_price_of_ones_own_keeps_and_rounding_is_half_up() -> None:
    own = OwnPrice(at=SITE, machine=MACHINE, on_demand=Money(20_000_000))
    money = MoneyRules(discounts={"aws": parse("50 %", "ratio")}, prices=(own,))
    found = priced(MARKET.offer, money)(SITE, MACHINE)
    assert found is not None and found.on_demand == 20_000_000
    assert less(3, left(money, "aws")) == 2
    assert less(None, left(money, "aws")) is None


RATES = """
estate: x
money:
  rates:
    storage: [{at: "aws/*", per_gb_month: 0.02 USD, steps: [{from: 50 TB, per_gb: 0.01 USD}]}]
    egress: [{from: "gcp/*", to: internet, per_gb: 0.05 USD, steps: [{from: 10 TB, per_gb: 0.02 USD}]}]
"""


def test_rates_of_ones_own_have_steps_by_volume_and_hold_for_all_of_the_internet(tmp_path: Path) -> None:
    path = tmp_path / "estate.yaml"
    path.write_text(RATES)
    estate = load(path).estate
    assert estate is not None
    market = own_market(MARKET, estate, (SITE, "gcp/us-central1"))
    kept = market.storage_tier(SITE, "hot")
    assert kept is not None and [(s.from_gb, s.micro_per_gb) for s in kept.steps] == [(0, 20_000), (50_000, 10_000)]
    listed = MARKET.storage_tier(SITE, "hot")
    assert listed is not None and listed.put_per_1000
    assert (kept.put_per_1000, kept.get_per_1000) == (listed.put_per_1000, listed.get_per_1000)
    for to in (SITE, "aws/ap-southeast-2"):  # Google lists Australia apart
        sent = market.egress("gcp/us-central1", to)
        assert sent is not None and [(s.from_gb, s.micro_per_gb) for s in sent.steps] == [(0, 50_000), (10_000, 20_000)]
