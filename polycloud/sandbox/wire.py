"""HTTP/1.1 as a listener: parses requests, keeps connections, notices callers that hang up.

Callbacks, not a task a request: an answer that needs no waiting is written in the same turn of the
loop in which its question arrived.
"""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import cast

import httptools
import msgspec

from polycloud.core.clock import Clock

BODY_BYTES_MAX = 32 * 1024 * 1024  # Anthropic's limit; Bedrock's and Azure's are in the same range
HEADER_BYTES_MAX = 64 * 1024  # twice what common servers accept
PIPELINE_MAX = 16  # requests waiting behind an unfinished one on the same connection
_REASONS = {s.value: s.phrase for s in HTTPStatus}


class Request(msgspec.Struct):
    """``target`` is the request line's, still encoded; header names are lower case, repeats joined by comma."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


class Reply(msgspec.Struct):
    """A whole answer; ``declared_length`` lies about the body's length (a fault), None tells the truth."""

    status: int
    body: bytes
    headers: dict[str, str] = {}
    declared_length: int | None = None


Handler = Callable[[Request, "Exchange"], None]


class Exchange:
    """One request's way back: a whole reply, or a head, pieces and an end."""

    def __init__(self, connection: "Connection", keep_alive: bool, head_only: bool) -> None:
        self._connection = connection
        self._keep_alive = keep_alive
        self._head_only = head_only
        self.gone = False
        self.task: asyncio.Task[None] | None = None

    def reply(self, reply: Reply) -> None:
        length = len(reply.body) if reply.declared_length is None else reply.declared_length
        head = (
            self._connection.head(reply.status, reply.headers, self._keep_alive) + f"content-length: {length}\r\n\r\n"
        )
        self._connection.write(head.encode("latin-1") + (b"" if self._head_only else reply.body))
        if reply.declared_length is not None:
            self._keep_alive = False
        self._connection.done(self, self._keep_alive)

    def start(self, status: int, headers: dict[str, str]) -> None:
        head = self._connection.head(status, headers, self._keep_alive) + "transfer-encoding: chunked\r\n\r\n"
        self._connection.write(head.encode("latin-1"))

    def write(self, data: bytes) -> None:
        self._connection.write(b"%x\r\n%b\r\n" % (len(data), data))

    def burst(self, pieces: list[bytes]) -> None:
        """Many pieces by one write, each still a chunk of its own."""
        self._connection.write(b"".join([b"%x\r\n%b\r\n" % (len(data), data) for data in pieces]))

    def end(self) -> None:
        self._connection.write(b"0\r\n\r\n")
        self._connection.done(self, self._keep_alive)

    def cut(self) -> None:
        """Closes the connection without the end of the answer."""
        self._connection.close()

    def reset(self) -> None:
        self._connection.reset()

    async def drain(self) -> None:
        """Returns when the caller has read enough to go on."""
        await self._connection.writable.wait()


class Connection(asyncio.Protocol):
    """One caller's connection; ``open_connections`` holds it while it lives."""

    def __init__(
        self, handler: Handler, open_connections: set["Connection"], clock: Clock, marks: dict[str, str]
    ) -> None:
        self._handler = handler
        self._open = open_connections
        self._clock = clock
        self._marks = "".join(f"{name}: {value}\r\n" for name, value in marks.items())
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._active: Exchange | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self._closing = False
        self._handing_over = False
        self._clear()

    def _clear(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0

    # asyncio.Protocol
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio.Transport but not its name.
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._open.discard(self)
        self.writable.set()
        self._waiting.clear()
        self._abandon()

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(400, b"bad request")
        # Outside the parser's callbacks, so that a mistake of ours is not taken for one of the caller's.
        self._next()

    # httptools
    def on_message_begin(self) -> None:
        self._clear()

    def on_url(self, url: bytes) -> None:
        self._target += url
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_header(len(name) + len(value))
        key, text = name.decode("ascii").lower(), value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._body_bytes += len(data)
        if self._body_bytes > BODY_BYTES_MAX:
            self._refuse(413, b"request body too large")
        elif not self._closing:
            self._body.append(data)

    def on_message_complete(self) -> None:
        if self._closing:
            return
        method = self._parser.get_method().decode("ascii")
        request = Request(method, self._target.decode("ascii"), self._headers, b"".join(self._body))
        keep = self._parser.should_keep_alive()
        if len(self._waiting) < PIPELINE_MAX:
            self._waiting.append((request, keep))
        else:
            self._refuse(400, b"too many pipelined requests")

    # for Exchange
    def head(self, status: int, headers: dict[str, str], keep_alive: bool) -> str:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        close = "" if keep_alive else "connection: close\r\n"
        date = formatdate(self._clock.wall(), usegmt=True)
        return f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}\r\ndate: {date}\r\n{self._marks}{lines}{close}"

    def write(self, data: bytes) -> None:
        if not self._closing:
            self._transport.write(data)

    def done(self, exchange: Exchange, keep_alive: bool) -> None:
        if self._active is not exchange:
            return
        self._active = None
        if keep_alive:
            self._next()
        else:
            self.close()

    def close(self) -> None:
        self._closing = True
        self._active = None
        self._transport.close()

    def reset(self) -> None:
        """Ends the connection with a TCP reset, as a host that went away does; unfinished work is given up."""
        self._closing = True
        self._abandon()
        sock = self._transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def _next(self) -> None:
        """Hands over waiting requests, one after the other is answered."""
        if self._handing_over:
            return
        self._handing_over = True
        try:
            while self._waiting and self._active is None and not self._closing:
                request, keep_alive = self._waiting.popleft()
                self._active = exchange = Exchange(self, keep_alive, request.method == "HEAD")
                self._handler(request, exchange)
        finally:
            self._handing_over = False

    def _abandon(self) -> None:
        exchange, self._active = self._active, None
        if exchange is not None:
            exchange.gone = True
            if exchange.task is not None:
                exchange.task.cancel()

    def _count_header(self, more: int) -> None:
        self._header_bytes += more
        if self._header_bytes > HEADER_BYTES_MAX:
            self._refuse(431, b"request headers too large")

    def _refuse(self, status: int, message: bytes) -> None:
        if self._closing:
            return
        self._abandon()
        head = self.head(status, {"content-type": "text/plain"}, keep_alive=False)
        self.write(f"{head}content-length: {len(message)}\r\n\r\n".encode("latin-1") + message)
        self.close()
