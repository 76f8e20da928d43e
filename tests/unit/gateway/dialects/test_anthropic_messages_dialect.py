import json

import pytest

from polycloud.core.chat import (
    ChatReply,
    ChatRequest,
    Ended,
    Failed,
    Finished,
    Media,
    Message,
    ResponseFormat,
    Started,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    Used,
)
from polycloud.core.errors import BrokenStream, Unavailable, Unsupported
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.anthropic_messages import AnthropicMessages
from polycloud.gateway.faces.anthropic import AnthropicFace

DIALECT = AnthropicMessages()
FACE = AnthropicFace()
HELLO = (Message("user", (Text("hello"),)),)
OLD, NEW = "claude-sonnet-4-5@20250929", "claude-opus-4-7"


def write(model=OLD, messages=HELLO, **fields):
    return json.loads(DIALECT.write_request(ChatRequest("m", messages, **fields), model))


def dropped(messages=HELLO, model="claude-sonnet-4-5@20250929", **fields):
    return set(DIALECT.dropped(ChatRequest(model, messages, **fields)))


def event(kind, **fields):
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def delta(index, kind, **fields):
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def start(index, kind, **fields):
    return event("content_block_start", index=index, content_block={"type": kind, **fields})


def stop(index):
    return event("content_block_stop", index=index)


def events(*pieces):
    reader = DIALECT.stream_reader()
    return [found for piece in pieces for found in reader.feed(piece)]


USAGE = {"input_tokens": 5, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 20, "output_tokens": 1}
BEGIN = event("message_start", message={"id": "m1", "model": "c", "usage": USAGE})
END = event("message_stop")


def test_a_bound_is_always_sent():
    assert write()["max_tokens"] == 4096
    assert write(max_tokens=7)["max_tokens"] == 7


def test_turns_alternate_and_begin_with_the_user():
    messages = (
        Message("system", (Text("s"),)),
        Message("assistant", (Text("welcome"),)),
        Message("user", (Text("a"),)),
        Message("user", (Text(" "), Text("b"))),
        Message("assistant", (ToolCall("1", "f", '{"x": 1.0}'),)),
        Message("user", (Text("and"),)),
        Message("user", (ToolResult("1", (Text("r"),)),)),
        Message("assistant", (Text(""),)),
    )
    body = write(messages=messages)
    assert body["system"] == "s"
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert body["messages"][2]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert [block["type"] for block in body["messages"][4]["content"]] == ["tool_result", "text"]
    assert "messages" in dropped(messages)
    assert "messages" not in dropped()


def test_system_text_of_any_place_is_system_text():
    late = (*HELLO, Message("system", (Text("late", "1h"),)))
    body = write(messages=(Message("system", (Text("early"),)), *late))
    assert [block["text"] for block in body["system"]] == ["early", "late"]
    assert body["system"][1]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert dropped(late) == {"messages.system"}


def test_a_last_answer_ends_without_blanks():
    assert write(messages=(*HELLO, Message("assistant", (Text("so \n"),))))["messages"][1]["content"] == "so"


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("", {}),
        (" ", {}),
        ("{}", {}),
        ('{"a": [1]}', {"a": [1]}),
        ('{"a":', {"arguments": '{"a":'}),
        ("[1]", {"arguments": "[1]"}),
    ],
)
def test_arguments_are_objects(arguments, wanted):
    messages = (*HELLO, Message("assistant", (ToolCall("1", "f", arguments),)))
    assert write(messages=messages)["messages"][1]["content"][0]["input"] == wanted


def test_arguments_keep_their_bytes():
    request = ChatRequest("m", (*HELLO, Message("assistant", (ToolCall("1", "f", '{"b": 1.50, "a":"\\u00e9"}'),))))
    assert b'"input":{"b": 1.50, "a":"\\u00e9"}' in DIALECT.write_request(request, OLD)


def test_ids_that_anthropic_refuses_are_replaced_on_both_sides():
    messages = (
        *HELLO,
        Message("assistant", (ToolCall("functions.f:0", "f", "{}"), ToolCall("functions.f:1", "f", "{}"))),
        Message(
            "user", (ToolResult("functions.f:0", ()), ToolResult("functions.f:1", ()), ToolResult("toolu_0-1", ()))
        ),
    )
    _, calls, results = write(messages=messages)["messages"]
    sent = [block["id"] for block in calls["content"]]
    assert [block["tool_use_id"] for block in results["content"]] == [*sent, "toolu_0-1"]
    assert len(set(sent)) == 2
    assert all(i.replace("_", "").isalnum() for i in sent)


