"""How it is run: promises, continuity, money, and what is watched."""

from typing import Annotated, Literal

from pydantic import Field

from polycloud.estate.scalars import (
    Amount,
    Credentials,
    Duration,
    Name,
    PositiveCount,
    Ratio,
    RotationRef,
    SecretRef,
    SiteId,
    SitePattern,
    SitePatterns,
    Size,
    TeamRef,
    Url,
    WorkloadRef,
)
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.places import AdapterName
from polycloud.estate.schema.rates import OwnRates
from polycloud.estate.schema.traffic import SpendLimit


class Slo(Part):
    """A promise about what callers see, with its error budget."""

    measure: Literal[
        "availability", "latency", "first-token", "cross-cloud-latency", "replication-lag", "error-rate"
    ] = Field(description="What is measured.")
    target: Ratio = Field(
        description="The share that must be good, such as 99.95 %; for latencies the share within `within`."
    )
    within: Duration | None = Field(default=None, description="For latencies and lags: the bound, such as 200ms.")
    window: Duration | None = Field(default=None, description="Over which time, such as 30d; 30 days when not given.")
    models: tuple[str, ...] = Field(default=(), description="Only these models, as patterns; empty: all.")
    at: tuple[SitePattern, ...] = Field(default=(), description="Only at these sites, as patterns; empty: all.")


class Trigger(Part):
    """When a site counts as lost."""

    availability_below: Ratio | None = Field(default=None, description="Availability under this, such as 95 %.")
    response_time_over: Duration | None = Field(default=None, description="Response time over this, such as 5s.")
    error_rate_over: Ratio | None = Field(default=None, description="Error rate over this, such as 1 %.")
    for_at_least: Duration | None = Field(default=None, description="How long it must last, such as 30s.")
    action: Literal["automatic", "approve"] = Field(
        default="automatic", description="Whether a person must agree first."
    )


class Drill(Part):
    """A rehearsal of a loss, against live traffic, with a safety stop."""

    kind: Literal["site", "service", "cloud", "database-corruption", "ransomware", "portability"] = Field(
        description="What is lost."
    )
    at: SitePatterns = Field(default=(), description="The sites that are lost, as patterns; empty: each in turn.")
    every: Duration | None = Field(default=None, description="How often, such as 13w.")
    stop_error_rate: Ratio | None = Field(default=None, description="The drill stops when errors rise over this.")


class Continuity(Part):
    """What must survive the loss of a site or a cloud."""

    rto: Duration | None = Field(default=None, description="Service is back after at most this, such as 15m.")
    rpo: Duration | None = Field(default=None, description="Data lost at most, such as 5m.")
    detect_within: Duration | None = Field(
        default=None, description="A loss is noticed after at most this, such as 30s."
    )
    reroute_within: Duration | None = Field(
        default=None, description="Traffic has moved after at most this, such as 10s."
    )
    pattern: Literal["active-active", "active-passive"] = Field(
        default="active-active", description="How sites stand for each other."
    )
    standby: dict[SiteId, SiteId] = Field(
        default_factory=dict, description="For active-passive: which site stands by for which."
    )
    scale_within: Duration | None = Field(
        default=None, description="Healthy sites have the capacity after at most this, such as 5m."
    )
    triggers: dict[Name, Trigger] = Field(default_factory=dict, description="When a site counts as lost, by name.")
    failback: Literal["automatic", "approve", "never"] = Field(default="approve", description="How traffic returns.")
    failback_after: Duration | None = Field(
        default=None, description="How long a site must be well before traffic returns."
    )
    drills: dict[Name, Drill] = Field(default_factory=dict, description="Rehearsals, by name.")


class MoneyBudget(SpendLimit):
    """What a part of the estate may spend."""

    teams: tuple[TeamRef, ...] = Field(default=(), description="Of these teams; empty: all.")
    clouds: tuple[AdapterName, ...] = Field(default=(), description="In these clouds; empty: all.")
    workloads: tuple[WorkloadRef, ...] = Field(default=(), description="For these workloads; empty: all.")


class Baseline(Part):
    """What the same would cost in one cloud."""

    cloud: AdapterName = Field(description="Which cloud.")
    per_month: Amount = Field(description="What it would cost a month.")
    saving: Ratio | None = Field(default=None, description="How much less we aim for, such as 35 %.")


class Bill(Part):
    """Where a cloud's bill is read."""

    at: str = Field(description="The bucket or folder with the export.")
    form: Literal["focus", "cur", "gcp-detailed", "azure-cost", "oci-cost"] = Field(
        default="focus", description="Its form."
    )
    credentials: Credentials | None = Field(default=None, description="Credentials for it; none: the cloud's.")


