"""``polycloud prices``: what the catalogue knows of machines, accelerators, storage, traffic, links and models.

Prices are what the estate pays: its own rows and negotiated discounts are in them, and rows of its own say so.
"""

import datetime
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from polycloud.app.cli.options import Number, environment_option, estate_option, json_option
from polycloud.app.cli.output import NO, OK, emit, note, table
from polycloud.app.library import catalog, load
from polycloud.app.settings import BadSettings, find_estate
from polycloud.catalog.market import Market
from polycloud.core.errors import BadRequest, EstateError
from polycloud.estate import Estate, Loaded
from polycloud.placement.build.changes import Changes
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.machines import Machine, Machines
from polycloud.placement.own_rows import SOURCE, own_market

MICRO = 1_000_000
NO_SOURCES: tuple[str, ...] = ()
PROMISES = ("1y", "3y")
CLOUDS = ("aws", "azure", "gcp", "oci")
Cell = float | int | str | None
F = TypeVar("F", bound=Callable[..., object])


class Row(msgspec.Struct, frozen=True):
    """One price. Amounts are in ``currency``; ``own`` says that the estate states it."""

    site: str
    name: str
    values: dict[str, Cell]
    currency: str = "USD"
    quality: str = ""
    own: bool = False
    sources: tuple[str, ...] = ()
    as_of: str = ""
    note: str = ""


class Shop:
    """The estate's view of the market; without an estate the plain lists of all sites."""

    def __init__(self, loaded: Loaded | None) -> None:
        if loaded is not None and loaded.estate is None:
            raise EstateError(loaded.diagnostics)
        known = loaded.estate if loaded is not None else None
        self.named = known is not None
        self.estate = known or Estate.model_validate({"estate": "none"})
        every = (*(site.id for site in catalog().sites()), *self.estate.site_ids())
        self.market = own_market(Market.load(), self.estate, tuple(dict.fromkeys(every)))
        today = datetime.datetime.now(datetime.UTC).date()
        place = loaded.place if loaded is not None else Loaded(None, ()).place
        self.ground = Ground(self.estate, catalog(), self.market, place, Changes(), today)
        self.machines = Machines(self.ground)

    def sites(self, patterns: Sequence[str]) -> list[str]:
        """Sites that fit; without patterns those of the estate, or all. Raises BadRequest when none fits."""
        every = [*(s.id for s in catalog().sites()), *(f"onprem/{name}" for name in self.estate.onprem)]
        if not patterns:
            return list(self.estate.site_ids()) if self.named else every
        found = [site for site in every if any(fnmatchcase(site, _wide(pattern)) for pattern in patterns)]
        if not found:
            near = catalog().similar("site", patterns[0])
            raise BadRequest(
                f"--at {patterns[0]}: no site is that" + (f"; did you mean {near[0]}?" if near else ""), "at"
            )
        return found

    def site(self, text: str) -> str:
        """One site or country. Raises BadRequest."""
        if catalog().site(text) is None and text.removeprefix("onprem/") not in self.estate.onprem:
            if len(text) == 2 and text.isupper():
                return text
            near = catalog().similar("site", text)
            raise BadRequest(f"{text!r} is no site" + (f"; did you mean {near[0]}?" if near else ""), "site")
        return text

    def own(self, machine: Machine) -> bool:
        return machine.own or any(
            row.machine == machine.name and fnmatchcase(machine.site, row.at) for row in self.estate.money.prices
        )


def _wide(pattern: str) -> str:
    return pattern if "/" in pattern else f"{pattern}/*"


def shop(estate: Path | None, env: str | None) -> Shop:
    """The named estate, the nearest one, or none."""
    if estate is None:
        try:
            estate = find_estate(Path.cwd())
        except BadSettings:
            return Shop(None)
    return Shop(load(estate, env))


at_option = click.option("--at", multiple=True, metavar="SITES", help="Only these: aws/us-east-1, 'gcp/*', azure.")
limit_option = click.option("--limit", type=click.IntRange(1), default=40, show_default=True, help="Rows shown.")


def shared(command: F) -> F:
    """The options that every list has."""
    for option in (json_option, environment_option, estate_option, limit_option):
        command = option(command)  # type: ignore[assignment]
    return command


@click.group()
def prices() -> None:
    """Show and compare prices over all clouds, each with its source and date."""


