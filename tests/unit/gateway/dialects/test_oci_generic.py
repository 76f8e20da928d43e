"""OCI GENERIC requests, answers and streams; all synthetic, made from the oci SDK's models."""

import json

import pytest

from polycloud.core.chat import (
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
from polycloud.core.errors import BrokenStream, Unsupported
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.oci_generic import OciGeneric
from polycloud.gateway.dialects.oci_generic_stream import LINE_BYTES_MAX

LLAMA, GPT = "meta.llama-3.3-70b-instruct", "openai.gpt-oss-120b"
HI = (Message("user", (Text("hi"),)),)
WEATHER = Tool("weather", "Weather of a city", b'{"type":"object"}')


def write(model=LLAMA, messages=HI, **fields):
    return json.loads(OciGeneric().write_request(ChatRequest(model="m", messages=messages, **fields), model))


def dropped(messages=HI, **fields):
    return OciGeneric().dropped(ChatRequest(model="m", messages=messages, **fields))


def text(value):
    return {"type": "TEXT", "text": value}


def test_messages():
    body = write(
        messages=(
            Message("system", (Text("Be brief."),)),
            Message("user", (Text("a"), Text("b")), "Ann"),
            Message(
                "assistant", (Thinking("hm"), ToolCall("t1", "weather", '{"city": "Rome"}'), ToolCall("t2", "n", ""))
            ),
            Message("user", (Text("go on"), ToolResult("t1", (Text("18"),)), ToolResult("t2", ()))),
            Message("assistant", (Text(""),)),
            Message("assistant", (Text("c"), ToolCall("t3", "n", "{}"))),
        )
    )
    call = {"type": "FUNCTION", "name": "n", "arguments": "{}"}
    assert body["messages"] == [
        {"role": "SYSTEM", "content": [text("Be brief.")]},
        {"role": "USER", "content": [text("a"), text("b")], "name": "Ann"},
        {
            "role": "ASSISTANT",
            "content": None,
            "toolCalls": [
                {"id": "t1", "type": "FUNCTION", "name": "weather", "arguments": '{"city": "Rome"}'},
                {"id": "t2", **call},
            ],
        },
        {"role": "TOOL", "toolCallId": "t1", "content": [text("18")]},
        {"role": "TOOL", "toolCallId": "t2", "content": []},
        {"role": "USER", "content": [text("go on")]},
        {"role": "ASSISTANT", "content": [text("c")], "toolCalls": [{"id": "t3", **call}]},
    ]


def test_fields():
    body = write(
        max_tokens=9, temperature=1.5, top_p=0.5, top_k=4, seed=3, stop=("END",), frequency_penalty=0.1,
        presence_penalty=0.2, effort="xhigh", stream=True,
    )  # fmt: skip
    del body["messages"]
    assert body == {
        "apiFormat": "GENERIC", "isStream": True, "streamOptions": {"isIncludeUsage": True}, "maxTokens": 9,
        "temperature": 1.5, "topP": 0.5, "topK": 4, "seed": 3, "stop": ["END"], "frequencyPenalty": 0.1,
        "presencePenalty": 0.2, "reasoningEffort": "HIGH",
    }  # fmt: skip
    assert write(GPT, max_tokens=9)["maxCompletionTokens"] == 9


@pytest.mark.parametrize(("budget", "effort"), [(0, "NONE"), (1000, "LOW"), (8192, "MEDIUM"), (9000, "HIGH")])
def test_a_thinking_budget_is_the_nearest_effort(budget, effort):
    assert write(thinking_budget=budget)["reasoningEffort"] == effort
    assert dropped(thinking_budget=budget) == ((f"reasoning_effort:{effort.lower()}",) if budget else ())


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"type": "AUTO"}),
        (ToolChoice("none"), {"type": "NONE"}),
        (ToolChoice("required"), {"type": "REQUIRED"}),
        (ToolChoice("named", "weather"), {"type": "FUNCTION", "name": "weather"}),
    ],
)
def test_tools(choice, wire):
    body = write(tools=(WEATHER, Tool("now")), tool_choice=choice, parallel_tools=False)
    assert body["toolChoice"] == wire
    assert body["isParallelToolCalls"] is False
    assert body["tools"] == [
        {
            "type": "FUNCTION",
            "name": "weather",
            "description": "Weather of a city",
            "parameters": {"type": "object"},
        },
        {"type": "FUNCTION", "name": "now"},
    ]


