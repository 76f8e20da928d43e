"""What must be near what: work beside the work that it calls, standbys where the estate puts them."""

from fnmatch import fnmatchcase

from polycloud.estate.paths import KeyPath
from polycloud.placement.build.ground import Ground, milliseconds
from polycloud.placement.build.shapes import Part
from polycloud.placement.problem import Near

Coupling = tuple[Near, KeyPath]


def together(ground: Ground, parts: list[Part]) -> list[Coupling]:
    """Callers within the promised cross-cloud latency of what they call; the strictest promise of a site holds.

    The parts of a spread workload call the part of the same number, and begin again where there are fewer.
    Without a promise about cross-cloud latency any distance will do.
    """
    bounds = [
        (milliseconds(slo.within), slo.at)
        for slo in ground.estate.slos.values()
        if slo.measure == "cross-cloud-latency" and slo.within is not None
    ]
    if not bounds:
        return []
    by_work: dict[str, list[int]] = {}
    for at, part in enumerate(parts):
        if part.serving:
            by_work.setdefault(part.workload, []).append(at)
    close: tuple[tuple[int, ...], ...] | None = None
    found = []
    for name, mine in by_work.items():
        for number, callee in enumerate(parts[mine[0]].work.calls):
            theirs = by_work.get(callee, [])
            if theirs and callee != name:
                close = close or _close(ground, bounds)
                path: KeyPath = ("workloads", name, "calls", number)
                found += [(Near(a, theirs[n % len(theirs)], close), path) for n, a in enumerate(mine)]
    return found


def _close(ground: Ground, bounds: list[tuple[float, tuple[str, ...]]]) -> tuple[tuple[int, ...], ...]:
    rows = []
    for here in ground.sites:
        limits = [ms for ms, at in bounds if not at or any(fnmatchcase(here, pattern) for pattern in at)]
        near = []
        for at, there in enumerate(ground.sites):
            rtt = ground.rtt(here, there)
            if here == there or not limits or (rtt is not None and rtt.ms <= min(limits)):
                near.append(at)
        rows.append(tuple(near))
    return tuple(rows)


def standbys(ground: Ground, parts: list[Part]) -> list[Coupling]:
    """The standby of a workload at the site that ``continuity.standby`` names for its primary's; elsewhere anywhere."""
    continuity = ground.estate.continuity
    if continuity is None or not continuity.standby:
        return []
    everywhere = tuple(range(len(ground.sites)))
    close = tuple(
        (ground.index[stated],) if (stated := continuity.standby.get(site)) in ground.index else everywhere
        for site in ground.sites
    )
    found = []
    for at, part in enumerate(parts):
        if not part.serving and part.group >= 0:
            primary = next(n for n, other in enumerate(parts) if other.group == part.group and other.serving)
            path: KeyPath = ("continuity", "standby")
            found.append((Near(primary, at, close), path))
    return found
