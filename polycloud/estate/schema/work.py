"""What is kept and what runs: datasets, stores, databases, workloads, and the capacity bought for them."""

from typing import Annotated, Literal

from pydantic import Field

from polycloud.estate.scalars import (
    Amount,
    CallerRegion,
    ClassRef,
    Credentials,
    DatasetRef,
    Day,
    Duration,
    EncryptionKeyRef,
    FormerNames,
    Identifier,
    ModelRef,
    Name,
    PositiveCount,
    Ratio,
    SiteId,
    SitePattern,
    Size,
    StoreRef,
    TeamRef,
    Url,
    WorkloadRef,
)
from polycloud.estate.schema.base import Part
from polycloud.estate.schema.places import AdapterName


class Store(Part):
    """A place that keeps objects or vectors."""

    at: SiteId = Field(description="Where it is.")
    kind: Literal["objects", "vectors"] = Field(default="objects", description="What it keeps.")
    bucket: str | None = Field(
        default=None, description="The bucket, container or collection; none: named after the store."
    )
    engine: str | None = Field(
        default=None, description="For vectors: pgvector, opensearch, azure-search, vertex, oci-search."
    )
    url: Url | None = Field(default=None, description="Its address, when it is not the cloud's own.")
    credentials: Credentials | None = Field(default=None, description="Credentials for it; none: the cloud's.")
    encrypt_with: EncryptionKeyRef | None = Field(
        default=None, description="The entry of encryption_keys: that wraps its data keys."
    )
    existing: Identifier | None = Field(
        default=None, description="The bucket is there already: its id in the cloud, at AWS its name."
    )
    was: FormerNames = Field(
        default=(), description="What it was called before, the last name first; its bucket keeps the first."
    )


# After how many days data moves where nobody says anything; nothing is ever deleted (requirement G3).
USUAL_DAYS = {"warm": 30, "cold": 90}


class Lifecycle(Part):
    """When data moves to cheaper storage, and when it goes."""

    warm_after: Duration | None = Field(default=None, description="To infrequent access, such as 30d.")
    cold_after: Duration | None = Field(default=None, description="To cold storage, such as 90d.")
    archive_after: Duration | None = Field(default=None, description="To the archive, such as 1y.")
    delete_after: Duration | None = Field(default=None, description="Deleted, such as 7y.")


class Growth(Part):
    """How fast a dataset grows."""

    size: Size = Field(description="By how much, such as 2 TB.")
    per: Literal["day", "week", "month", "year"] = Field(default="month", description="In which time.")


class Dataset(Part):
    """A body of data with an owner, a class and a place."""

    data_class: ClassRef | None = Field(
        default=None, alias="class", description="Its data class; none: residency.default_class."
    )
    at: SiteId | None = Field(
        default=None, description="Where it is now, and where new data of it arise; none: chosen by placement."
    )
    pinned: bool = Field(default=False, description="Whether placement must leave a copy where it is now.")
    store: StoreRef | None = Field(default=None, description="The entry of stores: that holds its first copy.")
    size: Size | None = Field(default=None, description="How much it is, such as 40 TB.")
    grows: Growth | None = Field(default=None, description="How fast it grows: {size: 2 TB, per: month}.")
    replicas: PositiveCount = Field(default=1, description="Copies in all, the first included.")
    replicate_to: tuple[SitePattern, ...] = Field(
        default=(), description="Where copies go; empty: chosen by placement."
    )
    copies_at: tuple[SiteId, ...] = Field(
        default=(), description="Sites beside at: that hold a copy already; placement need not fill them."
    )
    rpo: Duration | None = Field(
        default=None, description="How much may be lost at most, such as 15m; none: continuity.rpo."
    )
    layer: Literal["raw", "processed", "curated", "models"] | None = Field(
        default=None, description="Its layer of the lake."
    )
    format: Literal["parquet", "avro", "protobuf", "iceberg", "objects"] | None = Field(
        default=None, description="Its form."
    )
    derived_from: tuple[DatasetRef, ...] = Field(default=(), description="Datasets that it is made from.")
    lifecycle: Lifecycle | None = Field(default=None, description="When it moves to cheaper storage, and when it goes.")
    owner: str = Field(default="", description="Who answers for it.")
    description: str = Field(default="", description="What it holds.")
    existing: dict[SiteId, Identifier] = Field(
        default_factory=dict,
        description="Buckets of its own that are there already, by site: {aws/eu-west-1: acme-events}.",
    )
    was: FormerNames = Field(
        default=(), description="What it was called before, the last name first; buckets and folders keep the first."
    )


