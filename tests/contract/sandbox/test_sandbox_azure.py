"""The openai SDK speaks to the sandbox's Azure OpenAI as it does to the real one."""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

SITE = "azure/westeurope"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CLOCK = {"type": "function", "function": {"name": "get_clock", "parameters": {"type": "object", "properties": {}}}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}


CLOSED: dict[str, Any] = {"type": "object", "additionalProperties": False}


def classic(sandbox: Any, **over: Any) -> openai.AzureOpenAI:
    options = {"api_key": sandbox.keys.azure_key, "api_version": "2024-10-21", "max_retries": 0, **over}
    return openai.AzureOpenAI(azure_endpoint=sandbox.at(SITE), **options)


def v1(sandbox: Any, key: str = "") -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{sandbox.at(SITE)}/openai/v1/", api_key=key or sandbox.keys.azure_key, max_retries=0
    )


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


def ask(client: openai.OpenAI, text: str = "echo: good morning", **more: Any) -> Any:
    return client.chat.completions.create(**{"model": "gpt-4o", "messages": user(text), **more})


def test_both_paths_give_the_same_answer(sandbox: Any) -> None:
    one, two = ask(classic(sandbox)), ask(v1(sandbox))
    assert one.choices[0].message.content == two.choices[0].message.content == "good morning"
    assert one.choices[0].finish_reason == "stop"
    assert (one.usage.prompt_tokens, one.usage.completion_tokens, one.usage.total_tokens) == (5, 3, 8)
    assert one.choices[0].content_filter_results["hate"] == {"filtered": False, "severity": "safe"}
    assert one.prompt_filter_results[0]["content_filter_results"]["jailbreak"]["detected"] is False


def test_headers_are_azures(sandbox: Any) -> None:
    headers = v1(sandbox).chat.completions.with_raw_response.create(model="gpt-4o", messages=user("hi")).headers
    assert headers["x-ms-region"] == "West Europe"
    assert headers["x-ms-deployment-name"] == "gpt-4o"
    assert headers["x-polycloud-simulated"] == SITE
    assert headers["apim-request-id"] and headers["x-ratelimit-remaining-tokens"]


def test_entra_token(sandbox: Any) -> None:
    client = classic(sandbox, api_key=None, azure_ad_token=sandbox.keys.azure_token)
    assert ask(client).choices[0].message.content == "good morning"
    assert ask(v1(sandbox, sandbox.keys.azure_token)).choices[0].message.content == "good morning"
    with pytest.raises(openai.AuthenticationError, match="Access token is missing, invalid"):
        ask(classic(sandbox, api_key=None, azure_ad_token="wrong"))


def test_wrong_key(sandbox: Any) -> None:
    with pytest.raises(openai.AuthenticationError) as caught:
        ask(classic(sandbox, api_key="wrong"))
    assert caught.value.body["code"] == "401"
    with pytest.raises(openai.AuthenticationError):
        ask(v1(sandbox, "wrong"))


def test_stream(sandbox: Any) -> None:
    text = "one two three four five six seven"
    chunks = list(ask(v1(sandbox), f"echo: {text}", stream=True, stream_options={"include_usage": True}))
    assert (chunks[0].choices, chunks[0].id, chunks[0].model) == ([], "", "")
    pieces = [c.choices[0].delta.content or "" for c in chunks if c.choices]
    assert "".join(pieces) == text and len([p for p in pieces if p]) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 9
    assert all(c.usage is None for c in chunks[:-1])
    without = list(ask(v1(sandbox), f"echo: {text}", stream=True))
    assert without[-1].choices[0].finish_reason == "stop"


def test_tools(sandbox: Any) -> None:
    client = classic(sandbox)
    question = user("What is the weather in Paris, and what does the clock say?")
    first = ask(client, messages=question, tools=[WEATHER, CLOCK])
    calls = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls" and first.choices[0].message.content is None
    assert [(c.function.name, json.loads(c.function.arguments)) for c in calls] == [
        ("get_weather", {"city": "Paris"}),
        ("get_clock", {}),
    ]
    results = [{"role": "tool", "tool_call_id": c.id, "content": f"result of {c.function.name}"} for c in calls]
    said = first.choices[0].message.model_dump(include={"role", "content", "tool_calls"})
    second = ask(client, messages=[*question, said, *results], tools=[WEATHER, CLOCK])
    assert "The tool get_weather said: result of get_weather" in second.choices[0].message.content
    with pytest.raises(openai.BadRequestError, match="did not have response messages"):
        ask(client, messages=[*question, said, results[0]], tools=[WEATHER, CLOCK])
    one = ask(client, messages=question, tools=[WEATHER, CLOCK], parallel_tool_calls=False)
    assert len(one.choices[0].message.tool_calls) == 1


