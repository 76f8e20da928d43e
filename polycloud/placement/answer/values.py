"""The answer as values: what runs where, what it costs, why, and how sure that is.

Money is integer micro-USD, a month unless a name says otherwise; data are bytes a month. Every value can be written
as JSON and read back by ``msgspec.json`` without loss.
"""

import msgspec

from polycloud.core.diagnostics import Diagnostic


class Part(msgspec.Struct, frozen=True):
    """One task of a workload at its place. ``month_micro`` is what its machines cost without any commitment,
    ``penalty_micro`` money that nobody bills, ``grams`` CO2 equivalent a month.

    ``hours`` are machine hours a month, those lost to interruptions included. A cost that rests on how often spot
    machines are reclaimed lies between ``low_micro`` and ``high_micro``; ``notes`` say what is not sourced.
    """

    task: str
    site: str
    machine: str
    market: str
    count: int
    month_micro: int
    penalty_micro: int = 0
    latency_us: int = 0
    grams: int = 0
    hours: float | None = None
    low_micro: int | None = None
    high_micro: int | None = None
    notes: tuple[str, ...] = ()


class Alternative(msgspec.Struct, frozen=True):
    """Another place for one task, with everything else free to follow it.

    ``extra_micro`` is what the whole plan costs more than the one that is answered. ``proven``: solved anew with the
    task held there, and no plan with it there costs a hundredth of that less; else the true extra is at most this.
    ``wins_if`` says what would have to change; ``why_not`` stands alone where no
    plan was found with the task there.
    """

    task: str
    site: str
    machine: str
    market: str
    count: int
    extra_micro: int | None
    proven: bool = False
    differs: tuple[str, ...] = ()
    wins_if: str = ""
    why_not: str = ""


class Refused(msgspec.Struct, frozen=True):
    """Candidates that were not considered, for one reason, as ``site`` or ``site: machine, machine``: nothing is
    dropped in silence. ``count`` counts sites, and machines where they are named."""

    why: str
    count: int
    what: tuple[str, ...]


class WorkloadAnswer(msgspec.Struct, frozen=True):
    """One workload: its parts, all that it costs, the constraint that holds it there, and where else it could be."""

    name: str
    kind: str
    owner: str
    parts: tuple[Part, ...]
    month_micro: int
    by_kind: dict[str, int]
    reason: str
    alternatives: tuple[Alternative, ...] = ()
    refused: tuple[Refused, ...] = ()


class Copy(msgspec.Struct, frozen=True):
    site: str
    month_micro: int
    first: bool = False


class DatasetAnswer(msgspec.Struct, frozen=True):
    """One data set: its copies (``first`` where new data arise), and what keeping and feeding them costs."""

    name: str
    data_class: str
    origin: str
    copies: tuple[Copy, ...]
    month_micro: int
    feed_bytes: int = 0
    move_bytes: int = 0


class FlowAnswer(msgspec.Struct, frozen=True):
    """Data that moves every month. ``kind``: read, write, feed (new data to a copy) or move (a copy's first filling,
    spread over months). ``via``: relays and links, empty for the plain way."""

    kind: str
    workload: str
    dataset: str
    source: str
    target: str
    bytes: int
    month_micro: int
    via: tuple[str, ...] = ()


class LinkAnswer(msgspec.Struct, frozen=True):
    """A link of the estate: its fee, paid whatever is chosen, and what the plan sends over it, both ways. ``stated``
    is False where the fee is not known, and counted as 0."""

    name: str
    via: str
    between: tuple[str, str]
    month_micro: int
    bytes: int
    backup: bool = False
    stated: bool = True


class Promise(msgspec.Struct, frozen=True):
    """A commitment in micro-USD per hour at on-demand prices: what is held already, and what to buy beyond it.

    ``upfront_micro`` of what is bought is paid at its start. ``quality`` and ``as_of`` are those of the worst and the
    oldest of its prices in the catalogue; blank where it is held, or at prices of one's own.
    """

    pool: str
    term: str
    held_micro_hour: int
    buy_micro_hour: int
    keep_ppm: int
    upfront_micro: int = 0
    quality: str = ""
    as_of: str = ""


class PoolUse(msgspec.Struct, frozen=True):
    """What promises of one pool add to the bill (negative: they save), and which share of them is used, in ppm."""

    pool: str
    adds_micro: int
    used_ppm: int | None


class CostLine(msgspec.Struct, frozen=True):
    """One share of one line of the bill. ``workload`` and ``dataset`` say for whom; both are empty for what is shared
    by all: links, people, promises that nothing uses."""

    kind: str
    name: str
    site: str
    cloud: str
    micro: int
    workload: str = ""
    dataset: str = ""


