"""What is on offer: from the catalogue with its source, from a file with every mistake told; nothing made up."""

from pathlib import Path

import pytest

from polycloud.catalog.market_rows import Offer
from polycloud.core.money import Money
from polycloud.estate.schema.operations import MoneyRules, OwnPrice
from polycloud.placement.commitments.history import DOLLARS, MACHINES, Series
from polycloud.placement.commitments.offers import Offering, from_catalogue, read_offers
from polycloud.placement.commitments.own_prices import priced


def market(site: str, machine: str) -> Offer | None:
    if machine != "m":
        return None
    return Offer(site, machine, 2, 8, "", 0, 1_000_000, None, 600_000, None, quality="list", sources=("s",), as_of="d")


def series(cloud: str, sku: str, unit: str = MACHINES) -> Series:
    return Series(cloud, "r", sku, (1_000_000,), unit, 1_000_000.0)


def test_the_catalogue_gives_whole_machines_with_their_source() -> None:
    found = from_catalogue([series("aws", "m"), series("gcp", "m")], market, ("1y", "3y"))
    assert [(o.kind, o.term, o.unit_micro, o.keep_ppm) for o in found.offerings] == [
        ("reserved", "1y", 600_000, 600_000),
        ("committed-use", "1y", 600_000, 600_000),
    ]
    assert found.offerings[0].source == "catalogue: s (list, d)"
    assert found.missing == ("aws/r m for 3y", "gcp/r m for 3y")


def test_what_the_catalogue_does_not_know_is_told_not_guessed() -> None:
    found = from_catalogue([series("azure", "x"), series("aws", "m", DOLLARS)], market, ("1y",))
    assert found.offerings == ()
    assert found.missing == ("azure/r x", "aws/r m")


def test_own_prices_stand_before_the_list_and_discounts_come_off_the_list_only() -> None:
    own = OwnPrice(at="aws/*", machine="own", on_demand=Money(5_000_000), committed_1y=Money(2_000_000))
    money = MoneyRules.model_validate_json('{"discounts": {"aws": "10 %"}}').model_copy(update={"prices": (own,)})
    look = priced(market, money)
    listed, mine = look("aws/r", "m"), look("aws/r", "own")
    assert listed is not None
    assert (listed.on_demand, listed.committed_1y, listed.spot) == (900_000, 540_000, None)
    assert mine is not None
    assert (mine.on_demand, mine.committed_1y, mine.quality) == (5_000_000, 2_000_000, "own")
    assert look("gcp/r", "own") is None


def test_the_same_share_is_off_whatever_the_usage_costs() -> None:
    dear = Series("aws", "r", "m", (3_000_000,), MACHINES, 2_000_000.0)
    assert from_catalogue([dear], market, ("1y",)).offerings[0].unit_micro == 1_200_000


GOOD = """\
offers:
  - {name: plan, cloud: aws, kind: savings-plan, term: 3y, discount: 45.5 %, upfront: 50 %}
  - {cloud: azure, kind: ptu, at: azure/westeurope, sku: gpt-4o, term: 1y, per_hour: 0.70 USD, serves: 2500/m,
     output_counts: 4, minimum: 50, increment: 25, most: 300}
  - {name: conv, cloud: aws, kind: reserved, at: aws/us-east-1, sku: m7i.large, term: 1y, discount: 20 %,
     convertible: true}
"""


def test_an_offers_file(tmp_path: Path) -> None:
    file = tmp_path / "offers.yaml"
    file.write_text(GOOD)
    found = read_offers(file)
    assert found.diagnostics == ()
    plan, ptu, convertible = found.offerings
    assert (plan.keep_ppm, plan.hours, plan.upfront_ppm, plan.region, plan.sku) == (545_000, 26280, 500_000, "*", "*")
    assert (ptu.name, ptu.unit_micro, ptu.serves, ptu.output_counts) == ("azure ptu 1y", 700_000, 2500.0, 4.0)
    assert (ptu.region, ptu.minimum, ptu.increment, ptu.most) == ("westeurope", 50, 25, 300.0)
    other = Series("aws", "us-east-1", "r7i.large", ())
    assert convertible.covers(other)
    assert not Offering("x", "aws", "reserved", "1y", "us-east-1", "m7i.large").covers(other)
    assert not convertible.covers(Series("aws", "eu-west-1", "m7i.large", ()))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("offer: []", 1, "'offer' is not a key"),
        ("offers: 3", 1, "needs a list offers"),
        ("offers:\n  - 3", 2, "an offer is a map"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 2y, discount: 5 %}", 2, "'2y' is not one of"),
        ("offers:\n  - {cloud: aws, kind: saving-plan, term: 1y, discount: 5 %}", 2, "'saving-plan' is not one of"),
        ("offers:\n  - {kind: savings-plan, term: 1y, discount: 5 %}", 2, "needs cloud"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y}", 2, "its price is not said"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y, discount: 28}", 2, "not a number with a unit"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y, discount: 100 %}", 2, "between 0 and 100"),
        ("offers:\n  - {cloud: azure, kind: ptu, term: 1y, serves: 9/m}", 2, "units need per_hour"),
        ("offers:\n  - {cloud: azure, kind: ptu, term: 1y, per_hour: 1 USD}", 2, "units need serves"),
        ("offers:\n  - {cloud: azure, kind: ptu, term: 1y, per_hour: 1 EUR, serves: 9/m}", 2, "priced in USD"),
        ("offers:\n  - {cloud: azure, kind: ptu, term: 1y, per_hour: 1, serves: 9/m}", 2, "no currency"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y, discount: 5 %, at: gcp/x}", 2, "not in aws"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y, discount: 5 %, minimum: 1.5}", 2, "are whole"),
        ("offers:\n  - {cloud: aws, kind: savings-plan, term: 1y, discount: 5 %, most: lots}", 2, "not a number"),
        ("offers:\n  - {cloud: aws, kind: reserved, term: 1y, discount: 5 %, convertible: 1}", 2, "true or false"),
        ("offers:\n  - {cloud: aws, kind: reserved, term: 1y, discount: 5 %, sku: [a]}", 2, "is one value"),
        ("offers: [", 2, "did not find expected node"),
    ],
)
def test_each_mistake_of_an_offers_file_has_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    file = tmp_path / "offers.yaml"
    file.write_text(text)
    found = read_offers(file)
    assert any(message in d.message and d.place.line == line for d in found.diagnostics), found.diagnostics


def test_two_offers_of_one_name_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "offers.yaml"
    file.write_text("offers:\n" + "  - {name: a, cloud: aws, kind: savings-plan, term: 1y, discount: 5 %}\n" * 2)
    assert [d.code for d in read_offers(file).diagnostics] == ["name_twice"]
