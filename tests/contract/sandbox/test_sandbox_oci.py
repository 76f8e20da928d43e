"""The oci SDK speaks to the sandbox's Generative AI as it does to the real one."""

import json
import warnings
from email.utils import formatdate
from typing import Any

import httpx2
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import oci
    from oci.generative_ai_inference import GenerativeAiInferenceClient, models

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
SITE = "oci/eu-frankfurt-1"
LLAMA = "meta.llama-3.3-70b-instruct"
DEDICATED = "ocid1.generativeaiendpoint.oc1.eu-frankfurt-1.simulated"
COMPARTMENT = "ocid1.compartment.oc1..simulated"
PATH = "/20231130/actions/chat"
WEATHER = models.FunctionDefinition(
    name="get_weather",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
CLOCK = models.FunctionDefinition(name="get_clock", parameters={"type": "object", "properties": {}})


def client(sandbox: Any, **over: Any) -> GenerativeAiInferenceClient:
    keys = sandbox.keys
    config = {
        "user": keys.oci_user,
        "tenancy": keys.oci_tenancy,
        "fingerprint": keys.oci_fingerprint,
        "key_content": keys.oci_private_key,
        "region": "eu-frankfurt-1",
        **over,
    }
    return GenerativeAiInferenceClient(
        config, service_endpoint=sandbox.at(SITE), retry_strategy=oci.retry.NoneRetryStrategy(), timeout=(5, 10)
    )


def user(text: str) -> list[Any]:
    return [models.UserMessage(content=[models.TextContent(text=text)])]


def details(text: str = "echo: good morning", model: str = LLAMA, **more: Any) -> models.ChatDetails:
    chat = models.GenericChatRequest(**{"messages": user(text), **more})
    return models.ChatDetails(
        compartment_id=COMPARTMENT, serving_mode=models.OnDemandServingMode(model_id=model), chat_request=chat
    )


def ask(sandbox: Any, *args: Any, **more: Any) -> Any:
    return client(sandbox).chat(details(*args, **more)).data.chat_response


def events(sandbox: Any, *args: Any, **more: Any) -> list[dict[str, Any]]:
    stream = client(sandbox).chat(details(*args, is_stream=True, **more)).data
    return [json.loads(event.data) for event in stream.events()]


def test_chat(sandbox: Any) -> None:
    reply = client(sandbox).chat(details())
    chat = reply.data.chat_response
    assert reply.data.model_id == LLAMA and chat.api_format == "GENERIC"
    assert chat.choices[0].message.content[0].text == "good morning" and chat.choices[0].finish_reason == "stop"
    assert (chat.usage.prompt_tokens, chat.usage.completion_tokens, chat.usage.total_tokens) == (5, 3, 8)
    assert reply.request_id and reply.headers["x-polycloud-simulated"] == SITE


def test_dedicated_endpoint(sandbox: Any) -> None:
    ask = details()
    ask.serving_mode = models.DedicatedServingMode(endpoint_id=DEDICATED)
    assert client(sandbox).chat(ask).data.model_id == DEDICATED
    ask.serving_mode = models.DedicatedServingMode(endpoint_id="ocid1.generativeaiendpoint.other")
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        client(sandbox).chat(ask)
    assert (caught.value.status, caught.value.code) == (404, "404")


def test_stream(sandbox: Any) -> None:
    options = models.StreamOptions(is_include_usage=True)
    found = events(sandbox, "echo: one two three four five", stream_options=options)
    pieces = [e["message"]["content"][0]["text"] for e in found if "message" in e]
    assert len(pieces) > 1 and "".join(pieces) == "one two three four five"
    assert found[-2] == {"finishReason": "stop"} and found[-1]["usage"]["completionTokens"] == 6
    assert events(sandbox)[-1] == {"finishReason": "stop"}


def test_tools_and_their_results(sandbox: Any) -> None:
    tools = [WEATHER, CLOCK]
    question = user("What is the weather in Paris, and what does the clock say?")
    first = ask(sandbox, messages=question, tools=tools).choices[0]
    calls = first.message.tool_calls
    assert first.finish_reason == "tool_calls" and first.message.content is None
    assert [(c.name, json.loads(c.arguments)) for c in calls] == [("get_weather", {"city": "Paris"}), ("get_clock", {})]
    said = models.AssistantMessage(tool_calls=calls)
    results = [models.ToolMessage(tool_call_id=c.id, content=[models.TextContent(text=f"of {c.name}")]) for c in calls]
    second = ask(sandbox, messages=[*question, said, *results], tools=tools).choices[0]
    assert "The tool get_weather said: of get_weather" in second.message.content[0].text
    with pytest.raises(oci.exceptions.ServiceError, match="have no TOOL message"):
        ask(sandbox, messages=[*question, said, results[0]], tools=tools)
    serial = ask(sandbox, messages=question, tools=tools, is_parallel_tool_calls=False).choices[0]
    assert len(serial.message.tool_calls) == 1


def test_tool_choice_in_a_stream(sandbox: Any) -> None:
    named = models.ToolChoiceFunction(name="get_weather")
    found = events(sandbox, "Go.", tools=[CLOCK, WEATHER], tool_choice=named)
    calls = [e["message"]["toolCalls"][0] for e in found if "message" in e]
    assert calls[0]["name"] == "get_weather" and all("id" not in c for c in calls[1:])
    assert isinstance(json.loads("".join(c["arguments"] for c in calls))["city"], str)
    assert found[-1] == {"finishReason": "tool_calls"}


def test_structured_output(sandbox: Any) -> None:
    schema = models.ResponseJsonSchema(name="city", schema=WEATHER.parameters)
    form = models.JsonSchemaResponseFormat(json_schema=schema)
    reply = ask(sandbox, "Tell of Paris.", response_format=form)
    assert json.loads(reply.choices[0].message.content[0].text) == {"city": "Paris"}
    loose = ask(sandbox, "Anything.", response_format=models.JsonObjectResponseFormat())
    assert json.loads(loose.choices[0].message.content[0].text)["simulated"] is True


def test_limits_and_reasoning(sandbox: Any) -> None:
    cut = ask(sandbox, "echo: one two three", max_tokens=2).choices[0]
    assert (cut.message.content[0].text, cut.finish_reason) == ("one two ", "length")
    stopped = ask(sandbox, "echo: one two three", stop=[" three"]).choices[0]
    assert stopped.message.content[0].text == "one two"
    shown = ask(sandbox, reasoning_effort="HIGH")
    assert shown.choices[0].message.reasoning_content
    assert shown.usage.completion_tokens == 3 + shown.usage.completion_tokens_details.reasoning_tokens
    with pytest.raises(oci.exceptions.ServiceError, match="maxCompletionTokens"):
        ask(sandbox, model="openai.gpt-5", max_tokens=5)
    hidden = ask(sandbox, model="openai.gpt-5", max_completion_tokens=500)
    assert hidden.choices[0].message.reasoning_content is None
    assert hidden.usage.completion_tokens_details.reasoning_tokens > 0


def test_cohere_is_refused_clearly(sandbox: Any) -> None:
    ask = details()
    ask.chat_request = models.CohereChatRequest(message="hi")
    with pytest.raises(oci.exceptions.ServiceError, match="not simulated yet") as caught:
        client(sandbox).chat(ask)
    assert caught.value.status == 400


def other_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def test_wrong_signatures_are_refused(sandbox: Any) -> None:
    for over in ({"key_content": other_key()}, {"fingerprint": ":".join(["00"] * 16)}):
        with pytest.raises(oci.exceptions.ServiceError) as caught:
            client(sandbox, **over).chat(details())
        assert (caught.value.status, caught.value.code) == (401, "NotAuthenticated")


def signed(sandbox: Any, body: bytes, **headers: str) -> Any:
    keys = sandbox.keys
    signer = oci.signer.Signer(
        keys.oci_tenancy, keys.oci_user, keys.oci_fingerprint, "", private_key_content=keys.oci_private_key
    )
    request = oci._vendor.requests.Request("POST", sandbox.at(SITE) + PATH, data=body, auth=signer, headers=headers)
    return request.prepare()


def body() -> dict[str, Any]:
    content = [{"type": "TEXT", "text": "echo: hello"}]
    return {
        "compartmentId": COMPARTMENT,
        "servingMode": {"servingType": "ON_DEMAND", "modelId": LLAMA},
        "chatRequest": {"apiFormat": "GENERIC", "messages": [{"role": "USER", "content": content}]},
    }


def test_tampered_body_and_stale_date_are_refused(sandbox: Any) -> None:
    raw = json.dumps(body()).encode()
    headers = dict(signed(sandbox, raw).headers)
    url = sandbox.at(SITE) + PATH
    assert httpx2.post(url, content=raw, headers=headers).status_code == 200
    other = httpx2.post(url, content=raw.replace(b"hello", b"hullo"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (401, "NotAuthenticated")
    assert "x-content-sha256" in other.json()["message"]
    stale = dict(signed(sandbox, raw, date=formatdate(1_700_000_000, usegmt=True)).headers)
    assert "not within allowed clock skew" in httpx2.post(url, content=raw, headers=stale).json()["message"]
    for never in ("soon", "Mon, 01 Jan 99999999999 00:00:00 GMT"):
        assert httpx2.post(url, content=raw, headers={**stale, "date": never}).status_code == 401
    assert httpx2.post(url, content=raw).status_code == 401


def test_api_key(sandbox: Any) -> None:
    url, bearer = sandbox.at(SITE) + PATH, {"authorization": f"Bearer {sandbox.keys.oci_key}"}
    assert httpx2.post(url, json=body(), headers=bearer).status_code == 200
    assert httpx2.post(url, json=body(), headers={"authorization": "Bearer sk-wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"surplus": 1}, "unknown field `surplus`"),
        ({"compartmentId": "home"}, "OCID of a compartment"),
        ({"servingMode": {"servingType": "OFTEN"}}, "OFTEN"),
        ({"chatRequest": {"apiFormat": "GENERIC"}}, "missing required field `messages`"),
        ({"chatRequest": {"apiFormat": "GENERIC", "messages": []}}, "must not be empty"),
    ],
)
def test_wrong_bodies_are_refused(sandbox: Any, change: dict[str, Any], words: str) -> None:
    url, bearer = sandbox.at(SITE) + PATH, {"authorization": f"Bearer {sandbox.keys.oci_key}"}
    reply = httpx2.post(url, json={**body(), **change}, headers=bearer)
    assert (reply.status_code, reply.json()["code"]) == (400, "InvalidParameter") and words in reply.json()["message"]
    assert reply.headers["opc-request-id"]


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "throttle"}, 429, "TooManyRequests"),
        ({"kind": "quota"}, 400, "QuotaExceeded"),
        ({"kind": "unauthorized"}, 401, "NotAuthenticated"),
        ({"kind": "context_too_long"}, 400, "400"),
        ({"kind": "content_filter"}, 400, "400"),
        ({"kind": "http_error", "status": 503}, 503, "ServiceUnavailable"),
    ],
)
def test_faults(sandbox: Any, fault: dict[str, Any], status: int, code: str) -> None:
    sandbox.fault(site=SITE, key=sandbox.keys.oci_user, **fault)
    with pytest.raises(oci.exceptions.ServiceError) as caught:
        ask(sandbox)
    assert (caught.value.status, caught.value.code) == (status, code)


def test_an_error_inside_a_stream(sandbox: Any) -> None:
    sandbox.fault(kind="error_in_stream", after_events=1, count=1)
    assert events(sandbox, "hello")[-1]["code"] == "InternalServerError"
    sandbox.fault(kind="cut", after_events=1)
    with pytest.raises(oci._vendor.requests.exceptions.ChunkedEncodingError):
        events(sandbox, "hello")
