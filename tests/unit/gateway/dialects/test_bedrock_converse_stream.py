"""ConverseStream events in chat events out."""

import base64

import pytest

from polycloud.core.chat import (
    Ended,
    Failed,
    Finished,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse

USAGE = {
    "inputTokens": 3, "outputTokens": 7, "totalTokens": 40,
    "cacheReadInputTokens": 10, "cacheWriteInputTokens": 20, "serverToolUsage": {},
}  # fmt: skip


@pytest.fixture
def stream(aws_frame):
    return b"".join(
        [
            aws_frame("messageStart", {"role": "assistant", "p": "abc"}),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "S"}}}),
            aws_frame("contentBlockStop", {"contentBlockIndex": 0}),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": ""}}),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Grüße"}, "p": "abcdef"}),
            aws_frame("contentBlockStop", {"contentBlockIndex": 1}),
            aws_frame(
                "contentBlockStart",
                {"contentBlockIndex": 3, "start": {"toolUse": {"toolUseId": "t1", "name": "weather"}}},
            ),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolUse": {"input": '{"city":'}}}),
            aws_frame("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolUse": {"input": '"Paris"}'}}}),
            aws_frame("contentBlockStop", {"contentBlockIndex": 3}),
            aws_frame(
                "contentBlockStart",
                {"contentBlockIndex": 4, "start": {"toolUse": {"toolUseId": "t2", "name": "now", "type": "tool_use"}}},
            ),
            aws_frame("contentBlockStop", {"contentBlockIndex": 4}),
            aws_frame("aBrandNewEvent", {"x": [1, 2]}),
            aws_frame("messageStop", {"stopReason": "tool_use"}),
            aws_frame("metadata", {"usage": USAGE, "metrics": {"latencyMs": 3}}),
        ]
    )


def read(data, size=None):
    reader = BedrockConverse().stream_reader()
    size = size or len(data)
    return [event for i in range(0, len(data), size) for event in reader.feed(data[i : i + size])]


def test_a_whole_stream(stream):
    assert read(stream) == [
        Started(),
        ThinkingDelta("hm"),
        ThinkingDelta("", "S"),
        TextDelta("Grüße"),
        ToolCallStarted(0, "t1", "weather"),
        ToolCallDelta(0, '{"city":'),
        ToolCallDelta(0, '"Paris"}'),
        ToolCallStarted(1, "t2", "now"),
        ToolCallDelta(1, "{}"),
        Finished("tool_calls"),
        Used(Usage(33, 7, 10, 20, 0)),
        Ended(),
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_splitting_changes_nothing(stream, size):
    assert read(stream, size) == read(stream)


def test_the_mark_comes_only_with_the_usage(aws_frame):
    stop, usage = aws_frame("messageStop", {"stopReason": "end_turn"}), aws_frame("metadata", {"usage": USAGE})
    assert read(stop) == [Finished("stop")]
    assert read(stop + usage)[-1] == Ended()
    assert read(usage + stop)[-1] == Ended()


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("model_context_window_exceeded", "context_window"),
        ("a_reason_of_next_year", "stop"),
    ],
)
def test_stop_reasons(aws_frame, reason, finish):
    assert read(aws_frame("messageStop", {"stopReason": reason})) == [Finished(finish)]


@pytest.mark.parametrize(("told", "stop"), [("END", "END"), (None, ""), (7, "")])
def test_the_stop_sequence_that_was_hit_is_told(aws_frame, told, stop):
    fields = {"stopReason": "stop_sequence", "additionalModelResponseFields": {"stop_sequence": told}}
    assert read(aws_frame("messageStop", fields)) == [Finished("stop_sequence", stop)]


def test_a_malformed_answer_may_be_tried_again(aws_frame):
    (event,) = read(aws_frame("messageStop", {"stopReason": "malformed_tool_use"}))
    assert isinstance(event, Failed) and event.retryable and event.code == "malformed_tool_use"


@pytest.mark.parametrize(
    ("name", "retryable"),
    [
        ("throttlingException", True),
        ("serviceUnavailableException", True),
        ("internalServerException", True),
        ("modelStreamErrorException", True),
        ("modelTimeoutException", True),
        ("validationException", False),
    ],
)
def test_exceptions_inside_the_stream(aws_frame, name, retryable):
    assert read(aws_frame(name, {"message": "Too many tokens"}, "exception")) == [
        Failed(name, "Too many tokens", retryable)
    ]


def test_a_tool_that_bedrock_runs_itself_is_not_the_callers(aws_frame):
    data = aws_frame(
        "contentBlockStart",
        {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "s", "name": "x", "type": "server_tool_use"}}},
    )
    data += aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}})
    data += aws_frame("contentBlockStop", {"contentBlockIndex": 0})
    data += aws_frame("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolResult": {"toolUseId": "s"}}})
    data += aws_frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolResult": [{"json": {}}]}})
    assert read(data) == []


def test_redacted_thinking_is_kept_as_its_maker_wrote_it(aws_frame):
    def event(data):
        delta = {"reasoningContent": {"redactedContent": base64.b64encode(data).decode()}}
        return read(aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}))

    assert event(b"EtkECkgIBx") == [ThinkingDelta(redacted="EtkECkgIBx")]
    assert event(b"\xff\x00") == [ThinkingDelta(redacted="bedrock:/wA=")]


def test_an_event_that_can_not_be_read_breaks_the_stream(aws_frame, raw_frame):
    good = aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "a"}})
    bad = aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": 7}})
    with pytest.raises(BrokenStream):
        read(bad)
    reader = BedrockConverse().stream_reader()
    assert reader.feed(good + bad) == [TextDelta("a")]
    with pytest.raises(BrokenStream, match="contentBlockDelta"):
        reader.feed(good)
