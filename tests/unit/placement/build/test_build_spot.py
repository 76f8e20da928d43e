"""Spot machines: Young's and Daly's intervals, shocks that strike together, deadlines; worked examples."""

import math

import pytest

from polycloud.catalog.market_rows import Interruption
from polycloud.placement.build.spot import (
    COMMON,
    UNBOUNDED,
    Shape,
    fallback,
    interval,
    rate,
    stretch,
    stretched,
    together,
)


def test_a_monthly_share_becomes_a_rate_that_gives_the_share_back() -> None:
    assert rate(0.05) == pytest.approx(7.124e-5, rel=1e-3)  # -ln(0.95) / 720
    for share in (0.05, 0.2, 0.95):
        assert 1 - math.exp(-720 * rate(share)) == pytest.approx(share)


def test_youngs_interval_by_hand() -> None:
    # One interruption in 200 hours and a save of 1/4 hour: sqrt(2 * 0.25 * 200) = 10 hours, a twentieth of 200.
    assert interval(1 / 200, 0.25) == pytest.approx(10.0)


def test_dalys_interval_where_youngs_is_not_small() -> None:
    # M = 8 h, d = 1 h: Young sqrt(16) = 4, half of M. Daly: 4 (1 + sqrt(1/16)/3 + (1/16)/9) - 1 = 3.3611
    assert interval(1 / 8, 1.0) == pytest.approx(4 * (1 + 0.25 / 3 + 1 / 144) - 1)
    assert interval(1 / 8, 16.0) == 8.0  # saving takes as long as two interruptions: every M


def test_the_stretch_by_hand() -> None:
    # lambda 1/200, d 0.25, R 0.5, tau 10: 1 + 0.025 + (5 + 0.5) / 200 = 1.0525
    slow, every = stretched(1 / 200, Shape(save=0.25, restart=0.5))
    assert every == pytest.approx(10.0)
    assert slow == pytest.approx(1.0525)


def test_a_stated_interval_is_kept() -> None:
    slow, every = stretched(1 / 200, Shape(every=2.0, save=0.25, restart=0.5))
    assert every == 2.0
    assert slow == pytest.approx(1 + 0.125 + (1 + 0.5) / 200)


def test_beyond_the_first_order_dalys_exact_time_holds() -> None:
    slow, every = stretched(0.1, Shape(every=5.0, save=0.5, restart=1.0))
    assert every == 5.0
    assert slow == pytest.approx(math.exp(0.1) * (math.exp(0.55) - 1) / 0.5)
    assert slow > 1 + 0.1 + 0.1 * 3.5  # the first-order formula would say less


def test_the_best_interval_is_the_best() -> None:
    for interruptions in (1e-4, 1e-3, 1e-2, 0.2):
        shape = Shape(save=0.05, restart=0.1)
        best, every = stretched(interruptions, shape)
        for other in (every * 0.8, every * 1.25):
            assert stretched(interruptions, Shape(every=other, save=0.05, restart=0.1))[0] >= best * (1 - 1e-3)


def test_machines_of_a_gang_are_struck_together() -> None:
    one = 0.001
    assert together(one, 1) == pytest.approx(one)
    assert together(one, 8) == pytest.approx(one * (0.92 + 8 * 0.08))  # 1.56 times, not 8 times
    assert together(one, 8) < 8 * one
    assert COMMON == 0.92


def test_the_band_is_kept_and_its_upper_end_is_the_price() -> None:
    found = stretch(Interruption("s", "m", 0.05, 0.10), Shape())
    assert found.known
    assert found.rate == pytest.approx(rate(0.10))
    assert 1 < found.low < found.high


def test_an_open_band_and_an_unknown_rate_are_bounded_by_us() -> None:
    open_band = stretch(Interruption("s", "m", 0.20, None), Shape())
    unknown = stretch(None, Shape())
    assert open_band.rate == unknown.rate == pytest.approx(rate(UNBOUNDED))
    assert open_band.known
    assert not unknown.known
    assert unknown.low == 1.0
    assert unknown.high < 1.03  # caution costs a few per cent only


def test_a_deadline_leaves_part_of_the_work_on_demand() -> None:
    assert fallback(1.0, 1.2, 1.3) == 1.0  # fits
    assert fallback(1.0, 1.2, 1.1) == pytest.approx(0.5)  # half the work at 1.2 and half at 1 takes 1.1
    assert fallback(0.8, 1.2, 1.0) == 0.0  # no time for any interruption
    assert fallback(0.8, 1.0, 1.0) == 0.8
