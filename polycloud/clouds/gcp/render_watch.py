"""The rights of what watches, by service account: the exporter reads Google Cloud's figures, the collector writes."""

from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Comment, joined
from polycloud.deploy.render.monitoring.metrics import COLLECTOR, NAMESPACE, exporters
from polycloud.deploy.render.terraform import Root, identifier, ref

FILE = "watch.tf"
# Of the exporter googlecloud: github.com/open-telemetry/opentelemetry-collector-contrib, 2026-11.
WRITES = ("cloudtrace.agent", "logging.logWriter", "monitoring.metricWriter")


def add(root: Root, here: Blueprint) -> None:
    """Where something at Google Cloud tells how far its copies are behind, and where there are clusters."""
    for exporter in exporters(root.blueprint, "gcp"):
        _may(root, "exporter", exporter, "monitoring.viewer")
        root.provides(f"exporter:{exporter}")
    for one in WRITES if here.clusters else ():
        _may(root, identifier("collector", one), COLLECTOR, one)


def _may(root: Root, label: str, account: str, right: str) -> None:
    root.about(FILE, "Who watches at Google Cloud.", "clusters, databases")
    pods = f".svc.id.goog/subject/ns/{NAMESPACE}/sa/{account}"
    pool = "/locations/global/workloadIdentityPools/"
    who = joined("principal://iam.googleapis.com/projects/", NUMBER, pool, ref("var.project"), pods)
    root.section(FILE, "", "clusters", "identity").make(
        "google_project_iam_member",
        label,
        {"project": ref("var.project"), "role": f"roles/{right}", "member": who},
        Comment("On the project: figures, logs and traces have no narrower place."),
    )
