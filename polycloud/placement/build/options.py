"""Every way to run a part: machine, market and count at each lawful site, with its cost worked out.

Only what can be best is kept: see pruning.
"""

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

import msgspec

from polycloud.estate.paths import KeyPath
from polycloud.placement.build.candidates import Candidates, Choice, Unfit, unpaid
from polycloud.placement.build.demand import Blocks, Demand, Profile, slots
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.energy import grams_per_hour
from polycloud.placement.build.fitting import Fit
from polycloud.placement.build.ground import Ground, hours
from polycloud.placement.build.law import Law
from polycloud.placement.build.machines import Machine
from polycloud.placement.build.promised import MONTH_MS, ZONES, Promises
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
    Stretch,
    fallback,
    stretch,
)
from polycloud.placement.problem import HOURS, MIXED, ON_DEMAND, OWN, SPOT

SPOT_SHARES = {"training": Fraction(4, 5), "batch": Fraction(1)}  # the house rule: no others
BILLION = 10**9
UNPUBLISHED = f"{UNBOUNDED:.0%} reclaimed a month, since no interruption rate is published"
Refusals = dict[KeyPath, str]


class Running(msgspec.Struct, frozen=True):
    """A part on machines of one pace: how much of them is in use, how many must run together, how fast they are.

    ``alone``: in some hour in which it serves it does so on one machine, or on one gang of them.
    """

    part: Part
    profile: Profile
    gang: int
    speed: Fraction
    spot: Fraction  # the share of its hours that may be on spot machines
    alone: bool


