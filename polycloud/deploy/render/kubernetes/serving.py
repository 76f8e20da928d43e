"""Inference: KServe serves a model of the estate by LLMInferenceService, and a container of one's own by
InferenceService. One without an image or weights is written as stopped."""

from polycloud.deploy.blueprint import Blueprint, Run
from polycloud.deploy.conventions import WORKLOADS_NAMESPACE
from polycloud.deploy.render.kubernetes.base import MODELS_GATEWAY
from polycloud.deploy.render.kubernetes.machines import Fit, selection
from polycloud.deploy.render.kubernetes.machines import resources as asked
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, placed
from polycloud.deploy.render.kubernetes.pods import (
    address,
    container,
    copy_of,
    environment,
    labels,
    pod,
    security,
)

STOPPED = {"serving.kserve.io/stop": "true"}
STANDARD = {"serving.kserve.io/deploymentMode": "Standard"}  # without Knative: KServe 0.20's own resources
MODELS_LAYER = "models"
READABLE = ("s3://", "gs://", "https://", "hf://")  # what KServe's storage initializer fetches


def resources(blueprint: Blueprint, cluster: Target, run: Run, found: Fit) -> list[Manifest]:
    if run.serves:
        return [_model(blueprint, cluster, run, found)]
    return [_own(blueprint, cluster, run, found)]


def weights(blueprint: Blueprint, cluster: Target, run: Run) -> str:
    """Where the weights are: a dataset of the layer of models that the run reads, else where the estate says that
    its servers have them from; "" where neither is known."""
    for dataset in run.reads:
        bucket = copy_of(blueprint, cluster, dataset)
        if bucket is not None and bucket.layers == (MODELS_LAYER,):
            found = address(blueprint, bucket, dataset)
            return found if found.startswith(READABLE) else ""
    return run.weights


def _model(blueprint: Blueprint, cluster: Target, run: Run, found: Fit) -> Manifest:
    uri = weights(blueprint, cluster, run)
    main: Manifest = {"name": "main", **({"image": run.image} if run.image else {})}
    main["env"] = environment(blueprint, cluster, run, scratch="")
    if asked(found):
        main["resources"] = asked(found)
    spec: Manifest = {
        "model": {"uri": uri or f"pvc://models/{run.serves}", "name": run.serves},
        "labels": labels(cluster, run),
        "replicas": found.instances,
        "parallelism": {"tensor": max(1, found.accelerators)},
        "router": {
            "gateway": {"refs": [{"name": MODELS_GATEWAY, "namespace": WORKLOADS_NAMESPACE}]},
            "route": {},
            "scheduler": {},
        },
        "template": {"serviceAccountName": run.workload, **selection(found.pool), "containers": [main]},
    }
    given = {} if uri else STOPPED
    return placed("serving.kserve.io/v1alpha2", "LLMInferenceService", run, annotations=given, spec=spec)


def _own(blueprint: Blueprint, cluster: Target, run: Run, found: Fit) -> Manifest:
    least = max(1, min(run.least, found.instances))
    whole = pod(blueprint, cluster, run, found)
    predictor: Manifest = {
        "minReplicas": least,
        "maxReplicas": max(least, found.instances),
        "labels": labels(cluster, run),
        "serviceAccountName": run.workload,
        **selection(found.pool),
        "securityContext": security(),
        "containers": [container(blueprint, cluster, run, found, "kserve-container")],
        "volumes": whole["volumes"],
    }
    given = STANDARD | ({} if run.image else STOPPED)
    return placed(
        "serving.kserve.io/v1beta1", "InferenceService", run, annotations=given, spec={"predictor": predictor}
    )
