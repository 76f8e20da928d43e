"""What the market says, as typed rows: what machines, storage, traffic and links cost, how fast and how clean they are.

Money is integer micro-units of the row's currency. None is unknown, never free; 0 stands only where
market_free.csv says so with a reason. ``quality``: ``list`` (a published list price or figure), ``single`` (one
uncorroborated value), ``general`` (general knowledge, no stored page), ``derived`` (computed by the ``rule`` that
the row names) or ``own`` (stated by the user). ``as_of`` is blank where the source is undated.
"""

import msgspec


class Promised(msgspec.Struct, frozen=True):
    """What a committed price is: ``upfront`` says that the whole term is paid at its start; ``quality`` is
    ``derived`` where the term is inferred, as ``note`` says."""

    source: str
    as_of: str
    quality: str
    upfront: bool
    note: str = ""


class Offer(msgspec.Struct, frozen=True):
    """One machine type at one site. Prices are micro-units of ``currency`` per hour.

    ``committed_*`` are effective hourly prices over the term, ``promised`` what is known of those of one and of three
    years, None for the user's own: on AWS they are of a standard reservation paid up front, on GCP of a committed-use
    discount paid by the month. ``spot_as_of`` is the spot price's own date, ``as_of`` that of the others. ``quality``
    is that of the on-demand price, ``unpriced`` when there is none; ``spot_quality`` is ``derived`` when the spot price
    is on-demand less the published saving. ``accelerator_count`` may be a part of a chip. ``sources`` are those of the
    on-demand price, the spot price, the commitments and the sizes, in this order, each once. ``note`` says what is not
    sourced.
    """

    site: str
    machine: str
    vcpu: float | None = None
    memory_gib: float | None = None
    accelerator: str = ""
    accelerator_count: float | None = None
    on_demand: int | None = None
    spot: int | None = None
    committed_1y: int | None = None
    committed_3y: int | None = None
    currency: str = "USD"
    quality: str = "own"
    spot_quality: str = ""
    sources: tuple[str, ...] = ()
    as_of: str = ""
    note: str = ""
    promised: tuple[Promised | None, Promised | None] = (None, None)
    spot_as_of: str = ""

    @property
    def preemptible(self) -> bool:
        """Whether the vendor is known to sell it as spot or preemptible: a spot price is known."""
        return self.spot is not None

    @property
    def priced(self) -> bool:
        """Whether any price is known; a machine without one can not be planned with."""
        return any(p is not None for p in (self.on_demand, self.spot, self.committed_1y, self.committed_3y))


class Accelerator(msgspec.Struct, frozen=True):
    """One accelerator chip. ``tflops`` is dense bf16, or fp16 where ``precision`` says so; ``watts`` board power."""

    name: str
    vendor: str
    memory_gb: float | None = None
    tflops: float | None = None
    precision: str = ""
    memory_gb_per_s: float | None = None
    watts: float | None = None
    sources: tuple[str, ...] = ()
    as_of: str = ""
    note: str = ""


class Step(msgspec.Struct, frozen=True):
    """One step of a price by volume: from ``from_gb`` a month on, each further GB costs ``micro_per_gb``."""

    from_gb: int
    micro_per_gb: int


class StoragePrice(msgspec.Struct, frozen=True):
    """One class of object storage at one site: per GB and month by steps, and what requests cost.

    ``tier``: hot, warm, cold or archive; ``canonical`` marks the one class that a tier stands for at the site.
    ``put_per_1000`` and ``get_per_1000`` are micro-units per thousand requests; ``min_days`` is the shortest time
    charged.
    """

    site: str
    tier: str
    storage_class: str
    steps: tuple[Step, ...]
    retrieval_per_gb: int | None = None
    min_days: int | None = None
    put_per_1000: int | None = None
    get_per_1000: int | None = None
    canonical: bool = True
    currency: str = "USD"
    quality: str = "own"
    sources: tuple[str, ...] = ()
    as_of: str = ""
    note: str = ""


class EgressPrice(msgspec.Struct, frozen=True):
    """What leaving ``src`` for ``dst`` costs per GB, charged by the source; arriving is free.

    ``meter`` is what the month's volume adds up on: pairs of one meter share its steps. ``steps`` are marginal: a
    step's price holds for the volume above its start only. In a row of the user's, ``dst`` is a site, or the name
    of a meter's destination (``internet``, ``other-region``).
    """

    src: str
    dst: str
    meter: str
    steps: tuple[Step, ...]
    currency: str = "USD"
    quality: str = "own"
    rule: str = ""
    sources: tuple[str, ...] = ()
    as_of: str = ""

    @property
    def first_paid(self) -> int:
        """The price of the first GB that costs anything, 0 when all is free."""
        return next((s.micro_per_gb for s in self.steps if s.micro_per_gb), 0)


