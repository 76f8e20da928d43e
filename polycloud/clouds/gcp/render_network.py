"""One network at Google Cloud with a subnet at each site: machines without public addresses, and a way out."""

import ipaddress
from itertools import islice

from polycloud.deploy.blueprint import Blueprint, Network, Where
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Expr, Value, block
from polycloud.deploy.render import links
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, network_output, ref

FILE = "network.tf"
NETWORK = ref("google_compute_network.this.id")
PODS, SERVICES = "pods", "services"
FLOW_SHARE = 0.5  # of the flows are logged: enough to find a pattern, at half the cost
DENY_LAST = 65_534  # the lowest priority of a rule that can still say something before the built-in one


def ranges(cidr: str) -> dict[str, str]:
    """A site's /16 by use: machines, services and Google's own databases a /20 each, pods the upper half."""
    whole = ipaddress.ip_network(cidr)
    low = [str(part) for part in islice(whole.subnets(new_prefix=20), 3)]
    upper = list(whole.subnets(new_prefix=17))[1]
    return {"machines": low[0], SERVICES: low[1], "databases": low[2], PODS: str(upper)}


def subnet(region: str) -> Expr:
    """The subnet of a site."""
    return Expr(f"google_compute_subnetwork.{identifier(region)}.id")


def joined_to(blueprint: Blueprint, site: Where) -> list[str]:
    """The sites that reach a site's network from elsewhere: Google Cloud's own, for its network spans regions, and the
    other ends of links."""
    own = {network.site.id for network in blueprint.networks if network.site.cloud == site.cloud}
    found = links.touching(blueprint, site.cloud, "vpn", *links.DEDICATED)
    return sorted((own | {peer.id for _, here, peer in found if here.id == site.id}) - {site.id})


def add(root: Root, here: Blueprint) -> None:
    if not here.networks:
        return
    root.about(FILE, "The network at Google Cloud: a subnet, a way out and flow logs at each site.", "clouds.gcp.sites")
    everywhere = root.section(FILE, "", "clouds.gcp.sites", "network")
    everywhere.make(
        "google_compute_network",
        "this",
        {
            "name": made("gcp", "cluster", "polycloud", here.estate),
            "auto_create_subnetworks": False,
            "routing_mode": "GLOBAL",
            "depends_on": [ref("google_project_service.this")],
        },
    )
    everywhere.make(
        "google_compute_firewall",
        "deny",
        {
            "name": made("gcp", "cluster", "polycloud", here.estate, "deny"),
            "description": "What no other rule allows is refused, and told.",
            "network": NETWORK,
            "direction": "INGRESS",
            "priority": DENY_LAST,
            "source_ranges": ["0.0.0.0/0"],
        },
        block("deny", attributes={"protocol": "all"}),
        block("log_config", attributes={"metadata": "EXCLUDE_ALL_METADATA"}),
    )
    for network in here.networks:
        section = root.section(FILE, network.site.id, "clouds.gcp.sites", "network")
        _subnet(section, network)
        root.provides(f"network:{network.site.id}")
        root.add("outputs.tf", network_output(network, NETWORK, [subnet(network.site.region)]))
    _databases(root, here)


def _subnet(section: Section, network: Network) -> None:
    region, label = network.site.region, identifier(network.site.region)
    parts = ranges(network.cidr)
    section.make(
        "google_compute_subnetwork",
        label,
        {
            "name": f"polycloud-{region}",
            "region": region,
            "network": NETWORK,
            "ip_cidr_range": parts["machines"],
            "private_ip_google_access": True,
        },
        *(
            block("secondary_ip_range", attributes={"range_name": use, "ip_cidr_range": parts[use]})
            for use in (PODS, SERVICES)
        ),
        block(
            "log_config",
            attributes={
                "aggregation_interval": "INTERVAL_10_MIN",
                "flow_sampling": FLOW_SHARE,
                "metadata": "INCLUDE_ALL_METADATA",
            },
        ),
    )
    router = section.make(
        "google_compute_router",
        f"nat_{label}",
        {"name": f"polycloud-{region}-nat", "region": region, "network": NETWORK},
    )
    section.make(
        "google_compute_router_nat",
        label,
        {
            "name": f"polycloud-{region}",
            "region": region,
            "router": attribute(router, "name"),
            "nat_ip_allocate_option": "AUTO_ONLY",
            "source_subnetwork_ip_ranges_to_nat": "LIST_OF_SUBNETWORKS",
        },
        block(
            "subnetwork",
            attributes={"name": subnet(region), "source_ip_ranges_to_nat": ["ALL_IP_RANGES"]},
        ),
        block("log_config", attributes={"enable": True, "filter": "ERRORS_ONLY"}),
    )


def _databases(root: Root, here: Blueprint) -> None:
    """Addresses of our own for databases that Google runs, so that they are reached inside alone."""
    sites = {
        place.id
        for database in here.databases
        if database.engine in ("postgresql", "mysql")
        for place in (database.site, *database.replicas)
    }
    given: list[Value] = []
    for network in here.networks:
        if network.site.id not in sites:
            continue
        part = ipaddress.ip_network(ranges(network.cidr)["databases"])
        address = root.section(FILE, network.site.id, "databases", "network").make(
            "google_compute_global_address",
            f"databases_{identifier(network.site.region)}",
            {
                "name": f"polycloud-{network.site.region}-databases",
                "purpose": "VPC_PEERING",
                "address_type": "INTERNAL",
                "network": NETWORK,
                "address": str(part.network_address),
                "prefix_length": part.prefixlen,
            },
        )
        given.append(attribute(address, "name"))
    if given:
        root.section(FILE, "", "databases", "network").make(
            "google_service_networking_connection",
            "databases",
            {"network": NETWORK, "service": "servicenetworking.googleapis.com", "reserved_peering_ranges": given},
        )
