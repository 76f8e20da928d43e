"""Which machines of a site a workload fits on, without those that another of the same make always beats.

The answer depends on what one instance needs, not on how many run or when, so it is worked out once for all work of
the same needs.
"""

from collections.abc import Callable, Iterable
from fractions import Fraction
from math import inf

import msgspec

from polycloud.estate.schema.work import Workload
from polycloud.placement.build.fitting import SMALL_WORK, TOO_SMALL, Fit, Speeds, fit, wanted
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.machines import PPM, Machine, Machines
from polycloud.placement.build.pools import Reach
from polycloud.placement.build.quotas import Quotas
from polycloud.placement.build.spot import UNBOUNDED


class Choice(msgspec.Struct, frozen=True):
    """A machine that one kind of work fits on: how, and how fast. Work runs alike on machines of the same ``pace``."""

    machine: Machine
    fits: Fit
    speed: Fraction

    @property
    def pace(self) -> tuple[int, int, int, int]:
        return (self.fits.each, self.fits.parts, *self.speed.as_integer_ratio())


class Unfit(msgspec.Struct, frozen=True):
    """Why a machine will not do; ``stated`` is the key of the workload that says so."""

    stated: tuple[str, ...]
    why: str


class Shortlist(msgspec.Struct, frozen=True):
    """The machines worth a look at one site, and the reasons against others with their names."""

    choices: tuple[Choice, ...]
    left: tuple[tuple[str, tuple[str, ...]], ...]


class Candidates:
    """Short lists by needs and site."""

    def __init__(
        self,
        ground: Ground,
        machines: Machines,
        speeds: Speeds,
        quotas: Quotas,
        reach: Callable[[Machine], Reach],
        *,
        flat: bool,
    ) -> None:
        self._ground = ground
        self._machines = machines
        self._speeds = speeds
        self._quotas = quotas
        self._reach = reach
        self._flat = flat  # one block: no hours in which work could ride on promises made for other work
        self._found: dict[tuple[object, ...], Shortlist] = {}

    def judged(self, work: Workload, machine: Machine) -> Choice | Unfit:
        """How work goes onto a machine, or why not."""
        needs = work.needs
        assert needs is not None
        speed = self._speeds.of(work, machine.accelerator)
        if isinstance(speed, str):
            return Unfit(("needs", "accelerator"), speed)
        fits = fit(needs, machine, self._machines.largest(machine))
        if isinstance(fits, str):
            return Unfit(("needs",), fits)
        if machine.arm and needs.processor == "x86":
            return Unfit(("needs", "processor"), "its processor is Arm: say needs: {processor: any} if that will do")
        if machine.burstable and work.kind not in SMALL_WORK:
            return Unfit(("kind",), "it may use its processors fully only part of the time")
        return Choice(machine, fits, speed)

    def all(self, work: Workload, site: str) -> Iterable[Machine]:
        """Every machine of the sort that is asked for, fit or not."""
        return (machine for machine in self._machines.at(site) if wanted(work, machine))

    def at(self, work: Workload, site: str) -> Shortlist:
        needs = work.needs
        assert needs is not None
        wants = (needs.accelerator, needs.count, needs.vcpu, needs.memory and needs.memory.value, needs.processor)
        key = (*wants, work.kind, *sorted(work.speed.items()), site)
        if key not in self._found:
            self._found[key] = self._listed(work, site)
        return self._found[key]

    def _listed(self, work: Workload, site: str) -> Shortlist:
        choices: list[Choice] = []
        left: dict[str, list[str]] = {}
        for machine in self.all(work, site):
            judged = self.judged(work, machine)
            if isinstance(judged, Choice) and (machine.on_demand is not None or machine.spot is not None):
                choices.append(judged)
            elif isinstance(judged, Choice):
                left.setdefault(unpaid(machine), []).append(machine.name)
            elif judged.why != TOO_SMALL:
                left.setdefault(judged.why, []).append(machine.name)
        kept = self._unbeaten(choices)
        return Shortlist(tuple(kept), tuple((why, tuple(names)) for why, names in left.items()))

    def _unbeaten(self, choices: list[Choice]) -> list[Choice]:
        """Without those that another of the same fit and speed beats whenever it runs: on demand, with promises and on
        spot; and takes no more of any limit."""
        alike: dict[tuple[Fit, Fraction, float | None], list[Rated]] = {}
        for choice in choices:
            alike.setdefault((choice.fits, choice.speed, choice.machine.accelerators), []).append(self._rated(choice))
        found: list[Choice] = []
        for group in alike.values():
            group.sort(key=lambda row: (row.prices, row.most, row.choice.machine.name))
            kept: list[Rated] = []
            for row in group:
                if not any(self._beats(other, row) for other in kept):
                    kept.append(row)
            found += [row.choice for row in kept]
        return found

    def _rated(self, choice: Choice) -> "Rated":
        machine = choice.machine
        on_demand = inf if machine.on_demand is None else machine.on_demand
        spot = inf if machine.spot is None else machine.spot
        reclaimed = self._ground.market.interruption(machine.site, machine.name) if machine.spot is not None else None
        share = UNBOUNDED if reclaimed is None or reclaimed.high is None else reclaimed.high
        reach = self._reach(machine)
        limits = frozenset(at for at, _ in self._quotas.units(machine, 1))
        return Rated(
            choice, (on_demand, spot, share), on_demand * reach.least / PPM, on_demand * reach.most / PPM, reach, limits
        )

    def _beats(self, one: "Rated", other: "Rated") -> bool:
        if not all(a <= b for a, b in zip(one.prices, other.prices, strict=True)) or not one.limits <= other.limits:
            return False
        if one.reach.scope == other.reach.scope:
            return one.least <= other.least
        return other.reach.least == PPM or (self._flat and one.most <= other.least)


class Rated(msgspec.Struct, frozen=True):
    """A choice by its prices (on demand, spot, and the share reclaimed) and by the least and most that an hour of it
    costs with the best promise."""

    choice: Choice
    prices: tuple[float, float, float]
    least: float
    most: float
    reach: Reach
    limits: frozenset[int]


def unpaid(machine: Machine) -> str:
    """Why a fit machine can not be planned with: its price."""
    if machine.own:
        key = "cost_per_hour" if machine.accelerator else "cost_per_vcpu_hour"
        return f"what it costs is not stated: write {key} in onprem.{machine.site.partition('/')[2]}"
    return "no on-demand price is known: add one to money: {prices: [...]}"
