"""What would have to change for another place to win is true: the change is made, and the plans cost the same."""

import msgspec

from polycloud.placement.answer.ledger import Ledger
from polycloud.placement.answer.moves import move
from polycloud.placement.answer.reasons import reason, wins_if
from polycloud.placement.answer.values import Refused
from polycloud.placement.problem import HOURS, ON_DEMAND, Credit, Option, Place, Pool, Problem, Task, Term, Zone
from polycloud.placement.solve import solve

USD = 1_000_000


def problem(there: int, pooled: bool) -> Problem:
    """One task: 365 USD a month here, 730 hours at ``there`` USD an hour at another site, whose hours a promise can
    halve when they are in a pool."""
    options = (
        Option(0, "m1", ON_DEMAND, 1, 365 * USD),
        Option(1, "n1", ON_DEMAND, 1, there * HOURS, pool=0 if pooled else -1, hourly=(there,) if pooled else ()),
    )
    return Problem(
        (Place("aws/us-east-1", "aws"), Place("gcp/us-central1", "gcp")),
        (),
        (Zone("any", ((None, None), (None, None))),),
        (Task("w", "w", options),),
        pools=(Pool("gcp/us-central1 n1", (Term("3 years", 500_000),)),) if pooled else (),
    )


def said(given: Problem) -> tuple[str, int]:
    plan = solve(given).solution
    assert plan is not None and plan.choice == (0,)
    ledger = Ledger(given, plan)
    found = move(ledger, 0, 1, [1])
    extra = found.outcome.total - ledger.total
    return wins_if(ledger, found, extra), extra


def test_a_dearer_machine_that_promises_make_cheap_is_not_called_the_cheapest() -> None:
    """At one site 1,460 by list and 584 promised, or 800; 700 elsewhere."""
    options = (
        Option(0, "m1", ON_DEMAND, 1, 600 * USD),
        Option(0, "p1", ON_DEMAND, 1, 1460 * USD, pool=0, hourly=(2 * USD,)),
        Option(1, "n1", ON_DEMAND, 1, 700 * USD),
    )
    given = msgspec.structs.replace(
        problem(USD, pooled=False),
        tasks=(Task("w", "w", options),),
        pools=(Pool("aws/us-east-1 p1", (Term("3 years", 400_000),)),),
    )
    plan = solve(given).solution
    assert plan is not None and plan.choice == (1,)
    text = reason(Ledger(given, plan), 0)
    assert "cheapest" not in text
    assert text.startswith("promises for aws/us-east-1 p1 decide: p1 at aws/us-east-1 costs 1,460 USD a month before")
    assert "600 USD" in text and "gcp/us-central1 costs 700 USD" in text


def test_promises_are_counted_where_machines_alone_are_cheaper() -> None:
    """Here 1,460 by list, 584 promised; there 700 by list, or 2,920 by list and 642 promised: 58 more."""
    options = (
        Option(0, "p1", ON_DEMAND, 1, 1460 * USD, pool=0, hourly=(2 * USD,)),
        Option(1, "n1", ON_DEMAND, 1, 700 * USD),
        Option(1, "n2", ON_DEMAND, 1, 2920 * USD, pool=1, hourly=(4 * USD,)),
    )
    pools = (
        Pool("aws/us-east-1 p1", (Term("3 years", 400_000),)),
        Pool("gcp/us-central1 n2", (Term("3 years", 220_000),)),
    )
    given = msgspec.structs.replace(problem(USD, pooled=False), tasks=(Task("w", "w", options),), pools=pools)
    plan = solve(given).solution
    assert plan is not None and plan.choice == (0,)
    assert reason(Ledger(given, plan), 0) == (
        "gcp/us-central1 has machines that are cheaper by 760 USD a month, "
        "but there they would cost 58.40 USD more with all that changes, promises counted"
    )


def test_a_saving_does_not_read_as_a_price() -> None:
    """730 here and 700 there, where late answers count 50 more."""
    options = (
        Option(0, "m1", ON_DEMAND, 1, 730 * USD),
        Option(1, "n1", ON_DEMAND, 1, 700 * USD),
    )
    given = msgspec.structs.replace(problem(USD, pooled=False), tasks=(Task("w", "w", options),), per_cloud=0)
    other = Task("v", "v", (Option(0, "m1", ON_DEMAND, 1, USD),))
    given = msgspec.structs.replace(given, tasks=(*given.tasks, other), per_cloud=50 * USD)
    plan = solve(given).solution
    assert plan is not None and plan.choice == (0, 0)
    text = reason(Ledger(given, plan), 0)
    assert text.startswith("gcp/us-central1 has machines that are cheaper by 30.00 USD a month, but there")


def test_without_promises_the_price_is_exact() -> None:
    """730 against 365: the extra is 365, which is 50 % of 730."""
    text, extra = said(problem(USD, pooled=False))
    assert extra == 365 * USD
    assert text == "n1 there cost 50.0 % less (365 USD instead of 730 USD a month)"
    assert _total(problem(USD // 2, pooled=False)) == 365 * USD


def test_where_promises_cover_it_the_price_must_fall_further() -> None:
    """2 USD an hour are 1,460 a month, promised 730: 365 more. A quarter off still leaves 547.50; half is needed."""
    text, extra = said(problem(2 * USD, pooled=True))
    assert extra == 365 * USD
    assert text == "n1 there cost at least 25.0 % less (promises for it would save less too)"
    assert _total(problem(3 * USD // 2, pooled=True)) == 547_500_000
    assert _total(problem(USD, pooled=True)) == 365 * USD


def _total(given: Problem) -> int:
    """The least cost of the task at the other site."""
    (task,) = given.tasks
    held = msgspec.structs.replace(given, tasks=(msgspec.structs.replace(task, options=task.options[1:]),))
    found = solve(held).bill
    assert found is not None
    return found.total


def test_what_refuses_machines_here_is_no_reason_against_elsewhere() -> None:
    given = msgspec.structs.replace(
        problem(USD, pooled=False), tasks=(Task("w", "w", (Option(0, "m1", ON_DEMAND, 1, 365 * USD),)),)
    )
    plan = solve(given).solution
    assert plan is not None
    here = Refused("its processor is Arm", 1, ("aws/us-east-1: m1g",))
    assert reason(Ledger(given, plan), 0, (here,)) == "aws/us-east-1 is the only place left"
    far = Refused("it is too small", 2, ("aws/us-east-1: m0", "gcp/us-central1: n0"))
    assert "elsewhere: it is too small" in reason(Ledger(given, plan), 0, (here, far))


def test_prepaid_money_makes_the_share_a_least_and_the_causes_are_named() -> None:
    given = msgspec.structs.replace(problem(USD, pooled=False), credits=(Credit("paid", "gcp", 200 * USD, 200 * USD),))
    text, extra = said(given)
    assert extra == (730 - 200 - 365) * USD
    assert text.startswith("n1 there cost at least") and text.endswith("(prepaid money would save less too)")
