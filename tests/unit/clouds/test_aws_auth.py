"""Signature Version 4 against botocore's own signer."""

from datetime import UTC, datetime
from unittest import mock

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.clouds.aws import auth
from polycloud.clouds.aws.models import AwsModels
from polycloud.core.errors import NotFound, Unauthorized
from polycloud.core.ports.models import Credential, Upstream

SECRET = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=", min_size=1, max_size=60)
MODELS = st.one_of(
    st.sampled_from(
        [
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0",
        ]
    ),
    st.text(min_size=1, max_size=30).filter(lambda name: name not in (".", "..") and name.isprintable()),
)


def botocore_headers(url: str, body: bytes, credential: Credential, region: str, now: float) -> dict[str, str]:
    f = credential.fields
    keys = botocore.credentials.Credentials(f["access_key"], f["secret_key"], f.get("session_token") or None)
    request = botocore.awsrequest.AWSRequest(method="POST", url=url, data=body)
    moment = datetime.fromtimestamp(int(now), UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: moment):
        botocore.auth.SigV4Auth(keys, "bedrock", region).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


@given(
    model=MODELS,
    stream=st.booleans(),
    body=st.binary(max_size=300),
    access=st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=16, max_size=20),
    secret=SECRET,
    token=st.one_of(st.just(""), SECRET),
    region=st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    base=st.sampled_from(
        ["https://bedrock-runtime.us-east-1.amazonaws.com", "https://b.internal:443/aws", "http://127.0.0.1:9001"]
    ),
    now=st.floats(min_value=1_000_000_000, max_value=4_000_000_000),
)
def test_same_as_botocore(
    model: str, stream: bool, body: bytes, access: str, secret: str, token: str, region: str, base: str, now: float
) -> None:
    upstream = Upstream("aws", region, base, model, "bedrock_converse")
    credential = Credential("aws", {"access_key": access, "secret_key": secret, "session_token": token})
    port = AwsModels()
    path = port.path(upstream, stream)
    origin = base.removesuffix("/aws")
    assert port.authorize(upstream, path, body, credential, now) == botocore_headers(
        origin + path, body, credential, region, now
    )


@given(query=st.lists(st.text("ab0-_.~%", max_size=4), max_size=4))
def test_query_is_sorted_as_botocore_does(query: list[str]) -> None:
    path = "/model/x/converse?" + "&".join(f"{i % 2}k={value}" for i, value in enumerate(query))
    credential = Credential("aws", {"access_key": "AKIAEXAMPLE", "secret_key": "s3cr3t"})
    ours = auth.authorize("h.example", path.rstrip("?"), "us-east-1", b"{}", credential, 1_800_000_000.0)
    assert ours == botocore_headers("https://h.example" + path.rstrip("?"), b"{}", credential, "us-east-1", 1.8e9)


def test_bearer() -> None:
    assert auth.authorize("h", "/", "us-east-1", b"", Credential("bearer", {"token": "t0k3n"}), 0.0) == {
        "authorization": "Bearer t0k3n"
    }


def test_a_new_day_takes_a_new_key() -> None:
    credential = Credential("aws", {"access_key": "AKIA", "secret_key": "s"})
    for now in (1_800_000_000.0, 1_800_100_000.0):
        ours = auth.authorize("h.example", "/model/x/converse", "us-east-1", b"{}", credential, now)
        theirs = botocore_headers("https://h.example/model/x/converse", b"{}", credential, "us-east-1", now)
        assert ours == theirs


@pytest.mark.parametrize("region", ["", "us-east-1\r\nx: y", "US EAST", "../x"])
def test_region_that_is_none_is_refused(region: str) -> None:
    with pytest.raises(NotFound, match="region"):
        auth.authorize("h", "/", region, b"", Credential("aws", {"access_key": "A", "secret_key": "s"}), 0.0)


@pytest.mark.parametrize("missing", ["access_key", "secret_key"])
def test_half_a_credential_is_refused(missing: str) -> None:
    fields = {"access_key": "AKIA", "secret_key": "verysecret"}
    del fields[missing]
    with pytest.raises(Unauthorized) as caught:
        auth.authorize("h", "/", "us-east-1", b"", Credential("aws", fields), 0.0)
    assert "verysecret" not in str(caught.value)