class Rtt(msgspec.Struct, frozen=True):
    """A round-trip time in milliseconds; ``measured`` False is an estimate from distance.

    ``low_ms`` and ``high_ms`` hold 80 % of the measured pairs of the same two continents (equal when measured).
    """

    ms: float
    measured: bool
    low_ms: float
    high_ms: float
    source: str = ""
    as_of: str = ""
    note: str = ""


class Carbon(msgspec.Struct, frozen=True):
    """Grams of CO2 equivalent per kWh at a site. ``kind``: ``region`` (the provider's or grid zone's own figure) or
    ``country`` (the national average); ``share`` is carbon-free (``cfe``) or renewable (``grid``) by ``share_kind``."""

    site: str
    grams_per_kwh: float
    kind: str
    year: int | None = None
    share: float | None = None
    share_kind: str = ""
    source: str = ""
    as_of: str = ""


class Power(msgspec.Struct, frozen=True):
    """What a cloud's machines draw: power usage effectiveness, and watts per vCPU idle and at full load."""

    cloud: str
    pue: float | None
    idle_watts_per_vcpu: float | None
    full_watts_per_vcpu: float | None
    memory_watts_per_gib: float | None
    quality: str = "own"
    source: str = ""
    as_of: str = ""
    note: str = ""

    def watts_per_vcpu(self, load: float = 0.5) -> float | None:
        """Watts per vCPU at a load between 0 and 1, linear between idle and full."""
        if self.idle_watts_per_vcpu is None or self.full_watts_per_vcpu is None:
            return None
        return self.idle_watts_per_vcpu + load * (self.full_watts_per_vcpu - self.idle_watts_per_vcpu)


class Interruption(msgspec.Struct, frozen=True):
    """The share of spot machines that are reclaimed in a month, as an interval; ``high`` None has no upper bound."""

    site: str
    machine: str
    low: float
    high: float | None
    source: str = ""
    as_of: str = ""


class Link(msgspec.Struct, frozen=True):
    """One way to connect two ends, or a part of one. Fees are micro-USD: per hour, and per GB out of either end.

    ``kind`` is the estate's word (vpn, direct-connect, expressroute, fastconnect, interconnect, azure-oci), or
    ``component`` for what stands inside one cloud. ``sites_a`` and ``sites_b`` are site ids, or ``cloud/*`` for any;
    ``any/*`` is any other end.
    """

    name: str
    kind: str
    sites_a: tuple[str, ...]
    sites_b: tuple[str, ...]
    bandwidth_gbps: float | None = None
    port_per_hour: int | None = None
    per_gb_out_a: int | None = None
    per_gb_out_b: int | None = None
    quality: str = "own"
    source: str = ""
    as_of: str = ""
    note: str = ""


class Throughput(msgspec.Struct, frozen=True):
    """Measured gigabits per second between two machines, one way."""

    src: str
    dst: str
    gbps: float
    source: str = ""
    as_of: str = ""


class MeasuredRtt(msgspec.Struct, frozen=True):
    """A round-trip time between two sites, the same both ways."""

    a: str
    b: str
    ms: float
    source: str = ""
    as_of: str = ""


class RttFit(msgspec.Struct, frozen=True):
    """Milliseconds from great-circle kilometres for two continents, with the spread of what was measured."""

    a: str
    b: str
    base_ms: float
    ms_per_km: float
    low_ms: float
    high_ms: float
    pairs: int
    source: str
    as_of: str


class Place(msgspec.Struct, frozen=True):
    """A country's continent and the point that stands for its users."""

    country: str
    continent: str
    latitude: float
    longitude: float
    basis: str
    source: str
    as_of: str


class OwnRows(msgspec.Struct, frozen=True):
    """Rows of the user's own: each replaces the catalogue's row of the same key, or is added."""

    offers: tuple[Offer, ...] = ()
    accelerators: tuple[Accelerator, ...] = ()
    storage: tuple[StoragePrice, ...] = ()
    egress: tuple[EgressPrice, ...] = ()
    rtts: tuple[MeasuredRtt, ...] = ()
    throughput: tuple[Throughput, ...] = ()
    carbon: tuple[Carbon, ...] = ()
    power: tuple[Power, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    links: tuple[Link, ...] = ()
