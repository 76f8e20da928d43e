"""What each pattern costs on a real estate: the planner solves it under each pattern's own restriction.

A single cloud is the cheapest lawful plan inside one cloud; hybrid adds one's own halls; specialised is free to choose;
for failover and active-active, what serves people is told to stand in two clouds. Training and batch work is not
doubled: it can wait, or start again elsewhere.
"""

import datetime
from collections.abc import Callable
from decimal import Decimal

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Place
from polycloud.core.errors import EstateError
from polycloud.estate import Estate
from polycloud.estate.paths import KeyPath
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
from polycloud.placement.assess.needs import Needs
from polycloud.placement.bill import clouds_used
from polycloud.placement.build import build
from polycloud.placement.problem import Problem
from polycloud.placement.solve import NOTHING, Limits, Solved, solve

SERVING = ("inference", "application")
PEOPLE = {
    SPECIALISED: "people_specialised",
    FAILOVER: "people_failover",
    EVERYWHERE: "people_active",
    HYBRID: "people_hall",
}
SOLVES = 11  # at most: four clouds, four with one's own halls, and the three patterns over clouds


class Plans(msgspec.Struct, frozen=True):
    """Patterns that a lawful plan was found for, and why the others have none."""

    priced: dict[str, Planned]
    notes: tuple[str, ...] = ()


def only(problem: Problem, clouds: frozenset[str]) -> Problem | None:
    """The problem inside some clouds; None when a task or a data set can not be there."""
    inside = {at for at, site in enumerate(problem.sites) if site.cloud in clouds}
    tasks = tuple(
        msgspec.structs.replace(task, options=tuple(o for o in task.options if o.site in inside))
        for task in problem.tasks
    )
    items = tuple(
        msgspec.structs.replace(item, hold=tuple(pair for pair in item.hold if pair[0] in inside))
        for item in problem.items
    )
    possible = all(task.options for task in tasks) and all(
        len(item.hold) >= item.copies and set(item.pinned) <= inside for item in items
    )
    return msgspec.structs.replace(problem, tasks=tasks, items=items) if possible else None


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
        for pattern, word in ((FAILOVER, "active-passive"), (EVERYWHERE, "active-active")):
            try:
                doubled = self._problem(_doubled(self._estate, word))
            except EstateError as error:
                first = next(d for d in error.diagnostics if d.severity == "error")
                self._notes.append(f"{pattern}: {first.message}")
                continue
            found[pattern] = self._best(doubled, [frozenset({*clouds, "onprem"} if own else clouds)], pattern)
        return Plans({name: plan for name, plan in found.items() if plan is not None}, tuple(self._notes))

    def _problem(self, estate: Estate) -> Problem:
        problem = build(estate, self._catalog, self._market, self._place, today=self._today).problem
        # People are counted here for each pattern, so that the solver's own price of a cloud does not come on top.
        return msgspec.structs.replace(problem, per_cloud=self._people(SPECIALISED)[1])

    def _best(self, problem: Problem, choices: list[frozenset[str]], pattern: str) -> Planned | None:
        plans: list[tuple[int, Planned]] = []
        for clouds in choices:
            inside = only(problem, clouds)
            solved = solve(inside, self._limits) if inside is not None else None
            if inside is None or solved is None or solved.bill is None or solved.solution is None:
                late = solved is not None and solved.status == NOTHING
                why = "nothing was found in time" if late else "there is no lawful plan"
                self._notes.append(f"{pattern} in {' + '.join(sorted(clouds))}: {why}")
                continue
            used = tuple(sorted(clouds_used(inside, solved.solution)))
            plan = self._priced(pattern, solved, used, "onprem" in clouds and pattern == HYBRID)
            plans.append((plan.cost.expected, plan))
        return min(plans, key=lambda pair: pair[0])[1] if plans else None

    def _priced(self, pattern: str, solved: Solved, used: tuple[str, ...], own: bool) -> Planned:
        assert solved.bill is not None
        work = solved.bill.total - solved.bill.of("complexity")
        items = [Item(f"the planner's bill, within {solved.gap:.1%} of the optimum", work, work, work)]
        assumed: tuple[str, ...] = ()
        if pattern != SINGLE:
            further = 1 if pattern == HYBRID else max(1, len(used) - 1)
            low, expected, high = self._people(pattern)
            figure = FIGURES[PEOPLE[pattern]]
            items.append(Item(figure.text, low * further, expected * further, high * further))
            if not self._stated(pattern):
                figures = figure, FIGURES["engineer_cost"]
                assumed = tuple(f"{a.key}: {a.expected:g} ({a.low:g} to {a.high:g}): {a.text}" for a in figures)
        if pattern == SPECIALISED and len(used) < 2:
            self._notes.append(f"specialised: the cheapest plan stays in one cloud ({', '.join(used)})")
        return Planned(Cost(tuple(items), assumed), (*used, "onprem") if own else used)

    def _stated(self, pattern: str) -> int | None:
        """What a further cloud costs in people as the user says, in the needs or the estate."""
        if pattern == HYBRID:
            return None
        own = self._estate.money.complexity.per_cloud
        if self._needs.extra_cloud_cost is not None:
            return self._needs.extra_cloud_cost
        return own.micro if own is not None and own.currency == "USD" else None

    def _people(self, pattern: str) -> tuple[int, int, int]:
        """Micro-USD a month for each further cloud, or for the hall: low, expected, high."""
        stated = self._stated(pattern)
        if stated is not None:
            return stated, stated, stated
        people, each = FIGURES[PEOPLE[pattern]], FIGURES["engineer_cost"]
        if self._needs.engineer_cost is not None:
            wage = (self._needs.engineer_cost,) * 3
        else:
            wage = (round(each.low * 1e6), round(each.expected * 1e6), round(each.high * 1e6))
        return round(people.low * wage[0]), round(people.expected * wage[1]), round(people.high * wage[2])


