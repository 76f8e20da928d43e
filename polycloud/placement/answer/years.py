"""The same plan in later years: its data have grown as the estate says, and nothing else has changed."""

from decimal import Decimal
from fractions import Fraction

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Place
from polycloud.core.units import Quantity
from polycloud.estate import Estate
from polycloud.placement.build.changes import Changes
from polycloud.placement.build.data import Data, ages
from polycloud.placement.build.ground import Ground
from polycloud.placement.build.law import Law
from polycloud.placement.problem import Flow, Item, Problem, Solution, Task

MIDDLES = (6, 18, 30)  # months from now: growth is even, so that a year costs twelve times its middle month
AT_ONCE = Quantity(Decimal("0.001"), "seconds")  # sizes are those of the month itself, not of a horizon's middle


class Ageing:
    """A plan whose data grow. Later sizes are priced as the builder does; reads of whole data sets grow along."""

    def __init__(self, problem: Problem, plan: Solution, estate: Estate, catalog: Catalog, market: Market) -> None:
        self._problem = problem
        self._plan = plan
        self._estate = estate
        self._facts = catalog, market
        self._extra = tuple(place.id for place in problem.sites if place.id not in estate.site_ids())

    @property
    def still(self) -> bool:
        """Whether nothing grows."""
        return all(row.grows is None for row in self._estate.datasets.values())

    def at(self, month: int) -> Problem:
        """The problem so many months from now, without first fillings."""
        sizes = {name: sum(ages(row, Fraction(2 * month))) for name, row in self._estate.datasets.items()}
        data = self._data(sizes)
        items = tuple(self._item(at, item, data) for at, item in enumerate(self._problem.items))
        tasks = tuple(msgspec.structs.replace(task, flows=self._flows(task, sizes)) for task in self._problem.tasks)
        return msgspec.structs.replace(self._problem, items=items, tasks=tasks)

    def _data(self, sizes: dict[str, int]) -> Data:
        datasets = {
            name: row.model_copy(update={"size": Quantity(Decimal(sizes[name]), "bytes") if row.size else None})
            for name, row in self._estate.datasets.items()
        }
        money = self._estate.money.model_copy(update={"spread_moves_over": AT_ONCE})
        estate = self._estate.model_copy(update={"datasets": datasets, "money": money})
        ground = Ground(estate, *self._facts, lambda path: Place("", 0, 0, ""), Changes(add=self._extra), None)
        return Data(ground, Law(ground))

    def _item(self, at: int, item: Item, data: Data) -> Item:
        """With what its copies cost then; a price that is not known then stays."""
        if item.name not in self._estate.datasets:
            return msgspec.structs.replace(item, move=0)
        hold = []
        for site, now in item.hold:
            then = data.price(item.name, self._problem.sites[site].id) if site in self._plan.copies[at] else now
            hold.append((site, then if isinstance(then, int) else now))
        return msgspec.structs.replace(item, hold=tuple(hold), move=0)

    def _flows(self, task: Task, sizes: dict[str, int]) -> tuple[Flow, ...]:
        work = self._estate.workloads.get(task.workload)
        found = []
        for flow in task.flows:
            name = self._problem.items[flow.item].name
            row = self._estate.datasets.get(name)
            whole = work is not None and name not in work.read_per_month and not flow.write
            if whole and row is not None and row.size is not None and row.size.value:
                grown = round(flow.volume * Fraction(sizes[name]) / Fraction(row.size.value))
                flow = msgspec.structs.replace(flow, volume=grown)
            found.append(flow)
        return tuple(found)
