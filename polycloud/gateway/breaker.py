"""Circuit breakers and cool-downs: which deployments this worker leaves alone for now.

A breaker opens after ``FAILURES_TO_OPEN`` failures in a row, or when more than half of at least
``WINDOW_CALLS_MIN`` calls of the last window failed. It stays open for ``OPEN_SECONDS``, doubled each
time it opens again, then lets one call through (half-open) that decides. A cool-down is what a
provider asked for (retry-after) and counts as no failure.
"""

from collections.abc import Iterable

from polycloud.core.clock import Clock

FAILURES_TO_OPEN = 5
WINDOW_SECONDS = 10.0
WINDOW_CALLS_MIN = 20
FAILURE_RATIO_MAX = 0.5
OPEN_SECONDS = 5.0
OPEN_SECONDS_MAX = 60.0
COOL_SECONDS = 1.0  # for a provider that throttles without saying how long
COOL_SECONDS_MAX = 60.0


class Breaker:
    """The state of one deployment as seen by one worker."""

    __slots__ = ("calls", "cool_until", "failed", "failures", "open_until", "opened", "probing", "state", "window")

    def __init__(self) -> None:
        self.state = "closed"
        self.failures = 0
        self.calls = 0
        self.failed = 0
        self.window = 0.0
        self.open_until = 0.0
        self.opened = 0
        self.probing = False
        self.cool_until = 0.0


