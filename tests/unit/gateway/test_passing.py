"""What is not model traffic: handed to the control process and back, unchanged and in time."""

import asyncio
import tempfile
from pathlib import Path

import pytest

from polycloud.core.clock import SystemClock
from polycloud.gateway import passing
from polycloud.gateway.client import Origin
from polycloud.gateway.passing import Passing
from polycloud.gateway.server import Connections, Inbound
from polycloud.gateway.state import Gateway


class Side:
    """A caller's address, and a control process that answers with ``answer`` (bytes, or None for silence)."""

    def __init__(self, gateway, port):
        self.gateway, self.port = gateway, port
        self.answer, self.heard, self.open, self.drop = b"", [], 0, False

    async def control(self, reader, writer):
        self.open += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.heard.append((head, await reader.readexactly(length)))
                if self.answer is None:
                    continue
                if self.drop:
                    self.drop = False
                    break
                writer.write(self.answer)
                if b"until close" in self.answer:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        self.open -= 1
        writer.close()

    async def ask(self, data, last=b""):
        """Everything up to ``last``, or to the close of the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        async with asyncio.timeout(5):
            found = await (reader.readuntil(last) if last else reader.read())
        writer.close()
        await writer.wait_closed()
        return found


@pytest.fixture
def run():
    def runner(test, control=True):
        async def body(directory):
            loop = asyncio.get_running_loop()
            gateway = Gateway("w", Path(directory), SystemClock(), loop, 0)
            connections = Connections()
            path = f"{directory}/control"

            def answer(inbound, request):
                found = Passing(gateway, inbound, request, Origin(False, "control", 0, path))
                found.begin()
                return found

            listening = await loop.create_server(lambda: Inbound(answer, connections, loop.time), "127.0.0.1", 0)
            side = Side(gateway, listening.sockets[0].getsockname()[1])
            server = await asyncio.start_unix_server(side.control, path) if control else None
            try:
                await test(side)
                async with asyncio.timeout(5):
                    while gateway.exchanges or connections:
                        await asyncio.sleep(0.005)
            finally:
                gateway.pool.close()
                gateway.journal.close()
                gateway.rates.close()
                listening.close()
                if server is not None:
                    server.close()
                await asyncio.sleep(0.02)
            assert gateway.pool.size == 0

        with tempfile.TemporaryDirectory() as directory:
            asyncio.run(body(directory))

    return runner


def get(path=b"/x?q=1", method=b"GET", version=b"1.1", more=b"", body=b""):
    length = b"content-length: %d\r\n" % len(body) if body else b""
    return b"%b %b HTTP/%b\r\nhost: h\r\n%b%b\r\n%b" % (method, path, version, more, length, body)


def test_a_request_goes_on_with_its_headers_but_those_of_the_hop(run):
    async def body(side):
        side.answer = b"HTTP/1.1 201 Created\r\nx-a: b\r\nkeep-alive: 5\r\ncontent-length: 2\r\n\r\nok"
        more = b"x-key: k\r\nx-forwarded-for: 1.2.3.4\r\nte: trailers\r\nconnection: close\r\n"
        found = await side.ask(get(method=b"PUT", more=more, body=b"body"))
        assert found == b"HTTP/1.1 201 Status\r\nx-a: b\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok"
        ((head, sent),) = side.heard
        assert head.startswith(b"PUT /x?q=1 HTTP/1.1\r\n") and b"x-key: k" in head and sent == b"body"
        assert not any(word in head for word in (b"forwarded", b"te:", b"connection"))

    run(body)


def test_a_refusal_of_the_control_process_has_an_id(run):
    async def body(side):
        side.answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}"
        found = await side.ask(get(more=b"connection: close\r\n"))
        assert found.startswith(b"HTTP/1.1 404") and b"\r\nx-polycloud-request: req-" in found

    run(body)


def test_a_body_of_unknown_length_is_chunked_on(run):
    async def body(side):
        side.answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        found = await side.ask(get(), last=b"0\r\n\r\n")
        assert b"transfer-encoding: chunked" in found and found.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n")

    run(body)


def test_http_1_0_gets_a_body_of_unknown_length_whole_and_a_close(run):
    async def body(side):
        for answer in (b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", b"x: until close\r\n\r\nabc"):
            side.answer = b"HTTP/1.1 200 OK\r\n" + answer
            found = await side.ask(get(version=b"1.0"))
            assert found.endswith(b"\r\n\r\nabc") and b"chunked" not in found and b"content-length" not in found

    run(body)


def test_head_is_answered_without_a_body_and_the_connection_goes_on(run):
    async def body(side):
        side.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc"
        found = await side.ask(get(method=b"HEAD") + get(more=b"connection: close\r\n"))
        first, second, rest = found.split(b"\r\n\r\n")
        assert b"content-length: 3" in first and second.startswith(b"HTTP/1.1 200") and rest == b"abc"

    run(body)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_gets_none(run, status):
    async def body(side):
        side.answer = b"HTTP/1.1 %d X\r\nx-a: b\r\n\r\n" % status
        found = await side.ask(get() + get(more=b"connection: close\r\n"))
        heads = found.split(b"\r\n\r\n")
        assert len(heads) == 3 and heads[2] == b""
        assert not any(word in found for word in (b"content-length", b"transfer-encoding"))

    run(body)


def test_without_a_control_process_it_says_so(run):
    async def body(side):
        found = await side.ask(get(more=b"connection: close\r\n"))
        assert found.startswith(b"HTTP/1.1 503 ") and b"model traffic is still served" in found

    run(body, control=False)


def test_a_control_process_that_hangs_is_not_waited_for_for_ever(run, monkeypatch):
    async def body(side):
        side.answer = None
        asking = asyncio.create_task(side.ask(get(more=b"connection: close\r\n")))
        async with asyncio.timeout(5):
            while not side.heard:
                await asyncio.sleep(0.005)
        (exchange,) = side.gateway.exchanges
        now = side.gateway.clock.monotonic()
        exchange.check(now + passing.HEAD_SECONDS - 5)
        assert not asking.done() and side.open == 1
        exchange.check(now + passing.HEAD_SECONDS + 1)
        assert (await asking).startswith(b"HTTP/1.1 504 ")
        async with asyncio.timeout(5):
            while side.open:
                await asyncio.sleep(0.005)

    run(body)


def test_an_answer_that_breaks_off_is_not_made_whole(run):
    async def body(side):
        side.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\nx: until close\r\n\r\nabc"
        found = await side.ask(get())
        assert b"content-length: 500" in found and found.endswith(b"abc")

    run(body)


def test_a_caller_who_hangs_up_ends_the_call(run):
    async def body(side):
        side.answer = None
        _, writer = await asyncio.open_connection("127.0.0.1", side.port)
        writer.write(get())
        async with asyncio.timeout(5):
            while not side.heard:
                await asyncio.sleep(0.005)
            writer.close()
            while side.open:
                await asyncio.sleep(0.005)

    run(body)


@pytest.mark.parametrize(("method", "status"), [(b"GET", b"200"), (b"POST", b"503")])
def test_a_kept_connection_that_closes_unanswered_is_made_anew_for_reading_only(run, method, status):
    async def body(side):
        side.answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        await side.ask(get(more=b"connection: close\r\n"))
        side.drop = True
        found = await side.ask(get(method=method, more=b"connection: close\r\n"))
        assert found.split()[1] == status and len(side.heard) == (3 if method == b"GET" else 2)

    run(body)
