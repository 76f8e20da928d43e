"""The predicate: every limit holds, adequacy widens nothing unasked, the unknown is outside."""

import json

import pytest

from polycloud.catalog import Catalog
from polycloud.estate import Estate
from polycloud.estate.schema.rules import DataClass
from polycloud.policy.residency import Atlas, inside, sentence, unknown_words

CATALOG = Catalog.load()
ESTATE = Estate.model_validate_json(
    json.dumps(
        {
            "estate": "e",
            "onprem": {"oslo": {"country": "NO"}, "lyon": {"country": "FR", "operator": "OVH"}, "nowhere": {}},
        }
    )
)
ATLAS = Atlas(ESTATE, CATALOG)


def rule(**fields: object) -> DataClass:
    return DataClass.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("fields", "held", "left_out"),
    [
        (
            {"stay_in": "eu"},
            ["azure/westeurope", "azure/norwayeast", "onprem/oslo"],
            ["aws/us-east-1", "aws/eu-west-2"],
        ),
        ({"stay_in": "eu"}, [], ["aws/eu-central-2", "onprem/nowhere", "aws/never-1"]),
        ({"stay_in": ["eu", "CH"]}, ["aws/eu-central-2", "aws/eu-west-1"], ["aws/eu-west-2"]),
        ({"stay_in": "DE"}, ["aws/eu-central-1"], ["azure/westeurope"]),
        ({"stay_in": ["aws/us-east-1", "DE"]}, ["aws/us-east-1", "aws/eu-central-1"], ["aws/us-east-2"]),
        ({"stay_in": "us-ca"}, ["aws/us-west-1"], ["aws/us-east-1"]),
        ({"stay_in": "eu", "include_adequate": True}, ["aws/eu-west-2", "gcp/asia-northeast1"], ["aws/us-east-1"]),
        ({"stay_in": "DE", "include_adequate": True}, ["aws/eu-central-1"], ["aws/eu-west-2", "aws/eu-west-1"]),
        ({"sites": ["azure/*"]}, ["azure/eastus"], ["aws/us-east-1"]),
        ({"clouds": ["gcp"], "stay_in": "eu"}, ["gcp/europe-west1"], ["gcp/us-central1", "azure/westeurope"]),
        ({"operators": ["OVH"]}, ["onprem/lyon"], ["onprem/oslo", "aws/eu-west-3"]),
        ({"operators": ["ourselves"]}, ["onprem/oslo"], ["onprem/lyon"]),
        ({"operators": ["sovereign"]}, ["aws/eusc-de-east-1"], ["aws/eu-central-1"]),
        ({}, ["aws/us-east-1", "onprem/nowhere", "aws/never-1"], []),
    ],
)
def test_inside(fields: dict[str, object], held: list[str], left_out: list[str]) -> None:
    limits = rule(**fields)
    assert [s for s in held if not inside(ATLAS.find(s), limits, CATALOG)] == []
    assert [s for s in left_out if inside(ATLAS.find(s), limits, CATALOG)] == []


def test_a_place_without_a_country_is_in_no_country() -> None:
    assert ATLAS.find("onprem/nowhere").country == ""
    assert not inside(ATLAS.find("onprem/nowhere"), rule(stay_in=["eu", "US"]), CATALOG)


def test_unknown_words_are_found() -> None:
    known = frozenset({"aws/eu-west-1"})
    assert unknown_words(rule(stay_in=["eu", "DE", "aws/eu-west-1", "europe", "de", "aws/x"]), known, CATALOG) == [
        "europe",
        "de",
        "aws/x",
    ]


def test_the_sentence_says_every_limit() -> None:
    said = sentence(rule(stay_in="eu", sites=["aws/*"], clouds=["aws"], operators=["sovereign"]))
    for word in ("eu", "adequate countries do not count", "aws/*", "clouds aws", "sovereign"):
        assert word in said
    assert sentence(rule()) == "has no limits"
