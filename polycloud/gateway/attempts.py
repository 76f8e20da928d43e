"""One upstream call: sent, watched, read, and told to the exchange that it belongs to.

Same dialect on both sides: bytes pass through and a tap reads what metering needs. Else the answer is
read into events and written in the caller's dialect. Nothing reaches the caller before the first
content event; a stream that ends without its terminal mark has failed.
"""

from collections.abc import Callable
from typing import Protocol, TypeVarTuple

from polycloud.core.chat import (
    CONTENT_EVENTS,
    ChatEvent,
    Ended,
    Failed,
    Finish,
    Finished,
    Need,
    ResponseFormat,
    Started,
    TextDelta,
    ThinkingDelta,
    ToolCallDelta,
    ToolCallStarted,
    Used,
)
from polycloud.core.errors import BrokenStream, CloudError, TimedOut
from polycloud.core.ports.models import StreamReader, StreamWriter, Tap
from polycloud.core.usage import Usage
from polycloud.gateway.client import Ticket
from polycloud.gateway.degrade import check_json_text, first_call_events
from polycloud.gateway.dialects.errors import in_stream
from polycloud.gateway.routes import Candidate
from polycloud.gateway.targets import Target

REPLY_BYTES_MAX = 64 * 1024 * 1024  # a whole answer; the largest seen are a few MB of base64
HELD_BYTES_MAX = 1024 * 1024  # of a stream before its first content
ERROR_BYTES_MAX = 256 * 1024
TOKEN_BYTES = 4  # of text; an event carries about one token, in ten times its bytes
Ts = TypeVarTuple("Ts")
_SERIAL = int(Need.SERIAL_TOOLS)  # an enum member would cost a call of Python
STREAM_TYPES = (b"text/event-stream", b"application/vnd.amazon.eventstream")


class Owner(Protocol):
    """What an attempt asks of its exchange. ``due``: before then no deadline is looked at; set to 0 when a new one
    begins. ``over``: nothing that still happens is its any more. ``raw``: writes to the caller, when its answer is
    chunked. ``broken``: what ``contain`` does with an error."""

    now: Callable[[], float]
    due: float
    last_sent: float
    over: bool
    raw: Callable[[bytes], None] | None

    def prepare(self, attempt: "Attempt") -> bytes: ...

    def dispatch(self, attempt: "Attempt", data: bytes) -> Ticket: ...

    def tap(self) -> Tap: ...

    def writer(self) -> StreamWriter: ...

    def commit(self, attempt: "Attempt", data: bytes) -> None: ...

    def forward(self, data: bytes, at: float) -> None: ...

    def whole(self, attempt: "Attempt", body: bytes) -> None: ...

    def streamed(self, attempt: "Attempt", data: bytes) -> None: ...

    def attempt_failed(self, attempt: "Attempt", error: CloudError) -> None: ...

    def contain(self, step: Callable[[*Ts], None], *args: *Ts) -> None: ...

    def broken(self, error: Exception) -> None: ...


