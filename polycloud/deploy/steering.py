"""How callers are steered over clusters: regions of the edge, what belongs to each, and who may take over by law."""

import math

import msgspec

from polycloud.core.geo import distance_km
from polycloud.deploy.blueprint import Blueprint, Cluster, Where

ALL = "all"  # the one region of an estate without an entry


class Region(msgspec.Struct, frozen=True):
    """Clusters that answer for a part of the world. ``callers`` are values of the caller-region header that mean it
    (sites and countries); ``successors`` are clusters of fallback regions that may take over, nearest first."""

    name: str
    clusters: tuple[Cluster, ...]
    callers: tuple[str, ...]
    successors: tuple[Cluster, ...] = ()


def regions(blueprint: Blueprint) -> tuple[Region, ...]:
    """The edge's pools as regions; without an entry, one for each group of clusters under the same classes.

    A country means the region that its law confines it to, else the one with a cluster in it.
    """
    edge = blueprint.edge
    clusters = {cluster.name: cluster for cluster in blueprint.clusters}
    if edge is None:
        return _by_law(blueprint)
    confined = dict(edge.confined)
    found = []
    for pool in edge.pools:
        mine = tuple(clusters[name] for name in pool.clusters)
        if not mine:
            continue
        callers = [cluster.site.id for cluster in mine]
        callers += [country for country, pools in confined.items() if pools[:1] == (pool.name,)]
        callers += [c.site.country for c in mine if c.site.country and c.site.country not in confined]
        spare = [
            clusters[name]
            for other in pool.fallback
            for name in next((p.clusters for p in edge.pools if p.name == other), ())
            if clusters[name] not in mine
        ]
        lawful = [c for c in dict.fromkeys(spare) if all(may_replace(blueprint, one.site, c.site) for one in mine)]
        found.append(Region(pool.name, mine, tuple(dict.fromkeys(callers)), tuple(lawful)))
    return _without_doubles(found)


def may_replace(blueprint: Blueprint, lost: Where, other: Where) -> bool:
    """Whether every class that may be at the lost site may be at the other: else a failover would break residency."""
    return all(other.id in allowed for allowed in blueprint.regions_allowed.values() if lost.id in allowed)


def successors(blueprint: Blueprint, cluster: Cluster) -> tuple[Cluster, ...]:
    """Clusters that may take over for one, nearest first."""
    able = [c for c in blueprint.clusters if c != cluster and may_replace(blueprint, cluster.site, c.site)]
    return tuple(sorted(able, key=lambda c: (_km(cluster.site, c.site), c.name)))


def _by_law(blueprint: Blueprint) -> tuple[Region, ...]:
    groups: dict[tuple[str, ...], list[Cluster]] = {}
    for cluster in blueprint.clusters:
        classes = tuple(sorted(n for n, sites in blueprint.regions_allowed.items() if cluster.site.id in sites))
        groups.setdefault(classes, []).append(cluster)
    found = []
    for number, (_, members) in enumerate(sorted(groups.items())):
        callers = [c.site.id for c in members] + [c.site.country for c in members if c.site.country]
        name = ALL if len(groups) == 1 else f"region-{number + 1}"
        found.append(Region(name, tuple(members), tuple(dict.fromkeys(callers))))
    return _without_doubles(found)


def _without_doubles(found: list[Region]) -> tuple[Region, ...]:
    """A caller's word means one region: the first in the order of names."""
    taken: set[str] = set()
    made = []
    for region in sorted(found, key=lambda r: r.name):
        own = tuple(word for word in region.callers if word not in taken)
        taken.update(own)
        made.append(msgspec.structs.replace(region, callers=own))
    return tuple(made)


def _km(a: Where, b: Where) -> float:
    if a.latitude is None or a.longitude is None or b.latitude is None or b.longitude is None:
        return math.inf
    return distance_km((a.latitude, a.longitude), (b.latitude, b.longitude))
