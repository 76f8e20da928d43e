import json

import pytest

from polycloud.core.chat import (
    Media,
    Message,
    Need,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.core.errors import (
    BadRequest,
    BrokenStream,
    ContextTooLong,
    KeyRefused,
    ModelUnknown,
    PolicyDenied,
    QuotaSpent,
    RateLimited,
    TooLarge,
    Unavailable,
    Unsupported,
)
from polycloud.core.usage import Usage
from polycloud.gateway.faces.openai import OpenAIFace

FACE = OpenAIFace()
HELLO = [{"role": "user", "content": "hello"}]


def peek(**fields):
    return FACE.peek(json.dumps({"model": "gpt-4o", "messages": HELLO, **fields}).encode())


def read(**fields):
    return FACE.read_request(peek(**fields))


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (b"", "not valid JSON", None),
        (b"hello", "not valid JSON", None),
        (b'{"model": NaN}', "not valid JSON", None),
        (b"[]", "must be an object, not an array", None),
        (b'{"model":"m","messages":[]}', "at least one message", "messages"),
        (b'{"messages":[{"role":"user"}]}', "model: this field is required", "model"),
        (b'{"model":"m"}', "messages: this field is required", "messages"),
        (b'{"model":"","messages":[{"role":"user"}]}', "must name a model", "model"),
        (b'{"model":1,"messages":[]}', "model: expected a string, got an integer", "model"),
        (b'{"model":"m","messages":"hi"}', "messages: expected an array, got a string", "messages"),
        (b'{"model":"m","messages":[{"role":"robot"}]}', "invalid enum value 'robot'", "messages[0].role"),
        (b'{"model":"m","messages":[{"role":"user","content":1}]}', "expected a string", "messages[0].content"),
        (b'{"model":"m","messages":[{"role":"user"}],"stream":"yes"}', "true or false", "stream"),
        (b'{"model":"m","messages":[{"role":"user"}],"max_tokens":0}', "at least 1", "max_tokens"),
        (b'{"model":"m","messages":[{"role":"user"}],"temperature":"hot"}', "a number", "temperature"),
        (b'{"model":"m","messages":[{"role":"user"}],"n":0}', "at least 1", "n"),
        (b'{"model":"\xff","messages":[]}', "not valid UTF-8 (byte 10)", None),
        (b'{"model":"\\ud800","messages":[]}', "not valid JSON", None),
        (b'{"model":"m","messages":[],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply", None),
        (b'{"model":"m","tools":[{"function":{}}],"messages":[]}', "is required", "tools[0].function.name"),
    ],
)
def test_mistakes_are_told_in_plain_words(body, message, param):
    with pytest.raises(BadRequest) as told:
        FACE.peek(body)
    assert message in told.value.message
    assert told.value.param == param


def test_peek_tells_what_routing_needs():
    envelope = peek(stream=True, max_tokens=7, stream_options={"include_usage": True})
    assert (envelope.model, envelope.stream, envelope.max_tokens, envelope.include_usage) == ("gpt-4o", True, 7, True)
    assert envelope.needs == Need.STREAM
    assert envelope.input_tokens > 0
    assert peek(max_tokens=7, max_completion_tokens=9).max_tokens == 9


def test_the_last_of_two_equal_members_counts_everywhere():
    envelope = FACE.peek(b'{"model":"a","model":"b","messages":[{"role":"user","content":"x"}]}')
    assert envelope.model == "b"
    assert FACE.pass_request(envelope, "c").count(b'"model"') == 1


TOOL = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, 0),
        ({"n": 1, "logprobs": False, "stop": None, "user": "u", "metadata": {"a": "b"}, "store": True}, 0),
        ({"service_tier": "auto", "prompt_cache_key": "k", "safety_identifier": "s", "seed": None}, 0),
        ({"modalities": ["text"], "logit_bias": {}, "tool_choice": "none"}, 0),
        ({"tools": [TOOL], "parallel_tool_calls": True, "tool_choice": "auto"}, Need.TOOLS),
        ({"tools": [TOOL], "tool_choice": "required"}, Need.TOOLS | Need.TOOL_CHOICE),
        ({"tools": [TOOL], "tool_choice": TOOL}, Need.TOOLS | Need.TOOL_CHOICE),
        ({"tools": [TOOL], "parallel_tool_calls": False}, Need.TOOLS | Need.SERIAL_TOOLS),
        ({"tools": [{"type": "custom", "custom": {"name": "c"}}]}, Need.TOOLS | Need.NATIVE_TOOLS),
        ({"functions": [{"name": "f"}], "function_call": "auto"}, Need.NATIVE_TOOLS),
        ({"modalities": ["text", "audio"], "audio": {"voice": "a"}}, Need.NATIVE_TOOLS),
        ({"stop": list("abcd")}, Need.STOP),
        ({"stop": list("abcde")}, Need.STOP | Need.FIVE_STOPS),
        ({"stop": list("abcdef")}, Need.STOP | Need.FIVE_STOPS | Need.MANY_STOPS),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, Need.NATIVE_TOOLS),
        ({"response_format": {"type": "text"}}, 0),
        ({"response_format": {"type": "json_object"}}, Need.JSON_OBJECT),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}}}}, Need.JSON_SCHEMA),
        ({"response_format": {"type": "grammar"}}, Need.OPENAI_EXTRAS),
        ({"reasoning_effort": "low"}, Need.REASONING),
        ({"reasoning_effort": "default"}, Need.OPENAI_EXTRAS),
        ({"seed": 0}, Need.SEED),
        ({"stop": ["x"]}, Need.STOP),
        ({"top_k": 5}, Need.TOP_K),
        ({"frequency_penalty": 0.1}, Need.PENALTIES),
        ({"presence_penalty": 0}, 0),
        ({"logprobs": True, "top_logprobs": 2}, Need.LOGPROBS),
        ({"n": 2}, Need.MULTIPLE),
        ({"temperature": 0}, Need.TEMPERATURE),
        ({"top_p": 0.5}, Need.TEMPERATURE),
        ({"temperature": 1, "top_p": 1.0}, 0),
        ({"logit_bias": {"1": 2}}, Need.OPENAI_EXTRAS | Need.PENALTIES),
        ({"web_search_options": {}}, Need.NATIVE_TOOLS),
        ({"never_heard_of": 1}, Need.OPENAI_EXTRAS),
        ({"never_heard_of": None}, 0),
        ({"verbosity": "low"}, Need.OPENAI_EXTRAS),
    ],
)
def test_needs_of_fields(fields, needs):
    assert peek(**fields).needs == needs


