"""The data plane of one worker in this process, over real sockets, with upstreams that a test scripts."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

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
EVERYTHING = (1 << NEED_BITS) - 1
Answer = Callable[["Call"], Awaitable[None]]


class Call:
    """One request as an upstream received it, and the means to answer it byte by byte."""

    def __init__(self, head: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.body = body
        self._writer = writer

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self, value: object, status: int = 200, headers: str = "", kind: str = "application/json") -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.send(
            f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode()
            + body
        )

    async def start_stream(self) -> None:
        await self.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def event(self, value: object) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        await self.chunk(b"data: " + data + b"\n\n")

    async def end(self) -> None:
        await self.send(b"0\r\n\r\n")

    def cut(self) -> None:
        self._writer.transport.abort()


class ScriptedUpstream:
    """A server whose answers are coroutines, one for each request in turn; the last one repeats."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.calls: list[Call] = []
        self.open = 0
        self.hung_up = 0
        self.url = ""
        self._server: asyncio.Server

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = next(
                    int(x.split(":")[1]) for x in head.lower().split("\r\n") if x.startswith("content-length")
                )
                call = Call(head, await reader.readexactly(length), writer)
                self.calls.append(call)
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                await answer(call)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up += 1
        finally:
            self.open -= 1
            writer.close()


class Plane:
    """A worker with hand-made tables: deployments ``onprem/a`` and ``onprem/b`` of model ``m``, and ``other``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.a = ScriptedUpstream()
        self.b = ScriptedUpstream()
        self.limits = Limits(connect_seconds=1.0, header_seconds=0.6, idle_seconds=0.6, total_seconds=5.0)
        self.route: dict[str, Any] = {"prefer": "order"}
        self.team = Team("t")
        self.worker: Worker
        self.port = 0
        self._server: asyncio.Server

    async def start(self) -> "Plane":
        await self.a.start()
        await self.b.start()
        spec = WorkerSpec("w0", "127.0.0.1", 0, str(self.directory), "none.sock", "none.sock")
        self.worker = Worker(spec, model_port, dialects(), faces(), SystemClock())
        gateway = self.worker.gateway
        gateway.keys = Keyring([Principal(id="k1", digest=digest(KEY.encode()), team="t")])
        gateway.credentials = {"key": Credential("bearer", {"token": "up-secret"})}
        self.take()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.worker._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.worker._check()
        return self

    def deployment(self, name: str, url: str, model: str = "m", dialect: str = "openai_chat") -> Deployment:
        return Deployment(
            id=f"onprem/{name}/{model}", site=f"onprem/{name}", cloud="onprem", model=model, adapter="onprem",
            upstream=Upstream("onprem", name, url, "up-model", dialect), places=(f"onprem/{name}",), can=EVERYTHING,
            price=TokenPrice(1_000_000, 2_000_000), credential="key",
        )  # fmt: skip

    def tables(self) -> Tables:
        rows = (
            self.deployment("a", self.a.url),
            self.deployment("b", self.b.url),
            self.deployment("b", self.b.url, "other"),
        )
        return Tables(
            estate="test", version="0" * 64, deployments=rows,
            models={"m": Model("m", (0, 1), equivalent=("other",)), "other": Model("other", (2,))}, aliases={},
            routes=(Route("all", ("*",), limits=self.limits, **self.route),),
            classes={
                "open": DataClass("open", (0, 1, 2), "anywhere"),
                "only-a": DataClass("only-a", (0,), "class only-a stays in onprem/a"),
                "nowhere": DataClass("nowhere", (), "class nowhere has no place"),
            },
            default_class="open", teams={"t": self.team}, regions={},
        )  # fmt: skip

    def take(self) -> None:
        self.worker.gateway.take(Generation(self.tables(), model_port, dialects()))

    async def raw(self, data: bytes, *, until_close: bool = False) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        if until_close:
            found = await reader.read()
        else:
            found = await _whole(reader)
        writer.close()
        return found

    def request(self, path: str = "/v1/chat/completions", headers: str = "", **fields: object) -> bytes:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}).encode()
        return (
            f"POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
            f"{headers}content-length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def chat(self, path: str = "/v1/chat/completions", headers: str = "", **fields: object) -> "Got":
        return Got(await self.raw(self.request(path, headers, **fields)))

    def records(self) -> list[dict[str, Any]]:
        """All records, after checking that the chain holds."""
        found = []
        for path in sorted((self.directory / "journal").glob("*.jsonl")):
            head = "0" * 64
            for line in path.read_bytes().splitlines():
                row = json.loads(line)
                assert row["h"] == head
                head = hashlib.sha256(line).hexdigest()
                found.append(row["r"])
        return found

    def attempts(self) -> list[dict[str, Any]]:
        return [r for r in self.records() if r["kind"] == "attempt"]

    async def settled(self) -> None:
        """Wait for what is under way to end, then check that nothing is left behind."""
        for _ in range(100):
            if not self.worker.gateway.exchanges:
                break
            await asyncio.sleep(0.02)
        assert not self.worker.gateway.exchanges
        assert not self.worker.gateway.explanations

    async def stop(self) -> None:
        self._server.close()
        for inbound in list(self.worker._connections):
            inbound.transport.abort()
        self.worker.gateway.pool.close()
        await asyncio.sleep(0.01)
        self.worker.gateway.journal.close()
        await self.a.stop()
        await self.b.stop()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    low = head.lower()
    if b"transfer-encoding: chunked" in low:
        found = head
        while True:
            size = await reader.readuntil(b"\r\n")
            data = await reader.readexactly(int(size, 16) + 2)
            found += data[:-2]
            if size == b"0\r\n":
                return found
    length = next((int(x.split(b":")[1]) for x in low.split(b"\r\n") if x.startswith(b"content-length")), None)
    return head + (await reader.read() if length is None else await reader.readexactly(length))


class Got:
    """An answer as a caller sees it."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[str]:
        return [line.removeprefix("data: ") for line in self.body.decode().split("\n") if line.startswith("data: ")]

    @property
    def text(self) -> str:
        found = ""
        for event in self.events:
            if event != "[DONE]":
                for choice in json.loads(event).get("choices", []):
                    found += choice["delta"].get("content") or ""
        return found


