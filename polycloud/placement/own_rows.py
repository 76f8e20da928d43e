"""The market as an estate sees it: the rows that it states under ``money.rates`` stand before the catalogue's."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import (
    Carbon,
    EgressPrice,
    Interruption,
    Link,
    MeasuredRtt,
    OwnRows,
    Step,
    StoragePrice,
)
from polycloud.core.money import Money
from polycloud.estate import Estate
from polycloud.estate.schema.rates import OwnLinkOffer, OwnRates

SOURCE = "estate"
USD = "USD"


def own_market(market: Market, estate: Estate, sites: Sequence[str]) -> Market:
    """The market with the estate's own rows at those of ``sites`` that its patterns name."""
    rates = estate.money.rates
    if rates == OwnRates():
        return market
    return market.with_rows(
        OwnRows(
            storage=tuple(_storage(rates, sites)),
            egress=tuple(_egress(rates, sites)),
            rtts=tuple(
                MeasuredRtt(min(row.between), max(row.between), float(row.time.value) * 1000, SOURCE)
                for row in rates.round_trips
            ),
            carbon=tuple(
                Carbon(site, row.grams_per_kwh, "own", source=SOURCE)
                for row in rates.carbon
                for site in _fitting(row.at, sites)
            ),
            interruptions=tuple(
                Interruption(site, row.machine, float(row.per_month.value), float(row.per_month.value), SOURCE)
                for row in rates.interruptions
                for site in _fitting(row.at, sites)
            ),
            links=tuple(map(_link, rates.links)),
        )
    )


def _fitting(pattern: str, sites: Sequence[str]) -> list[str]:
    return [site for site in sites if fnmatchcase(site, pattern)]


def _storage(rates: OwnRates, sites: Sequence[str]) -> Iterator[StoragePrice]:
    for row in rates.storage:
        for site in _fitting(row.at, sites):
            yield StoragePrice(
                site=site,
                tier=row.tier,
                storage_class=f"own {row.tier}",
                steps=(Step(0, row.per_gb_month.micro),),
                retrieval_per_gb=_micro(row.read_back, row.per_gb_month.currency),
                put_per_1000=_micro(row.put_per_1000, row.per_gb_month.currency),
                get_per_1000=_micro(row.get_per_1000, row.per_gb_month.currency),
                currency=row.per_gb_month.currency,
                sources=(SOURCE,),
            )


def _egress(rates: OwnRates, sites: Sequence[str]) -> Iterator[EgressPrice]:
    for row in rates.egress:
        for site in _fitting(row.start, sites):
            yield EgressPrice(
                src=site,
                dst=row.to,
                meter=f"{site} to {row.to}, own",
                steps=(Step(0, row.per_gb.micro),),
                currency=row.per_gb.currency,
                sources=(SOURCE,),
            )


def _link(row: OwnLinkOffer) -> Link:
    each = _micro(row.per_gb, USD)
    return Link(
        name=row.name,
        kind=row.via,
        sites_a=(row.between[0],),
        sites_b=(row.between[1],),
        bandwidth_gbps=None if row.bandwidth is None else float(row.bandwidth.value) / 1e9,
        port_per_hour=_micro(row.per_hour, USD),
        per_gb_out_a=each,
        per_gb_out_b=each,
        source=SOURCE,
    )


def _micro(amount: Money | None, currency: str) -> int | None:
    """Micro-units; another currency than the row's is not converted, so that its price is not known."""
    return None if amount is None or amount.currency != currency else amount.micro
