"""Our errors in Anthropic's words, so that its clients raise what their users expect.

Types by status: docs.claude.com/en/api/errors and anthropic 2.11.0, 2026-11.
"""

from polycloud.core.errors import PolycloudError, QuotaSpent, RequestError
from polycloud.gateway.dialects.errors import carried

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
    """``code``, beside Anthropic's type, is the provider's own where it speaks this dialect, else our stable one."""
    code, param = carried(error, "anthropic_messages")
    said = plain_body(error.status, code or error.code, error.message)
    if isinstance(error, QuotaSpent):
        said["type"] = "billing_error"
    if named := (getattr(error, "param", None) if isinstance(error, RequestError) else param):
        said["param"] = named
    body: dict[str, object] = {"type": "error", "error": said}
    if request_id:
        body["request_id"] = request_id
    return body


def plain_body(status: int, code: str, message: str) -> dict[str, object]:
    """The error object by status alone."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    return {"type": kind, "message": message, "code": code}
