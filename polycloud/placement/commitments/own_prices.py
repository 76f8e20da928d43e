"""The market as an estate sees it: its own prices stand before the catalogue's, negotiated discounts come off both."""

from fnmatch import fnmatchcase

import msgspec

from polycloud.catalog.market_rows import Offer
from polycloud.core.money import Money
from polycloud.estate.schema.operations import MoneyRules
from polycloud.placement.commitments.reading import Lookup
from polycloud.placement.prices import left, less


def priced(market: Lookup, money: MoneyRules) -> Lookup:
    """Prices with ``money.prices`` (the last that fits holds) and ``money.discounts`` (off list prices only)."""

    def look(site: str, machine: str) -> Offer | None:
        found = market(site, machine)
        if found is not None and found.quality != "own":
            share = left(money, site.partition("/")[0])
            found = msgspec.structs.replace(found, **{name: less(getattr(found, name), share) for name in DISCOUNTED})
        for own in money.prices:
            if own.machine == machine and fnmatchcase(site, own.at):
                base = found or Offer(site, machine, None, None, "", None, None, None, None, None)
                stated = {name: amount for name in PRICES if (amount := getattr(own, name)) is not None}
                one, three = (
                    None if name in stated else listed
                    for name, listed in zip(("committed_1y", "committed_3y"), base.promised, strict=True)
                )
                prices = {n: _micro(m) for n, m in stated.items()}
                found = msgspec.structs.replace(base, quality="own", promised=(one, three), **prices)
        return found

    return look


DISCOUNTED = ("on_demand", "committed_1y", "committed_3y")
PRICES = (*DISCOUNTED, "spot")


def _micro(amount: Money) -> int | None:
    """Micro-USD; another currency is not converted, so its price is not known here."""
    return amount.micro if amount.currency == "USD" else None
