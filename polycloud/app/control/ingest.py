"""Moves the workers' journals into the store: each line once, in batches, whatever is killed when.

A journal is ``<series>-NNNNNN.jsonl``: one series a worker's life, one number a rotation. A line is
``{"h": SHA-256 of the line before, "r": record}``. Rows and the new offset are one transaction, so a
kill in between changes nothing. A file is sealed when it is read to its end and nobody can write it any
more; when all files of a dead worker are sealed, its unfinished requests get a ``lost`` attempt.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from polycloud.app.control.log import Log
from polycloud.core.clock import Clock
from polycloud.core.errors import Conflict
from polycloud.core.ports.state import Batch, Entry, Fault, JournalFile, Journals, StoreAway
from polycloud.core.usage import Record

POLL_SECONDS = 1.0  # each look wakes a process up that shares its core with a worker, and each batch is a transaction
LINES_MAX = 5000  # rows of one transaction: a tenth of a second of the write lock
READ_BYTES = 4 * 1024 * 1024  # about 5,000 lines
FILE_BYTES_MAX = 128 * 1024 * 1024  # twice what a worker rotates at: one line can not be longer than that
QUIET_SECONDS = 3.0  # a worker without link and without lock must be silent for so long to count as dead
BACKOFF_SECONDS = (0.2, 5.0)  # first and longest wait while the store is away
KEEP_SECONDS = 7 * 86400.0  # sealed files stay for so long, for whoever wants to check the chain again
SWEEP_SECONDS = 600.0
LAST_SECONDS = 10.0  # at a stop: how long the rest may take
_SUFFIX = ".jsonl"


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of a journal."""

    h: str
    r: Record


class Turn(msgspec.Struct, frozen=True):
    """What one pass over the journals did. ``more``: something is left that can be read at once."""

    entries: tuple[Entry, ...] = ()
    faults: int = 0
    breaks: int = 0
    lost: int = 0
    lag_bytes: int = 0
    more: bool = False


_decoder = msgspec.json.Decoder(Line)


def series_of(name: str) -> tuple[str, int]:
    """The series and number in a file's name; a name without a number is number 0 of itself."""
    stem = name.removesuffix(_SUFFIX)
    series, _, number = stem.rpartition("-")
    return (series, int(number)) if series and len(number) == 6 and number.isdecimal() else (stem, 0)


