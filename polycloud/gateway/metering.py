"""What a request leaves in the journal: its decision, and one record of every attempt with tokens and cost."""

from typing import Protocol

import msgspec

from polycloud.core.errors import BadRequest, PolycloudError
from polycloud.core.ports.models import Envelope, Face
from polycloud.core.usage import AttemptRecord, DecisionRecord, Outcome, Usage, cost_pico_usd
from polycloud.gateway.attempts import Attempt
from polycloud.gateway.dialects.prompt_size import text_tokens
from polycloud.gateway.records import trace_id
from polycloud.gateway.routes import Choice
from polycloud.gateway.targets import Generation
from polycloud.policy.tables import Principal

ASKED_CHARS_MAX = 200  # of a name that is refused: callers choose its length
RULE_CHARS_MAX = 300
_NONE_REFUSED: dict[str, str] = {}


class Metered(Protocol):
    """What records say of the request that they belong to. ``spent``: the gateway's own seconds on it."""

    id: str
    asked: str
    face: Face
    generation: Generation
    principal: Principal
    classes: tuple[str, ...]
    envelope: Envelope
    spent: float


def decision(
    of: Metered, choice: Choice | None, wall: float, traceparent: bytes | None, error: PolycloudError | None = None
) -> DecisionRecord:
    """The record that is written before the first attempt; without a choice, of the refusal by ``error``."""
    generation = of.generation
    asked, route, chosen, code = of.asked, "", "", ""
    eligible: tuple[str, ...] = ()
    expected = None
    refused = _NONE_REFUSED
    if error is not None:
        asked, code = asked[:ASKED_CHARS_MAX], error.code
        if not isinstance(error, BadRequest):  # which may quote the body
            refused = {"*": error.message[:RULE_CHARS_MAX]}
    if choice is not None:
        first = choice.order[0]
        route, chosen = choice.route.name, generation.compiled.deployments[first.index].id
        eligible, expected = generation.eligible(choice.eligible).ids, first.expected_pico_usd
    return DecisionRecord(  # by place, as below
        of.id,
        int(wall * 1000),
        of.principal.id,
        of.principal.team,
        asked,
        route,
        of.classes,
        generation.policy,
        generation.view.overlay.version,
        chosen,
        eligible,
        refused,
        expected,
        of.face.name,
        code,
        trace_id(traceparent) if traceparent else "",
    )


def attempted(
    of: Metered, made: Attempt, outcome: Outcome, error: PolycloudError | None, now: float, wall: float, *, final: bool
) -> AttemptRecord:
    """The record of an attempt that is over at ``now`` (the clock of ``Attempt.sent``)."""
    row = made.target.deployment
    usage, estimated = used(made, outcome, of.envelope)
    region, provider_request = made.target.evidence(made.headers)
    sent, first = made.sent, made.first_content
    return AttemptRecord(  # by place: 26 names would cost a microsecond, the tenth of all metering
        of.id,
        int(wall * 1000),
        made.number,
        of.principal.id,
        of.principal.team,
        of.asked,
        row.id,
        row.cloud,
        row.site,
        row.model,
        outcome,
        "" if error is None else error.code,
        made.status,
        int((now - sent) * 1e6) / 1000 if sent else 0.0,
        int((first - sent) * 1e6) / 1000 if first else None,
        usage,
        None if usage is None else cost_pico_usd(usage, row.price),
        made.stream,
        final,
        made.candidate.equivalent,
        made.degraded,
        region,
        provider_request,
        of.generation.policy,
        int(of.spent * 1e6) if final else 0,
        estimated,
    )


def used(made: Attempt, outcome: Outcome, envelope: Envelope) -> tuple[Usage | None, bool]:
    """What to book, and whether it is an estimate: an answer that broke off may lack the provider's own count,
    or hold only the one from its beginning. The request's tokens are then those of its text."""
    usage = made.usage
    if not made.seen_bytes:
        asked = outcome == "cancelled" and made.sent > 0.0  # the prompt was sent, and is billed
        if usage is not None or not asked:
            return usage, False
    if usage is not None and made.finish is not None:
        return usage, False
    known = usage or Usage()
    input_tokens = known.input_tokens or text_tokens(envelope.fields)
    output_tokens = max(known.output_tokens, made.seen_bytes // 4 + 1 if made.seen_bytes else 0)
    found = msgspec.structs.replace(known, input_tokens=input_tokens, output_tokens=output_tokens)
    return found, found != usage
