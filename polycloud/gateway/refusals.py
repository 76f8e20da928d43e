"""How many refusals of one caller leave a record: a flood of bad requests must not fill the disk."""

from polycloud.core.clock import Clock
from polycloud.policy.tables import Principal

NOBODY = Principal(id="", digest=b"", team="")  # who shows no key that is known
BURST, PER_SECOND = 1000.0, 10.0  # of one key: its owner can be asked to stop; 4 kB a second
NOBODYS_BURST, NOBODYS_PER_SECOND = 100.0, 1.0  # of all without a key together: anybody can send them
CALLERS_MAX = 4096  # keys kept in memory; then all begin anew


class Refusals:
    """A bucket for every key, and one for all callers without; of one worker."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str) -> bool:
        """Whether one more refusal of ``key`` ("" for no known one) is recorded."""
        burst, rate = (BURST, PER_SECOND) if key else (NOBODYS_BURST, NOBODYS_PER_SECOND)
        now = self._clock.monotonic()
        left, at = self._left.get(key, (burst, now))
        left = min(burst, left + (now - at) * rate)
        if key not in self._left and len(self._left) >= CALLERS_MAX:
            self._left.clear()
        self._left[key] = (left - (left >= 1.0), now)
        return left >= 1.0
