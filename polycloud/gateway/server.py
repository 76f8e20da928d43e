"""The way in: HTTP/1.1 from callers at protocol level, bounded in every direction.

An ``Inbound`` reads requests one after another and hands each to the application, a callable that
answers through ``Inbound.send`` and ends with ``Inbound.finish``. A caller who hangs up is told to the
answer under way by ``Answering.caller_gone``.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import Protocol, cast

import httptools
import msgspec

from polycloud.core.ids import IdSource
from polycloud.gateway.dialects import anthropic_messages_errors, openai_chat_errors

HEADERS_MAX = 100
HEADER_BYTES_MAX = 32 * 1024
TARGET_BYTES_MAX = 8 * 1024
BODY_BYTES_MAX = 32 * 1024 * 1024  # what Anthropic accepts (413 above 32 MB), the largest of the providers
BODIES_BYTES_MAX = 512 * 1024 * 1024  # of all requests that a worker holds: sixteen of the largest
PIPELINED_MAX = 16  # requests that wait behind another; no more are read until some are answered
PIPELINED_READ_MAX = 1024  # of them, as one read brings many small ones
PIPELINED_BYTES_MAX = 1024 * 1024  # of bodies that wait behind a request; no more are read until it is answered
REQUEST_SECONDS = 60.0  # from the first byte of a request to its last; a slower sender is let go
KEEP_ALIVE_SECONDS = 75.0
LINGER_SECONDS = 30.0  # for a caller to take the last bytes before a close
CONNECTIONS_MAX = 10_000
ID_HEADER = b"x-polycloud-request"

# A second value of one of these would let two readers of the same request see two different ones.
_SINGLE = frozenset(
    (
        b"authorization",
        b"x-api-key",
        b"api-key",
        b"content-length",
        b"transfer-encoding",
        b"host",
        b"x-polycloud-class",
        b"x-polycloud-region",
    )
)
_OFFER = frozenset((b"connection", b"upgrade", b"http2-settings", b"expect"))  # the last one was answered
_ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    408: "Request Timeout", 409: "Conflict", 413: "Content Too Large", 422: "Unprocessable Content",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout", 505: "HTTP Version Not Supported",
}  # fmt: skip

_CODES = {
    413: "too_large",
    429: "rate_limited",
    500: "internal",
    503: "gateway_unavailable",
    504: "gateway_unavailable",
}

_STATUS_LINES = {status: b"HTTP/1.1 %d %b\r\n" % (status, reason.encode()) for status, reason in REASONS.items()}


class Request:
    """One whole request. Header names are lower case; ``target`` begins with its path, which has no query in ``path``.

    A target in absolute form, as proxies are sent, is read as its path: RFC 9112 section 3.2.2 (2026-11).
    """

    __slots__ = ("body", "headers", "http10", "keep_alive", "method", "path", "target")

    def __init__(self, method: bytes, target: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
        self.method = method
        if target[:1] != b"/":
            target = _origin_form(target)
        self.target = target
        self.path = target.partition(b"?")[0]
        self.headers = headers
        self.body = body
        self.keep_alive = True
        self.http10 = False


def _origin_form(target: bytes) -> bytes:
    """The path and query of ``http://host/path?query``; any other form (``*``, an authority) as it is."""
    match = _ABSOLUTE.match(target)
    if match is None:
        return target
    rest = target[match.end() :]
    return rest if rest[:1] == b"/" else b"/" + rest


class Answering(Protocol):
    """What answers a request; told when nobody listens any more, and of a caller's slowness."""

    def caller_gone(self) -> None: ...

    def caller_slow(self, slow: bool) -> None: ...


