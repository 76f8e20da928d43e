"""The whole problem as one linear model with every source spelled out: exact, for problems of modest size.

Columns: x[task, option], y[item, site], z[flow, from, to], bytes in each tier of each meter, promises and what they
cover, clouds in use. Tiers may fall or rise; a binary column says which are reached.
"""

from collections import defaultdict

import msgspec

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import GB, Flow, Item, Problem, Solution
from polycloud.placement.solve import layers, promises
from polycloud.placement.solve.highs import INF, Ints, Model, np
from polycloud.placement.solve.layers import Charges

Step = tuple[float, float, float]  # the start and end of a tier as shares of a meter's most, USD for the whole tier


class Exact(msgspec.Struct):
    """The model and where its parts are. ``flows``: for each task and flow (from, to) -> column; ``clouds``: the
    columns that say whether a cloud is in use, where that has a price."""

    model: Model
    x: list[list[int]]
    y: list[dict[int, int]]
    flows: list[list[dict[tuple[int, int], int]]]
    clouds: dict[str, int] = {}


def size(problem: Problem) -> int:
    """How many columns for options and sources the model would have."""
    total = sum(len(task.options) for task in problem.tasks)
    for task in problem.tasks:
        sites = len({option.site for option in task.options})
        total += sum(sites * len(problem.items[flow.item].hold) for flow in task.flows)
    return total


def build(problem: Problem) -> Exact:
    """The exact model of a problem."""
    model = Model()
    exact = Exact(model, [], [], [])
    charges = Charges(problem)
    meters = _Meters(problem, model, charges)
    for task in problem.tasks:
        columns = [model.column((option.cost + option.penalty) / MILLION, whole=True) for option in task.options]
        model.row(1.0, 1.0, columns, [1.0] * len(columns))
        exact.x.append(columns)
        for option, column in zip(task.options, columns, strict=True):
            charges.site(option.site, column, option.cost / MILLION)
    for item in problem.items:
        exact.y.append(item_columns(problem, item, model, meters))
        for site, cost in item.hold:
            charges.site(site, exact.y[-1][site], cost / MILLION)
    for at, task in enumerate(problem.tasks):
        here: dict[int, list[int]] = defaultdict(list)
        for option, column in zip(task.options, exact.x[at], strict=True):
            here[option.site].append(column)
        parts = []
        for flow in task.flows:
            part = _write if flow.write else _read
            parts.append(part(problem, flow, here, exact.y[flow.item], model, meters))
        exact.flows.append(parts)
    meters.close()
    couple(problem, model, exact.x)
    _pools(problem, model, exact.x, charges)
    charges.draw(problem, model)
    exact.clouds = _clouds(problem, model, exact.x, exact.y)
    model.offset += sum(cost for _, cost in problem.fixed) / MILLION
    return exact


def couple(problem: Problem, model: Model, x: list[list[int]]) -> list[tuple[str, int]]:
    """The rules that tie options together; whose row each is: quota, group or near, and its index."""
    return [*_quotas(problem, model, x), *_groups(problem, model, x), *_near(problem, model, x)]


def hint(exact: Exact, solution: Solution) -> dict[int, float]:
    """The whole columns of a plan, to start the solver from."""
    found: dict[int, float] = {}
    for columns, index in zip(exact.x, solution.choice, strict=True):
        found.update({column: float(k == index) for k, column in enumerate(columns)})
    for copies, sites in zip(exact.y, solution.copies, strict=True):
        found.update({column: float(site in sites) for site, column in copies.items()})
    return found