@pytest.mark.parametrize(
    ("part", "needs"),
    [
        ({"type": "text", "text": 'about "image_url" and "cache_control"'}, 0),
        ({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}, Need.PROMPT_CACHE),
        ({"type": "image_url", "image_url": {"url": "https://x/y.png"}}, Need.IMAGES),
        ({"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}, Need.OTHER_MEDIA),
        ({"type": "file", "file": {"file_data": "data:application/pdf;base64,AA=="}}, Need.OTHER_MEDIA),
        ({"type": "file", "file": {"file_id": "f"}}, Need.OTHER_MEDIA | Need.NATIVE_CONTENT),
        ({"type": "video_url", "video_url": {"url": "x"}}, Need.OTHER_MEDIA | Need.NATIVE_CONTENT),
    ],
)
def test_needs_of_parts(part, needs):
    assert peek(messages=[{"role": "user", "content": [part]}]).needs == needs


def test_pass_request_changes_the_model_and_nothing_else():
    body = b'{ "x": 1.50, "model":"a", "messages": [ {"role":"user","content":"\\u00e9"} ], "seed":  7 }'
    envelope = FACE.peek(body)
    assert FACE.pass_request(envelope, "b") == (
        b'{"x":1.50,"model":"b","messages":[ {"role":"user","content":"\\u00e9"} ],"seed":7}'
    )
    assert FACE.pass_request(envelope, "c").startswith(b'{"x":1.50,"model":"c"')  # a retry starts from the same


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"max_tokens": 900}, {"max_tokens": 500}),
        ({"max_completion_tokens": 900, "max_tokens": 400}, {"max_completion_tokens": 500, "max_tokens": 400}),
        ({"max_completion_tokens": 900, "max_tokens": None}, {"max_completion_tokens": 500, "max_tokens": None}),
        ({}, {}),
    ],
)
def test_pass_request_lowers_the_bound_on_tokens_and_nothing_else(asked, sent):
    envelope = peek(**asked, n=2)
    assert json.loads(FACE.pass_request(envelope, "m", 500)) == {"model": "m", "messages": HELLO, "n": 2, **sent}
    assert json.loads(FACE.pass_request(envelope, "m")) == {"model": "m", "messages": HELLO, "n": 2, **asked}


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({}, {"include_usage": True}),
        ({"stream_options": None}, {"include_usage": True}),
        ({"stream_options": {"include_obfuscation": False}}, {"include_obfuscation": False, "include_usage": True}),
        ({"stream_options": {"include_usage": False}}, {"include_usage": True}),
        ({"stream_options": {"include_usage": True, "a": 1}}, {"include_usage": True, "a": 1}),
    ],
)
def test_usage_is_always_asked_for_in_streams(options, wanted):
    body = json.loads(FACE.pass_request(peek(stream=True, **options), "m"))
    assert body["stream_options"] == wanted
    assert "stream_options" not in json.loads(FACE.pass_request(peek(), "m"))


def test_members_of_ours_do_not_reach_the_provider():
    marked = {"role": "assistant", "content": "x", "polycloud": {"thinking": [{"text": "t", "signature": "s"}]}}
    envelope = peek(messages=[*HELLO, marked])
    assert b"polycloud" not in FACE.pass_request(envelope, "m")
    assert FACE.read_request(envelope).messages[1].parts == (Thinking("t", "s"), Text("x"))


