"""The proof that a plan keeps data where they must stay: every place held against every class, independent of how
the problem was built. Nothing of the builder is asked; only the estate's words, the policy's predicate and the plan.
"""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from polycloud.catalog import Catalog
from polycloud.estate import Estate
from polycloud.placement.answer.flows import carried
from polycloud.placement.answer.values import ResidencyProof
from polycloud.placement.problem import Problem, Solution
from polycloud.policy.residency import Atlas, inside, sentence


class Claim(NamedTuple):
    """That something of a class is at a site, or goes through it."""

    what: str
    site: str
    data_class: str


def prove(problem: Problem, plan: Solution, estate: Estate, catalog: Catalog) -> ResidencyProof:
    """Checks each task, copy, reading, writing, feed and relay. ``facts`` counts them, ``breaks`` lists those that
    do not hold."""
    atlas, classes, breaks = Atlas(estate, catalog), Counter[str](), []
    for claim in claims(problem, plan, estate):
        classes[claim.data_class] += 1
        rule = estate.data_classes.get(claim.data_class)
        if rule is None:
            breaks.append(f"{claim.what}: the class {claim.data_class} is not in the estate")
        elif not inside(atlas.find(claim.site), rule, catalog):
            breaks.append(f"{claim.what} at {claim.site}, but {claim.data_class} {sentence(rule)}")
    for item, sites in zip(problem.items, plan.copies, strict=True):
        rule = estate.data_classes.get(class_of(estate, item.name))
        if rule is not None and rule.replicate == "never":
            classes[class_of(estate, item.name)] += 1
            if len(sites) > 1:
                breaks.append(f"{item.name} has {len(sites)} copies, but its class is never to be copied")
    return ResidencyProof(sum(classes.values()), dict(sorted(classes.items())), tuple(breaks))


def class_of(estate: Estate, dataset: str) -> str:
    """The class of a data set or database; "" where neither it nor the estate names one."""
    body = estate.datasets.get(dataset) or estate.databases.get(dataset)
    return (body.data_class if body is not None else None) or estate.residency.default_class or ""


def classes_of(estate: Estate, workload: str) -> tuple[str, ...]:
    """All classes that bind a workload: its own, those of the data that it touches, those that the model it serves
    was trained on; the default where none of these names any."""
    row = estate.workloads.get(workload)
    found: set[str] = set()
    if row is not None:
        touched = (*row.reads, *row.read_per_month, *row.writes, *row.written_per_month)
        served = estate.models.get(row.serves) if row.serves else None
        found = {class_of(estate, name) for name in touched} | {row.data_class or ""}
        found |= set(served.trained_on) if served is not None else set()
    return tuple(sorted(found - {""})) or tuple(filter(None, [estate.residency.default_class]))


def claims(problem: Problem, plan: Solution, estate: Estate) -> Iterator[Claim]:
    """Everything of a class that the plan puts somewhere."""
    for task, choice in zip(problem.tasks, plan.choice, strict=True):
        site = problem.sites[task.options[choice].site].id
        for name in classes_of(estate, task.workload):
            yield Claim(task.name, site, name)
    known = {place.id for place in problem.sites}
    for item, sites in zip(problem.items, plan.copies, strict=True):
        name = class_of(estate, item.name)
        if name and not _free(estate, name):
            for index in sites:
                yield Claim(f"a copy of {item.name}", problem.sites[index].id, name)
    for movement in carried(problem, plan):
        item = problem.items[movement.item]
        name = class_of(estate, item.name)
        if not name or _free(estate, name):
            continue
        ends = [problem.sites[movement.start].id, problem.sites[movement.end].id]
        relays = [way for way in movement.lane.via if way in known]
        for site in (*ends, *relays):
            yield Claim(f"{movement.kind} of {item.name}", site, name)


def _free(estate: Estate, name: str) -> bool:
    """Whether copies of the class may be anywhere."""
    rule = estate.data_classes.get(name)
    return rule is not None and rule.replicate == "anywhere"
