"""Commands that send and count model traffic through the running gateway."""

import json
import sys
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import click
import msgspec

from polycloud.app.cli import instance
from polycloud.app.cli.options import running_options
from polycloud.app.cli.output import NO, OK, emit, note, say, table
from polycloud.app.client import Address, Answer, NotRunning, said
from polycloud.core.errors import BadRequest

CALL_SECONDS = 660.0  # a little over the longest total deadline of a route by default
OURS = "x-polycloud-"
LINE_BYTES_MAX = 1024 * 1024  # one event of a stream
OUTPUT_TOKENS = 1024  # the Anthropic API asks for a bound


class Call(msgspec.Struct, frozen=True):
    """One prompt, in one of the two APIs."""

    model: str
    prompt: str
    stream: bool
    anthropic: bool
    data_class: str
    region: str
    max_tokens: int | None

    @property
    def path(self) -> str:
        return "/v1/messages" if self.anthropic else "/v1/chat/completions"

    @property
    def body(self) -> dict[str, object]:
        found: dict[str, object] = {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt}],
            "stream": self.stream,
        }
        if self.max_tokens or self.anthropic:
            found["max_tokens"] = self.max_tokens or OUTPUT_TOKENS
        return found

    def headers(self, key: str) -> dict[str, str]:
        found = {"x-api-key": key, "anthropic-version": "2023-06-01"} if self.anthropic else {}
        if not self.anthropic:
            found["authorization"] = f"Bearer {key}"
        if self.data_class:
            found["x-polycloud-class"] = self.data_class
        if self.region:
            found["x-polycloud-region"] = self.region
        return found


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
        raise BadRequest("no key: make one with `polycloud keys create --team TEAM`, give --key or POLYCLOUD_KEY")
    return Address(url), key


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
        note(f"tokens: {_tokens(found.get('usage') or {})}")

    emit(as_json, {"status": answer.status, "headers": _ours(headers), "answer": found}, people)
    return OK


def _stream(answer: HTTPResponse, headers: dict[str, str]) -> int:
    code = OK
    for event in events(answer):
        if "error" in event:
            note(f"\nerror: {event['error'].get('message', event['error'])}")
            code = NO
        click.echo(text_of(event), nl=False)
    say()
    _print_ours(headers)
    return code


def events(answer: HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON events of a server-sent stream; what is not JSON (comments, the end mark) is passed over."""
    while line := answer.readline(LINE_BYTES_MAX):
        if line.startswith(b"data: {"):
            yield json.loads(line[6:])


def text_of(value: dict[str, Any]) -> str:
    """The text in an answer or stream event of either API."""
    for choice in value.get("choices") or ():
        return str((choice.get("message") or choice.get("delta") or {}).get("content") or "")
    if isinstance(value.get("delta"), dict):
        return str(value["delta"].get("text") or "")
    return "".join(str(block.get("text", "")) for block in value.get("content") or ())


def _tokens(usage: dict[str, Any]) -> str:
    came = usage.get("prompt_tokens", usage.get("input_tokens", 0))
    went = usage.get("completion_tokens", usage.get("output_tokens", 0))
    return f"{came} in, {went} out"


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
            ([*(r["group"][n] for n in names), *(r[c] for c in columns), r["cost_usd"]] for r in rows),
        )
        if any(r["unpriced"] for r in rows):
            say("unpriced: attempts whose price is unknown; they are in no cost")

    emit(as_json, found, people)
    return OK
