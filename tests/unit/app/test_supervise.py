"""The supervisor: at once for what lived, later and later for what can not start, and never giving up."""

import asyncio
import errno
from collections.abc import Callable

import pytest

from polycloud.app import supervise
from polycloud.app.cli.up import PLAIN, WORKER_ENVIRONMENT
from polycloud.app.supervise import Child, Supervisor, pause


def test_a_child_that_lived_is_started_again_at_once() -> None:
    assert pause(0.0, supervise.STEADY_SECONDS) == 0.0
    assert pause(6.4, 3600.0) == 0.0


def test_a_child_that_can_not_start_is_tried_later_and_later_within_a_bound() -> None:
    waits = [pause(0.0, 0.1)]
    for _ in range(8):
        waits.append(pause(waits[-1], 0.1))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


class Living:
    """A process that ends when it is told to."""

    pid = 7

    def __init__(self) -> None:
        self.told = asyncio.Event()

    async def wait(self) -> int:
        await self.told.wait()
        return 0

    def terminate(self) -> None:
        self.told.set()


def test_a_machine_without_memory_for_a_process_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    tried: list[str] = []

    async def spawn(*_: object, **__: object) -> Living:
        tried.append("")
        if len(tried) < 3:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        return Living()

    monkeypatch.setattr(supervise, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)

    async def run() -> None:
        supervisor = Supervisor(said.append)
        supervisor.start(Child("worker 0", ("-c", ""), 0))
        await until(lambda: supervisor.pid("worker 0"))
        await supervisor.stop()

    asyncio.run(run())
    assert len(tried) == 3
    assert said == ["worker 0 could not start: Cannot allocate memory; it is started again now"] * 2


def test_a_child_sees_of_the_environment_what_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, dict[str, str]] = {}

    async def spawn(_: str, name: str, *, env: dict[str, str], **__: object) -> Living:
        seen[name] = env
        return Living()

    monkeypatch.setattr(asyncio, "create_subprocess_exec", spawn)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("TZ", "UTC")

    async def run() -> None:
        supervisor = Supervisor(print)
        supervisor.start(Child("control", ("control",), 0))
        supervisor.start(Child("worker 0", ("worker",), 0, WORKER_ENVIRONMENT, PLAIN))
        await until(lambda: len(seen) == 2)
        await supervisor.stop()

    asyncio.run(run())
    assert seen["control"]["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert "AWS_SECRET_ACCESS_KEY" not in seen["worker"] and seen["worker"]["TZ"] == "UTC"
    assert seen["worker"].items() >= WORKER_ENVIRONMENT.items()


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0)