def show(rows: Sequence[Row], columns: Sequence[str], given: dict[str, object], what: str = "") -> int:
    """Prints the rows. Exit code 1 when there are none."""
    most = int(str(given["limit"]))
    shown = rows if given["as_json"] else rows[:most]

    def people() -> None:
        cells = (
            (
                row.site,
                row.name,
                *(row.values.get(column) for column in columns),
                "own" if row.own else row.quality,
                row.as_of,
                ", ".join(row.sources),
            )
            for row in shown
        )
        table(("site", what or "name", *columns, "quality", "as of", "source"), cells)
        if len(rows) > len(shown):
            note(f"{len(rows) - len(shown)} more; --limit shows them, --json has all")
        for text in dict.fromkeys(row.note for row in shown if row.note):
            note(f"note: {text}")

    emit(bool(given["as_json"]), shown, people)
    if not rows:
        note("nothing fits")
    return OK if rows else NO


def usd(micro: int | None) -> float | None:
    return None if micro is None else micro / MICRO


@prices.command()
@at_option
@click.option("--accelerator", help="Only machines with it: A100, H100, L4.")
@click.option("--machine", "pattern", help="Only these, as a pattern: 'm7i.*'.")
@click.option("--vcpu", type=Number(0), help="At least so many processors.")
@click.option("--memory", type=Number(0), help="At least so many GiB.")
@click.option("--by", type=click.Choice(["on-demand", "spot", "1y", "3y"]), default="on-demand", show_default=True)
@shared
@click.pass_context
def machines(context: click.Context, /, **_: object) -> int:
    """Machines by price an hour, for each accelerator where they have some; the cheapest first.

    Quality, date and source are those of the price that --by names; a promise also says what is paid upfront.
    """
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    wanted = found.market.accelerators_named(given["accelerator"]) if given["accelerator"] else ()
    if given["accelerator"] and not wanted:
        near = found.market.similar("accelerator", given["accelerator"])
        raise BadRequest(f"no accelerator is {given['accelerator']!r}" + (f"; did you mean {near[0]}?" if near else ""))
    rows = [
        _machine(found, machine, given["by"])
        for site in found.sites(given["at"])
        for machine in found.machines.at(site)
        if (not wanted or machine.accelerator in wanted)
        and (given["pattern"] is None or fnmatchcase(machine.name, given["pattern"]))
        and (given["vcpu"] is None or (machine.vcpu or 0) >= given["vcpu"])
        and (given["memory"] is None or (machine.memory_gib or 0) >= given["memory"])
    ]
    column = "per accelerator" if wanted and given["by"] == "on-demand" else given["by"]
    rows.sort(key=lambda row: (row.values[column] is None, row.values[column] or 0, row.site, row.name))
    columns = ["vCPU", "GiB", "accelerator", "on-demand", "spot", "1y", "3y", "per accelerator"]
    columns += ["upfront"] if given["by"] in PROMISES else []
    return show(rows, columns, given, "machine")


def _machine(found: Shop, machine: Machine, by: str) -> Row:
    """One machine; its quality, source and date are those of the price that is asked for, ``by``."""
    offer, count = machine.offer, machine.accelerators
    price = usd(machine.on_demand)
    quality, sources, as_of, notes = "own", NO_SOURCES, "", list[str]()
    if offer is not None:
        quality, sources, as_of, notes = offer.quality, offer.sources, offer.as_of, [offer.note]
        if by == "spot":
            quality, as_of = offer.spot_quality or quality, offer.spot_as_of or as_of
    basis = offer.promised[PROMISES.index(by)] if offer is not None and by in PROMISES else None
    if basis is not None:
        quality, sources, as_of, notes = basis.quality, (basis.source,), basis.as_of, [*notes, basis.note]
    return Row(
        machine.site,
        machine.name,
        {
            "vCPU": machine.vcpu,
            "GiB": machine.memory_gib,
            "accelerator": f"{count:g} × {machine.accelerator}" if count else machine.accelerator or None,
            "on-demand": price,
            "spot": usd(machine.spot),
            "1y": usd(machine.committed[0]),
            "3y": usd(machine.committed[1]),
            "per accelerator": price / count if price is not None and count else None,
            "upfront": None if basis is None else "all" if basis.upfront else "none",
        },
        quality=quality,
        own=found.own(machine),
        sources=sources,
        as_of=as_of,
        note="; ".join(filter(None, notes)),
    )


