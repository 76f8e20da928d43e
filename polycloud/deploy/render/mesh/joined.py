"""What makes clusters one mesh: a common authority, a name for each cluster, and what pods may call outside."""

import re
from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.conventions import GATEWAY_NAMESPACE, INGRESS
from polycloud.deploy.derive.names import made
from polycloud.deploy.render.mesh.outside import Address, called
from polycloud.deploy.yaml import dump, header

Manifest = dict[str, Any]
CERTIFICATES = "cert-manager.io/v1"
AUTHORITY = "polycloud-authority"  # the issuer; a person puts its key into each cluster once, as a Secret of this name
CLUSTER = "polycloud.dev/cluster"  # the label by which a cluster's gateways are found from everywhere
PORT = 8080
YEAR, MONTH = "8760h", "720h"
PUBLIC = "polycloud-public"  # the issuer of the public name's certificates
DNS_TOKEN = "polycloud-dns"  # noqa: S105 - the name of a Secret: a person's token, by which the name is shown to be ours
ACME = "https://acme-v02.api.letsencrypt.org/directory"  # letsencrypt.org/docs/acme-protocol-updates, seen 2026-11
ENTRY_TLS = "polycloud-tls"
KEY = {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"}
# Where each cloud's interfaces answer: its models, stores, keys and tokens. Pods reach no other name.
HOSTS = {
    "aws": ("*.amazonaws.com", "*.api.aws"),
    "azure": ("*.azure.com", "*.azure.net", "*.microsoftonline.com", "*.windows.net"),
    "gcp": ("*.googleapis.com",),
    "oci": ("*.oraclecloud.com", "*.oci.oraclecloud.com"),
}


def name(cluster: Cluster) -> str:
    """The Service of a cluster's gateways; it is the same name in every cluster of the mesh."""
    return made("kubernetes", "account", f"at-{cluster.name}")


def address(cluster: Cluster) -> str:
    return f"http://{name(cluster)}.{GATEWAY_NAMESPACE}:{PORT}"


def label(cluster: Cluster) -> str:
    """A cluster's name as a label's value."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", cluster.name)[:63].strip("-._")


def files(blueprint: Blueprint, folder: str) -> dict[str, str]:
    """The files of all clusters. One cluster alone has nobody to name."""
    parts: dict[str, tuple[str, list[Manifest]]] = {
        "authority.yaml": ("The authority of all certificates, and Istio's own under it", _authority(blueprint)),
        "egress.yaml": ("What pods may call outside: the clouds, the sign-in, the collector", _egress(blueprint)),
    }
    if len(blueprint.clusters) > 1:
        parts["names.yaml"] = ("A name for the gateways of each cluster", [_named(c) for c in blueprint.clusters])
    return {
        f"{folder}/{file}": dump(*documents, head=header(what, blueprint.estate, "clusters, clouds"))
        for file, (what, documents) in parts.items()
    }


def certificate(space: str, secret: str, **spec: Any) -> Manifest:
    """A certificate of the common authority, renewed by cert-manager; its Secret also holds the authority's own."""
    issuer = {"name": AUTHORITY, "kind": "ClusterIssuer"}
    common = {"secretName": secret, "privateKey": KEY, "issuerRef": issuer}
    return {
        "apiVersion": CERTIFICATES,
        "kind": "Certificate",
        "metadata": {"name": secret, "namespace": space},
        "spec": {**common, **spec},
    }


def _authority(blueprint: Blueprint) -> list[Manifest]:
    """Clusters trust each other since the root of their certificates is the same; Istio signs by one of its own."""
    issuer = {
        "apiVersion": CERTIFICATES,
        "kind": "ClusterIssuer",
        "metadata": {"name": AUTHORITY},
        "spec": {"ca": {"secretName": AUTHORITY}},
    }
    spec = {"isCA": True, "commonName": "istiod.istio-system.svc", "duration": YEAR, "renewBefore": MONTH}
    subject = {"subject": {"organizations": [" ".join(blueprint.estate.split())]}}
    found = [issuer, certificate("istio-system", "cacerts", **spec, **subject)]
    return [*found, _public()] if proved(blueprint) else found


def proved(blueprint: Blueprint) -> bool:
    """Whether cert-manager can show by itself that the public name is ours: by Cloudflare's DNS."""
    return blueprint.edge is not None and blueprint.edge.provider == "cloudflare"


def _public() -> Manifest:
    """By records in DNS, since callers' requests for the name go to any cluster (cert-manager.io/docs/configuration/
    acme/dns01/cloudflare, seen 2026-11)."""
    token = {"apiTokenSecretRef": {"name": DNS_TOKEN, "key": "token"}}
    acme = {
        "server": ACME,
        "privateKeySecretRef": {"name": f"{PUBLIC}-account"},
        "solvers": [{"dns01": {"cloudflare": token}}],
    }
    return {
        "apiVersion": CERTIFICATES,
        "kind": "ClusterIssuer",
        "metadata": {"name": PUBLIC},
        "spec": {"acme": acme},
    }


def entry_name(cluster: Cluster) -> str:
    """What a cluster's own entry is called inside, where there is no public name; .internal is nobody's in public."""
    return f"{made('kubernetes', 'account', cluster.name)}.polycloud.internal"


def entry_certificate(blueprint: Blueprint, cluster: Cluster) -> list[Manifest]:
    """Of the public name, or of the authority of all where only links lead to it; none where a person brings it.

    A public one also names the cluster: the authority gives out five a week for one and the same set of names
    (letsencrypt.org/docs/rate-limits, seen 2026-11).
    """
    if blueprint.edge is None:
        return [certificate(INGRESS, ENTRY_TLS, dnsNames=[entry_name(cluster)])]
    if not proved(blueprint):
        return []
    host = blueprint.edge.hostname
    names = [host, f"{made('kubernetes', 'account', cluster.name)}.{host}"]
    return [certificate(INGRESS, ENTRY_TLS, dnsNames=names, issuerRef={"name": PUBLIC, "kind": "ClusterIssuer"})]


def _named(cluster: Cluster) -> Manifest:
    """Its pods are in that cluster alone; from all others the mesh leads there, through gateways between clusters."""
    selector = {"app.kubernetes.io/name": "polycloud", CLUSTER: label(cluster)}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name(cluster), "namespace": GATEWAY_NAMESPACE},
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{"name": "http", "port": PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def _egress(blueprint: Blueprint) -> list[Manifest]:
    clouds = sorted({key.site.cloud for key in blueprint.keys} | {cluster.site.cloud for cluster in blueprint.clusters})
    hosts = {host for cloud in clouds for host in HOSTS.get(cloud, ())}
    hosts |= {one.host for one in called(blueprint) if one.plain}
    spec = {
        "hosts": sorted(hosts),
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
        "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
    }
    return [_entry("clouds", spec), *(_alone(one) for one in called(blueprint) if not one.plain)]


def _alone(one: Address) -> Manifest:
    """An address with a port of its own, or without a name: then the mesh knows it by its number alone."""
    word = made("kubernetes", "account", f"at-{one.host}-{one.port}")
    spec: Manifest = {
        "hosts": [f"{word}.outside" if one.numeric else one.host],
        "location": "MESH_EXTERNAL",
        "resolution": "NONE",
    }
    protocol = "TLS" if one.scheme == "https" else "HTTP"
    if one.numeric:
        spec["addresses"] = [one.cidr]
        protocol = "TCP"
    spec["ports"] = [{"number": one.port, "name": protocol.lower(), "protocol": protocol}]
    return _entry(word, spec)


def _entry(word: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "ServiceEntry",
        "metadata": {"name": word, "namespace": "istio-system"},
        "spec": spec,
    }
