"""Names that each cloud and Kubernetes allow: made lawful where we choose them, refused with the rule where the
estate does."""

import hashlib
import re

import msgspec

DIGEST = 6  # characters of a digest that keep a shortened name unique: 16 million values


class Rule(msgspec.Struct, frozen=True):
    """What a cloud allows as the name of a kind of thing. ``source`` is where the vendor says so, seen 2026-11."""

    pattern: str
    longest: int
    words: str
    source: str
    without: str = ""  # a word that may stand nowhere in it


# (cloud, kind): the rule. Kinds: cluster, pool, bucket, store, database; at AWS backup, keyspace, role, profile; at
# Google account; at Azure cosmos, group, vault.
RULES: dict[tuple[str, str], Rule] = {
    ("aws", "cluster"): Rule(
        r"[0-9A-Za-z][A-Za-z0-9_-]*",
        100,
        "letters, digits, - and _, beginning with a letter or digit",
        "https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html",
    ),
    ("gcp", "cluster"): Rule(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        40,
        "small letters, digits and -, beginning with a letter",
        "https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters",
    ),
    ("azure", "cluster"): Rule(
        r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?",
        63,
        "letters, digits, - and _, beginning and ending with a letter or digit",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    ),
    ("oci", "cluster"): Rule(
        r"[A-Za-z0-9_][A-Za-z0-9_-]*",
        255,
        "letters, digits, - and _",
        "https://docs.oracle.com/iaas/api/#/en/containerengine/latest/Cluster",
    ),
    ("aws", "pool"): Rule(
        r"[0-9A-Za-z][A-Za-z0-9_-]*",
        63,
        "letters, digits, - and _",
        "https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html",
    ),
    ("gcp", "pool"): Rule(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        40,
        "small letters, digits and -, beginning with a letter",
        "https://cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters.nodePools",
    ),
    ("azure", "pool"): Rule(
        r"[a-z][a-z0-9]*",
        12,
        "at most 12 small letters and digits, beginning with a letter",
        "https://learn.microsoft.com/azure/aks/create-node-pools",
    ),
    ("oci", "pool"): Rule(
        r"[A-Za-z0-9_][A-Za-z0-9_-]*",
        255,
        "letters, digits, - and _",
        "https://docs.oracle.com/iaas/api/#/en/containerengine/latest/NodePool",
    ),
    ("aws", "bucket"): Rule(
        r"[a-z0-9][a-z0-9-]*[a-z0-9]",
        63,
        "3 to 63 small letters, digits and -",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    ),
    # A store's bucket, as a person may have named it: with more marks than we choose ourselves.
    ("aws", "store"): Rule(
        r"(?!xn--|sthree-|\d+\.\d+\.\d+\.\d+$)[a-z0-9]([a-z0-9-]|\.(?!\.)){1,}[a-z0-9]",
        63,
        "3 to 63 small letters, digits, - and single ., beginning and ending with a letter or digit",
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    ),
    ("gcp", "store"): Rule(
        r"(?!goog|.*google|\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9._-]{1,}[a-z0-9]",
        63,
        "3 to 63 small letters, digits and - _ ., beginning and ending with a letter or digit, without google",
        "https://cloud.google.com/storage/docs/buckets#naming",
    ),
    ("azure", "store"): Rule(
        r"[a-z0-9]{3,}",
        24,
        "3 to 24 small letters and digits (the storage account's name)",
        "https://learn.microsoft.com/azure/storage/common/storage-account-overview",
    ),
    ("oci", "store"): Rule(
        r"[A-Za-z0-9_.-]+",
        256,
        "letters, digits and - _ .",
        "https://docs.oracle.com/iaas/Content/Object/Tasks/managingbuckets_topic-Bucket_Names.htm",
    ),
    ("aws", "role"): Rule(
        r"[A-Za-z][A-Za-z0-9_-]*",
        64,
        "at most 64 letters, digits, - and _",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
    ),
    ("aws", "profile"): Rule(
        r"[A-Za-z0-9]([A-Za-z0-9]|[_-](?=[A-Za-z0-9]))*",
        63,
        "at most 63 letters, digits and single - or _",
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateInferenceProfile.html",
    ),
    ("aws", "keyspace"): Rule(
        r"[A-Za-z][A-Za-z0-9_]*",
        48,
        "at most 48 letters, digits and _",
        "https://docs.aws.amazon.com/keyspaces/latest/devguide/quotas.html",
    ),
    ("aws", "backup"): Rule(
        r"[A-Za-z0-9_-]{2,}",
        50,
        "2 to 50 letters, digits, - and _",
        "https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html",
    ),
    ("aws", "database"): Rule(
        r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*",
        63,
        "at most 63 small letters, digits and single -, beginning with a letter",
        "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_Limits.html",
    ),
    ("gcp", "account"): Rule(
        r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
        30,
        "6 to 30 small letters, digits and -, beginning with a letter",
        "https://cloud.google.com/iam/docs/service-accounts-create",
    ),
    ("gcp", "database"): Rule(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        60,
        "small letters, digits and -, beginning with a letter",
        "https://cloud.google.com/sql/docs/postgres/create-instance",
    ),
    ("gcp", "bucket"): Rule(
        r"[a-z0-9][a-z0-9-]*[a-z0-9]",
        63,
        "3 to 63 small letters, digits and -, without goog",
        "https://cloud.google.com/storage/docs/buckets#naming",
        "goog",
    ),
    ("azure", "bucket"): Rule(
        r"[a-z0-9]{3,}",
        24,
        "3 to 24 small letters and digits (the storage account's name)",
        "https://learn.microsoft.com/azure/storage/common/storage-account-overview",
    ),
    ("azure", "cosmos"): Rule(
        r"[a-z0-9]([a-z0-9-]*[a-z0-9])?",
        44,
        "at most 44 small letters, digits and -",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    ),
    ("azure", "database"): Rule(
        r"[a-z]([a-z0-9-]*[a-z0-9])?",
        63,
        "small letters, digits and -, beginning with a letter",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    ),
    ("azure", "group"): Rule(
        r"[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?",
        80,
        "at most 80 letters, digits, - and _",
        "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules",
    ),
    ("azure", "vault"): Rule(
        r"[a-z]([a-z0-9]|-(?=[a-z0-9]))*",
        24,
        "at most 24 small letters, digits and single -, beginning with a letter",
        "https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates",
    ),
    ("kubernetes", "account"): Rule(
        r"[a-z0-9]([a-z0-9-]*[a-z0-9])?",
        63,
        "at most 63 small letters, digits and -, beginning and ending with a letter or digit",
        "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names",
    ),
    ("oci", "database"): Rule(
        r"[a-z][a-z0-9]*",
        30,
        "at most 30 small letters and digits, beginning with a letter",
        "https://docs.oracle.com/iaas/api/#/en/database/latest/AutonomousDatabase",
    ),
    ("oci", "bucket"): Rule(
        r"[A-Za-z0-9_.-]+",
        256,
        "letters, digits and - _ .",
        "https://docs.oracle.com/iaas/Content/Object/Tasks/managingbuckets_topic-Bucket_Names.htm",
    ),
}


