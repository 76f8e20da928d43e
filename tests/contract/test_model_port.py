"""One suite for the ModelPort of every cloud: well-formed, silent about secrets, closed to injection."""

import importlib
import json
import re

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from polycloud.core.errors import (
    CloudError,
    NotFound,
    QuotaSpent,
    Rejected,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.core.ports.models import Credential, ModelPort, Upstream

CLOUDS = ("aws", "azure", "gcp", "oci", "onprem")
SECRET = "s3cret-never-to-be-shown"
PEM = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    .decode()
)
BEARER = Credential("bearer", {"token": SECRET})
CREDENTIALS = {
    "aws": (Credential("aws", {"access_key": "AKIAEXAMPLE", "secret_key": SECRET, "session_token": ""}), BEARER),
    "azure": (Credential("api_key", {"key": SECRET}), BEARER),
    "gcp": (BEARER,),
    "oci": (
        Credential("oci", {"tenancy": "ocid1.t", "user": "ocid1.u", "fingerprint": "aa:bb", "private_key": PEM}),
        BEARER,
    ),
    "onprem": (BEARER, Credential("none")),
}
ALL_KINDS = ("none", "bearer", "api_key", "aws", "oci", "kerberos")
OPTIONS = {"project": "p", "compartment": "ocid1.compartment.oc1..a"}
NOW = 1_800_000_000.0
HOSTILE = ["m\r\nx-injected: 1", "../../admin", "a/b", "a?b=c", "a#b", "m\0", "m\u2028x", "naïve model", "%2e%2e"]
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def port_of(cloud: str) -> ModelPort:
    port: ModelPort = importlib.import_module(f"polycloud.clouds.{cloud}.models").PORT
    return port


def upstream_of(
    cloud: str, dialect: str = "", model: str = "some-model", base_url: str = "https://h.example", region: str = "r-1"
) -> Upstream:
    return Upstream(cloud, region, base_url, model, dialect or dialects_of(cloud)[0], OPTIONS)


def dialects_of(cloud: str) -> tuple[str, ...]:
    found: tuple[str, ...] = importlib.import_module(f"polycloud.clouds.{cloud}.models").PORT.dialects
    return found


EACH = [(cloud, dialect) for cloud in CLOUDS for dialect in dialects_of(cloud)]
EACH_CREDENTIAL = [(cloud, credential) for cloud in CLOUDS for credential in CREDENTIALS[cloud]]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("base_url", ["https://h.example", "http://127.0.0.1:9001/under/here"])
@pytest.mark.parametrize(("cloud", "dialect"), EACH)
def test_path_and_headers_are_well_formed(cloud: str, dialect: str, base_url: str, stream: bool) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud, dialect, base_url=base_url)
    path = port.path(upstream, stream)
    assert re.fullmatch(r"/[!-~]+", path)
    assert path.startswith("/under/here/") == base_url.endswith("/under/here")
    headers = port.headers(upstream, stream)
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == "application/json" or stream
    assert not {"host", "content-length", "authorization"} & headers.keys()
    for name, value in headers.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert re.fullmatch(r"[ -~]+", value)


@pytest.mark.parametrize(("cloud", "credential"), EACH_CREDENTIAL)
def test_authorization_is_well_formed_and_stable_only_where_it_says_so(cloud: str, credential: Credential) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud)
    path = port.path(upstream, stream=False)
    first = port.authorize(upstream, path, b'{"a":1}', credential, NOW)
    again = port.authorize(upstream, path, b'{"a":1}', credential, NOW)
    assert first == again
    for name, value in first.items():
        assert re.fullmatch(r"[a-z0-9-]+", name)
        assert re.fullmatch(r"[ -~]+", value)
    assert not {"host", "content-length"} & first.keys()
    later = port.authorize(upstream, path, b'{"a":2}', credential, NOW + 60)
    assert (first == later) == port.stable_authorization(credential)


