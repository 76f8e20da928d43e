"""Recorded answers, served on a socket, come out of the whole gateway as what their bodies say, in both callers' words.

Each recording is a deployment of its own behind one worker: adapter, dialect, data path, face and journal are the
real ones, and only the tables are made by hand.
"""

import asyncio
import dataclasses
import hashlib
import json
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path

import httptools
import pytest

from polycloud.app.adapters import dialects, faces, model_port
from polycloud.core.chat import NEED_BITS
from polycloud.core.clock import SystemClock
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Credential, Upstream
from polycloud.gateway.keys import Keyring, digest
from polycloud.gateway.targets import Generation
from polycloud.gateway.worker import Worker, WorkerSpec
from polycloud.policy.tables import DataClass, Deployment, Limits, Model, Principal, Route, Tables, Team

KEY = "pk-test"
AT_ONCE = 16  # requests under way at a time
CHAT = (
    "azure", "bedrock_mantle", "cerebras", "crusoe", "deepseek", "gemini", "groq", "heroku", "huggingface", "mistral",
    "ollama", "openai", "openrouter", "snowflake", "zai",
)  # fmt: skip
CHAT_STREAMS = ("crusoe", "deepseek", "groq", "huggingface", "mistral", "openai", "openrouter", "snowflake", "zai")
FILES = [
    ("bedrock.converse", "aws", "bedrock_converse"),
    ("bedrock.converse-stream", "aws", "bedrock_converse"),
    ("gemini.generateContent", "gcp", "gemini"),
    ("gemini.streamGenerateContent", "gcp", "gemini"),
    ("vertex.generateContent", "gcp", "gemini"),
    ("vertex.streamGenerateContent", "gcp", "gemini"),
    ("anthropic.messages", "gcp", "anthropic_messages"),
    ("anthropic.messages-stream", "gcp", "anthropic_messages"),
    *((f"{name}.chat", "azure" if name == "azure" else "onprem", "openai_chat") for name in CHAT),
    *((f"{name}.chat-stream", "onprem", "openai_chat") for name in CHAT_STREAMS),
]
CREDENTIALS = {
    "aws": Credential("aws", {"access_key": "AK", "secret_key": "SK", "session_token": ""}),
    "azure": Credential("api_key", {"key": "K"}),
    "gcp": Credential("bearer", {"token": "T"}),
    "onprem": Credential("bearer", {"token": "T"}),
}
# Answers with status 200 that are none, and what a caller gets; found by reading the bodies.
NO_ANSWERS = {
    "test_google_model_armor_prompt_template_text_gets_blocked.yaml#1": 400,
    # The model called a function that was not declared, and Gemini said so.
    "test_multimodal_tool_return_matrix[direct-uploaded_file-video-google_vertex].yaml#0": 502,
}
FACES = {"openai_chat": ("/v1/chat/completions", "chat"), "anthropic_messages": ("/v1/messages", "messages")}
PLAIN_FINISH = {"stop_sequence": "stop"}  # not every format tells them apart


def tables(count, adapter, dialect, port):
    options = {"project": "p"} if adapter == "gcp" else {}
    rows = tuple(
        Deployment(
            id=f"{adapter}/here/m{i}", site=f"{adapter}/here", cloud=adapter, model=f"m{i}", adapter=adapter,
            upstream=Upstream(adapter, "here", f"http://127.0.0.1:{port}/{i}", "up", dialect, options),
            places=(f"{adapter}/here",), can=(1 << NEED_BITS) - 1, price=TokenPrice(1_000_000, 2_000_000),
            credential="key",
        )
        for i in range(count)
    )  # fmt: skip
    route = Route("all", ("*",), fallback="none", limits=Limits(attempts=1))
    return Tables(
        estate="recorded", version="0" * 64, deployments=rows,
        models={row.model: Model(row.model, (i,)) for i, row in enumerate(rows)}, aliases={}, routes=(route,),
        classes={"open": DataClass("open", tuple(range(count)), "anywhere")}, default_class="open",
        teams={"t": Team("t")}, regions={},
    )  # fmt: skip


