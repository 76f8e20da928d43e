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
from polycloud.core.errors import BrokenStream, Throttled, Unsupported
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.openai_chat import OpenAIChat
from polycloud.gateway.dialects.sse import Frames, parse
from polycloud.gateway.faces.openai import OpenAIFace

DIALECT = OpenAIChat()
FACE = OpenAIFace()
HELLO = (Message("user", (Text("hello"),)),)


def write(model="gpt-4o", messages=HELLO, **fields):
    return json.loads(DIALECT.write_request(ChatRequest("m", messages, **fields), model))


def chunk(delta=None, finish=None, **fields):
    choices = [{"index": 0, "delta": delta or {}, "finish_reason": finish}]
    return b"data: " + json.dumps({"id": "c1", "model": "g", "choices": choices, **fields}).encode() + b"\n\n"


def events(*pieces):
    reader = DIALECT.stream_reader()
    return [event for piece in pieces for event in reader.feed(piece)]


DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("model", "field"),
    [
        ("gpt-4o", "max_tokens"),
        ("llama-3", "max_tokens"),
        ("gpt-5-mini", "max_completion_tokens"),
        ("o3", "max_completion_tokens"),
        ("openai/o4-mini", "max_completion_tokens"),
        ("openai.gpt-oss-120b", "max_tokens"),
    ],
)
def test_reasoning_models_take_another_bound(model, field):
    body = write(model, max_tokens=9)
    assert body[field] == 9
    assert len({"max_tokens", "max_completion_tokens"} & body.keys()) == 1


def test_thinking_goes_back_to_open_models_only():
    turn = (*HELLO, Message("assistant", (Thinking("hm", "sig"), Text("x"))))
    assert write("deepseek-r1", turn)["messages"][1]["reasoning_content"] == "hm"
    assert "reasoning_content" not in write("gpt-4o", turn)["messages"][1]
    request = ChatRequest("smart", turn)
    assert DIALECT.dropped(request, "gpt-4o") == ("thinking",)
    assert DIALECT.dropped(request, "deepseek-r1") == ()


