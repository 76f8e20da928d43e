"""The Helm chart of polycloud itself: its templates are the same for all estates, its values come from the estate."""

from importlib import resources

import msgspec

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.conventions import OWN_VALUES
from polycloud.deploy.ports import Reference, Rendered
from polycloud.deploy.render.helm import values
from polycloud.deploy.steering import regions
from polycloud.deploy.yaml import dump, header

FOLDER = "helm/polycloud"
TEMPLATES = (
    "_helpers.tpl",
    "account.yaml",
    "autoscaler.yaml",
    "disruption.yaml",
    "estate.yaml",
    "federation.yaml",
    "network-policy.yaml",
    "services.yaml",
    "statefulset.yaml",
)
CHART_VERSION = "1.0.0"  # of the chart's own form: raised when values of old would no longer do


def render(blueprint: Blueprint) -> Rendered:
    """The chart, with a file of values for each cluster; nothing where there is no cluster."""
    if not blueprint.clusters:
        return Rendered({})
    chart = {
        "apiVersion": "v2",
        "name": "polycloud",
        "description": "The gateway of the estate, with its state on a disk of its own.",
        "type": "application",
        "version": CHART_VERSION,
        "kubeVersion": ">=1.31.0-0",
    }
    files = {
        f"{FOLDER}/Chart.yaml": dump(chart, head=_head(blueprint, "The chart of polycloud")),
        f"{FOLDER}/values.yaml": dump(values.defaults(), head=_head(blueprint, _ABOUT)),
        f"{FOLDER}/values.schema.json": _schema(blueprint),
    }
    for name in TEMPLATES:
        about = _head(blueprint, f"Template {name.partition('.')[0].strip('_')} of polycloud's chart")
        files[f"{FOLDER}/templates/{name}"] = _comment(about) + _template(name)
    needs = []
    for cluster in blueprint.clusters:
        path = f"{FOLDER}/clusters/{cluster.name}.yaml"
        head = header(f"Values of polycloud in {cluster.name}", blueprint.estate, f"clusters.{cluster.name}, entry")
        files[path] = dump(values.of(blueprint, cluster), head=head)
        needs.append(Reference(f"cluster:{cluster.name}", path))
    provides = tuple(f"region:{region.name}" for region in regions(blueprint))
    return Rendered(dict(sorted(files.items())), provides=provides, needs=tuple(needs), gaps=_GAPS)


_ABOUT = (
    "Values of polycloud in all clusters. The estate's files are a ConfigMap that you make "
    "(kubectl -n polycloud create configmap polycloud-estate --from-file=estate.yaml), or estate.files"
)
_GAPS = (
    "polycloud runs as one pod in each cluster, which scales by its workers (values workers and resources): its store "
    "is embedded, so the chart refuses more replicas, and PostgreSQL and Valkey, until there is a shared one",
    "the chart's image is the one that you build from Containerfile: write image: {repository: ..., digest: ...} "
    f"into {FOLDER}/{OWN_VALUES}, which render leaves alone and Argo CD reads above all other values",
)


def _head(blueprint: Blueprint, what: str) -> str:
    return header(what, blueprint.estate, "clusters, entry, secrets")


def _comment(head: str) -> str:
    """Helm's own comment, which leaves nothing in what it makes."""
    text = " ".join(line.removeprefix("# ") for line in head.splitlines())
    return "{{- /* " + text.replace("*/", "* /").replace("}}", "} }") + " */ -}}\n"


def _template(name: str) -> str:
    return (resources.files(__package__) / "chart" / "templates" / name).read_text(encoding="utf8")


def _schema(blueprint: Blueprint) -> str:
    said = {"$comment": " ".join(_head(blueprint, "What values may be").replace("# ", "").split()), **values.schema()}
    return msgspec.json.format(msgspec.json.encode(said), indent=2).decode() + "\n"