@asynccontextmanager
async def gateway(made, adapter, directory):
    worker = Worker(
        WorkerSpec("w", "127.0.0.1", 0, directory, "no", "no"), model_port, dialects(), faces(), SystemClock()
    )
    worker.gateway.keys = Keyring([Principal(id="k", digest=digest(KEY.encode()), team="t")])
    worker.gateway.credentials = {"key": CREDENTIALS[adapter]}
    worker.gateway.take(Generation(made, model_port, dialects()))
    server = await asyncio.get_running_loop().create_server(worker._accept, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for inbound in list(worker._connections):
            inbound.transport.abort()
        worker.gateway.pool.close()
        await asyncio.sleep(0.01)
        assert not worker.gateway.exchanges
        worker.gateway.journal.close()


class Got:
    """An answer as a caller sees it."""

    def __init__(self):
        self.body = b""
        self.complete = False

    def on_body(self, data):
        self.body += data

    def on_message_complete(self):
        self.complete = True


async def ask(port, path, model, stream):
    fields = {"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "stream": stream}
    if stream and "chat" in path:
        fields["stream_options"] = {"include_usage": True}
    body = json.dumps(fields).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    got = Got()
    parser = httptools.HttpResponseParser(got)
    while not got.complete:
        data = await reader.read(1 << 16)
        assert data, f"{model}: the connection ended before the answer did"
        parser.feed_data(data)
    writer.close()
    await writer.wait_closed()
    return parser.get_status_code(), got.body


async def through(found, adapter, dialect, serving):
    """({(face, index): (status, body)}, {(face, index): the attempt's record})."""
    with tempfile.TemporaryDirectory() as directory:
        async with serving(found) as (upstream, _):
            made = tables(len(found), adapter, dialect, upstream)
            async with gateway(made, adapter, directory) as port:
                room = asyncio.Semaphore(AT_ONCE)
                answers = {}

                async def one(face, i):
                    async with room:
                        answers[face, i] = await ask(port, FACES[face][0], f"m{i}", found[i].streamed)

                for face in FACES:
                    await asyncio.gather(*(one(face, i) for i in range(len(found))))
        return answers, booked(directory)


def booked(directory):
    """The attempts' records by (face, index), after checking that the chain holds."""
    by_request, faces_of = {}, {}
    for path in Path(directory).glob("journal/*.jsonl"):
        before = "0" * 64
        for line in path.read_bytes().splitlines():
            row = json.loads(line)
            assert row["h"] == before
            before = hashlib.sha256(line).hexdigest()
            record = row["r"]
            if record["kind"] == "attempt":
                by_request[record["request"]] = record
            else:
                faces_of[record["request"]] = record["face"]
    return {(faces_of[request], int(record["asked"][1:])): record for request, record in by_request.items()}


def check(got, wanted, where, *, passed):
    """``passed``: in the provider's own dialect, so that even a missing id stays missing."""
    assert got.text == wanted.text, where
    assert [(n, a) for _, n, a in got.tools] == [(n, a) for _, n, a in wanted.tools], where
    ids = [(i, j) for (i, *_), (j, *_) in zip(got.tools, wanted.tools, strict=True)]
    assert all(i == j if j or passed else i for i, j in ids), where
    assert passed or len({i for i, _ in ids}) == len(ids), where
    finishes = [PLAIN_FINISH.get(finish, finish) for finish in (got.finish, wanted.finish)]
    assert finishes[0] == finishes[1], where
    assert counts(got) == counts(wanted), where


def counts(told):
    return told.input_tokens, told.output_tokens, told.cached_tokens


@pytest.mark.parametrize(("name", "adapter", "dialect"), FILES, ids=[name for name, *_ in FILES])
def test_every_answer_arrives(recordings, expected, serving, name, adapter, dialect):
    found = [r for r in recordings(name) if r.status == 200]
    assert found
    answers, records = asyncio.run(through(found, adapter, dialect, serving))
    assert answers.keys() == records.keys()
    for (face, i), (status, body) in answers.items():
        recording, record = found[i], records[face, i]
        where = f"{face}: {recording.id}"
        refused = NO_ANSWERS.get(recording.id.rsplit("/", 1)[-1])
        if refused is not None:
            assert status == refused, where
            assert record["outcome"] == "error", where
        elif b"event: error" in recording.body:  # two of Groq's: an error after HTTP 200, and no end
            assert status >= 400 or (b'"error"' in body and b"[DONE]" not in body and b"message_stop" not in body), (
                where
            )
            assert record["outcome"] == "error", where
        else:
            assert status == 200, f"{where}: {body[:300]!r}"
            wanted = expected(recording)
            got = expected(dataclasses.replace(recording, operation=FACES[face][1], body=body))
            check(got, wanted, where, passed=face == dialect)
            if face == "openai_chat" and face != dialect:  # the reader forgives providers what we must not do
                assert (b'"finish_reason":"tool_calls"' in body) == (wanted.finish == "tool_calls"), where
            assert record["outcome"] == "ok", where
            usage = record["usage"] or {}
            booked_counts = tuple(usage.get(k, 0) for k in ("input_tokens", "output_tokens", "cache_read_tokens"))
            assert booked_counts == counts(wanted), where
