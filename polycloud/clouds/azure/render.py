"""The Terraform root of Azure: a resource group at each site, and each part in a file of its own."""

from polycloud.clouds.azure import (
    render_ai,
    render_clusters,
    render_databases,
    render_identity,
    render_keys,
    render_links,
    render_network,
    render_storage,
    render_tests,
    render_vault,
    render_watch,
)
from polycloud.clouds.azure.render_people import known
from polycloud.clouds.azure.render_place import CLIENT, TAGS, trusts_abroad
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.issuers import issuers
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.terraform import Root, backend, identifier, output, ref, variable, versions


def render(blueprint: Blueprint) -> Rendered:
    """All of an estate that is at Azure; nothing when it has nothing there."""
    if not blueprint.of("azure").keys:
        return Rendered({})
    return kept(_root, blueprint)


def _root(blueprint: Blueprint) -> Root:
    here = blueprint.of("azure")
    root = Root("azure", blueprint)
    _settings(root, here)
    _groups(root, here)
    render_keys.add(root, here)
    render_network.add(root, here)
    render_clusters.add(root, here)
    render_storage.add(root, here)
    render_databases.add(root, here)
    render_ai.add(root, here)
    render_links.link_ends(root, here)
    render_identity.add(root, here)
    render_vault.add(root, here)
    render_watch.add(root, here)
    render_tests.add(root, here)
    return root


def _settings(root: Root, here: Blueprint) -> None:
    root.about("versions.tf", "Which Terraform and which provider.", "clouds.azure")
    directory = ("azuread",) if known(here) else ()
    root.add("versions.tf", versions("azurerm", *directory))
    root.about("backend.tf", "Where the state of this root is kept; make the account once, by hand.", "clouds.azure")
    state: dict[str, Value] = {
        "resource_group_name": made("azure", "group", here.estate, "terraform-state"),
        "storage_account_name": made("azure", "bucket", here.estate, "tfstate"),
        "container_name": "state",
        "key": f"{here.environment}/azure.tfstate",
        "use_azuread_auth": True,
    }
    root.add("backend.tf", backend("azurerm", state))
    root.about("providers.tf", "The provider: the subscription, and a resource group at each site.", "clouds.azure")
    root.add(
        "providers.tf",
        block(
            "provider",
            "azurerm",
            attributes={"subscription_id": ref("var.subscription"), "storage_use_azuread": True},
            parts=(
                block(
                    "features",
                    parts=(
                        block("resource_group", attributes={"prevent_deletion_if_contains_resources": True}),
                        block("key_vault", attributes={"purge_soft_delete_on_destroy": False}),
                    ),
                ),
            ),
        ),
        block("locals", attributes={"tags": dict(here.tags)}),
        block("data", "azurerm_client_config", "this"),
    )
    root.about("variables.tf", "What is said at apply time.", "clouds.azure")
    accounts = here.accounts.get("azure", {})
    root.add(
        "variables.tf",
        variable(
            "subscription",
            "The subscription that all this is in; none: that of the environment, ARM_SUBSCRIPTION_ID.",
            "string",
            accounts.get("subscription") or Expr("null"),
        ),
        variable(
            "operator_addresses",
            "Public addresses from which Terraform and people reach key vaults; none: only from inside.",
            "list(string)",
            [],
        ),
    )
    if trusts_abroad(here):
        issuers(root)
    root.about("outputs.tf", "What other roots and people need to know.", "clouds.azure")
    root.add(
        "outputs.tf", output("subscription", "The subscription that all this is in.", ref(f"{CLIENT}.subscription_id"))
    )


def _groups(root: Root, here: Blueprint) -> None:
    for key in here.keys:
        root.section("providers.tf", key.site.id, "clouds.azure.sites", "group").make(
            "azurerm_resource_group",
            identifier(key.site.region),
            {
                "name": made("azure", "group", here.estate, key.site.region),
                "location": key.site.region,
                "tags": TAGS,
            },
        )
