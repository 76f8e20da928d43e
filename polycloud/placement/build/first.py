"""First transfers are charged as if all were sent within one month, however many months their cost is spread over.

So a month's slice of them pays the average price of that month: a meter of its own, whose tiers begin at the slice of
each threshold. What else a month sends fills the lower tiers of the true meter; here it does not, which is no less.
"""

from collections.abc import Sequence
from fractions import Fraction

from polycloud.placement.problem import Item, Meter, Zone

WORDS = ", first copies"


def first_meters(
    meters: Sequence[Meter], zones: Sequence[Zone], items: Sequence[Item], months: Fraction
) -> tuple[tuple[Meter, ...], tuple[int, ...]]:
    """The meters with those of first transfers after them, and for each the one on which these count."""
    used = {
        meter
        for item in items
        if item.origin >= 0 and item.move
        for lane in zones[item.zone].lanes[item.origin]
        if lane is not None
        for meter in lane.meters
    }
    apart = [at for at in sorted(used) if len(meters[at].tiers) > 1 and meters[at].capacity is None]
    first = list(range(len(meters) + len(apart)))
    for new, at in enumerate(apart, len(meters)):
        first[at] = new
    sliced = [
        Meter(meters[at].name + WORDS, tuple((round(start / months), price) for start, price in meters[at].tiers))
        for at in apart
    ]
    return (*meters, *sliced), tuple(first) if apart else ()
