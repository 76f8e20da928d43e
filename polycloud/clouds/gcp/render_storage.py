"""Buckets at Google Cloud: private, versioned, encrypted by our key, cooling with age, replicated to their copies."""

from polycloud.clouds.gcp.render_keys import granted, key_id, label
from polycloud.deploy.blueprint import Blueprint, Bucket, Where
from polycloud.deploy.conventions import NOT_COPIED
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Call, Comment, Value, block, joined
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref

FILE = "storage.tf"
CLASSES = (("warm", "NEARLINE"), ("cold", "COLDLINE"), ("archive", "ARCHIVE"))
OLD_VERSION_DAYS = 30  # what was overwritten or deleted can be brought back so long
UNFINISHED_DAYS = 7
LOG_DAYS = 400  # a year of who read what, and a month to look at it
ANALYTICS = "group:cloud-storage-analytics@google.com"  # writes access logs, cloud.google.com/storage/docs/access-logs
COPIER = "data.google_storage_transfer_project_service_account.this.member"
DATA_ACCESS = 'logName:"cloudaudit.googleapis.com%2Fdata_access" AND resource.type="gcs_bucket"'
# What the copier needs, cloud.google.com/storage-transfer/docs/cross-bucket-replication, 2026-11.
READS = ("roles/storage.legacyBucketOwner", "roles/storage.objectViewer")  # the owner may ask to hear of changes
WRITES = ("roles/storage.legacyBucketWriter", "roles/storage.objectUser")


def add(root: Root, here: Blueprint) -> None:
    if not here.buckets:
        return
    root.about(
        FILE, "Buckets at Google Cloud: who may see them, how they age, where they are copied.", "datasets, stores"
    )
    sites = sorted({bucket.site.id: bucket.site for bucket in here.buckets}.values(), key=lambda site: site.id)
    for site in sites:
        _log_bucket(root, here, site)
    copied = [(bucket, copy) for bucket in here.buckets for copy in here.copies(bucket)]
    for bucket in here.buckets:
        section = root.section(FILE, bucket.site.id, bucket.source, "bucket")
        _bucket(section, bucket)
        for other in bucket.copies_to:
            if other not in {copy.name for copy in here.copies(bucket)}:
                root.gap(f"Cloud Storage does not copy {bucket.name} to {other} in another cloud; {NOT_COPIED}")
        root.provides(f"bucket:{bucket.name}")
    if copied:
        _copier(root, copied)
        root.gap(
            "Cloud Storage copies what is new within minutes as a rule, and promises no time; what was there before "
            "the copy was set up is copied by a transfer of one's own"
        )
    for bucket, copy in copied:
        _copy(root.section(FILE, copy.site.id, bucket.source, "bucket"), bucket, copy)
    if any(bucket.audit for bucket in here.buckets):
        _audit(root, here, [site for site in sites if any(b.audit and b.site.id == site.id for b in here.buckets)])
    root.add("outputs.tf", _output(here))


def _bucket(section: Section, bucket: Bucket) -> None:
    name = identifier(bucket.name)
    address = section.make(
        "google_storage_bucket",
        name,
        {
            "name": bucket.physical,
            "location": bucket.site.region.upper(),
            **_closed(),
            "labels": {"data-class": label(bucket.data_class)} if bucket.data_class else None,
            "depends_on": [granted(bucket.key, bucket.site.region, "storage")],
        },
        block("versioning", attributes={"enabled": True}),
        block("encryption", attributes={"default_kms_key_name": key_id(bucket.key, bucket.site.region)}),
        block(
            "logging",
            attributes={"log_bucket": ref(f"{_log_address(bucket.site)}.name"), "log_object_prefix": bucket.name},
        ),
        *_lifecycle(bucket),
        KEEP,
        monthly=bucket.monthly,
        data_class=bucket.data_class,
    )
    section.make(
        "google_storage_managed_folder",
        name,
        {
            "for_each": Call("toset", [f"{layer}/" for layer in bucket.layers]),
            "bucket": attribute(address, "name"),
            "name": ref("each.value"),
        },
        data_class=bucket.data_class,
        note="the lake's layers",
    )


