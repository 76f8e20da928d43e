"""A request, an answer and a stream of each format, and what they become in the other; reviewed as files in dialects/.

``POLYCLOUD_GOLDEN=write`` writes the results (``*.as-*``) anew; what they are made from is written by hand.
"""

import json
import os
from pathlib import Path

import pytest

from polycloud.gateway.dialects.anthropic_messages import AnthropicMessages
from polycloud.gateway.dialects.openai_chat import OpenAIChat
from polycloud.gateway.faces.anthropic import AnthropicFace
from polycloud.gateway.faces.openai import OpenAIFace

FILES = Path(__file__).parent / "dialects"
DIALECTS = {"openai_chat": (OpenAIChat(), OpenAIFace()), "anthropic_messages": (AnthropicMessages(), AnthropicFace())}
CREATED = 1_790_000_000
REQUESTS = [
    ("openai_chat", "anthropic_messages", "claude-sonnet-4-5"),
    ("openai_chat", "anthropic_messages", "claude-opus-4-7"),
    ("openai_chat", "openai_chat", "gpt-5"),
    ("anthropic_messages", "openai_chat", "gpt-5"),
    ("anthropic_messages", "openai_chat", "qwen3-235b"),
    ("anthropic_messages", "anthropic_messages", "claude-sonnet-4-5"),
]
ANSWERS = [(source, target) for source in DIALECTS for target in DIALECTS]


def compare(name: str, text: str) -> None:
    path = FILES / name
    if os.environ.get("POLYCLOUD_GOLDEN") == "write":
        path.write_text(text)
    assert path.read_text() == text


def pretty(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


@pytest.mark.parametrize(("source", "target", "model"), REQUESTS)
def test_request(source, target, model):
    face, dialect = DIALECTS[source][1], DIALECTS[target][0]
    envelope = face.peek((FILES / f"{source}.request.json").read_bytes())
    request = face.read_request(envelope)
    found = {
        "model": model,
        "dropped": dialect.dropped(request, model),
        "body": json.loads(dialect.write_request(request, model)),
    }
    compare(f"{source}.request.as-{target}.{model}.json", pretty(found))


@pytest.mark.parametrize(("source", "target"), ANSWERS)
def test_reply(source, target):
    reply = DIALECTS[source][0].read_reply((FILES / f"{source}.reply.json").read_bytes())
    found = DIALECTS[target][1].write_reply(reply, "smart", CREATED)
    compare(f"{source}.reply.as-{target}.json", pretty(json.loads(found)))


@pytest.mark.parametrize(("source", "target"), ANSWERS)
def test_stream(source, target):
    events = DIALECTS[source][0].stream_reader().feed((FILES / f"{source}.stream.txt").read_bytes())
    writer = DIALECTS[target][1].stream_writer("smart", "req_1", CREATED, True)
    compare(f"{source}.stream.as-{target}.txt", b"".join(writer.write([event]) for event in events).decode())
