"""The way out: pooled HTTP/1.1 connections at protocol level, no task for a request.

Redirects are never followed: a provider that answers 3xx has failed. One ``Call`` uses a connection
at a time; what goes wrong reaches it as a ``CloudError``.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

import httptools

from polycloud.core.errors import BrokenStream, CloudError, TimedOut, Unavailable

CONNECTIONS_MAX = 4096  # to one origin; far over what one worker serves, far under its file descriptors
IDLE_SECONDS = 30.0  # providers close idle connections after 60 s and more
HEADERS_MAX = 128
HEADER_BYTES_MAX = 64 * 1024
Taker = Callable[[bytes, int], bool]


class Origin(NamedTuple):
    """Where connections lead: TLS or not, host and port; or a unix socket (``path``)."""

    tls: bool
    host: str
    port: int
    path: str = ""


class Call(Protocol):
    """Who asked. After ``failed`` or ``ended`` nothing more is called."""

    def response_started(self, status: int, headers: dict[bytes, bytes]) -> None: ...

    def response_data(self, data: bytes) -> None: ...

    def response_ended(self) -> None: ...

    def response_failed(self, error: CloudError, *, stale: bool) -> None:
        """``stale``: a kept connection was closed before a byte of the answer, as servers do with idle ones."""
        ...


class Connection(asyncio.Protocol):
    """One connection to an origin; reads answers by httptools."""

    __slots__ = (  # noqa: RUF023 - private state last
        "call", "closed", "idle_since", "on_body", "origin", "ticket", "transport",
        "_answering", "_between", "_body", "_complete", "_extra", "_header_bytes", "_headers", "_keep", "_own",
        "_parser", "_paused", "_pool", "_taker", "_until_close", "_uses",
    )  # fmt: skip
    transport: asyncio.Transport

    def __init__(self, pool: "Pool", origin: Origin) -> None:
        self._pool = pool
        self.origin = origin
        self.call: Call | None = None
        self.ticket: Ticket | None = None
        self.closed = False
        self.idle_since = 0.0
        self._uses = 0
        self._body: list[bytes] = []
        self.on_body = self._body.append  # what httptools calls: not a function of Python's, for a chunk's sake
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._answering = False
        self._complete = self._keep = False
        self._until_close = False
        self._paused = self._extra = False
        self._own = 0  # pieces of the body before those of an answer that is nobody's
        self._taker: Taker | None = None
        self._between = False  # the parser is between two chunks, as far as is known

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, call: Call, ticket: "Ticket", data: bytes) -> None:
        self.call, self.ticket = call, ticket
        self._uses += 1
        self._answering = self._complete = self._until_close = self._between = False
        self._taker = None
        self._headers, self._header_bytes = {}, 0  # trailers of the answer before this one
        self._body.clear()
        self._own = 0
        self.transport.write(data)

    def take(self, taker: Taker) -> None:
        """Ask ``taker`` about every whole chunk of the answer under way, before it is parsed: see ``Ticket.take``."""
        self._taker = taker

    def hold(self, paused: bool) -> None:
        """Stop or go on reading."""
        if paused != self._paused and not self.closed and not self.transport.is_closing():
            self._paused = paused
            (self.transport.pause_reading if paused else self.transport.resume_reading)()

    def data_received(self, data: bytes) -> None:
        if self.call is None:
            self.close()  # an origin that speaks out of turn can not be trusted with the next call
            return
        taker, start = self._taker, 0
        if taker is not None:
            start = chunk_start(data)
            if start and self._between and taker(data, start):
                return
        self._answering, self._between = True, False
        broken: Exception | None = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            broken = error
        body = self._body
        if body:  # handed on as one piece: a burst of small chunks then costs one write to the caller
            if self._extra:
                del body[self._own :]
            piece = body[0] if len(body) == 1 else b"".join(body)
            body.clear()
            self._between = start > 0 and data[start:-2] == piece
            if piece and self.call is not None:
                self.call.response_data(piece)
        if broken is not None:
            if not self._complete:
                self._fail(BrokenStream(f"the answer is not HTTP: {broken!r}"))
                return
            self._keep = False
        if self._complete:
            self._finish()

    def on_message_begin(self) -> None:
        """A second answer to one request belongs to nobody."""
        if self._extra:
            del self._body[self._own :]
        self._extra, self._own = self._complete, len(self._body)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES_MAX or len(self._headers) > HEADERS_MAX:
            raise ValueError("too many headers")
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        headers, self._headers, self._header_bytes = self._headers, {}, 0
        if status < 200 or self._extra:
            return
        self._until_close = b"content-length" not in headers and b"transfer-encoding" not in headers
        if self.call is not None:
            self.call.response_started(status, headers)

    def on_message_complete(self) -> None:
        if self._extra:
            self._keep = False
        elif self._parser.get_status_code() >= 200:
            self._complete = True
            self._keep = self._parser.should_keep_alive()  # true only inside this callback

    def _release(self) -> Call | None:
        """The call, no longer bound: neither hears of the other again."""
        call, self.call = self.call, None
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.ended()
        return call

    def _finish(self) -> None:
        call = self._release()
        if self._keep and not self.closed:
            if self._paused:
                self.hold(False)  # a caller's slowness ends with its answer, and a close of an idle one must be heard
            self._pool.keep(self)
        else:
            self.close()
        if call is not None:
            call.response_ended()

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._pool.forget(self)
        if self.call is None:
            return
        if self._until_close and exc is None and self._answering:
            self._finish()
        elif self._answering:
            self._fail(BrokenStream("the provider closed the connection in the middle of its answer"))
        else:
            self._fail(Unavailable("the provider closed the connection without an answer"), stale=self._uses > 1)

    def _fail(self, error: CloudError, *, stale: bool = False) -> None:
        call = self._release()
        self.close()
        if call is not None:
            call.response_failed(error, stale=stale)

    def close(self) -> None:
        """Drop the connection now; a call that was cancelled upstream is cancelled there too."""
        self._release()
        if not self.closed:
            self.closed = True
            self._pool.forget(self)
            self.transport.abort()


def chunk_start(data: bytes) -> int:
    """Where the payload of ``data`` begins when it is one whole chunk of a chunked body (RFC 9112 section 7.1) as
    ``server.chunk`` would write it, of 16 to 4,095 bytes; 0 otherwise. The payload ends two bytes before the end."""
    size = len(data)
    start = 5 if size > 262 else 4
    payload = size - start - 2
    if payload > 15 and data[-2:] == b"\r\n" and data.startswith(b"%x\r\n" % payload) and data[start - 1] == 10:
        return start
    return 0


class Ticket:
    """A call under way: what its owner needs to cancel it or to hold it back."""

    __slots__ = ("_connection", "_paused", "cancelled")

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._paused = False
        self.cancelled = False

    def connected(self, connection: Connection, call: Call, data: bytes) -> None:
        self._connection = connection
        connection.send(call, self, data)
        connection.hold(self._paused)

    def cancel(self) -> None:
        """Drop the call with its connection. For calls that have not ended; later it does nothing."""
        self.cancelled = True
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def take(self, taker: Taker) -> None:
        """Let ``taker`` take whole chunks of the answer as they came, framing included: it is given the bytes and where
        the payload begins in them, and says whether it took them. What it leaves comes by ``Call.response_data``."""
        if self._connection is not None:
            self._connection.take(taker)

    def ended(self) -> None:
        """The connection is another call's from now on."""
        self._connection = None

    def pause(self) -> None:
        self._hold(True)

    def resume(self) -> None:
        self._hold(False)

    def _hold(self, paused: bool) -> None:
        self._paused = paused
        if self._connection is not None:
            self._connection.hold(paused)


