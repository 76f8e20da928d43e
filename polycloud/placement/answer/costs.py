"""The bill shared out by kind, cloud, site and workload, every grouping exact to the micro-dollar."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

import msgspec

from polycloud.placement.answer.flows import carried, charges, shared
from polycloud.placement.answer.values import Cost, CostLine, PoolUse
from polycloud.placement.answer.years import MIDDLES, Ageing
from polycloud.placement.bill import bill, commitments, rest, used, volumes, wide_cover
from polycloud.placement.problem import Problem, Solution

YEARS = 3
UNBILLED = ("complexity", "penalty")
NOWHERE = "everywhere"  # what has no site or cloud of its own: people, promises that nothing uses
NOBODY = "shared"  # what belongs to no workload


def cost(problem: Problem, plan: Solution, spread_months: float, ageing: Ageing | None = None) -> Cost:
    """The month, its lines, and three years of it.

    The bill of the same plan without first fillings is what a month costs once all data have arrived; what these
    cost is the rest, in all the months that it is spread over. Three years are each year at the sizes of its middle,
    and the first fillings once. Prices and demand stand still.
    """
    lines = tuple(_lines(problem, plan))
    month = bill(problem, plan).total
    settled = msgspec.structs.replace(
        problem, items=tuple(msgspec.structs.replace(item, move=0) for item in problem.items)
    )
    later = bill(settled, plan).total
    once = round((month - later) * Fraction(spread_months))
    years = (later * 12,) * YEARS
    if ageing is not None and not ageing.still:
        years = tuple(bill(ageing.at(middle), plan).total * 12 for middle in MIDDLES)
    return Cost(
        month_micro=month,
        lines=lines,
        by_kind=_by(lines, lambda line: line.kind),
        by_cloud=_by(lines, lambda line: line.cloud),
        by_site=_by(lines, lambda line: line.site or NOWHERE),
        by_workload=_by(lines, _owner),
        once_micro=once,
        spread_months=spread_months,
        three_years_micro=sum(years) + once,
        years_micro=years,
        unbilled_micro=sum(line.micro for line in lines if line.kind in UNBILLED),
    )


def _owner(line: CostLine) -> str:
    return line.workload or (f"data set {line.dataset}" if line.dataset else NOBODY)


def _by(lines: Iterable[CostLine], key: Callable[[CostLine], str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in lines:
        found[key(line)] += line.micro
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))


def _lines(problem: Problem, plan: Solution) -> Iterator[CostLine]:
    """The lines of the bill; those that several share are split, and the parts sum to the line."""
    owners = {task.name: task.workload for task in problem.tasks}
    for line in bill(problem, plan).lines:
        cloud = line.site.partition("/")[0] or NOWHERE
        if line.kind in ("compute", "penalty"):
            yield CostLine(line.kind, line.name, line.site, cloud, line.micro, workload=owners[line.name])
        elif line.kind == "storage":
            yield CostLine(line.kind, line.name, line.site, cloud, line.micro, dataset=line.name)
        elif line.kind not in ("transfer", "commitment"):
            yield CostLine(line.kind, line.name, line.site, cloud, line.micro)
    yield from _transfers(problem, plan)
    yield from _commitments(problem, plan)


def _transfers(problem: Problem, plan: Solution) -> Iterator[CostLine]:
    moved = list(carried(problem, plan))
    known = {place.id for place in problem.sites}
    found: Counter[tuple[str, str, str, str]] = Counter()
    for movement, costs in zip(moved, charges(problem, moved), strict=True):
        owner = problem.tasks[movement.task].workload if movement.task >= 0 else ""
        for meter, micro in costs.items():
            name = problem.meters[meter].name
            # A relay's own egress is charged there: its meter begins with its site.
            first = name.partition(" ")[0]
            site = first if first in known else problem.sites[movement.start].id
            found[name, site, owner, problem.items[movement.item].name] += micro
    for (name, site, owner, dataset), micro in found.items():
        if micro:
            yield CostLine("transfer", name, site, site.partition("/")[0], micro, owner, dataset)


def _commitments(problem: Problem, plan: Solution) -> Iterator[CostLine]:
    """What promises add, shared by the on-demand hours that they can cover; what is prepaid is its cloud's."""
    adds = commitments(problem, plan, used(problem, plan), volumes(problem, plan)[0])
    scopes = [(at,) for at in range(len(problem.pools))] + [wide.pools for wide in problem.wide]
    clouds = [pool.name.partition("/")[0].partition(" ")[0] for pool in problem.pools]
    clouds += [wide.scope.partition("/")[0] for wide in problem.wide]
    for credit in problem.credits:
        scopes.append(())
        clouds.append(credit.cloud)
    known = {place.cloud for place in problem.sites}
    for (name, micro), pools, cloud in zip(adds, scopes, clouds, strict=True):
        users = [
            (task, option)
            for task, choice in zip(problem.tasks, plan.choice, strict=True)
            if (option := task.options[choice]).pool in pools and any(option.hourly)
        ]
        if not micro:
            continue
        if not users:
            yield CostLine("commitment", name, "", cloud if cloud in known else NOWHERE, micro)
            continue
        weights = [sum(h * b for h, b in zip(option.hourly, problem.blocks, strict=True)) for _, option in users]
        for (task, option), part in zip(users, shared(micro, weights), strict=True):
            place = problem.sites[option.site]
            yield CostLine("commitment", name, place.id, place.cloud, part, task.workload)


def pool_uses(problem: Problem, plan: Solution) -> tuple[PoolUse, ...]:
    """How well the promises of each pool, those for many pools and prepaid money are used."""
    usage, hours, found = used(problem, plan), sum(problem.blocks), []
    adds = [cost for _, cost in commitments(problem, plan, usage, volumes(problem, plan)[0])]
    names = [pool.name for pool in problem.pools] + [wide.name for wide in problem.wide]
    promised = [sum(amounts) for amounts in plan.promised] + [wide.held for wide in problem.wide]
    cover = [[min(whole, u) for u in row] for whole, row in zip(promised, usage, strict=False)]
    cover += wide_cover(problem, rest(usage, plan.promised))
    for name, whole, row, micro in zip(names, promised, cover, adds, strict=False):
        if whole:
            covered = sum(b * part for b, part in zip(problem.blocks, row, strict=True))
            found.append(PoolUse(name, micro, covered * 1_000_000 // (whole * hours)))
    for credit, micro in zip(problem.credits, adds[len(names) :], strict=True):
        if credit.amount:
            found.append(PoolUse(credit.name, micro, (credit.paid - micro) * 1_000_000 // credit.amount))
    return tuple(found)
