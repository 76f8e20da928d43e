"""One way to run a part, with its cost worked out: what options finds, pruning thins and assemble puts in a problem."""

import msgspec

from polycloud.placement.build.machines import Machine
from polycloud.placement.build.spot import Stretch


class Draft(msgspec.Struct, frozen=True):
    """An option before pools are known: ``hourly`` is what promises could cover of its ``cost``, in each block.

    ``up``: the share of time that the work is expected to be up with it, by its pattern; ``down_ms``: milliseconds a
    month that this part of it is not.
    """

    machine: Machine
    market: str
    count: int
    cost: int
    hourly: tuple[int, ...]
    units: tuple[tuple[int, int], ...]
    hours: float
    speed: float
    penalty: int = 0
    latency_us: int = 0
    grams: int = 0
    low: int | None = None
    high: int | None = None
    stretch: Stretch | None = None
    spot_share: float = 0.0
    notes: tuple[str, ...] = ()
    up: float = 1.0
    down_ms: int = 0
