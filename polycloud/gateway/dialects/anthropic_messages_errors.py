"""Our errors in Anthropic's words, so that its clients raise what their users expect.

Types by status: docs.claude.com/en/api/errors and anthropic 2.11.0, 2026-11.
"""

from polycloud.core.errors import PolycloudError, QuotaSpent, RequestError

_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def error_body(error: PolycloudError, request_id: str = "") -> dict[str, object]:
    """``code`` is our own stable one, beside Anthropic's type."""
    status = error.status
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    said: dict[str, object] = {
        "type": "billing_error" if isinstance(error, QuotaSpent) else kind,
        "message": error.message,
        "code": error.code,
    }
    if isinstance(error, RequestError) and getattr(error, "param", None):
        said["param"] = error.param
    body: dict[str, object] = {"type": "error", "error": said}
    if request_id:
        body["request_id"] = request_id
    return body