def test_structured_output():
    assert write(response_format=ResponseFormat())["responseFormat"] == {"type": "JSON_OBJECT"}
    wanted = ResponseFormat("City", b'{"type":"object"}', strict=True, description="A city")
    assert write(response_format=wanted)["responseFormat"] == {
        "type": "JSON_SCHEMA",
        "jsonSchema": {"name": "City", "schema": {"type": "object"}, "description": "A city", "isStrict": True},
    }


def test_what_oci_has_no_field_for_is_told():
    history = (*HI, Message("assistant", (Thinking("hm"),)), Message("user", (ToolResult("t", (), is_error=True),)))
    told = dropped(history, tools=(Tool("t", strict=True, cache="5m"),), effort="max", hints={"metadata": b"{}"})
    assert told == (
        "metadata", "reasoning_effort:high", "tools.strict", "cache_control", "thinking", "tool_result.is_error",
    )  # fmt: skip
    assert dropped(seed=1, top_k=3, frequency_penalty=0.1, parallel_tools=False, tools=(WEATHER,)) == ()
    assert dropped(prefill=True, parallel_tools=True, thinking_budget=50, effort="low") == (
        "parallel_tool_calls", "reasoning_effort:low", "messages.prefill",
    )  # fmt: skip


@pytest.mark.parametrize("system", [(), (Message("system", (Text("S"),)),)])
def test_a_prompt_of_nothing_gets_an_opening_and_is_told(system):
    messages = (*system, Message("user", (Text(""),)))
    assert write(messages=messages)["messages"][-1] == {"role": "USER", "content": [{"type": "TEXT", "text": "."}]}
    assert dropped(messages) == ("messages",)


def test_media_is_refused_and_never_dropped():
    with pytest.raises(Unsupported, match="image"):
        write(messages=(Message("user", (Media("image"),)),))


USAGE = {
    "promptTokens": 10, "completionTokens": 7, "totalTokens": 17, "promptTokensDetails": {"cachedTokens": 6},
    "completionTokensDetails": {"reasoningTokens": 4, "acceptedPredictionTokens": 0},
}  # fmt: skip


def reply(message, finish="stop", usage=USAGE):
    choice = {"index": 0, "message": {"role": "ASSISTANT", **message}, "finishReason": finish, "logprobs": {}}
    response = {"apiFormat": "GENERIC", "timeCreated": "2026-11-01T00:00:00Z", "choices": [choice], "usage": usage}
    return json.dumps({"modelId": "meta.llama", "modelVersion": "1", "chatResponse": response}).encode()


def test_a_whole_answer():
    calls = [
        {"type": "FUNCTION", "id": "t1", "name": "weather", "arguments": '{"z": 1}'},
        {"type": "FUNCTION", "name": "now"},
    ]
    got = OciGeneric().read_reply(
        reply({"content": [text("Grüße")], "reasoningContent": "hm", "toolCalls": calls}, "tool_calls")
    )
    assert got.parts[:3] == (Thinking("hm"), Text("Grüße"), ToolCall("t1", "weather", '{"z": 1}'))
    assert got.parts[3].name == "now" and got.parts[3].arguments == "{}" and got.parts[3].id
    assert (got.model, got.finish, got.usage) == ("meta.llama", "tool_calls", Usage(10, 7, 6, 0, 4))


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("STOP", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("new", "stop")],
)
def test_finish_reasons(reason, finish):
    assert OciGeneric().read_reply(reply({"content": [text("x")]}, reason)).finish == finish
    assert Finished(finish) in read(lines({"finishReason": reason}))


def test_a_refusal_is_shown():
    got = OciGeneric().read_reply(reply({"content": None, "refusal": "no"}, usage=None))
    assert (got.parts, got.refusal, got.usage) == ((Text("no"),), True, Usage())


@pytest.mark.parametrize(
    "data", [b"", b"{}", b'{"chatResponse":{"choices":[]}}', reply({}, None), reply({}, "")[:-2], b"\xff"]
)
def test_what_is_no_whole_answer_is_refused(data):
    with pytest.raises(BrokenStream):
        OciGeneric().read_reply(data)


