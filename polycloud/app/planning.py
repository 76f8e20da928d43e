"""The planner as functions on values: where work and data should be, what if, and what the trade-offs are.

>>> import polycloud
>>> estate = polycloud.load("estate.yaml")
>>> polycloud.place(estate).cost.month_micro
29374650000
"""

import datetime
from collections.abc import Callable, Sequence
from functools import cache
from time import monotonic

import msgspec

from polycloud.app.library import catalog
from polycloud.app.library import check as check_estate
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import BadRequest, EstateError
from polycloud.estate import Estate, Loaded
from polycloud.placement.answer import report
from polycloud.placement.answer.alternatives import Effort
from polycloud.placement.answer.answering import Basis, answer
from polycloud.placement.answer.compare import compare
from polycloud.placement.answer.conflicts import NoPlan, conflicts
from polycloud.placement.answer.curve import AXES, Sweep
from polycloud.placement.answer.values import Comparison, Curve, Placement
from polycloud.placement.build import Built, Changes, build
from polycloud.placement.own_rows import own_market
from polycloud.placement.solve import (
    INFEASIBLE,
    LEVELS,
    Limits,
    Progress,
    Solved,
    baselines,
    resolve,
    solve,
    solve_levels,
)

Report = Callable[[Progress], bool]
LEVEL_SLACK = 0.02  # what each level may lose for the ones below it
AIMS = (*LEVELS, "carbon")
NO_CHANGES = Changes()
PLANNED = ("workloads.", "datasets.", "quotas.", "commitments.", "onprem.", "links.", "money.")
ALTERNATIVES_SHARE = 0.25  # of a plan's seconds for solving anew with a task held elsewhere, where one is explained
ANSWER_SHARE = 0.1  # else, for all that comes after the search
ANSWER_SECONDS = 0.7  # what is left of it goes into solving anew: a small estate is answered in two seconds in all
ALTERNATIVES_LEAST = 0.1
SEARCH_LEAST = 0.2  # of the seconds: what a search has at least, however long it took to work out all options
DECIDING_SECONDS = 10.0  # for whether a conflict is there without the promises of availability
REPORT_SECONDS = 0.25  # between two words of progress before and after the search


class PlaceQuery(msgspec.Struct, frozen=True):
    """What is asked of a plan. ``seconds`` and ``gap`` end the search; ``levels``: the order of aims when cost alone
    should not decide; ``explain``: workloads whose every other place is priced."""

    seconds: float = 60.0
    gap: float = 0.001
    levels: tuple[str, ...] = ()
    explain: tuple[str, ...] = ()
    changes: Changes = NO_CHANGES


USUAL = PlaceQuery()


@cache
def market() -> Market:
    """The prices and figures that come with this version."""
    return Market.load()


def market_of(estate: Estate) -> Market:
    """The same with the rows that an estate states itself."""
    every = (*(site.id for site in catalog().sites()), *estate.site_ids())
    return own_market(market(), estate, tuple(dict.fromkeys(every)))


