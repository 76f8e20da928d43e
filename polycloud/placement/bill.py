"""What a plan costs, to the micro-dollar, and which rule it breaks: the one definition that every solver is held to."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec

from polycloud.placement.problem import Credit, Flow, Item, Lane, Problem, Solution, Zone

MILLION = 1_000_000


class Line(msgspec.Struct, frozen=True):
    """One line of a bill: micro-USD a month. ``kind``: compute, storage, transfer, commitment, penalty, complexity
    or fixed; ``name`` is a task, an item, a meter, a pool, a commitment or a fixed cost; ``site`` is where, if it has a
    place."""

    kind: str
    name: str
    site: str
    micro: int


class Bill(msgspec.Struct, frozen=True):
    """All lines, and every rule that the plan breaks in words; a plan with faults is no plan."""

    lines: tuple[Line, ...]
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Micro-USD a month, exactly the sum of the lines."""
        return sum(line.micro for line in self.lines)

    def of(self, kind: str) -> int:
        """Micro-USD a month of one kind of line."""
        return sum(line.micro for line in self.lines if line.kind == kind)


def price(problem: Problem, lane: Lane) -> int:
    """Micro-USD per GB on a lane at the first tier of each of its meters."""
    return sum(problem.meters[meter].tiers[0][1] for meter in lane.meters)


def volumes(problem: Problem, solution: Solution) -> tuple[Counter[int], list[str]]:
    """Bytes a month on each meter, and what can not be carried, in words."""
    on: Counter[int] = Counter()
    faults: list[str] = []

    def carry(zone: Zone, start: int, end: int, volume: int, what: str, first: int = 0) -> None:
        lane = zone.lanes[start][end]
        if lane is None:
            faults.append(f"{what}: no way from {problem.sites[start].id} to {problem.sites[end].id}")
            return
        for meter in lane.meters:
            on[meter] += volume
        for meter in problem.filling(lane) if first else ():
            on[meter] += first

    for item, sites in zip(problem.items, solution.copies, strict=True):
        for site in sites:
            if item.origin not in (-1, site):
                carry(problem.zones[item.zone], item.origin, site, item.feed, item.name, item.moving(site))
    for task, choice, sources in zip(problem.tasks, solution.choice, solution.sources, strict=True):
        here = task.options[choice].site
        for flow, source in zip(task.flows, sources, strict=True):
            item = problem.items[flow.item]
            zone, copies = problem.zones[item.zone], solution.copies[flow.item]
            if flow.write:
                for site in copies:
                    carry(zone, here, site, flow.volume, f"{task.name} writes {item.name}")
            elif source not in copies:
                faults.append(f"{task.name} reads {item.name} from a site that has no copy")
            else:
                carry(zone, source, here, flow.volume, f"{task.name} reads {item.name}")
    faults += [
        f"{problem.meters[meter].name} carries {volume} bytes a month of {capacity}"
        for meter, volume in on.items()
        if (capacity := problem.meters[meter].capacity) is not None and volume > capacity
    ]
    return on, faults


def bill(problem: Problem, solution: Solution) -> Bill:
    """The exact monthly bill of a plan. Nothing is raised for a bad plan: its faults are listed."""
    chosen = [task.options[choice] for task, choice in zip(problem.tasks, solution.choice, strict=True)]
    lines = [Line("fixed", name, "", cost) for name, cost in problem.fixed]
    for task, option in zip(problem.tasks, chosen, strict=True):
        site = problem.sites[option.site].id
        lines.append(Line("compute", task.name, site, option.cost))
        if option.penalty:
            lines.append(Line("penalty", task.name, site, option.penalty))
    for item, sites in zip(problem.items, solution.copies, strict=True):
        costs = dict(item.hold)
        lines += [Line("storage", item.name, problem.sites[s].id, costs[s]) for s in sites if s in costs]
    on, faults = volumes(problem, solution)
    lines += [
        Line("transfer", problem.meters[meter].name, "", cost)
        for meter, volume in sorted(on.items())
        if (cost := problem.meters[meter].cost(volume))
    ]
    adds = commitments(problem, solution, used(problem, solution), on)
    lines += [Line("commitment", name, "", cost) for name, cost in adds if cost]
    clouds = clouds_used(problem, solution)
    if problem.per_cloud and len(clouds) > 1:
        lines.append(Line("complexity", ", ".join(sorted(clouds)), "", problem.per_cloud * (len(clouds) - 1)))
    return Bill(tuple(lines), (*faults, *_broken(problem, solution)))


