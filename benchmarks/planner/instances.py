"""Planning problems of a stated size from the real price grids of the packaged market, by seed.

Real: on-demand, spot and committed prices of machines, storage prices, egress prices at their first tier, relative
speeds, countries. Drawn by seed: which sites and tasks, sizes, who reads what, residency, quotas and daily demand.
1,000 tasks over 60 sites, 8 machines and 200 items come in two variants: ``uncoupled``, and ``coupled`` by quotas and
by commitments that are pooled per site and machine over two blocks of the day.
"""

import math
import random
from functools import cache
from itertools import accumulate

import msgspec

from polycloud.catalog.market import Market
from polycloud.catalog.market_reading import regions
from polycloud.catalog.market_rows import Offer
from polycloud.placement.problem import (
    GB,
    HOURS,
    ON_DEMAND,
    SPOT,
    Flow,
    Item,
    Lane,
    Meter,
    Option,
    Place,
    Pool,
    Problem,
    Quota,
    Task,
    Term,
    Zone,
)

MACHINES = {
    "T4": ("T4",),
    "L4": ("L4",),
    "A10": ("A10", "A10G"),
    "V100": ("V100-16GB", "V100-32GB"),
    "A100-40GB": ("A100-40GB",),
    "A100-80GB": ("A100-80GB",),
    "H100": ("H100", "H100-NVL"),
    "H200": ("H200",),
}
STRONG = ("V100", "A100-40GB", "A100-80GB", "H100", "H200")
LIGHT = ("T4", "L4", "A10", "V100", "A100-40GB", "A100-80GB")
KINDS = (("training", 0.15), ("inference", 0.40), ("batch", 0.30), ("processing", 0.15))
SPOT_SHARE = {"training": 0.8, "inference": 0.0, "batch": 1.0, "processing": 0.5}
EEA = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE NO IS LI"
ADEQUATE = f"{EEA} AR AD BR CA FO GG IL IM JP JE NZ KR CH GB UY US"  # the EEA, and where the EU finds it adequate
USUAL_KEEP = 630_000  # of on-demand for a year's promise where the market has no committed price


class Size(msgspec.Struct, frozen=True):
    """How large a problem is."""

    tasks: int = 1000
    sites: int = 60
    items: int = 200


FULL = Size()


class Cell(msgspec.Struct, frozen=True):
    """One accelerator of a kind at a site, in micro-USD per hour; ``keep`` is what a year's promise pays, in ppm."""

    on_demand: int
    spot: int | None
    keep: int
    speed: dict[str, float]


@cache
def market() -> Market:
    return Market.load()


@cache
def grid() -> dict[str, dict[str, Cell]]:
    """Every site with storage and egress prices and at least three of the machines, with what they cost there."""
    found: dict[str, dict[str, Cell]] = {}
    sites = sorted({site for names in MACHINES.values() for name in names for site in market().sites_offering(name)})
    for site in sites:
        cells = {}
        for machine, names in MACHINES.items():
            offers = [o for o in market().offers(site) if o.accelerator in names and _whole(o)]
            if offers:
                cells[machine] = _cell(min(offers, key=_per_accelerator))
        tier = market().storage_tier(site, "hot")
        if len(cells) >= 3 and tier is not None and market().egress(site, "onprem/x") is not None:
            found[site] = cells
    return found


def _whole(offer: Offer) -> bool:
    return offer.currency == "USD" and bool(offer.on_demand) and (offer.accelerator_count or 0) >= 1


def _per_accelerator(offer: Offer) -> float:
    return (offer.on_demand or 0) / (offer.accelerator_count or 1)


def _cell(offer: Offer) -> Cell:
    count = offer.accelerator_count or 1
    keep = USUAL_KEEP
    if offer.committed_1y and offer.on_demand and offer.committed_1y < offer.on_demand:
        keep = round(1_000_000 * offer.committed_1y / offer.on_demand)
    spot = offer.spot if offer.spot and offer.on_demand and offer.spot < offer.on_demand else None
    speed = {kind: market().relative_speed(offer.accelerator, kind) or 1.0 for kind, _ in KINDS}
    return Cell(round(_per_accelerator(offer)), None if spot is None else round(spot / count), keep, speed)


