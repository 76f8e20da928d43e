"""The root that spans clouds under the real Terraform: links whose both sides meet, the public name."""

import json
from pathlib import Path
from typing import Any

import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render import links
from tests.deploy import checkers, roots
from tests.deploy.blueprints import EVERYTHING, blueprint, secrets_in, written

RENDER = renderers()["terraform/global"]
# Estates that have anything of the kind: one in every run, the other where there is time.
NAMED = ["active-active", *(pytest.param(name, marks=pytest.mark.slow) for name in ("oci-primary", EVERYTHING))]
SECRET = "for-tests-alone"
UNCHECKED = "nothing was found to check"  # checkov has no checks for Cloudflare


def given(whole: Blueprint) -> dict[str, Any]:
    """What a person gives: outputs of the clouds' roots, secrets, accounts."""
    found: dict[str, Any] = {"vpn_secrets": {link.name: SECRET for link in whole.links}}
    for cloud in ("aws", "azure", "gcp", "oci"):
        sites = sorted({end.id for link in whole.links for end in (link.a, link.b) if end.cloud == cloud})
        found[f"{cloud}_gateways"] = {
            site: {"id": f"id-{site}", "addresses": ["198.51.100.1", "198.51.100.2"], "router": "r", "group": "g"}
            for site in sites
        }
        found[f"{cloud}_lines"] = {site: {"id": f"line-{site}", "group": "g"} for site in sites}
    found |= {"cloudflare_account": "account", "cloudflare_zone": "zone"}
    found["cluster_addresses"] = {cluster.name: "203.0.113.1" for cluster in whole.clusters}
    return found


def applied(name: str, folder: Path) -> dict[str, Any]:
    root = written(folder, RENDER(blueprint(name)))
    trip = checkers.terraform_roundtrip(root, roots.asked(root, given(blueprint(name))))
    assert trip.findings == []
    planned = {change["address"].partition("[")[0] for change in trip.plan["resource_changes"]}
    promised = {resource.address.partition("/")[2] for resource in RENDER(blueprint(name)).resources}
    assert {one for one in planned if not one.startswith("data.")} == promised
    return {one["address"]: one["values"] for one in trip.state["values"]["root_module"]["resources"]}


@pytest.mark.parametrize("name", NAMED)
def test_terraform_accepts_plans_and_applies_it_once(name: str, tmp_path: Path) -> None:
    root = written(tmp_path, RENDER(blueprint(name)))
    assert checkers.terraform_fmt(root) == []
    assert checkers.terraform_validate(root) == []
    assert checkers.terraform_pins(root) == []
    assert applied(name, tmp_path / "again")


@pytest.mark.parametrize("name", NAMED)
def test_the_shipped_tests_pass(name: str, tmp_path: Path) -> None:
    assert checkers.terraform_test(written(tmp_path, RENDER(blueprint(name)))) == []


@pytest.mark.slow
def test_the_shipped_tests_see_a_country_that_is_let_out(tmp_path: Path) -> None:
    root = written(tmp_path, RENDER(blueprint("active-active")))
    edge = root / "edge.tf"
    inside = "DE = [cloudflare_load_balancer_pool.pool_europe.id]"
    assert inside in edge.read_text()
    wider = inside.replace("]", ", cloudflare_load_balancer_pool.pool_america.id]")
    edge.write_text(edge.read_text().replace(inside, wider))
    assert any("Callers from DE may be answered by europe alone" in line for line in checkers.terraform_test(root))


@pytest.mark.parametrize("name", NAMED)
def test_checkov_finds_nothing_and_no_secret_is_in_a_file(name: str, tmp_path: Path) -> None:
    found = RENDER(blueprint(name))
    assert set(checkers.checkov(written(tmp_path, found))) <= {UNCHECKED}
    assert secrets_in(found) == []


@pytest.mark.slow
def test_both_sides_of_azures_vpns_meet(tmp_path: Path) -> None:
    """To AWS four tunnels, two at each of Azure's addresses; to Google Cloud two, address to address."""
    whole, found = blueprint(EVERYTHING), applied(EVERYTHING, tmp_path)
    named = {link.name: link for link in whole.links}
    for name, count, maker in (("aws-azure", 4, True), ("gcp-azure", 2, True)):
        label = name.replace("-", "_")
        inside = links.inside(whole, named[name])[:count]
        for at, cidr in enumerate(inside):
            other = found[f"azurerm_local_network_gateway.{label}__westeurope__{at}"]
            own = found[f"azurerm_virtual_network_gateway_connection.{label}__westeurope__{at}"]
            theirs, mine = links.hosts(cidr, maker)
            assert other["bgp_settings"][0]["bgp_peering_address"] == theirs
            instance = "primary" if at * 2 // count == 0 else "secondary"
            assert own["custom_bgp_addresses"][0][instance] == mine
            assert own["shared_key"] == SECRET
            policy = own["ipsec_policy"][0]
            assert policy["ike_encryption"] == ("GCMAES256" if name == "aws-azure" else "AES256")
    ends = [found[f"azurerm_local_network_gateway.aws_azure__westeurope__{at}"]["gateway_address"] for at in range(4)]
    connections = [found[f"aws_vpn_connection.aws_azure__{at}"] for at in range(2)]
    assert connections[0]["tunnel1_phase1_encryption_algorithms"] == ["AES256-GCM-16"]  # as GCMAES256
    assert {20} <= set(connections[0]["tunnel1_phase1_dh_group_numbers"])  # as ECP384
    assert ends == [connection[f"tunnel{number}_address"] for connection in connections for number in (1, 2)]
    speakers = [found[f"google_compute_router_peer.gcp_azure__{at}"] for at in range(2)]
    assert [one["peer_ip_address"] for one in speakers] == [
        links.hosts(cidr, True)[1] for cidr in links.inside(whole, named["gcp-azure"])[:2]
    ]


