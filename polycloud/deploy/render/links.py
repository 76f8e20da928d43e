"""Virtual private networks between clouds, in the root that spans them: each cloud's module makes its own side.

Each cloud's own root makes the gateway of a site once and says in its output ``gateways`` what the root ``global``
needs (``GATEWAY``). A tunnel needs the other side's address: Azure and Google Cloud know theirs before any tunnel, AWS
and Oracle give one to each tunnel when it is made. So a side of the second kind comes first. With one of them there are
four tunnels, two to each address of the other; else two, address to address.
Each tunnel carries BGP over a /30 of link-local addresses, so that a tunnel that is lost is routed around.
"""

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import Protocol

import msgspec

from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.hcl import Block, Expr, Value, quoted
from polycloud.deploy.render.terraform import Root, variable

# What the output ``gateways`` of a cloud's root holds for each site: a name or id, the addresses that are known
# before any tunnel, and the name of the router that speaks BGP where the cloud has one.
GATEWAY = "map(object({ id = string, addresses = list(string), router = string, group = string }))"
# Link-local addresses that all four clouds take, as Azure allows the fewest:
# https://learn.microsoft.com/azure/vpn-gateway/bgp-howto, 2026-11. Sixteen for each link.
INSIDE = ipaddress.ip_network("169.254.21.0/24"), ipaddress.ip_network("169.254.22.0/24")
LINKS_MAX = 32
PER_ADDRESS = 2  # tunnels to each address where a side gives its tunnels addresses of their own
ASN_FIRST = 64_512  # private numbers of BGP; a site's follows from its network, which never moves
ORACLE_ASN = 31_898  # docs.oracle.com/iaas/Content/Network/Tasks/managingIPsec.htm, 2026-11
DEDICATED = ("direct-connect", "expressroute", "fastconnect", "interconnect", "exchange")


class Tunnels(msgspec.Struct, frozen=True):
    """One side's view of a link's tunnels. ``inside`` has a /30 for each; ``first``: this side has the lower address.

    ``peer_addresses`` are as many as there are tunnels; ``secret`` is an expression.
    """

    link: Link
    here: Where
    peer: Where
    peer_addresses: tuple[Expr, ...]
    peer_asn: int | Expr
    inside: tuple[str, ...]
    first: bool
    secret: Expr


class End(Protocol):
    """What a cloud's ``render_links`` gives the root that spans clouds."""

    def addresses(self, site: Where) -> tuple[Expr, ...]:
        """The two public addresses of a site's gateway where they are known before any tunnel; else none."""

    def tunnels(self, root: Root, blueprint: Blueprint, wanted: Tunnels) -> tuple[Expr, ...]:
        """Adds this side's tunnels to the root; answers with the public address that each of them ends at."""


def join(root: Root, blueprint: Blueprint, ends: Mapping[str, End]) -> None:
    """Both sides of every VPN between two clouds. ``root`` is ``global``; ``ends`` are named by cloud."""
    found = vpns(blueprint)
    clouds = sorted({place.cloud for link in found for place in (link.a, link.b)})
    for cloud in clouds:
        described = f"What `terraform output -json gateways` says in the root {cloud}."
        root.add("variables.tf", variable(f"{cloud}_gateways", described, GATEWAY))
    if found:
        root.add("variables.tf", secrets_variable())
    for link in found:
        _join(root, blueprint, link, ends)
        root.provides(f"link:{link.name}")


def vpns(blueprint: Blueprint) -> tuple[Link, ...]:
    """The VPNs between two clouds; those to a hall, or within a cloud, are in the cloud's own root."""
    return tuple(
        link
        for link in blueprint.links
        if link.via == "vpn" and link.a.cloud != link.b.cloud and "onprem" not in (link.a.cloud, link.b.cloud)
    )


def within(blueprint: Blueprint, cloud: str) -> tuple[Link, ...]:
    """The private links between two sites of one cloud: it joins its own networks by its own means, whatever the
    estate calls them."""
    return tuple(
        link
        for link in blueprint.links
        if link.a.cloud == link.b.cloud == cloud and link.a.id != link.b.id and link.via != "internet"
    )


