"""google-genai and AnthropicVertex speak to the sandbox's Vertex AI as they do to the real one."""

import base64
import datetime
import json
import warnings
from typing import Any

import anthropic
import google.auth.crypt
import google.auth.exceptions
import google.auth.jwt
import google.auth.transport.requests
import httpx2
import pytest
from google.oauth2 import credentials as tokens
from google.oauth2 import service_account

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from google import genai
    from google.genai import errors, types

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
SITE = "gcp/europe-west1"
FLASH, PREVIEW, CLAUDE = "gemini-2.5-flash", "gemini-3-flash-preview", "claude-sonnet-4-5@20250929"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = types.FunctionDeclaration(name="get_weather", parameters_json_schema=CITY)
CLOCK = types.FunctionDeclaration(name="get_clock", parameters_json_schema={"type": "object", "properties": {}})
TOOLS = [types.Tool(function_declarations=[WEATHER, CLOCK])]
MANUAL = types.AutomaticFunctionCallingConfig(disable=True)


def client(sandbox: Any, token: str = "", version: str = "v1") -> genai.Client:
    made = genai.Client(
        vertexai=True,
        project="northwind",
        location="europe-west1",
        credentials=tokens.Credentials(token=token or sandbox.keys.gcp_token),
        http_options=types.HttpOptions(base_url=sandbox.at(SITE), api_version=version),
    )
    sandbox.kept.append(made)  # a client that nobody holds closes its connections
    return made


def ask(sandbox: Any, contents: Any = "echo: good morning", model: str = FLASH, **config: Any) -> Any:
    config = types.GenerateContentConfig(automatic_function_calling=MANUAL, **config)
    return client(sandbox).models.generate_content(model=model, contents=contents, config=config)


def claude(sandbox: Any, **over: Any) -> anthropic.AnthropicVertex:
    options = {"access_token": sandbox.keys.gcp_token, "max_retries": 0, **over}
    return anthropic.AnthropicVertex(
        region="europe-west1", project_id="northwind", base_url=f"{sandbox.at(SITE)}/v1", **options
    )


def say(sandbox: Any, text: str = "echo: good morning", **more: Any) -> Any:
    options = {"model": CLAUDE, "max_tokens": 500, "messages": [{"role": "user", "content": text}], **more}
    return claude(sandbox).messages.create(**options)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_generate(sandbox: Any, version: str) -> None:
    reply = client(sandbox, version=version).models.generate_content(model=FLASH, contents="echo: good morning")
    assert reply.text == "good morning" and reply.candidates[0].finish_reason == "STOP"
    usage = reply.usage_metadata
    assert (usage.prompt_token_count, usage.candidates_token_count, usage.total_token_count) == (5, 3, 8)
    assert usage.traffic_type == "ON_DEMAND" and reply.model_version == FLASH


