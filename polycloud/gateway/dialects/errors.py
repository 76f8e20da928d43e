"""What a provider's error body says, read per wire format and put into the common error classes.

A body is read in three steps: its format's reader finds the names and the message, the format's table
gives the class of the names it knows, and the status (under 300: an error inside a stream) decides the
rest. Providers say some things only in prose (a prompt over the context window, a spent budget), so those
are found by their spellings.

Sources, 2026-11: botocore 1.44.5 ``bedrock-runtime`` service-2.json; learn.microsoft.com/azure/ai-foundry/openai/
concepts/content-filter; docs.claude.com/en/api/errors; cloud.google.com/vertex-ai/generative-ai/docs/
provisioned-throughput/error-code-429; google.rpc error_details.proto; docs.oracle.com/iaas/Content/API/References/
apierrors.htm; platform.openai.com/docs/guides/error-codes.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import msgspec

from polycloud.core.errors import (
    CloudError,
    ContentFiltered,
    ContextTooLong,
    NotFound,
    PolycloudError,
    QuotaSpent,
    Rejected,
    Said,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)

Table = Mapping[str, type[CloudError]]

BODY_BYTES_MAX = 256 * 1024  # error bodies are a few kilobytes; more is a web page or an echo of the prompt
SEARCHED_CHARS_MAX = 4096  # vendors put the reason first; a prompt that follows must not cost time
MESSAGE_CHARS_MAX = 300
PARAM_CHARS_MAX = 120
RETRY_AFTER_SECONDS_MAX = 86_400.0  # a day is the longest quota window that providers use


class Told(msgspec.Struct, frozen=True):
    """What an error says. ``names`` are its codes, types and reasons, the most telling first; ``said`` are the code
    and the parameter that a caller of the same dialect reads; ``readable`` is False when the body is not of the
    expected format."""

    names: tuple[str, ...] = ()
    message: str = ""
    retry_after_seconds: float | None = None
    readable: bool = True
    said: Said | None = None


OPENAI: Table = {
    "content_filter": ContentFiltered,
    "content_policy_violation": ContentFiltered,
    "ResponsibleAIPolicyViolation": ContentFiltered,
    "context_length_exceeded": ContextTooLong,
    "exceed_context_size_error": ContextTooLong,
    "insufficient_quota": QuotaSpent,
    "billing_hard_limit_reached": QuotaSpent,
    "billing_not_active": QuotaSpent,
    "account_deactivated": Unauthorized,
    "invalid_api_key": Unauthorized,
    "invalid_authentication": Unauthorized,
    "model_not_found": NotFound,
    "DeploymentNotFound": NotFound,
    "rate_limit_exceeded": Throttled,
    "overloaded": Throttled,
    "Timeout": TimedOut,
}

ANTHROPIC: Table = {
    "enforced_spend_limit_reached": QuotaSpent,
    "billing_error": QuotaSpent,
    "authentication_error": Unauthorized,
    "permission_error": Unauthorized,
    "not_found_error": NotFound,
    "rate_limit_error": Throttled,
    "request_too_large": Rejected,
    "timeout_error": TimedOut,
    "overloaded_error": Unavailable,
    "api_error": Unavailable,
}

GOOGLE: Table = {
    "API_KEY_INVALID": Unauthorized,
    "BILLING_DISABLED": QuotaSpent,
    "UNAUTHENTICATED": Unauthorized,
    "PERMISSION_DENIED": Unauthorized,
    "NOT_FOUND": NotFound,
    "UNIMPLEMENTED": NotFound,
    "RESOURCE_EXHAUSTED": Throttled,
    "DEADLINE_EXCEEDED": TimedOut,
    "UNAVAILABLE": Unavailable,
    "INTERNAL": Unavailable,
    "UNKNOWN": Unavailable,
    "ABORTED": Unavailable,
    "CANCELLED": Unavailable,
}

BEDROCK: Table = {
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "ModelNotReadyException": Throttled,
    "ServiceQuotaExceededException": QuotaSpent,
    "ModelTimeoutException": TimedOut,
    "ModelErrorException": Unavailable,
    "ModelStreamErrorException": Unavailable,
    "ServiceUnavailableException": Unavailable,
    "InternalServerException": Unavailable,
    "InternalFailure": Unavailable,
    "ResourceNotFoundException": NotFound,
    "AccessDeniedException": Unauthorized,
    "UnrecognizedClientException": Unauthorized,
    "ExpiredTokenException": Unauthorized,
    "InvalidSignatureException": Unauthorized,
    "IncompleteSignatureException": Unauthorized,
    "IncompleteSignature": Unauthorized,
    "InvalidClientTokenId": Unauthorized,
    "MissingAuthenticationTokenException": Unauthorized,
    "NotAuthorized": Unauthorized,
    "OptInRequired": Unauthorized,
    "RequestExpired": Unauthorized,
}

OCI: Table = {
    "NotAuthenticated": Unauthorized,
    "NotAllowed": Unauthorized,
    "NotAuthorized": Unauthorized,
    "SignUpRequired": QuotaSpent,
    "LimitExceeded": QuotaSpent,
    "QuotaExceeded": QuotaSpent,
    "NotAuthorizedOrNotFound": NotFound,
    "RelatedResourceNotAuthorizedOrNotFound": NotFound,
    "NotFound": NotFound,
    "TooManyRequests": Throttled,
    "IncorrectState": Unavailable,
    "InternalServerError": Unavailable,
    "ServiceUnavailable": Unavailable,
}

_TABLES: Mapping[str, Table] = {
    "openai_chat": OPENAI,
    "anthropic_messages": ANTHROPIC,
    "gemini": GOOGLE,
    "bedrock_converse": BEDROCK,
    "oci_generic": OCI,
}
# Words in codes that compatible servers make up themselves.
_THROTTLES = ("throttl", "rate_limit", "too_many_requests")
_FILTERS = ("content_filter", "safety")

_STATUSES: Mapping[int, type[CloudError]] = {
    401: Unauthorized,
    402: QuotaSpent,
    403: Unauthorized,
    404: NotFound,
    407: Unauthorized,
    408: TimedOut,
    409: Unavailable,
    410: NotFound,
    424: Unavailable,
    425: Unavailable,
    429: Throttled,
    499: Unavailable,
    501: NotFound,
    504: TimedOut,
    524: TimedOut,
}

_TOO_LONG = re.compile(
    r"maximum (?:context|prompt) length|context[ _](?:window|length|size)[^.]{0,40}exceed"
    r"|exceeds?[^.]{0,40}(?:context (?:window|length|size|limit)|maximum number of tokens|limit of [\d,]+ tokens)"
    r"|(?:prompt|input)(?: \([^)]{0,60}\))? is (?:too long|longer than the model's context)"
    r"|input length and `?max_tokens"
    r"|too many (?:input )?tokens(?! per )|input tokens? exceed|input token count[^.]{0,60}(?:exceeds|only supports)"
    r"|(?:inputs|max_new_tokens)` must (?:be <=|have less than)|tokens in the prompt cannot exceed",
    re.IGNORECASE,
)
_FILTERED = re.compile(
    r"content (?:management|filtering|usage|safety)? ?policy|inappropriate (?:\w+ )?content detected"
    r"|blocked by [^.]{0,40}(?:content filter|guardrail|safety|responsible ai)",
    re.IGNORECASE,
)
_SPENT = re.compile(
    r"credit balance|credits? (?:are|is|have been) (?:depleted|exhausted)|insufficient (?:quota|credits?|balance|funds)"
    r"|spend(?:ing)? (?:limit|cap)|specified (?:workspace )?api usage limits|exceeded your current quota"
    r"|(?:tokens|requests)[ _]per[ _]day",
    re.IGNORECASE,
)
_UNKNOWN_MODEL = re.compile(
    r"model identifier is invalid|on-demand throughput isn.t supported|marked by provider as legacy"
    r"|reached the end of its life|operation is not supported in this region",
    re.IGNORECASE,
)
_BEGINS = re.compile(r"[a-z_]+(?:\.\w+)*(?=: )")
_NAME_ENDS = re.compile(r"[.\[]")
_COMMON_PARAMS = frozenset(
    ("model", "messages", "max_tokens", "temperature", "top_p", "tools", "tool_choice", "stream")
)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

_HINTS: Mapping[type[CloudError], str] = {
    Unauthorized: "check the deployment's credential and its rights",
    NotFound: "check the deployment's model, version and region in the estate",
    QuotaSpent: "raise the quota or the spending limit there",
    Throttled: "try again later, or add capacity elsewhere",
    Unavailable: "try again, or add a deployment elsewhere",
    TimedOut: "try again, or add a deployment elsewhere",
    ContextTooLong: "shorten the prompt or use a model with a larger window",
    ContentFiltered: "change the prompt, or let the route retry filtered requests elsewhere",
    Rejected: "change the request",
}


def read_openai(body: bytes) -> Told:
    """OpenAI's ``{"error": {message, type, param, code}}`` and what compatible servers make of it: flat, a
    plain string, FastAPI's ``detail``, Azure's ``innererror``."""
    found = _object(body)
    if found is None:
        return Told(readable=False)
    error = found.get("error", found)
    if isinstance(error, str):
        return Told(_names(found.get("error_type")), error)
    if not isinstance(error, dict):
        return Told(readable=False)
    inner = error.get("innererror")
    inner_code = inner.get("code") if isinstance(inner, dict) else None
    message = _text(error.get("message")) or _text(found.get("message"))
    if not message and "detail" in error:
        message = _text(error["detail"]) or msgspec.json.encode(error["detail"]).decode()
    code = "".join(_names(error.get("code")))
    said = Said("openai_chat", code, _text(error.get("param"))[:PARAM_CHARS_MAX])
    return Told(_names(inner_code, error.get("code"), error.get("type")), message, said=said)


def read_anthropic(body: bytes) -> Told:
    """Anthropic's ``{"type": "error", "error": {type, message}}``; ``error_code`` tells a spend limit. The parameter
    is what a message begins with: ``messages.0.content: …``."""
    found = _object(body)
    error = found.get("error") if found else None
    if not isinstance(error, dict):
        return Told(readable=False)
    details = error.get("details")
    detail = details.get("error_code") if isinstance(details, dict) else None
    message, codes = _text(error.get("message")), _names(detail, error.get("error_code"))
    param = _BEGINS.match(message)
    said = Said("anthropic_messages", codes[0] if codes else "", param[0][:PARAM_CHARS_MAX] if param else "")
    return Told(_names(*codes, error.get("type")), message, said=said)


def read_google(body: bytes) -> Told:
    """Google's ``{"error": {code, message, status, details}}``, alone or in a list."""
    found = _object(body)
    error = found.get("error") if found else None
    if not isinstance(error, dict):
        return Told(readable=False)
    reasons: list[object] = []
    wait: float | None = None
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        if not isinstance(detail, dict):
            continue
        kind = _text(detail.get("@type"))
        if kind.endswith("google.rpc.ErrorInfo"):
            reasons.append(detail.get("reason"))
        elif kind.endswith("google.rpc.RetryInfo"):
            wait = _seconds(_text(detail.get("retryDelay")).removesuffix("s"))
    return Told(_names(*reasons, error.get("status")), _text(error.get("message")), wait)