def test_only_its_own_thinking_goes_back():
    parts = (Thinking("own", "c2ln"), Thinking("x"), Thinking("y", "gemini:s"), Thinking(redacted="zz"), Text("t"))
    messages = (*HELLO, Message("assistant", parts))
    content = write(messages=messages)["messages"][1]["content"]
    assert [block["type"] for block in content] == ["thinking", "redacted_thinking", "text"]
    assert dropped(messages) == {"thinking"}


def test_cache_marks():
    messages = (Message("user", (Text("x", "5m"), ToolResult("1", (), cache="1h"))),)
    body = write(messages=messages, tools=(Tool("f", cache="5m"),))
    result, text = body["messages"][0]["content"]
    assert (text["cache_control"], result["cache_control"]["ttl"]) == ({"type": "ephemeral"}, "1h")
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral"}
    assert not dropped(messages)


@pytest.mark.parametrize(
    ("choice", "parallel", "wanted"),
    [
        (None, None, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), None, {"type": "any"}),
        (ToolChoice("named", "f"), True, {"type": "tool", "name": "f", "disable_parallel_tool_use": False}),
        (ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_tool_choice(choice, parallel, wanted):
    assert write(tools=(Tool("f"),), tool_choice=choice, parallel_tools=parallel).get("tool_choice") == wanted
    assert "tool_choice" not in write(tool_choice=choice, parallel_tools=parallel)


def test_thinking_by_budget_and_what_may_not_stand_beside_it():
    fields = {"effort": "high", "max_tokens": 3000, "temperature": 0.5, "top_p": 0.5, "top_k": 4}
    body = write(**fields)
    assert body["thinking"]["type"] == "enabled"
    assert 1024 <= body["thinking"]["budget_tokens"] < 3000
    assert not {"temperature", "top_p", "top_k"} & body.keys()
    assert dropped(**fields) == {"temperature", "top_p", "top_k", "thinking_budget:1500"}
    assert write(thinking_budget=5000, max_tokens=9000)["thinking"]["budget_tokens"] == 5000
    assert write(effort="low")["max_tokens"] > write(effort="low")["thinking"]["budget_tokens"]


def test_thinking_that_is_not_possible_is_left_out_and_told():
    for fields in ({"max_tokens": 500}, {"tools": (Tool("f"),), "tool_choice": ToolChoice("required")}):
        assert "thinking" not in write(effort="high", **fields)
        assert "reasoning_effort" in dropped(effort="high", **fields)
    loop = (*HELLO, Message("assistant", (ToolCall("1", "f", "{}"),)), Message("user", (ToolResult("1", ()),)))
    assert "thinking" not in write(messages=loop, effort="high")
    assert "reasoning_effort" in dropped(loop, effort="high")


def test_newer_models_take_an_effort():
    body = write(NEW, effort="medium")
    assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})
    assert write(NEW, effort="none")["thinking"] == {"type": "disabled"}
    assert "thinking" not in write(NEW)


def test_adaptive_thinking_takes_no_sampling_parameters_either():
    fields = {"effort": "high", "temperature": 0.2, "top_p": 0.5, "top_k": 4}
    assert not {"temperature", "top_p", "top_k"} & write(NEW, **fields).keys()
    assert dropped(model=NEW, **fields) == {"temperature", "top_p", "top_k"}


def test_adaptive_thinking_goes_on_in_a_tool_loop_that_began_without():
    loop = (*HELLO, Message("assistant", (ToolCall("1", "f", "{}"),)), Message("user", (ToolResult("1", ()),)))
    assert write(NEW, messages=loop, effort="high")["thinking"] == {"type": "adaptive"}


@pytest.mark.parametrize(
    ("model", "fields", "told"),
    [
        (OLD, {"thinking_budget": 200, "max_tokens": 4000}, {"thinking_budget:1024"}),
        (OLD, {"thinking_budget": 2000, "effort": "low", "max_tokens": 4000}, {"reasoning_effort"}),
        (NEW, {"effort": "minimal"}, {"reasoning_effort:low"}),
        (NEW, {"effort": "medium"}, set()),
    ],
)
def test_reasoning_of_another_size_than_asked_is_told(model, fields, told):
    assert dropped(model=model, **fields) == told


def test_stop_sequences_of_blanks_are_left_out_and_told():
    assert write(stop=("END", "\n", ""))["stop_sequences"] == ["END"]
    assert "stop_sequences" not in write(stop=("\n",))
    assert dropped(stop=("\n",)) == {"stop"}


