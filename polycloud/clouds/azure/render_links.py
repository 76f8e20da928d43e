"""Ways from Azure to elsewhere: a VPN gateway at each site that has a link, and ExpressRoute.

VPNs to other clouds have their tunnels in the root that spans clouds (see ``deploy/render/links.py``), VPNs to a hall
here. The line to Oracle Cloud is made whole in the root that spans clouds: this root has the gateway it ends at.
"""

from polycloud.clouds.azure.render_network import FILE as NETWORK_FILE
from polycloud.clouds.azure.render_network import network_id, ranges
from polycloud.clouds.azure.render_place import group, place, zones
from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Expr, Value, block, quoted
from polycloud.deploy.render import links
from polycloud.deploy.render.links import DEDICATED, Tunnels, hosts
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref, variable

FILE = "links.tf"
INSTANCES = 2  # of a gateway, both at work, each with an address of its own
KNOWS_ITS_ADDRESSES = ("azure", "gcp")  # the clouds whose gateways have addresses before any tunnel
ORACLE = "azure-oci"
SPEEDS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)  # Mbps of ExpressRoute circuits
ORACLE_SPEEDS = (1000, 2000, 5000, 10_000)  # Mbps that both sides have
# Where ExpressRoute and FastConnect meet, by Oracle's region, as Azure calls the places:
# docs.oracle.com/iaas/Content/Network/Concepts/azure.htm, 2026-11.
MEETING_PLACES = {
    "af-johannesburg-1": "Johannesburg",
    "ap-seoul-1": "Seoul",
    "ap-singapore-1": "Singapore",
    "ap-tokyo-1": "Tokyo",
    "ca-toronto-1": "Toronto",
    "eu-amsterdam-1": "Amsterdam2",
    "eu-frankfurt-1": "Frankfurt2",
    "sa-vinhedo-1": "Campinas",
    "uk-london-1": "London",
    "us-ashburn-1": "Washington DC",
    "us-phoenix-1": "Phoenix",
    "us-sanjose-1": "Silicon Valley",
}
VPN_SKU, LINE_SKU = "VpnGw2AZ", "ErGw1AZ"
VPN_MBPS = 1000  # of the SKU, learn.microsoft.com/azure/vpn-gateway/about-gateway-skus, 2026-11
POLICY: dict[str, Value] = {
    "ike_integrity": "SHA384",
    "dh_group": "ECP384",
    "ipsec_encryption": "GCMAES256",
    "ipsec_integrity": "GCMAES256",
    "pfs_group": "ECP384",
    "sa_lifetime": 3600,
}


def link_ends(root: Root, here: Blueprint) -> None:
    """This cloud's own end of each link that touches it, and the outputs for the root that spans clouds."""
    vpns = links.touching(here, "azure", "vpn")
    lines = links.touching(here, "azure", ORACLE, *DEDICATED)
    near = links.within(here, "azure")
    if not vpns and not lines and not near:
        return
    root.about(FILE, "Ways from Azure to other clouds, regions and halls.", "links")
    for link in near:
        _within(root, link)
    for site in links.distinct([site for _, site, _ in (*vpns, *lines)]):
        _subnet(root, here, site)
    for site in links.distinct([site for _, site, _ in vpns]):
        _vpn_gateway(root, here, site)
    for site in links.distinct([site for _, site, _ in lines]):
        _line_gateway(root, site)
    ordered = sorted(((one[0], one[1]) for one in lines if one[0].via != ORACLE), key=lambda one: one[0].name)
    if ordered:
        root.add("variables.tf", _lines_variable())
    for link, site in ordered:
        _line(root, link, site)
    halls = [one for one in vpns if one[2].cloud == "onprem"]
    if halls:
        _halls(root, here, halls)
    value: dict[str, Value] = {site.id: _described(site) for site in links.distinct([site for _, site, _ in vpns])}
    if value:
        links.say_ends(root, value)
    to_oracle = links.distinct([site for link, site, _ in lines if link.via == ORACLE])
    if to_oracle:
        ends: dict[str, Value] = {
            site.id: {
                "id": ref(f"azurerm_virtual_network_gateway.lines_{identifier(site.region)}.id"),
                "group": group(site.region),
            }
            for site in to_oracle
        }
        root.add("outputs.tf", output("lines", "Where lines to Oracle Cloud end, by site.", ends))


