"""Names that Terraform and manifests must agree on: labels and taints of machines, accounts of pods."""

import re

from polycloud.deploy.blueprint import Pool

GATEWAY_NAMESPACE = GATEWAY_ACCOUNT = "polycloud"  # where the gateway runs, and the service account of its pods
WORKLOADS_NAMESPACE = "workloads"  # where placed jobs run in every cluster
POOL, ROLE, SPOT, ACCELERATOR = (f"polycloud/{word}" for word in ("pool", "role", "spot", "accelerator"))
SYSTEM_TAINT = ("CriticalAddonsOnly", "true")  # what clusters' own add-ons tolerate in every cloud
GPU_TAINT = ("nvidia.com/gpu", "present")  # what device plugins tolerate, and Google Cloud sets by itself
SPOT_TAINT = (SPOT, "true")
# What AKS itself puts on machines that it may take away, learn.microsoft.com/azure/aks/spot-node-pool, 2026-11.
AKS_SPOT_TAINT = ("kubernetes.azure.com/scalesetpriority", "spot")
EFFECT = "NoSchedule"


def labels(pool: Pool) -> dict[str, str]:
    """What can be selected: the pool, its role, its accelerator, whether it may be interrupted."""
    found = {POOL: pool.name, ROLE: pool.role}
    if pool.accelerator:
        found[ACCELERATOR] = re.sub(r"[^A-Za-z0-9._-]+", "", pool.accelerator).strip("-._")
    if pool.spot:
        found[SPOT] = "true"
    return found


def taints(pool: Pool) -> tuple[tuple[str, str], ...]:
    """What must be tolerated to run there, as key and value; the effect is always NoSchedule."""
    found = {"system": [SYSTEM_TAINT], "gpu": [GPU_TAINT], "workload": []}[pool.role]
    return (*found, SPOT_TAINT) if pool.spot else tuple(found)


def tolerations(pool: Pool) -> tuple[tuple[str, str], ...]:
    """The taints of a pool, and what a cloud adds to them by itself."""
    return (*taints(pool), AKS_SPOT_TAINT) if pool.spot else taints(pool)
