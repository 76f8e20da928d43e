"""Bought capacity that is there already is called and not made; Terraform lets go of what it made for it before."""

import pytest

from polycloud.app.wiring import renderers
from polycloud.deploy.blueprint import AiService, Blueprint, Cluster, Key, Network, Where
from tests.deploy.blueprints import EVERYTHING, blueprint

SITES = {
    "aws": Where("aws/us-east-1", "aws", "us-east-1", "US"),
    "azure": Where("azure/eastus", "azure", "eastus", "US"),
    "gcp": Where("gcp/us-central1", "gcp", "us-central1", "US"),
    "oci": Where("oci/us-chicago-1", "oci", "us-chicago-1", "US"),
}
MADE = {
    "aws": "aws_bedrock_provisioned_model_throughput",
    "azure": "azurerm_cognitive_deployment",
    "gcp": "google_vertex_ai_endpoint_with_model_garden_deployment",
    "oci": "oci_generative_ai_endpoint",
}
ARN = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x"


def rendered(cloud: str, endpoint: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    site = SITES[cloud]
    bought = "ptu" if cloud == "azure" else "units"
    service = AiService("llama", "llama", "llama-3.3-70b", site, bought, 2, owner="meta", endpoint=endpoint)
    whole = Blueprint(
        "x",
        "production",
        {},
        networks=(Network(site, "10.16.0.0/16"),),
        clusters=(Cluster("main", site, "1.35", ()),),
        keys=(Key("data", site, 90, False),),
        services=(service,),
    )
    found = renderers()[f"terraform/{cloud}"](whole)
    return found.files[f"terraform/{cloud}/ai.tf"], tuple(r.address for r in found.resources), found.gaps


@pytest.mark.parametrize("cloud", sorted(SITES))
def test_what_is_there_already_is_not_made_and_what_was_made_stays(cloud: str) -> None:
    text, made, _ = rendered(cloud, "")
    (address,) = [one.partition("/")[2] for one in made if f"/{MADE[cloud]}." in one]
    assert "removed {" not in text
    kept, left, gaps = rendered(cloud, ARN)
    assert not any(f"/{MADE[cloud]}." in one for one in left)
    assert f"from = {address}" in kept and "destroy = false" in kept
    assert not any("order 2 units" in gap or "capacity.endpoint" in gap for gap in gaps)


def test_the_gateway_at_aws_may_call_exactly_what_was_bought() -> None:
    text, _, _ = rendered("aws", ARN)
    assert f'"{ARN}"' in text


def test_an_estate_names_it() -> None:
    found = {service.model: service.endpoint for service in blueprint(EVERYTHING).services if service.endpoint}
    assert found["nova-pro"].startswith("arn:aws:bedrock:") and found["command-r-plus"].startswith("ocid1.")


def test_no_shipped_test_asks_for_what_is_not_made() -> None:
    site = SITES["azure"]
    whole = Blueprint(
        "x",
        "production",
        {},
        keys=(Key("data", site, 90, False),),
        services=(AiService("gpt", "gpt", "gpt-4o", site, "ptu", 5, owner="openai", endpoint="gpt"),),
    )
    shipped = renderers()["terraform/azure"](whole).files["terraform/azure/tests/azure.tftest.hcl"]
    assert "azurerm_cognitive_deployment" not in shipped
