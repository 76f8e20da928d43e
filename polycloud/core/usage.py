"""What a request used and what was decided about it: token counts, cost, and the journal's records.

One convention for all providers: ``input_tokens`` counts every prompt token, cached ones included;
``output_tokens`` counts every generated token, reasoning included. Dialects convert on reading.

These values hold no reference that could lead back to them, so the garbage collector need not follow
them: it would take a fifth of the time in which the control process reads a journal.
"""

from typing import Literal

import msgspec

from polycloud.core.money import TokenPrice

RECORD_VERSION = 1


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Token counts of one attempt; the cache and reasoning counts are parts of the first two, and the last is the
    part of the cache writes that are kept for an hour."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_hour_tokens: int = 0


def cost_pico_usd(usage: Usage, price: TokenPrice) -> int | None:
    """The cost of ``usage`` in pico-dollars, or None where the price is unknown.

    Price lists have one price of cache writes, that of five minutes: 1.25 times the input's. An hour costs twice the
    input's, so 1.6 times that (docs.claude.com/en/docs/build-with-claude/prompt-caching, 2026-11)."""
    if price.input is None or price.output is None:
        return None
    read = price.input if price.cache_read is None else price.cache_read
    write = price.input if price.cache_write is None else price.cache_write
    hour = 0 if price.cache_write is None else usage.cache_write_hour_tokens * price.cache_write * 3 // 5
    plain = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    return (
        plain * price.input
        + usage.cache_read_tokens * read
        + usage.cache_write_tokens * write
        + hour
        + usage.output_tokens * price.output
    )


Outcome = Literal["ok", "error", "cancelled", "lost"]


class DecisionRecord(msgspec.Struct, frozen=True, tag="decision", tag_field="kind", omit_defaults=True, gc=False):
    """Written before the first attempt: who asked for what, what was eligible, and under which policy.

    ``code`` is set when the request was refused (``chosen`` is then empty); ``trace`` is the W3C trace id.
    """

    request: str
    at_ms: int
    key: str
    team: str
    asked: str
    route: str
    classes: tuple[str, ...]
    policy: str
    overlay: int
    chosen: str
    eligible: tuple[str, ...]
    refused: dict[str, str] = {}
    expected_pico_usd: int | None = None
    face: str = ""
    code: str = ""
    trace: str = ""
    v: int = RECORD_VERSION


class AttemptRecord(msgspec.Struct, frozen=True, tag="attempt", tag_field="kind", omit_defaults=True, gc=False):
    """Written after each attempt: where it ran, what it used, how it ended.

    Units: ``latency_ms`` from sending to the last byte, ``first_token_ms`` to the first content,
    ``overhead_us`` the gateway's own time on the request (last attempt only), ``cost_pico_usd``
    None where the price is unknown. ``estimated``: the counts are the gateway's own, because the
    provider had not sent any when the call ended. ``final`` marks the attempt that the caller's answer came from
    or that ended the request.
    """

    request: str
    at_ms: int
    number: int
    key: str
    team: str
    asked: str
    deployment: str
    cloud: str
    site: str
    model: str
    outcome: Outcome
    code: str = ""
    status: int = 0
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    usage: Usage | None = None
    cost_pico_usd: int | None = None
    streamed: bool = False
    final: bool = False
    equivalent: bool = False
    degraded: tuple[str, ...] = ()
    reported_region: str = ""
    provider_request: str = ""
    policy: str = ""
    overhead_us: int = 0
    estimated: bool = False
    v: int = RECORD_VERSION


Record = DecisionRecord | AttemptRecord
