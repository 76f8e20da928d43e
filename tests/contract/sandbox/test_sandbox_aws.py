"""boto3 speaks to the sandbox's Bedrock as it does to the real one."""

import datetime
import json
from typing import Any

import boto3
import botocore.auth
import botocore.eventstream
import botocore.exceptions
import httpx2
import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

# Streams that break on purpose are left open by the SDK.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-micro-v1:0"
SITE = "aws/eu-west-1"
WEATHER = {
    "toolSpec": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "inputSchema": {
            "json": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        },
    }
}
CLOCK = {"toolSpec": {"name": "get_clock", "inputSchema": {"json": {"type": "object", "properties": {}}}}}


def client(sandbox: Any, **over: Any) -> Any:
    keys = sandbox.keys
    options = {
        "region_name": "eu-west-1",
        "aws_access_key_id": keys.aws_access_key,
        "aws_secret_access_key": keys.aws_secret_key,
        "aws_session_token": keys.aws_session_token,
        "config": Config(retries={"total_max_attempts": 1}),
    }
    return boto3.client("bedrock-runtime", endpoint_url=sandbox.at(SITE), **{**options, **over})


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def refusal(call: Any, **kwargs: Any) -> botocore.exceptions.ClientError:
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**kwargs)
    return caught.value


def test_converse(sandbox: Any) -> None:
    reply = client(sandbox).converse(modelId=NOVA, messages=user("echo: good morning"), system=[{"text": "Be kind."}])
    assert reply["output"]["message"] == {"role": "assistant", "content": [{"text": "good morning"}]}
    assert reply["stopReason"] == "end_turn"
    # "echo: good morning" is 18 bytes, "Be kind." 8, the answer 12; four bytes make a token.
    assert reply["usage"] == {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10}
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-polycloud-simulated"] == SITE


def test_an_ordinary_answer_says_that_it_is_simulated(sandbox: Any) -> None:
    ask = {"modelId": NOVA, "messages": user("Where is Paris?")}
    one, two = client(sandbox).converse(**ask), client(sandbox).converse(**ask)
    text = one["output"]["message"]["content"][0]["text"]
    assert text.startswith(f"This is a simulated answer from {NOVA} at {SITE}.") and "Where is Paris?" in text
    assert two["output"] == one["output"]


def test_converse_stream(sandbox: Any) -> None:
    stream = client(sandbox).converse_stream(modelId=NOVA, messages=user("echo: one two three four five six seven"))
    events = list(stream["stream"])
    assert next(iter(events[0])) == "messageStart"
    deltas = [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]
    assert len(deltas) > 1 and "".join(deltas) == "one two three four five six seven"
    assert [e for e in events if "messageStop" in e] == [{"messageStop": {"stopReason": "end_turn"}}]
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 9


def test_stop_and_limit(sandbox: Any) -> None:
    bedrock = client(sandbox)
    stopped = bedrock.converse(
        modelId=NOVA, messages=user("echo: one two three"), inferenceConfig={"stopSequences": [" three"]}
    )
    assert stopped["output"]["message"]["content"] == [{"text": "one two"}]
    assert stopped["stopReason"] == "stop_sequence"
    cut = bedrock.converse(modelId=NOVA, messages=user("echo: one two three"), inferenceConfig={"maxTokens": 2})
    assert cut["output"]["message"]["content"] == [{"text": "one two "}]
    assert (cut["stopReason"], cut["usage"]["outputTokens"]) == ("max_tokens", 2)


def test_claude_tells_the_stop_sequence_when_it_is_asked_for(sandbox: Any) -> None:
    bedrock = client(sandbox)
    asked = {
        "modelId": CLAUDE,
        "messages": user("echo: one two three"),
        "inferenceConfig": {"stopSequences": ["never", " three"]},
    }
    assert "additionalModelResponseFields" not in bedrock.converse(**asked)
    asked["additionalModelResponseFieldPaths"] = ["/stop_sequence"]
    told = {"stop_sequence": " three"}
    assert bedrock.converse(**asked)["additionalModelResponseFields"] == told
    events = list(bedrock.converse_stream(**asked)["stream"])
    stop = {"stopReason": "stop_sequence", "additionalModelResponseFields": told}
    assert [e["messageStop"] for e in events if "messageStop" in e] == [stop]


