"""What must exist, said once for all tools: clusters, networks, stores, AI services, links, identities, the edge.

A blueprint is derived from the estate and its placement (see ``derive``); renderers read it and nothing else, so two
files can not tell two stories. Names here are final: ``derive`` has made them lawful in each cloud and unique.
Everything is sorted by name, and no value depends on the day.
"""

from typing import Literal

import msgspec

from polycloud.estate.schema.rules import Grant, IdentityProvider

Environment = Literal["production", "staging", "development"]
Role = Literal["system", "workload", "gpu"]
Bought = Literal["on-demand", "ptu", "units"]
What = Literal["cluster", "pool", "bucket", "database", "key", "network", "ai"]


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
    was: tuple[str, ...] = ()


class Cluster(msgspec.Struct, frozen=True):
    """A Kubernetes cluster. ``version`` is ``1.35``; renderers add what a cloud wants around it.

    ``was``, here and elsewhere: the names that it had before, the last one first.
    """

    name: str
    site: Where
    version: str
    pools: tuple[Pool, ...]
    was: tuple[str, ...] = ()


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
    was: tuple[str, ...] = ()
    folders: tuple[tuple[str, str], ...] = ()  # of datasets that were renamed, with their folders' names
    ages: tuple[tuple[str, Lifecycle], ...] = ()  # of each dataset, where they differ: ``lifecycle`` is of none then

    def folder(self, dataset: str) -> str:
        """The name of a dataset's folder in each layer: the first that the dataset had, for its objects stay."""
        return dict(self.folders).get(dataset, dataset)

    def aged(self) -> tuple[tuple[str, tuple[str, ...], Lifecycle], ...]:
        """How what is here ages: each dataset with its folders; "" without folders is all of the bucket."""
        if not self.ages:
            return (("", (), self.lifecycle),)
        return tuple((name, self.places(name), ages) for name, ages in self.ages)

    def places(self, dataset: str) -> tuple[str, ...]:
        """The folders of a dataset: one in each layer."""
        return tuple(f"{layer}/{self.folder(dataset)}/" for layer in self.layers)

    def copied(self, copy: "Bucket") -> tuple[str, ...]:
        """The folders that go from here to another bucket; none named: all that is here."""
        names = [name for name in self.datasets if name in self.begins and name in copy.datasets]
        if len(names) == len(self.datasets):
            return ()
        return tuple(f"{layer}/{self.folder(name)}/" for layer in self.layers for name in names)


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
    was: tuple[str, ...] = ()

    def near(self) -> list[Where]:
        """The copies that its own cloud keeps, in regions of their own."""
        sites = {site.region: site for site in self.replicas if site.cloud == self.site.cloud}
        return [sites[region] for region in sorted(sites) if region != self.site.region]

    def far(self) -> list[str]:
        """The sites in other clouds that are to have copies."""
        return sorted({site.id for site in self.replicas if site.cloud != self.site.cloud})


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
    endpoint: str = ""  # of bought capacity that is there already: nothing is made, and this is called


class Link(msgspec.Struct, frozen=True):
    """A connection between two sites; ``via`` in the estate's words."""

    name: str
    a: Where
    b: Where
    via: str
    mbps: int
    backup: str = ""
    provider: str = ""
    was: tuple[str, ...] = ()


class Key(msgspec.Struct, frozen=True):
    """A key that wraps data keys at one site; ``rotate_days`` None: the cloud's default. ``existing`` is the id of
    what is there already: the key, at Azure and Oracle Cloud its vault."""

    name: str
    site: Where
    rotate_days: int | None
    hardware: bool
    existing: str = ""


class Principal(msgspec.Struct, frozen=True):
    """A role with what it may do, inherited grants written out."""

    name: str
    members: tuple[str, ...]
    can: tuple[Grant, ...]


class Proof(msgspec.Struct, frozen=True):
    """How a sign-in shows its second factor: one of ``values`` in a claim. ``tag``: the same for AWS, or ""."""

    claim: str
    values: tuple[str, ...]
    tag: str = ""


