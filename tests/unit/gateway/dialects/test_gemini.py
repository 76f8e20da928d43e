"""Gemini requests, answers and streams."""

import base64
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
from polycloud.core.errors import BrokenStream, ContentFiltered, Unsupported
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.gemini import Gemini

FLASH, PRO, THREE, THREE_PRO = "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3-pro-preview"
HI = (Message("user", (Text("hi"),)),)
WEATHER = Tool("weather", "Weather of a city", b'{"type":"object"}')
SKIP = base64.b64encode(b"skip_thought_signature_validator").decode()


def write(model=FLASH, messages=HI, **fields):
    return json.loads(Gemini().write_request(ChatRequest(model="m", messages=messages, **fields), model))


def dropped(messages=HI, **fields):
    return Gemini().dropped(ChatRequest(model="m", messages=messages, **fields))


def test_roles_and_system():
    body = write(
        messages=(
            Message("system", (Text("Be brief."), Text(""))),
            Message("user", (Text("a"),)),
            Message("user", (Text("b"), Text(""))),
            Message("assistant", (Text(""),)),
            Message("user", (Text("c"),)),
            Message("assistant", (Text("d"),)),
        )
    )
    assert body == {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}, {"text": "c"}]},
            {"role": "model", "parts": [{"text": "d"}]},
        ],
    }


def test_tools_and_their_results_find_their_names():
    body = write(
        messages=(
            *HI,
            Message("assistant", (ToolCall("t1", "weather", '{"city": "Rome"}', "c2ln"), ToolCall("t2", "now", ""))),
            Message("user", (ToolResult("t2", (), is_error=True), ToolResult("t1", (Text("18"), Text("dry"))))),
            Message("user", (ToolResult("lost", (Text("x"),)),)),
        ),
        tools=(WEATHER, Tool("now")),
    )
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "Weather of a city",
                    "parametersJsonSchema": {"type": "object"},
                },
                {"name": "now"},
            ]
        }
    ]
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"id": "t1", "name": "weather", "args": {"city": "Rome"}}, "thoughtSignature": "c2ln"},
        {"functionCall": {"id": "t2", "name": "now", "args": {}}},
    ]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"id": "t2", "name": "now", "response": {"error": ""}}},
        {"functionResponse": {"id": "t1", "name": "weather", "response": {"result": "18\ndry"}}},
        {"functionResponse": {"id": "lost", "name": "lost", "response": {"result": "x"}}},
    ]


