"""What spot machines cost in the end: their price, and the time that interruptions and saved states take.

With δ the time of one saved state, τ the time between two, R that of a restart and λ interruptions per hour, work
takes 1 + δ/τ + λ(τ/2 + R) times as long. The best τ is √(2δ/λ) (J. W. Young, CACM 17(9), 1974); where that is not
small beside 1/λ, J. T. Daly's (FGCS 22(3), 2006, eq. 37) and his exact expectation hold instead.
"""

import math

import msgspec

from polycloud.catalog.market_rows import Interruption

MONTH_HOURS = 720.0  # the Advisor's month: shares are of the last 30 days
SMALL = 0.1  # the first-order formula is a thousandth off at most where τ λ is below this
# In more than 92 % of 2,635 interruptions others of the same type and zone were struck within 3 minutes
# (Spot-and-Scoot, arXiv; read 2026-11): a pool is struck as one, and only the rest strikes each machine for itself.
COMMON = 0.92
# The Advisor's last band is open (more than 20 % a month), and Azure, Google and Oracle publish no rate at all.
# 19 of 20 machines a month is a bound of ours for both: dear, yet the price of caution is a few per cent.
UNBOUNDED = 0.95
SAVE_HOURS, RESTART_HOURS = 2 / 60, 5 / 60  # as the estate's language says
STRETCH_MAX = 3.0  # work that takes longer than this on spot machines is not fit for them


class Shape(msgspec.Struct, frozen=True):
    """How a workload bears interruptions; hours. ``every`` None: the best interval. ``gang``: machines that must all
    run for the work to go on."""

    gang: int = 1
    every: float | None = None
    save: float = SAVE_HOURS
    restart: float = RESTART_HOURS


class Stretch(msgspec.Struct, frozen=True):
    """How many times as long work takes: ``high`` at the upper end of the band, which prices use, and ``low`` at its
    lower end. ``interval`` is the hours between saved states; ``known`` says whether a rate is published."""

    low: float
    high: float
    interval: float
    rate: float
    known: bool


def rate(share: float) -> float:
    """Interruptions per hour of one machine of which this share is reclaimed in a month: -ln(1 - p) / 720."""
    return -math.log1p(-share) / MONTH_HOURS


def together(one: float, gang: int) -> float:
    """Interruptions per hour of a gang: the common shock once, the rest for each machine (Marshall and Olkin 1967)."""
    return one * (COMMON + gang * (1 - COMMON))


def interval(interruptions: float, save: float) -> float:
    """The best hours between two saved states: Young's where it is small beside the time between interruptions,
    Daly's elsewhere."""
    if interruptions <= 0:
        return math.inf
    if save <= 0:
        return 1 / 60  # saving that costs nothing: every minute
    mean = 1 / interruptions
    young = math.sqrt(2 * save * mean)
    if young <= SMALL * mean:
        return young
    if save >= 2 * mean:
        return mean
    half = save / (2 * mean)
    return young * (1 + math.sqrt(half) / 3 + half / 9) - save


def stretched(interruptions: float, shape: Shape) -> tuple[float, float]:
    """How many times as long the work takes, and the interval."""
    every = shape.every if shape.every is not None else interval(interruptions, shape.save)
    if interruptions <= 0:
        return (1.0 if math.isinf(every) else 1 + shape.save / every), every
    if every * interruptions <= SMALL:
        return 1 + shape.save / every + interruptions * (every / 2 + shape.restart), every
    exponent = min((every + shape.save) * interruptions, 50.0)  # e^50: never done
    return math.expm1(exponent) * math.exp(min(shape.restart * interruptions, 50.0)) / (interruptions * every), every


def stretch(found: Interruption | None, shape: Shape) -> Stretch:
    """From the Advisor's band, as an interval; without one, from nothing to the bound of ours."""
    low = 0.0 if found is None else min(found.low, UNBOUNDED)
    high = UNBOUNDED if found is None or found.high is None else min(found.high, UNBOUNDED)
    worst = together(rate(high), shape.gang)
    most, every = stretched(worst, shape)
    least, _ = stretched(together(rate(low), shape.gang), shape)
    return Stretch(min(least, most), most, every, worst, found is not None)


def fallback(share: float, slow: float, slack: float) -> float:
    """The share of the work that stays on spot machines when one run may take ``slack`` times its undisturbed time.

    With share s of the work stretched by ``slow`` and the rest on demand, it takes 1 + s (slow - 1); what does not
    fit goes on demand (after the Uniform Progress rule of "Can't Be Late", NSDI 2024).
    """
    if slow <= 1 or 1 + share * (slow - 1) <= slack:
        return share
    return max(0.0, (slack - 1) / (slow - 1))
