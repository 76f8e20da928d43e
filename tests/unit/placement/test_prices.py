"""One rule of negotiated discounts: a plan, a promise and a rendered file pay the same."""

from polycloud.catalog.market import Market
from polycloud.core.money import Money
from polycloud.core.units import parse
from polycloud.deploy.derive.prices import net
from polycloud.estate import Estate
from polycloud.estate.schema.operations import MoneyRules, OwnPrice
from polycloud.placement.commitments.own_prices import priced
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
    assert net(Estate(estate="x", money=money), "aws", listed.on_demand) == found.on_demand
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
