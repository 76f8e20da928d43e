"""What applying a render would destroy that must not go by accident: told before, with the words that keep it."""

from collections.abc import Iterable, Mapping

from polycloud.deploy.files import Lasting, Manifest
from polycloud.deploy.hcl import Attribute
from polycloud.deploy.ports import Resource
from polycloud.deploy.render.import_forms import LASTING

SHOWN = 3  # resources that a sentence names


def lasting(resources: Iterable[Resource]) -> dict[str, Lasting]:
    """What holds data or carries much, by address, with the text by which its cloud knows it."""
    found = {}
    for resource in resources:
        name = LASTING.get(_kind(resource.address))
        if name is None or resource.block is None:
            continue
        given = {part.name: part.value for part in resource.block.body if isinstance(part, Attribute)}
        called = given.get(name)
        found[resource.address] = Lasting(resource.source, resource.site, called if isinstance(called, str) else "")
    return found


def arrived(moved: Mapping[str, str], address: str) -> str:
    """Where a chain of renamings leads."""
    for _ in moved:  # no chain is longer than all of them
        address = moved.get(address, address)
    return address


def losses(
    before: Manifest | None, now: Mapping[str, Lasting], moved: Mapping[str, str], estate: str
) -> tuple[str, ...]:
    """Sentences about what was rendered last and would be destroyed, each with what keeps it."""
    if before is None:
        return ()
    then = {arrived(moved, address): was for address, was in sorted(before.lasting.items())}
    gone = {address: was for address, was in then.items() if address not in now}
    new = {address: one for address, one in now.items() if address not in then}
    by_source: dict[str, list[str]] = {}
    for address, was in gone.items():
        by_source.setdefault(was.source, []).append(address)
    found = [
        _gone(source, addresses, gone, new)
        for source, addresses in by_source.items()
        if source.rpartition(".pools.")[0] not in by_source  # a cluster's pools stay with it
    ]
    for address, was in then.items():
        one = now.get(address)
        if one is not None and one.site != was.site:
            found.append(f"{address} ({one.source}) would be destroyed at {was.site}, and made empty at {one.site}")
        elif one is not None and one.called != was.called and one.called and was.called:
            other = f"; the estate was called {before.estate}" if before.estate != estate else ""
            found.append(
                f"{address} ({one.source}) would be destroyed and made anew: its cloud knows it as {was.called}, and "
                f"it would be {one.called}{other}. What the estate said of it before keeps it: its name, was or "
                "existing, a bucket's name, a network's cidr"
            )
    return tuple(found)


def _gone(source: str, addresses: list[str], gone: Mapping[str, Lasting], new: Mapping[str, Lasting]) -> str:
    shown = ", ".join(addresses[:SHOWN]) + (f" and {len(addresses) - SHOWN} more" if len(addresses) > SHOWN else "")
    told = f"{source} is gone: {shown} would be destroyed"
    places = {(_kind(address), gone[address].site) for address in addresses}
    fitting = {one.source for address, one in new.items() if (_kind(address), one.site) in places and "." in one.source}
    section = source.partition(".")[0]
    meant = sorted({one for one in fitting if one.partition(".")[0] == section} or fitting)
    if source in meant:
        now = sorted(address.partition("/")[2] for address, one in new.items() if one.source == source)
        return f"{told}. It is at {', '.join(now)} now: terraform state mv keeps it"
    name = source.rpartition(".pools.")[2] if ".pools." in source else source.partition(".")[2]
    if not meant or not name:
        return f"{told}. Nothing takes its place"
    return f"{told}. If it is called {' or '.join(meant)} now, add there: was: {name}"


def _kind(address: str) -> str:
    return address.partition("/")[2].partition(".")[0]
