"""The line that stands for a meter is never above what the meter costs."""

import random

import pytest

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import GB, Flow, Item, Lane, Meter, Option, Place, Problem, Task, Zone
from polycloud.placement.solve import tariff


def problem_with(meter: Meter, volume: int) -> Problem:
    lanes = ((Lane(), Lane((0,))), (Lane((0,)), Lane()))
    option = Option(1, "m", "on-demand", 1, 0)
    return Problem(
        sites=(Place("aws/a", "aws"), Place("aws/b", "aws")),
        meters=(meter,),
        zones=(Zone("all", lanes),),
        tasks=(Task("task", "work", (option,), (Flow(0, volume),)),),
        items=(Item("item", 0, ((0, 0),)),),
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_line_is_below_and_touches(seed: int) -> None:
    draw = random.Random(seed)
    start, tiers = 0, []
    for _ in range(draw.randint(1, 4)):
        tiers.append((start, draw.randint(0, 200) * 1_000))
        start += draw.randint(1, 500) * GB
    meter = Meter("meter", tuple(tiers), draw.choice((None, draw.randint(1, 1000) * GB)))
    most = draw.randint(1, 1500) * GB
    near = draw.randint(0, 1500) * GB
    prices, left = tariff.under(problem_with(meter, most), {0: near})
    end = most if meter.capacity is None else min(most, meter.capacity)
    steps = sorted({0, end, *(start for start, _ in tiers if start < end), *(end * at // 50 for at in range(50))})
    above = [meter.cost(volume) / MILLION - (left + prices[0] * volume) for volume in steps]
    assert min(above) >= -2e-6  # the bill rounds to a micro-dollar
    assert min(above) <= 2e-6


def test_one_more_byte_costs_the_tier_that_it_falls_into() -> None:
    meter = Meter("meter", ((0, 90_000), (10 * GB, 50_000)))
    problem = problem_with(meter, 100 * GB)
    assert tariff.marginal(problem, {0: 5 * GB})[0] == pytest.approx(0.09 / GB)
    assert tariff.marginal(problem, {0: 10 * GB})[0] == pytest.approx(0.05 / GB)


def test_plain_means_one_price_and_room_for_all() -> None:
    assert tariff.plain(problem_with(Meter("m", ((0, 5),)), 100 * GB))
    assert tariff.plain(problem_with(Meter("m", ((0, 5), (200 * GB, 4))), 100 * GB))
    assert not tariff.plain(problem_with(Meter("m", ((0, 5), (50 * GB, 4))), 100 * GB))
    assert not tariff.plain(problem_with(Meter("m", ((0, 5),), 50 * GB), 100 * GB))