def test_tool_results_become_messages_and_only_calls_have_no_content():
    messages = (
        Message("assistant", (ToolCall("1", "f", ""), ToolCall("2", "f", "{}", signature="sig"))),
        Message("user", (ToolResult("1", (Text("a"), Text("b"))), ToolResult("2", ()), Text("go on"))),
    )
    assistant, one, two, user = write("gemini-3-flash", messages)["messages"]
    assert assistant["content"] is None
    assert [c["function"]["arguments"] for c in assistant["tool_calls"]] == ["", "{}"]
    assert assistant["tool_calls"][1]["extra_content"] == {"google": {"thought_signature": "sig"}}
    assert "extra_content" not in write("gpt-4o", messages)["messages"][0]["tool_calls"][1]  # OpenAI refuses it
    assert one == {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": t} for t in "ab"]}
    assert two == {"role": "tool", "tool_call_id": "2", "content": ""}
    assert user == {"role": "user", "content": "go on"}


def test_streams_ask_for_usage():
    assert write(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in write()


@pytest.mark.parametrize(
    ("budget", "effort"),
    [(0, "none"), (1024, "low"), (8191, "low"), (8192, "medium"), (24576, "high"), (99999, "high")],
)
def test_thinking_budget_becomes_an_effort(budget, effort):
    assert write(thinking_budget=budget)["reasoning_effort"] == effort
    told = DIALECT.dropped(ChatRequest("m", HELLO, thinking_budget=budget), "gpt-5.4")
    assert told == ((f"reasoning_effort:{effort}",) if budget else ())
    assert write(thinking_budget=budget, effort="xhigh")["reasoning_effort"] == "xhigh"
    both = ChatRequest("m", HELLO, thinking_budget=budget, effort="xhigh")
    assert DIALECT.dropped(both, "gpt-5.4") == ("thinking_budget",)


@pytest.mark.parametrize(
    ("model", "effort", "written"),
    [
        ("gpt-5.1", "max", "high"),
        ("gpt-5.1", "minimal", "low"),
        ("gpt-5.1", "none", "none"),
        ("gpt-5.4", "max", "xhigh"),
        ("gpt-5", "none", "minimal"),
        ("gpt-5-mini", "xhigh", "high"),
        ("gpt-5-pro", "low", "high"),
        ("o3", "none", "low"),
        ("openai/o4-mini", "max", "high"),
        ("openai.gpt-oss-120b", "none", "low"),
        ("qwen3-32b", "max", "max"),
    ],
)
def test_an_effort_becomes_the_nearest_that_the_model_has(model, effort, written):
    request = ChatRequest("m", HELLO, effort=effort)
    assert json.loads(DIALECT.write_request(request, model))["reasoning_effort"] == written
    told = DIALECT.dropped(request, model)
    assert told == (() if effort == written else (f"reasoning_effort:{written}",))


@pytest.mark.parametrize(("model", "effort", "taken"), [("gpt-5.1", "low", False), ("gpt-5.1", "none", True)])
def test_a_model_that_is_asked_to_think_gets_no_temperature(model, effort, taken):
    request = ChatRequest("m", HELLO, effort=effort, temperature=0.2, top_p=1)
    body = json.loads(DIALECT.write_request(request, model))
    assert ("temperature" in body, "top_p" in body) == (taken, taken)
    assert DIALECT.dropped(request, model) == (() if taken else ("temperature",))


def test_tool_choice_needs_tools():
    assert "tool_choice" not in write(tool_choice=ToolChoice("auto"))
    tools = (Tool("f", schema=b'{"b":1,"a":2}'),)
    body = write(tools=tools, tool_choice=ToolChoice("named", "f"), parallel_tools=False)
    assert body["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert body["parallel_tool_calls"] is False
    raw = DIALECT.write_request(ChatRequest("m", HELLO, tools=tools), "m")
    assert b'"parameters":{"b":1,"a":2}' in raw


def test_schema_without_a_name_gets_one():
    body = write(response_format=ResponseFormat(schema=b'{"type":"object"}'))
    assert body["response_format"]["json_schema"] == {"name": "answer", "schema": {"type": "object"}}
    assert write(response_format=ResponseFormat())["response_format"] == {"type": "json_object"}


def test_what_is_left_out_is_told():
    request = ChatRequest(
        "m",
        (
            Message("user", (Text("x", cache="5m"), ToolResult("1", (), is_error=True))),
            Message("assistant", (Thinking("t"),)),
        ),
        tool_choice=ToolChoice("none"),
        hints={"metadata": b"{}", "speed": b'"fast"', "service_tier": b'"standard_only"'},
        extras={"anthropic_messages": {"container": b'"c"'}, "openai_chat": {"logit_bias": b"{}"}},
    )
    assert set(DIALECT.dropped(request, "gpt-4o")) == {
        "speed", "service_tier", "container", "cache_control", "tool_result.is_error", "thinking", "tool_choice",
    }  # fmt: skip
    body = json.loads(DIALECT.write_request(request, "gpt-4o"))
    assert body["metadata"] == {}
    assert body["logit_bias"] == {}
    assert not {"speed", "service_tier", "container"} & body.keys()
    assert DIALECT.dropped(ChatRequest("m", HELLO, seed=1, stop=("x",)), "gpt-4o") == ()


def test_media_it_can_not_carry_are_refused():
    image = Media("image", "image/png", "AAAA")
    assert write(messages=(Message("user", (image,)),))["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    ]
    with pytest.raises(Unsupported, match="tool results"):
        write(messages=(Message("user", (ToolResult("1", (image,)),)),))
    with pytest.raises(Unsupported, match="video"):
        write(messages=(Message("user", (Media("video", url="https://x"),)),))


# whole answers


def reply(message=None, finish="stop", **fields):
    choice = {"index": 0, "message": {"role": "assistant", **(message or {})}, "finish_reason": finish}
    return DIALECT.read_reply(json.dumps({"id": "c1", "model": "g", "choices": [choice], **fields}).encode())


@pytest.mark.parametrize(
    ("usage", "wanted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5}, Usage(10, 5)),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4}}, Usage(10, 5, 4)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cache_write_tokens": 3}},
            Usage(10, 5, 0, 3),
        ),
        ({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 4}, Usage(10, 5, 4)),
        (  # cached tokens that are not in the prompt's count
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 40}},
            Usage(50, 5, 40),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 4}},
            Usage(10, 5, 0, 0, 4),
        ),
        (  # xAI: reasoning beside the completion's count
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 35,
                "completion_tokens_details": {"reasoning_tokens": 20},
            },
            Usage(10, 25, 0, 0, 20),
        ),
        ({"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109}, Usage(35, 74, 0, 0, 62)),
        ({"prompt_tokens": None, "completion_tokens": None}, Usage()),
    ],
)
def test_usage_in_one_convention(usage, wanted):
    assert reply({"content": "x"}, usage=usage).usage == wanted


