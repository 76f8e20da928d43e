"""Checks AWS Signature Version 4 as Bedrock does, from the published algorithm.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (2026-11);
the wording of refusals is that of AWS's own endpoints.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import msgspec

from polycloud.sandbox.wire import Request

ALGORITHM = "AWS4-HMAC-SHA256"
SKEW_SECONDS = 300  # AWS refuses signatures that are more than five minutes off
_FIELD = re.compile(r"(Credential|SignedHeaders|Signature)=([^,\s]+)")


class SignatureRefused(Exception):
    """``kind`` is AWS's exception name."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


class AccessKey(msgspec.Struct, frozen=True):
    access_key: str
    secret_key: str
    session_token: str


def verify(request: Request, accepted: AccessKey, region: str, service: str, now: float) -> None:
    """Raises SignatureRefused."""
    fields = dict(_FIELD.findall(request.headers.get("authorization", "")))
    for name in ("Credential", "Signature", "SignedHeaders"):
        if name not in fields:
            raise SignatureRefused("IncompleteSignatureException", f"Authorization header requires '{name}' parameter.")
    stamp = request.headers.get("x-amz-date", "")
    scope = fields["Credential"].split("/")
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise SignatureRefused("IncompleteSignatureException", "Credential must have exactly 5 slash-delimited parts.")
    _check_identity(request, scope[0], accepted)
    _check_scope(scope, region, service, stamp)
    _check_date(stamp, now)
    signed = fields["SignedHeaders"].split(";")
    if "host" not in signed or any(name not in request.headers for name in signed):
        message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        raise SignatureRefused("InvalidSignatureException", message)
    body_hash = hashlib.sha256(request.body).hexdigest()
    if request.headers.get("x-amz-content-sha256", body_hash) != body_hash:
        raise _mismatch()
    text = "\n".join((ALGORITHM, stamp, "/".join(scope[1:]), _digest(_canonical(request, signed, body_hash))))
    key = _signing_key(accepted.secret_key, scope[1], scope[2], scope[3])
    if not hmac.compare_digest(hmac.new(key, text.encode(), "sha256").hexdigest(), fields["Signature"]):
        raise _mismatch()


def _check_identity(request: Request, access_key: str, accepted: AccessKey) -> None:
    token = request.headers.get("x-amz-security-token", "")
    if access_key != accepted.access_key or token != accepted.session_token:
        message = "The security token included in the request is invalid."
        raise SignatureRefused("UnrecognizedClientException", message)


def _check_scope(scope: list[str], region: str, service: str, stamp: str) -> None:
    if scope[2] != region:
        raise SignatureRefused("InvalidSignatureException", "Credential should be scoped to a valid region. ")
    if scope[3] != service:
        message = f"Credential should be scoped to correct service: '{service}'. "
        raise SignatureRefused("InvalidSignatureException", message)
    if scope[1] != stamp[:8]:
        message = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{stamp}'."
        )
        raise SignatureRefused("InvalidSignatureException", message)


def _check_date(stamp: str, now: float) -> None:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        message = f"Date must be in ISO-8601 'basic format'. Got '{stamp}'."
        raise SignatureRefused("IncompleteSignatureException", message) from None
    here, early, late = (_stamp(t) for t in (now, now - SKEW_SECONDS, now + SKEW_SECONDS))
    if signed_at < now - SKEW_SECONDS:
        message = f"Signature expired: {stamp} is now earlier than {early} ({here} - 5 min.)"
        raise SignatureRefused("InvalidSignatureException", message)
    if signed_at > now + SKEW_SECONDS:
        message = f"Signature not yet current: {stamp} is still later than {late} ({here} + 5 min.)"
        raise SignatureRefused("InvalidSignatureException", message)


def _canonical(request: Request, signed: list[str], body_hash: str) -> str:
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(request.query, keep_blank_values=True)
    )
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed)
    return "\n".join(
        (
            request.method,
            # The path as sent is encoded once more, for every service but S3.
            quote(request.path, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            headers,
            ";".join(signed),
            body_hash,
        )
    )


def _signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key


def _mismatch() -> SignatureRefused:
    message = (
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details."
    )
    return SignatureRefused("InvalidSignatureException", message)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
