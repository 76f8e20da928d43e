"""``polycloud place``: where everything should run, what that costs, why, and what if."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import click
import msgspec
from pydantic import ValidationError

from polycloud.app.cli.estate import located
from polycloud.app.cli.extra import lacking
from polycloud.app.cli.options import FILE, Number, environment_option, estate_option, json_option
from polycloud.app.cli.output import INTERRUPTED, NO, OK, emit, note
from polycloud.app.library import catalog, load
from polycloud.core.errors import BadRequest
from polycloud.core.units import parse
from polycloud.estate import Loaded
from polycloud.estate.schema.operations import OwnPrice

try:
    from polycloud.app.cli.placement_text import print_comparison, print_curves, print_placement, print_workloads
    from polycloud.app.planning import AIMS, PlaceQuery, Planning, market, placement_report
    from polycloud.placement.answer.conflicts import NoPlan
    from polycloud.placement.answer.values import Comparison, Curve, Placement
    from polycloud.placement.answer.words import percent, usd
    from polycloud.placement.build import Changes
    from polycloud.placement.solve import LEVELS, Progress
except ModuleNotFoundError as error:
    raise lacking(error) from error

QUIET_SECONDS = 5.0  # between two lines of progress where nobody watches a terminal
CLEAR = "\r\x1b[K"  # back to the start of the line, and nothing after it


class Answer(msgspec.Struct, frozen=True):
    """What ``place --json`` prints and ``--save`` writes: the placement, and what else was asked for."""

    placement: Placement
    what_if: Comparison | None = None
    trade_offs: tuple[Curve, ...] = ()


@click.command()
@estate_option
@environment_option
@click.option("--without", multiple=True, metavar="SITES", help="What if these were gone: aws/us-east-1, 'azure/*'.")
@click.option("--price", "prices", multiple=True, metavar="SITE:MACHINE=AMOUNT", help="What if this were it: 2.50 USD.")
@click.option("--add", multiple=True, metavar="SITE", help="What if this site were there: gcp/europe-west4.")
@click.option(
    "--levels",
    is_flag=False,
    flag_value=",".join(LEVELS),
    help="Aims in order, each giving 2 % for those after it; alone: cost,latency,availability,complexity.",
)
@click.option("--curve", is_flag=True, help="Also what fewer clouds, shorter round trips and less carbon would cost.")
@click.option("--explain", multiple=True, metavar="WORKLOAD", help="Price every other place of this workload.")
@click.option(
    "--seconds", type=Number(0.1, 86_400), default=60.0, show_default=True, help="Time for the plan and its answer."
)
@click.option("--gap", default="0.1%", show_default=True, help="Stop when proven to be this near to the optimum.")
@click.option("--html", type=FILE, help="Write a report for people: one file with map, flows, bars and curves.")
@click.option("--save", type=FILE, help="Write the answer as JSON.")
@json_option
@click.pass_context
def place(context: click.Context, /, **_: object) -> int:
    """Where each workload and data set should be: jointly, with every cost, inside every data class.

    The answer says how far it can be from the optimum and proves that residency holds. Ctrl-C ends the search
    with the best plan so far, and exit code 130. Exit code 1: no plan keeps all rules; those that conflict are named.
    """
    given = dict(context.params)
    loaded = load(located(given["estate"]), given["env"])
    query = PlaceQuery(given["seconds"], gap(given["gap"]), levels(given["levels"]), given["explain"])
    changes = Changes(without=given["without"], prices=tuple(map(own_price, given["prices"])), add=given["add"])
    _known(loaded, given["explain"], changes)
    for option in ("html", "save"):
        if given[option] is not None and not given[option].parent.is_dir():
            raise BadRequest(f"--{option} {given[option]}: there is no such folder", option)
        if given[option] is not None and given[option].is_dir():
            raise BadRequest(f"--{option} {given[option]}: that is a folder; name a file in it", option)
    with watched() as progress:
        try:
            found = _answered(loaded, query, changes, given["curve"], progress)
        except NoPlan as error:
            progress.clear()
            told = {"error": error.code, "message": error.message, "conflict": error.conflict}
            emit(given["as_json"], told, lambda: None)
            note(f"error: {error.message}")
            return INTERRUPTED if progress.interrupted else NO
    try:
        emit(given["as_json"], found, lambda: _show(found, given["explain"]))
    finally:
        # After it, and though its reader has gone (`| head`): neither may cost the other.
        if given["html"] is not None:
            given["html"].write_text(placement_report(found.placement, found.trade_offs, found.what_if), "utf8")
        if given["save"] is not None:
            given["save"].write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    if progress.interrupted:
        return INTERRUPTED
    return NO if found.what_if is not None and found.what_if.after is None else OK


def _answered(loaded: Loaded, query: PlaceQuery, changes: Changes, curve: bool, progress: "Watcher") -> Answer:
    planning = Planning(loaded, query, progress)
    found = planning.placement()
    compared = planning.what_if(found, changes) if changes != Changes() else None
    curves = planning.trade_offs() if curve and not progress.interrupted else ()
    progress.clear()
    return Answer(found, compared, curves)


def _show(found: Answer, explained: tuple[str, ...]) -> None:
    if explained:
        print_workloads([row for row in found.placement.workloads if row.name in explained])
    else:
        print_placement(found.placement)
    if found.what_if is not None:
        print_comparison(found.what_if)
    print_curves(found.trade_offs)


class Watcher:
    """One line of progress on stderr, and whether Ctrl-C was pressed."""

    def __init__(self, live: bool) -> None:
        self.interrupted = False
        self._live = live
        self._said = 0.0
        self._drawn = False

    def __call__(self, progress: Progress) -> bool:
        """Tells how far it is; False ends the search."""
        if self._live:
            click.echo(CLEAR + line(progress), err=True, nl=False)
            self._drawn = True
        elif progress.seconds - self._said >= QUIET_SECONDS:
            self._said = progress.seconds
            note(line(progress))
        return not self.interrupted

    def clear(self) -> None:
        """Leave the terminal's line as it was."""
        if self._drawn:
            click.echo(CLEAR, err=True, nl=False)
            self._drawn = False