def _closed() -> dict[str, Value]:
    return {
        "storage_class": "STANDARD",
        "uniform_bucket_level_access": True,
        "public_access_prevention": "enforced",
        "force_destroy": False,
    }


def steps(bucket: Bucket) -> list[tuple[str, int, list[str]]]:
    """Each storage class ("": deletion) at each age, with the folders of the datasets that take it there."""
    takers: dict[tuple[int, str, int], list[str]] = {}
    for _, folders, ages in bucket.aged():
        for at, (step, storage) in enumerate((*CLASSES, ("delete", ""))):
            age = getattr(ages, step)
            if age is not None and (not storage or ages.delete is None or age < ages.delete):
                takers.setdefault((at, storage, age), []).extend(folders)
    return [(storage, age, folders) for (_, storage, age), folders in sorted(takers.items())]


def _lifecycle(bucket: Bucket) -> list[Block]:
    found = []
    for storage, age, folders in steps(bucket):
        action: dict[str, Value] = {"type": "SetStorageClass", "storage_class": storage}
        condition: dict[str, Value] = {"age": age, "matches_prefix": list(folders) or None}
        found.append(_rule(action if storage else {"type": "Delete"}, condition))
    return [*found, *_tidy()]


def _tidy() -> list[Block]:
    return [
        _rule({"type": "Delete"}, {"days_since_noncurrent_time": OLD_VERSION_DAYS, "with_state": "ARCHIVED"}),
        _rule({"type": "AbortIncompleteMultipartUpload"}, {"age": UNFINISHED_DAYS}),
    ]


def _rule(action: dict[str, Value], condition: dict[str, Value]) -> Block:
    return block(
        "lifecycle_rule",
        parts=(block("action", attributes=action), block("condition", attributes=condition)),
    )


def _copier(root: Root, copied: list[tuple[Bucket, Bucket]]) -> None:
    """What Google's transfer service may do: read the sources, write the copies, and hear of changes."""
    section = root.section(FILE, "", "datasets", "identity")
    section.add(block("data", "google_storage_transfer_project_service_account", "this"))
    grants = [(bucket, role) for bucket in dict.fromkeys(b for b, _ in copied) for role in READS]
    grants += [(copy, role) for copy in dict.fromkeys(c for _, c in copied) for role in WRITES]
    for bucket, role in grants:
        section.make(
            "google_storage_bucket_iam_member",
            f"copier_{identifier(bucket.name, role.rpartition('.')[2])}",
            {
                "bucket": ref(f"google_storage_bucket.{identifier(bucket.name)}.name"),
                "role": role,
                "member": ref(COPIER),
            },
        )
    agent = "data.google_storage_project_service_account.this.member"
    for name, role, member in (("copier", "editor", COPIER), ("storage", "publisher", agent)):
        section.make(
            "google_project_iam_member",
            f"{name}_pubsub",
            {"project": ref("var.project"), "role": f"roles/pubsub.{role}", "member": ref(member)},
            Comment("On the project: the service makes topics of its own for news of changes, so none can be named."),
        )


def _copy(section: Section, bucket: Bucket, copy: Bucket) -> None:
    """Each change follows within minutes; what is deleted at the source stays in the copy until it ages out."""
    only = bucket.copied(copy)
    section.make(
        "google_storage_transfer_job",
        identifier(bucket.name, copy.name),
        {
            "description": f"Copies {bucket.name} to {copy.name}.",
            "project": ref("var.project"),
            "depends_on": [
                ref("google_project_iam_member.copier_pubsub"),
                ref("google_project_iam_member.storage_pubsub"),
                *(ref(f"google_storage_bucket_iam_member.copier_{_tail(bucket, role)}") for role in READS),
                *(ref(f"google_storage_bucket_iam_member.copier_{_tail(copy, role)}") for role in WRITES),
            ],
        },
        block(
            "replication_spec",
            parts=(
                block("gcs_data_source", attributes={"bucket_name": ref(f"{_address(bucket)}.name")}),
                block("gcs_data_sink", attributes={"bucket_name": ref(f"{_address(copy)}.name")}),
                *([block("object_conditions", attributes={"include_prefixes": list(only)})] if only else []),
                block("transfer_options", attributes={"overwrite_when": "DIFFERENT"}),
            ),
        ),
        data_class=bucket.data_class,
        note=f"copy of {bucket.site.id}",
    )


