"""The Terraform root of Oracle Cloud: a provider for each region, and each part in a file of its own."""

from polycloud.clouds.oci import (
    render_ai,
    render_clusters,
    render_databases,
    render_identity,
    render_keys,
    render_links,
    render_network,
    render_storage,
    render_tests,
)
from polycloud.clouds.oci.render_place import COMPARTMENT
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.terraform import Root, backend, identifier, output, ref, variable, versions


def render(blueprint: Blueprint) -> Rendered:
    """All of an estate that is at Oracle Cloud; nothing when it has nothing there."""
    if not blueprint.of("oci").keys:
        return Rendered({})
    return kept(_root, blueprint)


def _root(blueprint: Blueprint) -> Root:
    here = blueprint.of("oci")
    root = Root("oci", blueprint)
    _settings(root, here)
    _providers(root, here)
    render_keys.add(root, here)
    render_network.add(root, here)
    render_clusters.add(root, here)
    render_storage.add(root, here)
    render_databases.add(root, here)
    render_ai.add(root, here)
    render_links.link_ends(root, here)
    render_identity.add(root, here)
    render_tests.add(root, here)
    return root


def _settings(root: Root, here: Blueprint) -> None:
    root.about("versions.tf", "Which Terraform and which provider.", "clouds.oci")
    root.add("versions.tf", versions("oci", state="oci"))
    root.about("backend.tf", "Where the state of this root is kept; make the bucket once, by hand.", "clouds.oci")
    namespace = here.accounts.get("oci", {}).get("namespace")
    state: dict[str, Value] = {
        "bucket": made("oci", "bucket", f"{here.estate}-terraform-state"),
        "namespace": namespace,
        "key": f"{here.environment}/oci.tfstate",
        "region": here.keys[0].site.region,
    }
    root.add("backend.tf", backend("oci", {name: value for name, value in state.items() if value is not None}))
    if namespace is None:
        root.gap("oci: terraform init asks for the Object Storage namespace of the state; give clouds.oci.namespace")
    root.about("variables.tf", "What is said at apply time.", "clouds.oci")
    compartment = here.accounts.get("oci", {}).get("compartment")
    root.add(
        "variables.tf",
        variable("compartment", "The OCID of the compartment that all this is in.", "string", compartment),
        variable(
            "home_region",
            "The tenancy's home region, where policies are made; clouds.oci.home_region in the estate.",
            "string",
            here.accounts.get("oci", {}).get("home_region"),
        ),
    )
    root.about("outputs.tf", "What other roots and people need to know.", "clouds.oci")
    root.add("outputs.tf", output("compartment", "The compartment that all this is in.", COMPARTMENT))


def _providers(root: Root, here: Blueprint) -> None:
    root.about("providers.tf", "The provider: once for each region, and once for the home region.", "clouds.oci.sites")
    tags: dict[str, Value] = dict(here.tags)
    root.add(
        "providers.tf",
        block("provider", "oci", attributes={"region": ref("var.home_region")}),
        *(
            block(
                "provider",
                "oci",
                attributes={"alias": identifier(key.site.region), "region": key.site.region},
            )
            for key in here.keys
        ),
        block("locals", attributes={"tags": tags}),
        block("data", "oci_objectstorage_namespace", "this", attributes={"compartment_id": COMPARTMENT}),
    )
