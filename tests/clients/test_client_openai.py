"""The openai SDK through the gateway, to each of the five clouds."""

import asyncio
import json
from typing import Literal

import openai
import pytest
from pydantic import BaseModel

FILTERS_IN_ANSWERS = ("on-aws", "on-azure-claude", "on-gcp-claude")  # the others answer with an error
SYSTEM = {"role": "system", "content": "Be brief."}


def says(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def client(gateway):
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0, timeout=30) as made:
        yield made


@pytest.fixture(scope="module")
def tools(schemas):
    return [
        {"type": "function", "function": {"name": name, "description": f"Calls {name}.", "parameters": schema}}
        for name, schema in schemas.items()
    ]


def test_chat(client, model, cloud_of):
    raw = client.chat.completions.with_raw_response.create(
        model=model, messages=[SYSTEM, *says("echo: Grüße, 世界 🌍")]
    )
    assert raw.headers["x-polycloud-deployment"].split("/")[0] == cloud_of(model)
    assert raw.headers["x-polycloud-simulated"] == "true"
    assert raw.headers.get("x-polycloud-attempts", "1") == "1"
    assert raw.headers["x-polycloud-request"]
    answer = raw.parse()
    assert answer.object == "chat.completion"
    assert answer.id
    assert answer.created > 0
    [choice] = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == "Grüße, 世界 🌍"
    assert choice.finish_reason == "stop"
    usage = answer.usage
    assert usage.prompt_tokens > 0
    assert usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_several_choices_come_where_the_cloud_speaks_openai_and_are_refused_by_name_elsewhere(client, model):
    asked = {"model": model, "messages": says("Tell me of the sea."), "n": 3}
    if model not in ("on-azure", "on-onprem"):
        for stream in (False, True):
            with pytest.raises(openai.UnprocessableEntityError, match=r"it asks: .*multiple"):
                client.chat.completions.create(**asked, stream=stream)
        return
    answer = client.chat.completions.create(**asked)
    texts = [choice.message.content for choice in answer.choices]
    assert len(set(texts)) == 3
    grown, usage = ["", "", ""], None
    for chunk in client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            grown[choice.index] += choice.delta.content or ""
    assert grown == texts
    assert usage.completion_tokens == answer.usage.completion_tokens == sum(-(-len(t.encode()) // 4) for t in texts)


def test_a_conversation_reaches_the_model_whole(client, model):
    answer = client.chat.completions.create(
        model=model,
        messages=[
            {"role": "system", "content": "Answer as a pirate."},
            *says("Hello"),
            {"role": "assistant", "content": "Ahoy"},
            {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "text", "text": " again"}]},
        ],
    )
    text = answer.choices[0].message.content
    assert "Answer as a pirate." in text
    assert "turn 2" in text
    assert "again" in text


def test_stream(client, model, cloud_of):
    text, finishes, usages, ids, roles = "", [], [], set(), []
    with client.chat.completions.with_raw_response.create(
        model=model, messages=says("words: 60"), stream=True, stream_options={"include_usage": True}
    ).parse() as stream:
        assert stream.response.headers["x-polycloud-deployment"].split("/")[0] == cloud_of(model)
        for chunk in stream:
            if chunk.id:  # Azure's first chunk tells of content filters and of nothing else
                ids.add(chunk.id)
                assert chunk.object == "chat.completion.chunk"
            if chunk.usage:
                usages.append(chunk.usage)
            for choice in chunk.choices:
                text += choice.delta.content or ""
                if choice.delta.role:
                    roles.append(choice.delta.role)
                if choice.finish_reason:
                    finishes.append(choice.finish_reason)
    whole = client.chat.completions.create(model=model, messages=says("words: 60"))
    assert len(text.split()) == 60
    assert text == whole.choices[0].message.content
    assert finishes == ["stop"]
    assert set(roles) == {"assistant"}
    assert len(ids) == 1
    [usage] = usages
    assert (usage.prompt_tokens, usage.completion_tokens) == (whole.usage.prompt_tokens, whole.usage.completion_tokens)


