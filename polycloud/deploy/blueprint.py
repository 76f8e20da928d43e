"""What must exist, said once for all tools: clusters, networks, stores, AI services, links, identities, the edge.

A blueprint is derived from the estate and its placement (see ``derive``); renderers read it and nothing else, so two
files can not tell two stories. Names here are final: ``derive`` has made them lawful in each cloud and unique.
Everything is sorted by name, and no value depends on the day.
"""

from typing import Literal

import msgspec

from polycloud.estate.schema.rules import Grant

Environment = Literal["production", "staging", "development"]
Role = Literal["system", "workload", "gpu"]
Bought = Literal["on-demand", "ptu", "units"]


class Where(msgspec.Struct, frozen=True):
    """A site in parts: ``aws/us-east-1`` is cloud ``aws``, region ``us-east-1``. ``zones``: as many subnets."""

    id: str
    cloud: str
    region: str
    country: str
    latitude: float | None = None
    longitude: float | None = None


class Network(msgspec.Struct, frozen=True):
    """The private network of a site: one /16, cut by renderers. It never moves once it was rendered."""

    site: Where
    cidr: str


class Pool(msgspec.Struct, frozen=True):
    """Machines of one kind. ``role`` decides taints; ``monthly`` is the price of one machine, micro-USD."""

    name: str
    role: Role
    machine: str
    least: int
    most: int
    spot: bool = False
    accelerator: str = ""
    accelerators_each: float = 0
    vcpu: float | None = None
    memory_gib: float | None = None
    monthly: int | None = None


class Cluster(msgspec.Struct, frozen=True):
    """A Kubernetes cluster. ``version`` is ``1.35``; renderers add what a cloud wants around it."""

    name: str
    site: Where
    version: str
    pools: tuple[Pool, ...]


class Lifecycle(msgspec.Struct, frozen=True):
    """Days after which data moves or goes; None: never."""

    warm: int | None = None
    cold: int | None = None
    archive: int | None = None
    delete: int | None = None


class Bucket(msgspec.Struct, frozen=True):
    """A bucket with its lake zones as prefixes. ``physical`` is its name in the cloud, unique in the world as far as
    a name with the estate and the site in it is; ``copies_to`` are names of buckets; ``key`` names a Key."""

    name: str
    physical: str
    site: Where
    datasets: tuple[str, ...]
    layers: tuple[str, ...]
    lifecycle: Lifecycle
    data_class: str
    key: str
    copies_to: tuple[str, ...] = ()
    stored_gb: int | None = None
    audit: bool = False
    source: str = ""
    monthly: int | None = None  # micro-USD for what is stored, as if all of it were hot
    begins: tuple[str, ...] = ()  # the datasets whose new data arise here: these alone are copied from here

    def copied(self, copy: "Bucket") -> tuple[str, ...]:
        """The folders that go from here to another bucket; none named: all that is here."""
        names = [name for name in self.datasets if name in self.begins and name in copy.datasets]
        if len(names) == len(self.datasets):
            return ()
        return tuple(f"{layer}/{name}/" for layer in self.layers for name in names)


class Database(msgspec.Struct, frozen=True):
    """A database with its copies."""

    name: str
    engine: str
    site: Where
    replicas: tuple[Where, ...]
    data_class: str
    key: str
    backup_hours: int
    keep_days: int


class AiService(msgspec.Struct, frozen=True):
    """A model that a cloud must serve: pay as you go (access), a deployment, or bought capacity in ``units``.

    ``scope`` is the cross-region scope, ``quota`` tokens per minute where the estate says so.
    """

    name: str
    model: str
    upstream: str
    site: Where
    capacity: Bought
    units: int = 0
    scope: str = ""
    version: str = ""
    owner: str = ""
    quota: int | None = None
    source: str = ""


class Link(msgspec.Struct, frozen=True):
    """A connection between two sites; ``via`` in the estate's words."""

    name: str
    a: Where
    b: Where
    via: str
    mbps: int
    backup: str = ""
    provider: str = ""


class Key(msgspec.Struct, frozen=True):
    """A key that wraps data keys at one site; ``rotate_days`` None: the cloud's default."""

    name: str
    site: Where
    rotate_days: int | None
    hardware: bool


