"""The blueprint as it was before a renaming: the same things under the names that they had."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from polycloud.deploy.blueprint import Blueprint, Bucket, Cluster, Database, Edge, Link, Pool
from polycloud.deploy.render.terraform import identifier

Thing = TypeVar("Thing", Cluster, Pool, Bucket, Database, Link)
Names = tuple[tuple[str, str], ...]


def former(blueprint: Blueprint) -> tuple[Blueprint, Names] | None:
    """One step back: every thing that was renamed under its last name before, and pairs of Terraform identifiers
    (before, now). None when nothing was renamed."""
    things: tuple[Iterable[Cluster | Bucket | Database | Link], ...] = (
        blueprint.clusters,
        blueprint.buckets,
        blueprint.databases,
        blueprint.links,
    )
    clusters, buckets, databases, links = (_renamed(part) for part in things)
    pools = {name: was for cluster in blueprint.clusters for name, was in _renamed(cluster.pools).items()}
    pairs = {(was, name) for part in (clusters, buckets, databases, links, pools) for name, was in part.items()}
    if not pairs:
        return None
    replace = msgspec.structs.replace
    before = replace(
        blueprint,
        clusters=_named(
            [replace(cluster, pools=_named(cluster.pools, _renamed(cluster.pools))) for cluster in blueprint.clusters],
            clusters,
        ),
        buckets=_named(
            [replace(b, copies_to=tuple(buckets.get(c, c) for c in b.copies_to)) for b in blueprint.buckets], buckets
        ),
        databases=_named(blueprint.databases, databases),
        links=_named([replace(link, backup=links.get(link.backup, link.backup)) for link in blueprint.links], links),
        runs=tuple(replace(run, cluster=clusters.get(run.cluster, run.cluster)) for run in blueprint.runs),
        edge=_edge(blueprint.edge, clusters),
    )
    return before, tuple(sorted((identifier(was), identifier(name)) for was, name in pairs))


def _renamed(things: Iterable[Cluster | Pool | Bucket | Database | Link]) -> dict[str, str]:
    """What each was called before. A name that another thing has now is not given back."""
    found = list(things)
    now = {one.name for one in found}
    return {one.name: one.was[0] for one in found if one.was and one.was[0] not in now}


def _named(things: Iterable[Thing], before: Mapping[str, str]) -> tuple[Thing, ...]:
    replace = msgspec.structs.replace
    found = [replace(t, name=before[t.name], was=t.was[1:]) if t.name in before else t for t in things]
    return tuple(sorted(found, key=lambda one: one.name)) if before else tuple(found)


def _edge(edge: Edge | None, clusters: Mapping[str, str]) -> Edge | None:
    if edge is None:
        return None
    pools = tuple(
        msgspec.structs.replace(pool, clusters=tuple(clusters.get(name, name) for name in pool.clusters))
        for pool in edge.pools
    )
    return msgspec.structs.replace(edge, pools=pools)