@prices.command()
@click.argument("name", required=False)
@at_option
@shared
@click.pass_context
def accelerators(context: click.Context, /, **_: object) -> int:
    """Each accelerator with its facts and the cheapest hour of one of it in each cloud."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    names = found.market.accelerators_named(given["name"]) if given["name"] else ()
    if given["name"] and not names:
        near = found.market.similar("accelerator", given["name"])
        raise BadRequest(f"no accelerator is {given['name']!r}" + (f"; did you mean {near[0]}?" if near else ""))
    best: dict[str, dict[str, Machine]] = {}
    for site in found.sites(given["at"]):
        for machine in found.machines.at(site):
            if machine.accelerator and (not names or machine.accelerator in names) and _each(machine) is not None:
                clouds = best.setdefault(machine.accelerator, {})
                cloud = site.partition("/")[0]
                if cloud not in clouds or (_each(machine) or 0) < (_each(clouds[cloud]) or 0):
                    clouds[cloud] = machine
    rows = [_accelerator(found, name, clouds) for name, clouds in sorted(best.items())]
    columns = ("GB", "TFLOP/s", "training", "inference", *CLOUDS, "onprem")
    return show(rows, columns, given, "accelerator")


def _each(machine: Machine) -> float | None:
    """USD an hour for one accelerator."""
    price, count = usd(machine.on_demand), machine.accelerators
    return price / count if price is not None and count else None


def _accelerator(found: Shop, name: str, clouds: dict[str, Machine]) -> Row:
    facts = found.market.accelerator(name)
    cheapest = min(clouds.values(), key=lambda machine: _each(machine) or 0)
    return Row(
        f"cheapest: {cheapest.site}",
        name,
        {
            "GB": facts.memory_gb if facts is not None else None,
            "TFLOP/s": facts.tflops if facts is not None else None,
            "training": found.market.relative_speed(name, "training"),
            "inference": found.market.relative_speed(name, "inference"),
            **{cloud: _each(machine) for cloud, machine in clouds.items()},
        },
        quality=cheapest.offer.quality if cheapest.offer is not None else "own",
        own=found.own(cheapest),
        sources=facts.sources if facts is not None else (),
        as_of=facts.as_of if facts is not None else "",
    )


@prices.command()
@at_option
@click.option("--tier", type=click.Choice(["hot", "warm", "cold", "archive"]), help="Only this tier.")
@click.option("--all", "everything", is_flag=True, help="Every class, not the one that stands for each tier.")
@shared
@click.pass_context
def storage(context: click.Context, /, **_: object) -> int:
    """Object storage a GB and month, with what reading it back and requests cost."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    rows = [
        Row(
            row.site,
            row.storage_class,
            {
                "tier": row.tier,
                "per GB": usd(row.steps[0].micro_per_gb),
                "at volume": usd(row.steps[-1].micro_per_gb) if len(row.steps) > 1 else None,
                "read back": usd(row.retrieval_per_gb),
                "put/1000": usd(row.put_per_1000),
                "get/1000": usd(row.get_per_1000),
                "days at least": row.min_days,
            },
            row.currency,
            row.quality,
            row.quality == "own",
            row.sources,
            row.as_of,
            row.note,
        )
        for site in found.sites(given["at"])
        for row in found.market.storage(site)
        if (given["everything"] or row.canonical) and given["tier"] in (None, row.tier)
    ]
    rows.sort(key=lambda row: (str(row.values["tier"]), row.values["per GB"] or 0, row.site))
    columns = ("tier", "per GB", "at volume", "read back", "put/1000", "get/1000", "days at least")
    return show(rows, columns, given, "class")


@prices.command()
@click.argument("source", required=False)
@click.argument("target", required=False)
@at_option
@shared
@click.pass_context
def egress(context: click.Context, /, **_: object) -> int:
    """What a GB costs from one site to another, by volume a month: the pair, or all pairs of the sites."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    starts = [found.site(given["source"])] if given["source"] else found.sites(given["at"])
    ends = [found.site(given["target"])] if given["target"] else found.sites(given["at"])
    rows = []
    for start in starts:
        for end in ends:
            row = found.market.egress(start, end) if start != end else None
            if row is not None:
                steps = {f"from {step.from_gb:,} GB": usd(step.micro_per_gb) for step in row.steps}
                first: dict[str, Cell] = {
                    "first paid": row.first_paid / MICRO,
                    "by volume": _steps(steps),
                    "rule": row.rule or None,
                }
                own = row.quality == "own"
                rows.append(
                    Row(f"{start} → {end}", row.meter, first, row.currency, row.quality, own, row.sources, row.as_of)
                )
    rows.sort(key=lambda row: (row.values["first paid"] or 0, row.site))
    return show(rows, ("first paid", "by volume", "rule"), given, "meter")


def _steps(steps: dict[str, float | None]) -> str:
    return ", ".join(f"{price:g} {name}" for name, price in steps.items()) if len(steps) > 1 else ""


@prices.command()
@click.option("--kind", help="Only this: vpn, direct-connect, expressroute, fastconnect, interconnect, azure-oci.")
@click.option("--between", nargs=2, metavar="A B", help="Only links that can join these two sites.")
@shared
@click.pass_context
def links(context: click.Context, /, **_: object) -> int:
    """Links between clouds and sites: the port by the month, and each GB out of either end."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    a, b = (found.site(site) for site in given["between"]) if given["between"] else (None, None)
    rows = [
        Row(
            f"{', '.join(link.sites_a)} – {', '.join(link.sites_b)}",
            link.name,
            {
                "kind": link.kind,
                "Gbps": link.bandwidth_gbps,
                "a month": link.port_per_hour * 730 / MICRO if link.port_per_hour is not None else None,
                "GB out of the first": usd(link.per_gb_out_a),
                "GB out of the second": usd(link.per_gb_out_b),
            },
            quality=link.quality,
            own=link.quality == "own",
            sources=(link.source,) if link.source else (),
            as_of=link.as_of,
            note=link.note,
        )
        for link in found.market.links(given["kind"], a, b)
    ]
    return show(rows, ("kind", "Gbps", "a month", "GB out of the first", "GB out of the second"), given, "link")


