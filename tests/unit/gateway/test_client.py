"""HTTP to providers: one call a connection at a time, whatever the other side sends and whenever it goes away."""

import asyncio

import pytest

from polycloud.core.errors import BrokenStream, TimedOut, Unavailable
from polycloud.gateway import client
from polycloud.gateway.client import Origin, Pool

ASK = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"


def reply(body=b"ok", headers=b""):
    return b"HTTP/1.1 200 OK\r\n%bcontent-length: %d\r\n\r\n%b" % (headers, len(body), body)


class Call:
    """Keeps what it hears."""

    def __init__(self):
        self.heads, self.body, self.ends, self.error, self.stale = [], b"", 0, None, None
        self.over = asyncio.Event()
        self.on_data = lambda: None

    def response_started(self, status, headers):
        assert not self.over.is_set()
        self.heads.append((status, headers))

    def response_data(self, data):
        assert not self.over.is_set()
        self.body += data
        self.on_data()

    def response_ended(self):
        assert not self.over.is_set()
        self.ends += 1
        self.over.set()

    def response_failed(self, error, *, stale):
        assert not self.over.is_set()
        self.error, self.stale = error, stale
        self.over.set()


class Provider:
    """Answers each request with the next of ``answers``: bytes, or a coroutine function of the writer."""

    def __init__(self):
        self.answers, self.connections, self.requests, self.left = [], 0, 0, 0

    async def serve(self, reader, writer):
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                answer = self.answers.pop(0)
                if isinstance(answer, bytes):
                    writer.write(answer)
                elif await answer(writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left += 1
        writer.close()


def run(test):
    async def body():
        provider = Provider()
        listening = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
        pool = Pool(asyncio.get_running_loop())
        origin = Origin(False, "127.0.0.1", listening.sockets[0].getsockname()[1])

        async def ask(**more):
            call = Call()
            pool.send(origin, ASK, call, 1.0, **more)
            async with asyncio.timeout(5):
                await call.over.wait()
            return call

        try:
            await test(provider, pool, origin, ask)
        finally:
            pool.close()
            listening.close()
            await asyncio.sleep(0.01)
        assert pool.size == 0 and not pool._count and not any(pool._idle.values())

    asyncio.run(body())


async def close(writer):
    return True


def test_a_connection_is_kept_and_used_again():
    async def body(provider, pool, origin, ask):
        provider.answers = [reply(b"1"), reply(b"2")]
        assert [(await ask()).body for _ in "12"] == [b"1", b"2"]
        assert provider.connections == 1 and pool.size == 1

    run(body)


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"1", b"connection: close\r\n"),
        reply(b"1") + reply(b"smuggled"),
        reply(b"1") + b"garbage",
        reply(b"1", b"connection: close\r\n") + b"garbage",
        b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\n1",
    ],
)
def test_one_that_can_not_be_trusted_with_another_call_is_not_kept(answer):
    async def body(provider, pool, origin, ask):
        provider.answers = [answer, reply(b"2")]
        first = await ask()
        assert (first.body, first.ends, len(first.heads)) == (b"1", 1, 1)
        second = await ask()
        assert (second.body, second.ends) == (b"2", 1)
        assert provider.connections == 2

    run(body)


def test_bytes_that_come_when_nothing_was_asked_end_the_connection():
    async def out_of_turn(writer):
        writer.write(reply(b"1"))
        await asyncio.sleep(0.02)
        writer.write(reply(b"nobody asked"))

    async def body(provider, pool, origin, ask):
        provider.answers = [out_of_turn, reply(b"2")]
        assert (await ask()).body == b"1"
        await asyncio.sleep(0.05)
        assert pool.size == 0
        assert (await ask()).body == b"2"

    run(body)


def test_trailers_do_not_become_headers_of_the_next_answer():
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\ncontent-type: text/evil\r\n\r\n"

    async def body(provider, pool, origin, ask):
        provider.answers = [chunked, reply(b"2")]
        first, second = await ask(), await ask()
        assert (first.body, second.body, provider.connections) == (b"1", b"2", 1)
        assert second.heads == [(200, {b"content-length": b"1"})]

    run(body)


