"""How much to promise once it is known what runs: exact, since the cost is convex in what is promised."""

from polycloud.placement.bill import MILLION, used
from polycloud.placement.problem import Pool, Problem, Solution


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


def promised(problem: Problem, solution: Solution) -> Solution:
    """The same plan with the cheapest promises for what it runs."""
    usage = used(problem, solution)
    amounts = tuple(best(pool, use, problem.blocks) for pool, use in zip(problem.pools, usage, strict=True))
    return Solution(solution.choice, solution.copies, solution.sources, amounts)
