"""The Terraform root of AWS: each part in a file of its own, all regions by the provider's ``region`` argument."""

from collections.abc import Mapping

from polycloud.clouds.aws import (
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
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.terraform import Root, backend, output, ref, versions


def render(blueprint: Blueprint) -> Rendered:
    """All of an estate that is at AWS; nothing when it has nothing there."""
    if not blueprint.of("aws").keys:
        return Rendered({})
    return kept(_root, blueprint)


def _root(blueprint: Blueprint) -> Root:
    here = blueprint.of("aws")
    root = Root("aws", blueprint)
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


def _settings(root: Root, here: Blueprint) -> None:
    home = here.keys[0].site.region
    root.about("versions.tf", "Which Terraform and which provider.", "clouds.aws")
    root.add("versions.tf", versions("aws"))
    root.about("backend.tf", "Where the state of this root is kept; make the bucket once, by hand.", "clouds.aws")
    state: dict[str, Value] = {
        "bucket": made("aws", "bucket", here.estate, "terraform-state"),
        "key": f"{here.environment}/aws.tfstate",
        "region": home,
        "encrypt": True,
        "use_lockfile": True,
    }
    root.add("backend.tf", backend("s3", state))
    root.about("providers.tf", "The provider: the account, and the tags of everything.", "clouds.aws")
    account = here.accounts.get("aws", {}).get("account")
    settings: dict[str, Value] = {"region": home, "allowed_account_ids": [account] if account else None}
    tags: Mapping[str, Value] = dict(here.tags)
    root.add(
        "providers.tf",
        block("provider", "aws", attributes=settings, parts=(block("default_tags", attributes={"tags": tags}),)),
        block("data", "aws_caller_identity", "this"),
        block("data", "aws_partition", "this"),
    )
    root.about("variables.tf", "What is said at apply time.", "clouds.aws")
    root.about("outputs.tf", "What other roots and people need to know.", "clouds.aws")
    root.add(
        "outputs.tf",
        output("account", "The account that all this is in.", ref("data.aws_caller_identity.this.account_id")),
    )