@pytest.mark.parametrize("parts", [(), (Text(""),), (Text(" \n"),), (Thinking("mine", "gemini:x"),)])
def test_a_prompt_of_nothing_gets_an_opening_and_is_told(parts):
    messages = (Message("system", (Text("S"),)), Message("user", parts))
    assert write(messages=messages)["messages"] == [{"role": "user", "content": "."}]
    assert "messages" in dropped(messages)


def test_structured_output():
    body = write(response_format=ResponseFormat("n", b'{"b":1}', True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": {"b": 1, "title": "n"}}}
    described = write(response_format=ResponseFormat("n", b'{"title":"own"}', False, "what it is"))
    assert described["output_config"]["format"]["schema"] == {"title": "own", "description": "what it is"}
    assert dropped(response_format=ResponseFormat("n", b"{}", False)) == {"response_format.strict"}
    assert dropped(response_format=ResponseFormat()) == {"response_format"}
    assert "output_config" not in write(response_format=ResponseFormat())


def test_what_is_left_out_is_told():
    fields = {
        "seed": 0,
        "frequency_penalty": 0.1,
        "presence_penalty": 0.0,
        "temperature": 1.7,
        "user": "u",
        "hints": {"store": b"true", "service_tier": b'"flex"', "speed": b'"fast"'},
        "extras": {"openai_chat": {"logit_bias": b"{}"}, "anthropic_messages": {"container": b'"c"'}},
        "tool_choice": ToolChoice("none"),
        "parallel_tools": True,
    }
    messages = (Message("user", (Text("x"),), "Ann"),)
    assert dropped(messages, **fields) == {
        "seed", "frequency_penalty", "presence_penalty", "temperature", "store", "service_tier", "logit_bias",
        "tool_choice", "parallel_tool_calls", "messages.name",
    }  # fmt: skip
    body = write(messages=messages, **fields)
    assert (body["temperature"], body["metadata"], body["container"], body["speed"]) == (
        1.0,
        {"user_id": "u"},
        "c",
        "fast",
    )
    assert "service_tier" not in body


def test_media():
    parts = (Media("image", "image/png", "AA=="), Media("document", url="https://x"))
    content = write(messages=(Message("user", parts),))["messages"][0]["content"]
    assert content[0]["source"] == {"type": "base64", "media_type": "image/png", "data": "AA=="}
    assert content[1] == {"type": "document", "source": {"type": "url", "url": "https://x"}}
    with pytest.raises(Unsupported, match="audio"):
        write(messages=(Message("user", (Media("audio", "audio/wav", "AA=="),)),))


# whole answers


def test_a_whole_answer():
    body = {
        "id": "m1",
        "model": "c",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "xx"},
            {"type": "text", "text": "hi"},
            {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
            {"type": "tool_use", "id": "1", "name": "f", "input": {"b": 1.50}},
        ],
        "stop_reason": "tool_use",
        "usage": {**USAGE, "output_tokens_details": {"thinking_tokens": 1}},
    }
    found = DIALECT.read_reply(json.dumps(body).encode())
    assert found == ChatReply(
        "m1",
        "c",
        (Thinking("hm", "s"), Thinking(redacted="xx"), Text("hi"), ToolCall("1", "f", '{"b": 1.5}')),
        "tool_calls",
        Usage(35, 1, 10, 20, 1),
    )


@pytest.mark.parametrize(
    ("reason", "sequence", "finish", "wanted"),
    [
        ("end_turn", None, "stop", ""),
        ("max_tokens", None, "length", ""),
        ("stop_sequence", "END", "stop_sequence", "END"),
        ("tool_use", None, "tool_calls", ""),
        ("pause_turn", None, "pause", ""),
        ("refusal", None, "content_filter", ""),
        ("model_context_window_exceeded", None, "context_window", ""),
        ("something_new", None, "stop", ""),
    ],
)
def test_stop_reasons(reason, sequence, finish, wanted):
    body = {"content": [], "stop_reason": reason, "stop_sequence": sequence}
    found = DIALECT.read_reply(json.dumps(body).encode())
    assert (found.finish, found.stop_sequence, found.refusal) == (finish, wanted, reason == "refusal")
    if reason != "something_new":
        again = json.loads(FACE.write_reply(found, "m", 1))
        assert (again["stop_reason"], again["stop_sequence"]) == (reason, sequence)


@pytest.mark.parametrize(
    "body", [b"[]", b'{"content":[]}', b'{"content":[],"stop_reason":null}', b'{"stop_reason":"x"}']
)
def test_what_is_no_answer(body):
    with pytest.raises(BrokenStream):
        DIALECT.read_reply(body)


def test_write_reply():
    parts = (Text("a"), ToolCall("1", "f", '{"x": 1.0}', "gemini:s"), ToolCall("2", "f", ""))
    raw = FACE.write_reply(ChatReply("r", "theirs", parts, "tool_calls", Usage(10, 5, 3, 2, 1, 1)), "asked", 5)
    assert b'"input":{"x": 1.0}' in raw
    body = json.loads(raw)
    assert (body["id"], body["type"], body["role"], body["model"]) == ("r", "message", "assistant", "asked")
    assert body["content"][1]["polycloud"] == {"signature": "gemini:s"}
    assert body["content"][2] == {"type": "tool_use", "id": "2", "name": "f", "input": {}}
    assert body["usage"] == {
        "input_tokens": 5,
        "cache_creation_input_tokens": 2,
        "cache_read_input_tokens": 3,
        "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 1},
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 1},
    }
    assert DIALECT.read_reply(raw).usage == Usage(10, 5, 3, 2, 1, 1)