def touching(blueprint: Blueprint, cloud: str, *kinds: str) -> tuple[tuple[Link, Where, Where], ...]:
    """The links of these kinds from a cloud to elsewhere: the link, the end there, and the other one."""
    found = []
    for link in blueprint.links:
        for here, peer in ((link.a, link.b), (link.b, link.a)):
            if here.cloud == cloud != peer.cloud and link.via in kinds:
                found.append((link, here, peer))
    return tuple(found)


def gateway(site: Where) -> Expr:
    """A site's gateway as the root ``global`` gets to know it."""
    return Expr(f"var.{site.cloud}_gateways[{quoted(site.id)}]")


def secrets_variable(default: Value = None, ephemeral: bool = False) -> Block:
    """The input for shared secrets; ``ephemeral`` where they go to write-only arguments alone, and into no state."""
    described = (
        "The shared secret of each VPN by the link's name: 32 random letters and digits, beginning with a letter."
    )
    return variable("vpn_secrets", described, "map(string)", default, sensitive=True, ephemeral=ephemeral)


def secret(link: Link) -> Expr:
    return Expr(f"var.vpn_secrets[{quoted(link.name)}]")


def asn(blueprint: Blueprint, site: Where) -> int:
    """The number that a site's routers have in BGP."""
    if site.cloud == "oci":
        return ORACLE_ASN
    cidr = next(network.cidr for network in blueprint.networks if network.site.id == site.id)
    return ASN_FIRST + int(cidr.split(".")[1])


def inside(blueprint: Blueprint, link: Link) -> tuple[str, ...]:
    """Four /30 for a link's tunnels, none of them another link's. Raises ValueError for more than 32 VPNs.

    A link's place follows from its name, or is the next that is free: another link seldom moves it.
    """
    names = sorted(one.name for one in blueprint.links if one.via == "vpn")
    if len(names) > LINKS_MAX:
        raise ValueError(f"{len(names)} VPNs: there are link-local addresses for {LINKS_MAX}")
    places: dict[int, str] = {}
    for name in names:
        at = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
        places[next(p % LINKS_MAX for p in range(at, at + LINKS_MAX) if p % LINKS_MAX not in places)] = name
    blocks = [block for network in INSIDE for block in network.subnets(new_prefix=28)]
    (place,) = [place for place, name in places.items() if name == link.name]
    return tuple(str(one) for one in blocks[place].subnets(new_prefix=30))


def hosts(cidr: str, first: bool) -> tuple[str, str]:
    """A side's own address in a /30, and the other's."""
    low, high = (str(host) for host in ipaddress.ip_network(cidr).hosts())
    return (low, high) if first else (high, low)


def _join(root: Root, blueprint: Blueprint, link: Link, ends: Mapping[str, End]) -> None:
    known = {place.id: ends[place.cloud].addresses(place) if place.cloud in ends else () for place in (link.a, link.b)}
    order = sorted((link.a, link.b), key=lambda place: bool(known[place.id]))  # who makes its addresses comes first
    maker, other = order
    if not known[other.id] or maker.cloud not in ends or other.cloud not in ends:
        root.gap(
            f"{link.name}: {maker.cloud} and {other.cloud} each want the other's address before they give their own: "
            "make one side by hand with a placeholder, or join both to a third cloud"
        )
        return
    peers = tuple(address for address in known[other.id] for _ in range(1 if known[maker.id] else PER_ADDRESS))
    ranges = inside(blueprint, link)[: len(peers)]

    def view(here: Where, peer: Where, addresses: tuple[Expr, ...], first: bool) -> Tunnels:
        return Tunnels(link, here, peer, addresses, asn(blueprint, peer), ranges, first, secret(link))

    made = ends[maker.cloud].tunnels(root, blueprint, view(maker, other, peers, True))
    ends[other.cloud].tunnels(root, blueprint, view(other, maker, made, False))
