"""The way of a request, in its one order: authenticate, admit, choose, attempt, meter, reply.

The order is a safety property, so it is plain code here and not a list that users rearrange. An
``Exchange`` is one request; it lives on callbacks, without a task of its own.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import ParamSpec

import msgspec

from polycloud.core.chat import ChatRequest, Need
from polycloud.core.errors import (
    BrokenStream,
    CloudError,
    ContentFiltered,
    ContextTooLong,
    PolycloudError,
    Rejected,
    RequestError,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.core.ports.models import Envelope, Face, StreamWriter, Tap
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage, cost_pico_usd
from polycloud.gateway import degrade, records
from polycloud.gateway.attempts import Attempt
from polycloud.gateway.client import Ticket
from polycloud.gateway.explain import explain
from polycloud.gateway.routes import Ask, Candidate, Choice, caller_region, choose, effective_classes, route_for
from polycloud.gateway.server import LAST_CHUNK, Inbound, Request, chunk, head
from polycloud.gateway.state import Gateway
from polycloud.gateway.targets import NO_TEAM
from polycloud.policy.tables import Limits, Principal

KEEP_ALIVE_SECONDS = 10.0  # load balancers cut a silent connection after 60 s, some after 30
SAME_TARGET_WAIT_MAX = 2.0  # seconds to wait for the only deployment; longer is the caller's decision
BACKOFF_SECONDS = 0.1
JSON_TYPE = b"content-type: application/json\r\n"
STREAM_TYPE = b"content-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
_P = ParamSpec("_P")
_BY_PROMPT = int(Need.JSON_OBJECT | Need.JSON_SCHEMA)


class Exchange:
    """One request from its last byte to its answer's last byte."""

    __slots__ = (
        "_asked", "_attempt", "_broken", "_choice", "_classes", "_closed", "_envelope", "_gateway", "_generation",
        "_id", "_inbound", "_last_sent", "_limits", "_next", "_out_chunked", "_principal", "_read", "_request", "_slow",
        "_spent", "_stale_once", "_started", "_team", "_timer", "_tried", "_writer", "face",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, inbound: Inbound, request: Request, face: Face) -> None:
        self._gateway = gateway
        self._inbound = inbound
        self._request = request
        self.face = face
        self._generation = gateway.generation
        self._started = gateway.clock.monotonic()
        self._id = gateway.ids.next()
        self._limits = Limits()
        self._team = NO_TEAM
        self._classes: tuple[str, ...] = ()
        self._read: ChatRequest | None = None
        self._attempt: Attempt | None = None
        self._tried: list[records.Trail] = []
        self._writer: StreamWriter | None = None
        self._spent = 0.0
        self._last_sent = 0.0
        self._stale_once = self._slow = self._broken = False
        self._closed = False  # the last record is written
        self._next: Candidate | None = None  # decided on, not launched yet
        self._timer: asyncio.TimerHandle | None = None
        self._out_chunked = not request.http10
        self._principal: Principal
        self._envelope: Envelope
        self._asked = ""
        self._choice: Choice | None = None

    def begin(self) -> None:
        """Everything before the first attempt; a refusal is answered at once."""
        self._gateway.exchanges.add(self)
        self.contain(self._begin)

    def _begin(self) -> None:
        try:
            self._authenticate(self._request.headers)
            self._admit()
            self._envelope = self.face.peek(self._request.body)
            self._asked = self._envelope.model
            self._choose(self._request.headers)
        except PolycloudError as error:
            self._refuse(error)
            return
        self._spent = self._gateway.clock.monotonic() - self._started
        self._then(self._relaunch)

    def contain(self, step: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """Run one step of this request. What goes wrong in it ends this request and no other: its caller gets a
        500 and its record is written. All that happens to a request comes through here, and nothing after its end:
        the connection is then another request's."""
        if self not in self._gateway.exchanges:
            return
        try:
            step(*args, **kwargs)
        except Exception as error:
            self._gateway.loop.call_exception_handler({"message": f"request {self._id} failed", "exception": error})
            if self._broken:  # even the way out is broken
                self._drop()
                return
            self._broken = True
            text = f"the gateway failed on this request ({type(error).__name__}); its log names {self._id}"
            self.contain(self._abort, PolycloudError(text))

    def _then(self, step: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        """``step`` once all records so far are written."""
        self._gateway.journal.then(lambda: self.contain(step, *args, **kwargs))

    def _authenticate(self, headers: Mapping[bytes, bytes]) -> None:
        self._principal = self._gateway.authenticate(headers)
        self._team = self._generation.team_of(self._principal)

    def _admit(self) -> None:
        gateway = self._gateway
        if gateway.journal.overfull:
            raise Unavailable(
                "the gateway can not write its journal and takes no new request: " + gateway.journal.failure
            )
        if gateway.draining:
            raise Unavailable("the gateway is stopping")
        rates = {}
        if self._principal.requests_per_minute:
            rates[f"key {self._principal.id}"] = self._principal.requests_per_minute
        if self._team.requests_per_minute:
            rates[f"team {self._team.name}"] = self._team.requests_per_minute
        if rates:
            gateway.rates.admit(rates)

    def _choose(self, headers: Mapping[bytes, bytes]) -> None:
        generation, principal, envelope = self._generation, self._principal, self._envelope
        compiled = generation.compiled
        tables, team = compiled.tables, self._team
        wanted = headers.get(b"x-polycloud-class")
        self._classes = effective_classes(
            tables,
            principal.classes,
            team.classes,
            route_for(compiled, envelope.model).data_class,
            wanted.decode("latin-1") if wanted is not None else None,
        )
        region = headers.get(b"x-polycloud-region")
        ask = Ask(
            model=envelope.model,
            classes=self._classes,
            needs=envelope.needs,
            input_tokens=envelope.input_tokens,
            max_tokens=envelope.max_tokens,
            model_patterns=(principal.models, team.models),
            region=caller_region(
                tables, region.decode("latin-1") if region is not None else None, principal.region, team.region
            ),
            face=self.face.name,
        )
        if b"x-polycloud-explain" in headers:
            self._gateway.explanations[self._id] = explain(compiled, generation.view, ask)
        choice = choose(compiled, generation.view, ask, self._gateway.turns)
        self._limits = choice.route.limits
        self._gateway.journal.add(self._decision(choice, headers))
        self._choice = choice
        self._next = choice.order[0]

    # attempts

    def _launch(self, candidate: Candidate) -> None:
        begun = self._gateway.clock.monotonic()
        target = self._generation.targets[candidate.index]
        attempt = Attempt(self, target, candidate, len(self._tried) + 1, self._envelope.stream)
        self._attempt = attempt
        self._gateway.breakers.launched(target.deployment.id)
        attempt.launch()
        if self._slow and attempt.ticket is not None:
            attempt.ticket.pause()
        self._spent += self._gateway.clock.monotonic() - begun

    def now(self) -> float:
        return self._gateway.clock.monotonic()

    def prepare(self, attempt: Attempt) -> bytes:
        """The provider's request. Raises CloudError: the next target is then tried."""
        target, candidate, envelope = attempt.target, attempt.candidate, self._envelope
        upstream = target.deployment.upstream
        if upstream.dialect == self.face.name and not candidate.missing:
            attempt.passing = True
            body = self.face.pass_request(envelope, upstream.model)
        else:
            try:
                if self._read is None:
                    self._read = self.face.read_request(envelope)
                request = degrade.reduce(self._read, candidate.missing)
                body = target.dialect.write_request(request, upstream.model)
            except RequestError as error:
                raise Rejected(error.message) from error
            attempt.degraded = tuple(
                dict.fromkeys((*degrade.names(candidate.missing), *target.dialect.dropped(request, upstream.model)))
            )
        body = target.port.finish_body(upstream, body)
        credential = self._gateway.credentials.get(target.deployment.credential)
        return target.request(body, attempt.stream, credential, self._gateway.clock.wall())

    def dispatch(self, attempt: Attempt, data: bytes) -> Ticket:
        origin, seconds = attempt.target.origin, self._limits.connect_seconds
        return self._gateway.pool.send(origin, data, attempt, seconds, fresh=self._stale_once)

    def tap(self) -> Tap:
        return self.face.tap(self._envelope)

    def writer(self) -> StreamWriter:
        self._writer = self.face.stream_writer(
            self._asked, self._id, int(self._gateway.clock.wall()), self._envelope.include_usage
        )
        return self._writer

    # what attempts tell

    def commit(self, attempt: Attempt, data: bytes) -> None:
        """The first content is there: the answer's head goes out, and no other target is tried from here."""
        self._inbound.send(self._stream_head(attempt) + (chunk(data) if self._out_chunked else data))
        self._last_sent = attempt.progress

    def _stream_head(self, attempt: Attempt) -> bytes:
        headers = STREAM_TYPE + self._identity() + self._headers(attempt)
        if self._out_chunked:
            return head(200, headers, None, keep_alive=self._request.keep_alive)
        self._request.keep_alive = False
        return b"HTTP/1.1 200 OK\r\n%bconnection: close\r\n\r\n" % headers

    def forward(self, data: bytes) -> None:
        self._inbound.send(chunk(data) if self._out_chunked else data)
        if self._attempt is not None:
            self._last_sent = self._attempt.progress

    def whole(self, attempt: Attempt, body: bytes) -> None:
        """A whole answer. Raises CloudError when it is none: the next target is then tried."""
        begun = self.now()
        attempt.first_content = begun
        if attempt.passing:
            attempt.usage, attempt.finish = self.face.pass_reply(body)
        else:
            reply = attempt.target.dialect.read_reply(body)
            if attempt.candidate.missing & _BY_PROMPT:
                degrade.check_json(reply)
            if not reply.id:  # Bedrock and OCI name no answer; SDKs expect one
                reply = msgspec.structs.replace(reply, id=self._id)
            attempt.usage, attempt.finish = reply.usage, reply.finish
            body = self.face.write_reply(reply, self._asked, int(self._gateway.clock.wall()))
        attempt.done = True
        self._succeed(attempt)
        headers = JSON_TYPE + self._identity() + self._headers(attempt)
        data = head(200, headers, len(body), keep_alive=self._request.keep_alive) + body
        self._spent += self.now() - begun
        self._finish(attempt, data)

    def streamed(self, attempt: Attempt, data: bytes) -> None:
        """The last bytes of a whole stream, all of a short one; they go out after its record is written."""
        begun = b"" if attempt.committed else self._stream_head(attempt)
        attempt.committed = True
        self._succeed(attempt)
        if self._out_chunked:
            data = (chunk(data) if data else b"") + LAST_CHUNK
        self._finish(attempt, begun + data)

    def _succeed(self, attempt: Attempt) -> None:
        self._gateway.breakers.succeeded(attempt.target.deployment.id)
        self._gateway.budget.deposit()

    def attempt_failed(self, attempt: Attempt, error: CloudError) -> None:
        """Record it, judge the deployment, and try the next target or tell the caller."""
        gateway = self._gateway
        deployment = attempt.target.deployment.id
        if isinstance(error, Throttled):
            gateway.breakers.cool(deployment, error.retry_after_seconds)
        elif isinstance(error, ContentFiltered | ContextTooLong | Rejected) or attempt.stale:
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
        if candidate is not None and self._gateway.steered_away(self._generation, candidate):
            self._close("error", error)
            self._then(self._tell, attempt, records.exhausted(self._tried))
        else:
            self._relaunch()

    def _relaunch(self) -> None:
        candidate, self._next = self._next, None
        if candidate is not None:  # else the caller hung up, and the record is written
            self._launch(candidate)

    def _close(self, outcome: records.Outcome, error: PolycloudError | None) -> None:
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
            target = self._generation.targets[(candidate or self._choice.order[0]).index]
            attempt = Attempt(self, target, candidate or self._choice.order[0], 0, self._envelope.stream)
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
        blocked = self._gateway.breakers.blocked()
        deployments = self._generation.compiled.deployments
        tried = {trail.candidate.index for trail in self._tried}
        window = deployments[attempt.candidate.index].context_tokens or 0
        for candidate in self._choice.order:
            row = deployments[candidate.index]
            if candidate.index in tried or row.id in blocked or self._gateway.steered_away(self._generation, candidate):
                continue
            if isinstance(error, ContextTooLong) and (row.context_tokens or 0) <= window:
                continue
            return candidate, 0.0
        return self._again(attempt, error)

    def _again(self, attempt: Attempt, error: CloudError) -> tuple[Candidate, float] | None:
        """The same deployment once more, when it is the only one and the retry budget allows it."""
        if not isinstance(error, Throttled | Unavailable | BrokenStream) or self._gateway.steered_away(
            self._generation, attempt.candidate
        ):
            return None
        asked = error.retry_after_seconds if isinstance(error, Throttled) else None
        wait = BACKOFF_SECONDS * 2 ** (len(self._tried) - 1) if asked is None else asked
        spent = self.now() - self._started
        if wait > SAME_TARGET_WAIT_MAX or spent + wait > self._limits.total_seconds or not self._gateway.budget.take():
            return None
        jitter = self._gateway.jitter()
        return attempt.candidate, wait * (jitter if asked is None else max(jitter, 1.0))

    # ends

    def _finish(self, attempt: Attempt, data: bytes) -> None:
        self._meter(attempt, "ok", None, final=True)
        self._then(self._last, data)

    def _last(self, data: bytes) -> None:
        self._inbound.send(data)
        self._end()

    def _meter(self, attempt: Attempt, outcome: records.Outcome, error: PolycloudError | None, *, final: bool) -> None:
        self._closed = final
        usage, estimated = self._used(attempt, outcome)
        cost = cost_pico_usd(usage, attempt.target.deployment.price) if usage is not None else None
        self._gateway.journal.add(self._record(attempt, outcome, error, usage, cost, estimated=estimated, final=final))

    def _used(self, attempt: Attempt, outcome: records.Outcome) -> tuple[Usage | None, bool]:
        """What to book, and whether it is an estimate: an answer that broke off may lack the provider's own count,
        or hold only the one from its beginning."""
        usage = attempt.usage
        asked = outcome == "cancelled" and attempt.sent > 0.0  # the prompt was sent, and is billed
        if not attempt.seen_bytes and (usage is not None or not asked):
            return usage, False
        if usage is not None and attempt.finish is not None:
            return usage, False
        known = usage or Usage()
        input_tokens = known.input_tokens or self._envelope.input_tokens
        output_tokens = max(known.output_tokens, attempt.seen_bytes // 4 + 1 if attempt.seen_bytes else 0)
        found = msgspec.structs.replace(known, input_tokens=input_tokens, output_tokens=output_tokens)
        return found, found != usage

    def _record(
        self,
        attempt: Attempt,
        outcome: records.Outcome,
        error: PolycloudError | None,
        usage: Usage | None,
        cost: int | None,
        *,
        estimated: bool,
        final: bool,
    ) -> AttemptRecord:
        now = self.now()
        row = attempt.target.deployment
        region, provider_request = attempt.target.evidence(attempt.headers)
        return AttemptRecord(
            request=self._id,
            at_ms=int(self._gateway.clock.wall() * 1000),
            number=attempt.number,
            key=self._principal.id,
            team=self._principal.team,
            asked=self._asked,
            deployment=row.id,
            cloud=row.cloud,
            site=row.site,
            model=row.model,
            outcome=outcome,
            code=error.code if error is not None else "",
            status=attempt.status,
            latency_ms=round((now - attempt.sent) * 1000, 3) if attempt.sent else 0.0,
            first_token_ms=round((attempt.first_content - attempt.sent) * 1000, 3) if attempt.first_content else None,
            usage=usage,
            cost_pico_usd=cost,
            streamed=attempt.stream,
            final=final,
            equivalent=attempt.candidate.equivalent,
            degraded=attempt.degraded,
            reported_region=region,
            provider_request=provider_request,
            policy=self._generation.policy,
            overhead_us=int(self._spent * 1e6) if final else 0,
            estimated=estimated,
        )

    def _decision(self, choice: Choice | None, headers: Mapping[bytes, bytes], code: str = "") -> DecisionRecord:
        first = choice.order[0] if choice is not None else None
        return DecisionRecord(
            request=self._id,
            at_ms=int(self._gateway.clock.wall() * 1000),
            key=self._principal.id,
            team=self._principal.team,
            asked=self._asked,
            route=choice.route.name if choice is not None else "",
            classes=self._classes,
            policy=self._generation.policy,
            overlay=self._generation.view.overlay.version,
            chosen=self._generation.compiled.deployments[first.index].id if first is not None else "",
            eligible=self._generation.eligible(choice.eligible).ids if choice is not None else (),
            expected_pico_usd=first.expected_pico_usd if first is not None else None,
            face=self.face.name,
            code=code,
            trace=records.trace_id(headers.get(b"traceparent")),
        )

    def _tell(self, attempt: Attempt | None, error: PolycloudError) -> None:
        """An honest error in the caller's dialect, in-band where the answer has begun."""
        if attempt is not None and attempt.committed:
            writer = self._writer or self.writer()
            data = writer.fail(error)
            self._inbound.send(chunk(data) + LAST_CHUNK if self._out_chunked else data)
            self._end()
            return
        self._answer_error(error, self._headers(attempt) if attempt is not None else self._explanation())

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
        self.contain(self._abort, Unavailable("the gateway is stopping; send the request again"))

    def _refuse(self, error: PolycloudError) -> None:
        self._closed = True
        journal = self._gateway.journal
        if hasattr(self, "_principal"):  # what has no known key leaves no record: it would let anyone fill the disk
            journal.add(self._decision(None, self._request.headers, error.code))
        else:
            self._gateway.refused += 1
        headers = self._explanation()
        self._then(self._answer_error, error, headers)

    def _answer_error(self, error: PolycloudError, headers: bytes) -> None:
        body = self.face.write_error(error, self._id)
        headers = JSON_TYPE + self._identity() + headers
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
        self._attempt = None
        self._gateway.exchanges.discard(self)
        if self._gateway.explanations:
            self._gateway.explanations.pop(self._id, None)

    def _identity(self) -> bytes:
        """The request's id: under our name, and under the one that the face's official clients show."""
        own = self._id.encode()
        return b"x-polycloud-request: %b\r\n%b: %b\r\n" % (own, self.face.id_header, own)

    def _headers(self, attempt: Attempt) -> bytes:
        assert self._choice is not None
        lines = [
            attempt.target.reply,
            self._generation.eligible(self._choice.eligible).header,
        ]
        if len(self._tried) or attempt.number > 1:
            lines.append(b"x-polycloud-attempts: %d\r\n" % attempt.number)
        if attempt.degraded:
            lines.append(b"x-polycloud-degraded: %b\r\n" % records.header_text(attempt.degraded))
        if attempt.candidate.equivalent:
            lines.append(b"x-polycloud-equivalent: %b\r\n" % attempt.target.deployment.model.encode())
        if attempt.candidate.expected_pico_usd is not None:
            lines.append(b"x-polycloud-expected-usd: %.9f\r\n" % (attempt.candidate.expected_pico_usd / 1e12))
        lines.append(self._explanation())
        return b"".join(lines)

    def _explanation(self) -> bytes:
        found = self._gateway.explanations.pop(self._id, None) if self._gateway.explanations else None
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
        attempt = self._attempt
        if attempt is not None and attempt.ticket is not None:
            attempt.progress = self.now()  # the provider's silence counts from here on
            (attempt.ticket.pause if slow else attempt.ticket.resume)()

    def check(self, now: float) -> None:
        """Called a few times a second: deadlines, and a sign of life while a model thinks."""
        self.contain(self._check, now)

    def _check(self, now: float) -> None:
        attempt = self._attempt
        if attempt is None or attempt.done:
            return
        late = now - self._started > self._limits.total_seconds
        if self._slow and attempt.committed:  # the caller does not read: no fault of the provider's
            if late:
                self._inbound.abort()
            return
        if late and not attempt.ended:
            attempt.cancel()
            self.attempt_failed(attempt, TimedOut(f"not complete within {self._limits.total_seconds:g} s"))
            return
        attempt.check(now, self._limits.header_seconds, self._limits.idle_seconds)
        if attempt.committed and not attempt.done and now - self._last_sent > KEEP_ALIVE_SECONDS:
            self._last_sent = now
            data = self.face.keep_alive()
            self._inbound.send(chunk(data) if self._out_chunked else data)
