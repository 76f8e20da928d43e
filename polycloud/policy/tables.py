"""The compiled estate: flat tables that the hot path reads, and nothing else.

``Tables`` is the form that travels (msgpack); ``Compiled`` is the form that is looked up, with sets
of deployments as integer masks: bit *i* is ``tables.deployments[i]``. Who may serve a request is an
AND of masks. The prover reads the same ``Compiled``.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from polycloud.core.chat import NEED_BITS
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Upstream

Prefer = Literal["cost", "near", "order"]
Fallback = Literal["none", "same-model", "equivalent"]
WhenUnsupported = Literal["reroute", "degrade", "refuse"]


class Limits(msgspec.Struct, frozen=True):
    """Deadlines and bounds of an attempt, in seconds; ``attempts`` bounds the tries of one request."""

    connect_seconds: float = 2.0
    header_seconds: float = 60.0
    idle_seconds: float = 30.0
    total_seconds: float = 600.0
    attempts: int = 4


class Deployment(msgspec.Struct, frozen=True):
    """One model at one site. ``places`` are all site ids or country codes where a request may be processed
    (more than one for cross-region profiles). ``can`` is the set of needs that it meets."""

    id: str
    site: str
    cloud: str
    model: str
    adapter: str
    upstream: Upstream
    places: tuple[str, ...]
    can: int
    price: TokenPrice
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    quality: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    credential: str = ""
    simulated: bool = False
    price_source: str = ""


class Model(msgspec.Struct, frozen=True):
    """A public model name: its deployments (indices, in the estate's order), and its declared equivalents."""

    name: str
    deployments: tuple[int, ...]
    equivalent: tuple[str, ...] = ()
    owner: str = ""
    quality: float | None = None


class Route(msgspec.Struct, frozen=True):
    """How requests for matching names are ordered. The first route whose ``match`` fits wins.

    ``models`` empty: the asked model itself. ``at``: indices that the route allows,
    None for all (an empty tuple allows none). ``shares`` by site or deployment id, percent;
    ``failover_shares`` by the lost site's id. ``cap``: highest expected cost in micro-dollars per
    1,000 tokens. ``retry_filtered``: whether a content filter may be answered by another target.
    """

    name: str
    match: tuple[str, ...]
    models: tuple[str, ...] = ()
    at: tuple[int, ...] | None = None
    prefer: Prefer = "cost"
    shares: dict[str, float] = {}
    failover_shares: dict[str, dict[str, float]] = {}
    fallback: Fallback = "same-model"
    unsupported: WhenUnsupported = "reroute"
    data_class: str = ""
    cap_micro_usd_per_1k: int | None = None
    quality_floor: float | None = None
    retry_filtered: bool = False
    limits: Limits = Limits()


class DataClass(msgspec.Struct, frozen=True):
    """Where requests of this class may be processed: indices; ``rule`` is the sentence an error quotes."""

    name: str
    allowed: tuple[int, ...]
    rule: str
    place: str = ""


class Team(msgspec.Struct, frozen=True):
    """``models`` are patterns over public names; ``classes`` hold every request of the team."""

    name: str
    models: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    region: str = ""


class Tables(msgspec.Struct, frozen=True):
    """Everything a worker needs to know of the estate. ``version`` is the digest of the rest."""

    estate: str
    version: str
    deployments: tuple[Deployment, ...]
    models: dict[str, Model]
    aliases: dict[str, str]
    routes: tuple[Route, ...]
    classes: dict[str, DataClass]
    default_class: str
    teams: dict[str, Team]
    regions: dict[str, tuple[float, float]]
    simulated: bool = False


class Principal(msgspec.Struct, frozen=True):
    """A key as the hot path knows it: by digest only. ``expires_at`` Unix seconds, 0 for never."""

    id: str
    digest: bytes
    team: str
    models: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    region: str = ""
    expires_at: float = 0.0


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether ``name`` fits one of the shell-like ``patterns``; case counts."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def mask(indices: Iterable[int]) -> int:
    """The set of ``indices`` as an integer with those bits set."""
    found = 0
    for index in indices:
        found |= 1 << index
    return found


def bits(value: int) -> list[int]:
    """The indices of the bits set in ``value``, ascending."""
    found = []
    while value:
        low = value & -value
        found.append(low.bit_length() - 1)
        value ^= low
    return found


class Compiled:
    """``Tables`` with masks and look-ups made; immutable after construction, swapped whole."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.version = tables.version
        self.deployments = tables.deployments
        self.index = {d.id: i for i, d in enumerate(tables.deployments)}
        self.everything = (1 << len(tables.deployments)) - 1
        self.capable = tuple(
            mask(i for i, d in enumerate(tables.deployments) if d.can & (1 << bit)) for bit in range(NEED_BITS)
        )
        self.class_masks = {name: mask(row.allowed) for name, row in tables.classes.items()}
        self.model_masks = {name: mask(row.deployments) for name, row in tables.models.items()}
        self.route_masks = tuple(mask(r.at) if r.at is not None else self.everything for r in tables.routes)
        self.site_masks: dict[str, int] = {}
        for i, d in enumerate(tables.deployments):
            self.site_masks[d.site] = self.site_masks.get(d.site, 0) | 1 << i
        self.deployment_masks = {d.id: 1 << i for i, d in enumerate(tables.deployments)}
        self.dialect_masks: dict[str, int] = {}
        for i, d in enumerate(tables.deployments):
            self.dialect_masks[d.upstream.dialect] = self.dialect_masks.get(d.upstream.dialect, 0) | 1 << i
        self._routes_by_name: dict[str, int | None] = {}

    def route_of(self, asked: str) -> int | None:
        """The index of the first route that matches an asked name or what it is an alias of; None when none does."""
        if asked in self._routes_by_name:
            return self._routes_by_name[asked]
        names = {asked, self.tables.aliases.get(asked, asked)}
        found = next((i for i, r in enumerate(self.tables.routes) if any(matches(n, r.match) for n in names)), None)
        if len(self._routes_by_name) < ROUTE_CACHE_MAX:
            self._routes_by_name[asked] = found
        return found

    def allowed(self, classes: Iterable[str]) -> int:
        """Deployments that every one of ``classes`` allows. Raises KeyError for a class not in the estate."""
        found = self.everything
        for name in classes:
            found &= self.class_masks[name]
        return found


ROUTE_CACHE_MAX = 4096  # names that callers invent must not grow memory


def encode(tables: Tables) -> bytes:
    return msgspec.msgpack.encode(tables)


def decode(data: bytes) -> Tables:
    """Raises msgspec.DecodeError on bytes that are no tables of this version."""
    return msgspec.msgpack.decode(data, type=Tables)
