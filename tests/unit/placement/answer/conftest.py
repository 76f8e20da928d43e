"""Small problems made by hand or by a seed, for the tests of the answer."""

import random
from collections.abc import Callable

import pytest

from polycloud.placement.problem import (
    GB,
    HOURS,
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
    Task,
    Term,
    Zone,
)

USD = 1_000_000
SITES = (
    Place("aws/us-east-1", "aws"),
    Place("aws/eu-west-1", "aws"),
    Place("gcp/europe-west1", "gcp"),
    Place("azure/westeurope", "azure"),
    Place("onprem/frankfurt", "onprem"),
)


def random_problem(seed: int, tasks: int = 6, items: int = 3) -> Problem:
    """Five sites with tiered egress, a relay, quotas, pools, groups, nearness: all that couples, by chance."""
    r = random.Random(seed)
    n = len(SITES)
    meters = tuple(
        Meter(f"{place.id} internet", ((0, r.randrange(50_000, 120_000)), (10_000 * GB, r.randrange(10_000, 50_000))))
        for place in SITES
    )
    lanes = tuple(
        tuple(Lane() if i == j else Lane((i,)) if (i + j) % 4 else Lane((i, 0), (SITES[0].id,)) for j in range(n))
        for i in range(n)
    )
    blocks = (330, 400)
    data = tuple(
        Item(
            f"data-{k}",
            0,
            tuple((s, r.randrange(20, 200) * USD) for s in sorted(r.sample(range(n), r.randrange(2, n + 1)))),
            origin=r.choice((-1, 0, 1, 2)),
            feed=r.randrange(2_000) * GB,
            move=r.randrange(500) * GB,
            copies=r.choice((1, 1, 2)),
        )
        for k in range(items)
    )
    work = tuple(_task(r, k, n, items, blocks) for k in range(tasks))
    return Problem(
        sites=SITES,
        meters=meters,
        zones=(Zone("everywhere", lanes),),
        tasks=work,
        items=data,
        pools=(Pool("aws compute", (Term("3y", 600_000), Term("held", 700_000, held=2 * USD, most=2 * USD))),),
        quotas=(Quota("H100 at aws/us-east-1", 24),),
        near=(Near(0, 1, tuple((i, (i + 1) % n, (i + 2) % n) for i in range(n))),) if tasks > 1 else (),
        blocks=blocks,
        per_cloud=r.choice((0, 500 * USD)),
        fixed=(("link hall", 80 * USD),),
    )


def _task(r: random.Random, k: int, n: int, items: int, blocks: tuple[int, ...]) -> Task:
    options = []
    for site in sorted(r.sample(range(n), r.randrange(2, n + 1))):
        for machine in ("small", "large"):
            hourly = r.randrange(1, 9) * USD
            aws = SITES[site].cloud == "aws"
            options.append(
                Option(
                    site,
                    machine,
                    "on-demand",
                    r.randrange(1, 4),
                    hourly * HOURS,
                    penalty=r.choice((0, 0, 90 * USD)),
                    quotas=((0, 8),) if site == 0 else (),
                    pool=0 if aws else -1,
                    hourly=tuple(hourly for _ in blocks) if aws else (),
                    latency_us=r.randrange(1_000, 90_000),
                    grams=r.randrange(1_000, 90_000),
                )
            )
    flows = tuple(Flow(i, r.randrange(1, 9_000) * GB, r.random() < 0.3) for i in range(items) if r.random() < 0.6)
    group = k // 2 if k in (2, 3) else -1
    return Task(f"task-{k}", f"work-{k // 2}", tuple(options), flows, group, r.choice(("site", "cloud")))


Make = Callable[..., Problem]


@pytest.fixture
def make_problem() -> Make:
    return random_problem
