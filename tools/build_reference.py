"""Makes docs/reference from the code: errors, command line, estate, headers, records, capabilities, metrics.

python tools/build_reference.py            write the pages
python tools/build_reference.py --check    exit 1 when a page on disk differs from what would be written
"""

import argparse
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

import click
import msgspec
import reference_estate
import reference_texts as texts

import polycloud
from polycloud.app.api.endpoints import ENDPOINTS
from polycloud.app.cli.main import cli as command_line
from polycloud.app.control.metrics import Gauges, Metrics
from polycloud.catalog import Catalog, reading
from polycloud.core.chat import Need
from polycloud.core.clock import SystemClock
from polycloud.core.errors import PolycloudError
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage
from polycloud.estate.codes import CODES
from polycloud.policy.capabilities import DIALECTS, can
from polycloud.policy.eligible import DEGRADABLE, PASS_THROUGH_ONLY, PREFERRED

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "reference"
NOTICE = (
    "<!-- Made by tools/build_reference.py; change the code or tools/reference_texts.py, then `make reference`. -->\n"
)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells) + " |\n"

    head = list(head)
    return line(head) + line("---" for _ in head) + "".join(line(row) for row in rows)


def matched(what: str, names: Iterable[str], known: Mapping[str, object]) -> None:
    """Every name has its text and every text its name. Raises SystemExit."""
    have, told = set(names), set(known)
    if have != told:
        raise SystemExit(f"{what}: no text for {sorted(have - told)}, no name for {sorted(told - have)}")


def errors() -> str:
    for module in pkgutil.walk_packages(polycloud.__path__, "polycloud."):
        if not module.name.startswith(("polycloud.clouds", "polycloud.store.migrations")):
            import_module(module.name)
    found: dict[str, type[PolycloudError]] = {}
    for kind in descendants(PolycloudError):
        if kind.__module__.startswith("polycloud"):
            found.setdefault(kind.code, kind)
    matched("errors", found, texts.ERRORS)
    parts = [
        "# Errors\n\n",
        "Every error has a stable code, an HTTP status, and a message that says what, where and what to do next. "
        "Callers get it in their own dialect: as OpenAI's or as Anthropic's error body. "
        "“Another try can help” is what the gateway goes by when it looks for another target.\n\n",
        table(
            ["Code", "Status", "Another try can help"],
            ([f"[`{c}`](#{c})", k.status, "yes" if k.retryable else "no"] for c, k in found.items()),
        ),
    ]
    for code, kind in found.items():
        advice = texts.ERRORS[code]
        parts.append(f"\n## {code}\n\n`{kind.__name__}`, status {kind.status}.\n\n{advice.means}\n\n{advice.do}\n")
    parts.append(
        "\n## Findings about an estate\n\nAll of them are reported at once; a finding carries one of these codes.\n\n"
    )
    parts.append(table(["Code", "What it means"], ([f"`{code}`", text] for code, text in CODES.items())))
    return "".join(parts)


