"""`polycloud up` as a person runs it: ready, killed piece by piece, stopped; and no process is left."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import polycloud
from polycloud.app.client import Address, Answer

pytestmark = [pytest.mark.faults, pytest.mark.slow]
EXAMPLE = Path(polycloud.__file__).parent / "app" / "examples" / "sandbox" / "estate.yaml"
PATIENCE = 40.0


def until(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if true():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Up:
    """A supervisor with its children, found by name in the process table."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        shutil.copy(EXAMPLE, directory / "estate.yaml")
        self.log = directory / "up.log"
        self.process = self.polycloud("up", "--port", "0", "--workers", "2")
        until(lambda: "polycloud is ready on http://127.0.0.1:" in self.log.read_text(), "ready")
        self.gateway = Address(json.loads((directory / ".polycloud" / "run.json").read_bytes())["url"])

    def polycloud(self, *arguments: str) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "polycloud", *arguments]
            return subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)

    def children(self) -> dict[int, str]:
        found = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
                words = (stat.parent / "cmdline").read_bytes().split(b"\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid and len(words) > 2:
                found[int(stat.parent.name)] = words[2].decode()
        return found

    def one(self, module: str) -> int:
        return next(pid for pid, name in self.children().items() if name == f"polycloud.app.{module}")

    def ask(self) -> int:
        return self.answer().status

    def answer(self) -> Answer:
        """Over a connection of its own, so that the kernel picks the worker."""
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
        headers = {"authorization": "Bearer pk-demo"}
        return self.gateway.whole("POST", "/v1/chat/completions", body, headers)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    if not Path("/proc/self/stat").exists():
        pytest.skip("this test reads the process table of Linux")
    running = Up(tmp_path)
    yield running
    children = running.children()
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()
    until(lambda: not any(alive(pid) for pid in children), "no process is left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_whole(up: Up, number: signal.Signals) -> None:
    children = up.children()
    assert sorted(children.values()) == [
        "polycloud.app.control",
        "polycloud.app.sandbox_process",
        "polycloud.app.worker",
        "polycloud.app.worker",
    ]
    assert up.ask() == 200
    os.kill(up.process.pid, number)
    assert up.process.wait(PATIENCE) == 0
    assert not any(alive(pid) for pid in children)
    assert not (up.directory / ".polycloud" / "run.json").exists()


@pytest.mark.parametrize("module", ["worker", "control", "sandbox_process"])
def test_what_dies_is_started_again(up: Up, module: str) -> None:
    before = up.children()
    os.kill(up.one(module), signal.SIGKILL)
    until(lambda: "it is started again" in up.log.read_text(), "the supervisor says so")
    until(lambda: len(up.children()) == len(before) and up.children() != before, "a new process")
    until(lambda: up.gateway.whole("GET", "/readyz").status == 200, "ready again")
    until(lambda: up.ask() == 200, "served again")


def test_workers_give_the_memory_of_large_bodies_back(up: Up) -> None:
    """After 24 bodies of 30 MB a worker kept 530 MB without this setting, and 25 MB with it."""
    given = Path(f"/proc/{up.one('worker')}/environ").read_bytes().split(b"\0")
    assert b"MALLOC_MMAP_THRESHOLD_=65536" in given


def test_traffic_flows_while_the_control_process_is_gone(up: Up) -> None:
    os.kill(up.one("control"), signal.SIGKILL)
    assert up.ask() == 200


def test_nothing_outlives_a_killed_supervisor(up: Up) -> None:
    children = up.children()
    up.process.kill()
    up.process.wait()
    until(lambda: not any(alive(pid) for pid in children), "no orphan")


def test_every_worker_follows_the_overlay_by_the_time_the_command_ends(up: Up) -> None:
    for state in ("drain", "fail"):
        before = up.answer().headers["x-polycloud-deployment"]
        site = before.rpartition("/")[0]
        assert up.polycloud("sites", state, site).wait(PATIENCE) == 0  # 1 names a worker that does not follow
        assert "2 of 2 worker(s) follow" in up.log.read_text()
        found = {up.answer().headers["x-polycloud-deployment"] for _ in range(24)}
        assert found and not any(deployment.startswith(site) for deployment in found)
        assert up.polycloud("sites", "serve", site).wait(PATIENCE) == 0
        assert {up.answer().headers["x-polycloud-deployment"] for _ in range(8)} == {before}


def test_a_second_one_is_refused(up: Up) -> None:
    assert up.polycloud("up", "--port", "0").wait(PATIENCE) == 2
    assert "polycloud already runs from" in up.log.read_text()
    assert up.ask() == 200
