"""The difference between what was rendered last and what would be rendered now: files, resources, money, law."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from polycloud.deploy.files import Changed, Manifest
from polycloud.deploy.hcl import Block, render
from polycloud.deploy.losses import arrived
from polycloud.deploy.ports import Resource

NAMED = re.compile(r"[a-z][a-z0-9_]*\.[A-Za-z][A-Za-z0-9_]*")  # a resource in a text
DIGEST = 16  # characters: enough to see that one text of a resource is not another
# By Terraform's provider: the cloud, and the words of the estate that say in whose account its resources are.
HOLDERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "aws": ("aws", ("account",)),
    "azuread": ("azure", ("tenant",)),
    "azurerm": ("azure", ("tenant", "subscription")),
    "google": ("gcp", ("project",)),
    "oci": ("oci", ("tenancy", "compartment")),
}


class Cost(msgspec.Struct, frozen=True):
    """One resource: what becomes of it, and its money a month in micro-USD; None: not known. ``before`` is None too
    where it is new. ``change`` is "new", "replaced" (it would be made anew in another account), "changed" (what
    Terraform reads of it is another), "gone"; "dearer" or "cheaper" where its price alone is another; or "same"."""

    address: str
    kind: str
    site: str
    source: str
    monthly: int | None
    before: int | None
    change: str


class Plan(msgspec.Struct, frozen=True):
    """What a render would do. ``monthly`` and ``monthly_before`` sum what is known; ``unpriced`` counts the rest;
    ``losses`` are sentences about what applying it would destroy."""

    estate: str
    files: Changed
    resources: tuple[Cost, ...]
    monthly: int
    monthly_before: int | None
    unpriced: int
    proved: int
    losses: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether a render would change any file."""
        return bool(self.files.added or self.files.changed or self.files.removed)


def costs(
    resources: Iterable[Resource],
    before: Manifest | None,
    moved: Mapping[str, str] | None = None,
    accounts: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[Cost, ...]:
    """Each resource beside its cost at the last render, those that are gone included. ``moved`` are addresses before
    a renaming, with those of now; ``accounts`` are the clouds' of now."""
    old = dict(before.costs) if before is not None else {}
    for former in [address for address in moved or {} if address in old]:
        old[arrived(moved or {}, former)] = old.pop(former)
    given = tuple(resources)
    texts = {arrived(moved or {}, former): text for former, text in (before.digests if before else {}).items()}
    now = digests(given, moved)
    left = _left(before, accounts or {})
    found = []
    seen = set()
    for resource in given:
        seen.add(resource.address)
        was = old.get(resource.address)
        if resource.address not in old:
            change = "new"
        elif _provider(resource) in left:
            change = "replaced"
        elif texts.get(resource.address, now[resource.address]) != now[resource.address]:
            change = "changed"
        else:
            change = _direction(was, resource.monthly)
        found.append(
            Cost(resource.address, resource.kind, resource.site, resource.source, resource.monthly, was, change)
        )
    found += [Cost(gone, "", "", "", None, old[gone], "gone") for gone in sorted(old.keys() - seen)]
    return tuple(found)


def digests(resources: Iterable[Resource], moved: Mapping[str, str] | None = None) -> dict[str, str]:
    """By address, what tells one text of a resource from another. Names of resources, its own and others', count as
    they were before any renaming: that changes the text, and nothing in a cloud."""
    to = dict(moved or {})
    later = set(to.values())
    first = {arrived(to, former): former for former in to if former not in later}
    return {resource.address: _digest(resource, first) for resource in resources}


def _digest(resource: Resource, first: Mapping[str, str]) -> str:
    """For what no block says, where it is and what it comes from."""
    if resource.block is None:
        text = "\n".join((resource.kind, resource.site, resource.source, resource.data_class))
    else:
        text = render((Block(resource.block.kind, (), resource.block.body),))
    root = resource.address.partition("/")[0]
    if first:
        text = NAMED.sub(lambda found: first.get(f"{root}/{found[0]}", found[0]).removeprefix(f"{root}/"), text)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


def elsewhere(
    costs: Iterable[Cost], before: Manifest | None, accounts: Mapping[str, Mapping[str, str]]
) -> tuple[str, ...]:
    """Sentences about accounts that are others than at the last render, and how many resources each concerns."""
    left = _left(before, accounts)
    counts = Counter(word for cost in costs if cost.change == "replaced" for word in left[_provider(cost)])
    return tuple(
        f"{word}: {count} resources would be made anew there, empty; those in the old one stay behind, unmanaged, "
        "with their data"
        for word, count in sorted(counts.items())
    )


def _left(before: Manifest | None, accounts: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """By Terraform's provider, the words of the estate that now name another account; nothing for what is not known
    on both sides, since a person gives it then."""
    found = {}
    for provider, (cloud, words) in HOLDERS.items():
        was, now = before.accounts.get(cloud, {}) if before else {}, accounts.get(cloud, {})
        other = [word for word in words if was.get(word) and now.get(word) and was[word] != now[word]]
        if other:
            found[provider] = tuple(f"clouds.{cloud}.{word} was {was[word]} and is {now[word]}" for word in other)
    return found


def _provider(one: Resource | Cost) -> str:
    return one.address.partition("/")[2].partition("_")[0]


def total(values: Iterable[int | None]) -> int:
    """The sum of what is known."""
    return sum(value for value in values if value is not None)


def _direction(before: int | None, now: int | None) -> str:
    if before is None or now is None or before == now:
        return "same"
    return "dearer" if now > before else "cheaper"
