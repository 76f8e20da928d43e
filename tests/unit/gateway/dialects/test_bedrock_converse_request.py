"""Common requests written for Converse."""

import base64
import json

import pytest

from polycloud.core.chat import (
    ChatRequest,
    Media,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.core.errors import Unsupported
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse

SONNET_45 = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE = "eu.anthropic.claude-sonnet-4-20250514-v1:0"
ADAPTIVE = "us.anthropic.claude-sonnet-4-6"
NEWEST = "anthropic.claude-opus-4-7"
NOVA = "amazon.nova-lite-v1:0"
LLAMA = "meta.llama3-3-70b-instruct-v1:0"
WEATHER = Tool("weather", "Weather of a city", b'{"type":"object"}')
HI = (Message("user", (Text("hi"),)),)
LOOP = (
    *HI,
    Message("assistant", (ToolCall("t1", "weather", '{"city": "Rome"}'),)),
    Message("user", (ToolResult("t1", (Text("18"),)),)),
)


def write(model=CLAUDE, messages=HI, **fields):
    request = ChatRequest(model="m", messages=messages, **fields)
    return json.loads(BedrockConverse().write_request(request, model))


def dropped(model=CLAUDE, messages=HI, **fields):
    return BedrockConverse().dropped(ChatRequest(model="m", messages=messages, **fields), model)


def test_system_text_is_hoisted_and_roles_alternate():
    body = write(
        SONNET_45,
        (
            Message("system", (Text("Be brief."), Text("Be kind.", cache="5m"))),
            Message("user", (Text("a"),)),
            Message("user", (Text(""), Text("b", cache="1h"))),
            Message("assistant", (Text(""),)),
            Message("user", (Text("c"),)),
            Message("assistant", (Text("d"),)),
        ),
    )
    assert body["system"] == [{"text": "Be brief."}, {"text": "Be kind."}, {"cachePoint": {"type": "default"}}]
    assert body["messages"] == [
        {
            "role": "user",
            "content": [{"text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"text": "c"}],
        },
        {"role": "assistant", "content": [{"text": "d"}]},
    ]


def test_a_late_system_message_is_told():
    late = (*HI, Message("system", (Text("x"),)))
    assert dropped(messages=late) == ("messages.system",)
    assert dropped(messages=late[::-1]) == ()


def test_tool_calls_and_results():
    body = write(
        SONNET_45,
        (
            *HI,
            Message("assistant", (ToolCall("t1", "weather", '{"city": "Rome"}'), ToolCall("t2", "now", ""))),
            Message("user", (ToolResult("t1", (Text("18"), Text("dry"))), ToolResult("t2", (), is_error=True))),
        ),
        tools=(WEATHER, Tool("now", strict=True, cache="5m")),
    )
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}},
        {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
    ]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "18"}, {"text": "dry"}]}},
        {"toolResult": {"toolUseId": "t2", "content": [], "status": "error"}},
    ]
    assert body["toolConfig"]["tools"] == [
        {
            "toolSpec": {
                "name": "weather",
                "description": "Weather of a city",
                "inputSchema": {"json": {"type": "object"}},
            }
        },
        {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": True}},
        {"cachePoint": {"type": "default"}},
    ]


@pytest.mark.parametrize("text", ["{not json", "[1]", '"a"', '{"a":1} x'])
def test_arguments_that_are_no_object_do_not_break_the_body(text):
    body = write(messages=(*HI, Message("assistant", (ToolCall("t", "weather", text),))), tools=(WEATHER,))
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"arguments": text}


def test_foreign_call_ids_are_made_acceptable_and_stay_equal():
    call_id = "functions.weather:0/" + "x" * 80
    body = write(
        messages=(*HI, Message("assistant", (ToolCall(call_id, "weather", "{}"),)),
                  Message("user", (ToolResult(call_id, ()),))),
        tools=(WEATHER,),
    )  # fmt: skip
    used = body["messages"][1]["content"][0]["toolUse"]["toolUseId"]
    assert used == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
    assert len(used) <= 64 and used.startswith("functions_weather_0_")


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("required"), {"any": {}}),
        (ToolChoice("named", "weather"), {"tool": {"name": "weather"}}),
    ],
)
def test_tool_choice(choice, wire):
    assert write(tools=(WEATHER,), tool_choice=choice)["toolConfig"]["toolChoice"] == wire


