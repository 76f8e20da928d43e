"""A whole sandbox: its listeners, its control address, its start and its end."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable

import uvloop

from polycloud.core.clock import Clock, SystemClock
from polycloud.core.ports.models import Credential
from polycloud.sandbox.answers import Author
from polycloud.sandbox.control import Control
from polycloud.sandbox.credentials import Credentials, draw
from polycloud.sandbox.faults import Faults
from polycloud.sandbox.ledger import Ledger
from polycloud.sandbox.protocols.azure import Azure
from polycloud.sandbox.protocols.bedrock import Bedrock
from polycloud.sandbox.protocols.common import Wire
from polycloud.sandbox.protocols.google_token import TokenDesk
from polycloud.sandbox.protocols.oci import Oci
from polycloud.sandbox.protocols.openai import OnPremises
from polycloud.sandbox.protocols.vertex import Vertex
from polycloud.sandbox.site import Site
from polycloud.sandbox.spec import SandboxSpec, SiteSpec
from polycloud.sandbox.wire import Connection, Handler

HOST = "127.0.0.1"  # simulated clouds are for this machine only
BACKLOG = 1024
OUTAGE_CHECK_SECONDS = 0.05  # how soon a listener follows an outage that ends by itself


class Listener:
    """A port that can stop accepting and start again without losing its number."""

    def __init__(self, handler: Handler, port: int, clock: Clock, marks: dict[str, str]) -> None:
        self._handler, self._clock, self._marks = handler, clock, marks
        self.port = port
        self._server: asyncio.Server | None = None
        self._placeholder: socket.socket | None = None
        self._connections: set[Connection] = set()

    @property
    def open(self) -> bool:
        return self._server is not None

    @property
    def connections(self) -> int:
        return len(self._connections)

    async def start(self) -> None:
        """Raises OSError when the port is taken."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        held, self._placeholder = self._placeholder or _bound(self.port), None
        try:
            self._server = await loop.create_server(self._connection, sock=held, backlog=BACKLOG)
        except OSError:
            held.close()
            raise
        self.port = self._server.sockets[0].getsockname()[1]

    def _connection(self) -> Connection:
        return Connection(self._handler, self._connections, self._clock, self._marks)

    def refuse(self) -> None:
        """Connections are refused from now on, open ones are reset; the port stays ours."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._reset_all()
        # Where the port can not be held it is only left free for the length of the outage.
        with contextlib.suppress(OSError):
            self._placeholder = _bound(self.port)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._placeholder is not None:
            self._placeholder.close()
            self._placeholder = None
        self._reset_all()

    def _reset_all(self) -> None:
        for connection in list(self._connections):
            connection.reset()


class Running:
    """A sandbox that serves. ``addresses`` are base URLs by site; on-premises ones end in ``/v1``."""

    def __init__(self, spec: SandboxSpec, accepted: Credentials, clock: Clock) -> None:
        self.spec = spec
        self.accepted = accepted
        self.faults = Faults(spec.seed, clock)
        self.ledger = Ledger()
        self._clock = clock
        self._sites: dict[str, Site] = {}
        self._listeners: dict[str, Listener] = {}
        desk = TokenDesk(accepted, clock)
        for site in spec.sites:
            author = Author(spec.seed, site.site)
            worker = Site(site, wire_of(site, accepted, desk, clock), author, self.faults, self.ledger, clock)
            self._sites[site.site] = worker
            marks = {"x-polycloud-simulated": site.site}
            self._listeners[site.site] = Listener(worker.handle, site.port, clock, marks)
        handler = Control(self).handle
        self._control = Listener(handler, spec.control_port, clock, {"x-polycloud-simulated": "control"})
        self._watch: asyncio.Task[None] | None = None

    @property
    def addresses(self) -> dict[str, str]:
        return {s.site: self._address(s) for s in self.spec.sites}

    @property
    def control(self) -> str:
        return f"http://{HOST}:{self._control.port}"

    def credentials(self) -> dict[str, dict[str, Credential]]:
        """What the sandbox accepts, by cloud and kind."""
        google = next((s for s in self.spec.sites if s.cloud == "gcp"), None)
        return self.accepted.table(f"{self._address(google)}/token" if google else "")

    def connections(self) -> dict[str, int]:
        return {name: listener.connections for name, listener in self._listeners.items()}

    async def start(self) -> None:
        """Raises OSError when a port is taken; nothing stays open then."""
        try:
            for listener in (self._control, *self._listeners.values()):
                await listener.start()
        except OSError:
            await self.close()
            raise
        self._watch = asyncio.get_running_loop().create_task(self._watch_outages())

    async def apply_outages(self) -> None:
        """Makes every listener accept or refuse as the faults say."""
        for name, listener in self._listeners.items():
            down = self.faults.outage(self._sites[name].spec)
            if down and listener.open:
                listener.refuse()
            elif not down and not listener.open:
                await listener.start()

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        for site in self._sites.values():
            await site.close()
        for listener in (self._control, *self._listeners.values()):
            listener.close()
        await asyncio.sleep(0)  # lets the closed transports tell their protocols

    async def _watch_outages(self) -> None:
        while True:
            await asyncio.sleep(OUTAGE_CHECK_SECONDS)
            if self.faults.list() or not all(ls.open for ls in self._listeners.values()):
                with contextlib.suppress(OSError):  # a port that somebody took while it was free: at the next look
                    await self.apply_outages()

    def _address(self, site: SiteSpec) -> str:
        tail = "/v1" if site.cloud == "onprem" else ""
        return f"http://{HOST}:{self._listeners[site.site].port}{tail}"


def _bound(port: int) -> socket.socket:
    """A socket that has the port and does not listen. Raises OSError when it is taken."""
    held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind((HOST, port))
    except OSError as error:
        held.close()
        raise OSError(error.errno, f"{error.strerror}: {HOST}:{port}") from error
    return held


def wire_of(site: SiteSpec, accepted: Credentials, desk: TokenDesk, clock: Clock) -> Wire:
    """The protocol that ``site``'s cloud speaks."""
    if site.cloud == "aws":
        return Bedrock(site, accepted, clock)
    if site.cloud == "azure":
        return Azure(site, accepted)
    if site.cloud == "gcp":
        return Vertex(site, accepted, desk)
    if site.cloud == "oci":
        return Oci(site, accepted, clock)
    return OnPremises(site, accepted)


async def serve(spec: SandboxSpec, credentials: Credentials | None = None, clock: Clock | None = None) -> Running:
    """Starts a sandbox in the running loop. Without ``credentials`` new ones are drawn. Raises OSError when a port
    is taken."""
    running = Running(spec, credentials or draw(), clock or SystemClock())
    await running.start()
    return running


def run(spec: SandboxSpec, ready: Callable[[Running], None], credentials: Credentials | None = None) -> None:
    """The sandbox as a process: serves until SIGTERM or SIGINT, calls ``ready`` once when it does."""
    uvloop.run(_until_signal(spec, ready, credentials))


async def _until_signal(spec: SandboxSpec, ready: Callable[[Running], None], credentials: Credentials | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = await serve(spec, credentials)
    try:
        ready(running)
        await stop.wait()
    finally:
        await running.close()
