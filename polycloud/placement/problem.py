"""The planning problem as plain values: tasks with their options, data items with their sites, and what couples them.

Sites, items, meters, pools and quotas are named by their index. Money is integer micro-USD, a month unless a name
says otherwise; data are bytes a month. A month has ``HOURS`` hours. Whatever the law forbids is not in a problem:
an option, a site of an item or a lane that residency refuses does not exist here, so no solver can choose it.
"""

import msgspec

HOURS = 730  # a month as the clouds bill it: 8,760 hours a year by twelve
GB = 10**9

ON_DEMAND, SPOT, MIXED, OWN = "on-demand", "spot", "mixed", "own"


class Place(msgspec.Struct, frozen=True):
    """A site as the planner sees it; ``cloud`` counts for complexity unless it is ``onprem``."""

    id: str
    cloud: str


class Meter(msgspec.Struct, frozen=True):
    """What a cloud counts and charges: volumes on one meter add up and pay marginal tiers.

    ``tiers`` are (from bytes, micro-USD per GB), ascending from 0, prices falling: the cost is concave.
    ``capacity`` is what it carries in a month, in bytes.
    """

    name: str
    tiers: tuple[tuple[int, int], ...]
    capacity: int | None = None

    def cost(self, volume: int) -> int:
        """Micro-USD for ``volume`` bytes a month, rounded half up once."""
        total = 0
        for at, (start, price) in enumerate(self.tiers):
            end = self.tiers[at + 1][0] if at + 1 < len(self.tiers) else None
            if volume > start:
                total += ((volume if end is None else min(volume, end)) - start) * price
        return (total + GB // 2) // GB


class Lane(msgspec.Struct, frozen=True):
    """A lawful way for data from one site to another. ``via``: relays and links in words, empty for the plain way."""

    meters: tuple[int, ...] = ()
    via: tuple[str, ...] = ()


class Zone(msgspec.Struct, frozen=True):
    """The ways that data of one residency may take: ``lanes[i][j]`` from site i to j; None: there is none."""

    name: str
    lanes: tuple[tuple[Lane | None, ...], ...]


class Option(msgspec.Struct, frozen=True):
    """One way to run a task. ``cost`` is all that does not depend on other choices, without any commitment.

    ``penalty`` is money that nobody bills (late answers, an unfamiliar cloud); ``quotas`` are (index, units).
    ``hourly`` is the on-demand price per hour in each block that a commitment of ``pool`` can cover.
    ``down_ms`` is the expected downtime of its part of the work, in milliseconds a month.
    """

    site: int
    machine: str
    market: str
    count: int
    cost: int
    penalty: int = 0
    quotas: tuple[tuple[int, int], ...] = ()
    pool: int = -1
    hourly: tuple[int, ...] = ()
    latency_us: int = 0
    grams: int = 0
    down_ms: int = 0


class Flow(msgspec.Struct, frozen=True):
    """Data between a task and an item, in bytes a month: a read comes from one copy, a write goes to every copy."""

    item: int
    volume: int
    write: bool = False


class Task(msgspec.Struct, frozen=True):
    """What must run at exactly one of its options. Parts of one workload that must not share a site carry the
    same ``group``; ``apart`` says whether they must not share a whole cloud either."""

    name: str
    workload: str
    options: tuple[Option, ...]
    flows: tuple[Flow, ...] = ()
    group: int = -1
    apart: str = "site"


class Item(msgspec.Struct, frozen=True):
    """A data set. ``hold`` is (site, cost of a copy there) for every site where a copy may be.

    Every copy that is not at ``origin`` (-1: none) receives ``feed`` bytes a month from there, and ``move`` bytes
    a month more: its first transfer, spread over the months that the estate says, which sites of ``filled`` have had.
    What that is charged by, ``Problem.filling`` says.
    """

    name: str
    zone: int
    hold: tuple[tuple[int, int], ...]
    origin: int = -1
    feed: int = 0
    move: int = 0
    copies: int = 1
    copies_most: int | None = None
    pinned: tuple[int, ...] = ()
    filled: tuple[int, ...] = ()

    def moving(self, site: int) -> int:
        """Bytes a month of the first transfer to a copy at ``site``, when that is not the origin itself."""
        return 0 if site in self.filled else self.move


class Term(msgspec.Struct, frozen=True):
    """A kind of promise in a pool: ``keep_ppm`` millionths of the on-demand price are paid for every hour promised,
    used or not. ``held`` micro-USD per hour at on-demand prices are promised already; ``most`` is the limit, held
    included."""

    name: str
    keep_ppm: int
    held: int = 0
    most: int | None = None


class Pool(msgspec.Struct, frozen=True):
    """Usage that the same promise covers, such as one machine family in one region."""

    name: str
    terms: tuple[Term, ...]


class Wide(msgspec.Struct, frozen=True):
    """A promise that is held for many pools, such as a savings plan: it covers what their own promises leave.

    ``keep_ppm`` and ``held`` are as in ``Term``. The pools of one are all, or none, of those of another that has more.
    ``scope`` is the cloud or the site that it is for.
    """

    name: str
    pools: tuple[int, ...]
    keep_ppm: int
    held: int
    scope: str = ""


class Credit(msgspec.Struct, frozen=True):
    """Money prepaid to a cloud: of what it charges in a month for compute, copies, ``meters`` and ``pools``
    ``amount`` micro-USD cost nothing more. ``paid`` micro-USD a month are paid for it, used or not."""

    name: str
    cloud: str
    amount: int
    paid: int
    meters: tuple[int, ...] = ()
    pools: tuple[int, ...] = ()


class Quota(msgspec.Struct, frozen=True):
    """A limit on units in use at the same time."""

    name: str
    limit: int


class Near(msgspec.Struct, frozen=True):
    """Task ``a`` at site i needs task ``b`` at one of ``close[i]``."""

    a: int
    b: int
    close: tuple[tuple[int, ...], ...]


class LeftOut(msgspec.Struct, frozen=True):
    """A candidate that was not considered, and why: nothing is dropped in silence."""

    workload: str
    what: str
    why: str


class Problem(msgspec.Struct, frozen=True):
    """Everything that a solver needs; equal problems have equal optima.

    ``blocks`` are hours a month of each block of the demand's day and sum to ``HOURS``. ``per_cloud`` is the price
    of each cloud in use beyond the first. ``fixed`` are (name, cost) that are paid whatever is chosen. ``first``: for
    each meter the one on which first transfers count in its stead, at the tiers of the month in which they are sent;
    empty: the meter itself.
    """

    sites: tuple[Place, ...]
    meters: tuple[Meter, ...]
    zones: tuple[Zone, ...]
    tasks: tuple[Task, ...]
    items: tuple[Item, ...] = ()
    pools: tuple[Pool, ...] = ()
    wide: tuple[Wide, ...] = ()
    credits: tuple[Credit, ...] = ()
    quotas: tuple[Quota, ...] = ()
    near: tuple[Near, ...] = ()
    blocks: tuple[int, ...] = (HOURS,)
    per_cloud: int = 0
    fixed: tuple[tuple[str, int], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    first: tuple[int, ...] = ()

    def filling(self, lane: Lane) -> tuple[int, ...]:
        """The meters on which first transfers over a lane count: those of all else where one of them can be full, since
        they may take longer than a month there."""
        if not self.first or any(self.meters[meter].capacity is not None for meter in lane.meters):
            return lane.meters
        return tuple(self.first[meter] for meter in lane.meters)


class Solution(msgspec.Struct, frozen=True):
    """A complete plan. ``choice``: the option of each task; ``copies``: the sites of each item, ascending;
    ``sources``: for each task and flow the site that a read comes from (-1 for a write); ``promised``: for each pool
    and term micro-USD per hour at on-demand prices, what is held included."""

    choice: tuple[int, ...]
    copies: tuple[tuple[int, ...], ...]
    sources: tuple[tuple[int, ...], ...]
    promised: tuple[tuple[int, ...], ...] = ()
