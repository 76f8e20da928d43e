"""The next best places of every workload, with the price of moving there.

Screened by moves whose total is exact for what they change; then solved anew with the task held there, as far as
the time goes. A plan that turns out cheaper than the one to be explained replaces it, so no alternative beats it.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from time import monotonic

import msgspec

from polycloud.placement.answer.ledger import Ledger
from polycloud.placement.answer.moves import Move, alone, followed, held_at, places
from polycloud.placement.answer.reasons import differs, moved, wins_if
from polycloud.placement.answer.thrift import likest
from polycloud.placement.answer.values import Alternative
from polycloud.placement.answer.words import listed
from polycloud.placement.bill import bill
from polycloud.placement.problem import Problem, Solution
from polycloud.placement.solve import Limits, Solved, solve

SHOWN = 3  # next best places of a task, unless one workload is asked for
SURE = 100  # what a move costs more is said as proven where that is known to this part of it
STARTS_MOST = 20  # each has a strictly cheaper plan, and costs a solve
POLISH_SECONDS = 5.0  # of beginning to look for cheaper moves once more; only a plan with a wide gap needs that many
SPARE = 2  # places beyond those shown whose data are let follow, since that can change the order
SCREENED = 12  # places tried for a task at most, the cheapest by themselves
Resolve = Callable[[Problem, Limits, Solution | None], Solved]
Tell = Callable[[int, int], bool]


class Effort(msgspec.Struct, frozen=True):
    """How much is spent on alternatives. ``seconds`` of solving anew in all; ``gap`` as for the plan;
    ``workloads``: only these, all their places; empty: all workloads, the best few. ``adopt``: take a cheaper plan that
    is met, which must not be where cost is not the only aim. ``search``: seconds of trying moves, the dearest work
    first; what they do not reach is left out."""

    seconds: float = 1.0
    gap: float = 0.001
    workloads: tuple[str, ...] = ()
    adopt: bool = True
    search: float = math.inf


def unwatched(_done: int, _whole: int) -> bool:
    """Nobody is told, and nobody ends it."""
    return True


def _solve(problem: Problem, limits: Limits, start: Solution | None) -> Solved:
    return solve(problem, limits, start)


class Alternatives:
    """The search around one plan. ``plan`` is the plan, or a cheaper one that was met on the way."""

    def __init__(
        self,
        problem: Problem,
        plan: Solution,
        effort: Effort,
        resolve: Resolve = _solve,
        clock: Callable[[], float] = monotonic,
        tell: Tell = unwatched,
    ) -> None:
        self.problem = problem
        self.plan = plan
        self._effort = effort
        self._resolve = resolve
        self._clock = clock
        self._tell = tell
        self._going = True
        self._last = clock() + effort.search
        self._until = min(clock() + effort.seconds, self._last)
        self._ledger = Ledger(problem, plan)
        self._starts = 0
        self._screened: dict[int, tuple[int, Sequence[Move]]] = {}
        self._adopt = effort.adopt

    @property
    def ledger(self) -> Ledger:
        """The books of ``plan``."""
        return self._ledger

    @property
    def unseen(self) -> int:
        """How many workloads the time did not reach."""
        return len({self.problem.tasks[task].workload for task in self._wanted() if task not in self._screened})

    def find(self) -> dict[str, tuple[Alternative, ...]]:
        """By workload. Cheaper plans that are met on the way, which there can only be within the gap, are taken."""
        for _ in range(STARTS_MOST):
            before = self.plan
            self._search()
            found = self._once()
            if self.plan is before or found:
                return found
        self._adopt = False
        self._search()
        return self._once()

    def _begin_with(self, plan: Solution) -> None:
        """Another plan. What was tried for tasks that it leaves alone, with all that they read, is only priced anew."""
        old, problem = self.plan, self.problem
        self.plan = plan
        self._ledger = Ledger(problem, plan)
        self._starts += 1
        stale = {task for task, choice in enumerate(plan.choice) if choice != old.choice[task]}
        for item, sites in enumerate(plan.copies):
            if sites != old.copies[item]:
                stale.update(self._ledger.users[item])
        for task in stale:
            self._screened.pop(task, None)

    def _search(self) -> None:
        """Tries every task elsewhere, and for a while takes each move that makes the plan cheaper, until none does."""
        wanted = sorted(self._wanted(), key=self._weight)
        until, better = self._clock() + POLISH_SECONDS, True
        while better:
            # In the last pass none is taken: each makes places of other tasks unknown again.
            taking = self._adopt and self._effort.seconds > 0 and self._clock() < until
            better = False
            for done, task in enumerate(wanted):
                self._going = self._going and self._tell(done, len(wanted))
                if self._over():
                    return
                moves = self._screen(task)
                if not (taking and moves) or moves[0].outcome.faults:
                    continue
                if moves[0].outcome.total < self._ledger.total:
                    self._begin_with(self._ledger.changed(moves[0].change))
                    better = True

    def _over(self) -> bool:
        return not self._going or self._clock() > self._last

    def _weight(self, task: int) -> int:
        """The dearest first: there a better place matters most."""
        return -self.problem.tasks[task].options[self.plan.choice[task]].cost

    def _wanted(self) -> list[int]:
        wanted = self._effort.workloads
        return [task for task, row in enumerate(self.problem.tasks) if not wanted or row.workload in wanted]

    def _once(self) -> dict[str, tuple[Alternative, ...]]:
        found: dict[str, list[Alternative]] = {}
        # Every task's best first, then every task's second: when time runs out, all have been served alike.
        seen = [task for task in self._wanted() if task in self._screened]
        queue = [(rank, task, tried) for task in seen for rank, tried in enumerate(self._screen(task))]
        for _, task, tried in sorted(queue, key=lambda entry: entry[:2]):
            proving = self._going and self._clock() < self._until
            alternative = self._proven(tried) if proving else self._at_most(tried)
            if alternative is None:
                return {}
            found.setdefault(self.problem.tasks[task].workload, []).append(alternative)
        return {name: tuple(_in_order(rows)) for name, rows in found.items()}

    def _screen(self, task: int) -> Sequence[Move]:
        """The best moves of a task, with the outcome that they have from the plan of now."""
        starts, moves = self._screened.get(task, (-1, ()))
        if starts < 0:
            problem = self.problem
            here = problem.tasks[task].options[self.plan.choice[task]].site
            others = [(site, options) for site, options in places(problem, task).items() if site != here]
            if not self._effort.workloads:
                others = others[:SCREENED]
            near = sorted((alone(self._ledger, task, site, options) for site, options in others), key=_order)
            wide, shown = (len(near), len(near)) if self._effort.workloads else (SHOWN + SPARE, SHOWN)
            followers = sorted((followed(self._ledger, tried) for tried in near[:wide]), key=_order)
            moves = followers[:shown]
        elif starts != self._starts:
            anew = (tried._replace(outcome=self._ledger.outcome(tried.change)) for tried in moves)
            moves = sorted(anew, key=_order)
        self._screened[task] = self._starts, moves
        return moves

    def _at_most(self, tried: Move) -> Alternative:
        if tried.outcome.faults:
            return self._named(tried, None, why_not=listed(tried.outcome.faults, 2))
        extra = tried.outcome.total - self._ledger.total
        return self._named(tried, extra, also=differs(self._ledger, tried), wins=wins_if(self._ledger, tried, extra))

    def _proven(self, tried: Move) -> Alternative | None:
        """Solved with the task held there. None when that found a cheaper plan, which is then ``plan``."""
        held = held_at(self.problem, tried.task, tried.site)
        start = None if tried.outcome.faults else held.narrowed(self._ledger.changed(tried.change))
        limits = Limits(max(self._until - self._clock(), 0.05), self._effort.gap)
        solved = self._resolve(held.problem, limits, start)
        if solved.solution is None or solved.bill is None:
            if solved.status != "infeasible":
                return self._at_most(tried)
            why = listed(tried.outcome.faults, 2) or listed(solved.conflict, 3)
            return self._named(tried, None, proven=True, why_not=why or "no plan has it there")
        if self._adopt and solved.bill.total < self._ledger.total:
            self._begin_with(held.widened(solved.solution))
            return None
        if not tried.outcome.faults and tried.outcome.total < solved.bill.total:
            return self._at_most(tried)
        return self._solved(tried, held.widened(solved.solution), solved)

    def _solved(self, tried: Move, plan: Solution, solved: Solved) -> Alternative:
        problem = self.problem
        plan = likest(problem, plan, self.plan, tried.task)
        there = bill(problem, plan)
        extra = there.total - self._ledger.total
        kinds = tried.outcome.kinds.copy()
        kinds.clear()
        for line in there.lines:
            kinds[line.kind] += line.micro
        for line in bill(problem, self.plan).lines:
            kinds[line.kind] -= line.micro
        option = plan.choice[tried.task]
        found = tried._replace(option=option, outcome=tried.outcome._replace(total=there.total, kinds=kinds, faults=()))
        return self._named(
            found,
            extra,
            proven=there.total - solved.bound <= abs(extra) // SURE,
            also=differences(problem, self.plan, plan, tried.task),
            wins=wins_if(self._ledger, found, extra),
        )

    def _named(
        self,
        tried: Move,
        extra: int | None,
        *,
        proven: bool = False,
        also: tuple[str, ...] = (),
        wins: str = "",
        why_not: str = "",
    ) -> Alternative:
        row = self.problem.tasks[tried.task]
        option = row.options[tried.option]
        site = self.problem.sites[tried.site].id
        return Alternative(
            task=row.name,
            site=site,
            machine=option.machine,
            market=option.market,
            count=option.count,
            extra_micro=extra,
            proven=proven,
            differs=also,
            wins_if=wins,
            why_not=why_not,
        )


def _order(tried: Move) -> tuple[bool, int]:
    return bool(tried.outcome.faults), tried.outcome.total


def _in_order(rows: Iterable[Alternative]) -> list[Alternative]:
    return sorted(rows, key=lambda a: (a.extra_micro is None, a.extra_micro or 0, a.task, a.site))


def differences(problem: Problem, old: Solution, new: Solution, but: int = -1) -> tuple[str, ...]:
    """What two plans of one problem do differently, task ``but`` left out, in sentences."""
    said = []
    for at, (task, a, b) in enumerate(zip(problem.tasks, old.choice, new.choice, strict=True)):
        was, now = task.options[a], task.options[b]
        if at == but or was == now:
            continue
        if was.site != now.site:
            said.append(f"{task.name} moves to {problem.sites[now.site].id}")
        else:
            said.append(f"{task.name} runs on {now.count} × {now.machine} ({now.market})")
    for item, a_sites, b_sites in zip(problem.items, old.copies, new.copies, strict=True):
        said += moved(problem, item.name, a_sites, b_sites)
    if old.promised != new.promised:
        said.append("promises change")
    return tuple(said)
