"""The control process's own HTTP server: quiet while nothing happens, and over as soon as it is told."""

import asyncio
import socket

import uvicorn

from polycloud.app.control import process


async def _app(scope, receive, send):
    raise AssertionError("nobody calls it here")


def test_the_server_ends_when_told_and_not_at_its_next_look(monkeypatch):
    monkeypatch.setattr(process, "DATE_SECONDS", 3600.0)  # a server that only looks now and then would not end

    async def run():
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = process.Server(uvicorn.Config(_app, log_config=None, lifespan="off"))
        with listening:
            serving = asyncio.create_task(server.serve([listening]))
            while not server.started:
                await asyncio.sleep(0)
            ticks = []
            looked = server.on_tick
            monkeypatch.setattr(server, "on_tick", lambda counter: ticks.append(counter) or looked(counter))
            for _ in range(100):
                await asyncio.sleep(0)
            server.end()
            await asyncio.wait_for(serving, 10)
        assert ticks == [0]  # the look that saw the end

    asyncio.run(run())
