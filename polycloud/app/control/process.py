"""The control process as a whole: what starts in which order, what watches, and how it ends.

It is crash-only: a part that fails in a way nobody foresaw ends the process, the supervisor starts it
again, and workers serve on meanwhile. Everything that matters is in the store, the journals or the files.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import uvicorn

from polycloud.app import lifeline, wiring
from polycloud.app.api.server import create_app
from polycloud.app.control.control import Control
from polycloud.app.control.credentials import Credentials, Sources
from polycloud.app.control.estates import Estates, Sandboxed
from polycloud.app.control.ingest import Ingestion, series_of, sleep
from polycloud.app.control.log import Log
from polycloud.app.control.ports import Store
from polycloud.app.control.tokens import admin_token
from polycloud.app.settings import BadSettings, Settings, make_private
from polycloud.core.clock import Clock
from polycloud.core.errors import EstateError, PolycloudError

WATCH_SECONDS = 1.0
SANDBOX_WATCH = 3  # every so many watches: a sandbox that was started again has other addresses
LOCK_SECONDS = 40.0  # a little over what a predecessor may take to end
HTTP_STOP_SECONDS = 3
DATE_SECONDS = 1.0  # the grain of the header date


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: when to stop is decided here. Its own loop looks ten times a second
    whether it should end; each look wakes a process up that shares its core with a worker."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        self.should_exit = True
        self._ended.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):
            await sleep(self._ended, DATE_SECONDS)


class ControlProcess:
    """``run`` serves until SIGTERM, SIGINT or the end of the supervisor."""

    def __init__(
        self, settings: Settings, sandbox: str | None, environ: Mapping[str, str], clock: Clock, log: Log
    ) -> None:
        self._settings = settings
        self._sandbox = wiring.SandboxControl(sandbox) if sandbox else None
        self._environ = environ
        self._clock = clock
        self._log = log
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()
        self._reload.set()

    async def run(self) -> None:
        """Raises PolycloudError when it can not start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        lifeline.watch(loop, self.stop)
        make_private(self._settings.state)
        async with self._alone():
            store = await asyncio.to_thread(wiring.open_store, self._settings.database)
            try:
                await self._serve(store)
            finally:
                await asyncio.to_thread(store.close)

    async def _serve(self, store: Store) -> None:
        token = await asyncio.to_thread(admin_token, store.records, self._settings.admin_token, self._log)
        sandboxed = Sandboxed(self._sandbox)
        estates = Estates(
            self._settings.estate,
            self._settings.environment,
            sandboxed,
            self._clock,
            self._log,
            self._settings.kept_estate,
        )
        control = Control(self._settings, store, estates, token, self._clock, self._log)
        credentials = self._sandbox.credentials if self._sandbox else None
        sources = Sources(wiring.obtain, credentials, self._environ)
        control.credentials = Credentials(sources, self._clock, self._log, control.push_credentials)
        ingestion = Ingestion(self._settings.journal, store.journals, self._clock, self._log)
        await control.link.start()
        http = await self._http(control)
        try:
            async with asyncio.TaskGroup() as group:
                await control.begin()
                helpers = [
                    group.create_task(control.credentials.run()),
                    group.create_task(control.health.run()),
                    group.create_task(self._watch(control, estates, sandboxed)),
                ]
                server = group.create_task(http.serve([self._http_socket]))
                taking = group.create_task(
                    ingestion.run(lambda: _series(control), control.figures.take, control.figures.failed, self._stop)
                )
                self._log.info("control.serves", pid=os.getpid(), link=str(self._settings.link))
                await self._stop.wait()
                http.end()
                for helper in helpers:
                    helper.cancel()
                await asyncio.wait([server, taking])
        finally:
            await control.link.stop()
            self._settings.http.unlink(missing_ok=True)
            self._log.info("control.ended", pid=os.getpid())

    async def _http(self, control: Control) -> Server:
        path = self._settings.http
        path.unlink(missing_ok=True)
        self._http_socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        before = os.umask(0o077)
        try:
            self._http_socket.bind(str(path))
        finally:
            os.umask(before)
        config = uvicorn.Config(
            create_app(control),
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=HTTP_STOP_SECONDS,
        )
        return Server(config)

    async def _watch(self, control: Control, estates: Estates, sandboxed: Sandboxed) -> None:
        """Reload on SIGHUP, when a file changed, when the sandbox came back elsewhere, and while one is awaited."""
        again, round = True, 0
        while not self._stop.is_set():
            round += 1
            if not again and not self._reload.is_set():
                again = await asyncio.to_thread(estates.changed)
            if not again and round % SANDBOX_WATCH == 0:
                again = await asyncio.to_thread(sandboxed.moved)
            if again or self._reload.is_set():
                self._reload.clear()
                again = False
                try:
                    await control.reload()
                except EstateError:
                    pass  # kept and told by ``estates``; the next change of a file is the next try
                except PolycloudError as error:
                    self._log.warning("estate.waiting", error=error.message)
                    again = True
            await sleep(self._reload, WATCH_SECONDS)

    @contextlib.asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Hold the state directory's lock: two control processes would push against each other."""
        fd = os.open(self._settings.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            end = self._clock.monotonic() + LOCK_SECONDS
            while not _lock(fd):
                if self._clock.monotonic() > end or self._stop.is_set():
                    raise BadSettings(f"another control process uses {self._settings.state}; stop it first")
                await asyncio.sleep(0.1)
            yield
        finally:
            os.close(fd)


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _series(control: Control) -> frozenset[str]:
    """Series of journals whose workers are linked."""
    return frozenset(series_of(Path(peer.journal).name)[0] for peer in control.link.workers)
