"""Storage accounts with the lake's layers as containers: private, our key, versions, cooling with age, copied.

Each site has a workspace for logs, and an account for those that Azure only gives to accounts.
"""

from polycloud.clouds.azure.render_keys import granted, identity, key_id, user
from polycloud.clouds.azure.render_network import endpoint
from polycloud.clouds.azure.render_place import place, tags, zones
from polycloud.deploy.blueprint import Blueprint, Bucket, Lifecycle, Where
from polycloud.deploy.conventions import NOT_COPIED
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, joined
from polycloud.deploy.render.terraform import KEEP, Root, Section, attribute, identifier, output, ref

FILE = "storage.tf"
# Steps of the estate and what Azure calls them, learn.microsoft.com/azure/storage/blobs/access-tiers-overview, 2026-11.
TIERS = (("warm", "cool"), ("cold", "cold"), ("archive", "archive"))
OLD_VERSION_DAYS = 30  # what was overwritten or deleted can be brought back so long
LOG_DAYS = 400  # a year of who read what, and a month to look at it
COPIES_MAX = 2  # of one account, learn.microsoft.com/azure/storage/blobs/object-replication-overview, 2026-11
SKIPS = (
    "checkov:skip=CKV_AZURE_33:It holds objects alone, no queues.",
    "checkov:skip=CKV_AZURE_206:Azure's own copies go where Azure likes; where copies are, the estate says.",
    "checkov:skip=CKV2_AZURE_21:Who reads is logged by its diagnostic setting, which goes to a workspace.",
    "checkov:skip=CKV2_AZURE_41:No shared access signature is signed: keys of the account are off.",
)


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Storage at Azure: accounts, how objects age, where they are copied, logs.", "datasets, stores")
    for site in sorted({key.site.id: key.site for key in here.keys}.values(), key=lambda s: s.id):
        _workspace(root, here, site)
        if any(network.site.id == site.id for network in here.networks):
            _log_account(root, here, site)
    for bucket in here.buckets:
        section = root.section(FILE, bucket.site.id, bucket.source, "bucket", place(bucket.site.region))
        _account(section, bucket, bool(here.copies(bucket)))
        _containers(root, bucket)
        _lifecycle(root, bucket)
        _reading_log(root, bucket)
        root.provides(f"bucket:{bucket.name}")
    for bucket in here.buckets:
        copies = here.copies(bucket)
        for copy in copies[:COPIES_MAX]:
            _copy(root, bucket, copy)
        for other in copies[COPIES_MAX:]:
            root.gap(
                f"{bucket.name}: Azure copies an account to {COPIES_MAX} others: {other.name} needs a tool of your own"
            )
        for missing in bucket.copies_to:
            if missing not in {copy.name for copy in copies}:
                root.gap(f"Azure does not copy {bucket.name} to {missing} in another cloud by itself; {NOT_COPIED}")
    if here.buckets:
        root.add("outputs.tf", _output(here))


def account(bucket: Bucket) -> Expr:
    return Expr(f"azurerm_storage_account.{identifier(bucket.name)}.id")


def _workspace(root: Root, here: Blueprint, site: Where) -> None:
    """Logs of a site stay in its region; people read them by Entra, not by the workspace's key."""
    classes = sorted({c for b in here.buckets if b.site.id == site.id for c in b.data_class.split()})
    root.section(FILE, site.id, "data_classes", "logs", place(site.region)).make(
        "azurerm_log_analytics_workspace",
        identifier(site.region),
        {
            "name": made("azure", "group", here.estate, "logs", site.region),
            "sku": "PerGB2018",
            "retention_in_days": LOG_DAYS,
            "local_authentication_enabled": False,
        },
        data_class=" ".join(classes),
    )


def _base(site: Where, name: str, redundancy: str) -> dict[str, Value]:
    return {
        "name": name,
        "account_kind": "StorageV2",
        "account_tier": "Standard",
        "account_replication_type": redundancy,
        "access_tier": "Hot",
        "min_tls_version": "TLS1_2",
        "https_traffic_only_enabled": True,
        "public_network_access_enabled": False,
        "allow_nested_items_to_be_public": False,
        "shared_access_key_enabled": False,
        "default_to_oauth_authentication": True,
        "cross_tenant_replication_enabled": False,
        "infrastructure_encryption_enabled": True,
        "local_user_enabled": False,
        "depends_on": [granted(site.region)],
    }