def addresses(site: Where) -> tuple[Expr, ...]:
    """Both addresses of the site's gateway, which are known once Azure's own root was applied."""
    return tuple(Expr(f"{links.gateway(site).text}.addresses[{at}]") for at in range(INSTANCES))


def tunnels(root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
    """A connection to each of the other side's addresses, spread over both instances of the site's gateway."""
    gateway = links.gateway(wanted.here).text
    common: dict[str, Value] = {
        "location": wanted.here.region,
        "resource_group_name": Expr(f"{gateway}.group"),
        "tags": dict(blueprint.tags),
    }
    section = root.section(FILE, wanted.here.id, f"links.{wanted.link.name}", "link", common)
    _connections(section, wanted, Expr(f"{gateway}.id"), {})
    own = addresses(wanted.here)
    count = len(wanted.peer_addresses)
    return tuple(own[at * INSTANCES // count] for at in range(count))


def own_addresses(here: Blueprint, site: Where) -> list[list[str]]:
    """For each instance of a site's gateway, the link-local addresses that it speaks BGP from, over all its links."""
    found: list[list[str]] = [[] for _ in range(INSTANCES)]
    for link, _, peer in sorted(
        (one for one in links.touching(here, "azure", "vpn") if one[1].id == site.id), key=lambda one: one[0].name
    ):
        count = INSTANCES if peer.cloud in (*KNOWS_ITS_ADDRESSES, "onprem") else INSTANCES * links.PER_ADDRESS
        first = peer.cloud == "onprem" or (peer.cloud in KNOWS_ITS_ADDRESSES and link.a.id == site.id)
        for at, cidr in enumerate(links.inside(here, link)[:count]):
            found[at * INSTANCES // count].append(hosts(cidr, first)[0])
    return found


def interconnect(root: Root, blueprint: Blueprint, link: Link, key: Expr | None) -> Expr:
    """Azure's end of the line to Oracle Cloud: a circuit that Oracle provides; answers with its key."""
    site, other = (link.a, link.b) if link.a.cloud == "azure" else (link.b, link.a)
    label, end = identifier(link.name), f"var.azure_lines[{quoted(site.id)}]"
    name = made("azure", "group", "polycloud", link.name)
    common: dict[str, Value] = {
        "location": site.region,
        "resource_group_name": ref(f"{end}.group"),
        "tags": dict(blueprint.tags),
    }
    section = root.section(FILE, site.id, f"links.{link.name}", "link", common)
    where = MEETING_PLACES.get(other.region)
    if where is None:
        root.gap(f"{link.name}: where ExpressRoute meets {other.region} is not known: correct its peering_location")
    circuit = section.make(
        "azurerm_express_route_circuit",
        label,
        {
            "name": name,
            "service_provider_name": "Oracle Cloud FastConnect",
            "peering_location": where or other.region,
            "bandwidth_in_mbps": next((mbps for mbps in ORACLE_SPEEDS if mbps >= link.mbps), ORACLE_SPEEDS[-1]),
        },
        block("sku", attributes={"tier": "Standard", "family": "MeteredData"}),
    )
    section.make(
        "azurerm_virtual_network_gateway_connection",
        label,
        {
            "name": name,
            "type": "ExpressRoute",
            "virtual_network_gateway_id": ref(f"{end}.id"),
            "express_route_circuit_id": attribute(circuit, "id"),
            "depends_on": [ref(f"oci_core_virtual_circuit.{label}")],
        },
    )
    return attribute(circuit, "service_key")


def _within(root: Root, link: Link) -> None:
    """Two sites here are joined over Azure's own network, each side for itself."""
    for site, peer in ((link.a, link.b), (link.b, link.a)):
        root.section(FILE, site.id, f"links.{link.name}", "link").make(
            "azurerm_virtual_network_peering",
            identifier(link.name, site.region),
            {
                "name": made("azure", "group", "polycloud", link.name),
                "resource_group_name": group(site.region),
                "virtual_network_name": ref(f"azurerm_virtual_network.{identifier(site.region)}.name"),
                "remote_virtual_network_id": network_id(peer.region),
                "allow_virtual_network_access": True,
                "allow_forwarded_traffic": True,
            },
        )
    root.provides(f"link:{link.name}")


def _described(site: Where) -> dict[str, Value]:
    label = identifier(site.region)
    addresses = ref(f"azurerm_public_ip.vpn_{label}[*].ip_address")
    return links.end(ref(f"azurerm_virtual_network_gateway.{label}.id"), addresses, group=group(site.region))


def _subnet(root: Root, here: Blueprint, site: Where) -> None:
    cidr = next(network.cidr for network in here.networks if network.site.id == site.id)
    root.section(NETWORK_FILE, site.id, "links", "network").make(
        "azurerm_subnet",
        f"gateways_{identifier(site.region)}",
        {
            "name": "GatewaySubnet",
            "resource_group_name": group(site.region),
            "virtual_network_name": ref(f"azurerm_virtual_network.{identifier(site.region)}.name"),
            "address_prefixes": [ranges(cidr)["gateways"]],
        },
    )


def _public(section: Section, name: str, label: str, region: str, count: int) -> Expr:
    return section.make(
        "azurerm_public_ip",
        f"{name}_{label}",
        {
            "count": count,
            "name": Expr(f'"polycloud-{region}-{name}-${{count.index}}"'),
            "allocation_method": "Static",
            "sku": "Standard",
            "zones": zones(region) or None,
        },
    )


def _vpn_gateway(root: Root, here: Blueprint, site: Where) -> None:
    label = identifier(site.region)
    section = root.section(FILE, site.id, "links", "link", place(site.region))
    address = _public(section, "vpn", label, site.region, INSTANCES)
    names = [f"instance-{at}" for at in range(INSTANCES)]
    section.make(
        "azurerm_virtual_network_gateway",
        label,
        {
            "name": f"polycloud-{site.region}",
            "type": "Vpn",
            "vpn_type": "RouteBased",
            "sku": VPN_SKU,
            "generation": "Generation2",
            "active_active": True,
            "bgp_enabled": True,
        },
        *(
            block(
                "ip_configuration",
                attributes={
                    "name": name,
                    "subnet_id": ref(f"azurerm_subnet.gateways_{label}.id"),
                    "public_ip_address_id": Expr(f"{address.text}[{at}].id"),
                },
            )
            for at, name in enumerate(names)
        ),
        block(
            "bgp_settings",
            attributes={"asn": links.asn(here, site)},
            parts=[
                block("peering_addresses", attributes={"ip_configuration_name": name, "apipa_addresses": list(own)})
                for name, own in zip(names, own_addresses(here, site), strict=True)
            ],
        ),
    )


def _line_gateway(root: Root, site: Where) -> None:
    label = identifier(site.region)
    section = root.section(FILE, site.id, "links", "link", place(site.region))
    address = _public(section, "lines", label, site.region, 1)
    section.make(
        "azurerm_virtual_network_gateway",
        f"lines_{label}",
        {"name": f"polycloud-{site.region}-lines", "type": "ExpressRoute", "sku": LINE_SKU},
        block(
            "ip_configuration",
            attributes={
                "name": "lines",
                "subnet_id": ref(f"azurerm_subnet.gateways_{label}.id"),
                "public_ip_address_id": Expr(f"{address.text}[0].id"),
            },
        ),
    )


def _lines_variable() -> Block:
    return variable(
        "lines",
        "ExpressRoute circuits by the link's name: the peering location, and whether the provider has set it up; a "
        "line that is not here is not made yet.",
        "map(object({ place = string, ready = bool }))",
        {},
    )


def _line(root: Root, link: Link, site: Where) -> None:
    """A circuit whose key its provider asks for; it is joined to the gateway once the provider has set it up."""
    section = root.section(FILE, site.id, f"links.{link.name}", "link", place(site.region))
    label, line = identifier(link.name), f"var.lines[{quoted(link.name)}]"
    name = made("azure", "group", "polycloud", link.name)
    circuit = section.make(
        "azurerm_express_route_circuit",
        label,
        {
            "count": links.once("lines", link.name),
            "name": name,
            "service_provider_name": link.provider or "Equinix",
            "peering_location": ref(f"{line}.place"),
            "bandwidth_in_mbps": next((mbps for mbps in SPEEDS if mbps >= link.mbps), SPEEDS[-1]),
        },
        block("sku", attributes={"tier": "Standard", "family": "MeteredData"}),
    )
    section.make(
        "azurerm_virtual_network_gateway_connection",
        label,
        {
            "count": ref(f"try({line}.ready, false) ? 1 : 0"),
            "name": name,
            "type": "ExpressRoute",
            "virtual_network_gateway_id": ref(f"azurerm_virtual_network_gateway.lines_{identifier(site.region)}.id"),
            "express_route_circuit_id": Expr(f"{circuit.text}[0].id"),
        },
    )
    root.add(
        "outputs.tf",
        output(
            f"service_key_{label}",
            f"What the provider of {link.name} asks for; null before the line is in var.lines.",
            Expr(f"one({circuit.text}[*].service_key)"),
            sensitive=True,
        ),
    )
    root.gap(
        f"{link.name}: name its place in var.lines, give the output service_key_{label} to "
        f"{link.provider or 'its provider'}, and say in var.lines that it is ready once the provider has set it up"
    )
    root.provides(f"link:{link.name}")


def _connections(section: Section, wanted: Tunnels, gateway: Expr, often: dict[str, Value]) -> None:
    """Each address of the other side is a gateway of its own, with that side's address in the tunnel for BGP; Azure
    takes no two for one address, and goes there from both instances by itself."""
    label = identifier(wanted.link.name)
    peers = tuple(dict.fromkeys(wanted.peer_addresses))
    count = len(peers)
    own = [hosts(cidr, wanted.first)[0] for cidr in wanted.inside[: max(count, INSTANCES)]]
    suffix = "[0]" if often else ""
    for at, address in enumerate(peers):
        name = made("azure", "group", "polycloud", wanted.link.name, str(at))
        mine = [
            own[at] if at * INSTANCES // count == one else own[one * len(own) // INSTANCES] for one in range(INSTANCES)
        ]
        other = section.make(
            "azurerm_local_network_gateway",
            f"{label}__{wanted.here.region.replace('-', '_')}__{at}",
            {**often, "name": name, "gateway_address": address},
            block(
                "bgp_settings",
                attributes={
                    "asn": wanted.peer_asn,
                    "bgp_peering_address": hosts(wanted.inside[at], wanted.first)[1],
                },
            ),
        )
        section.make(
            "azurerm_virtual_network_gateway_connection",
            f"{label}__{wanted.here.region.replace('-', '_')}__{at}",
            {
                **often,
                "name": name,
                "type": "IPsec",
                "virtual_network_gateway_id": gateway,
                "local_network_gateway_id": Expr(f"{other.text}{suffix}.id"),
                "bgp_enabled": True,
                "connection_protocol": "IKEv2",
                "shared_key": wanted.secret,
            },
            block("custom_bgp_addresses", attributes={"primary": mine[0], "secondary": mine[1]}),
            _policy(wanted.peer),
        )


def _policy(peer: Where) -> Block:
    """One proposal, which the other side has to have: the AWS root offers nothing but GCM, Oracle takes it not yet."""
    ike = "GCMAES256" if peer.cloud == "aws" else "AES256"
    return block("ipsec_policy", attributes={"ike_encryption": ike, **POLICY})


def _halls(root: Root, here: Blueprint, found: list[tuple[Link, Where, Where]]) -> None:
    """VPNs to halls of one's own: made once the hall's address is given; both instances go to its one address."""
    root.add(
        "variables.tf",
        links.halls_variable(),
        links.secrets_variable({}),
    )
    for link, site, peer in found:
        section = root.section(FILE, site.id, f"links.{link.name}", "link", place(site.region))
        wanted = links.to_hall(here, link, site, peer, INSTANCES)
        _connections(
            section,
            wanted,
            ref(f"azurerm_virtual_network_gateway.{identifier(site.region)}.id"),
            {"count": links.once("halls", peer.region)},
        )
        if link.mbps > VPN_MBPS:
            root.gap(f"{link.name}: the gateway ({VPN_SKU}) carries {VPN_MBPS} Mbps, not {link.mbps}")
        root.provides(f"link:{link.name}")
