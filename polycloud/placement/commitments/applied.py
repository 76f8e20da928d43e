"""What usage costs under promises: the provider uses up each in its own order, hour by hour, and bills the rest."""

from collections.abc import Sequence

import msgspec
import numpy as np

from polycloud.placement.commitments.instruments import Held, Instrument
from polycloud.placement.commitments.offers import YEAR_HOURS
from polycloud.placement.commitments.scenarios import Path
from polycloud.placement.solve.highs import Floats


class Pledge(msgspec.Struct, frozen=True):
    """An instrument with the units in force in each hour; for prepaid credits the units of each term instead."""

    instrument: Instrument
    units: Floats
    term_hours: int


class Applied(msgspec.Struct, frozen=True):
    """Micro-USD over all hours: ``paid`` and ``covered`` for each pledge (``whole`` is what it could have covered),
    ``rest`` at on-demand prices, ``usage`` without any promise."""

    paid: tuple[float, ...]
    covered: tuple[float, ...]
    whole: tuple[float, ...]
    rest: float
    usage: float

    @property
    def total(self) -> float:
        return sum(self.paid) + self.rest

    @property
    def coverage(self) -> float:
        """The share of the usage that promises covered."""
        return sum(self.covered) / self.usage if self.usage else 0.0


def apply(usage: Floats, pledges: Sequence[Pledge]) -> Applied:
    """The bill of ``usage`` [series, hour]: the better discount first within a kind, kinds in their order.

    Of prepaid sums the one that ends first is drawn first; of equals, what was promised earlier (later in
    ``pledges``). Within one pledge the series where a unit covers the most money comes first.
    """
    left = usage.copy()
    hours = usage.shape[1]
    covered = [0.0] * len(pledges)

    def order(at: int) -> tuple[int, int, float, int]:
        kind, ratio = pledges[at].instrument.order
        return kind, pledges[at].term_hours if pledges[at].instrument.offering.prepaid else 0, ratio, -at

    for at in sorted(range(len(pledges)), key=order):
        pledge = pledges[at]
        covered[at] = _draw_down(left, pledge) if pledge.instrument.offering.prepaid else _hourly(left, pledge)
    paid, whole = [], []
    for pledge in pledges:
        units = float(pledge.units.sum())
        if pledge.instrument.offering.prepaid and hours < len(pledge.units) * pledge.term_hours:
            units *= hours / (len(pledge.units) * pledge.term_hours)  # a part of the last term: its share
        paid.append(units * pledge.instrument.cost)
        whole.append(units * max(pledge.instrument.covers))
    return Applied(tuple(paid), tuple(covered), tuple(whole), float(left.sum()), float(usage.sum()))


def _hourly(left: Floats, pledge: Pledge) -> float:
    free = pledge.units.copy()
    total = 0.0
    pairs = zip(pledge.instrument.members, pledge.instrument.covers, strict=True)
    for series, cover in sorted(pairs, key=lambda pair: -pair[1]):
        taken = np.minimum(left[series], free * cover)
        left[series] -= taken
        free -= taken / cover
        total += float(taken.sum())
    return total


def _draw_down(left: Floats, pledge: Pledge) -> float:
    total, hours = 0.0, left.shape[1]
    members = list(pledge.instrument.members)
    for term, units in enumerate(pledge.units):
        first, end = term * pledge.term_hours, min(hours, (term + 1) * pledge.term_hours)
        need = float(left[members, first:end].sum())
        share = (end - first) / pledge.term_hours
        taken = min(need, float(units) * pledge.instrument.covers[0] * share)
        if need > 0:
            left[members, first:end] *= 1 - taken / need
        total += taken
    return total


def bought(instrument: Instrument, amounts: Sequence[float], path: Path | None, hours: int) -> Pledge:
    """``amounts[0]`` units now; at the end of each term what ``amounts`` says for its year (the last for all after),
    in proportion to the level known by then. Without a path the level stays."""
    term = instrument.offering.hours
    units = []
    for start in range(0, hours, term):
        size = amounts[min(start // YEAR_HOURS, len(amounts) - 1)]
        size *= path.ratio(instrument.members, start) if path is not None and start else 1.0
        units.append(nearest(instrument, size) if start else size)
    if instrument.offering.prepaid:
        return Pledge(instrument, np.array(units), term)
    return Pledge(instrument, np.repeat(np.array(units), term)[:hours], term)


def rounded(instrument: Instrument, amount: float) -> float:
    """The largest amount that can be bought and is not above ``amount``."""
    offering = instrument.offering
    if offering.most is not None:
        amount = min(amount, offering.most)
    if not instrument.whole:
        return amount
    units = int(amount / offering.increment + 1e-9) * offering.increment
    return float(units) if units >= max(offering.minimum, 1) else 0.0


def nearest(instrument: Instrument, amount: float) -> float:
    """The amount nearest to ``amount`` that can be bought."""
    if not instrument.whole:
        return rounded(instrument, amount)
    offering = instrument.offering
    least = max(offering.minimum, 1)
    units = int(amount / offering.increment + 0.5) * offering.increment
    if units < least:
        return float(least) if amount >= least / 2 and least % offering.increment == 0 else 0.0
    return rounded(instrument, units)


def kept(held: Held, hours: int) -> Pledge:
    """A promise made before, until it ends; what is left of a prepaid one is there for its remaining time."""
    if held.instrument.offering.prepaid:
        return Pledge(held.instrument, np.array([held.amount]), max(1, min(held.until, YEAR_HOURS)))
    units = np.zeros(hours)
    units[: max(0, held.until)] = held.amount
    return Pledge(held.instrument, units, held.instrument.offering.hours)
