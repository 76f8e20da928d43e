"""How Oracle Cloud knows who asks: an RSA signature over the request, or a Generative AI API key as a bearer token.

Source: docs.oracle.com/iaas/Content/API/Concepts/signingrequests.htm (draft-cavage-http-signatures-08) and
docs.oracle.com/iaas/Content/generative-ai/api-keys.htm, 2026-11.
"""

import base64
import hashlib
from collections.abc import Callable
from email.utils import formatdate
from functools import lru_cache

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.gateway.address import header_value

PRIVATE_KEYS_MAX = 16  # one per tenancy of an estate, twice while keys rotate
CONTENT_TYPE = "application/json"
_SIGNED = "date (request-target) host content-length content-type x-content-sha256"


def authorize(host: str, path: str, body: bytes, credential: Credential, now: float) -> dict[str, str]:
    """Headers that sign a POST of the JSON ``body`` to ``path`` at ``host``.

    Raises Unauthorized for a credential that is neither ``oci`` nor ``bearer``, and for a private key
    that can not be read.
    """
    fields = credential.fields
    if credential.kind == "bearer":
        return {"authorization": "Bearer " + header_value(fields.get("token", ""), "oci")}
    if credential.kind != "oci":
        raise Unauthorized(f"oci takes a credential of kind oci or bearer, not {credential.kind!r}")
    date = formatdate(now, usegmt=True)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = (
        f"date: {date}\n(request-target): post {path}\nhost: {host}\ncontent-length: {len(body)}\n"
        f"content-type: {CONTENT_TYPE}\nx-content-sha256: {digest}"
    )
    signature = _signer(fields.get("private_key", ""))(text.encode())
    return {
        "date": date,
        "x-content-sha256": digest,
        "authorization": (
            f'Signature algorithm="rsa-sha256",headers="{_SIGNED}",keyId="{_key_id(fields)}",'
            f'signature="{base64.b64encode(signature).decode()}",version="1"'
        ),
    }


def _key_id(fields: dict[str, str]) -> str:
    """Who signs: a user's API key, or the session token of an instance or a signed-in user."""
    token = fields.get("security_token", "")
    key_id = "ST$" + token if token else "/".join(fields.get(k, "") for k in ("tenancy", "user", "fingerprint"))
    if '"' in key_id or (not token and "//" in f"/{key_id}/"):
        raise Unauthorized("the oci credential lacks tenancy, user or fingerprint, or they hold a quotation mark")
    return header_value(key_id, "oci")


@lru_cache(PRIVATE_KEYS_MAX)
def _signer(pem: str) -> Callable[[bytes], bytes]:
    """What signs with the key in ``pem``.

    The control process has checked the key; checking again would hold a worker up for 35 ms. The library
    is loaded here because it weighs 12 MB, which a worker with an API key never needs.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    try:
        key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unauthorized("the oci private key is no unencrypted PEM key; give it again in the estate") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unauthorized("the oci private key is no RSA key; Oracle Cloud signs with RSA only")
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()

    def sign(data: bytes) -> bytes:
        return key.sign(data, scheme, digest)

    return sign
