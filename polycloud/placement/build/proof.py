"""Does a plan keep every byte where it must stay: each task, copy, read, write and relay, asked of the policy anew.

Nothing of what the builder worked out is used but the plan itself: classes are read from the estate, places from the
catalogue, and what a lane passes through from its own words. A place, name or word that is not known breaks the proof.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from polycloud.catalog import Catalog
from polycloud.estate import Estate
from polycloud.estate.schema.rules import DataClass
from polycloud.placement.problem import Item, Problem, Solution, Task
from polycloud.policy.residency import Atlas, inside, sentence

LINK = "link "  # a word of a lane that names a link of the estate; every other is a site


class Proof(msgspec.Struct, frozen=True):
    """``facts`` checked in all, how many for each class, and every break in words."""

    facts: int
    classes: dict[str, int]
    breaks: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.breaks


def proof(estate: Estate, catalog: Catalog, problem: Problem, solution: Solution) -> Proof:
    """Checks a plan of an estate (``Built.estate`` when it was planned with changes). Raises nothing for a bad plan."""
    return _Walk(estate, catalog, problem, solution).walked()


class _Walk:
    def __init__(self, estate: Estate, catalog: Catalog, problem: Problem, solution: Solution) -> None:
        self.estate = estate
        self.catalog = catalog
        self.problem = problem
        self.solution = solution
        self.atlas = Atlas(estate, catalog)
        self.facts: Counter[str] = Counter()
        self.breaks: list[str] = []

    def walked(self) -> Proof:
        for item, copies in zip(self.problem.items, self.solution.copies, strict=True):
            self._item(item, copies)
        choices = zip(self.problem.tasks, self.solution.choice, self.solution.sources, strict=True)
        for task, choice, sources in choices:
            self._task(task, choice, sources)
        return Proof(sum(self.facts.values()), dict(self.facts), tuple(self.breaks))

    # -- what holds --------------------------------------------------------------------------------------

    def _dataset_class(self, name: str) -> str:
        dataset = self.estate.datasets.get(name)
        if dataset is None:
            self.breaks.append(f"{name} is no dataset of the estate")
            return ""
        return dataset.data_class or self.estate.residency.default_class or ""

    def _work_classes(self, task: Task) -> Iterable[str]:
        work = self.estate.workloads.get(task.workload)
        if work is None:
            self.breaks.append(f"{task.workload} is no workload of the estate")
            return ()
        data = {*work.reads, *work.writes, *work.read_per_month, *work.written_per_month}
        named = {work.data_class, *map(self._dataset_class, data)}
        served = self.estate.models.get(work.serves) if work.serves else None
        named.update(served.trained_on if served else ())
        return sorted(name for name in named if name) or [self.estate.residency.default_class or ""]

    def _rule(self, name: str) -> DataClass:
        if name and name not in self.estate.data_classes:
            self.breaks.append(f"{name} is no data class of the estate")
        return self.estate.data_classes.get(name, DataClass())

    def _inside(self, site: str, name: str) -> bool:
        return inside(self.atlas.find(site), self._rule(name), self.catalog)

    def _check(self, site: str, name: str, what: str) -> None:
        self.facts[name] += 1
        if not self._inside(site, name):
            self.breaks.append(f"{what} at {site}: {name} {sentence(self._rule(name))}")

    # -- the plan ----------------------------------------------------------------------------------------

    def _item(self, item: Item, copies: tuple[int, ...]) -> None:
        name = self._dataset_class(item.name)
        rule = self._rule(name)
        sites = [self.problem.sites[at].id for at in copies]
        if rule.replicate == "never" and len(sites) > 1:
            self.breaks.append(f"{item.name} has {len(sites)} copies: {name} is never replicated")
        if rule.replicate == "anywhere":
            self.facts[name] += 1
            if not any(self._inside(site, name) for site in sites):
                self.breaks.append(f"no copy of {item.name} is inside: {name} {sentence(rule)}")
        else:
            for site in sites:
                self._check(site, name, f"a copy of {item.name}")
        if item.origin >= 0:
            for at in copies:
                self._lane(item, item.origin, at, f"new data of {item.name}")

    def _task(self, task: Task, choice: int, sources: tuple[int, ...]) -> None:
        here = task.options[choice].site
        for name in self._work_classes(task):
            self._check(self.problem.sites[here].id, name, task.name)
        for flow, source in zip(task.flows, sources, strict=True):
            item, copies = self.problem.items[flow.item], self.solution.copies[flow.item]
            if flow.write:
                for at in copies:
                    self._lane(item, here, at, f"what {task.name} writes to {item.name}")
            elif source not in copies:
                self.breaks.append(f"{task.name} reads {item.name} where no copy is")
            else:
                self._lane(item, source, here, f"what {task.name} reads of {item.name}")

    def _lane(self, item: Item, start: int, end: int, what: str) -> None:
        """Both ends of a way and all that lies between them. Data that may be copied anywhere may pass anywhere."""
        lane = self.problem.zones[item.zone].lanes[start][end]
        if lane is None:
            self.breaks.append(f"{what}: no way from {self.problem.sites[start].id} to {self.problem.sites[end].id}")
            return
        name = self._dataset_class(item.name)
        places = [self.problem.sites[start].id]
        for word in lane.via:
            link = self.estate.links.get(word.removeprefix(LINK)) if word.startswith(LINK) else None
            places += link.between if link is not None else [word]
        places.append(self.problem.sites[end].id)
        for place in dict.fromkeys(places):
            if self._rule(name).replicate == "anywhere":
                self.facts[name] += 1
            else:
                self._check(place, name, what)
