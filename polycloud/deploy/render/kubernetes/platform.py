"""What every cluster gets, the same way everywhere: charts of other projects, in one table with their sources."""

import base64
from typing import NamedTuple

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import (
    AKS_SPOT_TAINT,
    EFFECT,
    GPU_TAINT,
    INGRESS,
    NEURON_TAINT,
    ROLE,
    SPOT_TAINT,
    neuron,
)
from polycloud.deploy.render.kubernetes.base import MLFLOW, MLFLOW_PORT
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, value
from polycloud.deploy.render.kubernetes.overlays import BALANCERS, INSIDE
from polycloud.deploy.render.links import all_joined
from polycloud.deploy.render.mesh.istio import network
from polycloud.deploy.render.vault import voters
from polycloud.deploy.yaml import dump, header

VALUES = "argocd/values"
# Of a pod that the level restricted lets in and that may listen on 443 as nobody. The chart writes the sysctl by itself
# only while nothing else is given, istio/istio manifests/charts/gateway/templates/deployment.yaml, 2026-11.
_RESTRICTED = {
    "seccompProfile": {"type": "RuntimeDefault"},
    "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
}
NONE = "argocd/values/%s/none.yaml"  # a file of the cluster that is never there


class Chart(NamedTuple):
    """A project's own chart. ``own`` is the file with a cluster's values, %s for its name; ``clouds``: only there,
    none: everywhere; ``source`` is where address and version are stated, and the day of that statement. Each was
    rendered once with the values below by that very version, but for Istio and cert-manager, whose charts are made at
    their release, Argo Workflows (1.0.18 was), Neuron (the values of 1.0.0 were read) and MLflow without its
    dependencies, which nothing here switches on."""

    release: str
    repository: str
    chart: str
    version: str
    namespace: str
    source: str
    own: str = NONE
    clouds: tuple[str, ...] = ()


class Definitions(NamedTuple):
    """Resource definitions that a project keeps in its repository. GKE brings these by itself (release channel
    regular, cloud.google.com/kubernetes-engine/docs/how-to/deploying-gateways, seen 2026-11)."""

    name: str
    repository: str
    version: str
    path: str
    source: str


