"""Among plans of one cost, the one that uses less of what is paid already."""

import msgspec

from polycloud.placement.answer.thrift import likest, thrifty
from polycloud.placement.bill import bill
from polycloud.placement.problem import (
    GB,
    HOURS,
    Credit,
    Flow,
    Item,
    Lane,
    Meter,
    Option,
    Place,
    Problem,
    Solution,
    Task,
    Zone,
)

USD = 1_000_000


def _prepaid(amount: int) -> Problem:
    """Two sites with a copy each, a meter out of the first, and more prepaid money than all of it costs."""
    return Problem(
        sites=(Place("oci/a", "oci"), Place("oci/b", "oci")),
        meters=(Meter("oci/a out", ((0, 10_000),)), Meter("oci/b out", ((0, 10_000),))),
        zones=(Zone("all", ((Lane(), Lane((0,))), (Lane((1,)), Lane()))),),
        tasks=(
            Task(
                "work",
                "work",
                (
                    Option(1, "dear", "on-demand", 1, 90 * USD),
                    Option(1, "cheap", "on-demand", 1, 50 * USD),
                    Option(0, "dearer", "on-demand", 1, 60 * USD),
                ),
                (Flow(0, 1_000 * GB),),
            ),
        ),
        items=(Item("data", 0, ((0, USD), (1, USD)), copies=2),),
        credits=(Credit("paid", "oci", amount, amount, (0, 1)),),
        blocks=(HOURS,),
    )


def test_what_is_paid_already_is_not_used_for_nothing() -> None:
    problem = _prepaid(500 * USD)
    wasteful = Solution((0,), ((0, 1),), ((0,),))
    found = thrifty(problem, wasteful)
    assert found.choice == (1,), "the cheap machine beside it"
    assert found.sources == ((1,),), "the copy beside it"
    assert bill(problem, found).total == bill(problem, wasteful).total
    assert not bill(problem, found).faults


def test_it_ends_with_the_time() -> None:
    wasteful = Solution((0,), ((0, 1),), ((0,),))
    assert thrifty(_prepaid(500 * USD), wasteful, going=lambda: False) == wasteful


def test_it_ends_and_leaves_other_plans_alone() -> None:
    problem = _prepaid(500 * USD)
    wasteful = Solution((0,), ((0, 1),), ((0,),))
    assert thrifty(problem, wasteful, most=0) == wasteful
    plain = Problem(problem.sites, problem.meters, problem.zones, problem.tasks, problem.items)
    assert thrifty(plain, wasteful) == wasteful, "nothing is paid already: the plan is the solver's"


def test_an_alternative_differs_by_nothing_that_saves_nothing() -> None:
    problem = _prepaid(500 * USD)
    two = msgspec.structs.replace(
        problem, tasks=(problem.tasks[0], msgspec.structs.replace(problem.tasks[0], name="b"))
    )
    plan = Solution((1, 1), ((0, 1),), ((1,), (1,)))
    other = Solution((2, 0), ((0, 1),), ((0,), (0,)))
    assert likest(two, other, plan, but=0).choice == (2, 1), "what is asked about stays, the rest is as it was"
    dear = msgspec.structs.replace(two, credits=())
    cheaper = Solution((2, 1), ((0, 1),), ((0,), (1,)))
    wasteful = Solution((1, 0), ((0, 1),), ((1,), (1,)))
    assert likest(dear, cheaper, wasteful, but=0) == cheaper, "what saves money stays"
