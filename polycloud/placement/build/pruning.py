"""Which drafts can be left away because another at the same site is never worse, whatever else is chosen.

A machine's hours may ride on promises made for other work, so its price alone decides only within one pool. Between
two pools the dearest that one draft can be stands against the cheapest that the other can be:

- at most, it pays for its own best promise, alone: no other work makes that dearer;
- at least, in a pool that several share, promises have room in other work's idle hours, but one of r an hour is paid
  in all hours of the month, and gives back at most the hours in which the draft itself uses less than r.

Two pools can also be set side by side for all work of a site: where each draft in one has a draft in the other that
is cheaper in every block, on demand and with the best promise, all of them can move there together.
Amounts are compared to a tenth of a cent, since what a promise covers is rounded to the micro-dollar an hour.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.machines import PPM, Machine
from polycloud.placement.build.pools import Reach, Scope
from polycloud.placement.build.shapes import Part

SLACK = 1000  # micro-USD a month
ROUNDS_MAX = 4  # each leaves fewer drafts; what more would find is only speed


class Way(Protocol):
    """What decides between drafts at one site: the rest of a draft is worked out for those that are kept."""

    @property
    def machine(self) -> Machine: ...
    @property
    def market(self) -> str: ...
    @property
    def cost(self) -> int: ...
    @property
    def hourly(self) -> tuple[int, ...]: ...
    @property
    def units(self) -> tuple[tuple[int, int], ...]: ...


W = TypeVar("W", bound=Way)


class Bounds(msgspec.Struct, Generic[W]):
    """A draft between its least and its most cost, micro-USD a month, whatever promises the rest of the plan makes.

    ``rest`` is what no promise covers; the least is worked out when another pool's draft asks for it.
    """

    draft: W
    reach: Reach
    rest: int
    high: int
    shared: bool
    low: int | None = None


class Side(msgspec.Struct, frozen=True):
    """A draft set beside those of other pools: what no promise covers, and the most and least of each block."""

    draft: Draft
    rest: int
    most: tuple[int, ...]
    least: tuple[int, ...]


class Pruning:
    """Leaves away what is never better; ``reach`` says what a machine's pool can do, ``hours`` are those of blocks."""

    def __init__(self, reach: Callable[[Machine], Reach], hours: tuple[int, ...]) -> None:
        self._reach = reach
        self._hours = hours

    def at_site(self, drafts: Iterable[W]) -> list[W]:
        """The drafts of one part at one site without those that another stands for."""
        return [row.draft for row in self._kept(self._bounds(draft, shared=True) for draft in drafts)]

    def together(self, parts: Sequence[Part], drafts: Mapping[str, list[Draft]]) -> dict[str, list[Draft]]:
        """All drafts of a plan by part, without pools that another of the same site is better than for all work."""
        found = {part.name: list(drafts[part.name]) for part in parts}
        if len(self._hours) == 1:  # without idle hours nothing rides: at_site has done all
            return found
        for _ in range(ROUNDS_MAX):
            before = sum(map(len, found.values()))
            gone = self._dropped(found)
            shared = self._shared(parts, found, gone)
            for name, rows in found.items():
                left = [row for row in rows if not _promisable(row) or self._pool(row) not in gone]
                found[name] = [row for site in _by_site(left) for row in self._again(site, shared)]
            if sum(map(len, found.values())) == before:
                break
        return found

    # -- one part at one site ----------------------------------------------------------------------------

    def _again(self, drafts: list[Draft], shared: set[Scope]) -> list[Draft]:
        rows = (self._bounds(draft, shared=self._pool(draft) in shared) for draft in drafts)
        return [row.draft for row in self._kept(rows)]

    def _bounds(self, draft: W, *, shared: bool) -> Bounds[W]:
        reach, rest = self._reach(draft.machine), self._rest(draft)
        return Bounds(draft, reach, rest, rest + alone(reach.most, draft.hourly, self._hours), shared)

    def _low(self, row: Bounds[W]) -> int:
        if row.low is None:
            least = shared_least if row.shared else alone
            row.low = row.rest + least(row.reach.least, row.draft.hourly, self._hours)
        return row.low

    def _kept(self, rows: Iterable[Bounds[W]]) -> list[Bounds[W]]:
        ordered = sorted(rows, key=lambda r: (r.draft.cost, r.high, r.draft.machine.name, r.draft.market))
        found: list[Bounds[W]] = []
        for row in ordered:
            if not any(self._stands_for(other, row) for other in found):
                found.append(row)
        return found

    def _stands_for(self, one: Bounds[W], other: Bounds[W]) -> bool:
        mine, its = one.draft, other.draft
        if mine.market != its.market or not _takes_no_more(mine, its):
            return False
        if one.reach.scope != other.reach.scope or not _promisable(its):
            if one.reach.wide and not _is_under(one, other):
                return False
            return one.high <= self._low(other) + SLACK
        more = sum(h * max(0, b - a) for h, a, b in zip(self._hours, mine.hourly, its.hourly, strict=True))
        return one.reach.least <= other.reach.least and mine.cost + more <= its.cost + SLACK

    # -- all parts of a plan -----------------------------------------------------------------------------

    def _pool(self, draft: Draft) -> Scope:
        return self._reach(draft.machine).scope

    def _dropped(self, drafts: Mapping[str, list[Draft]]) -> set[Scope]:
        """Pools all of whose drafts can move to one other pool of their site, together."""
        better: dict[Scope, set[Scope]] = {}
        for rows in drafts.values():
            for site in _by_site(rows):
                pools: dict[Scope, list[Side]] = defaultdict(list)
                for row in filter(_promisable, site):
                    pools[self._pool(row)].append(self._side(row))
                for pool, mine in pools.items():
                    others = (other for other, its in pools.items() if other != pool and self._covers(its, mine))
                    better[pool] = better[pool] & set(others) if pool in better else set(others)
        gone: set[Scope] = set()
        for pool in sorted(better):
            if better[pool]:
                gone.add(pool)
                for rest in better.values():  # what counted on a pool that is gone counts on another, or stays
                    rest.discard(pool)
        return gone

    def _side(self, draft: Draft) -> Side:
        reach = self._reach(draft.machine)
        return Side(
            draft,
            self._rest(draft),
            tuple([rate * reach.most for rate in draft.hourly]),
            tuple([rate * reach.least for rate in draft.hourly]),
        )

    def _covers(self, ones: list[Side], others: list[Side]) -> bool:
        return all(any(_moves(one, other) for one in ones) for other in others)

    def _rest(self, draft: Way) -> int:
        rest = draft.cost
        for h, rate in zip(self._hours, draft.hourly, strict=True):
            rest -= h * rate
        return rest

    def _shared(self, parts: Sequence[Part], drafts: Mapping[str, list[Draft]], gone: set[Scope]) -> set[Scope]:
        """Pools that several pieces of work can be in; parts that must be apart are never at one site together."""
        users: dict[Scope, set[str | int]] = defaultdict(set)
        for part in parts:
            who: str | int = part.group if part.group >= 0 else part.name
            for row in filter(_promisable, drafts[part.name]):
                users[self._pool(row)].add(who)
        return {pool for pool, names in users.items() if len(names) > 1 and pool not in gone}