def test_tool_choice_none_without_tools_in_the_history_sends_no_tools():
    body = write(tools=(WEATHER,), tool_choice=ToolChoice("none"))
    assert "toolConfig" not in body and "additionalModelRequestFields" not in body
    assert dropped(tools=(WEATHER,), tool_choice=ToolChoice("none")) == ()


@pytest.mark.parametrize("tools", [(), (WEATHER,)])
def test_a_history_with_tools_keeps_them_declared(tools):
    fields = {"tools": tools, "tool_choice": ToolChoice("none")} if tools else {}
    body = write(messages=LOOP, **fields)
    assert [t["toolSpec"]["name"] for t in body["toolConfig"]["tools"]] == ["weather"]
    assert "toolChoice" not in body["toolConfig"]
    assert body["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    assert "additionalModelRequestFields" not in write(LLAMA, LOOP, **fields)
    assert dropped(LLAMA, LOOP, **fields) == ("tool_choice",)


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (None, {"type": "auto"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("named", "weather"), {"type": "tool", "name": "weather"}),
    ],
)
def test_one_call_at_a_time_is_claudes_own_field(choice, wire):
    body = write(tools=(WEATHER,), tool_choice=choice, parallel_tools=False)
    assert body["additionalModelRequestFields"] == {"tool_choice": {**wire, "disable_parallel_tool_use": True}}
    assert "toolChoice" not in body["toolConfig"]
    assert dropped(LLAMA, tools=(WEATHER,), parallel_tools=False) == ("parallel_tool_calls",)


def test_cache_points_and_strict_tools_go_where_they_are_taken():
    fields = {"messages": (Message("user", (Text("hi", cache="1h"),)),), "tools": (Tool("t", strict=True, cache="5m"),)}

    def points(model):
        body = write(model, **fields)
        blocks = body["messages"][0]["content"] + body["toolConfig"]["tools"]
        return [b["cachePoint"].get("ttl") for b in blocks if "cachePoint" in b]

    assert [points(m) for m in (SONNET_45, CLAUDE, NOVA, LLAMA)] == [["1h", None], [None, None], [None], []]
    assert dropped(SONNET_45, **fields) == ()
    assert [dropped(m, **fields) for m in (CLAUDE, NOVA, LLAMA)] == [("cache_control", "tools.strict")] * 3


def test_inference_fields():
    body = write(max_tokens=9, temperature=0.0, top_p=0.5, stop=("END",))
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.0, "topP": 0.5, "stopSequences": ["END"]}


def test_what_claude_refuses_beside_thinking_is_left_out_and_told():
    fields = {"effort": "low", "temperature": 0.2, "top_p": 0.5, "top_k": 3}
    for model in (CLAUDE, ADAPTIVE):
        body = write(model, **fields)
        assert body["additionalModelRequestFields"].keys() == {"thinking"}
        assert not body.get("inferenceConfig", {}).keys() & {"temperature", "topP"}
        assert dropped(model, **fields) == ("temperature", "top_p", "top_k")
    assert dropped(effort="low", temperature=1.0, top_p=0.95) == ()


def test_the_order_that_claude_asks_for():
    body = write(
        messages=(
            Message("assistant", (Text("Hello"), ToolCall("t", "weather", "{}"))),
            Message("user", (Text("and"),)),
            Message("user", (Text(" \n"), ToolResult("t", (Text(" "),), cache="5m"))),
            Message("assistant", (Text("It is \n"),)),
        ),
        tools=(WEATHER,),
    )
    assert [m["role"] for m in body["messages"]] == ["user", "assistant", "user", "assistant"]
    assert body["messages"][0]["content"] == [{"text": "."}]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "t", "content": []}},
        {"cachePoint": {"type": "default"}},
        {"text": "and"},
    ]
    assert body["messages"][3]["content"] == [{"text": "It is"}]
    assert dropped(messages=(Message("assistant", (Text("Hello"),)),)) == ("messages",)


def test_a_temperature_over_one_is_lowered_and_told():
    assert write(temperature=1.6)["inferenceConfig"] == {"temperature": 1.0}
    assert dropped(temperature=1.6) == ("temperature",)


def test_top_k_by_family():
    assert write(top_k=7)["additionalModelRequestFields"] == {"top_k": 7}
    assert write(NOVA, top_k=7)["additionalModelRequestFields"] == {"inferenceConfig": {"topK": 7}}
    assert "additionalModelRequestFields" not in write(LLAMA, top_k=7)
    assert (dropped(top_k=7), dropped(NOVA, top_k=7), dropped(LLAMA, top_k=7)) == ((), (), ("top_k",))


