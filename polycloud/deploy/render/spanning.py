"""What the Terraform roots share that are of no single cloud: their versions, and where their state is kept."""

from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Value
from polycloud.deploy.render.terraform import Root, backend, versions


def settings(root: Root, providers: list[Block], source: str) -> None:
    """The files that every root has; ``source`` is the part of the estate that the root comes from."""
    root.about("versions.tf", "Which Terraform and which providers.", source)
    kind, state = _state(root.blueprint, root.cloud)
    root.add("versions.tf", versions(*root.kinds(), state=kind))
    root.about("backend.tf", "Where the state of this root is kept; make the bucket once, by hand.", "clouds")
    root.add("backend.tf", backend(kind, state))
    root.about("providers.tf", "The providers, for as much as this root needs of each.", source)
    root.add("providers.tf", *providers)


def _state(blueprint: Blueprint, name: str) -> tuple[str, dict[str, Value]]:
    """In the primary cloud's own store, beside the state of that cloud's root."""
    clouds = [key.site.cloud for key in blueprint.keys]
    home = next((cloud for cloud in ("aws", "gcp", "azure", "oci") if cloud in clouds), "local")
    region = next((key.site.region for key in blueprint.keys if key.site.cloud == home), "")
    where = f"{blueprint.environment}/{name}"
    if home == "aws":
        bucket = made("aws", "bucket", blueprint.estate, "terraform-state")
        return "s3", {
            "bucket": bucket,
            "key": f"{where}.tfstate",
            "region": region,
            "encrypt": True,
            "use_lockfile": True,
        }
    if home == "gcp":
        return "gcs", {"bucket": made("gcp", "bucket", blueprint.estate, "terraform-state"), "prefix": where}
    if home == "azure":
        return "azurerm", {
            "resource_group_name": made("azure", "group", blueprint.estate, "terraform-state"),
            "storage_account_name": made("azure", "bucket", blueprint.estate, "tfstate"),
            "container_name": "state",
            "key": f"{where}.tfstate",
            "use_azuread_auth": True,
        }
    if home == "oci":
        namespace = blueprint.accounts.get("oci", {}).get("namespace")
        state: dict[str, Value] = {
            "bucket": made("oci", "bucket", f"{blueprint.estate}-terraform-state"),
            "key": f"{where}.tfstate",
            "region": region,
        }
        return "oci", {**state, "namespace": namespace} if namespace else state
    return "local", {}
