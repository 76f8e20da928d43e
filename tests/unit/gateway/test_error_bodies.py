"""Reading error bodies never fails, whatever a provider or a proxy sends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.core.errors import CloudError, ContentFiltered, ContextTooLong, NotFound, Throttled, Unavailable
from polycloud.gateway.dialects import errors

NAMES = st.sampled_from(
    ["error", "message", "code", "type", "status", "details", "detail", "innererror", "@type", "__type"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["google.rpc.RetryInfo", "1e999s"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
READERS = {
    "openai": (errors.OPENAI, errors.read_openai),
    "anthropic": (errors.ANTHROPIC, errors.read_anthropic),
    "google": (errors.GOOGLE, errors.read_google),
    "bedrock": (errors.BEDROCK, lambda body: errors.read_bedrock(body, "")),
    "oci": (errors.OCI, errors.read_oci),
}


@pytest.mark.parametrize("form", READERS)
@given(value=VALUES, status=st.integers(0, 599))
def test_any_json_is_some_error(form: str, value: object, status: int) -> None:
    table, read = READERS[form]
    error = errors.judge(table, read(json.dumps(value).encode()), status, {}, "site model")
    assert isinstance(error, CloudError)
    assert error.message.startswith("site model answered ")
    assert "\n" not in error.message


@pytest.mark.parametrize("form", READERS)
@given(body=st.binary(max_size=60), status=st.integers(0, 599))
def test_any_bytes_are_some_error(form: str, body: bytes, status: int) -> None:
    table, read = READERS[form]
    assert isinstance(errors.judge(table, read(body), status, {}, "site model"), CloudError)


@pytest.mark.parametrize(
    ("form", "body", "kind"),
    [
        ("anthropic", {"error": {"type": "overloaded_error", "message": "Overloaded"}}, Unavailable),
        ("anthropic", {"error": {"type": "rate_limit_error", "message": "slow down"}}, Throttled),
        ("openai", {"error": {"code": "content_filter", "message": "filtered"}}, ContentFiltered),
        ("openai", {"error": {"message": "This model's maximum context length is 8192 tokens"}}, ContextTooLong),
        ("openai", {"error": {"message": "something broke"}}, Unavailable),
        ("google", {"error": {"status": "NOT_FOUND", "message": "gone"}}, NotFound),
    ],
)
def test_errors_inside_a_stream_have_no_status(form: str, body: object, kind: type[CloudError]) -> None:
    table, read = READERS[form]
    assert type(errors.judge(table, read(json.dumps(body).encode()), 200, {}, "site model")) is kind