def test_tool_choice(sandbox: Any) -> None:
    client, tools = classic(sandbox), [WEATHER, CLOCK]
    named = {"type": "function", "function": {"name": "get_clock"}}
    for choice, name in (("required", "get_weather"), (named, "get_clock")):
        calls = ask(client, "Go.", tools=tools, tool_choice=choice).choices[0].message.tool_calls
        assert [c.function.name for c in calls] == [name]
    assert ask(client, "The weather?", tools=tools, tool_choice="none").choices[0].message.tool_calls is None
    assert ask(client, "Good day.", tools=tools).choices[0].message.tool_calls is None


def test_tools_in_a_stream(sandbox: Any) -> None:
    calls: dict[int, list[str]] = {}
    for chunk in ask(classic(sandbox), "The weather in Paris and the clock!", tools=[WEATHER, CLOCK], stream=True):
        for call in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            entry = calls.setdefault(call.index, [call.function.name or "", ""])
            entry[1] += call.function.arguments or ""
    assert {i: (name, json.loads(text)) for i, (name, text) in calls.items()} == {
        0: ("get_weather", {"city": "Paris"}),
        1: ("get_clock", {}),
    }


def test_structured_output(sandbox: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "items": {"type": "array", "items": {"$ref": "#/$defs/item"}}},
        "required": ["kind", "items"],
        "additionalProperties": False,
        "$defs": {"item": {**CLOSED, "properties": {"n": {"type": "number"}}, "required": ["n"]}},
    }
    form = {"type": "json_schema", "json_schema": {"name": "thing", "strict": True, "schema": schema}}
    value = json.loads(ask(v1(sandbox), "Make one.", response_format=form).choices[0].message.content)
    assert value["kind"] in ("a", "b") and all(isinstance(i["n"], int | float) for i in value["items"])
    loose = ask(v1(sandbox), "Make one as JSON.", response_format={"type": "json_object"}).choices[0].message.content
    assert json.loads(loose)["simulated"] is True


def test_limits_and_stops(sandbox: Any) -> None:
    cut = ask(v1(sandbox), "echo: one two three", max_tokens=2)
    assert (cut.choices[0].message.content, cut.choices[0].finish_reason) == ("one two ", "length")
    stopped = ask(v1(sandbox), "echo: one two three", stop=[" three"])
    assert (stopped.choices[0].message.content, stopped.choices[0].finish_reason) == ("one two", "stop")