class Database(Part):
    """A database with its copies."""

    engine: Literal["postgresql", "mysql", "cassandra", "dynamodb", "cosmosdb", "spanner", "oracle"] = Field(
        description="What it runs on."
    )
    at: SiteId = Field(description="Where writes go.")
    replicas: tuple[SiteId, ...] = Field(default=(), description="Where its copies are.")
    data_class: ClassRef | None = Field(
        default=None, alias="class", description="Its data class; none: residency.default_class."
    )
    rpo: Duration | None = Field(default=None, description="How much may be lost at most.")
    backup_every: Duration | None = Field(default=None, description="How often it is saved, such as 6h.")
    keep_backups: Duration | None = Field(default=None, description="How long a backup is kept, such as 35d.")
    existing: dict[SiteId, Identifier] = Field(
        default_factory=dict,
        description="What is there of it already, by site: its id in the cloud, such as {aws/eu-west-1: shop-db}.",
    )
    was: FormerNames = Field(
        default=(), description="What it was called before, the last name first; in the cloud it keeps the first."
    )


class SearchIndex(Part):
    """One search over several vector stores."""

    stores: tuple[StoreRef, ...] = Field(min_length=1, description="The entries of stores: that hold its parts.")
    model: ModelRef = Field(description="The embedding model, an entry of models:.")
    data_class: ClassRef | None = Field(
        default=None, alias="class", description="Its data class; none: residency.default_class."
    )
    datasets: tuple[DatasetRef, ...] = Field(default=(), description="What it is made from.")


class Needs(Part):
    """What one instance of a workload needs."""

    accelerator: Name | None = Field(
        default=None, description="The accelerator, such as A100; none: a general machine."
    )
    count: PositiveCount | None = Field(default=None, description="Accelerators of it.")
    vcpu: PositiveCount | None = Field(default=None, description="Virtual processors.")
    memory: Size | None = Field(default=None, description="Memory, such as 64 GiB.")
    disk: Size | None = Field(default=None, description="Local disk.")
    processor: Literal["x86", "any"] = Field(
        default="x86", description="What its image is built for: x86, or any when it runs on Arm machines too."
    )


class Scale(Part):
    """How many instances run."""

    min: int = Field(default=1, ge=0, description="The fewest; 0 lets it rest when nothing comes.")
    max: PositiveCount = Field(default=1, description="The most.")
    within: Duration | None = Field(default=None, description="How fast it must reach the most, such as 5m.")
    demand: tuple[Ratio, ...] = Field(
        default=(),
        max_length=24,
        description="The share of the most that is needed in each of the 24 hours of a day (UTC); empty: the most, "
        "in all hours that it runs.",
    )


