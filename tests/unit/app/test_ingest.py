"""From journal files to rows: exactly once, whatever is torn, changed, rotated or killed."""

import asyncio
import fcntl
import hashlib
import logging
import random
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import msgspec
import pytest

from polycloud.app.control import ingest
from polycloud.app.control.ingest import Ingestion, series_of
from polycloud.app.control.log import Log
from polycloud.core.clock import SystemClock
from polycloud.core.ports.state import StoreAway
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage
from polycloud.gateway.journal import Journal
from polycloud.store import Store

NOW = 1_800_000_000_000
NOBODY = frozenset()


class HandClock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def wall(self):
        return self.now

    def monotonic(self):
        return self.now


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "journal"
    made.mkdir()
    return made


@pytest.fixture
def ingestion(directory, store, clock):
    return Ingestion(directory, store.journals, clock, Log(logging.getLogger("polycloud.test")))


def decision(request):
    return DecisionRecord(
        request=request, at_ms=NOW, key="k", team="t", asked="m", route="r", classes=(), policy="p", overlay=0,
        chosen="aws/r/m", eligible=("aws/r/m",),
    )  # fmt: skip


def attempt(request, **more):
    return AttemptRecord(
        request=request, at_ms=NOW, number=1, key="k", team="t", asked="m", deployment="aws/r/m", cloud="aws",
        site="aws/r", model="m", outcome="ok", usage=Usage(10, 5), cost_pico_usd=3, final=True, **more,
    )  # fmt: skip


def lines(records, head="0" * 64):
    made = b""
    for record in records:
        line = msgspec.json.encode({"h": head, "r": record})
        head = hashlib.sha256(line).hexdigest()
        made += line + b"\n"
    return made


def count(store):
    rows = store.ledger.usage((), 0, 2 * NOW, {})
    return rows[0].attempts if rows else 0


def drain(ingestion, linked=NOBODY):
    turns = [ingestion.turn(linked)]
    while turns[-1].more:
        turns.append(ingestion.turn(linked))
    return turns


def test_names_tell_series_and_rotation():
    assert series_of("w1-65a-000002.jsonl") == ("w1-65a", 2)
    assert series_of("w1.jsonl") == ("w1", 0)
    assert series_of("w-1.jsonl") == ("w-1", 0)


def test_what_a_worker_writes_is_read_once(directory, store, ingestion):
    loop = asyncio.new_event_loop()
    journal = Journal(directory, "w1", loop)
    for n in range(7):
        journal.add(decision(f"q{n}"))
        journal.add(attempt(f"q{n}"))
    loop.run_until_complete(asyncio.sleep(0.001))  # the journal writes after the next turn
    turns = drain(ingestion, frozenset({"w1"}))
    assert sum(len(t.entries) for t in turns) == 14
    assert drain(ingestion, frozenset({"w1"}))[0].entries == ()
    journal.add(attempt("q8"))
    loop.run_until_complete(asyncio.sleep(0.001))
    (turn,) = ingestion.turn(frozenset({"w1"})).entries
    assert turn.chained
    assert count(store) == 8
    journal.close()
    loop.close()


def test_a_torn_line_waits_for_its_end_and_is_sealed_with_its_worker(directory, store, ingestion, clock):
    data = lines([attempt("q1"), attempt("q2")])
    path = directory / "w-000000.jsonl"
    path.write_bytes(data[:-10])
    linked = frozenset({"w"})
    drain(ingestion, linked)
    assert count(store) == 1
    path.write_bytes(data)
    drain(ingestion, linked)
    assert count(store) == 2
    with path.open("ab") as out:
        out.write(b'{"h":"torn')
    drain(ingestion, linked)
    assert [f.sealed_ms for f in store.journals.unsealed()] == [None]
    drain(ingestion)  # the link is gone; the worker may still write
    assert len(store.journals.unsealed()) == 1
    clock.now += ingest.QUIET_SECONDS + 1
    drain(ingestion)
    assert store.journals.unsealed() == []
    (sealed,) = store.journals.sealed_before(2 * NOW)
    assert (sealed.torn, sealed.offset, sealed.lines) == (True, len(data), 2)
    assert path.read_bytes().endswith(b"torn")


