"""The page beside the rendered files: what is there, in which order it is applied, what is left to do by hand."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.ports import Rendered
from polycloud.deploy.yaml import header

FOLDERS = {"aws": "terraform/aws", "azure": "terraform/azure", "gcp": "terraform/gcp", "oci": "terraform/oci"}


def render(blueprint: Blueprint) -> Rendered:
    """One page; names of an estate can not break out of their places in it."""
    head = header("What is in this folder, and how to apply it", blueprint.estate, "all of it").replace("# ", "")
    clouds = sorted({n.site.cloud for n in blueprint.networks})
    lines = ["<!--", head.rstrip(), "-->", f"# {_plain(blueprint.estate)}", ""]
    lines += ["Written from one estate; change the estate and render again, rather than these files.", ""]
    lines += ["## In this order", ""]
    steps = [
        f"`{FOLDERS[cloud]}`: make the place of its state once (see `backend.tf`), then `terraform init`, "
        "`terraform providers lock` to record the providers' checksums, `terraform plan`, `terraform apply`."
        for cloud in clouds
    ]
    steps += [
        "`terraform/global`: what spans clouds. It reads the outputs of the roots above.",
        "`mesh/istio/base` and `mesh/istio/<cluster>`: Istio, once its control plane is installed with `values.yaml`.",
        "`argocd`: from here on Argo CD applies `kubernetes/overlays/<cluster>` and `helm/polycloud` by itself.",
        "`monitoring`: Prometheus, Alertmanager, Grafana and the collectors; secrets are mounted, none is in a file.",
    ]
    lines += [f"{at}. {step}" for at, step in enumerate(steps, 1)]
    lines += [
        "",
        "## Clusters",
        "",
        "| cluster | site | Kubernetes | pools (machine, least to most) |",
        "|---|---|---|---|",
    ]
    for cluster in blueprint.clusters:
        pools = ", ".join(
            f"{p.name} ({p.machine}, {p.least} to {p.most}{', spot' if p.spot else ''})" for p in cluster.pools
        )
        lines.append(f"| {_plain(cluster.name)} | {cluster.site.id} | {cluster.version} | {_plain(pools)} |")
    lines += [
        "",
        "`terraform test` in each root and `promtool test rules` in `monitoring/prometheus/tests` check the rest.",
        "",
    ]
    return Rendered({"README.md": "\n".join(lines)})


def _plain(text: str) -> str:
    """Text that stands in a table or heading: Markdown's own marks are escaped."""
    return "".join(f"\\{c}" if c in "|`<>[]*_\\" else " " if c in "\r\n" else c for c in text)