def lines(*pieces, end="\n\n"):
    return "".join(f"data: {json.dumps(piece, ensure_ascii=False)}{end}" for piece in pieces).encode()


def read(data, size=None):
    reader = OciGeneric().stream_reader()
    size = size or len(data)
    return [event for i in range(0, len(data), size) for event in reader.feed(data[i : i + size])]


def piece(**message):
    return {"index": 0, "message": {"role": "ASSISTANT", **message}, "pad": "aaa"}


STREAM = [
    piece(reasoningContent="hm"),
    piece(content=[text("")]),
    piece(content=[text("Grüße")]),
    piece(toolCalls=[{"type": "FUNCTION", "id": "t1", "name": "weather"}]),
    piece(toolCalls=[{"type": "FUNCTION", "arguments": '{"city":'}]),
    piece(toolCalls=[{"type": "FUNCTION", "id": "t1", "arguments": '"Rome"}'}]),
    piece(toolCalls=[{"id": "t2", "arguments": "{"}]),
    piece(toolCalls=[{"id": "t2", "name": "now", "arguments": "}"}]),
    {"finishReason": "tool_calls"},
    {"index": 0, "usage": USAGE},
]
EVENTS = [
    Started(),
    ThinkingDelta("hm"),
    TextDelta("Grüße"),
    ToolCallStarted(0, "t1", "weather"),
    ToolCallDelta(0, '{"city":'),
    ToolCallDelta(0, '"Rome"}'),
    ToolCallStarted(1, "t2", "now"),
    ToolCallDelta(1, "{}"),
    Finished("tool_calls"),
    Ended(),
    Used(Usage(10, 7, 6, 0, 4)),
]


@pytest.mark.parametrize("end", ["\n", "\n\n", "\r\n", "\r\n\r\n"])
@pytest.mark.parametrize("size", [None, 1, 2, 7, 64])
def test_line_ends_and_splits_change_nothing(end, size):
    assert read(lines(*STREAM, end=end) + b": comment\nevent: x\ndata: [DONE]\n", size) == EVENTS


def test_usage_beside_the_finish_reason():
    assert read(lines({"finishReason": "length", "usage": USAGE})) == [
        Started(),
        Finished("length"),
        Used(Usage(10, 7, 6, 0, 4)),
        Ended(),
    ]


def test_calls_without_ids_are_told_apart_by_their_names():
    calls = [{"name": "f", "arguments": "{}"}, {"name": "f", "arguments": '{"x":'}, {"arguments": "1}"}]
    events = read(lines(piece(toolCalls=calls[:1]), piece(toolCalls=calls[1:])))
    starts = [e for e in events if isinstance(e, ToolCallStarted)]
    assert [e.index for e in starts] == [0, 1] and starts[0].id != starts[1].id
    assert [e for e in events if isinstance(e, ToolCallDelta)] == [
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, '{"x":'),
        ToolCallDelta(1, "1}"),
    ]


def test_a_call_that_never_gets_a_name_breaks_the_stream():
    reader = OciGeneric().stream_reader()
    reader.feed(lines(piece(toolCalls=[{"id": "t"}])))
    with pytest.raises(BrokenStream, match="name"):
        reader.feed(lines({"finishReason": "tool_calls"}))


@pytest.mark.parametrize(
    ("error", "event"),
    [
        ({"code": "429", "message": "slow"}, Failed("429", "slow", True)),
        ({"code": 500, "message": "oops"}, Failed("500", "oops", True)),
        ({"code": "InvalidParameter", "message": "no"}, Failed("InvalidParameter", "no", False)),
        ({"error": {"code": "InternalServerError", "message": "oops"}}, Failed("InternalServerError", "oops", True)),
    ],
)
def test_an_error_inside_the_stream(error, event):
    assert read(lines(error)) == [event]


def test_a_piece_that_can_not_be_read_breaks_the_stream():
    reader = OciGeneric().stream_reader()
    assert reader.feed(lines(piece(content=[text("a")])) + b"data: {oops}\n")[-1] == TextDelta("a")
    with pytest.raises(BrokenStream):
        reader.feed(b"\n")


def test_a_line_without_end_is_bounded():
    reader = OciGeneric().stream_reader()
    reader.feed(b"data: " + b"x" * (LINE_BYTES_MAX - 6))
    with pytest.raises(BrokenStream, match="over"):
        reader.feed(b"x")