def test_a_whole_answer():
    found = reply(
        {
            "content": "hi",
            "reasoning_content": "hm",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}],
        },
        finish="stop",
    )
    assert found.parts == (Thinking("hm"), Text("hi"), ToolCall("1", "f", '{"a": 1}'))
    assert found.finish == "tool_calls"


def test_variations_of_answers():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "hi"}]
    assert reply({"content": parts}).parts == (Thinking("hm"), Text("hi"))
    refused = reply({"content": None, "refusal": "no"})
    assert (refused.parts, refused.refusal) == ((Text("no"),), True)
    made = reply({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * 2})
    assert [part.id for part in made.parts] == ["call_c1_0", "call_c1_1"]
    filtered = DIALECT.read_reply(b'{"choices":[{"finish_reason":"content_filter"}]}')
    assert (filtered.parts, filtered.finish) == ((), "content_filter")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"null",
        b'{"id":"x"}',
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":[{"message":{}}]}',
        b'{"choices":[{"message":{},"finish_reason":"error"}]}',
        b'{"choices":[{"finish_reason":"stop"}],"error":{"message":"x","code":500}}',
    ],
)
def test_what_is_no_answer(body):
    with pytest.raises(BrokenStream):
        DIALECT.read_reply(body)


def test_write_reply():
    usage = Usage(10, 5, 3, 2, 1)
    whole = ChatReply(
        "r1",
        "theirs",
        (Thinking("hm", "sig"), Thinking(redacted="xx"), Text("a"), Text("b"), ToolCall("1", "f", "{}")),
        "tool_calls",
        usage,
    )
    body = json.loads(FACE.write_reply(whole, "asked", 5))
    assert (body["id"], body["model"], body["object"], body["created"]) == ("r1", "asked", "chat.completion", 5)
    message = body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"], message["refusal"]) == ("ab", "hm", None)
    assert message["polycloud"] == {"thinking": [{"text": "hm", "signature": "sig"}, {"redacted": "xx"}]}
    assert body["choices"][0]["finish_reason"] == "tool_calls"
    assert body["usage"]["total_tokens"] == 15
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 2}
    empty = json.loads(FACE.write_reply(ChatReply("r", "", (), "stop", Usage()), "m", 1))
    assert empty["choices"][0]["message"]["content"] == ""
    refused = json.loads(FACE.write_reply(ChatReply("r", "", (Text("no"),), "stop", Usage(), refusal=True), "m", 1))
    assert refused["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": "no"}


# streams


def test_azure_first_chunk_is_not_the_start():
    first = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": []}
    found = events(b"data: " + json.dumps(first).encode() + b"\n\n", chunk({"content": "a"}, obfuscation="xyz"), DONE)
    assert found == [Started("c1", "g"), TextDelta("a"), Finished("stop"), Ended()]


def test_tool_fragments_are_keyed_by_index():
    def call(index, arguments, **fields):
        return {
            "tool_calls": [
                {"index": index, "function": {"arguments": arguments, **fields.pop("function", {})}, **fields}
            ]
        }

    found = events(
        chunk(call(0, "", id="a", type="function", function={"name": "f"})),
        chunk(call(1, "", id="b", type="function", function={"name": "g"})),
        chunk(call(0, '{"x":')),
        chunk(call(1, "{}", id="b")),  # vLLM repeats the id
        chunk(call(0, "1}"), "tool_calls"),
    )
    assert found[1:] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(1, "{}"),
        ToolCallDelta(0, "1}"),
        Finished("tool_calls"),
    ]


def test_calls_without_index_or_id():
    def call(**fields):
        return chunk({"tool_calls": [fields]})

    assert events(
        call(id="a", function={"name": "f", "arguments": "{}"}), call(id="b", function={"name": "g", "arguments": "{}"})
    )[1:] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(1, "{}"),
    ]
    assert events(call(function={"name": "f", "arguments": "{"}), call(function={"arguments": "}"}))[1:] == [
        ToolCallStarted(0, "call_c1_0", "f"),
        ToolCallDelta(0, "{"),
        ToolCallDelta(0, "}"),
    ]


def test_usage_chunks_in_all_forms():
    usage = {"prompt_tokens": 1, "completion_tokens": 2}
    for choices in ([], None):
        tail = b"data: " + json.dumps({"id": "c1", "choices": choices, "usage": usage}).encode() + b"\n\n"
        assert events(chunk({"content": "a"}), tail)[-1] == Used(Usage(1, 2))
    assert events(chunk({}, "stop", x_groq={"usage": usage}))[-1] == Used(Usage(1, 2))


