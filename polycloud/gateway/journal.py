"""The journal: every decision and attempt of one worker, on disk before its reply ends.

One append-only file a worker. A line is ``{"h": H, "r": record}``, where H is the SHA-256 (hex) of
the line before it without its newline, or 64 zeros at the start of a file, so that a changed, lost
or inserted line shows. Records of one turn of the event loop and the next go out in one write(2); what
must wait for them (an upstream call, a reply's last bytes) is run right after it. kill -9 loses nothing that
was answered; a power cut at most what came after the last fdatasync, one second ago at most.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVarTuple

import msgspec

from polycloud.core.usage import Record

ROTATE_BYTES = 64 * 1024 * 1024  # a file that a reader can hold and a disk can drop soon
BACKLOG_BYTES_MAX = 8 * 1024 * 1024  # about 10,000 records wait for a full disk before requests are refused
SYNC_SECONDS = 1.0
RETRY_SECONDS = 0.5
GENESIS = b"0" * 64
Ts = TypeVarTuple("Ts")


class Journal:
    """Appends records to ``directory/<worker>-NNNNNN.jsonl``; used from one event loop only."""

    def __init__(self, directory: Path, worker: str, loop: asyncio.AbstractEventLoop) -> None:
        self._directory = directory
        self._worker = worker
        self._loop = loop
        self._encode = msgspec.json.Encoder().encode
        self._lines: list[bytes] = []
        self._after: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        self._scheduled = False
        self._syncing = self._retrying = False
        self._syncs: SimpleQueue[int] = SimpleQueue()
        self._number = 0
        self._fd = -1
        self._size = 0
        self._head = GENESIS
        self._backlog = 0
        self.failure = ""
        directory.mkdir(parents=True, exist_ok=True)
        self._open()
        threading.Thread(target=_sync_all, args=(self._syncs,), name="journal", daemon=True).start()

    @property
    def path(self) -> Path:
        return self._directory / f"{self._worker}-{self._number:06d}.jsonl"

    @property
    def overfull(self) -> bool:
        """Whether the disk has refused so much that no new request may start."""
        return self._backlog > BACKLOG_BYTES_MAX

    def add(self, record: Record) -> None:
        """Append ``record`` at the end of the next turn of the loop."""
        line = b'{"h":"%b","r":%b}' % (self._head, self._encode(record))
        self._head = hashlib.sha256(line).hexdigest().encode()
        self._lines.append(line)
        if self.failure:
            self._backlog += len(line) + 1
        if not self._scheduled:
            self._schedule()

    def then(self, action: Callable[[*Ts], None], *args: *Ts) -> None:
        """Run ``action`` with ``args`` once everything added so far is written."""
        self._after.append((action, args))
        if not self._scheduled:
            self._schedule()

    def _flush(self) -> None:
        self._scheduled = False
        if self._lines and not self._retrying:
            self._write()
        actions, self._after = deque(self._after), []
        try:
            while actions:
                action, args = actions.popleft()
                action(*args)
        finally:
            if actions:  # one has failed; the others are other callers' answers
                self._after[:0] = actions
                if not self._scheduled:
                    self._schedule()

    def _schedule(self) -> None:
        """After one more look at the sockets, which waits for nothing: what came meanwhile shares the write."""
        self._scheduled = True
        self._loop.call_soon(self._loop.call_soon, self._flush)

    def _write(self) -> None:
        data = b"\n".join(self._lines) + b"\n"
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            # The answers that wait are paid for and go out; the records stay in memory and are tried again.
            self._keep(data, f"journal {self.path.name} can not be written: {error.strerror}")
            return
        self._size += written
        if written < len(data):
            self._keep(data[written:], f"journal {self.path.name} took only a part of a write: the disk is full")
            return
        self._lines.clear()
        self._backlog = 0
        self.failure = ""
        gone = False
        if not self._syncing:  # once a second
            self._syncing = True
            self._loop.call_later(SYNC_SECONDS, self._sync)
            gone = os.fstat(self._fd).st_nlink == 0  # somebody deleted the file: what follows would be read by nobody
        if gone or self._size >= ROTATE_BYTES:
            self._rotate()

    def _keep(self, data: bytes, failure: str) -> None:
        self.failure = failure
        self._lines = [data[:-1]]
        self._backlog = len(data)
        self._retrying = True
        self._loop.call_later(RETRY_SECONDS, self._retry)

    def _retry(self) -> None:
        self._retrying = False
        if self._lines and self._fd >= 0:
            self._write()

    def _sync(self) -> None:
        """Have a thread of our own do it: one that tells nobody when it is done does not wake the loop up."""
        if not self._syncs.empty():  # a disk that hangs holds two descriptors, not one more every second
            self._loop.call_later(SYNC_SECONDS, self._sync)
            return
        self._syncing = False
        if self._fd >= 0:
            with contextlib.suppress(OSError):  # out of descriptors: the next write asks again
                self._syncs.put(os.dup(self._fd))

    def _rotate(self) -> None:
        """The old file is closed only when the new one is there: its number could become a caller's socket."""
        old = self._fd
        self._number += 1
        try:
            self._open()
        except OSError:
            self._number -= 1  # the old one grows on, and the next write tries again
            return
        self._head = GENESIS
        os.close(old)

    def _open(self) -> None:
        self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)  # held for life: who reads the file knows whether its writer lives
        self._size = 0

    def close(self) -> None:
        """Write what waits, bring it to the disk, close the file."""
        self._retrying = False
        self._flush()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            _sync_quietly(fd)
            self._syncs.put(-1)


def _sync_all(fds: SimpleQueue[int]) -> None:
    while (fd := fds.get()) >= 0:
        _sync_quietly(fd)


def _sync_quietly(fd: int) -> None:
    try:
        with contextlib.suppress(OSError):  # what the page cache could not keep, the chain shows as missing
            os.fdatasync(fd)
    finally:
        os.close(fd)
