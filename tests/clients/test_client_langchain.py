"""LangChain's ChatOpenAI through the gateway, to each of the five clouds."""

import asyncio

import openai
import pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


@tool
def get_weather(city: str, days: int) -> str:
    """The weather of a city."""
    return f"{city}: sunny for {days} days"


@tool
def get_clock(zone: str) -> str:
    """The time in a zone."""
    return f"{zone}: noon"


TOOLS = {"get_weather": get_weather, "get_clock": get_clock}


class Trip(BaseModel):
    city: str
    nights: int


@pytest.fixture
def chat(gateway, model):
    return made(gateway, model)


def made(gateway, model, **fields):
    fields = {"api_key": gateway.key, "max_retries": 0, "timeout": 30, "stream_usage": True, **fields}
    return ChatOpenAI(model=model, base_url=f"{gateway.url}/v1", **fields)


def test_chat(chat, model, gateway, cloud_of):
    answer = made(gateway, model, include_response_headers=True).invoke(
        [SystemMessage("Be brief."), HumanMessage("echo: Grüße")]
    )
    assert answer.text == "Grüße"
    assert answer.response_metadata["finish_reason"] == "stop"
    assert answer.response_metadata["headers"]["x-polycloud-deployment"].split("/")[0] == cloud_of(model)
    assert answer.usage_metadata["input_tokens"] > 0
    assert answer.usage_metadata["output_tokens"] > 0


def test_stream(chat):
    chunks = list(chat.stream("words: 40"))
    whole = chunks[0]
    for chunk in chunks[1:]:
        whole += chunk
    assert len(chunks) > 3
    assert whole.text == chat.invoke("words: 40").text
    assert len(whole.text.split()) == 40
    assert whole.usage_metadata["output_tokens"] > 0
    assert whole.response_metadata["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_tools_and_their_results(chat, stream):
    bound = chat.bind_tools(list(TOOLS.values()))
    messages = [HumanMessage("Call get_weather and get_clock.")]
    if stream:
        first = None
        for chunk in bound.stream(messages):
            first = chunk if first is None else first + chunk
    else:
        first = bound.invoke(messages)
    assert sorted(call["name"] for call in first.tool_calls) == ["get_clock", "get_weather"]
    assert not first.invalid_tool_calls
    results = [TOOLS[call["name"]].invoke(call) for call in first.tool_calls]
    assert all(isinstance(result, ToolMessage) for result in results)
    second = bound.invoke([*messages, first, *results])
    assert all(result.content in second.text for result in results)


def test_a_single_tool(chat):
    [call] = chat.bind_tools([get_weather, get_clock]).invoke("Call get_weather.").tool_calls
    assert call["name"] == "get_weather"


def test_a_forced_tool(chat):
    forced = chat.bind_tools([get_weather, get_clock], tool_choice="get_clock").invoke("Hello.")
    assert [call["name"] for call in forced.tool_calls] == ["get_clock"]


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_structured_output(chat, model, method):
    structured = chat.with_structured_output(Trip, method=method)
    if model == "on-gcp" and method == "function_calling":  # switches parallel calls off, which Gemini has no word for
        with pytest.raises(openai.UnprocessableEntityError, match="serial_tools"):
            structured.invoke("Plan a trip.")
    else:
        assert isinstance(structured.invoke("Plan a trip."), Trip)


def test_async_batch(gateway, model):
    async def ask():
        async with openai.DefaultAsyncHttpxClient() as http:  # else one is shared by all loops of the process
            return await made(gateway, model, http_async_client=http).abatch([f"echo: n {i}" for i in range(5)])

    assert [answer.text for answer in asyncio.run(ask())] == [f"n {i}" for i in range(5)]


def test_errors(gateway, model, cloud_of):
    with pytest.raises(openai.AuthenticationError):
        made(gateway, model, api_key="pk-wrong").invoke("hi")
    with pytest.raises(openai.NotFoundError):
        made(gateway, "on-mars").invoke("hi")
    held = made(gateway, model, default_headers={"x-polycloud-class": "secret-de"})
    if cloud_of(model) == "onprem":
        held.invoke("hi")
    else:
        with pytest.raises(openai.PermissionDeniedError):
            held.invoke("hi")


def test_a_context_that_is_too_long(gateway, model):
    with (
        gateway.fault("context_too_long", model) as troubled,
        pytest.raises(openai.BadRequestError, match="larger window") as caught,
    ):
        made(gateway, troubled).invoke("hi")
    assert caught.value.code == "context_length_exceeded"
