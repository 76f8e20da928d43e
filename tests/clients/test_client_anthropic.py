"""The anthropic SDK through the gateway, to each of the five clouds."""

import asyncio
import json

import anthropic
import pytest
from pydantic import BaseModel


def says(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def client(gateway):
    with anthropic.Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def tools(schemas):
    return [{"name": name, "description": f"Calls {name}.", "input_schema": schema} for name, schema in schemas.items()]


def test_message(client, model, cloud_of):
    raw = client.messages.with_raw_response.create(
        model=model, max_tokens=200, system="Be brief.", messages=says("echo: Grüße, 世界 🌍")
    )
    assert raw.headers["x-polycloud-deployment"].split("/")[0] == cloud_of(model)
    assert raw.headers["request-id"] == raw.headers["x-polycloud-request"]
    answer = raw.parse()
    assert answer.id
    assert answer.type == "message"
    assert answer.role == "assistant"
    [block] = answer.content
    assert block.type == "text"
    assert block.text == "Grüße, 世界 🌍"
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0


def test_a_conversation_reaches_the_model_whole(client, model):
    answer = client.messages.create(
        model=model,
        max_tokens=300,
        system=[{"type": "text", "text": "Answer as a pirate."}],
        messages=[
            *says("Hello"),
            {"role": "assistant", "content": "Ahoy"},
            {"role": "user", "content": [{"type": "text", "text": "And again"}]},
        ],
    )
    text = answer.content[0].text
    assert "Answer as a pirate." in text
    assert "turn 2" in text
    assert "And again" in text


def test_stream_helper(client, model, cloud_of):
    call = {"model": model, "max_tokens": 2000, "messages": says("words: 60")}
    with client.messages.stream(**call) as stream:
        assert stream.response.headers["x-polycloud-deployment"].split("/")[0] == cloud_of(model)
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    whole = client.messages.create(**call)
    assert len(text.split()) == 60
    assert text == final.content[0].text == whole.content[0].text
    assert final.stop_reason == "end_turn"
    counts = (final.usage.input_tokens, final.usage.output_tokens)
    assert counts == (whole.usage.input_tokens, whole.usage.output_tokens)


def test_raw_events_come_in_their_order(client, model):
    with client.messages.create(model=model, max_tokens=100, messages=says("echo: a b c"), stream=True) as stream:
        kinds = [event.type for event in stream if event.type != "ping"]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_limits_and_stops(client, model):
    cut = client.messages.create(model=model, max_tokens=5, messages=says("words: 50"), extra_body={"temperature": 0.2})
    assert cut.stop_reason == "max_tokens"
    assert cut.usage.output_tokens <= 5
    stopped = client.messages.create(
        model=model, max_tokens=100, messages=says("echo: red green blue"), stop_sequences=["green"]
    )
    assert stopped.content[0].text.strip() == "red"
    assert stopped.stop_reason in ("stop_sequence", "end_turn")  # most other formats do not tell them apart


def test_one_tool_and_its_result(client, model, tools, fits):
    messages = says("Call get_weather for Berlin.")
    first = client.messages.create(model=model, max_tokens=500, messages=messages, tools=tools)
    assert first.stop_reason == "tool_use"
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert call.name == "get_weather"
    assert fits("get_weather", call.input)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny, 21 degrees"}
    second = client.messages.create(
        model=model,
        max_tokens=500,
        tools=tools,
        messages=[*messages, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}],
    )
    assert "sunny, 21 degrees" in second.content[0].text
    assert second.stop_reason == "end_turn"


@pytest.mark.parametrize("stream", [False, True])
def test_parallel_tools_and_their_results(client, model, tools, fits, stream):
    messages = says("Call get_weather and get_clock.")
    call = {"model": model, "max_tokens": 500, "messages": messages, "tools": tools}
    if stream:
        with client.messages.stream(**call) as events:
            first = events.get_final_message()
    else:
        first = client.messages.create(**call)
    calls = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert sorted(call.name for call in calls) == ["get_clock", "get_weather"]
    assert len({call.id for call in calls}) == 2
    assert all(fits(call.name, call.input) for call in calls)
    results = [{"type": "tool_result", "tool_use_id": c.id, "content": f"result of {c.name}"} for c in calls]
    blocks = [block.model_dump(exclude_none=True, exclude={"caller"}) for block in first.content]
    second = client.messages.create(
        model=model,
        max_tokens=500,
        tools=tools,
        messages=[*messages, {"role": "assistant", "content": blocks}, {"role": "user", "content": results}],
    )
    assert "result of get_weather" in second.content[0].text
    assert "result of get_clock" in second.content[0].text


@pytest.mark.parametrize("choice", ["any", "tool", "none"])
def test_tool_choice(client, model, tools, choice):
    asked = {"type": choice, "name": "get_clock"} if choice == "tool" else {"type": choice}
    answer = client.messages.create(
        model=model, max_tokens=500, messages=says("Hello."), tools=tools, tool_choice=asked
    )
    calls = [block.name for block in answer.content if block.type == "tool_use"]
    if choice == "none":
        assert not calls
    elif choice == "tool":
        assert calls == ["get_clock"]
    else:
        assert calls


