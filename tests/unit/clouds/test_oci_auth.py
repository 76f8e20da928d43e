"""The request signature against Oracle's own signer."""

import functools

import oci.signer
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from polycloud.clouds.oci import auth
from polycloud.clouds.oci.models import OciModels
from polycloud.core.errors import Unauthorized
from polycloud.core.ports.models import Credential, Upstream

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.:-", min_size=1, max_size=40)


def pem_of(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@functools.cache
def private_key(number: int) -> str:
    return pem_of(rsa.generate_private_key(65537, 2048))


def vendor_headers(url: str, body: bytes, fields: dict[str, str], date: str) -> dict[str, str]:
    signer = oci.signer.Signer(
        fields["tenancy"], fields["user"], fields["fingerprint"], None, private_key_content=fields["private_key"]
    )
    headers = {"date": date, "content-type": "application/json", "content-length": str(len(body))}
    request = requests.Request("POST", url, data=body, headers=headers).prepare()
    return {name.lower(): value for name, value in signer(request).headers.items()}


@given(
    key=st.integers(0, 1),
    tenancy=WORDS,
    user=WORDS,
    fingerprint=WORDS,
    body=st.binary(min_size=1, max_size=200),
    base=st.sampled_from(
        ["https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com", "http://127.0.0.1:9001/oci"]
    ),
    now=st.integers(1_000_000_000, 4_000_000_000),
)
def test_same_as_the_vendor(
    key: int, tenancy: str, user: str, fingerprint: str, body: bytes, base: str, now: int
) -> None:
    fields = {"tenancy": tenancy, "user": user, "fingerprint": fingerprint, "private_key": private_key(key)}
    upstream = Upstream("oci", "eu-frankfurt-1", base, "meta.llama-3.3-70b-instruct", "oci_generic")
    port = OciModels()
    path = port.path(upstream, stream=False)
    ours = port.authorize(upstream, path, body, Credential("oci", fields), float(now))
    theirs = vendor_headers(base + path.removeprefix("/oci"), body, fields, ours["date"])
    assert ours == {name: theirs[name] for name in ours}


def test_session_token_stands_in_the_key_id() -> None:
    fields = {"security_token": "header.claims.sig", "private_key": private_key(0)}
    headers = auth.authorize("h", "/p", b"{}", Credential("oci", fields), 0.0)
    assert 'keyId="ST$header.claims.sig"' in headers["authorization"]


def test_bearer() -> None:
    headers = auth.authorize("h", "/p", b"{}", Credential("bearer", {"token": "sk-x"}), 0.0)
    assert headers == {"authorization": "Bearer sk-x"}


@pytest.mark.parametrize(
    "change",
    [
        {"private_key": "-----BEGIN PRIVATE KEY-----\nnot a key\n-----END PRIVATE KEY-----"},
        {"private_key": ""},
        {"tenancy": ""},
        {"user": ""},
        {"fingerprint": ""},
        {"user": 'u",keyId="other'},
        {"user": "u\r\nx: y"},
    ],
)
def test_broken_credentials_are_refused_without_being_shown(change: dict[str, str]) -> None:
    fields = {"tenancy": "t", "user": "u", "fingerprint": "f", "private_key": private_key(0)} | change
    with pytest.raises(Unauthorized) as caught:
        auth.authorize("h", "/p", b"{}", Credential("oci", fields), 0.0)
    assert "not a key" not in str(caught.value)
    assert "\r" not in str(caught.value)


def test_only_rsa() -> None:
    fields = {"tenancy": "t", "user": "u", "fingerprint": "f"}
    other = Credential("oci", fields | {"private_key": pem_of(ed25519.Ed25519PrivateKey.generate())})
    with pytest.raises(Unauthorized, match="RSA"):
        auth.authorize("h", "/p", b"{}", other, 0.0)
