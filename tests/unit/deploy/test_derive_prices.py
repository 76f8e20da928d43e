"""Money of machines and of what is stored: list prices less what was negotiated; and what is copied from where."""

from decimal import Decimal
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.derive import derive
from polycloud.deploy.derive.prices import stored
from polycloud.estate import Estate, load

EVERYTHING = Path(__file__).resolve().parents[2] / "deploy" / "given" / "everything.yaml"
CATALOG, MARKET = Catalog.load(), Market.load()


def estate(tmp_path: Path, more: str = "") -> Estate:
    path = tmp_path / "estate.yaml"
    path.write_text(EVERYTHING.read_text() + more)
    loaded = load(path, None)
    assert loaded.estate is not None, loaded.diagnostics
    return loaded.estate


@pytest.fixture
def discounted(tmp_path: Path) -> Estate:
    return estate(tmp_path, "\nmoney: {discounts: {aws: 25 %}}\n")


def test_machines_cost_less_by_the_discount_but_for_spot(tmp_path: Path, discounted: Estate) -> None:
    def pools(given: Estate) -> dict[str, tuple[int | None, bool]]:
        found = derive(given, CATALOG, MARKET)
        (main,) = [cluster for cluster in found.clusters if cluster.name == "aws-main"]
        return {pool.name: (pool.monthly, pool.spot) for pool in main.pools}

    full, less = pools(estate(tmp_path)), pools(discounted)
    assert less["batch"] == full["batch"] and full["batch"][1]
    assert less["system"][0] == round((full["system"][0] or 0) * Decimal("0.75"))


OWN = """
money:
  discounts: {aws: 25 %}
  prices: [{at: "aws/*", machine: m7i.xlarge, on_demand: 0.10 USD}]
  rates: {storage: [{at: aws/eu-central-1, per_gb_month: 0.02 USD, steps: [{from: 10 TB, per_gb: 0.01 USD}]}]}
"""


def test_what_the_estate_states_itself_is_what_is_rendered(tmp_path: Path) -> None:
    given = estate(tmp_path, OWN)
    found = derive(given, CATALOG, MARKET)
    (main,) = [cluster for cluster in found.clusters if cluster.name == "aws-main"]
    assert {pool.monthly for pool in main.pools if pool.machine == "m7i.xlarge"} == {73_000_000}
    kept = [b for b in found.buckets if b.site.id == "aws/eu-central-1" and b.stored_gb]
    assert kept
    for bucket in kept:
        least = min(bucket.stored_gb or 0, 10_000)
        assert bucket.monthly == 20_000 * least + 10_000 * ((bucket.stored_gb or 0) - least)


def test_what_is_stored_is_priced_by_its_steps(tmp_path: Path) -> None:
    plain = estate(tmp_path)
    price = MARKET.storage_tier("aws/us-east-1", "hot")
    assert price is not None
    first, second = price.steps[0], price.steps[1]
    low = stored(plain, MARKET, "aws/us-east-1", second.from_gb)
    assert low == second.from_gb * first.micro_per_gb
    high = stored(plain, MARKET, "aws/us-east-1", second.from_gb + 10)
    assert low is not None and high == low + 10 * second.micro_per_gb
    assert stored(plain, MARKET, "aws/us-east-1", None) is None
    assert stored(plain, MARKET, "aws/nowhere-1", 10) is None


def test_datasets_are_copied_from_where_they_arise_and_nowhere_else(tmp_path: Path) -> None:
    found = {b.name: b for b in derive(estate(tmp_path), CATALOG, MARKET).buckets}
    lake = found["lake-aws-eu-central-1"]
    assert lake.begins == ("clicks", "people")
    assert lake.copies_to == ("clicks-aws-us-east-1",)
    assert lake.copied(found["clicks-aws-us-east-1"]) == tuple(f"{layer}/clicks/" for layer in lake.layers)
    events = found["events-aws-eu-west-1"]
    assert events.copied(found["events-aws-eu-central-1"]) == ()  # all of it
    assert found["events-aws-eu-central-1"].copies_to == ()
    assert found["clicks-aws-us-east-1"].copies_to == ()


def test_a_copy_chosen_by_placement_is_made_from_the_first_of_its_sites(tmp_path: Path) -> None:
    copies = {"events": ("aws/eu-central-1", "aws/eu-west-1")}
    found = {b.name: b for b in derive(estate(tmp_path), CATALOG, MARKET, copies=copies).buckets}
    assert found["events-aws-eu-central-1"].copies_to == ("events-aws-eu-west-1",)
    assert found["events-aws-eu-west-1"].copies_to == ()


def test_a_site_with_models_alone_has_a_key_for_their_logs_and_no_network(tmp_path: Path) -> None:
    found = derive(estate(tmp_path), CATALOG, MARKET)
    bare = {key.site.id for key in found.keys} - {network.site.id for network in found.networks}
    assert bare <= {service.site.id for service in found.services}