def test_usage_is_shown_only_to_those_who_ask(client, model):
    chunks = list(client.chat.completions.create(model=model, messages=says("echo: hi"), stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks if chunk.id)


def test_the_stream_helper_gathers_the_same_answer(client, model):
    with client.chat.completions.stream(model=model, messages=says("echo: one two three")) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.content == "one two three"
    assert final.choices[0].finish_reason == "stop"


def test_limits_and_stops(client, model):
    cut = client.chat.completions.create(model=model, messages=says("words: 50"), max_tokens=5, temperature=0.2)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens <= 5
    stopped = client.chat.completions.create(model=model, messages=says("echo: red green blue"), stop=["green"])
    assert stopped.choices[0].message.content.strip() == "red"
    assert stopped.choices[0].finish_reason == "stop"


def test_one_tool_and_its_result(client, model, tools, fits):
    messages = [SYSTEM, *says("Call get_weather for Berlin.")]
    first = client.chat.completions.create(model=model, messages=messages, tools=tools)
    [choice] = first.choices
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.type == "function"
    assert call.function.name == "get_weather"
    assert fits("get_weather", call.function.arguments)
    result = {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 degrees"}
    second = client.chat.completions.create(
        model=model, messages=[*messages, choice.message.model_dump(exclude_none=True), result], tools=tools
    )
    assert "sunny, 21 degrees" in second.choices[0].message.content
    assert second.choices[0].finish_reason == "stop"


def test_parallel_tools_and_their_results(client, model, tools, fits):
    messages = says("Call get_weather and get_clock.")
    first = client.chat.completions.create(model=model, messages=messages, tools=tools)
    calls = first.choices[0].message.tool_calls
    assert sorted(call.function.name for call in calls) == ["get_clock", "get_weather"]
    assert len({call.id for call in calls}) == 2
    assert all(fits(call.function.name, call.function.arguments) for call in calls)
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"} for c in calls]
    second = client.chat.completions.create(
        model=model, messages=[*messages, first.choices[0].message.model_dump(exclude_none=True), *results], tools=tools
    )
    text = second.choices[0].message.content
    assert "result of get_weather" in text
    assert "result of get_clock" in text


@pytest.mark.parametrize("choice", ["required", "named", "none"])
def test_tool_choice(client, model, tools, choice):
    named = {"type": "function", "function": {"name": "get_clock"}}
    answer = client.chat.completions.create(
        model=model, messages=says("Hello."), tools=tools, tool_choice=named if choice == "named" else choice
    )
    calls = answer.choices[0].message.tool_calls or []
    if choice == "none":
        assert not calls
        assert answer.choices[0].message.content
    elif choice == "named":
        assert [call.function.name for call in calls] == ["get_clock"]
    else:
        assert calls


def test_parallel_calls_switched_off(client, model, tools):
    call = {"model": model, "messages": says("Call get_weather and get_clock."), "parallel_tool_calls": False}
    if model == "on-gcp":  # Gemini has no word for it
        with pytest.raises(openai.UnprocessableEntityError, match="it asks: serial_tools"):
            client.chat.completions.create(**call, tools=tools)
    else:
        assert len(client.chat.completions.create(**call, tools=tools).choices[0].message.tool_calls) == 1


def test_streamed_tools(client, model, tools, fits):
    with client.chat.completions.stream(
        model=model, messages=says("Call get_weather and get_clock."), tools=tools
    ) as stream:
        final = stream.get_final_completion()
    calls = final.choices[0].message.tool_calls
    assert final.choices[0].finish_reason == "tool_calls"
    assert sorted(call.function.name for call in calls) == ["get_clock", "get_weather"]
    assert len({call.id for call in calls}) == 2
    assert all(fits(call.function.name, call.function.arguments) for call in calls)


class Trip(BaseModel):
    city: str
    nights: int
    kind: Literal["train", "ship"]


def test_structured_output(client, model):
    answer = client.chat.completions.parse(model=model, messages=says("Plan a trip."), response_format=Trip)
    assert isinstance(answer.choices[0].message.parsed, Trip)
    assert not answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "stop"


def test_streamed_structured_output(client, model):
    with client.chat.completions.stream(model=model, messages=says("Plan a trip."), response_format=Trip) as stream:
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, Trip)


def test_async_calls_side_by_side(gateway, model):
    async def ask():
        async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=gateway.key, max_retries=0) as many:
            return await asyncio.gather(
                *(many.chat.completions.create(model=model, messages=says(f"echo: number {i}")) for i in range(8))
            )

    answers = asyncio.run(ask())
    assert [a.choices[0].message.content for a in answers] == [f"number {i}" for i in range(8)]


