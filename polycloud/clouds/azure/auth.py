"""How Azure OpenAI knows who asks: a resource's key, or a Microsoft Entra token.

Source: learn.microsoft.com/azure/ai-foundry/openai/reference, 2026-11.
"""

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.gateway.address import header_value


def authorize(credential: Credential) -> dict[str, str]:
    """Raises Unauthorized for a credential that is neither ``api_key`` nor ``bearer``."""
    if credential.kind == "api_key":
        return {"api-key": header_value(credential.fields.get("key", ""), "azure")}
    if credential.kind == "bearer":
        return {"authorization": "Bearer " + header_value(credential.fields.get("token", ""), "azure")}
    raise Unauthorized(f"azure takes a credential of kind api_key or bearer, not {credential.kind!r}")