def descendants(kind: type[PolycloudError]) -> Iterator[type[PolycloudError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from descendants(child)


def headers() -> str:
    code = [path for path in sorted((ROOT / "polycloud").rglob("*.py")) if "sandbox" not in path.parts]
    source = "\n".join(path.read_text("utf8") for path in code)
    used = set(re.findall(r"x-polycloud-[a-z]+(?:-[a-z]+)*", source))
    told = {name for name in (*texts.REQUEST_HEADERS, *texts.RESPONSE_HEADERS) if name.startswith("x-polycloud")}
    matched("headers", used, dict.fromkeys(told))
    parts = ["# Headers\n\n## Requests\n\n", table(["Header", "Meaning"], code_first(texts.REQUEST_HEADERS))]
    parts += ["\n## Responses\n\n", table(["Header", "Meaning"], code_first(texts.RESPONSE_HEADERS))]
    parts.append(
        "\n`retry-after` (seconds) and `retry-after-ms` come with errors that name a time. A header that decides who "
        "asks or what is allowed (`authorization`, `x-api-key`, `api-key`, `x-polycloud-class`, `x-polycloud-region`, "
        "`host`, `content-length`) may be sent once only; a second value is refused with 400.\n"
    )
    return "".join(parts)


def code_first(rows: Mapping[str, str]) -> Iterator[list[str]]:
    return ([f"`{name}`", text] for name, text in rows.items())


def records() -> str:
    kinds: tuple[type[msgspec.Struct], ...] = (DecisionRecord, AttemptRecord)
    matched("records", {n for k in kinds for n in k.__struct_fields__}, texts.RECORD_FIELDS)
    matched("usage", Usage.__struct_fields__, texts.USAGE_FIELDS)
    parts = [
        "# Records\n\nA worker writes one *decision* for each request and one *attempt* for each call of a provider. "
        'A line of its journal is `{"h": …, "r": record}`: `h` is the SHA-256 of the line before it, in hexadecimal, '
        "64 zeros at the start of a file. Fields at their default are left out. Money is whole pico-dollars.\n"
    ]
    for kind in kinds:
        said = (kind.__doc__ or "").strip().split("\n")[0]
        parts.append(f'\n## {kind.__name__} (`"kind": "{kind.__struct_config__.tag}"`)\n\n{said}\n\n')
        parts.append(
            table(
                ["Field", "Type", "Meaning"],
                (
                    [f"`{f.name}`", f"`{typed(f.type)}`", texts.RECORD_FIELDS[f.name]]
                    for f in msgspec.structs.fields(kind)
                ),
            )
        )
    parts.append("\n## Usage\n\nOne convention for all providers; dialects convert when they read.\n\n")
    parts.append(table(["Field", "Meaning"], code_first(texts.USAGE_FIELDS)))
    return "".join(parts)


def typed(kind: object) -> str:
    text = kind.__name__ if isinstance(kind, type) and not hasattr(kind, "__args__") else str(kind)
    return re.sub(r"\b(?:typing|polycloud\.core\.usage)\.", "", text)


def capabilities() -> str:
    matched("needs", (str(need.name) for need in Need), texts.NEEDS)
    everywhere = {name: can(name, "", {}, {}) for name in DIALECTS}

    def cell(dialect: str, need: Need) -> str:
        if not DIALECTS[dialect] & need:
            return "–"
        return "yes" if everywhere[dialect] & need else "by model"

    def note(need: Need) -> str:
        marks = [
            word
            for bits, word in (
                (DEGRADABLE, "degradable"),
                (PREFERRED, "preferred"),
                (PASS_THROUGH_ONLY, "same dialect only"),
            )
            if bits & need
        ]
        return ", ".join(marks)

    parts = [
        "# Capabilities\n\nWhat a request can need, and which wire format can say it. *yes*: assumed of every model "
        "behind the format unless the catalogue or the estate says otherwise. *by model*: where the catalogue or the "
        "estate says that the model does it. *–*: the format has no word for it. *degradable*: a route with "
        "`unsupported: degrade` may leave it out (or, for JSON, ask by prompt and check) and says so in "
        "`x-polycloud-degraded`. *preferred*: a route with `unsupported: reroute` prefers who can, and leaves it out "
        "where nobody can. *same dialect only*: carried only where caller and provider speak the same format. "
        "On Bedrock `SERIAL_TOOLS`, `TOP_K` and `REASONING` go through fields of the model's maker, and only for the "
        "makers whose fields are known.\n\n",
        table(
            ["Need", "Meaning", *(f"`{name}`" for name in DIALECTS), "Notes"],
            ([f"`{n.name}`", texts.NEEDS[str(n.name)], *(cell(name, n) for name in DIALECTS), note(n)] for n in Need),
        ),
    ]
    return "".join(parts) + catalog()


def catalog() -> str:
    known, facts = Catalog.load(), reading.facts()
    clouds = ("aws", "azure", "gcp", "oci")
    rows = []
    for cloud in clouds:
        models = known.models(cloud)
        prices = [p for p in facts.prices if p.cloud == cloud]
        rows.append(
            [
                f"`{cloud}`",
                len(known.sites(cloud)),
                len(known.scopes(cloud)),
                len(models),
                sum(m.usable for m in models),
                len(prices),
                sum(p.price.known for p in prices),
            ]
        )
    parts = [
        "\n## What the catalogue holds\n\nA price of 0 is unknown unless it is listed as free; "
        "an unknown price is never the cheapest.\n\n",
        table(["Cloud", "Regions", "Cross-region scopes", "Models", "of them usable", "Prices", "of them known"], rows),
        f"\nJurisdictions: {len(facts.jurisdictions)}. Adequacy decisions: {len(facts.adequacy)}.\n\n### Sources\n\n",
        table(
            ["Source", "Where", "As of", "Note"],
            ([s.id, f"{s.upstream} {s.path}".strip(), s.as_of, s.note] for s in facts.sources),
        ),
    ]
    return "".join(parts)


def metrics() -> str:
    text = Metrics(SystemClock(), Gauges).exposition().decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
    rows = [
        [f"`{name}`", kinds[name], said]
        for name, said in re.findall(r"^# HELP (\S+) (.*)$", text, re.M)
        if not name.endswith("_created")
    ]
    return (
        "# Metrics\n\n`GET /metrics` in the text format of Prometheus. Everything is derived by the control process "
        "from the workers' records and beats, so a scrape costs the data path nothing. Counters start at 0 with the "
        "control process. Ratios cover the last five minutes.\n\n" + table(["Metric", "Kind", "Meaning"], rows)
    )


def admin() -> str:
    parts = [
        "# Admin API\n\nThe control process answers it, on the same port as model traffic: a worker passes on every "
        "path outside `/v1/`. Each request carries `authorization: Bearer TOKEN`; the token is in `admin.token` in "
        "the state directory. `GET /openapi.json` is the full description. Errors have the form "
        '`{"error": {"code", "message", "fix", "findings"}}`, with the codes of [errors](errors.md).\n\n'
        "Without a token: `/healthz` (the process lives), `/readyz` (an estate is in force and every worker has it), "
        "`/openapi.json`, and `/metrics` as long as the gateway listens on the loopback address.\n\n",
        table(["Endpoint", "What it does"], ([f"`{e.method} {e.path}`", e.summary] for e in ENDPOINTS)),
    ]
    for endpoint in ENDPOINTS:
        rows = [[f"`{q.name}`", "query", q.text] for q in endpoint.query]
        if endpoint.body is not None:
            fields = endpoint.body.model_fields.items()
            rows += [[f"`{name}`", "body", field.description or ""] for name, field in fields]
        if rows:
            parts.append(f"\n## {endpoint.name}\n\n`{endpoint.method} {endpoint.path}`\n\n")
            parts.append(table(["Name", "Where", "Meaning"], rows))
    return "".join(parts)


def commands() -> str:
    context = click.Context(command_line, info_name="polycloud", terminal_width=100)  # whatever terminal it runs in
    return "# Command line\n\n" + "".join(command(command_line, context))


def command(found: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## {context.command_path}\n\n```text\n{found.get_help(context).rstrip()}\n```\n\n"
    if isinstance(found, click.Group):
        for name in found.list_commands(context):
            child = found.get_command(context, name)
            if child is not None and not child.hidden:
                yield from command(child, click.Context(child, info_name=name, parent=context))


BUILDERS: dict[str, Callable[[], str]] = {
    "errors.md": errors,
    "cli.md": commands,
    "estate.md": reference_estate.page,
    "headers.md": headers,
    "records.md": records,
    "capabilities.md": capabilities,
    "metrics.md": metrics,
    "admin-api.md": admin,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is not current")
    check = parser.parse_args().check
    stale = []
    for name, build in BUILDERS.items():
        path, text = PAGES / name, NOTICE + "\n" + build().rstrip() + "\n"
        if not path.is_file() or path.read_text("utf8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, "utf8")
    print(("not current: " if check else "written: ") + (", ".join(stale) or "none"))
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
