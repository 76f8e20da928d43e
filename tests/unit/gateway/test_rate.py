"""Rates of keys and teams: exact, shared by all workers of a machine, and safe against what a file may hold."""

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