def test_models(client):
    listed = {entry.id: entry for entry in client.models.list()}
    assert {"on-aws", "on-azure", "on-gcp", "on-gcp-claude", "on-oci", "on-onprem"} <= listed.keys()
    assert client.models.retrieve("on-oci").id == "on-oci"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing-like-it")


def test_bad_key(gateway, model):
    with (
        openai.OpenAI(base_url=f"{gateway.url}/v1", api_key="pk-wrong", max_retries=0) as other,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        other.chat.completions.create(model=model, messages=says("hi"))
    assert caught.value.code
    assert caught.value.request_id


@pytest.mark.parametrize("stream", [False, True])
def test_unknown_model(client, stream):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="on-mars", messages=says("hi"), stream=stream)
    assert "on-mars" in caught.value.message
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize("stream", [False, True])
def test_policy_keeps_data_in_its_place(client, model, cloud_of, stream):
    call = {"model": model, "messages": says("hi"), "stream": stream}
    held = {"extra_headers": {"x-polycloud-class": "secret-de"}}
    if cloud_of(model) == "onprem":
        client.chat.completions.create(**call, **held)
        return
    with pytest.raises(openai.PermissionDeniedError) as caught:
        client.chat.completions.create(**call, **held)
    assert "secret-de" in caught.value.message


def test_what_the_caller_got_wrong(client, model):
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=model, messages=[])
    assert caught.value.param == "messages"
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model=model, messages=says("hi"), temperature="warm")
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(
            model=model, messages=says("hi"), extra_headers={"x-polycloud-class": "no-such-class"}
        )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("context_too_long", openai.BadRequestError),
        ("content_filter", openai.BadRequestError),
        ("quota", openai.RateLimitError),
        ("throttle", openai.RateLimitError),
        ("http_error", openai.InternalServerError),
    ],
)
def test_trouble_of_a_cloud_is_told_in_the_callers_words(client, gateway, model, kind, error, stream):
    if kind == "content_filter" and model in FILTERS_IN_ANSWERS:
        with gateway.fault(kind, model) as troubled:
            found = client.chat.completions.create(model=troubled, messages=says("hi"), stream=stream)
            choices = [choice for part in (found if stream else [found]) for choice in part.choices]
        assert choices[-1].finish_reason == "content_filter"
        return
    with gateway.fault(kind, model, retry_after_seconds=7.0) as troubled, pytest.raises(error) as caught:
        client.chat.completions.create(model=troubled, messages=says("hi"), stream=stream)
    assert caught.value.code
    assert caught.value.request_id == caught.value.response.headers["x-polycloud-request"]
    if kind == "context_too_long":
        assert caught.value.code == "context_length_exceeded"


def test_a_stream_that_breaks_never_looks_whole(client, gateway, model):
    with gateway.fault("cut", model, after_events=6) as troubled, pytest.raises(openai.APIError):
        for _ in client.chat.completions.create(model=troubled, messages=says("words: 80"), stream=True):
            pass


def test_arguments_are_one_json_value_for_a_tool_without_any(client, model):
    tools = [
        {"type": "function", "function": {"name": "ping_server", "parameters": {"type": "object", "properties": {}}}}
    ]
    answer = client.chat.completions.create(model=model, messages=says("Call ping_server."), tools=tools)
    [call] = answer.choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {}