def test_several_candidates(sandbox: Any) -> None:
    config = {"thinking_config": types.ThinkingConfig(thinking_budget=40)}
    said = "Tell me of the sea."
    reply = ask(sandbox, said, candidate_count=3, **config)
    texts = [candidate.content.parts[-1].text for candidate in reply.candidates]
    assert len(set(texts)) == 3 and [candidate.index for candidate in reply.candidates] == [None, 1, 2]
    assert {candidate.finish_reason for candidate in reply.candidates} == {"STOP"}
    alone = ask(sandbox, said, **config)
    assert alone.text == texts[0] and alone.candidates[0].index is None
    assert reply.usage_metadata.prompt_token_count == alone.usage_metadata.prompt_token_count
    assert reply.usage_metadata.thoughts_token_count == 3 * alone.usage_metadata.thoughts_token_count > 0
    assert reply.usage_metadata.candidates_token_count == sum(-(-len(text.encode()) // 4) for text in texts)
    for more in ({"candidate_count": 9}, {"candidate_count": 2, "model": PREVIEW}):
        with pytest.raises(errors.ClientError, match=r"(?i)candidate"):
            ask(sandbox, **more)
    two = types.GenerateContentConfig(candidate_count=2)
    with pytest.raises(errors.ClientError, match="streamGenerateContent"):
        list(client(sandbox).models.generate_content_stream(model=FLASH, contents=said, config=two))


def test_stream(sandbox: Any) -> None:
    text = "one two three four five six seven"
    chunks = list(client(sandbox).models.generate_content_stream(model=FLASH, contents=f"echo: {text}"))
    assert len(chunks) > 1 and "".join(c.text or "" for c in chunks) == text
    assert chunks[-1].candidates[0].finish_reason == "STOP"
    assert chunks[-1].usage_metadata.candidates_token_count == 9
    assert chunks[0].usage_metadata.prompt_token_count is None


def raw_stream(sandbox: Any, query: str) -> httpx2.Response:
    url = f"{sandbox.at(SITE)}/v1/projects/p/locations/europe-west1/publishers/google/models/{FLASH}"
    body = {"contents": [{"role": "user", "parts": [{"text": "echo: one two three four five"}]}]}
    headers = {"authorization": f"Bearer {sandbox.keys.gcp_token}"}
    return httpx2.post(f"{url}:streamGenerateContent{query}", json=body, headers=headers)


def test_the_stream_on_the_wire(sandbox: Any) -> None:
    events = raw_stream(sandbox, "?alt=sse")
    assert events.headers["content-type"] == "text/event-stream"
    frames = events.content.split(b"\r\n\r\n")
    assert frames.pop() == b"" and all(f.startswith(b"data: {") for f in frames) and b"[DONE]" not in events.content
    array = raw_stream(sandbox, "")
    assert array.headers["content-type"] == "application/json; charset=UTF-8"
    assert untimed(array.json()) == untimed([json.loads(f.removeprefix(b"data: ")) for f in frames])


def untimed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without the second at which an answer began: two answers may begin in two of them."""
    return [{name: value for name, value in event.items() if name != "createTime"} for event in events]


def test_tools_and_their_results(sandbox: Any) -> None:
    question = types.UserContent("What is the weather in Paris, and what does the clock say?")
    first = ask(sandbox, question, tools=TOOLS)
    calls = first.function_calls
    assert [(c.name, c.args, c.id) for c in calls] == [
        ("get_weather", {"city": "Paris"}, None),
        ("get_clock", {}, None),
    ]
    assert first.candidates[0].finish_reason == "STOP"
    signed = [p.thought_signature is not None for p in first.candidates[0].content.parts]
    assert signed == [True, False]
    results = [types.Part.from_function_response(name=c.name, response={"out": f"of {c.name}"}) for c in calls]
    history = [question, first.candidates[0].content]
    second = ask(sandbox, [*history, types.UserContent(results)], tools=TOOLS)
    assert 'The tool get_weather said: {"out":"of get_weather"}' in second.text
    with pytest.raises(errors.ClientError, match="number of function response parts is equal"):
        ask(sandbox, [*history, types.UserContent(results[:1])], tools=TOOLS)


def test_gemini_3_wants_its_thought_signature_back(sandbox: Any) -> None:
    question = types.UserContent("What is the weather in Paris?")
    content = ask(sandbox, question, PREVIEW, tools=TOOLS).candidates[0].content
    result = types.UserContent([types.Part.from_function_response(name="get_weather", response={"out": "sun"})])
    assert "sun" in ask(sandbox, [question, content, result], PREVIEW, tools=TOOLS).text
    content.parts[0].thought_signature = None
    with pytest.raises(errors.ClientError, match="missing a `thought_signature`"):
        ask(sandbox, [question, content, result], PREVIEW, tools=TOOLS)
    assert "sun" in ask(sandbox, [question, content, result], FLASH, tools=TOOLS).text


def test_tool_choice(sandbox: Any) -> None:
    for mode, names, called in (("ANY", None, "get_weather"), ("ANY", ["get_clock"], "get_clock")):
        config = types.ToolConfig(
            function_calling_config=types.FunctionCallingConfig(mode=mode, allowed_function_names=names)
        )
        assert [c.name for c in ask(sandbox, "Go.", tools=TOOLS, tool_config=config).function_calls] == [called]
    none = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="NONE"))
    assert ask(sandbox, "The weather?", tools=TOOLS, tool_config=none).function_calls is None


def test_structured_output(sandbox: Any) -> None:
    json_type = {"response_mime_type": "application/json"}
    assert json.loads(ask(sandbox, "Tell of Paris.", response_json_schema=CITY, **json_type).text) == {"city": "Paris"}
    own = types.Schema(
        type="OBJECT", properties={"n": types.Schema(type="INTEGER", minimum=3, maximum=3)}, required=["n"]
    )
    assert json.loads(ask(sandbox, "Number?", response_schema=own, **json_type).text) == {"n": 3}
    assert json.loads(ask(sandbox, "Any?", **json_type).text)["simulated"] is True


def test_thoughts(sandbox: Any) -> None:
    reply = ask(sandbox, thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=500))
    parts = reply.candidates[0].content.parts
    assert [p.thought for p in parts] == [True, None] and parts[1].text == "good morning"
    usage = reply.usage_metadata
    assert usage.thoughts_token_count > 0 and usage.candidates_token_count == 3
    assert usage.total_token_count == 5 + 3 + usage.thoughts_token_count
    hidden = ask(sandbox, thinking_config=types.ThinkingConfig(thinking_budget=500))
    assert hidden.text == "good morning" and hidden.usage_metadata.thoughts_token_count > 0
    assert (
        ask(sandbox, thinking_config=types.ThinkingConfig(thinking_budget=0)).usage_metadata.thoughts_token_count
        is None
    )


def test_limits_stops_and_cache(sandbox: Any) -> None:
    cut = ask(sandbox, "echo: one two three", max_output_tokens=2)
    assert (cut.text, cut.candidates[0].finish_reason) == ("one two ", "MAX_TOKENS")
    stopped = ask(sandbox, "echo: one two three", stop_sequences=[" three"])
    assert (stopped.text, stopped.candidates[0].finish_reason) == ("one two", "STOP")
    system = "Another rule. " * 400
    assert ask(sandbox, system_instruction=system).usage_metadata.cached_content_token_count is None
    assert ask(sandbox, system_instruction=system).usage_metadata.cached_content_token_count == 1280


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"model": "gemini-9"}, 404, "was not found or your project does not have access"),
        ({"temperature": 3.0}, 400, "supported range is from 0"),
        ({"contents": [types.Content(role="robot", parts=[types.Part(text="x")])]}, 400, "valid role: user, model"),
    ],
)
def test_wrong_requests(sandbox: Any, more: dict[str, Any], code: int, words: str) -> None:
    with pytest.raises(errors.ClientError, match=words) as caught:
        ask(sandbox, **more)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"contents": [], "foo_bar": 1}, 'Unknown name "fooBar": Cannot find field'),
        ({"contents": [{"parts": [{"text": 1}]}]}, "Invalid value at 'contents[0].parts[0].text' (TYPE_STRING)"),
        ({}, "contents"),
    ],
)
def test_wrong_bodies(sandbox: Any, body: dict[str, Any], words: str) -> None:
    url = f"{sandbox.at(SITE)}/v1/projects/p/locations/europe-west1/publishers/google/models/{FLASH}:generateContent"
    reply = httpx2.post(url, json=body, headers={"authorization": f"Bearer {sandbox.keys.gcp_token}"})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]


def test_wrong_token_and_wrong_place(sandbox: Any) -> None:
    with pytest.raises(errors.ClientError, match="UNAUTHENTICATED"):
        client(sandbox, token="wrong").models.generate_content(model=FLASH, contents="hi")
    url = f"{sandbox.at(SITE)}/v1/projects/p/locations/us-central1/publishers/google/models/{FLASH}:generateContent"
    assert httpx2.post(url, json={}).json()["error"]["details"][0]["reason"] == "CREDENTIALS_MISSING"
    other = httpx2.post(url, json={}, headers={"authorization": f"Bearer {sandbox.keys.gcp_token}"})
    assert (other.status_code, other.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def service_key(sandbox: Any) -> dict[str, str]:
    fields = sandbox.running.credentials()["gcp"]["service_account"].fields
    return dict(json.loads(fields["json"]))


def test_a_service_account_buys_a_token(sandbox: Any) -> None:
    account = service_account.Credentials.from_service_account_info(service_key(sandbox), scopes=[SCOPE])
    account.refresh(google.auth.transport.requests.Request())
    assert account.token != sandbox.keys.gcp_token
    assert client(sandbox, account.token).models.generate_content(model=FLASH, contents="echo: hi").text == "hi"
    narrow = service_account.Credentials.from_service_account_info(service_key(sandbox), scopes=["email"])
    with pytest.raises(google.auth.exceptions.RefreshError, match="Invalid OAuth scope"):
        narrow.refresh(google.auth.transport.requests.Request())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iss": "someone@else.example"}, "account not found"),
        ({"aud": "https://elsewhere.example/token"}, "audience"),
        ({"iat": -7200, "exp": -3600}, "short-lived token"),
        ({"exp": 7200}, "short-lived token"),
    ],
)
def test_wrong_assertions_are_refused(sandbox: Any, change: dict[str, Any], words: str) -> None:
    key = service_key(sandbox)
    now = datetime.datetime.now(datetime.UTC).timestamp()
    claims = {"iss": key["client_email"], "aud": key["token_uri"], "scope": SCOPE, "iat": 0, "exp": 3600, **change}
    claims = {**claims, "iat": now + claims["iat"], "exp": now + claims["exp"]}
    signer = google.auth.crypt.RSASigner.from_service_account_info(key)
    assertion = google.auth.jwt.encode(signer, claims).decode()
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    reply = httpx2.post(key["token_uri"], data=grant)
    assert reply.status_code == 400 and words in reply.json()["error_description"]


def test_a_forged_assertion_is_refused(sandbox: Any) -> None:
    key = service_key(sandbox)
    signer = google.auth.crypt.RSASigner.from_service_account_info(key)
    now = datetime.datetime.now(datetime.UTC).timestamp()
    claims = {"iss": key["client_email"], "aud": key["token_uri"], "scope": SCOPE, "iat": now, "exp": now + 60}
    head, _, signature = google.auth.jwt.encode(signer, claims).decode().split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "exp": now + 61}).encode()).decode().rstrip("=")
    grant = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": f"{head}.{forged}.{signature}"}
    assert "Invalid JWT Signature" in httpx2.post(key["token_uri"], data=grant).json()["error_description"]


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ({"kind": "throttle"}, 429, "RESOURCE_EXHAUSTED"),
        ({"kind": "quota"}, 429, "RESOURCE_EXHAUSTED"),
        ({"kind": "context_too_long"}, 400, "INVALID_ARGUMENT"),
        ({"kind": "unauthorized"}, 401, "UNAUTHENTICATED"),
        ({"kind": "http_error", "status": 503}, 503, "UNAVAILABLE"),
    ],
)
def test_faults(sandbox: Any, fault: dict[str, Any], code: int, status: str) -> None:
    sandbox.fault(cloud="gcp", model="gemini-2*", **fault)
    with pytest.raises(errors.APIError) as caught:
        ask(sandbox)
    assert (caught.value.code, caught.value.status) == (code, status)
    assert ask(sandbox, model=PREVIEW).text == "good morning"


def test_throttling_says_when_to_come_back_and_a_filter_says_why(sandbox: Any) -> None:
    fault = sandbox.fault(kind="throttle", retry_after_seconds=2.5)
    with pytest.raises(errors.ClientError) as caught:
        ask(sandbox)
    assert caught.value.details["error"]["details"][0]["retryDelay"] == "2.5s"
    httpx2.delete(f"{sandbox.running.control}/faults/{fault}")
    sandbox.fault(kind="content_filter")
    assert ask(sandbox).prompt_feedback.block_reason == "PROHIBITED_CONTENT"
    assert say(sandbox).stop_reason == "refusal"


def test_an_error_inside_a_stream(sandbox: Any) -> None:
    sandbox.fault(kind="error_in_stream", after_events=1)
    with pytest.raises(errors.ServerError, match="currently unavailable"):
        list(client(sandbox).models.generate_content_stream(model=FLASH, contents="hello"))
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        list(say(sandbox, stream=True))


def test_claude(sandbox: Any) -> None:
    reply = say(sandbox, system="Be kind.")
    assert [b.text for b in reply.content] == ["good morning"] and reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (7, 3)
    assert reply.model == "claude-sonnet-4-5"
    stopped = say(sandbox, "echo: one two three", stop_sequences=[" three"])
    assert (stopped.content[0].text, stopped.stop_reason, stopped.stop_sequence) == (
        "one two",
        "stop_sequence",
        " three",
    )
    assert say(sandbox, "echo: one two three", max_tokens=2).stop_reason == "max_tokens"


def test_claude_streams(sandbox: Any) -> None:
    with claude(sandbox).messages.stream(
        model=CLAUDE, max_tokens=500, messages=[{"role": "user", "content": "echo: one two three four five"}]
    ) as stream:
        pieces = list(stream.text_stream)
        final = stream.get_final_message()
    assert len(pieces) > 1 and "".join(pieces) == final.content[0].text == "one two three four five"
    assert (final.usage.input_tokens, final.usage.output_tokens, final.stop_reason) == (8, 6, "end_turn")


def test_claude_calls_tools(sandbox: Any) -> None:
    specs = [{"name": "get_weather", "input_schema": CITY}, {"name": "get_clock", "input_schema": {"type": "object"}}]
    question = {"role": "user", "content": "What is the weather in Paris, and what does the clock say?"}
    first = say(sandbox, messages=[question], tools=specs)
    assert first.stop_reason == "tool_use"
    assert [(b.name, b.input) for b in first.content] == [("get_weather", {"city": "Paris"}), ("get_clock", {})]
    with claude(sandbox).messages.stream(model=CLAUDE, max_tokens=500, messages=[question], tools=specs) as stream:
        assert [b.input for b in stream.get_final_message().content] == [{"city": "Paris"}, {}]
    results = [{"type": "tool_result", "tool_use_id": b.id, "content": f"of {b.name}"} for b in first.content]
    said = {
        "role": "assistant",
        "content": [b.model_dump(include={"type", "id", "name", "input"}) for b in first.content],
    }
    second = say(sandbox, messages=[question, said, {"role": "user", "content": results}], tools=specs)
    assert "The tool get_weather said: of get_weather" in second.content[0].text
    with pytest.raises(anthropic.BadRequestError, match="were found without `tool_result` blocks"):
        say(sandbox, messages=[question, said, {"role": "user", "content": results[:1]}], tools=specs)
    serial = {"type": "any", "disable_parallel_tool_use": True}
    assert len(say(sandbox, messages=[question], tools=specs, tool_choice=serial).content) == 1


def test_claude_structured_output(sandbox: Any) -> None:
    reply = say(sandbox, "Tell of Paris.", output_config={"format": {"type": "json_schema", "schema": CITY}})
    assert json.loads(reply.content[0].text) == {"city": "Paris"}


def test_claude_thinks(sandbox: Any) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    reply = say(sandbox, thinking=thinking, max_tokens=2000)
    assert [b.type for b in reply.content] == ["thinking", "text"] and reply.content[0].signature
    assert reply.usage.output_tokens > 3
    with claude(sandbox).messages.stream(
        model=CLAUDE, max_tokens=2000, thinking=thinking, messages=[{"role": "user", "content": "echo: good morning"}]
    ) as stream:
        streamed = stream.get_final_message()
    assert [b.model_dump() for b in streamed.content] == [b.model_dump() for b in reply.content]
    assert reply.usage.output_tokens_details.thinking_tokens == reply.usage.output_tokens - 3
    omitted = say(sandbox, thinking={**thinking, "display": "omitted"}, max_tokens=2000).content
    assert omitted[0].thinking == "" and omitted[0].signature == reply.content[0].signature
    for more, words in (
        ({"max_tokens": 1000}, "must be greater than `thinking.budget_tokens`"),
        ({"extra_body": {"temperature": 0.5}}, "may only be set to 1 when thinking"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=words):
            say(sandbox, **{"thinking": thinking, "max_tokens": 2000, **more})


def test_claude_caches_prompts(sandbox: Any) -> None:
    system = [{"type": "text", "text": "A third rule. " * 400, "cache_control": {"type": "ephemeral"}}]
    first, second = say(sandbox, system=system).usage, say(sandbox, "Again?", system=system).usage
    assert (first.cache_creation_input_tokens, first.cache_read_input_tokens, first.input_tokens) == (1400, 0, 5)
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens, second.input_tokens) == (0, 1400, 2)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"messages": []}, "at least one message is required"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"extra_body": {"temperature": 1.5}}, "temperature: range: 0..1"),
        ({"extra_body": {"surplus": 1}}, "surplus: Extra inputs are not permitted"),
        ({"extra_body": {"anthropic_version": "bedrock-2023-05-31"}}, "anthropic_version"),
        ({"tools": [{"name": "twice", "input_schema": CITY}] * 2}, "tools: Tool names must be unique"),
        ({"tools": [{"name": "a.b", "input_schema": CITY}]}, "tools.0.custom.name: String should match pattern"),
    ],
)
def test_claude_refuses_wrong_requests(sandbox: Any, more: dict[str, Any], words: str) -> None:
    with pytest.raises(anthropic.BadRequestError, match=words) as caught:
        say(sandbox, **more)
    assert caught.value.body["error"]["type"] == "invalid_request_error"


def test_claude_errors_of_the_platform_are_googles(sandbox: Any) -> None:
    with pytest.raises(anthropic.AuthenticationError) as caught:
        claude(sandbox, access_token="wrong").messages.create(model=CLAUDE, max_tokens=5, messages=[])
    assert caught.value.body["error"]["status"] == "UNAUTHENTICATED"
    with pytest.raises(anthropic.NotFoundError):
        say(sandbox, model="claude-none")
    sandbox.fault(kind="http_error", status=529, model="claude*")
    with pytest.raises(anthropic.InternalServerError) as overloaded:
        say(sandbox)
    assert overloaded.value.body["error"]["type"] == "overloaded_error"
