"""What Prometheus reads at /metrics, derived from ingested records and the workers' beats.

Counters start at 0 with the control process, as Prometheus expects. Money is a float here and only
here: a graph needs no more, and the ledger keeps the exact sums. No label holds a key or a secret.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from polycloud.app.control.ingest import Turn
from polycloud.app.control.tallies import Buckets, Histogram, Tally
from polycloud.app.control.windows import STEP_SECONDS, Counts, Window
from polycloud.core.clock import Clock
from polycloud.core.money import PICO_PER_DOLLAR
from polycloud.core.ports.state import PROVIDER_FAULTS, Entry
from polycloud.core.usage import AttemptRecord, Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
OVERHEAD_SECONDS = (20e-6, 40e-6, 80e-6, 160e-6, 320e-6, 1e-3, 5e-3, 25e-3, 0.1)
DOLLARS = (1e-6, 1e-5, 1e-4, 1e-3, 5e-3, 2e-2, 5e-2, 0.25, 1, 5)
FAILED_MAX = 10_000  # requests whose failed attempt waits for the one that answers; older ones are forgotten
UNRECORDED = "Refused without a record since the worker's start: too many of one caller, or the journal not writable."
_STEP_MS = STEP_SECONDS * 1000
_KINDS = ("input", "output", "cache_read", "cache_write", "reasoning")
_Key = tuple[str, str, str, str, str, Outcome, str, bool, int]


class Gauges(msgspec.Struct, frozen=True):
    """What is true at the moment of a scrape. By worker, deployment or credential; ``breakers`` by deployment
    is how many workers hold it open."""

    in_flight: dict[str, int] = {}
    connections: dict[str, int] = {}
    unrecorded: dict[str, int] = {}
    unwritten: dict[str, int] = {}
    breakers: dict[str, int] = {}
    down: tuple[str, ...] = ()
    credentials_expire: dict[str, float] = {}
    estate: str = ""
    estate_refused: bool = False
    overlay_version: int = 0
    keys: int = 0


class _Group:
    """What the attempts of one batch that share all their labels add up to; money in pico-dollars."""

    __slots__ = ("cost", "costs", "count", "first", "priced", "response", "tokens", "told", "unpriced")

    def __init__(self, response: Buckets, first: Buckets, costs: Buckets) -> None:
        self.response, self.first, self.costs = response, first, costs
        self.count = self.told = self.priced = self.unpriced = self.cost = 0
        self.tokens = [0, 0, 0, 0, 0]


class Metrics(Collector):
    """Takes in what was ingested; ``gauges`` is asked at each scrape."""

    def __init__(self, clock: Clock, gauges: Callable[[], Gauges]) -> None:
        self._clock = clock
        self._gauges = gauges
        self._registry = CollectorRegistry()
        self._clouds: dict[str, Window] = {}
        self._deployments: dict[tuple[str, str], Window] = {}
        self._failed: dict[str, str] = {}
        self._lag = 0
        self._requests = Tally(
            "requests_total", "Requests that ended, by who asked and who answered.", "team", "model", "cloud", "outcome"
        )
        self._attempts = Tally(
            "attempts_total", "Calls of providers.", "cloud", "site", "deployment", "outcome", "code"
        )
        self._refused = Tally("refused_total", "Recorded refusals, before any provider was called.", "team", "code")
        self._failover = Tally("failover_total", "Requests that another target saved.", "from_cloud", "to_cloud")
        self._tokens = Tally("tokens_total", "Tokens, cached and reasoning ones included.", "cloud", "model", "kind")
        self._cost = Tally("cost_usd_total", "Cost of calls whose price is known.", "cloud", "model", "team")
        self._unpriced = Tally("unpriced_total", "Calls with tokens but no known price.", "cloud", "model")
        self._response = Histogram(
            "response_seconds", "From sending to the last byte of a good answer.", SECONDS, "cloud"
        )
        self._first = Histogram(
            "first_token_seconds", "From sending to the first content of a good answer.", SECONDS, "cloud"
        )
        self._request_cost = Histogram("request_cost_usd", "Cost of one call.", DOLLARS, "cloud")
        self._overhead = Histogram("overhead_seconds", "The gateway's own time on a request.", OVERHEAD_SECONDS)
        self._lost = Tally("requests_lost_total", "Requests under way when their worker died.")
        self._breaks = Tally("journal_chain_breaks_total", "Journal lines that do not name the line before them.")
        self._faults = Tally(
            "journal_faults_total", "Journal lines that could not be read or stored, and files deleted."
        )
        self._failures = Tally("ingestion_failures_total", "Times that the store or a journal could not be used.")
        self._by_cloud = self._response, self._first, self._request_cost
        self._overheads = self._overhead.of()
        self._registry.register(self)

    def exposition(self) -> bytes:
        """The text format of Prometheus."""
        return generate_latest(self._registry)

    def failed(self, lag_bytes: int) -> None:
        """The store or a journal could not be used; so much waits."""
        self._failures.add((), 1)
        self._lag = lag_bytes

    def take(self, turn: Turn) -> None:
        """Count what one turn of the ingestion brought."""
        self._lag = turn.lag_bytes
        self._breaks.add((), turn.breaks)
        self._faults.add((), turn.faults - turn.breaks)
        self._lost.add((), turn.lost)
        if turn.entries:
            self._take_entries(turn.entries)

    def _take_entries(self, entries: Iterable[Entry]) -> None:
        # Attempts that share all labels are added up first: most of a batch falls into a few groups.
        groups: dict[_Key, _Group] = {}
        for entry in entries:
            record = entry.record
            if isinstance(record, AttemptRecord):
                key: _Key = (
                    record.cloud, record.site, record.deployment, record.model, record.team, record.outcome,
                    record.code, record.final, record.at_ms // _STEP_MS,
                )  # fmt: skip
                group = groups.get(key)
                if group is None:
                    group = groups[key] = _Group(*(family.of(record.cloud) for family in self._by_cloud))
                self._take_attempt(record, group)
            elif record.code:
                self._refused.add((record.team, record.code), 1)
        now = self._clock.wall()
        for labels, group in groups.items():
            self._take_group(labels, group, now)

    def _take_attempt(self, record: AttemptRecord, group: _Group) -> None:
        group.count += 1
        usage, cost, cloud = record.usage, record.cost_pico_usd, record.cloud
        if usage is not None:
            tokens = group.tokens
            tokens[0] += usage.input_tokens
            tokens[1] += usage.output_tokens
            tokens[2] += usage.cache_read_tokens
            tokens[3] += usage.cache_write_tokens
            tokens[4] += usage.reasoning_tokens
            group.told += 1
            if cost is None:
                group.unpriced += 1
        if cost is not None:
            group.cost += cost
            group.priced += 1
            group.costs.observe(cost / PICO_PER_DOLLAR)
        if record.outcome == "ok":
            group.response.observe(record.latency_ms / 1000)
            if record.first_token_ms is not None:
                group.first.observe(record.first_token_ms / 1000)
        if record.final:
            self._overheads.observe(record.overhead_us / 1e6)
            if self._failed:
                lost = self._failed.pop(record.request, None)
                if lost is not None and record.outcome == "ok":
                    self._failover.add((lost, cloud), 1)
        elif record.outcome == "error":
            self._failed[record.request] = cloud
            if len(self._failed) > FAILED_MAX:
                del self._failed[next(iter(self._failed))]

    def _take_group(self, key: _Key, group: _Group, now: float) -> None:
        cloud, site, deployment, model, team, outcome, code, final, step = key
        self._attempts.add((cloud, site, deployment, outcome, code), group.count)
        if final:
            self._requests.add((team, model, cloud, outcome), group.count)
        if group.told:
            for kind, count in zip(_KINDS, group.tokens, strict=True):
                self._tokens.add((cloud, model, kind), count)
        if group.unpriced:
            self._unpriced.add((cloud, model), group.unpriced)
        if group.priced:
            self._cost.add((cloud, model, team), group.cost / PICO_PER_DOLLAR)
        if outcome in ("ok", "error"):
            good = group.count if outcome == "ok" else 0
            more = Counts(good, group.count if not good and code in PROVIDER_FAULTS else 0, group.count - good)
            self._clouds.setdefault(cloud, Window()).add(step * STEP_SECONDS, now, more)
            self._deployments.setdefault((cloud, deployment), Window()).add(step * STEP_SECONDS, now, more)

    def collect(self) -> Iterator[Metric]:
        """Everything counted, then the gauges, worked out at the moment of the scrape."""
        for metric in (
            self._requests, self._attempts, self._refused, self._failover, self._tokens, self._cost, self._unpriced,
            self._response, self._first, self._request_cost, self._overhead,
            self._lost, self._breaks, self._faults, self._failures,
        ):  # fmt: skip
            yield metric.family()
        yield from self._told()

    def _told(self) -> Iterator[GaugeMetricFamily]:
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
            ("worker_unrecorded", UNRECORDED, "worker", told.unrecorded),
            ("worker_journal_failing", "1 while records wait in memory for the disk.", "worker", told.unwritten),
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


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"polycloud_{name}", text, labels=labels)