class Bid(msgspec.Struct, frozen=True):
    """What decides between the ways to run a part at one site; the rest of a draft is worked out for those kept.

    ``share`` of the work is on spot machines, which makes that ``slow``.
    """

    run: Running
    machine: Machine
    market: str
    cost: int
    hourly: tuple[int, ...]
    units: tuple[tuple[int, int], ...]
    low: int | None = None
    slow: Stretch | None = None
    share: Fraction = Fraction(0)


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
        promises: Promises,
    ) -> None:
        self._ground = ground
        self._law = law
        self._candidates = candidates
        self._quotas = quotas
        self.distances = distances
        self._order = order
        self._blocks = blocks
        self._pruning = pruning
        self._promises = promises
        self._runs: dict[str, dict[tuple[int, int, int, int], Running | Refusals]] = {}
        self._singles: dict[tuple[int, int], Profile] = {}
        self._stretches: dict[tuple[str, str, Shape], tuple[Stretch, int, int]] = {}
        self._grams: dict[tuple[str, str], float | None] = {}

    def of(self, part: Part) -> list[Draft]:
        """The options of a part at all sites; what is left out is noted."""
        found: list[Draft] = []
        for site in self._ground.sites:
            refused = self.refusals(part, site)
            if refused:
                self._ground.leave(part.workload, site, (), "; ".join(refused.values()))
                continue
            # What holds the promises is not beaten by what is cheaper and does not.
            able: list[Bid] = []
            short: list[Bid] = []
            for bid in self._at(part, site):
                (short if self._promises.short(part, site, self._up(bid)) else able).append(bid)
            for bids in (able, short):
                found += map(self._finished, self._pruning.at_site(bids))
        return found

    def _up(self, bid: Bid) -> float:
        gone = 0.0 if bid.slow is None else float(bid.share) * (1 - 1 / bid.slow.high)
        return self._promises.up(bid.run.part, bid.machine.site, bid.run.alone, gone)

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
            path, why = part.path("pattern"), f"the pattern {part.work.pattern} puts this part at {part.fixed}"
            if part.work.pattern == "active-active":
                path = part.path("shares") if part.work.shares else ("traffic", "shares")
                why = "the shares put this part at another site"  # the same words for all parts, which are told as one
            found[path] = why
        elif (part.halls == "only" and not own) or (part.halls == "never" and own):
            where = "a hall" if part.halls == "only" else "a cloud"
            found[part.path("pattern")] = f"the pattern {part.work.pattern} puts this part in {where}"
        found.update(self.distances.of(part, site).refused)
        return found

    def fits(self, part: Part, site: str) -> bool:
        """Whether some machine of a site, of the estate or not, is what a part needs."""
        return any(
            isinstance(self._candidates.judged(part.work, m), Choice) for m in self._candidates.all(part.work, site)
        )

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
        broken = self._quotas.broken(self._quotas.units(machine, running.profile.count))
        if broken is not None:
            return dict([broken])
        return {_price_path(machine): unpaid(machine)} if machine.on_demand is None else {}

    def _running(self, part: Part, choice: Choice) -> Running | Refusals:
        """The part on a machine, or what its amount of work makes impossible."""
        runs = self._runs.setdefault(part.name, {})
        pace = choice.pace
        if pace not in runs:
            runs[pace] = self._run(part, choice.speed, choice.fits)
        return runs[pace]

    def _run(self, part: Part, speed: Fraction, fits: Fit) -> Running | Refusals:
        if part.demand.hours_at(speed) > HOURS:
            return {part.path("hours_per_month"): "the work would take more hours than a month has"}
        deadline = part.work.deadline
        if deadline is not None and part.demand.elastic:
            one = part.demand.hours_at(speed) / runs(part)
            if one > Fraction(deadline.value) / 3600:
                return {part.path("deadline"): f"one run would take {float(one):,.0f} hours, not {deadline} at most"}
        gang = fits.machines(max(part.demand.instances(speed))) if part.work.kind == "training" else fits.parts
        fewest = min((count for count in part.demand.instances(speed) if count), default=0)
        alone = fits.machines(fewest) < ZONES * fits.parts
        return Running(part, self._profile(part, speed, fits), gang, speed, spot_share(part), alone)

    def _profile(self, part: Part, speed: Fraction, fits: Fit) -> Profile:
        demand = part.demand
        peak = fits.machines(max(demand.instances(speed)))
        if demand.curve is not None:
            return self._blocks.profile(slots(demand, self._order, speed, fits.machines), peak)
        lasting = demand.hours_at(speed).as_integer_ratio()
        if lasting not in self._singles:  # without a curve so many machines are so many times one
            one = Demand(Fraction(1), 1, Fraction(*lasting))
            self._singles[lasting] = self._blocks.profile(slots(one, self._order), 1)
        return self._singles[lasting].times(peak)

    # -- options -----------------------------------------------------------------------------------------

    def _at(self, part: Part, site: str) -> Iterator[Bid]:
        listed = self._candidates.at(part.work, site)
        for why, names in listed.left:
            self._ground.leave(part.workload, site, names, why)
        for choice in listed.choices:
            name = choice.machine.name
            running = self._running(part, choice)
            if isinstance(running, dict):
                self._ground.leave(part.workload, site, (name,), next(iter(running.values())))
                continue
            count = running.profile.count
            units = self._quotas.units(choice.machine, count)
            broken = self._quotas.broken(units)
            if broken is not None:
                self._ground.leave(part.workload, site, (name,), broken[1])
            elif count:
                yield from self._markets(running, choice.machine, units)

    def _markets(self, run: Running, machine: Machine, units: tuple[tuple[int, int], ...]) -> Iterator[Bid]:
        price, share = machine.on_demand, run.spot
        if price is not None:
            market = OWN if machine.own else ON_DEMAND
            yield Bid(run, machine, market, run.profile.cost(price), run.profile.hourly(price), units)
        bid = None
        if share and not machine.own:
            if machine.spot is None:
                self._ground.leave(run.part.workload, machine.site, (machine.name,), "no spot price is known")
            elif price is None and share < 1:
                self._ground.leave(run.part.workload, machine.site, (machine.name,), "no on-demand price for its part")
            else:
                bid = self._interruptible(run, machine, share, machine.spot, units)
        if bid is not None:
            yield bid
        elif price is None:
            self._ground.leave(run.part.workload, machine.site, (machine.name,), unpaid(machine))

    def _interruptible(
        self, run: Running, machine: Machine, share: Fraction, price: int, units: tuple[tuple[int, int], ...]
    ) -> Bid | None:
        """Spot for a share of the hours, on demand for the rest; what a deadline leaves no time for goes on demand."""
        part, work = run.part, run.part.work
        slow, least, most = self._stretch(run, machine)
        month = part.demand.hours_at(run.speed)
        part_of, whole = share.as_integer_ratio()
        month_of, over = month.as_integer_ratio()
        full = month_of * (whole * BILLION + part_of * (most - BILLION)) > HOURS * BILLION * over * whole
        if slow.high > STRETCH_MAX or (full and part.demand.elastic and work.hours_per_month is not None):
            why = "with its interruptions the work would not be done in time"
            self._ground.leave(part.workload, machine.site, (f"{machine.name} on spot",), why)
            return None
        if work.deadline is not None and part.demand.elastic:
            slack = hours(work.deadline, 0) * runs(part) / float(month)
            share = Fraction(round(1000 * fallback(float(share), slow.high, slack)), 1000)
            part_of, whole = share.as_integer_ratio()
        if not share or (share < 1 and machine.on_demand is None):
            self._ground.leave(part.workload, machine.site, (f"{machine.name} on spot",), "the deadline leaves no time")
            return None
        steady = (whole - part_of) * (machine.on_demand or 0)  # micro-USD an hour, times ``whole``
        low, high = (
            run.profile.cost(steady * BILLION + part_of * price * slowness, whole * BILLION)
            for slowness in (least, most)
        )
        market = SPOT if share == 1 else MIXED
        return Bid(run, machine, market, high, run.profile.hourly(steady, whole), units, low, slow, share)

    def _stretch(self, run: Running, machine: Machine) -> tuple[Stretch, int, int]:
        """How many times as long the part takes there; least and most also in billionths, so that sums are exact."""
        work = run.part.work
        restart = hours(work.restart_takes, RESTART_HOURS)
        # What serves has no state to save: an interruption costs its restart.
        shape = Shape(run.gang, None, 0.0, restart)
        if run.part.demand.elastic:
            every = None if work.checkpoint_every is None else hours(work.checkpoint_every, 0)
            shape = Shape(run.gang, every, hours(work.checkpoint_takes, SAVE_HOURS), restart)
        key = (machine.site, machine.name, shape)
        if key not in self._stretches:
            slow = stretch(self._ground.market.interruption(machine.site, machine.name), shape)
            self._stretches[key] = (slow, round(slow.low * BILLION), round(slow.high * BILLION))
        return self._stretches[key]

    def _finished(self, bid: Bid) -> Draft:
        run, machine, slow = bid.run, bid.machine, bid.slow
        reach = self.distances.of(run.part, machine.site)
        emitted, known = self._emitted(machine), True
        if emitted is None:
            emitted, known = 0.0, False
        longer = Fraction(1)
        if slow is not None:
            longer += bid.share * (Fraction(round(slow.high * BILLION), BILLION) - 1)
        lasting = float(run.profile.hours * longer)
        up = self._up(bid)
        notes = [] if known else ["what it emits is not known"]
        if reach.estimated:
            notes.append("round trips are estimated from distance")
        if machine.offer is not None and machine.offer.note:
            notes.append(machine.offer.note)
        if slow is not None:
            told = "the upper end of the published interruption rate" if slow.known else UNPUBLISHED
            notes.append(f"reckoned with {told}")
        return Draft(
            machine,
            bid.market,
            run.profile.count,
            bid.cost,
            bid.hourly,
            bid.units,
            lasting,
            float(run.speed),
            reach.penalty + self._unfamiliar(run.part, machine),
            reach.latency_us,
            round(emitted * lasting),
            bid.low,
            None if slow is None else bid.cost,
            slow,
            float(bid.share),
            tuple(notes),
            up,
            round((1 - up) * MONTH_MS * float(run.part.share)),
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


def _price_path(machine: Machine) -> KeyPath:
    """Where the price of a machine is stated, or would be."""
    if not machine.own:
        return ("money", "prices")
    return ("onprem", machine.site.partition("/")[2], "cost_per_hour" if machine.accelerator else "cost_per_vcpu_hour")


def runs(part: Part) -> int:
    """How often work of a fixed size runs in a month: as few times as its deadline allows on what it names."""
    deadline = part.work.deadline
    return 1 if deadline is None else ceil(part.demand.hours / (Fraction(deadline.value) / 3600))


def spot_share(part: Part) -> Fraction:
    """The share of a part's hours that may be on spot machines."""
    work = part.work
    if work.interruptible is False:
        return Fraction(0)
    if work.spot_share is not None:
        return min(Fraction(1), Fraction(work.spot_share.value))
    usual = SPOT_SHARES.get(work.kind, Fraction(0))
    return usual or Fraction(1 if work.interruptible else 0)
