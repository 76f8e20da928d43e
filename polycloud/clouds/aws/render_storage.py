"""Buckets at AWS: private, versioned, encrypted by our key, cooling with age, replicated to their copies at AWS."""

from polycloud.clouds.aws.render_iam import ACCOUNT, OWN_ACCOUNT, Statement, allow, arn, grant, policy, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import Blueprint, Bucket, Lifecycle, Where
from polycloud.deploy.conventions import NOT_COPIED
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Call, Comment, Expr, Value, block, joined
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref

FILE = "storage.tf"
# docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html, 2026-11
CLASSES = (("warm", "STANDARD_IA"), ("cold", "GLACIER_IR"), ("archive", "DEEP_ARCHIVE"))
INFREQUENT_AFTER_DAYS = 30  # the earliest that objects may go to infrequent access, and the least that they stay there
OLD_VERSION_DAYS = 30  # what was overwritten or deleted can be brought back so long
LOG_DAYS = 400  # a year of who read what, and a month to look at it
TRAIL = "objects"
RULE_ID_MAX = 255  # docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html, 2026-11
ARRIVAL_MINUTES = 15  # the only promise that S3's replication gives


def add(root: Root, here: Blueprint) -> None:
    if not here.buckets:
        return
    root.about(
        FILE, "Buckets at AWS, with who may see them, how they age and where they are copied.", "datasets, stores"
    )
    for site in sorted({bucket.site.id: bucket.site for bucket in here.buckets}.values(), key=lambda s: s.id):
        _log_bucket(root, here, site)
        if any(bucket.audit for bucket in here.buckets if bucket.site.id == site.id):
            _trail(root, here, site)
    for bucket in here.buckets:
        section = root.section(FILE, bucket.site.id, bucket.source, "bucket", {"region": bucket.site.region})
        _bucket(section, bucket)
        _lifecycle(section, bucket)
        copies = here.copies(bucket)
        if copies:
            _replication(section, here, bucket, copies)
        for other in bucket.copies_to:
            if other not in {copy.name for copy in copies}:
                root.gap(f"S3 does not copy {bucket.name} to {other} in another cloud by itself; {NOT_COPIED}")
        root.provides(f"bucket:{bucket.name}")
    root.add("outputs.tf", _output(here))


def arn_of(bucket: Bucket) -> Expr:
    return Expr(f"aws_s3_bucket.{identifier(bucket.name)}.arn")


def _bucket(section: Section, bucket: Bucket) -> None:
    label = identifier(bucket.name)
    address = section.make(
        "aws_s3_bucket",
        label,
        {
            "bucket": bucket.physical,
            "tags": {"data-class": bucket.data_class} if bucket.data_class else None,
        },
        Comment("checkov:skip=CKV_AWS_144:Where copies are is the estate's decision, bound by its data classes."),
        Comment("checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket."),
        KEEP,
        monthly=bucket.monthly,
        data_class=bucket.data_class,
    )
    _guard(section, label, address, key_arn("data", bucket.site.region))
    section.make(
        "aws_s3_bucket_policy", label, {"bucket": attribute(address, "id"), "policy": policy(_tls_only(address))}
    )
    section.make(
        "aws_s3_bucket_logging",
        label,
        {
            "bucket": attribute(address, "id"),
            "target_bucket": ref(f"aws_s3_bucket.{_log_label(bucket.site)}.id"),
            "target_prefix": f"{bucket.name}/",
        },
        kind="logs",
    )
    section.make(
        "aws_s3_object",
        label,
        {
            "for_each": Call("toset", [f"{layer}/" for layer in bucket.layers]),
            "bucket": attribute(address, "id"),
            "key": ref("each.value"),
            "content": "",
            "kms_key_id": key_arn("data", bucket.site.region),
            "depends_on": [ref(f"aws_s3_bucket_server_side_encryption_configuration.{label}")],
        },
        data_class=bucket.data_class,
        note="the lake's layers",
    )


