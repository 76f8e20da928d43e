"""One worker: a process that serves model traffic from compiled tables, and outlives the control process."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

import msgspec

from polycloud.core.clock import Clock
from polycloud.core.errors import ModelUnknown, PolycloudError
from polycloud.core.ports.models import Dialect, Face, ModelPort
from polycloud.gateway import link
from polycloud.gateway.client import Origin
from polycloud.gateway.keys import Keyring
from polycloud.gateway.passing import Passing
from polycloud.gateway.pipeline import Exchange
from polycloud.gateway.server import Answering, Connections, Inbound, Request, head, identity, plain
from polycloud.gateway.state import Gateway
from polycloud.gateway.targets import Generation
from polycloud.policy import tables
from polycloud.policy.eligible import public_names

CHECK_SECONDS = 0.25  # the grain of deadlines, which are seconds; each look wakes the process up
PRUNE_SECONDS = 5.0
BEAT_SECONDS = 1.0
RECONNECT_SECONDS = 0.2
LINK_SEND_BYTES_MAX = 1024 * 1024  # a control process that does not read is left
BACKLOG = 4096
CLOSE_SECONDS = 1.0  # for last bytes to leave


class WorkerSpec(msgspec.Struct, frozen=True):
    """Where a worker listens and what it belongs to. ``directory`` is the state directory, with ``journal/`` in
    it; ``link`` and ``control`` are unix sockets of the control process; ``drain_seconds`` bounds a graceful stop."""

    name: str
    host: str
    port: int
    directory: str
    link: str
    control: str
    drain_seconds: float = 30.0
    seed: int = 0


class Worker:
    """Binds sockets to the gateway's parts. ``ports`` loads an adapter by name on first use."""

    def __init__(
        self,
        spec: WorkerSpec,
        ports: Callable[[str], ModelPort],
        dialects: Mapping[str, Dialect],
        faces: Mapping[bytes, Face],
        clock: Clock,
    ) -> None:
        self._spec = spec
        self._ports = ports
        self._dialects = dialects
        self._faces = faces
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self.gateway = Gateway(spec.name, Path(spec.directory), clock, self._loop, spec.seed)
        self._control = Origin(False, "control", 0, spec.control)
        self._connections = Connections(self.gateway.ids)
        self._link: asyncio.StreamWriter | None = None
        self._ready = asyncio.Event()
        self._stopping = asyncio.Event()
        self._pruned = 0.0

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then let the requests under way end."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stopping.set)
        following = self._loop.create_task(self._follow())
        listening = None
        try:
            waiting = [self._loop.create_task(e.wait()) for e in (self._ready, self._stopping)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            if not self._stopping.is_set():
                listening = await self._loop.create_server(self._accept, sock=self._socket(), backlog=BACKLOG)
                self._loop.call_later(CHECK_SECONDS, self._check)
                await self._stopping.wait()
                await self._drain(listening)
        finally:
            following.cancel()
            if listening is not None:
                listening.close()
            await self._close()

    def _socket(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._spec.host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.bind((self._spec.host, self._spec.port))
        sock.setblocking(False)
        return sock

    async def _drain(self, listening: asyncio.Server) -> None:
        listening.close()
        self.gateway.draining = True
        for inbound in list(self._connections):
            inbound.last()
        end = self._loop.time() + self._spec.drain_seconds
        while self.gateway.exchanges and self._loop.time() < end:  # noqa: ASYNC110 - an event would cost each request
            await asyncio.sleep(0.02)

    async def _close(self) -> None:
        """End what the drain left: every caller hears of it, and every request has its last record."""
        for exchange in list(self.gateway.exchanges):
            exchange.stop()
        self.gateway.journal.close()
        for inbound in list(self._connections):
            inbound.shut()
        self.gateway.pool.close()
        end = self._loop.time() + CLOSE_SECONDS
        while self._connections and self._loop.time() < end:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.02)

    # requests

    def _accept(self) -> Inbound:
        return Inbound(self._answer, self._connections, self._loop.time)

    def _answer(self, inbound: Inbound, request: Request) -> Answering | None:
        """Dispatch one request by its path; the only place that knows the paths of model traffic."""
        face = self._faces.get(request.path)
        if self.gateway.draining:
            request.keep_alive = False
        if request.method == b"HEAD" and request.path.startswith(b"/v1/"):
            request.keep_alive = False  # an error's body follows, which a HEAD's caller does not read
        if face is not None:
            if request.method != b"POST":
                self._plain(inbound, request, 405, "use POST", b"POST")
                return None
            self.gateway.requests += 1
            exchange = Exchange(self.gateway, inbound, request, face)
            exchange.begin()
            return exchange
        if request.path == b"/v1/models" or request.path.startswith(b"/v1/models/"):
            self._models(inbound, request)
            return None
        if request.path.startswith(b"/v1/"):
            self._plain(inbound, request, 404, f"no such endpoint: {request.path.decode('latin-1')}")
            return None
        passing = Passing(self.gateway, inbound, request, self._control)
        passing.begin()
        return passing

    def _plain(self, inbound: Inbound, request: Request, status: int, text: str, allow: bytes = b"") -> None:
        own = self.gateway.ids.next()
        inbound.send(plain(status, text, request.target, own, allow=allow, keep_alive=request.keep_alive))
        inbound.finish()

    def _brief(self, inbound: Inbound, request: Request, status: int, body: bytes, more: bytes) -> None:
        headers = b"content-type: application/json\r\n" + more
        inbound.send(head(status, headers, len(body), keep_alive=request.keep_alive) + body)
        inbound.finish()

    def _models(self, inbound: Inbound, request: Request) -> None:
        """The public names that this key may use, in the caller's form."""
        anthropic = b"anthropic-version" in request.headers
        path = b"/v1/messages" if anthropic else b"/v1/chat/completions"
        if request.method != b"GET":
            own = self.gateway.ids.next()
            inbound.send(plain(405, "use GET", path, own, allow=b"GET", keep_alive=request.keep_alive))
            inbound.finish()
            return
        face = self._faces[path]
        try:
            generation = self.gateway.generation
            principal = self.gateway.authenticate(request.headers)
            table = generation.compiled.tables
            patterns = (principal.models, generation.team_of(principal).models)
            owners = {name: model.owner for name, model in table.models.items()}
            allowed = [(n, owners.get(n) or "polycloud") for n in public_names(generation.compiled, patterns)]
            name = unquote(request.path.removeprefix(b"/v1/models").strip(b"/").decode("latin-1"))
            if name:
                found = [entry for entry in allowed if entry[0] == name]
                if not found:
                    raise ModelUnknown(f"no model {name!r} for this key")
                body = face.write_model(found[0], int(self._clock.wall()))
            else:
                body = face.write_models(allowed, int(self._clock.wall()))
            status, more = 200, b""
        except PolycloudError as error:
            own = self.gateway.ids.next()
            status, body, more = error.status, face.write_error(error, own), identity(own, face.id_header)
        self._brief(inbound, request, status, body, more)

    def _check(self) -> None:
        self._loop.call_later(CHECK_SECONDS, self._check)
        now = self._clock.monotonic()
        for exchange in list(self.gateway.exchanges):
            exchange.check(now)
        self.gateway.breakers.tick()
        if now - self._pruned > PRUNE_SECONDS:
            self._pruned = now
            self.gateway.pool.prune()
            for inbound in list(self._connections):
                inbound.check(self._loop.time())

    # the control process

    async def _follow(self) -> None:
        """Keep a link to the control process; without one, serve on by what is known."""
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._spec.link)
            except OSError:
                await asyncio.sleep(RECONNECT_SECONDS)
                continue
            self._link = writer
            beating = self._loop.create_task(self._beat())
            try:
                journal = str(self.gateway.journal.path)
                self._tell(link.Hello(worker=self._spec.name, pid=os.getpid(), journal=journal))
                frames = link.Frames(link.ToWorker)
                while data := await reader.read(1 << 16):
                    for message in frames.feed(data):
                        self._take(message)
            except (OSError, msgspec.MsgspecError):
                pass  # a link that breaks or talks nonsense is made anew; what is known stays in force
            except Exception as error:  # nor does a bug in taking something in end the following
                self._loop.call_exception_handler({"message": "the link to the control process", "exception": error})
            finally:
                beating.cancel()
                self._link = None
                writer.close()
            await asyncio.sleep(RECONNECT_SECONDS)

    def _take(self, message: object) -> None:
        gateway = self.gateway
        match message:
            case link.SetTables(data):
                self._take_tables(data)
            case link.SetOverlay(overlay):
                gateway.steer(overlay)  # an older one too: the store may have been put back from a copy
                self._applied("overlay", str(overlay.version))
            case link.SetKeys(version, keys):
                gateway.keys = Keyring(keys)
                self._applied("keys", str(version))
            case link.SetCredentials(credentials):
                gateway.credentials = {**gateway.credentials, **credentials}
                self._applied("credentials", "")
            case link.SetHealth(down):
                gateway.down = frozenset(down)
                gateway.look()

    def _take_tables(self, data: bytes) -> None:
        try:
            generation = Generation(tables.decode(data), self._ports, self._dialects)
        except (
            msgspec.DecodeError,
            msgspec.ValidationError,
            KeyError,
            ImportError,
            ValueError,
            PolycloudError,
        ) as error:
            self._applied("tables", "", f"{type(error).__name__}: {error}")
            return
        self.gateway.take(generation)
        self._ready.set()
        self._applied("tables", generation.compiled.version)

    def _applied(self, what: str, version: str, error: str = "") -> None:
        self._tell(link.Applied(worker=self._spec.name, what=what, version=version, error=error))

    async def _beat(self) -> None:
        while True:
            gateway = self.gateway
            self._tell(
                link.Beat(
                    worker=self._spec.name,
                    in_flight=len(gateway.exchanges),
                    connections=len(self._connections),
                    breakers=gateway.breakers.states(),
                    requests=gateway.requests,
                    unrecorded=gateway.unrecorded,
                    unwritten=gateway.journal.failure,
                )
            )
            await asyncio.sleep(BEAT_SECONDS)

    def _tell(self, message: link.ToControl) -> None:
        writer = self._link
        if writer is not None and writer.transport.get_write_buffer_size() < LINK_SEND_BYTES_MAX:
            writer.write(link.frame(message))
