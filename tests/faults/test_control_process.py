"""The control process as a process: what workers hear from it, and how it ends, is killed and comes back."""

import asyncio
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import msgspec
import pytest

from polycloud.core.usage import AttemptRecord, Usage
from polycloud.gateway import link
from polycloud.policy import tables

pytestmark = pytest.mark.faults

ESTATE = """
estate: small
onprem:
  hall: {country: DE, models_at: "http://127.0.0.1:9/v1"}
residency: {default_class: general}
data_classes: {general: {description: No limits.}}
models: {llama: {deployments: [{at: onprem/hall}]}}
teams: {demo: {models: ["*"]}}
"""
WAIT_SECONDS = 30


class Installation:
    def __init__(self, base):
        self.estate = base / "estate.yaml"
        self.estate.write_text(ESTATE)
        self.state = base / "state"
        self.process = None

    def start(self, **more):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polycloud.app.control", "--estate", str(self.estate), "--state", str(self.state),
             "--link", str(self.state / "l"), "--http", str(self.state / "h")],
            stderr=subprocess.PIPE, **more,
        )  # fmt: skip

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=WAIT_SECONDS)
        return self.process.returncode, said.decode()

    async def call(self, method, path, body=None):
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(str(self.state / "h"))
                    break
                except OSError:
                    assert self.process.poll() is None, self.process.stderr.read().decode()
                    await asyncio.sleep(0.02)
            data = json.dumps(body).encode() if body is not None else b""
            token = (self.state / "admin.token").read_text().strip()
            writer.write(
                f"{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n"
                f"content-length: {len(data)}\r\n\r\n".encode()
                + data
            )
            head, _, answer = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
        return int(head.split()[1]), json.loads(answer) if b"json" in head else answer


class Worker:
    """Keeps a link as a worker does, and answers what it takes."""

    def __init__(self, path, name="w"):
        self.path, self.name = path, name
        self.heard = {}
        self.news = asyncio.Condition()

    async def run(self):
        while True:
            try:
                reader, self.writer = await asyncio.open_unix_connection(str(self.path))
            except OSError:
                await asyncio.sleep(0.02)
                continue
            frames = link.Frames(link.ToWorker)
            self.tell(link.Hello(self.name, os.getpid(), f"/j/{self.name}-000000.jsonl"))
            with contextlib.suppress(ConnectionError):  # a killed process resets the socket when bytes were unread
                while data := await reader.read(1 << 16):
                    for message in frames.feed(data):
                        await self.take(message)
            self.writer.close()

    async def take(self, message):
        kind = message.__struct_config__.tag
        version = {
            "tables": lambda: tables.decode(message.data).version,
            "overlay": lambda: str(message.overlay.version),
            "keys": lambda: str(message.version),
        }.get(kind, lambda: "")()
        self.tell(link.Applied(self.name, kind, version))
        async with self.news:
            self.heard[kind] = message
            self.news.notify_all()

    def tell(self, message):
        self.writer.write(link.frame(message))

    async def until(self, wanted):
        async with asyncio.timeout(WAIT_SECONDS), self.news:
            await self.news.wait_for(lambda: wanted(self.heard))


