"""Usage files, CSV and Parquet, line by line: each bad line is a finding with its number.

Columns: ``time`` (ISO 8601, a whole hour such as 2026-11-02T13:00Z, or a day such as 2026-11-02), ``cloud``,
``region``, ``sku`` (or ``machine``), ``quantity`` and ``unit`` (``machines``: the mean number running; ``hours``:
machine-hours; ``tokens``; ``tokens/m``), and ``cost`` (USD at on-demand prices, for the whole of the line's time).
Either quantity with unit or cost must be there. Times without a zone are UTC.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from importlib import import_module
from pathlib import Path

from polycloud.catalog.lookup import CLOUDS
from polycloud.catalog.market_rows import Offer
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import BadRequest
from polycloud.estate.paths import nearest, suggestion
from polycloud.placement.commitments.history import (
    DAY_HOURS,
    DOLLARS,
    MACHINES,
    TOKENS,
    Read,
    Row,
    assemble,
    bounded,
    finding,
)

Lookup = Callable[[str, str], Offer | None]  # (site, machine) -> its prices
NEEDED = ("time", "cloud", "region", "sku")
OPTIONAL = ("quantity", "unit", "cost")
ALSO = {"machine": "sku", "model": "sku"}  # other names of a column
UNITS = {  # as written: (kept as, divided by the hours or minutes of the line)
    "machines": (MACHINES, "mean"),
    "hours": (MACHINES, "sum"),
    "tokens": (TOKENS, "minutes"),
    "tokens/m": (TOKENS, "mean"),
}
NUMBER_MAX = Decimal(10**15)  # above any meter; what follows stays inside 64 bits
COST_MAX = Decimal(10**9)  # USD in one line
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class UnreadableUsage(BadRequest):
    """A usage file can not be read at all: its kind is unknown, or the part that reads it is not installed."""

    code = "usage_unreadable"


class _Bad(Exception):
    """Why a line can not be used, and the fix."""


Line = tuple[int, Mapping[str, str] | _Bad]  # its number, and its cells by column


def read_usage(path: Path, price: Lookup) -> Read:
    """The history in a ``.csv`` or ``.parquet`` file, priced by ``price`` where it brings no cost.

    Raises UnreadableUsage for another kind of file, or when pyarrow is not installed; OSError.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet"):
        raise UnreadableUsage(f"{path.name}: usage is read from .csv and .parquet files, not from {kind or 'this'}")
    return _read(_csv(path) if kind == ".csv" else _parquet(path), str(path), price)


def _csv(path: Path) -> Iterator[Line]:
    """(line, cells by column), or what is wrong with the line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        try:
            names = next(reader, [])
            yield 1, dict.fromkeys(names, "")
            for cells in reader:
                if not any(cell.strip() for cell in cells):
                    continue
                if len(cells) != len(names):
                    message = f"{len(cells)} cells stand under {len(names)} columns"
                    yield reader.line_num, _Bad(message, "give each line as many cells as the header")
                else:
                    yield reader.line_num, dict(zip(names, cells, strict=True))
        except UnicodeDecodeError as error:
            fix = "save it in UTF-8, as in: iconv -f LATIN1 -t UTF-8"
            yield _foreign(path), _Bad(f"the file is not in UTF-8: {error.reason}", fix)
        except csv.Error as error:
            yield reader.line_num + 1, _Bad(f"not CSV: {error}", "write it again as CSV with commas")


def _foreign(path: Path) -> int:
    """The first line that is not in UTF-8: the reader is a block ahead of the lines that it gives."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 1


def _parquet(path: Path) -> Iterator[Line]:
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise UnreadableUsage(
            f"{path.name}: Parquet needs pyarrow, which is not installed: pip install pyarrow; or give a CSV file"
        ) from error
    try:
        file = parquet.ParquetFile(path)
        yield 1, {str(name): "" for name in file.schema_arrow.names}
        line = 1
        for batch in file.iter_batches():
            for cells in batch.to_pylist():
                line += 1
                yield line, {str(name): _text(value) for name, value in cells.items()}
    except pyarrow.ArrowException as error:
        raise UnreadableUsage(f"{path.name} is not Parquet: {str(error)[:200]}") from error


