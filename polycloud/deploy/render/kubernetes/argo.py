"""Argo CD over all clusters: one set of applications for each layer, and projects that say what they may touch.

Clusters are registered in Argo CD under their names, with annotations that no estate holds: where these files are
kept (``polycloud_repository``, ``polycloud_revision``, ``polycloud_path``), and at Azure the client ids of
identities. Addresses of secrets never stand here.
"""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE
from polycloud.deploy.render.kubernetes import overlays, platform
from polycloud.deploy.render.kubernetes.base import INGRESS, MONITORING
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, lawful, manifest
from polycloud.deploy.yaml import dump, header

FOLDER = "argocd"
PATH = f"{FOLDER}/applications.yaml"
API, NAMESPACE = "argoproj.io/v1alpha1", "argocd"
REPOSITORY = "{{ .metadata.annotations.polycloud_repository }}"
REVISION = "{{ .metadata.annotations.polycloud_revision }}"
ROOT = "{{ .metadata.annotations.polycloud_path }}"
REGISTER = (
    "Register each cluster first: argocd cluster add CONTEXT --name CLUSTER --label polycloud.dev/cluster=CLUSTER "
    "--annotation polycloud_repository=ADDRESS --annotation polycloud_revision=main --annotation polycloud_path=FOLDER"
)
CLIENT = "client_id_"  # so begins an annotation of an Azure cluster; it ends with the workload, - as _
# A definition that is not there yet is tried again for about an hour: charts bring them in their own time.
RETRY = {"limit": 12, "backoff": {"duration": "15s", "factor": 2, "maxDuration": "10m"}}


def files(blueprint: Blueprint, clusters: tuple[Target, ...]) -> dict[str, str]:
    what = {
        f"{FOLDER}/projects.yaml": ("What applications may touch", _projects(blueprint, clusters)),
        f"{FOLDER}/platform.yaml": ("What every cluster has from other projects", _platform(blueprint, clusters)),
        PATH: (
            f"polycloud, what is placed, and the mesh, in every cluster. {REGISTER}",
            _applications(blueprint, clusters),
        ),
    }
    found = {path: dump(*made, head=header(text, blueprint.estate, "clusters")) for path, (text, made) in what.items()}
    return found | platform.files(blueprint, clusters)


