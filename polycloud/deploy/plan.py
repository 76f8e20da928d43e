"""The difference between what was rendered last and what would be rendered now: files, resources, money, law."""

from collections.abc import Iterable

import msgspec

from polycloud.deploy.files import Changed, Manifest
from polycloud.deploy.ports import Resource


class Cost(msgspec.Struct, frozen=True):
    """One resource's money a month, in micro-USD; None: not known. ``before`` is None too where it is new."""

    address: str
    kind: str
    site: str
    source: str
    monthly: int | None
    before: int | None
    change: str  # "new", "gone", "dearer", "cheaper" or "same"


class Plan(msgspec.Struct, frozen=True):
    """What a render would do. ``monthly`` and ``monthly_before`` sum what is known; ``unpriced`` counts the rest."""

    estate: str
    files: Changed
    resources: tuple[Cost, ...]
    monthly: int
    monthly_before: int | None
    unpriced: int
    proved: int
    problems: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether a render would change any file."""
        return bool(self.files.added or self.files.changed or self.files.removed)


def costs(resources: Iterable[Resource], before: Manifest | None) -> tuple[Cost, ...]:
    """Each resource beside its cost at the last render, those that are gone included."""
    old = before.costs if before is not None else {}
    found = []
    seen = set()
    for resource in resources:
        seen.add(resource.address)
        was = old.get(resource.address)
        change = "new" if resource.address not in old else _direction(was, resource.monthly)
        found.append(
            Cost(resource.address, resource.kind, resource.site, resource.source, resource.monthly, was, change)
        )
    found += [Cost(gone, "", "", "", None, old[gone], "gone") for gone in sorted(old.keys() - seen)]
    return tuple(found)


def total(values: Iterable[int | None]) -> int:
    """The sum of what is known."""
    return sum(value for value in values if value is not None)


def _direction(before: int | None, now: int | None) -> str:
    if before is None or now is None or before == now:
        return "same"
    return "dearer" if now > before else "cheaper"
