"""Words that manifests share: labels, namespaces, the shape of a resource."""

import re
from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster, Run, Where
from polycloud.deploy.conventions import WORKLOADS_NAMESPACE
from polycloud.deploy.derive.names import made

Manifest = dict[str, Any]
DOMAIN = "polycloud.dev"
SITE, CLUSTER, ENVIRONMENT = f"{DOMAIN}/site", f"{DOMAIN}/cluster", f"{DOMAIN}/environment"
WORKLOAD, KIND, CLASS, SERVES = (f"{DOMAIN}/{word}" for word in ("workload", "kind", "class", "serves"))
NAME, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
STORAGE_CLASS = "polycloud-block"  # the same name in every cloud, so that charts need not know where they run
LABEL_MAX = 63  # characters of a label's value, kubernetes.io/docs/concepts/overview/working-with-objects/labels


class Target(Cluster, frozen=True):
    """A cluster that manifests are written for: one of the blueprint's, or a hall's own that runs are placed on."""

    ours: bool = True


def targets(blueprint: Blueprint) -> tuple[Target, ...]:
    """Every cluster that gets manifests, by name. Those of halls have no pools of ours."""
    found = {c.name: Target(c.name, c.site, c.version, c.pools, c.was) for c in blueprint.clusters}
    for run in blueprint.runs:
        if run.cluster not in found:
            at = run.site or run.cluster.replace("-", "/", 1)
            cloud, _, region = at.partition("/")
            site = Where(at, cloud, region, "")
            found[run.cluster] = Target(run.cluster, site, "", (), ours=False)
    return tuple(found[name] for name in sorted(found))


def runs_on(blueprint: Blueprint, cluster: Cluster) -> tuple[Run, ...]:
    return tuple(run for run in blueprint.runs if run.cluster == cluster.name)


def manifest(api: str, kind: str, name: str, namespace: str = "", **body: Any) -> Manifest:
    """A resource; ``labels`` and ``annotations`` go into its metadata, all else is its body."""
    metadata: Manifest = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    for word in ("labels", "annotations"):
        given = body.pop(word, None)
        if given:
            metadata[word] = given
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def placed(api: str, kind: str, run: Run, **body: Any) -> Manifest:
    """A resource of a placed run."""
    return manifest(api, kind, run.name, WORKLOADS_NAMESPACE, labels=run_labels(run) | body.pop("labels", {}), **body)


def run_labels(run: Run) -> dict[str, str]:
    """Who it is, and the classes of the data that it touches."""
    found = {NAME: run.name, PART_OF: value(run.workload), WORKLOAD: value(run.workload), KIND: run.kind}
    found |= {f"{CLASS}-{name}": "true" for name in run.data_class.split()}
    if run.serves:
        found[SERVES] = value(run.serves)
    return found


def lawful(text: str) -> str:
    """A text as the name of a resource; what had to be changed leaves a digest of the text."""
    return made("kubernetes", "account", text)


def value(text: str) -> str:
    """A text as a label's value: what it may not hold becomes a dash."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:LABEL_MAX].strip("-._")
