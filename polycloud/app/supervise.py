"""The supervisor: a small parent that starts the processes of one estate, restarts what dies, and leaves none.

It holds no state of its own. Children run in sessions of their own, so that ctrl-C reaches only the
supervisor, which then stops workers first (they drain), the control process next (it takes in the last
records), the sandbox last.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from polycloud.app.lifeline import ENVIRONMENT

RESTART_SECONDS = 0.2
RESTART_SECONDS_MAX = 10.0
STEADY_SECONDS = 3.0  # a child that lived so long could start, and is started again at once
STOP_SECONDS = 35.0  # a little over a worker's drain


class Child(NamedTuple):
    """A process to keep alive. ``stage``: lower ones start first and stop last. ``arguments`` may be made anew
    for each start. ``environment`` is added to what it inherits: variables with one of these prefixes, or all."""

    name: str
    arguments: Sequence[str] | Callable[[], Sequence[str]]
    stage: int
    environment: Mapping[str, str] = {}
    inherits: tuple[str, ...] = ("",)


class Supervisor:
    """Runs children until told to stop. ``say`` prints a line for people."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._read, self._write = os.pipe()
        os.set_inheritable(self._read, True)
        self._running: dict[str, tuple[Child, asyncio.subprocess.Process]] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    def start(self, child: Child) -> None:
        """Start ``child`` and start it again whenever it ends."""
        self._keepers.append(asyncio.get_running_loop().create_task(self._keep(child)))

    def pid(self, name: str) -> int | None:
        found = self._running.get(name)
        return found[1].pid if found else None

    async def wait(self) -> None:
        """Until a signal asks to stop; a second one stops at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._signalled)
        await self._stopping.wait()

    def _signalled(self) -> None:
        if self._stopping.is_set():
            for _, process in self._running.values():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        self._stopping.set()

    def stop_soon(self) -> None:
        self._stopping.set()

    async def stop(self) -> None:
        """Stop all children, the last stage first, and wait for each stage to be gone."""
        self._stopping.set()
        for stage in sorted({child.stage for child, _ in self._running.values()}, reverse=True):
            processes = [p for child, p in self._running.values() if child.stage == stage]
            for process in processes:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
            done = asyncio.gather(*(p.wait() for p in processes))
            try:
                await asyncio.wait_for(done, STOP_SECONDS)
            except TimeoutError:
                for process in processes:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                await asyncio.gather(*(p.wait() for p in processes))
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        os.close(self._write)
        os.close(self._read)

    async def _keep(self, child: Child) -> None:
        wait = 0.0
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            begun = loop.time()
            try:
                process = await self._spawn(child)
            except OSError as error:  # no memory or process left for it now
                ending = f"could not start: {error.strerror}"
            else:
                self._running[child.name] = (child, process)
                ending = f"ended ({_ending(await process.wait())})"
                self._running.pop(child.name, None)
            if self._stopping.is_set():
                return
            wait = pause(wait, loop.time() - begun)
            self._say(f"{child.name} {ending}; it is started again {f'in {wait:g} s' if wait else 'now'}")
            await asyncio.sleep(wait)

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        arguments = child.arguments() if callable(child.arguments) else child.arguments
        inherited = {name: value for name, value in os.environ.items() if name.startswith(child.inherits)}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env={**inherited, **child.environment, ENVIRONMENT: str(self._read)},
            pass_fds=(self._read,),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )


def pause(last: float, lived: float) -> float:
    """Seconds to wait before a child that lived for ``lived`` is started again; ``last``: the wait before that life.
    Nothing after a steady life, as callers wait; longer and longer for a child that can not start."""
    if lived >= STEADY_SECONDS:
        return 0.0
    return min(max(last * 2, RESTART_SECONDS), RESTART_SECONDS_MAX)


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
