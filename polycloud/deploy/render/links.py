"""Virtual private networks between clouds, in the root that spans them: each cloud's module makes its own side.

Each cloud's own root makes the gateway of a site once and says in its output ``gateways`` what the root ``global``
needs (``GATEWAY``). A tunnel needs the other side's address: Azure and Google Cloud know theirs before any tunnel, AWS
and Oracle give one to each tunnel when it is made. So a side of the second kind comes first. With one of them there are
four tunnels, two to each address of the other; else two, address to address. Between the two of them AWS begins with
addresses that nobody has, and is told Oracle's when they are known: a root that is applied twice.
Each tunnel carries BGP over a /30 of link-local addresses, so that a tunnel that is lost is routed around.
"""

import hashlib
import ipaddress
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from polycloud.deploy.blueprint import Blueprint, Link, Where
from polycloud.deploy.hcl import Block, Expr, Value, quoted
from polycloud.deploy.render.terraform import Root, output, variable

# What the output ``gateways`` of a cloud's root holds for each site: a name or id, the addresses that are known
# before any tunnel, and the name of the router that speaks BGP where the cloud has one.
GATEWAY = "map(object({ id = string, addresses = list(string), router = string, group = string }))"
# Link-local addresses that all four clouds take, as Azure allows the fewest:
# https://learn.microsoft.com/azure/vpn-gateway/bgp-howto, 2026-11. Sixteen for each link.
INSIDE = ipaddress.ip_network("169.254.21.0/24"), ipaddress.ip_network("169.254.22.0/24")
LINKS_MAX = 32
PER_ADDRESS = 2  # tunnels to each address where a side gives its tunnels addresses of their own
ASN_FIRST = 64_512  # private numbers of BGP; a site's follows from its network, which never moves
# Of documentation (RFC 5737), until the other side's are known: docs.oracle.com/iaas/Content/Network/Concepts/
# vpn_to_aws.htm begins with a customer gateway of a placeholder too, 2026-11.
NOBODYS = ipaddress.ip_network("192.0.2.0/24")
ORACLE_ASN = 31_898  # docs.oracle.com/iaas/Content/Network/Tasks/managingIPsec.htm, 2026-11
DEDICATED = ("direct-connect", "expressroute", "fastconnect", "interconnect", "exchange")


class Tunnels(msgspec.Struct, frozen=True):
    """One side's view of a link's tunnels. ``inside`` has a /30 for each; ``first``: this side has the lower address.

    ``peer_addresses`` are as many as there are tunnels; ``secret`` is an expression. ``later``: they are not known yet.
    """

    link: Link
    here: Where
    peer: Where
    peer_addresses: tuple[Expr, ...]
    peer_asn: int | Expr
    inside: tuple[str, ...]
    first: bool
    secret: Expr
    later: bool = False


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
    told: dict[str, Value] = {}
    for link in found:
        told |= _join(root, blueprint, link, ends)
        root.provides(f"link:{link.name}")
    if told:
        described = "Addresses of tunnels by the link's name, from the output of the same name; apply again then."
        root.add("variables.tf", variable("vpn_addresses", described, "map(list(string))", {}))
        root.add("outputs.tf", output("vpn_addresses", "Addresses of tunnels that the other side is to know.", told))


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


