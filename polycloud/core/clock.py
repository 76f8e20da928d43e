"""Time as a value that is passed in, so that tests and simulations own it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Two readings: ``wall`` for records (Unix seconds), ``monotonic`` for durations (seconds)."""

    def wall(self) -> float: ...

    def monotonic(self) -> float: ...


class SystemClock:
    """The machine's own clocks."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
