"""What every cluster gets, the same way everywhere: charts of other projects, in one table with their sources."""

import base64
from typing import NamedTuple

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import AKS_SPOT_TAINT, EFFECT, GPU_TAINT, ROLE, SPOT_TAINT
from polycloud.deploy.render.kubernetes.base import INGRESS, MLFLOW, MLFLOW_PORT
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, value
from polycloud.deploy.render.mesh.istio import network
from polycloud.deploy.yaml import dump, header

VALUES = "argocd/values"
NONE = "argocd/values/%s/none.yaml"  # a file of the cluster that is never there


class Chart(NamedTuple):
    """A project's own chart. ``own`` is the file with a cluster's values, %s for its name; ``clouds``: only there,
    none: everywhere; ``source`` is where address and version are stated, seen 2026-11."""

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


ISTIO = ("https://istio-release.storage.googleapis.com/charts", "1.30.0")
ISTIO_PAGE = "istio.io/latest/docs/setup/install/helm"
KSERVE = ("ghcr.io/kserve/charts", "v0.20.0")
KSERVE_PAGE = "kserve.github.io/website/docs/0.20/install/overview"
CHARTS = (
    Chart(
        "argo-workflows",
        "https://argoproj.github.io/argo-helm",
        "argo-workflows",
        "2.0.1",
        "argo",
        "github.com/argoproj/argo-helm charts/argo-workflows",
    ),
    Chart(
        "aws-load-balancer-controller",
        "https://aws.github.io/eks-charts",
        "aws-load-balancer-controller",
        "3.4.2",
        "kube-system",
        "github.com/aws/eks-charts, pull request 1347",
        f"{VALUES}/%s/aws-load-balancer-controller.yaml",
        ("aws",),
    ),
    Chart(
        "cert-manager",
        "https://charts.jetstack.io",
        "cert-manager",
        "v1.21.0",
        "cert-manager",
        "cert-manager.io/docs/installation/helm",
    ),
    Chart(
        "cluster-autoscaler",
        "https://kubernetes.github.io/autoscaler",
        "cluster-autoscaler",
        "9.59.0",
        "kube-system",
        "github.com/kubernetes/autoscaler charts/cluster-autoscaler",
        f"{VALUES}/%s/cluster-autoscaler.yaml",
        ("aws",),
    ),
    Chart(
        "feast",
        "https://feast-helm-charts.storage.googleapis.com",
        "feast-feature-server",
        "0.40.1",
        "feast",
        "github.com/feast-dev/feast infra/charts/feast-feature-server",
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
        "0.16.1",
        "kueue-system",
        "github.com/kubernetes-sigs/kueue charts/kueue",
    ),
    Chart(
        "mlflow",
        "https://community-charts.github.io/helm-charts",
        "mlflow",
        "1.12.0",
        MLFLOW,
        "github.com/community-charts/helm-charts charts/mlflow",
    ),
    Chart(
        "nvidia-device-plugin",
        "https://nvidia.github.io/k8s-device-plugin",
        "nvidia-device-plugin",
        "0.18.2",
        "kube-system",
        "github.com/NVIDIA/k8s-device-plugin deployments/helm/nvidia-device-plugin",
        clouds=("aws", "azure"),  # GKE and OKE bring it themselves
    ),
)
BRINGS_DEFINITIONS = "gcp"
DEFINITIONS = (
    Definitions(
        "gateway-api",
        "https://github.com/kubernetes-sigs/gateway-api",
        "v1.4.0",
        "config/crd",
        "gateway-api.sigs.k8s.io/guides",
    ),
    Definitions(
        "inference-extension",
        "https://github.com/kubernetes-sigs/gateway-api-inference-extension",
        "v1.6.0",
        "config/crd",
        "gateway-api-inference-extension.sigs.k8s.io/guides",
    ),
)


def files(blueprint: Blueprint, clusters: tuple[Target, ...]) -> dict[str, str]:
    """Values of the charts, and of each cluster where it differs."""
    found = {}
    for chart in CHARTS:
        what = f"Values of the chart {chart.chart}, in every cluster"
        head = header(what, blueprint.estate, "clusters")
        found[f"{VALUES}/{chart.release}.yaml"] = dump(_values(blueprint, chart), head=head)
    for cluster in clusters:
        if not cluster.ours:
            continue
        source = f"clusters.{cluster.name}"
        own: dict[str, Manifest] = {
            "istio-eastwest": {
                "labels": {"istio": "eastwestgateway", "topology.istio.io/network": network(cluster)},
                "networkGateway": network(cluster),
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
    passed = [
        {"key": GPU_TAINT[0], "operator": "Exists", "effect": EFFECT},
        {"key": SPOT_TAINT[0], "operator": "Exists", "effect": EFFECT},
        {"key": AKS_SPOT_TAINT[0], "operator": "Exists", "effect": EFFECT},
    ]
    return {
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "tolerations": passed,
    }


def _values(blueprint: Blueprint, chart: Chart) -> Manifest:
    given: dict[str, Manifest] = {
        "argo-workflows": {
            "controller": {"workflowNamespaces": ["workloads"]},
            "server": {"authModes": ["client"]},
        },
        "cert-manager": {"crds": {"enabled": True}},
        "feast": {"feature_store_yaml_base64": _feature_store(blueprint)},
        "istiod": {"pilot": {"cni": {"enabled": True}}},
        "kserve": {"kserve": {"controller": {"deploymentMode": "Standard"}}},
        "kserve-runtimes": {"kserve": {"llmisvcConfigs": {"enabled": True}, "servingruntime": {"enabled": False}}},
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
