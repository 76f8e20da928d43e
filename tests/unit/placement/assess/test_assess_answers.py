"""A matrix of needs with the pattern that is right for each, and why; many of them are a plain no."""

from functools import cache

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.placement.assess.assessment import Assessment, Option, Planned, assess
from polycloud.placement.assess.costs import (
    EVERYWHERE,
    FAILOVER,
    HYBRID,
    PATTERNS,
    SINGLE,
    SPECIALISED,
    Cost,
    Item,
)
from polycloud.placement.assess.needs import Needs, answered


@cache
def facts() -> tuple[Catalog, Market]:
    return Catalog.load(), Market.load()


def needs(**answers: str) -> Needs:
    found = Needs()
    for key, value in answers.items():
        found = answered(found, key, value)
    return found


def asked(**answers: str) -> Assessment:
    return assess(needs(**answers), *facts())


def option(answer: Assessment, pattern: str) -> Option:
    return next(o for o in answer.options if o.pattern == pattern)


PROFILES = {  # name: (needs, pattern, clouds that must be in it, words of the verdict or the reasons)
    "start-up that knows one cloud": (
        {"monthly_spend": "8_000 USD", "engineers": "3", "knows": "aws", "models": "claude-sonnet-4-6"},
        (SINGLE, "aws", "No: stay in one cloud"),
    ),
    "microsoft house with one model": (
        {"monthly_spend": "80_000 USD", "existing": "microsoft", "models": "gpt-4o", "countries": "eu"},
        (SINGLE, "azure", "your microsoft estate is at home there"),
    ),
    "google house that trains": (
        {"monthly_spend": "400_000 USD", "existing": "google", "fine_tuning": "yes", "models": "gemini-2.5-pro"},
        (SINGLE, "gcp", "training and its data stay in one place"),
    ),
    "oracle databases, open models": (
        {"monthly_spend": "60_000 USD", "existing": "oracle", "models": "llama-3.3-70b-instruct", "countries": "DE"},
        (SINGLE, "oci", "your oracle estate is at home there"),
    ),
    "predictable bill": (
        {"monthly_spend": "150_000 USD", "predictable": "yes", "availability": "99.9 %"},
        (SINGLE, "aws", "most predictable"),
    ),
    "an exit plan alone": (
        {"monthly_spend": "300_000 USD", "exit_plan": "yes", "availability": "99.95 %", "countries": "eu"},
        (SINGLE, "aws", "rehearsed way out, not for a second cloud"),
    ),
    "much data that moves, small team": (
        {
            "monthly_spend": "60_000 USD",
            "engineers": "5",
            "data": "2000 TB",
            "moved_per_month": "600 TB",
            "knows": "gcp",
        },
        (SINGLE, "gcp", "nothing that you need asks for them"),
    ),
    "a sovereign operator in the EU": (
        {"monthly_spend": "300_000 USD", "countries": "eu", "sovereign": "yes"},
        (SINGLE, "aws", "No: stay in one cloud"),
    ),
    "three makers' models": (
        {"monthly_spend": "200_000 USD", "models": "gpt-4o, gemini-2.5-pro, claude-sonnet-4-6"},
        (SPECIALISED, "gcp", "a gateway does it, no second platform"),
    ),
    "two heavy estates": (
        {"monthly_spend": "900_000 USD", "existing": "microsoft, oracle", "moved_per_month": "40 TB"},
        (SPECIALISED, "oci", "joined by an interconnect"),
    ),
    "places that no cloud has alone": (
        {"monthly_spend": "300_000 USD", "countries": "BH, MA"},
        (SPECIALISED, "oci", "no region in"),
    ),
    "a bank that must survive its provider": (
        {"monthly_spend": "900_000 USD", "engineers": "40", "survive_cloud": "yes", "exit_plan": "yes"},
        (FAILOVER, "aws", "it goes on when a whole provider is gone"),
    ),
    "four nines": (
        {"monthly_spend": "900_000 USD", "engineers": "40", "availability": "99.99 %"},
        (EVERYWHERE, "aws", "is promised"),
    ),
    "own machines that stay": (
        {"monthly_spend": "300_000 USD", "own_hall": "yes", "countries": "DE", "models": "llama-3.3-70b-instruct"},
        (HYBRID, "onprem", "your machines are there and paid for"),
    ),
}


@pytest.mark.parametrize("name", PROFILES)
def test_the_profile_gets_its_pattern_and_reason(name: str) -> None:
    given, (pattern, cloud, words) = PROFILES[name]
    answer = asked(**given)
    assert (answer.recommended, answer.option.unmet) == (pattern, ())
    assert cloud in answer.clouds
    assert words in answer.verdict + " ".join(answer.option.reasons)
    assert answer.verdict.startswith("No: " if pattern == SINGLE else "Yes: ")


@pytest.mark.parametrize("name", PROFILES)
def test_all_five_patterns_are_costed_and_the_cheapest_that_meets_all_wins(name: str) -> None:
    answer = asked(**PROFILES[name][0])
    assert {o.pattern for o in answer.options} == set(PATTERNS)
    whole = [o for o in answer.options if not o.unmet]
    costs = [o.cost.expected for o in whole if o.cost is not None]
    assert answer.option.cost is not None
    assert answer.option.cost.expected == min(costs)
    for o in answer.options:
        assert o.cost is not None
        assert o.cost.low <= o.cost.expected <= o.cost.high
        assert sum(item.expected for item in o.cost.items) == o.cost.expected


