"""Errors as the admin API tells them: ``{"error": {"code", "message", "fix", "findings"}}``, always in this form."""

import msgspec
from pydantic import ValidationError
from starlette.responses import Response

from polycloud.core.errors import EstateError, PolycloudError, RequestError


class NotFound(RequestError):
    """There is nothing of this name. ``fix``: how to see what there is, when that is not the list of paths."""

    code = "not_found"
    status = 404

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix


class Unauthenticated(RequestError):
    """The admin token is missing or wrong."""

    code = "admin_token_refused"
    status = 401


FIXES = {
    "bad_request": "GET /openapi.json lists parameters and bodies",
    "admin_token_refused": "send 'authorization: Bearer TOKEN'; the token is in admin.token in the state directory",
    "conflict": "read the newest version, look at it, and send the change again",
    "key_unknown": "`polycloud keys list`, or GET /admin/keys, shows them",
    "store_away": "look at the disk and at other users of the store; workers serve on meanwhile",
    "not_found": "GET /openapi.json lists what there is",
    "estate_invalid": "mend the findings and reload again; the old estate is still in force",
}


def told(error: PolycloudError) -> Response:
    """One error as an answer; an estate's findings come whole, each with its place and fix. An error's own ``fix``
    says more than that of its code."""
    fix = getattr(error, "fix", "") or FIXES.get(error.code, "")
    body: dict[str, object] = {"code": error.code, "message": error.message, "fix": fix}
    if isinstance(error, EstateError):
        body["message"] = error.message.split("\n")[0]
        body["findings"] = [str(d) for d in error.diagnostics]
    return reply(error.status, {"error": body})


def invalid(error: ValidationError) -> Response:
    """A body that does not fit: every field that is wrong, none of its content."""
    found = [f"{'.'.join(map(str, d['loc'])) or 'body'}: {d['msg']}" for d in error.errors(include_url=False)]
    body = {"code": "bad_request", "message": "; ".join(found), "fix": "GET /openapi.json describes the body"}
    return reply(400, {"error": body})


def reply(status: int, value: object) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