@pytest.mark.parametrize(
    ("frame", "code", "retryable"),
    [
        (b'data: {"error":{"message":"busy","type":"server_error","code":null}}\n\n', "server_error", True),
        (
            b'data: {"error":{"message":"busy","type":"InternalServerError","code":500}}\n\n',
            "InternalServerError",
            True,
        ),
        (b'data: {"error":{"message":"bad","type":"invalid_request_error","code":"x"}}\n\n', "x", False),
        (
            b'event: error\ndata: {"error":{"message":"m","code":"tool_use_failed","status_code":400}}\n\n',
            "tool_use_failed",
            False,
        ),
        (b'event: error\ndata: {"message":"slow","code":429}\n\n', "429", True),
        (b'data: {"error":"it broke"}\n\n', "error", True),
        (b'data: {"object":"error","message":"m","type":"BadRequestError","code":400}\n\n', "error", True),
        (chunk({"content": "x"}, "error"), "error", True),
    ],
)
def test_errors_inside_streams_end_them(frame, code, retryable):
    found = events(chunk({"content": "a"}), frame, chunk({"content": "b"}), DONE)
    failed = found[-1]
    assert isinstance(failed, Failed)
    if not frame.startswith(b'data: {"object"'):
        assert (failed.code, failed.retryable) == (code, retryable)
    assert Ended() not in found
    tap = FACE.tap(FACE.peek(b'{"model":"m","messages":[{"role":"user"}]}'))
    for piece in (chunk({"content": "a"}), frame, DONE):
        tap.feed(piece)
    assert tap.failed
    assert not tap.ended


@pytest.mark.parametrize("frame", [b"data: {\n\n", b"data: [1]\n\n", b'data: {"choices":7}\n\n', b"data: \xff\n\n"])
def test_frames_that_can_not_be_read(frame):
    with pytest.raises(BrokenStream):
        events(frame)
    with pytest.raises(BrokenStream):
        FACE.tap(FACE.peek(b'{"model":"m","messages":[{"role":"user"}]}')).feed(frame)


def test_stop_sequence_as_vllm_tells_it():
    choices = [{"index": 0, "delta": {}, "finish_reason": "stop", "stop_reason": "END"}]
    assert events(chunk(choices=choices))[-1] == Finished("stop_sequence", "END")
    choices[0]["stop_reason"] = 128009
    assert events(chunk(choices=choices))[-1] == Finished("stop")


def written(*batches, include_usage=False):
    writer = FACE.stream_writer("asked", "r1", 5, include_usage)
    data = b"".join(writer.write(list(batch)) for batch in batches)
    assert data.endswith(b"\n\n")
    frames = data.removesuffix(b"\n\n").split(b"\n\n")
    assert all(frame.startswith(b"data: ") for frame in frames)
    assert frames[-1] == b"data: [DONE]"
    return [json.loads(frame[6:]) for frame in frames[:-1]]


