"""Commands for the simulated clouds: what goes wrong there, and what they served."""

import json
from pathlib import Path
from typing import Any

import click

from polycloud.app.cli import instance
from polycloud.app.cli.options import running_options
from polycloud.app.cli.output import OK, emit, say, table
from polycloud.app.client import Address, Refused, said

SECONDS = 10.0  # it is on this machine
KINDS = (
    "outage",
    "reset",
    "throttle",
    "quota",
    "http_error",
    "content_filter",
    "context_too_long",
    "unauthorized",
    "slow_first",
    "slow_tokens",
    "silence",
    "silence_mid_stream",
    "cut",
    "broken_frame",
    "error_in_stream",
    "wrong_content_type",
    "bad_json",
)


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
    address = instance.sandbox(given.pop("estate"), given.pop("state"))
    as_json = given.pop("as_json")
    found = _ask(address, "POST", "/faults", {name: value for name, value in given.items() if value is not None})
    emit(as_json, found, lambda: say(f"{found['id']}: {_text(found['fault'])}"))
    return OK


@fault.command("list")
@running_options
def list_faults(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """The faults in force, in the order in which they are tried."""
    found = _ask(instance.sandbox(estate, state), "GET", "/faults")
    emit(as_json, found, lambda: _print_faults(found["faults"]))
    return OK


@fault.command("clear")
@click.argument("id", required=False)
@running_options
def clear(id: str | None, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """End one fault, or all of them."""
    found = _ask(instance.sandbox(estate, state), "DELETE", f"/faults/{id}" if id else "/faults")
    emit(as_json, found, lambda: _print_faults(found["faults"]))
    return OK


@sandbox.command()
@click.option("--reset", is_flag=True, help="Start to count anew.")
@running_options
def requests(reset: bool, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """What the simulated clouds served, as a provider would bill it."""
    found = _ask(instance.sandbox(estate, state), "DELETE" if reset else "GET", "/requests")
    columns = ("site", "model", "outcome", "requests", "input_tokens", "output_tokens")
    emit(as_json, found, lambda: table(columns, ([row[c] for c in columns] for row in found["requests"])))
    return OK


@sandbox.command("sites")
@running_options
def list_sites(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """The simulated sites, with their addresses on this machine."""
    found = _ask(instance.sandbox(estate, state), "GET", "/sites")
    columns = ("site", "address", "down", "connections", "models")
    emit(as_json, found, lambda: table(columns, ([row[c] for c in columns] for row in found["sites"])))
    return OK


def _print_faults(faults: list[dict[str, Any]]) -> None:
    if not faults:
        say("no fault is in force")
        return
    table(("id", "fault", "hits"), ((row["id"], _text(row["fault"]), row["hits"]) for row in faults))


def _text(fault: dict[str, Any]) -> str:
    """The kind, and where it applies."""
    where = [f"{name} {fault[name]}" for name in ("cloud", "site", "model", "key") if fault.get(name, "*") != "*"]
    limits = [f"{name} {fault[name]}" for name in ("count", "duration_seconds") if fault.get(name) is not None]
    return " ".join([fault["kind"], "at", *(where or ["every site"]), *limits])


def _ask(address: Address, method: str, path: str, body: object = None) -> Any:
    answer = address.whole(method, path, body, seconds=SECONDS)
    if answer.status >= 400:
        raise Refused(said(answer), answer.status)
    return json.loads(answer.body)
