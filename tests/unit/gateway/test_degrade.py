"""What is left out where a deployment can not do it, and what callers are told."""

import msgspec
import pytest

from polycloud.core.chat import (
    ChatReply,
    ChatRequest,
    Finished,
    Message,
    Need,
    ResponseFormat,
    Text,
    TextDelta,
    Thinking,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
)
from polycloud.core.errors import BrokenStream
from polycloud.core.usage import Usage
from polycloud.gateway import degrade
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.policy.eligible import DEGRADABLE
from polycloud.policy.tables import bits

FULL = ChatRequest(
    model="m",
    messages=(Message("user", (Text("hi", cache="ephemeral"),)),),
    tools=(Tool("f", "d", b"{}", cache="ephemeral"),),
    temperature=0.5,
    top_p=0.9,
    top_k=5,
    seed=7,
    frequency_penalty=0.1,
    presence_penalty=0.2,
    effort="high",
    thinking_budget=100,
    parallel_tools=False,
)


def test_every_need_that_a_route_may_degrade_has_a_name_for_callers():
    extras = {Need.OPENAI_EXTRAS, Need.ANTHROPIC_EXTRAS}  # these go by their fields' own names
    assert {1 << bit for bit in bits(DEGRADABLE)} == {int(need) for need in {*degrade.NAMES} | extras}


def test_extras_go_by_the_names_of_their_fields():
    tools = b'[{"name":"f","input_schema":{},"defer_loading":true,"allowed_callers":["x"]}]'
    fields = {"context_management": b"{}", "tools": tools}
    asked = msgspec.structs.replace(FULL, extras={"anthropic_messages": fields})
    missing = int(Need.ANTHROPIC_EXTRAS)
    assert degrade.names(asked, missing) == ["context_management", "tools.allowed_callers", "tools.defer_loading"]
    assert degrade.reduce(asked, missing) == FULL


@pytest.mark.parametrize(
    ("missing", "kept", "told"),
    [
        (Need.FIVE_STOPS | Need.MANY_STOPS, "abcd", ["stop:4"]),
        (Need.FIVE_STOPS, "abcd", ["stop:4"]),
        (Need.MANY_STOPS, "abcde", ["stop:5"]),
        (Need.STOP | Need.FIVE_STOPS | Need.MANY_STOPS, "", ["stop"]),
    ],
)
def test_of_too_many_stop_sequences_the_first_are_kept(missing, kept, told):
    asked = msgspec.structs.replace(FULL, stop=tuple("abcdefg"))
    assert degrade.reduce(asked, int(missing)).stop == tuple(kept)
    assert degrade.names(asked, int(missing)) == told


@pytest.mark.parametrize(
    ("need", "gone"),
    [
        (Need.SERIAL_TOOLS, {"parallel_tools"}),
        (Need.REASONING, {"effort", "thinking_budget"}),
        (Need.SEED, {"seed"}),
        (Need.TOP_K, {"top_k"}),
        (Need.PENALTIES, {"frequency_penalty", "presence_penalty"}),
        (Need.TEMPERATURE, {"temperature", "top_p"}),
    ],
)
def test_a_missing_need_takes_its_fields_and_no_others(need, gone):
    reduced = degrade.reduce(FULL, int(need))
    for field in FULL.__struct_fields__:
        expected = None if field in gone else getattr(FULL, field)
        assert getattr(reduced, field) == expected, field


def test_a_bias_of_tokens_goes_with_the_penalties_by_its_own_name():
    extras = {"openai_chat": {"logit_bias": b'{"5":1}', "verbosity": b'"low"'}}
    asked = ChatRequest("m", (), extras=extras)
    assert degrade.reduce(asked, int(Need.PENALTIES)).extras == {"openai_chat": {"verbosity": b'"low"'}}
    assert degrade.names(asked, int(Need.PENALTIES)) == ["logit_bias"]
    both = msgspec.structs.replace(asked, presence_penalty=0.1)
    assert degrade.names(both, int(Need.PENALTIES)) == ["penalties", "logit_bias"]


def test_nothing_missing_changes_nothing():
    assert degrade.reduce(FULL, 0) == FULL


def test_cache_markers_go_from_parts_and_tools():
    reduced = degrade.reduce(FULL, int(Need.PROMPT_CACHE))
    assert reduced.messages[0].parts == (Text("hi"),) and reduced.tools[0].cache == ""
    thinking = ChatRequest(model="m", messages=(Message("assistant", (Thinking("t", "s"), Text("x", cache="y"))),))
    assert degrade.reduce(thinking, int(Need.PROMPT_CACHE)).messages[0].parts == (Thinking("t", "s"), Text("x"))


