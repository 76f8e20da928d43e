"""A VPC at each site: three zones, private subnets for machines, public ones for load balancers alone."""

import ipaddress
from collections.abc import Mapping

from polycloud.clouds.aws.render_iam import OWN_ACCOUNT, allow, arn, grant, policy, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import Blueprint, Network, Where
from polycloud.deploy.hcl import Block, Comment, Expr, Value, block, joined, quoted
from polycloud.deploy.render import links
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, network_output, ref

FILE = "network.tf"
ZONES = 3
PRIVATE_BITS, PUBLIC_BITS = 3, 8  # of a /16: /19 for 8,000 addresses of pods in each zone, /24 for load balancers
LOG_DAYS = 365
# Zones in which EKS has no control plane, docs.aws.amazon.com/eks/latest/userguide/network-reqs.html, 2026-11.
WITHOUT_EKS = {"ca-central-1": "cac1-az3", "us-east-1": "use1-az3", "us-west-1": "usw1-az2"}


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Networks at AWS: for each site subnets, ways out, private endpoints, flow logs.", "clouds.aws")
    _log_role(root, here)
    served = {service.site.id for service in here.services}
    for network in here.networks:
        region = network.site.region
        section = root.section(FILE, network.site.id, "clouds.aws.sites", "network", {"region": region})
        _vpc(section, network)
        _ways_out(section, network, ways_out(here))
        _endpoints(section, network, network.site.id in served)
        _flow_log(section, here, network)
        root.provides(f"network:{network.site.id}")
        root.add("outputs.tf", _output(network))


def ways_out(here: Blueprint) -> int:
    """NAT gateways of a site: one in each zone where losing a zone must not stop the others."""
    return ZONES if here.environment == "production" else 1


def vpc_id(region: str) -> Expr:
    return Expr(f"aws_vpc.{identifier(region)}.id")


def subnets(region: str) -> Expr:
    """The private subnets of a site, for what runs there."""
    return Expr(f"aws_subnet.private_{identifier(region)}[*].id")


def inside(region: str) -> Expr:
    """The security group of what only the site's own network may reach."""
    return Expr(f"aws_security_group.inside_{identifier(region)}.id")


def route_tables(region: str) -> Expr:
    """The tables that private subnets route by."""
    return Expr(f"aws_route_table.private_{identifier(region)}[*].id")


def _vpc(section: Section, network: Network) -> None:
    region, name = network.site.region, identifier(network.site.region)
    cidr = ipaddress.ip_network(network.cidr)
    ranges = {
        "private": [str(n) for n in list(cidr.subnets(PRIVATE_BITS))[:ZONES]],
        "public": [str(n) for n in list(cidr.subnets(PUBLIC_BITS))[-ZONES:]],
    }
    section.add(
        block(
            "data",
            "aws_availability_zones",
            name,
            attributes={
                "region": region,
                "state": "available",
                "exclude_zone_ids": [WITHOUT_EKS[region]] if region in WITHOUT_EKS else None,
            },
            parts=(
                Comment("checkov:skip=CKV_AWS_394:Subnets take the first three once, and stay where they are."),
                block("filter", attributes={"name": "opt-in-status", "values": ["opt-in-not-required"]}),
            ),
        )
    )
    vpc = section.make(
        "aws_vpc",
        name,
        {
            "cidr_block": network.cidr,
            "enable_dns_hostnames": True,
            "enable_dns_support": True,
            "tags": {"Name": f"polycloud-{region}"},
        },
    )
    section.make("aws_default_security_group", name, {"vpc_id": attribute(vpc, "id")}, Comment("No rule: unusable."))
    zones = f"data.aws_availability_zones.{name}.names"
    for kind, role_tag in (("private", "internal-elb"), ("public", "elb")):
        section.make(
            "aws_subnet",
            f"{kind}_{name}",
            {
                "count": ZONES,
                "vpc_id": attribute(vpc, "id"),
                "cidr_block": Expr(f"{_listed(ranges[kind])}[count.index]"),
                "availability_zone": ref(f"{zones}[count.index % length({zones})]"),
                "tags": {
                    "Name": joined(f"polycloud-{region}-{kind}-", Expr("count.index")),
                    f"kubernetes.io/role/{role_tag}": "1",
                },
            },
            block("lifecycle", attributes={"ignore_changes": [ref("availability_zone")]}),
        )


def _ways_out(section: Section, network: Network, nats: int) -> None:
    name = identifier(network.site.region)
    vpc = vpc_id(network.site.region)
    gateway = section.make("aws_internet_gateway", name, {"vpc_id": vpc})
    address = section.make("aws_eip", f"nat_{name}", {"count": nats, "domain": "vpc"})
    nat = section.make(
        "aws_nat_gateway",
        name,
        {
            "count": nats,
            "allocation_id": Expr(f"{address.text}[count.index].id"),
            "subnet_id": ref(f"aws_subnet.public_{name}[count.index].id"),
            "depends_on": [gateway],
        },
    )
    table = section.make("aws_route_table", f"private_{name}", {"count": nats, "vpc_id": vpc})
    _routed(section, f"private_{name}", table, nats, {"nat_gateway_id": Expr(f"{nat.text}[count.index].id")})
    table = section.make("aws_route_table", f"public_{name}", {"vpc_id": vpc})
    _routed(section, f"public_{name}", table, 0, {"gateway_id": attribute(gateway, "id")})