def read(problem: Problem, exact: Exact, values: list[float]) -> Solution:
    """The plan that a solution of the model stands for."""
    choice = tuple(max(range(len(columns)), key=lambda k: values[columns[k]]) for columns in exact.x)
    copies = tuple(tuple(sorted(s for s, column in y.items() if values[column] > 0.5)) for y in exact.y)
    sources = []
    for task, index, parts in zip(problem.tasks, choice, exact.flows, strict=True):
        here, found = task.options[index].site, []
        for flow, part in zip(task.flows, parts, strict=True):
            ways = [(values[column], -i, i) for (i, j), column in part.items() if j == here and i in copies[flow.item]]
            found.append(-1 if flow.write or not ways else max(ways)[2])
        sources.append(tuple(found))
    return promises.promised(problem, Solution(choice, copies, tuple(sources)))


def item_columns(problem: Problem, item: Item, model: Model, meters: "_Meters | None") -> dict[int, int]:
    """A column for each site where a copy may be, and how many there must be; without meters moving is free."""
    columns: dict[int, int] = {}
    for site, cost in item.hold:
        lane = None if item.origin in (-1, site) else problem.zones[item.zone].lanes[item.origin][site]
        lost = item.origin not in (-1, site) and lane is None
        column = model.column(cost / MILLION, high=0.0 if lost else 1.0, whole=True)
        if lane is not None and meters is not None:
            meters.carry(column, lane.meters, item.feed)
            meters.carry(column, problem.filling(lane), item.moving(site))
        columns[site] = column
    most = INF if item.copies_most is None else float(item.copies_most)
    model.row(float(item.copies), most, list(columns.values()), [1.0] * len(columns))
    for site in item.pinned:
        model.row(1.0, INF, [columns[site]] if site in columns else [], [1.0] if site in columns else [])
    return columns


def _read(
    problem: Problem, flow: Flow, here: dict[int, list[int]], y: dict[int, int], model: Model, meters: "_Meters"
) -> dict[tuple[int, int], int]:
    lanes = problem.zones[problem.items[flow.item].zone].lanes
    part: dict[tuple[int, int], int] = {}
    out: dict[int, list[int]] = defaultdict(list)
    for site, options in here.items():
        into = []
        for source in y:
            lane = lanes[source][site]
            if lane is not None:
                column = model.column(whole=meters.bent(lane.meters))
                meters.carry(column, lane.meters, flow.volume)
                part[source, site] = column
                out[source].append(column)
                into.append(column)
        model.row(0.0, 0.0, [*into, *options], [1.0] * len(into) + [-1.0] * len(options))
    for source, columns in out.items():
        model.at_most(columns, [y[source]])
    return part


def _write(
    problem: Problem, flow: Flow, here: dict[int, list[int]], y: dict[int, int], model: Model, meters: "_Meters"
) -> dict[tuple[int, int], int]:
    lanes = problem.zones[problem.items[flow.item].zone].lanes
    part: dict[tuple[int, int], int] = {}
    for target, copy in y.items():
        into = []
        for site, options in here.items():
            lane = lanes[site][target]
            if lane is not None:
                column = model.column()
                meters.carry(column, lane.meters, flow.volume)
                part[site, target] = column
                into.append(column)
                model.at_most([column], options)
        model.row(0.0, 0.0, [*into, copy], [1.0] * len(into) + [-1.0])
    return part


def _quotas(problem: Problem, model: Model, x: list[list[int]]) -> list[tuple[str, int]]:
    using: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for task, columns in zip(problem.tasks, x, strict=True):
        for option, column in zip(task.options, columns, strict=True):
            for quota, units in option.quotas:
                using[quota].append((column, units))
    for quota, pairs in using.items():
        limit = problem.quotas[quota].limit
        scale = max(1, limit)
        model.row(-INF, limit / scale, [column for column, _ in pairs], [units / scale for _, units in pairs])
    return [("quota", quota) for quota in using]


def _groups(problem: Problem, model: Model, x: list[list[int]]) -> list[tuple[str, int]]:
    together: dict[tuple[int, str], list[int]] = defaultdict(list)
    for task, columns in zip(problem.tasks, x, strict=True):
        if task.group >= 0:
            for option, column in zip(task.options, columns, strict=True):
                place = problem.sites[option.site]
                together[task.group, place.cloud if task.apart == "cloud" else place.id].append(column)
    for columns in together.values():
        model.row(-INF, 1.0, columns, [1.0] * len(columns))
    return [("group", group) for group, _ in together]


