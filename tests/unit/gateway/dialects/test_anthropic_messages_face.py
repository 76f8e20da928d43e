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
    TimedOut,
    TooLarge,
    Unavailable,
    Unsupported,
)
from polycloud.core.usage import Usage
from polycloud.gateway.faces.anthropic import AnthropicFace

FACE = AnthropicFace()
NATIVE = Need.NATIVE_TOOLS
HELLO = [{"role": "user", "content": "hello"}]
MARK = {"type": "ephemeral"}


def peek(**fields):
    return FACE.peek(json.dumps({"model": "claude", "max_tokens": 9, "messages": HELLO, **fields}).encode())


def read(**fields):
    return FACE.read_request(peek(**fields))


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        (b"{", "not valid JSON", None),
        (b"7", "must be an object, not an integer", None),
        (
            b'{"model":"m","messages":[{"role":"user","content":"x"}]}',
            "max_tokens: this field is required",
            "max_tokens",
        ),
        (b'{"model":"m","max_tokens":0,"messages":[{"role":"user","content":"x"}]}', "at least 1", "max_tokens"),
        (b'{"model":"m","max_tokens":1,"messages":[]}', "at least one message", "messages"),
        (b'{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}', "is required", "messages[0].content"),
        (
            b'{"model":"m","max_tokens":1,"messages":[{"role":"tool","content":"x"}]}',
            "invalid enum",
            "messages[0].role",
        ),
        (
            b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{}]}]}',
            "required",
            "messages[0].content[0].type",
        ),
        (b'{"model":"m","max_tokens":"1","messages":[]}', "expected an integer, got a string", "max_tokens"),
        (b'{"model":"m","max_tokens":1,"system":5,"messages":[]}', "got an integer", "system"),
        (b'{"model":"\xc3","max_tokens":1,"messages":[]}', "not valid UTF-8", None),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deeply", None),
    ],
)
def test_mistakes_are_told_in_plain_words(body, message, param):
    with pytest.raises(BadRequest) as told:
        FACE.peek(body)
    assert message in told.value.message
    assert told.value.param == param


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({}, 0),
        ({"metadata": {"user_id": "u"}, "service_tier": "auto", "speed": "fast"}, 0),
        ({"stream": True}, Need.STREAM),
        ({"temperature": 0.9}, Need.TEMPERATURE),
        ({"temperature": 1.0, "top_p": 1}, 0),
        ({"top_k": 3}, Need.TOP_K),
        ({"stop_sequences": ["x"]}, Need.STOP),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, Need.REASONING),
        ({"thinking": {"type": "adaptive"}}, Need.REASONING),
        ({"thinking": {"type": "disabled"}}, 0),
        ({"thinking": {"type": "between_tools"}}, Need.REASONING | Need.ANTHROPIC_EXTRAS),
        ({"output_config": {"effort": "low"}}, Need.REASONING),
        ({"output_config": {"format": {"type": "json_schema", "schema": {}}}}, Need.JSON_SCHEMA),
        ({"output_config": {"task_budget": {"type": "tokens", "total": 1}}}, Need.ANTHROPIC_EXTRAS),
        ({"cache_control": MARK}, Need.PROMPT_CACHE),
        ({"system": [{"type": "text", "text": "x", "cache_control": MARK}]}, Need.PROMPT_CACHE),
        ({"tools": [{"name": "f", "input_schema": {}}]}, Need.TOOLS),
        (
            {"tools": [{"type": "custom", "name": "f", "input_schema": {}, "cache_control": MARK}]},
            Need.TOOLS | Need.PROMPT_CACHE,
        ),
        (
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            NATIVE | Need.TOOLS | Need.ANTHROPIC_EXTRAS,
        ),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, NATIVE | Need.TOOLS | Need.ANTHROPIC_EXTRAS),
        ({"stop_sequences": list("abcde")}, Need.STOP | Need.FIVE_STOPS),
        ({"stop_sequences": list("abcdef")}, Need.STOP | Need.FIVE_STOPS | Need.MANY_STOPS),
        ({"tools": [{"name": "f", "input_schema": {}, "defer_loading": True}]}, Need.TOOLS | Need.ANTHROPIC_EXTRAS),
        ({"tool_choice": {"type": "auto"}}, 0),
        ({"tool_choice": {"type": "any"}}, Need.TOOL_CHOICE),
        ({"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}, Need.SERIAL_TOOLS),
        ({"context_management": {"edits": []}}, Need.ANTHROPIC_EXTRAS),
        ({"mcp_servers": [{"name": "x"}]}, NATIVE | Need.ANTHROPIC_EXTRAS),
        ({"anthropic_beta": ["x"]}, 0),
        ({"container": None}, 0),
    ],
)
def test_needs_of_fields(fields, needs):
    assert peek(**fields).needs == needs


