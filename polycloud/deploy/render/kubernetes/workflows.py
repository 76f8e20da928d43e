"""Argo Workflows: data come in, a model is trained on accelerators, and the registry learns of it.

A workflow makes jobs in its own cluster alone. Work that feeds it from another one runs there every night; its step
waits here until a person hands over, by the commands in the description.
"""

import shlex

from polycloud.deploy.blueprint import Blueprint, Cluster, Run
from polycloud.deploy.conventions import WORKLOADS_NAMESPACE
from polycloud.deploy.render.kubernetes import jobs
from polycloud.deploy.render.kubernetes.machines import fit
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, lawful, manifest, placed, run_labels, runs_on
from polycloud.deploy.render.kubernetes.pods import SCRATCH, SHELL_LIKE, TRACKING, address, copy_of, labels, security
from polycloud.deploy.yaml import dump, header

API = "argoproj.io/v1alpha1"
ACCOUNT = "polycloud-workflows"
MLFLOW_IMAGE = "ghcr.io/mlflow/mlflow:v3.14.0"  # the version of the chart in platform.py
# Registers what the training wrote as a new version of the model, and fails when there is nothing there.
REGISTER = (
    "import os, mlflow\n"
    "made = mlflow.register_model(os.environ['MODEL_URI'], os.environ['MODEL_NAME'])\n"
    "print(made.name, made.version)\n"
)
SMALL = {"requests": {"cpu": "250m", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}}


def folder(cluster: Cluster) -> str:
    return f"workflows/{cluster.name}"


def has(blueprint: Blueprint, cluster: Target) -> bool:
    return any(run.kind == "training" for run in runs_on(blueprint, cluster))


def files(blueprint: Blueprint, cluster: Target) -> dict[str, str]:
    """A template for each training that is placed in the cluster, and the right to start its jobs."""
    trained = [run for run in runs_on(blueprint, cluster) if run.kind == "training"]
    if not trained:
        return {}
    at = folder(cluster)
    found = {
        f"{at}/rights.yaml": dump(
            *_rights(trained), head=header("What workflows may do", blueprint.estate, "workloads")
        ),
    }
    for run in trained:
        template = _template(blueprint, cluster, run)
        steps = dict.fromkeys(
            task["name"].partition("-")[0] for task in template["spec"]["templates"][0]["dag"]["tasks"]
        )
        told = f"Training of {run.workload}: {', '.join(steps)}"
        head = header(told, blueprint.estate, f"workloads.{run.workload}")
        found[f"{at}/{run.name}.yaml"] = dump(template, head=head)
    kustomization: Manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["rights.yaml", *sorted(f"{run.name}.yaml" for run in trained)],
    }
    head = header(f"Workflows of {cluster.name}", blueprint.estate, "workloads")
    return {f"{at}/kustomization.yaml": dump(kustomization, head=head), **found}


def _template(blueprint: Blueprint, cluster: Target, run: Run) -> Manifest:
    """Ingest what other work prepares, then train, then register: each step waits for those before."""
    feeding = _feeding(_writers(blueprint), run)
    templates: list[Manifest] = []
    tasks: list[Manifest] = []
    for one, before in feeding.items():
        step = _job(blueprint, cluster, one) if one.cluster == cluster.name else {"suspend": {}}
        templates.append({"name": ingests(one), **step})
        tasks.append(_task(ingests(one), [ingests(r) for r in before]))
    tasks.append(_task("train", [ingests(r) for r in feeding if set(r.writes) & set(run.reads)]))
    templates.append({"name": "train", **_job(blueprint, cluster, run)})
    for dataset in run.writes:
        bucket = copy_of(blueprint, cluster, dataset)
        if bucket is not None:
            name = f"register-{lawful(dataset)}"
            tasks.append(_task(name, ["train"]))
            templates.append({"name": name, **_register(cluster, run, dataset, address(blueprint, bucket, dataset))})
    spec: Manifest = {
        "entrypoint": "all",
        "serviceAccountName": ACCOUNT,
        "podGC": {"strategy": "OnPodSuccess"},
        "ttlStrategy": {"secondsAfterCompletion": jobs.KEPT_SECONDS},
        "securityContext": security(),
        "templates": [{"name": "all", "dag": {"tasks": tasks}}, *templates],
    }
    if not run.image:
        spec["suspend"] = True
    told = [_handed_over(one) for one in feeding if one.cluster != cluster.name]
    annotations = {"workflows.argoproj.io/description": "\n".join(told)} if told else {}
    return placed(API, "WorkflowTemplate", run, spec=spec, annotations=annotations)


