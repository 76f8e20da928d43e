"""Ways from AWS to elsewhere: a transit gateway at each site that has a link, VPNs, Direct Connect.

VPNs to other clouds have their tunnels in the root that spans clouds (see ``deploy/render/links.py``), VPNs to a hall
here. Of a dedicated line the cross-connect is ordered by a person; once its connection has an id, all the rest is here.
"""

from polycloud.clouds.aws.render_network import subnets, vpc_id, ways_out
from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.hcl import Expr, Value, block, quoted
from polycloud.deploy.render import links
from polycloud.deploy.render.links import DEDICATED, Tunnels
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref, variable

FILE = "links.tf"
SPEEDS = ((1000, "1Gbps"), (2000, "2Gbps"), (5000, "5Gbps"), (10_000, "10Gbps"), (25_000, "25Gbps"))
TUNNEL_MBPS = 1250  # docs.aws.amazon.com/vpn/latest/s2svpn/vpn-limits.html, 2026-11
DX_ASN = 64_512  # Amazon's side of the Direct Connect gateway; sites begin above it, see ``links.asn``
AES, SHA, GROUPS = ["AES256-GCM-16"], ["SHA2-256", "SHA2-384"], [19, 20]


def link_ends(root: Root, here: Blueprint) -> None:
    """This cloud's own end of each link that touches it, and the output ``gateways`` for the root that spans clouds."""
    found, own = links.touching(here, "aws", "vpn", *DEDICATED), links.within(here, "aws")
    if not found and not own:
        return
    root.about(FILE, "Ways between sites of AWS, and from AWS to other clouds and halls.", "links")
    ends = [
        *((link, place) for link, place, _ in found),
        *((link, place) for link in own for place in (link.a, link.b)),
    ]
    sites = links.distinct(place for _, place in ends)
    for site in sites:
        _transit(root, here, site, [link for link, place in ends if place.id == site.id])
    for link in {tuple(sorted((link.a.id, link.b.id))): link for link in reversed(own)}.values():
        _peering(root, here, link)
    root.provides(*(f"link:{link.name}" for link in own))
    lines = [one for one in found if one[0].via in DEDICATED]
    if lines:
        _lines(root, here, sorted({link.name: (link, place) for link, place, _ in lines}.values(), key=_by_name))
    halls = [one for one in found if one[2].cloud == "onprem"]
    if halls:
        _halls(root, here, halls)
    transits = {site.id: ref(f"aws_ec2_transit_gateway.{identifier(site.region)}.id") for site in sites}
    links.say_ends(root, {id: links.end(transit) for id, transit in transits.items()})


def addresses(site: Where) -> tuple[Expr, ...]:
    """None before there are tunnels: AWS gives each tunnel an address of its own."""
    return ()