class SignIn(msgspec.Struct, frozen=True):
    """How people sign in. Of the claims, ``department`` and ``cost_center`` are "" when the provider has none.

    ``proof`` None: the provider's tokens show no second factor, so that it can only be required at the provider.
    """

    provider: IdentityProvider
    issuer: str
    client: str
    subject: str
    email: str
    groups: str
    family_name: str
    department: str
    cost_center: str
    second_factor: bool
    proof: Proof | None
    session_seconds: int
    aws: Literal["identity-center", "iam"] = "identity-center"


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


class Existing(msgspec.Struct, frozen=True):
    """A thing that is there already and is taken over: ``source`` and ``site`` are those of its resources, ``id`` is
    what its cloud calls it."""

    what: What
    source: str
    site: str
    id: str


class Delivery(msgspec.Struct, frozen=True):
    """The Git repository, revision and folder from which Argo CD takes the rendered files; "." is all of it."""

    repository: str
    revision: str
    path: str


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
    sign_in: SignIn | None = None
    edge: Edge | None = None
    runs: tuple[Run, ...] = ()
    objectives: tuple[Objective, ...] = ()
    regions_allowed: dict[str, tuple[str, ...]] = {}  # data class: the sites where it may be
    secrets: tuple[str, ...] = ()
    in_vault: dict[str, tuple[str, str]] = {}  # secrets with a path and a field of their own in OpenBao
    in_clouds: tuple[str, ...] = ()  # secrets that a cloud's own store holds
    called: tuple[str, ...] = ()  # addresses outside of all clouds that pods call: halls' models, stores
    tags: dict[str, str] = {}
    continuity: dict[str, int] = {}  # rto, rpo, detect, reroute: seconds
    triggers: dict[str, dict[str, float]] = {}
    paging: Paging = Paging()
    delivery: Delivery | None = None
    otlp: str = ""  # where traces, metrics and logs go in the end
    existing: tuple[Existing, ...] = ()

    def abroad(self, cloud: str) -> tuple[str, ...]:
        """Clusters of other clouds, whose gateways call this cloud too."""
        return tuple(sorted(c.name for c in self.clusters if c.site.cloud not in (cloud, "onprem")))

    def copies(self, bucket: Bucket) -> list[Bucket]:
        """The buckets that hold copies of one, as far as they are here."""
        names = {one.name: one for one in self.buckets}
        return [names[name] for name in bucket.copies_to if name in names]

    def wrapped(self, key: Key) -> str:
        """The data classes of all that a key wraps: it lives where each of them may be."""
        classes = [b.data_class for b in self.buckets if (b.key, b.site.id) == (key.name, key.site.id)]
        kept = [d for d in self.databases if d.key == key.name]
        classes += [d.data_class for d in kept if key.site.id in {d.site.id, *(site.id for site in d.replicas)}]
        return " ".join(sorted({name for one in classes for name in one.split()}))

    def known_as(self, cluster: str) -> str:
        """The name under which other clouds and OpenBao trust a cluster: the first that it had, unless another one has
        that now, since trust under another name is made anew."""
        first = next((one.was[-1] for one in self.clusters if one.name == cluster and one.was), cluster)
        return cluster if any(one.name == first for one in self.clusters) else first

    def of(self, cloud: str) -> "Blueprint":
        """The same, with only what is in one cloud; links, edge, principals and the sign-in stay whole."""
        return msgspec.structs.replace(
            self,
            networks=tuple(n for n in self.networks if n.site.cloud == cloud),
            clusters=tuple(c for c in self.clusters if c.site.cloud == cloud),
            buckets=tuple(b for b in self.buckets if b.site.cloud == cloud),
            databases=tuple(d for d in self.databases if d.site.cloud == cloud),
            services=tuple(s for s in self.services if s.site.cloud == cloud),
            keys=tuple(k for k in self.keys if k.site.cloud == cloud),
        )
