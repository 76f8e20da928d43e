"""Ways from Google Cloud to elsewhere: a VPN gateway and a router at each site that has a link, and Interconnect.

VPNs to other clouds have their tunnels in the root that spans clouds (see ``deploy/render/links.py``), VPNs to a hall
here. Of a dedicated line Google's end is made, with the key that its provider asks for.
"""

from polycloud.clouds.gcp.render_network import NETWORK
from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, Value, block
from polycloud.deploy.render import links
from polycloud.deploy.render.links import DEDICATED, Tunnels, hosts
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref

FILE = "links.tf"
ADDRESSES = 2  # of a high-availability gateway, one for each of its interfaces
PARTNER_ASN = 16_550  # what Partner Interconnect demands, cloud.google.com/network-connectivity/docs, 2026-11
REDUNDANCY = {1: "SINGLE_IP_INTERNALLY_REDUNDANT", 2: "TWO_IPS_REDUNDANCY", 4: "FOUR_IPS_REDUNDANCY"}
DOMAINS = (1, 2)  # a line stands on two attachments, so that maintenance of one leaves the other
SPEEDS = ((50, "50M"), (100, "100M"), (500, "500M"), (1000, "1G"), (2000, "2G"), (5000, "5G"), (10_000, "10G"))


def link_ends(root: Root, here: Blueprint) -> None:
    """This cloud's own end of each link that touches it, and the output ``gateways`` for the root that spans clouds."""
    root.provides(*(f"link:{link.name}" for link in links.within(here, "gcp")))  # one network spans all regions
    found = links.touching(here, "gcp", "vpn", *DEDICATED)
    if not found:
        return
    root.about(FILE, "Ways from Google Cloud to other clouds and halls.", "links")
    vpns = [one for one in found if one[0].via == "vpn"]
    sites = links.distinct(place for _, place, _ in vpns)
    for site in sites:
        _gateway(root, here, site)
    halls = [one for one in vpns if one[2].cloud == "onprem"]
    if halls:
        _halls(root, here, halls)
    lines = sorted({one[0].name: (one[0], one[1]) for one in found if one[0].via in DEDICATED}.items())
    for site in links.distinct(place for _, (_, place) in lines):
        _line_router(root, site)
    for _, (link, site) in lines:
        _line(root, link, site)
    links.say_ends(root, {site.id: _described(site) for site in sites})


def addresses(site: Where) -> tuple[Expr, ...]:
    """Both addresses of the site's gateway, which are known once Google Cloud's own root was applied."""
    return tuple(Expr(f"{links.gateway(site).text}.addresses[{at}]") for at in range(ADDRESSES))


