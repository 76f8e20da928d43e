"""Money a month for what is rendered: the estate's own rows, and list prices less what it negotiated, as in a plan."""

from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.build.data import marginal
from polycloud.placement.prices import left, less
from polycloud.placement.problem import GB

CURRENCY, OWN = "USD", "own"


def stored(estate: Estate, market: Market, site: str, gigabytes: int | None) -> int | None:
    """What so much costs a month in the hot tier of a site; None where either is unknown."""
    price = market.storage_tier(site, "hot")
    if gigabytes is None or price is None or price.currency != CURRENCY:
        return None
    steps = tuple((step.from_gb, step.micro_per_gb) for step in price.steps)
    cost = round(marginal(steps, gigabytes * GB))
    return cost if price.quality == OWN else less(cost, left(estate.money, site.partition("/")[0]))
