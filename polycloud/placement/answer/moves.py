"""What happens when a task is held at another place: its data and its neighbours follow as far as that pays."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from polycloud.placement.answer.ledger import Change, Ledger, Outcome
from polycloud.placement.problem import Problem, Solution

OPTIONS_TRIED = 12  # machines and markets of one place, the cheapest by themselves; the others are dearer for all
TOGGLES_MOST = 8  # copies added, moved or dropped for one task; each must pay, so few tasks reach it


class Move(NamedTuple):
    """A task at a place, and the best that was found for the rest; ``outcome.faults`` says what forbids it."""

    task: int
    site: int
    option: int
    change: Change
    outcome: Outcome


def places(problem: Problem, task: int) -> dict[int, list[int]]:
    """The options of a task by site, the cheapest by itself first."""
    options = problem.tasks[task].options
    found: dict[int, list[int]] = defaultdict(list)
    for index in sorted(range(len(options)), key=lambda i: (options[i].cost + options[i].penalty, i)):
        found[options[index].site].append(index)
    return dict(found)


def move(ledger: Ledger, task: int, site: int, options: list[int]) -> Move:
    """The task at ``site``: the best machine there, and copies that follow it where that is cheaper."""
    return followed(ledger, alone(ledger, task, site, options))


def alone(ledger: Ledger, task: int, site: int, options: list[int]) -> Move:
    """The best machine at ``site``, with all copies where they are."""
    tried = (
        Move(task, site, option, change, ledger.outcome(change))
        for option in options[:OPTIONS_TRIED]
        for change in (Change(tasks, {}) for tasks in companions(ledger, task, option))
    )
    return min(tried, key=_worth)


def followed(ledger: Ledger, best: Move) -> Move:
    """The same move with copies added, moved or dropped, one at a time, as long as that pays."""
    for _ in range(TOGGLES_MOST):
        tried = (_with(ledger, best, items) for items in toggles(ledger, best.task, best.site, best.change.items))
        better = min(tried, key=_worth, default=best)
        if _worth(better) >= _worth(best):
            break
        best = better
    return best


def _worth(tried: Move) -> tuple[int, int]:
    return len(tried.outcome.faults), tried.outcome.total


def companions(ledger: Ledger, task: int, option: int) -> Iterator[dict[int, int]]:
    """The task alone; and, where a part of its workload is in its way, the two with their places changed."""
    problem, choice = ledger.problem, ledger.solution.choice
    yield {task: option}
    group = problem.tasks[task].group
    if group < 0:
        return
    here = problem.tasks[task].options[choice[task]].site
    for other, row in enumerate(problem.tasks):
        if row.group == group and other != task:
            there = places(problem, other).get(here)
            if there:
                yield {task: option, other: there[0]}


def _with(ledger: Ledger, base: Move, items: dict[int, tuple[int, ...]]) -> Move:
    change = Change(base.change.tasks, items)
    return Move(base.task, base.site, base.option, change, ledger.outcome(change))


def toggles(
    ledger: Ledger, task: int, site: int, items: Mapping[int, tuple[int, ...]]
) -> Iterator[dict[int, tuple[int, ...]]]:
    """Each single further change of the copies that a task at ``site`` uses: one added there, moved there, dropped."""
    problem = ledger.problem
    for index in sorted({flow.item for flow in problem.tasks[task].flows}):
        item = problem.items[index]
        now = items.get(index, ledger.solution.copies[index])
        allowed = {place for place, _ in item.hold}
        if site in allowed and site not in now:
            if item.copies_most is None or len(now) < item.copies_most:
                yield {**items, index: tuple(sorted({*now, site}))}
            for old in now:
                if old not in item.pinned:
                    yield {**items, index: tuple(sorted({*now, site} - {old}))}
        for old in now:
            if old not in item.pinned and len(now) > max(item.copies, 1):
                yield {**items, index: tuple(sorted(set(now) - {old}))}


class Held(NamedTuple):
    """A problem in which one task must be at one site, and a plan of the old problem in its words."""

    problem: Problem
    kept: tuple[int, ...]
    task: int

    def narrowed(self, plan: Solution) -> Solution:
        choice = list(plan.choice)
        choice[self.task] = self.kept.index(choice[self.task])
        return msgspec.structs.replace(plan, choice=tuple(choice))

    def widened(self, plan: Solution) -> Solution:
        """The plan in the words of the whole problem."""
        choice = list(plan.choice)
        choice[self.task] = self.kept[choice[self.task]]
        return msgspec.structs.replace(plan, choice=tuple(choice))


def held_at(problem: Problem, task: int, site: int) -> Held:
    """The problem with one task held at ``site``."""
    row = problem.tasks[task]
    kept = tuple(index for index, option in enumerate(row.options) if option.site == site)
    narrow = msgspec.structs.replace(row, options=tuple(row.options[index] for index in kept))
    tasks = (*problem.tasks[:task], narrow, *problem.tasks[task + 1 :])
    return Held(msgspec.structs.replace(problem, tasks=tasks), kept, task)
