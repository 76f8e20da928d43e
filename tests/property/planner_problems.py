"""Random small planning problems, and their optimum by looking at every plan there is."""

import random
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

import msgspec

from polycloud.placement.bill import bill, used
from polycloud.placement.build.first import first_meters
from polycloud.placement.problem import (
    GB,
    HOURS,
    ON_DEMAND,
    Credit,
    Flow,
    Item,
    Lane,
    Meter,
    Near,
    Option,
    Place,
    Pool,
    Problem,
    Quota,
    Solution,
    Task,
    Term,
    Wide,
    Zone,
)
from polycloud.placement.solve.promises import promised

SITES = (Place("aws/a", "aws"), Place("gcp/b", "gcp"), Place("onprem/c", "onprem"), Place("aws/d", "aws"))
DOLLAR = 1_000_000


def random_problem(seed: int) -> Problem:
    """A problem of two or three tasks with everything that couples them, each with some chance."""
    draw = random.Random(seed)
    n = draw.choice((2, 3, 3, 4))
    meters = tuple(_meter(draw, at) for at in range(draw.randint(1, 4)))
    zones = tuple(_zone(draw, n, len(meters), f"zone {at}") for at in range(draw.choice((1, 2))))
    blocks = draw.choice(((HOURS,), (300, HOURS - 300)))
    pools = tuple(_pool(draw, at) for at in range(draw.choice((0, 0, 1, 2))))
    quotas = tuple(Quota(f"quota {at}", draw.randint(1, 5)) for at in range(draw.choice((0, 1, 2))))
    items = tuple(_item(draw, n, len(zones), at) for at in range(draw.choice((0, 1, 2, 2))))
    grouped = draw.random() < 0.3
    tasks = tuple(
        _task(draw, n, at, items, len(pools), len(quotas), len(blocks), grouped) for at in range(draw.choice((1, 2, 3)))
    )
    near: tuple[Near, ...] = ()
    if len(tasks) > 1 and draw.random() < 0.3:
        close = tuple(tuple(j for j in range(n) if i == j or draw.random() < 0.5) for i in range(n))
        near = (Near(0, 1, close),)
    found = Problem(
        sites=SITES[:n],
        meters=meters,
        zones=zones,
        tasks=tasks,
        items=items,
        pools=pools,
        quotas=quotas,
        near=near,
        blocks=blocks,
        per_cloud=draw.choice((0, 0, 40 * DOLLAR)),
        fixed=(("support", draw.randint(0, 9) * DOLLAR),),
    )
    if seed % 3:
        return found
    months = Fraction(draw.choice((1, 3, 12)))  # first transfers on meters of their own, as the builder makes them
    meters, first = first_meters(found.meters, found.zones, found.items, months)
    return msgspec.structs.replace(found, meters=meters, first=first)


def layered(seed: int) -> Problem:
    """A random problem with wide promises over some of its pools and money prepaid to a cloud, by chance."""
    problem, draw = random_problem(seed), random.Random(-seed)
    pools = problem.pools
    if not pools:
        return msgspec.structs.replace(problem, credits=_credits(draw, problem, {}))
    clouds = {at: draw.choice(("aws", "gcp")) for at in range(len(pools))}
    tasks = []
    for task in problem.tasks:
        options = tuple(
            msgspec.structs.replace(option, pool=-1, hourly=())
            if option.pool >= 0 and clouds[option.pool] != problem.sites[option.site].cloud
            else option
            for option in task.options
        )
        tasks.append(msgspec.structs.replace(task, options=options))
    wide = []
    for at, cloud in enumerate(("aws", "gcp")):
        inside = tuple(pool for pool in clouds if clouds[pool] == cloud)
        for narrow in (inside, inside[:1]):
            if narrow and draw.random() < 0.6:
                name = f"wide {at} {len(wide)}"
                wide.append(Wide(name, narrow, draw.randint(40, 100) * 10_000, draw.randint(1, 8) * 30_000))
    credits = _credits(draw, problem, clouds)
    return msgspec.structs.replace(problem, tasks=tuple(tasks), wide=tuple(wide), credits=credits)


