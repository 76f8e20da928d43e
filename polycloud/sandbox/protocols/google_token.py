"""Google's token endpoint: a service account's signed assertion buys an access token.

Source: developers.google.com/identity/protocols/oauth2/service-account (2026-11).
"""

import base64
import binascii
import secrets
from collections import OrderedDict
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from polycloud.core.clock import Clock
from polycloud.sandbox.credentials import TOKEN_SECONDS, TOKENS_MAX, Credentials, load_key
from polycloud.sandbox.wire import Reply, Request

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
SKEW_SECONDS = 300.0


class Claims(msgspec.Struct):
    iss: str
    aud: str
    exp: float
    iat: float
    scope: str = ""


class Header(msgspec.Struct):
    alg: str
    kid: str = ""


class _Wrong(Exception):
    pass


class TokenDesk:
    """Issues access tokens and knows which are good; one for all Google sites of a sandbox."""

    def __init__(self, credentials: Credentials, clock: Clock) -> None:
        self._credentials, self._clock = credentials, clock
        self._public = load_key(credentials.gcp_private_key).public_key()
        self._issued: OrderedDict[str, float] = OrderedDict()

    def good(self, token: str) -> bool:
        if token == self._credentials.gcp_token:
            return True
        return self._issued.get(token, 0.0) > self._clock.wall()

    def issue(self, request: Request) -> Reply:
        form = parse_qs(request.body.decode("latin-1"))
        if form.get("grant_type", [""])[0] != GRANT:
            return _reply(400, {"error": "unsupported_grant_type", "error_description": "Invalid grant_type: "})
        try:
            self._verify(form.get("assertion", [""])[0], request.headers.get("host", ""))
        except _Wrong as wrong:
            return _reply(400, {"error": "invalid_grant", "error_description": str(wrong)})
        token = "ya29.simulated-" + secrets.token_urlsafe(90)
        self._issued[token] = self._clock.wall() + TOKEN_SECONDS
        while len(self._issued) > TOKENS_MAX:
            self._issued.popitem(last=False)
        return _reply(200, {"access_token": token, "expires_in": TOKEN_SECONDS - 1, "token_type": "Bearer"})

    def _verify(self, assertion: str, host: str) -> None:
        parts = assertion.split(".")
        try:
            header_raw, claims_raw, signature = (_unpack(p) for p in parts)
            header = msgspec.json.decode(header_raw, type=Header)
            claims = msgspec.json.decode(claims_raw, type=Claims)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise _Wrong("Bad Request") from None
        if header.alg != "RS256":
            raise _Wrong("Invalid JWT: only RS256 is accepted.")
        try:
            self._public.verify(signature, f"{parts[0]}.{parts[1]}".encode(), PKCS1v15(), SHA256())
        except InvalidSignature:
            raise _Wrong("Invalid JWT Signature.") from None
        if claims.iss != self._credentials.gcp_email:
            raise _Wrong("Invalid grant: account not found")
        if claims.aud not in (AUDIENCE, f"http://{host}/token"):
            raise _Wrong(f"Invalid JWT: audience {claims.aud!r} is not this endpoint.")
        now = self._clock.wall()
        if claims.exp < now or claims.iat > now + SKEW_SECONDS or claims.exp - claims.iat > TOKEN_SECONDS:
            raise _Wrong(
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your "
                "iat and exp values in the JWT claim."
            )
        if SCOPE not in claims.scope.split():
            raise _Wrong("Invalid OAuth scope or ID token audience provided.")


def _unpack(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _reply(status: int, value: dict[str, object]) -> Reply:
    return Reply(status, msgspec.json.encode(value), {"content-type": "application/json; charset=utf-8"})
