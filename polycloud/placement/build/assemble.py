"""From an estate to a planning problem: parts, options, items, lanes, promises and limits, with a name for each."""

from collections.abc import Callable, Mapping
from datetime import date

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer
from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.core.errors import EstateError
from polycloud.estate import Estate
from polycloud.estate.paths import KeyPath
from polycloud.placement import problem as values
from polycloud.placement.build.candidates import Candidates
from polycloud.placement.build.changes import Changes
from polycloud.placement.build.couplings import standbys, together
from polycloud.placement.build.data import Data
from polycloud.placement.build.demand import blocks, quiet_first, rounded, slots
from polycloud.placement.build.drafts import Draft
from polycloud.placement.build.feasible import check_groups, check_storage, no_item, no_option, no_pin
from polycloud.placement.build.first import WORDS, first_meters
from polycloud.placement.build.fitting import Speeds
from polycloud.placement.build.ground import CURRENCY, Ground
from polycloud.placement.build.law import Law
from polycloud.placement.build.machines import Machines
from polycloud.placement.build.options import Options
from polycloud.placement.build.pools import Pools
from polycloud.placement.build.promised import Promises
from polycloud.placement.build.pruning import Pruning
from polycloud.placement.build.quotas import Quotas
from polycloud.placement.build.reach import Distances
from polycloud.placement.build.recovery import check_recovery, fresh
from polycloud.placement.build.shapes import JOBS, Part, Shapes, demand_of
from polycloud.placement.problem import Problem, Task
from polycloud.placement.routes.lanes import LINK, Lanes, zones


class Detail(msgspec.Struct, frozen=True):
    """What stands behind an option, for explanations.

    ``hours``: machine hours a month, with what interruptions cost; ``speed``: beside the accelerator that the work
    names; ``low`` and ``high``: a spot cost over the whole band of its interruption rate (the option costs ``high``);
    ``interval``: hours between saved states; ``offer``: the catalogue's row, None for what is one's own;
    ``serves``: its share of what the workload serves, 0 for a standby and work that serves nobody.
    """

    machine: str
    accelerator: str
    hours: float
    speed: float
    low: int | None = None
    high: int | None = None
    interval: float | None = None
    spot_share: float = 0.0
    notes: tuple[str, ...] = ()
    offer: Offer | None = None
    serves: float = 0.0


class Built(msgspec.Struct, frozen=True):
    """A problem, and what its names stand for.

    ``paths``: the statement of the estate behind every task, item, quota, term, and behind the couplings as conflicts
    name them; ``details`` beside the options of ``problem.tasks``; ``classes``: the data classes of each task and item
    by name; ``slots``: the block of each hour of the day; ``months``: over how many the moves are spread;
    ``allowances``: meters whose free first volume is not counted on, and what that overstates at most; ``slos``: by
    task the promises of availability that refuse some of its ways.
    """

    problem: Problem
    paths: dict[str, KeyPath]
    details: tuple[tuple[Detail, ...], ...]
    classes: dict[str, tuple[str, ...]]
    slots: tuple[int, ...]
    months: float
    diagnostics: tuple[Diagnostic, ...] = ()
    allowances: tuple[tuple[str, int], ...] = ()
    estate: Estate | None = None
    slos: Mapping[str, tuple[str, ...]] = {}


def build(
    estate: Estate,
    catalog: Catalog,
    market: Market,
    place: Callable[[KeyPath], Place],
    changes: Changes = Changes(),  # noqa: B008 - a frozen value
    today: date | None = None,
    report: Callable[[int, int], None] = lambda done, whole: None,
) -> Built:
    """The planning problem of an estate, with changes when it is asked what if.

    ``today`` ends commitments; None: those declared are all in force. ``report`` is told how many of the parts have
    their options; what it raises ends the building. Raises EstateError with every reason at once:
    for work or data that can be nowhere, the smallest set of statements that refuse all candidates.
    """
    ground = Ground(estate, catalog, market, place, changes, today)
    if ground.estate.money.currency != CURRENCY:
        message = (
            f"plans are made in {CURRENCY}, as list prices are; no rate to {ground.estate.money.currency} is known"
        )
        ground.error("currency_foreign", ("money", "currency"), message, f"write currency: {CURRENCY}")
        raise EstateError(tuple(ground.found))
    if not ground.sites and (ground.estate.workloads or ground.estate.datasets):
        fix = "leave fewer out, or list sites under clouds:"
        ground.error("workload_unplaceable", (), "no site is left where anything could be", fix)
        raise EstateError(tuple(ground.found))
    return _Building(ground, report).built()