# streams


def test_reading_a_stream():
    found = events(
        BEGIN,
        event("ping"),
        start(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="hm"),
        delta(0, "signature_delta", signature="s"),
        stop(0),
        start(1, "redacted_thinking", data="xx"),
        stop(1),
        start(2, "text", text=""),
        delta(2, "text_delta", text="a"),
        delta(2, "citations_delta", citation={}),
        stop(2),
        event("something_new", index=2),
        start(3, "server_tool_use", id="s", name="web_search", input={}),
        delta(3, "input_json_delta", partial_json='{"q":1}'),
        stop(3),
        start(4, "web_search_tool_result", tool_use_id="s"),
        stop(4),
        start(5, "tool_use", id="1", name="f", input={}),
        delta(5, "input_json_delta", partial_json=""),
        delta(5, "input_json_delta", partial_json='{"x":'),
        delta(5, "input_json_delta", partial_json="1}"),
        stop(5),
        start(6, "tool_use", id="2", name="g", input={}),
        stop(6),
        event("message_delta", delta={"stop_reason": "tool_use"}, usage={"output_tokens": 9}),
        END,
    )
    assert found == [
        Started("m1", "c", Usage(35, 1, 10, 20)),
        ThinkingDelta("hm"),
        ThinkingDelta(signature="s"),
        ThinkingDelta(redacted="xx"),
        TextDelta("a"),
        ToolCallStarted(0, "1", "f"),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(0, "1}"),
        ToolCallStarted(1, "2", "g"),
        ToolCallDelta(1, "{}"),
        Finished("tool_calls"),
        Used(Usage(35, 9, 10, 20)),
        Ended(),
    ]


def test_blocks_that_start_with_content():
    assert events(
        start(0, "text", text="a"),
        start(1, "thinking", thinking="b"),
        start(2, "tool_use", id="1", name="f", input={"x": 1}),
    ) == [TextDelta("a"), ThinkingDelta("b"), ToolCallStarted(0, "1", "f"), ToolCallDelta(0, '{"x": 1}')]


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        ({"type": "overloaded_error", "message": "busy"}, Failed("overloaded_error", "busy", True)),
        ({"type": "invalid_request_error", "message": "bad"}, Failed("invalid_request_error", "bad", False)),
        (None, Failed("error", "", True)),
    ],
)
def test_errors_inside_streams_end_them(error, failed):
    stream = [BEGIN, event("error", error=error), END]
    assert events(*stream)[1:] == [failed]
    tap = FACE.tap(None)
    for piece in stream:
        tap.feed(piece)
    assert tap.failed == f"{failed.code}: {failed.message}"
    assert not tap.ended
    assert not tap.content


@pytest.mark.parametrize("frame", [b"event: x\ndata: {\n\n", b"data: 1\n\n", b'data: {"no":"type"}\n\n'])
def test_frames_that_can_not_be_read(frame):
    for feed in (DIALECT.stream_reader().feed, FACE.tap(None).feed):
        with pytest.raises(BrokenStream):
            feed(frame)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_tap_forwards_bytes_as_they_are(ending):
    stream = b"".join(
        [
            BEGIN,
            start(0, "text", text=""),
            b": comment\n\n",
            delta(0, "text_delta", text="a"),
            stop(0),
            event("message_delta", delta={"stop_reason": "max_tokens"}, usage={"output_tokens": 9}),
            END,
        ]
    ).replace(b"\n", ending)
    for step in (1, 7, 100, len(stream)):
        tap = FACE.tap(None)
        assert b"".join(tap.feed(stream[i : i + step]) for i in range(0, len(stream), step)) == stream
        assert (tap.content, tap.ended, tap.failed, tap.finish) == (True, True, "", "length")
        assert tap.usage == Usage(35, 9, 10, 20)