def _near(problem: Problem, model: Model, x: list[list[int]]) -> list[tuple[str, int]]:
    rows: list[tuple[str, int]] = []
    for index, near in enumerate(problem.near):
        at: dict[int, list[int]] = defaultdict(list)
        for option, column in zip(problem.tasks[near.a].options, x[near.a], strict=True):
            at[option.site].append(column)
        for site, columns in at.items():
            others = zip(problem.tasks[near.b].options, x[near.b], strict=True)
            model.at_most(columns, [column for option, column in others if option.site in near.close[site]])
            rows.append(("near", index))
    return rows


def _pools(problem: Problem, model: Model, x: list[list[int]], charges: Charges) -> None:
    using: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for task, columns in zip(problem.tasks, x, strict=True):
        for option, column in zip(task.options, columns, strict=True):
            if option.pool >= 0:
                for block, hourly in enumerate(option.hourly):
                    using[option.pool, block].append((column, hourly / MILLION))
    layers.promises(problem, model, using, charges)


def _clouds(problem: Problem, model: Model, x: list[list[int]], y: list[dict[int, int]]) -> dict[str, int]:
    if not problem.per_cloud:
        return {}
    clouds = sorted({place.cloud for place in problem.sites} - {"onprem"})
    used = {cloud: model.column() for cloud in clouds}
    for task, columns in zip(problem.tasks, x, strict=True):
        at: dict[str, list[int]] = defaultdict(list)
        for option, column in zip(task.options, columns, strict=True):
            at[problem.sites[option.site].cloud].append(column)
        for cloud in at.keys() & used.keys():
            model.at_most(at[cloud], [used[cloud]])
    for copies in y:
        for site, column in copies.items():
            cloud = problem.sites[site].cloud
            if cloud in used:
                model.at_most([column], [used[cloud]])
    beyond = model.column(problem.per_cloud / MILLION, 0.0, INF)
    model.row(-INF, 1.0, [*used.values(), beyond], [1.0] * len(used) + [-1.0])
    return used


class _Meters:
    """Volumes on meters: a plain price where a meter has one, else tiers with binaries."""

    def __init__(self, problem: Problem, model: Model, charges: Charges):
        self._model = model
        self._charges = charges
        self._meters = problem.meters
        self._most = most(problem)
        self._on: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def bent(self, meters: tuple[int, ...]) -> bool:
        """Whether one of the meters has more than one price or can be full."""
        return any(not self._plain(meter) for meter in meters)

    def carry(self, column: int, meters: tuple[int, ...], volume: int) -> None:
        for meter in meters if volume else ():
            if self._plain(meter):
                cost = volume * self._meters[meter].tiers[0][1] / GB / MILLION
                self._model.cost[column] += cost
                self._charges.meter(meter, column, cost)
            else:
                self._on[meter].append((column, volume))

    def close(self) -> None:
        """The rows of every meter that is not plain."""
        for meter, pairs in self._on.items():
            limit, capacity = self._most[meter], self._meters[meter].capacity
            volumes: dict[int, int] = defaultdict(int)
            for column, volume in pairs:
                volumes[column] += volume
            columns, shares = list(volumes), [volume / limit for volume in volumes.values()]
            if capacity is not None and capacity < limit:
                self._model.row(-INF, capacity / limit, columns, shares)
            parts = self._tiers(meter, limit)
            self._model.row(0.0, 0.0, [*columns, *parts], [*shares, *[-1.0] * len(parts)])

    def _plain(self, meter: int) -> bool:
        capacity, limit = self._meters[meter].capacity, self._most[meter]
        one = len(self._meters[meter].tiers) == 1 or self._meters[meter].tiers[1][0] >= limit
        return one and (capacity is None or capacity >= limit)

    def _tiers(self, meter: int, limit: int) -> list[int]:
        """Columns for the share of the most in each tier; one opens only when the one before it is full."""
        tiers = [tier for tier in self._meters[meter].tiers if tier[0] < limit]
        ends = [start for start, _ in tiers[1:]] + [limit]
        parts: list[int] = []
        for at, ((start, price), end) in enumerate(zip(tiers, ends, strict=True)):
            length = (end - start) / limit
            parts.append(self._model.column(price * limit / GB / MILLION, 0.0, length))
            self._charges.meter(meter, parts[-1], price * limit / GB / MILLION)
            if at:
                full = self._model.column(whole=True)
                before = (start - tiers[at - 1][0]) / limit
                self._model.row(-INF, 0.0, [parts[at], full], [1.0, -length])
                self._model.row(0.0, INF, [parts[at - 1], full], [1.0, -before])
        return parts