@pytest.mark.parametrize(
    ("block", "needs"),
    [
        ({"type": "text", "text": '{"type":"image"} and "cache_control"'}, 0),
        ({"type": "text", "text": "x", "cache_control": MARK}, Need.PROMPT_CACHE),
        ({"type": "image", "source": {"type": "url", "url": "u"}}, Need.IMAGES),
        ({"type": "document", "source": {"type": "base64", "data": "AA=="}}, Need.OTHER_MEDIA),
        ({"type": "document", "source": {"type": "file", "file_id": "f"}}, Need.OTHER_MEDIA | Need.NATIVE_CONTENT),
        ({"type": "search_result", "source": "s", "title": "t", "content": []}, Need.NATIVE_CONTENT),
        (
            {
                "type": "tool_result",
                "tool_use_id": "1",
                "content": [{"type": "image", "source": {"type": "url", "url": "u"}}],
            },
            Need.IMAGES,
        ),
        ({"type": "tool_result", "tool_use_id": "1", "content": [{"type": "tool_reference"}]}, Need.NATIVE_CONTENT),
    ],
)
def test_needs_of_blocks(block, needs):
    assert peek(messages=[{"role": "user", "content": [block]}]).needs == needs


def test_pass_request_changes_the_model_and_nothing_else():
    messages = b'[{"role":"user", "content":"\\u00fc"}]'
    body = b'{"max_tokens": 9, "model": "a", "stream":true, "messages": ' + messages + b', "top_p":0.10}'
    envelope = FACE.peek(body)
    assert FACE.pass_request(envelope, "b") == (
        b'{"max_tokens":9,"model":"b","stream":true,"messages":' + messages + b',"top_p":0.10}'
    )
    assert envelope.include_usage


@pytest.mark.parametrize(
    ("thinking", "sent"),
    [
        ({"type": "enabled", "budget_tokens": 8000, "x": 1}, {"type": "enabled", "budget_tokens": 2048, "x": 1}),
        ({"type": "enabled", "budget_tokens": 4096}, {"type": "enabled", "budget_tokens": 2048}),
        ({"type": "enabled", "budget_tokens": 4095}, {"type": "enabled", "budget_tokens": 4095}),
        ({"type": "adaptive"}, {"type": "adaptive"}),
        (None, None),
    ],
)
def test_pass_request_lowers_the_bound_on_tokens_and_leaves_room_for_the_answer(thinking, sent):
    body = json.loads(FACE.pass_request(peek(max_tokens=9000, thinking=thinking, custom=1), "m", 4096))
    assert (body["max_tokens"], body["thinking"], body["custom"]) == (4096, sent, 1)
    assert json.loads(FACE.pass_request(peek(max_tokens=90), "m", 4096))["max_tokens"] == 90


def test_what_anthropic_did_not_make_does_not_go_back_to_it():
    call = {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1.10}, "polycloud": {"signature": "gemini:s"}}
    thinking = [
        {"type": "thinking", "thinking": "own", "signature": "c2ln"},
        {"type": "thinking", "thinking": "unsigned", "signature": ""},
        {"type": "thinking", "thinking": "foreign", "signature": "gemini:c2ln"},
    ]
    messages = [
        *HELLO,
        {"role": "assistant", "content": [*thinking, call]},
        {"role": "assistant", "content": thinking[1:]},
    ]
    envelope = peek(messages=messages)
    raw = FACE.pass_request(envelope, "m")
    assert b'"input":{"a": 1.1}' in raw
    assert json.loads(raw)["messages"] == [
        *HELLO,
        {"role": "assistant", "content": [thinking[0], {k: v for k, v in call.items() if k != "polycloud"}]},
    ]
    parts = FACE.read_request(envelope).messages[1].parts
    assert parts[2:] == (Thinking("foreign", "gemini:c2ln"), ToolCall("1", "f", '{"a": 1.1}', "gemini:s"))


def test_read_request_whole():
    request = read(
        system=[{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "a"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "redacted_thinking", "data": "xx"},
                    {"type": "text", "text": "b"},
                    {"type": "tool_use", "id": "1", "name": "f", "input": {"b": 1.50, "a": 2}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "1",
                        "content": "r",
                        "is_error": True,
                        "cache_control": MARK,
                    },
                    {"type": "tool_result", "tool_use_id": "2"},
                ],
            },
        ],
        tools=[{"name": "f", "description": "d", "input_schema": {"z": 1}, "strict": True}],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"effort": "low", "format": {"type": "json_schema", "schema": {"y": 1}}},
        thinking={"type": "enabled", "budget_tokens": 2048},
        stop_sequences=["END"],
        top_k=4,
        metadata={"user_id": "u"},
        service_tier="auto",
        container="c",
        stream=True,
    )
    assert request.messages == (
        Message("system", (Text("be brief", "1h"),)),
        Message("user", (Text("a"),)),
        Message(
            "assistant",
            (Thinking("hm", "s"), Thinking(redacted="xx"), Text("b"), ToolCall("1", "f", '{"b": 1.5, "a": 2}')),
        ),
        Message("user", (ToolResult("1", (Text("r"),), True, "5m"), ToolResult("2", ()))),
    )
    assert request.tools == (Tool("f", "d", b'{"z": 1}', True),)
    assert (request.tool_choice, request.parallel_tools) == (ToolChoice("named", "f"), False)
    assert request.response_format == ResponseFormat(schema=b'{"y": 1}')
    assert (request.effort, request.thinking_budget, request.top_k, request.stop) == ("low", 2048, 4, ("END",))
    assert (request.user, request.hints) == ("u", {"service_tier": b'"auto"'})
    assert request.extras == {"anthropic_messages": {"container": b'"c"'}}