def _routed(section: Section, label: str, table: Expr, tables: int, way: dict[str, Value]) -> None:
    """A route to everywhere, and the subnets of one kind that take it. ``tables`` 0: one, without a number."""
    section.make(
        "aws_route",
        label,
        {
            **({"count": tables} if tables else {}),
            "route_table_id": Expr(f"{table.text}[count.index].id" if tables else f"{table.text}.id"),
            "destination_cidr_block": "0.0.0.0/0",
            **way,
        },
    )
    section.make(
        "aws_route_table_association",
        label,
        {
            "count": ZONES,
            "subnet_id": ref(f"aws_subnet.{label}[count.index].id"),
            "route_table_id": Expr(f"{table.text}[count.index % {tables}].id" if tables else f"{table.text}.id"),
        },
    )


def _endpoints(section: Section, network: Network, models: bool) -> None:
    """Private ways to AWS' own services: objects and tables by routes, models by an address inside."""
    region, name = network.site.region, identifier(network.site.region)
    for service in ("dynamodb", "s3"):
        section.make(
            "aws_vpc_endpoint",
            f"{service}_{name}",
            {
                "vpc_id": vpc_id(region),
                "service_name": f"com.amazonaws.{region}.{service}",
                "vpc_endpoint_type": "Gateway",
                "route_table_ids": route_tables(region),
            },
        )
    group = section.make(
        "aws_security_group",
        f"inside_{name}",
        {
            "name": f"polycloud-inside-{region}",
            "description": "Reached from the site's own network alone.",
            "vpc_id": vpc_id(region),
        },
        Comment("checkov:skip=CKV2_AWS_5:Databases and private endpoints use it where the estate has them."),
    )
    _admitted(section, network, attribute(group, "id"))
    if models:
        section.make(
            "aws_vpc_endpoint",
            f"bedrock_{name}",
            {
                "vpc_id": vpc_id(region),
                "service_name": f"com.amazonaws.{region}.bedrock-runtime",
                "vpc_endpoint_type": "Interface",
                "private_dns_enabled": True,
                "subnet_ids": subnets(region),
                "security_group_ids": [attribute(group, "id")],
            },
        )


def peers(root: Root, site: Where) -> list[Where]:
    """What a site is joined to by private links: other clouds, halls, other sites here."""
    pairs = [(own, peer) for _, own, peer in links.touching(root.blueprint, "aws", "vpn", *links.DEDICATED)]
    for link in links.within(root.blueprint, "aws"):
        pairs += [(link.a, link.b), (link.b, link.a)]
    found = {peer.id: peer for own, peer in pairs if own.id == site.id}
    return [found[id] for id in sorted(found)]


def _admitted(section: Section, network: Network, group: Expr) -> None:
    """Into what is inside come the site's own network, and those that it is joined to."""
    name = f"inside_{identifier(network.site.region)}"
    cidrs = {one.site.id: one.cidr for one in section.root.blueprint.networks}

    def rule(label: str, described: str, cidr: Value, often: Mapping[str, Value] | None = None) -> None:
        given: dict[str, Value] = {"description": described, "cidr_ipv4": cidr, "ip_protocol": "-1"}
        section.make(
            "aws_vpc_security_group_ingress_rule", label, {**(often or {}), "security_group_id": group, **given}
        )

    rule(name, "Everything from the site's own network.", network.cidr)
    for peer in peers(section.root, network.site):
        label, described = f"{name}__{identifier(peer.cloud, peer.region)}", f"Everything from {peer.id}, by a link."
        if peer.id in cidrs:
            rule(label, described, cidrs[peer.id])
        elif peer.cloud == "onprem":
            networks = ref(f"toset(try(var.halls[{quoted(peer.region)}].networks, []))")
            rule(label, described, ref("each.value"), {"for_each": networks})


def _log_role(root: Root, here: Blueprint) -> None:
    """One role for all flow logs; it may write to their groups and do nothing else."""
    section = root.section(FILE, "", "clouds.aws.sites", "identity")
    trusts = trust("vpc-flow-logs.amazonaws.com", Condition=OWN_ACCOUNT)
    made = role(section, "flow_logs", "flow-logs", trusts, here.estate, "Writes flow logs.")
    groups = [arn("logs", "*", "log-group:/polycloud/", here.estate, "/flows:*")]
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    grant(section, "flow_logs", made, policy(allow(actions, groups)))


def log_group(section: Section, label: str, name: str, region: str, data_class: str = "") -> Expr:
    """A group of logs that is kept a year, encrypted by the site's key."""
    return section.make(
        "aws_cloudwatch_log_group",
        label,
        {"name": name, "retention_in_days": LOG_DAYS, "kms_key_id": key_arn("data", region)},
        kind="logs",
        data_class=data_class,
    )


def _flow_log(section: Section, here: Blueprint, network: Network) -> None:
    region, name = network.site.region, identifier(network.site.region)
    group = log_group(section, f"flows_{name}", f"/polycloud/{here.estate}/flows", region)
    section.make(
        "aws_flow_log",
        name,
        {
            "vpc_id": vpc_id(region),
            "traffic_type": "ALL",
            "log_destination": attribute(group, "arn"),
            "iam_role_arn": ref("aws_iam_role.flow_logs.arn"),
        },
        kind="logs",
    )


def _output(network: Network) -> Block:
    return network_output(network, vpc_id(network.site.region), subnets(network.site.region))


def _listed(ranges: list[str]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in ranges) + "]"
