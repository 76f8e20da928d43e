"""What the admin API and the sandbox answer, as types. Decoding holds an answer to them: a field that is missing or of
another kind is an error, one that only a newer instance knows is left out.

Times that end in ``_ms`` are Unix milliseconds, ``cost_usd`` and ``expected_usd`` exact decimal text.
"""

from typing import Literal, Required, TypedDict

StateName = Literal["serving", "draining", "failed"]
FaultKind = Literal[
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


class EstateFacts(TypedDict):
    """The estate in force. ``simulated``: no deployment of it is real. ``kept``: what was in force before the control
    process began, as it found files that it refuses."""

    name: str
    version: str
    since_ms: int
    paths_proved: int
    simulated: bool
    warnings: list[str]
    kept: bool


class EstateAnswer(EstateFacts):
    """``config`` is the whole file, all layers merged, without secrets."""

    config: dict[str, object]


class RefusedEstate(TypedDict):
    """Why the files as they are now are not in force; "" when they are."""

    message: str
    findings: list[str]


class Steering(TypedDict, total=False):
    """Of one site or deployment; what is absent is as usual."""

    state: StateName
    share: float | None
    reason: str
    by: str


class SteeringChange(TypedDict):
    """One entry of the overlay's history."""

    version: int
    at_ms: int
    kind: str
    target: str
    state: StateName
    share: float | None
    reason: str
    by: str


class OverlayFacts(TypedDict):
    """The site overlay: sites and deployments that are not simply serving."""

    version: int
    sites: dict[str, Steering]
    deployments: dict[str, Steering]


class OverlayAnswer(OverlayFacts):
    """The site overlay with its latest changes."""

    history: list[SteeringChange]


class SteerAnswer(OverlayFacts):
    """The new overlay, how many workers there are, and by worker what keeps those that do not follow."""

    workers: int
    late: dict[str, str]


class TargetRow(TypedDict):
    """One promise beside what was measured. ``kept`` None: nothing was measured; ``note`` says why."""

    name: str
    measure: str
    target: str
    measured: str
    kept: bool | None
    over: str
    note: str


class MeasuredRow(TypedDict):
    """What traffic showed of one provider, "" for all."""

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
    unpriced: int
    cost_usd: str


class BeatRow(TypedDict):
    """What a worker told last. ``breakers`` that are not closed, by deployment."""

    type: str
    worker: str
    in_flight: int
    connections: int
    breakers: dict[str, str]
    requests: int
    unrecorded: int
    unwritten: str


class WorkerRow(TypedDict):
    """One worker. ``applied`` and ``errors`` are by kind of what it was sent; an error ``journal``: records wait."""

    worker: str
    pid: int
    applied: dict[str, str]
    errors: dict[str, str]
    beat: BeatRow | None


class CredentialRow(TypedDict):
    """What may be said of one credential. ``expires_at`` in Unix seconds, 0 when it does not end."""

    name: str
    kind: str
    version: int
    expires_at: float
    problem: str


class StatusAnswer(TypedDict):
    """The instance as it is now. ``estate`` None: none is in force; ``down`` are deployments."""

    estate: EstateFacts | None
    refused: RefusedEstate
    ready: bool
    overlay: OverlayFacts
    targets: list[TargetRow]
    window_seconds: float
    measured: list[MeasuredRow]
    workers: list[WorkerRow]
    down: list[str]
    credentials: list[CredentialRow]
    demo_key: str


class UsageSums(TypedDict):
    """Sums of one group. ``unpriced`` attempts have tokens without a known price, so they are in no cost."""

    group: dict[str, str]
    requests: int
    attempts: int
    failed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    unpriced: int
    cost_usd: str | None


class UsageAnswer(TypedDict):
    """Sums by ``by``, from ``since_ms`` until ``until_ms``."""

    by: list[str]
    since_ms: int
    until_ms: int
    rows: list[UsageSums]


class KeyFacts(TypedDict):
    """A gateway key without its secret. ``state``: in force, revoked or expired."""

    id: str
    team: str
    name: str
    models: list[str]
    classes: list[str]
    requests_per_minute: int | None
    region: str
    created_ms: int
    expires_ms: int | None
    revoked_ms: int | None
    replaced_by: str
    state: str


class NewKeyAnswer(KeyFacts):
    """``key`` is the secret text, which is not shown again."""

    key: str


class KeysAnswer(TypedDict):
    """All gateway keys."""

    keys: list[KeyFacts]


class SpreadFacts(TypedDict):
    """How many workers there are, and by worker what keeps those that do not follow."""

    workers: int
    late: dict[str, str]


class ReloadAnswer(TypedDict):
    """``changed`` False: the files say what was in force already."""

    version: str
    changed: bool
    paths_proved: int
    warnings: list[str]
    spread: SpreadFacts


class TokenCounts(TypedDict):
    """Input counts cached tokens, output counts reasoning."""

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cache_write_hour_tokens: int


class RecordRow(TypedDict, total=False):
    """One record of the journal: a ``decision`` or an ``attempt`` (see the reference of records); what is at its
    default is absent."""

    kind: Required[Literal["decision", "attempt"]]
    request: Required[str]
    at_ms: Required[int]
    v: int
    key: str
    team: str
    asked: str
    policy: str
    code: str
    route: str
    classes: list[str]
    overlay: int
    chosen: str
    eligible: list[str]
    refused: dict[str, str]
    expected_usd: str | None
    face: str
    trace: str
    number: int
    deployment: str
    cloud: str
    site: str
    model: str
    outcome: Literal["ok", "error", "cancelled", "lost"]
    status: int
    latency_ms: float
    first_token_ms: float | None
    usage: TokenCounts | None
    cost_usd: str | None
    streamed: bool
    final: bool
    equivalent: bool
    degraded: list[str]
    reported_region: str
    provider_request: str
    overhead_us: int
    estimated: bool


class TrailRow(TypedDict):
    """One request's records, in the order in which they were written."""

    request: str
    records: list[RecordRow]


class DecisionsAnswer(TypedDict):
    """Requests with their records."""

    requests: list[TrailRow]


class FaultFacts(TypedDict):
    """What goes wrong in the simulated clouds; ``cloud``, ``site``, ``model`` and ``key`` are patterns for whom."""

    kind: FaultKind
    cloud: str
    site: str
    model: str
    key: str
    status: int
    seconds: float
    after_events: int
    retry_after_seconds: float
    count: int | None
    probability: float
    duration_seconds: float | None


class FaultRow(TypedDict):
    """A fault in force and how many requests it hit. ``until`` in the sandbox's own seconds."""

    id: str
    fault: FaultFacts
    hits: int
    until: float | None


class FaultsAnswer(TypedDict):
    """The faults in force, in the order in which they are tried."""

    faults: list[FaultRow]


class ServedRow(TypedDict):
    """What the simulated clouds served, as a provider would bill it."""

    site: str
    model: str
    outcome: str
    requests: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int


class ServedAnswer(TypedDict):
    """All that was served since the last reset."""

    requests: list[ServedRow]


class SimulatedSite(TypedDict):
    """A simulated site and its address on this machine. ``down``: an outage is set."""

    site: str
    cloud: str
    region: str
    models: list[str]
    address: str
    connections: int
    down: bool


class SimulatedSites(TypedDict):
    """All simulated sites."""

    sites: list[SimulatedSite]