def test_tools_and_their_results(sandbox: Any) -> None:
    bedrock = client(sandbox)
    config = {"tools": [WEATHER, CLOCK]}
    messages = user("What is the weather in Paris, and what does the clock say?")
    first = bedrock.converse(modelId=CLAUDE, messages=messages, toolConfig=config)
    uses = [c["toolUse"] for c in first["output"]["message"]["content"]]
    assert first["stopReason"] == "tool_use"
    assert [(u["name"], u["input"]) for u in uses] == [("get_weather", {"city": "Paris"}), ("get_clock", {})]
    results = [
        {"toolResult": {"toolUseId": u["toolUseId"], "content": [{"text": f"result of {u['name']}"}]}} for u in uses
    ]
    messages += [first["output"]["message"], {"role": "user", "content": results}]
    second = bedrock.converse(modelId=CLAUDE, messages=messages, toolConfig=config)
    text = second["output"]["message"]["content"][0]["text"]
    assert second["stopReason"] == "end_turn"
    assert "The tool get_weather said: result of get_weather" in text and "result of get_clock" in text
    missing = refusal(bedrock.converse, modelId=CLAUDE, messages=messages[:2], toolConfig=config)
    assert "Expected toolResult blocks at messages.2.content" in str(missing)


def test_claudes_own_choice_of_tools(sandbox: Any) -> None:
    bedrock, config = client(sandbox), {"tools": [WEATHER, CLOCK]}

    def called(text: str, **choice: Any) -> list[str]:
        reply = bedrock.converse(
            modelId=CLAUDE,
            messages=user(text),
            toolConfig=config,
            additionalModelRequestFields={"tool_choice": choice},
        )
        return [c["toolUse"]["name"] for c in reply["output"]["message"]["content"] if "toolUse" in c]

    both = "What is the weather in Paris, and what does the clock say?"
    assert called(both, type="auto", disable_parallel_tool_use=False) == ["get_weather", "get_clock"]
    assert called(both, type="auto", disable_parallel_tool_use=True) == ["get_weather"]
    assert called("Hello", type="tool", name="get_clock", disable_parallel_tool_use=True) == ["get_clock"]
    assert called(both, type="none") == []
    forced = {"modelId": CLAUDE, "messages": user("x"), "toolConfig": config | {"toolChoice": {"any": {}}}}
    own = {"tool_choice": {"type": "auto"}}
    assert "conflicts with the existing field toolConfig.toolChoice.any" in str(
        refusal(bedrock.converse, **forced, additionalModelRequestFields=own)
    )
    untyped = {"tool_choice": {"disable_parallel_tool_use": True}}
    bedrock.converse(**forced, additionalModelRequestFields=untyped)
    del forced["toolConfig"]["toolChoice"]
    assert "tool_choice.type: Field required" in str(
        refusal(bedrock.converse, **forced, additionalModelRequestFields=untyped)
    )
    del forced["toolConfig"]
    assert "only be specified while providing tools" in str(
        refusal(bedrock.converse, **forced, additionalModelRequestFields=own)
    )


def test_a_tool_call_in_a_stream(sandbox: Any) -> None:
    config = {"tools": [WEATHER], "toolChoice": {"any": {}}}
    stream = client(sandbox).converse_stream(modelId=CLAUDE, messages=user("Go."), toolConfig=config)["stream"]
    events = list(stream)
    start = next(e["contentBlockStart"] for e in events if "contentBlockStart" in e)
    assert start["start"]["toolUse"]["name"] == "get_weather"
    text = "".join(e["contentBlockDelta"]["delta"]["toolUse"]["input"] for e in events if "contentBlockDelta" in e)
    assert isinstance(json.loads(text)["city"], str)


def test_structured_output(sandbox: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "people": {"type": "integer", "minimum": 5, "maximum": 9}},
        "required": ["city", "people"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "structure": {"jsonSchema": {"name": "City", "schema": json.dumps(schema)}}}
    reply = client(sandbox).converse(
        modelId=CLAUDE, messages=user("Tell me about Paris."), outputConfig={"textFormat": form}
    )
    value = json.loads(reply["output"]["message"]["content"][0]["text"])
    assert value["city"] == "Paris" and 5 <= value["people"] <= 9


