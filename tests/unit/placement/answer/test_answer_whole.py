"""The whole answer: money adds up, alternatives never beat the plan, JSON loses nothing, residency is proved anew."""

import datetime
import json
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction

import msgspec
import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate import Estate
from polycloud.placement.answer import costs
from polycloud.placement.answer.alternatives import Alternatives, Effort
from polycloud.placement.answer.answering import Basis, answer, refused
from polycloud.placement.answer.compare import compare
from polycloud.placement.answer.flows import flow_answers, shared
from polycloud.placement.answer.values import Alternative, LevelAnswer, Placement
from polycloud.placement.answer.words import between, nearness
from polycloud.placement.bill import bill
from polycloud.placement.build.first import WORDS, first_meters
from polycloud.placement.problem import LeftOut, Problem, Solution
from polycloud.placement.solve import Limits, Solved, solve

Make = Callable[..., Problem]
SHORT, LONG = Effort(0.0), Effort(3.0)
USD = 1_000_000
DAY = datetime.date(2026, 11, 21)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def estate_of(**more: object) -> Estate:
    hall = {"frankfurt": {"country": "DE", "lat": 50.11, "lon": 8.68}}
    return Estate.model_validate_json(json.dumps({"estate": "hand-made", "onprem": hall, **more}))


def solved_problem(make: Make, seed: int) -> tuple[Problem, Solved, Solution]:
    problem = make(seed)
    solved = solve(problem)
    assert solved.solution is not None, "these seeds have plans"
    return problem, solved, solved.solution


def answered(make: Make, seed: int, catalog: Catalog, effort: Effort = SHORT) -> tuple[Problem, Placement]:
    problem, solved, _ = solved_problem(make, seed)
    basis = Basis(estate_of(), catalog, Market.load(), DAY)
    return problem, answer(problem, solved, basis, (), effort)


@pytest.mark.parametrize("seed", range(8))
def test_every_grouping_of_the_bill_sums_to_it(seed: int, make_problem: Make) -> None:
    problem, _, plan = solved_problem(make_problem, seed)
    whole, found = bill(problem, plan), costs.cost(problem, plan, 12)
    assert found.month_micro == whole.total == sum(line.micro for line in found.lines)
    for groups in (found.by_kind, found.by_cloud, found.by_site, found.by_workload):
        assert sum(groups.values()) == whole.total
    for kind in {line.kind for line in whole.lines}:
        assert found.by_kind.get(kind, 0) == whole.of(kind)
    assert sum(flow.month_micro for flow in flow_answers(problem, plan)) == whole.of("transfer")


def apart(problem: Problem, months: int) -> Problem:
    """With meters of their own for first transfers, as the builder makes them."""
    meters, first = first_meters(problem.meters, problem.zones, problem.items, Fraction(months))
    return msgspec.structs.replace(problem, meters=meters, first=first)


@pytest.mark.parametrize("seed", range(4))
def test_three_years_count_first_moves_once(seed: int, make_problem: Make) -> None:
    problem, _, plan = solved_problem(make_problem, seed)
    settled = tuple(msgspec.structs.replace(item, move=0) for item in problem.items)
    later = bill(msgspec.structs.replace(problem, items=settled), plan).total
    for months in (12, 48):
        found = costs.cost(apart(problem, months), plan, months)
        sent: Counter[int] = Counter()  # in one month, by what a month charges
        for item, sites in zip(problem.items, plan.copies, strict=True):
            for site in sites if item.origin >= 0 else ():
                lane = problem.zones[item.zone].lanes[item.origin][site]
                assert lane is not None
                sent.update({meter: item.move * months for meter in lane.meters if site != item.origin})
        month = sum(problem.meters[meter].cost(volume) for meter, volume in sent.items())
        assert found.once_micro == pytest.approx(month, abs=months * (len(problem.meters) + 1))
        assert found.once_micro == months * (found.month_micro - later), "the bill and the answer say the same"
        assert found.three_years_micro == 36 * later + found.once_micro


