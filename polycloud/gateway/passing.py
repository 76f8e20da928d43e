"""What is not model traffic goes to the control process, unread: admin API, metrics, console."""

from polycloud.core.errors import CloudError
from polycloud.gateway.client import Origin, Ticket
from polycloud.gateway.server import ID_HEADER, LAST_CHUNK, Inbound, Request, chunk, head, plain, status_line
from polycloud.gateway.state import Gateway

CONNECT_SECONDS = 1.0
HEAD_SECONDS = 120.0  # the control process has answered by then, or hangs: checking a large estate takes seconds
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"te", b"trailer", b"upgrade", b"expect",
     b"proxy-connection", b"x-forwarded-for")
)  # fmt: skip
_AWAY = "the control process is away; model traffic is still served"
_SILENT = f"the control process has not answered within {HEAD_SECONDS:g} s; model traffic is still served"


class Passing:
    """One request handed on, and its answer handed back."""

    def __init__(self, gateway: Gateway, inbound: Inbound, request: Request, control: Origin) -> None:
        self._gateway = gateway
        self._inbound = inbound
        self._request = request
        self._control = control
        self._ticket: Ticket | None = None
        self._chunked = False
        self._begun = False
        self._bare = request.method == b"HEAD"
        self._since = gateway.clock.monotonic()

    def begin(self) -> None:
        self._gateway.exchanges.add(self)
        self._send(fresh=False)

    def _send(self, *, fresh: bool) -> None:
        request = self._request
        headers = b"".join(b"%b: %b\r\n" % kv for kv in request.headers.items() if kv[0] not in _HOP_BY_HOP)
        data = b"%b %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (
            b"GET" if self._bare else request.method, request.target, headers, len(request.body), request.body,
        )  # fmt: skip
        self._ticket = self._gateway.pool.send(self._control, data, self, CONNECT_SECONDS, fresh=fresh)

    # client.Call

    def response_started(self, status: int, headers: dict[bytes, bytes]) -> None:
        self._begun = True
        kept = b"".join(b"%b: %b\r\n" % kv for kv in headers.items() if kv[0] not in _HOP_BY_HOP)
        if status >= 400:
            kept += b"%b: %b\r\n" % (ID_HEADER, self._gateway.ids.next().encode())
        length = headers.get(b"content-length")
        if status in (204, 304):
            close = b"" if self._request.keep_alive else b"connection: close\r\n"
            self._inbound.send(b"%b%b%b\r\n" % (status_line(status), kept, close))
            return
        if length is None and self._request.http10:
            self._inbound.send(b"%b%bconnection: close\r\n\r\n" % (status_line(status), kept))
            return
        self._chunked = length is None and not self._bare
        size = None if length is None else int(length)
        self._inbound.send(head(status, kept, size, keep_alive=self._request.keep_alive))

    def response_data(self, data: bytes) -> None:
        if not self._bare:
            self._inbound.send(chunk(data) if self._chunked else data)

    def response_ended(self) -> None:
        if self._chunked:
            self._inbound.send(LAST_CHUNK)
        self._over()
        self._inbound.finish()

    def response_failed(self, error: CloudError, *, stale: bool) -> None:
        if stale and self._request.method in (b"GET", b"HEAD"):
            self._send(fresh=True)
        else:
            self._fail(503, _AWAY)

    def _fail(self, status: int, text: str) -> None:
        self._over()
        if self._begun:
            self._inbound.shut()
            return
        if self._bare:
            self._request.keep_alive = False  # the body that follows is none
        request = self._request
        self._inbound.send(plain(status, text, request.target, self._gateway.ids.next(), keep_alive=request.keep_alive))
        self._inbound.finish()

    def _over(self) -> None:
        self._ticket = None
        self._gateway.exchanges.discard(self)

    # state.Watched

    def check(self, now: float) -> None:
        if not self._begun and now - self._since > HEAD_SECONDS:
            self.caller_gone()
            self._fail(504, _SILENT)

    def stop(self) -> None:
        """The worker ends: the answer stops short."""
        self.caller_gone()
        self._fail(503, "the gateway is stopping")

    def steered(self) -> None:
        """The overlay is about models."""

    # server.Answering

    def caller_gone(self) -> None:
        ticket = self._ticket
        self._over()
        if ticket is not None:
            ticket.cancel()

    def caller_slow(self, slow: bool) -> None:
        if self._ticket is not None:
            (self._ticket.pause if slow else self._ticket.resume)()
