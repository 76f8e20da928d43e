"""Who acts as the gateway at Google Cloud: its pods on GKE, and those of other clouds' clusters."""

from polycloud.clouds.gcp.render_identity import FOREIGN_POOL, foreign_pool
from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE, GATEWAY_SUBJECT
from polycloud.deploy.hcl import Block, Expr, joined
from polycloud.deploy.render.terraform import Root, output, ref

PODS = f".svc.id.goog/subject/ns/{GATEWAY_NAMESPACE}/sa/{GATEWAY_ACCOUNT}"
POOL = "/locations/global/workloadIdentityPools/"


def who(root: Root) -> dict[str, Expr]:
    """The principals that are the gateway, by what tells their bindings apart."""
    found = {
        "gateway": joined("principal://iam.googleapis.com/projects/", NUMBER, POOL, ref("var.project"), PODS),
    }
    if root.blueprint.abroad("gcp"):
        foreign_pool(root)
        pool = Expr(f"{FOREIGN_POOL}.name")
        root.add("outputs.tf", _audiences())
        found["gateway_abroad"] = joined("principal://iam.googleapis.com/", pool, f"/subject/{GATEWAY_SUBJECT}")
    return found


def _audiences() -> Block:
    said = '"//iam.googleapis.com/${one.name}"'
    every = Expr(f"{{ for name, one in google_iam_workload_identity_pool_provider.clusters : name => {said} }}")
    described = "By cluster of another cloud: who its gateway's tokens are meant for, polycloud_gcp in Argo CD."
    return output("gateway_audiences", described, every)
