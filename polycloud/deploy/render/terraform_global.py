"""The Terraform root of what spans clouds: the public name, and private links between clouds.

It reads nothing of other roots' state, which would be a right to all their secrets: what it needs of them are inputs,
as `terraform output -json` of each root says them. Clouds' own ends are handed in, for this layer knows no cloud.
"""

from collections.abc import Mapping
from typing import Protocol

from polycloud.deploy.blueprint import Blueprint, Link
from polycloud.deploy.hcl import Block, Expr, Value, block
from polycloud.deploy.ports import Rendered
from polycloud.deploy.render import cloudflare, links, promises, spanning
from polycloud.deploy.render.kept import kept
from polycloud.deploy.render.links import End
from polycloud.deploy.render.promises import Mock, Promise
from polycloud.deploy.render.terraform import Root, identifier, variable

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


def wanted(blueprint: Blueprint) -> bool:
    """Whether an estate has anything of the kind."""
    named = blueprint.edge is not None and blueprint.edge.provider == cloudflare.NAME
    return named or bool(links.vpns(blueprint)) or any(link.via == INTERCONNECT for link in blueprint.links)


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
    if root.kinds():
        spanning.settings(root, _providers(blueprint, root.kinds()), "entry, links")
        root.about(
            "variables.tf", "What is said at apply time: outputs of the clouds' roots, and accounts.", "clouds, links"
        )
        root.about("outputs.tf", "What people need to know.", "entry, links")
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
        else:
            found.append(block("provider", kind))
    return found


def _tests(root: Root, blueprint: Blueprint) -> None:
    runs: dict[str, list[Promise]] = {"callers_stay_where_they_may_be": _edge(blueprint)}
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
