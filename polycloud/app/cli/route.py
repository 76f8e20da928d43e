"""``polycloud route``: the cheapest or fastest way for data inside its residency, and the links worth having."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from polycloud.app.cli.estate import perhaps
from polycloud.app.cli.extra import lacking
from polycloud.app.cli.options import FILE, Number, environment_option, estate_option, json_option
from polycloud.app.cli.output import INTERRUPTED, OK, emit, note, say, table
from polycloud.app.library import catalog
from polycloud.core.errors import BadRequest
from polycloud.core.ports.transfer import TransferHop, TransferPlan
from polycloud.core.units import Dimension, parse
from polycloud.estate import Estate

try:
    from polycloud.app.cli.place import watched
    from polycloud.app.planning import market, market_of
    from polycloud.placement.answer.values import Placement
    from polycloud.placement.answer.ways import hops
    from polycloud.placement.routes.choice import LinkChoice, link_choices
    from polycloud.placement.routes.flows import Sent, pair_flows
    from polycloud.placement.routes.links import LinkOption
    from polycloud.placement.routes.route import SECONDS, Answer, Router
except ModuleNotFoundError as error:
    raise lacking(error) from error

DEFAULT_SIZE = "1 TB"


class Saved(msgspec.Struct, frozen=True):
    """What is read of an answer that ``place --save`` wrote."""

    placement: Placement


@click.command()
@click.argument("sites", nargs=-1, metavar="FROM TO...")
@click.option("--size", default=DEFAULT_SIZE, show_default=True, help="How much: 40TB, 300 GiB.")
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Its data class; can be repeated.")
@click.option("--by", type=click.Choice(["cost", "time"]), default="cost", show_default=True, help="What to aim at.")
@click.option("--within", metavar="TIME", help="Only ways that take no longer: 6h.")
@click.option(
    "--relays",
    type=click.Choice(["estate", "any", "none"]),
    default="estate",
    show_default=True,
    help="Who may pass data on: the estate's sites, any commercial region, or nobody.",
)
@click.option("--interconnects", is_flag=True, help="As if Oracle's interconnects with Azure and Google were ordered.")
@click.option("--seconds", type=Number(0.1, 3600), default=SECONDS, show_default=True, help="Time to search.")
@click.option("--links", is_flag=True, help="Instead: the kinds of link for each pair of the estate's places.")
@click.option("--plan", type=FILE, help="With --links: by the flows of this answer of place --save.")
@click.option("--no-estate", is_flag=True, help="Do not look for an estate: no classes, no links.")
@estate_option
@environment_option
@json_option
@click.pass_context
def route(context: click.Context, /, **_: object) -> int:
    """Find the cheapest or fastest way for data from FROM to one site or many, relays included.

    With an estate, its links, halls and discounts count, the data class (or the estate's default class) must hold at
    every site on the way, and a better relay outside is named with the rule that refuses it. Without one, any
    commercial region may relay. The price is proven the least; Ctrl-C gives the best so far with its bound.
    """
    given = context.params
    loaded = None if given["no_estate"] else perhaps(given["estate"], given["env"])
    estate = None if loaded is None else loaded.estate
    if given["links"]:
        return _links(estate, given["plan"], given["as_json"])
    if given["plan"] is not None:
        raise BadRequest("--plan goes with --links", "plan")
    if len(given["sites"]) < 2:
        raise BadRequest("name where data come from and where they go: polycloud route aws/us-east-1 gcp/us-central1")
    source, *targets = given["sites"]
    volume = _quantity("--size", given["size"], "bytes")
    within = _quantity("--within", given["within"], "seconds") if given["within"] else None
    default = estate.residency.default_class if estate else None
    classes = given["classes"] or ((default,) if default else ())
    prices = market() if estate is None else market_of(estate)
    router = Router(catalog(), prices, estate, given["relays"], given["interconnects"], given["seconds"])
    with watched() as watcher:
        found = router.answer(source, targets, volume, classes, given["by"], within, watcher)
        watcher.clear()
    emit(given["as_json"], found, lambda: _print(found, classes, given["by"]))
    if watcher.interrupted:
        note("interrupted: this is the best so far")
        return INTERRUPTED
    return OK


def _quantity(option: str, text: str, dimension: Dimension) -> int:
    try:
        value = int(parse(text, dimension).value)
    except ValueError as error:
        raise BadRequest(f"{option}: {error}", option) from error
    if value <= 0:
        raise BadRequest(f"{option}: {text!r} is nothing", option)
    return value


def _print(found: Answer, classes: tuple[str, ...], aim: str) -> None:
    plan = found.plan
    held = f", class {' and '.join(classes)}" if classes else ""
    say(f"{_bytes(plan.volume)} from {plan.source} to {', '.join(plan.targets)}{held}")
    table(
        ("from", "to", "via", "USD", "Gbps"),
        ((hop.start, hop.end, hop.via, _money(hop), _speed(hop)) for hop in plan.hops),
    )
    say(f"{_usd(plan.micro_usd)} USD, {'the fastest, ' if aim == 'time' else ''}{_proof(found, aim)}; {_time(plan)}")
    for name, other in (("straight over the internet", found.direct), ("each by its own cheapest path", found.paths)):
        if other is not None and len(plan.hops) > 1:
            say(f"{name}: {_usd(other.micro_usd)} USD, {_time(other)}{_saving(plan, other)}")
    if found.outside is not None:
        say(f"without the residency: {_usd(found.outside.micro_usd)} USD, {_time(found.outside)}; refused:")
        for row in found.refused:
            say(f"  relay {row.site}: {row.data_class} {row.rule}")
    for text in found.notes:
        say(f"note: {text}")


def _proof(found: Answer, aim: str) -> str:
    plan = found.plan
    if plan.bound_micro_usd >= plan.micro_usd:
        among = " of the fastest" if aim == "time" else ""
        return f"proven the cheapest{among} ({found.method}, {found.solve_seconds:.1f} s)"
    gap = (plan.micro_usd - plan.bound_micro_usd) / plan.micro_usd
    return f"no way costs less than {_usd(plan.bound_micro_usd)} USD ({gap:.1%} below; {found.solve_seconds:.0f} s)"


def _saving(plan: TransferPlan, other: TransferPlan) -> str:
    return f" ({1 - plan.micro_usd / other.micro_usd:.1%} saved)" if other.micro_usd > plan.micro_usd else ""


def _money(hop: TransferHop) -> str:
    return f"{'~' if hop.price_derived else ''}{_usd(hop.micro_usd)}"


def _speed(hop: TransferHop) -> str:
    return "unknown" if hop.gbps is None else f"{'' if hop.measured else '~'}{hop.gbps:.2f}"


def _usd(micro: int) -> str:
    return f"{micro / 1e6:,.2f}"


def _bytes(volume: int) -> str:
    for unit, size in (("PB", 10**15), ("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if volume >= size:
            return f"{volume / size:,.4g} {unit}"
    return f"{volume} B"


def _time(plan: TransferPlan) -> str:
    if plan.seconds is None:
        return "time unknown"
    about = "about " if plan.estimated else ""
    hours, minutes = divmod(round(plan.seconds / 60), 60)
    return f"{about}{hours} h {minutes} min" if hours else f"{about}{max(minutes, 1)} min"


def _links(estate: Estate | None, plan: Path | None, as_json: bool) -> int:
    if estate is None:
        raise BadRequest("--links needs an estate: name one with -e")
    flows = None if plan is None else pair_flows(estate, _planned(plan))
    found = link_choices(estate, catalog(), market_of(estate), flows)
    emit(as_json, found, lambda: _print_links(found))
    return OK


def _planned(file: Path) -> Iterator[Sent]:
    """What a saved plan sends, hop by hop. Raises BadRequest for a file that is no saved answer."""
    try:
        answer = msgspec.json.decode(file.read_bytes(), type=Saved)
    except (OSError, msgspec.DecodeError) as error:
        raise BadRequest(f"--plan {file}: not an answer of place --save: {error}", "plan") from error
    for flow in answer.placement.flows:
        what = f"{flow.kind} of {flow.dataset}" + (f" for {flow.workload}" if flow.workload else "")
        for start, end, _ in hops(flow):
            if start != end:
                yield start, end, flow.bytes, what


def _print_links(found: tuple[LinkChoice, ...]) -> None:
    if not found:
        say("no data flows between clouds or halls, as far as the estate says, and no link is declared")
    for row in found:
        flow = row.flow
        sent = f"{_bytes(flow.out)} a month there, {_bytes(flow.back)} back"
        say(f"{flow.a} - {flow.b}: {sent if flow.what else 'no flow is stated'}")
        for what in flow.what:
            say(f"  {what}")
        table(
            ("", "kind", "link", "Gbps", "ms", "USD a month", "not known", "from GB", "private", "encrypted", "SLA"),
            (_link_row(option, (option.kind, option.declared) == (row.chosen, row.link)) for option in row.options),
        )
        say(f"choice: {row.chosen}; {row.reason}")
        say(f"backup: {row.backup or 'none'}")
        say()


def _link_row(option: LinkOption, chosen: bool) -> tuple[object, ...]:
    speed = None if option.gbps is None else f"{'' if option.gbps_measured else '~'}{option.gbps:.1f}"
    ms = None if option.rtt_ms is None else f"{'' if option.rtt_measured else '~'}{option.rtt_ms:.1f}"
    price = _usd(option.micro) if option.total is not None else f"{_usd(option.micro)} + unknown"
    sla = None if option.sla is None else f"{option.sla:.3%}"
    mark = "→" if chosen else ""
    even = None if option.break_even_gb is None else f"{option.break_even_gb:,}"
    unknown = "; ".join(option.unknown)
    return (mark, option.kind, option.declared, speed, ms, price, unknown, even, option.private, option.encrypted, sla)
