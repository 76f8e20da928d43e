"""A cloud network at each site of Oracle Cloud: machines and pods without public addresses, a way out, flow logs."""

import ipaddress

from polycloud.clouds.oci.render_keys import statement
from polycloud.clouds.oci.render_place import COMPARTMENT, TAGS, at, place, provider
from polycloud.deploy.blueprint import Blueprint, Network, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, quoted
from polycloud.deploy.render import links
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, network_output, ref

FILE = "network.tf"
ANYWHERE = "0.0.0.0/0"
LOG_DAYS = 180  # the most that the logging service keeps, docs.oracle.com/iaas/Content/Logging, 2026-11
DNS = "polycloud"
WAYS = ("vpn", "azure-oci", *links.DEDICATED)
CLOSED = Comment("checkov:skip=CKV2_OCI_2:Only the site's own network and those that it is joined to are let in.")
STATEFUL = Comment("checkov:skip=CKV_OCI_21:Answers find their way back by the connection; stateless rules open both.")
INSIDE = ("databases", "kubernetes", "machines", "pods")  # subnets without public addresses


def ranges(cidr: str) -> dict[str, str]:
    """A site's /16 by use: the upper half for pods, a /20 for machines, a /24 each for the rest."""
    whole = ipaddress.IPv4Network(cidr)
    pods = list(whole.subnets(new_prefix=17))[1]
    machines, rest = list(whole.subnets(new_prefix=20))[:2]
    small = [str(part) for part in rest.subnets(new_prefix=24)]
    return {
        "pods": str(pods),
        "machines": str(machines),
        "kubernetes": small[0],
        "databases": small[1],
        "public": small[2],
    }


def network_id(region: str) -> Expr:
    return Expr(f"oci_core_vcn.{identifier(region)}.id")


def subnet(use: str, region: str) -> Expr:
    """A subnet of a site, see ``ranges``."""
    return Expr(f"oci_core_subnet.{use}_{identifier(region)}.id")


def guard(region: str) -> Expr:
    """The security group of what only the site's own network, and those it is joined to, may reach."""
    return Expr(f"oci_core_network_security_group.inside_{identifier(region)}.id")


def log_group(region: str) -> Expr:
    return Expr(f"oci_logging_log_group.{identifier(region)}.id")


def add(root: Root, here: Blueprint) -> None:
    if not here.networks:
        return
    root.about(FILE, "Networks at Oracle Cloud: subnets, ways out and logs at each site.", "clouds.oci.sites")
    if here.clusters:
        _balancers(root, here)
    for network in here.networks:
        region = network.site.region
        section = root.section(FILE, network.site.id, "clouds.oci.sites", "network", place(region))
        _network(section, network)
        _ways_out(section, here, network)
        _subnets(section, network)
        _guards(root, section, here, network)
        _flow_logs(root, section, network)
        root.provides(f"network:{network.site.id}")
        root.add("outputs.tf", _output(network))


def _balancers(root: Root, here: Blueprint) -> None:
    """Clusters make the security groups of their load balancers themselves, docs.oracle.com/iaas/Content/ContEng/Tasks/
    contengconfiguringloadbalancersnetworkloadbalancers-subtopic.htm; a group is attached to its network and detached
    from it, docs.oracle.com/iaas/Content/Identity/Reference/corepolicyreference.htm, 2026-11."""
    who = "request.principal.type = 'cluster'"
    joins = ", ".join(f"request.permission = 'VCN_{word}'" for word in ("READ", "ATTACH", "DETACH"))
    root.section(FILE, "", "clouds.oci.sites", "identity").make(
        "oci_identity_policy",
        "balancers",
        {
            "compartment_id": COMPARTMENT,
            "name": made("oci", "bucket", f"{here.estate}-balancers"),
            "description": "Clusters keep the security groups of their load balancers, and join them to networks.",
            "statements": [
                statement("Allow any-user to manage network-security-groups", who),
                statement("Allow any-user to manage vcns", f"{who}, any {{{joins}}}"),
            ],
        },
    )


def peers(here: Blueprint, site: Where) -> list[Where]:
    """What a site is joined to by links of its own: other clouds, halls, other sites here."""
    found = {peer.id: peer for _, own, peer in links.touching(here, "oci", *WAYS) if own.id == site.id}
    for link in links.within(here, "oci"):
        for own, peer in ((link.a, link.b), (link.b, link.a)):
            if own.id == site.id:
                found[peer.id] = peer
    return [found[id] for id in sorted(found)]


def _network(section: Section, network: Network) -> None:
    region = network.site.region
    section.make(
        "oci_core_vcn",
        identifier(region),
        {
            "display_name": f"polycloud-{region}",
            "cidr_blocks": [network.cidr],
            "dns_label": DNS,
        },
    )


