"""The right of the exporter that reads Google Cloud's figures for Prometheus: by its service account, to read alone."""

from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Comment, joined
from polycloud.deploy.render.monitoring.metrics import NAMESPACE, exporters
from polycloud.deploy.render.terraform import Root, ref

FILE = "watch.tf"


def add(root: Root, here: Blueprint) -> None:
    """Where something at Google Cloud tells how far its copies are behind."""
    for exporter in exporters(root.blueprint, "gcp"):
        root.about(FILE, "Who reads figures of Google Cloud for Prometheus.", "databases")
        pods = f".svc.id.goog/subject/ns/{NAMESPACE}/sa/{exporter}"
        pool = "/locations/global/workloadIdentityPools/"
        who = joined("principal://iam.googleapis.com/projects/", NUMBER, pool, ref("var.project"), pods)
        root.section(FILE, "", "databases", "identity").make(
            "google_project_iam_member",
            "exporter",
            {"project": ref("var.project"), "role": "roles/monitoring.viewer", "member": who},
            Comment("On the project: figures have no narrower place."),
        )
        root.provides(f"exporter:{exporter}")