@pytest.fixture
def installed(tmp_path):
    made = Installation(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()
    elif made.process is not None:
        made.process.stderr.close()


def test_workers_hear_every_change_and_a_killed_process_comes_back_with_it(installed):
    async def main():
        worker = Worker(installed.state / "l")
        following = asyncio.create_task(worker.run())
        installed.start()
        await worker.until(lambda heard: {"tables", "overlay", "keys"} <= heard.keys())
        first = tables.decode(worker.heard["tables"].data)
        assert [d.id for d in first.deployments] == ["onprem/hall/llama"]

        status, made = await installed.call("POST", "/admin/keys", {"team": "demo"})
        assert status == 201
        digest = hashlib.sha256(made["key"].encode()).digest()
        assert digest in {k.digest for k in worker.heard["keys"].keys}  # before the answer came
        _, moved = await installed.call("PUT", "/admin/sites/onprem/hall", {"state": "draining"})
        assert (moved["workers"], moved["late"]) == (1, {})
        assert worker.heard["overlay"].overlay.sites["onprem/hall"].state == "draining"

        before = worker.heard["tables"].data
        installed.estate.write_text(ESTATE.replace('models: ["*"]', "models: [lama]x"))
        installed.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(WAIT_SECONDS):
            while not (found := await installed.call("GET", "/admin/status"))[1]["refused"]["findings"]:
                await asyncio.sleep(0.05)
        assert found[1]["ready"]
        assert worker.heard["tables"].data == before
        installed.estate.write_text(ESTATE.replace('models: ["*"]', "models: [llama]"))  # seen without a signal
        await worker.until(lambda heard: heard["tables"].data != before)

        installed.kill()
        worker.heard.clear()
        installed.start()
        await worker.until(lambda heard: {"tables", "overlay", "keys"} <= heard.keys())
        assert worker.heard["overlay"].overlay.version == 1
        assert digest in {k.digest for k in worker.heard["keys"].keys}
        status, _ = await installed.call("DELETE", f"/admin/keys/{made['id']}")
        assert digest not in {k.digest for k in worker.heard["keys"].keys}
        assert made["key"] not in json.dumps((await installed.call("GET", "/admin/keys"))[1])

        code, said = await asyncio.to_thread(installed.kill, signal.SIGTERM)
        assert code == 0, said
        assert "control.ended" in said
        assert made["key"] not in said
        assert not (installed.state / "l").exists()
        following.cancel()

    asyncio.run(main())


def test_a_process_that_begins_beside_a_bad_estate_goes_on_with_the_last_good_one(installed):
    async def main():
        worker = Worker(installed.state / "l")
        following = asyncio.create_task(worker.run())
        installed.start()
        await worker.until(lambda heard: {"tables", "keys"} <= heard.keys())
        good = worker.heard["tables"].data
        async with asyncio.timeout(WAIT_SECONDS):
            while not (installed.state / "estate.json").exists():
                await asyncio.sleep(0.02)
        installed.kill()
        installed.estate.write_text(ESTATE.replace("country: DE", "country: [DE"))
        worker.heard.clear()
        installed.start()
        await worker.until(lambda heard: {"tables", "keys"} <= heard.keys())
        assert worker.heard["tables"].data == good
        _, told = await installed.call("GET", "/admin/status")
        assert told["ready"] and told["estate"]["kept"] and told["refused"]["findings"]
        installed.estate.write_text(ESTATE + "# mended\n")
        async with asyncio.timeout(WAIT_SECONDS):
            while (told := (await installed.call("GET", "/admin/status"))[1])["estate"]["kept"]:
                await asyncio.sleep(0.05)
        assert not told["refused"]["message"]
        code, said = await asyncio.to_thread(installed.kill, signal.SIGTERM)
        assert code == 0 and "estate.kept" in said
        following.cancel()

    asyncio.run(main())


def journal(path, count):
    head = "0" * 64
    with path.open("wb") as out:
        for n in range(count):
            record = AttemptRecord(
                request=f"q{n}", at_ms=1_700_000_000_000 + n, number=1, key="k", team="demo", asked="llama",
                deployment="onprem/hall/llama", cloud="onprem", site="onprem/hall", model="llama", outcome="ok",
                usage=Usage(10, 1), cost_pico_usd=3, final=True,
            )  # fmt: skip
            line = msgspec.json.encode({"h": head, "r": record})
            head = hashlib.sha256(line).hexdigest()
            out.write(line + b"\n")


def test_kill_9_while_it_takes_in_journals_counts_every_request_once(installed):
    count = 60_000  # twelve full batches: long enough to be killed in the middle
    (installed.state / "journal").mkdir(parents=True)
    journal(installed.state / "journal" / "w-000000.jsonl", count)

    async def requests():
        _, usage = await installed.call("GET", "/admin/usage?by=team")
        return usage["rows"][0]["requests"] if usage["rows"] else 0

    async def main():
        seen = []
        for _ in range(3):
            installed.start()
            start = seen[-1] if seen else 0
            while (now := await requests()) <= start and now < count:
                await asyncio.sleep(0.01)
            seen.append(now)
            installed.kill()
        assert 0 < seen[0] < count, "no kill came in the middle: the test would prove nothing"
        installed.start()
        async with asyncio.timeout(WAIT_SECONDS):
            while await requests() < count:
                await asyncio.sleep(0.05)
        _, usage = await installed.call("GET", "/admin/usage?by=team")
        assert usage["rows"][0]["requests"] == count
        assert usage["rows"][0]["input_tokens"] == 10 * count
        assert usage["rows"][0]["cost_usd"] == f"{3 * count / 1e12:.12f}".rstrip("0")
        installed.kill(signal.SIGTERM)

    asyncio.run(main())


def test_it_ends_with_its_supervisor(installed):
    read, write = os.pipe()
    os.set_inheritable(read, True)
    installed.start(pass_fds=(read,), env={**os.environ, "POLYCLOUD_LIFELINE_FD": str(read)})
    os.close(read)
    asyncio.run(installed.call("GET", "/healthz"))
    os.close(write)
    _, said = installed.process.communicate(timeout=WAIT_SECONDS)
    assert installed.process.returncode == 0, said


@pytest.mark.parametrize("in_the_way", ["state.db", "admin.token.part"])
def test_what_can_not_start_says_why_in_one_line(installed, in_the_way):
    installed.state.mkdir()
    (installed.state / in_the_way).mkdir()
    installed.start()
    _, said = installed.process.communicate(timeout=WAIT_SECONDS)
    assert installed.process.returncode == 2
    assert b"control.refused" in said
    assert b"Traceback" not in said


def test_the_state_is_for_its_owner_alone(installed):
    installed.start()
    asyncio.run(installed.call("GET", "/healthz"))
    installed.kill(signal.SIGTERM)
    open_to_others = [p for p in pathlib.Path(installed.state).rglob("*") if p.stat().st_mode & 0o077]
    assert not open_to_others
