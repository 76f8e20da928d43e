"""A virtual network at each site of Azure: machines without public addresses, one way out, private endpoints."""

import ipaddress

from polycloud.clouds.azure.render_keys import vault
from polycloud.clouds.azure.render_place import TAGS, group, place, zones
from polycloud.deploy.blueprint import Blueprint, Network
from polycloud.deploy.hcl import Block, Expr, Value, block
from polycloud.deploy.render.links import all_joined
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, network_output, ref

FILE = "network.tf"
LOG_DAYS = 365
BETWEEN = "15443"  # of Istio's gateways between clusters
WATCHER, WATCHER_GROUP = "NetworkWatcher_", "NetworkWatcherRG"  # Azure makes one in each region of a subscription
# Names that private endpoints answer to, learn.microsoft.com/azure/private-link/private-endpoint-dns, 2026-11:
# what it is for, the part of the resource, and its zones.
ENDPOINTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "blob": ("blob", ("privatelink.blob.core.windows.net",)),
    "cassandra": ("Cassandra", ("privatelink.cassandra.cosmos.azure.com",)),
    "cosmosdb": ("Sql", ("privatelink.documents.azure.com",)),
    "models": (
        "account",
        (
            "privatelink.cognitiveservices.azure.com",
            "privatelink.openai.azure.com",
            "privatelink.services.ai.azure.com",
        ),
    ),
    "mysql": ("mysqlServer", ("privatelink.mysql.database.azure.com",)),
    "postgresql": ("postgresqlServer", ("privatelink.postgres.database.azure.com",)),
    "vault": ("vault", ("privatelink.vaultcore.azure.net",)),
}


def ranges(cidr: str) -> dict[str, str]:
    """A site's /16 by use: machines a /20, and a /24 each for endpoints, the Kubernetes API and gateways."""
    machines, rest = list(ipaddress.IPv4Network(cidr).subnets(new_prefix=20))[:2]
    small = [str(part) for part in rest.subnets(new_prefix=24)][:3]
    return {"machines": str(machines), "endpoints": small[0], "kubernetes": small[1], "gateways": small[2]}


def network_id(region: str) -> Expr:
    return Expr(f"azurerm_virtual_network.{identifier(region)}.id")


def subnet(use: str, region: str) -> Expr:
    """A subnet of a site, see ``ranges``."""
    return Expr(f"azurerm_subnet.{use}_{identifier(region)}.id")


def add(root: Root, here: Blueprint) -> None:
    if not here.networks:
        return
    root.about(FILE, "Networks at Azure: subnets, a way out and private endpoints at each site.", "clouds.azure.sites")
    for network in here.networks:
        region = network.site.region
        section = root.section(FILE, network.site.id, "clouds.azure.sites", "network", place(region))
        inner = root.section(FILE, network.site.id, "clouds.azure.sites", "network")
        _network(section, inner, here, network)
        _way_out(section, inner, region)
        for use in sorted(used(here, network.site.id)):
            _zones(section, inner, region, use)
        _flow_log(root, network)
        key = next(key for key in here.keys if key.site.id == network.site.id)
        endpoint(section, "vault", f"vault_{identifier(region)}", region, vault(key.name, region))
        root.provides(f"network:{network.site.id}")
        root.add("outputs.tf", _output(network))


def used(here: Blueprint, site: str) -> set[str]:
    """Which kinds of private endpoints a site has."""
    found = {"vault"}
    if any(bucket.site.id == site for bucket in here.buckets):
        found.add("blob")
    if any(service.site.id == site for service in here.services):
        found.add("models")
    for database in here.databases:
        if site in {database.site.id, *(replica.id for replica in database.replicas)}:
            found |= {database.engine} & ENDPOINTS.keys()
    return found


def networked(here: Blueprint, site: str) -> bool:
    """Whether a site has a network: one that only serves models has none."""
    return any(network.site.id == site for network in here.networks)


def endpoint(section: Section, use: str, label: str, region: str, target: Expr) -> None:
    """An address inside the site's network for a service of Azure; the section says where it is."""
    part, names = ENDPOINTS[use]
    name = f"polycloud-{label.replace('_', '-')}"[:80]
    section.make(
        "azurerm_private_endpoint",
        label,
        {"name": name, "subnet_id": subnet("endpoints", region)},
        block(
            "private_service_connection",
            attributes={
                "name": name,
                "private_connection_resource_id": target,
                "subresource_names": [part],
                "is_manual_connection": False,
            },
        ),
        block(
            "private_dns_zone_group",
            attributes={
                "name": "polycloud",
                "private_dns_zone_ids": [
                    ref(f"azurerm_private_dns_zone.{_zone_label(zone, region)}.id") for zone in names
                ],
            },
        ),
        kind="network",
    )


def _zone_label(zone: str, region: str) -> str:
    return f"{zone.removeprefix('privatelink.').replace('.', '_')}__{identifier(region)}"


