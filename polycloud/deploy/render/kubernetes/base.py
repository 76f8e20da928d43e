"""What is the same in every cluster: namespaces under pod-security levels, limits, gateways for models, policies."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import GATEWAY_NAMESPACE, INGRESS, WORKLOADS_NAMESPACE
from polycloud.deploy.render.kubernetes.manifests import ENVIRONMENT, NAME, Manifest, manifest
from polycloud.deploy.yaml import dump, header

FOLDER = "kubernetes/base"
MONITORING, MLFLOW = "monitoring", "mlflow"
# Images with accelerators' libraries often run as root: jobs are held to baseline, all else to restricted
# (kubernetes.io/docs/concepts/security/pod-security-standards, seen 2026-11).
LEVELS = {
    GATEWAY_NAMESPACE: "restricted",
    WORKLOADS_NAMESPACE: "baseline",
    MONITORING: "restricted",
    INGRESS: "restricted",
}
MESH = "istio-system"  # where the gateways between clusters are
MESHED = (GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE, INGRESS)
MODELS_GATEWAY = "models"
MLFLOW_PORT = 5000
# What a container gets that asks for nothing, and what none may exceed alone: a whole large machine.
DEFAULT_REQUEST = {"cpu": "250m", "memory": "512Mi"}
DEFAULT_LIMIT = {"cpu": "1", "memory": "1Gi"}


def files(blueprint: Blueprint) -> dict[str, str]:
    resources = {
        "gateway.yaml": ("The gateway in front of models that clusters serve themselves", _gateway()),
        "limits.yaml": ("What a container gets that asks for nothing", _limits()),
        "namespaces.yaml": ("Namespaces with their pod-security levels", _namespaces(blueprint)),
        "policies.yaml": ("What workloads may reach beside what the mesh's policies allow", _policies()),
    }
    found = {
        f"{FOLDER}/{name}": dump(*documents, head=header(what, blueprint.estate, "clusters"))
        for name, (what, documents) in resources.items()
    }
    kustomization: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [*sorted(resources)],
    }
    what = "What every cluster has"
    found[f"{FOLDER}/kustomization.yaml"] = dump(kustomization, head=header(what, blueprint.estate, "clusters"))
    return found


def _namespaces(blueprint: Blueprint) -> list[Manifest]:
    found = []
    for name, level in sorted(LEVELS.items()):
        labels: dict[str, str] = {ENVIRONMENT: blueprint.environment}
        if name in MESHED:
            labels["istio-injection"] = "enabled"
        for word, what in (("enforce", level), ("audit", "restricted"), ("warn", "restricted")):
            labels[f"pod-security.kubernetes.io/{word}"] = what
        found.append(manifest("v1", "Namespace", name, labels=labels))
    return found


def _limits() -> list[Manifest]:
    spec = {"limits": [{"type": "Container", "default": DEFAULT_LIMIT, "defaultRequest": DEFAULT_REQUEST}]}
    return [
        manifest("v1", "LimitRange", "defaults", space, spec=spec)
        for space in (MONITORING, GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE)
    ]


def _gateway() -> list[Manifest]:
    """By the Gateway API, which Istio implements; only namespaces of ours hang routes on it."""
    mine = {"namespaces": {"from": "Selector", "selector": {"matchLabels": {_SPACE: WORKLOADS_NAMESPACE}}}}
    spec = {
        "gatewayClassName": "istio",
        "listeners": [{"name": "http", "port": 80, "protocol": "HTTP", "allowedRoutes": mine}],
    }
    inside = {"networking.istio.io/service-type": "ClusterIP"}  # reached through polycloud, never from outside
    return [
        manifest(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            MODELS_GATEWAY,
            WORKLOADS_NAMESPACE,
            annotations=inside,
            spec=spec,
        )
    ]


def _policies() -> list[Manifest]:
    """Policies add up: these open what jobs and models need beyond the mesh's (mesh/istio/base)."""
    callers = (GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE, INGRESS, MONITORING, MESH)  # by the last come other clusters'
    inward = [{"from": [_space(s) for s in callers]}]
    return [
        _policy(
            "models",
            GATEWAY_NAMESPACE,
            {NAME: "polycloud"},
            {"policyTypes": ["Egress"], "egress": [{"to": [_space(WORKLOADS_NAMESPACE)]}]},
        ),
        _policy(
            "calls",
            WORKLOADS_NAMESPACE,
            {},
            {
                "policyTypes": ["Ingress", "Egress"],
                "ingress": inward,
                "egress": [
                    {"to": [_space(WORKLOADS_NAMESPACE)]},
                    {"to": [_space(MLFLOW)], "ports": [{"port": MLFLOW_PORT, "protocol": "TCP"}]},
                ],
            },
        ),
    ]


_SPACE = "kubernetes.io/metadata.name"


def _space(name: str) -> Manifest:
    return {"namespaceSelector": {"matchLabels": {_SPACE: name}}}


def _policy(name: str, space: str, labels: dict[str, str], spec: Manifest) -> Manifest:
    selector: Manifest = {"podSelector": {"matchLabels": labels} if labels else {}}
    return manifest("networking.k8s.io/v1", "NetworkPolicy", name, space, spec={**selector, **spec})
