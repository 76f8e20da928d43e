"""A worker in front of the simulated clouds, both in this process and on real sockets, with everything countable."""

import asyncio
import hashlib
import json
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from polycloud.app.adapters import dialects, faces, model_port
from polycloud.core.chat import NEED_BITS
from polycloud.core.clock import SystemClock
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Upstream
from polycloud.gateway.keys import Keyring, digest
from polycloud.gateway.targets import Generation
from polycloud.gateway.worker import Worker, WorkerSpec
from polycloud.policy.tables import DataClass, Deployment, Limits, Model, Principal, Route, Tables, Team
from polycloud.sandbox.credentials import Credentials, draw
from polycloud.sandbox.faults import Fault
from polycloud.sandbox.server import Running, serve
from polycloud.sandbox.spec import SandboxSpec, SiteSpec

KEY = "pk-test"
TEXT = "one two three four five six seven eight nine ten"
SPARE = "onprem/spare"
LIMITS = Limits(connect_seconds=1.0, header_seconds=0.5, idle_seconds=0.5, total_seconds=4.0, attempts=3)
OPTIONS = {"project": "polycloud-sandbox", "compartment": "ocid1.compartment.oc1..c"}
MODELS = 8  # public names; each has deployments and so breakers of its own
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


class Case(NamedTuple):
    """One way to reach a model."""

    site: str
    dialect: str
    model: str
    kind: str


CASES = {
    "bedrock": Case("aws/eu-west-1", "bedrock_converse", "eu.amazon.nova-micro-v1:0", "aws"),
    "azure": Case("azure/westeurope", "openai_chat", "gpt-4o", "api_key"),
    "azure-claude": Case("azure/eastus2", "anthropic_messages", "claude-sonnet-4-5", "api_key"),
    "gemini": Case("gcp/europe-west1", "gemini", "gemini-2.5-flash", "bearer"),
    "vertex-claude": Case("gcp/europe-west1", "anthropic_messages", "claude-sonnet-4-5@20250929", "bearer"),
    "oci": Case("oci/eu-frankfurt-1", "oci_generic", "meta.llama-3.3-70b-instruct", "oci"),
    "on-premises": Case("onprem/frankfurt", "openai_chat", "llama-3.3-70b", "bearer"),
}


class Got:
    """An answer as a caller sees it."""

    def __init__(self, face: str, data: bytes) -> None:
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.face = face
        self.status = int(first.split()[1])
        self.headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines)}
        self.body = _unchunked(body) if self.headers.get("transfer-encoding") == "chunked" else body
        self.stream = self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def data(self) -> list[str]:
        return [x.removeprefix("data: ") for x in self.body.decode().split("\n") if x.startswith("data: ")]

    @property
    def events(self) -> list[Any]:
        return [json.loads(x) for x in self.data if x != "[DONE]"]

    @property
    def marks(self) -> int:
        """How often the dialect's terminal mark came."""
        if self.face == "openai":
            return self.data.count("[DONE]")
        return sum(e["type"] == "message_stop" for e in self.events)

    @property
    def error(self) -> Any:
        """The error object in the caller's own dialect, in-band or whole; None when there is none."""
        last = (self.events or [{}])[-1] if self.stream else json.loads(self.body)
        if self.face == "anthropic":
            return last["error"] if last.get("type") == "error" else None
        return last.get("error")

    @property
    def text(self) -> str:
        if not self.stream:
            value = json.loads(self.body)
            if self.face == "anthropic":
                return "".join(p.get("text", "") for p in value["content"])
            return value["choices"][0]["message"]["content"] or ""
        if self.face == "anthropic":
            return "".join(e["delta"].get("text", "") for e in self.events if e["type"] == "content_block_delta")
        return "".join(c["delta"].get("content") or "" for e in self.events for c in e.get("choices", ()))

    @property
    def whole(self) -> bool:
        """Whether it is the right answer from its first to its last byte."""
        return self.status == 200 and self.error is None and self.text == TEXT and self.marks == int(self.stream)


