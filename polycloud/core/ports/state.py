"""What the control process asks of a store: rows as values, and one protocol for each aggregate.

Times are Unix milliseconds, money is integer pico-dollars. Every method may raise ``StoreAway``
when the store can not be reached or written; the caller keeps what it has and tries again.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from polycloud.core.errors import (
    BrokenStream,
    CloudError,
    NotFound,
    QuotaSpent,
    StateError,
    Throttled,
    TimedOut,
    Unauthorized,
    Unavailable,
)
from polycloud.core.usage import Record

PROVIDER_FAULTS = frozenset(
    kind.code
    for kind in (CloudError, Unauthorized, NotFound, Throttled, QuotaSpent, Unavailable, TimedOut, BrokenStream)
)
"""Codes that count against a provider's availability; a wrong request or a filtered one does not."""


class StoreAway(StateError):
    """The store can not be reached or written now (locked, full, gone). Nothing was changed."""

    code = "store_away"
    status = 503
    retryable = True


class KeyRow(msgspec.Struct, frozen=True):
    """A gateway key without its secret. ``expires_ms`` and ``revoked_ms`` None: not set."""

    id: str
    digest: bytes
    team: str
    name: str
    models: tuple[str, ...]
    classes: tuple[str, ...]
    requests_per_minute: int | None
    region: str
    created_ms: int
    expires_ms: int | None = None
    revoked_ms: int | None = None
    replaced_by: str = ""


class NewKey(msgspec.Struct, frozen=True):
    """What a key may do: ``models`` are patterns, ``classes`` hold every request made with it."""

    team: str
    name: str = ""
    models: tuple[str, ...] = ("*",)
    classes: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    region: str = ""
    expires_ms: int | None = None


class Keys(Protocol):
    """Gateway keys. ``version`` grows with every change, so that workers can tell old from new."""

    def create(self, wanted: NewKey, now_ms: int) -> tuple[KeyRow, str]:
        """The row and the plaintext, which exists nowhere else and is not shown again."""
        ...

    def rotate(self, id: str, overlap_ms: int, now_ms: int) -> tuple[KeyRow, str]:
        """A key with the same rights; the old one ends after ``overlap_ms``. Raises NoSuchKey, Conflict."""
        ...

    def revoke(self, id: str, now_ms: int) -> KeyRow:
        """Ends a key now. Raises NoSuchKey."""
        ...

    def all(self) -> list[KeyRow]: ...

    def in_force(self, now_ms: int) -> tuple[int, list[KeyRow]]:
        """(version, keys neither revoked nor expired), read together."""
        ...

    def expiring(self, before_ms: int, now_ms: int) -> list[KeyRow]: ...

    def touch(self) -> int:
        """Grows the version without a change of a row, when what workers are told changed otherwise."""
        ...


class NoSuchKey(StateError):
    """No key has this id."""

    code = "key_unknown"
    status = 404


class JournalFile(msgspec.Struct, frozen=True):
    """How far a worker's journal file was read. ``head`` is the SHA-256, in hex, of the last line read."""

    id: int
    name: str
    series: str
    offset: int
    head: str
    lines: int = 0
    torn: bool = False
    breaks: int = 0
    faults: int = 0
    sealed_ms: int | None = None


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One record and where its line starts. ``chained`` tells whether the line names its predecessor rightly."""

    offset: int
    record: Record
    chained: bool = True


class Fault(msgspec.Struct, frozen=True):
    """A line that could not be read, or a break in the chain: ``reason`` says which."""

    offset: int
    reason: str


class Batch(msgspec.Struct, frozen=True):
    """Lines ``start`` to ``end`` (byte offsets) of one file; written whole or not at all."""

    file: JournalFile
    end: int
    head: str
    lines: int
    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...] = ()


class Journals(Protocol):
    """How far each journal was read, moved on in the same transaction that writes its rows."""

    def open(self, name: str, series: str) -> JournalFile:
        """The file's row; made when it is new."""
        ...

    def unsealed(self) -> list[JournalFile]: ...

    def append(self, batch: Batch) -> JournalFile:
        """Writes rows and offset in one transaction. Raises Conflict when somebody else moved the offset."""
        ...

    def seal(self, file: JournalFile, torn: bool, now_ms: int) -> None:
        """Marks a file as read to its end. Raises Conflict when it was read on meanwhile."""
        ...

    def close_series(self, series: str, now_ms: int) -> int:
        """Writes one ``lost`` attempt for each request of a dead worker that has no final one; how many."""
        ...

    def unclosed(self) -> list[str]:
        """Series with a file that ``close_series`` has not seen."""
        ...

    def sealed_before(self, before_ms: int) -> list[JournalFile]: ...

    def forget(self, file: JournalFile, now_ms: int) -> None:
        """Notes that the file itself was deleted; its rows stay."""
        ...


class UsageRow(msgspec.Struct, frozen=True):
    """Sums of one group. ``unpriced`` counts attempts whose tokens have no known price: they are in no cost."""

    group: dict[str, str]
    requests: int
    attempts: int
    failed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_pico_usd: int
    unpriced: int


class Measured(msgspec.Struct, frozen=True):
    """What traffic showed of one provider ("" for all) in a window; None where nothing was measured.

    ``availability`` and ``error_ratio`` count attempts for a provider and requests for all.
    """

    cloud: str
    attempts: int
    requests: int
    availability: float | None
    error_ratio: float | None
    latency_ms_p95: float | None
    first_token_ms_p95: float | None
    overhead_us_p95: float | None
    failover_ms_p95: float | None
    failovers: int
    cost_pico_usd: int
    unpriced: int


class Promise(msgspec.Struct, frozen=True):
    """What counts as good: an answer at all, or one with its ``measure`` within ``bound_ms``.

    ``models`` and ``sites`` None: all; an empty tuple is none.
    """

    measure: Literal["availability", "error-rate", "latency", "first-token"]
    bound_ms: float | None = None
    models: tuple[str, ...] | None = None
    sites: tuple[str, ...] | None = None


class Trail(msgspec.Struct, frozen=True):
    """One request's records in the order they were written."""

    request: str
    records: tuple[Record, ...]


class Ledger(Protocol):
    """Sums and trails over what was ingested."""

    def usage(self, by: Sequence[str], since_ms: int, until_ms: int, where: dict[str, str]) -> list[UsageRow]:
        """Raises ValueError on a dimension that does not exist."""
        ...

    def measured(self, since_ms: int, until_ms: int) -> list[Measured]: ...

    def kept(self, promise: Promise, since_ms: int, until_ms: int) -> tuple[int, int]:
        """(good, all that count) of the requests in a window."""
        ...

    def trail(self, request: str) -> Trail | None: ...

    def recent(self, limit: int) -> list[Trail]: ...
