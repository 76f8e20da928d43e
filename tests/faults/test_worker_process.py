"""A worker as a process, killed in the middle of its load: what was answered is in its journal."""

import asyncio
import hashlib
import json
import pathlib
import signal
import socket
import sys

import msgspec
import pytest

from polycloud.gateway import link
from polycloud.gateway.worker import WorkerSpec
from polycloud.policy import tables

pytestmark = pytest.mark.faults

CALLERS = 8
WAIT_SECONDS = 20


class Killable:
    """The process, and a control process that only says what it must."""

    def __init__(self, plane, directory: pathlib.Path) -> None:
        self.plane = plane
        self.directory = directory
        self.answered: list[str] = []
        self.cut = 0
        self.beats: list[link.Beat] = []
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._held.bind(("127.0.0.1", 0))
        plane.port = self._held.getsockname()[1]

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, str(self.directory / "l"))
        spec = WorkerSpec(
            "w1", "127.0.0.1", self.plane.port, str(self.directory), str(self.directory / "l"),
            str(self.directory / "h"), drain_seconds=5.0,
        )  # fmt: skip
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "polycloud.app.worker", msgspec.json.encode(spec).decode()
        )
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.plane.port)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gateway = self.plane.gateway
        generation = gateway.generation.compiled.tables
        for message in (
            link.SetKeys(1, tuple(gateway.keys._by_digest.values())),
            link.SetCredentials(dict(gateway.credentials)),
            link.SetTables(tables.encode(generation)),
        ):
            writer.write(link.frame(message))
        frames = link.Frames(link.ToControl)
        try:
            while data := await reader.read(65536):
                self.beats += [m for m in frames.feed(data) if isinstance(m, link.Beat)]
        except ConnectionError:
            pass
        writer.close()

    async def call(self, number: int) -> None:
        """Ask again and again until the process is gone."""
        while True:
            try:
                got = await self.plane.ask(("openai", "anthropic")[number % 2], f"alone{number}", number % 4 < 2)
            except (OSError, IndexError):  # refused, reset, or closed without a byte
                self.cut += 1
                return
            try:
                whole = got.whole
            except (ValueError, IndexError):
                whole = False
            if not whole:
                self.cut += 1
                return
            self.answered.append(got.headers["x-polycloud-request"])

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        async with asyncio.timeout(WAIT_SECONDS):
            code = await self.process.wait()
        self._server.close()
        self._held.close()
        return code

    def records(self) -> tuple[list[dict[str, object]], bytes]:
        """Those of the one journal file, chain checked, and what is torn at its end."""
        (path,) = (self.directory / "journal").glob("w1-*.jsonl")
        *lines, torn = path.read_bytes().split(b"\n")
        head, found = "0" * 64, []
        for line in lines:
            row = json.loads(line)
            assert row["h"] == head
            head = hashlib.sha256(line).hexdigest()
            found.append(row["r"])
        return found, torn


def finals(records: list[dict[str, object]], request: str) -> list[object]:
    return [r["outcome"] for r in records if r["kind"] == "attempt" and r["request"] == request and r.get("final")]


def test_kill_9_in_the_middle_of_the_load_loses_no_answered_request(field, tmp_path):
    async def body(plane):
        worker = Killable(plane, tmp_path)
        await worker.start()
        callers = [asyncio.create_task(worker.call(n)) for n in range(CALLERS)]
        async with asyncio.timeout(WAIT_SECONDS):
            while len(worker.answered) < 200:
                await asyncio.sleep(0.01)
        assert await worker.end(signal.SIGKILL) == -signal.SIGKILL
        await asyncio.gather(*callers)
        records, _ = worker.records()
        decided = {r["request"] for r in records if r["kind"] == "decision"}
        assert len(worker.answered) >= 200 and worker.cut == CALLERS
        for request in worker.answered:
            assert request in decided
            assert finals(records, request) == ["ok"]

    field("on-premises", body)


def test_a_worker_that_is_asked_to_stop_answers_what_is_under_way(field, tmp_path):
    async def body(plane):
        worker = Killable(plane, tmp_path)
        await worker.start()
        plane.fault("slow_first", seconds=0.4)
        asking = [asyncio.create_task(plane.ask(face, "alone0", s)) for face in PATHS for s in (False, True)]
        async with asyncio.timeout(WAIT_SECONDS):
            while sum(plane.running.connections().values()) < len(asking):
                await asyncio.sleep(0.01)
        assert await worker.end(signal.SIGTERM) == 0
        answers = await asyncio.gather(*asking)
        assert all(got.whole for got in answers)
        records, torn = worker.records()
        assert torn == b""
        for got in answers:
            assert finals(records, got.headers["x-polycloud-request"]) == ["ok"]
        assert worker.beats

    field("vertex-claude", body)


PATHS = ("openai", "anthropic")
