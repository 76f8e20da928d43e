"""How the control process obtains what AWS workers sign with.

A Bedrock API key is used as it is; else botocore's own chain decides (environment, profile, SSO,
assumed role, web identity, container, instance), and its short-lived keys are handed on with their expiry.
Source: docs.aws.amazon.com/boto3/latest/guide/credentials.html, 2026-11.
"""

import os
from collections.abc import Mapping
from datetime import datetime

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential

METADATA_TIMEOUT_SECONDS = 2  # the instance's own metadata service answers in milliseconds or is not there
METADATA_ATTEMPTS = 2


def obtain(reference: Mapping[str, str], now: float) -> Credential:
    """A credential for Bedrock; blocks on the network when the chain needs it.

    ``reference`` may give ``api_key``, a Bedrock API key; empty means the environment. ``expires_at`` is in
    Unix seconds. Raises Unauthorized when nothing is found, the chain fails or ``polycloud[aws]`` is missing.
    """
    key = reference.get("api_key", "").strip() or os.environ.get("AWS_BEARER_TOKEN_BEDROCK", "").strip()
    if key:
        return Credential("bearer", {"token": key})
    try:
        import botocore.exceptions
        import botocore.session
    except ImportError as error:
        raise Unauthorized("AWS credentials need botocore: pip install -e '.[aws]'") from error
    session = botocore.session.Session()
    session.set_config_variable("metadata_service_timeout", METADATA_TIMEOUT_SECONDS)
    session.set_config_variable("metadata_service_num_attempts", METADATA_ATTEMPTS)
    try:
        found = session.get_credentials()
        frozen = found.get_frozen_credentials() if found else None
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, RuntimeError) as error:
        raise Unauthorized(
            f"AWS gave no credentials ({type(error).__name__}); try `aws sts get-caller-identity` here"
        ) from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        raise Unauthorized("no AWS credentials found; set AWS_PROFILE, AWS_ACCESS_KEY_ID or AWS_BEARER_TOKEN_BEDROCK")
    fields = {"access_key": frozen.access_key, "secret_key": frozen.secret_key, "session_token": frozen.token or ""}
    expiry = getattr(found, "_expiry_time", None)  # botocore has no public name for it
    expires_at = expiry.timestamp() if isinstance(expiry, datetime) else 0.0
    if expires_at and expires_at <= now:
        raise Unauthorized("the AWS credentials found have expired; sign in again, or let their source renew them")
    return Credential("aws", fields, expires_at)
