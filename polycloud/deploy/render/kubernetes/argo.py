"""Argo CD over all clusters: one set of applications for each layer, and projects that say what they may touch.

Clusters are registered in Argo CD under their names, with annotations for what is known once Terraform has run (client
ids of identities at Azure, who voters of OpenBao are to their seal); and, when the estate does not say it
(``delivery``), for where these files are kept. Addresses of secrets never stand here.
"""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import GATEWAY_NAMESPACE, INGRESS, OWN_VALUES, WORKLOADS_NAMESPACE
from polycloud.deploy.render import vault as voting
from polycloud.deploy.render.kubernetes import overlays, platform, vault
from polycloud.deploy.render.kubernetes.base import MONITORING
from polycloud.deploy.render.kubernetes.manifests import Manifest, Target, lawful, manifest
from polycloud.deploy.render.vault import SPACE, Node
from polycloud.deploy.yaml import dump, header

FOLDER = "argocd"
PATH = f"{FOLDER}/applications.yaml"
API, NAMESPACE = "argoproj.io/v1alpha1", "argocd"
# Where the files are kept, as annotations of each cluster, where the estate does not say it.
KEPT = tuple(f"polycloud_{word}" for word in ("repository", "revision", "path"))
# Who the gateway of a cluster is in each cloud that it calls models of, which outputs of these clouds' roots tell: an
# annotation of the cluster, and the chart's value.
IDENTITIES = {
    "aws": ("polycloud_aws", "federation.aws.role"),
    "azure": ("polycloud_gateway", "federation.azure.client"),
    "gcp": ("polycloud_gcp", "federation.gcp.audience"),
}
TENANT = ("polycloud_tenant", "federation.azure.tenant")  # where the estate does not say it
SEAL = "polycloud_seal"  # who a cluster's voters are to the seal
# Controllers write their authority into their own webhooks: that is no drift.
FILLED = [
    {
        "group": "admissionregistration.k8s.io",
        "kind": kind,
        "jqPathExpressions": [".webhooks[]?.clientConfig.caBundle"],
    }
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
]
CLIENT = "client_id_"  # so begins an annotation of an Azure cluster; it ends with the workload, - as _
# A definition that is not there yet is tried again for about an hour: charts bring them in their own time.
RETRY = {"limit": 12, "backoff": {"duration": "15s", "factor": 2, "maxDuration": "10m"}}


def files(blueprint: Blueprint, clusters: tuple[Target, ...]) -> dict[str, str]:
    what = {
        f"{FOLDER}/projects.yaml": ("What applications may touch", _projects(blueprint, clusters)),
        f"{FOLDER}/platform.yaml": ("What every cluster has from other projects", _platform(blueprint, clusters)),
        PATH: (
            "polycloud, what is placed, the mesh and OpenBao, in every cluster. Register each cluster first: README.md",
            _applications(blueprint, clusters),
        ),
    }
    found = {path: dump(*made, head=header(text, blueprint.estate, "clusters")) for path, (text, made) in what.items()}
    return found | platform.files(blueprint, clusters) | vault.files(blueprint, clusters, platform.VALUES)


def reads(cluster: Target) -> tuple[str, ...]:
    """What Argo CD takes of other renderers for a cluster; a file of values that is missing it would pass over."""
    name = cluster.name
    paths = (
        f"helm/polycloud/clusters/{name}.yaml",
        f"mesh/istio/{name}/routing.yaml",
        f"mesh/istio/{name}/values.yaml",
    )
    return tuple(f"file:{path}" for path in paths)


def annotations(blueprint: Blueprint, cluster: Target, nodes: tuple[Node, ...]) -> tuple[str, ...]:
    """What the secret of a cluster in Argo CD has to say, by name; ``nodes`` are OpenBao's voters."""
    kept = () if blueprint.delivery is not None else KEPT
    ids = overlays.identities(blueprint, cluster)
    clients = tuple(_client_id(name) for name in ids[0]["data"]) if ids else ()
    sealed = any(node.cluster.name == cluster.name for node in nodes) and vault.told(nodes, cluster)
    return (*kept, *clients, *acts_as(blueprint, cluster), *((SEAL,) if sealed else ()))