def _guards(region: str, blobs: dict[str, Value]) -> tuple[Block, ...]:
    """Our key, no network but the private endpoint, and what was deleted stays a while."""
    return (
        block("identity", attributes=identity(region)),
        block(
            "customer_managed_key",
            attributes={
                "key_vault_key_id": key_id("data", region),
                "user_assigned_identity_id": attribute(user(region), "id"),
            },
        ),
        block("network_rules", attributes={"default_action": "Deny", "bypass": ["AzureServices"]}),
        block(
            "blob_properties",
            attributes=blobs,
            parts=(
                block("delete_retention_policy", attributes={"days": OLD_VERSION_DAYS}),
                block("container_delete_retention_policy", attributes={"days": OLD_VERSION_DAYS}),
            ),
        ),
        KEEP,
    )


def redundancy(root: Root, bucket: Bucket) -> str:
    """Over zones where there are any; but objects are archived only in accounts of one zone."""
    if not zones(bucket.site.region):
        return "LRS"
    if any(ages.archive is not None for _, _, ages in bucket.aged()):
        root.gap(f"{bucket.name}: Azure archives only what is kept in one zone, so the account is in one (LRS)")
        return "LRS"
    return "ZRS"


def _account(section: Section, bucket: Bucket, copied: bool) -> None:
    site = bucket.site
    label = identifier(bucket.name)
    given = _base(site, bucket.physical, redundancy(section.root, bucket))
    blobs: dict[str, Value] = {"versioning_enabled": True, "change_feed_enabled": True if copied else None}
    address = section.make(
        "azurerm_storage_account",
        label,
        {**given, "tags": tags(bucket.data_class)},
        *map(Comment, SKIPS),
        *_guards(site.region, blobs),
        monthly=bucket.monthly,
        data_class=bucket.data_class,
    )
    endpoint(section, "blob", f"blob_{label}", site.region, attribute(address, "id"))


def _containers(root: Root, bucket: Bucket) -> None:
    for layer in bucket.layers:
        root.section(FILE, bucket.site.id, bucket.source, "bucket").make(
            "azurerm_storage_container",
            identifier(bucket.name, layer),
            {"name": layer, "storage_account_id": account(bucket), "container_access_type": "private"},
            Comment("checkov:skip=CKV2_AZURE_21:Who reads is logged by the account's diagnostic setting."),
            data_class=bucket.data_class,
        )


def _lifecycle(root: Root, bucket: Bucket) -> None:
    rules = []
    for dataset, folders, ages in bucket.aged():
        if moves := steps(ages):
            # Blobs are told apart by what their names begin with, of which the container is the first part.
            name = made("azure", "group", "age", dataset) if dataset else "age"
            rules.append(_rule(name, block("base_blob", attributes=moves), folders))
    old = block("version", attributes={"delete_after_days_since_creation": OLD_VERSION_DAYS})
    root.section(FILE, bucket.site.id, bucket.source, "bucket").make(
        "azurerm_storage_management_policy",
        identifier(bucket.name),
        {"storage_account_id": account(bucket)},
        *rules,
        _rule("old-versions", old),
        note=f"versions are kept {OLD_VERSION_DAYS} days",
    )


def steps(ages: Lifecycle) -> dict[str, Value]:
    """At which age blobs go to which tier; what would be gone before does not."""
    found: dict[str, Value] = {}
    for step, tier in TIERS:
        days = getattr(ages, step)
        if days is not None and (ages.delete is None or days < ages.delete):
            found[f"tier_to_{tier}_after_days_since_modification_greater_than"] = days
    if ages.delete is not None:
        found["delete_after_days_since_modification_greater_than"] = ages.delete
    return found


