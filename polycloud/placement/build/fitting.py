"""How many machines so many instances need, and how fast the work is on them."""

from collections.abc import Callable
from fractions import Fraction
from math import inf

import msgspec

from polycloud.estate.schema.work import Needs, Workload
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.machines import GIB, Machine

KINDS = {"data": "processing"}  # the market's word for a kind, where it is another
SMALL_WORK = ("application",)  # that machines which may use their processors only part of the time are good for

# Of all machines in the catalogue AWS's u7in-32tb.224xlarge has most memory for a vCPU, 36.6 GiB: a hall that does not
# state its memory is taken to have no more.
VCPU_GIB_MOST = 40
TOO_SMALL = "it is too small"


class Fit(msgspec.Struct, frozen=True):
    """``each``: instances on one machine, or 0 with ``parts`` machines for one instance. ``units``: for a hall, what
    is counted is not a machine but its accelerators or vCPUs."""

    each: int
    parts: int

    def machines(self, instances: int) -> int:
        return -(-instances // self.each) if self.each else instances * self.parts


def wanted(workload: Workload, machine: Machine) -> bool:
    """Whether a machine is of the sort that is asked for at all: with an accelerator or without."""
    needs = workload.needs
    if needs is None or needs.accelerator is None:
        return not machine.accelerator
    return bool(machine.accelerator)


def fit(needs: Needs, machine: Machine, largest: float = 1) -> Fit | str:
    """How instances and machines go together, or why they do not.

    Several instances share a machine that is big enough for them. An instance that fits on no machine of the site is
    spread over several of those with the most accelerators (``largest``), since the lines between machines are slower
    than those within; or over the units of a hall.
    """
    wants: list[tuple[str, float, float | None]] = []
    if needs.accelerator is not None:
        wants.append(("accelerators", needs.count or 1, machine.accelerators))
    if not (machine.own and machine.accelerator):  # a hall's accelerator comes with its host
        if needs.vcpu is not None:
            wants.append(("vCPUs", needs.vcpu, machine.vcpu))
        if needs.memory is not None:
            memory = float(needs.memory.value) / GIB
            if not machine.own or machine.memory_gib is not None:
                wants.append(("memory", memory, machine.memory_gib))
            elif memory > VCPU_GIB_MOST * (needs.vcpu or 1):
                return f"more than {VCPU_GIB_MOST} GiB for each vCPU: what memory the hall has is not stated"
    unknown = [what for what, _, has in wants if has is None]
    if unknown:
        return f"how many {unknown[0]} it has is not known" if unknown[0] != "memory" else "its memory is not known"
    # The market states memory in GiB without decimals where 15.6 is usual: a hundredth is no difference.
    each = int(min((has / want + 0.01 for _, want, has in wants if has is not None), default=1))
    if each:
        return Fit(each, 1)
    if not machine.own and (needs.accelerator is None or (machine.accelerators or 0) < max(1, largest)):
        return TOO_SMALL
    if needs.accelerator is not None and largest >= (needs.count or 1):
        return TOO_SMALL
    parts = max(-int(-want // has) if has else inf for _, want, has in wants if has is not None)
    return Fit(0, int(parts)) if parts != inf else "it has none of what is needed"


class Speeds:
    """Relative speeds per workload: measured ones of the estate before the market's figures."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._rate: Callable[[str, str], float | None] = ground.market.relative_speed
        self._found: dict[tuple[int, str], Fraction | str] = {}

    def of(self, workload: Workload, accelerator: str) -> Fraction | str:
        """How many times as fast as on the accelerator that the workload names, or why that is not known."""
        key = (id(workload), accelerator)
        if key not in self._found:
            self._found[key] = self._look_up(workload, accelerator)
        return self._found[key]

    def _look_up(self, workload: Workload, accelerator: str) -> Fraction | str:
        market, needs = self._ground.market, workload.needs
        if needs is None or needs.accelerator is None:
            return Fraction(1)
        asked = market.accelerators_named(needs.accelerator) or (needs.accelerator,)
        measured = {
            name: speed for word, speed in workload.speed.items() for name in market.accelerators_named(word) or (word,)
        }
        if accelerator in measured:
            base = next((measured[name] for name in asked if name in measured), 1.0)
            return _ratio(measured[accelerator] / base)
        if accelerator in asked:
            return Fraction(1)
        here, there = market.accelerator(needs.accelerator), market.accelerator(accelerator)
        if here is None or there is None:
            return f"the catalogue does not know {accelerator if there is None else needs.accelerator}"
        if here.vendor != there.vendor:
            return f"its accelerator is not of {here.vendor}: name it under speed: when the work runs on it"
        if there.memory_gb is None or here.memory_gb is None or there.memory_gb < here.memory_gb:
            return f"its accelerator has less memory than {needs.accelerator}: name it under speed: when that is enough"
        kind = KINDS.get(workload.kind, workload.kind)
        mine, base_speed = self._rate(accelerator, kind), self._rate(needs.accelerator, kind)
        if mine is None or base_speed is None:
            return f"how fast {accelerator} is beside {needs.accelerator} is not known: write it under speed:"
        return _ratio(mine / base_speed)


def _ratio(value: float) -> Fraction:
    """To a thousandth: the figures are not better than that."""
    return Fraction(round(value * 1000), 1000)
