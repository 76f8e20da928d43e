"""Sums and trails over ingested attempts and decisions.

Money stays exact: a sum of pico-dollars leaves 64 bits at 9.2 million dollars, so whole
micro-dollars and the remainders are summed apart and put together as Python integers
(``exact_sum``). That holds to 9.2 trillion dollars and 9.2 trillion rows.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Engine, case, desc, func, select

from polycloud.core.money import PICO_PER_MICRO
from polycloud.core.ports.state import PROVIDER_FAULTS, Measured, Promise, Trail, UsageRow
from polycloud.core.usage import Record
from polycloud.store import rows
from polycloud.store.engine import reading
from polycloud.store.measuring import measure
from polycloud.store.schema import attempts, decisions

DIMENSIONS = {
    "team": attempts.c.team,
    "model": attempts.c.model,
    "cloud": attempts.c.cloud,
    "site": attempts.c.site,
    "deployment": attempts.c.deployment,
    "key": attempts.c.key_id,
    "asked": attempts.c.asked,
    "outcome": attempts.c.outcome,
}
_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_COST = attempts.c.cost_pico_usd
_HIDDEN = ("id", "chained")


def exact_sum(whole: int | None, rest: int | None) -> int:
    """Pico-dollars from a sum of whole micro-dollars and a sum of what is below them."""
    return (whole or 0) * PICO_PER_MICRO + (rest or 0)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)


_SUMS: dict[str, ColumnElement[int]] = {
    "attempts": func.count(),
    "requests": _count(attempts.c.final.is_(True)),
    "failed": _count(attempts.c.outcome != "ok"),
    "unpriced": _count(attempts.c.input_tokens.is_not(None) & _COST.is_(None)),
    "whole": func.sum(_COST // PICO_PER_MICRO),
    "rest": func.sum(_COST % PICO_PER_MICRO),
    **{name: func.coalesce(func.sum(attempts.c[name]), 0) for name in _TOKENS},
}
_OK = attempts.c.outcome == "ok"
_FAULT = (attempts.c.outcome == "error") & attempts.c.code.in_(sorted(PROVIDER_FAULTS))
_ERROR = attempts.c.outcome == "error"


class SqlLedger:
    """``core.ports.state.Ledger`` over SQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def usage(self, by: Sequence[str], since_ms: int, until_ms: int, where: dict[str, str]) -> list[UsageRow]:
        for name in (*by, *where):
            if name not in DIMENSIONS:
                raise ValueError(f"{name!r} is no dimension of usage; use {', '.join(DIMENSIONS)}")
        groups = [DIMENSIONS[name].label(f"by_{name}") for name in by]
        query = (
            select(*groups, *(column.label(name) for name, column in _SUMS.items()))
            .where(_window(since_ms, until_ms), *(DIMENSIONS[name] == value for name, value in where.items()))
            .group_by(*groups)
            .order_by(*groups)
        )
        with reading(self._engine) as connection:
            found = connection.execute(query).mappings().all()
        return [
            UsageRow(
                group={name: row[f"by_{name}"] for name in by},
                cost_pico_usd=exact_sum(row["whole"], row["rest"]),
                **{name: int(row[name]) for name in ("requests", "attempts", "failed", "unpriced", *_TOKENS)},
            )
            for row in found
            if row["attempts"]
        ]

    def measured(self, since_ms: int, until_ms: int) -> list[Measured]:
        with reading(self._engine) as connection:
            return measure(connection, since_ms, until_ms)

    def kept(self, promise: Promise, since_ms: int, until_ms: int) -> tuple[int, int]:
        where = _window(since_ms, until_ms) & attempts.c.final
        if promise.models is not None:
            where &= attempts.c.model.in_(promise.models)
        if promise.sites is not None:
            where &= attempts.c.site.in_(promise.sites)
        good, counted = _OK, _OK | (_ERROR if promise.measure == "error-rate" else _FAULT)
        if promise.measure in ("latency", "first-token"):
            column = attempts.c.latency_ms if promise.measure == "latency" else attempts.c.first_token_ms
            counted = _OK & column.is_not(None)
            good = counted & (column <= promise.bound_ms)
        query = select(_count(good).label("good"), _count(counted).label("counted")).where(where)
        with reading(self._engine) as connection:
            row = connection.execute(query).one()
        return int(row.good), int(row.counted)

    def trail(self, request: str) -> Trail | None:
        with reading(self._engine) as connection:
            return _trail(connection, request)

    def recent(self, limit: int) -> list[Trail]:
        newest = select(decisions.c.request).order_by(desc(decisions.c.at_ms), desc(decisions.c.id)).limit(limit)
        with reading(self._engine) as connection:
            found = [_trail(connection, request) for request in connection.execute(newest).scalars().all()]
        return [trail for trail in found if trail is not None]


def _window(since_ms: int, until_ms: int) -> ColumnElement[bool]:
    return (attempts.c.at_ms >= since_ms) & (attempts.c.at_ms < until_ms)


def _trail(connection: Connection, request: str) -> Trail | None:
    records: list[Record] = []
    for table, order, read in (
        (decisions, (decisions.c.id,), rows.read_decision),
        (attempts, (attempts.c.number, attempts.c.id), rows.read_attempt),
    ):
        columns = [c for c in table.c if c.name not in _HIDDEN]
        query = select(*columns).where(table.c.request == request).order_by(*order)
        records += [read({str(k): v for k, v in row.items()}) for row in connection.execute(query).mappings()]
    return Trail(request, tuple(records)) if records else None