class Refusal(Exception):
    """The bytes can not be a request: the status and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


Application = Callable[["Inbound", Request], Answering | None]


class Connections(set["Inbound"]):
    """Those of one worker, and how many bytes of bodies they hold together. ``ids`` names what is refused here."""

    body_bytes = 0

    def __init__(self, ids: IdSource | None = None) -> None:
        super().__init__()
        self.ids = ids or IdSource("req-")


class Inbound(asyncio.Protocol):
    """One caller's connection."""

    def __init__(self, application: Application, connections: "Connections", now: Callable[[], float]) -> None:
        self._application = application
        self._connections = connections
        self._now = now
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._refusal: Refusal | None = None
        self._in_body = False
        self._held_bytes = 0  # bodies of requests that are not answered yet, the unfinished one's too
        self._waiting: deque[Request] = deque()
        self._slow = False
        self._held = False  # reading is paused: enough waits
        self._turning = False  # in ``_go_on``
        self._unsaid: bytes | None = None  # a refusal that waits for the answers before it
        self._request: Request | None = None
        self._answering: Answering | None = None
        self.transport: asyncio.Transport
        self.closed = False
        self.since = 0.0
        self.partial = False

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.since = self._now()
        if len(self._connections) >= CONNECTIONS_MAX:
            self.closed = True
            self.transport.write(
                plain(503, "too many connections", b"", self._connections.ids.next(), keep_alive=False)
            )
            self.transport.close()
            return
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self.closed:
            return
        if not self.partial:
            self.partial = True
            self.since = self._now()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._without_upgrade(data[offer.args[0] :])
        except httptools.HttpParserCallbackError as error:
            if self._refusal is None:  # a bug of ours; the answer to it was given where it happened
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a request failed inside the gateway", "exception": error.__context__ or error}
                )
            self._refuse(self._refusal or Refusal(500, "the gateway failed on this request"))
        except httptools.HttpParserError as error:
            self._refuse(Refusal(400, f"not a valid HTTP/1.1 request: {error}"))

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._connections.discard(self)
        self._release(self._held_bytes)
        self._waiting.clear()
        self._body.clear()
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.caller_gone()

    def pause_writing(self) -> None:
        self._slow = True
        if self._answering is not None:
            self._answering.caller_slow(True)

    def resume_writing(self) -> None:
        self._slow = False
        if self._answering is not None:
            self._answering.caller_slow(False)
        elif self._request is None and not self.closed:
            self.since = self._now()
            self._next()

    # httptools

    def on_url(self, url: bytes) -> None:
        self._target += url
        if len(self._target) > TARGET_BYTES_MAX:
            self._stop(431, "the request target is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES_MAX or len(self._headers) >= HEADERS_MAX:
            self._stop(431, "too many or too large headers")
        if self._in_body:
            return  # trailers: nothing after the body may change what the headers said
        if name in self._headers:
            if name in _SINGLE:
                self._stop(400, f"the header {name.decode('latin-1')} is given twice")
            value = self._headers[name] + b", " + value  # one list, RFC 9110 section 5.3
        self._headers[name] = value

    def on_headers_complete(self) -> None:
        self._in_body = True
        encoding = self._headers.get(b"transfer-encoding")
        if encoding is not None:
            if b"content-length" in self._headers:
                self._stop(400, "both transfer-encoding and content-length are given")
            if encoding.strip().lower() != b"chunked":
                self._stop(400, "the only transfer-encoding that is read is chunked")
        length = self._headers.get(b"content-length")
        if length is not None and int(length) > BODY_BYTES_MAX:
            self._stop(413, f"the body is over {BODY_BYTES_MAX} bytes")
        if b"host" not in self._headers and self._parser.get_http_version() == "1.1":
            self._stop(400, "the header host is missing")  # RFC 9112 section 3.2
        if b"expect" in self._headers and self._request is None and not self._waiting:
            if self._headers[b"expect"].lower() != b"100-continue":
                self._stop(400, "unknown expectation")
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        self._held_bytes += len(body)
        self._connections.body_bytes += len(body)
        if self._body_bytes > BODY_BYTES_MAX:
            self._stop(413, f"the body is over {BODY_BYTES_MAX} bytes")
        if self._connections.body_bytes > BODIES_BYTES_MAX:
            self._stop(503, "the gateway holds as many large requests as it can; try again soon")
        first = self._request or (self._waiting[0] if self._waiting else None)
        if first is not None and self._held_bytes - len(first.body) > PIPELINED_BYTES_MAX:
            self._hold()
        self._body.append(body)

    def on_message_complete(self) -> None:
        if self._parser.should_upgrade():
            return  # and no body was read: see ``_without_upgrade``
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        request = Request(self._parser.get_method(), self._target, self._headers, body)
        request.keep_alive = self._parser.should_keep_alive()
        if not request.keep_alive or b"connection" in self._headers:  # else it is HTTP/1.1
            version = self._parser.get_http_version()
            if version not in ("1.0", "1.1"):
                self._stop(505, f"HTTP/{version} is not spoken here; send HTTP/1.1")
            request.http10 = version == "1.0"
            request.keep_alive = request.keep_alive and not request.http10
        self._target, self._headers, self._body = b"", {}, []
        self._header_bytes = self._body_bytes = 0
        self.partial = self._in_body = False
        if self._request is None and not self._slow:
            self._begin(request)
        elif len(self._waiting) < PIPELINED_READ_MAX:
            self._waiting.append(request)
            if len(self._waiting) >= PIPELINED_MAX:
                self._hold()
        else:
            self._stop(429, f"more than {PIPELINED_READ_MAX} requests are waiting on this connection")

    def _hold(self) -> None:
        """Read no more for now. A caller who hangs up meanwhile is noticed by the next bytes that are written."""
        if not self._held and not self.transport.is_closing():
            self._held = True
            self.transport.pause_reading()

    def _without_upgrade(self, rest: bytes) -> None:
        """Read a request that offers HTTP/2 as if it did not, which RFC 9110 section 7.8 allows. Java's own client and
        `curl --http2` offer it with what they send first; the parser takes no body behind an offer."""
        method, version = self._parser.get_method(), self._parser.get_http_version().encode()
        if method == b"CONNECT" or self._headers[b"upgrade"].lower() != b"h2c":
            self._refuse(Refusal(400, "this endpoint does not upgrade connections"))
            return
        close = b"close" in self._headers.get(b"connection", b"").lower()
        kept = {name: value for name, value in self._headers.items() if name not in _OFFER}
        lines = b"".join(b"%b: %b\r\n" % header for header in kept.items()) + (b"connection: close\r\n" * close)
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self._target, version, lines)
        self._parser = httptools.HttpRequestParser(self)
        self._target, self._headers, self._header_bytes, self._in_body = b"", {}, 0, False
        self.data_received(head + rest)

    def _stop(self, status: int, reason: str) -> None:
        self._refusal = Refusal(status, reason)
        raise self._refusal

    # answers

    def _begin(self, request: Request) -> None:
        self._request = request
        failed = True
        try:
            answering = self._application(self, request)
            failed = False
        finally:
            if failed and self._request is request:  # else the caller would wait for ever
                self._request = None
                self._waiting.clear()
                self._target = request.target  # in whose dialect it is told
                self._refuse(Refusal(500, "the gateway failed on this request"))
        if self._request is request:
            self._answering = answering

    def send(self, data: bytes) -> None:
        """Bytes of the answer under way."""
        if not self.closed:
            self.transport.write(data)

    def finish(self, *, keep_alive: bool = True) -> None:
        """The answer is complete: go on with the next request, or close."""
        request, self._request, self._answering = self._request, None, None
        if request is not None:
            size = len(request.body)
            if size > self._held_bytes:
                size = self._held_bytes  # none after the connection is lost
            self._held_bytes -= size
            self._connections.body_bytes -= size
        if self.closed:
            return
        if request is None or not (keep_alive and request.keep_alive):
            self.shut()
            return
        self.since = self._now()
        self._next()

    def _next(self) -> None:
        """Begin the request that waits, once the caller has taken the answer before it: an answer that nobody takes
        would keep a provider waiting, and make it look silent."""
        if (self._waiting or self._held or self._unsaid) and not (self._slow or self._turning):
            self._go_on()

    def _go_on(self) -> None:
        """The requests that wait, then the refusal behind them; and read on when few are left."""
        self._turning = True  # answers given at once come back here: a loop, no recursion
        try:
            while self._waiting and self._request is None and not (self._slow or self.closed):
                self._begin(self._waiting.popleft())
        finally:
            self._turning = False
        if self.closed:
            return
        if self._unsaid and self._request is None and not self._waiting:
            self.transport.write(self._unsaid)
            self.shut()
        elif self._held and len(self._waiting) < PIPELINED_MAX and not self.transport.is_closing():
            behind = self._held_bytes - (len(self._request.body) if self._request else 0)
            if behind <= PIPELINED_BYTES_MAX or self._request is None:
                self._held = False
                self.transport.resume_reading()

    def shut(self) -> None:
        """Close once everything written is out."""
        if not self.closed:
            self.closed = True
            self.since = self._now()
            self.transport.close()

    def abort(self) -> None:
        """Close now; what is not sent yet is lost."""
        self.closed = True
        self.transport.abort()

    def last(self) -> None:
        """Close after the answer under way, or now when there is none."""
        if self._request is not None:
            self._request.keep_alive = False
        else:
            self.shut()

    def _release(self, size: int) -> None:
        self._held_bytes -= size
        self._connections.body_bytes -= size

    @property
    def busy(self) -> bool:
        return self._request is not None

    def _refuse(self, refusal: Refusal) -> None:
        if self.closed:
            return
        if self._unsaid:
            return  # told already; what came behind it is not read
        own = self._connections.ids.next()
        self._unsaid = plain(refusal.status, str(refusal), self._target, own, keep_alive=False)
        self._body.clear()
        if self._request is None and not self._waiting:  # else its bytes would corrupt the answers before it
            self.transport.write(self._unsaid)
            self.shut()

    def check(self, now: float) -> None:
        """Let go a sender that is too slow, and a connection that is idle too long."""
        if self.closed:
            if now - self.since > LINGER_SECONDS:
                self.transport.abort()
            return
        if self.busy:
            return
        if self.partial and now - self.since > REQUEST_SECONDS:
            text = f"the request took over {REQUEST_SECONDS:g} s to arrive"
            self.transport.write(plain(408, text, self._target, self._connections.ids.next(), keep_alive=False))
            self.shut()
        elif not self.partial and now - self.since > KEEP_ALIVE_SECONDS:
            self.shut()