def all_joined(blueprint: Blueprint) -> bool:
    """Whether every two clusters reach each other by a link, or stand in one network: at one site, or both at Google
    Cloud, whose network spans its regions. Links do not pass traffic on from one to the next."""
    joined = {frozenset((link.a.id, link.b.id)) for link in blueprint.links if link.via != "internet"}
    sites = distinct(cluster.site for cluster in blueprint.clusters)
    return all(
        a.cloud == b.cloud == "gcp" or frozenset((a.id, b.id)) in joined for a, b in itertools.combinations(sites, 2)
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


def halls_variable(networks: bool = False) -> Block:
    """The input for halls; ``networks``: the cloud has to be told their networks too."""
    what = "address, BGP number and networks" if networks else "address and BGP number"
    described = f"The public {what} of each hall, by its name; a hall that is not here is not joined yet."
    kind = f"address = string, asn = number{', networks = list(string)' if networks else ''}"
    return variable("halls", described, f"map(object({{ {kind} }}))", {})


def once(inputs: str, name: str) -> Expr:
    """How often something is made that waits for an entry of an input: once it is there."""
    return Expr(f"contains(keys(var.{inputs}), {quoted(name)}) ? 1 : 0")


def to_hall(blueprint: Blueprint, link: Link, here: Where, hall: Where, count: int) -> Tunnels:
    """The tunnels to a hall, at the one address that a person gives."""
    given = f"var.halls[{quoted(hall.region)}]"
    ranges = inside(blueprint, link)[:count]
    peers = (Expr(f"{given}.address"),) * count
    return Tunnels(link, here, hall, peers, Expr(f"{given}.asn"), ranges, True, secret(link))


def end(id: Expr, addresses: Value = (), router: Value = "", group: Value = "") -> dict[str, Value]:
    """Where links of a site end, as the root ``global`` wants it: see ``GATEWAY``."""
    return {"id": id, "addresses": addresses, "router": router, "group": group}


def say_ends(root: Root, ends: dict[str, Value]) -> None:
    root.add("outputs.tf", output("gateways", "Where links end, by site: for the root that spans clouds.", ends))


def speed(offered: Sequence[tuple[int, str]], mbps: int) -> str:
    """The slowest line on offer that is fast enough, else the fastest."""
    return next((name for least, name in offered if least >= mbps), offered[-1][1])


def distinct(sites: Iterable[Where]) -> list[Where]:
    """Each site once, by its id."""
    return sorted({site.id: site for site in sites}.values(), key=lambda site: site.id)


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


def _join(root: Root, blueprint: Blueprint, link: Link, ends: Mapping[str, End]) -> dict[str, Value]:
    """Both sides of a link; answers with addresses by the link's name where one side has to be told them later."""
    known = {place.id: ends[place.cloud].addresses(place) if place.cloud in ends else () for place in (link.a, link.b)}
    order = sorted((link.a, link.b), key=lambda place: bool(known[place.id]))  # who makes its addresses comes first
    maker, other = order
    if maker.cloud not in ends or other.cloud not in ends:
        root.gap(f"{link.name}: no VPN between {maker.cloud} and {other.cloud} is known: join both to a third cloud")
        return {}
    if not known[other.id]:
        return _twice(root, blueprint, link, ends)
    peers = tuple(address for address in known[other.id] for _ in range(1 if known[maker.id] else PER_ADDRESS))
    ranges = inside(blueprint, link)[: len(peers)]

    def view(here: Where, peer: Where, addresses: tuple[Expr, ...], first: bool) -> Tunnels:
        return Tunnels(link, here, peer, addresses, asn(blueprint, peer), ranges, first, secret(link))

    made = ends[maker.cloud].tunnels(root, blueprint, view(maker, other, peers, True))
    ends[other.cloud].tunnels(root, blueprint, view(other, maker, made, False))
    return {}


def _twice(root: Root, blueprint: Blueprint, link: Link, ends: Mapping[str, End]) -> dict[str, Value]:
    """Two connections, each of one tunnel of AWS and one of Oracle: their second tunnels have no partner."""
    first, second = sorted((link.a, link.b), key=lambda place: place.cloud)
    at = sorted(one.name for one in blueprint.links if one.via == "vpn").index(link.name)
    named = quoted(link.name)
    unknown = tuple(
        Expr(f'try(var.vpn_addresses[{named}][{number}], "{NOBODYS[1 + PER_ADDRESS * at + number]}")')
        for number in range(PER_ADDRESS)
    )
    ranges = inside(blueprint, link)
    wanted = Tunnels(link, first, second, unknown, asn(blueprint, second), ranges, True, secret(link), later=True)
    made = ends[first.cloud].tunnels(root, blueprint, wanted)[::PER_ADDRESS]
    back = Tunnels(link, second, first, made, asn(blueprint, first), ranges, False, secret(link))
    addresses = ends[second.cloud].tunnels(root, blueprint, back)[::PER_ADDRESS]
    root.gap(
        f"{link.name}: {first.cloud} and {second.cloud} each want the other's address before they give their own: "
        "apply the root global twice, the second time with the output vpn_addresses as var.vpn_addresses"
    )
    return {link.name: list(addresses)}
