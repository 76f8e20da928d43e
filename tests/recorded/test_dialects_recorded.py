"""Recorded answers, served on a socket as they were and read by the dialects, say what their bodies say."""

import asyncio
import itertools
import json
import random

import httptools
import pytest

from polycloud.core.chat import (
    Ended,
    Failed,
    Finished,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.core.errors import BrokenStream, ContentFiltered
from polycloud.core.usage import Usage
from polycloud.gateway.dialects.anthropic_messages import AnthropicMessages
from polycloud.gateway.dialects.bedrock_converse import BedrockConverse
from polycloud.gateway.dialects.gemini import Gemini
from polycloud.gateway.dialects.openai_chat import OpenAIChat

CHAT = (
    "azure", "bedrock_mantle", "cerebras", "crusoe", "deepseek", "gemini", "groq", "heroku", "huggingface", "mistral",
    "ollama", "openai", "openrouter", "snowflake", "zai",
)  # fmt: skip
CHAT_STREAMS = ["crusoe", "deepseek", "groq", "huggingface", "mistral", "openai", "openrouter", "snowflake", "zai"]
WHOLE = [
    ("bedrock.converse", BedrockConverse()),
    ("gemini.generateContent", Gemini()),
    ("vertex.generateContent", Gemini()),
    ("anthropic.messages", AnthropicMessages()),
    *((f"{name}.chat", OpenAIChat()) for name in CHAT),
]
STREAMS = [
    ("bedrock.converse-stream", BedrockConverse()),
    ("gemini.streamGenerateContent", Gemini()),
    ("vertex.streamGenerateContent", Gemini()),
    ("anthropic.messages-stream", AnthropicMessages()),
    *((f"{name}.chat-stream", OpenAIChat()) for name in CHAT_STREAMS),
]
# Answers with status 200 that are none, and what each is; found by reading the bodies.
NO_ANSWERS = {
    "test_google_model_armor_prompt_template_text_gets_blocked.yaml#1": ContentFiltered,
    # The model called a function that was not declared, and Gemini said so.
    "test_multimodal_tool_return_matrix[direct-uploaded_file-video-google_vertex].yaml#0": BrokenStream,
}
CUT_SEED = 20261101
BYTEWISE_MAX = 60_000  # longer streams are read byte by byte only so far, and whole from there


def short(recording):
    return recording.id.rsplit("/", 1)[-1]


class Body:
    """What came over the socket, piece by piece."""

    def __init__(self):
        self.pieces = []
        self.complete = False

    def on_body(self, data):
        self.pieces.append(data)

    def on_message_complete(self):
        self.complete = True


async def fetch(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: recorded\r\n\r\n".encode())
    body = Body()
    parser = httptools.HttpResponseParser(body)
    while not body.complete:
        parser.feed_data(await reader.read(4096))
    writer.close()
    await writer.wait_closed()
    return body.pieces


def fetched(serving, found):
    async def run():
        async with serving(found) as (port, path):
            return [await fetch(port, path(i)) for i in range(len(found))]

    return asyncio.run(run())


def told(reply):
    tools = [(p.id, p.name, json.loads(p.arguments or "{}")) for p in reply.parts if isinstance(p, ToolCall)]
    text = "".join(p.text for p in reply.parts if isinstance(p, Text))
    return text, tools, reply.finish, reply.usage


def gathered(events):
    """What a caller would make of the events."""
    text, calls, finish, usage = "", {}, "", Usage()
    for event in events:
        if isinstance(event, TextDelta):
            text += event.text
        elif isinstance(event, ToolCallStarted):
            assert event.index == len(calls)
            calls[event.index] = [event.id, event.name, ""]
        elif isinstance(event, ToolCallDelta):
            calls[event.index][2] += event.arguments
        elif isinstance(event, Finished):
            finish = event.reason
        elif isinstance(event, Used | Started):
            usage = event.usage or usage
    return text, [(i, name, json.loads(a or "{}")) for i, name, a in calls.values()], finish, usage


def check(got, wanted, name):
    text, tools, finish, usage = got
    assert text == wanted.text, name
    assert [(n, a) for _, n, a in tools] == [(n, a) for _, n, a in wanted.tools], name
    assert all(i == j if j else i for (i, *_), (j, *_) in zip(tools, wanted.tools, strict=True)), name
    assert len({i for i, *_ in tools}) == len(tools), name
    assert finish == wanted.finish, name
    counts = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens)
    assert counts == (wanted.input_tokens, wanted.output_tokens, wanted.cached_tokens), name
    assert usage.cache_read_tokens + usage.cache_write_tokens <= usage.input_tokens, name


@pytest.mark.parametrize(("name", "dialect"), WHOLE, ids=[name for name, _ in WHOLE])
def test_whole_answers(recordings, expected, serving, name, dialect):
    found = [r for r in recordings(name) if r.status == 200]
    assert found
    for recording, pieces in zip(found, fetched(serving, found), strict=True):
        body = b"".join(pieces)
        error = NO_ANSWERS.get(short(recording))
        if error is not None:
            with pytest.raises(error):
                dialect.read_reply(body)
        else:
            check(told(dialect.read_reply(body)), expected(recording), recording.id)


def feed(dialect, pieces):
    reader = dialect.stream_reader()
    return [event for piece in pieces for event in reader.feed(piece)]


@pytest.mark.parametrize(("name", "dialect"), STREAMS, ids=[name for name, _ in STREAMS])
def test_streams(recordings, expected, serving, name, dialect):
    found = [r for r in recordings(name) if r.status == 200]
    assert found
    chance = random.Random(CUT_SEED)
    for recording, pieces in zip(found, fetched(serving, found), strict=True):
        events = feed(dialect, pieces)
        if b"event: error" in recording.body:  # two of Groq's: an error after HTTP 200, and no end
            assert any(isinstance(e, Failed) for e in events), recording.id
            assert Ended() not in events, recording.id
        else:
            assert events.count(Ended()) == 1, recording.id
            assert not any(isinstance(e, Failed) for e in events), recording.id
            check(gathered(events), expected(recording), recording.id)
        body = recording.body
        cuts = sorted(chance.randrange(len(body)) for _ in range(40))
        parts = [body[a:b] for a, b in itertools.pairwise([0, *cuts, len(body)])]
        bytewise = [body[i : i + 1] for i in range(min(len(body), BYTEWISE_MAX))] + [body[BYTEWISE_MAX:]]
        for split in ([body], parts, bytewise):
            assert feed(dialect, split) == events, recording.id


@pytest.mark.parametrize(("name", "dialect"), STREAMS, ids=[name for name, _ in STREAMS])
def test_a_stream_that_is_cut_never_looks_ended(recordings, name, dialect):
    """What is left out is the last frame and a random half; the terminal mark is in neither."""
    chance = random.Random(CUT_SEED)
    for recording in (r for r in recordings(name) if r.status == 200):
        body = recording.body
        for end in (chance.randrange(len(body) // 2), len(body) // 2, last_content(body)):
            events = feed(dialect, [body[:end]])
            assert Ended() not in events, recording.id


def last_content(body):
    """Where the stream's last frame begins."""
    for mark in (b"data: [DONE]", b"event: message_stop", b"data: {"):
        if mark in body:
            return body.rindex(mark)
    at = 0
    while True:
        size = int.from_bytes(body[at : at + 4], "big")
        if at + size >= len(body):
            return at
        at += size
