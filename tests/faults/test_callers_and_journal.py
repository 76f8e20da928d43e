"""Callers who hang up or do not read, a journal that can not be written, a bug inside one request."""

import asyncio
import os
import socket

import pytest

from polycloud.gateway import journal, worker
from polycloud.gateway.dialects import anthropic_messages_writer

pytestmark = pytest.mark.faults

NAMES = ("bedrock", "azure", "gemini", "vertex-claude", "oci", "on-premises")


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_who_hangs_up_in_a_stream_stops_the_provider_and_is_booked(field, name):
    async def body(plane):
        for i, face in enumerate(("openai", "anthropic")):
            reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            writer.write(plane.request(face, f"spared{i}", True))
            await reader.readuntil(b"three")
            writer.close()
        async with asyncio.timeout(5):
            while plane.served(plane.case.site).get("hung_up", 0) < 2:
                await asyncio.sleep(0.01)
        first, second = plane.attempts()
        for record in (first, second):
            assert (record["outcome"], record["final"], record["site"]) == ("cancelled", True, plane.case.site)
            assert record["usage"]["input_tokens"] > 0 and 1 <= record["usage"]["output_tokens"] < 40
            assert record["cost_pico_usd"] > 0
        assert plane.served(plane.case.site) == {"hung_up": 2}

    field(name, body, pace=20.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_caller_who_hangs_up_before_the_answer_is_booked_with_the_prompt(field, name):
    async def body(plane):
        plane.fault("silence")
        for stream in (False, True):
            _, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            asked = plane.request("openai", f"spared{int(stream)}", stream)
            writer.write(asked.replace(b"host: x\r\n", b"host: x\r\nx-polycloud-explain: 1\r\n"))
            await asyncio.sleep(0.1)
            writer.close()
        async with asyncio.timeout(5):
            while plane.served(plane.case.site).get("silence", 0) < 2:
                await asyncio.sleep(0.01)
        assert [(r["outcome"], r["final"], r["estimated"]) for r in plane.attempts()] == [("cancelled", True, True)] * 2
        assert all(r["usage"]["input_tokens"] > 0 and r["usage"]["output_tokens"] == 0 for r in plane.attempts())

    field(name, body)


def test_a_caller_who_hangs_up_between_two_attempts_has_a_last_record(field):
    async def body(plane):
        plane.fault("throttle", retry_after_seconds=1.5)
        _, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        writer.write(plane.request("openai", "alone0", False))
        async with asyncio.timeout(5):
            while not plane.attempts():
                await asyncio.sleep(0.01)
        writer.close()
        async with asyncio.timeout(1):
            while plane.gateway.exchanges:
                await asyncio.sleep(0.01)
        assert [(r["number"], r["outcome"], r.get("final", False)) for r in plane.attempts()] == [
            (1, "error", False),
            (0, "cancelled", True),
        ]
        assert plane.served(plane.case.site) == {"throttle": 1}

    field("azure", body)


def test_traffic_moved_away_during_a_wait_is_not_sent_there_again(field):
    async def body(plane):
        plane.fault("throttle", retry_after_seconds=0.5)
        asking = asyncio.create_task(plane.ask("openai", "alone0", False))
        async with asyncio.timeout(5):
            while not plane.attempts():
                await asyncio.sleep(0.01)
        plane.gateway.down = frozenset({f"{plane.case.site}/alone0"})
        got = await asking
        assert got.status == 429 and got.error["message"]
        assert [r.get("final", False) for r in plane.attempts()] == [False, True]
        assert plane.served(plane.case.site) == {"throttle": 1}

    field("azure", body)


def test_a_caller_who_does_not_read_stops_the_provider_too_and_costs_it_no_trust(field):
    async def body(plane):
        caller = socket.socket()
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        caller.setblocking(False)
        await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", plane.port))
        reader, writer = await asyncio.open_connection(sock=caller, limit=1024)
        writer.write(plane.request("openai", "spared0", True, "echo: " + "word " * 40_000, 45_000))
        async with asyncio.timeout(10):
            while not any(getattr(e, "_slow", False) for e in plane.gateway.exchanges):
                await asyncio.sleep(0.01)
        (exchange,) = plane.gateway.exchanges
        (connection,) = [c for c in plane.gateway.pool._all if c.call is not None]
        assert not connection.transport.is_reading()
        await asyncio.sleep(0.8)  # longer than the provider may be silent
        assert exchange in plane.gateway.exchanges and plane.gateway.breakers.states() == {}
        async with asyncio.timeout(20):
            rest = await reader.read()
        assert rest.count(b"[DONE]") == 1 and rest.endswith(b"0\r\n\r\n")
        writer.close()
        (attempt,) = plane.attempts()
        assert attempt["outcome"] == "ok"

    field("on-premises", body)


def test_a_journal_that_can_not_be_written_lets_answers_go_and_then_refuses(field, monkeypatch):
    monkeypatch.setattr(journal, "BACKLOG_BYTES_MAX", 6000)
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.05)

    async def body(plane):
        kept, full = plane.gateway.journal, os.open("/dev/full", os.O_WRONLY)
        good = os.dup(kept._fd)
        assert (await plane.ask("openai", "alone0", False)).whole
        os.dup2(full, kept._fd)
        answered = 1
        for _ in range(100):
            got = await plane.ask("openai", "alone0", False)
            if not got.whole:
                break
            answered += 1
        assert got.status == 503 and "journal" in got.error["message"] and "No space left" in got.error["message"]
        assert answered > 2 and got.error["code"] == "journal_unwritable"
        assert len(plane.attempts()) == 1
        held, before = kept._backlog, plane.worker.gateway.unrecorded
        for _ in range(50):
            assert (await plane.ask("openai", "alone0", False)).status == 503
        assert kept._backlog == held  # what is refused for want of memory takes none
        assert plane.worker.gateway.unrecorded == before + 50  # and is counted all the same
        os.dup2(good, kept._fd)
        async with asyncio.timeout(5):
            while kept.overfull:
                await asyncio.sleep(0.01)
        assert kept.failure == "" and len(plane.attempts()) == answered
        assert all(r["chosen"] for r in plane.records() if r["kind"] == "decision")
        assert (await plane.ask("anthropic", "alone0", True)).whole
        os.close(good)
        os.close(full)

    field("azure", body)


