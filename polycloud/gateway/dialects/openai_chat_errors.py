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
    """``code`` is OpenAI's where it has one, else our own stable code."""
    status = error.status
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "server_error")
    body: dict[str, object] = {
        "message": error.message,
        "type": "insufficient_quota" if isinstance(error, QuotaSpent) else kind,
        "param": error.param if isinstance(error, RequestError) and hasattr(error, "param") else None,
        "code": _CODES.get(type(error), error.code),
    }
    if request_id:
        body["request_id"] = request_id
    return {"error": body}
