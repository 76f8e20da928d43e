"""How the control process obtains what Google Cloud workers show: an OAuth 2.0 access token.

Source: cloud.google.com/docs/authentication/application-default-credentials, 2026-11.
"""

import functools
import json
from collections.abc import Mapping
from datetime import UTC

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TIMEOUT_SECONDS = 10  # the token endpoint answers within a second


def obtain(reference: Mapping[str, str], now: float) -> Credential:
    """An access token for Vertex AI; blocks on the network to exchange or refresh it.

    ``reference`` may give ``api_key``: the JSON of a service account's key, or an access token as it is; empty
    means application default credentials. ``expires_at`` is in Unix seconds. Raises Unauthorized when nothing
    is found, Google refuses, or ``polycloud[gcp]`` is missing.
    """
    given = reference.get("api_key", "").strip()
    if given and not given.startswith("{"):
        return Credential("bearer", {"token": given})
    try:
        import google.auth
        import requests
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
        from google.oauth2 import service_account
    except ImportError as error:
        raise Unauthorized("Google Cloud credentials need google-auth: pip install -e '.[gcp]'") from error
    try:
        if given:
            found = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                json.loads(given), scopes=[SCOPE]
            )
        else:
            found, _ = google.auth.default(scopes=[SCOPE])
        with requests.Session() as session:
            found.refresh(functools.partial(Request(session), timeout=TIMEOUT_SECONDS))
    except (GoogleAuthError, requests.RequestException) as error:
        raise Unauthorized(
            f"Google Cloud gave no token ({type(error).__name__}); set GOOGLE_APPLICATION_CREDENTIALS "
            "or run `gcloud auth application-default login`"
        ) from error
    except ValueError:  # its text and its context hold the key
        raise Unauthorized("the Google Cloud secret is no JSON key of a service account; give it again") from None
    if not found.token:
        raise Unauthorized("Google Cloud gave no token; check the service account's roles")
    expires_at = found.expiry.replace(tzinfo=UTC).timestamp() if found.expiry else 0.0
    if expires_at and expires_at <= now:
        raise Unauthorized("the Google Cloud token found has expired; check this machine's clock")
    return Credential("bearer", {"token": found.token}, expires_at)
