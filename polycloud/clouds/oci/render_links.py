"""Ways from Oracle Cloud to elsewhere: a dynamic routing gateway at each site that has a link, VPNs, FastConnect.

VPNs to other clouds have their tunnels in the root that spans clouds (see ``deploy/render/links.py``), VPNs to a hall
here. The line to Azure is made whole in the root that spans clouds: this root has the gateway it ends at.
"""

import ipaddress

from polycloud.clouds.oci.render_network import network_id, peers
from polycloud.clouds.oci.render_place import COMPARTMENT, at, place, provider
from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Expr, Value, block, quoted
from polycloud.deploy.render import links
from polycloud.deploy.render.links import DEDICATED, Tunnels, hosts
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref, variable

FILE = "links.tf"
AZURE = "azure-oci"
EACH = 2  # tunnels of a connection: Oracle gives two, each with an address of its own
SPEEDS = ((1000, "1 Gbps"), (2000, "2 Gbps"), (5000, "5 Gbps"), (10_000, "10 Gbps"))
SESSIONS = ipaddress.IPv4Network("192.168.254.0/24")  # of lines to Azure: an eighth of it, that is 32 lines
UNUSED = ["10.255.255.0/24"]  # a connection wants a static route even where all its tunnels speak BGP


def link_ends(root: Root, here: Blueprint) -> None:
    """This cloud's own end of each link that touches it, and the outputs for the root that spans clouds."""
    sites = [network.site for network in here.networks if peers(here, network.site)]
    if not sites:
        return
    root.about(FILE, "Ways from Oracle Cloud to other clouds, regions and halls.", "links")
    for site in sites:
        _gateway(root, site)
    for link in links.within(here, "oci"):
        _within(root, link)
    halls = [one for one in links.touching(here, "oci", "vpn", *DEDICATED) if one[2].cloud == "onprem"]
    if halls:
        root.add("variables.tf", links.halls_variable(networks=True))
    vpns = [one for one in halls if one[0].via == "vpn"]
    if vpns:
        root.add("variables.tf", links.secrets_variable({}))
    for link, site, peer in vpns:
        _hall(root, here, link, site, peer)
    lines = {link.name: (link, site) for link, site, _ in links.touching(here, "oci", *DEDICATED)}
    if lines:
        root.add("variables.tf", _lines_variable())
    for _, (link, site) in sorted(lines.items()):
        _line(root, link, site)
    gateways = {site.id: ref(f"oci_core_drg.{identifier(site.region)}.id") for site in sites}
    links.say_ends(root, {id: links.end(gateway, group=COMPARTMENT) for id, gateway in gateways.items()})
    to_azure = sorted({site.id: site for _, site, _ in links.touching(here, "oci", AZURE)}.items())
    if to_azure:
        value: dict[str, Value] = {
            id: {"id": ref(f"oci_core_drg.{identifier(site.region)}.id"), "group": COMPARTMENT} for id, site in to_azure
        }
        root.add("outputs.tf", output("lines", "Where lines to Azure end, by site.", value))


def addresses(site: Where) -> tuple[Expr, ...]:
    """None before there are tunnels: Oracle gives each tunnel an address of its own."""
    return ()


