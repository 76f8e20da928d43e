"""The Terraform root of what spans clouds: the public name, private links between clouds, and Vault.

It reads nothing of other roots' state, which would be a right to all their secrets: what it needs of them are inputs,
as `terraform output -json` of each root says them. Clouds' own ends are handed in, for this layer knows no cloud.
"""

from collections.abc import Mapping
from typing import Protocol

from polycloud.deploy.blueprint import Blueprint, Link
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Expr, Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import cloudflare, links, promises, vault, vault_terraform
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.links import End
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, backend, identifier, ref, variable, versions

INTERCONNECT = "azure-oci"
LINE = "map(object({ id = string, group = string }))"  # the output ``lines`` of a cloud's root
SAMPLE_ADDRESSES = ["192.0.2.1", "192.0.2.2"]  # for the shipped tests, RFC 5737
TUNNEL: dict[str, Value] = {"id": "ocid1.tunnel.oc1..example", "vpn_ip": "192.0.2.3"}
ORACLE = (
    Mock("oci_core_ipsec_connection_tunnels", {"ip_sec_connection_tunnels": [TUNNEL, TUNNEL]}),
    Mock(
        "oci_core_fast_connect_provider_services",
        {"fast_connect_provider_services": [{"id": "ocid1.providerservice.oc1..example"}]},
    ),
)
PROVIDERS = {"aws": "aws", "azure": "azurerm", "gcp": "google", "oci": "oci"}


class Interconnect(Protocol):
    """A cloud's end of the line between Azure and Oracle Cloud, see clouds/azure and clouds/oci."""

    def interconnect(self, root: Root, blueprint: Blueprint, link: Link, key: Expr | None) -> Expr:
        """Adds this end; Azure's answers with the key by which Oracle's joins it."""


def render(
    blueprint: Blueprint, ends: Mapping[str, End] | None = None, lines: Mapping[str, Interconnect] | None = None
) -> Rendered:
    """All that no single cloud has; nothing where an estate has nothing of the kind.

    ``ends`` are the clouds' modules for VPNs by cloud, ``lines`` those of Azure and Oracle Cloud for their own line.
    """
    found = kept(lambda one: _root(one, ends or {}, lines or {}), blueprint)
    return found if found.resources else Rendered({}, gaps=found.gaps)


def _root(blueprint: Blueprint, ends: Mapping[str, End], lines: Mapping[str, Interconnect]) -> Root:
    root = Root("global", blueprint)
    cloudflare.add(root, blueprint)
    joined = links.vpns(blueprint)
    found = [link for link in blueprint.links if link.via == INTERCONNECT]
    if joined or found:
        root.about("links.tf", "Private links between clouds: both sides of each.", "links")
    if joined:
        links.join(root, blueprint, ends)
    if found:
        _interconnects(root, blueprint, found, lines)
    vault_terraform.add(root, blueprint)
    if root.kinds():
        _settings(root, blueprint)
        _tests(root, blueprint)
    return root


def _interconnects(root: Root, blueprint: Blueprint, found: list[Link], lines: Mapping[str, Interconnect]) -> None:
    for cloud in ("azure", "oci"):
        described = f"What `terraform output -json lines` says in the root {cloud}."
        root.add("variables.tf", variable(f"{cloud}_lines", described, LINE))
    for link in found:
        if {link.a.cloud, link.b.cloud} != {"azure", "oci"} or not {"azure", "oci"} <= lines.keys():
            root.gap(f"{link.name}: {INTERCONNECT} joins a site of Azure and one of Oracle Cloud alone")
            continue
        key = lines["azure"].interconnect(root, blueprint, link, None)
        lines["oci"].interconnect(root, blueprint, link, key)
        root.provides(f"link:{link.name}")


def _settings(root: Root, blueprint: Blueprint) -> None:
    kinds = root.kinds()
    root.about("versions.tf", "Which Terraform and which providers.", "entry, links, secrets")
    kind, state = _state(blueprint)
    root.add("versions.tf", versions(*kinds, state=kind))
    root.about("backend.tf", "Where the state of this root is kept; make the bucket once, by hand.", "clouds")
    root.add("backend.tf", backend(kind, state))
    root.about("providers.tf", "The providers, for as much as this root needs of each.", "entry, links, secrets")
    root.add("providers.tf", *_providers(blueprint, kinds))
    root.about(
        "variables.tf", "What is said at apply time: outputs of the clouds' roots, and accounts.", "clouds, links"
    )
    root.about("outputs.tf", "What people need to know.", "entry, links")


