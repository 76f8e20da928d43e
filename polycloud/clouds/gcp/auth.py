"""How Google Cloud knows who asks: an OAuth 2.0 access token.

Source: cloud.google.com/docs/authentication/rest, 2026-11.
"""

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.gateway.address import header_value


def authorize(credential: Credential) -> dict[str, str]:
    """Raises Unauthorized for a credential that is not ``bearer``."""
    if credential.kind != "bearer":
        raise Unauthorized(f"gcp takes a credential of kind bearer, not {credential.kind!r}")
    return {"authorization": "Bearer " + header_value(credential.fields.get("token", ""), "gcp")}
