"""An error inside a stream means what the same error means as a whole answer."""

import pytest

from polycloud.core.errors import (
    ContentFiltered,
    ContextTooLong,
    QuotaSpent,
    Rejected,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.gateway.dialects.errors import in_stream


@pytest.mark.parametrize(
    ("dialect", "code", "kind"),
    [
        ("anthropic_messages", "overloaded_error", Unavailable),
        ("anthropic_messages", "rate_limit_error", Throttled),
        ("anthropic_messages", "authentication_error", Unauthorized),
        ("anthropic_messages", "billing_error", QuotaSpent),
        ("openai_chat", "overloaded", Throttled),  # TGI
        ("openai_chat", "rate_limit_exceeded", Throttled),
        ("openai_chat", "insufficient_quota", QuotaSpent),
        ("openai_chat", "content_filter", ContentFiltered),
        ("openai_chat", "context_length_exceeded", ContextTooLong),
        ("openai_chat", "too_many_requests", Throttled),
        ("openai_chat", "429", Throttled),
        ("openai_chat", "400", Rejected),
        ("openai_chat", "server_error", Unavailable),
        ("gemini", "RESOURCE_EXHAUSTED", Throttled),
        ("gemini", "DEADLINE_EXCEEDED", TimedOut),
        ("gemini", "content_filtered", ContentFiltered),
        ("bedrock_converse", "throttlingException", Throttled),
        ("bedrock_converse", "modelTimeoutException", TimedOut),
        ("bedrock_converse", "accessDeniedException", Unauthorized),
        ("bedrock_converse", "modelStreamErrorException", Unavailable),
        ("oci_generic", "TooManyRequests", Throttled),
        ("oci_generic", "429", Throttled),
        ("a_new_one", "whatever", Unavailable),
    ],
)
def test_a_code_has_one_meaning(dialect, code, kind):
    error = in_stream(dialect, code, "said so")
    assert type(error) is kind and error.provider_status == 200
    assert error.message == f"the provider failed inside the stream: {code} said so"


def test_what_no_table_has_is_as_its_reader_says():
    assert type(in_stream("bedrock_converse", "validationException", "no", retryable=False)) is Rejected
    assert type(in_stream("bedrock_converse", "validationException", "prompt is too long", retryable=False)) is (
        ContextTooLong
    )