def _unchunked(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        found, body = found + body[: int(size, 16)], body[int(size, 16) + 2 :]
    return found


class Field:
    """The worker, the clouds, and one case under test: public names ``alone0…`` are served by it alone, ``spared0…``
    by it first and then by a healthy site."""

    def __init__(self, directory: Path, running: Running, case: Case) -> None:
        self.directory = directory
        self.running = running
        self.case = case
        spec = WorkerSpec("w0", "127.0.0.1", 0, str(directory), "none.sock", "none.sock")
        self.worker = Worker(spec, model_port, dialects(), faces(), SystemClock())
        self.gateway = self.worker.gateway
        self.gateway.keys = Keyring([Principal(id="k1", digest=digest(KEY.encode()), team="t")])
        accepted = running.credentials()
        self.gateway.credentials = {
            "under test": accepted[case.site.partition("/")[0]][case.kind],
            "spare": accepted["onprem"]["bearer"],
        }
        self.gateway.take(Generation(self._tables(), model_port, dialects()))
        self.port = 0
        self._server: asyncio.Server

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self.worker._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.worker._check()

    def _deployment(self, public: str, case: Case, credential: str, window: int) -> Deployment:
        cloud, _, region = case.site.partition("/")
        upstream = Upstream(cloud, region, self.running.addresses[case.site], case.model, case.dialect, OPTIONS)
        return Deployment(
            id=f"{case.site}/{public}", site=case.site, cloud=cloud, model=public, adapter=cloud, upstream=upstream,
            places=(case.site,), can=(1 << NEED_BITS) - 1, price=TokenPrice(1_000_000, 2_000_000),
            credential=credential, context_tokens=window,
        )  # fmt: skip

    def _tables(self) -> Tables:
        rows: list[Deployment] = []
        models = {}
        spare = Case(SPARE, "openai_chat", "llama-3.3-70b", "bearer")
        for number in range(MODELS):
            for public in (f"alone{number}", f"spared{number}"):
                first = len(rows)
                rows.append(self._deployment(public, self.case, "under test", 8_000))
                if public.startswith("spared"):
                    rows.append(self._deployment(public, spare, "spare", 100_000))
                models[public] = Model(public, tuple(range(first, len(rows))))
        return Tables(
            estate="test", version="0" * 64, deployments=tuple(rows), models=models, aliases={},
            routes=(Route("all", ("*",), limits=LIMITS, prefer="order"),),
            classes={"open": DataClass("open", tuple(range(len(rows))), "anywhere")}, default_class="open",
            teams={"t": Team("t")}, regions={},
        )  # fmt: skip

    def fault(self, kind: str, **more: object) -> None:
        self.running.faults.add(Fault(kind=kind, site=self.case.site, **more))

    def request(self, face: str, model: str, stream: bool, text: str = f"echo: {TEXT}", tokens: int = 200) -> bytes:
        body = json.dumps(
            {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": tokens, "stream": stream}
        ).encode()
        return (
            f"POST {PATHS[face]} HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\nconnection: close\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        ).encode() + body

    async def ask(self, face: str, model: str, stream: bool) -> Got:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(self.request(face, model, stream))
            return Got(face, await reader.read())
        finally:
            writer.close()
            await writer.wait_closed()

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

    def attempts(self, request: str = "") -> list[dict[str, Any]]:
        found = [r for r in self.records() if r["kind"] == "attempt"]
        return [r for r in found if r["request"] == request] if request else found

    def served(self, site: str) -> dict[str, int]:
        """Requests that a simulated cloud counted, by outcome."""
        found: dict[str, int] = {}
        for row in self.running.ledger.rows():
            if row.site == site:
                found[row.outcome] = found.get(row.outcome, 0) + row.requests
        return found

    async def nothing_left(self) -> None:
        """Everything that a request opens is closed again, on both sides."""
        pool = self.gateway.pool
        for _ in range(150):
            idle = sum(map(len, pool._idle.values()))
            if not self.gateway.exchanges and pool.size == idle and not self.worker._connections:
                break
            await asyncio.sleep(0.02)
        assert not self.gateway.exchanges and not self.gateway.explanations
        assert not self.worker._connections and self.worker._connections.body_bytes == 0
        assert pool.size == sum(pool._count.values()) == sum(map(len, pool._idle.values()))
        assert not self.gateway.journal._after and not self.gateway.journal._lines
        pool.prune(everything=True)
        assert pool.size == 0 and not pool._count
        for _ in range(50):
            if not any(self.running.connections().values()):
                break
            await asyncio.sleep(0.02)
        assert not any(self.running.connections().values())
        assert not any(site._tasks for site in self.running._sites.values())
        tasks = asyncio.all_tasks() - {asyncio.current_task(), self.running._watch}
        assert not tasks

    async def stop(self) -> None:
        self._server.close()
        for inbound in list(self.worker._connections):
            inbound.abort()
        self.gateway.pool.close()
        await asyncio.sleep(0.01)
        self.gateway.journal.close()
        self.gateway.rates.close()


@pytest.fixture(scope="session")
def accepted() -> Credentials:
    return draw()


@pytest.fixture
def field(accepted: Credentials) -> Callable[..., None]:
    """Run ``test(field)`` against the case ``name``; after it nothing may be left. ``pace``: its tokens per second."""

    def run(name: str, test: Callable[[Field], Awaitable[None]], pace: float = 0.0) -> None:
        case = CASES[name]
        cloud, _, region = case.site.partition("/")
        sites = (
            SiteSpec(site=case.site, cloud=cloud, region=region, models=(case.model,), tokens_per_second=pace),
            SiteSpec(site=SPARE, cloud="onprem", region="spare", models=("llama-3.3-70b",)),
        )

        async def body() -> None:
            with tempfile.TemporaryDirectory() as directory:
                running = await serve(SandboxSpec(seed=3, sites=sites), accepted)
                found = Field(Path(directory), running, case)
                await found.start()
                try:
                    await test(found)
                    await found.nothing_left()
                finally:
                    await found.stop()
                    await running.close()

        asyncio.run(body())

    return run