class Principal(msgspec.Struct, frozen=True):
    """A role with what it may do, inherited grants written out."""

    name: str
    members: tuple[str, ...]
    can: tuple[Grant, ...]


class Federation(msgspec.Struct, frozen=True):
    """Who signs people's (OpenID Connect) or programs' tokens that the clouds are to trust."""

    name: str
    issuer: str
    audience: str
    subject: str = ""
    people: bool = False


class EdgePool(msgspec.Struct, frozen=True):
    """Sites that answer for a part of the world, with the pools that take over, in order."""

    name: str
    clusters: tuple[str, ...]
    fallback: tuple[str, ...]


class Edge(msgspec.Struct, frozen=True):
    """The public name. ``confined`` are (country, pools): callers whose law lets only these pools answer."""

    hostname: str
    provider: str
    pools: tuple[EdgePool, ...]
    affinity_seconds: int | None
    health_path: str
    confined: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Run(msgspec.Struct, frozen=True):
    """A placed part of a workload on a cluster. ``kind`` as in the estate; ``count`` machines or replicas.

    ``site`` is the id of the cluster's site; ``weights`` is where a served model's weights are said to come from,
    such as ``hf://meta-llama/Llama-3``, or "".
    """

    name: str
    workload: str
    kind: str
    cluster: str
    machine: str
    count: int
    spot: bool
    accelerator: str = ""
    accelerators_each: float = 0
    vcpu: float | None = None
    memory_gib: float | None = None
    image: str = ""
    command: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    serves: str = ""
    least: int = 1
    most: int = 1
    data_class: str = ""
    monthly: int | None = None
    hours: int | None = None
    weights: str = ""
    site: str = ""


class Objective(msgspec.Struct, frozen=True):
    """A promise with its window; ``bound_seconds`` for latencies and lags."""

    name: str
    measure: str
    target_ppm: int
    window_seconds: int
    bound_seconds: float | None = None


class Shift(msgspec.Struct, frozen=True):
    """Hours of a day in which a rotation is on call: ``start`` and ``end`` as 08:00 in its time zone."""

    name: str
    time_zone: str
    start: str
    end: str


class Paging(msgspec.Struct, frozen=True):
    """Who is told. ``webhook`` and ``pagerduty`` are names of secrets; ``escalate_minutes`` None: never."""

    webhook: str = ""
    pagerduty: str = ""
    primary: tuple[Shift, ...] = ()
    secondary: tuple[Shift, ...] = ()
    escalate_minutes: int | None = None


class Blueprint(msgspec.Struct, frozen=True):
    """All that renderers may know."""

    estate: str
    environment: Environment
    accounts: dict[str, dict[str, str]]  # cloud: account, subscription, tenant, project, tenancy, compartment …
    networks: tuple[Network, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    buckets: tuple[Bucket, ...] = ()
    databases: tuple[Database, ...] = ()
    services: tuple[AiService, ...] = ()
    links: tuple[Link, ...] = ()
    keys: tuple[Key, ...] = ()
    principals: tuple[Principal, ...] = ()
    federations: tuple[Federation, ...] = ()
    edge: Edge | None = None
    runs: tuple[Run, ...] = ()
    objectives: tuple[Objective, ...] = ()
    regions_allowed: dict[str, tuple[str, ...]] = {}  # data class: the sites where it may be
    secrets: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    continuity: dict[str, int] = {}  # rto, rpo, detect, reroute: seconds
    triggers: dict[str, dict[str, float]] = {}
    paging: Paging = Paging()
    otlp: str = ""  # where traces, metrics and logs go in the end

    def of(self, cloud: str) -> "Blueprint":
        """The same, with only what is in one cloud; links, edge, principals and federations stay whole."""
        return msgspec.structs.replace(
            self,
            networks=tuple(n for n in self.networks if n.site.cloud == cloud),
            clusters=tuple(c for c in self.clusters if c.site.cloud == cloud),
            buckets=tuple(b for b in self.buckets if b.site.cloud == cloud),
            databases=tuple(d for d in self.databases if d.site.cloud == cloud),
            services=tuple(s for s in self.services if s.site.cloud == cloud),
            keys=tuple(k for k in self.keys if k.site.cloud == cloud),
        )
