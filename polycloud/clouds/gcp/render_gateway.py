"""What the gateway may do at Google Cloud beside calling models, and from where: pods of GKE, and of other clouds'
clusters by the tokens that these sign."""

from polycloud.clouds.gcp.render_identity import FOREIGN_POOL, foreign_pool
from polycloud.clouds.gcp.render_keys import NUMBER
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.duties import Carried, Duties, abroad
from polycloud.deploy.hcl import Block, Expr, Value, block, joined
from polycloud.deploy.render.terraform import Root, Section, identifier, ref

PODS = f".svc.id.goog/subject/ns/{GATEWAY_NAMESPACE}/sa/{GATEWAY_ACCOUNT}"
POOL = "/locations/global/workloadIdentityPools/"
SUBJECT = f"system:serviceaccount:{GATEWAY_NAMESPACE}:{GATEWAY_ACCOUNT}"
READS = "roles/storage.objectViewer"
WRITES = "roles/storage.objectUser"  # a copy is written over, for which the right to create alone is not enough


def who(root: Root) -> dict[str, Expr]:
    """The principals that are the gateway, by what tells their bindings apart."""
    found = {
        "gateway": joined("principal://iam.googleapis.com/projects/", NUMBER, POOL, ref("var.project"), PODS),
    }
    if abroad(root.blueprint, "gcp"):
        foreign_pool(root)
        pool = Expr(f"{FOREIGN_POOL}.name")
        found["gateway_abroad"] = joined("principal://iam.googleapis.com/", pool, f"/subject/{SUBJECT}")
    return found


def add(root: Root, section: Section, given: Duties) -> None:
    """Rights on exactly the folders, secrets and keys."""
    for name, member in who(root).items():
        for role, all_carried in ((READS, given.reads), (WRITES, given.writes)):
            for one in all_carried:
                bound: dict[str, Value] = {
                    "bucket": ref(f"google_storage_bucket.{identifier(one.bucket.name)}.name"),
                    "role": role,
                    "member": member,
                }
                label = f"{name}_{identifier(role.rpartition('.')[2], one.bucket.name)}"
                section.make("google_storage_bucket_iam_member", label, bound, *_below(one))
        for secret in given.secrets:
            section.make(
                "google_secret_manager_secret_iam_member",
                f"{name}_{identifier(secret.source.partition('.')[2])}",
                {
                    "secret_id": secret.id.partition("/versions/")[0],
                    "role": "roles/secretmanager.secretAccessor",
                    "member": member,
                },
            )
        for key in given.keys:
            section.make(
                "google_kms_crypto_key_iam_member",
                f"{name}_{identifier(key.source.partition('.')[2])}",
                {
                    "crypto_key_id": key.id.partition("/cryptoKeyVersions/")[0],
                    "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
                    "member": member,
                },
            )


def _below(one: Carried) -> list[Block]:
    """Only the folders that are copied, where these are not all."""
    if not one.folders:
        return []
    inside = "projects/_/buckets/${google_storage_bucket." + identifier(one.bucket.name) + ".name}/objects/"
    tests = [f'resource.name.startsWith(\\"{inside}{folder}\\")' for folder in one.folders]
    return [block("condition", attributes={"title": "only copies", "expression": Expr(f'"{" || ".join(tests)}"')})]
