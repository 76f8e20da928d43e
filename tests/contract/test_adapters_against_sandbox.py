"""Each cloud's adapter and dialect, over real sockets, against the sandbox that checks what the real one checks."""

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from polycloud.app.adapters import dialects, model_port
from polycloud.clouds.gcp import credentials as gcp_credentials
from polycloud.core.chat import (
    CONTENT_EVENTS,
    ChatRequest,
    Ended,
    Finished,
    Message,
    Text,
    TextDelta,
    Tool,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    ToolChoice,
    ToolResult,
    Used,
)
from polycloud.core.errors import (
    CloudError,
    ContentFiltered,
    ContextTooLong,
    NotFound,
    QuotaSpent,
    Throttled,
    Unauthorized,
    Unavailable,
)
from polycloud.core.ports.models import Credential, Upstream
from polycloud.gateway.address import host_of
from polycloud.sandbox.server import Running, serve
from polycloud.sandbox.spec import SandboxSpec, SiteSpec

DIALECTS = dialects()
DEDICATED = "ocid1.generativeaiendpoint.oc1.eu-frankfurt-1.simulated"
OPTIONS = {"project": "polycloud-sandbox", "compartment": "ocid1.compartment.oc1..c"}
SITES = (
    SiteSpec(
        site="aws/eu-west-1",
        cloud="aws",
        region="eu-west-1",
        models=("eu.amazon.nova-micro-v1:0", "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.x-v1:0"),
    ),
    SiteSpec(site="azure/westeurope", cloud="azure", region="westeurope", models=("gpt-4o", "claude-sonnet-4-5")),
    SiteSpec(
        site="gcp/europe-west1",
        cloud="gcp",
        region="europe-west1",
        models=("gemini-2.5-flash", "claude-sonnet-4-5@20250929"),
    ),
    SiteSpec(
        site="oci/eu-frankfurt-1",
        cloud="oci",
        region="eu-frankfurt-1",
        models=("meta.llama-3.3-70b-instruct", DEDICATED),
    ),
    SiteSpec(site="onprem/frankfurt", cloud="onprem", region="frankfurt", models=("llama-3.3-70b",)),
    SiteSpec(site="onprem/open", cloud="onprem", region="open", models=("llama-3.3-70b",), key_required=False),
)


class Case(NamedTuple):
    """One way to reach a model: site, dialect, model, kind of credential, options."""

    site: str
    dialect: str
    model: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()


AWS, AZURE, GCP, OCI = (
    Case("aws/eu-west-1", "bedrock_converse", "eu.amazon.nova-micro-v1:0", "aws"),
    Case("azure/westeurope", "openai_chat", "gpt-4o", "api_key"),
    Case("gcp/europe-west1", "gemini", "gemini-2.5-flash", "bearer"),
    Case("oci/eu-frankfurt-1", "oci_generic", "meta.llama-3.3-70b-instruct", "oci"),
)
HALL = Case("onprem/frankfurt", "openai_chat", "llama-3.3-70b", "bearer")
VERTEX_CLAUDE = Case("gcp/europe-west1", "anthropic_messages", "claude-sonnet-4-5@20250929", "bearer")
FOUNDRY_CLAUDE = Case("azure/westeurope", "anthropic_messages", "claude-sonnet-4-5", "api_key")
CASES = (
    AWS,
    AWS._replace(kind="bearer"),
    AWS._replace(model="arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.x-v1:0"),
    AZURE,
    AZURE._replace(kind="bearer"),
    AZURE._replace(options=(("style", "deployments"),)),
    FOUNDRY_CLAUDE,
    FOUNDRY_CLAUDE._replace(kind="bearer"),
    GCP,
    VERTEX_CLAUDE,
    OCI,
    OCI._replace(kind="bearer"),
    OCI._replace(model=DEDICATED),
    HALL,
    HALL._replace(site="onprem/open", kind="none"),
)
ONE_EACH = (AWS, AZURE, FOUNDRY_CLAUDE, GCP, VERTEX_CLAUDE, OCI, HALL)