def make(seed: int, coupled: bool, size: Size = FULL) -> Problem:
    """The problem of a seed; the variants of one seed have the same sites, tasks and items."""
    draw = random.Random(seed)
    sites = _sites(draw, size.sites)
    cells = [(at, machine) for at, site in enumerate(sites) for machine in grid()[site]]
    index = {cell: at for at, cell in enumerate(cells)}
    meters, lanes = _lanes(sites)
    items, allowed = _items(draw, sites, size.items)
    popular = list(accumulate((rank + 2) ** -0.9 for rank in range(len(items))))  # Zipf's law: a few are read by many
    tasks = tuple(_task(draw, at, sites, allowed, items, index, popular) for at in range(size.tasks))
    names = [f"{sites[at]} {machine}" for at, machine in cells]
    quotas, pools = _coupling(draw, tasks, sites, cells, names)
    problem = Problem(
        sites=tuple(Place(site, site.split("/")[0]) for site in sites),
        meters=meters,
        zones=(Zone("anywhere", lanes),),
        tasks=tasks,
        items=items,
        quotas=quotas,
        pools=pools,
        blocks=(HOURS // 2, HOURS - HOURS // 2),
    )
    return problem if coupled else uncoupled(problem)


def uncoupled(problem: Problem) -> Problem:
    """The same without quotas and promises."""

    def bare(option: Option) -> Option:
        return msgspec.structs.replace(option, quotas=(), pool=-1, hourly=())

    tasks = tuple(
        msgspec.structs.replace(task, options=tuple(bare(option) for option in task.options)) for task in problem.tasks
    )
    return msgspec.structs.replace(problem, tasks=tasks, quotas=(), pools=())


def _sites(draw: random.Random, count: int) -> list[str]:
    """As even over the clouds as the grid allows."""
    by_cloud: dict[str, list[str]] = {}
    for site in grid():
        by_cloud.setdefault(site.split("/")[0], []).append(site)
    for places in by_cloud.values():
        draw.shuffle(places)
    chosen: list[str] = []
    while len(chosen) < count and any(by_cloud.values()):
        for places in by_cloud.values():
            if places and len(chosen) < count:
                chosen.append(places.pop())
    return sorted(chosen)


def _lanes(sites: list[str]) -> tuple[tuple[Meter, ...], tuple[tuple[Lane | None, ...], ...]]:
    """One meter for each price list; every pair of sites that the market prices has a lane."""
    meters: dict[str, int] = {}
    found: list[Meter] = []

    def lane(start: str, end: str) -> Lane | None:
        if start == end:
            return Lane()
        price = market().egress(start, end)
        if price is None:
            return None
        if price.meter not in meters:
            meters[price.meter] = len(found)
            found.append(Meter(price.meter, ((0, price.first_paid),)))
        return Lane((meters[price.meter],))

    lanes = tuple(tuple(lane(start, end) for end in sites) for start in sites)
    return tuple(found), lanes


@cache
def _country(site: str) -> str:
    return regions()[site].country


def _items(draw: random.Random, sites: list[str], count: int) -> tuple[tuple[Item, ...], list[frozenset[int]]]:
    """Half without residency, three in ten at home in one country, the rest in the EEA and where it is adequate."""
    everywhere = frozenset(range(len(sites)))
    countries = [_country(site) for site in sites]
    items, allowed = [], []
    for at in range(count):
        home = draw.randrange(len(sites))
        law = draw.random()
        inside = everywhere
        if law < 0.3:
            inside = frozenset(s for s in everywhere if countries[s] == countries[home])
        elif law < 0.5:
            inside = frozenset(s for s in everywhere if countries[s] in ADEQUATE.split())
            home = draw.choice(sorted(inside))
        size = round(draw.lognormvariate(math.log(8_000), 1.2))
        copies = 2 if draw.random() < 0.3 and len(inside) > 1 else 1
        hold = tuple((site, size * _storage(sites[site])) for site in sorted(inside))
        grown = round(size * draw.uniform(0.0, 0.1))
        items.append(Item(f"data-{at}", 0, hold, origin=home, feed=grown * GB, move=size * GB // 12, copies=copies))
        allowed.append(inside)
    return tuple(items), allowed


@cache
def _storage(site: str) -> int:
    tier = market().storage_tier(site, "hot")
    assert tier is not None
    return tier.steps[0].micro_per_gb


def _task(
    draw: random.Random,
    at: int,
    sites: list[str],
    allowed: list[frozenset[int]],
    items: tuple[Item, ...],
    index: dict[tuple[int, str], int],
    popular: list[float],
) -> Task:
    """A task of a kind, with reads by popularity; where its data may not be, it may not run."""
    kind = draw.choices([k for k, _ in KINDS], [share for _, share in KINDS])[0]
    machines = STRONG if kind == "training" else LIGHT if kind == "processing" else tuple(MACHINES)
    machines = tuple(sorted(draw.sample(machines, min(len(machines), draw.randint(3, 6)))))
    reads: list[int] = []
    inside = frozenset(range(len(sites)))
    for _ in range(draw.choices((0, 1, 2, 3), (0.10, 0.60, 0.20, 0.10))[0]):
        item = draw.choices(range(len(items)), cum_weights=popular)[0]
        narrower = inside & allowed[item]
        if item not in reads and any((site, machine) in index for site in narrower for machine in machines):
            inside = narrower
            reads.append(item)
    if not any((site, machine) in index for site in inside for machine in machines):
        machines = tuple(MACHINES)
    hours = min(draw.lognormvariate(math.log(200), 0.8), 8 * HOURS) if kind != "inference" else 0.0
    replicas = max(1, round(draw.lognormvariate(math.log(1.5), 0.6)))
    spot = draw.random() < SPOT_SHARE[kind]
    peak = (1.0, draw.uniform(0.3, 1.0)) if draw.random() < 0.5 else (draw.uniform(0.3, 1.0), 1.0)
    options = []
    for site in sorted(inside):
        for machine in machines:
            if (site, machine) in index:
                cell = grid()[sites[site]][machine]
                options.append(_option(index, site, machine, cell, kind, hours, replicas, spot, peak))
    volume = {"training": 1.0, "inference": 0.2, "batch": 0.7, "processing": 1.5}[kind]
    flows = tuple(Flow(item, round(items[item].move * 12 * volume * draw.uniform(0.2, 1.0))) for item in reads)
    return Task(f"{kind}-{at}", f"{kind}-{at}", tuple(options), flows)


def _option(
    index: dict[tuple[int, str], int],
    site: int,
    machine: str,
    cell: Cell,
    kind: str,
    hours: float,
    replicas: int,
    spot: bool,
    peak: tuple[float, float],
) -> Option:
    """Inference runs all month, more in one block than in the other; other work takes its hours of A100 by speed."""
    speed = cell.speed[kind]
    if kind == "inference":
        most = max(1, math.ceil(replicas / speed))
        counts = [max(1, math.ceil(most * share)) for share in peak]
    else:
        busy = hours * replicas / speed
        most = max(1, math.ceil(busy / (HOURS * 0.7)))
        counts = []
    market_of = SPOT if spot and cell.spot is not None else ON_DEMAND
    price = cell.spot if spot and cell.spot is not None else cell.on_demand
    halves = (HOURS // 2, HOURS - HOURS // 2)
    if kind == "inference":
        hourly = tuple(count * cell.on_demand for count in counts)
        cost = sum(count * price * length for count, length in zip(counts, halves, strict=True))
    else:
        hourly = tuple(round(hours * replicas / speed * cell.on_demand / HOURS) for _ in halves)
        cost = round(hours * replicas / speed * price * (1.08 if market_of == SPOT else 1.0))
    at = index[site, machine]
    pooled = market_of == ON_DEMAND
    return Option(
        site,
        machine,
        market_of,
        most,
        cost,
        quotas=((at, most),),
        pool=at if pooled else -1,
        hourly=hourly if pooled else (),
    )


def _coupling(
    draw: random.Random, tasks: tuple[Task, ...], sites: list[str], cells: list[tuple[int, str]], names: list[str]
) -> tuple[tuple[Quota, ...], tuple[Pool, ...]]:
    """Quotas of about twice what all tasks need together, over all cells, so that the cheap cells are full."""
    need = sum(sorted(option.count for option in task.options)[len(task.options) // 2] for task in tasks)
    usual = 2.0 * need / len(cells)
    least = [1] * len(cells)
    for task in tasks:
        if len(task.options) <= 3:  # a task with hardly any place must not be ruled out by chance
            for option in task.options:
                least[option.quotas[0][0]] += option.count
    quotas = tuple(
        Quota(f"quota {name}", max(low, round(draw.lognormvariate(math.log(usual * 0.7), 0.8))))
        for name, low in zip(names, least, strict=True)
    )
    pools = tuple(
        Pool(f"{name} one year", (Term("1y", grid()[sites[at]][machine].keep),))
        for (at, machine), name in zip(cells, names, strict=True)
    )
    return quotas, pools
