"""A sandbox of all five clouds in a thread of its own, for the vendors' own SDKs to call over real sockets."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import uvloop

from polycloud.sandbox.server import Running, serve
from polycloud.sandbox.spec import SandboxSpec, SiteSpec

CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "eu.amazon.nova-micro-v1:0"
DEDICATED = "ocid1.generativeaiendpoint.oc1.eu-frankfurt-1.simulated"
SITES = (
    SiteSpec(site="aws/eu-west-1", cloud="aws", region="eu-west-1", models=(CLAUDE, NOVA)),
    SiteSpec(
        site="azure/westeurope",
        cloud="azure",
        region="westeurope",
        models=("gpt-4o", "o4-mini", "gpt-5", "gpt-5.2", "gpt-5.2-chat", "claude-sonnet-4-6"),
    ),
    SiteSpec(
        site="gcp/europe-west1",
        cloud="gcp",
        region="europe-west1",
        models=("gemini-2.5-flash", "gemini-3-flash-preview", "claude-sonnet-4-5@20250929"),
    ),
    SiteSpec(
        site="oci/eu-frankfurt-1",
        cloud="oci",
        region="eu-frankfurt-1",
        models=("meta.llama-3.3-70b-instruct", "openai.gpt-5", DEDICATED),
    ),
    SiteSpec(site="onprem/frankfurt", cloud="onprem", region="frankfurt", models=("llama-3.3-70b",)),
    SiteSpec(site="onprem/slow", cloud="onprem", region="slow", models=("slow",), tokens_per_second=50.0),
)


class Sandbox:
    """What tests need of it: addresses, credentials, and the control API over HTTP."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.keys = running.accepted
        self.kept: list[object] = []

    def at(self, site: str) -> str:
        return self.running.addresses[site]

    def fault(self, **fault: Any) -> str:
        reply = httpx2.post(f"{self.running.control}/faults", json=fault)
        assert reply.status_code == 201, reply.text
        return str(reply.json()["id"])

    def heal(self) -> None:
        httpx2.delete(f"{self.running.control}/faults")

    def served(self, site: str, outcome: str) -> dict[str, int]:
        rows = httpx2.get(f"{self.running.control}/requests").json()["requests"]
        rows = [r for r in rows if r["site"] == site and r["outcome"] == outcome]
        names = ("requests", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
        return {name: sum(r[name] for r in rows) for name in names}

    def forget(self) -> None:
        httpx2.delete(f"{self.running.control}/requests")


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    ready: list[Running] = []
    loop = uvloop.new_event_loop()
    started, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        ready.append(await serve(SandboxSpec(seed=7, sites=SITES)))
        started.set()
        await stop.wait()
        await ready[0].close()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    assert started.wait(30)
    yield Sandbox(ready[0])
    loop.call_soon_threadsafe(stop.set)
    thread.join(30)
    loop.close()


@pytest.fixture
def sandbox(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    shared_sandbox.forget()
    yield shared_sandbox
    shared_sandbox.heal()