def test_reasoning_models(sandbox: Any) -> None:
    client = v1(sandbox)
    reply = ask(client, model="o4-mini", reasoning_effort="high", max_completion_tokens=500)
    assert reply.choices[0].message.content == "good morning"
    assert reply.usage.completion_tokens_details.reasoning_tokens > 0
    assert reply.usage.completion_tokens == 3 + reply.usage.completion_tokens_details.reasoning_tokens
    for more, code, param in (
        ({"max_tokens": 5}, "unsupported_parameter", "max_tokens"),
        ({"temperature": 0.5}, "unsupported_value", "temperature"),
        ({"stop": ["x"]}, "unsupported_parameter", "stop"),
        ({"logit_bias": {"5": 1}}, "unsupported_parameter", "logit_bias"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            ask(client, model="gpt-5", **more)
        assert (caught.value.code, caught.value.param) == (code, param)


def test_models_that_reason_when_asked_to_take_sampling_parameters_while_they_do_not(sandbox: Any) -> None:
    client = v1(sandbox)
    reply = ask(client, model="gpt-5.2", temperature=0.2, logprobs=True)
    assert reply.usage.completion_tokens_details.reasoning_tokens == 0
    for more in (
        {"model": "gpt-5.2", "reasoning_effort": "low"},
        {"model": "gpt-5.2-chat"},
        {"model": "gpt-5.2", "stop": ["x"]},
    ):
        with pytest.raises(openai.BadRequestError):
            ask(client, temperature=0.2, **more)


def test_prompt_cache(sandbox: Any) -> None:
    rules = [{"role": "system", "content": "A fresh rule. " * 400}]
    first = ask(v1(sandbox), messages=rules + user("Cached?")).usage
    second = ask(v1(sandbox), messages=rules + user("Cached!")).usage
    assert first.prompt_tokens_details.cached_tokens == 0
    assert second.prompt_tokens_details.cached_tokens == 1280  # 1,400 tokens, in steps of 128
    assert second.prompt_tokens == first.prompt_tokens == 1402


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"model": "gpt-5-nano"}, openai.NotFoundError, "API deployment for this resource does not exist"),
        ({"messages": []}, openai.BadRequestError, "empty array"),
        ({"messages": [{"role": "user", "content": 3}]}, openai.BadRequestError, "Invalid type for"),
        ({"messages": [{"role": "robot", "content": "x"}]}, openai.BadRequestError, "Invalid value"),
        ({"temperature": 3}, openai.BadRequestError, "Expected a value <= 2"),
        ({"stream_options": {"include_usage": True}}, openai.BadRequestError, "only allowed when 'stream'"),
        ({"extra_body": {"surplus": 1}}, openai.BadRequestError, "Unrecognized request argument supplied: surplus"),
        ({"tool_choice": "auto"}, openai.BadRequestError, "only allowed when 'tools'"),
        ({"response_format": {"type": "json_object"}}, openai.BadRequestError, "must contain the word 'json'"),
        ({"tools": [named("a.b")]}, openai.BadRequestError, r"'tools\[0\].function.name': string does not match"),
        ({"tools": [CLOCK, named("a" * 65)]}, openai.BadRequestError, r"'tools\[1\].*string too long.*length 65"),
    ],
)
def test_wrong_requests(sandbox: Any, more: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        ask(v1(sandbox), **more)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "properties": {}}, r"'thing': In context=\(\), 'additionalProperties' is required"),
        ({**CLOSED, "properties": {"a": {"type": "string"}}}, r"'required' is .* Missing 'a'"),
        (
            {**CLOSED, "properties": {"a": {"type": "array", "items": {"type": "object"}}}, "required": ["a"]},
            r"In context=\('properties', 'a', 'items'\), 'additionalProperties'",
        ),
        (
            {"anyOf": [{**CLOSED}, {"type": ["object", "null"]}], "$defs": {"b": CLOSED}},
            r"In context=\('anyOf', '1'\), 'additionalProperties'",
        ),
    ],
)
def test_a_strict_schema_closes_and_requires_all(sandbox: Any, schema: dict[str, Any], words: str) -> None:
    form = {"name": "thing", "strict": True, "schema": schema}
    with pytest.raises(openai.BadRequestError, match=words):
        ask(v1(sandbox), response_format={"type": "json_schema", "json_schema": form})
    loose = {"type": "json_schema", "json_schema": {**form, "strict": False}}
    assert ask(v1(sandbox), response_format=loose).choices[0].finish_reason == "stop"


def test_unknown_members_of_a_message_are_left_unread(sandbox: Any) -> None:
    told = [{"role": "user", "content": "echo: hi", "provider_specific_fields": {"refusal": None}}]
    assert ask(v1(sandbox), messages=told).choices[0].message.content == "hi"


def test_a_schema_without_instance_and_a_deep_body_are_refused(sandbox: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}
    form = {"type": "json_schema", "json_schema": {"name": "endless", "schema": schema}}
    with pytest.raises(openai.BadRequestError, match="makes no value for this schema"):
        ask(v1(sandbox), response_format=form)
    url = f"{sandbox.at(SITE)}/openai/v1/chat/completions"
    for body in (b'{"metadata": ' + b"[" * 100_000, b'{"audio": ' + b"[" * 100_000, b'{"model": "\xff"}'):
        reply = httpx2.post(url, content=body, headers={"api-key": sandbox.keys.azure_key})
        assert reply.status_code == 400 and reply.json()["error"]["type"] == "invalid_request_error"


def test_wrong_paths_and_versions(sandbox: Any) -> None:
    with pytest.raises(openai.NotFoundError, match="Resource not found"):
        ask(classic(sandbox, api_version="yesterday"))
    for path in ("/openai/deployments/gpt-4o/chat/completions", "/v1/chat/completions"):
        reply = httpx2.post(sandbox.at(SITE) + path, json={}, headers={"api-key": sandbox.keys.azure_key})
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "404")
    reply = httpx2.post(
        f"{sandbox.at(SITE)}/openai/v1/chat/completions", content=b"{", headers={"api-key": sandbox.keys.azure_key}
    )
    assert reply.status_code == 400 and "not valid JSON" in reply.json()["error"]["message"]