def cut(data: bytes, file: JournalFile) -> Batch:
    """The whole lines at the start of ``data``, which was read at ``file.offset``; at most LINES_MAX."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    offset, head, count, start = file.offset, file.head, 0, 0
    while count < LINES_MAX and (end := data.find(b"\n", start)) >= 0:
        line = data[start:end]
        try:
            found = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            faults.append(Fault(offset, f"unreadable: {error}"[:200]))
        else:
            chained = found.h == head
            entries.append(Entry(offset, found.r, chained))
            if not chained:
                faults.append(Fault(offset, "the chain is broken: a line before this was changed, lost or added"))
        head = hashlib.sha256(line).hexdigest()
        count += 1
        offset += end + 1 - start
        start = end + 1
    return Batch(file, offset, head, count, tuple(entries), tuple(faults))


class Ingestion:
    """Follows the files of ``directory``. All methods but ``run`` block and belong to one thread."""

    def __init__(self, directory: Path, journals: Journals, clock: Clock, log: Log) -> None:
        self._directory = directory
        self._journals = journals
        self._clock = clock
        self._log = log
        self._open: dict[str, JournalFile] = {}
        self._done: set[str] = set()
        self._unclosed: set[str] = set()
        self._quiet: dict[str, tuple[int, float]] = {}
        self._swept = float("-inf")
        self._begun = False

    async def run(
        self,
        linked: Callable[[], frozenset[str]],
        done: Callable[[Turn], None],
        failed: Callable[[int], None],
        stop: asyncio.Event,
    ) -> None:
        """Follow the journals until ``stop``, then take in what is left. ``linked``: series of live workers;
        ``failed`` gets the bytes that wait."""
        loop = asyncio.get_running_loop()
        wait, deadline = BACKOFF_SECONDS[0], float("inf")
        with ThreadPoolExecutor(1, "ingest") as thread:
            while loop.time() < deadline:
                if stop.is_set() and deadline == float("inf"):
                    deadline = loop.time() + LAST_SECONDS
                try:
                    turn = await loop.run_in_executor(thread, self.turn, linked())
                except (StoreAway, Conflict, OSError) as error:
                    failed(self._waiting())
                    self._begun = False  # what is known of offsets may be old when the store is back
                    self._log.error("journal.waiting", error=str(error), retry_seconds=wait)
                    await sleep(stop, wait)
                    wait = min(wait * 2, BACKOFF_SECONDS[1])
                    continue
                wait = BACKOFF_SECONDS[0]
                done(turn)
                if not turn.more:
                    if stop.is_set():
                        return
                    await sleep(stop, POLL_SECONDS)

    def turn(self, linked: frozenset[str]) -> Turn:
        """One batch of every file that has one; seals, closes and sweeps. Raises StoreAway, Conflict, OSError."""
        if not self._begun:
            self._begin()
        names = {e.name for e in os.scandir(self._directory) if e.name.endswith(_SUFFIX)}
        self._done &= names
        for name in sorted(names - self._done - self._open.keys()):
            self._take(name)
        newest: dict[str, tuple[str, int]] = {}
        for series, number in map(series_of, names):
            newest[series] = max(newest.get(series, (series, number)), (series, number))
        # Who is alive is asked before sizes are read: the dead write no more, so the size is then the last.
        dead = {s for s in newest.keys() & self._unclosed if not self._alive(s, newest[s][1], linked)}
        entries: list[Entry] = []
        faults = breaks = lag = 0
        more = False
        for name, file in sorted(self._open.items()):
            series, number = series_of(name)
            gone = name not in names
            over = gone or series in dead or (series, number) < newest[series]
            batch, rest = self._read(file)
            if batch.lines:
                before, file = file, self._append(batch)
                entries += batch.entries
                faults += len(batch.faults)
                breaks += file.breaks - before.breaks
            lag += rest
            if batch.lines == LINES_MAX or (batch.lines and rest):
                more = True
            elif over:
                self._seal(file, torn=gone or rest > 0)
                faults += gone
        lost = sum(self._close(series) for series in sorted((self._unclosed & self._closable(dead)) - linked))
        self._sweep()
        return Turn(tuple(entries), faults, breaks, lost, lag, more)

    def _waiting(self) -> int:
        """Bytes that are not in the store, as far as files could be opened there."""
        found = 0
        for name, file in self._open.items():
            with contextlib.suppress(OSError):
                found += max((self._directory / name).stat().st_size - file.offset, 0)
        return found

    def _begin(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._open = {file.name: file for file in self._journals.unsealed()}
        self._unclosed = set(self._journals.unclosed())
        self._done.clear()
        self._begun = True

    def _take(self, name: str) -> None:
        file = self._journals.open(name, series_of(name)[0])
        if file.sealed_ms is not None:
            self._done.add(name)
        else:
            self._open[name] = file
            self._unclosed.add(file.series)

    def _append(self, batch: Batch) -> JournalFile:
        try:
            file = self._journals.append(batch)
        except Conflict:
            self._begun = False  # somebody else moved it: read again where it stands
            raise
        for fault in batch.faults:
            self._log.error("journal.fault", file=file.name, offset=fault.offset, reason=fault.reason)
        self._open[file.name] = file
        return file

    def _read(self, file: JournalFile) -> tuple[Batch, int]:
        """(the next batch, bytes after it). A file that somebody deleted has no more bytes."""
        try:
            with (self._directory / file.name).open("rb") as source:
                size = os.fstat(source.fileno()).st_size
                if size <= file.offset:
                    return cut(b"", file), 0
                source.seek(file.offset)
                batch = cut(source.read(READ_BYTES), file)
                if not batch.lines and size - file.offset > READ_BYTES:
                    source.seek(file.offset)
                    batch = cut(source.read(FILE_BYTES_MAX), file)
        except FileNotFoundError:
            self._log.error("journal.missing", file=file.name, offset=file.offset)
            return cut(b"", file), 0
        return batch, size - batch.end

    def _alive(self, series: str, number: int, linked: frozenset[str]) -> bool:
        """Linked, or its file locked, or written to of late: a worker whose link is cut goes on serving."""
        path = self._directory / f"{series}-{number:06d}{_SUFFIX}"
        if not path.exists():
            path = self._directory / f"{series}{_SUFFIX}"
        if series in linked or _locked(path):
            self._quiet.pop(series, None)
            return True
        size = path.stat().st_size if path.exists() else -1
        now = self._clock.monotonic()
        before, since = self._quiet.get(series, (None, now))
        if before != size:
            since = now
        self._quiet[series] = (size, since)
        return size >= 0 and now - since < QUIET_SECONDS

    def _seal(self, file: JournalFile, torn: bool) -> None:
        self._journals.seal(file, torn, int(self._clock.wall() * 1000))
        del self._open[file.name]
        self._done.add(file.name)
        if torn:  # by a kill in the middle of a line, or by who deleted the file: what was not read is lost
            self._log.warning("journal.torn", file=file.name, offset=file.offset)

    def _closable(self, dead: set[str]) -> set[str]:
        return (dead | (self._unclosed - self._series_on_disk())) - {f.series for f in self._open.values()}

    def _series_on_disk(self) -> set[str]:
        return {series_of(name)[0] for name in self._done | self._open.keys()}

    def _close(self, series: str) -> int:
        lost = self._journals.close_series(series, int(self._clock.wall() * 1000))
        self._unclosed.discard(series)
        self._quiet.pop(series, None)
        if lost:
            self._log.warning("requests.lost", worker=series, count=lost)
        return lost

    def _sweep(self) -> None:
        now = self._clock.monotonic()
        if now - self._swept < SWEEP_SECONDS:
            return
        self._swept = now
        wall = self._clock.wall()
        for file in self._journals.sealed_before(int((wall - KEEP_SECONDS) * 1000)):
            (self._directory / file.name).unlink(missing_ok=True)
            self._journals.forget(file, int(wall * 1000))
            self._done.discard(file.name)


def _locked(path: Path) -> bool:
    """Whether a living process holds the lock that a worker keeps on its journal; the kernel frees a dead one's."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


async def sleep(stop: asyncio.Event, seconds: float) -> None:
    """Until ``stop`` is set, for so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
