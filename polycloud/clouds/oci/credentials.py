"""How the control process obtains what Oracle Cloud workers sign with.

A Generative AI API key is used as it is; else the profile of the OCI configuration file (an API signing
key, or the session token of a signed-in user), or by ``OCI_CLI_AUTH`` the machine's own (``instance_principal``) or
that of a pod's service account on OKE (``oke_workload_identity``).
Source: docs.oracle.com/iaas/Content/API/Concepts/sdkconfig.htm and .../sdk_authentication_methods.htm, 2026-11.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential

MACHINE, POD = "instance_principal", "oke_workload_identity"
_MISSING = "Oracle Cloud credentials need oci: pip install -e '.[oci]'"


def obtain(reference: Mapping[str, str], now: float) -> Credential:
    """A credential for Generative AI; blocks on the network for an instance principal.

    ``reference`` may give ``api_key``; empty means the environment: ``OCI_CLI_AUTH``, ``OCI_CONFIG_FILE``,
    ``OCI_CLI_PROFILE``. ``expires_at`` is in Unix seconds. Raises Unauthorized when nothing is found, the private
    key can not be read, or ``polycloud[oci]`` is missing.
    """
    key = reference.get("api_key", "").strip()
    if key:
        return Credential("bearer", {"token": key})
    how = os.environ.get("OCI_CLI_AUTH", "")
    fields = _own(how) if how in (MACHINE, POD) else _profile()
    expires_at = _expiry(fields["security_token"]) if "security_token" in fields else 0.0
    if expires_at and expires_at <= now:
        raise Unauthorized("the Oracle Cloud session has expired; run `oci session refresh`")
    return Credential("oci", fields, expires_at)


def _profile() -> dict[str, str]:
    try:
        import oci.config
        import oci.exceptions
    except ImportError as error:
        raise Unauthorized(_MISSING) from error
    profile = os.environ.get("OCI_CLI_PROFILE", "") or oci.config.DEFAULT_PROFILE
    try:
        config = oci.config.from_file(profile_name=profile)
        pem = Path(config["key_file"]).expanduser().read_text("ascii")
        token_file = config.get("security_token_file")
        if token_file:
            token = Path(token_file).expanduser().read_text("ascii").strip()
            return {"security_token": token, "private_key": _plain(pem, config.get("pass_phrase"))}
        fields = {name: str(config[name]) for name in ("tenancy", "user", "fingerprint")}
    except oci.exceptions.ClientError as error:
        raise Unauthorized(
            f"no Oracle Cloud configuration ({type(error).__name__}); run `oci setup config`, or set OCI_CONFIG_FILE"
        ) from error
    except KeyError as error:
        raise Unauthorized(f"the OCI configuration's profile {profile} lacks {error}; add it") from error
    except (OSError, ValueError) as error:
        raise Unauthorized(f"the OCI configuration's profile {profile} names no readable key file") from error
    return fields | {"private_key": _plain(pem, config.get("pass_phrase"))}


def _own(how: str) -> dict[str, str]:
    """Of the machine, or of the pod."""
    try:
        import oci.exceptions
        from oci.auth.signers import (
            InstancePrincipalsSecurityTokenSigner,
            get_oke_workload_identity_resource_principal_signer,
        )
        from oci.retry import NoneRetryStrategy
    except ImportError as error:
        raise Unauthorized(_MISSING) from error
    once = NoneRetryStrategy()  # the control process tries again by its own schedule
    try:
        if how == POD:
            signer = get_oke_workload_identity_resource_principal_signer(retry_strategy=once)
        else:
            signer = InstancePrincipalsSecurityTokenSigner(retry_strategy=once, federation_client_retry_strategy=once)
    except (oci.exceptions.ServiceError, oci.exceptions.ClientError, OSError, ValueError, RuntimeError) as error:
        who = "pod has no OKE workload identity" if how == POD else "machine has no OCI instance principal"
        raise Unauthorized(f"this {who} ({type(error).__name__})") from error
    pem = signer.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"security_token": signer.api_key.removeprefix("ST$"), "private_key": pem.decode()}


def _plain(pem: str, pass_phrase: str | None) -> str:
    """The RSA key in ``pem``, checked and without its pass phrase: workers do neither."""
    phrase = pass_phrase.encode() if pass_phrase and "ENCRYPTED" in pem else None
    try:
        key = serialization.load_pem_private_key(pem.strip().encode(), phrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Unauthorized("the OCI private key can not be read; check key_file and pass_phrase") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Unauthorized("the OCI private key is no RSA key; Oracle Cloud signs with RSA only")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _expiry(token: str) -> float:
    """The ``exp`` claim of a session token, Unix seconds."""
    try:
        claims = token.split(".")[1]
        found = msgspec.json.decode(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)), type=dict[str, object])
        return float(str(found["exp"]))
    except (IndexError, KeyError, ValueError, binascii.Error):
        raise Unauthorized("the OCI session token can not be read; run `oci session authenticate`") from None
