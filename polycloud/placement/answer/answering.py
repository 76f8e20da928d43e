"""From a solved problem to the whole answer."""

import datetime
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Protocol

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.diagnostics import Diagnostic
from polycloud.estate import Estate
from polycloud.placement.answer import costs
from polycloud.placement.answer.alternatives import Alternatives, Effort, Tell, unwatched
from polycloud.placement.answer.facts import facts, warnings
from polycloud.placement.answer.flows import flow_answers
from polycloud.placement.answer.promised import commitments, promise_facts, promises, upfront
from polycloud.placement.answer.reasons import reason
from polycloud.placement.answer.shares import site_shares
from polycloud.placement.answer.thrift import thrifty
from polycloud.placement.answer.values import (
    Alternative,
    BaselineAnswer,
    Copy,
    Cost,
    DatasetAnswer,
    FlowAnswer,
    LevelAnswer,
    LinkAnswer,
    Optimality,
    Part,
    Placement,
    Refused,
    ResidencyProof,
    SitePoint,
    WorkloadAnswer,
)
from polycloud.placement.answer.ways import unstated, way_facts
from polycloud.placement.answer.words import usd
from polycloud.placement.answer.years import Ageing
from polycloud.placement.bill import Bill, clouds_used
from polycloud.placement.build import Detail, proof
from polycloud.placement.problem import LeftOut, Problem, Solution
from polycloud.placement.solve import Solved

LEVELS = "aims in order"  # the status of a plan that cost alone did not decide
SPREAD_MONTHS = 12  # the default of money.spread_moves_over
USUAL = Effort()
_TIME = re.compile(r"^(\d+(?:\.\d+)?) ms\b")


class Basis(msgspec.Struct, frozen=True):
    """What an answer is given on: the estate, the facts, and the day that their age is counted from.

    ``details`` stand behind the options of the problem's tasks; ``months``: over how many first moves are spread;
    ``doubts``: warnings of the estate's words; ``allowances``: by meter what the free volume that is not counted on is
    worth a month at most.
    """

    estate: Estate
    catalog: Catalog
    market: Market
    today: datetime.date
    details: tuple[tuple[Detail, ...], ...] = ()
    months: float = SPREAD_MONTHS
    doubts: tuple[Diagnostic, ...] = ()
    allowances: dict[str, int] = {}


class Simple(Protocol):
    """A simpler plan to compare with, as ``solve.baselines`` gives it."""

    @property
    def name(self) -> str: ...
    @property
    def solution(self) -> Solution | None: ...
    @property
    def bill(self) -> Bill | None: ...
    @property
    def why_not(self) -> str: ...


def answer(
    problem: Problem,
    solved: Solved,
    basis: Basis,
    baselines: Sequence[Simple] = (),
    effort: Effort = USUAL,
    tell: Tell = unwatched,
    clock: Callable[[], float] = monotonic,
) -> Placement:
    """Everything that can be said of a plan. ``tell`` hears how many of the tasks have been tried elsewhere, and ends
    that by returning False. Raises ValueError when there is no plan: see ``solved.conflict``."""
    if solved.solution is None or solved.bill is None:
        raise ValueError(f"there is no plan to explain: {solved.status}")
    known = [(solved.bill.total, solved.solution)]
    if effort.adopt:
        known += _simpler(baselines)
    least = min(known, key=lambda pair: pair[0])[1]
    until = clock() + effort.search
    plan = thrifty(problem, least, going=lambda: clock() < until) if effort.adopt else least
    search = Alternatives(problem, plan, effort, clock=clock, tell=tell)
    alternatives = search.find()
    plan = search.plan
    estate = basis.estate
    flows = flow_answers(problem, plan)
    links = _links(problem, flows, estate)
    cost = costs.cost(problem, plan, basis.months, Ageing(problem, plan, estate, basis.catalog, basis.market))
    promised = commitments(problem, plan, basis.market, estate)
    more = (*way_facts(flows, basis.market, estate, basis.today), *promise_facts(promised, basis.today))
    rested = facts(problem, plan, basis.market, estate, basis.today, more)
    chosen = [task.options[choice] for task, choice in zip(problem.tasks, plan.choice, strict=True)]
    waited = [option.latency_us for option in chosen if option.latency_us]
    grams = sum(option.grams for option in chosen)
    proved = proof(estate, basis.catalog, problem, plan)
    return Placement(
        estate=estate.estate,
        day=basis.today.isoformat(),
        workloads=_workloads(search, alternatives, cost, basis),
        datasets=_datasets(problem, plan, cost, flows, estate),
        flows=flows,
        links=links,
        promises=promises(promised),
        pools=costs.pool_uses(problem, plan),
        cost=cost,
        optimality=_optimality(solved, cost.month_micro),
        residency=ResidencyProof(proved.facts, dict(sorted(proved.classes.items())), proved.breaks),
        baselines=tuple(_baseline(row, cost.month_micro) for row in baselines),
        levels=tuple(LevelAnswer(row.level, row.least, row.has) for row in solved.levels),
        clouds=tuple(sorted(clouds_used(problem, plan))),
        latency_ms=sum(waited) / len(waited) / 1000 if waited else None,
        kg_co2e=grams / 1000 if grams else None,
        sites=_sites(problem, basis),
        refused=_unowned(problem),
        facts=rested,
        diagnostics=basis.doubts,
        shares=site_shares(problem, plan, estate, basis.details),
        warnings=(
            *_unseen(search),
            *_overstated(cost, basis),
            *_idle(links),
            *unstated(flows, estate),
            *upfront(promises(promised)),
            *warnings(rested),
        ),
    )


