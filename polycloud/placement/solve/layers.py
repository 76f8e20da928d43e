"""Promises and prepaid money in a linear model: what pools promise, what wide promises cover then, what is drawn."""

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import Problem
from polycloud.placement.solve.highs import INF, Model

Using = Mapping[tuple[int, int], list[tuple[int, float]]]


def spent(problem: Problem) -> Problem:
    """The problem in which prepaid money pays all that it can, whatever is charged: no plan costs less there."""
    if not problem.credits:
        return problem
    fixed = tuple((credit.name, credit.paid - credit.amount) for credit in problem.credits)
    return msgspec.structs.replace(problem, credits=(), fixed=(*problem.fixed, *fixed))


def rounded(problem: Problem) -> int:
    """By how many micro-USD the bill's rounding can undercut the sum of exact amounts."""
    return len(problem.meters) + len(problem.pools) + len(problem.wide) + 1


class Charges:
    """What each cloud to which money is prepaid charges, as coefficients of columns, in USD."""

    def __init__(self, problem: Problem):
        self._of: dict[str, dict[int, float]] = {credit.cloud: {} for credit in problem.credits}
        self._clouds = [place.cloud for place in problem.sites]
        self._meters = {meter: credit.cloud for credit in problem.credits for meter in credit.meters}
        self._pools = {pool: credit.cloud for credit in problem.credits for pool in credit.pools}
        self._constant = dict.fromkeys(self._of, 0.0)

    def site(self, site: int, column: int, cost: float) -> None:
        self._add(self._clouds[site], column, cost)

    def meter(self, meter: int, column: int, cost: float) -> None:
        self._add(self._meters.get(meter, ""), column, cost)

    def pool(self, pool: int, column: int, cost: float) -> None:
        self._add(self._pools.get(pool, ""), column, cost)

    def constant(self, pool: int, cost: float) -> None:
        """What is charged whatever is chosen."""
        cloud = self._pools.get(pool, "")
        if cloud in self._of:
            self._constant[cloud] += cost

    def draw(self, problem: Problem, model: Model) -> None:
        """The columns and rows by which prepaid money pays charges."""
        for cloud, charges in self._of.items():
            mine = [credit for credit in problem.credits if credit.cloud == cloud]
            drawn = model.column(-1.0, -INF, sum(credit.amount for credit in mine) / MILLION)
            model.row(-INF, self._constant[cloud], [drawn, *charges], [1.0, *(-cost for cost in charges.values())])
            model.offset += sum(credit.paid for credit in mine) / MILLION

    def _add(self, cloud: str, column: int, cost: float) -> None:
        if cloud in self._of and cost:
            charges = self._of[cloud]
            charges[column] = charges.get(column, 0.0) + cost


def promises(problem: Problem, model: Model, using: Using, charges: Charges | None) -> list[list[int]]:
    """Columns for what is promised, by pool and term, and for what that and wide promises cover. ``using`` is by pool
    and block the usage: columns with USD an hour."""
    hours = sum(problem.blocks)
    of = Charges(problem) if charges is None else charges
    as_one = _as_one(problem)
    usage: defaultdict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    covers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for (at, block), pairs in using.items():
        usage[as_one[at], block] += pairs
    terms = []
    for at, pool in enumerate(problem.pools):
        whole = []
        for term in pool.terms:
            most = INF if term.most is None else term.most / MILLION
            whole.append(model.column(term.keep_ppm / MILLION * hours, term.held / MILLION, most))
            of.pool(at, whole[-1], term.keep_ppm / MILLION * hours)
        for block, length in enumerate(problem.blocks if whole else ()):
            covered = model.column(-float(length), 0.0, INF)
            of.pool(at, covered, -float(length))
            model.at_most([covered], whole)
            covers[at, block].append(covered)
        terms.append(whole)
    for wide in problem.wide:
        paid = wide.held * wide.keep_ppm / MILLION / MILLION * hours
        model.offset += paid
        if wide.pools:
            of.constant(wide.pools[0], paid)
        for block, length in enumerate(problem.blocks):
            parts = []
            for at in dict.fromkeys(as_one[pool] for pool in wide.pools):
                if usage.get((at, block)):
                    parts.append(model.column(-float(length), 0.0, INF))
                    of.pool(at, parts[-1], -float(length))
                    covers[at, block].append(parts[-1])
            model.row(-INF, wide.held / MILLION, parts, [1.0] * len(parts))
    for key, columns in covers.items():
        pairs = usage.get(key, [])
        values = [1.0] * len(columns) + [-value for _, value in pairs]
        model.row(-INF, 0.0, [*columns, *(column for column, _ in pairs)], values)
    return terms


def _as_one(problem: Problem) -> list[int]:
    """For each pool the first that counts as one with it: those without promises of their own that the same wide
    promises cover. What covers one of them may as well cover another."""
    under: list[list[int]] = [[] for _ in problem.pools]
    for at, wide in enumerate(problem.wide):
        for pool in wide.pools:
            under[pool].append(at)
    first: dict[tuple[int, ...], int] = {}
    return [at if pool.terms else first.setdefault(tuple(under[at]), at) for at, pool in enumerate(problem.pools)]