class _Building:
    """The steps in order; each reads what those before it made."""

    def __init__(self, ground: Ground, report: Callable[[int, int], None]) -> None:
        self.ground = ground
        self.report = report
        self.law = Law(ground)
        self.machines = Machines(ground)
        self.speeds = Speeds(ground)
        self.quotas = Quotas(ground)
        self.distances = Distances(ground, self.law)
        self.pools = Pools(ground, self.machines)
        self.data = Data(ground, self.law)

    def built(self) -> Built:
        ground = self.ground
        shaped = self._shaped()
        parts = [part for group in shaped for part in group]
        order = quiet_first(part.demand for part in parts)
        merged = blocks(slots(part.demand, order) for part in parts)
        pruning = Pruning(self.pools.reach, merged.hours)
        flat = len(merged.hours) == 1
        candidates = Candidates(ground, self.machines, self.speeds, self.quotas, self.pools.reach, flat=flat)
        promises = Promises(ground, self.distances)
        options = Options(ground, self.law, candidates, self.quotas, self.distances, order, merged, pruning, promises)
        every: dict[str, list[Draft]] = {}
        for done, part in enumerate(parts):
            self.report(done, len(parts))
            every[part.name] = options.of(part)
        drafts = pruning.together(parts, promises.kept(parts, every))
        self.report(len(parts), len(parts))
        for part in parts:
            if not drafts[part.name]:
                no_option(ground, self.law, options, part)
        check_groups(ground, options, parts, drafts)
        items = tuple(fresh(ground, self.data, self.data.item(name)) for name in self.data.names)
        self.report(len(parts), len(parts))
        for item in items:
            if len(item.hold) < item.copies:
                no_item(ground, self.data, item)
            else:
                no_pin(ground, self.data, item)
        check_storage(ground, items)
        check_recovery(ground, self.data, items)
        errors = [found for found in ground.found if found.severity == "error"]
        if errors:
            raise EstateError(tuple(ground.found))
        found = self._whole(shaped, drafts, items, merged.hours, merged.of)
        return msgspec.structs.replace(found, slos=promises.deciding)

    def _shaped(self) -> list[list[Part]]:
        shapes = Shapes(self.ground, self.law, self.machines, self.speeds, self.distances.holds)
        found = []
        for name, work in self.ground.estate.workloads.items():
            if work.needs is None:
                self.ground.leave(name, "", "", "what it needs is not stated: it is not planned")
                path: KeyPath = ("workloads", name)
                message = f"what {name} needs is not stated: it is not planned"
                self.ground.warn("needs_missing", path, message, "write needs: {vcpu: 4, memory: 16 GiB}")
                continue
            if work.needs.disk is not None:
                message = "the catalogue knows no local disks: machines are chosen without this"
                self.ground.warn("needs_missing", ("workloads", name, "needs", "disk"), message, "keep it in mind")
            if not max(demand_of(work, self.ground.estate.environment).instances()):
                self.ground.leave(name, "", "", "nothing of it is needed in any hour: it is not planned")
                continue
            found.append(shapes.parts(name, work))
        return found

    def _whole(
        self,
        shaped: list[list[Part]],
        drafts: dict[str, list[Draft]],
        items: tuple[values.Item, ...],
        hours: tuple[int, ...],
        of: tuple[int, ...],
    ) -> Built:
        ground = self.ground
        parts = [part for group in shaped for part in group]
        pools, index = self.pools.rows(draft for part in parts for draft in drafts[part.name])
        flows = [flow for group in shaped for flow in self.data.flows(group)]
        tasks = tuple(
            Task(
                part.name,
                part.workload,
                tuple(self._option(draft, index) for draft in drafts[part.name]),
                flow,
                part.group,
                part.work.apart,
            )
            for part, flow in zip(parts, flows, strict=True)
        )
        lanes = self._lanes()
        meters, first = first_meters(lanes.meters, lanes.zones, items, self.data.months)
        near = (*together(ground, parts), *standbys(ground, parts))
        per_cloud = ground.usd(ground.estate.money.complexity.per_cloud, ("money", "complexity", "per_cloud"))
        problem = Problem(
            sites=tuple(values.Place(site, site.partition("/")[0]) for site in ground.sites),
            meters=meters,
            zones=lanes.zones,
            tasks=tasks,
            items=items,
            pools=pools,
            wide=self.pools.wide(index),
            credits=self.pools.credits(index, meters),
            quotas=tuple(self.quotas.rows),
            near=tuple(row for row, _ in near),
            blocks=hours,
            per_cloud=per_cloud or 0,
            fixed=(*lanes.fixed, *self.pools.fixed),
            left_out=(*ground.left_out, *lanes.left_out),
            first=first,
        )
        paths: dict[str, KeyPath] = {part.name: part.path() for part in parts}
        paths.update({item.name: ("datasets", item.name) for item in items if item.name not in paths})
        paths.update(self.quotas.paths)
        paths.update(_bandwidths(ground.estate, problem))
        paths.update(self.pools.paths)
        paths.update({f"{tasks[n.a].name} near {tasks[n.b].name}": path for n, path in near})
        paths.update({f"parts of {part.workload} apart": part.path("pattern") for part in parts if part.group >= 0})
        classes = {part.name: self.law.of_work(part.work) for part in parts}
        for name in self.data.names:
            classes.setdefault(name, tuple(filter(None, [self.law.of_dataset(name)])))
        return Built(
            problem,
            paths,
            tuple(tuple(_detail(part, draft) for draft in drafts[part.name]) for part in parts),
            classes,
            of,
            float(self.data.months),
            tuple(ground.found),
            (
                *lanes.allowances,
                *((name + WORDS, rounded(spare / self.data.months)) for name, spare in lanes.allowances),
            ),
            ground.estate,
        )

    def _lanes(self) -> Lanes:
        passable, without = {}, {}
        for name, thin in self.data.zones:
            title = name or "no class"
            if thin:
                title += f", not by {', '.join(sorted(thin))}"
            passable[title], without[title] = self.law.passable(name), thin
        return zones(self.ground.sites, passable, self.ground.market, self.ground.estate, without)

    def _option(self, draft: Draft, index: dict[tuple[str, ...], int]) -> values.Option:
        covered = draft.market in (values.ON_DEMAND, values.MIXED) and any(draft.hourly)
        pool = index.get(self.pools.scope(draft.machine), -1) if covered else -1
        return values.Option(
            self.ground.index[draft.machine.site],
            draft.machine.name,
            draft.market,
            draft.count,
            draft.cost,
            draft.penalty,
            draft.units,
            pool,
            draft.hourly if pool >= 0 else (),
            draft.latency_us,
            draft.grams,
            draft.down_ms,
        )


def _bandwidths(estate: Estate, problem: Problem) -> dict[str, KeyPath]:
    """The statement behind the capacity of each link's meters."""
    return {
        meter.name: ("links", name, "bandwidth")
        for name in estate.links
        for meter in problem.meters
        if meter.name.startswith(f"{LINK}{name} out of ")
    }


def _detail(part: Part, draft: Draft) -> Detail:
    return Detail(
        draft.machine.name,
        draft.machine.accelerator,
        draft.hours,
        draft.speed,
        draft.low,
        draft.high,
        draft.stretch.interval if draft.stretch else None,
        draft.spot_share,
        draft.notes,
        draft.machine.offer,
        0.0 if part.work.kind in JOBS else float(part.share),
    )