def line(progress: Progress) -> str:
    """How far a search is: its time, its best plan, its bound, the gap between them."""
    best = "no plan yet" if progress.best is None else f"best {usd(progress.best)}"
    bound = "" if progress.bound is None else f", no plan under {usd(progress.bound)}"
    between = ""
    if progress.best and progress.bound is not None:
        between = f", gap {percent(max(progress.best - progress.bound, 0) / abs(progress.best), 2)}"
    return f"{progress.seconds:.0f} s: {best}{bound}{between} ({progress.step})"


@contextmanager
def watched() -> Iterator[Watcher]:
    """A watcher that takes Ctrl-C while it is held; a second one ends the program as usual."""
    watcher = Watcher(sys.stderr.isatty())
    usual: Callable[..., object] | int | None = signal.getsignal(signal.SIGINT)

    def pressed(*_: object) -> None:
        watcher.interrupted = True
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, pressed)
    try:
        yield watcher
    finally:
        signal.signal(signal.SIGINT, usual)


def gap(text: str) -> float:
    """A share such as 0.1 % or 0.1%. Raises BadRequest."""
    try:
        return float(parse(text, "ratio").value)
    except ValueError as error:
        raise BadRequest(f"--gap: {error}", "gap") from error


def levels(text: str | None) -> tuple[str, ...]:
    """The aims in order. Raises BadRequest for a word that is none, and for one said twice."""
    found = tuple(filter(None, (word.strip() for word in (text or "").split(","))))
    for word in found:
        if word not in AIMS:
            raise BadRequest(f"--levels: {word!r} is not one aim of {', '.join(AIMS)}", "levels")
        if found.count(word) > 1:
            raise BadRequest(f"--levels: {word!r} is said twice", "levels")
    return found


def own_price(text: str) -> OwnPrice:
    """``aws/us-east-1:p4d.24xlarge=20 USD``, by the hour. Raises BadRequest."""
    where, equals, amount = text.rpartition("=")
    site, colon, machine = where.partition(":")
    if not (equals and colon and site and machine):
        raise BadRequest(f"--price: {text!r} is not SITE:MACHINE=AMOUNT, as aws/us-east-1:p5.48xlarge=20 USD", "price")
    try:
        found = OwnPrice.model_validate({"at": site.strip(), "machine": machine.strip(), "on_demand": amount.strip()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadRequest(f"--price: {text!r}: {'.'.join(map(str, first['loc']))}: {first['msg']}", "price") from error
    if found.on_demand is not None and not found.on_demand.micro:
        raise BadRequest(f"--price: {text!r}: nothing is free; leave a place out with --without", "price")
    return found


def _known(loaded: Loaded, explain: tuple[str, ...], changes: Changes) -> None:
    """Raises BadRequest for a workload, a site or a machine that means nothing in this estate."""
    estate = loaded.estate
    if estate is None:
        return
    for name in explain:
        if name not in estate.workloads:
            raise BadRequest(
                f"there is no workload {name!r} (known: {', '.join(estate.workloads) or 'none'})", "explain"
            )
    for site in changes.add:
        if catalog().site(site) is None:
            near = catalog().similar("site", site)
            raise BadRequest(
                f"--add {site}: no cloud has that site" + (f"; did you mean {near[0]}?" if near else ""), "add"
            )
    sites = (*estate.site_ids(), *changes.add)
    for pattern in changes.without:
        if pattern not in estate.workloads and not any(Changes(without=(pattern,)).gone(site) for site in sites):
            raise BadRequest(f"--without {pattern}: no site or workload of the estate is that", "without")
    for row in changes.prices:
        _offered(row, [site for site in sites if fnmatchcase(site, row.at)], estate.money.prices)


def _offered(row: OwnPrice, sites: Sequence[str], own: Sequence[OwnPrice]) -> None:
    """Raises BadRequest unless a site of the plan has the machine, by the catalogue or the estate."""
    if not sites:
        raise BadRequest(f"--price {row.at}: no site of the estate is that", "price")
    if not any(market().offer(site, row.machine) for site in sites) and row.machine not in {o.machine for o in own}:
        near = market().similar(f"machine:{sites[0]}", row.machine)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise BadRequest(f"--price: {row.at} has no machine {row.machine}{hint}", "price")
