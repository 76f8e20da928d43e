"""The sandbox as a process: says when it is ready, takes known credentials, stops on a signal."""

import asyncio
import json
import signal
import socket
import subprocess
import sys

import httpx2
import msgspec
import pytest

from polycloud.sandbox.credentials import draw
from polycloud.sandbox.server import serve
from polycloud.sandbox.spec import SandboxSpec, SiteSpec

SITE = SiteSpec(site="onprem/hall", cloud="onprem", region="hall", models=("m",), delay_ms=1.0)
ASK = {"model": "m", "messages": [{"role": "user", "content": "echo: hello"}]}


PROGRAM = """
import json, sys, msgspec
from polycloud.sandbox.credentials import Credentials
from polycloud.sandbox.server import run
from polycloud.sandbox.spec import SandboxSpec

spec, accepted = msgspec.json.decode(sys.argv[1], type=tuple[SandboxSpec, Credentials])
run(spec, lambda running: print(json.dumps([running.addresses, running.control]), flush=True), accepted)
"""


def test_a_process_serves_until_it_is_told_to_stop() -> None:
    accepted = draw()
    given = msgspec.json.encode((SandboxSpec(sites=(SITE,)), accepted)).decode()
    with subprocess.Popen([sys.executable, "-c", PROGRAM, given], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            addresses, control = json.loads(process.stdout.readline())
            key = {"authorization": f"Bearer {accepted.onprem_key}"}
            reply = httpx2.post(f"{addresses['onprem/hall']}/chat/completions", json=ASK, headers=key)
            assert reply.json()["choices"][0]["message"]["content"] == "hello"
            assert httpx2.get(f"{control}/health").json() == {"status": "ok"}
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            with pytest.raises(httpx2.ConnectError):
                httpx2.get(f"{control}/health")
        finally:
            process.kill()


def test_a_taken_port_is_an_error_that_leaves_nothing_open() -> None:
    async def start() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            sites = (SITE, SiteSpec(site="onprem/other", cloud="onprem", region="o", models=("m",), port=port))
            with pytest.raises(OSError, match="in use"):
                await serve(SandboxSpec(sites=sites), draw())
        again = await serve(SandboxSpec(sites=sites), draw())
        assert again.addresses["onprem/other"] == f"http://127.0.0.1:{port}/v1"
        await again.close()

    asyncio.run(start())
