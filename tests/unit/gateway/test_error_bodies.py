"""Reading error bodies never fails, whatever a provider or a proxy sends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polycloud.core.errors import CloudError, ContentFiltered, ContextTooLong, NotFound, Throttled, Unavailable
from polycloud.gateway.dialects import anthropic_messages_errors, errors, openai_chat_errors
from polycloud.gateway.records import Trail, exhausted
from polycloud.gateway.routes import Candidate

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


PARAM = {"error": {"message": "bad", "type": "invalid_request_error", "param": "messages[0].content", "code": "x_y"}}
CLAUDES = {"type": "error", "error": {"type": "invalid_request_error", "message": "messages.0.content: too odd"}}


@pytest.mark.parametrize(
    ("form", "body", "openai", "anthropic"),
    [
        ("openai", PARAM, ("x_y", "messages[0].content"), ("provider_rejected", "messages")),
        ("anthropic", CLAUDES, ("provider_rejected", "messages"), ("provider_rejected", "messages.0.content")),
        (
            "openai",
            {"error": {"message": "m", "param": "seed"}},
            ("provider_rejected", "seed"),
            ("provider_rejected", None),
        ),
        ("openai", {"error": {"message": "m", "code": 400}}, ("provider_rejected", None), ("provider_rejected", None)),
        ("google", {"error": {"message": "messages: m"}}, ("provider_rejected", None), ("provider_rejected", None)),
    ],
)
def test_code_and_parameter_reach_who_can_read_them(form, body, openai, anthropic):
    table, read = READERS[form]
    error = exhausted(
        [Trail(Candidate(0, False, 0, None), "d", errors.judge(table, read(json.dumps(body).encode()), 400, {}, "d m"))]
    )
    for written, wanted in ((openai_chat_errors, openai), (anthropic_messages_errors, anthropic)):
        said = written.error_body(error)["error"]
        assert (said["code"], said.get("param")) == wanted


def test_a_code_about_the_deployments_own_key_is_not_taken_for_the_callers():
    body = json.dumps({"error": {"message": "m", "param": "p", "code": "invalid_api_key"}}).encode()
    error = errors.judge(errors.OPENAI, errors.read_openai(body), 401, {}, "d m")
    said = openai_chat_errors.error_body(error)["error"]
    assert (said["code"], said["param"]) == ("provider_unauthorized", None)
