"""The callers: a closed loop over keep-alive connections, in a process of its own.

    python load.py SPEC

Warms up, says ``warm``, waits for a line, works for the time that SPEC gives, and prints what it saw
as JSON. Every answer is checked. A connection that the gateway closes is opened again, and counted.
"""

import asyncio
import json
import sys
import time
from typing import Any, cast

import httptools
import uvloop
from work import PACE_SECONDS, Kind, right

REQUESTS_MAX = 400_000  # of one run; a bound, not an aim
PATIENCE_SECONDS = 60.0  # for what is under way when the time is over; the slowest peer needs ten


class Caller(asyncio.Protocol):
    """One connection: asks again as soon as it is answered."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._fresh()
        self._transport: asyncio.Transport | None = None
        self.busy = False

    def _fresh(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        if self._transport is None or not self._load.more():
            self._load.rest(self)
            return
        self.busy = True
        self._first = 0.0
        self._begun = time.perf_counter()
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        if not self._first:
            self._first = time.perf_counter()
        self._parts.append(body)

    def on_message_complete(self) -> None:
        now = time.perf_counter()
        self.busy = False
        body, self._parts = b"".join(self._parts), []
        self._load.answered(self._parser.get_status_code(), body, now - self._begun, self._first - self._begun)
        if self._parser.should_keep_alive():
            asyncio.get_running_loop().call_soon(self.ask)
        elif self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.busy:
            self.busy = False
            self._load.wrong.append("connection lost in the middle of an answer")
        self._fresh()
        self._load.reopen(self)


class Load:
    """One run against one gateway."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._spec = spec
        self._kind = Kind(**spec["kind"])
        headers = {"host": "gateway", "content-type": "application/json", **spec["headers"]}
        body = self._kind.body
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.request = f"POST {self._kind.path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body
        self._connections = spec["connections"]
        self._callers: list[Caller] = []
        self._left = 0
        self._end = 0.0
        self._resting: set[Caller] = set()
        self._idle = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._clear()

    def _clear(self) -> None:
        self.wrong: list[str] = []
        self._latencies: list[float] = []
        self._firsts: list[float] = []
        self._reopened = 0

    def more(self) -> bool:
        if self._left <= 0 or time.perf_counter() >= self._end:
            return False
        self._left -= 1
        return True

    def rest(self, caller: Caller) -> None:
        self._resting.add(caller)
        if len(self._resting) == self._connections:
            self._idle.set()

    def answered(self, status: int, body: bytes, whole: float, first: float) -> None:
        if status == 200 and right(self._kind, body):
            self._latencies.append(whole)
            self._firsts.append(first)
        elif len(self.wrong) < 1000:
            self.wrong.append(f"{status}: {body[-300:].decode('utf-8', 'replace')}")

    def reopen(self, caller: Caller) -> None:
        self._reopened += 1
        if self._reopened > 1000:
            self.rest(caller)
            return
        task = asyncio.get_running_loop().create_task(self._open(caller))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, caller: Caller) -> None:
        try:
            port = self._spec["port"]
            await asyncio.get_running_loop().create_connection(lambda: caller, "127.0.0.1", port)
        except OSError as error:
            self.wrong.append(f"no connection: {error}")
            self.rest(caller)

    async def _run(self, seconds: float, requests: int) -> float:
        """Let all callers work; the seconds until the last was answered. Streams start one pace after
        another, at most a second in all, or evenly over one pace."""
        self._left = requests
        begun = time.perf_counter()
        self._end = begun + seconds
        self._idle.clear()
        self._resting.clear()
        apart = PACE_SECONDS / self._connections if self._spec["spread"] else min(PACE_SECONDS, 1 / self._connections)
        for number, caller in enumerate(self._callers):
            if caller._transport is None:
                self.reopen(caller)
            elif self._kind.stream:
                asyncio.get_running_loop().call_later(number * apart, caller.ask)
            else:
                caller.ask()
        await asyncio.wait_for(self._idle.wait(), seconds + PATIENCE_SECONDS)
        return time.perf_counter() - begun

    async def work(self) -> dict[str, Any]:
        spec = self._spec
        self._callers = [Caller(self) for _ in range(self._connections)]
        await self._run(spec["warm_seconds"], spec["warm_requests"])
        warm_wrong = self.wrong[:3]
        self._clear()
        print("warm", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        seconds = await self._run(spec["seconds"], REQUESTS_MAX)
        return {
            "answers": len(self._latencies),
            "wrong": len(self.wrong),
            "examples": (self.wrong or warm_wrong)[:3],
            "reopened": self._reopened,
            "seconds": seconds,
            "cpu_seconds": time.process_time(),
            "latency_ms": quantiles(self._latencies),
            "first_ms": quantiles(self._firsts),
        }


def quantiles(values: list[float]) -> dict[str, float]:
    """p50, p90 and p99 in milliseconds; empty of nothing."""
    if not values:
        return {}
    ordered = sorted(values)
    return {f"p{p}": round(1000 * ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 3) for p in (50, 90, 99)}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(Load(json.loads(sys.argv[1])).work())))