def test_a_schema_moves_into_the_prompt_before_all_else():
    asked = ChatRequest(
        model="m",
        messages=(Message("user", (Text("hi"),)),),
        response_format=ResponseFormat("n", b'{"type":"object"}'),
    )
    reduced = degrade.reduce(asked, int(Need.JSON_SCHEMA))
    assert reduced.response_format is None and reduced.messages[1:] == asked.messages
    first = reduced.messages[0]
    assert first.role == "system" and '{"type":"object"}' in first.parts[0].text


def reply(text, finish="stop", *more):
    return ChatReply("id", "m", (*((Text(text),) if text else ()), *more), finish, Usage())


ANY = ResponseFormat()
SHAPED = ResponseFormat("n", b'{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}')


@pytest.mark.parametrize("text", ['{"a": 1}', " {}\n"])
def test_json_by_prompt_that_is_an_object_passes(text):
    degrade.check_json(reply(text), ANY)


def test_json_by_prompt_has_to_follow_its_schema():
    degrade.check_json(reply('{"a": 1}'), SHAPED)
    for text, why in (("{}", "lacks the member 'a'"), ('{"a": "1"}', "a is not of type integer")):
        with pytest.raises(BrokenStream, match=why):
            degrade.check_json(reply(text), SHAPED)


@pytest.mark.parametrize("text", ["", "Sure! {}", "[1]", '{"a":', '"x"', '{"a": "\ud800"}'])
def test_json_by_prompt_that_is_none_is_tried_again(text):
    with pytest.raises(BrokenStream, match="asked for JSON"):
        degrade.check_json(reply(text), ANY)


def test_an_answer_that_was_cut_or_calls_a_tool_is_no_failure():
    degrade.check_json(reply('{"a":', "length"), ANY)
    degrade.check_json(reply("", "tool_calls", ToolCall("c", "f", "{}")), ANY)
    degrade.check_json(reply("so", "stop", ToolCall("c", "f", "{}")), ANY)
    degrade.check_json(reply("", "content_filter"), ANY)


def test_of_several_tool_calls_the_first_is_kept():
    calls = (ToolCall("1", "f", "{}"), ToolCall("2", "g", "{}"))
    several = ChatReply("i", "m", (Text("so"), *calls, Thinking("t")), "tool_calls", Usage())
    assert degrade.first_call(several).parts == (Text("so"), calls[0], Thinking("t"))
    one = ChatReply("i", "m", (calls[1],), "tool_calls", Usage())
    assert degrade.first_call(one) is one
    events = [
        TextDelta("so"), ToolCallStarted(0, "1", "f"), ToolCallDelta(0, "{}"), ToolCallStarted(1, "2", "g"),
        ToolCallDelta(1, "{}"), Finished("tool_calls"),
    ]  # fmt: skip
    assert degrade.first_call_events(events) == [*events[:3], events[-1]]


def test_a_bound_on_tokens_is_lowered_and_leaves_room_for_the_answer():
    asked = msgspec.structs.replace(FULL, max_tokens=9000, thinking_budget=8000)
    lowered = degrade.reduce(asked, 0, 4096)
    assert (lowered.max_tokens, lowered.thinking_budget) == (4096, 2048)
    assert degrade.reduce(msgspec.structs.replace(asked, thinking_budget=100), 0, 4096).thinking_budget == 100
    assert degrade.reduce(asked, int(Need.REASONING), 4096).thinking_budget is None
    both = ["max_tokens:4096", "thinking_budget:2048"]
    assert degrade.names(asked, int(Need.SERIAL_TOOLS), 4096) == ["parallel_tool_calls:first", *both]
    assert degrade.names(asked, int(Need.REASONING), 4096) == ["reasoning_effort", "max_tokens:4096"]
    assert degrade.names(msgspec.structs.replace(asked, thinking_budget=4095), 0, 4096) == ["max_tokens:4096"]
    assert degrade.names(asked, 0) == []


@pytest.mark.parametrize(
    ("thinking", "told"),
    [
        (b'{"type":"enabled","budget_tokens":4096}', ("max_tokens:4096", "thinking_budget:2048")),
        (b'{"type":"enabled","budget_tokens":4095}', ("max_tokens:4096",)),
        (b'{"type":"adaptive"}', ("max_tokens:4096",)),
        (b"null", ("max_tokens:4096",)),
    ],
)
def test_a_budget_that_is_lowered_on_its_way_through_is_told(thinking, told):
    envelope = AnthropicFace().peek(b'{"model":"m","messages":[{"role":"user","content":"a"}],"max_tokens":9000}')
    envelope.fields["thinking"] = msgspec.Raw(thinking)
    assert degrade.passed(envelope, 0, 4096) == told
    body = msgspec.json.decode(AnthropicFace().pass_request(envelope, "m", 4096))
    lowered = isinstance(body["thinking"], dict) and body["thinking"].get("budget_tokens") == 2048
    assert lowered == (len(told) == 2)
    assert degrade.passed(envelope, 0, 0) == ()
