"""What availability each way to run serving work can hold: what falls short of a promise in slos: is no candidate.

The arithmetic and its sources are those of ``polycloud assess``; a single machine has a promise of its own. Where no
candidate reaches it none is refused, since the estate's pattern can not hold it: that is told, with one that can.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from math import sqrt

from polycloud.estate.schema.operations import Slo
from polycloud.estate.schema.work import Workload
from polycloud.placement.availability import (
    BETA_CLOUDS,
    BETA_REGIONS,
    MODEL_API,
    SWITCH,
    doubled,
    machines_up,
    standby,
)
from polycloud.placement.build.apart import end, matched
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.reach import Distances
from polycloud.placement.build.shapes import JOBS, PARTS, Part
from polycloud.placement.problem import HOURS

# Gemini's generateContent (cloud.google.com/vertex-ai/generative-ai/sla, read 2026-11), taken for all models there.
MODEL_AT = {"gcp": 0.995}
EXPECTED = 1  # of the ranges: the middle one
ZONES = 2  # machines at a site, in two zones, that its promise is for
MONTH_MS = HOURS * 3_600_000
Way = tuple[str, float]  # what to write, and what is expected of it
Said = tuple[str, float]  # the name of a promise in slos:, and its target


class Promises:
    """How far each part is expected to be up at a site, and what the estate promises of it."""

    def __init__(self, ground: Ground, distances: Distances) -> None:
        self._ground = ground
        self._distances = distances
        self._slos = [(name, slo) for name, slo in ground.estate.slos.items() if slo.measure == "availability"]
        self._models: dict[tuple[str, str], float] = {}
        self.deciding: dict[str, tuple[str, ...]] = {}  # by part, the promises in slos: that refuse some

    def up(self, part: Part, site: str, alone: bool, interrupted: float) -> float:
        """The share of time that the whole workload is up when each of its parts is as this one.

        ``alone``: in some hour a single machine serves; ``interrupted``: the share of time that spot machines are
        gone. Work of a fixed size has only that to lose.
        """
        if part.work.kind in JOBS:
            return 1 - interrupted
        # A standby of one machine hardly counts: what decides is the primary, and the time of the switch.
        single = machines_up(site, alone and part.serving)
        return self._called(part, site) * _compute(part.work, single * (1 - interrupted))

    def said(self, part: Part, site: str) -> Said | None:
        """The highest promise that a part would have to hold at a site. Halls have none that is published, and work
        of a fixed size or not in production is promised nothing."""
        work = part.work
        production = (work.environment or self._ground.estate.environment) == "production"
        if work.kind in JOBS or not production or site.startswith("onprem/"):
            return None
        found = [(name, float(slo.target.value)) for name, slo in self._slos if _meant(slo, work, site)]
        return max(found, key=lambda one: one[1], default=None)

    def short(self, part: Part, site: str, up: float) -> bool:
        """Whether what a part is expected to be up at a site is less than promised there."""
        said = self.said(part, site)
        return said is not None and up < said[1]

    def kept(self, parts: Sequence[Part], drafts: Mapping[str, list[Draft]]) -> dict[str, list[Draft]]:
        """The ways that hold what is promised of their work, where all its parts have one; else all, and a warning."""
        found = dict(drafts)
        works: dict[str, list[Part]] = defaultdict(list)
        for part in parts if self._slos else ():
            works[part.workload].append(part)
        for name, mine in works.items():
            short: dict[str, list[Draft]] = {}
            rest: dict[str, list[Draft]] = {}
            for part in mine:
                short[part.name], rest[part.name] = [], []
                for row in drafts[part.name]:
                    (short if self.short(part, row.machine.site, row.up) else rest)[part.name].append(row)
            if not any(short.values()):
                continue
            # A place without a promise, such as a hall, is left alone and is no proof that the promise can be held.
            if not all(
                any(self.said(part, row.machine.site) for row in rest[part.name]) for part in mine if short[part.name]
            ):
                self._warn(name, mine, drafts)
            elif _placed(mine, rest) < _placed(mine, drafts):
                self._few(name, mine)
            else:
                found.update(rest)
                for part in mine:
                    self._leave(part, short[part.name], rest[part.name])
        return found

    def _leave(self, part: Part, short: Sequence[Draft], rest: Sequence[Draft]) -> None:
        """Notes what is refused; a site where nothing is left as a whole."""
        sites = {row.machine.site for row in rest}
        names: dict[str, None] = {}
        for row in short:
            said = self.said(part, row.machine.site)
            assert said is not None
            names[said[0]] = None
            where = self._ground.where(("slos", said[0]))
            why = f"expected to be up {_share(row.up)}, and slos.{said[0]} promises {_share(said[1])} ({where})"
            market = "" if row.market in ("on-demand", "own") else f" on {row.market}"
            what = f"{row.machine.name}{market}" if row.machine.site in sites else ""
            self._ground.leave(part.workload, row.machine.site, what, why)
        if names:
            self.deciding[part.name] = tuple(names)

    def _warn(self, name: str, mine: Sequence[Part], drafts: Mapping[str, list[Draft]]) -> None:
        """Tells of work none of whose ways holds the promise, with the pattern that would."""
        judged = [
            (part, [row for row in drafts[part.name] if self.said(part, row.machine.site) is not None]) for part in mine
        ]
        judged = [(part, rows) for part, rows in judged if rows]
        called, target = self._highest(mine, drafts)
        now = min(max(row.up for row in rows) for _, rows in judged)
        models = max(self._called(part, row.machine.site) for part, rows in judged for row in rows)
        machines = max(machines_up(row.machine.site, False) for _, rows in judged for row in rows)
        message = (
            f"{name} is expected to be up {_share(now)} as it is spread, and slos.{called} promises {_share(target)}"
        )
        able = next(((words, found) for words, found in _ways(mine[0].work, models, machines) if found >= target), None)
        if able is not None:
            fix = f"write {able[0]}, of which {_share(able[1])} is expected"
        elif models < target:
            share = _share(models)
            fix = f"no pattern can: the models it uses are expected to be up {share}; deploy them in a second cloud"
        else:
            fix = "no pattern can hold it by what clouds promise: lower the target"
        self._ground.warn("availability_short", ("workloads", name, "pattern"), message, fix)

    def _few(self, name: str, mine: Sequence[Part]) -> None:
        """Tells of parts that must be apart, with too few places that hold the promise."""
        apart = mine[0].work.apart
        message = f"{name} would hold what slos promises of it at fewer {apart}s than it has parts"
        fix = f"allow more {apart}s, or lower the target: it decides nothing now"
        self._ground.warn("availability_short", ("workloads", name, "pattern"), message, fix)

    def _highest(self, mine: Sequence[Part], drafts: Mapping[str, list[Draft]]) -> Said:
        found = (self.said(part, row.machine.site) for part in mine for row in drafts[part.name])
        return max((said for said in found if said is not None), key=lambda one: one[1])

    def _called(self, part: Part, site: str) -> float:
        """Of all models that the work calls: by their deployments that may answer it at a site."""
        if not part.work.uses:
            return 1.0
        key = (part.name, site)
        if key not in self._models:
            share = 1.0
            for name in part.work.uses:
                share *= _model(self._distances.answering(part, site, name))
            self._models[key] = share
        return self._models[key]


def _meant(slo: Slo, work: Workload, site: str) -> bool:
    here = not slo.at or any(fnmatchcase(site, pattern) for pattern in slo.at)
    return here and (not slo.models or any(fnmatchcase(work.serves or "", pattern) for pattern in slo.models))


def _placed(parts: Sequence[Part], drafts: Mapping[str, list[Draft]]) -> int:
    """How many parts that must be apart find an end each."""
    return matched(
        [
            {end(row.machine.site, part.work.apart == "cloud") for row in drafts[part.name]}
            for part in parts
            if part.group >= 0
        ]
    )


def _compute(work: Workload, single: float) -> float:
    beta = (BETA_CLOUDS if work.apart == "cloud" else BETA_REGIONS)[EXPECTED]
    if work.pattern == "active-active":
        return doubled(single, beta)
    keeps = work.standby is None or bool(work.standby.value)
    if work.pattern == "active-passive" and keeps:
        return standby(single, beta, SWITCH[EXPECTED])
    return single


def _ways(work: Workload, models: float, machines: float) -> Iterator[Way]:
    """What could be written instead, the cheapest first; each with two machines wherever it serves."""
    least = 0 if work.scale is None else work.scale.min

    def with_least(count: int) -> str:
        return "" if least >= count else f" and scale: {{min: {count}}}"

    own = ZONES * (work.sites or len(work.shares) or PARTS) if work.pattern == "active-active" else ZONES
    if with_least(own):
        yield f"scale: {{min: {own}}}", models * _compute(work, machines)
    for beta, where in ((BETA_REGIONS, ""), (BETA_CLOUDS, " with apart: cloud")):
        passive, active = standby(machines, beta[EXPECTED], SWITCH[EXPECTED]), doubled(machines, beta[EXPECTED])
        yield f"pattern: active-passive{where}{with_least(ZONES)}", models * passive
        yield f"pattern: active-active{where}{with_least(ZONES * PARTS)}", models * active


def _model(places: Sequence[str]) -> float:
    """A model by its deployments: in one region, in several of one cloud, in several clouds; of these the best two, as
    two that fail as often as both do in the geometric mean."""
    clouds = [site.partition("/")[0] for site in dict.fromkeys(places)]
    if "onprem" in clouds:
        return 1.0
    down = sorted(1 - MODEL_AT.get(cloud, MODEL_API) for cloud in clouds) or [1 - MODEL_API]
    if len(down) < ZONES:
        return 1 - down[0]
    beta = BETA_CLOUDS if len(set(clouds)) > 1 else BETA_REGIONS
    return doubled(1 - sqrt(down[0] * down[1]), beta[EXPECTED])


def _share(value: float) -> str:
    return f"{value * 100:.5f}".rstrip("0").rstrip(".") + " %"