def _ways_out(section: Section, here: Blueprint, network: Network) -> None:
    """Inner subnets go out by an address of the site, to Oracle's own services and to links without any."""
    region, label = network.site.region, identifier(network.site.region)
    section.add(
        block(
            "data",
            "oci_core_services",
            label,
            attributes={"provider": provider(region)},
            parts=(
                block(
                    "filter",
                    attributes={
                        "name": "name",
                        "values": ["All .* Services In Oracle Services Network"],
                        "regex": True,
                    },
                ),
            ),
        )
    )
    services = f"data.oci_core_services.{label}.services[0]"
    common: dict[str, Value] = {"vcn_id": network_id(region), "display_name": f"polycloud-{region}"}
    nat = section.make("oci_core_nat_gateway", label, dict(common))
    service = section.make(
        "oci_core_service_gateway", label, common, block("services", attributes={"service_id": ref(f"{services}.id")})
    )
    internet = section.make("oci_core_internet_gateway", label, {**common, "enabled": True})
    cidrs = {one.site.id: one.cidr for one in here.networks} | {
        one.site.id: one.cidr for one in section.root.blueprint.networks
    }
    joined = peers(here, network.site)
    drg = Expr(f"oci_core_drg.{label}.id")
    abroad = (
        *(_route(cidrs[peer.id], drg) for peer in joined if peer.id in cidrs),
        *(_hall_routes(peer, drg) for peer in joined if peer.cloud == "onprem"),
    )
    section.make(
        "oci_core_route_table",
        f"inside_{label}",
        {**common, "display_name": f"polycloud-{region}-inside"},
        _route(ANYWHERE, attribute(nat, "id")),
        _route(ref(f"{services}.cidr_block"), attribute(service, "id"), "SERVICE_CIDR_BLOCK"),
        *abroad,
    )
    section.make(
        "oci_core_route_table",
        f"public_{label}",
        {**common, "display_name": f"polycloud-{region}-public"},
        _route(ANYWHERE, attribute(internet, "id")),
        *abroad,  # a load balancer for other clusters stands there too, and answers over links
    )


def _route(to: Value, by: Expr, kind: str = "CIDR_BLOCK") -> Block:
    return block("route_rules", attributes={"destination": to, "destination_type": kind, "network_entity_id": by})


def _hall_routes(hall: Where, by: Expr) -> Block:
    content: dict[str, Value] = {
        "destination": ref("route_rules.value"),
        "destination_type": "CIDR_BLOCK",
        "network_entity_id": by,
    }
    return block(
        "dynamic",
        "route_rules",
        attributes={"for_each": ref(f"try(var.halls[{quoted(hall.region)}].networks, [])")},
        parts=(block("content", attributes=content),),
    )


def _subnets(section: Section, network: Network) -> None:
    """The network's own list of rules lets anybody knock at port 22, so each subnet has one that lets nobody in."""
    region, label = network.site.region, identifier(network.site.region)
    closed = section.make(
        "oci_core_security_list",
        f"closed_{label}",
        {"vcn_id": network_id(region), "display_name": f"polycloud-{region}-closed"},
        Comment("checkov:skip=CKV_OCI_16:What may come in, the security groups say: the list lets nobody in."),
        Comment("checkov:skip=CKV_OCI_19:It has no rule for what comes in, which the check does not see."),
        block(
            "egress_security_rules",
            attributes={"destination": ANYWHERE, "protocol": "all", "description": "What may come in, groups say."},
        ),
    )
    parts = ranges(network.cidr)
    for use in (*INSIDE, "public"):
        inner = use in INSIDE
        section.make(
            "oci_core_subnet",
            f"{use}_{label}",
            {
                "vcn_id": network_id(region),
                "display_name": f"polycloud-{region}-{use}",
                "dns_label": use,
                "cidr_block": parts[use],
                "prohibit_public_ip_on_vnic": inner,
                "prohibit_internet_ingress": inner,
                "route_table_id": ref(f"oci_core_route_table.{'inside' if inner else 'public'}_{label}.id"),
                "security_list_ids": [attribute(closed, "id")],
            },
        )


def _guards(root: Root, section: Section, here: Blueprint, network: Network) -> None:
    region, label = network.site.region, identifier(network.site.region)
    group = section.make(
        "oci_core_network_security_group",
        f"inside_{label}",
        {"vcn_id": network_id(region), "display_name": f"polycloud-{region}-inside"},
    )
    rules = root.section(FILE, network.site.id, "clouds.oci.sites", "network", at(region))
    cidrs = {one.site.id: one.cidr for one in root.blueprint.networks}
    near = [network.cidr, *(cidrs[peer.id] for peer in peers(here, network.site) if peer.id in cidrs)]
    for number, cidr in enumerate(near):
        rules.make(
            "oci_core_network_security_group_security_rule",
            f"inside_{label}__{number}",
            _rule(group, "INGRESS", "source", cidr, "all", "The site's own network, and those it is joined to."),
            CLOSED,
            STATEFUL,
        )
    rules.make(
        "oci_core_network_security_group_security_rule",
        f"out_{label}",
        _rule(group, "EGRESS", "destination", ANYWHERE, "all", "Machines fetch images and call models."),
        CLOSED,
    )


def _rule(group: Expr, way: str, side: str, cidr: str, protocol: str, described: str) -> dict[str, Value]:
    return {
        "network_security_group_id": attribute(group, "id"),
        "description": described,
        "direction": way,
        "protocol": protocol,
        side: cidr,
        f"{side}_type": "CIDR_BLOCK",
        "stateless": False,
    }


def _flow_logs(root: Root, section: Section, network: Network) -> None:
    """Who spoke with whom; the logging service keeps it in the region."""
    region, label = network.site.region, identifier(network.site.region)
    for use in INSIDE:
        root.section(FILE, network.site.id, "clouds.oci.sites", "logs", {**at(region), "freeform_tags": TAGS}).make(
            "oci_logging_log",
            f"flows_{use}_{label}",
            {
                "display_name": f"flows-{use}",
                "log_group_id": log_group(region),
                "log_type": "SERVICE",
                "is_enabled": True,
                "retention_duration": LOG_DAYS,
            },
            block(
                "configuration",
                parts=(
                    block(
                        "source",
                        attributes={
                            "category": "all",
                            "resource": subnet(use, region),
                            "service": "flowlogs",
                            "source_type": "OCISERVICE",
                        },
                    ),
                ),
            ),
        )


def _output(network: Network) -> Block:
    region = network.site.region
    way_out = ref(f"oci_core_nat_gateway.{identifier(region)}.nat_ip")
    return network_output(network, network_id(region), [subnet("machines", region)], way_out=way_out)