def _rule(name: str, action: Block, folders: tuple[str, ...] = ()) -> Block:
    return block(
        "rule",
        attributes={"name": name, "enabled": True},
        parts=(
            block("filters", attributes={"blob_types": ["blockBlob"], "prefix_match": list(folders) or None}),
            block("actions", parts=(action,)),
        ),
    )


def only(bucket: Bucket, copy: Bucket, layer: str) -> list[str]:
    """Folders of a container that go to a copy; none: all of it does."""
    return [prefix.removeprefix(f"{layer}/") for prefix in bucket.copied(copy) if prefix.startswith(f"{layer}/")]


def _copy(root: Root, bucket: Bucket, copy: Bucket) -> None:
    """Each layer to the same layer of the copy, from the first object on."""
    shared = [layer for layer in bucket.layers if layer in copy.layers]
    root.section(FILE, copy.site.id, bucket.source, "bucket").make(
        "azurerm_storage_object_replication",
        identifier(bucket.name, copy.name),
        {
            "source_storage_account_id": account(bucket),
            "destination_storage_account_id": account(copy),
            "metrics_enabled": True,
        },
        *(
            block(
                "rules",
                attributes={
                    "source_container_name": ref(f"azurerm_storage_container.{identifier(bucket.name, layer)}.name"),
                    "destination_container_name": ref(f"azurerm_storage_container.{identifier(copy.name, layer)}.name"),
                    "copy_blobs_created_after": "Everything",
                    # Azure's name for it notwithstanding, only what begins so is copied.
                    "filter_out_blobs_with_prefix": only(bucket, copy, layer) or None,
                },
            )
            for layer in shared
        ),
        data_class=bucket.data_class,
        note=f"copy of {bucket.site.id}",
    )


def _reading_log(root: Root, bucket: Bucket) -> None:
    """Who read and wrote, for classes that ask for audit; who wrote and deleted, for all."""
    kinds = ("StorageDelete", "StorageRead", "StorageWrite") if bucket.audit else ("StorageDelete", "StorageWrite")
    root.section(FILE, bucket.site.id, "data_classes", "logs").make(
        "azurerm_monitor_diagnostic_setting",
        f"bucket_{identifier(bucket.name)}",
        {
            "name": "polycloud",
            "target_resource_id": joined(account(bucket), "/blobServices/default"),
            "log_analytics_workspace_id": ref(f"azurerm_log_analytics_workspace.{identifier(bucket.site.region)}.id"),
        },
        *(block("enabled_log", attributes={"category": kind}) for kind in kinds),
        data_class=bucket.data_class if bucket.audit else "",
    )


def _log_account(root: Root, here: Blueprint, site: Where) -> None:
    """Where the site's network says who spoke with whom; Azure gives flow logs to accounts alone."""
    section = root.section(FILE, site.id, "clouds.azure.sites", "logs", place(site.region))
    label = f"logs_{identifier(site.region)}"
    name = made("azure", "bucket", here.estate, "logs", site.region)
    section.make(
        "azurerm_storage_account",
        label,
        _base(site, name, "ZRS" if zones(site.region) else "LRS"),
        Comment("checkov:skip=CKV2_AZURE_33:Only Azure's network watcher writes there, as a service that is let in."),
        *map(Comment, SKIPS),
        *_guards(site.region, {}),
    )
    ages: dict[str, Value] = {"delete_after_days_since_modification_greater_than": LOG_DAYS}
    root.section(FILE, site.id, "clouds.azure.sites", "logs").make(
        "azurerm_storage_management_policy",
        label,
        {"storage_account_id": ref(f"azurerm_storage_account.{label}.id")},
        _rule("age", block("base_blob", attributes=ages)),
    )


def _output(here: Blueprint) -> Block:
    value: dict[str, Value] = {
        bucket.name: {
            "account": ref(f"azurerm_storage_account.{identifier(bucket.name)}.name"),
            "url": ref(f"azurerm_storage_account.{identifier(bucket.name)}.primary_blob_endpoint"),
            "region": bucket.site.region,
        }
        for bucket in here.buckets
    }
    return output("buckets", "The storage accounts by the buckets' names in the estate.", value)