def test_special_tools_travel_whole_in_extras():
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}}]
    request = read(tools=tools)
    assert [tool.name for tool in request.tools] == ["f"]
    assert json.loads(request.extras["anthropic_messages"]["tools"]) == tools


@pytest.mark.parametrize(
    ("thinking", "wanted"),
    [
        ({}, (None, None)),
        ({"thinking": {"type": "adaptive"}}, ("high", None)),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, ("max", None)),
        ({"thinking": {"type": "disabled"}}, ("none", None)),
        ({"thinking": {"type": "enabled", "budget_tokens": 5000}}, (None, 5000)),
    ],
)
def test_thinking_in_the_common_form(thinking, wanted):
    request = read(**thinking)
    assert (request.effort, request.thinking_budget) == wanted


def test_the_mark_of_the_whole_request_is_one_on_its_last_block():
    messages = [*HELLO, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "s"}]}]
    assert read(cache_control=MARK).messages[-1].parts == (Text("hello", "5m"),)
    assert read(cache_control=MARK, messages=messages).messages[0].parts == (Text("hello", "5m"),)


def test_media_are_carried():
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    page = {"type": "document", "source": {"type": "url", "url": "https://x"}, "cache_control": MARK}
    assert read(messages=[{"role": "user", "content": [block, page]}]).messages[0].parts == (
        Media("image", "image/png", "AAAA"),
        Media("document", url="https://x", cache="5m"),
    )


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, Unsupported, "hologram"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_use", "id": "1"}]}]}, BadRequest, "tool_use block"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "file"}}]}]},
            Unsupported,
            "base64 and url",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "tool_result", "tool_use_id": "1", "content": {"type": "text"}}],
                    }
                ]
            },
            BadRequest,
            "array",
        ),
        ({"tool_choice": {"type": "maybe"}}, BadRequest, "auto, any, tool or none"),
        ({"tool_choice": {"type": "tool"}}, BadRequest, "tool_choice.name"),
        ({"tools": [{"input_schema": {}}]}, BadRequest, r"tools\[0\].name"),
        ({"thinking": {"type": "enabled"}}, BadRequest, "budget_tokens"),
        ({"output_format": {"type": "yaml"}}, BadRequest, "json_schema"),
        ({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, BadRequest, "5m or 1h"),
    ],
)
def test_what_has_no_common_form_is_named(fields, error, words):
    with pytest.raises(error, match=words):
        read(**fields)


def test_pass_reply_reads_what_metering_needs():
    usage = {"input_tokens": 5, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 3}
    body = {"id": "m", "content": [], "stop_reason": "tool_use", "usage": usage}
    assert FACE.pass_reply(json.dumps(body).encode()) == (Usage(35, 3, 10, 20), "tool_calls")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"content":[]}', b'{"type":"error","error":{"type":"x"}}', b'{"content":[]']
)
def test_what_is_no_answer_is_a_broken_one(body):
    with pytest.raises(BrokenStream):
        FACE.pass_reply(body)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BadRequest("no", "n"), "invalid_request_error"),
        (KeyRefused("no"), "authentication_error"),
        (PolicyDenied("no"), "permission_error"),
        (ModelUnknown("no"), "not_found_error"),
        (TooLarge("no"), "request_too_large"),
        (Unsupported("no"), "invalid_request_error"),
        (RateLimited("no", 1.0), "rate_limit_error"),
        (QuotaSpent("no"), "billing_error"),
        (ContextTooLong("no"), "invalid_request_error"),
        (Unavailable("no"), "overloaded_error"),
        (TimedOut("no"), "timeout_error"),
        (BrokenStream("no"), "api_error"),
    ],
)
def test_errors_in_anthropic_words(error, kind):
    body = json.loads(FACE.write_error(error, "req_1"))
    assert (body["type"], body["request_id"]) == ("error", "req_1")
    assert (body["error"]["type"], body["error"]["message"], body["error"]["code"]) == (kind, "no", error.code)


def test_models_list():
    listed = json.loads(FACE.write_models([("a", "x"), ("b", "y")], 0))
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("a", "b", False)
    assert listed["data"][0] == {"type": "model", "id": "a", "display_name": "a", "created_at": "1970-01-01T00:00:00Z"}
    assert json.loads(FACE.write_model(("a", "x"), 0)) == listed["data"][0]
    assert json.loads(FACE.write_models([], 0))["first_id"] is None