class Pool:
    """Connections by origin, the last used first. One pool a worker."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._idle: dict[Origin, list[Connection]] = {}
        self._all: set[Connection] = set()
        self._count: dict[Origin, int] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._tls: ssl.SSLContext | None = None

    @property
    def size(self) -> int:
        return len(self._all) + len(self._opening)

    def send(self, origin: Origin, data: bytes, call: Call, connect_seconds: float, *, fresh: bool = False) -> Ticket:
        """Send one request; ``call`` hears of the answer. ``fresh``: not over a kept connection."""
        ticket = Ticket()
        idle = self._idle.get(origin)
        if idle and not fresh:
            ticket.connected(idle.pop(), call, data)
            return ticket
        task = self._loop.create_task(self._open(origin, data, call, ticket, connect_seconds))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return ticket

    async def _open(self, origin: Origin, data: bytes, call: Call, ticket: Ticket, connect_seconds: float) -> None:
        if self._count.get(origin, 0) >= CONNECTIONS_MAX:
            self._report(ticket, call, Unavailable(f"{CONNECTIONS_MAX} connections to {origin.host} are in use"))
            return
        self._count[origin] = self._count.get(origin, 0) + 1
        connection = Connection(self, origin)
        try:
            async with asyncio.timeout(connect_seconds):
                if origin.path:
                    await self._loop.create_unix_connection(lambda: connection, origin.path)
                else:
                    await self._loop.create_connection(
                        lambda: connection, origin.host, origin.port, ssl=self._context() if origin.tls else None
                    )
        except TimeoutError:
            self._uncount(origin)
            self._report(ticket, call, TimedOut(f"no connection to {origin.host} within {connect_seconds:g} s"))
            return
        except (OSError, UnicodeError) as error:  # a host name may be none
            self._uncount(origin)
            reason = getattr(error, "strerror", None) or error
            self._report(ticket, call, Unavailable(f"no connection to {origin.host}: {reason}"))
            return
        if connection.closed:
            self._uncount(origin)
            self._report(ticket, call, Unavailable(f"{origin.host} closed a new connection at once"))
            return
        self._all.add(connection)
        if ticket.cancelled:
            connection.close()
        else:
            ticket.connected(connection, call, data)

    @staticmethod
    def _report(ticket: Ticket, call: Call, error: CloudError) -> None:
        if not ticket.cancelled:
            call.response_failed(error, stale=False)

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls

    def keep(self, connection: Connection) -> None:
        connection.idle_since = self._loop.time()
        idle = self._idle.get(connection.origin)
        if idle is None:
            idle = self._idle[connection.origin] = []
        idle.append(connection)

    def forget(self, connection: Connection) -> None:
        if connection in self._all:
            self._all.discard(connection)
            self._uncount(connection.origin)
        idle = self._idle.get(connection.origin)
        if idle and connection in idle:
            idle.remove(connection)

    def _uncount(self, origin: Origin) -> None:
        left = self._count.get(origin, 1) - 1
        if left:
            self._count[origin] = left
        else:
            self._count.pop(origin, None)

    def prune(self, *, everything: bool = False) -> None:
        """Close connections idle for too long, or all idle ones."""
        oldest = self._loop.time() - IDLE_SECONDS
        for origin, connections in list(self._idle.items()):
            for connection in list(connections):
                if everything or connection.idle_since < oldest:
                    connection.close()
            if not connections:
                del self._idle[origin]

    def close(self) -> None:
        for task in list(self._opening):
            task.cancel()
        for connection in list(self._all):
            connection.close()
