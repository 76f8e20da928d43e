"""From records to Prometheus' text, read back by its own parser."""

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from polycloud.app.control import metrics as module
from polycloud.app.control.ingest import Turn
from polycloud.app.control.metrics import Gauges, Metrics
from polycloud.app.control.windows import SPAN_SECONDS, Counts, Window
from polycloud.core.ports.state import Entry
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage


def attempt(clock, request, cloud="aws", **more):
    base = AttemptRecord(
        request=request, at_ms=int(clock.now * 1000), number=1, key="key-secret-id", team="t", asked="m",
        deployment=f"{cloud}/r/m", cloud=cloud, site=f"{cloud}/r", model="m", outcome="ok", latency_ms=200.0,
        first_token_ms=60.0, usage=Usage(100, 10, 40, 0, 5), cost_pico_usd=2_000_000_000, final=True, overhead_us=70,
    )  # fmt: skip
    return msgspec.structs.replace(base, **more)


def read(metrics):
    found = {}
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def get(found, name, **labels):
    return found[f"polycloud_{name}", tuple(sorted(labels.items()))]


def take(metrics, *records, **more):
    metrics.take(Turn(tuple(Entry(n, r) for n, r in enumerate(records)), **more))


@pytest.fixture
def metrics(clock):
    return Metrics(clock, Gauges)


def test_a_request_that_failed_over_is_counted_where_it_failed_and_where_it_went(metrics, clock):
    failed = {"outcome": "error", "code": "provider_timeout", "usage": None, "cost_pico_usd": None, "final": False}
    take(metrics, attempt(clock, "q1", **failed))
    take(metrics, attempt(clock, "q1", "gcp", number=2), attempt(clock, "q2"))
    found = read(metrics)
    assert get(found, "requests_total", team="t", model="m", cloud="gcp", outcome="ok") == 1
    assert get(found, "failover_total", from_cloud="aws", to_cloud="gcp") == 1
    code = {"outcome": "error", "code": "provider_timeout"}
    assert get(found, "attempts_total", cloud="aws", site="aws/r", deployment="aws/r/m", **code) == 1
    assert get(found, "provider_availability", cloud="aws", deployment="") == 0.5
    assert get(found, "provider_availability", cloud="gcp", deployment="gcp/r/m") == 1
    assert get(found, "provider_error_ratio", cloud="aws") == 0.5
    assert get(found, "tokens_total", cloud="aws", model="m", kind="cache_read") == 40
    assert get(found, "cost_usd_total", cloud="aws", model="m", team="t") == pytest.approx(0.002)
    assert get(found, "response_seconds_bucket", cloud="aws", le="0.25") == 1
    assert get(found, "first_token_seconds_bucket", cloud="aws", le="0.05") == 0
    assert get(found, "first_token_seconds_bucket", cloud="aws", le="0.1") == 1
    assert get(found, "request_cost_usd_count", cloud="gcp") == 1
    assert get(found, "overhead_seconds_bucket", le="8e-05") == 2
    assert b"key-secret-id" not in metrics.exposition()


def test_a_callers_mistake_is_an_error_but_not_unavailability(metrics, clock):
    take(metrics, attempt(clock, "q", outcome="error", code="provider_rejected", usage=None, cost_pico_usd=None))
    take(metrics, attempt(clock, "r", outcome="cancelled"))
    found = read(metrics)
    assert get(found, "provider_error_ratio", cloud="aws") == 1
    assert ("polycloud_provider_availability", (("cloud", "aws"), ("deployment", ""))) not in found


def test_refusals_unpriced_calls_and_the_journals_state(metrics, clock):
    refused = DecisionRecord(
        request="q", at_ms=1, key="k", team="t", asked="m", route="", classes=(), policy="p", overlay=0, chosen="",
        eligible=(), code="policy_denied",
    )  # fmt: skip
    take(metrics, refused, attempt(clock, "u", cost_pico_usd=None), faults=3, breaks=1, lost=2, lag_bytes=77)
    metrics.failed(78)
    found = read(metrics)
    assert get(found, "refused_total", team="t", code="policy_denied") == 1
    assert get(found, "unpriced_total", cloud="aws", model="m") == 1
    assert get(found, "journal_faults_total") == 2
    assert get(found, "journal_chain_breaks_total") == 1
    assert get(found, "requests_lost_total") == 2
    assert get(found, "journal_lag_bytes") == 78
    assert get(found, "ingestion_failures_total") == 1


def test_gauges_tell_the_moment(clock):
    told = Gauges(
        in_flight={"w": 3},
        connections={"w": 9},
        unrecorded={"w": 7},
        breakers={"d": 2},
        down=("x",),
        credentials_expire={"aws:e": 5.0},
        estate="v1",
        estate_refused=True,
        overlay_version=4,
        keys=6,
    )
    found = read(Metrics(clock, lambda: told))
    assert get(found, "worker_in_flight", worker="w") == 3
    assert get(found, "worker_unrecorded", worker="w") == 7
    assert get(found, "breaker_open", deployment="d") == 2
    assert get(found, "deployment_down", deployment="x") == 1
    assert get(found, "credential_expires", credential="aws:e") == 5
    assert get(found, "estate_info", version="v1") == 1
    assert (get(found, "estate_refused"), get(found, "overlay_version"), get(found, "keys")) == (1, 4, 6)


def test_requests_that_never_end_do_not_grow_memory(metrics, clock, monkeypatch):
    monkeypatch.setattr(module, "FAILED_MAX", 10)
    for n in range(50):
        take(metrics, attempt(clock, f"q{n}", outcome="error", code="provider_error", final=False))
    assert len(metrics._failed) == 10


def test_the_window_forgets_what_is_old_and_ignores_what_comes_too_late():
    window = Window()
    window.add(1000, 1000, Counts(good=1))
    window.add(1250, 1250, Counts(faulty=1, errors=1))
    assert window.sum(1250) == Counts(1, 1, 1)
    assert window.sum(1000 + SPAN_SECONDS) == Counts(0, 1, 1)
    assert window.sum(1250 + SPAN_SECONDS) == Counts()
    window.add(1000, 2000, Counts(good=5))
    assert window.sum(2000) == Counts()
    assert Counts().availability is None
    assert Counts(1, 1, 3).availability == 0.5
    assert Counts(1, 1, 3).error_ratio == 0.75