def read_bedrock(body: bytes, errortype: str) -> Told:
    """AWS's ``{"message"}``; the exception's name is in the header ``x-amzn-errortype`` (``Name:uri``), for some
    front ends in ``__type`` (``namespace#Name``)."""
    found = _object(body)
    name = errortype.partition(":")[0].strip()
    if found is None:
        return Told(_names(name), readable=False)
    kind = _text(found.get("__type")).rpartition("#")[2]
    message = _text(found.get("message")) or _text(found.get("Message"))
    return Told(_names(name, kind, found.get("code")), message)


def read_oci(body: bytes) -> Told:
    """OCI's ``{"code", "message"}``; for errors of the model ``code`` is the status as text."""
    found = _object(body)
    if found is None or not ("code" in found or "message" in found):
        return Told(readable=False)
    return Told(_names(found.get("code")), _text(found.get("message")))


def judge(table: Table, told: Told, status: int, headers: Mapping[str, str], where: str) -> CloudError:
    """The error of class, wait and message that ``told`` and ``status`` mean. ``where`` names the deployment."""
    wait = retry_after_seconds(headers)
    if wait is None:
        wait = told.retry_after_seconds
    kind = _kind(table, told, status, wait)
    again = headers.get("x-should-retry", "")
    if again == "true" and kind is Rejected:
        kind = Unavailable
    elif again == "false" and kind is Throttled and wait is None:
        kind = QuotaSpent
    if not told.readable and kind is Rejected and "html" in headers.get("content-type", ""):
        kind = Unavailable  # a proxy's page says nothing about the request
    message = _message(kind, told, status, headers, where)
    error = Throttled(message, status, wait) if kind is Throttled else kind(message, status)
    error.said = told.said
    return error