def test_read_request_whole():
    request = read(
        messages=[
            {"role": "developer", "content": "be brief"},
            {"role": "user", "name": "Ann", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": None,
                "reasoning_content": "hm",
                "tool_calls": [
                    {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}},
                    {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{broken"}},
                ],
            },
            {"role": "tool", "tool_call_id": "1", "content": "one"},
            {"role": "tool", "tool_call_id": "2", "content": [{"type": "text", "text": "two"}]},
            {"role": "system", "content": "late"},
        ],
        tools=[
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"b": 1, "a": 2}, "strict": True},
            }
        ],
        tool_choice={"type": "function", "function": {"name": "f"}},
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"z": 1, "y": 2}, "strict": True},
        },
        stop="END",
        max_tokens=5,
        max_completion_tokens=6,
        reasoning_effort="minimal",
        user="u",
        metadata={"k": "v"},
        logit_bias={"1": 2},
        stream=True,
    )
    assert request.messages == (
        Message("system", (Text("be brief"),)),
        Message("user", (Text("a"), Text("b")), "Ann"),
        Message("assistant", (Thinking("hm"), ToolCall("1", "f", '{"a": 1.0}'), ToolCall("2", "f", "{broken"))),
        Message("user", (ToolResult("1", (Text("one"),)),)),
        Message("user", (ToolResult("2", (Text("two"),)),)),
        Message("system", (Text("late"),)),
    )
    assert request.tools == (Tool("f", "d", b'{"b": 1, "a": 2}', True),)
    assert request.tool_choice == ToolChoice("named", "f")
    assert request.response_format == ResponseFormat("n", b'{"z": 1, "y": 2}', True)
    assert (request.stop, request.max_tokens, request.effort) == (("END",), 6, "minimal")
    assert (request.user, request.stream, request.include_usage) == ("u", True, False)
    assert request.hints == {"metadata": b'{"k": "v"}'}
    assert request.extras == {"openai_chat": {"logit_bias": b'{"1": 2}'}}


def test_media_are_carried():
    parts = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
        {"type": "input_audio", "input_audio": {"data": "BBBB", "format": "mp3"}},
    ]
    (message,) = read(messages=[{"role": "user", "content": parts}]).messages
    assert message.parts == (
        Media("image", "image/png", "AAAA"),
        Media("image", url="https://x/y.png"),
        Media("audio", "audio/mpeg", "BBBB"),
    )


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, BadRequest, "tool_call_id"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            BadRequest,
            r"messages\[0\].content\[0\].text",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, Unsupported, "hologram"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, Unsupported, "tool_calls"),
        ({"response_format": {"type": "json_schema"}}, BadRequest, "json_schema"),
        ({"tools": [{"type": "function"}]}, BadRequest, r"tools\[0\].function"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"ttl": "9h"}}]}
                ]
            },
            BadRequest,
            "5m or 1h",
        ),
    ],
)
def test_what_has_no_common_form_is_named(fields, error, words):
    with pytest.raises(error, match=words):
        read(**fields)


REPLY = {
    "id": "c",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "length"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
}


def test_pass_reply_reads_what_metering_needs():
    assert FACE.pass_reply(json.dumps(REPLY).encode()) == (Usage(9, 2, 4), "length")
    assert FACE.pass_reply(json.dumps({**REPLY, "usage": None}).encode())[0] is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id"',
        b"<html>",
        b'{"error":{"message":"no"}}',
        b'{"choices":[]}',
        b'{"choices":[{"finish_reason":null}]}',
        b'{"choices":[{"finish_reason":"error"}]}',
    ],
)
def test_what_is_no_answer_is_a_broken_one(body):
    with pytest.raises(BrokenStream):
        FACE.pass_reply(body)


@pytest.mark.parametrize(
    ("error", "kind", "code", "param"),
    [
        (BadRequest("no", "n"), "invalid_request_error", "bad_request", "n"),
        (KeyRefused("no"), "authentication_error", "invalid_api_key", None),
        (PolicyDenied("no"), "permission_error", "policy_denied", None),
        (ModelUnknown("no", "model"), "invalid_request_error", "model_not_found", "model"),
        (TooLarge("no"), "invalid_request_error", "too_large", None),
        (Unsupported("no"), "invalid_request_error", "unsupported", None),
        (RateLimited("no", 1.0), "rate_limit_error", "rate_limit_exceeded", None),
        (QuotaSpent("no"), "insufficient_quota", "insufficient_quota", None),
        (ContextTooLong("no"), "invalid_request_error", "context_length_exceeded", None),
        (Unavailable("no"), "server_error", "provider_unavailable", None),
    ],
)
def test_errors_in_openai_words(error, kind, code, param):
    body = json.loads(FACE.write_error(error, "req_1"))["error"]
    assert body == {"message": "no", "type": kind, "param": param, "code": code, "request_id": "req_1"}


def test_models_list():
    listed = json.loads(FACE.write_models([("a", "azure"), ("b", "")], 5))
    assert listed["object"] == "list"
    assert listed["data"][0] == {"id": "a", "object": "model", "created": 5, "owned_by": "azure"}
    assert json.loads(FACE.write_model(("b", ""), 5)) == listed["data"][1]
