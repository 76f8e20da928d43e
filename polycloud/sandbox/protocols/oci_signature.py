"""Checks Oracle Cloud's request signatures: draft-cavage HTTP signatures, version 1, RSA with SHA-256.

Source: docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm (2026-11).
"""

import base64
import binascii
import hashlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from polycloud.sandbox.wire import Request

SKEW_SECONDS = 300
REQUIRED = ("(request-target)", "host", "content-length", "content-type", "x-content-sha256")
MISSING = "The required information to complete authentication was not provided or was incorrect."
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class SignatureRefused(Exception):
    pass


def verify(request: Request, key_id: str, key: RSAPublicKey, now: float) -> None:
    """Raises SignatureRefused with OCI's message."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    fields = dict(_FIELD.findall(rest))
    if scheme.lower() != "signature" or fields.get("version") != "1" or fields.get("algorithm") != "rsa-sha256":
        raise SignatureRefused(MISSING)
    if fields.get("keyId") != key_id:
        raise SignatureRefused(MISSING)
    signed = fields.get("headers", "").lower().split()
    dated = next((name for name in ("x-date", "date") if name in signed), None)
    if dated is None or any(name not in signed for name in REQUIRED):
        raise SignatureRefused(MISSING)
    _check_date(request.headers.get(dated, ""), now)
    if request.headers.get("x-content-sha256") != base64.b64encode(hashlib.sha256(request.body).digest()).decode():
        raise SignatureRefused("The value of x-content-sha256 does not match the body of the request.")
    lines = []
    for name in signed:
        if name == "(request-target)":
            lines.append(f"(request-target): {request.method.lower()} {request.target}")
        elif name in request.headers:
            lines.append(f"{name}: {request.headers[name]}")
        else:
            raise SignatureRefused(MISSING)
    try:
        signature = base64.b64decode(fields.get("signature", ""), validate=True)
        key.verify(signature, "\n".join(lines).encode(), PKCS1v15(), SHA256())
    except (binascii.Error, InvalidSignature):
        raise SignatureRefused(MISSING) from None


def _check_date(value: str, now: float) -> None:
    try:
        at = parsedate_to_datetime(value).timestamp()
    except (ValueError, OverflowError):  # a year that no clock has
        raise SignatureRefused(MISSING) from None
    if abs(at - now) > SKEW_SECONDS:
        current, early, late = (
            datetime.fromtimestamp(t, UTC).strftime("%a, %d %b %Y %H:%M:%S UTC")
            for t in (now, now - SKEW_SECONDS, now + SKEW_SECONDS)
        )
        raise SignatureRefused(
            f"Date '{value}' is not within allowed clock skew. Current '{current}', valid datetime range: "
            f"['{early}', '{late}']"
        )