class OwnPrice(Part):
    """A price of one's own for a machine: it overrides the catalogue's, or adds a machine that it lacks.

    Amounts are for one machine and one hour.
    """

    at: SitePattern = Field(description="The sites where it holds, as a pattern.")
    machine: str = Field(description="The machine type, by the cloud's own name.")
    on_demand: Amount | None = Field(default=None, description="Without a promise.")
    spot: Amount | None = Field(default=None, description="Interruptible.")
    committed_1y: Amount | None = Field(default=None, description="Promised for a year.")
    committed_3y: Amount | None = Field(default=None, description="Promised for three years.")
    vcpu: PositiveCount | None = Field(default=None, description="Virtual processors, for a machine that is new.")
    memory: Size | None = Field(default=None, description="Memory, for a machine that is new.")
    accelerator: Name | None = Field(default=None, description="Its accelerator, for a machine that is new.")
    accelerator_count: PositiveCount | None = Field(default=None, description="How many of it.")


class Complexity(Part):
    """What it costs to run more clouds than one: people, training, tools. Placement adds it to the bill."""

    per_cloud: Amount | None = Field(default=None, description="Each cloud in use beyond the first, a month.")
    per_unfamiliar: Amount | None = Field(
        default=None, description="Each workload in a cloud that its team does not know, a month."
    )


class MoneyRules(Part):
    """What it may cost, and how the cost is shared out."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = Field(
        default="USD", description="The currency of reports."
    )
    budgets: dict[Name, MoneyBudget] = Field(default_factory=dict, description="Budgets by name.")
    discounts: dict[AdapterName, Ratio] = Field(
        default_factory=dict, description="Negotiated discount off list prices per cloud: {aws: 30 %}."
    )
    prices: tuple[OwnPrice, ...] = Field(default=(), description="Prices of one's own; the last that fits holds.")
    rates: OwnRates = Field(
        default_factory=OwnRates, description="Own rows of storage, traffic, round trips, carbon, spot and links."
    )
    complexity: Complexity = Field(
        default_factory=Complexity, description="What more clouds than one cost in people and tools."
    )
    new_commitments: bool = Field(
        default=True, description="Whether a plan may buy promises; those under `commitments` count either way."
    )
    spread_moves_over: Duration | None = Field(
        default=None, description="The time over which the one-time cost of moving data is spread; none: 1y."
    )
    baseline: Baseline | None = Field(default=None, description="The single-cloud cost that is compared with.")
    bills: dict[AdapterName, Bill] = Field(default_factory=dict, description="Where each cloud's bill is read.")
    tags: tuple[Name, ...] = Field(
        default=(), description="Tags that every resource must carry, such as [team, cost-centre]."
    )
    anomaly_over: Amount | None = Field(default=None, description="Deviations below this raise no alert.")
    investment: Amount | None = Field(default=None, description="What the programme costs, for the business case.")


class Telemetry(Part):
    """Where traces, metrics and logs go."""

    otlp: Url | None = Field(default=None, description="The OpenTelemetry collector.")
    headers: dict[str, SecretRef] = Field(default_factory=dict, description="Headers for it, as secret:NAME.")
    sample: Ratio | None = Field(default=None, description="The share of requests that are traced, such as 10 %.")
    keep_logs: Duration | None = Field(default=None, description="How long logs are kept, such as 30d.")


class Delivery(Part):
    """Where the rendered files are kept, for Argo CD."""

    repository: Annotated[str, Field(pattern=r"^(https://|ssh://|git@)[A-Za-z0-9._~:/@%+-]+$", max_length=300)] = Field(
        description="The Git repository, such as https://git.example/platform/estate.git."
    )
    revision: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$", max_length=200)] = Field(
        default="main", description="The branch, tag or commit that clusters follow."
    )
    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$", max_length=200)] = Field(
        default=".", description="The folder in it that was rendered into."
    )


class Rotation(Part):
    """Who is on call, and when."""

    people: tuple[str, ...] = Field(min_length=1, description="Who takes turns, in order.")
    time_zone: str = Field(default="UTC", description="The zone of its hours, such as Europe/Berlin.")
    hours: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")] = Field(
        default="00:00-24:00", description="Its hours of the day, as 08:00-16:00."
    )
    turn: Duration | None = Field(default=None, description="How long one turn lasts, such as 1w.")


class Alerts(Part):
    """Who is told."""

    webhook: SecretRef | None = Field(default=None, description="The address that alerts are sent to, as secret:NAME.")
    pagerduty: SecretRef | None = Field(default=None, description="The routing key, as secret:NAME.")
    primary: tuple[RotationRef, ...] = Field(default=(), description="Rotations that are told first.")
    secondary: tuple[RotationRef, ...] = Field(default=(), description="Rotations that are told when nobody answers.")
    escalate_after: Duration | None = Field(default=None, description="How long to wait for an answer, such as 10m.")
    rotations: dict[Name, Rotation] = Field(default_factory=dict, description="Rotations by name.")


class Console(Part):
    """The web console and the status page."""

    enabled: bool = Field(default=True, description="Whether the console is served.")
    status_page: bool = Field(default=False, description="Whether a public status page is served.")
