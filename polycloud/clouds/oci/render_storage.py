"""Buckets at Oracle Cloud: private, versioned, our key, cooling with age, logged, copied to one other region."""

from polycloud.clouds.oci.render_keys import granted, key_id, statement
from polycloud.clouds.oci.render_network import LOG_DAYS, log_group
from polycloud.clouds.oci.render_place import COMPARTMENT, NAMESPACE, at, place, tags
from polycloud.deploy.blueprint import Blueprint, Bucket, Lifecycle
from polycloud.deploy.conventions import NOT_COPIED
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block
from polycloud.deploy.render.terraform import KEEP, Root, Section, identifier, output, ref

FILE = "storage.tf"
OLD_VERSION_DAYS = 30  # what was overwritten or deleted can be brought back so long
UNFINISHED_DAYS = 7


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Buckets at Oracle Cloud: how they age, who is told, where they are copied.", "datasets, stores")
    _logs(root, here)
    if not here.buckets:
        return
    _service(root, here)
    targets = {copy.name for bucket in here.buckets for copy in native(here, bucket)}
    for bucket in here.buckets:
        section = root.section(FILE, bucket.site.id, bucket.source, "bucket", at(bucket.site.region))
        _bucket(section, bucket)
        _lifecycle(section, bucket, bucket.name in targets)
        _reading_log(root, bucket)
        root.provides(f"bucket:{bucket.name}")
    for bucket in here.buckets:
        for copy in native(here, bucket):
            _copy(root, bucket, copy)
        for other in bucket.copies_to:
            if other not in {copy.name for copy in native(here, bucket)}:
                root.gap(f"Oracle Cloud does not copy {bucket.name} to {other} by itself; {NOT_COPIED}")
    root.add("outputs.tf", _output(here))


def native(here: Blueprint, bucket: Bucket) -> list[Bucket]:
    """The one copy that Oracle Cloud makes itself: a bucket has one, all of it goes there or nothing, and nothing else
    can be there, for nobody but the service writes into a copy."""
    whole = [copy for copy in here.copies(bucket) if not bucket.copied(copy)]
    return [copy for copy in whole if set(copy.datasets) <= set(bucket.datasets)][:1]


def _logs(root: Root, here: Blueprint) -> None:
    for key in here.keys:
        classes = sorted({c for b in here.buckets if b.site.id == key.site.id for c in b.data_class.split()})
        root.section(FILE, key.site.id, "data_classes", "logs", place(key.site.region)).make(
            "oci_logging_log_group",
            identifier(key.site.region),
            {"display_name": made("oci", "bucket", f"{here.estate}-{key.site.region}")},
            data_class=" ".join(classes),
        )


def _service(root: Root, here: Blueprint) -> None:
    """The storage service itself cools, deletes and copies objects: it does so by these rights."""
    regions = sorted({bucket.site.region for bucket in here.buckets})
    root.section(FILE, "", "datasets", "identity").make(
        "oci_identity_policy",
        "objects",
        {
            "compartment_id": COMPARTMENT,
            "name": made("oci", "bucket", f"{here.estate}-objects"),
            "description": "The storage service cools, deletes and copies objects: Oracle's own form, of all buckets.",
            "statements": [
                statement(f"Allow service objectstorage-{region} to manage object-family") for region in regions
            ],
        },
    )


def _bucket(section: Section, bucket: Bucket) -> None:
    section.make(
        "oci_objectstorage_bucket",
        identifier(bucket.name),
        {
            "compartment_id": COMPARTMENT,
            "namespace": NAMESPACE,
            "name": bucket.physical,
            "access_type": "NoPublicAccess",
            "storage_tier": "Standard",
            "versioning": "Enabled",
            "object_events_enabled": True,
            "kms_key_id": key_id(bucket.key, bucket.site.region),
            "freeform_tags": tags(bucket.data_class),
            "depends_on": [granted(bucket.site.region)],
        },
        KEEP,
        monthly=bucket.monthly,
        data_class=bucket.data_class,
    )


def _named(bucket: Bucket) -> dict[str, Value]:
    return {"namespace": NAMESPACE, "bucket": ref(f"oci_objectstorage_bucket.{identifier(bucket.name)}.name")}


