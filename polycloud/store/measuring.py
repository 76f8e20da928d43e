"""What traffic showed of each provider, in one pass over a window's attempts and in bounded memory.

A busy hour has a million attempts; to sort them once for each quantile and provider would take the
control process minutes. Values are therefore counted by their first three digits: a quantile is exact to
half a percent, whatever the window.
"""

from collections import Counter
from math import ceil

from sqlalchemy import Connection, select

from polycloud.core.ports.state import PROVIDER_FAULTS, Measured
from polycloud.store.schema import attempts

ROWS = 2000  # fetched at a time
FAILED_MAX = 10_000  # requests whose failed attempts wait for the one that answers; older ones are forgotten
_QUANTILE = 0.95
_COLUMNS = (
    "request", "cloud", "number", "outcome", "code", "final", "latency_ms", "first_token_ms", "overhead_us",
    "input_tokens", "cost_pico_usd",
)  # fmt: skip


class _Values:
    """How often each value came, by its first three digits."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, value: float) -> None:
        self._counts[f"{value:.3g}"] += 1

    def merge(self, other: "_Values") -> None:
        self._counts.update(other._counts)

    def p95(self) -> float | None:
        """The smallest value that at least 95 % of the values do not exceed."""
        left = ceil(self._counts.total() * _QUANTILE)
        for value, count in sorted((float(text), count) for text, count in self._counts.items()):
            left -= count
            if left <= 0:
                return value
        return None


class _Seen:
    """One provider. ``ends`` counts attempts by outcome, whether the provider was at fault, and ``final``."""

    def __init__(self) -> None:
        self.ends: Counter[tuple[str, bool, bool]] = Counter()
        self.latency, self.first, self.overhead, self.failover = _Values(), _Values(), _Values(), _Values()
        self.cost = self.unpriced = self.failovers = 0

    def merge(self, other: "_Seen") -> None:
        self.ends.update(other.ends)
        for mine, more in zip(self._values(), other._values(), strict=True):
            mine.merge(more)
        self.cost += other.cost
        self.unpriced += other.unpriced
        self.failovers += other.failovers

    def _values(self) -> tuple[_Values, ...]:
        return self.latency, self.first, self.overhead, self.failover

    def told(self, cloud: str) -> Measured:
        """Of a provider every attempt is judged, of all together ("") only what requests ended in."""
        judged = [(outcome, fault, n) for (outcome, fault, final), n in self.ends.items() if cloud or final]
        good = sum(n for outcome, _, n in judged if outcome == "ok")
        errors = sum(n for outcome, _, n in judged if outcome == "error")
        faulty = sum(n for _, fault, n in judged if fault)
        return Measured(
            cloud=cloud,
            attempts=self.ends.total(),
            requests=sum(n for (_, _, final), n in self.ends.items() if final),
            availability=good / (good + faulty) if good + faulty else None,
            error_ratio=errors / (good + errors) if good + errors else None,
            latency_ms_p95=self.latency.p95(),
            first_token_ms_p95=self.first.p95(),
            overhead_us_p95=self.overhead.p95(),
            failover_ms_p95=self.failover.p95(),
            failovers=self.failovers,
            cost_pico_usd=self.cost,
            unpriced=self.unpriced,
        )


def measure(connection: Connection, since_ms: int, until_ms: int) -> list[Measured]:
    """All providers together, then each by name."""
    clouds: dict[str, _Seen] = {}
    failed: dict[str, float] = {}
    query = (
        select(*(attempts.c[name] for name in _COLUMNS))
        .where(attempts.c.at_ms >= since_ms, attempts.c.at_ms < until_ms)
        .order_by(attempts.c.at_ms, attempts.c.number)  # of one millisecond, the one that failed first
    )
    rows = connection.execute(query, execution_options={"yield_per": ROWS})
    for request, cloud, number, outcome, code, final, latency, first, overhead, tokens, cost in rows:
        seen = clouds.get(cloud) or clouds.setdefault(cloud, _Seen())
        seen.ends[outcome, outcome == "error" and code in PROVIDER_FAULTS, final] += 1
        if cost is not None:
            seen.cost += cost
        elif tokens is not None:
            seen.unpriced += 1
        if outcome == "ok":
            seen.latency.add(latency)
            if first is not None:
                seen.first.add(first)
            if final:
                seen.overhead.add(overhead)
        if not final:
            failed[request] = failed.get(request, 0.0) + latency
            if len(failed) > FAILED_MAX:
                del failed[next(iter(failed))]
        elif number > 1 and (lost := failed.pop(request, None)) is not None and outcome == "ok":
            seen.failovers += 1
            seen.failover.add(lost)
    overall = _Seen()
    for seen in clouds.values():
        overall.merge(seen)
    return [overall.told(""), *(clouds[cloud].told(cloud) for cloud in sorted(clouds) if cloud)]