class Workload(Part):
    """Work that runs somewhere."""

    kind: Literal["training", "inference", "batch", "data", "application"] = Field(
        description="What sort of work it is."
    )
    needs: Needs | None = Field(default=None, description="What one instance needs.")
    scale: Scale | None = Field(default=None, description="How many instances run.")
    hours_per_month: PositiveCount | None = Field(default=None, description="Hours that it runs in a month.")
    reads: tuple[DatasetRef, ...] = Field(default=(), description="Datasets that it reads.")
    writes: tuple[DatasetRef, ...] = Field(default=(), description="Datasets that it writes.")
    read_per_month: dict[DatasetRef, Size] = Field(
        default_factory=dict,
        description="How much of a dataset it reads in a month: {clickstream: 20 TB}; none: its size, once.",
    )
    written_per_month: dict[DatasetRef, Size] = Field(
        default_factory=dict, description="How much it writes to a dataset in a month; none: the dataset's growth."
    )
    uses: tuple[ModelRef, ...] = Field(
        default=(),
        description="Models that it calls: each must have a deployment that its classes allow, within its latency or "
        "at its site; with late_cost farther ones count.",
    )
    users: dict[CallerRegion, Ratio] = Field(
        default_factory=dict, description="Where its users are, by country or site: {DE: 70 %, FR: 30 %}."
    )
    latency: Duration | None = Field(
        default=None, description="The round trip to each of its users' regions, at most, such as 40ms."
    )
    late_cost: Amount | None = Field(
        default=None,
        description="What each millisecond over that costs a month, for all its users; none: it must be held.",
    )
    serves: ModelRef | None = Field(default=None, description="The model that it serves, an entry of models:.")
    data_class: ClassRef | None = Field(
        default=None, alias="class", description="Its data class where it is stricter than those of its datasets."
    )
    at: tuple[SitePattern, ...] = Field(default=(), description="Only at these sites, as patterns; empty: any.")
    pattern: Literal["single", "active-active", "active-passive", "burst", "train-here-serve-there"] = Field(
        default="single", description="How it is spread over sites."
    )
    sites: Annotated[int, Field(ge=2, le=16)] | None = Field(
        default=None, description="For active-active: over how many sites; none: those of shares, else 2."
    )
    shares: dict[SiteId, Ratio] = Field(
        default_factory=dict, description="For active-active: the share of the demand of each site; none: equal shares."
    )
    apart: Literal["site", "cloud"] = Field(
        default="site", description="What its parts must not share when it is spread: a site, or a whole cloud."
    )
    standby: Ratio | None = Field(
        default=None, description="For active-passive: how much of the capacity the standby keeps warm; none: 20 %."
    )
    environment: Literal["production", "staging", "development"] | None = Field(
        default=None, description="What it is used as; none: the estate's."
    )
    spot_share: Ratio | None = Field(
        default=None,
        description="The share of its hours on spot machines; none: 80 % of training, all batch, no others.",
    )
    interruptible: bool | None = Field(
        default=None, description="Whether spot machines may be used; none: by its kind."
    )
    checkpoint_every: Duration | None = Field(
        default=None, description="How often it saves its state, such as 30m; none: the best interval (Young and Daly)."
    )
    checkpoint_takes: Duration | None = Field(default=None, description="How long one such save takes; none: 2m.")
    restart_takes: Duration | None = Field(default=None, description="How long a restart takes; none: 5m.")
    deadline: Duration | None = Field(
        default=None, description="How long one run may take; it runs as few times a month as that allows."
    )
    speed: dict[Name, float] = Field(
        default_factory=dict, description="Relative speed per accelerator, measured: {A100: 1.0, TPU-v5p: 2.0}."
    )
    image: str | None = Field(default=None, description="The container image that runs.")
    command: tuple[str, ...] = Field(default=(), description="The command and its arguments.")
    calls: tuple[WorkloadRef, ...] = Field(default=(), description="Workloads that it calls over the network.")
    owner: str = Field(default="", description="Who answers for it.")
    team: TeamRef | None = Field(default=None, description="The team that pays for it.")
    cost_centre: Identifier | None = Field(default=None, description="The cost centre that is charged.")


class Commitment(Part):
    """Capacity or spend that was promised to a cloud for a discount."""

    cloud: AdapterName = Field(description="To whom.")
    kind: Literal[
        "reserved",
        "savings-plan",
        "committed-use",
        "reservation",
        "ptu",
        "dedicated",
        "provisioned",
        "universal-credits",
    ] = Field(description="What was bought.")
    amount: Amount | None = Field(default=None, description="The spend promised in the whole term.")
    units: PositiveCount | None = Field(default=None, description="Units bought, such as PTU or cluster units.")
    at: SiteId | None = Field(default=None, description="The site it is bound to; none: anywhere in the cloud.")
    sku: str | None = Field(default=None, description="What it is for, by the cloud's own name.")
    discount: Ratio | None = Field(
        default=None, description="Off the list price, such as 30 %; none: that of its sku by the list, else none."
    )
    starts: Day | None = Field(default=None, description="First day, as 2026-01-01.")
    term: Duration | None = Field(default=None, description="How long, such as 1y.")
    paid: Literal["upfront", "partly", "monthly"] = Field(default="monthly", description="When it is paid.")


class Quota(Part):
    """What a cloud lets us use at a site."""

    at: SiteId = Field(description="Where it holds.")
    what: str = Field(description="Of what: an accelerator, a machine type, or model:NAME.")
    limit: PositiveCount = Field(description="How many at the same time; tokens per minute for a model.")


class Phase(Part):
    """One step of a migration, with the gate that must be passed before the next."""

    shares: dict[SiteId, Ratio] = Field(
        default_factory=dict, description="The traffic share of each site in this phase."
    )
    data: Ratio | None = Field(default=None, description="How much of the training data has moved.")
    gate: str = Field(default="", description="What must be measured before the next phase, in a sentence.")
    gate_availability: Ratio | None = Field(default=None, description="The availability that must be measured.")
    for_at_least: Duration | None = Field(default=None, description="How long the gate must hold, such as 7d.")