def head(status: int, headers: bytes, length: int | None, *, keep_alive: bool = True) -> bytes:
    """Status line and headers. ``headers`` are whole lines; ``length`` None is chunked."""
    connection = b"" if keep_alive else b"connection: close\r\n"
    if length is None:
        return b"%b%btransfer-encoding: chunked\r\n%b\r\n" % (status_line(status), headers, connection)
    return b"%b%bcontent-length: %d\r\n%b\r\n" % (status_line(status), headers, length, connection)


def status_line(status: int) -> bytes:
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Status\r\n" % status


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""  # an empty chunk would end the body


LAST_CHUNK = b"0\r\n\r\n"


def identity(request: str, also: bytes) -> bytes:
    """A request's id in headers: under our name, and under ``also``, the one that the face's official clients show."""
    own = request.encode()
    return b"%b: %b\r\n%b: %b\r\n" % (ID_HEADER, own, also, own)


def plain(
    status: int, message: str, target: bytes, request: str, *, allow: bytes = b"", keep_alive: bool = True
) -> bytes:
    """A whole JSON error for what no face has read: in Anthropic's form below ``/v1/messages``, else in OpenAI's.
    ``request`` is its id, ``allow`` the methods of this path, for 405."""
    path = _origin_form(target).partition(b"?")[0]
    code = _CODES.get(status, "bad_request")
    also = b"x-request-id"
    body: dict[str, object]
    if path == b"/v1/messages" or path.startswith(b"/v1/messages/"):
        also = b"request-id"
        said = anthropic_messages_errors.plain_body(status, code, message)
        body = {"type": "error", "error": said, "request_id": request}
    else:
        body = {"error": openai_chat_errors.plain_body(status, code, message)}
    headers = b"content-type: application/json\r\n" + (b"allow: %b\r\n" % allow if allow else b"")
    headers += identity(request, also)
    data = msgspec.json.encode(body)
    return head(status, headers, len(data), keep_alive=keep_alive) + data