def test_writer_in_openai_order():
    found = written(
        [Started("x", "y", Usage(3))],
        [TextDelta('a"')],
        [ToolCallStarted(0, "c", "f"), ToolCallDelta(0, "{}")],
        [Finished("tool_calls"), Used(Usage(3, 2))],
        [Ended()],
        include_usage=True,
    )
    assert {(c["id"], c["object"], c["created"], c["model"]) for c in found} == {
        ("r1", "chat.completion.chunk", 5, "asked")
    }
    deltas = [c["choices"][0]["delta"] for c in found[:-1]]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"content": 'a"'},
        {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert [c["choices"][0]["finish_reason"] for c in found[:-1]] == [None, None, None, None, "tool_calls"]
    assert all(c["usage"] is None for c in found[:-1])
    assert (found[-1]["choices"], found[-1]["usage"]["total_tokens"]) == ([], 5)


def test_writer_without_usage_or_content():
    found = written([Finished("length"), Used(Usage(3, 2)), Ended()])
    assert [c["choices"][0]["finish_reason"] for c in found] == [None, "length"]
    assert all("usage" not in c for c in found)
    assert written([Ended()])[-1]["choices"][0]["finish_reason"] == "stop"


def test_nothing_is_written_before_content():
    writer = FACE.stream_writer("m", "r", 1, True)
    assert writer.write([Started("x", "y"), Used(Usage(1))]) == b""


def test_signatures_travel_in_a_member_of_ours():
    found = written([ThinkingDelta("hm"), ThinkingDelta(signature="sig"), TextDelta("a"), Finished("stop"), Ended()])
    deltas = [c["choices"][0]["delta"] for c in found]
    assert deltas[1] == {"reasoning_content": "hm"}
    assert deltas[2] == {"polycloud": {"thinking": [{"index": 0, "text": "hm", "signature": "sig"}]}}


def test_failing_writes_an_error_and_no_done():
    writer = FACE.stream_writer("m", "r", 1, True)
    data = writer.write([TextDelta("a")]) + writer.fail(Throttled("slow down"))
    assert b"[DONE]" not in data
    last = json.loads(data.rstrip().rpartition(b"data: ")[2])
    assert last["error"]["message"] == "slow down"
    assert last["error"]["type"] == "rate_limit_error"


# the tap


def tap(include_usage=False, **fields):
    body = {"model": "m", "messages": [{"role": "user"}], "stream_options": {"include_usage": include_usage}, **fields}
    return FACE.tap(FACE.peek(json.dumps(body).encode()))


USAGE_CHUNK = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}\n\n'
STREAM = (
    chunk({"role": "assistant", "content": ""}) + chunk({"content": "a"}) + chunk({}, "length") + USAGE_CHUNK + DONE
)


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_tap_forwards_bytes_as_they_are(ending):
    def sse_events(data):
        return [parse(frame) for frame in Frames().cut(data) if frame.strip()]

    stream = (b": hello\n\n" + STREAM).replace(b"\n", ending)
    hidden = stream.replace(USAGE_CHUNK.replace(b"\n", ending), b"")
    for step in (1, 7, 100, len(stream)):
        shown, whole = tap(), tap(include_usage=True)
        pieces = [stream[i : i + step] for i in range(0, len(stream), step)]
        # The LF of a CRLF that was split at a hidden frame may remain: an empty line.
        assert sse_events(b"".join(shown.feed(piece) for piece in pieces)) == sse_events(hidden)
        assert b"".join(whole.feed(piece) for piece in pieces) == stream
        assert (shown.content, shown.ended, shown.failed, shown.finish) == (True, True, "", "length")
        assert shown.usage == whole.usage == Usage(4, 2)


@pytest.mark.parametrize("empty", [b"data: \n\n", b"data:\n\n", b"data: \r\n\r\n", b"\n\n", b":\n\n"])
def test_a_frame_without_data_is_a_sign_of_life_and_no_fault(empty):
    pieces = [chunk({"content": "a"}), chunk({}, "stop"), DONE]
    stream = empty + empty.join(pieces)
    found = tap()
    assert found.feed(stream) == stream and found.ended and not found.failed
    assert events(stream) == events(*pieces)


def of_choice(index, delta=None, finish=None):
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'c1', 'choices': [choice]})}\n\n".encode()


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_an_error_spoils_an_answer_of_which_a_choice_is_still_to_come(finished):
    error = b'data: {"error":{"message":"no more","type":"server_error","code":null}}\n\n'
    said = [of_choice(i, {"content": "a"}) for i in range(2)]
    ends = [of_choice(i, finish="stop") for i in range(finished)]
    found = tap(n=2)
    found.feed(b"".join([*said, *ends, *ends, error, DONE]))  # some repeat a finish reason
    assert bool(found.failed) == (finished < 2)
    assert found.ended == (finished == 2)
    together = tap(n=2)
    both = {"choices": [{"index": i, "delta": {}, "finish_reason": "length"} for i in range(2)]}
    together.feed(b"".join(said) + f"data: {json.dumps(both)}\n\n".encode() + error + DONE)
    assert together.ended and not together.failed


def test_tap_counts_content_from_the_first_content():
    found = tap()
    found.feed(chunk({"role": "assistant", "content": ""}))
    assert not found.content
    found.feed(chunk({"reasoning_content": "hm"}))
    assert found.content
    assert not found.ended


def test_usage_beside_content_is_not_hidden():
    frame = chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1})
    found = tap()
    assert found.feed(frame) == frame
    assert found.usage == Usage(1, 1)


def test_a_refusal_of_an_earlier_turn_is_what_the_assistant_said():
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": None, "refusal": "I can not."}]
    body = {"model": "m", "messages": [*said, {"role": "user", "content": "b"}]}
    request = FACE.read_request(FACE.peek(json.dumps(body).encode()))
    assert request.messages[1] == Message("assistant", (Text("I can not."),))


def test_signed_reasoning_comes_back_from_another_gateway_of_ours():
    own = {"thinking": [{"text": "hm", "signature": "s"}, {"redacted": "r"}]}
    found = reply({"role": "assistant", "content": "a", "reasoning_content": "hm", "polycloud": own})
    assert found.parts == (Thinking("hm", "s"), Thinking(redacted="r"), Text("a"))
