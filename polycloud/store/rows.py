"""Records as rows of ``decisions`` and ``attempts``, and back; the mapping is the identity."""

from collections.abc import Mapping

import msgspec

from polycloud.core.ports.state import Entry
from polycloud.core.usage import AttemptRecord, DecisionRecord, Record, Usage

Row = dict[str, object]
INTEGER_MAX = 2**63 - 1  # what a BIGINT column holds

_encode = msgspec.json.Encoder().encode
_strings = msgspec.json.Decoder(tuple[str, ...])
_reasons = msgspec.json.Decoder(dict[str, str])


def text(value: object) -> str:
    """A list or a mapping as JSON text."""
    return _encode(value).decode()


def strings(value: str) -> tuple[str, ...]:
    return _strings.decode(value)


def decision_row(file: int, entry: Entry, record: DecisionRecord) -> Row:
    return {
        "file": file,
        "offset": entry.offset,
        "chained": entry.chained,
        "request": record.request,
        "at_ms": record.at_ms,
        "key_id": record.key,
        "team": record.team,
        "asked": record.asked,
        "route": record.route,
        "classes": text(record.classes),
        "policy": record.policy,
        "overlay": record.overlay,
        "chosen": record.chosen,
        "eligible": text(record.eligible),
        "refused": text(record.refused),
        "expected_pico_usd": record.expected_pico_usd,
        "face": record.face,
        "code": record.code,
        "trace": record.trace,
        "v": record.v,
    }


def attempt_row(file: int, entry: Entry, record: AttemptRecord) -> Row:
    usage = record.usage
    return {
        "file": file,
        "offset": entry.offset,
        "chained": entry.chained,
        "request": record.request,
        "at_ms": record.at_ms,
        "number": record.number,
        "key_id": record.key,
        "team": record.team,
        "asked": record.asked,
        "deployment": record.deployment,
        "cloud": record.cloud,
        "site": record.site,
        "model": record.model,
        "outcome": record.outcome,
        "code": record.code,
        "status": record.status,
        "latency_ms": record.latency_ms,
        "first_token_ms": record.first_token_ms,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "cache_read_tokens": usage.cache_read_tokens if usage else None,
        "cache_write_tokens": usage.cache_write_tokens if usage else None,
        "reasoning_tokens": usage.reasoning_tokens if usage else None,
        "cost_pico_usd": record.cost_pico_usd,
        "streamed": record.streamed,
        "final": record.final,
        "equivalent": record.equivalent,
        "degraded": text(record.degraded),
        "reported_region": record.reported_region,
        "provider_request": record.provider_request,
        "policy": record.policy,
        "overhead_us": record.overhead_us,
        "estimated": record.estimated,
        "v": record.v,
    }


def fits(row: Row) -> bool:
    """Whether every integer of ``row`` fits its column: a provider can report any number of tokens."""
    return all(not isinstance(v, int) or -INTEGER_MAX <= v <= INTEGER_MAX for v in row.values())


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
    values["usage"] = None if counts["input_tokens"] is None else counts
    return msgspec.convert(values, AttemptRecord)
