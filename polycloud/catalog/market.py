"""The market: what machines, storage, traffic and links cost, and how fast, how clean and how reliable places are.

``Market.load()`` reads nothing; each table is read when first asked for. A market is a value: ``with_rows`` gives
a new one in which the user's own rows stand before the catalogue's. What is not known is None, and a price derived by
a rule says so. Currencies are kept apart: China's rows are CNY and never converted.
"""

import msgspec

from polycloud.catalog import market_reading as tables
from polycloud.catalog.market_machines import Machines
from polycloud.catalog.market_network import Network, Where
from polycloud.catalog.market_rows import (
    Accelerator,
    Carbon,
    EgressPrice,
    Interruption,
    Link,
    Offer,
    OwnRows,
    Power,
    Rtt,
    StoragePrice,
    Throughput,
)

NO_ROWS = OwnRows()


class Market:
    """Dated, sourced prices and figures of the four clouds, and whatever rows the user adds."""

    def __init__(self, own: OwnRows = NO_ROWS) -> None:
        self.own = own
        self._machines = Machines(own)
        self._network = Network(own)
        self._storage = {(s.site, s.storage_class): s for s in own.storage}
        self._carbon = {c.site: c for c in own.carbon}
        self._power = {p.cloud: p for p in own.power}
        self._interruptions = {(i.site, i.machine): i for i in own.interruptions}

    @classmethod
    def load(cls) -> "Market":
        """The market that ships with the package."""
        return cls()

    def with_rows(self, rows: OwnRows) -> "Market":
        """A market in which these rows replace those of the same key, or are added. Later rows win."""
        merged = {f: (*getattr(self.own, f), *getattr(rows, f)) for f in OwnRows.__struct_fields__}
        return Market(msgspec.convert(merged, OwnRows))

    # -- machines ----------------------------------------------------------------------------------------

    def offers(self, site_id: str) -> tuple[Offer, ...]:
        """Every machine listed at a site, those without any price included; none for an unknown site.

        On OCI the one list price holds in all commercial regions; ``note`` says that availability is not sourced.
        """
        return tuple(self._machines.by_machine(site_id).values())

    def offer(self, site_id: str, machine: str) -> Offer | None:
        return self._machines.by_machine(site_id).get(machine)

    def sites_offering(self, accelerator: str) -> tuple[str, ...]:
        """Site ids whose list has a machine with this accelerator, by any of its names."""
        return self._machines.offering(accelerator)

    def accelerator(self, name: str) -> Accelerator | None:
        """The facts of an accelerator by any of its names; ``A100`` is the least of those it may mean."""
        return self._machines.accelerator(name)

    def accelerators_named(self, name: str) -> tuple[str, ...]:
        """All canonical names that an estate's word may mean, the least first; none for an unknown word."""
        return self._machines.matching(name)

    def relative_speed(self, accelerator: str, kind: str) -> float | None:
        """Speed beside an A100 (1.0) for a kind of workload: by TFLOP/s, for inference by memory bandwidth."""
        return self._machines.relative_speed(accelerator, kind)

    def interruption(self, site_id: str, machine: str) -> Interruption | None:
        """The monthly share of spot machines reclaimed, AWS only (Spot Instance Advisor, 2025-06); None unknown."""
        key = (site_id, machine)
        return self._interruptions.get(key) or tables.interruptions().get(key)

    def similar(self, kind: str, text: str) -> list[str]:
        """Up to three names like ``text``: ``accelerator``, ``machine`` or ``machine:<site id>``."""
        return self._machines.similar(kind, text)

    # -- storage -----------------------------------------------------------------------------------------

    def storage(self, site_id: str) -> tuple[StoragePrice, ...]:
        """The classes of object storage at a site; ``canonical`` marks the one class of each tier."""
        region = tables.regions().get(site_id)
        everywhere = region is not None and region.cloud == "oci" and region.kind == "commercial"
        listed = tables.storage().get(f"oci/{tables.ANYWHERE}" if everywhere else site_id, ())
        found = {s.storage_class: msgspec.structs.replace(s, site=site_id) for s in listed}
        if everywhere:
            found = {n: msgspec.structs.replace(s, note=tables.ANYWHERE_NOTE) for n, s in found.items()}
        found |= {name: s for (site, name), s in self._storage.items() if site == site_id}
        return tuple(found.values())

    def storage_tier(self, site_id: str, tier: str) -> StoragePrice | None:
        """The class that stands for a tier (hot, warm, cold, archive) at a site; the user's last row wins."""
        found = [s for s in self.storage(site_id) if s.tier == tier and s.canonical]
        return found[-1] if found else None

    # -- between places ----------------------------------------------------------------------------------

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None:
        """What a GB costs from one site to another, by volume and meter; see ``Network.egress`` for the rules."""
        return self._network.egress(src, dst, dst_country)

    def rtt(self, a: Where, b: Where) -> Rtt | None:
        """The round trip between sites, countries (``DE``) or points (latitude, longitude), measured or estimated."""
        return self._network.rtt(a, b)

    def throughput(self, src: str, dst: str) -> Throughput | None:
        return self._network.throughput(src, dst)

    def links(self, kind: str | None = None, a: str | None = None, b: str | None = None) -> tuple[Link, ...]:
        """Links of an estate's kind, at a site or between two."""
        return self._network.links(kind, a, b)

    # -- carbon ------------------------------------------------------------------------------------------

    def carbon(self, site_id: str) -> Carbon | None:
        """Grams of CO2 equivalent per kWh at a site, the newest year; the country's average where no other is known."""
        return self._carbon.get(site_id) or tables.carbon().get(site_id)

    def power(self, cloud: str) -> Power | None:
        """PUE and watts per vCPU of a cloud (``onprem`` too); ``quality`` says where it is general knowledge."""
        return self._power.get(cloud) or tables.power().get(cloud)
