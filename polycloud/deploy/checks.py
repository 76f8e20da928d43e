"""What holds over all rendered files at once: no name without a provider, no address twice, nothing outside the law."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from polycloud.catalog import Catalog
from polycloud.deploy.ports import Rendered, Resource
from polycloud.estate import Estate
from polycloud.policy.residency import Atlas, inside, sentence


class Whole(NamedTuple):
    """All renderers' answers as one; ``problems`` are sentences, and a render with problems is not written."""

    rendered: Rendered
    problems: tuple[str, ...]


class Proved(NamedTuple):
    """How many (resource, data class) pairs were proved inside, and those that are not."""

    pairs: int
    broken: tuple[str, ...]


def together(parts: Mapping[str, Rendered]) -> Whole:
    """Joins what the renderers made, and checks their references to each other. ``parts`` are named by renderer.

    Each of the files is provided as ``file:`` and its path.
    """
    files: dict[str, str] = {}
    problems: list[str] = []
    for name, part in parts.items():
        problems += [f"{path} is written twice, the second time by {name}" for path in part.files if path in files]
        files |= part.files
    provided = {name for part in parts.values() for name in part.provides} | {f"file:{path}" for path in files}
    for part in parts.values():
        problems += [
            f"{need.file} refers to {need.name}, which nothing provides"
            for need in part.needs
            if need.name not in provided
        ]
    resources = [resource for part in parts.values() for resource in part.resources]
    times = Counter(resource.address for resource in resources)
    problems += [f"{address} is declared {n} times" for address, n in sorted(times.items()) if n > 1]
    whole = Rendered(
        dict(sorted(files.items())),
        tuple(sorted(resources, key=lambda r: r.address)),
        tuple(sorted(provided)),
        tuple(need for part in parts.values() for need in part.needs),
        tuple(dict.fromkeys(gap for part in parts.values() for gap in part.gaps)),
        {was: address for part in parts.values() for was, address in part.moved.items()},
    )
    return Whole(whole, tuple(dict.fromkeys(problems)))


def prove(resources: Iterable[Resource], estate: Estate, catalog: Catalog) -> Proved:
    """Every resource that holds data lies inside every class of that data, by the policy that requests obey."""
    atlas = Atlas(estate, catalog)
    pairs, broken = 0, []
    for resource in resources:
        for name in resource.data_class.split():
            rule = estate.data_classes.get(name)
            if rule is None:
                broken.append(f"{resource.address}: there is no data class {name!r}")
                continue
            pairs += 1
            if not inside(atlas.find(resource.site), rule, catalog):
                broken.append(f"{resource.address} at {resource.site} is outside {name!r}: it {sentence(rule)}")
    return Proved(pairs, tuple(broken))
