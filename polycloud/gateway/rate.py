"""Request rates of keys and teams, exact over all workers of one machine.

The generic cell rate algorithm needs one number a subject: the time at which its bucket is empty
again. The numbers live in a small file that all workers map; a byte lock on the subject's slot makes
read-and-write one step. CLOCK_MONOTONIC is the same for all processes of a machine.
"""

import fcntl
import hashlib
import mmap
import os
import struct
from pathlib import Path

from polycloud.core.clock import Clock
from polycloud.core.errors import RateLimited

SLOTS = 1 << 16  # subjects with a rate; 1 MiB of file
_SLOT = struct.Struct("<Qd")
PROBES_MAX = 32
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

    def admit(self, subject: str, per_minute: int) -> None:
        """Take one request of ``subject``. Raises RateLimited with the time until the next is due."""
        offset = self._offsets.get(subject)
        if offset is None:
            offset = self._offsets[subject] = self._find(subject)
        interval = 60.0 / per_minute
        burst = max(interval, BURST_SECONDS)
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, offset)
        try:
            tag, due = _SLOT.unpack_from(self._map, offset)
            now = self._clock.monotonic()
            # A time from before the machine's last start, or from a slower rate, must not lock anyone out.
            due = min(max(due, now), now + burst + interval)
            if due - now > burst - interval + ROUNDING_SECONDS:
                raise RateLimited(f"{subject} may send {per_minute} requests a minute", due - now - burst + interval)
            _SLOT.pack_into(self._map, offset, tag, due + interval)
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, offset)

    def _find(self, subject: str) -> int:
        tag = int.from_bytes(hashlib.blake2b(subject.encode(), digest_size=8).digest(), "little") | 1
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, SLOTS * _SLOT.size)
        try:
            for step in range(PROBES_MAX):
                offset = (tag + step) % SLOTS * _SLOT.size
                found = _SLOT.unpack_from(self._map, offset)[0]
                if found == 0:
                    _SLOT.pack_into(self._map, offset, tag, 0.0)
                if found in (0, tag):
                    return offset
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, SLOTS * _SLOT.size)
        return tag % SLOTS * _SLOT.size  # a full neighbourhood shares a slot: stricter, never looser

    def close(self) -> None:
        self._map.close()
        os.close(self._fd)
