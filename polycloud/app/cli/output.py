"""How answers are printed: tables for people, JSON for programs, one line for an error."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import click
import msgspec

PIPE_COLUMNS = 200  # a table that is piped has no terminal to fit into

OK, NO, WRONG, AWAY, INTERRUPTED = 0, 1, 2, 3, 130
EXIT_CODES = """\b
Exit codes:
  0    ok
  1    the answer is no, or the request failed
  2    wrong input, or the estate has errors
  3    polycloud is not running or can not be reached
  130  interrupted"""


def say(text: str = "") -> None:
    """One line for people, on stdout."""
    click.echo(text)


def note(text: str) -> None:
    """One line that is not part of the answer, on stderr."""
    click.echo(text, err=True)


def emit(as_json: bool, value: object, people: Callable[[], None]) -> None:
    """``value`` as indented JSON for programs, or what ``people`` prints."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
    else:
        people()


def cells(row: Mapping[str, object], names: Iterable[str]) -> list[object]:
    """The values of ``names``, as a row of a table."""
    return [row[name] for name in names]


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str = "") -> None:
    """A plain table; numbers stand right. Rich is loaded here, so that quick commands do not pay for it."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    found = [list(row) for row in rows]
    drawn = Table(box=SIMPLE_HEAD, title=title or None, title_justify="left", pad_edge=False)
    for at, name in enumerate(columns):
        numbers = bool(found) and all(isinstance(row[at], int | float) or row[at] in (None, "") for row in found)
        drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in found:
        drawn.add_row(*(escape(_printed(text(cell))) for cell in row))
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(drawn)


def _printed(cell: str) -> str:
    """Without what would steer the terminal: cells come from other programs' files too."""
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in cell)


def text(value: Any) -> str:
    """A value as a cell shows it; nothing is a dash."""
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{k}={text(v)}" for k, v in value.items()) or "-"
    return str(value)


def value_table(value: object, title: str = "") -> None:
    """Any JSON value as well as a table can: rows of maps as columns, a map as names and values."""
    if isinstance(value, dict):
        flat = {k: v for k, v in value.items() if not _nested(v)}
        if flat:
            table(("what", "value"), flat.items(), title)
        for key, inner in value.items():
            if _nested(inner):
                value_table(inner, key)
    elif isinstance(value, list | tuple) and value and all(isinstance(row, dict) for row in value):
        columns = list(dict.fromkeys(key for row in value for key in row))
        table(columns, ([row.get(c) for c in columns] for row in value), title)
    else:
        say(f"{title}: {text(value)}" if title else text(value))


def _nested(value: object) -> bool:
    if isinstance(value, dict):
        return any(isinstance(v, dict | list) for v in value.values()) or len(value) > 4
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