def _projects(blueprint: Blueprint, clusters: tuple[Target, ...]) -> list[Manifest]:
    """What the estate places stays in its own namespaces, and makes few things that are not in one. Sources are the
    repositories in use; where the files are kept the estate may leave open, and then they may come from anywhere."""
    names = [cluster.name for cluster in clusters]
    used = platform.charts(blueprint)
    spaces = sorted({chart.namespace for chart in used} | {"default"})
    kept = blueprint.delivery.repository if blueprint.delivery is not None else "*"
    sources = {kept, *(chart.repository for chart in used), *(one.repository for one in platform.DEFINITIONS)}
    charts: Manifest = {
        "description": "What clusters have from other projects",
        "sourceRepos": ["*"] if kept == "*" else sorted(sources),
        "destinations": [{"name": name, "namespace": space} for name in names for space in spaces],
        "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
    }
    own: Manifest = {
        "description": f"The estate {blueprint.estate}",
        "sourceRepos": [kept],
        "destinations": [
            {"name": name, "namespace": space}
            for name in names
            for space in sorted((GATEWAY_NAMESPACE, WORKLOADS_NAMESPACE, MONITORING, INGRESS, "istio-system", SPACE))
        ],
        "clusterResourceWhitelist": [
            {"group": "", "kind": "Namespace"},
            {"group": "storage.k8s.io", "kind": "StorageClass"},
            {"group": "cert-manager.io", "kind": "ClusterIssuer"},
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
            found.append(_charts(blueprint, where, mine, clouds))
    found += _voters(blueprint, where, made_here)
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


def _charts(blueprint: Blueprint, where: str, clusters: tuple[Target, ...], clouds: tuple[str, ...]) -> Manifest:
    words = ("release", "repository", "chart", "version", "namespace", "own")
    mine = [chart for chart in platform.charts(blueprint) if chart.clouds == clouds]
    elements = [{word: getattr(chart, word) for word in words} for chart in mine]
    values = [
        f"$estate/{_under(blueprint, platform.VALUES)}/{{{{ .release }}}}.yaml",
        f"$estate/{_under(blueprint, '{{ printf .own .name }}')}",
    ]
    chart: Manifest = {
        "repoURL": "{{ .repository }}",
        "chart": "{{ .chart }}",
        "targetRevision": "{{ .version }}",
        "helm": {"releaseName": "{{ .release }}", "valueFiles": values, "ignoreMissingValueFiles": True},
    }
    generator = {"matrix": {"generators": [_clusters(clusters), {"list": {"elements": elements}}]}}
    sources = [chart, {**_git(blueprint), "ref": "estate"}]
    template = _application("{{ .release }}-{{ .name }}", where, "{{ .namespace }}", sources, server=True)
    return _set("-".join(("charts", *clouds)), generator, template)


def _voters(blueprint: Blueprint, where: str, clusters: tuple[Target, ...]) -> list[Manifest]:
    """OpenBao's voters where they stand; those that a foreign cloud's key unseals are told who they are to it."""
    nodes = voting.voters(blueprint)
    homes = {node.cluster.name for node in nodes}
    found = []
    for variable in sorted({vault.told(nodes, cluster) for cluster in clusters if cluster.name in homes}):
        mine = tuple(c for c in clusters if c.name in homes and vault.told(nodes, c) == variable)
        helm: Manifest = {
            "releaseName": "vault",
            "valueFiles": [
                f"$estate/{_under(blueprint, platform.VALUES)}/vault.yaml",
                f"$estate/{_under(blueprint, platform.VALUES)}/{{{{ .name }}}}/vault.yaml",
            ],
        }
        if variable:
            value = f"{{{{ .metadata.annotations.{SEAL} }}}}"
            helm["parameters"] = [{"name": f"server.extraEnvironmentVars.{variable}", "value": value}]
        bao = platform.OPENBAO
        chart = {"repoURL": bao.repository, "chart": bao.chart, "targetRevision": bao.version, "helm": helm}
        sources = [chart, {**_git(blueprint), "ref": "estate"}]
        template = _application("openbao-{{ .name }}", where, SPACE, sources, server=True)
        found.append(_set("vault-abroad" if variable else "vault", _clusters(mine), template))
    return found


def _applications(blueprint: Blueprint, clusters: tuple[Target, ...]) -> list[Manifest]:
    made_here = tuple(cluster for cluster in clusters if cluster.ours)
    where = project(blueprint)
    chart: Manifest = {
        **_git(blueprint, "helm/polycloud"),
        # The second one is a person's: the image, and what else differs from what is rendered.
        "helm": {
            "releaseName": "polycloud",
            "valueFiles": ["clusters/{{ .name }}.yaml", OWN_VALUES],
            "ignoreMissingValueFiles": True,
        },
    }
    overlay = _git(blueprint, f"{overlays.FOLDER}/{{{{ .name }}}}")
    mesh: list[Manifest] = [
        {**_git(blueprint, "mesh/istio/base"), "directory": {"recurse": False}},
        {**_git(blueprint, "mesh/istio/{{ .name }}"), "directory": {"include": "routing.yaml"}},
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
        for cloud in sorted({cluster.site.cloud for cluster in made_here}):
            mine = tuple(cluster for cluster in made_here if cluster.site.cloud == cloud)
            source = _acting(chart, acts_as(blueprint, mine[0]))
            application = _application("gateway-{{ .name }}", where, GATEWAY_NAMESPACE, [source])
            sets.append(_set(f"gateway-{cloud}", _clusters(mine), application))
        sets += [
            _set("mesh", _clusters(made_here), _application("mesh-{{ .name }}", where, "istio-system", mesh)),
        ]
    if made_here and voting.voters(blueprint):
        beside = [_git(blueprint, f"{vault.FOLDER}/{part}") for part in ("base", "{{ .name }}")]
        sets.append(_set("secrets", _clusters(made_here), _application("secrets-{{ .name }}", where, SPACE, beside)))
    return sets


def acts_as(blueprint: Blueprint, cluster: Target) -> dict[str, str]:
    """By annotation of a cluster, the chart's value that says who its gateway is in a cloud whose models it calls. The
    same for all clusters of a cloud. Pods on EKS and GKE need not be told who they are at home; AKS is, in its way."""
    if not cluster.ours:
        return {}
    called = {service.site.cloud for service in blueprint.services}
    found = {a: value for cloud, (a, value) in IDENTITIES.items() if cloud in called - {cluster.site.cloud}}
    if IDENTITIES["azure"][0] in found and not blueprint.accounts.get("azure", {}).get("tenant"):
        found |= dict([TENANT])
    if cluster.site.cloud == "azure" and "azure" in called:
        found[IDENTITIES["azure"][0]] = "serviceAccount.annotations." + overlays.CLIENT_ID.replace(".", "\\.")
    return found


def _acting(chart: Manifest, who: dict[str, str]) -> Manifest:
    """The chart with who the gateway is, which is known once Terraform has run."""
    given = [
        {"name": value, "value": f"{{{{ .metadata.annotations.{annotation} }}}}", "forceString": True}
        for annotation, value in who.items()
    ]
    return {**chart, "helm": {**chart["helm"], "parameters": given}} if given else chart


def _git(blueprint: Blueprint, path: str = "") -> Manifest:
    """A folder of the rendered files, or the repository as a whole."""
    kept = blueprint.delivery
    if kept is not None:
        repository, revision = kept.repository, kept.revision
    else:
        repository, revision = (f"{{{{ .metadata.annotations.{word} }}}}" for word in KEPT[:2])
    found = {"repoURL": repository, "targetRevision": revision}
    return {**found, "path": _under(blueprint, path)} if path else found


def _under(blueprint: Blueprint, path: str) -> str:
    kept = blueprint.delivery
    root = f"{{{{ .metadata.annotations.{KEPT[2]} }}}}" if kept is None else kept.path
    return path if root == "." else f"{root}/{path}"


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
                    "value": f"{{{{ .metadata.annotations.{_client_id(name)} }}}}",
                }
                for name in held[0]["data"]
            ]
            patch = {"target": {"kind": "ConfigMap", "name": overlays.IDENTITIES}, "patch": dump_list(changes)}
            body = {
                "spec": {
                    "sources": [
                        {**_git(blueprint, f"{overlays.FOLDER}/{cluster.name}"), "kustomize": {"patches": [patch]}}
                    ]
                }
            }
            word = "else if" if parts else "if"
            parts.append(f'{{{{- {word} eq .name "{cluster.name}" }}}}\n{dump(body)}')
    return "".join((*parts, "{{- else }}\n{}\n{{- end }}\n")) if parts else ""


def _client_id(workload: str) -> str:
    return CLIENT + workload.replace("-", "_")


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
        options += ["ServerSideApply=true", "RespectIgnoreDifferences=true"]
    return {
        "metadata": {"name": name},
        "spec": {
            **({"ignoreDifferences": FILLED} if server else {}),
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
