"""pydantic-ai's agents through the gateway, over both faces, to each of the five clouds."""

import asyncio

import httpx2 as httpx
import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, ModelHTTPError, NativeOutput, ToolOutput
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

# pydantic-ai knows Claude's models by name; ours have names of their own.
CAN = ModelProfile(supports_json_schema_output=True)


class Trip(BaseModel):
    city: str
    nights: int


@pytest.fixture(params=["openai", "anthropic"])
def face(request):
    return request.param


@pytest.fixture
def ask(gateway, face, model):
    """Run ``use(model object)`` in a loop of its own; ``clouds`` gathers who answered."""
    clouds = []

    async def note(response):
        clouds.append(response.headers.get("x-polycloud-deployment", "").split("/")[0])

    def run(use, name=model, key=gateway.key, headers=None):
        async def body():
            async with httpx.AsyncClient(event_hooks={"response": [note]}, timeout=30, headers=headers) as http:
                if face == "openai":
                    provider = OpenAIProvider(base_url=f"{gateway.url}/v1", api_key=key, http_client=http)
                    return await use(OpenAIChatModel(name, provider=provider))
                provider = AnthropicProvider(base_url=gateway.url, api_key=key, http_client=http)
                return await use(AnthropicModel(name, provider=provider, profile=CAN))

        return asyncio.run(body())

    run.clouds = clouds
    return run


def test_chat(ask, model, cloud_of):
    async def use(target):
        return await Agent(target, instructions="Be brief.").run("echo: Grüße")

    found = ask(use)
    assert found.output == "Grüße"
    assert found.usage.input_tokens > 0
    assert found.usage.output_tokens > 0
    assert ask.clouds == [cloud_of(model)]


def test_stream(ask):
    async def use(target):
        async with Agent(target).run_stream("words: 40") as stream:
            pieces = [piece async for piece in stream.stream_text(delta=True, debounce_by=None)]
            return pieces, stream.usage

    pieces, usage = ask(use)
    assert len(pieces) > 3
    assert len("".join(pieces).split()) == 40
    assert usage.output_tokens > 0


@pytest.mark.parametrize("prompt", ["Call get_weather.", "Call get_weather and get_clock."])
@pytest.mark.parametrize("stream", [False, True])
def test_tools_and_their_results(ask, stream, prompt):
    called = []

    async def use(target):
        agent = Agent(target)

        @agent.tool_plain
        def get_weather(city: str, days: int) -> str:
            called.append("get_weather")
            return f"{city}: sunny for {days} days"

        @agent.tool_plain
        def get_clock(zone: str) -> str:
            called.append("get_clock")
            return f"{zone}: noon"

        if stream:
            async with agent.run_stream(prompt) as running:
                return await running.get_output()
        return (await agent.run(prompt)).output

    text = ask(use)
    assert sorted(called) == sorted(name for name in ("get_weather", "get_clock") if name in prompt)
    assert "sunny for" in text
    assert ("noon" in text) == ("get_clock" in prompt)


@pytest.mark.parametrize("how", [ToolOutput, NativeOutput])
def test_structured_output(ask, how):
    async def use(target):
        return (await Agent(target, output_type=how(Trip)).run("Plan a trip.")).output

    assert isinstance(ask(use), Trip)


def test_errors(ask, model, cloud_of):
    async def use(target):
        return await Agent(target).run("hi")

    for status, fields in ((401, {"key": "pk-wrong"}), (404, {"name": "on-mars"})):
        with pytest.raises(ModelHTTPError) as caught:
            ask(use, **fields)
        assert caught.value.status_code == status
    held = {"headers": {"x-polycloud-class": "secret-de"}}
    if cloud_of(model) == "onprem":
        assert ask(use, **held).output
        return
    with pytest.raises(ModelHTTPError) as caught:
        ask(use, **held)
    assert caught.value.status_code == 403


def test_a_context_that_is_too_long(ask, gateway, model):
    async def use(target):
        return await Agent(target).run("hi")

    with gateway.fault("context_too_long", model) as troubled, pytest.raises(ModelHTTPError, match="context") as caught:
        ask(use, name=troubled)
    assert caught.value.status_code == 400