def test_a_changed_line_breaks_the_chain_and_is_marked_not_lost(directory, store, ingestion):
    data = lines([attempt(f"q{n}") for n in range(4)]).replace(b'"q1"', b'"qX"')
    (directory / "w-000000.jsonl").write_bytes(data)
    turn = ingestion.turn(frozenset({"w"}))
    assert turn.breaks == 1
    assert [e.chained for e in turn.entries] == [True, True, False, True]
    assert count(store) == 4
    (file,) = store.journals.unsealed()
    assert file.breaks == 1


def test_a_removed_line_breaks_the_chain(directory, ingestion):
    kept = lines([attempt(f"q{n}") for n in range(4)]).splitlines(keepends=True)
    (directory / "w-000000.jsonl").write_bytes(b"".join(kept[:1] + kept[2:]))
    assert ingestion.turn(frozenset({"w"})).breaks == 1


def test_a_line_that_is_no_record_is_a_fault_and_the_rest_is_read(directory, store, ingestion):
    good = lines([attempt("q1")])
    bad = b'{"h":"x","r":{"kind":"attempt","request":7}}'
    after = lines([attempt("q2")], hashlib.sha256(bad).hexdigest())
    (directory / "w-000000.jsonl").write_bytes(good + bad + b"\n" + after)
    turn = ingestion.turn(frozenset({"w"}))
    assert (len(turn.entries), turn.faults, turn.breaks) == (2, 1, 0)
    assert count(store) == 2


def test_batches_are_bounded_and_many_files_take_turns(directory, store, ingestion, monkeypatch):
    monkeypatch.setattr(ingest, "LINES_MAX", 10)
    for worker in ("a", "b"):
        (directory / f"{worker}-000000.jsonl").write_bytes(lines([attempt(f"{worker}{n}") for n in range(25)]))
    turns = drain(ingestion, frozenset({"a", "b"}))
    assert [len(t.entries) for t in turns] == [20, 20, 10]
    assert [t.lag_bytes > 0 for t in turns] == [True, True, False]
    assert count(store) == 50


def test_a_line_longer_than_a_read_is_read_whole(directory, store, ingestion, monkeypatch):
    monkeypatch.setattr(ingest, "READ_BYTES", 100)
    (directory / "w-000000.jsonl").write_bytes(lines([attempt("q1"), attempt("q2")]))
    drain(ingestion, frozenset({"w"}))
    assert count(store) == 2


def test_rotation_seals_the_old_file_and_a_request_may_span_both(directory, store, ingestion, clock):
    (directory / "w-000000.jsonl").write_bytes(lines([decision("q1"), decision("q2")]))
    (directory / "w-000001.jsonl").write_bytes(lines([attempt("q1")]))
    drain(ingestion, frozenset({"w"}))
    assert [f.name for f in store.journals.unsealed()] == ["w-000001.jsonl"]
    drain(ingestion)
    clock.now += ingest.QUIET_SECONDS + 1
    assert sum(t.lost for t in drain(ingestion)) == 1
    assert [r.outcome for r in store.ledger.trail("q2").records[1:]] == ["lost"]
    assert len(store.ledger.trail("q1").records) == 2
    assert sum(t.lost for t in drain(ingestion)) == 0


def test_a_locked_journal_is_alive_however_silent(directory, store, ingestion, clock):
    path = directory / "w-000000.jsonl"
    path.write_bytes(lines([decision("q1")]))
    with path.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        for _ in range(3):
            drain(ingestion)
            clock.now += ingest.QUIET_SECONDS + 1
        assert len(store.journals.unsealed()) == 1
    drain(ingestion)
    clock.now += ingest.QUIET_SECONDS + 1
    assert drain(ingestion)[0].lost == 1


def test_a_restarted_control_process_closes_what_died_meanwhile(directory, store, clock):
    (directory / "w-000000.jsonl").write_bytes(lines([decision("q1")]))
    log = Log(logging.getLogger("polycloud.test"))
    drain(Ingestion(directory, store.journals, clock, log), frozenset({"w"}))
    again = Ingestion(directory, store.journals, clock, log)
    drain(again)
    clock.now += ingest.QUIET_SECONDS + 1
    assert drain(again)[0].lost == 1
    third = Ingestion(directory, store.journals, clock, log)
    drain(third)
    clock.now += ingest.QUIET_SECONDS + 1
    assert drain(third)[0].lost == 0


