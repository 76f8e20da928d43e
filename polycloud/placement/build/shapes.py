"""A workload's pattern as parts, each of which runs at one site.

single: one part. active-active: a part for each site, with equal or stated shares of the demand, each serving the users
that are nearest to it. active-passive: the primary, and a standby that keeps a share of the capacity warm and reads
nothing. burst: a base in a hall, as much as fits beside the work that can be nowhere else, and the rest of the demand
in clouds. train-here-serve-there: training, batch and data work in halls only, inference and applications in clouds
only; what training writes moves to its readers like any data.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from math import ceil
from typing import Literal

import msgspec

from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.work import Workload
from polycloud.placement.build.demand import SLOTS, Demand
from polycloud.placement.build.fitting import Speeds, fit, wanted
from polycloud.placement.build.ground import Ground, listed
from polycloud.placement.build.law import Law
from polycloud.placement.build.machines import Machine, Machines
from polycloud.placement.problem import HOURS

JOBS = ("training", "batch", "data")  # a fixed amount of work; the others serve what comes
STANDBY = Fraction(1, 5)  # as the estate's language says
PARTS = 2  # of active-active, where the estate does not say
Halls = Literal["also", "only", "never"]


class Part(msgspec.Struct, frozen=True):
    """What runs at one site. ``share``: of the workload's data; ``users`` whom it serves, by share; ``fixed``: the
    site that the estate names for it. ``group`` parts must be apart; ``serving`` is not so of a standby."""

    name: str
    workload: str
    work: Workload
    demand: Demand
    share: Fraction = Fraction(1)
    users: tuple[tuple[str, Fraction], ...] = ()
    fixed: str = ""
    halls: Halls = "also"
    group: int = -1
    serving: bool = True

    def path(self, *more: str | int) -> KeyPath:
        return ("workloads", self.workload, *more)


def demand_of(work: Workload, environment: str) -> Demand:
    """The whole demand of a workload on the accelerator that it names."""
    scale = work.scale
    most = scale.max if scale else 1
    curve = None
    if scale is not None and scale.demand:
        levels = [Fraction(ratio.value) * most for ratio in scale.demand]
        curve = tuple(levels[slot * len(levels) // SLOTS] for slot in range(SLOTS))
    least = min(scale.min if scale else 1, most)
    return Demand(
        most=Fraction(most),
        least=least,
        hours=Fraction(min(work.hours_per_month or HOURS, HOURS)),
        curve=curve,
        rests=least == 0 or (work.environment or environment) != "production",
        elastic=work.kind in JOBS,
    )


class Shapes:
    """Makes the parts of all workloads, in the order of the estate."""

    def __init__(
        self,
        ground: Ground,
        law: Law,
        machines: Machines,
        speeds: Speeds,
        near_enough: "Callable[[Part, str], bool]",
    ) -> None:
        self._ground = ground
        self._near_enough = near_enough
        self._law = law
        self._machines = machines
        self._speeds = speeds
        self._groups = 0
        self._taken: dict[tuple[str, str], int] | None = None  # units of halls spoken for, by hall and machine

    def parts(self, name: str, work: Workload) -> list[Part]:
        demand = demand_of(work, self._ground.estate.environment)
        users = tuple((region, Fraction(ratio.value)) for region, ratio in work.users.items())
        called = f"workload {name}" if name in self._ground.estate.datasets else name  # one name for one thing
        whole = Part(called, name, work, demand, users=users)
        if work.pattern == "active-active":
            return self._active(whole)
        if work.pattern == "active-passive":
            return self._passive(whole)
        if work.pattern == "burst":
            return self._burst(whole)
        if work.pattern == "train-here-serve-there":
            halls: Halls = "only" if work.kind in JOBS else "never"
            if work.kind in JOBS and not (work.writes or work.written_per_month):
                message = f"{name} is trained here to be served elsewhere, but writes no dataset: nothing moves"
                self._ground.warn("pattern_idle", whole.path("pattern"), message, "name the model's dataset in writes:")
            return [msgspec.structs.replace(whole, halls=halls)]
        return [whole]

    def _group(self) -> int:
        self._groups += 1
        return self._groups - 1

    # -- active-active -----------------------------------------------------------------------------------

    def _active(self, whole: Part) -> list[Part]:
        work, group = whole.work, self._group()
        shares = {site: Fraction(ratio.value) for site, ratio in work.shares.items() if ratio.value}
        kept = {site: share for site, share in shares.items() if site in self._ground.index}
        for site in shares.keys() - kept.keys():
            self._ground.leave(whole.workload, site, "", "it is not in the plan: its share goes to the others")
        parts = self._sliced(whole, kept, group) if kept else self._targeted(whole, group)
        if parts:
            return parts
        count = work.sites or max(PARTS, len(shares))
        users = self._clustered(whole.users, count)
        return [self._slice(whole, f"#{n}", Fraction(1, count), group, users[n - 1]) for n in range(1, count + 1)]

    def _sliced(self, whole: Part, shares: dict[str, Fraction], group: int) -> list[Part]:
        users = self._nearest(whole.users, [[site] for site in shares])
        total = sum(shares.values())
        return [
            self._slice(whole, f"#{n}", share / total, group, users[n - 1], site)
            for n, (site, share) in enumerate(shares.items(), 1)
        ]

    def _targeted(self, whole: Part, group: int) -> list[Part]:
        """Parts by the target shares, none where their users would be too far away."""
        parts = self._sliced(whole, targets, group) if (targets := self._targets(whole)) else []
        far = [part.fixed for part in parts if not self._near_enough(part, part.fixed)]
        if far:
            why = f"traffic.shares would serve its users from {listed(far)}, too far away: equal parts"
            self._ground.leave(whole.workload, "", "", why)
        return [] if far else parts

    def _targets(self, whole: Part) -> dict[str, Fraction]:
        """The estate's target shares of traffic, for work that serves it and says nothing of its own: those of the
        sites where it may be. None where they are not as many as it is to be at, or not apart as it must be."""
        estate, work = self._ground.estate, whole.work
        if work.kind in JOBS or not estate.traffic.shares:
            return {}
        allowed = self._law.allowed(self._law.of_work(work))
        found = {
            site: Fraction(ratio.value)
            for site, ratio in estate.traffic.shares.items()
            if ratio.value and site in allowed and at_allows(work, site) and self._offered(work, site)
        }
        ends = {site.partition("/")[0] for site in found} if work.apart == "cloud" else set(found)
        if len(ends) < max(PARTS, len(found)) or (work.sites is not None and work.sites != len(found)):
            why = f"traffic.shares has {len(found)} sites where it may be, at {len(ends)} {work.apart}s: equal parts"
            self._ground.leave(whole.workload, "", "", why)
            return {}
        return found

    def _offered(self, work: Workload, site: str) -> bool:
        """Whether a site has a machine with a price that the work fits on."""
        return any(
            machine.on_demand is not None
            and work.needs is not None
            and wanted(work, machine)
            and not isinstance(fit(work.needs, machine, self._machines.largest(machine)), str)
            and not isinstance(self._speeds.of(work, machine.accelerator), str)
            for machine in self._machines.at(site)
        )

    def _slice(
        self,
        whole: Part,
        suffix: str,
        share: Fraction,
        group: int,
        users: tuple[tuple[str, Fraction], ...],
        fixed: str = "",
    ) -> Part:
        return msgspec.structs.replace(
            whole,
            name=whole.name + suffix,
            demand=whole.demand.share(share),
            share=share,
            group=group,
            users=users,
            fixed=fixed,
        )

    def _nearest(
        self, users: Sequence[tuple[str, Fraction]], ends: Sequence[Sequence[str]]
    ) -> list[tuple[tuple[str, Fraction], ...]]:
        """Each region of users goes to the end that is nearest by round trip, the first among equals."""
        found: list[list[tuple[str, Fraction]]] = [[] for _ in ends]
        for region, share in users:
            far = [min((self._far(region, end) for end in group), default=float("inf")) for group in ends]
            found[far.index(min(far))].append((region, share))
        return [tuple(group) for group in found]

    def _far(self, a: str, b: str) -> float:
        known = self._ground.rtt(a, b)
        return known.ms if known else float("inf")

    def _clustered(self, users: Sequence[tuple[str, Fraction]], count: int) -> list[tuple[tuple[str, Fraction], ...]]:
        """Users by nearness into so many groups: the largest region first, then always the one that is farthest from
        those chosen (Gonzalez 1985). With fewer regions than parts, the largest are served by several."""
        regions = sorted(users, key=lambda pair: (-pair[1], pair[0]))
        if not regions:
            return [()] * count
        heads = [regions[0][0]]
        while len(heads) < min(count, len(regions)):
            rest = [region for region, _ in regions if region not in heads]
            heads.append(max(rest, key=lambda region: min(self._far(region, head) for head in heads)))
        groups = self._nearest(users, [[head] for head in heads])
        return [groups[n % len(groups)] for n in range(count)]

    # -- active-passive ----------------------------------------------------------------------------------

    def _passive(self, whole: Part) -> list[Part]:
        group = self._group()
        keep = STANDBY if whole.work.standby is None else Fraction(whole.work.standby.value)
        primary = msgspec.structs.replace(whole, name=f"{whole.name}#primary", group=group)
        if not keep:
            return [msgspec.structs.replace(primary, name=whole.name, group=-1)]
        standby = msgspec.structs.replace(
            whole,
            name=f"{whole.name}#standby",
            demand=whole.demand.share(keep),
            share=Fraction(0),
            group=group,
            serving=False,
        )
        return [primary, standby]

    # -- burst -------------------------------------------------------------------------------------------

    def _burst(self, whole: Part) -> list[Part]:
        hall, room = self._room(whole)
        demand = whole.demand
        if room <= 0:
            message = f"no hall has room for {whole.name}: all of it is planned in clouds"
            self._ground.warn("pattern_idle", whole.path("pattern"), message, "see onprem and its costs, class and at:")
            return [msgspec.structs.replace(whole, halls="never")]
        levels = demand.curve if demand.curve is not None else (demand.most,) * SLOTS
        below = tuple(min(level, room) for level in levels)
        over = tuple(level - low for level, low in zip(levels, below, strict=True))
        total = sum(levels)
        share = sum(below) / total if total else Fraction(1)
        base = msgspec.structs.replace(
            whole,
            name=f"{whole.name}#base",
            demand=_cut(demand, below, min(demand.least, int(room))),
            share=share,
            fixed=hall,
            halls="only",
        )
        if not any(over):
            return [base]
        burst = msgspec.structs.replace(
            whole,
            name=f"{whole.name}#burst",
            demand=msgspec.structs.replace(_cut(demand, over, 0), rests=True),
            share=1 - share,
            halls="never",
        )
        return [base, burst]

    def _room(self, whole: Part) -> tuple[str, Fraction]:
        """The hall where most of the demand fits, and how much of it, in instances on what the workload names."""
        best: tuple[str, Fraction] = ("", Fraction(0))
        allowed = self._law.allowed(self._law.of_work(whole.work))
        taken = self._spoken_for()
        choice: Machine | None = None
        for site in self._halls(whole.work, allowed):
            for machine, units, speed in self._units(whole.work, site):
                free = self._installed(site, machine) - taken.get((site, machine.name), 0)
                carries = (free // units) * (Fraction(1) if whole.demand.elastic else speed)
                if carries > best[1]:
                    best, choice = (site, carries), machine
        if choice is not None:
            used = min(best[1], max(whole.demand.curve or (whole.demand.most,)))
            units = next(u for m, u, _ in self._units(whole.work, best[0]) if m == choice)
            key = (best[0], choice.name)
            taken[key] = taken.get(key, 0) + units * ceil(used)
        return best

    def _spoken_for(self) -> dict[tuple[str, str], int]:
        """Units of each hall that work needs which can run nowhere else."""
        if self._taken is None:
            self._taken = {}
            for name, work in self._ground.estate.workloads.items():
                allowed = self._law.allowed(self._law.of_work(work))
                if work.needs is None or work.pattern == "burst":
                    continue
                halls = self._halls(work, allowed)
                only_halls = work.pattern == "train-here-serve-there" and work.kind in JOBS
                others = [s for s in allowed if at_allows(work, s) and s not in halls and not only_halls]
                if len(halls) != 1 or others:
                    continue
                demand = demand_of(work, self._ground.estate.environment)
                peak = max(demand.instances())
                fitting = self._units(work, halls[0])
                if fitting:
                    machine, units, _ = min(fitting, key=lambda found: (found[1], found[0].name, name))
                    key = (halls[0], machine.name)
                    self._taken[key] = self._taken.get(key, 0) + peak * units
        return self._taken

    def _halls(self, work: Workload, allowed: frozenset[str]) -> list[str]:
        return [s for s in self._ground.sites if s.startswith("onprem/") and s in allowed and at_allows(work, s)]

    def _units(self, work: Workload, site: str) -> list[tuple[Machine, int, Fraction]]:
        """The halls' own machines that the work fits on: units for one instance, and speed."""
        found = []
        for machine in self._machines.at(site):
            if work.needs is None or not machine.own or machine.on_demand is None:
                continue
            fits, speed = fit(work.needs, machine), self._speeds.of(work, machine.accelerator)
            if wanted(work, machine) and not isinstance(fits, str) and not isinstance(speed, str):
                found.append((machine, fits.machines(1), speed))
        return found

    def _installed(self, site: str, machine: Machine) -> int:
        hall = self._ground.estate.onprem[site.partition("/")[2]]
        return hall.accelerators.get(machine.name, 0) if machine.accelerator else hall.vcpus or 0


def at_allows(work: Workload, site: str) -> bool:
    return not work.at or any(fnmatchcase(site, pattern) for pattern in work.at)


def _cut(demand: Demand, levels: tuple[Fraction, ...], least: int) -> Demand:
    most = max(levels)
    return msgspec.structs.replace(demand, most=most, least=least, curve=None if demand.curve is None else levels)
