"""``polycloud commit``: what to promise the clouds, from a usage file or the gateway's own usage."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import click
import msgspec

from polycloud.app.cli import instance
from polycloud.app.cli.estate import perhaps
from polycloud.app.cli.extra import lacking
from polycloud.app.cli.options import INPUT, Number, environment_option, estate_option, json_option, state_option
from polycloud.app.cli.output import NO, OK, WRONG, emit, note, say, table
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import BadRequest
from polycloud.core.units import parse
from polycloud.estate import Estate, Loaded
from polycloud.placement.answer.facts import STALE_DAYS, age_days
from polycloud.placement.commitments.history import HOUR, History, Read, Spent, from_gateway
from polycloud.placement.commitments.offers import TERMS, Offers, from_catalogue, read_offers
from polycloud.placement.commitments.own_prices import priced
from polycloud.placement.commitments.reading import Lookup, read_usage

try:
    from polycloud.placement.commitments.instruments import FOREVER, Bound, bind, hold
    from polycloud.placement.commitments.online_advice import Advice, advise
    from polycloud.placement.commitments.portfolio import PLAN, Buy, Portfolio, Settings, recommend
    from polycloud.placement.commitments.rules import NONE, RULE
except ModuleNotFoundError as error:
    raise lacking(error) from error

GATEWAY_WEEKS_MOST = 13  # one question an hour of history: 2,184 of a few milliseconds each
PICO = 10**12


@click.command()
@click.argument("usage", type=INPUT, required=False)
@click.option("--from-gateway", is_flag=True, help="Take the usage that the running gateway counted.")
@click.option("--since", default="4w", show_default=True, help="With --from-gateway: how far back.")
@click.option(
    "--offers", "offers_file", type=INPUT, help="What else is on offer: savings plans, PTU, credits, your rates."
)
@click.option("--term", "terms", default="1y,3y", show_default=True, help="Terms to consider: 1m, 1y, 3y.")
@click.option("--risk", type=Number(0, 1), default=0.0, show_default=True, help="Weight of the worst tenth.")
@click.option("--online", is_flag=True, help="Say what a rule without any forecast would reserve now.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="All the chance there is.")
@estate_option
@environment_option
@state_option
@json_option
@click.pass_context
def commit(context: click.Context, /, **_: object) -> int:
    """What to promise the clouds for a discount, from how much was used, with the risk of it.

    USAGE is a .csv or .parquet file with the columns time, cloud, region, sku (or machine), quantity, unit, cost.
    Committed prices of AWS and Google Cloud machines come from the catalogue; all else from --offers. Promises
    that stand under commitments: of the estate are respected.
    """
    given = dict(context.params)
    terms = _terms(given["terms"])
    loaded = perhaps(given["estate"], given["env"])
    estate = None if loaded is None else loaded.estate
    barred = _barred(loaded)
    price = _prices(estate)
    wanted = Offers(()) if given["offers_file"] is None else read_offers(given["offers_file"])
    found = _usage(given, price, wanted)
    wrong = [*wanted.diagnostics, *found.diagnostics]
    if wrong or found.history is None:
        return _told(wrong, given["as_json"])
    history = found.history
    listed = from_catalogue(history.series, price, terms)
    offerings = [] if barred else [o for o in (*wanted.offerings, *listed.offerings) if o.term in terms]
    if given["online"]:
        return _online(advise(history, offerings), listed.missing, barred, given["as_json"])
    bound = bind(history, offerings)
    now = history.start + history.hours * HOUR
    kept = hold(estate.commitments if estate else {}, history, wanted.offerings, price, now)
    covered = {series for i in bound.instruments for series in i.members}
    nothing = [s.name for at, s in enumerate(history.series) if at not in covered]
    aside = [*bound.aside, *kept.aside, *(barred or _nothing(nothing))]
    settings = Settings(risk=given["risk"], seed=given["seed"])
    answer = recommend(history, Bound(bound.instruments, kept.held, tuple(aside)), settings)
    answer = msgspec.structs.replace(answer, notes=(*answer.notes, *_cautions(answer.buys, datetime.now(UTC).date())))
    emit(given["as_json"], answer, lambda: _print(answer, history, bool(barred)))
    return OK


def _cautions(buys: Sequence[Buy], today: date) -> list[str]:
    """What to know before money is spent: what is due at once, and rates that may be gone."""
    said = []
    upfront = sum(buy.upfront_micro for buy in buys)
    if upfront:
        said.append(f"{usd(upfront)} USD are paid upfront; the figures a month spread them over the terms")
    old = [buy for buy in buys if (age_days(buy.as_of, today) or 0) > STALE_DAYS]
    if old:
        oldest = min(buy.as_of for buy in old)
        said.append(
            f"the rates of {len(old)} of {len(buys)} promises are more than a year old, the oldest of {oldest}:"
            " ask for a quote, and state it under money.prices: or in --offers"
        )
    return said


def _terms(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(",") if part.strip())
    if not names or set(names) - set(TERMS):
        raise BadRequest(f"--term {text!r}: write one or more of {', '.join(TERMS)}, with commas between")
    return names


def _barred(loaded: Loaded | None) -> list[str]:
    """Why nothing may be bought, in a sentence, when the estate says so."""
    if loaded is None or loaded.estate is None or loaded.estate.money.new_commitments:
        return []
    where = loaded.place(("money", "new_commitments"))
    return [f"the estate buys no new promises ({where}): without new_commitments: false they are weighed"]


def _prices(estate: Estate | None) -> Lookup:
    market = Market.load().offer
    return market if estate is None else priced(market, estate.money)


def _usage(given: dict[str, object], price: Lookup, offers: Offers) -> Read:
    file = given["usage"]
    if bool(file) == bool(given["from_gateway"]):
        raise BadRequest("give a usage file, or --from-gateway: one of the two")
    if isinstance(file, Path):
        return read_usage(file, price)
    counts = {o.sku: o.output_counts for o in offers.offerings if o.serves}
    try:
        hours = int(parse(str(given["since"]), "seconds").value) // HOUR
    except ValueError as error:
        raise BadRequest(f"--since: {error}") from error
    if hours > GATEWAY_WEEKS_MOST * 168:
        raise BadRequest(f"--since: at most {GATEWAY_WEEKS_MOST}w are read from a gateway; export more to a file")
    end = int(time.time()) // HOUR * HOUR  # whole hours only: the one that runs is not over
    state = given["state"], given["estate"]
    spent = _spent(*state, end - hours * HOUR, end)
    return from_gateway(spent, counts, (end - hours * HOUR, end))


def _spent(state: object, estate: object, first: int, end: int) -> Iterator[Spent]:
    client = instance.client(estate if isinstance(estate, Path) else None, state if isinstance(state, Path) else None)
    for start in range(first, end, HOUR):
        answer = client.usage(("site", "model"), str(start), str(start + HOUR))
        for row in answer["rows"]:
            if row["group"]["site"]:
                yield Spent(
                    start,
                    row["group"]["site"],
                    row["group"]["model"],
                    row["input_tokens"],
                    row["output_tokens"],
                    int(Decimal(row["cost_usd"] or 0) * PICO),
                    row["unpriced"],
                )


def _told(wrong: list[Diagnostic], as_json: bool) -> int:
    if as_json:
        emit(True, {"diagnostics": wrong}, say)
    for diagnostic in wrong:
        note(str(diagnostic))
    return WRONG


def _nothing(names: list[str]) -> list[str]:
    if not names:
        return []
    return [f"no committed price is known for {', '.join(names)}: state offers in a file (--offers)"]


def usd(micro: int) -> str:
    return f"{micro / 1e6:,.0f}"


def _print(answer: Portfolio, history: History, barred: bool) -> None:
    if answer.buys:
        table(
            ("buy", "amount", "of", "USD/month", "upfront USD", "used", "saves USD/month"),
            (
                [
                    buy.name,
                    f"{buy.amount:,.3f}".rstrip("0").rstrip("."),
                    buy.unit,
                    usd(buy.cost_micro),
                    usd(buy.upfront_micro) if buy.upfront_micro else "",
                    f"{buy.utilisation:.0%}",
                    usd(buy.saving_micro),
                ]
                for buy in answer.buys
            ),
        )
    else:
        say("buy nothing" if barred else "buy nothing: no commitment on offer is expected to save money on this usage")
    years = "year" if answer.horizon_years == 1 else f"{answer.horizon_years} years"
    say(f"Over the next {years}, {answer.futures} futures drawn from {answer.history_weeks} weeks, USD a month:")
    table(
        ("", "mean", "P10", "P50", "P90", "worst tenth", "used", "covered", "if -30 %", "regret"),
        (
            [
                o.name,
                *(usd(v) for v in (o.mean, o.p10, o.p50, o.p90, o.worst)),
                "" if o.utilisation is None else f"{o.utilisation:.0%}",
                f"{o.coverage:.0%}",
                usd(o.fallen),
                usd(o.regret),
            ]
            for o in answer.outcomes
        ),
    )
    _print_verdict(answer)
    sources = sorted({s.priced_by for s in history.series})
    say("on-demand prices: " + "; ".join(sources))
    for buy in answer.buys:
        say(f"{buy.name}: rate from {buy.source}")
    for use in answer.held:
        days = "no known end" if use.hours_left >= FOREVER else f"{use.hours_left // 24} days to go"
        say(f"already promised: {use.name}, {use.utilisation:.0%} used in the last 28 days, {days}")
    for line in (*answer.aside, *answer.notes):
        say(f"note: {line}")


def _print_verdict(answer: Portfolio) -> None:
    plan, nothing, rule = (answer.outcome(name) for name in (PLAN, NONE, RULE))
    say(f"expected to save {usd(nothing.mean - plan.mean)} USD a month against no new promise")
    word = "less" if plan.mean <= rule.mean else "MORE"
    say(f"and to cost {usd(abs(rule.mean - plan.mean))} USD a month {word} than '{RULE}' (mean of the last 28 days)")
    if not answer.optimal:
        say("the programme was stopped before its optimum was proved")
    tried = answer.held_out
    if tried is None:
        say("too short to be judged on held-out weeks: six and more are needed")
        return
    costs = ", ".join(f"{name} {usd(cost)}" for name, cost in tried.costs)
    say(f"Decided on {tried.fitted_weeks} weeks and billed on the {tried.judged_weeks} after, USD a month: {costs}")
    if tried.winner != PLAN:
        say(f"there, '{tried.winner}' was cheaper than this plan")


def _online(advice: tuple[Advice, ...], missing: tuple[str, ...], barred: list[str], as_json: bool) -> int:
    def people() -> None:
        for line in barred:
            say(f"note: {line}")
        for name in missing:
            say(f"note: no committed price is known for {name}")
        if not advice:
            say("nothing here is counted in machines and has a reservation on offer")
            return
        table(
            ("machines", "offer", "now", "reserve", "break-even h", "paid so far", "best in hindsight", "at most"),
            (
                [
                    a.series,
                    a.offer,
                    a.running,
                    a.reserve,
                    a.break_even_hours,
                    usd(a.paid_micro),
                    "-" if a.best_micro is None else usd(a.best_micro),
                    f"{float(a.guarantee):.2f} x",
                ]
                for a in advice
            ),
        )
        say("reserve: what the rule holds at the end of the history, bought as the demand proved itself (USD)")
        say("at most: how many times the best in hindsight it can ever cost (Wang, Li, Liang, arXiv 1305.5608)")

    emit(as_json, {"online": advice, "missing": missing, "aside": barred}, people)
    return OK if advice else NO
