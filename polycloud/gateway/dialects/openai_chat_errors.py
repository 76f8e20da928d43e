"""Our errors in OpenAI's words, so that its clients raise what their users expect.

Types and codes: platform.openai.com/docs/guides/error-codes and openai 3.52.0, 2026-11.
"""

from polycloud.core.errors import (
    ContentFiltered,
    ContextTooLong,
    KeyRefused,
    ModelUnknown,
    PolycloudError,
    QuotaSpent,
    RateLimited,
    RequestError,
    Throttled,
)
from polycloud.gateway.dialects.errors import carried

_CODES: dict[type[PolycloudError], str] = {
    KeyRefused: "invalid_api_key",
    ModelUnknown: "model_not_found",
    RateLimited: "rate_limit_exceeded",
    Throttled: "rate_limit_exceeded",
    QuotaSpent: "insufficient_quota",
    ContextTooLong: "context_length_exceeded",
    ContentFiltered: "content_filter",
}
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def error_body(error: PolycloudError, request_id: str = "") -> dict[str, object]:
    """``code`` is the provider's own where it speaks this dialect, OpenAI's where it has one, else our stable code."""
    code, param = carried(error, "openai_chat")
    said = plain_body(error.status, code or _CODES.get(type(error), error.code), error.message)
    if isinstance(error, QuotaSpent):
        said["type"] = "insufficient_quota"
    said["param"] = (getattr(error, "param", None) if isinstance(error, RequestError) else param) or None
    if request_id:
        said["request_id"] = request_id
    return {"error": said}


def plain_body(status: int, code: str, message: str) -> dict[str, object]:
    """The error object by status alone."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"message": message, "type": kind, "param": None, "code": code}
