"""Where the copies of one item should be for given readers: which sites to open, by the best single step at a time."""

import msgspec

from polycloud.placement.solve.highs import Bools, Floats, np

BIG = 1e9  # USD a month: more than any plan costs, small enough to keep a cent in float64
STEPS = 60  # additions, removals and exchanges; a search that still improves then gains next to nothing
CENT = 1e-6  # USD: what a step must gain at least, so that rounding never makes it go in circles


class Need(msgspec.Struct, frozen=True):
    """How many copies there must and may be, and where they must be."""

    least: int
    most: int
    pinned: Bools


def facilities(fixed: Floats, carry: Floats, start: Bools, may: Bools, need: Need) -> Bools:
    """Which sites to open. ``fixed`` is what a site costs, ``carry`` what each reader pays for reading from it."""
    now = _lawful(fixed, carry, (start & may) | need.pinned, may, need)
    for _ in range(STEPS):
        step = _best(fixed, carry, now, may, need)
        if step is None:
            break
        now = step
    return now


def cost(fixed: Floats, carry: Floats, now: Bools) -> float:
    """What a set of sites costs; readers with nowhere to read from pay ``BIG``."""
    if not now.any():
        return BIG * len(carry)
    return float(fixed[now].sum() + carry[:, now].min(axis=1).sum())


def _lawful(fixed: Floats, carry: Floats, now: Bools, may: Bools, need: Need) -> Bools:
    """As many sites as needed and no more than allowed, one after the other as it costs least."""
    now = now.copy()
    while now.sum() < need.least and (may & ~now).any():
        now[_cheapest(fixed, carry, now, may & ~now)] = True
    while now.sum() > need.most and (now & ~need.pinned).any():
        gone = min(np.flatnonzero(now & ~need.pinned).tolist(), key=lambda site: cost(fixed, carry, _less(now, site)))
        now[gone] = False
    return now


def _best(fixed: Floats, carry: Floats, now: Bools, may: Bools, need: Need) -> Bools | None:
    """The best addition, removal or exchange; None when none pays."""
    least, found = cost(fixed, carry, now) - CENT, None
    free, count = may & ~now, int(now.sum())
    removable = np.flatnonzero(now & ~need.pinned).tolist()
    tries = [_less(now, site) for site in removable] if count > max(need.least, 1) else []
    if free.any():
        bases = [_less(now, site) for site in removable] + ([now] if count < need.most else [])
        for base in bases:
            more = base.copy()
            more[_cheapest(fixed, carry, base, free)] = True
            tries.append(more)
    for tried in tries:
        value = cost(fixed, carry, tried)
        if value < least:
            least, found = value, tried
    return found


def _cheapest(fixed: Floats, carry: Floats, now: Bools, free: Bools) -> int:
    """The free site with which the set costs least."""
    reached = np.minimum(carry, carry[:, now].min(axis=1)[:, None]) if now.any() else carry
    return int(np.where(free, fixed + reached.sum(axis=0), np.inf).argmin())


def _less(now: Bools, site: int) -> Bools:
    rest = now.copy()
    rest[site] = False
    return rest
