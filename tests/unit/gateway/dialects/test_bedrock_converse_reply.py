"""Whole Converse answers read into the common form."""

import json

import pytest

from polycloud.core.chat import ChatRequest, Message, Text, Thinking, ToolCall
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse


def body(content, stop="end_turn", **usage):
    return json.dumps(
        {
            "metrics": {"latencyMs": 1},
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop,
            "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3, **usage},
        }
    ).encode()


def test_every_block():
    reply = BedrockConverse().read_reply(
        body(
            [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "S"}}},
                {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
                {"reasoningContent": {"redactedContent": "RXRr"}},
                {"text": "Grüße"},
                {"text": ""},
                {"citationsContent": {"content": [{"text": "cited"}], "citations": [{"title": "t"}]}},
                {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"z": 1, "a": [2]}, "type": "tool_use"}},
                {"toolUse": {"toolUseId": "s", "name": "code", "input": {}, "type": "server_tool_use"}},
                {"toolResult": {"toolUseId": "s", "content": []}},
            ],
            "tool_use",
            cacheReadInputTokens=10,
            cacheWriteInputTokens=100,
        )
    )
    assert reply.parts == (
        Thinking("hm", "S"),
        Thinking("unsigned"),
        Thinking(redacted="Etk"),
        Text("Grüße"),
        Text("cited"),
        ToolCall("t1", "weather", '{"z": 1, "a": [2]}'),
    )
    assert reply.finish == "tool_calls"
    assert reply.usage == Usage(111, 2, 10, 100)


def test_thinking_read_and_written_is_the_same_thinking():
    content = [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "S"}}},
        {"reasoningContent": {"redactedContent": "RXRr"}},
        {"reasoningContent": {"redactedContent": "/wA="}},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}},
    ]
    dialect = BedrockConverse()
    request = ChatRequest("m", (Message("assistant", dialect.read_reply(body(content)).parts),))
    written = json.loads(dialect.write_request(request, "anthropic.claude-3-7-sonnet-20250219-v1:0"))
    assert written["messages"][1]["content"] == content


@pytest.mark.parametrize("stop", ["malformed_model_output", "malformed_tool_use"])
def test_a_malformed_answer_is_none(stop):
    with pytest.raises(BrokenStream, match=stop):
        BedrockConverse().read_reply(body([{"text": "x"}], stop))


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b'{"output":{"message":{}}}', body([{"text": 7}]), body([{"text": "x"}])[:-1], b"\xff"]
)
def test_what_is_no_whole_answer_is_refused(data):
    with pytest.raises(BrokenStream):
        BedrockConverse().read_reply(data)


def test_cache_writes_of_an_hour_are_told_apart():
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 13, "cacheWriteInputTokens": 10}
    details = [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 6}]
    read = BedrockConverse().read_reply
    assert read(body([], **usage, cacheDetails=details)).usage == Usage(11, 2, 0, 10, 0, 6)
    assert read(body([], **usage)).usage == Usage(11, 2, 0, 10)


@pytest.mark.parametrize(("reason", "stop"), [("stop_sequence", "END"), ("end_turn", "")])
def test_the_stop_sequence_that_was_hit_is_told(reason, stop):
    told = json.loads(body([{"text": "a"}], reason)) | {"additionalModelResponseFields": {"stop_sequence": "END"}}
    assert BedrockConverse().read_reply(json.dumps(told).encode()).stop_sequence == stop
