"""Whether a pattern can hold the availability that the estate promises: told with the pattern that can.

It decides nothing: the promises of vendors are no forecast, and what a second place costs is for people to weigh. The
arithmetic and its sources are those of ``polycloud assess``; a single machine has a promise of its own.
"""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from polycloud.estate.schema.operations import Slo
from polycloud.estate.schema.work import Workload
from polycloud.placement.availability import (
    BETA_CLOUDS,
    BETA_REGIONS,
    COMPUTE,
    MODEL_API,
    SWITCH,
    doubled,
    standby,
)
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.shapes import PARTS, Part

# For one machine: AWS Compute SLA, instance level (aws.amazon.com/compute/sla, read 2026-11). The others promise as
# much or more for one machine with its best disks.
MACHINE = 0.995
EXPECTED = 1  # of the ranges: the middle one
ZONES = 2  # machines at a site, in two zones, that its promise is for
SERVING = ("inference", "application")
Way = tuple[str, float]  # what to write, and what is expected of it


def check_promises(ground: Ground, parts: Sequence[Part], sites: dict[str, frozenset[str]]) -> None:
    """Warns of serving work whose pattern is expected to be up less than an availability of slos: says.

    ``sites``: where each part can be. Halls have no promise that is published: work that is only there is not judged.
    """
    promises = [(name, slo) for name, slo in ground.estate.slos.items() if slo.measure == "availability"]
    by_work: dict[str, list[Part]] = {}
    for part in parts if promises else ():
        by_work.setdefault(part.workload, []).append(part)
    for name, mine in by_work.items():
        work = mine[0].work
        where = frozenset[str]().union(*(sites[part.name] for part in mine))
        production = (work.environment or ground.estate.environment) == "production"
        if work.kind in SERVING and production and any(not site.startswith("onprem/") for site in where):
            _judge(ground, name, mine, [(n, slo) for n, slo in promises if _meant(slo, work, where)])


def _meant(slo: Slo, work: Workload, where: frozenset[str]) -> bool:
    here = not slo.at or any(fnmatchcase(site, pattern) for site in where for pattern in slo.at)
    return here and (not slo.models or any(fnmatchcase(work.serves or "", pattern) for pattern in slo.models))


def _judge(ground: Ground, name: str, mine: list[Part], promises: list[tuple[str, Slo]]) -> None:
    if not promises:
        return
    called, slo = max(promises, key=lambda found: found[1].target.value)
    target, work = float(slo.target.value), mine[0].work
    models = 1.0
    for model in work.uses:
        models *= _model(ground, model)
    fewest = min(min(part.demand.instances()) for part in mine if part.serving)
    now = models * _compute(work, MACHINE if fewest < ZONES else COMPUTE)
    if now >= target:
        return
    message = f"{name} is expected to be up {_share(now)} as it is spread, and slos.{called} promises {_share(target)}"
    able = next(((words, found) for words, found in _ways(work, models) if found >= target), None)
    if able is not None:
        fix = f"write {able[0]}, of which {_share(able[1])} is expected"
    elif models < target:
        fix = (
            f"no pattern can: the models it uses are expected to be up {_share(models)}; deploy them in a second cloud"
        )
    else:
        fix = "no pattern can hold it by what clouds promise: lower the target"
    ground.warn("availability_short", ("workloads", name, "pattern"), message, fix)


def _compute(work: Workload, single: float) -> float:
    beta = (BETA_CLOUDS if work.apart == "cloud" else BETA_REGIONS)[EXPECTED]
    if work.pattern == "active-active":
        return doubled(single, beta)
    keeps = work.standby is None or bool(work.standby.value)
    if work.pattern == "active-passive" and keeps:
        return standby(single, beta, SWITCH[EXPECTED])
    return single


def _ways(work: Workload, models: float) -> Iterator[Way]:
    """What could be written instead, the cheapest first; each with two machines wherever it serves."""
    least = 0 if work.scale is None else work.scale.min

    def with_least(count: int) -> str:
        return "" if least >= count else f" and scale: {{min: {count}}}"

    own = ZONES * (work.sites or len(work.shares) or PARTS) if work.pattern == "active-active" else ZONES
    if with_least(own):
        yield f"scale: {{min: {own}}}", models * _compute(work, COMPUTE)
    for beta, where in ((BETA_REGIONS, ""), (BETA_CLOUDS, " with apart: cloud")):
        passive, active = standby(COMPUTE, beta[EXPECTED], SWITCH[EXPECTED]), doubled(COMPUTE, beta[EXPECTED])
        yield f"pattern: active-passive{where}{with_least(ZONES)}", models * passive
        yield f"pattern: active-active{where}{with_least(ZONES * PARTS)}", models * active


def _model(ground: Ground, name: str) -> float:
    """A model by its deployments: in one region, in several of one cloud, in several clouds."""
    places = {row.at for row in ground.estate.models[name].deployments if row.at in ground.index}
    clouds = {site.partition("/")[0] for site in places}
    if "onprem" in clouds or len(places) < 2:
        return 1.0 if "onprem" in clouds else MODEL_API
    return doubled(MODEL_API, (BETA_CLOUDS if len(clouds) > 1 else BETA_REGIONS)[EXPECTED])


def _share(value: float) -> str:
    return f"{value * 100:.5f}".rstrip("0").rstrip(".") + " %"