def tunnels(root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
    """One connection, of two tunnels, for each address of the other side; answers with the tunnels' addresses."""
    gateway = links.gateway(wanted.here).text
    section = root.section(FILE, wanted.here.id, f"links.{wanted.link.name}", "link", at(wanted.here.region))
    found: list[Expr] = []
    for number, address in enumerate(dict.fromkeys(wanted.peer_addresses)):
        found += _connection(
            section,
            f"{identifier(wanted.link.name)}__{number}",
            wanted,
            address,
            wanted.inside[EACH * number : EACH * (number + 1)],
            {"compartment_id": Expr(f"{gateway}.group"), "drg_id": Expr(f"{gateway}.id")},
            {},
        )
    return tuple(found)


def interconnect(root: Root, blueprint: Blueprint, link: Link, key: Expr | None) -> Expr:
    """Oracle's end of the line to Azure: a virtual circuit that joins Azure's by its key, with two BGP sessions."""
    site = link.a if link.a.cloud == "oci" else link.b
    label, end = identifier(link.name), f"var.oci_lines[{quoted(site.id)}]"
    section = root.section(FILE, site.id, f"links.{link.name}", "link", at(site.region))
    section.add(
        block(
            "data",
            "oci_core_fast_connect_provider_services",
            label,
            attributes={"provider": provider(site.region), "compartment_id": ref(f"{end}.group")},
            parts=(block("filter", attributes={"name": "provider_name", "values": ["Microsoft Azure"]}),),
        )
    )
    return section.make(
        "oci_core_virtual_circuit",
        label,
        {
            "compartment_id": ref(f"{end}.group"),
            "display_name": made("oci", "bucket", f"polycloud-{link.name}"),
            "type": "PRIVATE",
            "bandwidth_shape_name": links.speed(SPEEDS, link.mbps),
            "gateway_id": ref(f"{end}.id"),
            "provider_service_id": ref(
                f"data.oci_core_fast_connect_provider_services.{label}.fast_connect_provider_services[0].id"
            ),
            "provider_service_key_name": key,
        },
        *(
            block(
                "cross_connect_mappings",
                attributes={"oracle_bgp_peering_ip": f"{oracle}/30", "customer_bgp_peering_ip": f"{azure}/30"},
            )
            for oracle, azure in sessions(blueprint, link)
        ),
    )


def sessions(blueprint: Blueprint, link: Link) -> list[tuple[str, str]]:
    """Oracle's and Azure's address of both sessions of a line, apart from those of all other lines."""
    names = sorted(one.name for one in blueprint.links if one.via == AZURE)
    own = list(SESSIONS.subnets(new_prefix=29))[names.index(link.name)]
    return [hosts(str(one), True) for one in own.subnets(new_prefix=30)]


def _lines_variable() -> Block:
    return variable(
        "lines",
        "FastConnect lines by the link's name, once they are ordered: the OCID of the partner's service, the BGP "
        "number of the other side, and both addresses with their mask; a line that is not here is not made yet.",
        "map(object({ service = string, asn = string, oracle_address = string, customer_address = string }))",
        {},
    )


def _gateway(root: Root, site: Where) -> None:
    label = identifier(site.region)
    section = root.section(FILE, site.id, "links", "link", place(site.region))
    drg = section.make("oci_core_drg", label, {"display_name": f"polycloud-{site.region}"})
    root.section(FILE, site.id, "links", "link", at(site.region)).make(
        "oci_core_drg_attachment",
        label,
        {"drg_id": attribute(drg, "id"), "display_name": f"polycloud-{site.region}"},
        block("network_details", attributes={"type": "VCN", "id": network_id(site.region)}),
    )


def _within(root: Root, link: Link) -> None:
    """Two sites here are joined over Oracle's own network: one side waits, the other one asks."""
    label = identifier(link.name)
    ends: tuple[tuple[Where, str, dict[str, Value]], ...] = (
        (link.a, "waits", {}),
        (
            link.b,
            "asks",
            {
                "peer_id": ref(f"oci_core_remote_peering_connection.{label}__waits.id"),
                "peer_region_name": link.a.region,
            },
        ),
    )
    for site, role, more in ends:
        root.section(FILE, site.id, f"links.{link.name}", "link", place(site.region)).make(
            "oci_core_remote_peering_connection",
            f"{label}__{role}",
            {
                "drg_id": ref(f"oci_core_drg.{identifier(site.region)}.id"),
                "display_name": made("oci", "bucket", f"polycloud-{link.name}"),
                **more,
            },
        )
    root.provides(f"link:{link.name}")


def _connection(
    section: Section,
    label: str,
    wanted: Tunnels,
    address: Expr,
    inside: tuple[str, ...],
    ends: dict[str, Value],
    often: dict[str, Value],
) -> list[Expr]:
    """The other side, the connection to it, and what each of its two tunnels says."""
    suffix = "[0]" if often else ""
    name = made("oci", "bucket", f"polycloud-{wanted.link.name}-{label.rpartition('__')[2]}")
    other = section.make(
        "oci_core_cpe",
        label,
        {**often, "compartment_id": ends["compartment_id"], "display_name": name, "ip_address": address},
    )
    connection = section.make(
        "oci_core_ipsec",
        label,
        {
            **often,
            **ends,
            "display_name": name,
            "cpe_id": Expr(f"{other.text}{suffix}.id"),
            "static_routes": list(UNUSED),
        },
    )
    section.add(
        block(
            "data",
            "oci_core_ipsec_connection_tunnels",
            label,
            attributes={
                **often,
                "provider": provider(wanted.here.region),
                "ipsec_id": Expr(f"{connection.text}{suffix}.id"),
            },
        )
    )
    listed = f"data.oci_core_ipsec_connection_tunnels.{label}{suffix}.ip_sec_connection_tunnels"
    found = []
    for number, cidr in enumerate(inside):
        own, peer = hosts(cidr, wanted.first)
        one = f"{listed}[{number}]"
        section.make(
            "oci_core_ipsec_connection_tunnel_management",
            f"{label}__{number}",
            {
                **often,
                "ipsec_id": Expr(f"{connection.text}{suffix}.id"),
                "tunnel_id": Expr(f"{one}.id"),
                "display_name": f"{name}-{number}",
                "routing": "BGP",
                "ike_version": "V2",
                "shared_secret": wanted.secret,
            },
            block(
                "bgp_session_info",
                attributes={
                    "customer_bgp_asn": _text(wanted.peer_asn),
                    "oracle_interface_ip": f"{own}/30",
                    "customer_interface_ip": f"{peer}/30",
                },
            ),
        )
        found.append(Expr(f"{one}.vpn_ip"))
    return found


def _text(number: int | Expr) -> Value:
    return number if isinstance(number, Expr) else str(number)


def _hall(root: Root, here: Blueprint, link: Link, site: Where, peer: Where) -> None:
    """A VPN to a hall of one's own: made once the hall's address is given."""
    section = root.section(FILE, site.id, f"links.{link.name}", "link", at(site.region))
    wanted = links.to_hall(here, link, site, peer, EACH)
    _connection(
        section,
        f"{identifier(link.name)}__0",
        wanted,
        wanted.peer_addresses[0],
        wanted.inside,
        {"compartment_id": COMPARTMENT, "drg_id": ref(f"oci_core_drg.{identifier(site.region)}.id")},
        {"count": links.once("halls", peer.region)},
    )
    root.provides(f"link:{link.name}")


def _line(root: Root, link: Link, site: Where) -> None:
    """A virtual circuit over a partner's line, once the partner's service and its addresses are known."""
    label, line = identifier(link.name), f"var.lines[{quoted(link.name)}]"
    speed = links.speed(SPEEDS, link.mbps)
    root.section(FILE, site.id, f"links.{link.name}", "link", place(site.region)).make(
        "oci_core_virtual_circuit",
        label,
        {
            "count": links.once("lines", link.name),
            "display_name": made("oci", "bucket", f"polycloud-{link.name}"),
            "type": "PRIVATE",
            "bandwidth_shape_name": speed,
            "gateway_id": ref(f"oci_core_drg.{identifier(site.region)}.id"),
            "provider_service_id": ref(f"{line}.service"),
            "customer_asn": ref(f"{line}.asn"),
        },
        block(
            "cross_connect_mappings",
            attributes={
                "oracle_bgp_peering_ip": ref(f"{line}.oracle_address"),
                "customer_bgp_peering_ip": ref(f"{line}.customer_address"),
            },
        ),
    )
    who = link.provider or "a FastConnect partner"
    root.gap(
        f"{link.name}: order {speed} at {site.region} from {who}, name the line in var.lines, and give the circuit's "
        "OCID to the provider"
    )
    root.provides(f"link:{link.name}")
