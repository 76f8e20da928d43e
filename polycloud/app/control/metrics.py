"""What Prometheus reads at /metrics, derived from ingested records and the workers' beats.

Counters start at 0 with the control process, as Prometheus expects. Money is a float here and only
here: a graph needs no more, and the ledger keeps the exact sums. No label holds a key or a secret.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from polycloud.app.control.ingest import Turn
from polycloud.app.control.windows import Counts, Window
from polycloud.core.clock import Clock
from polycloud.core.money import PICO_PER_DOLLAR
from polycloud.core.ports.state import PROVIDER_FAULTS, Entry
from polycloud.core.usage import AttemptRecord, Usage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
OVERHEAD_SECONDS = (20e-6, 40e-6, 80e-6, 160e-6, 320e-6, 1e-3, 5e-3, 25e-3, 0.1)
DOLLARS = (1e-6, 1e-5, 1e-4, 1e-3, 5e-3, 2e-2, 5e-2, 0.25, 1, 5)
FAILED_MAX = 10_000  # requests whose failed attempt waits for the one that answers; older ones are forgotten


class Gauges(msgspec.Struct, frozen=True):
    """What is true at the moment of a scrape. By worker, deployment or credential; ``breakers`` by deployment
    is how many workers hold it open."""

    in_flight: dict[str, int] = {}
    connections: dict[str, int] = {}
    breakers: dict[str, int] = {}
    down: tuple[str, ...] = ()
    credentials_expire: dict[str, float] = {}
    estate: str = ""
    estate_refused: bool = False
    overlay_version: int = 0
    keys: int = 0


class Metrics(Collector):
    """Takes in what was ingested; ``gauges`` is asked at each scrape."""

    def __init__(self, clock: Clock, gauges: Callable[[], Gauges]) -> None:
        self._clock = clock
        self._gauges = gauges
        self._registry = registry = CollectorRegistry()
        self._clouds: dict[str, Window] = {}
        self._deployments: dict[tuple[str, str], Window] = {}
        self._failed: dict[str, str] = {}
        self._lag = 0

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"polycloud_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"polycloud_{name}", text, labels, buckets=buckets, registry=registry)

        self._requests = counter(
            "requests_total", "Requests that ended, by who asked and who answered.", "team", "model", "cloud", "outcome"
        )
        self._attempts = counter(
            "attempts_total", "Calls of providers.", "cloud", "site", "deployment", "outcome", "code"
        )
        self._refused = counter("refused_total", "Requests refused before any provider was called.", "team", "code")
        self._failover = counter("failover_total", "Requests that another target saved.", "from_cloud", "to_cloud")
        self._tokens = counter("tokens_total", "Tokens, cached and reasoning ones included.", "cloud", "model", "kind")
        self._cost = counter("cost_usd_total", "Cost of calls whose price is known.", "cloud", "model", "team")
        self._unpriced = counter("unpriced_total", "Calls with tokens but no known price.", "cloud", "model")
        self._response = histogram("response_seconds", "From sending to the last byte.", SECONDS, "cloud")
        self._first = histogram("first_token_seconds", "From sending to the first content.", SECONDS, "cloud")
        self._request_cost = histogram("request_cost_usd", "Cost of one call.", DOLLARS, "cloud")
        self._overhead = histogram("overhead_seconds", "The gateway's own time on a request.", OVERHEAD_SECONDS)
        self._lost = counter("requests_lost_total", "Requests under way when their worker died.")
        self._breaks = counter("journal_chain_breaks_total", "Journal lines that do not name the line before them.")
        self._faults = counter("journal_faults_total", "Journal lines that could not be read or stored.")
        self._failures = counter("ingestion_failures_total", "Times that the store or a journal could not be used.")
        registry.register(self)

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self._registry)

    def failed(self) -> None:
        """The store or a journal could not be used."""
        self._failures.inc()

    def take(self, turn: Turn) -> None:
        """Count what one turn of the ingestion brought."""
        self._lag = turn.lag_bytes
        self._breaks.inc(turn.breaks)
        self._faults.inc(turn.faults - turn.breaks)
        self._lost.inc(turn.lost)
        if turn.entries:
            self._take_entries(turn.entries)

    def _take_entries(self, entries: Iterable[Entry]) -> None:
        # Counted per batch first: a label's look-up costs more than a record.
        tally: Tally[tuple[Counter, tuple[str, ...]]] = Tally()
        windows: Tally[tuple[str, str, int, int]] = Tally()
        for entry in entries:
            record = entry.record
            if isinstance(record, AttemptRecord):
                self._take_attempt(record, tally)
                verdict = _verdict(record)
                if verdict:
                    windows[record.cloud, record.deployment, record.at_ms // 1000, verdict] += 1
            elif record.code:
                tally[self._refused, (record.team, record.code)] += 1
        for (metric, labels), count in tally.items():
            metric.labels(*labels).inc(count)
        now = self._clock.wall()
        for (cloud, deployment, second, verdict), count in windows.items():
            more = Counts(*(count if verdict & bit else 0 for bit in (_GOOD, _FAULTY, _ERROR)))
            self._clouds.setdefault(cloud, Window()).add(second, now, more)
            self._deployments.setdefault((cloud, deployment), Window()).add(second, now, more)

    def _take_attempt(self, record: AttemptRecord, tally: "Tally[tuple[Counter, tuple[str, ...]]]") -> None:
        cloud, model = record.cloud, record.model
        tally[self._attempts, (cloud, record.site, record.deployment, record.outcome, record.code)] += 1
        if record.final:
            tally[self._requests, (record.team, model, cloud, record.outcome)] += 1
            self._overhead.observe(record.overhead_us / 1e6)
            lost = self._failed.pop(record.request, None)
            if lost is not None and record.outcome == "ok":
                tally[self._failover, (lost, cloud)] += 1
        elif record.outcome == "error":
            self._failed[record.request] = cloud
            if len(self._failed) > FAILED_MAX:
                del self._failed[next(iter(self._failed))]
        if record.usage is not None:
            for name in Usage.__struct_fields__:
                tally[self._tokens, (cloud, model, name.removesuffix("_tokens"))] += getattr(record.usage, name)
            if record.cost_pico_usd is None:
                tally[self._unpriced, (cloud, model)] += 1
        if record.cost_pico_usd is not None:
            dollars = record.cost_pico_usd / PICO_PER_DOLLAR
            self._cost.labels(cloud, model, record.team).inc(dollars)
            self._request_cost.labels(cloud).observe(dollars)
        if record.outcome == "ok":
            self._response.labels(cloud).observe(record.latency_ms / 1000)
            if record.first_token_ms is not None:
                self._first.labels(cloud).observe(record.first_token_ms / 1000)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, worked out at the moment of the scrape."""
        now, told = self._clock.wall(), self._gauges()
        available = _gauge("provider_availability", "Share of good answers, last 5 min.", "cloud", "deployment")
        errors = _gauge("provider_error_ratio", "Share of calls that ended in an error, last 5 min.", "cloud")
        for cloud, window in sorted(self._clouds.items()):
            counts = window.sum(now)
            if counts.availability is not None:
                available.add_metric((cloud, ""), counts.availability)
            if counts.error_ratio is not None:
                errors.add_metric((cloud,), counts.error_ratio)
        for (cloud, deployment), window in sorted(self._deployments.items()):
            share = window.sum(now).availability
            if share is not None:
                available.add_metric((cloud, deployment), share)
        yield available
        yield errors
        for name, text, label, values in (
            ("worker_in_flight", "Requests under way.", "worker", told.in_flight),
            ("worker_connections", "Callers connected.", "worker", told.connections),
            ("breaker_open", "Workers that keep away from it.", "deployment", told.breakers),
            ("deployment_down", "Unreachable for health checks.", "deployment", dict.fromkeys(told.down, 1)),
            ("credential_expires", "When it ends, Unix seconds; 0: never.", "credential", told.credentials_expire),
            ("estate_info", "The version in force.", "version", {told.estate: 1} if told.estate else {}),
        ):
            family = _gauge(name, text, label)
            for key, value in values.items():
                family.add_metric((key,), value)
            yield family
        for name, text, value in (
            (
                "estate_refused",
                "1 while the estate's files hold an error and the last good one serves.",
                told.estate_refused,
            ),
            ("overlay_version", "The version of the site overlay.", told.overlay_version),
            ("keys", "Keys in force.", told.keys),
            ("journal_lag_bytes", "Journal bytes that are not in the store yet.", self._lag),
        ):
            yield GaugeMetricFamily(f"polycloud_{name}", text, value=float(value))


_GOOD, _FAULTY, _ERROR = 1, 2, 4


def _verdict(record: AttemptRecord) -> int:
    if record.outcome == "ok":
        return _GOOD
    if record.outcome != "error":
        return 0
    return _ERROR | (_FAULTY if record.code in PROVIDER_FAULTS else 0)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"polycloud_{name}", text, labels=labels)
