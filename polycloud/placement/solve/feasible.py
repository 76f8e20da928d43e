"""Whether there is a plan at all: the model without money and without sources, small even for large problems.

A read only needs that some copy can be reached, a write that every copy can be. Where a meter can be full, sources do
matter, and the exact model has to say.
"""

from collections import defaultdict

import msgspec

from polycloud.placement.bill import with_sources
from polycloud.placement.problem import Flow, Problem, Solution, Task
from polycloud.placement.solve import exact, highs, promises
from polycloud.placement.solve.highs import INF, Model
from polycloud.placement.solve.result import Watch

WEIGHT = 1e-9  # of a row in a proof, below which it takes no part


class Found(msgspec.Struct, frozen=True):
    """``impossible`` is proven; a plan keeps every rule but perhaps the capacity of a meter."""

    impossible: bool
    plan: Solution | None = None


def find(problem: Problem, watch: Watch, step: str) -> Found:
    """Look for any plan."""
    if any(not task.options for task in problem.tasks):
        return Found(True)
    if not problem.tasks and not problem.items:
        return Found(False, Solution((), (), (), ()))
    tight = any(meter.capacity is not None for meter in problem.meters)
    built = exact.build(_free(problem)) if tight else _reach(problem)
    outcome = highs.run(built.model, watch.left, 1.0, lambda: watch.go_on(step))
    if outcome.values is None:
        return Found(outcome.infeasible)
    plan = exact.read(problem, built, outcome.values)
    if not tight:
        plan = promises.promised(problem, with_sources(problem, plan.choice, plan.copies))
    return Found(False, plan)


def _free(problem: Problem) -> Problem:
    """The same rules at no cost."""

    def cheap(task: Task) -> Task:
        options = tuple(msgspec.structs.replace(o, cost=0, penalty=0, pool=-1, hourly=()) for o in task.options)
        return msgspec.structs.replace(task, options=options)

    return msgspec.structs.replace(
        problem,
        tasks=tuple(map(cheap, problem.tasks)),
        items=tuple(msgspec.structs.replace(i, hold=tuple((s, 0) for s, _ in i.hold)) for i in problem.items),
        meters=tuple(msgspec.structs.replace(meter, tiers=((0, 0),)) for meter in problem.meters),
        pools=(),
        wide=(),
        credits=(),
        per_cloud=0,
    )


def blame(problem: Problem, watch: Watch) -> list[tuple[str, int]]:
    """Demands, by kind and index and the weightiest first, that by themselves are impossible already when tasks and
    copies may be split; empty when that is not so. The rows that have a price in the cheapest way to do without some
    tasks are a proof."""
    if any(meter.capacity is not None for meter in problem.meters):
        return []
    whose: list[tuple[tuple[str, int], ...]] = []
    built = _reach(_free(problem), whose)
    outcome = highs.run(built.model, watch.left, 0.0, lambda: watch.go_on("conflict"), relaxed=True)
    if outcome.bound <= WEIGHT or outcome.duals is None:
        return []
    weights = sorted(((abs(weight), row) for row, weight in enumerate(outcome.duals)), reverse=True)
    return list(dict.fromkeys(demand for weight, row in weights if weight > WEIGHT for demand in whose[row]))


def _reach(problem: Problem, whose: list[tuple[tuple[str, int], ...]] | None = None) -> exact.Exact:
    """The model; ``whose`` is filled with the demands that each row stands for, and tasks may then go without, for
    one dollar each."""
    model = Model()
    built = exact.Exact(model, [], [], [])
    owners: list[tuple[tuple[str, int], ...]] = [] if whose is None else whose

    def own(*demands: tuple[str, int]) -> None:
        owners.extend([demands] * (len(model.row_low) - len(owners)))

    for at, task in enumerate(problem.tasks):
        columns = [model.column(whole=True) for _ in task.options]
        short = [] if whose is None else [model.column(1.0, 0.0, INF)]
        model.row(1.0, 1.0, [*columns, *short], [1.0] * (len(columns) + len(short)))
        built.x.append(columns)
        own(("task", at))
    for at, item in enumerate(problem.items):
        built.y.append(exact.item_columns(problem, item, model, None))
        own(("item", at))
    for at, (task, columns) in enumerate(zip(problem.tasks, built.x, strict=True)):
        here: dict[int, list[int]] = defaultdict(list)
        for option, column in zip(task.options, columns, strict=True):
            here[option.site].append(column)
        for flow in task.flows:
            _rows(problem, flow, here, built.y[flow.item], model)
            own(("task", at), ("item", flow.item))
        built.flows.append([{} for _ in task.flows])
    for demand in exact.couple(problem, model, built.x):
        tasks = (
            [("task", problem.near[demand[1]].a), ("task", problem.near[demand[1]].b)] if demand[0] == "near" else []
        )
        owners.append((demand, *tasks))
    return built


def _rows(problem: Problem, flow: Flow, here: dict[int, list[int]], y: dict[int, int], model: Model) -> None:
    item = problem.items[flow.item]
    lanes = problem.zones[item.zone].lanes
    for site, options in here.items():
        if flow.write:
            for copy, column in y.items():
                if lanes[site][copy] is None:
                    model.row(-INF, 1.0, [*options, column], [1.0] * (len(options) + 1))
        else:
            ways = [column for copy, column in y.items() if lanes[copy][site] is not None]
            if len(ways) < len(y) or not item.copies:
                model.at_most(options, ways)
