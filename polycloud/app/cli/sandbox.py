"""Commands for the simulated clouds: what goes wrong there, and what they served."""

from pathlib import Path
from typing import get_args

import click

from polycloud.app.answers import FaultFacts, FaultKind, FaultRow
from polycloud.app.cli import instance
from polycloud.app.cli.options import running_options
from polycloud.app.cli.output import OK, cells, emit, say, table

KINDS: tuple[str, ...] = get_args(FaultKind)


@click.group()
def sandbox() -> None:
    """Set faults in the simulated clouds, and see what they served."""


@sandbox.group()
def fault() -> None:
    """Let a simulated cloud, site or model fail."""


@fault.command("add")
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--cloud", help="Only this cloud: aws, azure, gcp, oci, onprem; patterns work.")
@click.option("--site", help="Only this site, such as aws/us-east-1; patterns work.")
@click.option("--model", help="Only this model, by the cloud's own name; patterns work.")
@click.option("--count", type=click.IntRange(1), help="Only the first so many requests.")
@click.option("--probability", type=click.FloatRange(0, 1), help="Only this part of the requests.")
@click.option("--status", type=click.IntRange(400, 599), help="For http_error; 500 when not given.")
@click.option("--seconds", type=click.FloatRange(0), help="For slow_first and slow_tokens.")
@click.option("--after-events", type=click.IntRange(0), help="For faults in mid-stream.")
@click.option("--retry-after", "retry_after_seconds", type=click.FloatRange(0), help="For throttle, in seconds.")
@click.option("--for", "duration_seconds", type=click.FloatRange(0), help="It ends by itself after so many seconds.")
@running_options
@click.pass_context
def add(context: click.Context, /, **_: object) -> int:
    """Set a fault: KIND hits every request that fits the options, from now on."""
    given = dict(context.params)
    running = instance.sandbox(given.pop("estate"), given.pop("state"))
    as_json = given.pop("as_json")
    found = running.fault(**given)
    emit(as_json, found, lambda: say(f"{found['id']}: {_text(found['fault'])}"))
    return OK


@fault.command("list")
@running_options
def list_faults(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """The faults in force, in the order in which they are tried."""
    found = instance.sandbox(estate, state).faults()
    emit(as_json, {"faults": found}, lambda: _print_faults(found))
    return OK


@fault.command("clear")
@click.argument("id", required=False)
@running_options
def clear(id: str | None, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """End one fault, or all of them."""
    found = instance.sandbox(estate, state).clear(id)
    emit(as_json, {"faults": found}, lambda: _print_faults(found))
    return OK


@sandbox.command()
@click.option("--reset", is_flag=True, help="Start to count anew.")
@running_options
def requests(reset: bool, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """What the simulated clouds served, as a provider would bill it."""
    found = instance.sandbox(estate, state).requests(reset)
    columns = ("site", "model", "outcome", "requests", "input_tokens", "output_tokens")
    emit(as_json, {"requests": found}, lambda: table(columns, (cells(row, columns) for row in found)))
    return OK


@sandbox.command("sites")
@running_options
def list_sites(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """The simulated sites, with their addresses on this machine."""
    found = instance.sandbox(estate, state).sites()
    columns = ("site", "address", "down", "connections", "models")
    emit(as_json, {"sites": found}, lambda: table(columns, (cells(row, columns) for row in found)))
    return OK


def _print_faults(faults: list[FaultRow]) -> None:
    if not faults:
        say("no fault is in force")
        return
    table(("id", "fault", "hits"), ((row["id"], _text(row["fault"]), row["hits"]) for row in faults))


def _text(fault: FaultFacts) -> str:
    """The kind, and where it applies."""
    pattern = {name: value for name, value in fault.items() if name in ("cloud", "site", "model", "key")}
    where = [f"{name} {value}" for name, value in pattern.items() if value != "*"]
    bounds = {"count": fault["count"], "duration_seconds": fault["duration_seconds"]}
    limits = [f"{name} {value}" for name, value in bounds.items() if value is not None]
    return " ".join([fault["kind"], "at", *(where or ["every site"]), *limits])