def test_interim_answers_are_passed_over_and_answers_without_a_body_end():
    async def body(provider, pool, origin, ask):
        provider.answers = [
            b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + reply(b"1"),
            b"HTTP/1.1 204 No Content\r\n\r\n",
            reply(b""),
            b"HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\n\r\n",
            reply(b"5"),
        ]
        found = [await ask() for _ in range(5)]
        assert [[s for s, _ in c.heads] for c in found] == [[200], [204], [200], [304], [200]]
        assert [c.body for c in found] == [b"1", b"", b"", b"", b"5"] and provider.connections == 1
        assert b"link" not in found[0].heads[0][1]

    run(body)


def test_an_upgrade_is_no_answer():
    async def body(provider, pool, origin, ask):
        provider.answers = [b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nabc"]
        assert isinstance((await ask()).error, BrokenStream) and pool.size == 0

    run(body)


def test_a_body_until_the_close_ends_with_it():
    async def until_close(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nsome")
        await asyncio.sleep(0.01)
        writer.write(b"thing")
        return True

    async def body(provider, pool, origin, ask):
        provider.answers = [until_close]
        call = await ask()
        assert (call.body, call.ends, call.error) == (b"something", 1, None)

    run(body)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (b"", Unavailable),
        (b"HTTP/1.1 200 OK\r\nconten", BrokenStream),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n12", BrokenStream),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12", BrokenStream),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n12\r\n", BrokenStream),
        (b"SSH-2.0-OpenSSH\r\n", BrokenStream),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000, BrokenStream),
    ],
)
def test_an_answer_that_breaks_off_says_how(sent, error):
    async def cut(writer):
        writer.write(sent)
        return True

    async def body(provider, pool, origin, ask):
        provider.answers = [cut]
        call = await ask()
        assert type(call.error) is error and not call.stale and call.ends == 0 and pool.size == 0

    run(body)


def test_a_kept_connection_that_closes_unanswered_is_stale_and_a_new_one_is_not():
    async def body(provider, pool, origin, ask):
        provider.answers = [reply(b"1"), close, close, reply(b"4")]
        await ask()
        assert (await ask()).stale is True
        assert (await ask()).stale is False
        assert (await ask()).body == b"4"

    run(body)


def test_fresh_means_a_new_connection_though_one_is_kept():
    async def body(provider, pool, origin, ask):
        provider.answers = [reply(b"1"), reply(b"2")]
        await ask()
        await ask(fresh=True)
        assert provider.connections == 2 and pool.size == 2

    run(body)


def test_a_ticket_of_a_call_that_ended_touches_no_later_call():
    async def body(provider, pool, origin, ask):
        later = asyncio.Event()

        async def slow(writer):
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n2")
            await later.wait()
            writer.write(b"2")

        provider.answers = [reply(b"1"), slow]
        first, second = Call(), Call()
        ticket = pool.send(origin, ASK, first, 1.0)
        await first.over.wait()
        pool.send(origin, ASK, second, 1.0)
        await asyncio.sleep(0.02)
        assert second.body == b"2"
        ticket.pause()
        ticket.cancel()
        later.set()
        await second.over.wait()
        assert (second.body, second.error, provider.connections) == (b"22", None, 1)

    run(body)