def _projects(blueprint: Blueprint, clusters: tuple[Target, ...]) -> list[Manifest]:
    """What the estate places stays in its own namespaces, and makes few things that are not in one. Where the files
    are kept is not in the estate, so the projects take any source."""
    names = [cluster.name for cluster in clusters]
    spaces = sorted({chart.namespace for chart in platform.CHARTS} | {"default"})
    charts: Manifest = {
        "description": "What clusters have from other projects",
        "sourceRepos": ["*"],
        "destinations": [{"name": name, "namespace": space} for name in names for space in spaces],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    own: Manifest = {
        "description": f"The estate {blueprint.estate}",
        "sourceRepos": ["*"],
        "destinations": [
            {"name": name, "namespace": space}
            for name in names
            for space in sorted((GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE, MONITORING, INGRESS, "istio-system"))
        ],
        "clusterResourceWhitelist": [
            {"group": "", "kind": "Namespace"},
            {"group": "storage.k8s.io", "kind": "StorageClass"},
            {"group": "kueue.x-k8s.io", "kind": "ClusterQueue"},
            {"group": "kueue.x-k8s.io", "kind": "ResourceFlavor"},
            {"group": "kueue.x-k8s.io", "kind": "WorkloadPriorityClass"},
        ],
    }
    return [
        manifest(API, "AppProject", project(blueprint), NAMESPACE, spec=own),
        manifest(API, "AppProject", f"{project(blueprint)}-platform", NAMESPACE, spec=charts),
    ]


def project(blueprint: Blueprint) -> str:
    return lawful(blueprint.estate)


def _platform(blueprint: Blueprint, clusters: tuple[Target, ...]) -> list[Manifest]:
    """Charts with their values beside them, those of some clouds apart, and the definitions that two projects keep in
    their repositories."""
    where = f"{project(blueprint)}-platform"
    made_here = tuple(cluster for cluster in clusters if cluster.ours)
    found = []
    for clouds in sorted({chart.clouds for chart in platform.CHARTS}):
        mine = tuple(c for c in made_here if not clouds or c.site.cloud in clouds)
        if mine:
            found.append(_charts(where, mine, clouds))
    lacking = tuple(c for c in made_here if c.site.cloud != platform.BRINGS_DEFINITIONS)
    if lacking:
        kept = [
            {"project": d.name, "repository": d.repository, "version": d.version, "path": d.path}
            for d in platform.DEFINITIONS
        ]
        source = {"repoURL": "{{ .repository }}", "targetRevision": "{{ .version }}", "path": "{{ .path }}"}
        generator = {"matrix": {"generators": [_clusters(lacking), {"list": {"elements": kept}}]}}
        template = _application("{{ .project }}-{{ .name }}", where, "default", [source], server=True)
        found.append(_set("definitions", generator, template))
    return found


def _charts(where: str, clusters: tuple[Target, ...], clouds: tuple[str, ...]) -> Manifest:
    words = ("release", "repository", "chart", "version", "namespace", "own")
    elements = [{word: getattr(chart, word) for word in words} for chart in platform.CHARTS if chart.clouds == clouds]
    values = [
        f"$estate/{ROOT}/{platform.VALUES}/{{{{ .release }}}}.yaml",
        f"$estate/{ROOT}/{{{{ printf .own .name }}}}",
    ]
    chart: Manifest = {
        "repoURL": "{{ .repository }}",
        "chart": "{{ .chart }}",
        "targetRevision": "{{ .version }}",
        "helm": {"releaseName": "{{ .release }}", "valueFiles": values, "ignoreMissingValueFiles": True},
    }
    estate: Manifest = {"repoURL": REPOSITORY, "targetRevision": REVISION, "ref": "estate"}
    generator = {"matrix": {"generators": [_clusters(clusters), {"list": {"elements": elements}}]}}
    template = _application("{{ .release }}-{{ .name }}", where, "{{ .namespace }}", [chart, estate], server=True)
    return _set("-".join(("charts", *clouds)), generator, template)


def _applications(blueprint: Blueprint, clusters: tuple[Target, ...]) -> list[Manifest]:
    made_here = tuple(cluster for cluster in clusters if cluster.ours)
    where = project(blueprint)
    chart: Manifest = {
        **_git("helm/polycloud"),
        "helm": {"releaseName": "polycloud", "valueFiles": ["clusters/{{ .name }}.yaml"]},
    }
    overlay = _git(f"{overlays.FOLDER}/{{{{ .name }}}}")
    mesh: list[Manifest] = [
        {**_git("mesh/istio/base"), "directory": {"recurse": False}},
        {**_git("mesh/istio/{{ .name }}"), "directory": {"include": "routing.yaml"}},
    ]
    sets = [
        _set(
            "estate",
            _clusters(clusters),
            _application("estate-{{ .name }}", where, WORKLOADS_NAMESPACE, [overlay]),
            patch=_client_ids(blueprint, clusters),
        )
    ]
    if made_here:
        sets += [
            _set(
                "gateway", _clusters(made_here), _application("gateway-{{ .name }}", where, GATEWAY_NAMESPACE, [chart])
            ),
            _set("mesh", _clusters(made_here), _application("mesh-{{ .name }}", where, "istio-system", mesh)),
        ]
    return sets


def _git(path: str) -> Manifest:
    return {"repoURL": REPOSITORY, "targetRevision": REVISION, "path": f"{ROOT}/{path}"}


def _clusters(clusters: tuple[Target, ...]) -> Manifest:
    """The clusters by name, as their secrets in Argo CD are labelled."""
    named = {"key": "polycloud.dev/cluster", "operator": "In", "values": [cluster.name for cluster in clusters]}
    return {"clusters": {"selector": {"matchExpressions": [named]}}}


def _client_ids(blueprint: Blueprint, clusters: tuple[Target, ...]) -> str:
    """At Azure the map of client ids is filled from annotations of the cluster's secret; one that is missing there
    stops the set instead of leaving a pod without its identity."""
    parts: list[str] = []
    for cluster in clusters:
        held = overlays.identities(blueprint, cluster)
        if held:
            changes = [
                {
                    "op": "replace",
                    "path": f"/data/{name}",
                    "value": f"{{{{ .metadata.annotations.{CLIENT}{name.replace('-', '_')} }}}}",
                }
                for name in held[0]["data"]
            ]
            patch = {"target": {"kind": "ConfigMap", "name": overlays.IDENTITIES}, "patch": dump_list(changes)}
            body = {
                "spec": {"sources": [{**_git(f"{overlays.FOLDER}/{cluster.name}"), "kustomize": {"patches": [patch]}}]}
            }
            word = "else if" if parts else "if"
            parts.append(f'{{{{- {word} eq .name "{cluster.name}" }}}}\n{dump(body)}')
    return "".join((*parts, "{{- else }}\n{}\n{{- end }}\n")) if parts else ""


def dump_list(changes: list[dict[str, str]]) -> str:
    """A JSON patch, which is a list and not a map."""
    whole = dump({"patch": changes})
    return "".join(line[2:] + "\n" for line in whole.splitlines()[1:])


def _set(name: str, generator: Manifest, template: Manifest, patch: str = "") -> Manifest:
    spec: Manifest = {
        "goTemplate": True,
        "goTemplateOptions": ["missingkey=error"],
        "generators": [generator],
        "template": template,
    }
    if patch:
        spec["templatePatch"] = patch
    return manifest(API, "ApplicationSet", name, NAMESPACE, spec=spec)


def _application(name: str, project: str, space: str, sources: list[Manifest], server: bool = False) -> Manifest:
    """``server``: large definitions do not fit into the annotation of a client-side apply."""
    options = ["CreateNamespace=true", "SkipDryRunOnMissingResource=true"]
    if server:
        options.append("ServerSideApply=true")
    return {
        "metadata": {"name": name},
        "spec": {
            "project": project,
            "destination": {"name": "{{ .name }}", "namespace": space},
            "sources": sources,
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": options,
                "retry": RETRY,
            },
        },
    }
