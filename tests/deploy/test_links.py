"""Links between clouds under Terraform: one root for both sides, which meet in every tunnel."""

from pathlib import Path

import msgspec

from polycloud.clouds.aws import render_links as aws
from polycloud.clouds.gcp import render_links as gcp
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import block
from polycloud.deploy.render import links
from polycloud.deploy.render.terraform import Root, versions
from tests.deploy import checkers
from tests.deploy.blueprints import EVERYTHING, blueprint, written

SECRET = "for-tests-alone"
GIVEN = {
    "aws_gateways": {"aws/eu-west-1": {"id": "tgw-1", "addresses": [], "router": "", "group": ""}},
    "gcp_gateways": {
        "gcp/europe-west1": {
            "id": "gateway-1",
            "addresses": ["198.51.100.1", "198.51.100.2"],
            "router": "router-1",
            "group": "",
        }
    },
    "vpn_secrets": {"aws-gcp": SECRET},
}


def spanning(whole: Blueprint) -> Root:
    root = Root("global", whole)
    for file in ("versions.tf", "variables.tf", aws.FILE):
        root.about(file, "What spans clouds.", "links")
    root.add("versions.tf", versions("aws", "google"))
    root.add("versions.tf", block("provider", "aws", attributes={"region": "eu-west-1"}))
    root.add("versions.tf", block("provider", "google", attributes={"project": "everything-1"}))
    links.join(root, whole, {"aws": aws, "gcp": gcp})
    return root


def test_both_sides_of_a_vpn_meet_in_four_tunnels(tmp_path: Path) -> None:
    whole = blueprint(EVERYTHING)
    between = tuple(link for link in whole.links if {link.a.cloud, link.b.cloud} == {"aws", "gcp"})
    root = written(tmp_path, spanning(msgspec.structs.replace(whole, links=between)).rendered())
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    trip = checkers.terraform_roundtrip(root, GIVEN)
    assert trip.findings == []
    found = {resource["address"]: resource["values"] for resource in trip.state["values"]["root_module"]["resources"]}
    connections = [found[f"aws_vpn_connection.aws_gcp__{at}"] for at in (0, 1)]
    outside = [c[f"tunnel{number}_address"] for c in connections for number in (1, 2)]
    inside = [c[f"tunnel{number}_inside_cidr"] for c in connections for number in (1, 2)]
    peer = found["google_compute_external_vpn_gateway.aws_gcp"]
    assert [interface["ip_address"] for interface in peer["interface"]] == outside
    assert peer["redundancy_type"] == "FOUR_IPS_REDUNDANCY"
    customers = [found[f"aws_customer_gateway.aws_gcp__{at}"] for at in (0, 1)]
    assert [customer["ip_address"] for customer in customers] == ["198.51.100.1", "198.51.100.2"]
    for at, cidr in enumerate(inside):
        speaker = found[f"google_compute_router_peer.aws_gcp__{at}"]
        tunnel = found[f"google_compute_vpn_tunnel.aws_gcp__{at}"]
        assert (speaker["peer_ip_address"], speaker["ip_address"]) == links.hosts(cidr, True)
        assert tunnel["vpn_gateway_interface"] == at // 2
        assert tunnel["peer_external_gateway_interface"] == at
        assert str(speaker["peer_asn"]) != customers[0]["bgp_asn"]
        assert tunnel["shared_secret_wo"] is None  # it went through, and stays nowhere
    assert customers[0]["bgp_asn"] == str(links.asn(whole, between[0].b))
