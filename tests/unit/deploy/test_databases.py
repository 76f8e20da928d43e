"""The catalogue's table of engines says what the renderers do."""

import msgspec
import pytest

from polycloud.catalog.databases import SERVICES
from polycloud.clouds.aws import render as aws
from polycloud.clouds.azure import render as azure
from polycloud.clouds.gcp import render as gcp
from polycloud.clouds.oci import render as oci
from polycloud.deploy.blueprint import Blueprint, Database, Key, Network, Where

RENDERERS = {"aws": aws.render, "azure": azure.render, "gcp": gcp.render, "oci": oci.render}
REGIONS = {"aws": "eu-west-1", "azure": "westeurope", "gcp": "europe-west1", "oci": "eu-frankfurt-1"}
ENGINES = ("cassandra", "cosmosdb", "dynamodb", "mysql", "oracle", "postgresql", "spanner")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cloud", RENDERERS)
def test_an_engine_is_written_where_the_table_says_so(cloud: str, engine: str) -> None:
    site = Where(f"{cloud}/{REGIONS[cloud]}", cloud, REGIONS[cloud], "DE")
    bare = Blueprint(
        "e", "production", {}, networks=(Network(site, "10.16.0.0/16"),), keys=(Key("data", site, 90, True),)
    )
    whole = msgspec.structs.replace(bare, databases=(Database("shop", engine, site, (), "", "data", 24, 30),))
    found = RENDERERS[cloud](whole)
    made = [one for one in found.resources if one.source == "databases.shop" and one.kind == "database"]
    service = SERVICES.get((cloud, engine))
    assert bool(made) == (service is not None and service.written)
    assert made or any("shop" in gap for gap in found.gaps)


def test_every_engine_of_the_language_can_be_written_somewhere() -> None:
    assert {engine for (_, engine), one in SERVICES.items() if one.written} == set(ENGINES)