@pytest.mark.parametrize(
    ("model", "fields", "extra", "effort", "most"),
    [
        (CLAUDE, {"effort": "medium"}, {"type": "enabled", "budget_tokens": 8192}, None, 16192),
        (CLAUDE, {"effort": "high", "max_tokens": 20000}, {"type": "enabled", "budget_tokens": 16384}, None, 20000),
        (CLAUDE, {"effort": "none"}, {"type": "disabled"}, None, None),
        (CLAUDE, {"thinking_budget": 0}, {"type": "disabled"}, None, None),
        (ADAPTIVE, {"effort": "high"}, {"type": "adaptive"}, "high", None),
        (ADAPTIVE, {"effort": "low"}, {"type": "adaptive"}, "low", None),
        (ADAPTIVE, {"thinking_budget": 4000}, {"type": "enabled", "budget_tokens": 4000}, None, 12000),
        (NEWEST, {"effort": "xhigh"}, {"type": "adaptive"}, "xhigh", None),
        (NEWEST, {"thinking_budget": 4000}, {"type": "adaptive"}, "medium", None),
    ],
)
def test_thinking_of_claude(model, fields, extra, effort, most):
    body = write(model, **fields)
    assert body["additionalModelRequestFields"] == {"thinking": extra}
    assert body.get("outputConfig", {}).get("effort") == effort
    assert body.get("inferenceConfig", {}).get("maxTokens") == most
    assert dropped(model, **fields) == (("reasoning_effort:medium",) if model is NEWEST and effort == "medium" else ())


@pytest.mark.parametrize(
    ("model", "fields", "extra", "told"),
    [
        (CLAUDE, {"effort": "high", "max_tokens": 5000}, 2500, "thinking_budget:2500"),
        (CLAUDE, {"thinking_budget": 10}, 1024, "thinking_budget:1024"),
        (CLAUDE, {"thinking_budget": 4000, "effort": "low"}, 4000, "reasoning_effort"),
        (ADAPTIVE, {"effort": "xhigh"}, None, "reasoning_effort:max"),
        (NEWEST, {"effort": "minimal"}, None, "reasoning_effort:low"),
        (NEWEST, {"thinking_budget": 4000, "effort": "low"}, None, "reasoning_effort:medium"),
    ],
)
def test_reasoning_of_another_size_than_asked_is_told(model, fields, extra, told):
    thinking = write(model, **fields)["additionalModelRequestFields"]["thinking"]
    assert thinking.get("budget_tokens") == extra
    assert dropped(model, **fields) == (told,)