@pytest.mark.slow
def test_both_sides_of_oracles_vpns_and_of_the_line_to_azure_meet(tmp_path: Path) -> None:
    whole, found = blueprint(EVERYTHING), applied(EVERYTHING, tmp_path)
    link = next(one for one in whole.links if one.name == "gcp-oci")
    for at in range(len(links.inside(whole, link))):
        tunnel = found[f"oci_core_ipsec_connection_tunnel_management.gcp_oci__{at // 2}__{at % 2}"]
        session, speaker = tunnel["bgp_session_info"][0], found[f"google_compute_router_peer.gcp_oci__{at}"]
        assert session["oracle_interface_ip"] == f"{speaker['peer_ip_address']}/30"
        assert session["customer_interface_ip"] == f"{speaker['ip_address']}/30"
        assert speaker["peer_asn"] == links.ORACLE_ASN
        assert session["customer_bgp_asn"] == str(links.asn(whole, link.a))
    circuit = found["oci_core_virtual_circuit.azure_oci_line"]
    azure = found["azurerm_express_route_circuit.azure_oci_line"]
    assert circuit["provider_service_key_name"] == azure["service_key"]
    assert (circuit["bandwidth_shape_name"], azure["bandwidth_in_mbps"]) == ("10 Gbps", 10_000)
    assert azure["peering_location"] == "Amsterdam2"
    joined = found["azurerm_virtual_network_gateway_connection.azure_oci_line"]
    assert joined["virtual_network_gateway_id"] == "line-azure/westeurope"


@pytest.mark.slow
def test_aws_is_told_oracles_addresses_when_the_root_is_applied_again(tmp_path: Path) -> None:
    whole = blueprint(EVERYTHING)
    link = next(one for one in whole.links if one.name == "aws-oci")
    inside = links.inside(whole, link)
    root = written(tmp_path, RENDER(whole))
    begun = given(whole) | {"vpn_addresses": {}}
    for told in ({}, {"aws-oci": ["198.51.100.71", "198.51.100.72"]}):
        trip = checkers.terraform_roundtrip(root, roots.asked(root, begun | {"vpn_addresses": told}))
        assert trip.findings == []
        found = {one["address"]: one["values"] for one in trip.state["values"]["root_module"]["resources"]}
        for at in range(2):
            customer = found[f"aws_customer_gateway.aws_oci__{at}"]
            nobodys = customer["ip_address"].startswith("192.0.2.")
            assert customer["ip_address"] == told["aws-oci"][at] if told else nobodys
            connection = found[f"aws_vpn_connection.aws_oci__{at}"]
            assert found[f"oci_core_cpe.aws_oci__{at}"]["ip_address"] == connection["tunnel1_address"]
            session = found[f"oci_core_ipsec_connection_tunnel_management.aws_oci__{at}__0"]["bgp_session_info"][0]
            assert connection["tunnel1_inside_cidr"] == inside[2 * at]
            assert session["customer_interface_ip"] == f"{links.hosts(inside[2 * at], True)[0]}/30"
            assert session["oracle_interface_ip"] == f"{links.hosts(inside[2 * at], True)[1]}/30"


@pytest.mark.slow
def test_pools_hold_the_clusters_whose_addresses_are_known(tmp_path: Path) -> None:
    found = applied("active-active", tmp_path)
    europe = found["cloudflare_load_balancer_pool.pool_europe"]
    assert [origin["name"] for origin in europe["origins"]] == ["aws-eu-west-1", "azure-westeurope", "gcp-europe-west1"]
    balancer = found["cloudflare_load_balancer.entry"]
    assert balancer["country_pools"]["DE"] == [europe["id"]]
    assert balancer["fallback_pool"] == found["cloudflare_load_balancer_pool.closed"]["id"]


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    whole = roots.hostile(blueprint("active-active"))
    root = written(tmp_path, RENDER(whole))
    trip = checkers.terraform_roundtrip(root, roots.asked(root, given(whole)))
    assert trip.findings == []
    assert "null_resource" not in json.dumps(trip.plan["resource_changes"])
