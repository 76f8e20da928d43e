"""When a deployment is left alone, and when it is tried again."""

import pytest

from polycloud.gateway import breaker
from polycloud.gateway.breaker import Breakers, RetryBudget


@pytest.fixture
def breakers(clock):
    return Breakers(clock)


def fail(breakers, times=breaker.FAILURES_TO_OPEN):
    for _ in range(times):
        breakers.failed("d")


def test_it_opens_after_failures_in_a_row_and_not_before(breakers):
    fail(breakers, breaker.FAILURES_TO_OPEN - 1)
    assert breakers.blocked() == set()
    breakers.failed("d")
    assert breakers.blocked() == {"d"} and breakers.states() == {"d": "open"}


def test_a_success_in_between_starts_the_count_anew(breakers):
    fail(breakers, breaker.FAILURES_TO_OPEN - 1)
    breakers.succeeded("d")
    fail(breakers, breaker.FAILURES_TO_OPEN - 1)
    assert breakers.blocked() == set()


def test_it_opens_when_most_of_a_window_failed(breakers):
    for _ in range(breaker.WINDOW_CALLS_MIN):
        breakers.failed("d")
        breakers.succeeded("d")
    assert breakers.blocked() == set()
    breakers.failed("d")
    assert breakers.blocked() == {"d"}


def test_old_failures_leave_the_window(breakers, clock):
    for _ in range(breaker.WINDOW_CALLS_MIN):
        breakers.failed("d")
        breakers.succeeded("d")
    clock.now += breaker.WINDOW_SECONDS + 1
    breakers.failed("d")
    assert breakers.blocked() == set()


def test_bad_credentials_open_it_at_once(breakers):
    breakers.failed("d", open_now=True)
    assert breakers.blocked() == {"d"}


def test_half_open_lets_one_probe_through_and_its_success_closes(breakers, clock):
    fail(breakers)
    clock.now += breaker.OPEN_SECONDS
    breakers.tick()
    assert breakers.states() == {"d": "half-open"} and breakers.blocked() == set()
    breakers.launched("d")
    assert breakers.blocked() == {"d"}
    breakers.succeeded("d")
    assert breakers.blocked() == set() and breakers.states() == {}


def test_a_failed_probe_doubles_the_pause_up_to_the_bound(breakers, clock):
    fail(breakers)
    pause = breaker.OPEN_SECONDS
    for _ in range(6):
        clock.now += pause - 0.01
        breakers.tick()
        assert breakers.states() == {"d": "open"}
        clock.now += 0.02
        breakers.tick()
        breakers.launched("d")
        breakers.failed("d")
        pause = min(pause * 2, breaker.OPEN_SECONDS_MAX)
        clock.now -= 0.01
    clock.now += breaker.OPEN_SECONDS_MAX + 1
    breakers.tick()
    assert breakers.states() == {"d": "half-open"}


def test_calls_that_were_under_way_when_it_opened_do_not_stretch_the_pause(breakers, clock):
    fail(breakers, 50)
    clock.now += breaker.OPEN_SECONDS
    breakers.tick()
    assert breakers.states() == {"d": "half-open"}


def test_an_abandoned_probe_frees_its_place(breakers, clock):
    fail(breakers)
    clock.now += breaker.OPEN_SECONDS
    breakers.tick()
    breakers.launched("d")
    breakers.abandoned("d")
    assert breakers.blocked() == set() and breakers.states() == {"d": "half-open"}


def test_a_cool_down_ends_by_itself_and_counts_as_no_failure(breakers, clock):
    for _ in range(breaker.FAILURES_TO_OPEN + 1):
        breakers.cool("d", 3.0)
    assert breakers.blocked() == {"d"} and breakers.states() == {"d": "cooling"}
    assert breakers.cooling_seconds("d") == 3.0
    clock.now += 3.0
    breakers.tick()
    assert breakers.blocked() == set() and breakers.cooling_seconds("d") is None


def test_a_longer_cool_down_wins_and_all_are_bounded(breakers):
    breakers.cool("d", 20.0)
    breakers.cool("d", 1.0)
    assert breakers.cooling_seconds("d") == 20.0
    breakers.cool("d", 1e9)
    assert breakers.cooling_seconds("d") == breaker.COOL_SECONDS_MAX
    breakers.cool("e", None)
    assert breakers.cooling_seconds("e") == breaker.COOL_SECONDS


def test_a_throttled_probe_cools_and_then_probes_again(breakers, clock):
    fail(breakers)
    clock.now += breaker.OPEN_SECONDS
    breakers.tick()
    breakers.launched("d")
    breakers.cool("d", 2.0)
    assert breakers.blocked() == {"d"}
    clock.now += 2.0
    breakers.tick()
    assert breakers.blocked() == set() and breakers.states() == {"d": "half-open"}


def test_the_version_grows_with_every_change_of_who_is_blocked_and_only_then(breakers, clock):
    seen = [breakers.version]

    def grew():
        seen.append(breakers.version)
        return seen[-1] > seen[-2]

    fail(breakers, breaker.FAILURES_TO_OPEN - 1)
    assert not grew()
    breakers.failed("d")
    assert grew()
    clock.now += breaker.OPEN_SECONDS
    breakers.tick()
    assert grew()
    breakers.launched("d")
    assert grew()
    breakers.cool("d", 5.0)
    breakers.cool("d", 6.0)
    assert grew()
    breakers.cool("d", 7.0)
    assert not grew()
    clock.now += 7.0
    breakers.tick()
    assert grew()
    breakers.succeeded("d")
    assert grew()
    breakers.succeeded("d")
    assert not grew()


def test_deployments_that_left_the_estate_are_forgotten(breakers):
    fail(breakers)
    breakers.cool("e", 5.0)
    breakers.keep({"e"})
    assert breakers.blocked() == {"e"} and len(breakers) == 1
    breakers.tick()


def test_the_retry_budget_is_a_tenth_of_the_requests_and_a_little_for_the_quiet(clock):
    budget = RetryBudget(clock)
    assert [budget.take() for _ in range(11)] == [True] * 10 + [False]
    for _ in range(25):
        budget.deposit()
    assert [budget.take() for _ in range(3)] == [True, True, False]
    clock.now += 1.0
    assert [budget.take() for _ in range(3)] == [True, True, False]
    clock.now += 1e6
    assert sum(budget.take() for _ in range(1000)) == RetryBudget.MAX