class Cost(msgspec.Struct, frozen=True):
    """The bill, shared out. Each of the four groupings sums to ``month_micro``, to the micro-dollar.

    ``once_micro`` is the one-time cost of moving data, sent within one month; the month holds its share of that, spread
    over ``spread_months``. ``years_micro`` are three years without it, data grown as stated, and ``three_years_micro``
    their sum with it. ``unbilled_micro`` is the part of the month that no cloud bills: complexity and penalties.
    """

    month_micro: int
    lines: tuple[CostLine, ...]
    by_kind: dict[str, int]
    by_cloud: dict[str, int]
    by_site: dict[str, int]
    by_workload: dict[str, int]
    once_micro: int
    spread_months: float
    three_years_micro: int
    unbilled_micro: int
    years_micro: tuple[int, ...] = ()


class Optimality(msgspec.Struct, frozen=True):
    """How far the plan can be from the best one: no faultless plan of this problem costs less than ``bound_micro``.

    ``status``: ``optimal`` (within the gap that was asked for), ``bounded`` (a wider one), or ``aims in order``.
    """

    status: str
    bound_micro: int
    gap: float
    method: str
    seconds: float


class LevelAnswer(msgspec.Struct, frozen=True):
    """One aim of several in order: the least that was found, given those before it, and what the plan has of it.

    Cost in micro-USD a month, latency in milliseconds summed over parts, availability as minutes of expected downtime
    a month summed over workloads, complexity in clouds, carbon in kilograms a month.
    """

    level: str
    least: float
    has: float


class ResidencyProof(msgspec.Struct, frozen=True):
    """Every place of the plan held against every class that binds it, by the policy's own predicate and from the
    estate's words alone: ``placement.build.proof``."""

    facts: int
    classes: dict[str, int]
    breaks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.breaks


class BaselineAnswer(msgspec.Struct, frozen=True):
    """A simpler plan. ``saving_ppm``: how much less ours costs; ``why_not`` where the simple plan breaks a rule."""

    name: str
    month_micro: int | None
    saving_ppm: int | None
    why_not: str = ""


class Fact(msgspec.Struct, frozen=True):
    """A fact of the catalogue or the estate that the plan rests on. ``days`` is its age, None when it is undated."""

    what: str
    value: str
    quality: str
    sources: tuple[str, ...]
    as_of: str
    days: int | None
    stale: bool = False


class SiteShare(msgspec.Struct, frozen=True):
    """The share of traffic that a site should carry, and the mean share of the serving workloads' demand that the plan
    has there, in ppm; None where no work serves."""

    site: str
    target_ppm: int
    plan_ppm: int | None


class SitePoint(msgspec.Struct, frozen=True):
    """Where a site is, in degrees, north and east positive; None where that is not known."""

    site: str
    cloud: str
    latitude: float | None
    longitude: float | None


class Placement(msgspec.Struct, frozen=True):
    """The whole answer for one estate on one day. ``latency_ms`` is the mean over the parts that have users;
    ``refused`` is what was not considered for data, links and promises; ``diagnostics`` are what is doubtful about the
    estate as a plan, by its lines, and ``warnings`` about this plan.
    """

    estate: str
    day: str
    workloads: tuple[WorkloadAnswer, ...]
    datasets: tuple[DatasetAnswer, ...]
    flows: tuple[FlowAnswer, ...]
    links: tuple[LinkAnswer, ...]
    promises: tuple[Promise, ...]
    pools: tuple[PoolUse, ...]
    cost: Cost
    optimality: Optimality
    residency: ResidencyProof
    baselines: tuple[BaselineAnswer, ...]
    clouds: tuple[str, ...]
    latency_ms: float | None
    kg_co2e: float | None
    levels: tuple[LevelAnswer, ...] = ()
    sites: tuple[SitePoint, ...] = ()
    refused: tuple[Refused, ...] = ()
    facts: tuple[Fact, ...] = ()
    warnings: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    shares: tuple[SiteShare, ...] = ()


class CurvePoint(msgspec.Struct, frozen=True):
    """The cheapest plan under one more limit. ``proven`` when that was solved to the gap of the plan."""

    limit: str
    month_micro: int
    bound_micro: int
    latency_ms: float | None
    clouds: tuple[str, ...]
    kg_co2e: float | None
    proven: bool


class Curve(msgspec.Struct, frozen=True):
    """What it costs to do better on one ``axis``: clouds (fewer), latency or carbon (less)."""

    axis: str
    points: tuple[CurvePoint, ...]


class Moved(msgspec.Struct, frozen=True):
    """One task or data set that two plans put at different places, or run on different machines."""

    what: str
    before: str
    after: str


class Comparison(msgspec.Struct, frozen=True):
    """Two placements side by side. ``assumed`` is what the second one was asked to suppose. Without ``after`` there
    is no plan under it, and ``conflict`` says why."""

    assumed: tuple[str, ...]
    before: Placement
    after: Placement | None
    by_kind: dict[str, int]
    moved: tuple[Moved, ...]
    conflict: tuple[str, ...] = ()

    @property
    def extra_micro(self) -> int | None:
        """What the second costs more, micro-USD a month."""
        return None if self.after is None else self.after.cost.month_micro - self.before.cost.month_micro