class Planning:
    """One estate being planned: built and solved once, asked several things. Raises EstateError, NoPlan, and BadRequest
    for an estate in which there is nothing to place."""

    def __init__(self, loaded: Loaded, query: PlaceQuery = USUAL, report: Report | None = None) -> None:
        self.loaded = loaded
        self.query = query
        self.today = datetime.datetime.now(datetime.UTC).date()
        self._tell = report
        self._stopped = False
        self._begun = self._asked = self._said = monotonic()
        self._estate, self._doubts = _whole(loaded)
        self._market = market_of(self._estate)
        self.built = self._build(query.changes)
        if not (self.built.problem.tasks or self.built.problem.items):
            raise BadRequest("there is nothing to place: write workloads: with their needs:, or datasets:")
        self.solved = self._solve(self.built)
        self._checked(self.built, self.solved)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What is doubtful about the estate as a plan."""
        return (*self._doubts, *self.built.diagnostics)

    def placement(self) -> Placement:
        """The answer."""
        return self._answer(self.built, self.solved)

    def what_if(self, before: Placement, changes: Changes) -> Comparison:
        """The plan under other assumptions beside ``before``; one that can not be kept is told, not raised."""
        assumed = told(changes)
        try:
            built = self._build(changes)
        except EstateError as error:
            return compare(before, None, assumed, tuple(str(d) for d in error.diagnostics if d.severity == "error"))
        solved = self._again(built)
        if solved.solution is None:
            return compare(before, None, assumed, tuple(map(str, self._conflict(built, solved, changes))))
        return compare(before, self._answer(built, solved), assumed)

    def trade_offs(self, axes: Sequence[str] = AXES) -> tuple[Curve, ...]:
        """What fewer clouds, shorter round trips and less carbon cost, in as many seconds as the plan may take."""
        return Sweep(self.built.problem, self.solved, Limits(self.query.seconds, self.query.gap)).curves(axes)

    def _report(self, progress: Progress) -> bool:
        """Passes the progress on, by the time since it was asked, and notes that the caller wants what there is."""
        progress = msgspec.structs.replace(progress, seconds=monotonic() - self._asked)
        self._stopped = self._stopped or (self._tell is not None and not self._tell(progress))
        return not self._stopped

    def _building(self, done: int, whole: int) -> None:
        """Raises NoPlan when the caller wants what there is: that is nothing yet."""
        step = f"options of {done:,} of {whole:,} pieces of work"
        if self._due(done, whole) and not self._report(Progress(0.0, None, None, step)):
            raise NoPlan("stopped while options were worked out, before any plan was made")

    def _due(self, done: int, whole: int) -> bool:
        """Whether it is time for another word of progress."""
        now = monotonic()
        if done < whole and now - self._said < REPORT_SECONDS:
            return False
        self._said = now
        return True

    def _build(self, changes: Changes) -> Built:
        self._asked = monotonic()
        return build(self._estate, catalog(), self._market, self.loaded.place, changes, self.today, self._building)

    @property
    def _kept(self) -> float:
        """Seconds that the search leaves to the answer."""
        return self.query.seconds * (ALTERNATIVES_SHARE if self.query.explain else ANSWER_SHARE)

    def _limits(self) -> Limits:
        """What is left of the seconds: working out the options counts, and so does the answer."""
        left = self.query.seconds - self._kept - (monotonic() - self._asked)
        return Limits(max(left, SEARCH_LEAST * self.query.seconds), self.query.gap)

    def _solve(self, built: Built) -> Solved:
        if self.query.levels:
            return solve_levels(built.problem, self.query.levels, LEVEL_SLACK, self._limits(), self._report)
        return solve(built.problem, self._limits(), None, self._report)

    def _again(self, built: Built) -> Solved:
        """A changed problem, from where the first one ended."""
        if self.query.levels:
            return self._solve(built)
        return resolve(self.built.problem, built.problem, self.solved, self._limits(), self._report)

    def _checked(self, built: Built, solved: Solved) -> None:
        if solved.solution is not None:
            return
        if solved.status == "infeasible":
            found = self._conflict(built, solved, self.query.changes)
            raise NoPlan("no plan keeps all of these statements:\n" + "\n".join(map(str, found)), found)
        if self._stopped:
            raise NoPlan("stopped before a plan was found; none is proven impossible")
        raise NoPlan(
            f"no plan was found in {monotonic() - self._asked:.0f} s, and none is proven impossible: allow more seconds"
        )

    def _conflict(self, built: Built, solved: Solved, changes: Changes) -> tuple[Diagnostic, ...]:
        slos = self._deciding(built, solved, changes)
        return conflicts(built.problem, solved.conflict, built.paths, self.loaded.place, slos)

    def _deciding(self, built: Built, solved: Solved, changes: Changes) -> tuple[str, ...]:
        """The promises of availability without which the conflict would not be."""
        names = {slo for task in solved.conflict for slo in built.slos.get(task, ())}
        if not names:
            return ()
        kept = {name: slo for name, slo in self._estate.slos.items() if name not in names}
        estate = self._estate.model_copy(update={"slos": kept})
        free = build(estate, catalog(), self._market, self.loaded.place, changes, self.today)
        limits = Limits(DECIDING_SECONDS, self.query.gap)
        return () if solve(free.problem, limits, None, self._report).status == INFEASIBLE else tuple(sorted(names))

    def _answer(self, built: Built, solved: Solved) -> Placement:
        estate = built.estate or self._estate
        doubts = tuple(d for d in dict.fromkeys((*self._doubts, *built.diagnostics)) if d.severity == "warning")
        basis = Basis(
            estate, catalog(), self._market, self.today, built.details, built.months, doubts, dict(built.allowances)
        )
        simpler = baselines(built.problem)
        least = self._kept if self.query.explain else ALTERNATIVES_LEAST
        search = max(self.query.seconds - (monotonic() - self._asked), least)
        effort = Effort(self._proving(), self.query.gap, self.query.explain, not self.query.levels, search)
        plan = None if solved.bill is None else solved.bill.total

        def tell(done: int, whole: int) -> bool:
            step = f"next best places of {done:,} of {whole:,} pieces of work"
            return not self._due(done, whole) or self._report(Progress(0.0, plan, solved.bound, step))

        return answer(built.problem, solved, basis, simpler, effort, tell)

    def _proving(self) -> float:
        """Seconds for proving alternatives."""
        if self._stopped:
            return 0.0
        if self.query.explain:
            return self._kept
        return max(ANSWER_SECONDS - (monotonic() - self._begun), ALTERNATIVES_LEAST)


def place(estate: Loaded, query: PlaceQuery = USUAL, report: Report | None = None) -> Placement:
    """Where each workload and data set should be, what that costs and why, with the proof of residency and of how
    far it can be from the optimum.

    ``report`` is told of the progress about twice a second and ends the search by returning False. Raises EstateError
    for an estate that is wrong, NoPlan when no plan keeps its rules.
    """
    return Planning(estate, query, report).placement()


def what_if(estate: Loaded, changes: Changes, query: PlaceQuery = USUAL) -> Comparison:
    """What other assumptions would change: sites that are gone or added, other prices. Raises EstateError, NoPlan."""
    planning = Planning(estate, query)
    return planning.what_if(planning.placement(), changes)


def trade_offs(estate: Loaded, axes: Sequence[str] = AXES, query: PlaceQuery = USUAL) -> tuple[Curve, ...]:
    """Cost against clouds, latency and carbon, each point a plan of its own. Raises EstateError, NoPlan."""
    return Planning(estate, query).trade_offs(axes)


def placement_report(found: Placement, curves: Sequence[Curve] = (), compared: Comparison | None = None) -> str:
    """A placement as one HTML document that needs no other file, no network and no script."""
    return report.page(found, curves, compared)


def told(changes: Changes) -> tuple[str, ...]:
    """Assumptions in words."""
    return (
        *(f"without {name}" for name in changes.without),
        *(f"{row.machine} at {row.at} for {row.on_demand} an hour" for row in changes.prices),
        *(f"with {site}" for site in changes.add),
        *(f"with the workload {name}" for name, _ in changes.workloads),
    )


def _whole(loaded: Loaded) -> tuple[Estate, tuple[Diagnostic, ...]]:
    """The estate, and what is doubtful in the parts of it that a plan rests on, such as a slip of units."""
    found = check_estate(loaded)
    if loaded.estate is None or any(d.severity == "error" for d in found):
        raise EstateError(found)
    return loaded.estate, tuple(d for d in found if d.place.path.startswith(PLANNED))