class Trip(BaseModel):
    city: str
    nights: int


def test_structured_output(client, model):
    answer = client.messages.parse(model=model, max_tokens=500, messages=says("Plan a trip."), output_format=Trip)
    assert isinstance(answer.parsed_output, Trip)
    with client.messages.stream(
        model=model, max_tokens=500, messages=says("Plan a trip."), output_format=Trip
    ) as stream:
        assert Trip.model_validate(json.loads(stream.get_final_text()))


def test_thinking_comes_and_goes_back(client):
    """Where the cloud's model is Claude: thinking is shown, signed, and taken back in the next turn."""
    for model in ("on-aws", "on-azure-claude", "on-gcp-claude"):
        call = {"model": model, "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 1024}}
        messages = says("echo: thought")
        first = client.messages.create(**call, messages=messages)
        assert [block.type for block in first.content] == ["thinking", "text"]
        assert first.content[0].signature
        second = client.messages.create(
            **call, messages=[*messages, {"role": "assistant", "content": first.content}, *says("echo: more")]
        )
        assert second.content[-1].text == "more"
        with client.messages.stream(**call, messages=messages) as stream:
            final = stream.get_final_message()
        assert final.content[0].thinking == first.content[0].thinking
        assert final.content[0].signature == first.content[0].signature


def test_async_calls_side_by_side(gateway, model):
    async def ask():
        async with anthropic.AsyncAnthropic(base_url=gateway.url, auth_token=gateway.key, max_retries=0) as many:
            return await asyncio.gather(
                *(many.messages.create(model=model, max_tokens=99, messages=says(f"echo: n {i}")) for i in range(8))
            )

    answers = asyncio.run(ask())
    assert [a.content[0].text for a in answers] == [f"n {i}" for i in range(8)]


def test_models(client):
    assert {"on-aws", "on-azure", "on-gcp", "on-oci", "on-onprem"} <= {entry.id for entry in client.models.list()}
    assert client.models.retrieve("on-oci").type == "model"


def test_bad_key(gateway):
    with (
        anthropic.Anthropic(base_url=gateway.url, api_key="pk-wrong", max_retries=0) as other,
        pytest.raises(anthropic.AuthenticationError) as caught,
    ):
        other.messages.create(model="on-aws", max_tokens=10, messages=says("hi"))
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == "authentication_error"
    assert caught.value.request_id


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_model(client, stream):
    with pytest.raises(anthropic.NotFoundError) as caught:
        client.messages.create(model="on-mars", max_tokens=10, messages=says("hi"), stream=stream)
    assert caught.value.body["error"]["type"] == "not_found_error"
    assert "on-mars" in caught.value.body["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_policy_keeps_data_in_its_place(client, model, cloud_of, stream):
    call = {"model": model, "max_tokens": 20, "messages": says("hi"), "stream": stream}
    held = {"extra_headers": {"x-polycloud-class": "secret-de"}}
    if cloud_of(model) == "onprem":
        client.messages.create(**call, **held)
        return
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        client.messages.create(**call, **held)
    assert caught.value.body["error"]["type"] == "permission_error"
    assert "secret-de" in caught.value.body["error"]["message"]


def test_what_the_caller_got_wrong(client, model):
    for fields in (
        {"messages": []},
        {"messages": says("hi"), "max_tokens": 0},
        {"messages": says("hi"), "extra_body": {"top_k": "x"}},
    ):
        with pytest.raises(anthropic.BadRequestError) as caught:
            client.messages.create(**{"model": model, "max_tokens": 10, **fields})
        assert caught.value.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "error", "named"),
    [
        ("context_too_long", anthropic.BadRequestError, "invalid_request_error"),
        ("quota", anthropic.APIStatusError, "billing_error"),
        ("throttle", anthropic.RateLimitError, "rate_limit_error"),
        ("http_error", anthropic.InternalServerError, "overloaded_error"),
    ],
)
def test_trouble_of_a_cloud_is_told_in_the_callers_words(client, gateway, model, kind, error, named, stream):
    if kind == "quota" and model in ("on-gcp-claude", "on-onprem"):
        error, named = anthropic.RateLimitError, "rate_limit_error"  # a spent quota looks like any other 429 there
    with gateway.fault(kind, model, retry_after_seconds=7.0) as troubled, pytest.raises(error) as caught:
        client.messages.create(model=troubled, max_tokens=10, messages=says("hi"), stream=stream)
    assert caught.value.body["type"] == "error"
    assert caught.value.body["error"]["type"] == named


def test_a_stream_that_breaks_never_looks_whole(client, gateway, model):
    with gateway.fault("cut", model, after_events=6) as troubled, pytest.raises(anthropic.APIError):
        for _ in client.messages.create(model=troubled, max_tokens=900, messages=says("words: 80"), stream=True):
            pass
