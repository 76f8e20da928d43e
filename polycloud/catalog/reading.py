"""Tables of the package as typed rows: one reader for each file, blanks read as unknown."""

import csv
import datetime
import functools
import io
from collections.abc import Iterator
from importlib import resources

from polycloud.catalog.rows import Adequacy, Facts, Jurisdiction, ModelProfile, PriceRow, Region, Scope, Source
from polycloud.core.money import TokenPrice

FEATURES = (
    "tools", "json_schema", "reasoning", "vision", "prompt_cache", "streaming",
    "temperature", "top_k", "seed", "stop", "penalties", "logprobs",
)  # fmt: skip
_FLAG = {"1": True, "0": False}


def table(name: str, beginning: str = "") -> Iterator[dict[str, str]]:
    """Rows of ``tables/<name>.csv`` as text, those whose line begins so: no cell of a table has a line break. Raises
    FileNotFoundError when the package is not whole."""
    if not beginning:
        return csv.DictReader(io.StringIO(_text(name)))
    head, *lines = _lines(name)
    return csv.DictReader([head, *(line for line in lines if line.startswith(beginning))])


def _text(name: str) -> str:
    return (resources.files("polycloud.catalog") / "tables" / f"{name}.csv").read_text(encoding="utf8")


@functools.cache
def _lines(name: str) -> tuple[str, ...]:
    return tuple(_text(name).splitlines())


def _int(text: str) -> int | None:
    return int(text) if text else None


def _float(text: str) -> float | None:
    return float(text) if text else None


def _date(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.split("|")) if text else ()


def sources() -> Iterator[Source]:
    for r in table("sources"):
        yield Source(r["id"], r["upstream"], r["path"], r["version"], r["as_of"], r["licence"], r["note"])


def regions() -> Iterator[Region]:
    for r in table("regions"):
        yield Region(
            cloud=r["cloud"],
            region=r["region"],
            name=r["name"],
            city=r["city"],
            country=r["country"],
            subdivision=r["subdivision"],
            latitude=_float(r["latitude_degrees"]),
            longitude=_float(r["longitude_degrees"]),
            kind=r["kind"],
            partition=r["partition"],
            status=r["status"],
            operator=r["operator"],
            source=r["source"],
            as_of=r["as_of"],
        )


def jurisdictions() -> Iterator[Jurisdiction]:
    for r in table("jurisdictions"):
        yield Jurisdiction(
            id=r["id"],
            name=r["name"],
            short=r["short"],
            law=r["law"],
            members=_list(r["members"]),
            in_force=_date(r["in_force"]),
            transfer_class=r["transfer_class"],
            transfer_rule=r["transfer_rule"],
            note=r["note"],
            law_source=r["law_source"],
            source=r["source"],
            as_of=r["as_of"],
        )


def adequacy() -> Iterator[Adequacy]:
    for r in table("adequacy"):
        yield Adequacy(
            from_jurisdiction=r["from_jurisdiction"],
            to_country=r["to_country"],
            year=_int(r["year"]),
            decision=r["decision"],
            condition=r["condition"],
            status=r["status"],
            source=r["source"],
            as_of=r["as_of"],
        )


def scopes() -> Iterator[Scope]:
    for r in table("profiles"):
        yield Scope(r["cloud"], r["id"], r["models"], _list(r["regions"]), r["source"], r["as_of"], r["note"])


def models() -> Iterator[ModelProfile]:
    for r in table("models"):
        yield ModelProfile(
            cloud=r["cloud"],
            name=r["name"],
            upstream_id=r["upstream_id"],
            dialect=r["dialect"],
            scopes=_list(r["scopes"]),
            regional=r["regional"] == "1",
            usable=r["usable"] == "1",
            features={feature: _FLAG[r[feature]] for feature in FEATURES if r[feature]},
            context_tokens=_int(r["context_tokens"]),
            max_output_tokens=_int(r["max_output_tokens"]),
            modalities_in=_list(r["modalities_in"]),
            modalities_out=_list(r["modalities_out"]),
            deprecation=_date(r["deprecation"]),
            source=r["source"],
            as_of=r["as_of"],
        )


def _price(row: dict[str, str], suffix: str, free: bool) -> TokenPrice:
    def known(column: str) -> int | None:
        value = _int(row.get(column + suffix, ""))
        return None if value == 0 and not free else value

    return TokenPrice(
        known("input_micro_usd_per_mtok"),
        known("output_micro_usd_per_mtok"),
        known("cache_read_micro_usd_per_mtok"),
        known("cache_write_micro_usd_per_mtok"),
    )


def prices() -> Iterator[PriceRow]:
    """Price rows; 0 is read as unknown unless free.csv lists the row."""
    free_rows = {(r["cloud"], r["upstream_id"], r["scope"]) for r in table("free")}
    for r in table("prices"):
        free = (r["cloud"], r["upstream_id"], r["scope"]) in free_rows
        long_from = _int(r["long_from_tokens"])
        yield PriceRow(
            cloud=r["cloud"],
            upstream_id=r["upstream_id"],
            scope=r["scope"],
            price=_price(r, "", free),
            source=r["source"],
            as_of=r["as_of"],
            batch_input=_int(r["batch_input_micro_usd_per_mtok"]) or None,
            batch_output=_int(r["batch_output_micro_usd_per_mtok"]) or None,
            long=_price(r, "_long", free) if long_from else None,
            long_from_tokens=long_from,
            free=free,
        )


def facts() -> Facts:
    """Every table of the package. Raises FileNotFoundError or KeyError when it is not whole."""
    return Facts(
        regions=tuple(regions()),
        jurisdictions=tuple(jurisdictions()),
        adequacy=tuple(adequacy()),
        scopes=tuple(scopes()),
        models=tuple(models()),
        prices=tuple(prices()),
        sources=tuple(sources()),
    )
