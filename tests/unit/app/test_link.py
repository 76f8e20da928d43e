"""The control end of the link, spoken to by a worker over a real unix socket."""

import asyncio
import contextlib

import pytest

from polycloud.app.control import link as link_module
from polycloud.app.control.link import LinkServer
from polycloud.core.ports.models import Credential
from polycloud.gateway import link
from polycloud.policy.overlay import Overlay


class FakeWorker:
    def __init__(self, path, name="w1"):
        self.path, self.name = path, name
        self.frames = link.Frames(link.ToWorker)
        self.heard = []

    async def __aenter__(self):
        self.reader, self.writer = await asyncio.open_unix_connection(str(self.path))
        self.tell(link.Hello(self.name, 7, f"/j/{self.name}-000000.jsonl"))
        return self

    async def __aexit__(self, *_):
        self.writer.close()

    def tell(self, message):
        self.writer.write(link.frame(message))

    async def hear(self, count):
        async with asyncio.timeout(10):
            while len(self.heard) < count:
                data = await self.reader.read(1 << 16)
                assert data
                self.heard += self.frames.feed(data)
        return self.heard


@pytest.fixture
def path(tmp_path):
    return tmp_path / "l.sock"


@contextlib.asynccontextmanager
async def serving(path, log):
    server = LinkServer(path, log, lambda: None)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def test_a_worker_gets_everything_in_a_safe_order_and_then_changes(path, log):
    async def main():
        async with serving(path, log) as server:
            assert not path.stat().st_mode & 0o077
            server.push("tables", link.SetTables(b"t1"))
            server.push("overlay", link.SetOverlay(Overlay(1)))
            server.push("credentials", link.SetCredentials({"a": Credential("bearer", {"token": "x"})}))
            async with FakeWorker(path) as worker:
                first = [type(m) for m in await worker.hear(3)]
                assert first == [link.SetCredentials, link.SetOverlay, link.SetTables]
                server.push("overlay", link.SetOverlay(Overlay(2)))
                assert (await worker.hear(4))[-1].overlay.version == 2
        assert not path.exists()

    asyncio.run(main())


def test_settled_names_who_has_it_who_refused_and_who_is_late(path, log):
    async def main():
        async with serving(path, log) as server, FakeWorker(path, "a") as a, FakeWorker(path, "b") as b:
            server.push("tables", link.SetTables(b"t"))
            await a.hear(1)
            await b.hear(1)
            a.tell(link.Applied("a", "tables", "v2"))
            assert await server.settled("tables", "v2", 0.2) == {"b": "has not taken it yet"}
            b.tell(link.Applied("b", "tables", "", "no adapter"))
            assert await server.settled("tables", "v2", 10) == {"b": "no adapter"}
            server.push("tables", link.SetTables(b"t3"))
            a.tell(link.Applied("a", "tables", "v3"))
            b.tell(link.Applied("b", "tables", "v3"))
            assert await server.settled("tables", "v3", 10) == {}
            assert await server.settled("tables", "v3", 0) == {}

    asyncio.run(main())


def test_a_journal_that_can_not_be_written_is_told_once_and_until_it_can(path, log, caplog):
    async def main():
        async with serving(path, log) as server, FakeWorker(path, "a") as a:
            for failure in ("", "the disk is full", "the disk is full", "", ""):
                a.tell(link.Beat("a", 0, 0, {}, 0, unwritten=failure))
                while not (server.workers and (beat := server.workers[0].beat) and beat.unwritten == failure):
                    await asyncio.sleep(0.01)
                assert server.workers[0].errors == ({"journal": failure} if failure else {})

    caplog.set_level("WARNING")
    asyncio.run(main())
    assert [r.facts for r in caplog.records if r.msg == "worker.journal"] == [
        {"worker": "a", "error": "the disk is full"},
        {"worker": "a", "written": "again"},
    ]


def test_a_slow_worker_holds_one_value_of_each_kind(path, log):
    async def main():
        async with serving(path, log) as server, FakeWorker(path) as worker:
            while not server.workers:
                await asyncio.sleep(0.01)
            big = b"x" * 4_000_000  # more than socket buffers take: the worker reads nothing
            for n in range(50):
                server.push("tables", link.SetTables(big + str(n).encode()))
                await asyncio.sleep(0)
            (peer,) = server.workers
            assert len(peer.waiting) <= 1
            heard = await worker.hear(2)
            assert heard[-1].data.endswith(b"49")

    asyncio.run(main())


def test_a_worker_that_takes_nothing_is_cut(path, log, monkeypatch):
    monkeypatch.setattr(link_module, "SEND_SECONDS", 0.05)

    async def main():
        async with serving(path, log) as server, FakeWorker(path):
            while not server.workers:
                await asyncio.sleep(0.01)
            server.push("tables", link.SetTables(b"x" * 8_000_000))
            async with asyncio.timeout(10):
                while server.workers:
                    await asyncio.sleep(0.01)

    asyncio.run(main())


def test_nonsense_ends_one_link_and_no_other(path, log):
    async def main():
        async with serving(path, log) as server, FakeWorker(path, "good") as good:
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(b"\xff\xff\xff\xff nonsense")
            assert await reader.read() == b""
            writer.close()
            good.tell(link.Beat("good", 3, 4, {"d": "open"}, 5))
            async with asyncio.timeout(10):
                while not server.workers or server.workers[0].beat is None:
                    await asyncio.sleep(0.01)
            (peer,) = server.workers
            assert (peer.worker, peer.beat.in_flight, peer.journal) == ("good", 3, "/j/good-000000.jsonl")

    asyncio.run(main())