def name_of(case: Case) -> str:
    return "-".join((case.site, case.dialect, case.kind, *(v for _, v in case.options)))


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Bench:
    """The sandbox, and a caller made of adapter and dialect."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.credentials = running.credentials()

    def upstream(self, case: Case) -> Upstream:
        cloud, _, region = case.site.partition("/")
        options = OPTIONS | dict(case.options)
        return Upstream(cloud, region, self.running.addresses[case.site], case.model, case.dialect, options)

    def credential(self, case: Case) -> Credential:
        if case.kind == "none":
            return Credential("none")
        return self.credentials[case.site.partition("/")[0]][case.kind]

    def ask(self, case: Case, request: ChatRequest, credential: Credential | None = None) -> Answer:
        upstream, dialect = self.upstream(case), DIALECTS[case.dialect]
        port = model_port(upstream.cloud)
        body = port.finish_body(upstream, dialect.write_request(request, case.model))
        path = port.path(upstream, request.stream)
        credential = credential or self.credential(case)
        headers = port.headers(upstream, request.stream)
        headers |= port.authorize(upstream, path, body, credential, time.time())
        headers |= {"host": host_of(upstream.base_url), "content-length": str(len(body))}
        connection = http.client.HTTPConnection(urlsplit(upstream.base_url).netloc, timeout=10)
        try:
            connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            reply = connection.getresponse()
            return Answer(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def error(self, case: Case, answer: Answer) -> CloudError:
        upstream = self.upstream(case)
        return model_port(upstream.cloud).classify(upstream, answer.status, answer.headers, answer.body)

    def fault(self, case: Case, **fault: object) -> None:
        self.control("POST", "/faults", {"site": case.site, **fault})

    def control(self, method: str, path: str, body: object = None) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.running.control).netloc, timeout=10)
        try:
            connection.request(method, path, json.dumps(body).encode() if body else None)
            reply = connection.getresponse()
            text = reply.read()
            assert reply.status in (200, 201), text
        finally:
            connection.close()


@pytest.fixture(scope="module")
def shared_bench() -> Iterator[Bench]:
    ready: list[Running] = []
    loop = asyncio.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        ready.append(await serve(SandboxSpec(seed=11, sites=SITES)))
        started.set()
        await stop.wait()
        await ready[0].close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    assert started.wait(30)
    yield Bench(ready[0])
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


@pytest.fixture
def bench(shared_bench: Bench) -> Iterator[Bench]:
    yield shared_bench
    shared_bench.control("DELETE", "/faults")


def said(text: str, **fields: object) -> ChatRequest:
    asked = {"model": "public", "messages": (Message("user", (Text(text),)),), "max_tokens": 200}
    return ChatRequest(**{**asked, **fields})


WEATHER = Tool(
    "get_weather",
    "The weather in a city.",
    b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}',
)


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_chat(bench: Bench, case: Case) -> None:
    request = said(
        "echo: grüße aus Köln — 你好",
        messages=(
            Message("system", (Text("Be kind."),)),
            Message("user", (Text("Hello"),)),
            Message("assistant", (Text("Hi."),)),
            Message("user", (Text("echo: grüße aus Köln — 你好"),)),
        ),
        temperature=0.5,
    )
    answer = bench.ask(case, request)
    assert answer.status == 200, answer.body
    reply = DIALECTS[case.dialect].read_reply(answer.body)
    assert "".join(p.text for p in reply.parts if isinstance(p, Text)) == "grüße aus Köln — 你好"
    assert reply.finish == "stop"
    assert reply.usage.input_tokens > 0
    assert reply.usage.output_tokens > 0
    region, request_id = model_port(case.site.partition("/")[0]).evidence(answer.headers)
    assert request_id or not case.site.startswith(("aws/", "azure/", "oci/"))
    assert bool(region) == case.site.startswith("azure/")


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_stream(bench: Bench, case: Case) -> None:
    answer = bench.ask(case, said("echo: one two three four five six seven", stream=True, include_usage=True))
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"].startswith(DIALECTS[case.dialect].stream_content_type)
    whole = DIALECTS[case.dialect].stream_reader().feed(answer.body)
    reader = DIALECTS[case.dialect].stream_reader()
    events = [event for i in range(len(answer.body)) for event in reader.feed(answer.body[i : i + 1])]
    text = "".join(e.text for e in events if isinstance(e, TextDelta))
    assert text == "one two three four five six seven"
    assert text == "".join(e.text for e in whole if isinstance(e, TextDelta))
    assert [e.reason for e in events if isinstance(e, Finished)] == ["stop"]
    end = [e for e in events if not isinstance(e, Used)]  # some providers count after their terminal mark
    assert isinstance(end[-1], Ended)
    assert sum(isinstance(e, Ended) for e in events) == 1
    used = [e.usage for e in events if isinstance(e, Used)]
    assert used[-1].input_tokens > 0
    assert used[-1].output_tokens > 0


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("case", ONE_EACH, ids=name_of)
def test_tools(bench: Bench, case: Case, stream: bool) -> None:
    request = said("Weather in Oslo?", tools=(WEATHER,), tool_choice=ToolChoice("required"), stream=stream)
    answer = bench.ask(case, request)
    assert answer.status == 200, answer.body
    dialect = DIALECTS[case.dialect]
    if stream:
        events = dialect.stream_reader().feed(answer.body)
        (started,) = [e for e in events if isinstance(e, ToolCallStarted)]
        arguments = "".join(e.arguments for e in events if isinstance(e, ToolCallDelta))
        call = ToolCall(started.id, started.name, arguments, started.signature)
        finish = next(e.reason for e in events if isinstance(e, Finished))
    else:
        reply = dialect.read_reply(answer.body)
        (call,) = [p for p in reply.parts if isinstance(p, ToolCall)]
        finish = reply.finish
    assert call.id
    assert call.name == "get_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    assert finish == "tool_calls"
    results = (
        *request.messages,
        Message("assistant", (call,)),
        Message("user", (ToolResult(call.id, (Text("sunny, 21 degrees"),)),)),
    )
    answer = bench.ask(case, said("", messages=results, tools=(WEATHER,)))
    assert answer.status == 200, answer.body
    assert "sunny, 21 degrees" in "".join(p.text for p in dialect.read_reply(answer.body).parts if isinstance(p, Text))


def spoiled(credential: Credential) -> Credential:
    fields = dict(credential.fields)
    name = next(n for n in ("secret_key", "fingerprint", "token", "key") if n in fields)
    fields[name] = fields[name][:-1] + ("x" if fields[name][-1] != "x" else "y")
    return Credential(credential.kind, fields)


@pytest.mark.parametrize("case", [c for c in CASES if c.kind != "none"], ids=name_of)
def test_wrong_credentials(bench: Bench, case: Case) -> None:
    wrong = spoiled(bench.credential(case))
    answer = bench.ask(case, said("hello"), wrong)
    assert answer.status in (401, 403, 404), answer.body
    error = bench.error(case, answer)
    assert type(error) is Unauthorized
    assert not [v for v in wrong.fields.values() if v in error.message]


@pytest.mark.parametrize("case", ONE_EACH, ids=name_of)
def test_unknown_model(bench: Bench, case: Case) -> None:
    elsewhere = case._replace(model="no-such-model")
    assert type(bench.error(elsewhere, bench.ask(elsewhere, said("hello")))) is NotFound


FAULTS: list[tuple[dict[str, object], type[CloudError]]] = [
    ({"kind": "throttle", "retry_after_seconds": 7.0}, Throttled),
    ({"kind": "quota"}, QuotaSpent),
    ({"kind": "http_error", "status": 500}, Unavailable),
    ({"kind": "http_error", "status": 503}, Unavailable),
    ({"kind": "unauthorized"}, Unauthorized),
    ({"kind": "content_filter"}, ContentFiltered),
    ({"kind": "context_too_long"}, ContextTooLong),
]


def filtered(case: Case, answer: Answer) -> bool:
    try:
        return DIALECTS[case.dialect].read_reply(answer.body).finish == "content_filter"
    except ContentFiltered:
        return True


@pytest.mark.parametrize(("fault", "kind"), FAULTS, ids=[str(f.get("status") or f["kind"]) for f, _ in FAULTS])
@pytest.mark.parametrize("case", ONE_EACH, ids=name_of)
def test_faults(bench: Bench, case: Case, fault: dict[str, object], kind: type[CloudError]) -> None:
    bench.fault(case, **fault)
    answer = bench.ask(case, said("hello"))
    if answer.status == 200:  # some providers filter inside a good answer
        assert kind is ContentFiltered
        assert filtered(case, answer)
        return
    error = bench.error(case, answer)
    if kind is QuotaSpent and case in (VERTEX_CLAUDE, HALL):
        kind = Throttled  # they limit by the minute only
    assert type(error) is kind, answer.body
    if fault["kind"] == "throttle":
        assert isinstance(error, Throttled)
        assert error.retry_after_seconds == 7.0


def test_a_service_account_buys_a_token_that_works(bench: Bench) -> None:
    key = bench.credentials["gcp"]["service_account"].fields["json"]
    token = gcp_credentials.obtain({"api_key": key}, time.time())
    assert token != bench.credential(GCP)
    assert bench.ask(GCP, said("hello"), token).status == 200


def test_the_first_content_comes_before_the_end(bench: Bench) -> None:
    events = DIALECTS["openai_chat"].stream_reader().feed(bench.ask(HALL, said("hello", stream=True)).body)
    assert any(isinstance(e, CONTENT_EVENTS) for e in events[:-1])
