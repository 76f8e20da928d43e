"""Charts that every cluster gets, the same way everywhere: one table with where each comes from."""

from typing import NamedTuple

from polycloud.deploy.render.kubernetes.base import MLFLOW, MLFLOW_PORT, MONITORING
from polycloud.deploy.render.kubernetes.manifests import STORAGE_CLASS, Manifest


class Chart(NamedTuple):
    """A project's own chart. ``wave``: those of lower waves stand before those of higher ones; ``clouds``: only
    there; ``source`` is where address and version are stated, seen 2026-11."""

    name: str
    repository: str
    version: str
    namespace: str
    wave: int
    source: str
    values: Manifest = {}
    clouds: tuple[str, ...] = ()


ISTIO_CHARTS = "https://istio-release.storage.googleapis.com/charts"
ISTIO = "1.30.0"
ISTIO_SOURCE = "istio.io/latest/docs/setup/install/helm; 1.30 is supported until 2026-11-30: move on when 1.31 is out"
KSERVE_CHARTS = "ghcr.io/kserve/charts"
KSERVE = "v0.20.0"
KSERVE_SOURCE = "kserve.github.io/website/docs/0.20/install/overview"
# MLflow's own store on a disk of the cluster: enough for a team; a database of the estate is set by hand.
MLFLOW_VALUES: Manifest = {"service": {"port": MLFLOW_PORT}}

CHARTS: tuple[Chart, ...] = (
    Chart(
        "tigera-operator",
        "https://docs.tigera.io/calico/charts",
        "v3.31.0",
        "tigera-operator",
        0,
        "docs.tigera.io/calico/latest/getting-started/kubernetes/helm",
        {"installation": {"kubernetesProvider": "", "cni": {"type": "AmazonVPC"}}},
        ("oci",),
    ),
    Chart("cert-manager", "https://charts.jetstack.io", "v1.21.0", "cert-manager", 0, "cert-manager.io/docs/installation/helm",
          {"crds": {"enabled": True}}),
    Chart("base", ISTIO_CHARTS, ISTIO, "istio-system", 0, ISTIO_SOURCE),
)
