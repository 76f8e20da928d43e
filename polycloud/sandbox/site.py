"""One site at work: reads a request with its protocol, meets faults, answers whole or streamed, books it."""

import asyncio
from collections.abc import Coroutine
from typing import cast

from polycloud.core.clock import Clock
from polycloud.sandbox.answers import Author, prompt_pieces
from polycloud.sandbox.ask import Answer
from polycloud.sandbox.faults import BEFORE, Fault, Faults
from polycloud.sandbox.instances import NoInstance
from polycloud.sandbox.ledger import Ledger
from polycloud.sandbox.patterns import Unmatched
from polycloud.sandbox.protocols.common import Call, Frame, Refused, Trouble, Wire
from polycloud.sandbox.spec import SiteSpec
from polycloud.sandbox.tokens import PrefixCache
from polycloud.sandbox.wire import Exchange, Reply, Request

BURST_BYTES_MAX = 256 * 1024  # a stream up to this size is written at once; a longer one waits for its reader
SILENCE_SECONDS_MAX = 3600.0  # a silent exchange ends when its caller gives up, or after this
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Site:
    """Handles the requests of one listener."""

    def __init__(
        self, spec: SiteSpec, wire: Wire, author: Author, faults: Faults, ledger: Ledger, clock: Clock
    ) -> None:
        self.spec = spec
        self._wire, self._author, self._faults, self._ledger, self._clock = wire, author, faults, ledger, clock
        self._cache = PrefixCache(spec.cache_minimum_tokens)
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, exchange: Exchange) -> None:
        try:
            read = self._wire.read(request)
        except Refused as refused:
            self._refuse(exchange, "", refused.reply)
            return
        except RecursionError:
            self._refuse(exchange, "", self._wire.invalid(request, "The request body is nested too deeply."))
            return
        if isinstance(read, Reply):
            exchange.reply(read)
            return
        fault = self._faults.hit(self.spec, read.model, read.key, read.stream)
        if self.spec.delay_ms or (fault is not None and fault.kind == "slow_first"):
            self._later(exchange, self._answer_later(request, exchange, read, fault))
        else:
            self._answer(request, exchange, read, fault)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer_later(self, request: Request, exchange: Exchange, call: Call, fault: Fault | None) -> None:
        extra = fault.seconds if fault is not None and fault.kind == "slow_first" else 0.0
        try:
            await asyncio.sleep(self.spec.delay_ms / 1000 + extra)
        except asyncio.CancelledError:
            self._ledger.book(self.spec.site, call.model, "hung_up")
            raise
        exchange.task = None
        self._answer(request, exchange, call, fault)

    def _answer(self, request: Request, exchange: Exchange, call: Call, fault: Fault | None) -> None:
        if fault is not None and self._stopped(request, exchange, call, fault):
            return
        try:
            answer = self._author.answers(call.ask, call.model, int(self._clock.wall()), call.choices)
        except (NoInstance, Unmatched) as error:
            message = f"The sandbox makes no value for this schema: {error}"
            self._refuse(exchange, call.model, self._wire.invalid(request, message))
            return
        limit = self.spec.context_tokens
        if limit and answer.input > limit:
            self._refuse(exchange, call.model, self._wire.trouble("context_too_long", request, 400, 0.0))
            return
        self._count_cache(call, answer)
        if call.stream:
            self._stream(exchange, call, answer, fault)
        else:
            self._whole(exchange, call, answer, fault)

    def _stopped(self, request: Request, exchange: Exchange, call: Call, fault: Fault) -> bool:
        """Whether ``fault`` ends the request before any answer is made."""
        if fault.kind in BEFORE:
            reply = self._wire.trouble(cast(Trouble, fault.kind), request, fault.status, fault.retry_after_seconds)
            exchange.reply(reply)
        elif fault.kind == "reset":
            exchange.reset()
        elif fault.kind == "silence":
            self._later(exchange, self._silence(call))
            return True
        elif fault.kind == "wrong_content_type":
            exchange.reply(Reply(200, HTML, {"content-type": "text/html"}))
        else:
            return False
        self._ledger.book(self.spec.site, call.model, fault.kind)
        return True

    def _count_cache(self, call: Call, answer: Answer) -> None:
        pieces, now = prompt_pieces(call.ask), self._clock.monotonic()
        if call.explicit_cache:
            counts = self._cache.explicit(pieces, call.model, now)
            answer.cache_read, answer.cache_write, answer.cache_write_hour = counts
        else:
            answer.cache_read = self._cache.implicit(pieces, call.model, now)

    def _whole(self, exchange: Exchange, call: Call, answer: Answer, fault: Fault | None) -> None:
        reply = call.writer.whole(answer)
        outcome = "ok"
        if fault is not None and fault.kind == "cut":
            outcome, reply.declared_length = fault.kind, len(reply.body)
            reply.body = reply.body[: len(reply.body) // 2]
        elif fault is not None and fault.kind == "bad_json":
            outcome, reply.body = fault.kind, reply.body[: len(reply.body) // 2]
        self._book(call, answer, outcome, answer.output)
        exchange.reply(reply)

    def _stream(self, exchange: Exchange, call: Call, answer: Answer, fault: Fault | None) -> None:
        frames = call.writer.frames(answer)
        pace = 1 / self.spec.tokens_per_second if self.spec.tokens_per_second else 0.0
        if fault is not None and fault.kind == "slow_tokens":
            pace, fault = fault.seconds, None
        if fault is not None and fault.kind == "slow_first":
            fault = None
        if pace == 0.0 and fault is None and sum(len(f) for f, _ in frames) <= BURST_BYTES_MAX:
            exchange.start(200, call.writer.head(answer))
            exchange.burst([data for data, _ in frames])
            self._book(call, answer, "ok", answer.output)
            exchange.end()
            return
        self._later(exchange, self._stream_slowly(exchange, call, answer, frames, pace, fault))

    async def _stream_slowly(
        self, exchange: Exchange, call: Call, answer: Answer, frames: list[Frame], pace: float, fault: Fault | None
    ) -> None:
        sent, broken = 0, False
        try:
            exchange.start(200, call.writer.head(answer))
            for i, (data, tokens) in enumerate(frames):
                if fault is not None and i == min(fault.after_events, len(frames) - 1):
                    broken = True
                    break
                if pace and tokens:
                    await asyncio.sleep(pace * tokens)
                exchange.write(data)
                sent += tokens
                await exchange.drain()
        except asyncio.CancelledError:
            self._book(call, answer, "hung_up", sent)
            raise
        if fault is not None and broken:
            await self._break(exchange, call, answer, fault, sent)
            return
        exchange.task = None
        self._book(call, answer, "ok", answer.output)
        exchange.end()

    async def _break(self, exchange: Exchange, call: Call, answer: Answer, fault: Fault, sent: int) -> None:
        self._book(call, answer, fault.kind, sent)
        if fault.kind == "silence_mid_stream":
            await asyncio.sleep(SILENCE_SECONDS_MAX)
        exchange.task = None
        if fault.kind in ("broken_frame", "bad_json"):
            exchange.write(call.writer.broken())
            exchange.end()
        elif fault.kind == "error_in_stream":
            exchange.write(call.writer.failure())
            exchange.end()
        else:
            exchange.cut()

    async def _silence(self, call: Call) -> None:
        try:
            await asyncio.sleep(SILENCE_SECONDS_MAX)
        finally:
            self._ledger.book(self.spec.site, call.model, "silence")

    def _refuse(self, exchange: Exchange, model: str, reply: Reply) -> None:
        self._ledger.book(self.spec.site, model, f"http_{reply.status}")
        exchange.reply(reply)

    def _book(self, call: Call, answer: Answer, outcome: str, output: int) -> None:
        counted = (answer.input, output, answer.cache_read, answer.cache_write)
        self._ledger.book(self.spec.site, call.model, outcome, counted)

    def _later(self, exchange: Exchange, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        exchange.task = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