def test_a_first_move_over_what_can_be_full_is_paid_in_slices(make_problem: Make) -> None:
    problem, _, plan = solved_problem(make_problem, 3)
    thin = tuple(msgspec.structs.replace(meter, capacity=10**18) for meter in problem.meters)
    found = costs.cost(apart(msgspec.structs.replace(problem, meters=thin), 12), plan, 12)
    assert found.month_micro == bill(problem, plan).total
    assert not any(line.name.endswith(WORDS) for line in found.lines)
    assert any(line.name.endswith(WORDS) for line in bill(apart(problem, 12), plan).lines)


@pytest.mark.parametrize(
    ("amount", "weights"), [(10, [1, 1, 1]), (-10, [1, 1, 1]), (7, [0, 0]), (0, [5]), (1, [1] * 9)]
)
def test_shares_are_whole_and_sum_exactly(amount: int, weights: Sequence[int]) -> None:
    parts = shared(amount, weights)
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1


@pytest.mark.parametrize("seed", range(2))
def test_no_alternative_beats_the_plan_and_the_proven_ones_are_the_truth(
    seed: int, make_problem: Make, catalog: Catalog
) -> None:
    problem, found = answered(make_problem, seed, catalog, LONG)
    index = {task.name: at for at, task in enumerate(problem.tasks)}
    sites = {place.id: at for at, place in enumerate(problem.sites)}
    seen = 0
    for workload in found.workloads:
        for other in workload.alternatives:
            if other.extra_micro is None:
                assert other.why_not
                continue
            seen += 1
            assert other.extra_micro >= 0
            task = problem.tasks[index[other.task]]
            there = tuple(option for option in task.options if option.site == sites[other.site])
            tasks = list(problem.tasks)
            tasks[index[other.task]] = msgspec.structs.replace(task, options=there)
            truth = solve(msgspec.structs.replace(problem, tasks=tuple(tasks)))
            assert truth.bill is not None
            assert other.extra_micro >= truth.bound - found.cost.month_micro
            if other.proven:
                assert other.extra_micro <= truth.bill.total - found.cost.month_micro + truth.bill.total // 500
    assert seen


def test_without_time_the_alternatives_say_that_they_are_upper_bounds(make_problem: Make, catalog: Catalog) -> None:
    _, found = answered(make_problem, 3, catalog)
    rows = [other for workload in found.workloads for other in workload.alternatives]
    assert rows
    assert not any(other.proven for other in rows)


def test_a_bad_plan_is_replaced_by_a_better_one_that_is_met(make_problem: Make) -> None:
    problem, solved, plan = solved_problem(make_problem, 3)
    worse = None
    for task, row in enumerate(problem.tasks):
        for option in range(len(row.options)):
            choice = (*plan.choice[:task], option, *plan.choice[task + 1 :])
            tried = msgspec.structs.replace(plan, choice=choice)
            whole = bill(problem, tried)
            if not whole.faults and whole.total > bill(problem, plan).total:
                worse = tried
    assert worse is not None
    search = Alternatives(problem, worse, LONG)
    search.find()
    assert bill(problem, search.plan).total < bill(problem, worse).total
    assert bill(problem, search.plan).total >= solved.bound


def test_what_is_proven_only_roughly_is_said_to_be_at_most(make_problem: Make) -> None:
    problem, _, plan = solved_problem(make_problem, 3)

    def search(short: int) -> list[Alternative]:
        """With bounds that are ``short`` micro-USD under the plans."""

        def roughly(given: Problem, limits: Limits, start: Solution | None) -> Solved:
            found = solve(given, limits, start)
            return found if found.bill is None else msgspec.structs.replace(found, bound=found.bill.total - short)

        return [row for rows in Alternatives(problem, plan, LONG, roughly).find().values() for row in rows]

    sure = [row for row in search(0) if row.proven and row.extra_micro]
    assert sure
    short = max(row.extra_micro or 0 for row in sure) // 100 + 1
    assert not any(row.proven for row in search(short) if row.extra_micro is not None)


