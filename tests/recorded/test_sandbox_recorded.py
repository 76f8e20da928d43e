"""Is the sandbox as the recorded providers are? It takes what they took, and its answers have their shape."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from botocore.eventstream import EventStreamBuffer

from polycloud.sandbox.answers import Author
from polycloud.sandbox.ask import Answer, Ask, Piece, Tool
from polycloud.sandbox.protocols import anthropic, bedrock, bedrock_rules, gemini, openai
from polycloud.sandbox.protocols.azure import AzureWriter
from polycloud.sandbox.protocols.bedrock_body import ask_of as converse_ask
from polycloud.sandbox.protocols.common import Refused

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
# Tools that the provider runs itself, and Gemini's developer API, are not simulated; nor does the
# sandbox know the signatures of real thoughts.
NOT_SIMULATED = re.compile(
    r"tool_reference|container_upload|tool_addition|server_tool_use|compaction|mcp_servers|code_execution|tool_search"
    r"|web_fetch|memory_|allowed_domains|tools\.0\.max_tokens|Invalid `signature`|fileSearch|toolCall"
    r"|exceeds the number of toolUse|`array \| null`"
)


def recordings(name: str) -> Iterator[dict[str, Any]]:
    path = RECORDINGS / f"{name}.jsonl"
    if not path.exists():
        pytest.skip("the recordings of provider traffic are not beside this repository")
    for line in path.read_text("ascii").splitlines():
        recording = json.loads(line)
        if recording["status"] == 200:
            yield recording


def read_converse(recording: dict[str, Any], body: bytes) -> None:
    parsed = bedrock_rules.parse(body, recording["url"])
    asked = converse_ask(parsed)
    bedrock_rules.read_thinking(parsed, asked, recording["url"])
    bedrock_rules.read_schema(parsed, asked)


def read_openai(recording: dict[str, Any], body: bytes) -> None:
    openai.ask_of(openai.parse(body))


def read_messages(recording: dict[str, Any], body: bytes) -> None:
    fields = {**json.loads(body), "anthropic_version": "vertex-2023-10-16"}
    fields.pop("model")
    anthropic.ask_of(anthropic.parse(json.dumps(fields).encode()))


def read_gemini(recording: dict[str, Any], body: bytes) -> None:
    parsed = gemini.decode(body)
    assert not gemini.complaint(parsed, recording["url"].split("models/")[1].split(":")[0])
    gemini.ask_of(parsed)


@pytest.mark.parametrize(
    ("name", "read", "taken"),
    [
        ("bedrock.converse", read_converse, 100),
        ("bedrock.converse-stream", read_converse, 9),
        ("openai.chat", read_openai, 70),
        ("openai.chat-stream", read_openai, 15),
        ("azure.chat", read_openai, 1),
        ("ollama.chat", read_openai, 4),
        ("anthropic.messages", read_messages, 110),
        ("anthropic.messages-stream", read_messages, 3),
        ("vertex.generateContent", read_gemini, 26),
        ("vertex.streamGenerateContent", read_gemini, 1),
        ("gemini.generateContent", read_gemini, 130),
        ("gemini.streamGenerateContent", read_gemini, 12),
    ],
)
def test_it_takes_what_the_provider_took(name: str, read: Callable[[dict[str, Any], bytes], None], taken: int) -> None:
    refused, good = [], 0
    for recording in recordings(name):
        try:
            read(recording, json.dumps(recording["request"]).encode())
            good += 1
        except (Refused, msgspec.ValidationError) as error:
            why = error.reply.body.decode() if isinstance(error, Refused) else str(error)
            if not NOT_SIMULATED.search(why):
                refused.append(f"{recording['id']}: {why}")
    assert not refused
    assert good >= taken


def keys(value: Any, path: str = "") -> set[str]:
    """The places of all members, whatever the position in a list."""
    if isinstance(value, dict):
        return {f"{path}.{k}" for k in value}.union(*(keys(v, f"{path}.{k}") for k, v in value.items()))
    if isinstance(value, list):
        return set().union(*(keys(v, f"{path}[]") for v in value))
    return set()


def free(paths: set[str], *prefixes: str) -> set[str]:
    """``paths`` without what lies below free-form members."""
    return {p for p in paths if not any(p.startswith(prefix + ".") for prefix in prefixes)}


def answer(**more: Any) -> Answer:
    ask = Ask(pieces=[Piece("user", "What is the capital of France, and where is it?")], **more)
    return Author(1, "site").answer(ask, "m", 1)


TOOL = Tool("get_capital", "", {"type": "object", "properties": {"country": {"type": "string"}}})
ANSWERS = (answer(), answer(tools=[TOOL]), answer(thinking=32))


def invented(shown: set[str], name: str, *prefixes: str) -> set[str]:
    """Members that the sandbox writes and no recording has."""
    seen: set[str] = set()
    for recording in recordings(name):
        if "body" in recording:
            seen |= keys(json.loads(recording["body"]))
    return free(shown, *prefixes) - seen


def test_azure_has_exactly_the_recorded_members() -> None:
    recording = next(recordings("azure.chat"))
    reply = AzureWriter("gpt-4o", False, {}).whole(answer())
    assert keys(json.loads(reply.body)) == keys(json.loads(recording["body"]))


@pytest.mark.parametrize("given", ANSWERS)
def test_converse_invents_no_member(given: Answer) -> None:
    reply = bedrock.ConverseWriter("claude", caches=True).whole(given)
    found = invented(keys(json.loads(reply.body)), "bedrock.converse", ".output.message.content[].toolUse.input")
    assert found <= {".usage.cacheDetails"}


@pytest.mark.parametrize("given", ANSWERS)
def test_gemini_invents_no_member(given: Answer) -> None:
    reply = gemini.GeminiWriter("m", sse=True).whole(given)
    args = ".candidates[].content.parts[].functionCall.args"
    shown = keys(json.loads(reply.body))
    found = invented(shown, "vertex.generateContent", args) & invented(shown, "gemini.generateContent", args)
    assert found <= {".candidates[].content.parts[].thought"}  # nobody asked for thoughts there


@pytest.mark.parametrize("given", ANSWERS)
def test_messages_invent_no_member(given: Answer) -> None:
    reply = anthropic.MessagesWriter("m").whole(given)
    found = invented(keys(json.loads(reply.body)), "anthropic.messages", ".content[].input")
    # Newer than the recordings: the types of anthropic 2.11.0 have them.
    assert found <= {".stop_details", ".usage.output_tokens_details", ".usage.output_tokens_details.thinking_tokens"}


def events(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    buffer = EventStreamBuffer()
    buffer.add_data(raw)
    return [(m.headers[":event-type"], json.loads(m.payload)) for m in buffer]


def test_converse_streams_have_the_recorded_events() -> None:
    recorded: dict[str, set[str]] = {}
    for recording in recordings("bedrock.converse-stream"):
        for kind, payload in events(base64.b64decode(recording["body_b64"])):
            recorded.setdefault(kind, set()).update(keys(payload))
    for given in ANSWERS:
        writer = bedrock.ConverseWriter("claude", caches=False)
        for kind, payload in events(b"".join(data for data, _ in writer.frames(given))):
            assert keys(payload) <= recorded[kind]


def test_openai_streams_have_the_recorded_members() -> None:
    recorded: set[str] = set()
    for recording in recordings("openai.chat-stream"):
        for line in base64.b64decode(recording["body_b64"]).decode().splitlines():
            if line.startswith("data: {"):
                recorded |= keys(json.loads(line.removeprefix("data: ")))
    for given in ANSWERS:
        writer = openai.ChatWriter("m", include_usage=True, shows_thinking=False)
        for data, _ in writer.frames(given)[:-1]:
            assert keys(json.loads(data.removeprefix(b"data: "))) <= recorded
