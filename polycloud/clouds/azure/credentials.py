"""How the control process obtains what Azure workers show: a resource's key, or an Entra token.

Source: learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains, 2026-11.
"""

import os
from collections.abc import Mapping

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential

SCOPE = "https://cognitiveservices.azure.com/.default"
TIMEOUT_SECONDS = 10  # each call of the chain; Entra answers within a second


def obtain(reference: Mapping[str, str], now: float) -> Credential:
    """A credential for Azure OpenAI; blocks on the network for an Entra token.

    ``reference`` may give ``api_key``; empty means ``AZURE_OPENAI_API_KEY``, else the default chain (service
    principal, workload identity, managed identity, signed-in tools). ``expires_at`` is in Unix seconds.
    Raises Unauthorized when the chain finds nothing or ``polycloud[azure]`` is missing.
    """
    key = reference.get("api_key", "").strip() or os.environ.get("AZURE_OPENAI_API_KEY", "").strip()
    if key:
        return Credential("api_key", {"key": key})
    try:
        from azure.core.exceptions import AzureError
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        raise Unauthorized("Azure credentials need azure-identity: pip install -e '.[azure]'") from error
    try:
        with DefaultAzureCredential(
            process_timeout=TIMEOUT_SECONDS,
            connection_timeout=TIMEOUT_SECONDS,
            read_timeout=TIMEOUT_SECONDS,
            retry_total=1,
        ) as chain:
            found = chain.get_token(SCOPE)
    except (AzureError, ValueError) as error:
        raise Unauthorized(
            f"Azure gave no token ({type(error).__name__}); set AZURE_OPENAI_API_KEY or AZURE_CLIENT_ID, "
            "AZURE_TENANT_ID and AZURE_CLIENT_SECRET, or sign in with `az login`"
        ) from error
    if found.expires_on <= now:
        raise Unauthorized("the Azure token found has expired; sign in again with `az login`")
    return Credential("bearer", {"token": found.token}, float(found.expires_on))
