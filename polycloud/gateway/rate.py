"""Request rates of keys and teams, exact over all workers of one machine.

The generic cell rate algorithm needs one number a subject: the time at which its bucket is empty
again. The numbers live in a small file that all workers map; a byte lock makes read-and-write
one step. CLOCK_MONOTONIC is the same for all processes of a machine.
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


class Rates:
    """The shared buckets in ``path``; made when missing. One object a worker."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(self._fd, 0, SLOTS * _SLOT.size)  # a hole written to on a full disk kills the process
        self._map = mmap.mmap(self._fd, SLOTS * _SLOT.size)
        self._offsets: dict[str, int] = {}

    def admit(self, wanted: Mapping[str, int]) -> None:
        """Take one request of every subject in ``wanted`` (requests a minute by subject), or of none.

        Raises RateLimited with the time until the next is due.
        """
        now = self._clock.monotonic()
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, LOCK_OFFSET)
        try:
            taken = [(self._offset(subject), *self._due(subject, rate, now)) for subject, rate in wanted.items()]
            for offset, tag, due in sorted(taken, key=_LATEST):  # two that share a slot: the stricter one holds
                _SLOT.pack_into(self._map, offset, tag, due)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, LOCK_OFFSET)

    def _due(self, subject: str, per_minute: int, now: float) -> tuple[int, float]:
        """The subject's tag, and when its bucket would be empty again after one more request. Raises RateLimited."""
        interval = 60.0 / per_minute
        burst = max(interval, BURST_SECONDS)
        tag, due = _SLOT.unpack_from(self._map, self._offset(subject))
        due = max(due, now)
        if due > now + burst + ROUNDING_SECONDS:
            # No request leaves such a time: it is from before the machine's last start, or from a slower rate, and
            # would lock everyone out until then. One request passes, and leaves an empty bucket.
            due = now + burst - interval
        if due - now > burst - interval + ROUNDING_SECONDS:
            raise RateLimited(f"{subject} may send {per_minute} requests a minute", due - now - burst + interval)
        return tag, due + interval

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
