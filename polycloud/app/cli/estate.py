"""Commands that need the estate's files alone: is it right, where would a request go, what may it say."""

from pathlib import Path

import click
import msgspec

from polycloud.app.cli import instance
from polycloud.app.cli.options import environment_option, estate_option, json_option, state_option
from polycloud.app.cli.output import NO, OK, WRONG, emit, note, say, table
from polycloud.app.cli.report import print_findings, print_proof
from polycloud.app.library import Examined, Query, examine, load
from polycloud.app.library import check as check_estate
from polycloud.app.library import explain as explain_query
from polycloud.app.settings import BadSettings, find_estate
from polycloud.core.chat import Need
from polycloud.core.errors import EstateError
from polycloud.estate import Loaded
from polycloud.estate.jsonschema import schema_text
from polycloud.gateway.explain import Explanation, Verdict

NEEDS = tuple(str(need.name).lower() for need in Need)
PLACES_SHOWN = 3


def located(estate: Path | None) -> Path:
    """The estate that is meant: the named one, that of the instance which runs here, or the nearest file."""
    if estate is not None:
        return estate
    if (state := instance.nearest_instance(Path.cwd())) is not None:
        return Path(instance.running(None, state)[0].estate)
    return find_estate(Path.cwd())


def perhaps(estate: Path | None, env: str | None) -> Loaded | None:
    """The named estate or the nearest file, for a command that can do without: None when there is none. Raises
    EstateError with all that ``check`` finds when that has an error."""
    if estate is None:
        try:
            estate = find_estate(Path.cwd())
        except BadSettings:
            return None
        note(f"estate: {estate}")
    loaded = load(estate, env)
    found = check_estate(loaded)
    if loaded.estate is None or any(d.severity == "error" for d in found):
        raise EstateError(found)
    return loaded


@click.command()
@estate_option
@environment_option
@click.option("--strict", is_flag=True, help="Let warnings count: exit code 1.")
@json_option
def check(estate: Path | None, env: str | None, strict: bool, as_json: bool) -> int:
    """Find every mistake of an estate, and prove that data stays where it must.

    Every path that a request can take is walked, over the tables that the gateway reads and in every
    state of health: the number of paths is printed, or those that break a rule.
    """
    found = examine(located(estate), env)

    def people() -> None:
        print_findings(found)
        print_proof(found)

    emit(as_json, told(found), people)
    if not found.holds:
        return WRONG
    return NO if strict and found.warnings else OK


def told(found: Examined) -> dict[str, object]:
    """What ``check --json`` prints."""
    proof = found.proof
    return {
        "holds": found.holds,
        "errors": len(found.errors),
        "warnings": len(found.warnings),
        "diagnostics": found.diagnostics,
        "paths_proved": proof.paths if proof is not None and proof.holds else 0,
        "breaks": proof.breaks if proof is not None else (),
        "tables_version": found.tables.version if found.tables is not None else "",
    }


@click.command()
def schema() -> None:
    """Print the JSON Schema of the estate file.

    Write it to estate.schema.json and name it in the file's first line, and an editor completes it:
    # yaml-language-server: $schema=estate.schema.json
    """
    click.echo(schema_text(), nl=False)


@click.group()
def explain() -> None:
    """Say where a request would go, and why not elsewhere."""


@explain.command()
@click.option("--model", required=True, help="The model, alias or tier that is asked for.")
@click.option("--class", "data_class", default="", help="As the header x-polycloud-class.")
@click.option("--region", default="", help="Where the caller is: a site or an ISO country.")
@click.option("--team", "--key-team", default="", help="The team whose key asks.")
@click.option("--face", type=click.Choice(["openai", "anthropic"]), default="openai", help="The caller's API.")
@click.option("--needs", multiple=True, type=click.Choice(NEEDS), help="What it asks for; can be repeated.")
@click.option("--tools", "needs", flag_value="tools", multiple=True, help="It carries tools.")
@click.option("--json-schema", "needs", flag_value="json_schema", multiple=True, help="It asks for a JSON schema.")
@click.option("--stream", "needs", flag_value="stream", multiple=True, help="It asks for a stream.")
@click.option("--input-tokens", type=click.IntRange(0), default=1000, show_default=True, help="Tokens of the prompt.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer.")
@click.option("--live", is_flag=True, help="Ask the running instance: its overlay, health and breakers count.")
@click.option("--all", "everything", is_flag=True, help="Show deployments of other models too.")
@estate_option
@environment_option
@state_option
@json_option
@click.pass_context
def request(context: click.Context, /, **_: object) -> int:
    """Explain one request without sending it: which deployments are eligible, in which order, at what cost.

    Exit code 1 when it would be refused.
    """
    given = context.params
    query = msgspec.convert({k: v for k, v in given.items() if k in Query.__struct_fields__}, Query)
    if given["live"]:
        asked = {k: v for k, v in msgspec.to_builtins(query).items() if v not in (None, "", [])}
        found = instance.client(given["estate"], given["state"]).explain(asked)
    else:
        examined = examine(located(given["estate"]), given["env"])
        if examined.tables is None:
            raise EstateError(examined.diagnostics)
        found = explain_query(examined.tables, query)
        note("of the file alone: what is drained, failed or down right now does not count; --live asks the instance")
    emit(given["as_json"], found, lambda: print_explanation(found, given["everything"]))
    return NO if found.error else OK


def print_explanation(found: Explanation, everything: bool) -> None:
    """The decision in one line, then a row for each deployment that could be meant."""
    classes = ", ".join(found.classes) or "none"
    say(f"{found.asked}: route {found.route or '-'}, prefer {found.prefer}, data classes {classes}")
    if found.shares:
        by = ", ".join(f"{name} {share:g} %" for name, share in found.shares.items())
        say(f"shares: {by}; each request takes its turn, the table shows one")
    if found.error:
        say(f"refused [{found.error}]: {found.message}")
    rows = sorted(found.verdicts, key=lambda v: (v.order is None, v.order or 0, not v.eligible))
    shown = [v for v in rows if everything or v.eligible or not _of_another_model(v)]
    table(("try", "deployment", "may run in", "expected USD", "why not, or what else"), (_row(v) for v in shown))
    if len(shown) < len(rows):
        say(f"{len(rows) - len(shown)} deployment(s) of other models are not shown; --all shows them")


def _of_another_model(verdict: Verdict) -> bool:
    return any("does not serve" in reason or "is not " in reason[:40] for reason in verdict.reasons)


def _row(verdict: Verdict) -> tuple[object, ...]:
    remarks = list(verdict.reasons)
    if verdict.equivalent:
        remarks.append("another model, declared equivalent")
    if verdict.degraded:
        remarks.append("without " + ", ".join(verdict.degraded))
    places = ", ".join(verdict.places[:PLACES_SHOWN])
    if len(verdict.places) > PLACES_SHOWN:
        places += f" and {len(verdict.places) - PLACES_SHOWN} more"
    return (verdict.order, verdict.deployment, places, verdict.expected_usd, "; ".join(remarks))
