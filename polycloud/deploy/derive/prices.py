"""Money a month for what is rendered: list prices of the market less what the estate negotiated."""

from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.build.data import marginal
from polycloud.placement.prices import left, less
from polycloud.placement.problem import GB

CURRENCY = "USD"


def net(estate: Estate, cloud: str, micro: int | None) -> int | None:
    """A list price of a cloud less the estate's discount there, micro-USD; None stays unknown."""
    return less(micro, left(estate.money, cloud))


def stored(estate: Estate, market: Market, site: str, gigabytes: int | None) -> int | None:
    """What so much costs a month in the hot tier of a site; None where either is unknown."""
    price = market.storage_tier(site, "hot")
    if gigabytes is None or price is None or price.currency != CURRENCY:
        return None
    steps = tuple((step.from_gb, step.micro_per_gb) for step in price.steps)
    return net(estate, site.partition("/")[0], round(marginal(steps, gigabytes * GB)))
