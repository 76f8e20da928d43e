"""The public name at Cloudflare: pools of clusters that are watched, the nearest one for a caller, and the law first.

Without callers that are confined, Cloudflare takes the nearest healthy pool by itself. With them, each area and each
confined country has its own list, for only lists keep a country inside: and since Cloudflare's last resort is one for
all callers, it is a pool that answers nobody.
"""

import re

from polycloud.core.geo import distance_km
from polycloud.deploy.blueprint import Blueprint, Cluster, Edge, EdgePool
from polycloud.deploy.hcl import Expr, Value, quoted
from polycloud.deploy.render.terraform import Root, attribute, identifier, output, ref, variable

FILE = "edge.tf"
NAME = "cloudflare"  # as the estate says it
CLOSED = "closed"
NOWHERE = "192.0.2.1"  # of a network for documentation, which nobody routes: RFC 5737
AFFINITY_SECONDS = (1800, 604_800)  # what a cookie may last, developers.cloudflare.com/load-balancing, 2026-11
INTERVAL_SECONDS = (10, 60)  # between two looks: the shortest of any plan, and what all plans have
TIMEOUT_SECONDS = 5
DRAIN_SECONDS = 60
COUNTRY = re.compile(r"[A-Z]{2}")
# Cloudflare's areas with a place in the middle of their people,
# developers.cloudflare.com/load-balancing/reference/region-mapping-api, 2026-11.
AREAS = {
    "EEU": (50.4, 30.5),
    "ENAM": (39.0, -77.0),
    "ME": (25.2, 55.3),
    "NAF": (30.0, 31.2),
    "NEAS": (35.7, 139.7),
    "NSAM": (4.7, -74.1),
    "OC": (-33.9, 151.2),
    "SAF": (-26.2, 28.0),
    "SAS": (19.1, 72.9),
    "SEAS": (1.35, 103.8),
    "SSAM": (-23.5, -46.6),
    "WEU": (50.1, 8.7),
    "WNAM": (37.4, -122.1),
}


def add(root: Root, blueprint: Blueprint) -> None:
    edge = blueprint.edge
    if edge is None:
        return
    if edge.provider != NAME:
        root.gap(f"entry: {edge.provider} is not rendered: make pools, monitors and rules there after edge.tf's model")
        return
    root.about(FILE, "The public name: pools of clusters, health, the nearest, affinity, the law.", "entry")
    _variables(root)
    clusters = {cluster.name: cluster for cluster in blueprint.clusters}
    pools = [pool for pool in edge.pools if pool.clusters]
    for pool in edge.pools:
        if pool not in pools:
            root.gap(f"entry.pools.{pool.name}: no cluster is in it, so it is left out at Cloudflare")
    monitor = _monitor(root, blueprint, edge)
    for pool in pools:
        _pool(root, edge, pool, [clusters[name] for name in pool.clusters], monitor)
    if edge.confined:
        _closed(root)
    _balancer(root, edge, pools, clusters)


def areas(pools: list[EdgePool], clusters: dict[str, Cluster]) -> dict[str, list[str]]:
    """For each of Cloudflare's areas the nearest pool, then those that take over for it in the estate's order."""
    known = {pool.name: pool for pool in pools}
    middles = {name: middle([clusters[one] for one in pool.clusters]) for name, pool in known.items()}
    found = {}
    for area, place in AREAS.items():
        measured = sorted((distance_km(place, at), name) for name, at in middles.items() if at is not None)
        if measured:
            nearest = known[measured[0][1]]
            found[area] = [nearest.name, *(name for name in nearest.fallback if name in known)]
    return found


def middle(clusters: list[Cluster]) -> tuple[float, float] | None:
    """The place that a pool stands for: the mean of its clusters' places."""
    places = [
        (c.site.latitude, c.site.longitude)
        for c in clusters
        if c.site.latitude is not None and c.site.longitude is not None
    ]
    if not places:
        return None
    return (
        round(sum(latitude for latitude, _ in places) / len(places), 4),
        round(sum(longitude for _, longitude in places) / len(places), 4),
    )


def lists(edge: Edge, pools: list[EdgePool]) -> dict[str, list[str]]:
    """For each confined country its pools, in order of failover; the closed one where none is inside."""
    known = {pool.name for pool in pools}
    found = {}
    for country, inside in edge.confined:
        if COUNTRY.fullmatch(country):
            found[country] = [name for name in inside if name in known] or [CLOSED]
    return found


def _pool_id(name: str) -> Expr:
    address = CLOSED if name == CLOSED else f"pool_{identifier(name)}"
    return Expr(f"cloudflare_load_balancer_pool.{address}.id")


def _variables(root: Root) -> None:
    root.add(
        "variables.tf",
        variable("cloudflare_account", "The account id at Cloudflare."),
        variable("cloudflare_zone", "The zone id of the public name's domain."),
        variable(
            "cluster_addresses",
            "By cluster: the public address or name of its gateway's load balancer; a cluster that is not here gets no "
            "callers yet.",
            "map(string)",
            {},
        ),
    )