@pytest.mark.parametrize("kind", ALL_KINDS)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_credential_that_does_not_fit_is_refused(cloud: str, kind: str) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud)
    if kind in {c.kind for c in CREDENTIALS[cloud]}:
        return
    fields = {"token": SECRET, "key": SECRET, "secret_key": SECRET, "private_key": SECRET}
    with pytest.raises(Unauthorized) as caught:
        port.authorize(upstream, "/p", b"{}", Credential(kind, fields), NOW)
    assert SECRET not in str(caught.value)
    assert kind in str(caught.value)


@pytest.mark.parametrize(("cloud", "credential"), EACH_CREDENTIAL)
def test_a_broken_secret_is_refused_unseen(cloud: str, credential: Credential) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud)
    for name, value in credential.fields.items():
        if name == "session_token":
            continue
        for broken in ("", value[:8] + "\r\nx-injected: 1"):
            changed = Credential(credential.kind, credential.fields | {name: broken})
            with pytest.raises(Unauthorized) as caught:
                port.authorize(upstream, "/p", b"{}", changed, NOW)
            assert SECRET not in str(caught.value)
            assert "injected" not in str(caught.value)


@pytest.mark.parametrize(("cloud", "credential"), EACH_CREDENTIAL)
def test_secrets_are_shown_nowhere_but_in_the_authorization(cloud: str, credential: Credential) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud)
    port.authorize(upstream, "/p", b"{}", credential, NOW)
    seen = [
        repr(credential),
        repr(port),
        port.path(upstream, stream=True),
        repr(port.headers(upstream, stream=True)),
        str(port.finish_body(upstream, b"{}")),
    ]
    secrets = [v for k, v in credential.fields.items() if k not in ("access_key", "tenancy", "user", "fingerprint")]
    assert not [text for text in seen for secret in secrets if secret and secret in text]


@pytest.mark.parametrize("model", HOSTILE)
@pytest.mark.parametrize(("cloud", "dialect"), EACH)
def test_a_hostile_model_name_stays_in_its_segment(cloud: str, dialect: str, model: str) -> None:
    port = port_of(cloud)
    honest = port.path(upstream_of(cloud, dialect, "some-model"), stream=True)
    path = port.path(upstream_of(cloud, dialect, model), stream=True)
    assert re.fullmatch(r"/[!-~]+", path)
    assert (path.count("/"), path.count("?"), path.count("#")) == (honest.count("/"), honest.count("?"), 0)
    assert "/../" not in path


@pytest.mark.parametrize("region", ["r\r\nx-injected: 1", "../..", "a/b", ".."])
@pytest.mark.parametrize(("cloud", "credential"), EACH_CREDENTIAL)
def test_a_hostile_region_adds_no_header_and_no_segment(cloud: str, credential: Credential, region: str) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud, region=region)
    try:
        path = port.path(upstream, stream=False)
        headers = port.authorize(upstream, path, b"{}", credential, NOW)
    except NotFound:
        return
    assert path.count("/") == port.path(upstream_of(cloud), stream=False).count("/")
    assert not [v for v in [path, *headers.values()] if CONTROL.search(v)]


@pytest.mark.parametrize("base_url", ["https://h.example\r\nx: y", "file:///etc/passwd", "https://u:p@h.example", "h"])
@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_hostile_address_is_refused(cloud: str, base_url: str) -> None:
    with pytest.raises(NotFound):
        port_of(cloud).path(upstream_of(cloud, base_url=base_url), stream=False)


@pytest.mark.parametrize(("cloud", "dialect"), EACH)
def test_finishing_a_body_keeps_the_dialects_members(cloud: str, dialect: str) -> None:
    body = b'{"messages":[{"x":1.50,"y":"\\u00e9"}],"stream":true}'
    assert b'[{"x":1.50,"y":"\\u00e9"}]' in port_of(cloud).finish_body(upstream_of(cloud, dialect), body)


