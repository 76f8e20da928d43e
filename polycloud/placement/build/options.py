"""Every way to run a part: machine, market and count at each lawful site, with its cost worked out.

Only what can be best is kept: see pruning.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import msgspec

from polycloud.estate.paths import KeyPath
from polycloud.placement.build.candidates import Candidates, Choice, Unfit, unpaid
from polycloud.placement.build.demand import Blocks, Profile, slots
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.energy import grams_per_hour
from polycloud.placement.build.fitting import Fit
from polycloud.placement.build.ground import Ground, hours
from polycloud.placement.build.law import Law
from polycloud.placement.build.machines import Machine
from polycloud.placement.build.pruning import Pruning
from polycloud.placement.build.quotas import Quotas
from polycloud.placement.build.reach import Distances
from polycloud.placement.build.shapes import Part, at_allows
from polycloud.placement.build.spot import (
    RESTART_HOURS,
    SAVE_HOURS,
    STRETCH_MAX,
    UNBOUNDED,
    Shape,
    fallback,
    stretch,
)
from polycloud.placement.problem import HOURS, MIXED, ON_DEMAND, OWN, SPOT

SPOT_SHARES = {"training": Fraction(4, 5), "batch": Fraction(1)}  # the house rule: no others
UNPUBLISHED = f"{UNBOUNDED:.0%} reclaimed a month, since no interruption rate is published"
Refusals = dict[KeyPath, str]


class Running(msgspec.Struct, frozen=True):
    """A part on a machine: how much of it is in use, how many must run together, how fast they are."""

    part: Part
    machine: Machine
    profile: Profile
    gang: int
    speed: Fraction


class Options:
    """Finds the options of parts, and what refuses the rest."""

    def __init__(
        self,
        ground: Ground,
        law: Law,
        candidates: Candidates,
        quotas: Quotas,
        distances: Distances,
        order: tuple[int, ...],
        blocks: Blocks,
        pruning: Pruning,
    ) -> None:
        self._ground = ground
        self._law = law
        self._candidates = candidates
        self._quotas = quotas
        self._distances = distances
        self._order = order
        self._blocks = blocks
        self._pruning = pruning
        self._profiles: dict[tuple[str, Fraction, Fit], Profile] = {}
        self._peaks: dict[tuple[str, Fraction], int] = {}
        self._grams: dict[tuple[str, str], float | None] = {}

    def of(self, part: Part) -> list[Draft]:
        """The options of a part at all sites; what is left out is noted."""
        found: list[Draft] = []
        for site in self._ground.sites:
            refused = self.refusals(part, site)
            if refused:
                self._ground.leave(part.workload, site, (), "; ".join(refused.values()))
                continue
            found += self._pruning.at_site(self._at(part, site))
        return found

    # -- what speaks against a site or a machine ---------------------------------------------------------

    def refusals(self, part: Part, site: str) -> Refusals:
        """Every statement of the estate that keeps a part from a site, whatever the machine."""
        found: Refusals = {}
        for name in self._law.of_work(part.work):
            if site not in self._law.inside(name):
                found["data_classes", name] = f"outside the data class {name!r}"
        if not at_allows(part.work, site):
            found[part.path("at")] = f"not among at: {', '.join(part.work.at)}"
        own = site.startswith("onprem/")
        if part.fixed and site != part.fixed:
            by_shares = part.work.pattern == "active-active"
            why = "the shares put" if by_shares else f"the pattern {part.work.pattern} puts"
            found[part.path("shares" if by_shares else "pattern")] = f"{why} this part at {part.fixed}"
        elif (part.halls == "only" and not own) or (part.halls == "never" and own):
            where = "a hall" if part.halls == "only" else "a cloud"
            found[part.path("pattern")] = f"the pattern {part.work.pattern} puts this part in {where}"
        found.update(self._distances.of(part, site).refused)
        return found

    def against(self, part: Part) -> Iterator[tuple[str, Refusals]]:
        """For a part without any option: each candidate with all statements that refuse it alone."""
        for site in self._ground.sites:
            here = self.refusals(part, site)
            any_machine = False
            for machine in self._candidates.all(part.work, site):
                any_machine = True
                yield f"{machine.name} at {site}", here | self._against(part, machine)
            if not any_machine:
                what = part.work.needs.accelerator if part.work.needs else None
                message = f"no machine with {what or 'no accelerator'} is listed at {site}"
                yield site, here | {part.path("needs", *(["accelerator"] if what else [])): message}

    def _against(self, part: Part, machine: Machine) -> Refusals:
        judged = self._candidates.judged(part.work, machine)
        if isinstance(judged, Unfit):
            return {part.path(*judged.stated): judged.why}
        running = self._running(part, judged)
        if isinstance(running, dict):
            return running
        return {_price_path(machine): unpaid(machine)} if machine.on_demand is None else {}

    def _running(self, part: Part, choice: Choice) -> Running | Refusals:
        """The part on a machine, or what its amount of work makes impossible."""
        speed, fits, machine = choice.speed, choice.fits, choice.machine
        if part.demand.hours_at(speed) > HOURS:
            return {part.path("hours_per_month"): "the work would take more hours than a month has"}
        gang = fits.machines(self._peak(part, speed)) if part.work.kind == "training" else fits.parts
        running = Running(part, machine, self._profile(part, speed, fits), gang, speed)
        broken = self._quotas.broken(self._quotas.units(machine, running.profile.count))
        return running if broken is None else dict([broken])

    def _profile(self, part: Part, speed: Fraction, fits: Fit) -> Profile:
        key = (part.name, speed, fits)
        if key not in self._profiles:
            usage = slots(part.demand, self._order, speed, fits.machines)
            self._profiles[key] = self._blocks.profile(usage, fits.machines(self._peak(part, speed)))
        return self._profiles[key]

    def _peak(self, part: Part, speed: Fraction) -> int:
        key = (part.name, speed)
        if key not in self._peaks:
            self._peaks[key] = max(part.demand.instances(speed))
        return self._peaks[key]

    # -- options -----------------------------------------------------------------------------------------

    def _at(self, part: Part, site: str) -> Iterator[Draft]:
        listed = self._candidates.at(part.work, site)
        for why, names in listed.left:
            self._ground.leave(part.workload, site, names, why)
        for choice in listed.choices:
            name = choice.machine.name
            running = self._running(part, choice)
            if isinstance(running, dict):
                self._ground.leave(part.workload, site, (name,), next(iter(running.values())))
                continue
            drafts = list(self._markets(running)) if running.profile.count else []
            if not drafts and running.profile.count and choice.machine.on_demand is None:
                self._ground.leave(part.workload, site, (name,), unpaid(choice.machine))
            yield from drafts

    def _markets(self, run: Running) -> Iterator[Draft]:
        machine = run.machine
        if machine.on_demand is not None:
            yield self._draft(run, OWN if machine.own else ON_DEMAND)
        share = spot_share(run.part)
        if not share or machine.own:
            return
        if machine.spot is None:
            self._ground.leave(run.part.workload, machine.site, (machine.name,), "no spot price is known")
        elif machine.on_demand is None and share < 1:
            self._ground.leave(run.part.workload, machine.site, (machine.name,), "no on-demand price for its part")
        else:
            yield from self._interruptible(run, share, machine.spot)

    def _draft(self, run: Running, market: str) -> Draft:
        price = run.machine.on_demand or 0
        return self._finish(run, market, run.profile.cost(price), run.profile.hourly(price), Fraction(1))

    def _interruptible(self, run: Running, share: Fraction, price: int) -> Iterator[Draft]:
        """Spot for a share of the hours, on demand for the rest; what a deadline leaves no time for goes on demand."""
        part, machine = run.part, run.machine
        work = part.work
        shape = Shape(
            run.gang,
            None if work.checkpoint_every is None else hours(work.checkpoint_every, 0),
            hours(work.checkpoint_takes, SAVE_HOURS),
            hours(work.restart_takes, RESTART_HOURS),
        )
        if not part.demand.elastic:  # what serves has no state to save: an interruption costs its restart
            shape = Shape(run.gang, None, 0.0, shape.restart)
        slow = stretch(self._ground.market.interruption(machine.site, machine.name), shape)
        month = part.demand.hours_at(run.speed)
        full = month * (1 + share * (_exact(slow.high) - 1)) > HOURS
        if slow.high > STRETCH_MAX or (full and part.demand.elastic and work.hours_per_month is not None):
            why = "with its interruptions the work would not be done in time"
            self._ground.leave(part.workload, machine.site, (f"{machine.name} on spot",), why)
            return
        if work.deadline is not None and part.demand.elastic:
            limit = hours(work.deadline, 0)
            runs = max(1, ceil(float(month) / limit))
            share = Fraction(round(1000 * fallback(float(share), slow.high, limit * runs / float(month))), 1000)
        if not share or (share < 1 and machine.on_demand is None):
            self._ground.leave(part.workload, machine.site, (f"{machine.name} on spot",), "the deadline leaves no time")
            return
        steady = (1 - share) * (machine.on_demand or 0)
        low, high = (run.profile.cost(steady + share * price * _exact(slowness)) for slowness in (slow.low, slow.high))
        draft = self._finish(
            run,
            SPOT if share == 1 else MIXED,
            high,
            run.profile.hourly(steady),
            1 + share * (_exact(slow.high) - 1),
        )
        told = "the upper end of the published interruption rate" if slow.known else UNPUBLISHED
        yield msgspec.structs.replace(
            draft,
            low=low,
            high=high,
            stretch=slow,
            spot_share=float(share),
            notes=(*draft.notes, f"reckoned with {told}"),
        )

    def _finish(self, run: Running, market: str, whole: int, hourly: tuple[int, ...], longer: Fraction) -> Draft:
        part, machine = run.part, run.machine
        reach = self._distances.of(part, machine.site)
        emitted, known = self._emitted(machine), True
        if emitted is None:
            emitted, known = 0.0, False
        lasting = float(run.profile.hours * longer)
        notes = [] if known else ["what it emits is not known"]
        if reach.estimated:
            notes.append("round trips are estimated from distance")
        if machine.offer is not None and machine.offer.note:
            notes.append(machine.offer.note)
        return Draft(
            machine,
            market,
            run.profile.count,
            whole,
            hourly,
            self._quotas.units(machine, run.profile.count),
            lasting,
            float(run.speed),
            reach.penalty + self._unfamiliar(part, machine),
            reach.latency_us,
            round(emitted * lasting),
            notes=tuple(notes),
        )

    def _emitted(self, machine: Machine) -> float | None:
        key = (machine.site, machine.name)
        if key not in self._grams:
            self._grams[key] = grams_per_hour(self._ground, machine)
        return self._grams[key]

    def _unfamiliar(self, part: Part, machine: Machine) -> int:
        """What it costs that the team does not know the cloud; a hall of one's own is none."""
        team = self._ground.estate.teams.get(part.work.team or "")
        cloud = machine.site.partition("/")[0]
        if team is None or not team.knows or cloud in (*team.knows, "onprem"):
            return 0
        path = ("money", "complexity", "per_unfamiliar")
        return self._ground.usd(self._ground.estate.money.complexity.per_unfamiliar, path) or 0


def _exact(factor: float) -> Fraction:
    """To a billionth, so that the fractions stay small."""
    return Fraction(round(factor * 10**9), 10**9)


def _price_path(machine: Machine) -> KeyPath:
    """Where the price of a machine is stated, or would be."""
    if not machine.own:
        return ("money", "prices")
    return ("onprem", machine.site.partition("/")[2], "cost_per_hour" if machine.accelerator else "cost_per_vcpu_hour")


def spot_share(part: Part) -> Fraction:
    """The share of a part's hours that may be on spot machines."""
    work = part.work
    if work.interruptible is False:
        return Fraction(0)
    if work.spot_share is not None:
        return min(Fraction(1), Fraction(work.spot_share.value))
    usual = SPOT_SHARES.get(work.kind, Fraction(0))
    return usual or Fraction(1 if work.interruptible else 0)
