"""How AWS knows who asks: Signature Version 4, or a Bedrock API key as a bearer token.

Signs and knows no JSON. Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
and docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html, 2026-11.
"""

import hashlib
import hmac
import re
import time
from functools import lru_cache
from urllib.parse import quote

from polycloud.core.errors import NotFound, Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.gateway.address import header_value

SERVICE = "bedrock"
SIGNING_KEYS_MAX = 256  # one per access key, region and day: far over the regions of one estate
_REGION = re.compile(r"[a-z0-9-]{1,40}")


def authorize(host: str, path: str, region: str, body: bytes, credential: Credential, now: float) -> dict[str, str]:
    """Headers that sign a POST of ``body`` to ``path`` at ``host``.

    Raises Unauthorized for a credential that is neither ``aws`` nor ``bearer``, NotFound for a region
    that is none.
    """
    fields = credential.fields
    if credential.kind == "bearer":
        return {"authorization": "Bearer " + header_value(fields.get("token", ""), "aws")}
    if credential.kind != "aws":
        raise Unauthorized(f"aws takes a credential of kind aws or bearer, not {credential.kind!r}")
    access_key = header_value(fields.get("access_key", ""), "aws")
    secret_key = header_value(fields.get("secret_key", ""), "aws")
    token = fields.get("session_token", "")
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    date = moment[:8]
    signed = "host;x-amz-date"
    canonical_headers = f"host:{host}\nx-amz-date:{moment}\n"
    headers = {"x-amz-date": moment}
    if token:
        headers["x-amz-security-token"] = header_value(token, "aws")
        canonical_headers += f"x-amz-security-token:{token}\n"
        signed += ";x-amz-security-token"
    digest = hashlib.sha256(body).hexdigest()
    canonical = f"POST\n{_canonical(path)}\n{canonical_headers}\n{signed}\n{digest}"
    scope = f"{date}/{region}/{SERVICE}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.digest(_signing_key(secret_key, date, region), to_sign.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
    )
    return headers


@lru_cache(4096)  # paths of one estate
def _canonical(path: str) -> str:
    """The canonical URI and query of ``path``: encoded once more, as every service but S3 wants it."""
    uri, _, query = path.partition("?")
    return f"{quote(uri, safe='/~')}\n{'&'.join(sorted(query.split('&')))}"


@lru_cache(SIGNING_KEYS_MAX)
def _signing_key(secret_key: str, date: str, region: str) -> bytes:
    if not _REGION.fullmatch(region):
        raise NotFound(f"{region!r} is no AWS region; correct the site in the estate")
    key = f"AWS4{secret_key}".encode()
    for part in (date, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