def clouds_used(problem: Problem, solution: Solution) -> frozenset[str]:
    """The clouds with a task or a copy; one's own halls do not count."""
    sites = {task.options[choice].site for task, choice in zip(problem.tasks, solution.choice, strict=True)}
    sites.update(site for copies in solution.copies for site in copies)
    return frozenset(problem.sites[site].cloud for site in sites) - {"onprem"}


def used(problem: Problem, solution: Solution) -> list[list[int]]:
    """For each pool the on-demand micro-USD per hour that it covers in each block."""
    found = [[0] * len(problem.blocks) for _ in problem.pools]
    for task, choice in zip(problem.tasks, solution.choice, strict=True):
        option = task.options[choice]
        if option.pool >= 0:
            for block, hourly in enumerate(option.hourly):
                found[option.pool][block] += hourly
    return found


def commitment_cost(problem: Problem, pool: int, usage: list[int], promised: tuple[int, ...]) -> int:
    """What promises add to the bill: paid for all hours, less the on-demand price of the hours they cover.

    Several terms of a pool cover one usage; which of them covers it changes nothing, since each is paid in full.
    """
    if not any(promised):
        return 0
    terms = problem.pools[pool].terms
    paid = sum(amount * term.keep_ppm for amount, term in zip(promised, terms, strict=True))
    whole = sum(promised)
    covered = sum(hours * min(whole, using) for hours, using in zip(problem.blocks, usage, strict=True))
    return (paid * sum(problem.blocks) + MILLION // 2) // MILLION - covered


def wide_order(problem: Problem) -> list[int]:
    """Wide promises as they are used up, after those of the pools: the narrower first, then the higher discount.

    AWS applies reserved instances, then the Savings Plans of a family, then those for all compute, each where it saves
    the highest share first (docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html, 2026-11).
    """
    wide = problem.wide
    return sorted(range(len(wide)), key=lambda at: (len(wide[at].pools), wide[at].keep_ppm, at))


def wide_cover(
    problem: Problem, left: list[list[int]] | dict[int, list[int]], among: Collection[int] | None = None
) -> list[list[int]]:
    """For each wide promise the usage per hour that it covers in each block. ``left`` is by pool and block what
    their own promises leave, and afterwards what nothing covers. ``among``: only these promises, whose pools ``left``
    has."""
    found = [[0] * len(problem.blocks) for _ in problem.wide]
    for at in wide_order(problem):
        if among is not None and at not in among:
            continue
        wide = problem.wide[at]
        free = [wide.held] * len(problem.blocks)
        for row in (left[pool] for pool in wide.pools):
            for block, using in enumerate(row if any(row) else ()):
                taken = min(free[block], using)
                row[block] -= taken
                free[block] -= taken
        found[at] = [wide.held - unused for unused in free]
    return found


def rest(usage: Sequence[Sequence[int]], promised: Sequence[tuple[int, ...]]) -> list[list[int]]:
    """By pool and block the usage that the pools' own promises leave."""
    found = []
    for row, own in zip(usage, promised, strict=True):
        whole = sum(own)
        found.append([max(0, use - whole) for use in row] if whole else list(row))
    return found


def commitments(
    problem: Problem, solution: Solution, usage: Sequence[list[int]], on: Mapping[int, int]
) -> tuple[tuple[str, int], ...]:
    """What each pool's promises, each wide promise and each credit add to the bill, by name and in this order.

    ``usage`` is that of the pools, ``on`` are the volumes on meters. Prepaid money pays what is left of a cloud's
    charges after promises.
    """
    own = [commitment_cost(problem, at, usage[at], solution.promised[at]) for at in range(len(problem.pools))]
    shared = wide_costs(problem, rest(usage, solution.promised))
    drawn = credit_costs(problem, own, shared, [charges(problem, solution, credit, on) for credit in problem.credits])
    names = [pool.name for pool in problem.pools] + [wide.name for wide in problem.wide]
    names += [credit.name for credit in problem.credits]
    return tuple(zip(names, [*own, *shared, *drawn], strict=True))


def wide_costs(problem: Problem, left: list[list[int]]) -> list[int]:
    """What each wide promise adds. ``left`` is as for ``wide_cover``."""
    found = []
    for wide, covered in zip(problem.wide, wide_cover(problem, left), strict=True):
        paid = (wide.held * wide.keep_ppm * sum(problem.blocks) + MILLION // 2) // MILLION
        found.append(paid - sum(hours * part for hours, part in zip(problem.blocks, covered, strict=True)))
    return found


def credit_costs(problem: Problem, own: Sequence[int], shared: Sequence[int], charged: Sequence[int]) -> list[int]:
    """What each credit adds, by what pools' promises and wide ones add, and by its ``charges``."""
    found = []
    taken: Counter[str] = Counter()
    for credit, listed in zip(problem.credits, charged, strict=True):
        whole = listed + sum(own[pool] for pool in credit.pools)
        whole += sum(
            cost for wide, cost in zip(problem.wide, shared, strict=True) if set(wide.pools) & set(credit.pools)
        )
        draw = min(credit.amount, whole - taken[credit.cloud])
        taken[credit.cloud] += draw
        found.append(credit.paid - draw)
    return found


def charges(problem: Problem, solution: Solution, credit: Credit, on: Mapping[int, int]) -> int:
    """What a cloud charges at on-demand prices for compute, copies and the credit's meters."""
    inside = [place.cloud == credit.cloud for place in problem.sites]
    total = sum(problem.meters[meter].cost(on.get(meter, 0)) for meter in credit.meters)
    for task, choice in zip(problem.tasks, solution.choice, strict=True):
        option = task.options[choice]
        total += option.cost if inside[option.site] else 0
    for item, copies in zip(problem.items, solution.copies, strict=True):
        total += sum(cost for site, cost in item.hold if site in copies and inside[site])
    return total


def held(problem: Problem) -> tuple[tuple[int, ...], ...]:
    """Only what is promised already."""
    return tuple(tuple(term.held for term in pool.terms) for pool in problem.pools)


def with_sources(problem: Problem, choice: tuple[int, ...], copies: tuple[tuple[int, ...], ...]) -> Solution:
    """A solution without new promises whose reads come from the copy that is cheapest at first-tier prices."""
    sources = []
    for task, index in zip(problem.tasks, choice, strict=True):
        here = task.options[index].site
        sources.append(tuple(_source(problem, flow, here, copies[flow.item]) for flow in task.flows))
    return Solution(choice, copies, tuple(sources), held(problem))


def _source(problem: Problem, flow: Flow, here: int, copies: tuple[int, ...]) -> int:
    if flow.write:
        return -1
    lanes = problem.zones[problem.items[flow.item].zone].lanes
    ways = [(price(problem, lane), site) for site in copies if (lane := lanes[site][here]) is not None]
    return min(ways)[1] if ways else -1


def _broken(problem: Problem, solution: Solution) -> list[str]:
    """Every coupling rule that a plan breaks."""
    found = [fault for pair in zip(problem.items, solution.copies, strict=True) if (fault := _copies(problem, *pair))]
    chosen = [task.options[choice] for task, choice in zip(problem.tasks, solution.choice, strict=True)]
    units: Counter[int] = Counter()
    for option in chosen:
        for quota, amount in option.quotas:
            units[quota] += amount
    found += [
        f"{problem.quotas[q].name}: {amount} of {problem.quotas[q].limit}"
        for q, amount in sorted(units.items())
        if amount > problem.quotas[q].limit
    ]
    seen: Counter[tuple[int, str]] = Counter()
    for task, option in zip(problem.tasks, chosen, strict=True):
        if task.group >= 0:
            place = problem.sites[option.site]
            seen[task.group, place.cloud if task.apart == "cloud" else place.id] += 1
    found += [f"parts of one workload share {where}" for (_, where), times in seen.items() if times > 1]
    found += [
        f"{problem.tasks[n.a].name} is not near {problem.tasks[n.b].name}"
        for n in problem.near
        if chosen[n.b].site not in n.close[chosen[n.a].site]
    ]
    for pool, promised in zip(problem.pools, solution.promised, strict=True):
        for term, amount in zip(pool.terms, promised, strict=True):
            if amount < term.held or (term.most is not None and amount > term.most):
                found.append(f"{pool.name} {term.name}: {amount} is outside what can be promised")
    return found


def _copies(problem: Problem, item: Item, sites: tuple[int, ...]) -> str:
    allowed = {site for site, _ in item.hold}
    outside = [problem.sites[site].id for site in sites if site not in allowed]
    if outside:
        return f"{item.name} may not be at {', '.join(outside)}"
    if len(set(sites)) != len(sites) or len(sites) < item.copies:
        return f"{item.name} has {len(set(sites))} copies of {item.copies}"
    if item.copies_most is not None and len(sites) > item.copies_most:
        return f"{item.name} has {len(sites)} copies, at most {item.copies_most} are allowed"
    missing = [problem.sites[site].id for site in item.pinned if site not in sites]
    return f"{item.name} must be at {', '.join(missing)}" if missing else ""