def most(problem: Problem) -> list[int]:
    """The bytes a month that each meter could carry at most, at least 1; just 1 for meters of one price and no
    capacity, where it changes nothing."""
    limits, ways = [0] * len(problem.meters), _Ways(problem)
    if not ways.bending:
        return [1] * len(limits)
    for item in problem.items:
        if item.origin >= 0:
            holds = [site for site, _ in item.hold]
            ways.add(limits, item.zone, ([item.origin], holds), item.feed * _many(item))
            ways.add(limits, item.zone, ([item.origin], holds), item.move * _many(item), problem.first)
    for task in problem.tasks:
        sites = [option.site for option in task.options]
        for flow in task.flows:
            item = problem.items[flow.item]
            holds = [site for site, _ in item.hold]
            if flow.write:
                ways.add(limits, item.zone, (sites, holds), flow.volume * _many(item))
            else:
                ways.add(limits, item.zone, (holds, sites), flow.volume)
    return [max(1, limit) for limit in limits]


def _many(item: Item) -> int:
    return len(item.hold) if item.copies_most is None else min(len(item.hold), item.copies_most)


class _Ways:
    """How often lanes use meters that bend, by zone as arrays: from, to, meter, times."""

    def __init__(self, problem: Problem):
        self._problem = problem
        self.bending = {at for at, m in enumerate(problem.meters) if len(m.tiers) > 1 or m.capacity is not None}
        self._zones: dict[int, tuple[Ints, Ints, Ints, Ints]] = {}

    def add(
        self, limits: list[int], zone: int, ends: tuple[list[int], list[int]], volume: int, first: tuple[int, ...] = ()
    ) -> None:
        """Count a volume that takes one of the ways between sites, the one that uses a meter most often; on those of
        ``first`` as well, which may count it in their stead."""
        if zone not in self._zones:
            self._zones[zone] = self._read(zone)
        start, end, meter, times = self._zones[zone]
        open_ = np.zeros((2, len(self._problem.sites)), dtype=bool)
        open_[0, ends[0]] = open_[1, ends[1]] = True
        used = open_[0][start] & open_[1][end]
        found = np.zeros(len(limits), dtype=np.int64)
        np.maximum.at(found, meter[used], times[used])
        for at in np.flatnonzero(found).tolist():
            limits[at] += int(found[at]) * volume
            if first and first[at] != at:
                limits[first[at]] += int(found[at]) * volume

    def _read(self, zone: int) -> tuple[Ints, Ints, Ints, Ints]:
        found = [
            (i, j, meter, lane.meters.count(meter))
            for i, lanes in enumerate(self._problem.zones[zone].lanes)
            for j, lane in enumerate(lanes)
            if lane is not None
            for meter in self.bending.intersection(lane.meters)
        ]
        columns = np.array(found, dtype=np.int64).reshape(-1, 4).T
        return columns[0], columns[1], columns[2], columns[3]