ISTIO = ("https://istio-release.storage.googleapis.com/charts", "1.31.0")
ISTIO_PAGE = "istio.io/latest/docs/setup/install/helm; github.com/istio/istio/releases/tag/1.31.0, 2026-08-31"
KSERVE = ("ghcr.io/kserve/charts", "v0.20.0")
KSERVE_PAGE = "github.com/kserve/kserve charts/*/Chart.yaml, 2026-08-21"
CHARTS = (
    Chart(
        "argo-workflows",
        "https://argoproj.github.io/argo-helm",
        "argo-workflows",
        "2.0.1",
        "argo",
        "github.com/argoproj/argo-helm/releases/tag/argo-workflows-2.0.1, 2026-08-17",
    ),
    Chart(
        "aws-load-balancer-controller",
        "https://aws.github.io/eks-charts",
        "aws-load-balancer-controller",
        "3.5.0",
        "kube-system",
        "github.com/aws/eks-charts stable/aws-load-balancer-controller/Chart.yaml, 2026-08-03",
        f"{VALUES}/%s/aws-load-balancer-controller.yaml",
        ("aws",),
    ),
    Chart(
        "cert-manager",
        "https://charts.jetstack.io",
        "cert-manager",
        "v1.21.1",
        "cert-manager",
        "cert-manager.io/docs/installation/helm; github.com/cert-manager/cert-manager/releases/tag/v1.21.1, 2026-11",
    ),
    Chart(
        "cluster-autoscaler",
        "https://kubernetes.github.io/autoscaler",
        "cluster-autoscaler",
        "9.59.0",
        "kube-system",
        "github.com/kubernetes/autoscaler cluster-autoscaler/charts/cluster-autoscaler/Chart.yaml, 2026-08-22",
        f"{VALUES}/%s/cluster-autoscaler.yaml",
        ("aws",),
    ),
    Chart(
        "feast",
        "https://feast-helm-charts.storage.googleapis.com",
        "feast-feature-server",
        "0.66.0",
        "feast",
        "github.com/feast-dev/feast infra/charts/feast-feature-server/Chart.yaml, 2026-08-21",
    ),
    Chart("istio-base", ISTIO[0], "base", ISTIO[1], "istio-system", ISTIO_PAGE),
    Chart("istio-cni", ISTIO[0], "cni", ISTIO[1], "kube-system", ISTIO_PAGE, f"{VALUES}/%s/istio-cni.yaml"),
    Chart(
        "istio-eastwest", ISTIO[0], "gateway", ISTIO[1], "istio-system", ISTIO_PAGE, f"{VALUES}/%s/istio-eastwest.yaml"
    ),
    Chart(
        "istio-ingress",
        ISTIO[0],
        "gateway",
        ISTIO[1],
        INGRESS,
        ISTIO_PAGE,
        "kubernetes/overlays/%s/ingress-values.yaml",
    ),
    Chart("istiod", ISTIO[0], "istiod", ISTIO[1], "istio-system", ISTIO_PAGE, "mesh/istio/%s/values.yaml"),
    Chart("kserve", KSERVE[0], "kserve-resources", KSERVE[1], "kserve", KSERVE_PAGE),
    Chart("kserve-crd", KSERVE[0], "kserve-crd", KSERVE[1], "kserve", KSERVE_PAGE),
    Chart("kserve-llm", KSERVE[0], "kserve-llmisvc-resources", KSERVE[1], "kserve", KSERVE_PAGE),
    Chart("kserve-llm-crd", KSERVE[0], "kserve-llmisvc-crd", KSERVE[1], "kserve", KSERVE_PAGE),
    Chart("kserve-runtimes", KSERVE[0], "kserve-runtime-configs", KSERVE[1], "kserve", KSERVE_PAGE),
    Chart(
        "kueue",
        "registry.k8s.io/kueue/charts",
        "kueue",
        "0.19.2",
        "kueue-system",
        "github.com/kubernetes-sigs/kueue charts/kueue/README.md, 2026-08-22",
    ),
    Chart(
        "mlflow",
        "https://community-charts.github.io/helm-charts",
        "mlflow",
        "1.11.5",
        MLFLOW,
        "github.com/community-charts/helm-charts charts/mlflow/Chart.yaml, 2026-08-22",
    ),
    Chart(
        "nvidia-device-plugin",
        "https://nvidia.github.io/k8s-device-plugin",
        "nvidia-device-plugin",
        "0.20.0",
        "kube-system",
        "github.com/NVIDIA/k8s-device-plugin deployments/helm/nvidia-device-plugin/Chart.yaml, 2026-08-19",
        clouds=("aws", "azure"),  # GKE and OKE bring it themselves
    ),
)
OPENBAO = Chart(
    "vault-agents",
    "https://openbao.github.io/openbao-helm",
    "openbao",
    "0.29.2",
    "vault",
    "github.com/openbao/openbao-helm charts/openbao/Chart.yaml, 2026-08-20",
    f"{VALUES}/%s/vault-agents.yaml",
)
NEURON = Chart(
    "neuron",
    "public.ecr.aws/neuron",
    "neuron-helm-chart",
    "1.5.0",
    "kube-system",
    "awsdocs-neuron.readthedocs-hosted.com containers/tutorials/k8s-neuron-helm-chart; github.com/aws-neuron, 2026-11",
    clouds=("aws",),
)
BRINGS_DEFINITIONS = "gcp"
DEFINITIONS = (
    Definitions(
        "gateway-api",
        "https://github.com/kubernetes-sigs/gateway-api",
        "v1.5.1",  # what KServe 0.20 is tested with, github.com/kserve/kserve kserve-deps.env, 2026-08-21
        "config/crd",
        "github.com/kubernetes-sigs/gateway-api, tag v1.5.1, 2026-08-21",
    ),
    Definitions(
        "inference-extension",
        "https://github.com/kubernetes-sigs/gateway-api-inference-extension",
        "v1.5.0",  # likewise
        "config/crd",
        "github.com/kubernetes-sigs/gateway-api-inference-extension, tag v1.5.0, 2026-08-18",
    ),
)


def charts(blueprint: Blueprint) -> tuple[Chart, ...]:
    """Those of every cluster; with OpenBao's agents where it has voters."""
    found = _plain(blueprint)
    return (*found, OPENBAO) if voters(blueprint) else found


def _plain(blueprint: Blueprint) -> tuple[Chart, ...]:
    """Those of every cluster, and the plugin of Amazon's own accelerators where a pool has them."""
    chips = any(neuron(pool) for cluster in blueprint.clusters for pool in cluster.pools)
    return (*CHARTS, NEURON) if chips else CHARTS