def carried(error: PolycloudError, dialect: str) -> tuple[str, str]:
    """The code and the parameter of a provider's error that a caller of ``dialect`` can be told, "" for none: its own
    words in the same dialect, across dialects the parameters that both have. Nothing of what is not the caller's
    (status 500 and over): a code such as ``invalid_api_key`` would be taken for the caller's key."""
    said = error.said if isinstance(error, CloudError) and error.status < 500 else None
    if said is None:
        return "", ""
    if said.dialect == dialect:
        return said.code, said.param
    name = _NAME_ENDS.split(said.param, maxsplit=1)[0]
    return "", name if name in _COMMON_PARAMS else ""


def in_stream(dialect: str, code: str, message: str, *, retryable: bool = True) -> CloudError:
    """What an error inside a stream of ``dialect`` means: the same table as for a whole answer, as the code is the
    same. Converse spells its exceptions with a small first letter there. ``retryable``: what the format's reader
    makes of a code that no table has."""
    table = _TABLES.get(dialect, OPENAI)
    kind = _kind(table, Told((code[:1].upper() + code[1:], code), message), 200, None)
    low = code.lower()
    if kind is Unavailable and code not in table:
        if code.isdigit():
            kind = _kind(table, Told(), int(code), None)
        elif any(word in low for word in _THROTTLES):
            kind = Throttled
        elif any(word in low for word in _FILTERS):
            kind = ContentFiltered
        elif not retryable:
            kind = Rejected
    return kind(f"the provider failed inside the stream: {code} {message}".rstrip(), 200)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """How long the provider asks to wait, by ``retry-after-ms`` or ``retry-after`` (seconds, or a date measured
    against the answer's own ``date``); None when it does not say so readably. At most a day."""
    asked = headers.get("retry-after", "")
    wait = _seconds(headers.get("retry-after-ms", ""), 1000.0)
    if wait is None:
        wait = _seconds(asked)
    if wait is not None or not asked:
        return wait
    try:
        pause = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(pause.total_seconds(), 0.0), RETRY_AFTER_SECONDS_MAX)


