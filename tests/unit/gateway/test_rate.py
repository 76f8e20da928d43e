"""Rates of keys and teams: exact, shared by all workers of a machine, and safe against what a file may hold."""

import random
import subprocess
import sys
from subprocess import PIPE

import pytest

from polycloud.core.clock import SystemClock
from polycloud.core.errors import RateLimited
from polycloud.gateway import rate
from polycloud.gateway.rate import Rates


@pytest.fixture
def rates(tmp_path, clock):
    found = Rates(tmp_path / "rates", clock)
    yield found
    found.close()


def admitted(rates, subject, per_minute, tries):
    count = 0
    for _ in range(tries):
        try:
            rates.admit({subject: per_minute})
        except RateLimited:
            continue
        count += 1
    return count


@pytest.mark.parametrize(("per_minute", "burst"), [(60, 10), (600, 100), (7, 1), (1, 1), (6, 1)])
def test_a_burst_is_ten_seconds_of_the_rate_and_at_least_one(rates, per_minute, burst):
    assert admitted(rates, "key a", per_minute, 300) == burst


@pytest.mark.parametrize("per_minute", [1, 7, 60, 600])
def test_over_time_exactly_the_rate_passes(rates, clock, per_minute):
    burst = admitted(rates, "key a", per_minute, 300)
    count = 0
    for _ in range(4000):
        clock.now += 0.15
        count += admitted(rates, "key a", per_minute, 2)
    assert abs(count - 10 * per_minute) <= 1, (count, burst)


def test_the_refusal_says_when_the_next_is_due_and_it_is(rates, clock):
    admitted(rates, "key a", 30, 100)
    with pytest.raises(RateLimited, match="key a may send 30 requests a minute") as caught:
        rates.admit({"key a": 30})
    wait = caught.value.retry_after_seconds
    clock.now += wait - 0.01
    assert admitted(rates, "key a", 30, 1) == 0
    clock.now += 0.01
    assert admitted(rates, "key a", 30, 1) == 1


def test_subjects_do_not_share_and_names_of_keys_and_teams_differ(rates):
    assert admitted(rates, "key a", 60, 100) == 10
    assert admitted(rates, "team a", 60, 100) == 10


def test_two_workers_share_one_allowance(tmp_path, clock):
    first, second = Rates(tmp_path / "rates", clock), Rates(tmp_path / "rates", clock)
    assert sum(admitted(r, "key a", 60, 4) for r in (first, second, first)) == 10
    first.close()
    second.close()


ASK = """
import pathlib, sys
from polycloud.core.clock import SystemClock
from polycloud.core.errors import RateLimited
from polycloud.gateway.rate import Rates
rates, count = Rates(pathlib.Path(sys.argv[1]), SystemClock()), 0
sys.stdin.readline()
for _ in range(2000):
    try:
        rates.admit({"key a": 600, "team a": 6000})
        count += 1
    except RateLimited:
        pass
print(count)
"""


def test_processes_at_once_lose_no_update(tmp_path):
    processes = [
        subprocess.Popen([sys.executable, "-c", ASK, str(tmp_path / "rates")], stdin=PIPE, stdout=PIPE, text=True)
        for _ in range(3)
    ]
    start = SystemClock().monotonic()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    total = sum(int(process.communicate(timeout=60)[0]) for process in processes)
    passed = SystemClock().monotonic() - start
    assert 100 <= total <= 101 + 10 * passed


def test_one_refusal_takes_nothing_from_the_others(rates):
    assert admitted(rates, "team a", 6, 1) == 1
    for _ in range(5):
        with pytest.raises(RateLimited, match="team a"):
            rates.admit({"key a": 60, "team a": 6})
    assert admitted(rates, "key a", 60, 100) == 10


def test_a_time_from_before_the_last_start_or_a_slower_rate_locks_nobody_out(rates, clock):
    assert admitted(rates, "key a", 1, 5) == 1
    assert admitted(rates, "key a", 600, 5) == 1
    clock.now += 0.1
    assert admitted(rates, "key a", 600, 5) == 1
    clock.now = 5.0  # the machine started again: its monotonic clock did, too
    assert admitted(rates, "key a", 600, 5) == 1
    clock.now += 1.0
    assert admitted(rates, "key a", 600, 20) == 10


@pytest.mark.parametrize(("old", "new"), [(1200, 6000), (6000, 1200), (4799, 4800), (6, 6000), (1, 600)])
def test_workers_that_know_different_rates_pass_no_more_than_the_higher_one(tmp_path, clock, old, new):
    before, after = Rates(tmp_path / "rates", clock), Rates(tmp_path / "rates", clock)
    passed = sum(admitted(r, "key a", rate, 1) for _ in range(3000) for r, rate in ((before, old), (after, new)))
    assert passed <= max(old, new) * rate.BURST_SECONDS / 60 + 1
    before.close()
    after.close()