class Breakers:
    """All breakers of a worker, by deployment id, so that they live on when the tables are swapped.

    ``version`` grows whenever the set of blocked deployments may have changed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_id: dict[str, Breaker] = {}
        self.version = 0
        self._busy: set[str] = set()

    def __len__(self) -> int:
        return len(self._by_id)

    def succeeded(self, deployment: str) -> None:
        """A call ended well. The common case costs two look-ups."""
        breaker = self._by_id.get(deployment)
        if breaker is None:
            return
        self._count(breaker, failed=False)
        breaker.failures = 0
        if breaker.state != "closed":
            breaker.state, breaker.probing, breaker.opened = "closed", False, 0
            self._changed(deployment, breaker)

    def failed(self, deployment: str, *, open_now: bool = False) -> None:
        """A call failed in a way that says something about the deployment; ``open_now`` for bad credentials."""
        breaker = self._by_id.setdefault(deployment, Breaker())
        self._count(breaker, failed=True)
        breaker.failures += 1
        if breaker.state == "open" and not open_now:
            return  # a call from before it opened; many of them would else stretch the pause to its bound
        many = breaker.calls >= WINDOW_CALLS_MIN and breaker.failed > FAILURE_RATIO_MAX * breaker.calls
        if breaker.state == "half-open" or open_now or breaker.failures >= FAILURES_TO_OPEN or many:
            seconds = min(OPEN_SECONDS * 2**breaker.opened, OPEN_SECONDS_MAX)
            breaker.opened = min(breaker.opened + 1, 10)
            breaker.state, breaker.probing = "open", False
            breaker.open_until = self._clock.monotonic() + seconds
            self._changed(deployment, breaker)

    def abandoned(self, deployment: str) -> None:
        """A call ended without a verdict (the caller hung up): a probe's place is free again."""
        breaker = self._by_id.get(deployment)
        if breaker is not None and breaker.probing:
            breaker.probing = False
            self._changed(deployment, breaker)

    def cool(self, deployment: str, seconds: float | None) -> None:
        """Leave the deployment alone as its provider asked, within bounds."""
        breaker = self._by_id.setdefault(deployment, Breaker())
        wait = COOL_SECONDS if seconds is None else min(max(seconds, 0.0), COOL_SECONDS_MAX)
        was = breaker.cool_until > 0.0 and not breaker.probing
        breaker.cool_until = max(breaker.cool_until, self._clock.monotonic() + wait)
        breaker.probing = False
        if not was:  # a storm of throttled calls changes nothing after the first
            self._changed(deployment, breaker)

    def launched(self, deployment: str) -> None:
        """A call starts; in the half-open state it is the probe, and no other may follow."""
        breaker = self._by_id.get(deployment)
        if breaker is not None and breaker.state == "half-open" and not breaker.probing:
            breaker.probing = True
            self._changed(deployment, breaker)

    def tick(self) -> None:
        """Let time act: open breakers half-open, cool-downs end."""
        now = self._clock.monotonic()
        for deployment in list(self._busy):
            breaker = self._by_id[deployment]
            if breaker.state == "open" and now >= breaker.open_until:
                breaker.state = "half-open"
                self._changed(deployment, breaker)
            if breaker.cool_until and now >= breaker.cool_until:
                breaker.cool_until = 0.0
                self._changed(deployment, breaker)

    def blocked(self) -> set[str]:
        """Deployments that take no call now."""
        return {
            name for name in self._busy if (b := self._by_id[name]).state == "open" or b.probing or b.cool_until > 0.0
        }

    def cooling(self) -> set[str]:
        """Of the blocked, those that only cool: their provider throttled, and nothing else is wrong with them."""
        return {
            name
            for name in self._busy
            if (b := self._by_id[name]).cool_until > 0.0 and b.state != "open" and not b.probing
        }

    def paused(self) -> set[str]:
        """Of the blocked, those whose provider asked for a pause, whatever else is wrong with them."""
        return {name for name in self._busy if self._by_id[name].cool_until > 0.0}

    def cooling_seconds(self, deployment: str) -> float | None:
        """How long a throttled deployment still cools, None when it does not."""
        breaker = self._by_id.get(deployment)
        if breaker is None or breaker.cool_until == 0.0:
            return None
        return max(breaker.cool_until - self._clock.monotonic(), 0.0)

    def cooled_in(self, deployments: Iterable[str]) -> float | None:
        """Seconds until the first of ``deployments`` has cooled, None when none of them cools."""
        known = (self.cooling_seconds(deployment) for deployment in deployments)
        return min((seconds for seconds in known if seconds is not None), default=None)

    def open_seconds(self, deployments: Iterable[str]) -> float | None:
        """Seconds until the first of ``deployments`` whose breaker is open lets a call through, None when all are
        closed."""
        now = self._clock.monotonic()
        found = (b for name in self._busy.intersection(deployments) if (b := self._by_id[name]).state == "open")
        return min((max(b.open_until - now, 0.0) for b in found), default=None)

    def states(self) -> dict[str, str]:
        """For people: what is not simply closed."""
        return {
            name: "cooling" if b.state == "closed" and b.cool_until else b.state
            for name in sorted(self._busy)
            if (b := self._by_id[name]).state != "closed" or b.cool_until
        }

    def keep(self, deployments: set[str]) -> None:
        """Forget deployments that are no longer in the estate."""
        for name in self._by_id.keys() - deployments:
            del self._by_id[name]
            self._busy.discard(name)

    def _count(self, breaker: Breaker, *, failed: bool) -> None:
        now = self._clock.monotonic()
        if now - breaker.window > WINDOW_SECONDS:
            breaker.window, breaker.calls, breaker.failed = now, 0, 0
        breaker.calls += 1
        breaker.failed += failed

    def _changed(self, deployment: str, breaker: Breaker) -> None:
        self.version += 1
        if breaker.state == "closed" and not breaker.cool_until:
            self._busy.discard(deployment)
        else:
            self._busy.add(deployment)


class RetryBudget:
    """Retries of the same deployment: a tenth of the requests, and a few a second for a quiet worker.

    After Finagle's retry budget: each request deposits ``RATIO``, each retry takes one.
    """

    RATIO = 0.1
    FLOOR_PER_SECOND = 2.0
    MAX = 100.0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens = 10.0
        self._at = clock.monotonic()

    def deposit(self) -> None:
        self._tokens = min(self._tokens + self.RATIO, self.MAX)

    def take(self) -> bool:
        now = self._clock.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self.FLOOR_PER_SECOND, self.MAX)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True
