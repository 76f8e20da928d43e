"""What every resource at Azure says of its place, and what differs between regions."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Expr, Value, quoted
from polycloud.deploy.render.terraform import identifier

ZONES = ("1", "2", "3")
# Regions without availability zones, learn.microsoft.com/azure/reliability/regions-list, 2026-11.
WITHOUT_ZONES = frozenset(
    {
        "australiacentral",
        "australiacentral2",
        "australiasoutheast",
        "brazilsoutheast",
        "canadaeast",
        "francesouth",
        "germanynorth",
        "jioindiacentral",
        "jioindiawest",
        "koreasouth",
        "northcentralus",
        "norwaywest",
        "southafricawest",
        "southindia",
        "switzerlandwest",
        "uaecentral",
        "ukwest",
        "westcentralus",
        "westindia",
        "westus",
    }
)
TAGS = Expr("local.tags")
CLIENT = "data.azurerm_client_config.this"  # who runs Terraform, and where
TENANT = Expr(f"{CLIENT}.tenant_id")


def group(region: str) -> Expr:
    """The resource group of a site."""
    return Expr(f"azurerm_resource_group.{identifier(region)}.name")


def place(region: str) -> dict[str, Value]:
    """Where a resource is, and its tags: the provider has none of its own for all."""
    return {"location": region, "resource_group_name": group(region), "tags": TAGS}


def tags(data_class: str) -> Expr:
    """The tags of something that holds data."""
    return Expr(f"merge(local.tags, {{ data-class = {quoted(data_class)} }})") if data_class else TAGS


def zones(region: str) -> list[Value]:
    """The zones that something is spread over; none where the region has none."""
    return [] if region in WITHOUT_ZONES else list(ZONES)


def trusts_abroad(here: Blueprint) -> bool:
    """Whether pods on other clouds' clusters act as identities of this root: the gateway's, and placed workloads'."""
    own = {cluster.name for cluster in here.clusters}
    members = {member for principal in here.principals for member in principal.members}
    return bool(here.services) or any(
        run.cluster not in own and f"workload:{run.workload}" in members for run in here.runs
    )