def _tail(bucket: Bucket, role: str) -> str:
    return identifier(bucket.name, role.rpartition(".")[2])


def _address(bucket: Bucket) -> str:
    return f"google_storage_bucket.{identifier(bucket.name)}"


def _log_address(site: Where) -> str:
    return f"google_storage_bucket.access_logs_{identifier(site.region)}"


def _log_bucket(root: Root, here: Blueprint, site: Where) -> None:
    """Where a site's buckets say who read and wrote them."""
    section = root.section(FILE, site.id, "data_classes", "logs")
    classes = " ".join(sorted({c for b in here.buckets if b.site.id == site.id for c in b.data_class.split()}))
    name = f"access_logs_{identifier(site.region)}"
    address = section.make(
        "google_storage_bucket",
        name,
        {
            "name": made("gcp", "bucket", here.estate, "access-logs", site.region),
            "location": site.region.upper(),
            **_closed(),
            "depends_on": [granted("data", site.region, "storage")],
        },
        Comment("checkov:skip=CKV_GCP_62:Logs of the log bucket would log themselves."),
        block("versioning", attributes={"enabled": True}),
        block("encryption", attributes={"default_kms_key_name": key_id("data", site.region)}),
        _rule({"type": "Delete"}, {"age": LOG_DAYS}),
        *_tidy(),
        KEEP,
        data_class=classes,
    )
    section.make(
        "google_storage_bucket_iam_member",
        name,
        {"bucket": attribute(address, "name"), "role": "roles/storage.objectCreator", "member": ANALYTICS},
        kind="identity",
    )


def _audit(root: Root, here: Blueprint, sites: list[Where]) -> None:
    """Every access to objects whose class asks for it, kept in a log of the site: the usual one is kept anywhere."""
    everywhere = root.section(FILE, "", "data_classes", "logs")
    everywhere.make(
        "google_project_iam_audit_config",
        "storage",
        {"project": ref("var.project"), "service": "storage.googleapis.com"},
        *(block("audit_log_config", attributes={"log_type": kind}) for kind in ("DATA_READ", "DATA_WRITE")),
    )
    for site in sites:
        audited = [bucket for bucket in here.buckets if bucket.audit and bucket.site.id == site.id]
        classes = " ".join(sorted({c for bucket in audited for c in bucket.data_class.split()}))
        section = root.section(FILE, site.id, "data_classes", "logs")
        kept = section.make(
            "google_logging_project_bucket_config",
            f"objects_{identifier(site.region)}",
            {
                "project": ref("var.project"),
                "location": site.region,
                "bucket_id": f"polycloud-objects-{site.region}",
                "retention_days": LOG_DAYS,
            },
            data_class=classes,
        )
        names = " OR ".join(f'"{bucket.physical}"' for bucket in audited)
        section.make(
            "google_logging_project_sink",
            f"objects_{identifier(site.region)}",
            {
                "name": f"polycloud-objects-{site.region}",
                "destination": joined("logging.googleapis.com/", attribute(kept, "id")),
                "filter": f"{DATA_ACCESS} AND resource.labels.bucket_name=({names})",
                "unique_writer_identity": True,
            },
        )
    names = " OR ".join(f'"{bucket.physical}"' for bucket in here.buckets if bucket.audit)
    everywhere.make(
        "google_logging_project_exclusion",
        "objects",
        {
            "name": "polycloud-objects",
            "description": "They are kept in a log of their own site.",
            "filter": f"{DATA_ACCESS} AND resource.labels.bucket_name=({names})",
        },
    )


def _output(here: Blueprint) -> Block:
    value: dict[str, Value] = {
        bucket.name: {
            "bucket": ref(f"{_address(bucket)}.name"),
            "url": ref(f"{_address(bucket)}.url"),
            "region": bucket.site.region,
        }
        for bucket in here.buckets
    }
    return output("buckets", "The buckets by their names in the estate.", value)