def _unseen(search: Alternatives) -> tuple[str, ...]:
    """That not every workload has its next best places, since the time was over."""
    count, whole = search.unseen, len({task.workload for task in search.problem.tasks})
    return (f"it ended before the next best places of {count:,} of {whole:,} workloads were looked for",) * (count > 0)


def _overstated(cost: Cost, basis: Basis) -> tuple[str, ...]:
    """By how much free first volumes can make the true bill smaller."""
    charged: Counter[str] = Counter()
    for line in cost.lines:
        if line.kind == "transfer" and line.name in basis.allowances:
            charged[line.name] += line.micro
    spare = sum(min(micro, basis.allowances[name]) for name, micro in charged.items())
    return (
        (f"free first volumes are not counted on: the bill can be up to {usd(spare)} a month lower",) if spare else ()
    )


def _simpler(baselines: Sequence[Simple]) -> list[tuple[int, Solution]]:
    return [(row.bill.total, row.solution) for row in baselines if row.bill and row.solution and not row.bill.faults]


def _links(problem: Problem, flows: Sequence[FlowAnswer], estate: Estate) -> tuple[LinkAnswer, ...]:
    fees = dict(problem.fixed)
    backups = {link.backup for link in estate.links.values()}
    carried: Counter[str] = Counter()
    for flow in flows:
        for way in flow.via:
            carried[way] += flow.bytes
    return tuple(
        LinkAnswer(
            name,
            link.via,
            link.between,
            fees.get(f"link {name}", 0),
            carried[f"link {name}"],
            name in backups,
            link.cost_per_month is not None,
        )
        for name, link in estate.links.items()
    )


def _idle(links: Sequence[LinkAnswer]) -> tuple[str, ...]:
    """Links that cost something and carry nothing, but for those that stand by."""
    return tuple(
        f"the link {link.name} costs {usd(link.month_micro)} a month, and this plan sends nothing over it"
        for link in links
        if link.month_micro and not link.bytes and not link.backup
    )


def _sites(problem: Problem, basis: Basis) -> tuple[SitePoint, ...]:
    """Where every site of the problem is; None for a hall without coordinates."""
    return tuple(SitePoint(place.id, place.cloud, *_point(place.id, basis)) for place in problem.sites)


def _point(site: str, basis: Basis) -> tuple[float | None, float | None]:
    known = basis.catalog.site(site)
    if known is not None:
        return known.latitude, known.longitude
    hall = basis.estate.onprem.get(site.partition("/")[2])
    if hall is None or hall.lat is None or hall.lon is None:
        return None, None
    return hall.lat, hall.lon


def _optimality(solved: Solved, month: int) -> Optimality:
    bound = min(solved.bound, month)
    gap = (month - bound) / abs(month) if month else 0.0
    return Optimality(LEVELS if solved.levels else solved.status, bound, gap, solved.method, round(solved.seconds, 3))