def test_throttling_says_when_to_come_back(sandbox: Any) -> None:
    sandbox.fault(kind="throttle", cloud="azure", retry_after_seconds=2.5, count=1)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(v1(sandbox))
    assert caught.value.response.headers["retry-after-ms"] == "2500"
    assert caught.value.response.headers["retry-after"] == "3"
    assert ask(v1(sandbox)).choices[0].message.content == "good morning"


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ({"kind": "quota"}, openai.RateLimitError, "insufficient_quota"),
        ({"kind": "content_filter"}, openai.BadRequestError, "content_filter"),
        ({"kind": "context_too_long"}, openai.BadRequestError, "context_length_exceeded"),
        ({"kind": "unauthorized"}, openai.AuthenticationError, "401"),
        ({"kind": "http_error", "status": 503}, openai.InternalServerError, "503"),
    ],
)
def test_faults(sandbox: Any, fault: dict[str, Any], error: Any, code: str) -> None:
    sandbox.fault(model="gpt-4o", key="api-key", **fault)
    with pytest.raises(error) as caught:
        ask(v1(sandbox))
    assert caught.value.body["code"] == code
    assert ask(v1(sandbox, sandbox.keys.azure_token)).choices[0].message.content == "good morning"


def test_a_filtered_prompt_says_which_category(sandbox: Any) -> None:
    sandbox.fault(kind="content_filter")
    with pytest.raises(openai.BadRequestError) as caught:
        ask(v1(sandbox))
    inner = caught.value.body["innererror"]
    assert inner["code"] == "ResponsibleAIPolicyViolation"
    assert inner["content_filter_result"]["violence"] == {"filtered": True, "severity": "medium"}


def test_an_error_inside_a_stream(sandbox: Any) -> None:
    sandbox.fault(kind="error_in_stream", after_events=3)
    with pytest.raises(openai.APIError, match="server had an error"):
        list(ask(v1(sandbox), stream=True))
    sandbox.heal()
    sandbox.fault(kind="broken_frame")
    with pytest.raises(json.JSONDecodeError):
        list(ask(v1(sandbox), stream=True))


