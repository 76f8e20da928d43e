"""The commitments of a plan: what is held, what to buy, what of it is paid at the start, and how old its prices are."""

import datetime
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

import msgspec

from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer, Promised
from polycloud.estate import Estate
from polycloud.placement.answer.facts import fact
from polycloud.placement.answer.values import Fact, Promise
from polycloud.placement.answer.words import MICRO, usd
from polycloud.placement.build.pools import TERMS
from polycloud.placement.problem import HOURS, Problem, Solution

TERM_HOURS = (8760, 3 * 8760)  # of each of TERMS
MILLION = 1_000_000


class Bought(msgspec.Struct, frozen=True):
    """One term to buy, and the catalogue's rows of the machines that it is for."""

    promise: Promise
    term: int
    rows: tuple[tuple[Offer, Promised], ...]


def commitments(problem: Problem, plan: Solution, market: Market, estate: Estate) -> tuple[Bought | Promise, ...]:
    """Every commitment that is held or should be bought: in the order of the pools, then those for more than one,
    then what is prepaid."""
    found: list[Bought | Promise] = []
    for at, (pool, amounts) in enumerate(zip(problem.pools, plan.promised, strict=True)):
        for term, amount in zip(pool.terms, amounts, strict=True):
            promise = Promise(pool.name, term.name, term.held, amount - term.held, term.keep_ppm)
            if amount > term.held and term.name in TERMS:
                of = TERMS.index(term.name)
                rows = tuple(_rows(problem, plan, at, of, market, estate))
                found.append(Bought(_dated(promise, of, rows), of, rows))
            elif amount:
                found.append(promise)
    found += [Promise(wide.scope, wide.name, wide.held, 0, wide.keep_ppm) for wide in problem.wide]
    found += [
        Promise(row.cloud, row.name, row.amount // HOURS, 0, row.paid * 1_000_000 // row.amount)
        for row in problem.credits
        if row.amount
    ]
    return tuple(found)


def promises(rows: Sequence[Bought | Promise]) -> tuple[Promise, ...]:
    return tuple(row.promise if isinstance(row, Bought) else row for row in rows)


def promise_facts(rows: Sequence[Bought | Promise], today: datetime.date) -> Iterator[Fact]:
    """The price of each machine under each term that is bought."""
    for row in rows:
        if not isinstance(row, Bought):
            continue
        for offer, known in row.rows:
            micro = (offer.committed_1y, offer.committed_3y)[row.term] or 0
            paid = "all paid upfront" if known.upfront else "paid by the month"
            value = f"{micro / MICRO:g} {offer.currency} an hour, {paid}" + (f"; {known.note}" if known.note else "")
            what = f"{offer.machine} for {row.promise.term} at {offer.site}"
            yield fact(what, value, known.quality, (known.source,), known.as_of, today)


def upfront(rows: Sequence[Promise]) -> tuple[str, ...]:
    """What has to be paid at once, which the monthly figures spread over the terms."""
    whole = sum(row.upfront_micro for row in rows)
    if not whole:
        return ()
    return (f"the commitments to buy cost {usd(whole)} upfront: the figures spread it over their terms",)


def _rows(
    problem: Problem, plan: Solution, pool: int, term: int, market: Market, estate: Estate
) -> Iterator[tuple[Offer, Promised]]:
    """The catalogue's rows of the pool's machines in this plan, but those whose committed price the estate states."""
    key = ("committed_1y", "committed_3y")[term]
    seen: set[tuple[str, str]] = set()
    for task, choice in zip(problem.tasks, plan.choice, strict=True):
        option = task.options[choice]
        site = problem.sites[option.site].id
        if option.pool != pool or (site, option.machine) in seen:
            continue
        seen.add((site, option.machine))
        offer = market.offer(site, option.machine)
        own = any(
            row.machine == option.machine and fnmatchcase(site, row.at) and getattr(row, key) is not None
            for row in estate.money.prices
        )
        known = None if offer is None or own else offer.promised[term]
        if offer is not None and known is not None:
            yield offer, known


def _dated(promise: Promise, term: int, rows: Sequence[tuple[Offer, Promised]]) -> Promise:
    """With the oldest date and the doubt of its prices; upfront where any of them is."""
    if not rows:
        return promise
    oldest = min((known for _, known in rows), key=lambda known: known.as_of)
    whole = promise.buy_micro_hour * promise.keep_ppm * TERM_HOURS[term] // MILLION
    return msgspec.structs.replace(
        promise,
        upfront_micro=whole if any(known.upfront for _, known in rows) else 0,
        quality=next((known.quality for _, known in rows if known.quality != "list"), "list"),
        as_of=oldest.as_of,
    )