@pytest.fixture
def run() -> Callable[[Callable[["Plane"], Awaitable[None]]], None]:
    """Run ``test(plane)`` with a started plane whose parts are all closed after it."""

    def runner(test: Callable[[Plane], Awaitable[None]], prepare: Callable[[Plane], None] | None = None) -> None:
        import tempfile

        async def body() -> None:
            with tempfile.TemporaryDirectory() as directory:
                plane = Plane(Path(directory))
                if prepare is not None:
                    prepare(plane)
                await plane.start()
                try:
                    await test(plane)
                    await plane.settled()
                finally:
                    await plane.stop()

        asyncio.run(body())

    return runner


async def _whole_reply(call: Call) -> None:
    await call.reply(COMPLETION)


COMPLETION = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "up-model",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}  # fmt: skip


def delta(**fields: object) -> dict[str, object]:
    return {
        "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-model",
        "choices": [{"index": 0, "delta": fields, "finish_reason": None}],
    }  # fmt: skip


FINISH = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-model",
    "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
}  # fmt: skip
USAGE = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "up-model", "choices": [],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}  # fmt: skip


async def _whole_stream(call: Call) -> None:
    await call.start_stream()
    await call.event(delta(role="assistant", content=""))
    for word in ("hel", "lo"):
        await call.event(delta(content=word))
    await call.event(FINISH)
    await call.event(USAGE)
    await call.event(b"[DONE]")
    await call.end()


class Script:
    """Ready answers for upstreams."""

    reply = staticmethod(_whole_reply)
    stream = staticmethod(_whole_stream)
    delta = staticmethod(delta)
    FINISH = FINISH
    USAGE = USAGE
    COMPLETION = COMPLETION

    @staticmethod
    def status(code: int, body: object | None = None, headers: str = "") -> Answer:
        async def answer(call: Call) -> None:
            await call.reply(body or {"error": {"message": f"status {code}", "type": "x"}}, code, headers)

        return answer


@pytest.fixture
def script() -> type[Script]:
    return Script


AsyncPlane = AsyncIterator[Plane]
