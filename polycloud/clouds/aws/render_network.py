"""A VPC at each site: three zones, private subnets for machines, public ones for load balancers alone."""

import ipaddress

from polycloud.deploy.blueprint import Blueprint, Network
from polycloud.deploy.hcl import Expr, Value, block, joined
from polycloud.deploy.render.terraform import Root, attribute, identifier, output, ref, resource

FILE = "network.tf"
ZONES = 3
PRIVATE_BITS, PUBLIC_BITS = 3, 8  # of a /16: /19 for 8,000 addresses of pods in each zone, /24 for load balancers
HOURLY_NAT_MICRO = None  # not in the catalogue: unknown, never nothing
LOG_DAYS = 365


def add(root: Root, here: Blueprint) -> None:
    root.about(
        FILE, "Networks at AWS: one for each site, with its subnets, ways out and flow logs.", "clouds.aws.sites"
    )
    _log_role(root)
    for network in here.networks:
        _vpc(root, network)
        root.provides(f"network:{network.site.id}")
        root.add(
            "outputs.tf",
            output(
                f"network_{identifier(network.site.region)}",
                f"The network at {network.site.id}.",
                {"id": ref(f"aws_vpc.{identifier(network.site.region)}.id"), "cidr": network.cidr},
            ),
        )


def subnets(region: str) -> Expr:
    """The private subnets of a site, for what runs there."""
    return Expr(f"aws_subnet.{identifier(region)}_private[*].id")


def _vpc(root: Root, network: Network) -> None:
    site, region, name = network.site.id, network.site.region, identifier(network.site.region)
    cidr = ipaddress.ip_network(network.cidr)
    private = [str(n) for n in list(cidr.subnets(PRIVATE_BITS))[:ZONES]]
    public = [str(n) for n in list(cidr.subnets(PUBLIC_BITS))[-ZONES:]]
    root.add(
        FILE,
        block("data", "aws_availability_zones", name, attributes={"region": region, "state": "available"}),
    )

    def make(kind: str, label: str, attributes: dict[str, Value]) -> Expr:
        return root.made(FILE, resource(kind, label, {"region": region, **attributes}), site, "clouds.aws", "network")

    vpc = make(
        "aws_vpc",
        name,
        {
            "cidr_block": network.cidr,
            "enable_dns_hostnames": True,
            "enable_dns_support": True,
            "tags": {"Name": region},
        },
    )
    id = attribute(vpc, "id")
    make("aws_default_security_group", name, {"vpc_id": id})  # without rules: nothing uses it by accident
    zone = ref(f"data.aws_availability_zones.{name}.names[count.index]")
    for kind, ranges, role in (("private", private, "internal-elb"), ("public", public, "elb")):
        make(
            "aws_subnet",
            f"{name}_{kind}",
            {
                "count": ZONES,
                "vpc_id": id,
                "cidr_block": ref(f"element({_listed(ranges)}, count.index)"),
                "availability_zone": zone,
                "tags": {"Name": joined(f"{region}-{kind}-", Expr("count.index")), f"kubernetes.io/role/{role}": "1"},
            },
        )
    gateway = make("aws_internet_gateway", name, {"vpc_id": id})
    address = make("aws_eip", f"{name}_nat", {"domain": "vpc"})
    nat = make(
        "aws_nat_gateway",
        name,
        {
            "allocation_id": attribute(address, "id"),
            "subnet_id": ref(f"aws_subnet.{name}_public[0].id"),
            "depends_on": [gateway],
        },
    )
    for kind, way in (
        ("private", {"nat_gateway_id": attribute(nat, "id")}),
        ("public", {"gateway_id": attribute(gateway, "id")}),
    ):
        table = root.made(
            FILE,
            resource(
                "aws_route_table",
                f"{name}_{kind}",
                {"region": region, "vpc_id": id},
                block("route", attributes={"cidr_block": "0.0.0.0/0", **way}),
            ),
            site,
            "clouds.aws",
            "network",
        )
        make(
            "aws_route_table_association",
            f"{name}_{kind}",
            {
                "count": ZONES,
                "subnet_id": ref(f"aws_subnet.{name}_{kind}[count.index].id"),
                "route_table_id": attribute(table, "id"),
            },
        )
    make(
        "aws_vpc_endpoint",
        f"{name}_s3",
        {
            "vpc_id": id,
            "service_name": f"com.amazonaws.{region}.s3",
            "route_table_ids": [ref(f"aws_route_table.{name}_private.id")],
        },
    )
    _flow_log(root, network, id)


def _log_role(root: Root) -> None:
    """One role for all flow logs; it may write logs and nothing else."""
    trust = ref(
        "jsonencode({\n"
        '    Version = "2012-10-17"\n'
        '    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "vpc-flow-logs.amazonaws.com" } }]\n'
        "  })"
    )
    root.made(
        FILE,
        resource("aws_iam_role", "flow_logs", {"name": "polycloud-flow-logs", "assume_role_policy": trust}),
        "",
        "clouds.aws",
        "identity",
    )


def _flow_log(root: Root, network: Network, vpc: Expr) -> None:
    site, region, name = network.site.id, network.site.region, identifier(network.site.region)
    group = root.made(
        FILE,
        resource(
            "aws_cloudwatch_log_group",
            f"{name}_flows",
            {
                "region": region,
                "name": f"/polycloud/flows/{region}",
                "retention_in_days": LOG_DAYS,
                "kms_key_id": ref(f"aws_kms_key.{name}_data.arn"),
            },
        ),
        site,
        "clouds.aws",
        "logs",
    )
    root.made(
        FILE,
        resource(
            "aws_flow_log",
            name,
            {
                "region": region,
                "vpc_id": vpc,
                "traffic_type": "ALL",
                "log_destination": attribute(group, "arn"),
                "iam_role_arn": ref("aws_iam_role.flow_logs.arn"),
            },
        ),
        site,
        "clouds.aws",
        "logs",
    )


def _listed(ranges: list[str]) -> str:
    return "[" + ", ".join(f'"{one}"' for one in ranges) + "]"