STATUSES: list[tuple[int, type[CloudError]]] = [
    (301, NotFound),
    (400, Rejected),
    (401, Unauthorized),
    (402, QuotaSpent),
    (403, Unauthorized),
    (404, NotFound),
    (405, Rejected),
    (408, TimedOut),
    (409, Unavailable),
    (413, Rejected),
    (422, Rejected),
    (424, Unavailable),
    (429, Throttled),
    (499, Unavailable),
    (500, Unavailable),
    (502, Unavailable),
    (503, Unavailable),
    (504, TimedOut),
    (529, Unavailable),
]
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'"x"',
    b'{"error":null}',
    b'{"error":7}',
    b"\xff\xfe",
    b"[" * 100_000,
    b"x" * 400_000,
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize(("cloud", "dialect"), EACH)
def test_the_status_decides_where_the_body_says_nothing(
    cloud: str, dialect: str, status: int, kind: type[CloudError], body: bytes
) -> None:
    error = port_of(cloud).classify(upstream_of(cloud, dialect), status, {"content-type": "text/plain"}, body)
    assert type(error) is kind
    assert error.provider_status == status
    assert len(error.message) < 600
    assert not CONTROL.search(error.message)
    assert f"{cloud}/r-1 some-model" in error.message


@pytest.mark.parametrize("status", [400, 405, 502])
@pytest.mark.parametrize(("cloud", "dialect"), EACH)
def test_a_web_page_is_a_proxys_word_and_not_the_providers(cloud: str, dialect: str, status: int) -> None:
    page = b"<html><body><h1>Bad Gateway</h1>" + b"<p>x</p>" * 50 + b"</body></html>"
    error = port_of(cloud).classify(upstream_of(cloud, dialect), status, {"content-type": "text/html"}, page)
    assert type(error) is Unavailable
    assert "text/html" in error.message
    assert "<p>" not in error.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e99"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "x", "retry-after": "7"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
    ],
)
@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_wait_that_a_provider_asks_for(cloud: str, headers: dict[str, str], seconds: float | None) -> None:
    error = port_of(cloud).classify(upstream_of(cloud), 429, headers, b"{}")
    assert isinstance(error, Throttled)
    assert error.retry_after_seconds == seconds


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_provider_may_say_whether_to_try_again(cloud: str) -> None:
    port, upstream = port_of(cloud), upstream_of(cloud)
    no, yes = {"x-should-retry": "false"}, {"x-should-retry": "true"}
    assert type(port.classify(upstream, 429, no, b"{}")) is QuotaSpent
    assert type(port.classify(upstream, 429, no | {"retry-after": "9"}, b"{}")) is Throttled
    assert type(port.classify(upstream, 400, yes, b"{}")) is Unavailable
    assert type(port.classify(upstream, 400, no, b"{}")) is Rejected


EVIDENCE = {
    "aws": ({"x-amzn-requestid": "id-1"}, ("", "id-1")),
    "azure": (
        {"x-ms-region": "West Europe", "apim-request-id": "id-1", "x-request-id": "id-2"},
        ("West Europe", "id-1"),
    ),
    "gcp": ({"x-vertex-ai-received-request-id": "id-1"}, ("", "id-1")),
    "oci": ({"opc-request-id": "id-1/2/3"}, ("", "id-1/2/3")),
    "onprem": ({"x-request-id": "id-1"}, ("", "id-1")),
}


@pytest.mark.parametrize("cloud", CLOUDS)
def test_evidence(cloud: str) -> None:
    headers, expected = EVIDENCE[cloud]
    assert port_of(cloud).evidence(headers) == expected
    assert port_of(cloud).evidence({}) == ("", "")


@pytest.mark.parametrize("cloud", CLOUDS)
def test_a_refused_credential_is_not_quoted(cloud: str) -> None:
    said = f"Incorrect API key provided: {SECRET}"
    body = json.dumps({"error": {"message": said}, "message": said}).encode()
    error = port_of(cloud).classify(upstream_of(cloud), 401, {}, body)
    assert type(error) is Unauthorized
    assert SECRET not in error.message
