"""What manifests can not say or do, in sentences for people."""

from collections.abc import Sequence

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.intents import members
from polycloud.deploy.render.kubernetes import jobs, overlays, workflows
from polycloud.deploy.render.kubernetes.manifests import Target, runs_on
from polycloud.deploy.render.kubernetes.pods import copy_of
from polycloud.deploy.render.kubernetes.serving import weights
from polycloud.deploy.render.links import all_joined


def gaps(blueprint: Blueprint, clusters: Sequence[Target]) -> tuple[str, ...]:
    found = []
    if blueprint.delivery is None:
        found.append(
            "argocd/projects.yaml takes sources from anywhere, and each cluster is told where these files are kept: "
            "say delivery.repository in the estate"
        )
    if not all_joined(blueprint):
        found.append(
            "clusters talk to each other by mutual TLS over public addresses, until links join every two of their sites"
        )
    if blueprint.in_clouds:
        found.append(
            f"secrets.{', '.join(blueprint.in_clouds)}: a cloud's own store holds them, which the gateway does not "
            "read yet: bring them to its pods as variables or files, and say env or file"
        )
    if any(cluster.ours for cluster in clusters):
        found.append("MLflow and Feast keep what they know in their pods, until their charts are given databases")
    unnamed = sorted({run.workload for run in blueprint.runs if not run.image and not run.serves})
    if unnamed:
        found.append(
            f"these workloads name no image, so they are written as suspended: {', '.join(unnamed)} "
            "(workloads.NAME.image)"
        )
    for cluster in clusters:
        found += _of(blueprint, cluster)
    nightly = sorted({run.workload for run in blueprint.runs if run.kind in ("batch", "data")})
    if nightly:
        found.append(
            f"the estate does not say when batch and data work runs: {', '.join(nightly)} start every night "
            f'("{jobs.NIGHTLY}", UTC)'
        )
    held: dict[str, list[str]] = {}
    for principal in blueprint.principals:
        for member in members(principal):
            if member.kind == "workload":
                held.setdefault(member.name, []).append(principal.name)
    for name, roles in sorted(held.items()):
        if len(roles) > 1 and any(c.site.cloud in ("gcp", "azure") for c in clusters):
            found.append(
                f"workload {name} has the roles {', '.join(roles)}: at gcp and azure its pods act as the first"
            )
    return tuple(dict.fromkeys((*found, *_abroad(blueprint, clusters))))


def _abroad(blueprint: Blueprint, clusters: Sequence[Target]) -> list[str]:
    """Data in another cloud than the pods that use them: the rights are there, and their pods are not told of them."""
    found = []
    for cluster in clusters:
        for run in runs_on(blueprint, cluster):
            copies = [copy_of(blueprint, cluster, dataset) for dataset in (*run.reads, *run.writes)]
            far = sorted({c.site.cloud for c in copies if c is not None} - {cluster.site.cloud})
            if far:
                found.append(
                    f"{run.name} in {cluster.name} uses data at {', '.join(far)}: its pods need credentials there, "
                    "which their image gets with a token of the cluster (see terraform/CLOUD/identity.tf), or a copy "
                    "of the data in their own cloud"
                )
    return found


def _of(blueprint: Blueprint, cluster: Target) -> list[str]:
    found = []
    if cluster.site.cloud == "oci":
        found.append(
            f"{cluster.name}: OKE's own network enforces no network policies: install Calico beside it "
            "(docs.oracle.com/iaas/Content/ContEng/Tasks/contengsettingupcalico.htm)"
        )
    if not cluster.ours:
        found.append(f"{cluster.name} is a cluster of your own: it must bring KServe and Argo Workflows itself")
    ids = overlays.identities(blueprint, cluster)
    if ids:
        found.append(
            f"{cluster.name}: client ids of Azure identities are known after terraform apply; Argo CD takes them from "
            "annotations of the cluster's secret, client_id_WORKLOAD with - as _"
        )
    for run in runs_on(blueprint, cluster):
        fed = [f"{r.name} in {r.cluster}" for r in workflows.abroad(blueprint, run)] if run.kind == "training" else []
        if fed:
            found.append(
                f"the workflow of {run.name} in {cluster.name} waits for {', '.join(fed)} until a person hands over: "
                "its description says by which commands"
            )
        if run.serves and not weights(blueprint, cluster, run):
            found.append(f"{run.name} in {cluster.name} is written as stopped: no weights of {run.serves} are known")
        if run.kind == "application" and run.image and run.least == 0:
            found.append(f"{run.name} rests at one replica: Kubernetes' autoscaler does not go to none by itself")
    return found
