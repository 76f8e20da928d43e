"""What one worker holds between requests: tables, keys, credentials, health, connections, the journal."""

import asyncio
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from polycloud.core.clock import Clock
from polycloud.core.errors import GatewayUnavailable, JournalUnwritable, PolycloudError
from polycloud.core.ids import IdSource
from polycloud.core.ports.models import Credential
from polycloud.gateway.breaker import Breakers, RetryBudget
from polycloud.gateway.client import Pool
from polycloud.gateway.explain import Explanation
from polycloud.gateway.journal import Journal
from polycloud.gateway.keys import Keyring
from polycloud.gateway.rate import Rates
from polycloud.gateway.refusals import Refusals
from polycloud.gateway.routes import Candidate, View
from polycloud.gateway.shares import Turns
from polycloud.gateway.targets import Generation
from polycloud.policy.overlay import Overlay
from polycloud.policy.tables import Deployment, Principal, Team

RATED_KEPT_MAX = 4096  # keys whose rates are kept as the limiter wants them; then all are made anew
JITTER = 0.25  # retries of many callers must not come back at the same moment


class Watched(Protocol):
    """A request under way."""

    def check(self, now: float) -> None: ...

    def stop(self) -> None:
        """The worker ends now: answer, and leave the record."""
        ...

    def steered(self) -> None:
        """The overlay has changed."""
        ...


class Gateway:
    """The state that exchanges share. Everything replaceable is replaced whole, between two turns of the loop."""

    def __init__(self, worker: str, directory: Path, clock: Clock, loop: asyncio.AbstractEventLoop, seed: int) -> None:
        self.clock = clock
        self.loop = loop
        self.ids = IdSource("req-")
        self.journal = Journal(directory / "journal", worker, loop)
        self.rates = Rates(directory / "rates", clock)
        self.refusals = Refusals(clock)
        self.pool = Pool(loop)
        self.breakers = Breakers(clock)
        self.budget = RetryBudget(clock)
        self.turns = Turns()
        self.keys = Keyring()
        self.credentials: Mapping[str, Credential] = {}
        self.overlay = Overlay()
        self.down: frozenset[str] = frozenset()
        self.exchanges: set[Watched] = set()
        self.explanations: dict[str, Explanation] = {}
        self.requests = 0
        self.unrecorded = 0
        self.draining = False
        self._generation: Generation | None = None
        self._last_resort: View | None = None
        self._rated: dict[tuple[str, int | None, str, int | None], dict[str, int]] = {}
        self._breakers_seen = -1
        self._random = random.Random(seed)  # noqa: S311 - spreads retries, guards nothing

    @property
    def ready(self) -> bool:
        return self._generation is not None

    @property
    def generation(self) -> Generation:
        """The tables in force, with a view of what can be used now. Raises GatewayUnavailable before the first ones."""
        found = self._generation
        if found is None:
            raise GatewayUnavailable("the gateway has not received its tables yet; try again in a second")
        if self._breakers_seen != self.breakers.version:
            self.look()
        return found

    def take(self, generation: Generation) -> None:
        """Serve by new tables from the next request on; requests under way keep the old ones."""
        self._generation = generation
        deployments = generation.compiled.deployments
        self.breakers.keep({d.id for d in deployments})
        named = {d.credential for d in deployments}
        self.credentials = {name: c for name, c in self.credentials.items() if name in named}
        self.look()

    def look(self) -> None:
        """Take in the overlay, active health and the breakers."""
        self._breakers_seen = self.breakers.version
        self._last_resort = None
        if self._generation is not None:
            self._generation.look(self.overlay, self.down, self.breakers.blocked(), self.breakers.cooling())

    def last_resort(self) -> View:
        """The view for a request that would be refused because nothing can be used."""
        if self._last_resort is None:
            self._last_resort = self.generation.last_resort(self.overlay, self.breakers.paused())
        return self._last_resort

    def authenticate(self, headers: Mapping[bytes, bytes]) -> Principal:
        return self.keys.find(headers, self.clock)

    def steer(self, overlay: Overlay) -> None:
        """Follow a new overlay: from the next request on, and where something has failed, with those under way."""
        self.overlay = overlay
        self.look()
        for exchange in list(self.exchanges):
            exchange.steered()

    def admit(self, principal: Principal, team: Team) -> None:
        """Take one request of the rates of key and team. Raises RateLimited."""
        kind = (principal.id, principal.requests_per_minute, team.name, team.requests_per_minute)
        wanted = self._rated.get(kind)
        if wanted is None:
            if len(self._rated) >= RATED_KEPT_MAX:
                self._rated.clear()
            named = {
                f"key {principal.id}": principal.requests_per_minute,
                f"team {team.name}": team.requests_per_minute,
            }
            wanted = self._rated[kind] = {subject: rate for subject, rate in named.items() if rate}
        if wanted:
            self.rates.admit(wanted)

    def recorded(self, error: PolycloudError, principal: Principal) -> bool:
        """Whether a refusal leaves a record, else it is counted. What is refused because records can not be written
        leaves none: it would fill the memory."""
        if not isinstance(error, JournalUnwritable) and self.refusals.take(principal.id):
            return True
        self.unrecorded += 1
        return False

    def declared_failed(self, row: Deployment) -> str:
        """The site or deployment by whose entry in the overlay ``row`` has failed; "" when it has not."""
        for name, entries in ((row.site, self.overlay.sites), (row.id, self.overlay.deployments)):
            steer = entries.get(name)
            if steer is not None and steer.state == "failed":
                return name
        return ""

    def steered_away(self, generation: Generation, candidate: Candidate, *, last_resort: bool = False) -> bool:
        """Whether the overlay, or an active check, has moved traffic off this target since the request was routed."""
        row = generation.compiled.deployments[candidate.index]
        for steer in (self.overlay.sites.get(row.site), self.overlay.deployments.get(row.id)):
            if steer is not None and steer.state != "serving":
                return True
        return row.id in self.down and not last_resort

    def jitter(self) -> float:
        return 1.0 + JITTER * (self._random.random() * 2.0 - 1.0)
