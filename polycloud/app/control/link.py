"""The control end of the link: each worker gets whole values, the newest of each kind, in a safe order.

What waits for a worker is one slot a kind, so a slow worker can not grow memory: a newer value takes
the place of the one that was not yet sent. Credentials go before the tables that need them.
"""

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from polycloud.app.control.log import Log
from polycloud.gateway import link

ORDER = ("credentials", "keys", "overlay", "health", "tables")
SEND_SECONDS = 10.0  # a worker that takes nothing for so long is cut; it comes back and gets everything anew
WORKERS_MAX = 256  # more connections than this are not workers of one machine


class Peer:
    """One worker, as far as it told. ``applied`` and ``errors`` are by kind of message."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        self.worker = ""
        self.pid = 0
        self.journal = ""
        self.beat: link.Beat | None = None
        self.applied: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.waiting: dict[str, bytes] = {}
        self.wake = asyncio.Event()


class LinkServer:
    """Serves workers on a unix socket. ``changed`` is called whenever a worker came, went or told something."""

    def __init__(self, path: Path, log: Log, changed: Callable[[], None]) -> None:
        self._path = path
        self._log = log
        self._changed = changed
        self._current: dict[str, bytes] = {}
        self._peers: dict[asyncio.StreamWriter, Peer] = {}
        self._server: asyncio.Server | None = None
        self._news = asyncio.Condition()
        self._closing = False

    @property
    def workers(self) -> list[Peer]:
        """Those that said hello, by name."""
        return sorted((p for p in self._peers.values() if p.worker), key=lambda p: p.worker)

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)  # the caller holds the lock of the state directory: it is stale
        before = os.umask(0o077)
        try:
            self._server = await asyncio.start_unix_server(self._serve, str(self._path))
        finally:
            os.umask(before)

    async def stop(self) -> None:
        self._closing = True
        if self._server is not None:
            self._server.close()
        for peer in list(self._peers.values()):
            peer.wake.set()
            peer.writer.close()
        if self._server is not None:
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    def push(self, kind: str, message: link.ToWorker) -> None:
        """Give ``message`` to every worker, now and to come."""
        data = link.frame(message)
        self._current[kind] = data
        for peer in self._peers.values():
            if peer.worker:
                peer.waiting[kind] = data
                peer.errors.pop(kind, None)
                peer.wake.set()

    async def settled(self, kind: str, version: str, seconds: float) -> dict[str, str]:
        """Waits until every worker took ``version``; by worker what is wrong: its error, or that it is late."""

        def late() -> dict[str, str]:
            return {
                p.worker: p.errors.get(kind) or "has not taken it yet"
                for p in self.workers
                if p.applied.get(kind) != version
            }

        def done() -> bool:
            return all(kind in p.errors or p.applied.get(kind) == version for p in self.workers)

        try:
            async with asyncio.timeout(seconds), self._news:
                await self._news.wait_for(done)
        except TimeoutError:
            pass
        return late()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._peers) >= WORKERS_MAX or self._closing or not _same_user(writer):
            writer.close()
            return
        peer = self._peers[writer] = Peer(writer)
        sending = asyncio.create_task(self._send(peer))
        frames = link.Frames(link.ToControl)
        try:
            while data := await reader.read(1 << 16):
                for message in frames.feed(data):
                    await self._hear(peer, message)
        except (OSError, ValueError, msgspec.DecodeError) as error:
            self._log.warning("link.broken", worker=peer.worker, error=type(error).__name__)
        finally:
            del self._peers[writer]
            sending.cancel()
            writer.close()
            if peer.worker and not self._closing:
                self._log.info("worker.left", worker=peer.worker, pid=peer.pid)
            await self._tell_waiters()

    async def _hear(self, peer: Peer, message: object) -> None:
        match message:
            case link.Hello(worker, pid, journal):
                peer.worker, peer.pid, peer.journal = worker, pid, journal
                peer.waiting = dict(self._current)
                peer.wake.set()
                self._log.info("worker.joined", worker=worker, pid=pid)
            case link.Applied(_, what, version, error):
                if error:
                    peer.errors[what] = error
                    self._log.error("worker.refused", worker=peer.worker, what=what, error=error)
                else:
                    peer.errors.pop(what, None)
                    peer.applied[what] = version
            case link.Beat():
                peer.beat = message
                self._note_journal(peer, message.unwritten)
        await self._tell_waiters()

    def _note_journal(self, peer: Peer, failure: str) -> None:
        """Answers go out while a disk is full, and their records would be lost with the worker: people must hear."""
        if failure:
            if "journal" not in peer.errors:
                self._log.error("worker.journal", worker=peer.worker, error=failure)
            peer.errors["journal"] = failure
        elif peer.errors.pop("journal", ""):
            self._log.warning("worker.journal", worker=peer.worker, written="again")

    async def _tell_waiters(self) -> None:
        async with self._news:
            self._news.notify_all()
        self._changed()

    async def _send(self, peer: Peer) -> None:
        try:
            while True:
                await peer.wake.wait()
                peer.wake.clear()
                while kind := next((k for k in ORDER if k in peer.waiting), None):
                    peer.writer.write(peer.waiting.pop(kind))
                    async with asyncio.timeout(SEND_SECONDS):
                        await peer.writer.drain()
        except TimeoutError:
            self._log.warning("link.slow", worker=peer.worker, seconds=SEND_SECONDS)
            peer.writer.transport.abort()
        except OSError:
            peer.writer.close()


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Secrets travel here: only processes of our own user (and root) may listen. Linux tells who is there."""
    sock = writer.get_extra_info("socket")
    if not hasattr(socket, "SO_PEERCRED"):  # elsewhere the directory's mode 0700 has to do
        return True
    found = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", found)
    return uid in (os.getuid(), 0)
