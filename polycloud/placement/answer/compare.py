"""Two placements side by side: what an assumption costs, and what it moves."""

from collections.abc import Iterator

from polycloud.placement.answer.values import Comparison, Moved, Placement
from polycloud.placement.answer.words import listed

NOWHERE = "–"


def compare(
    before: Placement, after: Placement | None, assumed: tuple[str, ...], conflict: tuple[str, ...] = ()
) -> Comparison:
    """The difference; ``after`` None when nothing can be planned under the assumption."""
    if after is None:
        return Comparison(assumed, before, None, {}, (), conflict)
    kinds = dict.fromkeys((*before.cost.by_kind, *after.cost.by_kind))
    extra = {kind: after.cost.by_kind.get(kind, 0) - before.cost.by_kind.get(kind, 0) for kind in kinds}
    return Comparison(assumed, before, after, extra, tuple(_moved(before, after)))


def _moved(before: Placement, after: Placement) -> Iterator[Moved]:
    for old, new in ((_tasks(before), _tasks(after)), (_copies(before), _copies(after)), (_held(before), _held(after))):
        for name in dict.fromkeys((*old, *new)):
            if old.get(name) != new.get(name):
                yield Moved(name, old.get(name, NOWHERE), new.get(name, NOWHERE))


def _tasks(found: Placement) -> dict[str, str]:
    return {
        part.task: f"{part.site}: {part.count} × {part.machine}, {part.market}"
        for workload in found.workloads
        for part in workload.parts
    }


def _copies(found: Placement) -> dict[str, str]:
    return {f"data set {row.name}": listed([copy.site for copy in row.copies], 8) for row in found.datasets}


def _held(found: Placement) -> dict[str, str]:
    return {
        f"{p.pool}, {p.term}": f"{(p.held_micro_hour + p.buy_micro_hour) / 1_000_000:,.2f} USD an hour promised"
        for p in found.promises
    }