def _kind(table: Table, told: Told, status: int, wait: float | None) -> type[CloudError]:
    named = next((table[name] for name in told.names if name in table), None)
    said = told.message[:SEARCHED_CHARS_MAX]
    in_stream = status < 300
    if named in (ContentFiltered, ContextTooLong, QuotaSpent, Unauthorized):
        return named
    if _SPENT.search(said) and wait is None and (in_stream or status in (400, 403, 429)):
        return QuotaSpent
    if (in_stream or status in (400, 413, 422, 500)) and named is not Throttled and _TOO_LONG.search(said):
        return ContextTooLong
    if (in_stream or status in (400, 422)) and _FILTERED.search(said):
        return ContentFiltered
    if status == 400 and _UNKNOWN_MODEL.search(said):
        return NotFound
    if named is not None:
        return named
    if in_stream or status >= 500:
        return _STATUSES.get(status, Unavailable)
    if status < 400:  # redirects are never followed: the address in the estate is not the provider's
        return NotFound
    return _STATUSES.get(status, Rejected)


def _message(kind: type[CloudError], told: Told, status: int, headers: Mapping[str, str], where: str) -> str:
    name = f" {told.names[0]}" if told.names else ""
    said = ""
    if kind is not Unauthorized:  # refusals of a credential quote parts of it: keys, tokens, canonical requests
        said = _UNPRINTABLE.sub(" ", told.message[: MESSAGE_CHARS_MAX * 2]).strip()[:MESSAGE_CHARS_MAX]
    if not told.readable:
        media = _UNPRINTABLE.sub(" ", headers.get("content-type", "no content type"))[:60]
        said = f"the body is not an error of this provider ({media})"
    answered = f"{where} answered {status}{name}" + (f": {said.rstrip('.')}" if said else "")
    return f"{answered}; {_HINTS[kind]}"


def _object(body: bytes) -> dict[str, object] | None:
    """The JSON object in ``body``, or the first one of a list; None when there is none."""
    if not body or len(body) > BODY_BYTES_MAX:
        return None
    try:
        found: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, list) and found:
        found = found[0]
    return found if isinstance(found, dict) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _names(*values: object) -> tuple[str, ...]:
    """Those of ``values`` that name something: short text of word characters. Numbers repeat the status."""
    return tuple(v for v in values if isinstance(v, str) and len(v) <= 80 and v.replace("-", "_").isidentifier())


def _seconds(text: str, parts: float = 1.0) -> float | None:
    """``text``, a number of 1/``parts`` seconds, in seconds within bounds; None when it is no number."""
    try:
        value = float(text) / parts
    except ValueError:
        return None
    return None if value != value else min(max(value, 0.0), RETRY_AFTER_SECONDS_MAX)  # NaN is no time
