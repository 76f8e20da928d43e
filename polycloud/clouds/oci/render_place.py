"""What every resource at Oracle Cloud says of its place: a provider for each region, the compartment, tags."""

from polycloud.deploy.hcl import Expr, Value, quoted
from polycloud.deploy.render.terraform import identifier

COMPARTMENT = Expr("var.compartment")
NAMESPACE = Expr("data.oci_objectstorage_namespace.this.namespace")
TAGS = Expr("local.tags")


def provider(region: str) -> Expr:
    """The provider of a region; the one without a name is for identity, which lives in the home region."""
    return Expr(f"oci.{identifier(region)}")


def at(region: str) -> dict[str, Value]:
    """Where a resource is."""
    return {"provider": provider(region)}


def place(region: str) -> dict[str, Value]:
    """Where a resource is, in which compartment, and its tags: the provider has none of its own for all."""
    return {**at(region), "compartment_id": COMPARTMENT, "freeform_tags": TAGS}


def tags(data_class: str) -> Expr:
    """The tags of something that holds data."""
    return Expr(f"merge(local.tags, {{ data-class = {quoted(data_class)} }})") if data_class else TAGS
