"""Commands that send and count model traffic through the running gateway."""

import json
import sys
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import click
import msgspec

from polycloud.app.calling import CALL_SECONDS, NO_KEY, Call, events, text_of, tokens
from polycloud.app.cli import instance
from polycloud.app.cli.options import running_options
from polycloud.app.cli.output import NO, OK, cells, emit, note, say, table
from polycloud.app.client import Address, Answer, said
from polycloud.core.errors import BadRequest, NotRunning

OURS = "x-polycloud-"


@click.command()
@click.argument("model")
@click.argument("prompt")
@click.option("--stream", is_flag=True, help="Print the answer as it comes.")
@click.option("--anthropic", is_flag=True, help="By the Anthropic messages API.")
@click.option("--class", "data_class", default="", help="The data class of this request; it can only tighten.")
@click.option("--region", default="", help="Where the caller is: a site or an ISO country.")
@click.option("--max-tokens", type=click.IntRange(1), help="The longest answer.")
@click.option("--key", envvar="POLYCLOUD_KEY", help="The gateway key; default: the sandbox's own.")
@click.option("--url", envvar="POLYCLOUD_URL", help="Another gateway than the one that runs here.")
@running_options
@click.pass_context
def call(context: click.Context, /, **_: object) -> int:
    """Send one PROMPT to MODEL through the running gateway, and show where it ran.

    The answer goes to stdout, where it ran to stderr. A PROMPT of - is read from stdin.
    """
    given = dict(context.params)
    if given["prompt"] == "-":
        given["prompt"] = sys.stdin.read()
    wanted = msgspec.convert({name: given[name] for name in Call.__struct_fields__}, Call)
    address, key = _where(given["url"], given["key"], given["estate"], given["state"])
    with address.ask("POST", wanted.path, wanted.body, wanted.headers(key), CALL_SECONDS) as answer:
        headers = {name.lower(): value for name, value in answer.getheaders()}
        try:
            if answer.status != 200:
                return _refused(Answer(answer.status, headers, answer.read()), given["as_json"])
            if wanted.stream and not given["as_json"]:
                return _stream(answer, headers)
            return _whole(wanted, answer, headers, given["as_json"])
        except (OSError, HTTPException) as error:
            raise NotRunning(f"{address.url} stopped in mid-answer: {type(error).__name__}") from error


def _where(url: str | None, key: str | None, estate: Path | None, state: Path | None) -> tuple[Address, str]:
    """The gateway and the key. Raises BadRequest when there is no key."""
    if url is None:
        run, _ = instance.running(estate, state)
        url, key = run.url, key or run.key
    if not key:
        raise BadRequest(NO_KEY)
    try:
        return Address(url), key
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _refused(answer: Answer, as_json: bool) -> int:
    if as_json:
        emit(True, {"status": answer.status, "headers": _ours(answer.headers), "error": answer.json()}, say)
    else:
        note(f"error {answer.status}: {said(answer)}")
        _print_ours(answer.headers)
    return NO


def _whole(wanted: Call, answer: HTTPResponse, headers: dict[str, str], as_json: bool) -> int:
    if wanted.stream:
        found: Any = list(events(answer))
    else:
        found = json.loads(answer.read())

    def people() -> None:
        say(text_of(found))
        _print_ours(headers)
        came, went = tokens(found.get("usage") or {})
        note(f"tokens: {came} in, {went} out")

    emit(as_json, {"status": answer.status, "headers": _ours(headers), "answer": found}, people)
    return NO if wanted.stream and any("error" in event for event in found) else OK


def _stream(answer: HTTPResponse, headers: dict[str, str]) -> int:
    code = OK
    try:
        for event in events(answer):
            if "error" in event:
                note(f"\nerror: {event['error'].get('message', event['error'])}")
                code = NO
            click.echo(text_of(event), nl=False)
    finally:
        say()  # what came of one that breaks off stands on a line of its own
    _print_ours(headers)
    return code


def _ours(headers: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.startswith(OURS)}


def _print_ours(headers: dict[str, str]) -> None:
    for name, value in _ours(headers).items():
        note(f"{name.removeprefix(OURS)}: {value}")


@click.command()
@click.option("--by", default="team,model,cloud", show_default=True, help="Dimensions, with commas between.")
@click.option("--since", default="24h", show_default=True, help="From when: an age such as 24h, or Unix seconds.")
@running_options
def usage(by: str, since: str, estate: Path | None, state: Path | None, as_json: bool) -> int:
    """Requests, tokens and cost, summed by team, model and cloud (site, deployment, key, asked, outcome)."""
    names = tuple(part.strip() for part in by.split(",") if part.strip())
    found = instance.client(estate, state).usage(names, since)
    columns = ("requests", "attempts", "failed", "input_tokens", "output_tokens", "cache_read_tokens", "unpriced")

    def people() -> None:
        rows = found["rows"]
        table(
            (*names, *columns, "cost_usd"),
            ([*cells(r["group"], names), *cells(r, columns), r["cost_usd"]] for r in rows),
        )
        if any(r["unpriced"] for r in rows):
            say("unpriced: attempts whose price is unknown; they are in no cost")

    emit(as_json, found, people)
    return OK