def test_thinking_comes_signed_and_must_come_back_unchanged(sandbox: Any) -> None:
    bedrock = client(sandbox)
    fields = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    ask = {"modelId": CLAUDE, "toolConfig": {"tools": [WEATHER]}, "additionalModelRequestFields": fields}
    messages = user("What is the weather in Paris?")
    first = bedrock.converse(messages=messages, **ask)
    thought = first["output"]["message"]["content"][0]["reasoningContent"]["reasoningText"]
    assert thought["text"] and thought["signature"]
    use = first["output"]["message"]["content"][1]["toolUse"]
    result = {
        "role": "user",
        "content": [{"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "sun"}]}}],
    }
    assert bedrock.converse(messages=[*messages, first["output"]["message"], result], **ask)["stopReason"] == "end_turn"
    bare = {"role": "assistant", "content": first["output"]["message"]["content"][1:]}
    assert "must start with a thinking block" in str(
        refusal(bedrock.converse, messages=[*messages, bare, result], **ask)
    )
    thought["text"] += " Changed."
    tampered = refusal(bedrock.converse, messages=[*messages, first["output"]["message"], result], **ask)
    assert "Invalid `signature` in `thinking` block" in str(tampered)
    stream = bedrock.converse_stream(messages=messages, **ask)["stream"]
    kinds = [
        next(iter(e["contentBlockDelta"]["delta"]["reasoningContent"]))
        for e in stream
        if "reasoningContent" in e.get("contentBlockDelta", {}).get("delta", {})
    ]
    assert kinds[:1] == ["text"] and kinds[-1] == "signature"


def test_prompt_cache_writes_then_reads(sandbox: Any) -> None:
    bedrock = client(sandbox)
    system = [{"text": "A long rule. " * 400}, {"cachePoint": {"type": "default"}}]
    first = bedrock.converse(modelId=CLAUDE, messages=user("Cached?"), system=system)["usage"]
    second = bedrock.converse(modelId=CLAUDE, messages=user("Cached!"), system=system)["usage"]
    assert (first["cacheReadInputTokens"], first["cacheWriteInputTokens"]) == (0, 1300)
    assert (second["cacheReadInputTokens"], second["cacheWriteInputTokens"]) == (1300, 0)
    assert second["inputTokens"] == 2
    assert second["totalTokens"] == 1302 + second["outputTokens"]


def test_bearer_key(sandbox: Any) -> None:
    # boto3 sends bearer keys over TLS only, so the request is made by hand.
    url = f"{sandbox.at(SITE)}/model/{NOVA}/converse"
    good, bad = (
        httpx2.post(url, json={"messages": user("hello")}, headers={"authorization": f"Bearer {key}"})
        for key in (sandbox.keys.aws_bearer, "wrong")
    )
    assert good.json()["stopReason"] == "end_turn"
    assert bad.status_code == 403 and bad.headers["x-amzn-errortype"].startswith("AccessDeniedException:")


@pytest.mark.parametrize(
    ("over", "code", "words"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException", "does not match the signature you provided"),
        ({"aws_access_key_id": "AKIAWRONG"}, "UnrecognizedClientException", "security token"),
        ({"aws_session_token": "wrong"}, "UnrecognizedClientException", "security token"),
        ({"region_name": "us-east-1"}, "InvalidSignatureException", "scoped to a valid region"),
    ],
)
def test_wrong_signatures_are_refused(sandbox: Any, over: dict[str, str], code: str, words: str) -> None:
    error = refusal(client(sandbox, **over).converse, modelId=NOVA, messages=user("hello"))
    assert error.response["Error"]["Code"] == code and words in str(error)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def signed(sandbox: Any, body: bytes) -> AWSRequest:
    url = f"{sandbox.at(SITE)}/model/{NOVA.replace(':', '%3A')}/converse"
    request = AWSRequest("POST", url, data=body, headers={"content-type": "application/json"})
    keys = sandbox.keys
    credentials = Credentials(keys.aws_access_key, keys.aws_secret_key, keys.aws_session_token)
    SigV4Auth(credentials, "bedrock", "eu-west-1").add_auth(request)
    return request


def test_tampered_body_and_stale_date_are_refused(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps({"messages": user("hello")}).encode()
    request = signed(sandbox, body)
    assert httpx2.post(request.url, content=body, headers=dict(request.headers)).status_code == 200
    other = httpx2.post(request.url, content=body.replace(b"hello", b"hullo"), headers=dict(request.headers))
    assert other.status_code == 403
    assert other.headers["x-amzn-errortype"].startswith("InvalidSignatureException:")
    unsigned = httpx2.post(request.url, content=body)
    assert (unsigned.status_code, unsigned.json()) == (403, {"message": "Missing Authentication Token"})
    real = botocore.auth.get_current_datetime
    for minutes, words in ((-6, "Signature expired"), (6, "Signature not yet current")):
        shift = datetime.timedelta(minutes=minutes)
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda shift=shift, **k: real(**k) + shift)
        stale = signed(sandbox, body)
        reply = httpx2.post(stale.url, content=body, headers=dict(stale.headers))
        assert reply.status_code == 403 and words in reply.json()["message"]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"modelId": "eu.amazon.nova-micro-v1:O"}, "The provided model identifier is invalid."),
        ({"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, "must start with a user message"),
        ({"messages": [{"role": "user", "content": []}]}, "is empty. Add a ContentBlock"),
        ({"messages": [{"role": "user", "content": [{"text": " "}]}]}, "is blank. Add text"),
        ({"messages": user("a") + user("b")}, "alternate between user and assistant"),
        ({"inferenceConfig": {"temperature": 1.5}}, "less than or equal to 1"),
        ({"additionalModelRequestFields": {"foo": 1}}, "extraneous key [foo] is not permitted"),
        ({"system": [{"text": "x" * 5000}, {"cachePoint": {"type": "default"}}], "modelId": "plain"}, "identifier"),
    ],
)
def test_wrong_requests_are_refused(sandbox: Any, ask: dict[str, Any], words: str) -> None:
    error = refusal(client(sandbox).converse, **{"modelId": NOVA, "messages": user("hello"), **ask})
    assert error.response["Error"]["Code"] == "ValidationException" and words in str(error)
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "body", [{}, {"messages": [], "surplus": 1}, {"messages": [{"role": "system", "content": []}]}]
)
def test_wrong_bodies_are_refused(sandbox: Any, body: dict[str, Any]) -> None:
    url = f"{sandbox.at(SITE)}/model/{NOVA}/converse"
    reply = httpx2.post(url, json=body, headers={"authorization": f"Bearer {sandbox.keys.aws_bearer}"})
    assert reply.status_code == 400 and reply.headers["x-amzn-errortype"].startswith("ValidationException:")


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"kind": "throttle"}, "ThrottlingException", 429),
        ({"kind": "quota"}, "ServiceQuotaExceededException", 400),
        ({"kind": "unauthorized"}, "UnrecognizedClientException", 403),
        ({"kind": "context_too_long"}, "ValidationException", 400),
        ({"kind": "http_error", "status": 503}, "ServiceUnavailableException", 503),
        ({"kind": "http_error", "status": 424}, "ModelErrorException", 424),
    ],
)
def test_faults(sandbox: Any, fault: dict[str, Any], code: str, status: int) -> None:
    sandbox.fault(site=SITE, **fault)
    error = refusal(client(sandbox).converse, modelId=NOVA, messages=user("hello"))
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
    sandbox.heal()
    assert client(sandbox).converse(modelId=NOVA, messages=user("hello"))["stopReason"] == "end_turn"


def test_content_filter_is_a_stop_reason(sandbox: Any) -> None:
    sandbox.fault(kind="content_filter", model="*nova*")
    bedrock = client(sandbox)
    assert bedrock.converse(modelId=NOVA, messages=user("hello"))["stopReason"] == "content_filtered"
    events = list(bedrock.converse_stream(modelId=NOVA, messages=user("hello"))["stream"])
    assert {"messageStop": {"stopReason": "content_filtered"}} in events
    assert bedrock.converse(modelId=CLAUDE, messages=user("hello"))["stopReason"] == "end_turn"


def test_faults_inside_a_stream(sandbox: Any) -> None:
    def read() -> None:
        for _ in client(sandbox).converse_stream(modelId=NOVA, messages=user("hello"))["stream"]:
            pass

    sandbox.fault(kind="error_in_stream", site=SITE)
    with pytest.raises(botocore.exceptions.EventStreamError, match="modelStreamErrorException"):
        read()
    sandbox.heal()
    sandbox.fault(kind="broken_frame", site=SITE)
    with pytest.raises(botocore.eventstream.ChecksumMismatch):
        read()
    sandbox.heal()
    sandbox.fault(kind="cut", site=SITE)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        read()
