"""The lawful naive plans that an answer is compared with: one cloud alone, and each job for itself.

They obey every rule of the problem (a quota that is full sends the next job to its next cheapest place), and get the
cheapest promises for what they run, so that the comparison is with the rule and not with a careless use of it.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from polycloud.placement.bill import Bill, bill
from polycloud.placement.problem import Item, Problem, Solution
from polycloud.placement.solve import exact, highs
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.facility import BIG
from polycloud.placement.solve.highs import np
from polycloud.placement.solve.search import Search

ALONE = "each job to its cheapest place"
WITH_EGRESS = "each job to its cheapest place with egress"
SECONDS = 1.0  # for the best plan of one cloud, where the problem is small enough to be spelled out
SMALL = 5_000  # columns for options and sources


class Baseline(msgspec.Struct, frozen=True):
    """A naive plan; without a solution ``why_not`` says what it would break."""

    name: str
    solution: Solution | None
    bill: Bill | None
    why_not: str = ""


def baselines(problem: Problem) -> tuple[Baseline, ...]:
    """Each cloud in turn, then each job alone with its data at home, without and with the price of moving data."""
    if not all(task.options for task in problem.tasks):
        return ()
    dense = Dense(problem)
    return tuple(each(problem, Search(dense), lambda: True))


def each(problem: Problem, search: Search, go_on: Callable[[], bool], quick: bool = False) -> Iterator[Baseline]:
    """The baselines one by one, while ``go_on`` says so; ``quick``: by the search alone."""
    may = search.may
    clouds = sorted({place.cloud for place in problem.sites} - {"onprem"})
    for cloud in clouds:
        if not go_on():
            return
        yield only(problem, search, (cloud,), None if quick else SECONDS)
        search.may, search.extra = may, None
    for name in (ALONE, WITH_EGRESS):
        yield _alone(problem, search, name)
        search.may = may


def only(problem: Problem, search: Search, clouds: tuple[str, ...], seconds: float | None) -> Baseline:
    """The best plan found with some clouds and one's own halls; copies that are pinned elsewhere stay there.

    With ``seconds`` a small problem is solved exactly. The search is left restricted to these clouds.
    """
    name = f"only {' and '.join(clouds)}"
    inside = np.array([place.cloud in (*clouds, "onprem") for place in problem.sites], dtype=bool)
    homeless = [t.name for t in problem.tasks if not any(inside[option.site] for option in t.options)]
    if homeless:
        return _none(name, "no place for", homeless)
    pinned = np.zeros_like(search.may)
    for at, item in enumerate(problem.items):
        pinned[at, list(item.pinned)] = True
    search.may = search.may & (inside[None, :] | pinned)
    few = [item.name for item, sites in zip(problem.items, search.may, strict=True) if sites.sum() < item.copies]
    if few:
        return _none(name, "too few places for the copies of", few)
    if seconds is not None and exact.size(problem) <= SMALL:
        found = _spelled(problem, search.may, inside, seconds)
        if found is not None:
            return _judged(problem, name, found)
        # What the search can not keep either is the reason; where only the time was short, it finds a plan.
    search.extra = np.where(inside[search.dense.site], 0.0, BIG)
    search.clear()
    search.open[:] = search.may
    search.refresh()
    search.place(order(search.dense))
    search.open[:] = False
    for at in range(len(problem.items)):
        search.copies(at)
    search.improve(order(search.dense), lambda: True)
    return _judged(problem, name, search.plan())


def _spelled(problem: Problem, may: highs.Bools, inside: highs.Bools, seconds: float) -> Solution | None:
    """The optimum of the problem with these sites, in the numbering of the whole."""
    kept = [[k for k, option in enumerate(task.options) if inside[option.site]] for task in problem.tasks]
    tasks = tuple(
        msgspec.structs.replace(task, options=tuple(task.options[k] for k in ks))
        for task, ks in zip(problem.tasks, kept, strict=True)
    )
    items = tuple(
        msgspec.structs.replace(item, hold=tuple(pair for pair in item.hold if sites[pair[0]]))
        for item, sites in zip(problem.items, may, strict=True)
    )
    part = msgspec.structs.replace(problem, tasks=tasks, items=items)
    built = exact.build(part)
    outcome = highs.run(built.model, seconds, 1e-6, lambda: True, options=highs.PLAIN)
    if outcome.values is None:
        return None
    plan = exact.read(part, built, outcome.values)
    return msgspec.structs.replace(plan, choice=tuple(ks[k] for ks, k in zip(kept, plan.choice, strict=True)))


def _alone(problem: Problem, search: Search, name: str) -> Baseline:
    """Data stays at home; jobs choose one after the other, those with the fewest places first."""
    search.clear()
    for at, item in enumerate(problem.items):
        search.open[at] = False
        search.open[at, _home(item, search.dense.hold[at])] = True
    search.refresh()
    if name == ALONE:
        search.data = np.where(search.data >= BIG, BIG, 0.0)
    search.place(np.argsort([len({option.site for option in task.options}) for task in problem.tasks], kind="stable"))
    return _judged(problem, name, search.plan())


def _home(item: Item, hold: highs.Floats) -> list[int]:
    """Where an item is now, what is pinned, and as many of the cheapest further sites as it needs copies."""
    sites = [site for site, _ in item.hold]
    home = list(dict.fromkeys([*item.pinned, *([item.origin] if item.origin in sites else [])]))
    more = sorted((site for site in sites if site not in home), key=lambda site: float(hold[site]))
    return home + more[: max(0, max(item.copies, 1) - len(home))]


def order(dense: Dense) -> highs.Ints:
    """Tasks, those first whose options differ most in cost: they have most to lose when what they want is full."""
    spread = [float(np.ptp(dense.own[start:end])) for start, end in pairwise(dense.first.tolist())]
    return np.argsort(-np.array(spread), kind="stable")


def _judged(problem: Problem, name: str, plan: Solution) -> Baseline:
    priced = bill(problem, plan)
    if priced.faults:
        return Baseline(name, None, None, priced.faults[0])
    return Baseline(name, plan, priced)


def _none(name: str, what: str, names: list[str]) -> Baseline:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return Baseline(name, None, None, f"{what} {', '.join(names[:3])}{more}")
