"""A key of ours at each site of AWS: it wraps the data keys of buckets, disks, secrets, databases and logs there."""

from polycloud.clouds.aws.render_iam import ACCOUNT, PARTITION, allow, arn, policy
from polycloud.deploy.blueprint import Blueprint, Key
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Call, Comment, Expr, joined
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier

FILE = "keys.tf"
ROTATE_DAYS = (90, 2560)  # what KMS allows, docs.aws.amazon.com/kms/latest/developerguide/rotate-keys.html, 2026-11
WAIT_DAYS = 30  # the longest that KMS waits before it deletes a key: with it goes all that it wraps
USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey")


def key_arn(name: str, region: str) -> Expr:
    """The key of a site, for what it encrypts."""
    return Expr(f"aws_kms_key.{identifier(name, region)}.arn")


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Keys at AWS: one for each site, with their rotation.", "encryption_keys, clouds.aws.sites")
    for key in here.keys:
        _key(root.section(FILE, key.site.id, "encryption_keys", "key", {"region": key.site.region}), here, key)


def _key(section: Section, here: Blueprint, key: Key) -> None:
    if key.hardware:
        section.add(
            Comment("KMS keys never leave its validated hardware (FIPS 140-3 level 3), which is what the estate asks.")
        )
    label = identifier(key.name, key.site.region)
    low, high = ROTATE_DAYS
    made = section.make(
        "aws_kms_key",
        label,
        {
            "description": f"Wraps the data keys of {here.estate} at {key.site.id}.",
            "enable_key_rotation": True,
            "rotation_period_in_days": None if key.rotate_days is None else min(max(key.rotate_days, low), high),
            "deletion_window_in_days": WAIT_DAYS,
            "policy": _policy(key.site.region, any(b.audit and b.site.id == key.site.id for b in here.buckets)),
        },
        Comment("In a key's own policy * is this key; the account's own policies decide who of it may do what."),
        Comment(
            "checkov:skip=CKV_AWS_33:The wildcard is bound to this account by way of EC2: scaling groups encrypt "
            "disks by a role of their own, which may not exist yet when the key is made."
        ),
        KEEP,
        data_class=here.wrapped(key),
    )
    section.make(
        "aws_kms_alias",
        label,
        {
            "name": f"alias/polycloud/{made_name('aws', 'role', here.estate)}/{key.name}",
            "target_key_id": attribute(made, "key_id"),
        },
    )
    if key.rotate_days is not None and not low <= key.rotate_days <= high:
        section.root.gap(f"KMS rotates keys every {low} to {high} days, not {key.rotate_days}: the nearest is taken")


def _policy(region: str, trail: bool) -> Call:
    """The account decides by its own policies; logs, disks and trails may use the key for this account alone."""
    trails = allow(
        ["kms:DescribeKey", "kms:GenerateDataKey*"],
        "*",
        "Trails",
        Principal={"Service": "cloudtrail.amazonaws.com"},
        Condition={"ArnLike": {"aws:SourceArn": arn("cloudtrail", region, "trail/*")}},
    )
    return policy(
        allow(
            ["kms:*"],
            "*",
            "Account",
            Principal={"AWS": joined("arn:", PARTITION, ":iam::", ACCOUNT, ":root")},
        ),
        allow(
            list(USE),
            "*",
            "Logs",
            Principal={"Service": f"logs.{region}.amazonaws.com"},
            Condition={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn("logs", region, "*")}},
        ),
        allow(
            [*USE, "kms:CreateGrant"],
            "*",
            "Disks",
            Principal={"AWS": "*"},
            Condition={"StringEquals": {"kms:CallerAccount": ACCOUNT, "kms:ViaService": f"ec2.{region}.amazonaws.com"}},
        ),
        *([trails] if trail else []),
    )
