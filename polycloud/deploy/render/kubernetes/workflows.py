"""Argo Workflows: data come in, a model is trained on accelerators, and the registry learns of it."""

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
    """Ingest what other work prepares here, then train, then register: each step waits for the one before."""
    feeding = [r for r in runs_on(blueprint, cluster) if r.kind in ("data", "batch") and set(r.writes) & set(run.reads)]
    templates: list[Manifest] = [{"name": f"ingest-{r.name}", **_job(blueprint, cluster, r)} for r in feeding]
    tasks: list[Manifest] = [{"name": t["name"], "template": t["name"]} for t in templates]
    train: Manifest = {"name": "train", "template": "train"}
    if tasks:
        train["dependencies"] = [t["name"] for t in tasks]
    tasks.append(train)
    templates.append({"name": "train", **_job(blueprint, cluster, run)})
    for dataset in run.writes:
        bucket = copy_of(blueprint, cluster, dataset)
        if bucket is not None:
            name = f"register-{lawful(dataset)}"
            tasks.append({"name": name, "template": name, "dependencies": ["train"]})
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
    return placed(API, "WorkflowTemplate", run, spec=spec)


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
