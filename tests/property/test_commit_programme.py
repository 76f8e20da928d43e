"""On any usage the programme is never worse than a rule, and its money adds up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polycloud.placement.commitments import rules
from polycloud.placement.commitments.applied import Applied, apply, bought
from polycloud.placement.commitments.history import MACHINES, History, Series
from polycloud.placement.commitments.instruments import Instrument, bind
from polycloud.placement.commitments.offers import Offering
from polycloud.placement.commitments.programme import choose
from polycloud.placement.commitments.scenarios import Path
from polycloud.placement.solve.highs import Floats

HOURS = 48
USAGE = st.lists(st.lists(st.integers(0, 9), min_size=HOURS, max_size=HOURS), min_size=1, max_size=3)
KEEP = st.integers(300_000, 980_000)


@st.composite
def offers(draw: st.DrawFn) -> list[Offering]:
    """A reservation for each machine, one that covers the region, a plan over all: each inside the next."""
    found = [
        Offering(
            f"ri{at}", "aws", "reserved", "1y", "r", f"m{at}", unit_micro=draw(KEEP), increment=draw(st.integers(1, 3))
        )
        for at in range(3)
    ]
    found.append(Offering("plan", "aws", "savings-plan", "1y", keep_ppm=draw(KEEP)))
    if draw(st.booleans()):
        found.append(Offering("credits", "aws", "universal-credits", "1y", keep_ppm=draw(KEEP)))
    return found


def billed(usage: Floats, instruments: tuple[Instrument, ...], amounts: tuple[float, ...]) -> Applied:
    return apply(usage, [bought(i, [a], None, HOURS) for i, a in zip(instruments, amounts, strict=True)])


@settings(max_examples=60, deadline=None)
@given(USAGE, offers())
def test_no_rule_is_better_on_what_the_programme_was_told(usage: list[list[int]], on_offer: list[Offering]) -> None:
    lines = [[units * 1_000_000 for units in line] for line in usage]
    series = (Series("aws", "r", f"m{at}", tuple(line), MACHINES, 1e6) for at, line in enumerate(lines))
    history = History(0, tuple(series))
    instruments = bind(history, on_offer).instruments
    known = np.array(lines, dtype=np.float64)
    path = Path(known, np.ones((2, len(lines))), HOURS)
    chosen = choose([path], instruments, states=HOURS)
    assert chosen.optimal
    best = billed(known, instruments, chosen.amounts)
    assert best.total <= best.usage * (1 + 1e-6)
    for rule in rules.RULES:
        found = billed(known, instruments, rules.amounts(rule, history, instruments, ()))
        # A promise in money is rounded to a thousandth of a dollar an hour.
        assert best.total <= found.total * (1 + 1e-5) + 2000 * HOURS, rule


@settings(max_examples=200, deadline=None)
@given(USAGE, offers(), st.lists(st.integers(0, 2000), min_size=5, max_size=5))
def test_whatever_is_promised_the_bill_adds_up(
    usage: list[list[int]], on_offer: list[Offering], amounts: list[int]
) -> None:
    lines = [[units * 1_000_000 for units in line] for line in usage]
    history = History(
        0, tuple(Series("aws", "r", f"m{at}", tuple(line), MACHINES, 1e6) for at, line in enumerate(lines))
    )
    instruments = bind(history, on_offer).instruments
    found = billed(np.array(lines, dtype=np.float64), instruments, tuple(map(float, amounts[: len(instruments)])))
    assert sum(found.covered) + found.rest == pytest.approx(found.usage, abs=1.0)
    assert found.total == pytest.approx(sum(found.paid) + found.rest)
    assert all(covered <= whole + 1.0 for covered, whole in zip(found.covered, found.whole, strict=True))
