"""What would have to change for another place to win is true: the change is made, and the plans cost the same."""

import msgspec

from polycloud.placement.answer.ledger import Ledger
from polycloud.placement.answer.moves import move
from polycloud.placement.answer.reasons import wins_if
from polycloud.placement.problem import HOURS, ON_DEMAND, Option, Place, Pool, Problem, Task, Term, Zone
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