def _baseline(row: Simple, month: int) -> BaselineAnswer:
    if row.bill is None:
        return BaselineAnswer(row.name, None, None, row.why_not)
    total = row.bill.total
    return BaselineAnswer(row.name, total, (total - month) * 1_000_000 // total if total > 0 else None, row.why_not)


def _workloads(
    search: Alternatives, alternatives: dict[str, tuple[Alternative, ...]], cost: Cost, basis: Basis
) -> tuple[WorkloadAnswer, ...]:
    problem, plan = search.problem, search.plan
    tasks: dict[str, list[int]] = defaultdict(list)
    for at, task in enumerate(problem.tasks):
        tasks[task.workload].append(at)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for line in cost.lines:
        kinds[line.workload][line.kind] += line.micro
    left_out = refused(problem.left_out)
    found = []
    for name, members in tasks.items():
        row = basis.estate.workloads.get(name)
        groups = left_out.get(name, ())
        said = {problem.tasks[at].name: reason(search.ledger, at, groups) for at in members}
        found.append(
            WorkloadAnswer(
                name=name,
                kind=row.kind if row is not None else "",
                owner=row.owner if row is not None else "",
                parts=tuple(_part(problem, plan, at, basis.details) for at in members),
                month_micro=sum(kinds[name].values()),
                by_kind=dict(sorted(kinds[name].items())),
                reason=_joined(said),
                alternatives=alternatives.get(name, ()),
                refused=groups,
            )
        )
    return tuple(found)


def _joined(said: dict[str, str]) -> str:
    """One sentence where all parts have the same reason, else one for each."""
    if len(set(said.values())) == 1:
        return next(iter(said.values()))
    return "; ".join(f"{name}: {why}" for name, why in said.items())


def _part(problem: Problem, plan: Solution, at: int, details: tuple[tuple[Detail, ...], ...]) -> Part:
    task = problem.tasks[at]
    option = task.options[plan.choice[at]]
    detail = details[at][plan.choice[at]] if details else None
    return Part(
        task=task.name,
        site=problem.sites[option.site].id,
        machine=option.machine,
        market=option.market,
        count=option.count,
        month_micro=option.cost,
        penalty_micro=option.penalty,
        latency_us=option.latency_us,
        grams=option.grams,
        hours=round(detail.hours, 3) if detail is not None else None,
        low_micro=detail.low if detail is not None else None,
        high_micro=detail.high if detail is not None else None,
        notes=detail.notes if detail is not None else (),
    )


def refused(left_out: Sequence[LeftOut]) -> dict[str, tuple[Refused, ...]]:
    """Candidates left out, by workload, those of one reason together, the most frequent first."""
    groups: dict[str, dict[str, list[LeftOut]]] = defaultdict(lambda: defaultdict(list))
    for row in left_out:
        groups[row.workload][_TIME.sub("", row.why)].append(row)
    return {
        workload: tuple(
            Refused(_whys(rows), sum(row.what.count(",") + 1 for row in rows), tuple(row.what for row in rows))
            for rows in sorted(reasons.values(), key=len, reverse=True)
        )
        for workload, reasons in groups.items()
    }


def _unowned(problem: Problem) -> tuple[Refused, ...]:
    """What was left out for no workload that is planned: data, links, promises, work without needs."""
    planned = {task.workload for task in problem.tasks}
    groups = refused([row for row in problem.left_out if row.workload not in planned])
    return tuple(group for rows in groups.values() for group in rows)


def _whys(rows: Sequence[LeftOut]) -> str:
    """One reason; for several round trips that are too long the span of them."""
    times = sorted({float(found[1]) for row in rows if (found := _TIME.match(row.why))})
    if len(times) < 2:
        return rows[0].why
    return f"{times[0]:g} to {times[-1]:g} ms" + _TIME.sub("", rows[0].why)


def _datasets(
    problem: Problem, plan: Solution, cost: Cost, flows: Sequence[FlowAnswer], estate: Estate
) -> tuple[DatasetAnswer, ...]:
    kept: dict[tuple[str, str], int] = defaultdict(int)
    total: Counter[str] = Counter()
    for line in cost.lines:
        if line.kind == "storage":
            kept[line.dataset, line.site] += line.micro
        if line.dataset and not line.workload:
            total[line.dataset] += line.micro
    found = []
    for item, sites in zip(problem.items, plan.copies, strict=True):
        places = [problem.sites[site].id for site in sites]
        found.append(
            DatasetAnswer(
                name=item.name,
                data_class=_class_of(estate, item.name),
                origin=problem.sites[item.origin].id if item.origin >= 0 else "",
                copies=tuple(
                    Copy(place, kept[item.name, place], site == item.origin)
                    for site, place in zip(sites, places, strict=True)
                ),
                month_micro=total[item.name],
                feed_bytes=sum(f.bytes for f in flows if f.dataset == item.name and f.kind == "feed"),
                move_bytes=sum(f.bytes for f in flows if f.dataset == item.name and f.kind == "move"),
            )
        )
    return tuple(found)


def _class_of(estate: Estate, dataset: str) -> str:
    body = estate.datasets.get(dataset)
    return (body.data_class if body is not None else None) or estate.residency.default_class or ""
