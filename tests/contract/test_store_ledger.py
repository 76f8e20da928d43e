"""What any store must do with journals and the sums over them."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from polycloud.core.errors import Conflict
from polycloud.core.ports.state import Batch, Entry, Fault, Promise
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage
from polycloud.store import Store
from polycloud.store.engine import reading
from polycloud.store.journals import _unfinished
from polycloud.store.ledger import exact_sum
from polycloud.store.schema import attempts

NOW = 1_800_000_000_000


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "state.db")
    yield opened
    opened.close()


def decision(request, chosen="aws/us-east-1/m", **more):
    base = {
        "at_ms": NOW,
        "key": "k1",
        "team": "search",
        "asked": "m",
        "route": "r",
        "classes": ("eu",),
        "policy": "p1",
        "overlay": 3,
        "eligible": ("aws/us-east-1/m", "gcp/europe-west1/m"),
        "refused": {"x": "residency"},
        "expected_pico_usd": 12,
        "face": "openai_chat",
        "code": "",
        "trace": "0af7651916cd43dd8448eb211c80319c",
    }
    return DecisionRecord(request=request, chosen=chosen, **(base | more))


def attempt(request, number=1, cloud="aws", **more):
    base = {
        "at_ms": NOW,
        "key": "k1",
        "team": "search",
        "asked": "m",
        "deployment": f"{cloud}/r/m",
        "cloud": cloud,
        "site": f"{cloud}/r",
        "model": "m",
        "outcome": "ok",
        "status": 200,
        "latency_ms": 10.0,
        "usage": Usage(100, 20, 50, 5, 3),
        "cost_pico_usd": 7,
        "final": True,
    }
    return AttemptRecord(request=request, number=number, **(base | more))


def write(store, *records, name="w-000000.jsonl", series="w", faults=()):
    file = store.journals.open(name, series)
    entries = tuple(Entry(file.offset + n, record) for n, record in enumerate(records))
    return store.journals.append(
        Batch(file, file.offset + len(records) + len(faults), "h", len(records), entries, tuple(faults))
    )


def test_records_come_back_as_they_went_in(store):
    records = (
        decision("q1"),
        attempt(
            "q1", outcome="error", code="provider_unavailable", status=503, usage=None, cost_pico_usd=None, final=False
        ),
        attempt(
            "q1",
            2,
            "gcp",
            first_token_ms=4.5,
            streamed=True,
            equivalent=True,
            degraded=("seed",),
            reported_region="europe-west1",
            provider_request="abc",
            policy="p1",
            overhead_us=80,
            estimated=True,
        ),
    )
    write(store, *records)
    assert store.ledger.trail("q1").records == records
    assert store.ledger.trail("q2") is None
    assert [trail.request for trail in store.ledger.recent(5)] == ["q1"]


def test_rows_and_offset_move_together_and_only_once(store):
    file = store.journals.open("w-000000.jsonl", "w")
    batch = Batch(file, 100, "h1", 1, (Entry(0, attempt("q1")),))
    moved = store.journals.append(batch)
    assert (moved.offset, moved.head, moved.lines) == (100, "h1", 1)
    with pytest.raises(Conflict, match="read on by another"):
        store.journals.append(batch)
    assert store.ledger.usage((), 0, 2 * NOW, {})[0].attempts == 1
    assert store.journals.open("w-000000.jsonl", "w") == moved


def test_a_number_that_fits_no_column_becomes_a_fault_and_holds_nothing_up(store):
    moved = write(store, attempt("q1"), attempt("q2", usage=Usage(input_tokens=2**70)), attempt("q3"))
    assert moved.faults == 1
    assert store.ledger.trail("q2") is None
    assert store.ledger.usage((), 0, 2 * NOW, {})[0].attempts == 2


def test_the_newest_requests_of_all_workers_come_first(store):
    write(store, decision("a", at_ms=NOW), decision("d", at_ms=NOW + 3), name="v-000000.jsonl", series="v")
    write(store, decision("b", at_ms=NOW + 1), decision("c", at_ms=NOW + 1), name="w-000000.jsonl")
    assert [trail.request for trail in store.ledger.recent(3)] == ["d", "c", "b"]


def test_a_dead_worker_of_many_leaves_the_others_requests_alone(store):
    for name in ("v-000000.jsonl", "w-000000.jsonl", "w-000001.jsonl", "x-000000.jsonl"):
        write(store, decision(name), name=name, series=name[0])
    assert store.journals.close_series("w", NOW) == 2
    assert [len(store.ledger.trail(f"{name}.jsonl").records) for name in ("v-000000", "x-000000")] == [1, 1]
    assert [r.number for r in store.ledger.trail("w-000001.jsonl").records[1:]] == [1]


def test_each_question_has_its_index(store):
    write(store, decision("q1"), attempt("q1"))
    questions = {
        "SELECT * FROM attempts WHERE request = 'q1'": "ix_attempts_request",
        "SELECT sum(cost_pico_usd) FROM attempts WHERE at_ms >= 1 AND at_ms < 2 AND team = 't'": "ix_attempts_at_ms",
        "SELECT * FROM decisions WHERE request = 'q1'": "ix_decisions_request",
        "SELECT request FROM decisions ORDER BY at_ms DESC, id DESC LIMIT 5": "ix_decisions_at_ms",
        str(_unfinished("w").compile(compile_kwargs={"literal_binds": True})): "SEARCH decisions USING INTEGER PRIMARY",
    }
    with reading(store._engine) as connection:
        for question, index in questions.items():
            plan = " ".join(row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {question}"))
            assert index in plan, plan
            assert "TEMP B-TREE" not in plan


def test_breaks_and_faults_are_counted_and_rows_marked(store):
    file = store.journals.open("w-000000.jsonl", "w")
    moved = store.journals.append(
        Batch(file, 9, "h", 2, (Entry(0, attempt("q1"), chained=False),), (Fault(5, "not JSON"),))
    )
    assert (moved.breaks, moved.faults, moved.lines) == (1, 1, 2)


def test_a_sealed_file_takes_no_more_rows(store):
    file = write(store, attempt("q1"))
    store.journals.seal(file, torn=True, now_ms=NOW)
    assert store.journals.unsealed() == []
    with pytest.raises(Conflict):
        write(store, attempt("q2"))
    with pytest.raises(Conflict):
        store.journals.seal(file, torn=False, now_ms=NOW)
    (sealed,) = store.journals.sealed_before(NOW + 1)
    assert sealed.torn
    assert store.journals.sealed_before(NOW) == []
    store.journals.forget(sealed, NOW + 1)
    assert store.journals.sealed_before(NOW + 1) == []
    assert store.ledger.trail("q1") is not None


def test_a_dead_worker_leaves_one_lost_attempt_for_each_unfinished_request(store):
    write(
        store,
        decision("done"),
        attempt("done"),
        decision("cut"),
        decision("half"),
        attempt("half", outcome="error", final=False),
        decision("refused", chosen=""),
    )
    write(store, decision("over"), name="w-000000.jsonl")
    write(store, attempt("over"), name="w-000001.jsonl")  # the answer came after the journal was rotated
    write(store, decision("other"), name="v-000000.jsonl", series="v")
    assert sorted(store.journals.unclosed()) == ["v", "w"]
    assert store.journals.close_series("w", NOW + 5) == 2
    assert store.journals.close_series("w", NOW + 6) == 0
    assert store.journals.unclosed() == ["v"]
    (_, lost) = store.ledger.trail("cut").records
    assert (lost.outcome, lost.number, lost.final, lost.site, lost.model) == ("lost", 1, True, "aws/us-east-1", "m")
    assert lost.cost_pico_usd is None
    assert lost.at_ms == NOW + 5
    half = store.ledger.trail("half").records
    assert [(r.number, r.outcome, r.deployment) for r in half[1:]] == [(1, "error", "aws/r/m"), (2, "lost", "")]
    assert len(store.ledger.trail("over").records) == 2
    assert len(store.ledger.trail("refused").records) == 1
    assert len(store.ledger.trail("other").records) == 1


def test_usage_sums_by_any_dimension_in_a_window(store):
    write(
        store,
        attempt("q1"),
        attempt("q2", cloud="gcp", team="ads", cost_pico_usd=None),
        attempt("q3", outcome="error", usage=None, cost_pico_usd=None, final=False),
        attempt("q3", 2, cloud="gcp"),
        attempt("old", at_ms=NOW - 100),
    )
    rows = {row.group["cloud"]: row for row in store.ledger.usage(("cloud",), NOW, NOW + 1, {})}
    aws, gcp = rows["aws"], rows["gcp"]
    assert (aws.requests, aws.attempts, aws.failed, aws.cost_pico_usd, aws.unpriced) == (1, 2, 1, 7, 0)
    assert (gcp.requests, gcp.attempts, gcp.cost_pico_usd, gcp.unpriced) == (2, 2, 7, 1)
    assert (gcp.input_tokens, gcp.output_tokens, gcp.cache_read_tokens) == (200, 40, 100)
    assert (gcp.cache_write_tokens, gcp.reasoning_tokens) == (10, 6)
    by_both = store.ledger.usage(("team", "cloud"), NOW, NOW + 1, {"team": "ads"})
    assert [(row.group, row.requests) for row in by_both] == [({"team": "ads", "cloud": "gcp"}, 1)]
    assert store.ledger.usage((), NOW + 1, NOW + 2, {}) == []
    with pytest.raises(ValueError, match="'shoe'"):
        store.ledger.usage(("shoe",), 0, 1, {})


def test_money_adds_up_beyond_64_bits(store):
    dear = 2**63 - 1
    write(store, *(attempt(f"q{n}", cost_pico_usd=dear - n) for n in range(5)))
    (row,) = store.ledger.usage((), 0, 2 * NOW, {})
    assert row.cost_pico_usd == sum(dear - n for n in range(5)) > 2**63
    assert store.ledger.measured(0, 2 * NOW)[0].cost_pico_usd == row.cost_pico_usd


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(costs=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=8))
def test_money_adds_up_for_any_costs(store, costs):
    with store.journals._engine.begin() as connection:
        connection.execute(attempts.delete())
    write(store, *(attempt(f"q{n}", cost_pico_usd=cost) for n, cost in enumerate(costs)))
    (row,) = store.ledger.usage((), 0, 2 * NOW, {})
    assert row.cost_pico_usd == sum(costs)


def test_an_empty_sum_is_zero():
    assert exact_sum(None, None) == 0


def test_measured_counts_provider_faults_and_not_the_callers_mistakes(store):
    faults = {"outcome": "error", "usage": None, "cost_pico_usd": None}
    write(
        store,
        *(attempt(f"ok{n}", latency_ms=float(n), first_token_ms=n / 2, overhead_us=n) for n in range(1, 101)),
        attempt("f1", code="provider_unavailable", final=False, latency_ms=30.0, **faults),
        attempt("f1", 2, "gcp", latency_ms=5.0),
        attempt("f2", code="provider_rejected", status=400, **faults),
        attempt("f3", code="provider_timeout", **faults),
        attempt("gone", outcome="cancelled"),
    )
    overall, aws, gcp = store.ledger.measured(NOW, NOW + 1)
    assert overall.cloud == ""
    assert aws.availability == 100 / 102
    assert aws.error_ratio == 3 / 103
    assert aws.latency_ms_p95 == 95.0
    assert aws.first_token_ms_p95 == 47.5
    assert (overall.requests, overall.attempts) == (104, 105)
    assert overall.availability == 101 / 102
    assert overall.error_ratio == 2 / 103
    assert overall.overhead_us_p95 == 95
    assert (overall.failovers, overall.failover_ms_p95) == (1, 30.0)
    assert gcp.availability == 1.0
    assert gcp.latency_ms_p95 == 5.0


def test_a_window_is_read_once_and_not_sorted_for_each_provider(store):
    write(store, *(attempt(f"q{n}", cloud=f"c{n % 4}", latency_ms=123.456) for n in range(20)))
    asked = []
    event.listen(store._engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    overall, *clouds = store.ledger.measured(NOW, NOW + 1)
    assert [c.cloud for c in clouds] == ["c0", "c1", "c2", "c3"]
    assert overall.latency_ms_p95 == pytest.approx(123.456, rel=0.005)
    (query,) = (text for text in asked if not text.startswith("BEGIN"))
    with store._engine.connect() as connection:
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (0, 1))]
    # the index gives the order; only the attempts of one millisecond ("right part", "last term") are sorted
    assert "USE TEMP B-TREE FOR ORDER BY" not in steps, steps


def test_a_promise_is_kept_by_the_share_of_good_answers(store):
    faults = {"outcome": "error", "usage": None, "cost_pico_usd": None}
    write(
        store,
        *(attempt(f"ok{n}", latency_ms=float(n), first_token_ms=n / 2) for n in range(1, 11)),
        attempt("other", cloud="gcp", latency_ms=500.0),
        attempt("f1", code="provider_timeout", **faults),
        attempt("f2", code="provider_rejected", **faults),
    )
    window = (NOW, NOW + 1)
    assert store.ledger.kept(Promise("availability"), *window) == (11, 12)
    assert store.ledger.kept(Promise("error-rate"), *window) == (11, 13)
    assert store.ledger.kept(Promise("latency", 7.0), *window) == (7, 11)
    assert store.ledger.kept(Promise("first-token", 2.0), *window) == (4, 10)
    assert store.ledger.kept(Promise("latency", 7.0, sites=("gcp/r",)), *window) == (0, 1)
    assert store.ledger.kept(Promise("availability", models=("none",)), *window) == (0, 0)


def test_nothing_measured_is_said_as_nothing(store):
    (overall,) = store.ledger.measured(0, NOW)
    assert overall.availability is overall.error_ratio is overall.latency_ms_p95 is overall.failover_ms_p95 is None
    assert overall.requests == 0