def test_a_journal_that_somebody_deleted_is_sealed_as_far_as_it_was_read(directory, store, ingestion, clock):
    path = directory / "w-000000.jsonl"
    path.write_bytes(lines([decision("q1")]))
    drain(ingestion, frozenset({"w"}))
    path.unlink()
    assert [t.faults for t in drain(ingestion)] == [1]  # told, once
    assert [t.faults for t in drain(ingestion)] == [0]
    assert store.journals.unsealed() == []
    assert store.ledger.trail("q1").records[-1].outcome == "lost"


def test_sealed_files_are_kept_a_week_and_their_rows_for_good(directory, store, ingestion, clock):
    path = directory / "w-000000.jsonl"
    path.write_bytes(lines([attempt("q1")]))
    drain(ingestion)
    clock.now += ingest.QUIET_SECONDS + 1
    drain(ingestion)
    clock.now += ingest.KEEP_SECONDS - 60
    drain(ingestion)
    assert path.exists()
    clock.now += ingest.SWEEP_SECONDS
    drain(ingestion)
    assert not path.exists()
    assert count(store) == 1
    assert store.journals.sealed_before(2 * NOW) == []


def test_while_the_store_is_locked_nothing_is_lost_and_then_it_goes_on(directory, store, clock, monkeypatch):
    path = directory / "w-000000.jsonl"
    path.write_bytes(lines([attempt(f"q{n}") for n in range(3)]))
    ingestion = Ingestion(directory, store.journals, clock, Log(logging.getLogger("polycloud.test")))
    real, failures = store.journals.append, []

    def away(batch):
        if len(failures) < 3:
            raise StoreAway("the store can not be written: database is locked")
        return real(batch)

    monkeypatch.setattr(store.journals, "append", away)
    monkeypatch.setattr(ingest, "BACKOFF_SECONDS", (0.001, 0.002))

    async def main():
        stop, seen = asyncio.Event(), []

        def done(turn):
            seen.extend(turn.entries)
            if len(seen) == 3:
                stop.set()

        await ingestion.run(lambda: frozenset({"w"}), done, failures.append, stop)
        return seen

    assert len(asyncio.run(main())) == 3
    assert failures == [path.stat().st_size] * 3  # what waits is told while the store is away
    assert count(store) == 3


INGESTER = """
    import logging, sys, pathlib
    from polycloud.app.control import ingest
    from polycloud.app.control.ingest import Ingestion
    from polycloud.app.control.log import Log
    from polycloud.core.clock import SystemClock
    from polycloud.store import Store
    ingest.LINES_MAX = 17
    base = pathlib.Path(sys.argv[1])
    store = Store(base / "state.db")
    follow = Ingestion(base / "journal", store.journals, SystemClock(), Log(logging.getLogger("x")))
    print("on", flush=True)
    while True:
        follow.turn(frozenset({"w"}))
"""


def test_kill_9_in_the_middle_loses_no_line_and_doubles_none(tmp_path, directory, store):
    chance = random.Random(7)
    records = [r for n in range(2000) for r in (decision(f"q{n}"), attempt(f"q{n}"))]
    (directory / "w-000000.jsonl").write_bytes(lines(records))
    script = textwrap.dedent(INGESTER)
    kills = 0
    for _ in range(6):
        with subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.15))
            process.send_signal(signal.SIGKILL)
        kills += 0 < count(store) < 2000
    assert kills, "no kill came in the middle: the test would prove nothing"
    drain(Ingestion(directory, store.journals, SystemClock(), Log(logging.getLogger("x"))), frozenset({"w"}))
    with sqlite3.connect(tmp_path / "state.db") as raw:
        found = raw.execute("SELECT request FROM attempts ORDER BY id").fetchall()
        decided = raw.execute("SELECT request FROM decisions ORDER BY id").fetchall()
    raw.close()
    assert found == decided == [(f"q{n}",) for n in range(2000)]
    (file,) = store.journals.unsealed()
    assert (file.lines, file.breaks, file.faults) == (4000, 0, 0)