def _credits(draw: random.Random, problem: Problem, clouds: dict[int, str]) -> tuple[Credit, ...]:
    found = []
    for at in range(draw.choice((0, 1, 1, 2))):
        cloud = draw.choice(("aws", "gcp")) if not found else found[0].cloud
        meters = tuple(m for m in range(len(problem.meters)) if m % 2 == (cloud == "aws"))
        pools = tuple(pool for pool in clouds if clouds[pool] == cloud)
        amount = draw.randint(50, 700) * DOLLAR
        found.append(Credit(f"credit {at}", cloud, amount, amount * draw.randint(6, 10) // 10, meters, pools))
    return tuple(found)


def _meter(draw: random.Random, at: int) -> Meter:
    first = draw.randint(0, 20) * 10_000
    tiers = [(0, first)]
    start = 0
    for _ in range(draw.choice((0, 0, 1, 2))):
        start += draw.randint(50, 900) * GB
        free_first = draw.random() < 0.2
        tiers.append((start, draw.randint(5, 20) * 10_000 if free_first else tiers[-1][1] * draw.randint(1, 9) // 10))
    capacity = draw.randint(100, 2500) * GB if draw.random() < 0.3 else None
    return Meter(f"meter {at}", tuple(tiers), capacity)


def _zone(draw: random.Random, n: int, meters: int, name: str) -> Zone:
    def lane(i: int, j: int) -> Lane | None:
        if i == j:
            return Lane()
        if draw.random() < 0.12:
            return None
        return Lane(tuple(draw.sample(range(meters), draw.randint(0, min(2, meters)))))

    return Zone(name, tuple(tuple(lane(i, j) for j in range(n)) for i in range(n)))


def _pool(draw: random.Random, at: int) -> Pool:
    terms = []
    for term in range(draw.choice((1, 1, 2))):
        held = draw.choice((0, 0, 60_000))
        most = draw.choice((None, None, 250_000))
        terms.append(Term(f"term {term}", draw.randint(35, 95) * 10_000, held, most))
    return Pool(f"pool {at}", tuple(terms))


def _item(draw: random.Random, n: int, zones: int, at: int) -> Item:
    sites = sorted(draw.sample(range(n), draw.randint(1, n)))
    copies = draw.choice((1, 1, min(2, len(sites))))
    return Item(
        name=f"item {at}",
        zone=draw.randrange(zones),
        hold=tuple((site, draw.randint(0, 60) * DOLLAR) for site in sites),
        origin=draw.choice((-1, draw.randrange(n))),
        feed=draw.randint(0, 300) * GB,
        move=draw.randint(0, 300) * GB,
        copies=copies,
        copies_most=draw.choice((None, None, copies)),
        pinned=(sites[0],) if draw.random() < 0.15 else (),
        filled=tuple(sorted(draw.sample(range(n), draw.randrange(n)))),
    )


def _task(
    draw: random.Random, n: int, at: int, items: tuple[Item, ...], pools: int, quotas: int, blocks: int, grouped: bool
) -> Task:
    options = []
    for _ in range(draw.randint(1, 4)):
        pool = draw.randrange(pools) if pools and draw.random() < 0.7 else -1
        hourly = tuple(draw.randint(0, 4) * 50_000 for _ in range(blocks)) if pool >= 0 else ()
        using = tuple((quota, draw.randint(1, 3)) for quota in range(quotas) if draw.random() < 0.6)
        options.append(
            Option(
                site=draw.randrange(n),
                machine="m",
                market=ON_DEMAND,
                count=1,
                cost=draw.randint(100, 400) * DOLLAR,
                penalty=draw.choice((0, 0, 30 * DOLLAR)),
                quotas=using,
                pool=pool,
                hourly=hourly,
            )
        )
    wanted = draw.sample(range(len(items)), draw.randint(0, len(items)))
    flows = tuple(Flow(item, draw.randint(0, 1200) * GB, draw.random() < 0.3) for item in wanted)
    group = 0 if grouped and at < 2 else -1
    return Task(f"task {at}", f"work {at}", tuple(options), flows, group, draw.choice(("site", "cloud")))


def every_plan(problem: Problem) -> Iterator[Solution]:
    """Every choice, every set of copies, every source, every promise that can be cheapest."""
    copy_sets = []
    for item in problem.items:
        sites = [site for site, _ in item.hold]
        sets = [s for size in range(item.copies, len(sites) + 1) for s in combinations(sites, size)]
        copy_sets.append(sets)
    for choice in product(*(range(len(task.options)) for task in problem.tasks)):
        for copies in product(*copy_sets):
            sources = [
                product(*((-1,) if flow.write else copies[flow.item] for flow in task.flows)) for task in problem.tasks
            ]
            promises: list[tuple[tuple[int, ...], ...]] | None = None
            for source in product(*(list(ways) for ways in sources)):
                bare = Solution(choice, copies, source, tuple(tuple(t.held for t in p.terms) for p in problem.pools))
                if promises is None:
                    # Promises under wide ones are compared with a grid in a test of their own.
                    promises = [promised(problem, bare).promised] if problem.wide else _promises(problem, bare)
                yield from (Solution(choice, copies, source, promised) for promised in promises)


def _promises(problem: Problem, plan: Solution) -> list[tuple[tuple[int, ...], ...]]:
    per_pool = []
    for pool, usage in zip(problem.pools, used(problem, plan), strict=True):
        ends = [{term.held} | ({term.most} if term.most is not None else set()) for term in pool.terms]
        levels = set(usage)
        for at in range(len(pool.terms)):
            others = [0] if len(pool.terms) == 1 else ends[1 - at]
            for level in levels:
                ends[at] = ends[at] | {max(pool.terms[at].held, level - other) for other in others}
        per_pool.append(list(product(*(sorted(values) for values in ends))))
    return list(product(*per_pool))


def optimum(problem: Problem, most: int = 20_000) -> int | None:
    """The cost of the cheapest faultless plan; None when there is none. ``most`` plans are looked at."""
    found: int | None = None
    for at, plan in enumerate(every_plan(problem)):
        if at >= most:
            raise OverflowError("too many plans to look at")
        priced = bill(problem, plan)
        if not priced.faults and (found is None or priced.total < found):
            found = priced.total
    return found
