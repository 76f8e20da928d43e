"""What the pipeline says about a request once it is over: its trail, its last error."""

import json
import re
from typing import NamedTuple

from polycloud.core.errors import CloudError, Throttled
from polycloud.gateway.explain import Explanation
from polycloud.gateway.routes import Candidate

EXPLAINED_MAX = 40  # deployments in a header; `polycloud explain` shows all
REASON_CHARS_MAX = 120
HEADER_CHARS_MAX = 2000  # clients commonly refuse headers over 8 KB
_UNPRINTABLE = re.compile(rb"[^ -~]")
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Trail(NamedTuple):
    """One attempt that failed."""

    candidate: Candidate
    deployment: str
    error: CloudError


def exhausted(trail: list[Trail]) -> CloudError:
    """The error for a caller when no target is left: the last one's kind, with what happened at each.

    One attempt: its own error. All throttled: Throttled with the shortest wait.
    """
    last = trail[-1].error
    if len(trail) == 1:
        return _named(last, f"{trail[0].deployment}: {last.message}")
    told = "; ".join(f"{t.deployment}: {t.error.message}" for t in trail)
    message = f"all {len(trail)} attempts failed: {told}"
    if all(isinstance(t.error, Throttled) for t in trail):
        waits = [t.error.retry_after_seconds for t in trail if isinstance(t.error, Throttled)]
        known = [w for w in waits if w is not None]
        return Throttled(message, last.provider_status, min(known) if known else None)
    return _named(last, message)


def _named(error: CloudError, message: str) -> CloudError:
    if isinstance(error, Throttled):
        named: CloudError = Throttled(message, error.provider_status, error.retry_after_seconds)
    else:
        named = type(error)(message, error.provider_status)
    named.said = error.said
    return named


def trace_id(traceparent: bytes | None) -> str:
    """The trace id of a W3C traceparent header (https://www.w3.org/TR/trace-context/), "" when there is none."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    return match[1].decode() if match else ""


def explanation(found: Explanation) -> bytes:
    """One decision as compact ASCII JSON for a header: the order of trial, and why the others are not in it."""
    tried = sorted((v for v in found.verdicts if v.order), key=lambda v: v.order or 0)
    refused = [v for v in found.verdicts if not v.order][:EXPLAINED_MAX]
    brief = {
        "route": found.route,
        "classes": found.classes,
        "order": [{"deployment": v.deployment, "expected_usd": v.expected_usd} for v in tried[:EXPLAINED_MAX]],
        "refused": {v.deployment: "; ".join(v.reasons)[:REASON_CHARS_MAX] for v in refused},
    }
    return json.dumps(brief, separators=(",", ":")).encode()  # escapes what is not ASCII, as JSON does


def header_text(names: tuple[str, ...]) -> bytes:
    """Names as one header value. Some are members of the caller's body, so nothing but printable ASCII passes."""
    return _UNPRINTABLE.sub(b"?", ",".join(names).encode("ascii", "replace"))[:HEADER_CHARS_MAX]
