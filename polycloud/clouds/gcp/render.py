"""The Terraform root of Google Cloud: each part in a file of its own, each resource with its own location."""

from polycloud.clouds.gcp import (
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
from polycloud.clouds.gcp.render_keys import label
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Call, Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.terraform import Root, backend, output, ref, variable, versions


def render(blueprint: Blueprint) -> Rendered:
    """All of an estate that is at Google Cloud; nothing when it has nothing there."""
    if not blueprint.of("gcp").keys:
        return Rendered({})
    return kept(_root, blueprint)


def _root(blueprint: Blueprint) -> Root:
    here = blueprint.of("gcp")
    root = Root("gcp", blueprint)
    _settings(root, here)
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


def services(here: Blueprint) -> list[str]:
    """The programming interfaces that the project has to switch on for what is here."""
    engines = {database.engine for database in here.databases}
    found = {
        "aiplatform": bool(here.services),
        "binaryauthorization": bool(here.clusters),
        "cloudkms": True,
        "cloudresourcemanager": True,
        "cloudtrace": bool(here.clusters),
        "compute": bool(here.networks),
        "container": bool(here.clusters),
        "containersecurity": bool(here.clusters),
        "iam": True,
        "iamcredentials": True,
        "logging": bool(here.clusters),
        "monitoring": bool(here.clusters),
        "pubsub": any(bucket.copies_to for bucket in here.buckets),
        "secretmanager": bool(here.clusters),
        "servicenetworking": bool(engines & {"postgresql", "mysql"}),
        "spanner": "spanner" in engines,
        "sqladmin": bool(engines & {"postgresql", "mysql"}),
        "storage": bool(here.buckets),
        "storagetransfer": any(bucket.copies_to for bucket in here.buckets),
        "sts": True,
    }
    return [f"{name}.googleapis.com" for name, used in found.items() if used]


def _settings(root: Root, here: Blueprint) -> None:
    root.about("versions.tf", "Which Terraform and which provider.", "clouds.gcp")
    root.add("versions.tf", versions("google"))
    root.about("backend.tf", "Where the state of this root is kept; make the bucket once, by hand.", "clouds.gcp")
    state: dict[str, Value] = {
        "bucket": made("gcp", "bucket", here.estate, "terraform-state"),
        "prefix": f"{here.environment}/gcp",
    }
    root.add("backend.tf", backend("gcs", state))
    root.about("providers.tf", "The provider: the project, and the labels of everything.", "clouds.gcp")
    labels: dict[str, Value] = {label(name): label(value) for name, value in here.tags.items()}
    settings: dict[str, Value] = {
        "project": ref("var.project"),
        "region": here.keys[0].site.region,
        "default_labels": labels,
    }
    root.add("providers.tf", block("provider", "google", attributes=settings), block("data", "google_project", "this"))
    if here.buckets:
        root.add("providers.tf", block("data", "google_storage_project_service_account", "this"))
    root.section("providers.tf", "", "clouds.gcp", "project").make(
        "google_project_service",
        "this",
        {"for_each": Call("toset", services(here)), "service": ref("each.value"), "disable_on_destroy": False},
    )
    root.about("variables.tf", "What is said at apply time.", "clouds.gcp")
    project = here.accounts.get("gcp", {}).get("project")
    root.add("variables.tf", variable("project", "The project that all this is in.", "string", project))
    root.about("outputs.tf", "What other roots and people need to know.", "clouds.gcp")
    root.add("outputs.tf", output("project", "The project that all this is in.", ref("var.project")))
