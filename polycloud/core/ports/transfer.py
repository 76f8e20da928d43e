"""What the copying of data asks of placement: the way that one transfer takes, as a plain value.

Sites are ids, volumes bytes, money micro-USD, times seconds.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

Aim = Literal["cost", "time"]


class TransferHop(msgspec.Struct, frozen=True):
    """One step of a plan. ``via`` is ``internet`` or the name of a link; ``gbps`` None is unknown, and only a
    declared bandwidth or a measurement is ``measured``. ``micro_usd`` is its part of the bill, volume tiers shared
    out in the order of the hops; ``price_derived`` marks a price by rule where no list has one."""

    start: str
    end: str
    via: str
    micro_usd: int
    gbps: float | None = None
    measured: bool = False
    price_derived: bool = False


class TransferPlan(msgspec.Struct, frozen=True):
    """A tree of hops, parents first, over which the whole volume goes from ``source`` to every target.

    ``bound_micro_usd`` is what no plan of the same aim can undercut: equal to ``micro_usd`` where this one is
    proven the cheapest. ``seconds`` is the volume at the slowest hop's rate, all hops running at once (a relay passes
    on what has come); None where a rate is unknown, and ``estimated`` where one is not measured.
    """

    source: str
    targets: tuple[str, ...]
    volume: int
    hops: tuple[TransferHop, ...]
    micro_usd: int
    bound_micro_usd: int
    seconds: float | None
    estimated: bool

    @property
    def relays(self) -> tuple[str, ...]:
        """Sites that pass the data on and keep none of it."""
        ends = {self.source, *self.targets}
        return tuple(dict.fromkeys(hop.start for hop in self.hops if hop.start not in ends))


class TransferRouter(Protocol):
    """Finds the way of one transfer inside the residency of its data classes."""

    def plan(
        self,
        source: str,
        targets: Sequence[str],
        volume: int,
        classes: Sequence[str] = (),
        aim: Aim = "cost",
        within_seconds: float | None = None,
    ) -> TransferPlan:
        """The cheapest way, or the fastest and then cheapest. Raises PolicyDenied when an end lies outside a class,
        Unsupported when no way leads there (in that time), BadRequest for a site or class that does not exist."""
        ...
