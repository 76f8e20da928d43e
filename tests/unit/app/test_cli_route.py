"""The command route: tables, JSON, residency with its rule, wrong input, links."""

import json
from pathlib import Path

import msgspec
import pytest

from polycloud.app.cli import main
from polycloud.placement.routes.choice import LinkChoice
from polycloud.placement.routes.route import Answer

EXAMPLES = Path(main.__file__).parents[1] / "examples"
ACTIVE = ("-e", str(EXAMPLES / "active-active" / "estate.yaml"))
HELD = """\
estate: held
clouds:
  aws: {sites: [us-east-1, eu-central-1]}
  gcp: {sites: [europe-west1]}
onprem:
  halle: {country: DE, cost_per_gb_out: 0.30 USD}
links:
  out: {between: [onprem/halle, aws/us-east-1], via: direct-connect, cost_per_gb: 0.01 USD, cost_per_month: 100 USD}
data_classes: {eu: {stay_in: [eu]}}
residency: {default_class: eu}
"""


@pytest.fixture
def held(tmp_path: Path) -> str:
    path = tmp_path / "estate.yaml"
    path.write_text(HELD, "utf8")
    return str(path)


def answer_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> Answer:
    assert main.run(["route", *arguments, "--json"]) == 0
    return msgspec.json.decode(capsys.readouterr().out, type=Answer)


def test_one_to_many_is_proven_and_compared(capsys: pytest.CaptureFixture[str]) -> None:
    targets = ("gcp/us-east4", "azure/eastus2", "aws/us-west-2")
    found = answer_of(capsys, "azure/eastus", *targets, "--size", "40TB", "--no-estate", "--relays", "none")
    assert found.plan.micro_usd == found.plan.bound_micro_usd == sum(hop.micro_usd for hop in found.plan.hops)
    assert found.direct is not None and found.paths is not None
    assert found.plan.micro_usd <= found.paths.micro_usd <= found.direct.micro_usd


def test_people_get_the_way_and_its_price(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["route", "gcp/europe-west1", "aws/eu-west-1", "--size", "5 TB", *ACTIVE]) == 0
    shown = capsys.readouterr().out
    assert "link aws-gcp-eu" in shown
    assert "100.00 USD, proven the cheapest" in shown


def test_the_default_class_holds_and_a_better_relay_is_named_with_its_rule(
    held: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["route", "onprem/halle", "gcp/europe-west1", "--size", "10TB", "-e", held]) == 0
    shown = capsys.readouterr().out
    assert "class eu" in shown and "3,000.00 USD" in shown
    assert "relay aws/us-east-1: eu must stay in eu (adequate countries do not count)" in shown
    free = answer_of(capsys, "onprem/halle", "gcp/europe-west1", "--size", "10TB", "-e", held, "--relays", "none")
    assert free.outside is None


def test_an_estate_with_an_error_that_only_check_finds_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "estate.yaml"
    bad.write_text("estate: e\nclouds: {aws: {sites: [us-east-1, eu-west-1, atlantis-1]}}\n")
    assert main.run(["route", "aws/us-east-1", "aws/eu-west-1", "-e", str(bad)]) == 2
    assert "error[region_unknown]" in capsys.readouterr().err
    assert main.run(["route", "aws/us-east-1", "aws/eu-west-1", "--no-estate"]) == 0


def test_an_end_outside_is_refused(held: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["route", "gcp/europe-west1", "aws/us-east-1", "-e", held]) == 1
    assert "aws/us-east-1 is outside eu, which must stay in eu" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("gcp/europe-west1",), 2, "name where data come from"),
        (("gcp/europe-west1", "aws/us-east-1", "--size", "40"), 2, "--size"),
        (("gcp/europe-west1", "aws/us-east-1", "--size", "4 h"), 2, "not a unit of bytes"),
        (("gcp/europe-west1", "aws/us-east-1", "--size", "0 TB"), 2, "is nothing"),
        (("gcp/europe-west1", "aws/us-east-1", "--class", "unheard"), 2, "no data class"),
        (("gcp/europe-west1", "aws/us-east-1", "--size", "1PB", "--within", "1m"), 1, "is fast enough"),
        (("--links",), 2, "needs an estate"),
    ],
)
def test_wrong_input_says_what_to_write(
    arguments: tuple[str, ...], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.run(["route", *arguments, "--no-estate", "--relays", "none"]) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("example", ["sandbox", "oci-primary", "active-active", "hybrid-burst"])
def test_links_of_the_examples_have_a_choice_with_its_reason(example: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(EXAMPLES / example / "estate.yaml")
    assert main.run(["route", "--links", "-e", path, "--json"]) == 0
    found = [msgspec.convert(row, LinkChoice) for row in json.loads(capsys.readouterr().out)]
    assert found
    for choice in found:
        kinds = {option.kind for option in choice.options}
        assert choice.chosen in kinds and {"internet", "vpn"} <= kinds
        assert choice.reason and choice.backup
    assert main.run(["route", "--links", "-e", path]) == 0
    assert "choice: " in capsys.readouterr().out
