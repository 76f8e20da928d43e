"""Request rates of keys and teams, exact over all workers of one machine.

The generic cell rate algorithm needs one number a subject: the time at which its bucket is empty
again. The numbers live in a small file that all workers map; a byte lock makes read-and-write
one step. CLOCK_MONOTONIC is the same for all processes of a machine.

The lock costs two system calls, so a worker that is busy for a subject takes several permits at once, a
lease, and uses them within ``LEASE_SECONDS``. The limit stays exact: in any span of time, of all
workers together, at most ``span + BURST_SECONDS`` worth of the rate passes, because a subject that may
be leased has a burst that is shorter by the time for which a permit can be kept. What is left of a
lease is lost: at most a quarter of what the worker used in the time before, and ``LEASE_MAX``.
"""

import fcntl
import hashlib
import mmap
import os
import struct
from collections.abc import Mapping
from operator import itemgetter
from pathlib import Path

from polycloud.core.clock import Clock
from polycloud.core.errors import RateLimited

SLOTS = 1 << 16  # subjects with a rate; 1 MiB of file
_SLOT = struct.Struct("<Qd")
PROBES_MAX = 32
_LATEST = itemgetter(2)
LOCK_OFFSET = SLOTS * _SLOT.size  # one lock for all slots: it is held for two microseconds
ROUNDING_SECONDS = 1e-6
BURST_SECONDS = 10.0  # how much of a minute's allowance may come at once
LEASE_SECONDS = 0.1  # for which a permit may be kept; unused, it costs its subject so much of its rate at most
LEASE_MAX = 16  # permits: at full load the lock is then a sixteenth of what it was
LEASED_PER_MINUTE = 4800  # slower rates, of less than eight requests in LEASE_SECONDS, are taken one by one
LEASES_KEPT_MAX = 4096  # subjects seen by one worker; then all are forgotten


class Lease:
    """Permits of one subject that this worker holds, and how many it took in the last two windows."""

    __slots__ = ("before", "left", "per_minute", "taken", "until", "window")

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.left = 0
        self.until = 0.0
        self.window = 0.0
        self.taken = self.before = 0

    def size(self, now: float) -> int:
        """How many permits to take next."""
        if self.per_minute < LEASED_PER_MINUTE:
            return 1
        passed = now - self.window
        if passed >= LEASE_SECONDS:
            self.before = self.taken if passed < 2 * LEASE_SECONDS else 0
            self.window, self.taken = now, 0
        return max(1, min(LEASE_MAX, max(self.before, self.taken) // 4))


class Rates:
    """The shared buckets in ``path``; made when missing. One object a worker."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(self._fd, 0, SLOTS * _SLOT.size)  # a hole written to on a full disk kills the process
        self._map = mmap.mmap(self._fd, SLOTS * _SLOT.size)
        self._offsets: dict[str, int] = {}
        self._leases: dict[str, Lease] = {}

    def admit(self, wanted: Mapping[str, int]) -> None:
        """Take one request of every subject in ``wanted`` (requests a minute by subject), or of none.

        Raises RateLimited with the time until the next is due.
        """
        now = self._clock.monotonic()
        leases = []
        lacking = []
        for subject, per_minute in wanted.items():
            lease = self._leases.get(subject)
            if lease is None or lease.per_minute != per_minute:
                lease = self._lease(subject, per_minute)
            leases.append(lease)
            if not lease.left or now >= lease.until:
                lacking.append((subject, lease))
        if lacking:
            self._take(lacking, now)
        for lease in leases:
            lease.left -= 1

    def _lease(self, subject: str, per_minute: int) -> Lease:
        if len(self._leases) >= LEASES_KEPT_MAX:
            self._leases.clear()
        lease = self._leases[subject] = Lease(per_minute)
        return lease

    def _take(self, lacking: list[tuple[str, Lease]], now: float) -> None:
        """New permits for every lease, or for none. Raises RateLimited."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, LOCK_OFFSET)
        try:
            taken = [(*self._due(subject, lease, now), lease) for subject, lease in lacking]
            for offset, tag, due, *_ in sorted(taken, key=_LATEST):  # two that share a slot: the stricter one holds
                _SLOT.pack_into(self._map, offset, tag, due)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, LOCK_OFFSET)
        for _, _, _, count, lease in taken:
            lease.left, lease.until = count, now + LEASE_SECONDS
            lease.taken += count

    def _due(self, subject: str, lease: Lease, now: float) -> tuple[int, int, float, int]:
        """The subject's slot and tag, when its bucket would be empty again after so many more requests, and how many.
        Raises RateLimited when there is none."""
        interval = 60.0 / lease.per_minute
        burst = BURST_SECONDS - LEASE_SECONDS if lease.per_minute >= LEASED_PER_MINUTE else BURST_SECONDS
        burst = max(interval, burst)
        offset = self._offset(subject)
        tag, due = _SLOT.unpack_from(self._map, offset)
        due = max(now, due)  # in this order a number that is none gives now
        if due > now + max(interval, BURST_SECONDS) + ROUNDING_SECONDS:
            # No request leaves such a time: it is from before the machine's last start, or from a slower rate, and
            # would lock everyone out until then. One request passes, and leaves an empty bucket. A rate that is not
            # leased may leave more than the burst of one that is: a worker that still has the old one would else
            # fill the bucket again and again.
            due = now + burst - interval
        room = now + burst - due + ROUNDING_SECONDS
        if room < interval:
            text = f"{subject} may send {lease.per_minute} requests a minute"
            raise RateLimited(text, due - now - burst + interval)
        count = lease.size(now)
        if count > 1:
            count = max(1, min(count, int(room / interval)))
        return offset, tag, due + count * interval, count

    def _offset(self, subject: str) -> int:
        """The subject's slot, taken on first use; the lock is held."""
        known = self._offsets.get(subject)
        if known is not None:
            return known
        tag = int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=8).digest(), "little") | 1
        found = tag % SLOTS * _SLOT.size  # a full neighbourhood shares a slot: stricter, never looser
        for step in range(PROBES_MAX):
            offset = (tag + step) % SLOTS * _SLOT.size
            held = _SLOT.unpack_from(self._map, offset)[0]
            if held == 0:
                _SLOT.pack_into(self._map, offset, tag, 0.0)
            if held in (0, tag):
                found = offset
                break
        self._offsets[subject] = found
        return found

    def close(self) -> None:
        self._map.close()
        os.close(self._fd)
