"""Every error that a caller can meet, as one tree.

    PolycloudError(code, retryable)
    ├── EstateError(diagnostics)         the file is wrong; nothing was changed
    ├── RequestError                     the caller's request can not be served as it is
    │   ├── BadRequest                   400  malformed, unknown class, wrong type
    │   ├── KeyRefused                   401  no key, unknown, expired, revoked
    │   ├── PolicyDenied(decision)       403  no eligible place: the message names the rule
    │   ├── ModelUnknown                 404
    │   ├── TooLarge                     413
    │   ├── RateLimited                  429
    │   └── Unsupported                  422  no deployment can do what is asked
    ├── GatewayUnavailable               503  this worker takes no request now; another, or later, may
    │   ├── GatewayStopping
    │   └── JournalUnwritable
    ├── CloudError                       a provider failed
    │   ├── Unauthorized                 breaker of that deployment opens
    │   ├── NotFound
    │   ├── Throttled(retry_after_seconds)   next target, cool down
    │   ├── QuotaSpent                   not retried there
    │   ├── Unavailable                  next target
    │   │   └── SteeredAway              the overlay says that the site has failed
    │   ├── TimedOut                     next target
    │   ├── ContextTooLong               only to a larger window
    │   ├── ContentFiltered              no fall back unless the route says so
    │   ├── Rejected                     the provider says the request is wrong
    │   └── BrokenStream                 the answer stopped short of its end mark
    ├── StateError
    │   ├── Conflict
    │   ├── StalePlan
    │   └── LeaseLost
    ├── NotRunning                       503  no instance answers at the address
    └── Refused                          502  that instance refused a request

Whether another try can help is a fact of the class (``retryable``). A message says what, where and
what to do next; each ``code`` has a section in docs/reference/errors.md.
"""

from typing import ClassVar, NamedTuple

from polycloud.core.diagnostics import Diagnostic


class PolycloudError(Exception):
    """The root. ``code`` is stable and documented; ``status`` is the HTTP status that callers see."""

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False
    status: ClassVar[int] = 500

    @property
    def message(self) -> str:
        return str(self.args[0]) if self.args else self.code


class EstateError(PolycloudError):
    """The estate has errors; ``diagnostics`` holds all of them. The old estate stays in force."""

    code = "estate_invalid"
    status = 400

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        errors = [d for d in diagnostics if d.severity == "error"]
        super().__init__(f"the estate has {len(errors)} error(s)\n" + "\n".join(map(str, errors)))
        self.diagnostics = diagnostics


class RequestError(PolycloudError):
    """The caller has to change the request, the key or the estate."""

    status = 400

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class BadRequest(RequestError):
    """What was asked for is wrong in itself; the message names the part and what may stand there."""

    code = "bad_request"


class KeyRefused(RequestError):
    code = "key_refused"
    status = 401


class PolicyDenied(RequestError):
    """No deployment may serve the request; the message names the rule that left none."""

    code = "policy_denied"
    status = 403


class ModelUnknown(RequestError):
    code = "model_unknown"
    status = 404


class TooLarge(RequestError):
    code = "too_large"
    status = 413


class Unsupported(RequestError):
    code = "unsupported"
    status = 422


class RateLimited(RequestError):
    code = "rate_limited"
    status = 429
    retryable = True

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class GatewayUnavailable(PolycloudError):
    """The gateway itself takes no request now; no provider has failed."""

    code = "gateway_unavailable"
    status = 503
    retryable = True


class GatewayStopping(GatewayUnavailable):
    code = "gateway_stopping"


class JournalUnwritable(GatewayUnavailable):
    """The disk refuses the journal, and as many records wait in memory as may."""

    code = "journal_unwritable"


class Said(NamedTuple):
    """What a provider's error names, in the words of its ``dialect``; "" is nothing."""

    dialect: str
    code: str = ""
    param: str = ""


class CloudError(PolycloudError):
    """A provider's failure in common terms. ``provider_status`` is its HTTP status, 0 when there was none."""

    code = "provider_error"
    status = 502
    retryable = True
    said: Said | None = None

    def __init__(self, message: str, provider_status: int = 0) -> None:
        super().__init__(message)
        self.provider_status = provider_status


class Unauthorized(CloudError):
    code = "provider_unauthorized"


class NotFound(CloudError):
    code = "provider_not_found"


class Throttled(CloudError):
    """``retry_after_seconds`` is what the provider asked for, None when it did not say."""

    code = "provider_throttled"
    status = 429

    def __init__(self, message: str, provider_status: int = 429, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, provider_status)
        self.retry_after_seconds = retry_after_seconds


class QuotaSpent(CloudError):
    code = "provider_quota_spent"
    status = 429


class Unavailable(CloudError):
    code = "provider_unavailable"
    status = 503


class SteeredAway(Unavailable):
    """Traffic was moved away from where this attempt ran: no verdict about the deployment."""

    code = "steered_away"


class TimedOut(CloudError):
    code = "provider_timeout"
    status = 504


class ContextTooLong(CloudError):
    code = "context_too_long"
    status = 400


class ContentFiltered(CloudError):
    code = "content_filtered"
    status = 400
    retryable = False


class Rejected(CloudError):
    code = "provider_rejected"
    status = 400
    retryable = False


class BrokenStream(CloudError):
    code = "broken_stream"


class StateError(PolycloudError):
    """The store refused: somebody else changed what this was based on."""

    status = 409


class Conflict(StateError):
    code = "conflict"


class StalePlan(StateError):
    code = "stale_plan"


class LeaseLost(StateError):
    code = "lease_lost"


class NotRunning(PolycloudError):
    """Nothing answers at the address; the message says how to start it."""

    code = "not_running"
    status = 503
    retryable = True


class Refused(PolycloudError):
    """The running instance refused a request; ``answer_status`` is its HTTP status."""

    code = "request_refused"
    status = 502

    def __init__(self, message: str, answer_status: int) -> None:
        super().__init__(message)
        self.answer_status = answer_status
