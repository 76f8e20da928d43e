"""Simple rules that the programme has to beat, each as amounts of the same instruments.

The baseline of "commit 70 % of the baseline" is the mean hourly usage, at on-demand prices, of the last 28 days
before the decision, that which is promised already taken off. Every rule gives each series to the one instrument
that costs least for what it covers, when it saves anything.
"""

from collections.abc import Sequence

import numpy as np

from polycloud.placement.commitments.applied import kept, rounded
from polycloud.placement.commitments.history import DAY_HOURS, History
from polycloud.placement.commitments.instruments import Bound, Held, Instrument
from polycloud.placement.commitments.offers import YEAR_HOURS
from polycloud.placement.commitments.programme import newsvendor
from polycloud.placement.commitments.scenarios import matrix
from polycloud.placement.solve.highs import Floats

LOOK_BACK = 28 * DAY_HOURS  # whole weeks; the clouds' own recommenders look at 30 days by default
BASELINE_SHARE = 0.7
NONE, RULE, RECOMMENDER, PEAK = "none", "70 % of the baseline", "last 28 days for ever", "all to the peak"
RULES = (NONE, RULE, RECOMMENDER, PEAK)


Schedule = tuple[tuple[float, ...], ...]  # for each instrument the units of each year


def schedule(rule: str, history: History, bound: Bound, years: int) -> Schedule:
    """What a rule buys now and, at today's level, in each further year, when some of what is held has ended."""
    by_year = []
    for year in range(years):
        held = [promise for promise in bound.held if promise.until > year * YEAR_HOURS]
        by_year.append(amounts(rule, history, bound.instruments, held))
    return tuple(zip(*by_year, strict=True))


def amounts(rule: str, history: History, instruments: Sequence[Instrument], held: Sequence[Held]) -> tuple[float, ...]:
    """The units of each instrument that a rule buys. ``last 28 days for ever`` is what the clouds' own recommenders
    do: the best amount had the last weeks been the whole term (the newsvendor's quantile)."""
    recent = matrix(history)[:, -LOOK_BACK:]
    free = _beyond(recent, held)
    share = _assigned(recent.shape[0], instruments)
    found = []
    for at, instrument in enumerate(instruments):
        mine = [series for series, chosen in enumerate(share) if chosen == at]
        if rule == NONE or not mine:
            found.append(0.0)
            continue
        covers = dict(zip(instrument.members, instrument.covers, strict=True))
        usage = sum((free[series] / covers[series] for series in mine), np.zeros(recent.shape[1]))
        units = {
            RULE: BASELINE_SHARE * float(usage.mean()),
            RECOMMENDER: newsvendor(usage, instrument.ratio),
            PEAK: float(usage.max()),
        }[rule]
        if instrument.offering.prepaid:
            of_term = min(instrument.offering.hours, YEAR_HOURS)
            units = float(usage.mean()) * of_term * (BASELINE_SHARE if rule == RULE else 1.0)
        if instrument.whole and rule == PEAK:
            step = instrument.offering.increment
            units = float(max(instrument.offering.minimum, step * -(-units // step)))
        found.append(rounded(instrument, units))
    return tuple(found)


def _assigned(series: int, instruments: Sequence[Instrument]) -> list[int]:
    """The instrument of each series, -1 for none."""
    chosen = []
    for member in range(series):
        able = [
            (i.cost / i.covers[i.members.index(member)], at) for at, i in enumerate(instruments) if member in i.members
        ]
        chosen.append(min(able)[1] if able and min(able)[0] < 1 else -1)
    return chosen


def _beyond(usage: Floats, held: Sequence[Held]) -> Floats:
    """Usage that what is held does not cover, in the providers' order."""
    left = usage.copy()
    for promise in sorted(held, key=lambda promise: promise.instrument.order):
        instrument = promise.instrument
        pledge = kept(promise, usage.shape[1])
        units = pledge.units if not instrument.offering.prepaid else None
        free = np.full(usage.shape[1], promise.amount / max(1, promise.until)) if units is None else units.copy()
        for series, cover in sorted(zip(instrument.members, instrument.covers, strict=True), key=lambda pair: -pair[1]):
            taken = np.minimum(left[series], free * cover)
            left[series] -= taken
            free -= taken / cover
    return left
