"""Who acts as the gateway at Google Cloud: its pods on GKE, and those of other clouds' clusters."""

from polycloud.clouds.gcp.render_identity import foreign_pool, pod
from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE, GATEWAY_SUBJECT
from polycloud.deploy.hcl import Block, Expr, joined, quoted
from polycloud.deploy.render.terraform import Root, identifier, output, ref

PODS = f".svc.id.goog/subject/ns/{GATEWAY_NAMESPACE}/sa/{GATEWAY_ACCOUNT}"
POOL = "/locations/global/workloadIdentityPools/"


def who(root: Root) -> dict[str, Expr]:
    """The principals that are the gateway, by what tells their bindings apart."""
    found = {
        "gateway": joined("principal://iam.googleapis.com/projects/", NUMBER, POOL, ref("var.project"), PODS),
    }
    if root.blueprint.abroad("gcp"):
        foreign_pool(root)
        root.add("outputs.tf", _audiences(root))
    for cluster in root.blueprint.abroad("gcp"):
        found[identifier("gateway", "abroad", cluster)] = pod(root.blueprint.known_as(cluster), GATEWAY_SUBJECT)
    return found


def _audiences(root: Root) -> Block:
    """By the names that clusters have now, though others are known by former ones."""
    known = {root.blueprint.known_as(name): name for name in root.blueprint.abroad("gcp")}
    names = ", ".join(f"{quoted(first)} = {quoted(name)}" for first, name in known.items() if first != name)
    name = f"lookup({{ {names} }}, name, name)" if names else "name"
    said = '"//iam.googleapis.com/${one.name}"'
    every = Expr(f"{{ for name, one in google_iam_workload_identity_pool_provider.clusters : {name} => {said} }}")
    described = "By cluster of another cloud: who its gateway's tokens are meant for, polycloud_gcp in Argo CD."
    return output("gateway_audiences", described, every)