@prices.command()
@click.argument("places", nargs=-1)
@at_option
@shared
@click.pass_context
def rtt(context: click.Context, /, **_: object) -> int:
    """Round-trip times between sites or countries (DE): all pairs of PLACES; measured, or estimated from distance."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    places = [found.site(place) for place in given["places"]] or found.sites(given["at"])
    rows = []
    for index, start in enumerate(places):
        for end in places[index + 1 :]:
            trip = found.market.rtt(found.ground.spot(start), found.ground.spot(end))
            if trip is not None:
                span = "" if trip.measured else f"{trip.low_ms:.0f}–{trip.high_ms:.0f}"
                values: dict[str, Cell] = {"ms": trip.ms, "80 % within": span}
                quality = "measured" if trip.measured else "estimated"
                source = (trip.source,) if trip.source else ()
                own = trip.source == SOURCE
                rows.append(Row(start, end, values, "", quality, own, source, trip.as_of))
    rows.sort(key=lambda row: row.values["ms"] or 0)
    return show(rows, ("ms", "80 % within"), given, "to")


@prices.command()
@at_option
@shared
@click.pass_context
def carbon(context: click.Context, /, **_: object) -> int:
    """Grams of CO2 equivalent a kWh at each site, the cleanest first."""
    given = dict(context.params)
    found = shop(given["estate"], given["env"])
    rows = []
    for site in found.sites(given["at"]):
        row = found.market.carbon(site)
        if row is not None:
            values: dict[str, Cell] = {
                "g/kWh": row.grams_per_kwh,
                "year": str(row.year) if row.year else None,
                "clean": None if row.share is None else f"{row.share * 100:.0f} %",
            }
            sources = (row.source,) if row.source else ()
            rows.append(Row(site, row.kind, values, "", row.kind, row.kind == "own", sources, row.as_of))
    rows.sort(key=lambda row: row.values["g/kWh"] or 0)
    return show(rows, ("g/kWh", "year", "clean"), given, "figure of")


@prices.command()
@click.option("--model", "pattern", default="*", help="Only these, as a pattern: 'claude-*'.")
@click.option("--cloud", type=click.Choice(CLOUDS), help="Only this cloud.")
@shared
@click.pass_context
def models(context: click.Context, /, **_: object) -> int:
    """Models by the price of a million tokens, the general row of each cloud."""
    given = dict(context.params)
    rows = list(_models(given["pattern"], given["cloud"]))
    rows.sort(key=lambda row: (row.values["input"] is None, row.values["output"] or 0, row.name, row.site))
    return show(rows, ("upstream id", "input", "output", "cached", "from a long prompt on"), given, "model")


def _models(pattern: str, cloud: str | None) -> Iterable[Row]:
    for profile in catalog().models(cloud):
        if not fnmatchcase(profile.name, pattern):
            continue
        row = catalog().price(profile.cloud, profile.upstream_id)
        price = row.price if row is not None else None
        yield Row(
            profile.cloud,
            profile.name,
            {
                "upstream id": profile.upstream_id,
                "input": usd(price.input) if price else None,
                "output": usd(price.output) if price else None,
                "cached": usd(price.cache_read) if price else None,
                "from a long prompt on": row.long_from_tokens if row is not None else None,
            },
            quality="list" if price and price.known else "unpriced",
            sources=(row.source,) if row is not None else (),
            as_of=row.as_of if row is not None else "",
        )
