"""The way of a request, in its one order: authenticate, admit, choose, attempt, meter, reply.

The order is a safety property, so it is plain code here and not a list that users rearrange. An
``Exchange`` is one request; it lives on callbacks, without a task of its own.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVarTuple

import msgspec

from polycloud.core.chat import ChatRequest, Need
from polycloud.core.errors import (
    BrokenStream,
    CloudError,
    ContentFiltered,
    ContextTooLong,
    GatewayStopping,
    JournalUnwritable,
    PolycloudError,
    Rejected,
    RequestError,
    SteeredAway,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.core.ports.models import Envelope, Face, StreamWriter, Tap
from polycloud.core.usage import Outcome
from polycloud.gateway import degrade, metering, records
from polycloud.gateway.attempts import Attempt
from polycloud.gateway.client import Ticket
from polycloud.gateway.explain import explain
from polycloud.gateway.refusals import NOBODY
from polycloud.gateway.routes import (
    Ask,
    Candidate,
    Choice,
    Cooling,
    OutOfService,
    View,
    caller_region,
    choose,
    effective_classes,
    route_for,
)
from polycloud.gateway.server import LAST_CHUNK, Inbound, Request, chunk, head, identity
from polycloud.gateway.state import Gateway
from polycloud.gateway.targets import NO_TEAM
from polycloud.policy import eligible
from polycloud.policy.tables import Limits

KEEP_ALIVE_SECONDS = 10.0  # load balancers cut a silent connection after 60 s, some after 30
SAME_TARGET_WAIT_MAX = 2.0  # seconds to wait for the only deployment; longer is the caller's decision
BACKOFF_SECONDS = 0.1
JSON_TYPE = b"content-type: application/json\r\n"
STREAM_TYPE = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
Ts = TypeVarTuple("Ts")
_DEFAULT_LIMITS = Limits()
_SERIAL = int(Need.SERIAL_TOOLS)
_PREFERRED = eligible.PREFERRED


class Exchange:
    """One request from its last byte to its answer's last byte."""

    __slots__ = (  # noqa: RUF023 - private state last
        "asked", "classes", "due", "envelope", "face", "generation", "id", "last_sent", "now", "over", "principal",
        "raw", "spent",
        "_attempt", "_broken", "_choice", "_closed", "_gateway", "_inbound", "_last_resort", "_limits", "_next",
        "_out_chunked", "_read", "_request", "_slow", "_stale_once", "_started", "_team", "_timer", "_tried",
        "_writer",
    )  # fmt: skip

    envelope: Envelope

    def __init__(self, gateway: Gateway, inbound: Inbound, request: Request, face: Face) -> None:
        self._gateway = gateway
        self._inbound = inbound
        self._request = request
        self.face = face
        self.generation = gateway.generation
        self.now = gateway.clock.monotonic
        self._started = self.now()
        self.id = gateway.ids.next()
        self.asked = ""
        self.classes: tuple[str, ...] = ()
        self.spent = 0.0
        self.due = 0.0  # before this time no deadline can have passed
        self._limits = _DEFAULT_LIMITS
        self.principal, self._team = NOBODY, NO_TEAM
        self._read: ChatRequest | None = None
        self._attempt: Attempt | None = None
        self._tried: list[records.Trail] = []
        self._writer: StreamWriter | None = None
        self.last_sent = 0.0
        self._stale_once = self._slow = self._broken = self._last_resort = False
        self._closed = False  # the last record is written
        self.over = False  # the connection is another request's
        self._next: Candidate | None = None  # decided on, not launched yet
        self._timer: asyncio.TimerHandle | None = None
        self._out_chunked = not request.http10
        self.raw: Callable[[bytes], None] | None = None
        self._choice: Choice | None = None

    def begin(self) -> None:
        """Everything before the first attempt; a refusal is answered at once."""
        self._gateway.exchanges.add(self)
        self.contain(self._begin)

    def _begin(self) -> None:
        headers = self._request.headers
        try:
            self._authenticate(headers)
            self._admit()
            self.envelope = self.face.peek(self._request.body, headers)
            self.asked = self.envelope.model
            self._choose(headers)
        except PolycloudError as error:
            self._refuse(error)
            return
        self.spent = self.now() - self._started
        self._then(self._relaunch)

    def contain(self, step: Callable[[*Ts], None], *args: *Ts) -> None:
        """Run one step of this request. What goes wrong in it ends this request and no other: its caller gets a
        500 and its record is written. All that happens to a request comes through here, and nothing after its end:
        the connection is then another request's."""
        if self.over:
            return
        try:
            step(*args)
        except Exception as error:
            self.broken(error)

    def broken(self, error: Exception) -> None:
        """The gateway itself has failed on this request."""
        self._gateway.loop.call_exception_handler({"message": f"request {self.id} failed", "exception": error})
        if self._broken:  # even the way out is broken
            self._drop()
            return
        self._broken = True
        text = f"the gateway failed on this request ({type(error).__name__}); its log names {self.id}"
        self.contain(self._abort, PolycloudError(text))

    def _then(self, step: Callable[[*Ts], None], *args: *Ts) -> None:
        """``step`` once all records so far are written."""
        self._gateway.journal.then(self.contain, step, *args)

    def _authenticate(self, headers: Mapping[bytes, bytes]) -> None:
        self.principal = self._gateway.authenticate(headers)
        self._team = self.generation.team_of(self.principal)

    def _admit(self) -> None:
        gateway = self._gateway
        if gateway.journal.overfull:
            raise JournalUnwritable(
                "the gateway can not write its journal and takes no new request: " + gateway.journal.failure
            )
        if gateway.draining:
            raise GatewayStopping("the gateway is stopping; send the request again")
        gateway.admit(self.principal, self._team)

    def _choose(self, headers: Mapping[bytes, bytes]) -> None:
        gateway, generation, principal, envelope = self._gateway, self.generation, self.principal, self.envelope
        compiled = generation.compiled
        tables, team = compiled.tables, self._team
        wanted = headers.get(b"x-polycloud-class")
        self.classes = effective_classes(
            tables,
            principal.classes,
            team.classes,
            route_for(compiled, envelope.model).data_class,
            None if wanted is None else wanted.decode("latin-1"),
        )
        region = headers.get(b"x-polycloud-region")
        ask = Ask(
            envelope.model,
            self.classes,
            envelope.needs,
            envelope.input_tokens,
            envelope.max_tokens,
            (principal.models, team.models),
            caller_region(tables, None if region is None else region.decode("latin-1"), principal.region, team.region),
            self.face.name,
        )
        view = generation.view
        try:
            try:
                choice = choose(compiled, view, ask, gateway.turns)
            except (Cooling, OutOfService) as error:
                view = gateway.last_resort()
                choice = self._despite(error, view, ask)
        except PolycloudError as error:
            if b"x-polycloud-explain" in headers:
                gateway.explanations[self.id] = explain(compiled, generation.view, ask, error)
            if isinstance(error, Cooling):
                raise Throttled(error.message, 0, gateway.breakers.cooled_in(error.deployments)) from error
            if isinstance(error, OutOfService):
                error.retry_after_seconds = gateway.breakers.open_seconds(error.deployments)
            raise
        if b"x-polycloud-explain" in headers:
            gateway.explanations[self.id] = explain(compiled, view, ask, choice)
        self._limits = choice.route.limits
        wall, trace = gateway.clock.wall(), headers.get(b"traceparent")
        gateway.journal.add(metering.decision(self, choice, wall, trace))
        self._choice = choice
        self._next = choice.order[0]

    def _despite(self, error: PolycloudError, view: View, ask: Ask) -> Choice:
        """Nothing is left but for breakers and active checks, which may be behind what is: try in spite of them, as
        often as the retry budget allows. Raises ``error`` otherwise."""
        try:
            choice = choose(self.generation.compiled, view, ask, self._gateway.turns)
        except PolycloudError:
            raise error from None
        if not self._gateway.budget.take():
            raise error from None
        self._last_resort = True
        return choice

    # attempts

    def _launch(self, candidate: Candidate) -> None:
        begun = self.now()
        target = self.generation.targets[candidate.index]
        attempt = Attempt(self, target, candidate, len(self._tried) + 1, self.envelope.stream)
        self._attempt = attempt
        self.due = 0.0
        self._gateway.breakers.launched(target.deployment.id)
        attempt.launch()
        self.spent += self.now() - begun

    def prepare(self, attempt: Attempt) -> bytes:
        """The provider's request. Raises CloudError: the next target is then tried."""
        target, candidate, envelope = attempt.target, attempt.candidate, self.envelope
        upstream = target.deployment.upstream
        missing = candidate.missing
        if upstream.dialect == self.face.name and not (missing & ~_PREFERRED or (envelope.at_odds and target.strict)):
            attempt.passing = True
            most, bare = candidate.output_max, bool(missing)
            body = self.face.pass_request(
                envelope, upstream.model, most, bare=bare, unsampled=target.unsampled, known=target.known
            )
            if missing or candidate.output_max or envelope.left:
                attempt.degraded = degrade.passed(envelope, missing, candidate.output_max)
        else:
            try:
                if self._read is None:
                    self._read = self.face.read_request(envelope)
                request = degrade.reduce(self._read, missing | target.lacks, candidate.output_max)
                body = target.dialect.write_request(request, target.known, upstream.model)
            except RequestError as error:
                raise Rejected(error.message) from error
            own = degrade.names(self._read, missing, candidate.output_max)
            attempt.degraded = tuple(dict.fromkeys((*own, *target.dialect.dropped(request, target.known))))
            attempt.wanted = degrade.by_prompt(self._read, missing)
        told = target.port.told_headers(upstream, body)
        body = target.port.finish_body(upstream, body)
        credential = self._gateway.credentials.get(target.deployment.credential)
        return target.request(body, attempt.stream, credential, self._gateway.clock.wall(), told)

    def dispatch(self, attempt: Attempt, data: bytes) -> Ticket:
        origin, seconds = attempt.target.origin, self._limits.connect_seconds
        return self._gateway.pool.send(origin, data, attempt, seconds, fresh=self._stale_once)

    def tap(self) -> Tap:
        return self.face.tap(self.envelope)

    def writer(self) -> StreamWriter:
        self._writer = self.face.stream_writer(
            self.asked, self.id, int(self._gateway.clock.wall()), self.envelope.include_usage
        )
        return self._writer

    # what attempts tell

    def commit(self, attempt: Attempt, data: bytes) -> None:
        """The first content is there: the answer's head goes out, and no other target is tried from here."""
        self._inbound.send(self._stream_head(attempt) + (chunk(data) if self._out_chunked else data))
        self.last_sent = attempt.progress
        self.due = 0.0
        if self._out_chunked:
            self.raw = self._inbound.transport.write

    def _stream_head(self, attempt: Attempt) -> bytes:
        headers = STREAM_TYPE + self._headers(attempt)
        if self._out_chunked:
            return head(200, headers, None, keep_alive=self._request.keep_alive)
        self._request.keep_alive = False
        return b"HTTP/1.1 200 OK\r\n%bconnection: close\r\n\r\n" % headers

    def forward(self, data: bytes, at: float) -> None:
        """More of a committed answer; never empty, as an empty chunk would end the body."""
        self.last_sent = at
        inbound = self._inbound
        if not inbound.closed:  # as ``Inbound.send``, in place
            inbound.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._out_chunked else data)

    def whole(self, attempt: Attempt, body: bytes) -> None:
        """A whole answer. Raises CloudError when it is none: the next target is then tried."""
        begun = attempt.first_content = self.now()
        if attempt.passing:
            attempt.usage, attempt.finish = self.face.pass_reply(body)
        else:
            reply = attempt.target.dialect.read_reply(body)
            if attempt.wanted is not None:
                degrade.check_json(reply, attempt.wanted)
            if attempt.candidate.missing & _SERIAL:
                reply = degrade.first_call(reply)
            if not reply.id:  # Bedrock and OCI name no answer; SDKs expect one
                reply = msgspec.structs.replace(reply, id=self.id)
            attempt.usage, attempt.finish = reply.usage, reply.finish
            body = self.face.write_reply(reply, self.asked, int(self._gateway.clock.wall()))
        attempt.done = True
        self._succeed(attempt)
        headers = JSON_TYPE + self._headers(attempt)
        data = head(200, headers, len(body), keep_alive=self._request.keep_alive) + body
        now = self.now()
        self.spent += now - begun
        self._finish(attempt, data, now)

    def streamed(self, attempt: Attempt, data: bytes) -> None:
        """The last bytes of a whole stream, all of a short one; they go out after its record is written."""
        begun = b"" if attempt.committed else self._stream_head(attempt)
        attempt.committed = True
        self._succeed(attempt)
        if self._out_chunked:
            data = (chunk(data) if data else b"") + LAST_CHUNK
        self._finish(attempt, begun + data, self.now())

    def _succeed(self, attempt: Attempt) -> None:
        self._gateway.breakers.succeeded(attempt.target.deployment.id)
        self._gateway.budget.deposit()

    def attempt_failed(self, attempt: Attempt, error: CloudError) -> None:
        """Record it, judge the deployment, and try the next target or tell the caller."""
        gateway = self._gateway
        deployment = attempt.target.deployment.id
        if isinstance(error, Throttled):
            gateway.breakers.cool(deployment, error.retry_after_seconds)
        elif isinstance(error, ContentFiltered | ContextTooLong | Rejected | SteeredAway) or attempt.stale:
            gateway.breakers.abandoned(deployment)
        else:
            gateway.breakers.failed(deployment, open_now=isinstance(error, Unauthorized))
        self._tried.append(records.Trail(attempt.candidate, deployment, error))
        following = None if attempt.committed else self._following(attempt, error)
        self._meter(attempt, "error", error, final=following is None)
        if following is None:
            self._then(self._tell, attempt, error if attempt.committed else records.exhausted(self._tried))
            return
        self._next, wait = following
        if wait:
            self._timer = gateway.loop.call_later(wait, self.contain, self._after_wait, attempt, error)
        else:
            self._then(self._relaunch)

    def _after_wait(self, attempt: Attempt, error: CloudError) -> None:
        """Traffic may have been moved meanwhile: the wait was for the one deployment that was left."""
        self._timer = None
        candidate = self._next
        if candidate is not None and self._gateway.steered_away(self.generation, candidate):
            self._close("error", error)
            self._then(self._tell, attempt, records.exhausted(self._tried))
        else:
            self._relaunch()

    def steered(self) -> None:
        """The overlay has changed."""
        self.contain(self._steered)

    def _steered(self) -> None:
        """Give up an attempt at what has failed, as long as nothing of it was sent on and another target is left."""
        attempt = self._attempt
        if self._next is not None:
            if self._timer is None:  # launched as soon as its record is written; what waits is looked at before
                self._then(self._steered)
            return
        if attempt is None or attempt.done or attempt.ended or attempt.committed:
            return
        where = self._gateway.declared_failed(attempt.target.deployment)
        tried = {attempt.candidate.index, *(trail.candidate.index for trail in self._tried)}
        if where and len(self._tried) + 1 < self._limits.attempts and self._elsewhere(tried) is not None:
            attempt.drop(SteeredAway(f"the overlay says that {where} has failed; the answer was not waited for"))

    def _relaunch(self) -> None:
        candidate, self._next = self._next, None
        if candidate is not None:  # else the caller hung up, and the record is written
            self._launch(candidate)

    def _close(self, outcome: Outcome, error: PolycloudError | None) -> None:
        """Write the last record of a request that ends before its answer does: of the attempt under way, or of the
        one that was to come (number 0: nothing was sent)."""
        candidate, self._next = self._next, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        attempt = self._attempt
        if self._closed or self._choice is None:
            return
        if attempt is None or candidate is not None:
            candidate = candidate or self._choice.order[0]
            attempt = Attempt(self, self.generation.targets[candidate.index], candidate, 0, self.envelope.stream)
        elif not attempt.done:
            attempt.cancel()
            self._gateway.breakers.abandoned(attempt.target.deployment.id)
        self._meter(attempt, outcome, error, final=True)

    def _following(self, attempt: Attempt, error: CloudError) -> tuple[Candidate, float] | None:
        """The next candidate and how long to wait for it, or None."""
        assert self._choice is not None
        if attempt.stale and not self._stale_once:
            self._stale_once = True  # the provider closed an idle connection; it saw nothing of this request
            return attempt.candidate, 0.0
        filtered = isinstance(error, ContentFiltered) and self._choice.route.retry_filtered
        if not (error.retryable or filtered) or len(self._tried) >= self._limits.attempts:
            return None
        if self.now() - self._started > self._limits.total_seconds:
            return None
        window = self.generation.compiled.deployments[attempt.candidate.index].context_tokens or 0
        tried = {trail.candidate.index for trail in self._tried}
        other = self._elsewhere(tried, window if isinstance(error, ContextTooLong) else -1)
        return (other, 0.0) if other is not None else self._again(attempt, error)

    def _elsewhere(self, tried: set[int], window: int = -1) -> Candidate | None:
        """The next target that can be used now, of a window wider than ``window``."""
        assert self._choice is not None
        gateway, last = self._gateway, self._last_resort
        blocked = gateway.breakers.paused() if last else gateway.breakers.blocked()
        deployments = self.generation.compiled.deployments
        for candidate in self._choice.order:
            row = deployments[candidate.index]
            if candidate.index in tried or row.id in blocked:
                continue
            if gateway.steered_away(self.generation, candidate, last_resort=last):
                continue
            if window < 0 or (row.context_tokens or 0) > window:
                return candidate
        return None

    def _again(self, attempt: Attempt, error: CloudError) -> tuple[Candidate, float] | None:
        """The same deployment once more, when it is the only one and the retry budget allows it."""
        if self._last_resort or not isinstance(error, Throttled | Unavailable | BrokenStream):
            return None
        if self._gateway.steered_away(self.generation, attempt.candidate):
            return None
        asked = error.retry_after_seconds if isinstance(error, Throttled) else None
        wait = BACKOFF_SECONDS * 2 ** (len(self._tried) - 1) if asked is None else asked
        spent = self.now() - self._started
        if wait > SAME_TARGET_WAIT_MAX or spent + wait > self._limits.total_seconds or not self._gateway.budget.take():
            return None
        jitter = self._gateway.jitter()
        return attempt.candidate, wait * (jitter if asked is None else max(jitter, 1.0))

    # ends

    def _finish(self, attempt: Attempt, data: bytes, now: float) -> None:
        self._meter(attempt, "ok", None, final=True, now=now)
        self._then(self._last, data)

    def _last(self, data: bytes) -> None:
        self._inbound.send(data)
        self._end()

    def _meter(
        self, attempt: Attempt, outcome: Outcome, error: PolycloudError | None, *, final: bool, now: float = 0.0
    ) -> None:
        self._closed = final
        wall = self._gateway.clock.wall()
        record = metering.attempted(self, attempt, outcome, error, now or self.now(), wall, final=final)
        self._gateway.journal.add(record)

    def _tell(self, attempt: Attempt | None, error: PolycloudError) -> None:
        """An honest error in the caller's dialect, in-band where the answer has begun."""
        if attempt is not None and attempt.committed:
            writer = self._writer or self.writer()
            data = writer.fail(error)
            self._inbound.send(chunk(data) + LAST_CHUNK if self._out_chunked else data)
            self._end()
            return
        told = self._headers(attempt) if attempt is not None else self._identity() + self._explanation()
        self._answer_error(error, told)

    def _abort(self, error: PolycloudError) -> None:
        """End now with ``error``, whatever was under way."""
        if self._choice is None:
            if self._closed:  # refused already: this runs after that answer, or after its failure
                self._then(self._drop)
            else:
                self._refuse(error)
            return
        self._close("error", error)
        self._then(self._tell, self._attempt, error)

    def stop(self) -> None:
        """The worker ends before this request does."""
        self.contain(self._abort, GatewayStopping("the gateway is stopping; send the request again"))

    def _refuse(self, error: PolycloudError) -> None:
        self._closed = True
        gateway = self._gateway
        if gateway.recorded(error, self.principal):
            trace = self._request.headers.get(b"traceparent")
            gateway.journal.add(metering.decision(self, None, gateway.clock.wall(), trace, error))
        headers = self._identity() + self._explanation()
        self._then(self._answer_error, error, headers)

    def _answer_error(self, error: PolycloudError, headers: bytes) -> None:
        body = self.face.write_error(error, self.id)
        headers = JSON_TYPE + headers
        wait = getattr(error, "retry_after_seconds", None)
        if wait is not None:
            headers += b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (int(wait) + 1, int(wait * 1000) + 1)
        self._inbound.send(head(error.status, headers, len(body), keep_alive=self._request.keep_alive) + body)
        self._end()

    def _end(self) -> None:
        self._leave()
        self._inbound.finish()

    def _drop(self) -> None:
        """The last resort: the caller sees the connection close."""
        self._leave()
        self._inbound.abort()

    def _leave(self) -> None:
        self.over = True
        self._attempt = None
        self._gateway.exchanges.discard(self)
        if self._gateway.explanations:
            self._gateway.explanations.pop(self.id, None)

    def _identity(self) -> bytes:
        return identity(self.id, self.face.id_header)

    def _headers(self, attempt: Attempt) -> bytes:
        """Who asked and who answered."""
        assert self._choice is not None
        candidate = attempt.candidate
        found = self._identity() + attempt.target.reply + self.generation.eligible(self._choice.eligible).header
        if self._tried or attempt.number > 1:
            found += b"x-polycloud-attempts: %d\r\n" % attempt.number
        if attempt.degraded:
            found += b"x-polycloud-degraded: %b\r\n" % records.header_text(attempt.degraded)
        if candidate.equivalent:
            found += b"x-polycloud-equivalent: %b\r\n" % attempt.target.deployment.model.encode()
        if candidate.expected_pico_usd is not None:
            found += b"x-polycloud-expected-usd: %.9f\r\n" % (candidate.expected_pico_usd / 1e12)
        return found + self._explanation() if self._gateway.explanations else found

    def _explanation(self) -> bytes:
        found = self._gateway.explanations.pop(self.id, None)
        return b"" if found is None else b"x-polycloud-explain: %b\r\n" % records.explanation(found)

    # server.Answering

    def caller_gone(self) -> None:
        """The caller hung up: the provider is told to stop, and what was used so far is booked."""
        self.contain(self._hung_up)

    def _hung_up(self) -> None:
        self._close("cancelled", None)
        self._leave()

    def caller_slow(self, slow: bool) -> None:
        self._slow = slow
        self.due = 0.0
        attempt = self._attempt
        if attempt is not None and attempt.ticket is not None:
            attempt.progress = self.now()  # the provider's silence counts from here on
            (attempt.ticket.pause if slow else attempt.ticket.resume)()

    def check(self, now: float) -> None:
        """Called a few times a second: deadlines, and a sign of life while a model thinks."""
        if now >= self.due:
            self.contain(self._check, now)

    def _check(self, now: float) -> None:
        attempt, limits = self._attempt, self._limits
        if attempt is None or attempt.done:
            return
        end = self._started + limits.total_seconds
        if self._slow and attempt.committed:  # the caller does not read: no fault of the provider's
            if now > end:
                self._inbound.abort()
            return
        if now > end and not attempt.ended:
            attempt.drop(TimedOut(f"not complete within {limits.total_seconds:g} s"))
            return
        due = attempt.check(now, limits.header_seconds, limits.idle_seconds)
        if attempt.done:
            return
        if attempt.committed:
            if now - self.last_sent > KEEP_ALIVE_SECONDS:
                self.forward(self.face.keep_alive(), now)
            due = min(due, self.last_sent + KEEP_ALIVE_SECONDS)
        self.due = min(due, end)
