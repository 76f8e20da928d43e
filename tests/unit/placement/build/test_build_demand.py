"""Hours, blocks and counts, against numbers worked out by hand."""

from fractions import Fraction

import pytest

from polycloud.placement.build.demand import HOURS, Blocks, Demand, apportion, blocks, quiet_first, slots

ALL_DAY = tuple(range(24))
HALF = (Fraction(1, 2),) * 12 + (Fraction(1),) * 12


def curve(*levels: int) -> tuple[Fraction, ...]:
    return tuple(Fraction(level) for level in levels)


def test_a_month_is_730_hours_however_it_is_cut() -> None:
    assert HOURS == 730
    assert apportion(730, [Fraction(8), Fraction(16)]) == (243, 487)
    assert apportion(10, [Fraction(1)] * 3) == (4, 3, 3)
    for n in range(1, 25):
        assert sum(apportion(730, [Fraction(k + 1) for k in range(n)])) == 730


def test_demand_in_a_slot_is_whole_instances_and_never_below_the_least() -> None:
    demand = Demand(
        Fraction(10), 2, curve=tuple(Fraction(10) * level / 100 for level in (5, 11, 100)) + (Fraction(0),) * 21
    )
    assert demand.instances()[:4] == (2, 2, 10, 2)  # 0.5 -> 1 -> at least 2; 1.1 -> 2; 10; nothing -> 2


def test_what_rests_runs_nothing_where_nothing_is_needed() -> None:
    demand = Demand(Fraction(10), 2, curve=(Fraction(0),) * 12 + (Fraction(1),) * 12, rests=True)
    assert demand.instances() == (0,) * 12 + (2,) * 12


def test_a_share_of_demand_is_a_share_of_the_least_too() -> None:
    half = Demand(Fraction(10), 3, curve=(Fraction(10),) * 24).share(Fraction(1, 2))
    assert (half.most, half.least, half.curve) == (5, 2, (Fraction(5),) * 24)


def test_speed_means_fewer_instances_for_what_is_served_and_fewer_hours_for_a_job() -> None:
    served = Demand(Fraction(5), 1)
    job = Demand(Fraction(5), 1, hours=Fraction(400), elastic=True)
    assert served.instances(Fraction(2)) == (3,) * 24
    assert served.hours_at(Fraction(2)) == 730
    assert job.instances(Fraction(2)) == (5,) * 24
    assert job.hours_at(Fraction(2)) == 200


def test_a_job_fills_the_quietest_slots_and_takes_its_hours_exactly() -> None:
    day = Demand(Fraction(4), 0, curve=curve(*[1] * 8, *[4] * 16))
    order = quiet_first([day])
    assert order[:8] == tuple(range(8))
    job = Demand(Fraction(2), 1, hours=Fraction(730, 24) * Fraction(17, 2), elastic=True)  # 8.5 slots
    usage = slots(job, order)
    assert usage[:8] == (2,) * 8
    assert usage[8] == 1
    assert not any(usage[9:])
    assert sum(usage) * Fraction(730, 24) == 2 * job.hours


def test_work_with_a_curve_and_fewer_hours_runs_on_part_of_the_days() -> None:
    demand = Demand(Fraction(2), 0, hours=Fraction(365), curve=(Fraction(2),) * 24)
    assert slots(demand, ALL_DAY) == (Fraction(1),) * 24


def test_slots_that_are_alike_are_one_block() -> None:
    made = blocks([HALF, (Fraction(3),) * 24])
    assert made.hours == (365, 365)
    assert made.of == (0,) * 12 + (1,) * 12


def test_there_are_at_most_four_blocks_and_they_sum_to_the_month() -> None:
    ramp = tuple(Fraction(n, 24) for n in range(1, 25))
    made = blocks([ramp, HALF])
    assert len(made.hours) == 4
    assert sum(made.hours) == 730
    assert list(made.of) == sorted(made.of)  # a ramp is cut into runs, not shuffled
    assert made.of[11] != made.of[12]  # where the other jumps


def test_without_work_there_is_one_block() -> None:
    assert blocks([]) == Blocks((730,), (0,) * 24)


@pytest.mark.parametrize("price", [1, 333_333, 999_999_937])
def test_hours_times_hourly_never_exceeds_the_cost(price: int) -> None:
    ramp = tuple(Fraction(n, 7) for n in range(24))
    made = blocks([ramp])
    profile = made.profile(ramp, 4)
    covered = sum(hours * rate for hours, rate in zip(made.hours, profile.hourly(price), strict=True))
    assert covered <= profile.cost(price)
    assert profile.cost(price) - covered <= sum(made.hours)  # less than a micro-dollar an hour is lost
    assert profile.hours == sum(ramp) * Fraction(730, 24)