def _state(blueprint: Blueprint) -> tuple[str, dict[str, Value]]:
    """In the primary cloud's own store, beside the state of that cloud's root."""
    clouds = [key.site.cloud for key in blueprint.keys]
    home = next((cloud for cloud in ("aws", "gcp", "azure", "oci") if cloud in clouds), "local")
    region = next((key.site.region for key in blueprint.keys if key.site.cloud == home), "")
    where = f"{blueprint.environment}/global"
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


def _providers(blueprint: Blueprint, kinds: tuple[str, ...]) -> list[Block]:
    regions = {cloud: [key.site.region for key in blueprint.keys if key.site.cloud == cloud] for cloud in PROVIDERS}
    tags: dict[str, Value] = dict(blueprint.tags)
    found = []
    for kind in kinds:
        if kind == "aws":
            inner = block("default_tags", attributes={"tags": tags})
            found.append(block("provider", "aws", attributes={"region": regions["aws"][0]}, parts=(inner,)))
        elif kind == "azurerm":
            account = blueprint.accounts.get("azure", {}).get("subscription")
            found.append(
                block("provider", "azurerm", attributes={"subscription_id": account}, parts=(block("features"),))
            )
        elif kind == "google":
            project = blueprint.accounts.get("gcp", {}).get("project")
            found.append(block("provider", "google", attributes={"project": project, "region": regions["gcp"][0]}))
        elif kind == "oci":
            found += [
                block("provider", "oci", attributes={"alias": identifier(region), "region": region})
                for region in regions["oci"]
            ]
        elif kind == "vault":
            first = vault.host(vault.voters(blueprint)[0])
            reached: dict[str, Value] = {
                "address": ref("var.vault_address"),
                "ca_cert_file": ref("var.vault_authority"),
            }
            found.append(block("provider", "vault", attributes={**reached, "tls_server_name": first}))
        else:
            found.append(block("provider", kind))
    return found


def _tests(root: Root, blueprint: Blueprint) -> None:
    runs: dict[str, list[Promise]] = {"callers_stay_where_they_may_be": _edge(blueprint)}
    if "vault" in root.kinds():
        runs["vault_outlives_a_cloud"] = [
            Promise("vault_raft_autopilot.voters.min_quorum == 3", "Vault must keep three voters"),
            Promise(
                "!vault_transit_secret_backend_key.data.deletion_allowed", "The key of data keys must not be deleted"
            ),
        ]
    given: dict[str, Value] = {}
    for cloud in PROVIDERS:
        sites = sorted({end.id for link in blueprint.links for end in (link.a, link.b) if end.cloud == cloud})
        ends: dict[str, Value] = {
            site: {"id": f"{cloud}-gateway", "addresses": SAMPLE_ADDRESSES, "router": "router", "group": "group"}
            for site in sites
        }
        lines: dict[str, Value] = {site: {"id": f"{cloud}-gateway", "group": "group"} for site in sites}
        given |= {f"{cloud}_gateways": ends, f"{cloud}_lines": lines}
    given["vpn_secrets"] = {link.name: "for-tests-alone" for link in blueprint.links}
    names = {name for name, _ in root.asked()}
    mocks: dict[str, tuple[Mock, ...]] = {kind: () for kind in root.kinds() if kind != "oci"}
    if "oci" in root.kinds():
        regions = [key.site.region for key in blueprint.keys if key.site.cloud == "oci"]
        mocks |= {f"oci.{identifier(region)}": ORACLE for region in regions}
    promises.add(root, mocks, runs, {name: value for name, value in given.items() if name in names})


def _edge(blueprint: Blueprint) -> list[Promise]:
    edge = blueprint.edge
    if edge is None or edge.provider != "cloudflare":
        return []
    balancer = "cloudflare_load_balancer.entry"
    if not edge.confined:
        return [Promise(f'{balancer}.steering_policy == "proximity"', "Callers must go to the nearest pool")]
    pools = [pool for pool in edge.pools if pool.clusters]
    found = [Promise(f'{balancer}.steering_policy == "geo"', "Confined countries must have lists of their own")]
    for country, names in sorted(cloudflare.lists(edge, pools).items()):
        found.append(
            Promise(
                f'length({balancer}.country_pools["{country}"]) == {len(names)}',
                f"Callers from {country} may be answered by {', '.join(names)} alone",
            )
        )
    return found