@pytest.mark.parametrize(
    ("levels", "gap", "said"),
    [
        ((), 0.12341, "within 12.35 % of the optimum"),
        ((), 0.0, "the optimum"),
        (("cost",), 0.12341, "the cheapest plan costs at most 12.35 % less"),
        (("cost",), 0.0, "the cheapest too"),
    ],
)
def test_a_plan_that_aims_in_order_made_is_not_said_to_be_near_the_optimum(
    make_problem: Make, catalog: Catalog, levels: tuple[str, ...], gap: float, said: str
) -> None:
    _, found = answered(make_problem, 3, catalog)
    near = msgspec.structs.replace(found.optimality, gap=gap)
    rows = tuple(LevelAnswer(level, 1.0, 1.0) for level in levels)
    assert nearness(msgspec.structs.replace(found, optimality=near, levels=rows)) == said


def test_a_difference_that_gaps_leave_open_is_said_with_its_span(make_problem: Make, catalog: Catalog) -> None:
    _, found = answered(make_problem, 3, catalog)

    def plan(month: int, bound: int) -> Placement:
        near = msgspec.structs.replace(found.optimality, bound_micro=bound * USD)
        cost = msgspec.structs.replace(found.cost, month_micro=month * USD)
        return msgspec.structs.replace(found, cost=cost, optimality=near)

    assert between(compare(plan(1000, 999), plan(1200, 1198), ())) == ""
    assert between(compare(plan(1000, 950), plan(1200, 1100), ())) == (
        "by the gaps of both plans the difference is from +100 USD to +250 USD"
    )


def test_one_workload_gets_every_place(make_problem: Make, catalog: Catalog) -> None:
    problem, found = answered(make_problem, 3, catalog, Effort(1.0, workloads=("work-0",)))
    rows = {w.name: w.alternatives for w in found.workloads}
    places = sum(len({o.site for o in t.options}) - 1 for t in problem.tasks if t.workload == "work-0")
    assert len(rows["work-0"]) == places
    assert not rows["work-1"]


def test_json_loses_nothing(make_problem: Make, catalog: Catalog) -> None:
    _, found = answered(make_problem, 4, catalog)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Placement) == found


def test_the_answer_carries_the_proof_of_residency(make_problem: Make, catalog: Catalog) -> None:
    problem, solved, plan = solved_problem(make_problem, 3)
    outside = [
        item.name
        for item, sites in zip(problem.items, plan.copies, strict=True)
        if any(problem.sites[site].id == "aws/us-east-1" for site in sites)
    ]
    assert outside, "this plan keeps data in the United States"
    rules = {"eu-only": {"stay_in": ["eu"]}, "anywhere": {}}
    work = {task.workload: {"kind": "batch"} for task in problem.tasks}
    for strict in (False, True):
        data = {item.name: {"class": "anywhere"} for item in problem.items}
        data |= {name: {"class": "eu-only"} for name in outside if strict}
        basis = Basis(estate_of(data_classes=rules, datasets=data, workloads=work), catalog, Market.load(), DAY)
        found = answer(problem, solved, basis, (), SHORT).residency
        assert found.holds != strict
        assert found.facts > len(problem.items)
        assert any(f"{outside[0]} at aws/us-east-1" in text for text in found.breaks) == strict


def test_left_out_candidates_are_grouped_and_counted() -> None:
    rows = (
        LeftOut("a", "aws/us-east-1: m1, m2", "no price is known"),
        LeftOut("a", "gcp/us-central1", "132 ms to DE are over 60ms"),
        LeftOut("a", "azure/eastus", "99 ms to DE are over 60ms"),
        LeftOut("b", "aws/us-east-1: m1", "no price is known"),
    )
    found = refused(rows)
    assert [(group.why, group.count) for group in found["a"]] == [
        ("99 to 132 ms to DE are over 60ms", 2),
        ("no price is known", 2),
    ]
    assert found["b"][0].what == ("aws/us-east-1: m1",)


def test_an_answer_needs_a_plan(make_problem: Make, catalog: Catalog) -> None:
    basis = Basis(estate_of(), catalog, Market.load(), DAY)
    with pytest.raises(ValueError, match="no plan to explain"):
        answer(make_problem(3), Solved(None, None, 0, 0.0, "infeasible", "exact"), basis)
