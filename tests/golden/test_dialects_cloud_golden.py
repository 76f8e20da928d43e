"""One request with everything in it, as each cloud gets it; reviewed as files in dialects/.

``POLYCLOUD_GOLDEN=write`` writes the files anew. What is named ``synthetic`` was made from published
schemas, because no traffic of that service is recorded.
"""

import json
import os
from pathlib import Path

import msgspec
import pytest

from polycloud.core.chat import (
    ChatEvent,
    ChatRequest,
    Message,
    ResponseFormat,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse
from polycloud.gateway.dialects.gemini import Gemini
from polycloud.gateway.dialects.oci_generic import OciGeneric

FILES = Path(__file__).parent / "dialects"
SCHEMA = b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}'

EVERYTHING = ChatRequest(
    model="smart",
    messages=(
        Message("system", (Text("You answer in one sentence.", cache="1h"),)),
        Message("user", (Text("What is the weather in Zürich and in Rome?"),), "Ann"),
        Message(
            "assistant",
            (
                Thinking("Two calls.", "Q2xhdWRl"),
                Thinking("Two calls.", "gemini:R2VtaW5p"),
                Text("Let me look."),
                ToolCall("call_1", "weather", '{"city": "Zürich", "days": 1}'),
                ToolCall("functions.weather:1", "weather", '{"city": "Rome"}', signature="Y2FsbA=="),
            ),
        ),
        Message(
            "user",
            (
                ToolResult("call_1", (Text("18 °C"), Text("dry")), cache="5m"),
                ToolResult("functions.weather:1", (Text("no such city"),), is_error=True),
                Text("Answer as JSON."),
            ),
        ),
    ),
    tools=(
        Tool("weather", "Weather of a city", SCHEMA, strict=True),
        Tool("now", cache="5m"),
    ),
    tool_choice=ToolChoice("auto"),
    parallel_tools=False,
    response_format=ResponseFormat("Answer", SCHEMA, strict=True, description="The answer"),
    max_tokens=12_000,
    temperature=1.0,
    top_p=0.9,
    top_k=40,
    stop=("END", "\n\n"),
    seed=7,
    frequency_penalty=0.1,
    presence_penalty=0.2,
    effort="high",
    stream=True,
    include_usage=True,
    user="ann",
    hints={"metadata": b'{"ticket":"1"}'},
    extras={"openai_chat": {"logit_bias": b'{"50256":-100}'}},
)

REQUESTS = [
    (BedrockConverse(), "eu.anthropic.claude-sonnet-4-20250514-v1:0", "claude-4"),
    (BedrockConverse(), "anthropic.claude-opus-4-7", "claude-opus-4-7"),
    (BedrockConverse(), "us.amazon.nova-2-lite-v1:0", "nova-2"),
    (Gemini(), "gemini-2.5-pro", "gemini-2.5"),
    (Gemini(), "gemini-3-flash-preview", "gemini-3"),
    (OciGeneric(), "meta.llama-3.3-70b-instruct", "llama.synthetic"),
    (OciGeneric(), "openai.gpt-oss-120b", "gpt-oss.synthetic"),
]


def compare(name: str, value: object) -> None:
    path = FILES / name
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("POLYCLOUD_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize(("dialect", "model", "name"), REQUESTS, ids=[name for *_, name in REQUESTS])
def test_request(dialect, model, name):
    body = json.loads(dialect.write_request(EVERYTHING, model))
    told = dialect.dropped(EVERYTHING, model)
    compare(f"{dialect.name}.request.{name}.json", {"model": model, "dropped": told, "body": body})


def test_oci_stream():
    data = (FILES / "oci_generic.stream.synthetic.txt").read_bytes()
    events = OciGeneric().stream_reader().feed(data)
    rows = [msgspec.to_builtins(event) for event in events]
    kinds = [type(event).__name__ for event in events]
    assert all(isinstance(event, ChatEvent) for event in events)
    compare("oci_generic.events.synthetic.json", [[kind, row] for kind, row in zip(kinds, rows, strict=True)])


def test_oci_reply():
    reply = OciGeneric().read_reply((FILES / "oci_generic.reply.synthetic.json").read_bytes())
    compare("oci_generic.reply-read.synthetic.json", msgspec.to_builtins(reply))
