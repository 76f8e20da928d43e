"""What each pattern costs on a real estate: the planner solves it under each pattern's own restriction.

A single cloud is the cheapest lawful plan inside one cloud; hybrid adds one's own halls; specialised is free to choose;
for failover and active-active, what serves people is told to stand in two clouds. Training and batch work is not
doubled: it can wait, or start again elsewhere.
"""

import datetime
import math
from collections.abc import Callable
from decimal import Decimal

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Place
from polycloud.core.errors import EstateError
from polycloud.estate import Estate
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.traffic import Model
from polycloud.estate.schema.work import Scale
from polycloud.placement.assess.assessment import Planned
from polycloud.placement.assess.costs import (
    EVERYWHERE,
    FAILOVER,
    FIGURES,
    HYBRID,
    SINGLE,
    SPECIALISED,
    Cost,
    Item,
)
from polycloud.placement.assess.ground import known
from polycloud.placement.assess.needs import Needs
from polycloud.placement.build import build
from polycloud.placement.problem import Problem, Solution
from polycloud.placement.solve import NOTHING, Limits, Solved, solve

SERVING = ("inference", "application")
PEOPLE = {
    SPECIALISED: "people_specialised",
    FAILOVER: "people_failover",
    EVERYWHERE: "people_active",
    HYBRID: "people_specialised",
}
SOLVES = 12  # at most: four clouds, four with one's own halls, and four over clouds
STUCK_SHOWN = 3  # names in a note; the rest are counted


class Plans(msgspec.Struct, frozen=True):
    """Patterns that a lawful plan was found for, and why the others have none."""

    priced: dict[str, Planned]
    notes: tuple[str, ...] = ()


def only(problem: Problem, clouds: frozenset[str]) -> Problem:
    """The problem inside some clouds; what can not be there is left without an option (``stuck``)."""
    inside = {at for at, site in enumerate(problem.sites) if site.cloud in clouds}
    tasks = tuple(
        msgspec.structs.replace(task, options=tuple(o for o in task.options if o.site in inside))
        for task in problem.tasks
    )
    items = tuple(
        msgspec.structs.replace(item, hold=tuple(pair for pair in item.hold if pair[0] in inside))
        for item in problem.items
    )
    return msgspec.structs.replace(problem, tasks=tasks, items=items)


def stuck(problem: Problem) -> tuple[str, ...]:
    """Tasks without an option, and data sets that can not have their copies, by name."""
    tasks = [task.name for task in problem.tasks if not task.options]
    places = [(item, {site for site, _ in item.hold}) for item in problem.items]
    items = [item.name for item, at in places if len(at) < item.copies or not set(item.pinned) <= at]
    return (*tasks, *items)


class Planner:
    """Prices the patterns for one estate. ``today`` ends commitments; ``seconds`` are shared by all solves."""

    def __init__(
        self,
        estate: Estate,
        catalog: Catalog,
        market: Market,
        place: Callable[[KeyPath], Place],
        needs: Needs,
        today: datetime.date,
        seconds: float,
    ) -> None:
        self._estate, self._catalog, self._market, self._place = estate, catalog, market, place
        self._needs, self._today = needs, today
        self._limits = Limits(seconds / SOLVES)
        self._notes: list[str] = []

    def plans(self) -> Plans:
        """Raises EstateError when the estate as it stands can not be planned."""
        problem = self._problem(self._estate)
        clouds = sorted({site.cloud for site in problem.sites} - {"onprem"})
        own = any(site.cloud == "onprem" for site in problem.sites)
        found = {SINGLE: self._best(problem, [frozenset({cloud}) for cloud in clouds], SINGLE)}
        found[SPECIALISED] = self._best(problem, [frozenset(clouds)], SPECIALISED)
        if own:
            found[HYBRID] = self._best(problem, [frozenset({cloud, "onprem"}) for cloud in clouds], HYBRID)
        anywhere = [frozenset(site.cloud for site in problem.sites)]
        found[FAILOVER] = self._changed(_doubled(self._estate, "active-passive"), anywhere, FAILOVER)
        split = self._changed(_doubled(self._estate, "active-active"), anywhere, EVERYWHERE)
        whole = self._changed(_doubled(self._estate, "active-active", times=2), anywhere, EVERYWHERE)
        found[EVERYWHERE] = whole if whole is None or split is None else _either(split, whole)
        return Plans(
            {name: plan for name, plan in found.items() if plan is not None}, tuple(dict.fromkeys(self._notes))
        )

    def _changed(self, estate: Estate, choices: list[frozenset[str]], pattern: str) -> Planned | None:
        try:
            return self._best(self._problem(estate), choices, pattern)
        except EstateError as error:
            first = next(d for d in error.diagnostics if d.severity == "error")
            self._notes.append(f"{pattern}: {first.message}")
            return None

    def _problem(self, estate: Estate) -> Problem:
        problem = build(estate, self._catalog, self._market, self._place, today=self._today).problem
        # People are counted here for each pattern, so that the solver's own price of a cloud does not come on top.
        return msgspec.structs.replace(problem, per_cloud=self._people(SPECIALISED)[1])

    def _best(self, problem: Problem, choices: list[frozenset[str]], pattern: str) -> Planned | None:
        plans: list[tuple[int, Planned]] = []
        for clouds in choices:
            inside = only(problem, clouds)
            if missing := stuck(inside):
                more = f" and {len(missing) - STUCK_SHOWN} more" if len(missing) > STUCK_SHOWN else ""
                why = f"{', '.join(missing[:STUCK_SHOWN])}{more} can not be there"
            else:
                solved = solve(inside, self._limits)
                if solved.bill is not None and solved.solution is not None:
                    plan = self._priced(pattern, solved, _places(inside, solved.solution))
                    plans.append((plan.cost.expected, plan))
                    continue
                late = solved.status == NOTHING
                why = "nothing was found in time" if late else f"these can not all hold: {', '.join(solved.conflict)}"
            self._notes.append(f"{pattern} in {' + '.join(sorted(clouds))}: {why}")
        return min(plans, key=lambda pair: pair[0])[1] if plans else None

    def _priced(self, pattern: str, solved: Solved, used: tuple[str, ...]) -> Planned:
        assert solved.bill is not None
        work = solved.bill.total - solved.bill.of("complexity")
        near = f"{math.ceil(solved.gap * 1000) / 1000:.1%}"  # rounded up: never said to be nearer than it is
        items = [Item(f"the planner's bill, within {near} of the optimum", work, work, work)]
        assumed: tuple[str, ...] = ()
        if pattern != SINGLE:
            further = 1 if pattern == HYBRID else max(1, len(set(used) - {"onprem"}) - 1)
            low, expected, high = self._people(pattern)
            figure = FIGURES[PEOPLE[pattern]]
            items.append(Item(figure.text, low * further, expected * further, high * further))
            if not self._stated():
                figures = figure, FIGURES["engineer_cost"]
                assumed = tuple(f"{a.key}: {a.expected:g} ({a.low:g} to {a.high:g}): {a.text}" for a in figures)
        if pattern == SPECIALISED and len(used) < 2:
            self._notes.append(f"specialised: the cheapest plan stays in one cloud ({', '.join(used)})")
        return Planned(Cost(tuple(items), assumed), used)

    def _stated(self) -> int | None:
        """What a further cloud costs in people as the user says, in the needs or the estate."""
        own = self._estate.money.complexity.per_cloud
        if self._needs.extra_cloud_cost is not None:
            return self._needs.extra_cloud_cost
        return own.micro if own is not None and own.currency == "USD" else None

    def _people(self, pattern: str) -> tuple[int, int, int]:
        """Micro-USD a month for each further cloud, or for the hall: low, expected, high."""
        stated = self._stated()
        if stated is not None:
            return stated, stated, stated
        people, each = FIGURES[PEOPLE[pattern]], FIGURES["engineer_cost"]
        if self._needs.engineer_cost is not None:
            wage = (self._needs.engineer_cost,) * 3
        else:
            wage = (round(each.low * 1e6), round(each.expected * 1e6), round(each.high * 1e6))
        return round(people.low * wage[0]), round(people.expected * wage[1]), round(people.high * wage[2])


