"""Records as rows of ``decisions`` and ``attempts``, and back; the mapping is the identity."""

from collections.abc import Mapping
from functools import lru_cache

import msgspec
from msgspec.structs import astuple
from sqlalchemy import insert
from sqlalchemy.dialects.sqlite import dialect

from polycloud.core.usage import AttemptRecord, DecisionRecord, Record, Usage
from polycloud.store.schema import attempts, decisions

Row = tuple[object, ...]
"""Values in the order of the table's columns."""
INTEGER_MAX = 2**63 - 1  # what a BIGINT column holds
OFFSET_BITS = 36  # a file of 64 GiB, a thousand times what a worker rotates at; leaves 2**27 files
LISTS_MAX = 4096  # lists kept as text: the same few come again in every request

INSERT_DECISION, INSERT_ATTEMPT = (str(insert(table).compile(dialect=dialect())) for table in (decisions, attempts))
_NO_USAGE = (None,) * len(Usage.__struct_fields__)
_encode = msgspec.json.Encoder().encode
_strings = msgspec.json.Decoder(tuple[str, ...])
_reasons = msgspec.json.Decoder(dict[str, str])


def place(file: int, offset: int) -> int:
    """The key of the row of the line at ``offset`` of ``file``: rows of a file lie together, in its order."""
    return file << OFFSET_BITS | offset


@lru_cache(LISTS_MAX)
def text(value: tuple[str, ...]) -> str:
    """A list as JSON text."""
    return _encode(value).decode()


def strings(value: str) -> tuple[str, ...]:
    return _strings.decode(value)


def decision_row(id: int, chained: bool, record: DecisionRecord) -> Row:
    return (
        id,
        # The driver takes an int as it is, but looks up how to adapt a bool.
        1 if chained else 0,
        record.request,
        record.at_ms,
        record.key,
        record.team,
        record.asked,
        record.route,
        text(record.classes),
        record.policy,
        record.overlay,
        record.chosen,
        text(record.eligible),
        _encode(record.refused).decode() if record.refused else "{}",
        record.expected_pico_usd,
        record.face,
        record.code,
        record.trace,
        record.v,
    )


def attempt_row(id: int, chained: bool, record: AttemptRecord) -> Row:
    usage = record.usage
    return (
        id,
        1 if chained else 0,
        record.request,
        record.at_ms,
        record.number,
        record.key,
        record.team,
        record.asked,
        record.deployment,
        record.cloud,
        record.site,
        record.model,
        record.outcome,
        record.code,
        record.status,
        record.latency_ms,
        record.first_token_ms,
        *(_NO_USAGE if usage is None else astuple(usage)),
        record.cost_pico_usd,
        1 if record.streamed else 0,
        1 if record.final else 0,
        1 if record.equivalent else 0,
        text(record.degraded),
        record.reported_region,
        record.provider_request,
        record.policy,
        record.overhead_us,
        1 if record.estimated else 0,
        record.v,
    )


def fits(row: Row) -> bool:
    """Whether every integer of ``row`` fits its column: a provider can report any number of tokens."""
    return all(not isinstance(v, int) or -INTEGER_MAX <= v <= INTEGER_MAX for v in row)


def read_decision(row: Mapping[str, object]) -> Record:
    values = dict(row)
    values["key"] = values.pop("key_id")
    values["kind"] = "decision"
    values["classes"] = strings(str(row["classes"]))
    values["eligible"] = strings(str(row["eligible"]))
    values["refused"] = _reasons.decode(str(row["refused"]))
    return msgspec.convert(values, DecisionRecord)


def read_attempt(row: Mapping[str, object]) -> Record:
    values = dict(row)
    values["key"] = values.pop("key_id")
    values["kind"] = "attempt"
    values["degraded"] = strings(str(row["degraded"]))
    counts = {name: values.pop(name) for name in Usage.__struct_fields__}
    known = counts["input_tokens"] is not None
    values["usage"] = {name: count or 0 for name, count in counts.items()} if known else None
    return msgspec.convert(values, AttemptRecord)
