"""Network policies: nothing talks to anything unless it is said here."""

from typing import Any

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render.mesh.outside import ANYWHERE, called_by_gateway, collected_at
from polycloud.deploy.yaml import dump, header

Manifest = dict[str, Any]
SPACES = ("polycloud", "workloads", "monitoring")
SCRAPED = 15020  # where a sidecar gives its pod's figures
BETWEEN = 15443  # the gateways between clusters
COLLECTED = 4317  # the central collector
DNS = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}], "to": [{"namespaceSelector": {}}]}


def policies(blueprint: Blueprint) -> str:
    """Deny all in each namespace, then the ways that are needed."""
    documents: list[Manifest] = []
    for space in SPACES:
        documents.append(_policy("deny-all", space, {}, {"policyTypes": ["Ingress", "Egress"]}))
        documents.append(_policy("dns", space, {}, {"policyTypes": ["Egress"], "egress": [DNS]}))
    own = [_outward(one.port, one.cidr) for one in called_by_gateway(blueprint)]
    gateway = {"app.kubernetes.io/name": "polycloud"}
    inward = [_from(name) for name in ("istio-ingress", "istio-system", "workloads", "monitoring")]
    documents.append(
        _policy(
            "gateway",
            "polycloud",
            gateway,
            {
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [
                    {"from": inward, "ports": [{"port": 8080, "protocol": "TCP"}]},
                    {"from": [_from("monitoring")], "ports": [{"port": SCRAPED, "protocol": "TCP"}]},
                ],
                "egress": [
                    _outward(443),
                    _outward(BETWEEN),  # models that another cluster serves
                    *own,
                    _to("polycloud", 5432, 6379),
                    _to("monitoring", 4317),
                    _to("istio-system", 15012),
                    _to("vault", 8200),
                ],
            },
        )
    )
    documents.append(
        _policy(
            "jobs",
            "workloads",
            {},
            {
                "policyTypes": ["Egress"],
                # What a pod calls may answer in another cluster: by failover, or because it is placed there alone.
                "egress": [_outward(443), _outward(BETWEEN), *own, _to("polycloud", 8080), _to("istio-system", 15012)],
            },
        )
    )
    documents.append(
        _policy(
            "scrape",
            "monitoring",
            {},
            {
                "policyTypes": ["Ingress", "Egress"],
                "ingress": [{"from": [_from("polycloud"), _from("monitoring"), _from("workloads")]}],
                "egress": [
                    _outward(443),
                    _outward(BETWEEN),
                    _outward(COLLECTED),
                    *(_outward(one.port, one.cidr) for one in collected_at(blueprint)),
                    _to("polycloud", 8080, SCRAPED),
                    _to("monitoring"),
                    _to("istio-system", 15012),
                ],
            },
        )
    )
    return dump(*documents, head=header("Who may reach whom: all else is refused", blueprint.estate, "clusters"))


def _policy(name: str, space: str, labels: Manifest, spec: Manifest) -> Manifest:
    selector = {"podSelector": {"matchLabels": labels} if labels else {}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": space},
        "spec": {**selector, **spec},
    }


def _from(space: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space}}}


def _to(space: str, *ports: int) -> Manifest:
    found: Manifest = {"to": [_from(space)]}
    return {**found, "ports": [{"port": port, "protocol": "TCP"} for port in ports]} if ports else found


def _outward(port: int, cidr: str = ANYWHERE) -> Manifest:
    """To providers' public addresses and private endpoints, never to a node's metadata service."""
    block: Manifest = {"cidr": cidr, **({"except": ["169.254.0.0/16"]} if cidr == ANYWHERE else {})}
    return {"to": [{"ipBlock": block}], "ports": [{"port": port, "protocol": "TCP"}]}