def _guard(section: Section, label: str, address: Expr, key: Expr | None) -> None:
    """What each bucket has: versions, encryption, no public access, and no access without TLS."""
    id = attribute(address, "id")
    section.make(
        "aws_s3_bucket_versioning",
        label,
        {"bucket": id},
        block("versioning_configuration", attributes={"status": "Enabled"}),
    )
    how: dict[str, Value] = {"sse_algorithm": "AES256" if key is None else "aws:kms", "kms_master_key_id": key}
    section.make(
        "aws_s3_bucket_server_side_encryption_configuration",
        label,
        {"bucket": id},
        block(
            "rule",
            attributes={"bucket_key_enabled": None if key is None else True},
            parts=(block("apply_server_side_encryption_by_default", attributes=how),),
        ),
    )
    closed = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    section.make("aws_s3_bucket_public_access_block", label, {"bucket": id, **dict.fromkeys(closed, True)})
    section.make(
        "aws_s3_bucket_ownership_controls",
        label,
        {"bucket": id},
        block("rule", attributes={"object_ownership": "BucketOwnerEnforced"}),
    )


def _tls_only(address: Expr) -> dict[str, Value]:
    return {
        "Sid": "OnlyByTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [attribute(address, "arn"), joined(attribute(address, "arn"), "/*")],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def transitions(root: Root, what: str, ages: Lifecycle) -> list[tuple[int, str]]:
    """The days at which objects move on, as S3 allows them; what it does not allow is said."""
    found: list[tuple[int, str]] = []
    for step, storage in CLASSES:
        wanted = getattr(ages, step)
        if wanted is None:
            continue
        earliest = INFREQUENT_AFTER_DAYS if storage == "STANDARD_IA" else 0
        if found:
            earliest = found[-1][0] + (INFREQUENT_AFTER_DAYS if found[-1][1] == "STANDARD_IA" else 1)
        if wanted < earliest:
            root.gap(f"{what}: S3 moves to {storage} after {earliest} days at the earliest, not {wanted}")
        found.append((max(wanted, earliest), storage))
    delete = ages.delete
    return [(days, storage) for days, storage in found if delete is None or days < delete]


def _lifecycle(section: Section, bucket: Bucket) -> None:
    """A rule for the bucket, or one for each folder of each dataset: S3's rules have one prefix."""
    label = identifier(bucket.name)
    rules = []
    for dataset, folders, ages in bucket.aged():
        what = f"{dataset} in {bucket.name}" if dataset else bucket.name
        parts = [
            block("transition", attributes={"days": d, "storage_class": s})
            for d, s in transitions(section.root, what, ages)
        ]
        if ages.delete is not None:
            parts.append(block("expiration", attributes={"days": ages.delete}))
        rules += [_rule(f"age {folder}".strip(), *parts, prefix=folder) for folder in folders or ("",) if parts]
    section.make(
        "aws_s3_bucket_lifecycle_configuration",
        label,
        {"bucket": ref(f"aws_s3_bucket.{label}.id"), "depends_on": [ref(f"aws_s3_bucket_versioning.{label}")]},
        *rules,
        _rule(
            "old-versions",
            block("noncurrent_version_expiration", attributes={"noncurrent_days": OLD_VERSION_DAYS}),
        ),
        _unfinished(),
        note="versions are kept 30 days",
    )


def _rule(name: str, *parts: Block, prefix: str = "") -> Block:
    only = block("filter", attributes={"prefix": prefix or None})
    return block("rule", attributes={"id": name[:RULE_ID_MAX], "status": "Enabled"}, parts=(only, *parts))


def _unfinished() -> Block:
    return _rule(
        "unfinished-uploads", block("abort_incomplete_multipart_upload", attributes={"days_after_initiation": 7})
    )


def _replication(section: Section, here: Blueprint, bucket: Bucket, copies: list[Bucket]) -> None:
    """Every object, its deletion and its key's change arrive at each copy within minutes, encrypted by its key."""
    label = identifier(bucket.name)
    plain = section.root.section(FILE, bucket.site.id, bucket.source, "identity")
    copier = role(
        plain,
        f"copy_{label}",
        f"copy-{bucket.name}",
        trust("s3.amazonaws.com", Condition=OWN_ACCOUNT),
        here.estate,
        f"Copies {bucket.name}.",
    )
    source = arn_of(bucket)
    targets = [arn_of(copy) for copy in copies]
    read = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
    grant(
        plain,
        f"copy_{label}",
        copier,
        policy(
            allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
            allow(read, joined(source, "/*")),
            allow(
                ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"],
                [joined(target, "/*") for target in targets],
            ),
            allow(["kms:Decrypt"], key_arn("data", bucket.site.region)),
            allow(["kms:Encrypt"], [key_arn("data", region) for region in sorted({c.site.region for c in copies})]),
        ),
    )
    section.make(
        "aws_s3_bucket_replication_configuration",
        label,
        {
            "bucket": ref(f"aws_s3_bucket.{label}.id"),
            "role": attribute(copier, "arn"),
            "depends_on": [ref(f"aws_s3_bucket_versioning.{identifier(one.name)}") for one in (bucket, *copies)],
        },
        *(_copy_rule(copy, prefix, at) for at, (copy, prefix) in enumerate(copied(bucket, copies))),
        data_class=bucket.data_class,
        note=f"copies to {', '.join(copy.site.id for copy in copies)}",
    )


def copied(bucket: Bucket, copies: list[Bucket]) -> list[tuple[Bucket, str]]:
    """Each copy with each folder that goes there; "" is all of the bucket."""
    return [(copy, prefix) for copy in copies for prefix in bucket.copied(copy) or ("",)]


def _copy_rule(copy: Bucket, prefix: str, priority: int) -> Block:
    on = {"status": "Enabled"}
    within = {"minutes": ARRIVAL_MINUTES}
    return block(
        "rule",
        attributes={"id": f"{copy.name} {prefix}".strip()[:RULE_ID_MAX], "priority": priority, **on},
        parts=(
            block("filter", attributes={"prefix": prefix or None}),
            block("delete_marker_replication", attributes=on),
            block(
                "source_selection_criteria",
                parts=(block("sse_kms_encrypted_objects", attributes=on),),
            ),
            block(
                "destination",
                attributes={"bucket": arn_of(copy)},
                parts=(
                    block(
                        "encryption_configuration",
                        attributes={"replica_kms_key_id": key_arn("data", copy.site.region)},
                    ),
                    block("metrics", attributes=on, parts=(block("event_threshold", attributes=within),)),
                    block("replication_time", attributes=on, parts=(block("time", attributes=within),)),
                ),
            ),
        ),
    )


def _log_label(site: Where) -> str:
    return f"access_logs_{identifier(site.region)}"


def _log_bucket(root: Root, here: Blueprint, site: Where) -> None:
    """Where a site's buckets say who read and wrote them; S3 delivers only to buckets with its own encryption."""
    section = root.section(FILE, site.id, "data_classes", "logs", {"region": site.region})
    classes = sorted({c for b in here.buckets if b.site.id == site.id for c in b.data_class.split()})
    label = _log_label(site)
    address = section.make(
        "aws_s3_bucket",
        label,
        {"bucket": made("aws", "bucket", here.estate, "access-logs", site.region)},
        Comment("checkov:skip=CKV_AWS_18:Logs of the log bucket would log themselves."),
        Comment("checkov:skip=CKV_AWS_144:Logs stay where what they tell of is."),
        Comment("checkov:skip=CKV_AWS_145:S3 delivers access logs only to buckets with its own encryption."),
        Comment("checkov:skip=CKV2_AWS_62:Nothing waits for events of this bucket."),
        KEEP,
        data_class=" ".join(classes),
    )
    _guard(section, label, address, None)
    section.make(
        "aws_s3_bucket_policy",
        label,
        {
            "bucket": attribute(address, "id"),
            "policy": policy(
                _tls_only(address),
                allow(
                    ["s3:PutObject"],
                    joined(attribute(address, "arn"), "/*"),
                    "Delivery",
                    Principal={"Service": "logging.s3.amazonaws.com"},
                    Condition=OWN_ACCOUNT,
                ),
                *_trail_delivery(here, site, address),
            ),
        },
    )
    section.make(
        "aws_s3_bucket_lifecycle_configuration",
        label,
        {"bucket": attribute(address, "id")},
        _rule(
            "age",
            block("expiration", attributes={"days": LOG_DAYS}),
            block("noncurrent_version_expiration", attributes={"noncurrent_days": OLD_VERSION_DAYS}),
        ),
        _unfinished(),
    )


def _trail_delivery(here: Blueprint, site: Where, address: Expr) -> tuple[Statement, ...]:
    """What the trail of this site may do with the log bucket."""
    trail = arn("cloudtrail", site.region, f"trail/{trail_name(here)}")
    only: Value = {"StringEquals": {"aws:SourceArn": trail}}
    principal: Value = {"Service": "cloudtrail.amazonaws.com"}
    return (
        allow(["s3:GetBucketAcl"], attribute(address, "arn"), "TrailLooks", Principal=principal, Condition=only),
        allow(
            ["s3:PutObject"],
            joined(attribute(address, "arn"), f"/{TRAIL}/AWSLogs/", ACCOUNT, "/*"),
            "TrailWrites",
            Principal=principal,
            Condition=only,
        ),
    )


def _output(here: Blueprint) -> Block:
    value: dict[str, Value] = {
        bucket.name: {
            "bucket": ref(f"aws_s3_bucket.{identifier(bucket.name)}.id"),
            "arn": arn_of(bucket),
            "region": bucket.site.region,
        }
        for bucket in here.buckets
    }
    return output("buckets", "The buckets by their names in the estate.", value)


def _trail(root: Root, here: Blueprint, site: Where) -> None:
    """Every access to objects whose class asks for it, kept beside the access logs of the site."""
    audited = [bucket for bucket in here.buckets if bucket.site.id == site.id and bucket.audit]
    label = identifier(site.region)
    root.section(FILE, site.id, "data_classes", "logs", {"region": site.region}).make(
        "aws_cloudtrail",
        f"objects_{label}",
        {
            "name": trail_name(here),
            "s3_bucket_name": ref(f"aws_s3_bucket.{_log_label(site)}.id"),
            "s3_key_prefix": TRAIL,
            "kms_key_id": key_arn("data", site.region),
            "enable_log_file_validation": True,
            "is_multi_region_trail": False,
            "depends_on": [ref(f"aws_s3_bucket_policy.{_log_label(site)}")],
        },
        Comment(
            "checkov:skip=CKV_AWS_67:A trail for each site: what is read in a region is told in that region alone."
        ),
        Comment("checkov:skip=CKV_AWS_252:Nothing waits for notices of this trail."),
        Comment("checkov:skip=CKV2_AWS_10:It is evidence; alarms come from the gateway and the mesh."),
        block(
            "advanced_event_selector",
            attributes={"name": "Objects of classes that ask for audit"},
            parts=(
                block("field_selector", attributes={"field": "eventCategory", "equals": ["Data"]}),
                block("field_selector", attributes={"field": "resources.type", "equals": ["AWS::S3::Object"]}),
                block(
                    "field_selector",
                    attributes={
                        "field": "resources.ARN",
                        "starts_with": [joined(arn_of(bucket), "/") for bucket in audited],
                    },
                ),
            ),
        ),
        data_class=" ".join(sorted({c for b in audited for c in b.data_class.split()})),
    )


def trail_name(here: Blueprint) -> str:
    return made("aws", "role", here.estate, "objects")
