"""Where each cloud is called, and what it wraps around a dialect's body."""

import json

import pytest

from polycloud.clouds.aws.models import AwsModels
from polycloud.clouds.azure.models import AzureModels
from polycloud.clouds.gcp.models import GcpModels
from polycloud.clouds.oci.models import OciModels
from polycloud.clouds.onprem.models import OnpremModels
from polycloud.core.errors import NotFound, Rejected
from polycloud.core.ports.models import ModelPort, Upstream

BEDROCK = Upstream(
    "aws",
    "us-east-1",
    "https://bedrock-runtime.us-east-1.amazonaws.com",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "bedrock_converse",
)
ARN = "arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/abc"
AZURE = Upstream("azure", "westeurope", "https://r.openai.azure.com", "gpt 4o", "openai_chat")
FOUNDRY = Upstream("azure", "eastus2", "https://r.services.ai.azure.com", "claude-sonnet-4-6", "anthropic_messages")
GEMINI = Upstream(
    "gcp",
    "europe-west1",
    "https://europe-west1-aiplatform.googleapis.com",
    "gemini-2.5-pro",
    "gemini",
    {"project": "example-project"},
)
CLAUDE = Upstream(
    "gcp",
    "europe-west1",
    "https://aiplatform.eu.rep.googleapis.com",
    "claude-sonnet-4-5@20250929",
    "anthropic_messages",
    {"project": "example.com:p", "location": "eu"},
)
OCI = Upstream(
    "oci",
    "eu-frankfurt-1",
    "https://inference.generativeai.eu-frankfurt-1.oci.oraclecloud.com",
    "meta.llama-3.3-70b-instruct",
    "oci_generic",
    {"compartment": "ocid1.compartment.oc1..a"},
)
HALL = Upstream("onprem", "frankfurt", "http://10.0.0.5:8000/v1", "llama", "openai_chat")


def changed(upstream: Upstream, **fields: object) -> Upstream:
    values = {name: getattr(upstream, name) for name in upstream.__struct_fields__}
    return Upstream(**(values | fields))


@pytest.mark.parametrize(
    ("port", "upstream", "plain", "streamed"),
    [
        (
            AwsModels(),
            BEDROCK,
            "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
            "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream",
        ),
        (
            AwsModels(),
            changed(BEDROCK, options={"endpoint": ARN}),
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aprovisioned-model%2Fabc/converse",
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aprovisioned-model%2Fabc/converse-stream",
        ),
        (AzureModels(), AZURE, "/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        (
            AzureModels(),
            changed(AZURE, options={"style": "v1", "api_version": "2024-10-21"}),
            "/openai/v1/chat/completions",
            "/openai/v1/chat/completions",
        ),
        (
            AzureModels(),
            changed(AZURE, options={"style": "deployments"}),
            "/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21",
            "/openai/deployments/gpt%204o/chat/completions?api-version=2024-10-21",
        ),
        (
            AzureModels(),
            changed(AZURE, options={"style": "deployments", "api_version": "2025-04-01-preview"}),
            "/openai/deployments/gpt%204o/chat/completions?api-version=2025-04-01-preview",
            "/openai/deployments/gpt%204o/chat/completions?api-version=2025-04-01-preview",
        ),
        (
            AzureModels(),
            changed(FOUNDRY, options={"style": "deployments"}),
            "/anthropic/v1/messages",
            "/anthropic/v1/messages",
        ),
        (
            GcpModels(),
            GEMINI,
            "/v1/projects/example-project/locations/europe-west1/publishers/google/models/gemini-2.5-pro:generateContent",
            "/v1/projects/example-project/locations/europe-west1/publishers/google/models/gemini-2.5-pro"
            ":streamGenerateContent?alt=sse",
        ),
        (
            GcpModels(),
            CLAUDE,
            "/v1/projects/example.com:p/locations/eu/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict",
            "/v1/projects/example.com:p/locations/eu/publishers/anthropic/models/claude-sonnet-4-5@20250929"
            ":streamRawPredict",
        ),
        (OciModels(), OCI, "/20231130/actions/chat", "/20231130/actions/chat"),
        (OnpremModels(), HALL, "/v1/chat/completions", "/v1/chat/completions"),
        (OnpremModels(), changed(HALL, base_url="http://h:1"), "/chat/completions", "/chat/completions"),
    ],
)
def test_paths(port: ModelPort, upstream: Upstream, plain: str, streamed: str) -> None:
    assert port.path(upstream, stream=False) == plain
    assert port.path(upstream, stream=True) == streamed