def test_gemini_3_gets_a_signature_for_calls_of_other_models():
    history = (*HI, Message("assistant", (ToolCall("t1", "a", "{}"), ToolCall("t2", "b", "{}"))))
    assert [p.get("thoughtSignature") for p in write(THREE, history)["contents"][1]["parts"]] == [SKIP, None]
    assert [p.get("thoughtSignature") for p in write(FLASH, history)["contents"][1]["parts"]] == [None, None]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
    ],
)
def test_tool_choice(choice, wire):
    body = write(tools=(WEATHER,), tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": wire}
    assert "toolConfig" not in write(tool_choice=choice)


def test_generation_config():
    schema = ResponseFormat("x", b'{"type":"object","properties":{"z":{},"a":{}}}')
    body = write(
        max_tokens=9, temperature=1.5, top_p=0.5, top_k=4, seed=3, stop=("END",), frequency_penalty=0.1,
        presence_penalty=0.2, response_format=schema,
    )  # fmt: skip
    assert body["generationConfig"] == {
        "maxOutputTokens": 9, "temperature": 1.5, "topP": 0.5, "topK": 4, "seed": 3, "stopSequences": ["END"],
        "frequencyPenalty": 0.1, "presencePenalty": 0.2, "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {"z": {}, "a": {}}, "title": "x"},
    }  # fmt: skip
    assert write(response_format=ResponseFormat())["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "fields", "wire"),
    [
        (FLASH, {"effort": "none"}, {"thinkingBudget": 0, "includeThoughts": False}),
        (PRO, {"effort": "none"}, {"thinkingBudget": 128, "includeThoughts": False}),
        (FLASH, {"effort": "medium"}, {"thinkingBudget": 8192, "includeThoughts": True}),
        (FLASH, {"thinking_budget": 77, "effort": "high"}, {"thinkingBudget": 77, "includeThoughts": True}),
        (THREE, {"thinking_budget": 0}, {"thinkingBudget": 0, "includeThoughts": False}),
        (THREE, {"effort": "minimal"}, {"thinkingLevel": "MINIMAL", "includeThoughts": True}),
        (THREE_PRO, {"effort": "none"}, {"thinkingLevel": "LOW", "includeThoughts": False}),
        (THREE, {"effort": "medium"}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        (THREE, {"effort": "max"}, {"thinkingLevel": "HIGH", "includeThoughts": True}),
    ],
)
def test_thinking(model, fields, wire):
    assert write(model, **fields)["generationConfig"] == {"thinkingConfig": wire}


def test_only_what_gemini_signed_goes_back_to_it():
    thoughts = (Thinking("hm", "gemini:c2ln"), Text("yes"), Thinking("", "gemini:bW9yZQ"), Thinking("x", "claude"))
    history = (*HI, Message("assistant", thoughts))
    assert write(messages=history)["contents"][1]["parts"] == [
        {"text": "hm", "thoughtSignature": "c2ln", "thought": True},
        {"text": "yes"},
        {"text": "", "thoughtSignature": "bW9yZQ"},
    ]
    assert dropped(history) == ("thinking",)
    assert dropped((*HI, Message("assistant", thoughts[:3]))) == ()


def test_what_gemini_has_no_field_for_is_told():
    messages = (Message("user", (Text("hi", cache="5m"),), "Ann"), Message("system", (Text("x"),)))
    assert dropped(
        messages, tools=(Tool("t", strict=True),), parallel_tools=False, effort="max", user="u",
        extras={"anthropic_messages": {"container": b"1"}},
    ) == (
        "user", "container", "parallel_tool_calls", "reasoning_effort:high", "tools.strict", "cache_control",
        "messages.name", "messages.system",
    )  # fmt: skip
    assert dropped(seed=1, top_k=3, frequency_penalty=0.1, temperature=1.9) == ()
    assert dropped(tool_choice=ToolChoice("auto"), prefill=True, lost=("messages.content.title",)) == (
        "messages.content.title", "tool_choice", "messages.prefill",
    )  # fmt: skip
    assert dropped(response_format=ResponseFormat("n", b"{}", False)) == ("response_format.strict",)


@pytest.mark.parametrize(
    ("model", "fields", "told"),
    [
        (FLASH, {"thinking_budget": 8000, "max_tokens": 4000}, ("thinking_budget:2000",)),
        (FLASH, {"effort": "high", "max_tokens": 4000}, ("thinking_budget:2000",)),
        (FLASH, {"effort": "low", "max_tokens": 4000}, ()),
        (PRO, {"effort": "none"}, ("thinking_budget:128",)),
        (THREE_PRO, {"effort": "minimal"}, ("reasoning_effort:low",)),
        (THREE, {"effort": "max"}, ("reasoning_effort:high",)),
        (THREE, {"effort": "medium"}, ()),
        (FLASH, {"thinking_budget": 77, "effort": "high"}, ("reasoning_effort",)),
    ],
)
def test_reasoning_of_another_size_than_asked_is_told(model, fields, told):
    request = ChatRequest(model="m", messages=HI, **fields)
    assert Gemini().dropped(request, model) == told
    if told and told[0] == "thinking_budget:2000":
        assert write(model, **fields)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 2000


@pytest.mark.parametrize("messages", [(Message("user", (Text(""),)),), (Message("system", (Text("S"),)),)])
def test_a_prompt_of_nothing_gets_an_opening_and_is_told(messages):
    assert write(messages=messages)["contents"] == [{"role": "user", "parts": [{"text": "."}]}]
    assert dropped(messages) == ("messages",)


def test_media_is_refused_and_never_dropped():
    with pytest.raises(Unsupported, match="image"):
        write(messages=(Message("user", (Media("image"),)),))


def reply(parts, finish="STOP", **more):
    candidate = {"content": {"parts": parts, "role": "model"}, "finishReason": finish, "index": 0}
    usage = {
        "promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 17,
        "cachedContentTokenCount": 6,
    }  # fmt: skip
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g-1", "responseId": "Ab-_9", **more}


PARTS = [
    {"text": "hm", "thought": True},
    {"text": "Grüße", "thoughtSignature": "c2ln"},
    {"executableCode": {"language": "PYTHON", "code": "1"}},
    {"functionCall": {"name": "weather", "args": {"z": 1, "a": [2]}}, "thoughtSignature": "Y2FsbA"},
    {"functionCall": {"id": "own", "name": "now"}},
]


def test_a_whole_answer():
    got = Gemini().read_reply(json.dumps(reply(PARTS)).encode())
    assert (got.id, got.model, got.finish) == ("Ab-_9", "g-1", "tool_calls")
    assert got.parts == (
        Thinking("hm"),
        Text("Grüße"),
        Thinking("", "gemini:c2ln"),
        ToolCall("call_Ab-_9_0", "weather", '{"z": 1, "a": [2]}', "Y2FsbA"),
        ToolCall("own", "now", "{}"),
    )
    assert got.usage == Usage(10, 7, 6, 0, 4)


def test_signatures_come_back_as_they_went():
    dialect = Gemini()
    parts = [
        {"text": "hm", "thoughtSignature": "dGg", "thought": True},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "Y2FsbA"},
    ]
    request = ChatRequest("m", (Message("assistant", dialect.read_reply(json.dumps(reply(parts)).encode()).parts),))
    assert json.loads(dialect.write_request(request, THREE))["contents"][0]["parts"] == parts


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("A_REASON_OF_NEXT_YEAR", "stop"),
    ],
)
def test_finish_reasons(reason, finish):
    assert Gemini().read_reply(json.dumps(reply([{"text": "x"}], reason)).encode()).finish == finish
    assert Finished(finish) in read(frames(reply([{"text": "x"}], reason)))


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "OTHER"])
def test_an_answer_that_the_model_could_not_write_may_be_tried_again(reason):
    with pytest.raises(BrokenStream, match=reason):
        Gemini().read_reply(json.dumps(reply([], reason)).encode())
    events = read(frames(reply([], reason)))
    assert Failed(reason.lower(), f"Gemini ended the answer with {reason}.", True) in events
    assert Ended() not in events