def ingests(run: Run) -> str:
    return f"ingest-{run.name}"


def abroad(blueprint: Blueprint, run: Run) -> list[Run]:
    """What feeds a training from other clusters."""
    return [one for one in _feeding(_writers(blueprint), run) if one.cluster != run.cluster]


def _writers(blueprint: Blueprint) -> dict[str, list[Run]]:
    """By dataset, the work that prepares it."""
    found: dict[str, list[Run]] = {}
    for run in blueprint.runs:
        for dataset in run.writes if run.kind in ("data", "batch") else ():
            found.setdefault(dataset, []).append(run)
    return found


def _feeding(writers: dict[str, list[Run]], run: Run) -> dict[Run, list[Run]]:
    """The work that prepares what a run reads, wherever it is placed, and what feeds that in turn, each with those that
    it waits for. Of a circle the last one waits for nobody."""
    found: dict[Run, list[Run]] = {}

    def before(one: Run, above: tuple[Run, ...]) -> list[Run]:
        mine = [r for r in dict.fromkeys(w for d in one.reads for w in writers.get(d, ())) if r not in above]
        for other in mine:
            if other not in found:
                found[other] = before(other, (*above, other))
        return mine

    before(run, (run,))
    return found


def _task(name: str, before: list[str]) -> Manifest:
    return {"name": name, "template": name, **({"dependencies": before} if before else {})}


def _handed_over(run: Run) -> str:
    at = f"kubectl --context {shlex.quote(run.cluster)} -n {WORKLOADS_NAMESPACE}"
    return (
        f"{ingests(run)} waits for {run.name} in {run.cluster}. Run it there and hand over: "
        f"{at} create job {run.name}-now --from=cronjob/{run.name} && "
        f"{at} wait --for=condition=complete --timeout=-1s job/{run.name}-now && "
        f"argo resume -n {WORKLOADS_NAMESPACE} WORKFLOW --node-field-selector displayName={ingests(run)}"
    )


def _job(blueprint: Blueprint, cluster: Target, run: Run) -> Manifest:
    """A step that makes a Job and waits for it: Kueue admits it like any other."""
    job: Manifest = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": f"{run.name}-",
            "namespace": WORKLOADS_NAMESPACE,
            "labels": run_labels(run) | jobs.queued(cluster, run),
        },
        "spec": jobs.job_spec(blueprint, cluster, run),
    }
    pods = fit(cluster, run).pods
    return {
        "resource": {
            "action": "create",
            "setOwnerReference": True,
            "successCondition": f"status.succeeded == {pods}",
            "failureCondition": f"status.failed > {jobs.RETRIES}",
            "manifest": dump(job),
        }
    }


def _register(cluster: Target, run: Run, dataset: str, uri: str) -> Manifest:
    env = {"HOME": SCRATCH, "MLFLOW_TRACKING_URI": TRACKING, "MODEL_NAME": dataset, "MODEL_URI": uri}
    return {
        "metadata": {"labels": labels(cluster, run)},
        "serviceAccountName": run.workload,
        "automountServiceAccountToken": True,  # Argo's executor tells the result with it
        "volumes": [{"name": "scratch", "emptyDir": {}}],
        "container": {
            "image": MLFLOW_IMAGE,
            "command": ["python", "-c", REGISTER],
            "env": [{"name": name, "value": text} for name, text in env.items()],
            "resources": SMALL,
            "securityContext": SHELL_LIKE,
            "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
        },
    }


def _rights(trained: list[Run]) -> list[Manifest]:
    """The steps' account may make jobs; that of each workload may tell what came of its step."""
    jobs_rule = {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "watch", "delete"]}
    results = {"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}
    workloads = sorted({run.workload for run in trained})
    return [
        manifest("v1", "ServiceAccount", ACCOUNT, WORKLOADS_NAMESPACE),
        *_may(ACCOUNT, [jobs_rule, results], [ACCOUNT]),
        *_may(f"{ACCOUNT}-results", [results], workloads),
    ]


def _may(name: str, rules: list[Manifest], accounts: list[str]) -> list[Manifest]:
    api = "rbac.authorization.k8s.io"
    subjects = [{"kind": "ServiceAccount", "name": one, "namespace": WORKLOADS_NAMESPACE} for one in accounts]
    role = {"apiGroup": api, "kind": "Role", "name": name}
    return [
        manifest(f"{api}/v1", "Role", name, WORKLOADS_NAMESPACE, rules=rules),
        manifest(f"{api}/v1", "RoleBinding", name, WORKLOADS_NAMESPACE, roleRef=role, subjects=subjects),
    ]
