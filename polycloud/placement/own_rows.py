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
from polycloud.estate.schema.rates import OwnLinkOffer, OwnRates, OwnStep
from polycloud.placement.problem import GB

SOURCE = "estate"
USD = "USD"


def own_market(market: Market, estate: Estate, sites: Sequence[str]) -> Market:
    """The market with the estate's own rows at those of ``sites`` that its patterns name."""
    rates = estate.money.rates
    if rates == OwnRates():
        return market
    return market.with_rows(
        OwnRows(
            storage=tuple(_storage(market, rates, sites)),
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


def _storage(market: Market, rates: OwnRates, sites: Sequence[str]) -> Iterator[StoragePrice]:
    """What a row does not say of requests and reading back is as listed."""
    for row in rates.storage:
        currency = row.per_gb_month.currency
        for site in _fitting(row.at, sites):
            listed = market.storage_tier(site, row.tier)
            if listed is None or listed.currency != currency:
                listed = StoragePrice(site, row.tier, "", ())
            yield StoragePrice(
                site=site,
                tier=row.tier,
                storage_class=f"own {row.tier}",
                steps=_steps(row.per_gb_month, row.steps),
                retrieval_per_gb=_stated(row.read_back, listed.retrieval_per_gb, currency),
                put_per_1000=_stated(row.put_per_1000, listed.put_per_1000, currency),
                get_per_1000=_stated(row.get_per_1000, listed.get_per_1000, currency),
                currency=currency,
                sources=(SOURCE,),
            )


def _egress(rates: OwnRates, sites: Sequence[str]) -> Iterator[EgressPrice]:
    for row in rates.egress:
        for site in _fitting(row.start, sites):
            yield EgressPrice(
                src=site,
                dst=row.to,
                meter=f"{site} to {row.to}, own",
                steps=_steps(row.per_gb, row.steps),
                currency=row.per_gb.currency,
                sources=(SOURCE,),
            )


def _steps(first: Money, more: Sequence[OwnStep]) -> tuple[Step, ...]:
    """The first price and those of larger volumes, from whole gigabytes on as clouds count them."""
    return (Step(0, first.micro), *(Step(int(row.start.value) // GB, row.per_gb.micro) for row in more))


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


def _stated(amount: Money | None, listed: int | None, currency: str) -> int | None:
    return listed if amount is None else _micro(amount, currency)


def _micro(amount: Money | None, currency: str) -> int | None:
    """Micro-units; another currency than the row's is not converted, so that its price is not known."""
    return None if amount is None or amount.currency != currency else amount.micro
