"""The floor: bytes from socket to socket on uvloop, as Python does it, with nothing read, checked or written down.

    python relay.py PORT UPSTREAM PROCESSES

What polycloud costs above it is its own work; what this costs can not be saved in a process of this kind.
"""

import asyncio
import gc
import os
import socket
import sys
from typing import cast

import uvloop


class Side(asyncio.Protocol):
    """One end; what comes in goes out at the other."""

    def __init__(self, other: "Side | None", upstream: int) -> None:
        self._other = other
        self._upstream = upstream
        self._waiting: list[bytes] = []
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self._other is None:
            self._other = other = Side(self, self._upstream)
            loop = asyncio.get_running_loop()
            self._opening = loop.create_task(loop.create_connection(lambda: other, "127.0.0.1", self._upstream))
        for data in self._waiting:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        other = self._other
        if other is not None:
            if other.transport is not None:
                other.transport.write(data)
            else:
                other._waiting.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._other is not None and self._other.transport is not None:
            self._other.transport.close()


async def main(port: int, upstream: int, parent: int) -> None:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listening.bind(("127.0.0.1", port))
    server = await asyncio.get_running_loop().create_server(lambda: Side(None, upstream), sock=listening, backlog=4096)
    while os.getppid() == parent:  # one whose benchmark was killed ends too
        await asyncio.sleep(1)
    server.close()


if __name__ == "__main__":
    above = os.getppid()
    for _ in range(int(sys.argv[3]) - 1):
        if os.fork() == 0:
            above = os.getppid()
            break
    gc.freeze()
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), above))
