"""What placed workloads become in a cluster: jobs in the queue, work of every night, applications that scale."""

from polycloud.deploy.blueprint import Blueprint, Run
from polycloud.deploy.conventions import WORKLOADS_NAMESPACE
from polycloud.deploy.render.kubernetes import serving
from polycloud.deploy.render.kubernetes.machines import Fit, fit
from polycloud.deploy.render.kubernetes.manifests import NAME, Manifest, Target, manifest, placed, run_labels
from polycloud.deploy.render.kubernetes.pods import labels, pod, token
from polycloud.deploy.render.kubernetes.queues import PRIORITY, QUEUE, has_queue, priority

NIGHTLY = "0 1 * * *"  # UTC; an estate says how many hours a month, not when: batch and data work runs once a night
KEPT_SECONDS = 7 * 86_400  # a week to look at what failed
RETRIES = 6  # Kubernetes' own default; interruptions of spot machines do not count
BUSY_PERCENT = 70  # of the processors asked for: above it another replica starts
CALM_SECONDS = 300  # no replica stops sooner, Kubernetes' own default


def resources(blueprint: Blueprint, cluster: Target, run: Run) -> list[Manifest]:
    """What a run needs in its cluster; training waits to be started by its workflow (see workflows)."""
    found = fit(cluster, run)
    if run.kind == "training":
        return []
    if run.kind in ("batch", "data"):
        return [_nightly(blueprint, cluster, run, found)]
    if run.kind == "inference":
        return serving.resources(blueprint, cluster, run, found)
    return _application(blueprint, cluster, run, found)


def job_spec(blueprint: Blueprint, cluster: Target, run: Run) -> Manifest:
    """A job of as many pods as the plan has room for, each with its index; an interrupted pod is no failure."""
    found = fit(cluster, run)
    spec: Manifest = {
        "completionMode": "Indexed",
        "completions": found.pods,
        "parallelism": found.pods,
        "backoffLimit": RETRIES,
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]},
        "ttlSecondsAfterFinished": KEPT_SECONDS,
    }
    template = {"metadata": {"labels": labels(cluster, run)}, "spec": pod(blueprint, cluster, run, found, "Never")}
    return {**spec, "template": template}


def queued(cluster: Target, run: Run) -> dict[str, str]:
    """The labels by which Kueue admits a job; none where no queue is made, for there it would wait for ever."""
    return {QUEUE: "jobs", PRIORITY: priority(run.kind)} if has_queue(cluster) else {}


def _nightly(blueprint: Blueprint, cluster: Target, run: Run, found: Fit) -> Manifest:
    job: Manifest = {
        "metadata": {"labels": run_labels(run) | queued(cluster, run)},
        "spec": job_spec(blueprint, cluster, run),
    }
    spec: Manifest = {
        "schedule": NIGHTLY,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        **({} if run.image else {"suspend": True}),
        "jobTemplate": job,
    }
    return placed("batch/v1", "CronJob", run, spec=spec)


def _application(blueprint: Blueprint, cluster: Target, run: Run, found: Fit) -> list[Manifest]:
    match = {"matchLabels": {NAME: run.name}}
    template = {"metadata": {"labels": labels(cluster, run)}, "spec": pod(blueprint, cluster, run, found)}
    spread = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"}
    template["spec"]["topologySpreadConstraints"] = [{**spread, "labelSelector": match}]
    spec: Manifest = {"selector": match, "template": template}
    if not run.image:
        return [placed("apps/v1", "Deployment", run, spec={"replicas": 0, **spec})]
    least = max(1, min(run.least, found.instances))
    scale = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": run.name},
        "minReplicas": least,
        "maxReplicas": max(least, found.instances),
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": BUSY_PERCENT}},
            }
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM_SECONDS}},
    }
    made = [
        placed("apps/v1", "Deployment", run, spec=spec),
        placed("autoscaling/v2", "HorizontalPodAutoscaler", run, spec=scale),
    ]
    if least > 1:
        made.append(placed("policy/v1", "PodDisruptionBudget", run, spec={"maxUnavailable": 1, "selector": match}))
    return made


def accounts(blueprint: Blueprint, cluster: Target, annotations: dict[str, dict[str, str]]) -> list[Manifest]:
    """One service account for each workload with a run here, as the cloud's own identities name it."""
    names = sorted({run.workload for run in blueprint.runs if run.cluster == cluster.name})
    return [
        manifest(
            "v1",
            "ServiceAccount",
            name,
            WORKLOADS_NAMESPACE,
            annotations=annotations.get(name),
            automountServiceAccountToken=token(cluster),
        )
        for name in names
    ]