def _doubled(estate: Estate, word: str) -> Estate:
    """The estate with what serves people in two clouds."""
    workloads = {
        name: workload.model_copy(update={"pattern": word, "apart": "cloud"})
        if workload.kind in SERVING and workload.pattern == "single"
        else workload
        for name, workload in estate.workloads.items()
    }
    return estate.model_copy(update={"workloads": workloads})


def from_estate(estate: Estate) -> Needs:
    """What an estate says of the needs; the rest stays unknown."""
    places = {word for data_class in estate.data_classes.values() for word in data_class.stay_in if "/" not in word}
    operators = {word for data_class in estate.data_classes.values() for word in data_class.operators}
    promised = [slo.target.value for slo in estate.slos.values() if slo.measure == "availability"]
    latencies = [w.latency.value for w in estate.workloads.values() if w.latency is not None and w.late_cost is None]
    users = {user for w in estate.workloads.values() if w.latency is not None for user in w.users if "/" not in user}
    sizes = [dataset.size.value for dataset in estate.datasets.values() if dataset.size is not None]
    drills = estate.continuity.drills.values() if estate.continuity is not None else ()
    own = estate.money.complexity.per_cloud
    return Needs(
        knows=tuple(sorted({cloud for team in estate.teams.values() for cloud in team.knows} - {"onprem"})) or None,
        models=tuple(estate.models) or None,
        countries=tuple(sorted(places)) or None,
        sovereign=True if "sovereign" in operators else None,
        users=tuple(sorted(users)) or None,
        latency_ms=int(min(latencies) * 1000) if latencies else None,
        availability=float(max(promised)) if promised else None,
        survive_cloud=True if any(drill.kind == "cloud" for drill in drills) else None,
        exit_plan=True if any(drill.kind == "portability" for drill in drills) else None,
        fine_tuning=any(w.kind == "training" for w in estate.workloads.values()) or None,
        data=int(sum(sizes, Decimal(0))) if sizes else None,
        own_hall=True if estate.onprem else None,
        extra_cloud_cost=own.micro if own is not None and own.currency == "USD" else None,
    )
