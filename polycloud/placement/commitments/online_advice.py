"""The online rule replayed over a history: what it would hold by now, and what it cost beside the best in hindsight."""

import math
from collections.abc import Iterable
from fractions import Fraction

import msgspec

from polycloud.placement.commitments.history import MACHINES, History, Series
from polycloud.placement.commitments.offers import Offering
from polycloud.placement.commitments.online import DEMAND_MOST, Price, cost, follow, offline


class Advice(msgspec.Struct, frozen=True):
    """For one series and offer: machines ``running`` in the last hour, reservations the rule holds by then
    (``reserve``), money in micro-USD over the history."""

    series: str
    offer: str
    running: int
    reserve: int
    break_even_hours: int
    paid_micro: int
    best_micro: int | None
    on_demand_micro: int
    guarantee: float


def advise(history: History, offerings: Iterable[Offering]) -> tuple[Advice, ...]:
    """Each series of whole machines with each reservation of it on offer. Demand is rounded up to machines."""
    known = tuple(offerings)
    return tuple(
        _advice(series, offering, price)
        for series in history.series
        if series.unit == MACHINES and series.per_unit
        for offering in known
        if offering.covers(series) and not offering.prepaid and not offering.serves
        if (price := _price(series, offering)) is not None
    )


def _price(series: Series, offering: Offering) -> Price | None:
    """All hours of a term are paid whether used or not, so the whole price is the fee, and alpha is 0."""
    assert series.per_unit
    hourly = round(series.per_unit)
    each = offering.unit_micro if offering.unit_micro is not None else hourly * offering.keep_ppm / 1e6
    return Price(hourly, round(each * offering.hours), offering.hours) if 0 < each < hourly else None


def _advice(series: Series, offering: Offering, price: Price) -> Advice:
    demands = [min(DEMAND_MOST, math.ceil(micro / price.hourly - 1e-6)) for micro in series.micro]
    steps = follow(price, demands)
    return Advice(
        series.name,
        offering.name,
        demands[-1],
        steps[-1].reserved,
        int(Fraction(price.fee, price.hourly)) + 1,
        cost(price, demands, steps),
        offline(price, demands),
        sum(demands) * price.hourly,
        float(price.guarantee),
    )
