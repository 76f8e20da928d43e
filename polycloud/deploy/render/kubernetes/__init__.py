"""Kubernetes from the estate: a base, an overlay for each cluster, queues, workflows, and Argo CD over all of them."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Reference, Rendered, Resource
from polycloud.deploy.render.kubernetes import argo, base, overlays, queues, workflows
from polycloud.deploy.render.kubernetes.machines import pool_of
from polycloud.deploy.render.kubernetes.manifests import targets
from polycloud.deploy.render.kubernetes.notes import gaps


def render(blueprint: Blueprint) -> Rendered:
    """All of it; nothing where there is no cluster and nothing placed."""
    found = targets(blueprint)
    if not found:
        return Rendered({})
    files = base.files(blueprint) | argo.files(blueprint, found)
    provides, needs = [], []
    for cluster in found:
        files |= overlays.files(blueprint, cluster)
        files |= queues.files(blueprint, cluster)
        files |= workflows.files(blueprint, cluster)
        path = f"{overlays.folder(cluster)}/kustomization.yaml"
        if cluster.ours:
            needs.append(Reference(f"cluster:{cluster.name}", path))
            needs.append(Reference(f"cluster:{cluster.name}", argo.PATH))
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


def _resources(blueprint: Blueprint) -> tuple[Resource, ...]:
    """Placed runs, for residency's proof. A pool counts the machines that it always has; a run on a pool that can
    rest at none counts for itself."""
    clusters = {cluster.name: cluster for cluster in targets(blueprint)}
    found = []
    for run in blueprint.runs:
        cluster = clusters[run.cluster]
        pool = pool_of(cluster, run)
        counted = pool is not None and pool.least > 0
        found.append(
            Resource(
                address=f"kubernetes/{run.cluster}/{run.name}",
                kind="workload",
                site=cluster.site.id,
                source=f"workloads.{run.workload}",
                monthly=0 if counted else run.monthly,
                data_class=run.data_class,
                note="its machines are counted with their pool" if counted else "",
            )
        )
    return tuple(found)
