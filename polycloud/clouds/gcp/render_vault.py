"""The right of OpenBao's voters on GKE to the key at Google Cloud that unseals them."""

from polycloud.clouds.gcp.render_keys import NUMBER, key_id
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import joined
from polycloud.deploy.render.terraform import Root, ref
from polycloud.deploy.render.vault import ACCOUNT, SPACE, seal_key, sealing, voters

FILE = "vault.tf"
# Use, and a look at the key, which the seal takes when it starts, openbao.org/docs/configuration/seal/gcpckms, 2026-11.
ROLES = {"use": "roles/cloudkms.cryptoKeyEncrypterDecrypter", "look": "roles/cloudkms.viewer"}


def add(root: Root, here: Blueprint) -> None:
    """Where OpenBao has voters and Google Cloud holds their seal: pods act as themselves, by GKE's own pool."""
    nodes = voters(root.blueprint)
    if not nodes or sealing(nodes).cloud != "gcp":
        return
    site = sealing(nodes)
    root.about(FILE, "Who may use the key that unseals OpenBao.", "secrets, clusters")
    section = root.section(FILE, site.id, "secrets", "identity")
    pool = joined(
        "principal://iam.googleapis.com/projects/",
        NUMBER,
        "/locations/global/workloadIdentityPools/",
        ref("var.project"),
        f".svc.id.goog/subject/ns/{SPACE}/sa/{ACCOUNT}",
    )
    for label, role in ROLES.items():
        section.make(
            "google_kms_crypto_key_iam_member",
            f"vault_{label}",
            {
                "crypto_key_id": key_id(seal_key(root.blueprint, site).name, site.region),
                "role": role,
                "member": pool,
            },
        )
    foreign = sorted({node.cluster.name for node in nodes if node.cluster.site.cloud != "gcp"})
    root.gap(
        f"vault: voters of {', '.join(foreign)} need a credentials file of Google Cloud for the seal "
        "(gcloud iam workload-identity-pools create-cred-config); a cluster at AWS or Azure would spare it"
    )
    root.provides(f"vault-seal:{site.id}")