def files(blueprint: Blueprint, clusters: tuple[Target, ...]) -> dict[str, str]:
    """Values of the charts, and of each cluster where it differs."""
    found = {}
    for chart in _plain(blueprint):
        what = f"Values of the chart {chart.chart}, in every cluster"
        head = header(what, blueprint.estate, "clusters")
        found[f"{VALUES}/{chart.release}.yaml"] = dump(_values(blueprint, chart), head=head)
    doors = INSIDE if all_joined(blueprint) else BALANCERS
    for cluster in clusters:
        if not cluster.ours:
            continue
        source = f"clusters.{cluster.name}"
        own: dict[str, Manifest] = {
            "istio-eastwest": {
                "labels": {"istio": "eastwestgateway", "topology.istio.io/network": network(cluster)},
                "networkGateway": network(cluster),
                "service": {"annotations": dict(doors[cluster.site.cloud])},
            }
        }
        if cluster.site.cloud == "aws":
            own |= _eks(cluster)
        if cluster.site.cloud == "gcp":
            own["istio-cni"] = {"global": {"platform": "gke"}}
        for name, content in own.items():
            head = header(f"Values of {name} in {cluster.name}", blueprint.estate, source)
            found[f"{VALUES}/{cluster.name}/{name}.yaml"] = dump(content, head=head)
    return found


def _eks(cluster: Target) -> dict[str, Manifest]:
    """By the service accounts that Terraform ties to rights; the network is found by its name, since pods can not ask
    the machine that they run on."""
    region = cluster.site.region
    return {
        "aws-load-balancer-controller": {
            "clusterName": cluster.name,
            "region": region,
            "vpcTags": {"Name": f"polycloud-{region}"},
            "serviceAccount": {"name": "aws-load-balancer-controller"},
        },
        "cluster-autoscaler": {
            "autoDiscovery": {"clusterName": cluster.name},
            "awsRegion": region,
            "cloudProvider": "aws",
            "rbac": {"serviceAccount": {"name": "cluster-autoscaler"}},
        },
    }


def _device_plugin() -> Manifest:
    """On machines of our pools with accelerators, past their taints; without labels of other projects."""
    gpus = {"key": ROLE, "operator": "In", "values": ["gpu"]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [gpus]}]}
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "tolerations": _passed(GPU_TAINT[0]),
    }


def _passed(chips: str) -> list[Manifest]:
    """Tolerations of what runs on every machine with some accelerator."""
    keys = (chips, SPOT_TAINT[0], AKS_SPOT_TAINT[0])
    return [{"key": key, "operator": "Exists", "effect": EFFECT} for key in keys]


def _values(blueprint: Blueprint, chart: Chart) -> Manifest:
    given: dict[str, Manifest] = {
        "argo-workflows": {
            "controller": {"workflowNamespaces": ["workloads"]},
            "server": {"authModes": ["client"]},
        },
        "cert-manager": {"crds": {"enabled": True}},
        "feast": {"feature_store_yaml_base64": _feature_store(blueprint)},
        "istio-ingress": {"securityContext": _RESTRICTED},
        "istiod": {"pilot": {"cni": {"enabled": True}}},
        "kserve": {"kserve": {"controller": {"deploymentMode": "Standard"}}},
        "kserve-runtimes": {"kserve": {"llmisvcConfigs": {"enabled": True}, "servingruntime": {"enabled": False}}},
        # It finds its machines by their types; their troubles are told by the pool's own repair.
        "neuron": {"npd": {"enabled": False}, "devicePlugin": {"tolerations": _passed(NEURON_TAINT[0])}},
        "nvidia-device-plugin": _device_plugin(),
        "mlflow": {"service": {"port": MLFLOW_PORT}},
    }
    return given.get(chart.release, {})


def _feature_store(blueprint: Blueprint) -> str:
    """Feast's settings in the form that its chart wants: kept in the pod, until a store of one's own is named."""
    settings = {
        "project": value(blueprint.estate).replace("-", "_").replace(".", "_"),
        "provider": "local",
        "registry": "registry.db",
        "online_store": {"type": "sqlite", "path": "online.db"},
        "entity_key_serialization_version": 3,
    }
    return base64.b64encode(dump(settings).encode()).decode()