def test_several_choices(sandbox: Any) -> None:
    """Each of its own, the same ones streamed and again; the prompt is counted once, the answers all."""
    sandbox.forget()
    said: dict[str, Any] = {"text": "Tell me of the sea.", "n": 3, "reasoning_effort": "low", "model": "o4-mini"}
    whole = ask(v1(sandbox), **said)
    texts = [choice.message.content for choice in whole.choices]
    assert [choice.index for choice in whole.choices] == [0, 1, 2] and len(set(texts)) == 3
    assert all(choice.content_filter_results for choice in whole.choices)
    alone = ask(v1(sandbox), **{**said, "n": 1})
    assert alone.choices[0].message.content == texts[0]
    assert whole.usage.prompt_tokens == alone.usage.prompt_tokens
    reasoning = whole.usage.completion_tokens_details.reasoning_tokens
    assert reasoning == 3 * alone.usage.completion_tokens_details.reasoning_tokens > 0
    written = sum(-(-len(text.encode()) // 4) for text in texts)
    assert whole.usage.completion_tokens == written + reasoning

    grown, finishes, order, usage = ["", "", ""], {}, [], None
    for chunk in ask(v1(sandbox), **said, stream=True, stream_options={"include_usage": True}):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            order.append(choice.index)
            grown[choice.index] += choice.delta.content or ""
            if choice.finish_reason:
                finishes[choice.index] = choice.finish_reason
    assert grown == texts and finishes == dict.fromkeys(range(3), "stop")
    assert order[:6] == [0, 1, 2, 0, 1, 2]
    assert usage.completion_tokens == whole.usage.completion_tokens
    booked = sandbox.served(SITE, "ok")["output_tokens"]
    assert booked == 2 * whole.usage.completion_tokens + alone.usage.completion_tokens

    calls = ask(v1(sandbox), "get_weather in Paris", model="gpt-4o", n=2, tools=[WEATHER])
    assert [c.finish_reason for c in calls.choices] == ["tool_calls", "tool_calls"]
    assert len({c.message.tool_calls[0].id for c in calls.choices}) == 2
    with pytest.raises(openai.BadRequestError, match="'n'"):
        ask(v1(sandbox), n=129)


def claude(sandbox: Any, **over: Any) -> anthropic.AnthropicFoundry:
    options = {"api_key": sandbox.keys.azure_key, "max_retries": 0, **over}
    return anthropic.AnthropicFoundry(base_url=f"{sandbox.at(SITE)}/anthropic/", **options)


def tell(client: anthropic.AnthropicFoundry, text: str = "echo: good morning", **more: Any) -> Any:
    asked = {"model": "claude-sonnet-4-6", "max_tokens": 100, "messages": user(text)}
    return client.messages.create(**{**asked, **more})


def test_claude_by_its_own_client(sandbox: Any) -> None:
    with claude(sandbox) as client:
        raw = client.messages.with_raw_response.create(
            model="claude-sonnet-4-6", max_tokens=100, messages=user("echo: good morning")
        )
        assert raw.headers["request-id"] and raw.headers["apim-request-id"]
        assert raw.parse().content[0].text == "good morning"
        assert raw.parse().id.startswith("msg_") and "vrtx" not in raw.parse().id
        with client.messages.stream(model="claude-sonnet-4-6", max_tokens=100, messages=user("echo: a b c")) as stream:
            assert stream.get_final_text() == "a b c"
        beta = client.beta.messages.create(
            model="claude-sonnet-4-6", max_tokens=100, messages=user("echo: b"), betas=["context-1m-2025-08-07"]
        )
        assert beta.content[0].text == "b"


def test_claude_takes_a_key_or_an_entra_token(sandbox: Any) -> None:
    with claude(sandbox, api_key=None, azure_ad_token_provider=lambda: sandbox.keys.azure_token) as client:
        assert tell(client).content[0].text == "good morning"
    with (
        claude(sandbox, api_key=None, azure_ad_token_provider=lambda: "wrong") as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        tell(client)
    with claude(sandbox, api_key="wrong") as client, pytest.raises(anthropic.AuthenticationError):
        tell(client)
    body = {"model": "claude-sonnet-4-6", "max_tokens": 9, "messages": user("echo: a")}
    for name, status in (("api-key", 200), ("x-api-key", 200), ("x-key", 401)):
        headers = {name: sandbox.keys.azure_key, "anthropic-version": "2023-06-01"}
        assert (
            httpx2.post(f"{sandbox.at(SITE)}/anthropic/v1/messages", json=body, headers=headers).status_code == status
        )


@pytest.mark.parametrize("field", ["anthropic_version", "anthropic_beta"])
def test_claude_refuses_what_vertex_reads_in_the_body(sandbox: Any, field: str) -> None:
    with claude(sandbox) as client, pytest.raises(anthropic.BadRequestError, match="Extra inputs") as caught:
        tell(client, extra_body={field: "x"})
    assert caught.value.body["error"]["type"] == "invalid_request_error"


def test_claude_is_asked_in_its_own_format_and_version(sandbox: Any) -> None:
    with claude(sandbox) as client:
        with pytest.raises(anthropic.BadRequestError, match="anthropic-version"):
            tell(client, extra_headers={"anthropic-version": "1999-01-01"})
        with pytest.raises(anthropic.NotFoundError, match="does not exist"):
            tell(client, model="claude-nowhere")
    with v1(sandbox) as openai_client, pytest.raises(openai.NotFoundError) as caught:
        ask(openai_client, model="claude-sonnet-4-6")
    assert caught.value.body["code"] == "api_not_supported"


@pytest.mark.parametrize("stream", [False, True])
def test_troubles_of_claude(sandbox: Any, stream: bool) -> None:
    with claude(sandbox) as client:
        sandbox.fault(kind="throttle", site=SITE, retry_after_seconds=3.0, count=1)
        with pytest.raises(anthropic.RateLimitError) as caught:
            tell(client, stream=stream)
        assert caught.value.response.headers["retry-after"] == "3"
        sandbox.fault(kind="http_error", status=529, site=SITE, count=1)
        with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
            tell(client, stream=stream)
        sandbox.fault(kind="content_filter", site=SITE, count=1)
        if stream:
            with client.messages.stream(model="claude-sonnet-4-6", max_tokens=9, messages=user("hi")) as events:
                assert events.get_final_message().stop_reason == "refusal"
        else:
            assert tell(client).stop_reason == "refusal"