def test_stream_types() -> None:
    assert AwsModels().headers(BEDROCK, stream=True)["accept"] == "application/vnd.amazon.eventstream"
    assert GcpModels().headers(GEMINI, stream=True)["accept"] == "text/event-stream"


def test_vertex_needs_a_project_and_a_dialect_it_speaks() -> None:
    with pytest.raises(NotFound, match="project"):
        GcpModels().path(changed(GEMINI, options={}), stream=False)
    with pytest.raises(NotFound, match="openai_chat"):
        GcpModels().path(changed(GEMINI, dialect="openai_chat"), stream=False)


def test_vertex_takes_anthropic_bodies_without_the_model() -> None:
    messages = b'[{"role": "user",  "content":"\\u00e9 \xc3\xa9 1.0e0"}]'
    body = b'{"model":"claude","messages":' + messages + b',"stream":true,"max_tokens":5}'
    finished = GcpModels().finish_body(CLAUDE, body)
    assert messages in finished  # not written again
    expected = json.loads(body) | {"anthropic_version": "vertex-2023-10-16"}
    del expected["model"]
    assert json.loads(finished) == expected


def test_gemini_bodies_stay_as_they_are() -> None:
    assert GcpModels().finish_body(GEMINI, b'{ "contents": [] }') == b'{ "contents": [] }'


@pytest.mark.parametrize(
    ("upstream", "mode"),
    [
        (OCI, {"servingType": "ON_DEMAND", "modelId": "meta.llama-3.3-70b-instruct"}),
        (
            changed(OCI, model="ocid1.generativeaiendpoint.oc1.x.a"),
            {"servingType": "DEDICATED", "endpointId": "ocid1.generativeaiendpoint.oc1.x.a"},
        ),
        (
            changed(OCI, options=OCI.options | {"endpoint": "ocid1.generativeaiendpoint.oc1.x.b"}),
            {"servingType": "DEDICATED", "endpointId": "ocid1.generativeaiendpoint.oc1.x.b"},
        ),
    ],
)
def test_oracle_wraps_the_chat_request(upstream: Upstream, mode: dict[str, str]) -> None:
    body = b'{ "apiFormat":"GENERIC", "messages":[] }'
    finished = OciModels().finish_body(upstream, body)
    assert finished.endswith(b',"chatRequest":' + body + b"}")
    assert json.loads(finished) == {
        "compartmentId": "ocid1.compartment.oc1..a",
        "servingMode": mode,
        "chatRequest": json.loads(body),
    }


def test_oracle_needs_a_compartment() -> None:
    with pytest.raises(NotFound, match="compartment"):
        OciModels().finish_body(changed(OCI, options={}), b"{}")


def test_claude_on_azure_reads_version_and_betas_in_headers() -> None:
    port = AzureModels()
    assert port.headers(FOUNDRY, stream=False)["anthropic-version"] == "2023-06-01"
    assert "anthropic-version" not in port.headers(AZURE, stream=False)
    body = b'{"model":"m","messages":[{"role":"user","content":"1.50"}],"anthropic_beta":["a-1","b-2"]}'
    assert port.told_headers(FOUNDRY, body) == {"anthropic-beta": "a-1,b-2"}
    assert port.finish_body(FOUNDRY, body) == b'{"model":"m","messages":[{"role":"user","content":"1.50"}]}'
    for other in (GcpModels(), AwsModels(), OciModels(), OnpremModels()):
        assert other.told_headers(CLAUDE, body) == {}
    plain = b'{ "model":"m", "messages":[] }'
    assert (port.told_headers(FOUNDRY, plain), port.finish_body(FOUNDRY, plain)) == ({}, plain)


@pytest.mark.parametrize("betas", [b'"a"', b"[1]", b'["a\\r\\nx-injected: 1"]', b'["a,b"]', b'[""]'])
def test_betas_that_are_no_names_are_refused(betas: bytes) -> None:
    with pytest.raises(Rejected, match="anthropic_beta"):
        AzureModels().told_headers(FOUNDRY, b'{"model":"m","anthropic_beta":' + betas + b"}")