def _text(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _read(lines: Iterable[Line], file: str, price: Lookup) -> Read:
    found: list[Diagnostic] = []
    rows: list[Row] = []
    columns: dict[str, str] = {}
    prices: dict[tuple[str, str, str], tuple[float, str]] = {}
    unpriced: dict[tuple[str, str, str], int] = {}
    units: dict[tuple[str, str, str], tuple[str, bool]] = {}
    for line, cells in lines:
        if isinstance(cells, _Bad):
            message, fix = cells.args
            found.append(finding(file, line, "usage_line", message, fix))
        elif line == 1:
            columns, wrong = _columns(list(cells), file)
            if wrong:
                return Read(None, tuple(wrong))
        else:
            try:
                row = _row(line, {columns[name]: text.strip() for name, text in cells.items()})
                _one_way(units, row)
            except _Bad as bad:
                message, fix = bad.args
                found.append(finding(file, line, "usage_line", message, fix))
                continue
            rows.append(row)
            if row.micro is None and not _priced(row, price, prices):
                unpriced.setdefault((row.cloud, row.region, row.sku), line)
    found += [
        finding(
            file,
            line,
            "usage_price",
            f"no on-demand price is known for {sku} at {cloud}/{region}",
            "add a cost column, or state the price under money.prices: of the estate",
        )
        for (cloud, region, sku), line in unpriced.items()
    ]
    if found:
        return Read(None, bounded(found, file))
    return assemble(rows, file, prices)


def _columns(names: list[str], file: str) -> tuple[dict[str, str], list[Diagnostic]]:
    """The columns by their own names, and what is wrong with the header."""
    meant = {name: ALSO.get(name.strip().lower(), name.strip().lower()) for name in names}
    known = (*NEEDED, *OPTIONAL)
    wrong = [
        finding(file, 1, "usage_header", f"{name!r} is not a column of a usage file", suggestion(name, (*known, *ALSO)))
        for name, word in meant.items()
        if word not in known
    ]
    missing = [word for word in NEEDED if word not in meant.values()]
    if missing:
        listed = ", ".join(missing)
        wrong.append(finding(file, 1, "usage_header", f"columns are missing: {listed}", f"begin: {','.join(known)}"))
    if len(set(meant.values())) < len(names):
        wrong.append(finding(file, 1, "usage_header", "a column stands twice", "keep one of them"))
    if not ({"quantity", "unit"} <= set(meant.values()) or "cost" in meant.values()):
        wrong.append(
            finding(file, 1, "usage_header", "neither quantity with unit nor cost is there", "add one of them")
        )
    return meant, wrong


def _row(line: int, cells: Mapping[str, str]) -> Row:
    start, hours = _time(cells["time"])
    cloud = cells["cloud"].lower()
    if cloud not in CLOUDS:
        raise _Bad(f"{cells['cloud'][:40]!r} is no cloud", f"write one of {', '.join(CLOUDS)}")
    region = cells["region"].removeprefix(f"{cloud}/")
    for name, text in (("region", region), ("sku", cells["sku"])):
        if not text:
            raise _Bad(f"the {name} is missing", "name what was used, and where")
    micro = None
    if cells.get("cost"):
        micro = round(_number(cells["cost"], "cost", COST_MAX) * 1_000_000 / hours)
    unit, units = DOLLARS, 0.0
    if cells.get("quantity"):
        unit, units = _quantity(cells["quantity"], cells.get("unit", ""), hours)
    if micro is None and unit != MACHINES:
        what = "tokens have no cost" if unit == TOKENS else "neither quantity nor cost is given"
        raise _Bad(what, "add the on-demand cost in USD as cost")
    return Row(line, start, hours, cloud, region, cells["sku"], unit, units, micro)


def _time(text: str) -> tuple[int, int]:
    """Unix seconds and hours of a line's time."""
    fix = "write a whole hour as 2026-11-02T13:00Z, or a day as 2026-11-02"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _Bad(f"{text[:40]!r} is not a time", fix) from None
    whole = found.replace(tzinfo=found.tzinfo or UTC)
    if whole.timestamp() % 3600:
        raise _Bad(f"{text[:40]!r} is not a whole hour", fix)
    if not 1970 < whole.year < 2200:
        raise _Bad(f"{text[:40]!r} is not a time of this age", fix)
    return int(whole.timestamp()), DAY_HOURS if _DAY.fullmatch(text) else 1


def _quantity(text: str, unit: str, hours: int) -> tuple[str, float]:
    if unit not in UNITS:
        meant = nearest(unit, UNITS)
        raise _Bad(
            f"{unit[:40]!r} is not a unit" if unit else "the quantity has no unit",
            f"did you mean {meant}?" if meant else f"write one of {', '.join(UNITS)}",
        )
    kept, how = UNITS[unit]
    by = {"mean": 1, "sum": hours, "minutes": hours * 60}[how]
    return kept, float(_number(text, "quantity", NUMBER_MAX) / by)


def _number(text: str, what: str, most: Decimal) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        raise _Bad(
            f"the {what} {text[:40]!r} is not a number", "write it as 12.5, without currency or commas"
        ) from None
    if not found.is_finite() or abs(found) > most:
        raise _Bad(f"the {what} {text[:40]!r} is out of range", "check its unit")
    if found < 0:
        raise _Bad(f"the {what} is negative", "leave out credits and corrections: they are no usage")
    return found


def _one_way(units: dict[tuple[str, str, str], tuple[str, bool]], row: Row) -> None:
    """One sku has one unit, and its cost on every line or on none."""
    key = (row.cloud, row.region, row.sku)
    told = (row.unit, row.micro is not None)
    if units.setdefault(key, told) != told:
        raise _Bad(f"{row.sku} is told in another way than above", "give it one unit, and its cost always or never")


def _priced(row: Row, price: Lookup, prices: dict[tuple[str, str, str], tuple[float, str]]) -> bool:
    key = (row.cloud, row.region, row.sku)
    if key not in prices:
        offer = price(f"{row.cloud}/{row.region}", row.sku)
        if offer is None or offer.on_demand is None or offer.currency != "USD":
            return False
        prices[key] = (float(offer.on_demand), source_of(offer))
    return True


def source_of(offer: Offer) -> str:
    """Where an offer's price comes from, in a few words."""
    if offer.quality == "own":
        return "your estate"
    day = f", {offer.as_of}" if offer.as_of else ""
    return f"catalogue: {'+'.join(offer.sources) or 'unnamed'} ({offer.quality}{day})"


def no_prices(site: str, machine: str) -> Offer | None:
    """A look-up that knows nothing: every line must bring its cost."""
    return None