def test_a_cancelled_call_closes_its_connection_and_hears_nothing_more():
    async def body(provider, pool, origin, ask):
        provider.answers = [b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n"]
        call = Call()
        ticket = pool.send(origin, ASK, call, 1.0)
        while not call.body:
            await asyncio.sleep(0.005)
        ticket.cancel()
        assert pool.size == 0
        async with asyncio.timeout(5):
            while not provider.left:
                await asyncio.sleep(0.005)
        assert not call.over.is_set()

    run(body)


def test_a_call_cancelled_while_it_connects_leaves_no_connection():
    async def body(provider, pool, origin, ask):
        call = Call()
        ticket = pool.send(origin, ASK, call, 1.0)
        ticket.cancel()
        await asyncio.sleep(0.05)
        assert pool.size == 0 and provider.requests == 0 and not call.over.is_set()

    run(body)


def test_a_call_held_back_reads_nothing_and_its_connection_reads_again_for_the_next():
    async def body(provider, pool, origin, ask):
        provider.answers = [reply(b"1"), reply(b"2"), reply(b"3")]
        call = Call()
        ticket = pool.send(origin, ASK, call, 1.0)
        ticket.pause()  # while it connects
        await asyncio.sleep(0.05)
        assert call.heads == []
        ticket.resume()
        await call.over.wait()
        held = Call()
        ticket = pool.send(origin, ASK, held, 1.0)
        held.on_data = ticket.pause  # the caller's buffer is full with the last bytes of the answer
        await held.over.wait()
        (kept,) = pool._idle[origin]
        assert kept.transport.is_reading()  # else it would not hear that the other side closes
        assert (await ask()).body == b"3" and provider.connections == 1

    run(body)


def test_no_connection_says_why():
    async def body(provider, pool, origin, ask):
        for there, error in (
            (Origin(False, "127.0.0.1", 1), Unavailable),
            (Origin(False, "a" * 70 + ".example", 80), Unavailable),
            (Origin(False, "", 0, "/nowhere.sock"), Unavailable),
        ):
            call = Call()
            pool.send(there, ASK, call, 1.0)
            await call.over.wait()
            assert type(call.error) is error and "no connection" in call.error.message and not call.stale
        await asyncio.sleep(0)
        assert pool.size == 0 and not pool._count

    run(body)


def test_connecting_has_a_deadline(monkeypatch):
    async def body(provider, pool, origin, ask):
        async def never(*_, **__):
            await asyncio.sleep(60)

        with monkeypatch.context() as patch:
            patch.setattr(asyncio.get_running_loop(), "create_connection", never)
            call = Call()
            pool.send(origin, ASK, call, 0.02)
            await call.over.wait()
        await asyncio.sleep(0)
        assert type(call.error) is TimedOut and pool.size == 0

    run(body)


def test_a_connection_that_is_gone_before_its_first_use_is_no_connection(monkeypatch):
    async def body(provider, pool, origin, ask):
        loop = asyncio.get_running_loop()

        async def gone(factory, *_, **__):
            connection = factory()
            connection.connection_lost(ConnectionResetError())
            return None, connection

        with monkeypatch.context() as patch:
            patch.setattr(loop, "create_connection", gone)
            call = Call()
            pool.send(origin, ASK, call, 1.0)
            await call.over.wait()
        await asyncio.sleep(0)
        assert type(call.error) is Unavailable and pool.size == 0 and not pool._count

    run(body)


def test_connections_to_one_origin_are_bounded(monkeypatch):
    monkeypatch.setattr(client, "CONNECTIONS_MAX", 2)

    async def body(provider, pool, origin, ask):
        later = asyncio.Event()

        async def slow(writer):
            await later.wait()
            writer.write(reply())

        provider.answers = [slow, slow]
        calls = [Call() for _ in range(3)]
        for call in calls:
            pool.send(origin, ASK, call, 1.0)
        await calls[2].over.wait()
        assert "are in use" in calls[2].error.message
        later.set()
        await asyncio.gather(*(c.over.wait() for c in calls))
        assert [c.body for c in calls] == [b"ok", b"ok", b""]

    run(body)


def test_idle_connections_are_let_go(monkeypatch):
    async def body(provider, pool, origin, ask):
        provider.answers = [reply()]
        await ask()
        pool.prune()
        assert pool.size == 1
        monkeypatch.setattr(client, "IDLE_SECONDS", -1.0)
        pool.prune()
        pool.prune()
        assert pool.size == 0 and not pool._idle

    run(body)
