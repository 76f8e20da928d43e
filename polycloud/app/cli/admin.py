"""Commands that ask or change the running instance: status, keys, the site overlay, reload."""

import getpass
from collections.abc import Iterator
from pathlib import Path

import click

from polycloud.app.answers import NewKeyAnswer, OverlayFacts, StateName, StatusAnswer, WorkerRow
from polycloud.app.cli import instance
from polycloud.app.cli.options import running_options
from polycloud.app.cli.output import NO, OK, cells, emit, note, say, table
from polycloud.app.library import seconds


@click.command()
@running_options
def status(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Targets beside what was measured; sites, workers, breakers.

    Exit code 1 while requests can not be served.
    """
    client = instance.client(estate, state)
    found = client.status()
    emit(as_json, found, lambda: print_status(client.url, found))
    return OK if found["ready"] else NO


def print_status(url: str, found: StatusAnswer) -> None:
    current = found["estate"]
    name, proved = (current["name"], current["paths_proved"]) if current else ("-", 0)
    ready = "serves" if found["ready"] else "does not serve"
    say(f"{url} {ready} estate {name}, {proved:,} paths proved")
    if found["refused"]["message"]:
        say(f"the files as they are now are refused: {found['refused']['message']}")
    if current and current["kept"]:
        say("in force is what was before this process began; it holds until the files are mended")
    for line in current["warnings"] if current else ():
        say(f"warning: {line}")
    say()
    kept = {True: "yes", False: "NO", None: "-"}
    table(
        ("target", "measure", "promised", "measured", "kept", "over"),
        (
            (t["name"], t["measure"], t["target"], t["measured"] or t["note"], kept[t["kept"]], t["over"])
            for t in found["targets"]
        ),
        "Targets",
    )
    measures = ("requests", "attempts", "availability", "error_ratio", "latency_ms_p95", "first_token_ms_p95")
    more = ("overhead_us_p95", "failovers", "failover_ms_p95", "cost_usd")
    table(
        ("provider", *measures, *more),
        ((m["cloud"] or "all", *cells(m, (*measures, *more))) for m in found["measured"]),
        f"Measured in the last {found['window_seconds'] / 3600:g} h",
    )
    steered = list(_steered(found["overlay"]))
    if steered:
        table(("site or deployment", "state", "share %", "reason", "by"), steered, "Steered")
    table(
        ("worker", "process", "requests", "in flight", "connections", "breakers", "problem"),
        (_worker(w) for w in found["workers"]),
        "Workers",
    )
    if found["down"]:
        say("unreachable: " + ", ".join(found["down"]))
    for credential in found["credentials"]:
        if credential["problem"]:
            say(f"credential {credential['name']}: {credential['problem']}")


def _worker(worker: WorkerRow) -> tuple[object, ...]:
    told = ("requests", "in_flight", "connections", "breakers")
    counts = cells(worker["beat"], told) if worker["beat"] else [None] * len(told)
    problems = "; ".join(f"{what}: {why}" for what, why in worker["errors"].items())
    return (worker["worker"], str(worker["pid"]), *counts, problems)


def _steered(overlay: OverlayFacts) -> Iterator[tuple[object, ...]]:
    for name, steer in {**overlay["sites"], **overlay["deployments"]}.items():
        yield (name, steer.get("state", "serving"), steer.get("share"), steer.get("reason"), steer.get("by"))


@click.group()
def keys() -> None:
    """Make, list, revoke and rotate gateway keys."""


@keys.command("create")
@click.option("--team", required=True, help="The team it belongs to; the team's limits hold as well.")
@click.option("--name", help="What it is for.")
@click.option("--model", "models", multiple=True, help="Models it may use, as patterns; can be repeated.")
@click.option("--class", "classes", multiple=True, help="A data class of all its requests; can be repeated.")
@click.option("--rate", type=click.IntRange(1), help="Requests per minute.")
@click.option("--region", help="Where its callers are: a site or a country.")
@click.option("--expires", help="When it ends, from now, such as 90d.")
@running_options
@click.pass_context
def create(context: click.Context, /, **_: object) -> int:
    """Make a key. Its text is printed once and kept nowhere."""
    given = context.params
    found = instance.client(given["estate"], given["state"]).create_key(
        team=given["team"],
        name=given["name"],
        models=list(given["models"]) or None,
        classes=list(given["classes"]) or None,
        requests_per_minute=given["rate"],
        region=given["region"],
        expires_in_seconds=seconds(given["expires"]) if given["expires"] else None,
    )
    emit(given["as_json"], found, lambda: _print_new(found))
    return OK


def _print_new(found: NewKeyAnswer) -> None:
    say(found["key"])
    note(f"{found['id']} of team {found['team']}. Keep the text: it is not shown again.")


@keys.command("list")
@running_options
def list_keys(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """All keys, without their text."""
    found = instance.client(estate, state).keys()
    columns = ("id", "team", "name", "state", "models", "classes", "requests_per_minute", "replaced_by")
    emit(as_json, found, lambda: table(columns, (cells(row, columns) for row in found["keys"])))
    return OK


@keys.command("revoke")
@click.argument("id")
@running_options
def revoke(id: str, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """End a key now, in every worker."""
    found = instance.client(estate, state).revoke_key(id)
    emit(as_json, found, lambda: say(f"{found['id']} is {found['state']}"))
    return OK


@keys.command("rotate")
@click.argument("id")
@click.option("--overlap", default="24h", show_default=True, help="How long the old key works on.")
@running_options
def rotate(id: str, overlap: str, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Replace a key by one with the same rights; both work for the overlap."""
    found = instance.client(estate, state).rotate_key(id, seconds(overlap))
    emit(as_json, found, lambda: _print_new(found))
    return OK


@click.group(invoke_without_command=True)
@running_options
@click.pass_context
def sites(context: click.Context, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Move traffic: drain, fail and serve sites (aws/us-east-1) and deployments (azure/westeurope/gpt-4o).

    Every worker follows within a second. Without a command: what is steered now.
    """
    if context.invoked_subcommand is None:
        return int(context.invoke(list_sites, estate=estate, state=state, as_json=as_json))
    given = {"estate": estate, "state": state, "as_json": as_json or None}
    context.default_map = {context.invoked_subcommand: {k: v for k, v in given.items() if v is not None}}
    return OK


@sites.command("list")
@running_options
def list_sites(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Every site of the estate with its state, and the deployments that are steered."""
    client = instance.client(estate, state)
    overlay = client.overlay()
    steered = {str(row[0]): row for row in _steered(overlay)}
    known = client.sites()
    rows = [steered.pop(site, (site, "serving", None, None, None)) for site in known]
    rows += steered.values()
    value = {"version": overlay["version"], "sites": overlay["sites"], "deployments": overlay["deployments"]}
    columns = ("site or deployment", "state", "share %", "reason", "by")
    emit(as_json, {**value, "known": known}, lambda: table(columns, rows))
    return OK


def _steering(name: str, state_name: StateName, text: str) -> None:
    @sites.command(name, help=text)
    @click.argument("target")
    @click.option("--reason", default="", help="Why; kept in the history.")
    @running_options
    def steer(target: str, reason: str, estate: Path | None, state: Path | None, as_json: bool) -> int:
        return _steer(target, state_name, None, reason, (estate, state, as_json))


_steering("drain", "draining", "Send no new requests there; those under way end.")
_steering("fail", "failed", "Send nothing there, not even retries.")
_steering("serve", "serving", "Use it again, with the share of its route.")


@sites.command("share")
@click.argument("target")
@click.argument("share", type=click.FloatRange(0, 100))
@click.option("--reason", default="", help="Why; kept in the history.")
@running_options
def share(target: str, share: float, reason: str, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Give it SHARE percent in place of its route's share."""
    return _steer(target, "serving", share, reason, (estate, state, as_json))


def _steer(
    target: str, state: StateName, share: float | None, reason: str, where: tuple[Path | None, Path | None, bool]
) -> int:
    found = instance.client(where[0], where[1]).steer(target, state, share, reason, by=getpass.getuser())
    late: dict[str, str] = found["late"]

    def people() -> None:
        part = f" with {share:g} %" if share is not None else ""
        say(f"{target} is {state}{part}: {found['workers'] - len(late)} of {found['workers']} worker(s) follow")
        for worker, why in late.items():
            note(f"{worker}: {why}")

    emit(where[2], found, people)
    return NO if late else OK


@click.command("reload")
@running_options
def reload(estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Take the estate's files as they are now; one with errors changes nothing."""
    found = instance.client(estate, state).reload()

    def people() -> None:
        what = "is in force" if found["changed"] else "was in force already"
        workers = found["spread"]["workers"]
        say(f"{found['version'][:12]} {what}: {found['paths_proved']:,} paths proved, {workers} worker(s)")
        for line in found["warnings"]:
            note(line)

    emit(as_json, found, people)
    return NO if found["spread"]["late"] else OK
