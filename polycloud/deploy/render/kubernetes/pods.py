"""The pod of a placed run: where it may go, what it asks for, what it may not do, where its data are."""

from polycloud.deploy.blueprint import Blueprint, Bucket, Cluster, Run
from polycloud.deploy.derive.identity import nearest
from polycloud.deploy.render.kubernetes.base import MLFLOW, MLFLOW_PORT
from polycloud.deploy.render.kubernetes.machines import Fit, resources, selection
from polycloud.deploy.render.kubernetes.manifests import Manifest, run_labels, value

UNSET = "unset"  # the tag of an image that the estate does not name: what runs it waits until it does
TRACKING = f"http://mlflow.{MLFLOW}.svc.cluster.local:{MLFLOW_PORT}"
USER = 65532  # "nonroot" of distroless images; any number but 0 will do
SCRATCH, SCRATCH_SIZE = "/scratch", "10Gi"
SHELL_LIKE = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


def image(run: Run) -> str:
    return run.image or f"{value(run.workload).lower()}:{UNSET}"


def pod(blueprint: Blueprint, cluster: Cluster, run: Run, found: Fit, restart: str = "") -> Manifest:
    """A pod's spec. Files can be written to /scratch alone, which goes with the pod."""
    spec: Manifest = {
        "serviceAccountName": run.workload,
        "automountServiceAccountToken": token(cluster),
        **({"restartPolicy": restart} if restart else {}),
        **selection(found.pool),
        "securityContext": security(),
        "containers": [container(blueprint, cluster, run, found)],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH_SIZE}}],
    }
    return spec


def labels(cluster: Cluster, run: Run) -> dict[str, str]:
    """A pod's labels: the run's, and at Azure the one that asks for its account's identity."""
    return run_labels(run) | ({"azure.workload.identity/use": "true"} if cluster.site.cloud == "azure" else {})


def token(cluster: Cluster) -> bool:
    """Whether pods get their account's token: OKE's workload identity reads it; elsewhere nothing asks for it."""
    return cluster.site.cloud == "oci"


def security() -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container(blueprint: Blueprint, cluster: Cluster, run: Run, found: Fit, name: str = "main") -> Manifest:
    spec: Manifest = {"name": name, "image": image(run)}
    if run.command:
        spec["command"] = [*run.command]
    spec["env"] = environment(blueprint, cluster, run)
    asked = resources(found)
    if asked:
        spec["resources"] = asked
    return {**spec, "securityContext": SHELL_LIKE, "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}]}


def environment(blueprint: Blueprint, cluster: Cluster, run: Run, scratch: str = SCRATCH) -> list[Manifest]:
    """Where the run is and where its data are: DATASET_CLICKS is the address of the nearest lawful copy."""
    given = {"POLYCLOUD_SITE": cluster.site.id}
    if scratch:
        given |= {"HOME": scratch, "TMPDIR": scratch}
    for dataset in sorted({*run.reads, *run.writes}):
        bucket = copy_of(blueprint, cluster, dataset)
        if bucket is not None:
            given[variable(dataset)] = address(blueprint, bucket, dataset)
    if run.kind == "training":
        given["MLFLOW_TRACKING_URI"] = TRACKING
    return [{"name": key, "value": text} for key, text in sorted(given.items())]


def variable(dataset: str) -> str:
    return "DATASET_" + "".join(c if c.isalnum() else "_" for c in dataset).upper()


def copy_of(blueprint: Blueprint, cluster: Cluster, dataset: str) -> Bucket | None:
    """The bucket that holds a dataset: at the cluster's site, else in its cloud, else the first."""
    return nearest(blueprint.buckets, cluster.site.id, dataset)


def address(blueprint: Blueprint, bucket: Bucket, dataset: str) -> str:
    """Where a dataset lies, in the words of its cloud: its folder where it has one layer, else the whole bucket."""
    folder = f"{bucket.layers[0]}/{bucket.folder(dataset)}/" if len(bucket.layers) == 1 else ""
    if bucket.site.cloud == "gcp":
        return f"gs://{bucket.physical}/{folder}"
    if bucket.site.cloud == "azure":
        return f"https://{bucket.physical}.blob.core.windows.net/{folder}"
    if bucket.site.cloud == "oci":
        space = blueprint.accounts.get("oci", {}).get("namespace", "")
        return f"oci://{bucket.physical}{'@' + space if space else ''}/{folder}"
    return f"s3://{bucket.physical}/{folder}"