def _monitor(root: Root, blueprint: Blueprint, edge: Edge) -> Expr:
    low, high = INTERVAL_SECONDS
    detect = blueprint.continuity.get("detect")
    interval = high if detect is None else min(max(detect // 2, low), high)
    if interval < high:
        root.gap(f"entry: looking every {interval} seconds is for some of Cloudflare's plans; others look every {high}")
    return root.section(FILE, "", "entry", "edge").make(
        "cloudflare_load_balancer_monitor",
        "gateway",
        {
            "account_id": ref("var.cloudflare_account"),
            "description": f"The gateways of {blueprint.estate}.",
            "type": "https",
            "method": "GET",
            "path": edge.health_path,
            "header": {"Host": [edge.hostname]},
            "expected_codes": "200",
            "follow_redirects": False,
            "allow_insecure": False,
            "interval": interval,
            "timeout": TIMEOUT_SECONDS,
            "retries": 1,
            "consecutive_down": 2,
            "consecutive_up": 2,
        },
    )


def _pool(root: Root, edge: Edge, pool: EdgePool, clusters: list[Cluster], monitor: Expr) -> None:
    at = middle(clusters)
    names = ", ".join(quoted(cluster.name) for cluster in clusters)
    lines = (
        f"[for name in [{names}] : {{",
        "  name    = name",
        "  address = var.cluster_addresses[name]",
        "  enabled = true",
        "  weight  = 1",
        f"  header  = {{ host = [{quoted(edge.hostname)}] }}",
        "} if contains(keys(var.cluster_addresses), name)]",
    )
    section = root.section(FILE, "", f"entry.pools.{pool.name}", "edge")
    section.make(
        "cloudflare_load_balancer_pool",
        f"pool_{identifier(pool.name)}",
        {
            "account_id": ref("var.cloudflare_account"),
            "name": f"{identifier(root.blueprint.estate)}-{identifier(pool.name)}",
            "description": f"Callers of {pool.name}: {', '.join(cluster.site.id for cluster in clusters)}.",
            "latitude": at[0] if at is not None else None,
            "longitude": at[1] if at is not None else None,
            "monitor": attribute(monitor, "id"),
            "minimum_origins": 1,
            "origins": ref("\n  ".join(lines)),
            "origin_steering": {"policy": "random"},
        },
    )
    root.needs(FILE, *(f"cluster:{cluster.name}" for cluster in clusters))
    root.provides(f"edge-pool:{pool.name}")


def _closed(root: Root) -> None:
    """Cloudflare's last resort is one for all countries, so it must be inside for each: it answers nobody."""
    root.section(FILE, "", "data_classes", "edge").make(
        "cloudflare_load_balancer_pool",
        CLOSED,
        {
            "account_id": ref("var.cloudflare_account"),
            "name": f"{identifier(root.blueprint.estate)}-{CLOSED}",
            "description": "Answers nobody: for callers whose law lets no pool answer that is left.",
            "minimum_origins": 1,
            "origins": [{"name": "nowhere", "address": NOWHERE, "enabled": True}],
        },
    )


def _balancer(root: Root, edge: Edge, pools: list[EdgePool], clusters: dict[str, Cluster]) -> None:
    order = [pool.name for pool in pools]
    steering: dict[str, Value]
    if edge.confined:
        # developers.cloudflare.com/load-balancing/understand-basics/traffic-steering/steering-policies, 2026-11
        root.gap("entry: Cloudflare steers by country in its Enterprise plan alone; others steer by region")
        steering = {
            "steering_policy": "geo",
            "fallback_pool": _pool_id(CLOSED),
            "region_pools": {area: [_pool_id(one) for one in names] for area, names in areas(pools, clusters).items()},
            "country_pools": {
                country: [_pool_id(one) for one in names] for country, names in sorted(lists(edge, pools).items())
            },
        }
    else:
        steering = {"steering_policy": "proximity", "fallback_pool": _pool_id(order[-1])}
        _tell_order(root, pools, clusters)
    balancer = root.section(FILE, "", "entry", "edge").make(
        "cloudflare_load_balancer",
        "entry",
        {
            "zone_id": ref("var.cloudflare_zone"),
            "name": edge.hostname,
            "description": f"The gateways of {root.blueprint.estate}.",
            "enabled": True,
            "proxied": True,
            "default_pools": [_pool_id(name) for name in order],
            **steering,
            "adaptive_routing": {"failover_across_pools": True},
            **_affinity(root, edge),
        },
    )
    root.add("outputs.tf", output("entry", "The public name.", attribute(balancer, "name")))
    named = {*order, *(name for names in lists(edge, pools).values() for name in names)}
    root.needs(FILE, *(f"edge-pool:{name}" for name in sorted(named)))
    root.provides(f"edge:{edge.hostname}")


def _affinity(root: Root, edge: Edge) -> dict[str, Value]:
    if edge.affinity_seconds is None:
        return {"session_affinity": "none"}
    low, high = AFFINITY_SECONDS
    seconds = min(max(edge.affinity_seconds, low), high)
    if seconds != edge.affinity_seconds:
        root.gap(f"entry: affinity lasts {low} to {high} seconds at Cloudflare, not {edge.affinity_seconds}")
    if edge.confined:
        root.gap(
            f"entry: who travels into a confined country keeps the pool of the cookie for {seconds} seconds; the "
            "gateway there still keeps data inside"
        )
    return {
        "session_affinity": "cookie",
        "session_affinity_ttl": seconds,
        "session_affinity_attributes": {
            "samesite": "Auto",
            "secure": "Always",
            "drain_duration": DRAIN_SECONDS,
            "zero_downtime_failover": "temporary",
        },
    }


def _tell_order(root: Root, pools: list[EdgePool], clusters: dict[str, Cluster]) -> None:
    """By proximity the next nearest takes over; where the estate says another one, that is said."""
    middles = {pool.name: middle([clusters[one] for one in pool.clusters]) for pool in pools}
    for pool in pools:
        own = middles[pool.name]
        others = sorted(
            (distance_km(own, at), name)
            for name, at in middles.items()
            if name != pool.name and own is not None and at is not None
        )
        if others and pool.fallback and pool.fallback[0] != others[0][1]:
            root.gap(f"entry.pools.{pool.name}: by proximity {others[0][1]} takes over, nearer than {pool.fallback[0]}")