@pytest.mark.parametrize("name", PROFILES)
def test_what_would_change_the_answer_does(name: str) -> None:
    """Each line was tried; here one of them is tried again by hand."""
    given, (pattern, *_) = PROFILES[name]
    answer = asked(**given)
    line = next((c for c in answer.changes if c.startswith("if you had to survive")), None)
    again = asked(**{**given, "survive_cloud": "yes"})
    if line is None:
        assert (again.recommended, set(again.clouds)) == (pattern, set(answer.clouds))
    else:
        assert line.split(": ")[1].startswith(again.recommended)


def test_a_no_says_what_several_clouds_would_cost_more() -> None:
    answer = asked(monthly_spend="8_000 USD", models="claude-sonnet-4-6", knows="aws")
    least = min(o.cost.expected for o in answer.options if o.pattern not in (SINGLE, HYBRID) and o.cost is not None)
    assert answer.option.cost is not None
    more = least - answer.option.cost.expected
    assert f"at least {more / 1e6:,.0f} USD a month more ({more / 8e9:.0%} more)" in answer.verdict


def test_a_small_team_is_told_that_it_can_not_carry_it() -> None:
    answer = asked(monthly_spend="900_000 USD", survive_cloud="yes", engineers="2")
    assert answer.recommended == FAILOVER
    assert "2 people can not carry it" in answer.verdict


def test_what_no_pattern_holds_is_said_plainly() -> None:
    answer = asked(monthly_spend="900_000 USD", availability="99.999 %")
    assert answer.verdict.startswith("No pattern meets all of it. The nearest is active-active")
    assert any("promise less" in note for note in answer.notes)


def test_a_model_that_nobody_lists_is_unmet_everywhere() -> None:
    answer = asked(models="no-such-model")
    assert all(o.unmet for o in answer.options)
    assert "no cloud in the catalogue lists no-such-model" in answer.notes


def test_a_model_counts_only_where_its_cloud_has_a_place_for_the_data() -> None:
    answer = asked(models="gpt-4o", countries="BH")  # Bahrain has one cloud, and it is not the one with the model
    assert answer.option.unmet
    assert "azure" not in option(answer, SINGLE).clouds or "no region in BH" in " ".join(option(answer, SINGLE).unmet)


def test_users_too_far_from_every_region_of_a_cloud() -> None:
    answer = asked(users="MA", latency_ms="12ms", monthly_spend="100_000 USD")
    assert "oci" in answer.clouds
    impossible = asked(users="DE, JP", latency_ms="1ms")
    assert impossible.option.unmet


def test_an_equivalent_model_may_stand_by() -> None:
    answer = asked(models="gpt-4o", survive_cloud="yes", monthly_spend="500_000 USD")
    assert answer.recommended == FAILOVER
    assert any("an equivalent model has to do there" in line for line in answer.option.against)


def test_nothing_known_is_one_cloud_and_everything_open() -> None:
    answer = assess(Needs(), *facts())
    assert answer.recommended == SINGLE
    assert len(answer.unknown) == len(Needs.__struct_fields__)
    assert any("spend is not stated" in note for note in answer.notes)


def cost(usd: int) -> Cost:
    return Cost((Item("bill", usd * 1_000_000, usd * 1_000_000, usd * 1_000_000),))


def test_planned_costs_stand_in_place_of_the_model() -> None:
    planned = {SINGLE: Planned(cost(100), ("aws",)), SPECIALISED: Planned(cost(90), ("aws", "gcp"))}
    answer = assess(needs(monthly_spend="5_000_000 USD"), *facts(), planned)
    assert (answer.recommended, answer.clouds) == (SPECIALISED, ("aws", "gcp"))
    assert "it is cheaper, people included" in answer.verdict
    assert answer.source == "the planner, on your estate"
    assert option(answer, FAILOVER).cost is None
    other = {SPECIALISED: Planned(cost(90), ("gcp", "oci"))}
    said = option(assess(needs(knows="aws, azure, oci", models="gpt-4o"), *facts(), other), SPECIALISED)
    assert [line for line in said.reasons if line.endswith("your people know it")] == ["oci: your people know it"]
    assert "gpt-4o is in none of them: it is called in another cloud" in said.against
    assert "no lawful plan" in option(answer, FAILOVER).unmet[-1]


def test_nothing_speaks_for_a_pattern_without_a_plan() -> None:
    planned = {SPECIALISED: Planned(cost(90), ("aws", "onprem"))}
    answer = assess(needs(knows="aws", own_hall="yes"), *facts(), planned)
    assert option(answer, SINGLE).reasons == ()
    assert not any("your own machines could go" in line for line in answer.changes), "the plan itself keeps them"


def test_a_country_with_regions_that_are_not_sovereign_is_said_so() -> None:
    unmet = option(asked(countries="CH", sovereign="yes"), SINGLE).unmet
    assert "no sovereign region in CH" in unmet