class Attempt:
    """The state of one call. ``passing``: caller and provider speak the same dialect."""

    __slots__ = (  # noqa: RUF023 - private state last
        "candidate", "committed", "degraded", "done", "ended", "finish", "first_content", "headers", "number",
        "passing", "progress", "seen_bytes", "sent", "stale", "status", "stream", "target", "ticket", "usage",
        "wanted", "_ended_at", "_held", "_held_bytes", "_now", "_owner", "_parts", "_reader", "_serial", "_size",
        "_tap", "_text", "_writer",
    )  # fmt: skip

    def __init__(self, owner: Owner, target: Target, candidate: Candidate, number: int, stream: bool) -> None:
        self._owner = owner
        self._now = owner.now
        self.target = target
        self.candidate = candidate
        self.number = number
        self.stream = stream
        self.passing = False
        self.degraded: tuple[str, ...] = ()
        self.wanted: ResponseFormat | None = None  # what was asked for by prompt: no answer goes out unchecked
        self._text: list[str] = []  # of such an answer
        self.sent = self.progress = 0.0
        self.first_content: float | None = None
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.usage: Usage | None = None
        self.finish: Finish | None = None
        self.seen_bytes = 0
        self.committed = self.ended = self.done = self.stale = False
        self._ended_at = 0.0
        self.ticket: Ticket | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._tap: Tap | None = None
        self._reader: StreamReader | None = None
        self._writer: StreamWriter | None = None
        self._serial = bool(candidate.missing & _SERIAL)

    def launch(self) -> None:
        """Write the request in the provider's dialect, sign it and send it."""
        try:
            data = self._owner.prepare(self)
        except CloudError as error:
            self._fail(error)
            return
        if self.stream:
            if self.passing:
                self._tap = self._owner.tap()
            else:
                self._reader = self.target.dialect.stream_reader()
                self._writer = self._owner.writer()
        self.sent = self.progress = self._now()
        self.ticket = self._owner.dispatch(self, data)

    def cancel(self) -> None:
        """Stop: the connection is dropped, so the provider stops too."""
        self.done = True
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.cancel()

    # client.Call

    def response_started(self, status: int, headers: dict[bytes, bytes]) -> None:
        self._owner.contain(self._started, status, headers)

    def response_data(self, data: bytes) -> None:
        """As ``contain``, in place: every chunk of every stream comes through here."""
        owner = self._owner
        if self.done or owner.over:
            return
        try:
            self.progress = now = self._now()
            tap = self._tap
            if tap is not None:
                if self.committed and tap.alike(data):
                    self.seen_bytes += TOKEN_BYTES
                    owner.forward(data, now)
                else:
                    self._pass(tap, data)
            elif self._reader is not None:
                self._translate(self._reader, data)
            else:
                self._keep(data)
        except Exception as error:
            owner.broken(error)

    def _take(self, data: bytes, start: int) -> bool:
        """Hand a whole chunk on as it came when nothing in it matters: most of a stream, so it is neither parsed nor
        put together again."""
        owner, tap = self._owner, self._tap
        if tap is None or self.done or owner.over or owner.raw is None or not tap.alike(data, start, 2):
            return False
        self.progress = owner.last_sent = self._now()
        self.seen_bytes += TOKEN_BYTES
        owner.raw(data)
        return True

    def response_ended(self) -> None:
        self._owner.contain(self._ended)

    def response_failed(self, error: CloudError, *, stale: bool) -> None:
        self._owner.contain(self._lost, error, stale)

    def _started(self, status: int, headers: dict[bytes, bytes]) -> None:
        if self.done:
            return
        self.status = status
        self.headers = headers
        self.progress = self._now()
        self._owner.due = 0.0
        if status != 200:
            self._tap = self._reader = None  # an error's body is read whole
        elif self.stream and not headers.get(b"content-type", b"").lower().startswith(STREAM_TYPES):
            kind = headers.get(b"content-type", b"nothing").decode("latin-1")[:80]
            self.drop(BrokenStream(f"a stream was asked for and {kind} came", 200))

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > (REPLY_BYTES_MAX if self.status == 200 else ERROR_BYTES_MAX):
            self.drop(BrokenStream(f"the answer is over {REPLY_BYTES_MAX} bytes", self.status))
            return
        self._parts.append(data)

    def _ended(self) -> None:
        self.ticket = None
        if self.done:
            return
        if self.status != 200:
            self._fail(self._classify(b"".join(self._parts)))
        elif not self.stream:
            self._reply(b"".join(self._parts))
        elif self.ended:
            self.settle()
        else:
            self._fail(BrokenStream("the stream ended without its terminal mark", 200))

    def _lost(self, error: CloudError, stale: bool) -> None:
        self.ticket = None
        if self.done:
            return
        self.stale = stale
        if self.ended:
            self.settle()
        else:
            self._fail(error)

    # reading

    def settle(self) -> None:
        """The stream is whole: hand its last bytes over."""
        if self.ticket is not None:  # the provider keeps the connection open after its terminal mark
            self.ticket.cancel()
            self.ticket = None
        if self.finish is None and self.first_content is None:
            self._fail(BrokenStream("the stream ended without an answer", 200))
            return
        if self.wanted is not None:
            try:
                check_json_text("".join(self._text), self.finish, self.wanted)
            except BrokenStream as error:
                self._fail(error)
                return
        self.done = True
        if self._writer is not None:
            self._held.append(self._writer.write([Ended()]))
        held, self._held = b"".join(self._held), []
        self._owner.streamed(self, held)

    def _pass(self, tap: Tap, data: bytes) -> None:
        try:
            out = tap.feed(data)
        except CloudError as error:
            self._spoilt(error)
            return
        self.seen_bytes += TOKEN_BYTES * out.count(b"data:")
        if tap.usage is not None:
            self.usage = tap.usage
        self.finish = tap.finish
        if tap.failed:
            code, _, message = tap.failed.partition(": ")
            self.drop(in_stream(self.target.deployment.upstream.dialect, code, message))
            return
        if tap.content and self.first_content is None:
            self.first_content = self.progress
        if tap.ended and not self.ended:
            self._end_seen()
        if self.ended or not self.committed:
            self._emit(out)
        elif out:
            self._owner.forward(out, self.progress)

    def _spoilt(self, error: CloudError) -> None:
        if self.ended:  # what comes after the terminal mark is not part of the answer
            self.settle()
        else:
            self.drop(error)

    def _end_seen(self) -> None:
        self.ended = True
        self._ended_at = self.progress
        self._owner.due = 0.0

    def _translate(self, reader: StreamReader, data: bytes) -> None:
        try:
            events = reader.feed(data)
        except CloudError as error:
            self._spoilt(error)
            return
        if self._serial:
            events = first_call_events(events)
        failed: Failed | None = None
        shown: list[ChatEvent] = []
        for event in events:
            if isinstance(event, Used):
                self.usage = event.usage
            elif self.ended:  # after the mark only counts of tokens are part of the answer
                continue
            elif isinstance(event, CONTENT_EVENTS):
                if self.first_content is None:
                    self.first_content = self.progress
                self._count(event)
                if self.wanted is not None:
                    self._collect(event)
            elif isinstance(event, Started):
                self.usage = event.usage or self.usage
            elif isinstance(event, Finished):
                self.finish = event.reason
            elif isinstance(event, Ended):
                self._end_seen()  # the caller's mark is written when all is settled: some count tokens after theirs
                continue
            elif isinstance(event, Failed):
                failed = event
                break
            shown.append(event)
        if failed is not None:
            if shown and self.committed and self._writer is not None:  # else another target may answer whole
                self._emit(self._writer.write(shown))
            if not self.done:
                dialect = self.target.deployment.upstream.dialect
                self.drop(in_stream(dialect, failed.code, failed.message, retryable=failed.retryable))
            return
        if self._writer is not None:
            self._emit(self._writer.write(shown))

    def _count(self, event: TextDelta | ThinkingDelta | ToolCallStarted | ToolCallDelta) -> None:
        if isinstance(event, TextDelta | ThinkingDelta):
            self.seen_bytes += len(event.text)
        elif isinstance(event, ToolCallDelta):
            self.seen_bytes += len(event.arguments)

    def _collect(self, event: TextDelta | ThinkingDelta | ToolCallStarted | ToolCallDelta) -> None:
        """The text that is to be checked; a tool call is an answer of another kind."""
        if isinstance(event, TextDelta):
            self._text.append(event.text)
        elif isinstance(event, ToolCallStarted):
            self.wanted = None

    def _emit(self, out: bytes) -> None:
        """Forward, or hold: before the first content or the check of what was asked for by prompt, and from the
        terminal mark on."""
        if self.committed and not self.ended:
            if out:
                self._owner.forward(out, self.progress)
            return
        if out:
            self._held.append(out)
            self._held_bytes += len(out)
        if self.ended:
            if self._held_bytes > HELD_BYTES_MAX:
                self.settle()
            return
        if self.wanted is not None and self.first_content is not None:
            if self._held_bytes > REPLY_BYTES_MAX:
                self.drop(BrokenStream(f"the answer is over {REPLY_BYTES_MAX} bytes", 200))
        elif self.first_content is not None:
            data, self._held = b"".join(self._held), []
            self._held_bytes = 0
            self._owner.commit(self, data)
            self.committed = True
            if self._tap is not None and self._owner.raw is not None and self.ticket is not None:
                self.ticket.take(self._take)
        elif self._held_bytes > HELD_BYTES_MAX:
            self.drop(BrokenStream(f"{HELD_BYTES_MAX} bytes came without any content", 200))

    def _reply(self, body: bytes) -> None:
        kind = self.headers.get(b"content-type", b"")
        if kind.lower().find(b"json") < 0:
            self._fail(BrokenStream(f"JSON was asked for and {kind.decode('latin-1')[:80] or 'nothing'} came", 200))
            return
        try:
            self._owner.whole(self, body)
        except CloudError as error:
            self._fail(error)

    def _classify(self, body: bytes) -> CloudError:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers.items()}
        return self.target.port.classify(self.target.deployment.upstream, self.status, headers, body)

    # ends

    def check(self, now: float, limits_header: float, limits_idle: float) -> float:
        """Called a few times a second: fail what has been silent for too long. The time of the next deadline."""
        if self.done or self.ticket is None:
            return now
        if self.ended:
            due = self._ended_at + SETTLE_SECONDS
            if now > due:
                self.settle()
        elif self.status == 0:
            due = self.sent + limits_header
            if now > due:
                self.drop(TimedOut(f"no answer within {limits_header:g} s"))
        else:
            due = self.progress + limits_idle
            if now > due:
                self.drop(TimedOut(f"silent for {limits_idle:g} s in the middle of the answer"))
        return due

    def drop(self, error: CloudError) -> None:
        """Give the call up, with its connection."""
        ticket, self.ticket = self.ticket, None
        if ticket is not None:
            ticket.cancel()
        self._fail(error)

    def _fail(self, error: CloudError) -> None:
        if not self.done:
            self.done = True
            self._owner.attempt_failed(self, error)


SETTLE_SECONDS = 0.2  # for usage that some providers send after their terminal mark
