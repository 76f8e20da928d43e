"""The tests that ship with the root of Azure: closed, encrypted, in place, within bounds."""

from polycloud.clouds.azure.render_ai import named, sku
from polycloud.clouds.azure.render_clusters import bounds
from polycloud.clouds.azure.render_databases import TYPES
from polycloud.clouds.azure.render_people import known
from polycloud.clouds.azure.render_storage import COPIES_MAX, steps
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Value, quoted
from polycloud.deploy.render import promises
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, identifier

ID = "00000000-0000-0000-0000-000000000000"
DIRECTORY = (Mock("azuread_group", {"object_id": ID}), Mock("azuread_user", {"object_id": ID}))
MOCKS = (Mock("azurerm_client_config", {"tenant_id": ID, "object_id": ID, "subscription_id": ID, "client_id": ID}),)


def add(root: Root, here: Blueprint) -> None:
    runs = {
        "keys_are_renewed": [
            Promise(
                f"length(azurerm_key_vault_key.{identifier(key.name, key.site.region)}.rotation_policy) == 1",
                f"The key at {key.site.id} must be renewed by itself",
            )
            for key in here.keys
        ]
        + [
            Promise(
                f"azurerm_key_vault.{identifier(key.name, key.site.region)}.purge_protection_enabled",
                f"The key vault at {key.site.id} must not be deleted for good: with it goes all that it wraps",
            )
            for key in here.keys
        ],
        "clusters_are_closed": _clusters(here),
        "pools_keep_their_bounds": _pools(here),
        "buckets_are_closed_and_encrypted": _buckets(here),
        "buckets_age_and_are_copied": _ages(here) + _copies(here),
        "data_stay_where_they_may_be": [
            promises.inside(here, "azure", b.data_class, f"azurerm_storage_account.{identifier(b.name)}.location")
            for b in here.buckets
            if b.data_class
        ],
        "models_are_worked_on_where_they_may_be": _models(here),
        "databases_are_inside": _databases(here),
        "people_sign_in_with_a_second_factor": _second_factor(here),
    }
    passwords: dict[str, Value] = {d.name: "for-tests-alone" for d in here.databases if d.engine == "mysql"}
    providers = {"azurerm": MOCKS, **({"azuread": DIRECTORY} if known(here) else {})}
    promises.add(root, providers, runs, {"database_passwords": passwords} if passwords else {})


def _clusters(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        address = f"azurerm_kubernetes_cluster.{identifier(cluster.name)}"
        found += [
            Promise(
                f"{address}.private_cluster_enabled && {address}.local_account_disabled",
                f"The Kubernetes API of {cluster.name} must be reached from inside, and by Entra alone",
            ),
            Promise(
                f"length({address}.key_management_service) == 1",
                f"Secrets of {cluster.name} must be encrypted by our key",
            ),
            Promise(
                f"{address}.kubernetes_version == {quoted(cluster.version)}",
                f"{cluster.name} must run {cluster.version}",
            ),
        ]
    return found


def _pools(here: Blueprint) -> list[Promise]:
    found = []
    for cluster in here.clusters:
        for pool in cluster.pools:
            where, least, most = bounds(cluster, pool)
            found.append(
                Promise(
                    f"{where}.min_count == {least} && {where}.max_count == {most}",
                    f"The pool {pool.name} of {cluster.name} has {least} to {most} machines",
                )
            )
    return found


def _buckets(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        address = f"azurerm_storage_account.{identifier(bucket.name)}"
        closed = f"!{address}.public_network_access_enabled && !{address}.allow_nested_items_to_be_public"
        found += [
            Promise(f"{closed} && !{address}.shared_access_key_enabled", f"{bucket.name} must not be public"),
            Promise(f"length({address}.customer_managed_key) == 1", f"{bucket.name} must be encrypted by our key"),
            Promise(f"{address}.blob_properties[0].versioning_enabled", f"{bucket.name} must keep versions"),
        ]
    return found


def _ages(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        rules = f"azurerm_storage_management_policy.{identifier(bucket.name)}.rule"
        for dataset, folders, ages in bucket.aged():
            tests = [f"rule.actions[0].base_blob[0].{step} == {days}" for step, days in steps(ages).items()]
            only = [promises.exactly("rule.filters[0].prefix_match", folders)] if folders else []
            if tests:
                what = f"{dataset} in {bucket.name}" if dataset else bucket.name
                test = promises.some(rules, "rule.enabled", *tests, *only)
                found.append(Promise(test, f"{what} must age as the estate says"))
    return found


def _copies(here: Blueprint) -> list[Promise]:
    found = []
    for bucket in here.buckets:
        for copy in here.copies(bucket)[:COPIES_MAX]:
            # A plan knows no rule's name yet, and so nothing of the set of rules.
            told = f"azurerm_storage_object_replication.{identifier(bucket.name, copy.name)}.metrics_enabled"
            feed = f"azurerm_storage_account.{identifier(bucket.name)}.blob_properties[0].change_feed_enabled"
            what = f"{bucket.name} must be copied to {copy.site.id}, and tell how far the copy is"
            found.append(Promise(f"{feed} && {told}", what))
    return found


def _models(here: Blueprint) -> list[Promise]:
    """The kind of a deployment says whether requests leave the region, and how far."""
    regions = sorted({service.site.region for service in here.services})
    return [
        Promise(
            f"!azurerm_cognitive_account.{identifier(region)}.local_auth_enabled",
            f"Models at azure/{region} must be called by identities alone, never by keys",
        )
        for region in regions
    ] + [
        Promise(
            f"azurerm_cognitive_deployment.{identifier(service.site.region, name)}.sku[0].name == "
            f"{quoted(sku(service))}",
            f"{name} at {service.site.id} must be worked on where the estate says",
        )
        for service, name in named(here)
        if not service.endpoint
    ]


def _databases(here: Blueprint) -> list[Promise]:
    found = []
    for database in here.databases:
        kind = TYPES.get(database.engine)
        if kind is not None:
            address = f"{kind}.{identifier(database.name)}"
            open_ = (
                f"!{address}.public_network_access_enabled"
                if database.engine == "postgresql"
                else f'{address}.public_network_access == "Disabled"'
            )
            found.append(
                Promise(
                    f"{open_} && length({address}.customer_managed_key) == 1",
                    f"{database.name} must be reached from inside alone, and be encrypted by our key",
                )
            )
    return found


def _second_factor(here: Blueprint) -> list[Promise]:
    if here.sign_in is None or not here.sign_in.second_factor or not known(here):
        return []
    asks = 'contains(azuread_conditional_access_policy.people.grant_controls[0].built_in_controls, "mfa")'
    return [
        Promise(asks, "Whoever holds a role must be asked for a second factor"),
        Promise('azuread_conditional_access_policy.people.state == "enabled"', "The policy must be in force"),
    ]
