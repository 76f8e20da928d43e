"""The HTTP listener, fed by hand: however the bytes are split, whatever the caller does."""

import asyncio
from typing import Any

import pytest

from polycloud.core.clock import SystemClock
from polycloud.sandbox import wire
from polycloud.sandbox.wire import Connection, Exchange, Reply, Request


class Line:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> None:
        return None


class Caller:
    def __init__(self, answer: bool = True) -> None:
        self.seen: list[Request] = []
        self.open: list[Exchange] = []
        self.line = Line()
        self.connections: set[Connection] = set()
        self._answer = answer
        self.connection = Connection(self._handle, self.connections, SystemClock(), {"x-mark": "yes"})
        self.connection.connection_made(self.line)  # type: ignore[arg-type]

    def _handle(self, request: Request, exchange: Exchange) -> None:
        self.seen.append(request)
        self.open.append(exchange)
        if self._answer:
            exchange.reply(Reply(200, f"answer {len(self.seen)}".encode()))

    def send(self, data: bytes) -> None:
        self.connection.data_received(data)


POST = b"POST /a%3Ab?x=1 HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 5\r\n\r\nhello"


@pytest.mark.parametrize("at", range(1, len(POST)))
def test_a_request_split_anywhere_is_one_request(at: int) -> None:
    caller = Caller()
    caller.send(POST[:at])
    caller.send(POST[at:])
    (request,) = caller.seen
    assert (request.method, request.path, request.query, request.body) == ("POST", "/a%3Ab", "x=1", b"hello")
    assert request.headers == {"host": "h", "x-a": "1, 2", "content-length": "5"}
    head, _, body = caller.line.sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and b"x-mark: yes" in head and b"content-length: 8" in head
    assert body == b"answer 1" and not caller.line.closed


def test_chunks_expectations_and_old_clients() -> None:
    caller = Caller()
    caller.send(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert caller.line.sent == b"HTTP/1.1 100 Continue\r\n\r\n"
    caller.send(b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    assert caller.seen[0].body == b"abc" and not caller.line.closed
    caller.send(b"GET / HTTP/1.0\r\n\r\n")
    assert b"connection: close" in caller.line.sent and caller.line.closed


def test_pipelined_requests_are_answered_in_order() -> None:
    caller = Caller(answer=False)
    caller.send(POST * 3)
    assert len(caller.seen) == 1
    for i in range(3):
        caller.open[i].reply(Reply(200, b"%d" % i))
    assert len(caller.seen) == 3
    assert [p[:1] for p in caller.line.sent.split(b"\r\n\r\n")[1:]] == [b"0", b"1", b"2"]


def test_a_head_has_no_body() -> None:
    caller = Caller()
    caller.send(b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert caller.line.sent.endswith(b"content-length: 8\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"not http at all\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * wire.HEADER_BYTES_MAX + b"\r\n\r\n", 431),
    ],
)
def test_what_is_not_a_request_is_refused(data: bytes, status: int) -> None:
    caller = Caller()
    caller.send(data)
    assert caller.line.sent.startswith(b"HTTP/1.1 %d " % status) and caller.line.closed
    assert caller.seen == []


def test_a_body_over_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "BODY_BYTES_MAX", 4)
    caller = Caller()
    caller.send(POST)
    assert caller.line.sent.startswith(b"HTTP/1.1 413 ") and caller.seen == []


def test_too_many_waiting_requests_end_the_connection() -> None:
    caller = Caller(answer=False)
    caller.send(POST)
    caller.send(POST * (wire.PIPELINE_MAX + 1))
    assert caller.line.sent.startswith(b"HTTP/1.1 400 ") and caller.line.closed
    assert caller.open[0].gone


def test_a_stream_is_chunked() -> None:
    caller = Caller(answer=False)
    caller.send(POST)
    exchange = caller.open[0]
    exchange.start(200, {"content-type": "text/event-stream"})
    exchange.write(b"one")
    exchange.burst([b"two", b"three"])
    exchange.end()
    assert caller.line.sent.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n")
    caller.send(POST)
    assert len(caller.seen) == 2


def test_a_mistake_of_the_handler_is_not_the_callers() -> None:
    caller = Caller()
    caller.connection._handler = lambda request, exchange: 1 / 0  # type: ignore[assignment, return-value]
    with pytest.raises(ZeroDivisionError):
        caller.send(POST)
    assert caller.line.sent == b""


def test_a_lie_about_the_length_ends_the_connection() -> None:
    caller = Caller(answer=False)
    caller.send(POST)
    caller.open[0].reply(Reply(200, b"half", declared_length=8))
    assert b"content-length: 8" in caller.line.sent and caller.line.closed


def test_a_hang_up_cancels_the_work() -> None:
    async def live() -> Any:
        caller = Caller(answer=False)
        caller.send(POST)
        task = asyncio.create_task(asyncio.sleep(60))
        caller.open[0].task = task
        await asyncio.sleep(0)
        caller.connection.connection_lost(None)
        await asyncio.gather(task, return_exceptions=True)
        return caller, task

    caller, task = asyncio.run(live())
    assert task.cancelled() and caller.open[0].gone and caller.connections == set()
    caller.open[0].write(b"late")
    assert caller.line.sent == b""
