"""What is not model traffic goes to the control process, unread: admin API, metrics, console."""

from polycloud.core.errors import CloudError
from polycloud.gateway.client import Origin, Pool, Ticket
from polycloud.gateway.server import LAST_CHUNK, Inbound, Request, chunk, head, plain

CONNECT_SECONDS = 1.0
_HOP_BY_HOP = frozenset(
    (b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"te", b"trailer", b"upgrade", b"expect",
     b"proxy-connection", b"x-forwarded-for")
)  # fmt: skip


class Passing:
    """One request handed on, and its answer handed back."""

    def __init__(self, inbound: Inbound, request: Request, pool: Pool, control: Origin) -> None:
        self._inbound = inbound
        self._request = request
        self._pool = pool
        self._control = control
        self._ticket: Ticket | None = None
        self._chunked = False
        self._begun = False

    def begin(self) -> None:
        request = self._request
        headers = b"".join(b"%b: %b\r\n" % kv for kv in request.headers.items() if kv[0] not in _HOP_BY_HOP)
        data = b"%b %b HTTP/1.1\r\n%bcontent-length: %d\r\n\r\n%b" % (
            request.method, request.target, headers, len(request.body), request.body,
        )  # fmt: skip
        self._ticket = self._pool.send(self._control, data, self, CONNECT_SECONDS)

    def response_started(self, status: int, headers: dict[bytes, bytes]) -> None:
        self._begun = True
        length = headers.get(b"content-length")
        self._chunked = length is None and not self._request.http10 and status not in (204, 304)
        if length is None and not self._chunked:
            self._request.keep_alive = self._request.keep_alive and status in (204, 304)
        kept = b"".join(b"%b: %b\r\n" % kv for kv in headers.items() if kv[0] not in _HOP_BY_HOP)
        size = None if self._chunked else int(length or 0)
        self._inbound.send(head(status, kept, size, keep_alive=self._request.keep_alive))

    def response_data(self, data: bytes) -> None:
        self._inbound.send(chunk(data) if self._chunked else data)

    def response_ended(self) -> None:
        self._ticket = None
        if self._chunked:
            self._inbound.send(LAST_CHUNK)
        self._inbound.finish()

    def response_failed(self, error: CloudError, *, stale: bool) -> None:
        self._ticket = None
        if stale and self._request.method in (b"GET", b"HEAD"):
            self.begin()
        elif self._begun:
            self._inbound.shut()
        else:
            text = "the control process is away; model traffic is still served"
            self._inbound.send(plain(503, text, keep_alive=self._request.keep_alive))
            self._inbound.finish()

    def caller_gone(self) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            ticket.cancel()

    def caller_slow(self, slow: bool) -> None:
        if self._ticket is not None:
            (self._ticket.pause if slow else self._ticket.resume)()
