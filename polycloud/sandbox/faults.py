"""Faults on demand: which requests they hit, how often and for how long."""

import random
from fnmatch import fnmatchcase
from typing import Literal, get_args

import msgspec

from polycloud.core.clock import Clock
from polycloud.sandbox.spec import SiteSpec

FAULTS_MAX = 256  # in force at once; every request looks at each
Kind = Literal[
    "outage",
    "reset",
    "throttle",
    "quota",
    "http_error",
    "content_filter",
    "context_too_long",
    "unauthorized",
    "slow_first",
    "slow_tokens",
    "silence",
    "silence_mid_stream",
    "cut",
    "broken_frame",
    "error_in_stream",
    "wrong_content_type",
    "bad_json",
]
KINDS: tuple[str, ...] = get_args(Kind)
BEFORE = frozenset({"throttle", "quota", "http_error", "content_filter", "context_too_long", "unauthorized"})
STREAM_ONLY = frozenset({"silence_mid_stream", "broken_frame", "error_in_stream", "slow_tokens"})


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes wrong, for whom.

    ``cloud``, ``site``, ``model`` and ``key`` are shell patterns; all must fit. Kinds:

    - ``outage``: the whole site refuses connections and resets those it has (``model`` and ``key`` must be ``*``);
      ``reset``: a matching request's connection is reset;
    - ``throttle`` (``retry_after_seconds``), ``quota``, ``unauthorized``, ``content_filter``, ``context_too_long``,
      ``http_error`` (``status``): the provider's own error body;
    - ``slow_first``: ``seconds`` before the answer begins; ``slow_tokens``: ``seconds`` for each token of a stream;
    - ``silence``: accepted, never answered; ``silence_mid_stream``: a stream stops after ``after_events``, stays open;
    - ``cut``: the connection closes after ``after_events``, a whole body comes short of its content-length;
    - ``broken_frame``, ``error_in_stream``: after ``after_events`` of a stream;
    - ``wrong_content_type``: an HTML page with status 200; ``bad_json``: a whole body that is not JSON, in a stream a
      broken frame.

    ``count`` hits the first n matching requests; ``probability`` draws from the sandbox's seed;
    ``duration_seconds`` ends it by itself.
    """

    kind: Kind
    cloud: str = "*"
    site: str = "*"
    model: str = "*"
    key: str = "*"
    status: int = 500
    seconds: float = 1.0
    after_events: int = 3
    retry_after_seconds: float = 1.0
    count: int | None = None
    probability: float = 1.0
    duration_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.kind == "outage" and (self.model, self.key) != ("*", "*"):
            raise ValueError("an outage hits a whole site; use `reset` for one model or key")
        if self.kind == "outage" and (self.count is not None or self.probability != 1.0):
            raise ValueError("an outage has no count or probability; use `reset` or `duration_seconds`")
        if not 400 <= self.status <= 599:
            raise ValueError("`status` must be 400 to 599")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("`probability` must be 0 to 1")
        if self.count is not None and self.count < 1:
            raise ValueError("`count` must be at least 1")
        if min(self.seconds, self.after_events, self.retry_after_seconds, self.duration_seconds or 0) < 0:
            raise ValueError("times and counts can not be negative")

    def hits_site(self, site: SiteSpec) -> bool:
        """Whether ``cloud`` and ``site`` fit."""
        return fnmatchcase(site.cloud, self.cloud) and fnmatchcase(site.site, self.site)


class Active(msgspec.Struct):
    """A fault in force; ``until`` in monotonic seconds."""

    id: str
    fault: Fault
    hits: int = 0
    until: float | None = None


class Faults:
    """The faults of one sandbox, in the order in which they were set: the first that fits a request hits it."""

    def __init__(self, seed: int, clock: Clock) -> None:
        self._chance = random.Random(seed)  # noqa: S311  (deterministic on purpose)
        self._clock = clock
        self._active: dict[str, Active] = {}
        self._made = 0

    def add(self, fault: Fault) -> Active:
        """Raises ValueError when there are too many."""
        self._expire()
        if len(self._active) >= FAULTS_MAX:
            raise ValueError(f"{FAULTS_MAX} faults are in force already; remove some")
        self._made += 1
        until = None if fault.duration_seconds is None else self._clock.monotonic() + fault.duration_seconds
        active = Active(f"fault-{self._made}", fault, until=until)
        self._active[active.id] = active
        return active

    def remove(self, fault_id: str) -> bool:
        return self._active.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._active.clear()

    def list(self) -> list[Active]:
        self._expire()
        return list(self._active.values())

    def outage(self, site: SiteSpec) -> bool:
        """Whether ``site`` should refuse connections now."""
        if not self._active:
            return False
        self._expire()
        return any(a.fault.kind == "outage" and a.fault.hits_site(site) for a in self._active.values())

    def hit(self, site: SiteSpec, model: str, key: str, stream: bool) -> Fault | None:
        """The fault that this request meets, counted."""
        if not self._active:
            return None
        self._expire()
        for active in self._active.values():
            fault = active.fault
            if fault.kind == "outage" or not fault.hits_site(site):
                continue
            if not (fnmatchcase(model, fault.model) and fnmatchcase(key, fault.key)):
                continue
            if fault.kind in STREAM_ONLY and not stream:
                continue
            if fault.count is not None and active.hits >= fault.count:
                continue
            if fault.probability < 1.0 and self._chance.random() >= fault.probability:
                continue
            active.hits += 1
            return fault
        return None

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for fault_id in [a.id for a in self._active.values() if a.until is not None and a.until <= now]:
            del self._active[fault_id]
