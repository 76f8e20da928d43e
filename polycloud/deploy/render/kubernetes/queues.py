"""Kueue: a flavor for each pool, a queue with what the pools can grow to, and who goes first."""

from polycloud.deploy.blueprint import Blueprint, Cluster, Pool
from polycloud.deploy.conventions import EFFECT, POOL, WORKLOADS_NAMESPACE, taints
from polycloud.deploy.render.kubernetes.machines import device, left_cpu, left_memory
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, lawful, manifest
from polycloud.deploy.yaml import dump, header

API = "kueue.x-k8s.io/v1beta2"
QUEUE, PRIORITY = "kueue.x-k8s.io/queue-name", "kueue.x-k8s.io/priority-class"
# Data is prepared before it is trained on, and batch work can wait for both. Higher goes first and displaces lower.
PRIORITIES = {"data": 300, "training": 200, "batch": 100}


def folder(cluster: Cluster) -> str:
    return f"kueue/{cluster.name}"


def path(cluster: Cluster) -> str:
    return f"{folder(cluster)}/queues.yaml"


def priority(kind: str) -> str:
    """The priority class of a kind of work; the lowest for what has none."""
    return kind if kind in PRIORITIES else "batch"


def has_queue(cluster: Target) -> bool:
    return bool(counted(cluster))


def files(blueprint: Blueprint, cluster: Target) -> dict[str, str]:
    """Nothing where the machines of no pool are known."""
    pools = counted(cluster)
    if not pools:
        return {}
    source = f"clusters.{cluster.name}.pools"
    documents = [*map(_flavor, pools), _queue(pools), _local(), *_priorities()]
    head = header(f"Queues of {cluster.name} for Kueue", blueprint.estate, source)
    kustomization: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["queues.yaml"],
    }
    return {
        f"{folder(cluster)}/kustomization.yaml": dump(kustomization, head=head),
        path(cluster): dump(*documents, head=head),
    }


def counted(cluster: Target) -> list[Pool]:
    """Pools for work whose machines' size is known: a quota must not be invented."""
    return [p for p in cluster.pools if p.role != "system" and p.vcpu and p.memory_gib]


def _flavor(pool: Pool) -> Manifest:
    spec: Manifest = {"nodeLabels": {POOL: pool.name}}
    kept = [{"key": key, "value": text, "effect": EFFECT} for key, text in taints(pool)]
    if kept:
        spec["nodeTaints"] = kept
    return manifest(API, "ResourceFlavor", lawful(pool.name), spec=spec)


def _queue(pools: list[Pool]) -> Manifest:
    devices = sorted({device(pool.accelerator) for pool in pools if pool.accelerator})
    flavors = []
    for pool in pools:
        quota: dict[str, int | str] = {
            "cpu": f"{pool.most * left_cpu(pool.vcpu or 0)}m",
            "memory": f"{pool.most * left_memory(pool.memory_gib or 0)}Mi",
        }
        for name in devices:
            own = pool.accelerator and device(pool.accelerator) == name
            quota[name] = int(pool.most * pool.accelerators_each) if own else 0
        flavors.append(
            {
                "name": lawful(pool.name),
                "resources": [{"name": name, "nominalQuota": amount} for name, amount in quota.items()],
            }
        )
    spec = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": WORKLOADS_NAMESPACE}},
        "queueingStrategy": "BestEffortFIFO",
        "resourceGroups": [{"coveredResources": ["cpu", "memory", *devices], "flavors": flavors}],
        "preemption": {"withinClusterQueue": "LowerPriority"},
    }
    return manifest(API, "ClusterQueue", "polycloud", spec=spec)


def _local() -> Manifest:
    return manifest(API, "LocalQueue", "jobs", WORKLOADS_NAMESPACE, spec={"clusterQueue": "polycloud"})


def _priorities() -> list[Manifest]:
    return [
        manifest(API, "WorkloadPriorityClass", name, value=number, description=f"{name} work of the estate")
        for name, number in sorted(PRIORITIES.items())
    ]