def steps(ages: Lifecycle) -> list[tuple[str, int]]:
    """What happens to objects at which age: two tiers, for Oracle Cloud has no third that reads at once."""
    cool = min((days for days in (ages.warm, ages.cold) if days is not None), default=None)
    wanted = (("INFREQUENT_ACCESS", cool), ("ARCHIVE", ages.archive), ("DELETE", ages.delete))
    return [
        (action, days)
        for action, days in wanted
        if days is not None and (action == "DELETE" or ages.delete is None or days < ages.delete)
    ]


def _lifecycle(section: Section, bucket: Bucket, copy: bool) -> None:
    """A copy only takes what its source sends, deletions included: what is deleted by age there would fight with it."""
    rules = []
    for dataset, folders, ages in bucket.aged():
        if ages.warm is not None and ages.cold is not None:
            section.root.gap(f"{bucket.name}: Oracle Cloud has one tier for warm and cold: objects go there when warm")
        rules += [
            _rule("-".join((*action.lower().split("_"), dataset)).strip("-"), action, days, folders=folders)
            for action, days in steps(ages)
            if action != "DELETE" or not copy
        ]
    told = [Comment("What ages out at the source is deleted here by the replication, so no rule does it.")]
    section.make(
        "oci_objectstorage_object_lifecycle_policy",
        identifier(bucket.name),
        {**_named(bucket), "depends_on": [ref("oci_identity_policy.objects")]},
        *(told if copy and any(ages.delete is not None for _, _, ages in bucket.aged()) else []),
        *rules,
        _rule("unfinished", "ABORT", UNFINISHED_DAYS, "multipart-uploads"),
        _rule("old-versions", "DELETE", OLD_VERSION_DAYS, "previous-object-versions"),
        note=f"versions are kept {OLD_VERSION_DAYS} days",
    )


def _rule(name: str, action: str, days: int, target: str = "objects", folders: tuple[str, ...] = ()) -> Block:
    # What is not said the provider takes from the cloud, and then sees another rule: so all three are said.
    only: dict[str, Value] = {"exclusion_patterns": [], "inclusion_patterns": [], "inclusion_prefixes": list(folders)}
    return block(
        "rules",
        attributes={
            "name": name,
            "action": action,
            "is_enabled": True,
            "target": target,
            "time_amount": str(days),
            "time_unit": "DAYS",
        },
        parts=(block("object_name_filter", attributes=only),) if folders else (),
    )


def _copy(root: Root, bucket: Bucket, copy: Bucket) -> None:
    root.section(FILE, copy.site.id, bucket.source, "bucket", at(bucket.site.region)).make(
        "oci_objectstorage_replication_policy",
        identifier(bucket.name, copy.name),
        {
            **_named(bucket),
            "name": made("oci", "bucket", f"to-{copy.name}"),
            "destination_bucket_name": ref(f"oci_objectstorage_bucket.{identifier(copy.name)}.name"),
            "destination_region_name": copy.site.region,
            "depends_on": [ref("oci_identity_policy.objects")],
        },
        Comment("From its making on, the copy is read-only, and what was there before is not copied."),
        data_class=bucket.data_class,
        note=f"copy of {bucket.site.id}",
    )


def _reading_log(root: Root, bucket: Bucket) -> None:
    """Who wrote, for all; who read, for classes that ask for audit."""
    region = bucket.site.region
    for category in ("read", "write") if bucket.audit else ("write",):
        root.section(FILE, bucket.site.id, "data_classes", "logs", at(region)).make(
            "oci_logging_log",
            f"bucket_{category}_{identifier(bucket.name)}",
            {
                "display_name": made("oci", "bucket", f"{category}-{bucket.name}"),
                "log_group_id": log_group(region),
                "log_type": "SERVICE",
                "is_enabled": True,
                "retention_duration": LOG_DAYS,
            },
            block(
                "configuration",
                parts=(
                    block(
                        "source",
                        attributes={
                            "category": category,
                            "resource": Expr(f"oci_objectstorage_bucket.{identifier(bucket.name)}.name"),
                            "service": "objectstorage",
                            "source_type": "OCISERVICE",
                        },
                    ),
                ),
            ),
            data_class=bucket.data_class if bucket.audit else "",
        )


def _output(here: Blueprint) -> Block:
    value: dict[str, Value] = {
        bucket.name: {
            "bucket": ref(f"oci_objectstorage_bucket.{identifier(bucket.name)}.name"),
            "namespace": NAMESPACE,
            "region": bucket.site.region,
        }
        for bucket in here.buckets
    }
    return output("buckets", "The buckets by their names in the estate.", value)
