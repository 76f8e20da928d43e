"""A key of ours at each site of Google Cloud, and the services that may use it for what they keep there."""

import re

from polycloud.deploy.blueprint import Blueprint, Key
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, block, joined
from polycloud.deploy.render.terraform import KEEP, Root, attribute, identifier, ref

FILE = "keys.tf"
DAY_SECONDS = 86_400
LEAST_DAYS = 1  # cloud.google.com/kms/docs/key-rotation, 2026-11
WAIT_SECONDS = 30 * DAY_SECONDS  # before a destroyed version is gone: with it goes all that it wraps
LABEL_MAX = 63  # cloud.google.com/compute/docs/labeling-resources, 2026-11
NUMBER = ref("data.google_project.this.number")


def label(text: str) -> str:
    """A label's value as Google Cloud allows it: small letters, digits, - and _."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:LABEL_MAX]


def key_id(name: str, region: str) -> Expr:
    """The key of a site, for what it encrypts."""
    return Expr(f"google_kms_crypto_key.{identifier(name, region)}.id")


def granted(name: str, region: str, agent: str) -> Expr:
    """The right of a service to use a key: what the service encrypts has to wait for it."""
    return Expr(f"google_kms_crypto_key_iam_member.{agent}_{identifier(name, region)}")


def agent(service: str) -> Expr:
    """The account that a service of Google acts as in this project."""
    return joined("serviceAccount:service-", NUMBER, f"@{service}.iam.gserviceaccount.com")


AGENTS = {
    "storage": ref("data.google_storage_project_service_account.this.member"),
    "clusters": agent("container-engine-robot"),
    "disks": agent("compute-system"),
    "sql": agent("gcp-sa-cloud-sql"),
    "spanner": agent("gcp-sa-spanner"),
    "models": agent("gcp-sa-aiplatform"),
}

API = {"models": "aiplatform.googleapis.com", "spanner": "spanner.googleapis.com", "sql": "sqladmin.googleapis.com"}


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Keys at Google Cloud: one for each site, and who may use them.", "encryption_keys, clouds.gcp")
    for key in here.keys:
        _key(root, here, key)
    late = {API[name] for key in here.keys for name in users(here, key.site.id) if name in API}
    if late:
        root.gap(
            "Google Cloud makes some services' own accounts only when asked, and they need our key before: run once "
            + " and ".join(f"`gcloud beta services identity create --service={name}`" for name in sorted(late))
        )


def users(here: Blueprint, site: str) -> list[str]:
    """The services that keep something at a site."""
    databases = [d for d in here.databases if site in {d.site.id, *(replica.id for replica in d.replicas)}]
    found = {
        "storage": any(bucket.site.id == site for bucket in here.buckets),
        "clusters": any(cluster.site.id == site for cluster in here.clusters),
        "disks": any(cluster.site.id == site for cluster in here.clusters),
        "sql": any(database.engine in ("postgresql", "mysql") for database in databases),
        "spanner": any(database.engine == "spanner" for database in databases),
        "models": any(service.site.id == site and service.capacity != "on-demand" for service in here.services),
    }
    return [name for name, used in found.items() if used]


def rotation(key: Key) -> str:
    """How often a key is renewed, as Google Cloud says it."""
    return f"{max(key.rotate_days or 90, LEAST_DAYS) * DAY_SECONDS}s"


def _key(root: Root, here: Blueprint, key: Key) -> None:
    section = root.section(FILE, key.site.id, "encryption_keys", "key")
    label = identifier(key.name, key.site.region)
    ring = section.make(
        "google_kms_key_ring",
        label,
        {
            "name": made("gcp", "cluster", here.estate, key.name),
            "location": key.site.region,
            "depends_on": [ref("google_project_service.this")],
        },
    )
    section.make(
        "google_kms_crypto_key",
        label,
        {
            "name": made("gcp", "cluster", key.name),
            "key_ring": attribute(ring, "id"),
            "purpose": "ENCRYPT_DECRYPT",
            "rotation_period": rotation(key),
            "destroy_scheduled_duration": f"{WAIT_SECONDS}s",
        },
        block(
            "version_template",
            attributes={
                "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
                "protection_level": "HSM" if key.hardware else "SOFTWARE",
            },
        ),
        KEEP,
        data_class=here.wrapped(key),
    )
    for name in users(here, key.site.id):
        section.make(
            "google_kms_crypto_key_iam_member",
            f"{name}_{label}",
            {
                "crypto_key_id": key_id(key.name, key.site.region),
                "role": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
                "member": AGENTS[name],
                "depends_on": [ref("google_project_service.this")],
            },
            kind="identity",
        )
