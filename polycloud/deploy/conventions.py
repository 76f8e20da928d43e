"""Names that Terraform and manifests must agree on: labels and taints of machines, accounts of pods."""

import re

from polycloud.deploy.blueprint import Pool

GATEWAY_NAMESPACE = GATEWAY_ACCOUNT = "polycloud"  # where the gateway runs, and the service account of its pods
GATEWAY_SUBJECT = f"system:serviceaccount:{GATEWAY_NAMESPACE}:{GATEWAY_ACCOUNT}"  # who its clusters' tokens say it is
# Who a cluster's token must be meant for to be taken by another cloud; at Google Cloud each cluster's own provider is
# (docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html; learn.microsoft.com/entra/workload-id/
# workload-identity-federation; cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes, seen 2026-11).
AUDIENCES = {"aws": "sts.amazonaws.com", "azure": "api://AzureADTokenExchange"}
INGRESS = "istio-ingress"  # the namespace of what stands at the entry
OWN_VALUES = "own.yaml"  # beside the chart: values that no render writes or touches, above all rendered ones
WORKLOADS_NAMESPACE = "workloads"  # where placed jobs run in every cluster
POOL, ROLE, SPOT, ACCELERATOR = (f"polycloud/{word}" for word in ("pool", "role", "spot", "accelerator"))
SYSTEM_TAINT = ("CriticalAddonsOnly", "true")  # what clusters' own add-ons tolerate in every cloud
GPU_TAINT = ("nvidia.com/gpu", "present")  # what device plugins tolerate, and Google Cloud sets by itself
NEURON_TAINT = ("aws.amazon.com/neuron", "present")  # what Amazon's device plugin tolerates
SPOT_TAINT = (SPOT, "true")
# What AKS itself puts on machines that it may take away, learn.microsoft.com/azure/aks/spot-node-pool, 2026-11.
AKS_SPOT_TAINT = ("kubernetes.azure.com/scalesetpriority", "spot")
EFFECT = "NoSchedule"
# Where pods ask for their cloud's credentials: EKS Pod Identity's agent and GKE's metadata server on the machine, and
# the port of OKE's API for workload identity (docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html;
# cloud.google.com/kubernetes-engine/docs/concepts/workload-identity; docs.oracle.com/iaas/Content/ContEng/Tasks/
# contenggrantingworkloadaccesstoresources.htm, seen 2026-11). All other link-local addresses stay closed.
CREDENTIALS: dict[str, tuple[tuple[str, int], ...]] = {
    "aws": (("169.254.170.23/32", 80),),
    "gcp": (("169.254.169.252/32", 988), ("169.254.169.254/32", 80)),
    "oci": (("0.0.0.0/0", 12250),),
}
NOT_COPIED = "nor does polycloud yet: use a tool of your own"  # of data that a cloud does not copy to another place


def labels(pool: Pool) -> dict[str, str]:
    """What can be selected: the pool, its role, its accelerator, whether it may be interrupted."""
    found = {POOL: pool.name, ROLE: pool.role}
    if pool.accelerator:
        found[ACCELERATOR] = re.sub(r"[^A-Za-z0-9._-]+", "", pool.accelerator).strip("-._")
    if pool.spot:
        found[SPOT] = "true"
    return found


def neuron(pool: Pool) -> bool:
    """Whether the machines have Amazon's own accelerators, which are not NVIDIA's."""
    return pool.accelerator.startswith(("Trainium", "Inferentia"))


def taints(pool: Pool) -> tuple[tuple[str, str], ...]:
    """What must be tolerated to run there, as key and value; the effect is always NoSchedule."""
    chips = NEURON_TAINT if neuron(pool) else GPU_TAINT
    found = {"system": [SYSTEM_TAINT], "gpu": [chips], "workload": []}[pool.role]
    return (*found, SPOT_TAINT) if pool.spot else tuple(found)


def tolerations(pool: Pool) -> tuple[tuple[str, str], ...]:
    """The taints of a pool, and what a cloud adds to them by itself."""
    return (*taints(pool), AKS_SPOT_TAINT) if pool.spot else taints(pool)
