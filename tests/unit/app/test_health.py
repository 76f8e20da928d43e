"""Probes: any HTTP status is a sign of life, three silences are death, two signs are life again."""

import asyncio

import pytest

from polycloud.app.control import health as module
from polycloud.app.control.health import Address, Health, reachable
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Upstream
from polycloud.policy.tables import Deployment


def deployment(id, url):
    upstream = Upstream("onprem", "r", url, "m", "openai_chat")
    return Deployment(id, "onprem/r", "onprem", "m", "onprem", upstream, ("onprem/r",), 0, TokenPrice())


def test_three_failures_down_two_successes_up_and_one_hiccup_counts_for_nothing():
    address = Address()
    states = []
    for up in (False, False, True, False, False, False, False, True, False, True, True):
        address.see(up)
        states.append(address.down)
    assert states == [False, False, False, False, False, True, True, True, True, True, False]


async def serve(answer, port=0):
    seen = []

    async def handle(reader, writer):
        seen.append(await reader.readline())
        if answer:
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", port)
    return server, server.sockets[0].getsockname()[1], seen


@pytest.mark.parametrize(
    ("answer", "up"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", True),
        (b"HTTP/1.1 503 Busy\r\n\r\n", True),
        (b"SSH-2.0-x\r\n", False),
        (b"", False),
    ],
)
def test_what_counts_as_an_answer(answer, up):
    async def main():
        server, port, seen = await serve(answer)
        async with server:
            assert await reachable(f"http://127.0.0.1:{port}/v1") is up
        assert seen == [b"HEAD /v1 HTTP/1.1\r\n"]  # never a model call
        assert not await reachable(f"http://127.0.0.1:{port}/v1")

    asyncio.run(main())


def test_silence_is_no_answer(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.05)

    async def main():
        done = asyncio.Event()

        async def handle(reader, writer):
            await done.wait()
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        async with server:
            assert not await reachable(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
            done.set()

    asyncio.run(main())


def test_deployments_behind_one_address_go_down_and_up_together(log):
    pushed = []

    async def main():
        server, port, _ = await serve(b"HTTP/1.1 200 OK\r\n\r\n")
        url = f"http://127.0.0.1:{port}/v1"
        health = Health(log, pushed.append, seed=1)
        health.watch([deployment("a", url), deployment("b", url), deployment("c", "http://127.0.0.1:1")])
        for _ in range(module.DOWN_AFTER):
            await health.round()
        assert pushed == [("c",)]
        server.close()
        await server.wait_closed()
        for _ in range(module.DOWN_AFTER):
            await health.round()
        assert pushed[-1] == ("a", "b", "c")
        server, _, _ = await serve(b"HTTP/1.1 401 No\r\n\r\n", port)
        async with server:
            for _ in range(module.UP_AFTER):
                await health.round()
        assert pushed[-1] == ("c",)
        health.watch([deployment("a", url)])  # another estate: what is not in it is not down
        assert pushed[-1] == ()

    asyncio.run(main())