def _network(section: Section, inner: Section, here: Blueprint, network: Network) -> None:
    region = network.site.region
    label = identifier(region)
    section.make(
        "azurerm_virtual_network",
        label,
        {"name": f"polycloud-{region}", "address_space": [network.cidr]},
    )
    guard = section.make("azurerm_network_security_group", label, {"name": f"polycloud-{region}"})
    opened = {"https": (200, "443", "The gateway's load balancer; all else from outside stays refused.")}
    if here.edge is None:
        opened = {}
    if not all_joined(section.root.blueprint):
        opened["mesh"] = (210, BETWEEN, "Gateways of other clusters, by mutual TLS: no link joins every two of them.")
    for name, (priority, port, described) in opened.items():
        inner.make(
            "azurerm_network_security_rule",
            f"{name}_{label}",
            {
                "name": "https-from-the-edge" if name == "https" else "mesh-from-other-clusters",
                "resource_group_name": group(region),
                "network_security_group_name": attribute(guard, "name"),
                "description": described,
                "priority": priority,
                "direction": "Inbound",
                "access": "Allow",
                "protocol": "Tcp",
                "source_address_prefix": "Internet",
                "source_port_range": "*",
                "destination_address_prefix": "*",
                "destination_port_range": port,
            },
        )
    parts = ranges(network.cidr)
    for use in ("machines", "endpoints", "kubernetes"):
        delegation = (
            block(
                "delegation",
                attributes={"name": "kubernetes"},
                parts=(
                    block(
                        "service_delegation",
                        attributes={
                            "name": "Microsoft.ContainerService/managedClusters",
                            "actions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
                        },
                    ),
                ),
            ),
        )
        inner.make(
            "azurerm_subnet",
            f"{use}_{label}",
            {
                "name": use,
                "resource_group_name": group(region),
                "virtual_network_name": ref(f"azurerm_virtual_network.{label}.name"),
                "address_prefixes": [parts[use]],
                "default_outbound_access_enabled": False,
            },
            *(delegation if use == "kubernetes" else ()),
        )
        inner.make(
            "azurerm_subnet_network_security_group_association",
            f"{use}_{label}",
            {"subnet_id": subnet(use, region), "network_security_group_id": attribute(guard, "id")},
        )


def _way_out(section: Section, inner: Section, region: str) -> None:
    """One gateway in one zone: losing that zone stops what the site calls, until the gateway is made in another."""
    label = identifier(region)
    zone: Value = zones(region)[:1] or None
    if zone is not None:
        section.root.gap(
            "Azure: a site calls what is outside through one NAT gateway, in zone 1: losing it stops these calls "
            "until the gateway is made in another zone"
        )
    address = section.make(
        "azurerm_public_ip",
        f"nat_{label}",
        {"name": f"polycloud-{region}-nat", "allocation_method": "Static", "sku": "Standard", "zones": zone},
    )
    gateway = section.make(
        "azurerm_nat_gateway", label, {"name": f"polycloud-{region}", "sku_name": "Standard", "zones": zone}
    )
    inner.make(
        "azurerm_nat_gateway_public_ip_association",
        label,
        {"nat_gateway_id": attribute(gateway, "id"), "public_ip_address_id": attribute(address, "id")},
    )
    inner.make(
        "azurerm_subnet_nat_gateway_association",
        label,
        {"subnet_id": subnet("machines", region), "nat_gateway_id": attribute(gateway, "id")},
    )


def _zones(section: Section, inner: Section, region: str, use: str) -> None:
    for zone in ENDPOINTS[use][1]:
        label = _zone_label(zone, region)
        made_zone = section.root.section(FILE, f"azure/{region}", "clouds.azure.sites", "network").make(
            "azurerm_private_dns_zone", label, {"name": zone, "resource_group_name": group(region)}
        )
        inner.make(
            "azurerm_private_dns_zone_virtual_network_link",
            label,
            {
                "name": f"polycloud-{region}",
                "private_dns_zone_id": attribute(made_zone, "id"),
                "virtual_network_id": network_id(region),
            },
        )


def _flow_log(root: Root, network: Network) -> None:
    region = network.site.region
    label = identifier(region)
    root.section(FILE, network.site.id, "clouds.azure.sites", "logs").make(
        "azurerm_network_watcher_flow_log",
        label,
        {
            "name": f"polycloud-{region}",
            "network_watcher_name": f"{WATCHER}{region}",
            "resource_group_name": WATCHER_GROUP,
            "location": region,
            "target_resource_id": network_id(region),
            "storage_account_id": ref(f"azurerm_storage_account.logs_{label}.id"),
            "enabled": True,
            "version": 2,
            "tags": TAGS,
        },
        block("retention_policy", attributes={"enabled": True, "days": LOG_DAYS}),
    )


def _output(network: Network) -> Block:
    region = network.site.region
    way_out = ref(f"azurerm_public_ip.nat_{identifier(region)}.ip_address")
    machines = [subnet("machines", region)]
    return network_output(network, network_id(region), machines, way_out=way_out, group=group(region))
