"""How an own OpenAI-compatible server knows who asks: a bearer token, or not at all."""

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.gateway.address import header_value


def authorize(credential: Credential) -> dict[str, str]:
    """Raises Unauthorized for a credential that is neither ``bearer`` nor ``none``."""
    if credential.kind == "none":
        return {}
    if credential.kind != "bearer":
        raise Unauthorized(f"onprem takes a credential of kind bearer or none, not {credential.kind!r}")
    return {"authorization": "Bearer " + header_value(credential.fields.get("token", ""), "onprem")}
