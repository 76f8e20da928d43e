"""How a placed run sits on machines: how many pods, what each asks for, which pool it may use."""

import math

import msgspec

from polycloud.deploy.blueprint import Cluster, Pool, Run
from polycloud.deploy.conventions import EFFECT, POOL, tolerations
from polycloud.deploy.render.kubernetes.manifests import Manifest

# A plan fills machines whole, but each keeps a part for itself and for the pods that run on every machine: of
# 4 processors and 16 GiB Google Cloud leaves 3.92 and 13.3 (cloud.google.com/kubernetes-engine/docs/concepts/
# plan-node-sizes, seen 2026-11), and agents take half a processor more. Pods ask for what is left.
CPU_LEFT, MEMORY_LEFT = 0.85, 0.80
MIB = 1024  # in a GiB
# What a device plugin calls its accelerators, by the first letters of ours; NVIDIA's for all others.
DEVICES = {
    "TPU": "google.com/tpu",
    "Trainium": "aws.amazon.com/neuron",
    "Inferentia": "aws.amazon.com/neuron",
    "MI": "amd.com/gpu",
    "Gaudi": "habana.ai/gaudi",
}
NVIDIA = "nvidia.com/gpu"


class Fit(msgspec.Struct, frozen=True):
    """Pods of a run: how many in all, how many belong to one instance, and what each asks for (None: not known)."""

    pods: int
    instances: int
    accelerators: int
    device: str
    cpu: float | None
    memory_gib: float | None
    pool: Pool | None


def device(accelerator: str) -> str:
    """The resource that pods ask for to get such an accelerator."""
    return next((name for first, name in DEVICES.items() if accelerator.startswith(first)), NVIDIA)


def pool_of(cluster: Cluster, run: Run) -> Pool | None:
    """The pool whose machines the plan bought for the run; None in a hall, whose machines are not ours to name."""
    return next((p for p in cluster.pools if p.machine == run.machine and p.spot == run.spot), None)


def fit(cluster: Cluster, run: Run) -> Fit:
    """How the run's machines are filled: the plan counts machines in a cloud, and accelerators or processors in a
    hall."""
    pool = pool_of(cluster, run)
    wanted = max(1, int(run.accelerators_each)) if run.accelerator else 0
    if pool is None:
        unit = wanted or int(run.vcpu or 1)
        instances = max(1, run.count // unit)
        return Fit(instances, instances, wanted, device(run.accelerator), *_asked(run, None, 1.0), None)
    if wanted:
        each = max(1, int(pool.accelerators_each))
        share = min(wanted, each)
        instances = max(1, run.count * each // wanted)
        pods = instances * math.ceil(wanted / share)
        asked = _asked(run, pool, share / each)
        return Fit(pods, instances, share, device(pool.accelerator or run.accelerator), *asked, pool)
    pairs = ((pool.vcpu, run.vcpu), (pool.memory_gib, run.memory_gib))
    together = max(1, min((int(have / need) for have, need in pairs if have and need), default=1))
    instances = run.count * together
    return Fit(instances, instances, 0, "", *_asked(run, pool, 1 / together), pool)


def resources(found: Fit) -> Manifest:
    """Requests and limits; memory and accelerators are never promised twice."""
    ask: Manifest = {}
    if found.cpu is not None:
        ask["cpu"] = f"{left_cpu(found.cpu)}m"
    if found.memory_gib is not None:
        ask["memory"] = f"{left_memory(found.memory_gib)}Mi"
    if found.accelerators:
        ask[found.device] = str(found.accelerators)
    limits = {**ask, **({"cpu": f"{math.ceil(found.cpu)}"} if found.cpu is not None else {})}
    return {"requests": ask, "limits": limits} if ask else {}


def left_cpu(vcpu: float) -> int:
    """What pods can ask for of so many processors, in thousandths."""
    return math.floor(vcpu * CPU_LEFT * 1000)


def left_memory(gib: float) -> int:
    """What pods can ask for of so much memory, in MiB."""
    return math.floor(gib * MEMORY_LEFT * MIB)


def selection(pool: Pool | None) -> Manifest:
    """Where pods may go: the pool, past its taints."""
    if pool is None:
        return {}
    tolerated = [{"key": key, "operator": "Equal", "value": text, "effect": EFFECT} for key, text in tolerations(pool)]
    return {"nodeSelector": {POOL: pool.name}, **({"tolerations": tolerated} if tolerated else {})}


def _asked(run: Run, pool: Pool | None, share: float) -> tuple[float | None, float | None]:
    """Processors and memory of a pod: what the run needs, else its share of the machine."""
    cpu = run.vcpu or (pool.vcpu * share if pool is not None and pool.vcpu else None)
    memory = run.memory_gib or (pool.memory_gib * share if pool is not None and pool.memory_gib else None)
    if pool is not None and pool.vcpu:
        cpu = min(cpu, pool.vcpu) if cpu else cpu
    if pool is not None and pool.memory_gib:
        memory = min(memory, pool.memory_gib) if memory else memory
    return cpu, memory
