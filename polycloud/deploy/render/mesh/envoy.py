"""The mesh's steering on one machine: an Envoy that routes by region and fails over, for rehearsals on loopback.

Every cluster's gateway is a port of 127.0.0.1, in the order of their names from ``FIRST_PORT`` on. Field names as in
Envoy 1.40's v3 API.
"""

import re
from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.steering import Region, regions
from polycloud.deploy.yaml import dump, header

LISTEN, ADMIN, FIRST_PORT = 18000, 18001, 18010
CHECK = "1s"  # how often health is asked: two misses and a site is out, well inside detection in 30 s
HCM = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
ROUTER = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
HEADER = "x-polycloud-region"
Config = dict[str, Any]


def port(blueprint: Blueprint, cluster: Cluster) -> int:
    """The port that stands for a cluster's gateway."""
    return FIRST_PORT + sorted(c.name for c in blueprint.clusters).index(cluster.name)


def envoy(blueprint: Blueprint) -> str:
    """The bootstrap. A request without a region goes to the first region; its header is never changed."""
    found = regions(blueprint)
    routes = [_route(region) for region in found if region.callers]
    if found:
        routes.append({"name": "otherwise", "match": {"prefix": "/"}, "route": _action(found[0])})
    manager: Config = {
        "@type": HCM,
        "stat_prefix": "entry",
        "route_config": {"name": "regions", "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": ROUTER}}],
        "common_http_protocol_options": {"headers_with_underscores_action": "REJECT_REQUEST"},
        "normalize_path": True,
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    content: Config = {
        "admin": {"address": _address(ADMIN)},
        "static_resources": {
            "listeners": [{"name": "entry", "address": _address(LISTEN), "filter_chains": [{"filters": filters}]}],
            "clusters": [_cluster(region, blueprint) for region in found],
        },
    }
    ports = ", ".join(f"{c.name} {port(blueprint, c)}" for c in sorted(blueprint.clusters, key=lambda c: c.name))
    what = f"The mesh's steering on one machine; gateways by port: {ports}"
    return dump(content, head=header(what, blueprint.estate, "clusters, entry, data_classes"))


def _route(region: Region) -> Config:
    words = "|".join(re.escape(word) for word in region.callers)
    match = {
        "prefix": "/",
        "headers": [{"name": HEADER, "string_match": {"safe_regex": {"regex": f"({words})"}}}],
    }
    return {"name": f"to-{region.name}", "match": match, "route": _action(region)}


def _action(region: Region) -> Config:
    retry = {"retry_on": "connect-failure,refused-stream,reset-before-request", "num_retries": 2}
    return {"cluster": region.name, "timeout": "0s", "idle_timeout": "60s", "retry_policy": retry}


def _cluster(region: Region, blueprint: Blueprint) -> Config:
    """A priority for each cluster, so that one takes all until it is lost: its region's own first, then successors."""
    order = [*region.clusters, *region.successors]
    endpoints = [
        {
            "priority": at,
            "locality": {"region": one.site.region, "zone": one.name},
            "lb_endpoints": [{"endpoint": {"address": _address(port(blueprint, one))}}],
        }
        for at, one in enumerate(order)
    ]
    return {
        "name": region.name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},  # a lost site is never tried for want of others
        "load_assignment": {"cluster_name": region.name, "endpoints": endpoints},
        "health_checks": [
            {
                "timeout": "1s",
                "interval": CHECK,
                "no_traffic_interval": CHECK,
                "unhealthy_threshold": 2,
                "healthy_threshold": 2,
                "http_health_check": {"path": "/healthz"},
            }
        ],
        "outlier_detection": {
            "consecutive_5xx": 5,
            "interval": "1s",
            "base_ejection_time": "30s",
            "max_ejection_percent": 100,
        },
    }


def _address(number: int) -> Config:
    return {"socket_address": {"address": "127.0.0.1", "port_value": number}}