def test_a_bug_in_one_request_is_a_500_with_a_record_and_hurts_no_other(field, monkeypatch):
    seen = []

    def broken(self, events):
        raise LookupError("a bug")

    async def body(plane):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context["exception"]))
        monkeypatch.setattr(anthropic_messages_writer.Writer, "write", broken)
        hurt, fine = await asyncio.gather(plane.ask("anthropic", "spared0", True), plane.ask("openai", "spared1", True))
        assert fine.whole
        assert hurt.status == 500 and hurt.error["type"] == "api_error" and "LookupError" in hurt.error["message"]
        assert [type(e) for e in seen] == [LookupError]
        (attempt,) = plane.attempts(hurt.headers["x-polycloud-request"])
        assert (attempt["outcome"], attempt["code"], attempt["final"]) == ("error", "internal", True)

    field("bedrock", body)


@pytest.mark.parametrize("step", ["_choose", "_launch", "_headers", "_answer_error"])
def test_a_bug_anywhere_on_the_way_ends_only_its_request(field, monkeypatch, step):
    seen = []

    def broken(self, *_):
        raise LookupError("a bug")

    async def body(plane):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context["exception"]))
        with monkeypatch.context() as patch:
            patch.setattr(worker.Exchange, step, broken)
            if step == "_answer_error":
                plane.fault("http_error")
            reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
            writer.write(plane.request("openai", "alone0", False))
            said = await reader.read()
            writer.close()
        if step in ("_choose", "_launch"):
            assert said.startswith(b"HTTP/1.1 500 ") and b"LookupError" in said
        else:
            assert said == b""  # even the way out is broken: the connection closes, and nobody waits
        assert seen and not plane.gateway.exchanges
        records = plane.records()
        if step == "_choose":
            assert [(r["kind"], r["code"]) for r in records] == [("decision", "internal")]
        else:
            assert [r.get("final", False) for r in records if r["kind"] == "attempt"][-1:] == [True]
        plane.running.faults.clear()
        assert (await plane.ask("openai", "alone1", True)).whole

    field("azure", body)


def test_a_worker_that_stops_tells_the_callers_it_can_not_wait_for(field):
    async def body(plane):
        asking = asyncio.create_task(plane.ask("anthropic", "spared0", True))
        waiting = asyncio.create_task(plane.ask("openai", "spared1", False))
        async with asyncio.timeout(5):
            while not any(getattr(e, "last_sent", 0) for e in plane.gateway.exchanges):
                await asyncio.sleep(0.01)
        plane.fault("silence")
        silent = asyncio.create_task(plane.ask("openai", "spared2", False))
        await asyncio.sleep(0.05)
        await plane.worker._close()
        stream, whole, never = await asyncio.gather(asking, waiting, silent)
        assert stream.status == 200 and stream.marks == 0 and "stopping" in stream.error["message"]
        assert whole.whole
        assert never.status == 503 and "stopping" in never.error["message"]
        for got in (stream, never):
            (attempt,) = plane.attempts(got.headers["x-polycloud-request"])
            assert attempt["final"] and attempt["code"] == "gateway_stopping"

    field("vertex-claude", body, pace=20.0)


def test_a_request_that_is_ended_twice_does_not_end_the_one_behind_it(field):
    async def body(plane):
        plane.fault("silence", count=1)
        reader, writer = await asyncio.open_connection("127.0.0.1", plane.port)
        first = plane.request("openai", "alone0", False).replace(b"connection: close\r\n", b"")
        writer.write(first + plane.request("openai", "alone1", False))
        async with asyncio.timeout(5):
            while not plane.gateway.exchanges or not plane.gateway.pool.size:
                await asyncio.sleep(0.01)
        (exchange,) = plane.gateway.exchanges
        exchange.stop()
        exchange.stop()
        said = await reader.read()
        writer.close()
        assert [part[:4] for part in said.split(b"HTTP/1.1 ")[1:]] == [b"503 ", b"200 "]
        assert [r["outcome"] for r in plane.attempts()] == ["error", "ok"]

    field("azure", body)
