"""From a placement to what runs on which cluster, and where each dataset's copies are."""

from polycloud.deploy.blueprint import Run
from polycloud.deploy.derive.names import made
from polycloud.estate import Estate
from polycloud.estate.schema.work import Workload
from polycloud.placement.answer.values import Part, Placement


def copies(placement: Placement) -> dict[str, tuple[str, ...]]:
    """The sites of each dataset, the one where new data arise first."""
    return {
        dataset.name: tuple(c.site for c in sorted(dataset.copies, key=lambda c: (not c.first, c.site)))
        for dataset in placement.datasets
    }


def runs(estate: Estate, placement: Placement) -> tuple[Run, ...]:
    """Every part of every placed workload, on the cluster of its site."""
    clusters = {cluster.at: name for name, cluster in sorted(estate.clusters.items(), reverse=True)}
    found = []
    for answer in placement.workloads:
        workload = estate.workloads.get(answer.name)
        if workload is not None:
            found += [_run(estate, workload, answer.name, part, clusters) for part in answer.parts]
    return tuple(found)


def _run(estate: Estate, workload: Workload, name: str, part: Part, clusters: dict[str, str]) -> Run:
    needs, scale = workload.needs, workload.scale
    classes = {c for c in (workload.data_class,) if c}
    for dataset in (*workload.reads, *workload.writes):
        classes.add(estate.datasets[dataset].data_class or estate.residency.default_class or "")
    return Run(
        name=made("gcp", "cluster", part.task),  # Kubernetes names follow the narrowest of the clusters' rules
        workload=name,
        kind=workload.kind,
        cluster=clusters.get(part.site) or part.site.replace("/", "-"),
        machine=part.machine,
        count=part.count,
        spot=part.market in ("spot", "mixed"),
        accelerator=(needs.accelerator or "") if needs is not None else "",
        accelerators_each=float(needs.count or 0) if needs is not None else 0,
        vcpu=float(needs.vcpu) if needs is not None and needs.vcpu is not None else None,
        memory_gib=float(needs.memory.value) / 2**30 if needs is not None and needs.memory is not None else None,
        image=workload.image or "",
        command=workload.command,
        reads=workload.reads,
        writes=workload.writes,
        serves=workload.serves or "",
        least=scale.min if scale is not None else 1,
        most=scale.max if scale is not None else max(1, part.count),
        data_class=" ".join(sorted(c for c in classes if c)),
        monthly=part.month_micro,
        hours=workload.hours_per_month,
        weights=_weights(estate, workload),
        site=part.site,
    )


def _weights(estate: Estate, workload: Workload) -> str:
    """A served model's name on the Hugging Face hub: servers of one's own are declared by it (OWNER/NAME)."""
    model = estate.models.get(workload.serves or "")
    for deployment in model.deployments if model is not None else ():
        if deployment.at.startswith("onprem/") and (deployment.upstream or "").count("/") == 1:
            return f"hf://{deployment.upstream}"
    return ""
