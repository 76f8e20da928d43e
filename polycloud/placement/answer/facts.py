"""Which facts a plan rests on, how old they are, and which of them are not list prices or measurements."""

import datetime
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase

from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.answer.values import Fact
from polycloud.placement.answer.words import MICRO
from polycloud.placement.own_rows import SOURCE
from polycloud.placement.problem import SPOT, Option, Problem, Solution

STALE_DAYS = 366  # list prices change about once a year; older ones are worth a look before money is spent
TIMELESS = ("own", "unknown")
SURE = ("list", "measured", "own")


def facts(
    problem: Problem, plan: Solution, market: Market, estate: Estate, today: datetime.date, more: Iterable[Fact] = ()
) -> tuple[Fact, ...]:
    """Each fact once: prices of machines and storage, round trips and carbon at the chosen places, and ``more``."""
    found: dict[str, Fact] = {}
    for row in (*_all(problem, plan, market, estate, today), *more):
        found.setdefault(row.what, row)
    return tuple(found.values())


def warnings(rows: Sequence[Fact]) -> tuple[str, ...]:
    """What a person should know of these facts before money is spent on them."""
    said = []
    unsure = [f for f in rows if f.quality not in SURE]
    stale, undated = [f for f in rows if f.stale], [f for f in rows if f.days is None and f.quality not in TIMELESS]
    if unsure:
        kinds = sorted({f.quality for f in unsure})
        said.append(f"{len(unsure)} of {len(rows)} facts of this plan are {', '.join(kinds)}, not list or measured")
    if stale:
        oldest = max(stale, key=lambda f: f.days or 0)
        many = "1 fact is" if len(stale) == 1 else f"{len(stale)} facts are"
        said.append(f"{many} older than a year; the oldest, {oldest.what}, is of {oldest.as_of}")
    if undated:
        said.append(f"{len(undated)} facts have no date")
    return tuple(said)


def _all(problem: Problem, plan: Solution, market: Market, estate: Estate, today: datetime.date) -> Iterator[Fact]:
    for task, choice in zip(problem.tasks, plan.choice, strict=True):
        option = task.options[choice]
        site = problem.sites[option.site].id
        yield from _machine(site, option, market, estate, today)
    yield from _trips(problem, plan, market, estate, today)
    for item, sites in zip(problem.items, plan.copies, strict=True):
        for index in sites:
            row_price = market.storage_tier(problem.sites[index].id, "hot")
            if row_price is not None and item.hold:
                value = f"{row_price.steps[0].micro_per_gb / MICRO:g} {row_price.currency} per GB and month"
                what = f"{row_price.storage_class} at {problem.sites[index].id}"
                yield fact(what, value, row_price.quality, row_price.sources, row_price.as_of, today)


def _trips(problem: Problem, plan: Solution, market: Market, estate: Estate, today: datetime.date) -> Iterator[Fact]:
    """The round trip of each workload's users to the nearest of its parts."""
    parts: dict[str, set[str]] = {}
    for task, choice in zip(problem.tasks, plan.choice, strict=True):
        parts.setdefault(task.workload, set()).add(problem.sites[task.options[choice].site].id)
    for name, sites in parts.items():
        row = estate.workloads.get(name)
        for region in row.users if row is not None else ():
            trips = [(trip.ms, site, trip) for site in sorted(sites) if (trip := market.rtt(region, site)) is not None]
            if trips:
                _, site, trip = min(trips, key=lambda found: found[:2])
                quality = "own" if trip.source == SOURCE else "measured" if trip.measured else "estimated"
                what = f"round trip {region} to {site}"
                yield fact(what, f"{trip.ms} ms", quality, (trip.source,), trip.as_of, today)


def _machine(site: str, option: Option, market: Market, estate: Estate, today: datetime.date) -> Iterator[Fact]:
    offer = market.offer(site, option.machine)
    rows = [row for row in estate.money.prices if row.machine == option.machine and fnmatchcase(site, row.at)]
    own = [said for row in rows if (said := row.spot if option.market == SPOT else row.on_demand) is not None]
    if own:
        yield fact(f"{option.machine} ({option.market}) at {site}", f"{own[-1]} an hour", "own", (), "", today)
    elif offer is not None:
        spot = option.market == SPOT
        micro = offer.spot if spot else offer.on_demand
        if micro is not None:
            quality = offer.spot_quality or offer.quality if spot else offer.quality
            value = f"{micro / MICRO:g} {offer.currency} an hour {option.market}"
            what = f"{option.machine} ({option.market}) at {site}"
            as_of = offer.spot_as_of or offer.as_of if spot else offer.as_of
            yield fact(what, value, quality, offer.sources, as_of, today)
    carbon = market.carbon(site)
    if carbon is not None and option.grams:
        quality = {"region": "list", "own": "own"}.get(carbon.kind, "country average")
        value = f"{carbon.grams_per_kwh:g} g CO2e per kWh"
        as_of = carbon.as_of or (str(carbon.year) if carbon.year else "")
        yield fact(f"carbon at {site}", value, quality, (carbon.source,), as_of, today)


def fact(what: str, value: str, quality: str, sources: tuple[str, ...], as_of: str, today: datetime.date) -> Fact:
    """A fact with its age."""
    days = age_days(as_of, today)
    named = tuple(source for source in sources if source)
    return Fact(what, value, quality, named, as_of, days, days is not None and days > STALE_DAYS)


def age_days(as_of: str, today: datetime.date) -> int | None:
    """Days since a date that is a day, a month or a year: counted from its end, so that none is called too old."""
    parts = as_of.split("-")
    try:
        numbers = [int(part) for part in parts]
        if len(numbers) == 3:
            day = datetime.date(*numbers)
        elif len(numbers) == 2:
            year, month = numbers
            day = datetime.date(year + month // 12, month % 12 + 1, 1) - datetime.timedelta(1)
        else:
            day = datetime.date(numbers[0], 12, 31)
    except ValueError:
        return None
    return max((today - day).days, 0)
