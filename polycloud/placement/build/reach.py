"""How far a site is from those it serves and from the models it calls: latency as a limit or as a price."""

from collections.abc import Sequence
from fractions import Fraction

import msgspec

from polycloud.catalog import UnknownScope
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.traffic import Deployment
from polycloud.placement.build.demand import rounded
from polycloud.placement.build.ground import Ground, milliseconds
from polycloud.placement.build.law import Law
from polycloud.placement.build.shapes import Part
from polycloud.policy.deployments import called_name, processing_places

NOWHERE = "unknown"


class Reach(msgspec.Struct, frozen=True):
    """What the distance means for a part at a site: ``refused`` are the limits that it breaks, in words by statement.

    ``latency_us``: the users' mean round trip by share; ``penalty``: micro-USD a month for what is over the target;
    ``estimated``: whether any figure is from distance and not measured.
    """

    latency_us: int = 0
    penalty: int = 0
    refused: tuple[tuple[KeyPath, str], ...] = ()
    estimated: bool = False


class Distances:
    """Round trips for the parts of a plan."""

    def __init__(self, ground: Ground, law: Law) -> None:
        self._ground = ground
        self._law = law
        self._found: dict[tuple[str, str], Reach] = {}
        self._serving: dict[tuple[str, tuple[str, ...]], list[str]] = {}

    def of(self, part: Part, site: str) -> Reach:
        key = (part.name, site)
        if key not in self._found:
            self._found[key] = self._look(part, site)
        return self._found[key]

    def holds(self, part: Part, site: str) -> bool:
        """Whether nothing about the distance refuses the part there; for a part that may never be planned."""
        return not self._look(part, site).refused

    def answering(self, part: Part, site: str, model: str) -> list[str]:
        """Where a model that the work calls is deployed lawfully, and near enough to a site."""
        work = part.work
        lawful = self._lawful(model, self._law.of_work(work))
        if work.latency is None or work.late_cost is not None:
            return lawful
        limit = milliseconds(work.latency)
        return [p for p in lawful if p == site or ((rtt := self._ground.rtt(site, p)) is not None and rtt.ms <= limit)]

    def _look(self, part: Part, site: str) -> Reach:
        users = self._users(part, site)
        refused, late, estimated = self._models(part, site)
        return msgspec.structs.replace(
            users,
            penalty=users.penalty + late,
            refused=(*users.refused, *refused),
            estimated=users.estimated or estimated,
        )

    def _users(self, part: Part, site: str) -> Reach:
        work = part.work
        limit = None if work.latency is None else milliseconds(work.latency)
        late = self._ground.usd(work.late_cost, part.path("late_cost"))
        refused: list[tuple[KeyPath, str]] = []
        mean, penalty, estimated = 0.0, Fraction(0), False
        whole = sum(share for _, share in part.users)
        for region, share in part.users:
            rtt = self._ground.rtt(site, region)
            if rtt is None:
                if limit is not None:
                    refused.append((part.path("users", region), f"no round trip to {region} is known"))
                continue
            mean += rtt.ms * float(share / whole)
            estimated = estimated or not rtt.measured
            if limit is not None and rtt.ms > limit:
                if late is None:
                    refused.append((part.path("latency"), f"{rtt.ms:.0f} ms to {region} are over {work.latency}"))
                else:
                    penalty += share * late * Fraction(rtt.ms - limit)
        paid = rounded(penalty) if part.serving else 0
        return Reach(round(mean * 1000), paid, tuple(refused), estimated)

    def _models(self, part: Part, site: str) -> tuple[list[tuple[KeyPath, str]], int, bool]:
        """Models that the work calls and that no lawful deployment serves, or none near enough; what the way to the
        nearest costs where being late has a price, and whether that is estimated. Without a latency any distance
        will do."""
        work = part.work
        limit = None if work.latency is None else milliseconds(work.latency)
        late = self._ground.usd(work.late_cost, part.path("late_cost"))
        refused: list[tuple[KeyPath, str]] = []
        penalty, estimated = Fraction(0), False
        for at, name in enumerate(work.uses):
            lawful = self._lawful(name, self._law.of_work(work))
            if not lawful:
                refused.append((part.path("uses", at), f"no lawful deployment of {name}: none is inside its classes"))
                continue
            if limit is None or site in lawful:
                continue
            trips = [rtt for place in lawful if (rtt := self._ground.rtt(site, place)) is not None]
            nearest = min(trips, key=lambda rtt: rtt.ms, default=None)
            if nearest is not None and nearest.ms <= limit:
                continue
            if nearest is None or late is None:
                refused.append((part.path("uses", at), f"no lawful deployment of {name} is within {work.latency}"))
            else:
                penalty += late * Fraction(nearest.ms - limit)
                estimated = estimated or not nearest.measured
        return refused, rounded(penalty) if part.serving else 0, estimated

    def _lawful(self, model: str, classes: tuple[str, ...]) -> list[str]:
        key = (model, classes)
        if key not in self._serving:
            self._serving[key] = self._served(model, classes)
        return self._serving[key]

    def _served(self, model: str, classes: Sequence[str]) -> list[str]:
        return [
            deployment.at
            for deployment in self._ground.estate.models[model].deployments
            if deployment.at in self._ground.index
            and all(self._law.admits(place, classes) for place in self._processed(model, deployment))
        ]

    def _processed(self, model: str, deployment: Deployment) -> tuple[str, ...]:
        """Every place where a request may be processed; where no table says, a place inside no class with limits."""
        cloud, _, region = deployment.at.partition("/")
        if cloud == "onprem":
            return (deployment.at,)
        catalog = self._ground.catalog
        profile = catalog.model(cloud, deployment.model or model)
        called = called_name(catalog, cloud, model, deployment)
        try:
            return processing_places(catalog, cloud, region, deployment, profile, called)
        except UnknownScope:
            return (NOWHERE,)