BLOCKED = {"promptFeedback": {"blockReason": "SAFETY", "blockReasonMessage": "no"}, "usageMetadata": {}}


def test_a_blocked_prompt_is_no_answer():
    with pytest.raises(ContentFiltered, match=r"\(SAFETY\)\. no"):
        Gemini().read_reply(json.dumps(BLOCKED).encode())
    assert read(frames(BLOCKED))[-1] == Failed("content_filtered", "Gemini blocked the prompt (SAFETY). no", False)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"candidates":[{"content":{"parts":[]}}]}', b"\xff"])
def test_what_is_no_whole_answer_is_refused(data):
    with pytest.raises(BrokenStream):
        Gemini().read_reply(data)


def frames(*chunks, end="\r\n\r\n"):
    return "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}{end}" for chunk in chunks).encode()


def read(data, size=None):
    reader = Gemini().stream_reader()
    size = size or len(data)
    return [event for i in range(0, len(data), size) for event in reader.feed(data[i : i + size])]


def stream():
    open_chunk = {"modelVersion": "g-1", "responseId": "Ab-_9"}
    chunks = [
        {"candidates": [{"content": {"parts": [part], "role": "model"}}], **open_chunk}
        for part in (*PARTS, {"text": ""})
    ]
    last = reply([{"text": "", "thoughtSignature": "ZW5k"}])
    return [*chunks, last, {"usageMetadata": {"promptTokenCount": 11}, **open_chunk}]


def test_a_whole_stream():
    assert read(frames(*stream())) == [
        Started("Ab-_9", "g-1"),
        ThinkingDelta("hm"),
        TextDelta("Grüße"),
        ThinkingDelta("", "gemini:c2ln"),
        ToolCallStarted(0, "call_Ab-_9_0", "weather", "Y2FsbA"),
        ToolCallDelta(0, '{"z": 1, "a": [2]}'),
        ToolCallStarted(1, "own", "now"),
        ToolCallDelta(1, "{}"),
        ThinkingDelta("", "gemini:ZW5k"),
        Finished("tool_calls"),
        Used(Usage(10, 7, 6, 0, 4)),
        Ended(),
        Used(Usage(11)),
    ]


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n"])
def test_splitting_changes_nothing(size, end):
    assert read(frames(*stream(), end=end), size) == read(frames(*stream()))


def test_made_ids_differ_without_a_response_id():
    calls = [{"functionCall": {"name": "f", "args": {"x": x}}} for x in (1, 1, 2)]
    got = Gemini().read_reply(json.dumps(reply(calls, responseId="")).encode())
    assert len({part.id for part in got.parts}) == 3
    assert [e.id for e in read(frames(reply(calls, responseId=""))) if isinstance(e, ToolCallStarted)] == [
        part.id for part in got.parts
    ]


@pytest.mark.parametrize(("code", "retryable"), [(429, True), (503, True), (500, True), (400, False), (403, False)])
def test_an_error_inside_the_stream(code, retryable):
    error = {"error": {"code": code, "message": "sorry", "status": "RESOURCE_EXHAUSTED"}}
    assert read(frames(error)) == [Failed("RESOURCE_EXHAUSTED", "sorry", retryable)]


def test_a_piece_that_can_not_be_read_breaks_the_stream():
    good = frames({"candidates": [{"content": {"parts": [{"text": "a"}]}}]})
    reader = Gemini().stream_reader()
    assert reader.feed(good + b"data: {oops}\r\n\r\n")[-1] == TextDelta("a")
    with pytest.raises(BrokenStream):
        reader.feed(good)
    with pytest.raises(BrokenStream):
        read(b'data: {"candidates": 7}\n\n')
