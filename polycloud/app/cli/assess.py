"""``polycloud assess``: should you be in several clouds at all? It may well say no."""

import datetime
import sys
from pathlib import Path

import click
import msgspec

from polycloud.app.cli.estate import perhaps
from polycloud.app.cli.extra import lacking
from polycloud.app.cli.options import INPUT, Number, environment_option, estate_option, json_option
from polycloud.app.cli.output import OK, WRONG, emit, note, say, table
from polycloud.app.library import catalog
from polycloud.catalog.market import Market
from polycloud.core.errors import BadRequest
from polycloud.estate import Estate
from polycloud.placement.assess.assessment import Assessment, Option
from polycloud.placement.assess.assessment import assess as assessed
from polycloud.placement.assess.costs import SPENT
from polycloud.placement.assess.needs import QUESTIONS, Needs, answered, read_needs

try:
    from polycloud.app.planning import market_of
    from polycloud.placement.assess.planned import Planner, Plans, from_estate
except ModuleNotFoundError as error:
    raise lacking(error) from error

TRIES = 3  # wrong answers to one question before it is left open


@click.command()
@click.option("--needs", "file", type=INPUT, help="A YAML file with the answers; see the how-to for its keys.")
@click.option("--answer", "answers", multiple=True, metavar="KEY=VALUE", help="One answer; can be repeated.")
@click.option("--seconds", type=Number(1), default=30.0, show_default=True, help="For the plans of an estate.")
@estate_option
@environment_option
@json_option
def assess(
    file: Path | None,
    answers: tuple[str, ...],
    seconds: float,
    estate: Path | None,
    env: str | None,
    as_json: bool,
) -> int:
    """Whether to be in several clouds at all, and which pattern: with the cost of each, and a plain no where it is one.

    Needs come from an estate (whose costs are then planned), from --needs and --answer; on a terminal, without
    any of them, they are asked for. Enter leaves a question open.
    """
    needs, plans = Needs(), Plans({})
    loaded = perhaps(estate, env) if estate is not None else None
    if loaded is not None and loaded.estate is not None:
        needs = from_estate(loaded.estate, catalog())
    if file is not None:
        needs, wrong = read_needs(file, needs)
        for diagnostic in wrong:
            note(str(diagnostic))
        if wrong:
            return WRONG
    for text in answers:
        key, _, value = text.partition("=")
        needs = _taken(needs, key.strip(), value.strip())
    if loaded is None and file is None and not answers:
        if not sys.stdin.isatty():
            raise BadRequest("nothing is known: give -e ESTATE, --needs FILE or --answer KEY=VALUE")
        needs = _asked(needs)
    market = market_of(loaded.estate) if loaded is not None and loaded.estate is not None else Market.load()
    if loaded is not None and loaded.estate is not None and _planned(loaded.estate):
        today = datetime.datetime.now(datetime.UTC).date()
        planner = Planner(loaded.estate, catalog(), market, loaded.place, needs, today, seconds)
        plans = planner.plans()
    answer = assessed(needs, catalog(), market, plans.priced)
    if plans.notes:
        answer = msgspec.structs.replace(answer, notes=(*plans.notes, *answer.notes))
    emit(as_json, answer, lambda: _print(answer))
    return OK


def _planned(estate: Estate) -> bool:
    """Whether there is work to plan, and a cloud to plan it in: halls alone leave nothing to decide between."""
    return bool(estate.workloads) and any(not site.startswith("onprem/") for site in estate.site_ids())


def _taken(needs: Needs, key: str, value: str) -> Needs:
    try:
        return answered(needs, key, value)
    except ValueError as error:
        raise BadRequest(f"--answer {error}") from error


def _asked(needs: Needs) -> Needs:
    say("Enter leaves a question open; what is open is assumed, and said.")
    for question in QUESTIONS:
        for _ in range(TRIES):
            text = click.prompt(f"{question.text} [{question.example}]", default="", show_default=False)
            try:
                needs = answered(needs, question.key, text)
                break
            except ValueError as error:
                say(f"  {error}")
    return needs


def _three(option: Option) -> tuple[str, str, str]:
    cost = option.cost
    if cost is None:
        return "", "", ""
    return f"{cost.expected / 1e6:,.0f}", f"{cost.low / 1e6:,.0f}", f"{cost.high / 1e6:,.0f}"


def _print(answer: Assessment) -> None:
    say(answer.verdict)
    table(
        ("pattern", "clouds", "USD/month", "low", "high", "availability", "down min/year", "unmet"),
        (
            [
                option.pattern,
                " + ".join(option.clouds),
                *_three(option),
                f"{option.availability.expected:.3%}",
                f"{option.minutes:,.0f}",
                "; ".join(option.unmet),
            ]
            for option in answer.options
        ),
    )
    say(f"costs: {answer.source}")
    for option in answer.options:
        say(f"{option.pattern}:")
        for sign, lines in (("+", option.reasons), ("-", option.against)):
            for line in lines:
                say(f"  {sign} {line}")
        for item in option.cost.items if option.cost is not None else ():
            if item.what == SPENT:
                continue
            say(f"    {item.expected / 1e6:,.0f} USD ({item.low / 1e6:,.0f} to {item.high / 1e6:,.0f}): {item.what}")
    if answer.changes:
        say("What would change the answer:")
        for line in answer.changes:
            say(f"  {line}")
    assumed = dict.fromkeys(line for option in answer.options if option.cost for line in option.cost.assumed)
    if assumed:
        say("Assumed, because nobody said (state it with --answer KEY=VALUE where it is a key):")
        for line in assumed:
            say(f"  {line}")
    for line in answer.notes:
        say(f"note: {line}")
    if answer.unknown:
        say(f"not answered: {', '.join(answer.unknown)}")
