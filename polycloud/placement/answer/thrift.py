"""Of plans that cost the same, one that uses less of what is paid already.

Prepaid money and promises that are held make what they cover free at the margin, so a solver has no reason to leave
a dear machine, or a reading from afar, alone. What is not used up is there for what comes next.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from polycloud.placement.answer.ledger import Change, Ledger
from polycloud.placement.answer.moves import companions, toggles
from polycloud.placement.problem import Problem, Solution

TRIED_MOST = 5_000  # changes, half a second; the examples need a third of it, a large plan is as thrifty as that allows


def thrifty(
    problem: Problem, plan: Solution, most: int = TRIED_MOST, going: Callable[[], bool] = lambda: True
) -> Solution:
    """The plan, changed task by task as long as its cost stays, its list price falls and ``going`` says yes."""
    held = any(term.held for pool in problem.pools for term in pool.terms)
    better = bool(held or problem.wide or problem.credits)
    ledger = Ledger(problem, plan) if better else None
    while better and ledger is not None and most:
        better = False
        for at in range(len(problem.tasks) + len(problem.items)):
            if not going():
                return ledger.solution
            task, item = at, at - len(problem.tasks)
            changes = list(islice(_of_task(ledger, task) if item < 0 else _of_item(ledger, item), most))
            most -= len(changes)
            change = _best(ledger, changes)
            if change is not None:
                ledger, better = Ledger(problem, ledger.changed(change)), True
    return plan if ledger is None else ledger.solution


def _best(ledger: Ledger, changes: Iterable[Change]) -> Change | None:
    """The change that lowers the list price most, of those that cost no more and break nothing."""
    least: tuple[int, Change | None] = (0, None)
    for change in changes:
        outcome = ledger.outcome(change)
        extra = outcome.total - ledger.total
        listed = extra - outcome.kinds["commitment"]
        if extra <= 0 and listed < least[0] and not outcome.faults:
            least = listed, change
    return least[1]


def _of_task(ledger: Ledger, task: int) -> Iterator[Change]:
    """Another way to run a task; alone, with a part of its workload in its way, and with its data. Sources follow."""
    for at, option in enumerate(ledger.problem.tasks[task].options):
        for tasks in companions(ledger, task, at):
            yield Change(tasks, {})
            yield from (Change(tasks, items) for items in toggles(ledger, task, option.site, {}))


def _of_item(ledger: Ledger, index: int) -> Iterator[Change]:
    """A copy at another place, or one less."""
    item, now = ledger.problem.items[index], ledger.solution.copies[index]
    for old in now:
        rest = set(now) - {old}
        for site in (*(site for site, _ in item.hold if site not in now), old):
            yield Change({}, {index: tuple(sorted(rest | ({site} - {old})))})


def likest(problem: Problem, plan: Solution, like: Solution, but: int) -> Solution:
    """The plan without those of its differences from ``like`` that save nothing; task ``but`` stays where it is."""
    ledger = Ledger(problem, plan)
    for task, option in enumerate(like.choice):
        if task != but and option != ledger.solution.choice[task]:
            ways = companions(ledger, task, option)
            ledger = _reverted(ledger, [Change(tasks, {}) for tasks in ways if but not in tasks])
    for item, sites in enumerate(like.copies):
        if sites != ledger.solution.copies[item]:
            ledger = _reverted(ledger, [Change({}, {item: sites})])
    return ledger.solution


def _reverted(ledger: Ledger, changes: Iterable[Change]) -> Ledger:
    """The books after the first of the changes that costs no more and breaks nothing."""
    for change in changes:
        outcome = ledger.outcome(change)
        if outcome.total <= ledger.total and not outcome.faults:
            return Ledger(ledger.problem, ledger.changed(change))
    return ledger