def test_a_slot_that_holds_no_number_limits_all_the_same(rates, clock):
    admitted(rates, "key a", 6000, 100)
    offset = rates._offsets["key a"]
    rate._SLOT.pack_into(rates._map, offset, rate._SLOT.unpack_from(rates._map, offset)[0], float("nan"))
    clock.now += 1.0
    assert 900 <= admitted(rates, "key a", 6000, 3000) <= 1000


def test_the_file_is_whole_on_disk_before_it_is_mapped(rates, tmp_path):
    found = (tmp_path / "rates").stat()
    assert found.st_size == rate.SLOTS * 16 and found.st_blocks * 512 >= found.st_size
    assert found.st_mode & 0o077 == 0


def test_a_full_neighbourhood_shares_a_slot_and_is_only_stricter(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(rate, "SLOTS", 2)
    rates = Rates(tmp_path / "rates", clock)
    assert sum(admitted(rates, f"key {n}", 60, 20) for n in range(12)) == 20
    rates.close()


def test_of_two_that_share_a_slot_the_stricter_holds(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(rate, "SLOTS", 1)
    rates = Rates(tmp_path / "rates", clock)
    for wanted in ({"key a": 6, "team a": 600}, {"team a": 600, "key a": 6}):
        clock.now += 100
        rates.admit(wanted)
        with pytest.raises(RateLimited):
            rates.admit(wanted)
    rates.close()


@pytest.fixture
def locks(monkeypatch):
    """How often the shared file was locked."""
    taken = []
    lockf = rate.fcntl.lockf
    monkeypatch.setattr(rate.fcntl, "lockf", lambda fd, kind, *where: (taken.append(kind), lockf(fd, kind, *where)))
    return taken


def test_a_busy_worker_takes_many_permits_under_one_lock(rates, clock, locks):
    for _ in range(2000):
        clock.now += 0.0005
        rates.admit({"key a": 600_000, "team a": 600_000})
    assert locks.count(rate.fcntl.LOCK_EX) < 2000 / 8


@pytest.mark.parametrize("per_minute", [600, 4799])
def test_a_slow_rate_is_taken_one_by_one(rates, clock, locks, per_minute):
    for _ in range(50):
        clock.now += 0.001
        rates.admit({"key a": per_minute})
    assert locks.count(rate.fcntl.LOCK_EX) == 50


def test_a_worker_that_rests_takes_one_permit_at_a_time(rates, clock, locks):
    for _ in range(20):
        clock.now += rate.LEASE_SECONDS
        rates.admit({"key a": 600_000})
    assert locks.count(rate.fcntl.LOCK_EX) == 20


@pytest.mark.parametrize("seed", range(4))
def test_no_span_of_time_sees_more_than_its_limit_with_leases_kept_as_long_as_may_be(tmp_path, clock, seed):
    chance = random.Random(seed)
    workers = [Rates(tmp_path / "rates", clock) for _ in range(3)]
    per_minute, times = 6000, []
    for _ in range(30_000):
        clock.now += chance.choice((0.0, 0.0, 0.0005, 0.001)) if chance.random() < 0.999 else chance.choice((0.09, 4.0))
        try:
            chance.choice(workers).admit({"key a": per_minute})
        except RateLimited:
            continue
        times.append(clock.now)
    interval = 60 / per_minute
    # Of a span from the i-th to the j-th: j - i + 1 requests cost at most the span and the burst.
    least = float("inf")
    for number, at in enumerate(times):
        least = min(least, at - number * interval)
        assert (number + 1) * interval - at + least <= rate.BURST_SECONDS + 1e-5
    assert len(times) > 1500
    for worker in workers:
        worker.close()


def test_a_permit_is_not_used_after_its_time(rates, clock, locks):
    for _ in range(400):
        clock.now += 0.0005
        rates.admit({"key a": 600_000})
    held = rates._leases["key a"].left
    assert held
    clock.now += rate.LEASE_SECONDS
    taken = locks.count(rate.fcntl.LOCK_EX)
    rates.admit({"key a": 600_000})
    assert locks.count(rate.fcntl.LOCK_EX) == taken + 1


def test_a_refusal_spends_no_permit_of_the_others_lease(rates, clock):
    for _ in range(400):
        clock.now += 0.0005
        rates.admit({"key a": 600_000})
    held = rates._leases["key a"].left
    assert held and admitted(rates, "team a", 6, 1) == 1
    with pytest.raises(RateLimited, match="team a"):
        rates.admit({"key a": 600_000, "team a": 6})
    assert rates._leases["key a"].left == held


def test_subjects_beyond_the_bound_are_forgotten_and_still_limited(rates, monkeypatch):
    monkeypatch.setattr(rate, "LEASES_KEPT_MAX", 3)
    for n in range(10):
        assert admitted(rates, f"key {n}", 60, 20) == 10
    assert len(rates._leases) <= 3 and admitted(rates, "key 0", 60, 1) == 0
