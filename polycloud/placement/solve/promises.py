"""How much to promise once it is known what runs: exact, since the cost is convex in what is promised."""

from collections.abc import Sequence

from polycloud.placement.bill import MILLION, rest, used, wide_cover
from polycloud.placement.problem import Pool, Problem, Solution
from polycloud.placement.solve import highs, layers

SECONDS = 10.0  # for the promises of one plan, which take milliseconds


def best(pool: Pool, usage: list[int], blocks: tuple[int, ...]) -> tuple[int, ...]:
    """For each term the micro-USD per hour that make usage by block cheapest: cheapest terms first, each up to the
    level from which the hours that it would cover no longer pay for it."""
    amounts = [term.held for term in pool.terms]
    whole, hours = sum(amounts), sum(blocks)
    for at in sorted(range(len(pool.terms)), key=lambda at: pool.terms[at].keep_ppm):
        term = pool.terms[at]
        while term.most is None or amounts[at] < term.most:
            covered = sum(h for h, using in zip(blocks, usage, strict=True) if using > whole)
            if covered * MILLION <= term.keep_ppm * hours:
                break
            step = min(using for using in usage if using > whole) - whole
            if term.most is not None:
                step = min(step, term.most - amounts[at])
            amounts[at] += step
            whole += step
    return tuple(amounts)


def beside(problem: Problem, usage: list[list[int]], promised: Sequence[tuple[int, ...]], pool: int) -> list[int]:
    """By block the usage of a pool that wide promises do not cover anyway, with the other pools as they are."""
    inside = max((wide.pools for wide in problem.wide if pool in wide.pools), key=len, default=())
    if not inside:
        return list(usage[pool])
    among = [at for at, wide in enumerate(problem.wide) if not set(inside).isdisjoint(wide.pools)]
    rows = rest([usage[at] for at in inside], [promised[at] for at in inside])
    left = dict(zip(inside, rows, strict=True))
    left[pool] = [0] * len(problem.blocks)
    before = wide_cover(problem, {at: list(row) for at, row in left.items()}, among)
    left[pool] = list(usage[pool])
    after = wide_cover(problem, left, among)
    free = [sum(row[b] for row in after) - sum(row[b] for row in before) for b in range(len(problem.blocks))]
    return [use - part for use, part in zip(usage[pool], free, strict=True)]


def promised(problem: Problem, solution: Solution) -> Solution:
    """The same plan with the cheapest promises for what it runs."""
    usage = used(problem, solution)
    if problem.wide:
        amounts = _together(problem, usage)
    else:
        amounts = [best(pool, use, problem.blocks) for pool, use in zip(problem.pools, usage, strict=True)]
    return Solution(solution.choice, solution.copies, solution.sources, tuple(amounts))


def _together(problem: Problem, usage: list[list[int]]) -> list[tuple[int, ...]]:
    """Pools that share wide promises are decided together: a linear program, rounded to the micro-dollar an hour."""
    model = highs.Model()
    fixed = {
        (pool, block): [(model.column(low=use / MILLION, high=use / MILLION), 1.0)]
        for pool, row in enumerate(usage)
        for block, use in enumerate(row)
    }
    terms = layers.promises(problem, model, fixed, None)
    outcome = highs.run(model, SECONDS, 0.0, lambda: True, relaxed=True)
    amounts = [tuple(term.held for term in pool.terms) for pool in problem.pools]
    if outcome.values is None:
        return amounts
    for at, (pool, columns) in enumerate(zip(problem.pools, terms, strict=True)):
        amounts[at] = tuple(
            max(
                term.held,
                min(
                    round(outcome.values[column] * MILLION),
                    term.held + sum(usage[at]) if term.most is None else term.most,
                ),
            )
            for term, column in zip(pool.terms, columns, strict=True)
        )
    return amounts