def tunnels(root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
    """One VPN connection, of two tunnels, for each address of the other side; answers with the tunnels' addresses."""
    section = root.section(FILE, wanted.here.id, f"links.{wanted.link.name}", "link", {"region": wanted.here.region})
    label = identifier(wanted.link.name)
    found: list[Expr] = []
    for at, address in enumerate(dict.fromkeys(wanted.peer_addresses)):
        customer = section.make(
            "aws_customer_gateway",
            f"{label}__{at}",
            {"type": "ipsec.1", "ip_address": address, "bgp_asn": str(wanted.peer_asn)},
            # Another address is another gateway: the connection moves to it, and keeps its own addresses.
            *([block("lifecycle", attributes={"create_before_destroy": True})] if wanted.later else []),
        )
        connection = _connection(
            section,
            f"{label}__{at}",
            Expr(f"{links.gateway(wanted.here).text}.id"),
            attribute(customer, "id"),
            wanted.inside[2 * at : 2 * at + 2],
            wanted.secret,
        )
        found += [attribute(connection, "tunnel1_address"), attribute(connection, "tunnel2_address")]
    return tuple(found)


def _by_name(one: tuple[Link, Where]) -> str:
    return one[0].name


def _transit(root: Root, here: Blueprint, site: Where, ours: list[Link]) -> None:
    """A transit gateway with the site's network on it, and routes from the network to the other ends' networks."""
    name = identifier(site.region)
    section = root.section(FILE, site.id, "links", "link", {"region": site.region})
    transit = section.make(
        "aws_ec2_transit_gateway",
        name,
        {
            "description": f"Links of {site.id}.",
            "amazon_side_asn": links.asn(here, site),
            "auto_accept_shared_attachments": "disable",
            "vpn_ecmp_support": "enable",
            "tags": {"Name": f"polycloud-{site.region}"},
        },
    )
    section.make(
        "aws_ec2_transit_gateway_vpc_attachment",
        name,
        {
            "transit_gateway_id": attribute(transit, "id"),
            "vpc_id": vpc_id(site.region),
            "subnet_ids": subnets(site.region),
        },
    )
    cidrs = {network.site.id: network.cidr for network in root.blueprint.networks}
    peers = {place.id for link in ours for place in (link.a, link.b)} - {site.id}
    for peer in sorted(peers & cidrs.keys()):
        section.make(
            "aws_route",
            f"{name}_to_{identifier(peer)}",
            {
                "count": ways_out(here),
                "route_table_id": ref(f"aws_route_table.private_{name}[count.index].id"),
                "destination_cidr_block": cidrs[peer],
                "transit_gateway_id": attribute(transit, "id"),
                "depends_on": [ref(f"aws_ec2_transit_gateway_vpc_attachment.{name}")],
            },
        )


def _peering(root: Root, here: Blueprint, link: Link) -> None:
    """Two transit gateways of AWS on its own backbone; routes through a peering are never learned, so they are said."""
    near, far = link.a, link.b
    gateways = {site.id: f"aws_ec2_transit_gateway.{identifier(site.region)}" for site in (near, far)}
    label = identifier(link.name)
    section = root.section(FILE, near.id, f"links.{link.name}", "link", {"region": near.region})
    offered = section.make(
        "aws_ec2_transit_gateway_peering_attachment",
        label,
        {
            "transit_gateway_id": ref(f"{gateways[near.id]}.id"),
            "peer_transit_gateway_id": ref(f"{gateways[far.id]}.id"),
            "peer_region": far.region,
        },
    )
    there = root.section(FILE, far.id, f"links.{link.name}", "link", {"region": far.region})
    taken = there.make(
        "aws_ec2_transit_gateway_peering_attachment_accepter",
        label,
        {"transit_gateway_attachment_id": attribute(offered, "id")},
    )
    cidrs = {network.site.id: network.cidr for network in here.networks}
    for at, (site, peer, made_by) in enumerate(((near, far, section), (far, near, there))):
        made_by.make(
            "aws_ec2_transit_gateway_route",
            f"{label}__{at}",
            {
                "destination_cidr_block": cidrs[peer.id],
                "transit_gateway_route_table_id": ref(f"{gateways[site.id]}.association_default_route_table_id"),
                "transit_gateway_attachment_id": attribute(offered, "id"),
                "depends_on": [taken],
            },
        )


def _connection(
    section: Section, label: str, transit: Expr, customer: Expr, inside: tuple[str, ...], secret: Expr, **more: Value
) -> Expr:
    settings: dict[str, Value] = {"customer_gateway_id": customer, "transit_gateway_id": transit, "type": "ipsec.1"}
    for number, cidr in enumerate(inside, 1):
        settings |= {
            f"tunnel{number}_inside_cidr": cidr,
            f"tunnel{number}_preshared_key": secret,
            f"tunnel{number}_ike_versions": ["ikev2"],
            f"tunnel{number}_startup_action": "start",
        }
        for phase in (1, 2):
            settings |= {
                f"tunnel{number}_phase{phase}_encryption_algorithms": AES,
                f"tunnel{number}_phase{phase}_integrity_algorithms": SHA,
                f"tunnel{number}_phase{phase}_dh_group_numbers": GROUPS,
            }
    return section.make("aws_vpn_connection", label, {**more, **settings})


def _halls(root: Root, here: Blueprint, found: list[tuple[Link, Where, Where]]) -> None:
    """VPNs to halls of one's own: made once the hall's address is given."""
    root.add("variables.tf", links.halls_variable(networks=True))
    for site_id, hall in sorted({(site.id, peer.region) for _, site, peer in found}):
        _hall_routes(root, here, next(site for _, site, _ in found if site.id == site_id), hall)
    vpns = [one for one in found if one[0].via == "vpn"]
    if vpns:
        root.add("variables.tf", links.secrets_variable({}))
    for link, site, peer in vpns:
        section = root.section(FILE, site.id, f"links.{link.name}", "link", {"region": site.region})
        label, hall = identifier(link.name), quoted(peer.region)
        once = links.once("halls", peer.region)
        customer = section.make(
            "aws_customer_gateway",
            label,
            {
                "count": once,
                "type": "ipsec.1",
                "ip_address": ref(f"var.halls[{hall}].address"),
                "bgp_asn": ref(f"var.halls[{hall}].asn"),
            },
        )
        transit = ref(f"aws_ec2_transit_gateway.{identifier(site.region)}.id")
        _connection(
            section,
            label,
            transit,
            Expr(f"{customer.text}[0].id"),
            links.inside(here, link)[:2],
            links.secret(link),
            count=once,
        )
        root.provides(f"link:{link.name}")
        if link.mbps > TUNNEL_MBPS:
            root.gap(f"{link.name}: a tunnel at AWS carries {TUNNEL_MBPS} Mbps, {link.mbps} need several side by side")


def _hall_routes(root: Root, here: Blueprint, site: Where, hall: str) -> None:
    """From each private subnet to each of a hall's networks."""
    name, tables = identifier(site.region), ways_out(here)
    networks = f"try(var.halls[{quoted(hall)}].networks, [])"
    root.section(FILE, site.id, "links", "link", {"region": site.region}).make(
        "aws_route",
        f"{name}_to_{identifier(hall)}",
        {
            "for_each": ref(
                f'{{ for one in setproduct(range({tables}), {networks}) : "${{one[0]}} ${{one[1]}}" => one }}'
            ),
            "route_table_id": ref(f"aws_route_table.private_{name}[each.value[0]].id"),
            "destination_cidr_block": ref("each.value[1]"),
            "transit_gateway_id": ref(f"aws_ec2_transit_gateway.{name}.id"),
            "depends_on": [ref(f"aws_ec2_transit_gateway_vpc_attachment.{name}")],
        },
    )


def _lines(root: Root, here: Blueprint, found: list[tuple[Link, Where]]) -> None:
    """Direct Connect: one gateway for all regions, and for each line its confirmation and its virtual interface."""
    root.add(
        "variables.tf",
        variable(
            "lines",
            "Dedicated lines by the link's name, once they are ordered: the id of the Direct Connect connection, its "
            "VLAN and the BGP number of the other side; a line that is not here is not used yet.",
            "map(object({ connection = string, vlan = number, asn = number }))",
            {},
        ),
    )
    plain = root.section(FILE, "", "links", "link")
    gateway = plain.make("aws_dx_gateway", "this", {"name": f"polycloud-{here.estate}", "amazon_side_asn": str(DX_ASN)})
    cidrs = {network.site.id: network.cidr for network in here.networks}
    for site in links.distinct(place for _, place in found):
        root.section(FILE, site.id, "links", "link", {"region": site.region}).make(
            "aws_dx_gateway_association",
            identifier(site.region),
            {
                "dx_gateway_id": attribute(gateway, "id"),
                "associated_gateway_id": ref(f"aws_ec2_transit_gateway.{identifier(site.region)}.id"),
                "allowed_prefixes": [cidrs[site.id]],
            },
        )
    for link, site in found:
        _line(root, link, site, gateway)


def _line(root: Root, link: Link, site: Where, gateway: Expr) -> None:
    section = root.section(FILE, site.id, f"links.{link.name}", "link", {"region": site.region})
    line = f"var.lines[{quoted(link.name)}]"
    once = links.once("lines", link.name)
    label = identifier(link.name)
    section.make("aws_dx_connection_confirmation", label, {"count": once, "connection_id": ref(f"{line}.connection")})
    section.make(
        "aws_dx_transit_virtual_interface",
        label,
        {
            "count": once,
            "name": f"polycloud-{link.name}",
            "connection_id": ref(f"{line}.connection"),
            "dx_gateway_id": attribute(gateway, "id"),
            "vlan": ref(f"{line}.vlan"),
            "bgp_asn": ref(f"{line}.asn"),
            "address_family": "ipv4",
            "mtu": 8500,
            "depends_on": [ref(f"aws_dx_connection_confirmation.{label}")],
        },
    )
    who = link.provider or "AWS or a partner"
    speed = links.speed(SPEEDS, link.mbps)
    root.gap(
        f"{link.name}: order a hosted connection of {speed} at {site.region} from {who}, then name it in var.lines"
    )
    root.provides(f"link:{link.name}")