def test_claude_gets_betas_in_the_body_and_no_blank_stop_sequences():
    body = write(hints={"anthropic_beta": b'["a-1"]'}, stop=("END", " \n"))
    assert body["additionalModelRequestFields"] == {"anthropic_beta": ["a-1"]}
    assert body["inferenceConfig"] == {"stopSequences": ["END"]}
    assert body["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert "additionalModelResponseFieldPaths" not in write(stop=(" \n",))
    assert "additionalModelResponseFieldPaths" not in write(LLAMA, stop=("END",))
    assert dropped(hints={"anthropic_beta": b'["a-1"]'}, stop=("END", " \n")) == ("stop",)
    assert dropped(LLAMA, hints={"anthropic_beta": b'["a-1"]'}, stop=("\n",)) == ("anthropic_beta",)
    assert write(LLAMA, stop=("\n",))["inferenceConfig"] == {"stopSequences": ["\n"]}


@pytest.mark.parametrize("messages", [(Message("user", ()),), (Message("system", (Text("S"),)),)])
def test_a_prompt_of_nothing_gets_an_opening_and_is_told(messages):
    assert write(messages=messages)["messages"] == [{"role": "user", "content": [{"text": "."}]}]
    assert dropped(messages=messages) == ("messages",)


def test_an_answer_that_was_begun_is_told_where_it_is_not_gone_on_with():
    assert (dropped(prefill=True), dropped(NOVA, prefill=True)) == ((), ())
    assert dropped(LLAMA, prefill=True) == ("messages.prefill",)


def test_how_to_use_tools_without_any_is_told():
    assert dropped(tool_choice=ToolChoice("auto"), parallel_tools=False) == ("tool_choice", "parallel_tool_calls")


@pytest.mark.parametrize(
    "fields",
    [
        {"effort": "high", "max_tokens": 500},
        {"effort": "high", "tools": (WEATHER,), "tool_choice": ToolChoice("required")},
        {"effort": "high", "tools": (WEATHER,), "messages": LOOP},
    ],
)
def test_thinking_that_claude_would_refuse_is_left_out_and_told(fields):
    assert "thinking" not in write(**fields).get("additionalModelRequestFields", {})
    assert dropped(**fields) == ("reasoning_effort",)


def test_a_tool_loop_that_kept_its_thinking_goes_on_thinking():
    loop = (HI[0], Message("assistant", (Thinking("hm", "sig"), *LOOP[1].parts)), LOOP[2])
    body = write(messages=loop, effort="low", tools=(WEATHER,))
    assert body["additionalModelRequestFields"]["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    new_turn = (*LOOP, Message("assistant", (Text("18"),)), *HI)
    assert "thinking" in write(messages=new_turn, effort="low", tools=(WEATHER,))["additionalModelRequestFields"]


def test_reasoning_of_other_families():
    assert write("openai.gpt-oss-120b-1:0", effort="xhigh")["additionalModelRequestFields"] == {
        "reasoning_effort": "high"
    }
    assert write("us.amazon.nova-2-lite-v1:0", effort="low")["additionalModelRequestFields"] == {
        "reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}
    }
    assert dropped(LLAMA, effort="low") == ("reasoning_effort",)


def test_thinking_goes_back_only_to_who_signed_it():
    thoughts = (Thinking("hm", "sig"), Thinking(redacted="EtkE"), Thinking("hm"), Thinking("hm", "gemini:x"))
    messages = (*HI, Message("assistant", (*thoughts, Text("yes"))))
    assert write(messages=messages)["messages"][1]["content"] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"EtkE").decode()}},
        {"text": "yes"},
    ]
    assert write(LLAMA, messages)["messages"][1]["content"] == [{"text": "yes"}]
    assert dropped(messages=messages) == ("thinking",)
    opaque = (*HI, Message("assistant", (Thinking(redacted="bedrock:/wA="), Text("yes"))))
    assert write(messages=opaque)["messages"][1]["content"][0] == {"reasoningContent": {"redactedContent": "/wA="}}


def test_structured_output():
    schema = b'{"type":"object","properties":{"z":{},"a":{}}}'
    body = write(response_format=ResponseFormat("City", schema, description="A city"))
    assert body["outputConfig"]["textFormat"] == {
        "type": "json_schema",
        "structure": {"jsonSchema": {"schema": schema.decode(), "name": "City", "description": "A city"}},
    }
    assert "outputConfig" not in write(response_format=ResponseFormat())
    assert dropped(response_format=ResponseFormat()) == ("response_format",)


def test_what_converse_has_no_field_for_is_told():
    assert dropped(
        seed=1, frequency_penalty=0.1, presence_penalty=0.1, user="u", hints={"metadata": b"{}"},
        extras={"openai_chat": {"logit_bias": b"{}"}, "bedrock_converse": {"serviceTier": b'{"type":"flex"}'}},
    ) == ("user", "metadata", "logit_bias", "seed", "frequency_penalty", "presence_penalty")  # fmt: skip


def test_its_own_extras_come_back_out():
    assert write(extras={"bedrock_converse": {"serviceTier": b'{"type":"flex"}'}})["serviceTier"] == {"type": "flex"}


def test_media_is_refused_and_never_dropped():
    with pytest.raises(Unsupported, match="image"):
        write(messages=(Message("user", (Media("image", "image/png", "aGk="),)),))
    with pytest.raises(Unsupported, match="document"):
        write(messages=(*HI, Message("user", (ToolResult("t", (Media("document"),)),))))


@pytest.mark.parametrize("schema", [b"", b"{}", b" {} "])
def test_a_tool_without_parameters_has_an_objects_schema(schema):
    (tool,) = write(tools=(Tool("now", "", schema),))["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(("strict", "told"), [(False, ("response_format.strict",)), (True, ()), (None, ())])
def test_a_loose_schema_is_held_strictly_and_told(strict, told):
    wanted = ResponseFormat("City", b'{"type":"object"}', strict)
    assert dropped(response_format=wanted) == told
