"""Kubernetes from the estate: a base, an overlay for each cluster, queues, workflows, and Argo CD over all of them."""

from polycloud.deploy.blueprint import Blueprint, Run
from polycloud.deploy.ports import Reference, Rendered, Resource
from polycloud.deploy.render.kubernetes import argo, base, overlays, platform, queues, vault, workflows
from polycloud.deploy.render.kubernetes.machines import pool_of
from polycloud.deploy.render.kubernetes.manifests import Target, targets
from polycloud.deploy.render.kubernetes.notes import gaps
from polycloud.deploy.render.kubernetes.pods import copy_of


def render(blueprint: Blueprint) -> Rendered:
    """All of it; nothing where there is no cluster and nothing placed."""
    found = targets(blueprint)
    if not found:
        return Rendered({})
    files = base.files(blueprint) | argo.files(blueprint, found)
    provides, needs = [*vault.provides(blueprint)], [*vault.needs(blueprint, platform.VALUES)]
    for cluster in found:
        files |= overlays.files(blueprint, cluster)
        files |= queues.files(blueprint, cluster)
        files |= workflows.files(blueprint, cluster)
        path = f"{overlays.folder(cluster)}/kustomization.yaml"
        if cluster.ours:
            needs.append(Reference(f"cluster:{cluster.name}", path))
            needs += [Reference(name, argo.PATH) for name in (f"cluster:{cluster.name}", *argo.reads(cluster))]
            needs += _on_machines(blueprint, cluster)
        if queues.has_queue(cluster):
            provides.append(f"queue:{cluster.name}")
    needs += [
        Reference(f"queue:{run.cluster}", f"{overlays.FOLDER}/{run.cluster}/workloads.yaml")
        for run in blueprint.runs
        if run.kind in ("training", "batch", "data")
        and any(c.name == run.cluster and queues.has_queue(c) for c in found)
    ]
    return Rendered(
        dict(sorted(files.items())),
        resources=_resources(blueprint),
        provides=tuple(provides),
        needs=tuple(dict.fromkeys(needs)),
        gaps=gaps(blueprint, found),
    )


def _on_machines(blueprint: Blueprint, cluster: Target) -> list[Reference]:
    """The pools that queues and pods name, and the buckets whose addresses pods are told."""
    pools = {queues.path(cluster): {pool.name for pool in queues.counted(cluster)}}
    placed = f"{overlays.folder(cluster)}/workloads.yaml"
    here = [run for run in blueprint.runs if run.cluster == cluster.name]
    pools[placed] = {pool.name for run in here if (pool := pool_of(cluster, run)) is not None}
    read = {dataset for run in here for dataset in (*run.reads, *run.writes)}
    copies = {bucket.name for name in read if (bucket := copy_of(blueprint, cluster, name)) is not None}
    return [
        *(Reference(f"pool:{cluster.name}/{name}", path) for path, names in pools.items() for name in sorted(names)),
        *(Reference(f"bucket:{name}", placed) for name in sorted(copies)),
    ]


def _resources(blueprint: Blueprint) -> tuple[Resource, ...]:
    """Placed runs, for residency's proof, and for what they cost beyond the machines that a pool always has: those
    are paid with the pool, and are filled by runs in the order of their names."""
    clusters = {cluster.name: cluster for cluster in targets(blueprint)}
    left: dict[tuple[str, str], int] = {}  # machines of a pool that are paid for and that no run has yet
    found = []
    for run in blueprint.runs:
        cluster = clusters[run.cluster]
        pool = pool_of(cluster, run)
        free = left.get((run.cluster, pool.name), pool.least) if pool is not None else 0
        paid = min(free, run.count)
        if pool is not None:
            left[run.cluster, pool.name] = free - paid
        found.append(
            Resource(
                address=f"kubernetes/{run.cluster}/{run.name}",
                kind="workload",
                site=cluster.site.id,
                source=f"workloads.{run.workload}",
                monthly=_beyond(run, paid),
                data_class=run.data_class,
                note=f"{paid} of its {run.count} machines are paid with the pool {pool.name}" if pool and paid else "",
            )
        )
    return tuple(found)


def _beyond(run: Run, paid: int) -> int | None:
    """What a run's machines cost a month without so many of them, micro-USD."""
    return run.monthly if not paid or run.monthly is None else run.monthly * (run.count - paid) // run.count
