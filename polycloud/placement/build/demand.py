"""When how much runs: a day of 24 slots for each workload, and the few blocks of the month that they merge into.

A month is 730 hours, so each slot of the day stands for 730/24 of them. Work with a curve follows it. Work without one
runs at full size for its hours, in the quietest slots of the day first: the estate does not say when, and spreading it
thinly over all hours would make every promise of capacity look used.
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import ceil

import msgspec

from polycloud.placement.problem import HOURS

SLOTS = 24
SLOT_HOURS = Fraction(HOURS, SLOTS)
BLOCKS_MAX = 4  # of the month; with each one the solver has another row for every promise
Usage = tuple[Fraction, ...]  # instances in use on average in each slot
Machines = Callable[[int], int]  # machines for so many instances


class Demand(msgspec.Struct, frozen=True):
    """What one part of a workload must do. ``curve``: instances needed in each slot before rounding, None for as many
    as ``most`` whenever it runs; ``rests``: nothing runs where nothing is needed, though ``least`` is above 0.

    ``hours`` are those of a month on the accelerator that it was stated for. ``elastic``: a faster one needs fewer
    hours (work of a fixed size); else it needs fewer instances (work that comes from outside).
    """

    most: Fraction
    least: int
    hours: Fraction = Fraction(HOURS)
    curve: tuple[Fraction, ...] | None = None
    rests: bool = False
    elastic: bool = False

    def share(self, part: Fraction, least: int | None = None) -> "Demand":
        """That part of the demand; ``least`` replaces the fewest instances."""
        curve = None if self.curve is None else tuple(level * part for level in self.curve)
        few = ceil(self.least * part) if least is None else least
        return msgspec.structs.replace(self, most=self.most * part, curve=curve, least=few)

    def hours_at(self, speed: Fraction) -> Fraction:
        """Hours a month on something so many times as fast."""
        return self.hours / speed if self.elastic else self.hours

    def instances(self, speed: Fraction = Fraction(1)) -> tuple[int, ...]:
        """Whole instances in each slot while it runs."""
        pace = Fraction(1) if self.elastic else speed
        levels = self.curve if self.curve is not None else (self.most,)
        found = tuple(0 if self.rests and not level else max(self.least, ceil(level / pace)) for level in levels)
        return found if self.curve is not None else found * SLOTS


def slots(demand: Demand, order: Sequence[int], speed: Fraction = Fraction(1), machines: Machines = int) -> Usage:
    """Machines in use on average in each slot of the day; ``order`` is that of the slots which work without a curve
    fills."""
    instances = demand.instances(speed)
    hours = demand.hours_at(speed)
    if demand.curve is not None:
        part = min(Fraction(1), hours / HOURS)
        levels = {count: (machines(count) if count else 0) * part for count in set(instances)}
        return tuple(levels[count] for count in instances)
    count = machines(instances[0]) if instances[0] else 0
    whole, rest = divmod(hours / SLOT_HOURS, 1)
    full = Fraction(count)
    usage = [Fraction(0)] * SLOTS
    for slot in order[:whole]:
        usage[slot] = full
    if whole < SLOTS:
        usage[order[whole]] = count * rest
    return tuple(usage)


def quiet_first(demands: Iterable[Demand]) -> tuple[int, ...]:
    """The slots of the day, the quietest first; each workload counts by its share of its own peak."""
    total = [Fraction(0)] * SLOTS
    for demand in demands:
        if demand.curve is not None and max(demand.curve):
            total = [so_far + level / max(demand.curve) for so_far, level in zip(total, demand.curve, strict=True)]
    return tuple(sorted(range(SLOTS), key=lambda slot: (total[slot], slot)))


class Profile(msgspec.Struct, frozen=True):
    """Machines in use: ``count`` at the most, ``hours`` in a month over all of them, and the average ``rates`` in each
    block of the month, as (numerator, denominator)."""

    count: int
    hours: Fraction
    rates: tuple[tuple[int, int], ...]

    def times(self, count: int) -> "Profile":
        """So many of it at once."""
        rates = tuple([(rate * count, each) for rate, each in self.rates])
        return Profile(self.count * count, self.hours * count, rates)

    def cost(self, price: int, parts: int = 1) -> int:
        """Micro-USD a month at a price per hour of ``price / parts``, rounded half up once."""
        hours, each = self.hours.as_integer_ratio()
        over = each * parts
        return (2 * hours * price + over) // (2 * over)

    def hourly(self, price: int, parts: int = 1) -> tuple[int, ...]:
        """Micro-USD an hour in each block, on average, rounded down: hours times this never exceeds ``cost``."""
        return tuple([rate * price // (each * parts) for rate, each in self.rates])


class Blocks(msgspec.Struct, frozen=True):
    """The blocks of the month: ``hours`` of each, summing to 730, and the block ``of`` each slot of the day."""

    hours: tuple[int, ...]
    of: tuple[int, ...]

    def profile(self, usage: Usage, count: int) -> Profile:
        used = [Fraction(0)] * len(self.hours)
        alike: dict[tuple[int, int], list[int]] = {}  # slots of one block with the very same value: added up at once
        for slot, block in enumerate(self.of):
            alike.setdefault((block, id(usage[slot])), []).append(slot)
        for (block, _), members in alike.items():
            used[block] += usage[members[0]] * len(members) * SLOT_HOURS
        rates = tuple((amount / hours).as_integer_ratio() for amount, hours in zip(used, self.hours, strict=True))
        return Profile(count, sum(used, Fraction(0)), rates)


def rounded(amount: Fraction) -> int:
    """Half up."""
    return int(amount + Fraction(1, 2))


def blocks(usages: Iterable[Usage]) -> Blocks:
    """Slots that are alike merged until there are at most four blocks (Ward's rule: the pair whose merging adds least
    to the squared distance). Each workload counts by its share of its own peak."""
    profiles: dict[Usage, int] = {}
    for usage in usages:
        peak = max(usage, default=Fraction(0))
        if peak:
            scaled = tuple(level / peak for level in usage)
            profiles[scaled] = profiles.get(scaled, 0) + 1
    points: dict[tuple[float, ...], list[int]] = {}
    for slot in range(SLOTS):
        point = tuple(float(profile[slot]) * weight**0.5 for profile, weight in profiles.items())
        points.setdefault(point, []).append(slot)
    groups = [(list(point), members) for point, members in points.items()]
    while len(groups) > BLOCKS_MAX:
        a, b = min(
            ((a, b) for a in range(len(groups)) for b in range(a + 1, len(groups))),
            key=lambda pair: (_loss(groups[pair[0]], groups[pair[1]]), pair),
        )
        groups[a] = _merged(groups[a], groups[b])
        del groups[b]
    groups.sort(key=lambda group: min(group[1]))
    of = [0] * SLOTS
    for block, (_, members) in enumerate(groups):
        for slot in members:
            of[slot] = block
    return Blocks(apportion(HOURS, [Fraction(len(members)) for _, members in groups]), tuple(of))


def _loss(a: tuple[list[float], list[int]], b: tuple[list[float], list[int]]) -> float:
    apart = sum((x - y) ** 2 for x, y in zip(a[0], b[0], strict=True))
    return apart * len(a[1]) * len(b[1]) / (len(a[1]) + len(b[1]))


def _merged(a: tuple[list[float], list[int]], b: tuple[list[float], list[int]]) -> tuple[list[float], list[int]]:
    m, n = len(a[1]), len(b[1])
    return [(x * m + y * n) / (m + n) for x, y in zip(a[0], b[0], strict=True)], a[1] + b[1]


def apportion(total: int, weights: Sequence[Fraction]) -> tuple[int, ...]:
    """``total`` in whole parts by weight that sum to it exactly: the largest remainders get what is left."""
    whole = sum(weights)
    exact = [total * weight / whole for weight in weights]
    found = [int(part) for part in exact]
    by_rest = sorted(range(len(exact)), key=lambda at: (found[at] - exact[at], at))
    for at in by_rest[: total - sum(found)]:
        found[at] += 1
    return tuple(found)
