"""Istio: strict mutual TLS, routing by the caller's region, failover between nearby clusters that the law allows."""

import re
from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.conventions import CREDENTIALS
from polycloud.deploy.render.mesh.joined import ENTRY_TLS, entry_certificate
from polycloud.deploy.steering import Region, successors
from polycloud.deploy.yaml import dump, header

NAMESPACE, WORKLOADS = "polycloud", "workloads"
HOST = f"polycloud.{NAMESPACE}.svc.cluster.local"
PORT = 8080
HEADER = "x-polycloud-region"
LABEL = "polycloud.dev/region-"
Manifest = dict[str, Any]
# Ejected after five errors in a row for half a minute; never more than half of a region, which is then lost anyway.
OUTLIERS = {"consecutive5xxErrors": 5, "interval": "10s", "baseEjectionTime": "30s", "maxEjectionPercent": 50}


def values(cluster: Cluster, blueprint: Blueprint) -> str:
    """Values of the istiod chart: which mesh, cluster and network it is, so that remote endpoints are known."""
    content: Manifest = {
        "global": {
            "meshID": blueprint.estate,
            "multiCluster": {"clusterName": cluster.name},
            "network": network(cluster),
            **_past(cluster),
        },
        "meshConfig": {
            "trustDomain": f"{blueprint.estate}.local",
            "enableAutoMtls": True,
            "accessLogFile": "",  # what callers ask is not written to logs
            "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
            "meshMTLS": {"minProtocolVersion": "TLSV1_3"},
        },
    }
    what = f"Values for Istio's control plane in {cluster.name}"
    return dump(content, head=header(what, blueprint.estate, f"clusters.{cluster.name}"))


def _past(cluster: Cluster) -> Manifest:
    """Where pods ask for their cloud's credentials goes past the mesh, which knows no such address."""
    asked = CREDENTIALS.get(cluster.site.cloud, ())
    ranges = ",".join(cidr for cidr, _ in asked if cidr != "0.0.0.0/0")
    ports = ",".join(str(port) for cidr, port in asked if cidr == "0.0.0.0/0")
    proxy = {"excludeIPRanges": ranges, "excludeOutboundPorts": ports}
    given = {name: text for name, text in proxy.items() if text}
    return {"proxy": given} if given else {}


def security(blueprint: Blueprint) -> str:
    """Strict mutual TLS everywhere; only the gateway and workloads may call polycloud."""
    documents: list[Manifest] = [
        _manifest("security.istio.io/v1", "PeerAuthentication", "default", "istio-system", {"mtls": {"mode": "STRICT"}})
    ]
    callers = [{"source": {"namespaces": ["istio-ingress", WORKLOADS, NAMESPACE, "monitoring"]}}]
    documents.append(
        _manifest(
            "security.istio.io/v1",
            "AuthorizationPolicy",
            "polycloud",
            NAMESPACE,
            {
                "selector": {"matchLabels": {"app.kubernetes.io/name": "polycloud"}},
                "action": "ALLOW",
                "rules": [{"from": callers, "to": [{"operation": {"ports": [str(PORT)]}}]}],
            },
        )
    )
    return dump(*documents, head=header("Who may talk to whom in the mesh", blueprint.estate, "clusters"))


def routing(cluster: Cluster, blueprint: Blueprint, found: tuple[Region, ...], fallbacks: list[Manifest]) -> str:
    """Gateways, and the routes of one cluster: the caller's region first, this cluster's own otherwise."""
    hostname = blueprint.edge.hostname if blueprint.edge is not None else "*"
    documents = [_entry(hostname), _east_west(cluster), _routes(hostname, cluster, found), _rule(found, fallbacks)]
    documents += entry_certificate(blueprint, cluster)
    what = f"Traffic of {cluster.name}: entry, routes by region, failover"
    return dump(*documents, head=header(what, blueprint.estate, f"clusters.{cluster.name}, entry, data_classes"))


def network(cluster: Cluster) -> str:
    """Clusters of one site share a network; all others are reached through east-west gateways."""
    return cluster.site.id.replace("/", "-")


def _entry(hostname: str) -> Manifest:
    server = {
        "port": {"number": 443, "name": "https", "protocol": "HTTPS"},
        "hosts": [hostname],
        "tls": {"mode": "SIMPLE", "credentialName": ENTRY_TLS, "minProtocolVersion": "TLSV1_3"},
    }
    spec = {"selector": {"istio": "ingress"}, "servers": [server]}
    return _manifest("networking.istio.io/v1", "Gateway", "polycloud", NAMESPACE, spec)


def _east_west(cluster: Cluster) -> Manifest:
    server = {
        "port": {"number": 15443, "name": "tls", "protocol": "TLS"},
        "tls": {"mode": "AUTO_PASSTHROUGH"},
        "hosts": ["*.local"],
    }
    selector = {"istio": "eastwestgateway", "topology.istio.io/network": network(cluster)}
    spec = {"selector": selector, "servers": [server]}
    return _manifest("networking.istio.io/v1", "Gateway", "cross-network", "istio-system", spec)


def _routes(hostname: str, cluster: Cluster, found: tuple[Region, ...]) -> Manifest:
    own = next((r for r in found if cluster in r.clusters), None)
    routes: list[Manifest] = []
    for region in found:
        if region.callers:
            words = "|".join(re.escape(word) for word in region.callers)
            routes.append(
                {
                    "name": f"to-{region.name}",
                    "match": [{"headers": {HEADER: {"regex": f"({words})"}}}],
                    "route": [_to(region)],
                    "timeout": "0s",  # answers stream for minutes; polycloud holds the deadlines
                }
            )
    if own is not None:
        routes.append({"name": "here", "route": [_to(own)], "timeout": "0s"})
    spec = {"hosts": [hostname], "gateways": [f"{NAMESPACE}/polycloud"], "http": routes}
    return _manifest("networking.istio.io/v1", "VirtualService", "polycloud", NAMESPACE, spec)


def _to(region: Region) -> Manifest:
    return {"destination": {"host": HOST, "subset": region.name, "port": {"number": PORT}}}


def failovers(blueprint: Blueprint, found: tuple[Region, ...]) -> list[Manifest]:
    """From each cloud region to the nearest of its own region of the edge that the law allows; the same for all
    clusters."""
    made = []
    for one in sorted({c.site.region: c for c in blueprint.clusters}.values(), key=lambda c: c.site.region):
        mates = {c.name for r in found if one in r.clusters for c in r.clusters}
        nearest = [c for c in successors(blueprint, one) if c.name in mates and c.site.region != one.site.region]
        if nearest:
            made.append({"from": one.site.region, "to": nearest[0].site.region})
    return made


def _rule(found: tuple[Region, ...], failover: list[Manifest]) -> Manifest:
    """Subsets by region, and where each fails over to."""
    locality: Manifest = {"enabled": True, **({"failover": failover} if failover else {})}
    policy: Manifest = {
        "tls": {"mode": "ISTIO_MUTUAL"},
        "outlierDetection": OUTLIERS,
        "loadBalancer": {"simple": "LEAST_REQUEST", "localityLbSetting": locality},
    }
    subsets = [{"name": region.name, "labels": {f"{LABEL}{region.name}": "true"}} for region in found]
    spec = {"host": HOST, "trafficPolicy": policy, "subsets": subsets}
    return _manifest("networking.istio.io/v1", "DestinationRule", "polycloud", NAMESPACE, spec)


def _manifest(api: str, kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}