def test_tap_counts_content_from_the_first_content():
    tap = FACE.tap(None)
    tap.feed(BEGIN + event("ping") + start(0, "text", text=""))
    assert not tap.content
    assert tap.usage == Usage(35, 1, 10, 20)
    tap.feed(delta(0, "text_delta", text="a"))
    assert tap.content


def written(*batches):
    writer = FACE.stream_writer("asked", "r1", 5, False)
    found = []
    for frame in b"".join(writer.write(list(batch)) for batch in batches).removesuffix(b"\n\n").split(b"\n\n"):
        name, data = frame.split(b"\n")
        found.append(json.loads(data.removeprefix(b"data: ")))
        assert name == b"event: " + found[-1]["type"].encode()
    assert found[0]["type"] == "message_start"
    assert found[-1] == {"type": "message_stop"}
    return found


def shape(found):
    return [(e["type"].removeprefix("content_block_"), e["index"]) for e in found if "index" in e]


def test_writer_nests_blocks():
    found = written(
        [Started("x", "y", Usage(7))],
        [ThinkingDelta("hm"), ThinkingDelta(signature="s"), ThinkingDelta("more"), ThinkingDelta(redacted="xx")],
        [TextDelta('a"'), TextDelta("b")],
        [ToolCallStarted(0, "1", "f", "gemini:s"), ToolCallDelta(0, '{"x":'), ToolCallDelta(0, "1}")],
        [ToolCallStarted(1, "2", "g"), ToolCallDelta(1, "{}")],
        [Finished("stop_sequence", "END"), Used(Usage(7, 3, 2, 1)), Ended()],
    )
    message = found[0]["message"]
    assert (message["id"], message["model"], message["content"], message["usage"]["input_tokens"]) == (
        "r1",
        "asked",
        [],
        7,
    )
    assert shape(found) == [
        ("start", 0), ("delta", 0), ("delta", 0), ("stop", 0),
        ("start", 1), ("delta", 1), ("stop", 1),
        ("start", 2), ("stop", 2),
        ("start", 3), ("delta", 3), ("delta", 3), ("stop", 3),
        ("start", 4), ("delta", 4), ("delta", 4), ("stop", 4),
        ("start", 5), ("delta", 5), ("stop", 5),
    ]  # fmt: skip
    starts = [e["content_block"] for e in found if e["type"] == "content_block_start"]
    assert starts[2] == {"type": "redacted_thinking", "data": "xx"}
    assert starts[4] == {
        "type": "tool_use",
        "id": "1",
        "name": "f",
        "input": {},
        "polycloud": {"signature": "gemini:s"},
    }
    assert found[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    assert found[-2]["usage"]["input_tokens"] == 4
    assert found[-2]["usage"]["output_tokens"] == 3


def test_mixed_fragments_of_parallel_calls_are_not_lost():
    found = written(
        [ToolCallStarted(0, "1", "f"), ToolCallStarted(1, "2", "g")],
        [ToolCallDelta(0, '{"a"'), ToolCallDelta(1, '{"b"'), ToolCallDelta(0, ":1}"), ToolCallDelta(1, ":2}")],
        [Finished("tool_calls"), Ended()],
    )
    arguments = {0: "", 1: ""}
    for e in found:
        if e["type"] == "content_block_delta":
            arguments[e["index"]] += e["delta"]["partial_json"]
    assert arguments == {0: '{"a":1}', 1: '{"b":2}'}
    assert sorted(index for kind, index in shape(found) if kind == "stop") == [0, 1]


def test_an_answer_without_content_is_whole():
    found = written([Started("x", "y"), Finished("content_filter"), Ended()])
    assert [e["type"] for e in found] == ["message_start", "message_delta", "message_stop"]
    assert found[1]["delta"]["stop_reason"] == "refusal"


def test_nothing_is_written_before_content():
    assert FACE.stream_writer("m", "r", 1, True).write([Started("x", "y"), Used(Usage(1)), Finished("stop")]) == b""


def test_failing_writes_an_error_event_and_no_end():
    writer = FACE.stream_writer("m", "r", 1, True)
    data = writer.write([TextDelta("a")]) + writer.fail(Unavailable("gone"))
    assert b"message_stop" not in data
    name, _, body = data.rstrip().rpartition(b"\n\n")[2].partition(b"\ndata: ")
    assert name == b"event: error"
    assert json.loads(body)["error"]["type"] == "overloaded_error"