def _places(problem: Problem, solution: Solution) -> tuple[str, ...]:
    """The clouds with a task or a copy, one's own halls last."""
    sites = {task.options[choice].site for task, choice in zip(problem.tasks, solution.choice, strict=True)}
    sites.update(site for copies in solution.copies for site in copies)
    clouds = {problem.sites[site].cloud for site in sites}
    return (*sorted(clouds - {"onprem"}), *(("onprem",) if "onprem" in clouds else ()))


def _either(split: Planned, whole: Planned) -> Planned:
    """At least what a split load costs, expected what it costs when either side can carry all of it."""
    first, *rest = whole.cost.items
    least = min(split.cost.items[0].low, first.low)
    bill = Item(
        f"{first.what}, either side able to carry all (low: it scales in time)", least, first.expected, first.high
    )
    return Planned(Cost((bill, *rest), whole.cost.assumed), whole.clouds)


def _doubled(estate: Estate, word: str, times: int = 1) -> Estate:
    """The estate with what serves people in two clouds, and ``times`` as many instances in all."""
    workloads = {}
    for name, workload in estate.workloads.items():
        if workload.kind in SERVING:
            scale = workload.scale or Scale()
            larger = scale.model_copy(update={"max": scale.max * times, "min": scale.min * times})
            update: dict[str, object] = {"scale": larger} if times > 1 else {}
            if workload.pattern == "single":
                update |= {"pattern": word, "apart": "cloud"}
            workload = workload.model_copy(update=update)
        workloads[name] = workload
    return estate.model_copy(update={"workloads": workloads})


def from_estate(estate: Estate, catalog: Catalog) -> Needs:
    """What an estate says of the needs; the rest stays unknown. Places and distances are left to the planner."""
    served = {d.model or name for name, m in estate.models.items() if not _own(m) for d in m.deployments}
    promised = [slo.target.value for slo in estate.slos.values() if slo.measure == "availability"]
    sizes = [dataset.size.value for dataset in estate.datasets.values() if dataset.size is not None]
    drills = estate.continuity.drills.values() if estate.continuity is not None else ()
    own = estate.money.complexity.per_cloud
    return Needs(
        knows=tuple(sorted({cloud for team in estate.teams.values() for cloud in team.knows} - {"onprem"})) or None,
        models=tuple(sorted(model for model in served if known(catalog, model))) or None,
        availability=float(max(promised)) if promised else None,
        survive_cloud=True if any(drill.kind == "cloud" for drill in drills) else None,
        exit_plan=True if any(drill.kind == "portability" for drill in drills) else None,
        fine_tuning=any(w.kind == "training" for w in estate.workloads.values()) or None,
        data=int(sum(sizes, Decimal(0))) if sizes else None,
        own_hall=True if estate.onprem else None,
        extra_cloud_cost=own.micro if own is not None and own.currency == "USD" else None,
    )


def _own(model: Model) -> bool:
    """Whether a model is served by one's own machines too: then no cloud has to offer it."""
    return any(deployment.at.startswith("onprem/") for deployment in model.deployments)
