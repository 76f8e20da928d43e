"""The credentials that a sandbox accepts: drawn at its start, good for nothing elsewhere."""

import base64
import hashlib
import secrets

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from polycloud.core.ports.models import Credential

RSA_BITS = 2048
TOKEN_SECONDS = 3600  # lifetime of a token from the token endpoint
TOKENS_MAX = 1024  # issued tokens remembered; the oldest goes first


class Credentials(msgspec.Struct, kw_only=True):
    """One principal per cloud. Give the same value to a new sandbox and its callers go on working."""

    aws_access_key: str
    aws_secret_key: str
    aws_session_token: str
    aws_bearer: str
    azure_key: str
    azure_token: str
    gcp_project: str
    gcp_email: str
    gcp_key_id: str
    gcp_private_key: str
    gcp_token: str
    oci_tenancy: str
    oci_user: str
    oci_fingerprint: str
    oci_private_key: str
    oci_key: str
    onprem_key: str

    def table(self, token_uri: str) -> dict[str, dict[str, Credential]]:
        """By cloud and kind, the kind that a gateway would use first. ``token_uri`` is where a service account's
        assertion buys a token."""
        return {
            "aws": {
                "aws": Credential(
                    "aws",
                    {
                        "access_key": self.aws_access_key,
                        "secret_key": self.aws_secret_key,
                        "session_token": self.aws_session_token,
                    },
                ),
                "bearer": Credential("bearer", {"token": self.aws_bearer}),
            },
            "azure": {
                "api_key": Credential("api_key", {"key": self.azure_key}),
                "bearer": Credential("bearer", {"token": self.azure_token}),
            },
            "gcp": {
                "bearer": Credential("bearer", {"token": self.gcp_token}),
                "service_account": Credential("service_account", {"json": self.service_account(token_uri)}),
            },
            "oci": {
                "oci": Credential(
                    "oci",
                    {
                        "tenancy": self.oci_tenancy,
                        "user": self.oci_user,
                        "fingerprint": self.oci_fingerprint,
                        "private_key": self.oci_private_key,
                    },
                ),
                "bearer": Credential("bearer", {"token": self.oci_key}),
            },
            "onprem": {"bearer": Credential("bearer", {"token": self.onprem_key})},
        }

    def service_account(self, token_uri: str) -> str:
        """The key file of the Google service account, as JSON text."""
        fields = {
            "type": "service_account",
            "project_id": self.gcp_project,
            "private_key_id": self.gcp_key_id,
            "private_key": self.gcp_private_key,
            "client_email": self.gcp_email,
            "client_id": "100000000000000000001",
            "token_uri": token_uri,
            "universe_domain": "googleapis.com",
        }
        return msgspec.json.encode(fields).decode()


def draw() -> Credentials:
    """New credentials. Takes a few tenths of a second: two RSA keys are made."""
    gcp, oci = _rsa(), _rsa()
    return Credentials(
        aws_access_key="ASIA" + _letters(16),
        aws_secret_key=_token(30),
        aws_session_token="SIMULATED" + _token(120),
        aws_bearer="ABSK" + _token(60),
        azure_key=secrets.token_hex(42),
        azure_token="simulated." + _token(120) + "." + _token(64),
        gcp_project="polycloud-sandbox",
        gcp_email="gateway@polycloud-sandbox.iam.gserviceaccount.com",
        gcp_key_id=secrets.token_hex(20),
        gcp_private_key=_pem(gcp),
        gcp_token="ya29.simulated-" + _token(90),
        oci_tenancy="ocid1.tenancy.oc1.." + secrets.token_hex(30),
        oci_user="ocid1.user.oc1.." + secrets.token_hex(30),
        oci_fingerprint=fingerprint(oci),
        oci_private_key=_pem(oci),
        oci_key="sk-" + _token(36),
        onprem_key="sk-onprem-" + _token(24),
    )


def fingerprint(key: rsa.RSAPrivateKey) -> str:
    """OCI's name for a key: MD5 of the public key's DER, in pairs of hex digits.

    Source: docs.oracle.com/iaas/Content/API/Concepts/apisigningkey.htm (2026-11).
    """
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashlib.md5(der, usedforsecurity=False).hexdigest()
    return ":".join(digest[i : i + 2] for i in range(0, 32, 2))


def load_key(pem: str) -> rsa.RSAPrivateKey:
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _token(size: int) -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(size)).decode().rstrip("=")


def _letters(size: int) -> str:
    return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(size))