def tunnels(root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
    """A tunnel to each of the other side's addresses, spread over both interfaces of the site's gateway."""
    section = root.section(FILE, wanted.here.id, f"links.{wanted.link.name}", "link")
    gateway = links.gateway(wanted.here).text
    _tunnels(section, wanted, Expr(f"{gateway}.id"), Expr(f"{gateway}.router"))
    own = addresses(wanted.here)
    count = len(wanted.peer_addresses)
    return tuple(own[at * ADDRESSES // count] for at in range(count))


def _described(site: Where) -> dict[str, Value]:
    name = identifier(site.region)
    gateway = f"google_compute_ha_vpn_gateway.{name}"
    router = ref(f"google_compute_router.links_{name}.name")
    return links.end(ref(f"{gateway}.id"), ref(f"{gateway}.vpn_interfaces[*].ip_address"), router)


def _gateway(root: Root, here: Blueprint, site: Where) -> None:
    name = identifier(site.region)
    section = root.section(FILE, site.id, "links", "link")
    section.make(
        "google_compute_ha_vpn_gateway",
        name,
        {"name": f"polycloud-{site.region}", "region": site.region, "network": NETWORK},
    )
    section.make(
        "google_compute_router",
        f"links_{name}",
        {"name": f"polycloud-{site.region}-links", "region": site.region, "network": NETWORK},
        block("bgp", attributes={"asn": links.asn(here, site)}),
    )


def _name(*parts: str) -> str:
    return made("gcp", "cluster", *parts)


def _tunnels(
    section: Section, wanted: Tunnels, gateway: Expr, router: Expr, more: dict[str, Value] | None = None
) -> None:
    link, region = wanted.link, wanted.here.region
    label, often = identifier(link.name), more or {}
    suffix = "[0]" if "count" in often else ""
    count = len(wanted.peer_addresses)
    ends = list(dict.fromkeys(wanted.peer_addresses))  # a hall has one address, at which both tunnels end
    peer = section.make(
        "google_compute_external_vpn_gateway",
        label,
        {**often, "name": _name(link.name), "redundancy_type": REDUNDANCY[len(ends)]},
        *(block("interface", attributes={"id": at, "ip_address": address}) for at, address in enumerate(ends)),
    )
    for at, cidr in enumerate(wanted.inside[:count]):
        own, other = hosts(cidr, wanted.first)
        name = _name(link.name, str(at))
        place: dict[str, Value] = {**often, "name": name, "region": region, "router": router}
        tunnel = section.make(
            "google_compute_vpn_tunnel",
            f"{label}__{at}",
            {
                **place,
                "vpn_gateway": gateway,
                "vpn_gateway_interface": at * ADDRESSES // count,
                "peer_external_gateway": Expr(f"{peer.text}{suffix}.id"),
                "peer_external_gateway_interface": ends.index(wanted.peer_addresses[at]),
                "ike_version": 2,
                "shared_secret_wo": wanted.secret,
                "shared_secret_wo_version": "1",
            },
        )
        interface = section.make(
            "google_compute_router_interface",
            f"{label}__{at}",
            {**place, "ip_range": f"{own}/30", "vpn_tunnel": Expr(f"{tunnel.text}{suffix}.name")},
        )
        section.make(
            "google_compute_router_peer",
            f"{label}__{at}",
            {
                **place,
                "interface": Expr(f"{interface.text}{suffix}.name"),
                "ip_address": own,
                "peer_ip_address": other,
                "peer_asn": wanted.peer_asn,
            },
        )


def _halls(root: Root, here: Blueprint, found: list[tuple[Link, Where, Where]]) -> None:
    """VPNs to halls of one's own: made once the hall's address is given."""
    root.add(
        "variables.tf",
        links.halls_variable(),
        links.secrets_variable({}, ephemeral=True),
    )
    for link, site, peer in found:
        section = root.section(FILE, site.id, f"links.{link.name}", "link")
        wanted = links.to_hall(here, link, site, peer, ADDRESSES)
        gateway, name = f"google_compute_ha_vpn_gateway.{identifier(site.region)}", identifier(site.region)
        _tunnels(
            section,
            wanted,
            Expr(f"{gateway}.id"),
            ref(f"google_compute_router.links_{name}.name"),
            {"count": links.once("halls", peer.region)},
        )
        root.provides(f"link:{link.name}")


def _line_router(root: Root, site: Where) -> None:
    name = identifier(site.region)
    root.section(FILE, site.id, "links", "link").make(
        "google_compute_router",
        f"lines_{name}",
        {"name": f"polycloud-{site.region}-lines", "region": site.region, "network": NETWORK},
        block("bgp", attributes={"asn": PARTNER_ASN}),
    )


def _line(root: Root, link: Link, site: Where) -> None:
    """Two attachments; the provider asks for their pairing keys, sets the speed, and the line is there."""
    section = root.section(FILE, site.id, f"links.{link.name}", "link")
    label = identifier(link.name)
    keys: list[Value] = []
    for domain in DOMAINS:
        attachment = section.make(
            "google_compute_interconnect_attachment",
            f"{label}__{domain}",
            {
                "name": _name(link.name, str(domain)),
                "region": site.region,
                "router": ref(f"google_compute_router.lines_{identifier(site.region)}.id"),
                "type": "PARTNER",
                "edge_availability_domain": f"AVAILABILITY_DOMAIN_{domain}",
                "admin_enabled": True,
            },
        )
        keys.append(attribute(attachment, "pairing_key"))
    root.add(
        "outputs.tf",
        output(f"pairing_keys_{label}", f"What the provider of {link.name} asks for.", keys, sensitive=True),
    )
    speed = links.speed(SPEEDS, link.mbps)
    who = link.provider or "a partner of Google"
    root.gap(f"{link.name}: order {speed} at {site.region} from {who} with the output pairing_keys_{label}")
    root.provides(f"link:{link.name}")