def _is_under(one: Bounds[W], other: Bounds[W]) -> bool:
    """Whether a promise for many families that covers any part of one draft leaves the other no dearer by as much."""
    hourly = zip(one.draft.hourly, other.draft.hourly, strict=True)
    return one.rest <= other.rest + SLACK and all(a <= b for a, b in hourly)


def alone(keep: int, hourly: tuple[int, ...], hours: tuple[int, ...]) -> int:
    """The least cost of a usage by itself with a promise that keeps ``keep`` millionths: any part of it promised."""
    least = 0
    for h, b in zip(hours, hourly, strict=True):
        least += h * b  # nothing promised
    month = sum(hours) * keep
    for promised in set(hourly) if keep < PPM else ():
        cost = -(-month * promised // PPM)
        for h, b in zip(hours, hourly, strict=True):
            if b > promised:
                cost += h * (b - promised)
        least = min(least, cost)
    return least


def shared_least(keep: int, hourly: tuple[int, ...], hours: tuple[int, ...]) -> int:
    """The least by which a usage can raise the cost of a pool: C(u + b) - C(u) for every u, where C(u) is the least
    of ``keep`` P in all hours and (u - P)+ on demand.

    With P best for u + b, P - r serves u: the difference is at least keep r in all hours less (r - b)+ in each block.
    """
    most, month = 0, sum(hours) * keep
    for promised in set(hourly):
        gained = month * promised // PPM
        for h, b in zip(hours, hourly, strict=True):
            if promised > b:
                gained -= h * (promised - b)
        most = max(most, gained)
    return most


def _moves(one: Side, other: Side) -> bool:
    """Whether a draft of another pool is cheaper in every block, on demand and with the best promise."""
    if one.rest > other.rest + SLACK or one.draft.market != other.draft.market:
        return False
    for a, b in zip(one.draft.hourly, other.draft.hourly, strict=True):
        if a > b:
            return False
    for a, b in zip(one.most, other.least, strict=True):
        if a > b:
            return False
    return _takes_no_more(one.draft, other.draft)


def _promisable(draft: Way) -> bool:
    """Whether promises can cover any of its hours: not so on spot."""
    return any(draft.hourly)


def _takes_no_more(one: Way, other: Way) -> bool:
    if not one.units:
        return True
    taken = dict(other.units)
    return all(amount <= taken.get(at, 0) for at, amount in one.units)


def _by_site(drafts: Iterable[Draft]) -> Iterator[list[Draft]]:
    sites: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        sites[draft.machine.site].append(draft)
    yield from sites.values()