def broken(cloud: str, kind: str, name: str) -> Rule | None:
    """The rule that a name breaks; None for a lawful one, and where no rule is known."""
    rule = RULES.get((cloud, kind))
    if rule is None:
        return None
    clean = not rule.without or rule.without not in name
    if clean and len(name) <= rule.longest and re.fullmatch(rule.pattern, name):
        return None
    return rule


def made(cloud: str, kind: str, *parts: str) -> str:
    """A lawful name from parts. What had to be cut or replaced leaves a digest of the parts, so that two different
    origins never meet in one name."""
    rule = RULES[cloud, kind]
    separator = "-" if re.fullmatch(rule.pattern, "abcd-efg") else ""
    plain = separator.join(parts)
    if broken(cloud, kind, plain) is None:
        return plain
    keep = r"[^a-z0-9]" if separator == "" else r"[^a-z0-9-]"
    words = re.sub(keep, "", re.sub(r"[._/]+", "-", separator.join(parts).lower()))
    while rule.without and rule.without in words:
        words = words.replace(rule.without, "")
    words = re.sub(r"-+", "-", words).strip("-")
    tail = hashlib.sha256("/".join(parts).encode()).hexdigest()[:DIGEST]
    if not words or not words[0].isalpha():
        words = f"p{words}"
    head = words[: rule.longest - DIGEST - len(separator)].rstrip("-")
    return f"{head}{separator}{tail}"
