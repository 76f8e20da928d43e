"""The ways between sites as one graph: what each hop costs, on whose meter, and how much it carries.

Hops are the internet (the source's egress price), the estate's links, and, when asked for, the interconnects that
the catalogue lists without a charge per GB. Arriving is free; a hop without a known price does not exist here and is
listed in ``left_out``. What a relay's machines cost is in no price here.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Protocol

import msgspec

from polycloud.catalog.market_rows import EgressPrice, Step
from polycloud.catalog.market_rows import Link as ListedLink
from polycloud.core.money import Money
from polycloud.estate import Estate
from polycloud.estate.schema.places import Link, OnpremSite
from polycloud.placement.problem import GB, HOURS, LeftOut, Meter

OVER_THE_INTERNET = ("internet", "vpn")  # the cloud charges these at its internet price
PRIVATE = {"aws": "direct-connect", "azure": "expressroute", "gcp": "interconnect", "oci": "fastconnect"}
BETWEEN_CLOUDS = ("azure-oci", "interconnect")  # kinds that the catalogue lists between regions of two clouds
INTERNET = "internet"


class Rates(Protocol):
    """What of the market a network is made of."""

    def egress(self, src: str, dst: str) -> EgressPrice | None: ...

    def links(self, a: str, b: str) -> Sequence[ListedLink]: ...


class Hop(msgspec.Struct, frozen=True):
    """One way from site to site without a stop. ``via`` is ``internet`` or a link's name; ``gbps`` is what a
    declared link carries, None where only a measurement can say."""

    start: int
    end: int
    meters: tuple[int, ...]
    via: str = INTERNET
    gbps: float | None = None


class Network(msgspec.Struct, frozen=True):
    """Sites, meters and hops by index. ``relays`` are the sites that may pass on what is not theirs; ``fixed`` are
    the links' monthly fees, (name, micro-USD), paid whether used or not."""

    sites: tuple[str, ...]
    meters: tuple[Meter, ...]
    hops: tuple[Hop, ...]
    relays: frozenset[int]
    fixed: tuple[tuple[str, int], ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Surveyor:
    """Collects meters and hops; meters of one name are one."""

    def __init__(self, sites: Sequence[str], market: Rates, estate: Estate | None) -> None:
        self.sites = tuple(sites)
        self.market = market
        self.halls: Mapping[str, OnpremSite] = estate.onprem if estate else {}
        self.discounts: Mapping[str, Decimal] = (
            {cloud: ratio.value for cloud, ratio in estate.money.discounts.items()} if estate else {}
        )
        self.index = {site: at for at, site in enumerate(self.sites)}
        self.meters: list[Meter] = []
        self.hops: list[Hop] = []
        self.left_out: list[LeftOut] = []
        self._named: dict[str, int] = {}

    def meter(self, name: str, tiers: tuple[tuple[int, int], ...], capacity: int | None = None) -> int:
        if name not in self._named:
            self._named[name] = len(self.meters)
            self.meters.append(Meter(name, tiers, capacity))
        return self._named[name]

    def refuse(self, what: str, why: str) -> None:
        self.left_out.append(LeftOut("", what, why))

    def egress(self, src: str, dst: str) -> int | None:
        """The meter that counts what leaves ``src`` for ``dst`` over the internet or the cloud's own lines."""
        cloud, _, name = src.partition("/")
        if cloud == "onprem":
            hall = self.halls.get(name)
            amount = hall.cost_per_gb_out if hall else None
            if amount is None:
                return self.meter(f"{src} out", ((0, 0),))
            price = self.dollars(amount, f"onprem.{name}.cost_per_gb_out")
            return None if price is None else self.meter(f"{src} out", ((0, price),))
        row = self.market.egress(src, dst)
        if row is None:
            self.refuse(f"{src} to {dst}", "no price per GB is known for this way")
            return None
        if row.currency != "USD":
            self.refuse(f"{src} to {dst}", f"its price is in {row.currency}, and no rate to USD is known")
            return None
        off = Decimal(0) if row.quality == "own" else self.discounts.get(cloud, Decimal(0))
        return self.meter(row.meter, tiers(row.steps, off))

    def dollars(self, amount: Money, what: str) -> int | None:
        if amount.currency == "USD":
            return amount.micro
        self.refuse(what, f"it is in {amount.currency}, and no rate to USD is known")
        return None

    def internet(self) -> None:
        for start, src in enumerate(self.sites):
            for end, dst in enumerate(self.sites):
                if start != end and (meter := self.egress(src, dst)) is not None:
                    self.hops.append(Hop(start, end, (meter,)))

    def declared(self, name: str, link: Link) -> None:
        """Both directions of a link of the estate, each with the whole bandwidth (links are full duplex)."""
        a, b = link.between
        if a not in self.index or b not in self.index:
            return
        gbps = float(link.bandwidth.value) / 1e9 if link.bandwidth else None
        capacity = int(link.bandwidth.value) * HOURS * 3600 // 8 if link.bandwidth else None
        for src, dst in ((a, b), (b, a)):
            meters = self._on_link(name, link, src, dst, capacity)
            if meters is not None:
                self.hops.append(Hop(self.index[src], self.index[dst], meters, f"link {name}", gbps))

    def _on_link(self, name: str, link: Link, src: str, dst: str, capacity: int | None) -> tuple[int, ...] | None:
        label = f"link {name} out of {src}"
        if link.cost_per_gb is not None:
            price = self.dollars(link.cost_per_gb, f"links.{name}.cost_per_gb")
            return None if price is None else (self.meter(label, ((0, price),), capacity),)
        if link.via in OVER_THE_INTERNET:
            egress = self.egress(src, dst)
            return None if egress is None else (egress, self.meter(label, ((0, 0),), capacity))
        price = 0 if src.startswith("onprem/") else private_price(self.market, link.via, src, dst)
        if price is None:
            self.refuse(
                f"links.{name} out of {src}", f"no price per GB is known for {link.via} there; write cost_per_gb"
            )
            return None
        return (self.meter(label, ((0, price),), capacity),)

    def listed(self) -> None:
        """The interconnects between two clouds that the catalogue lists, as if they were ordered."""
        for start, src in enumerate(self.sites):
            for dst in self.sites[start + 1 :]:
                for row in self.market.links(src, dst):
                    if row.kind in BETWEEN_CLOUDS and not (src.startswith("onprem/") or dst.startswith("onprem/")):
                        self._as_listed(row, src, dst)

    def _as_listed(self, row: ListedLink, src: str, dst: str) -> None:
        prices = (row.per_gb_out_a, row.per_gb_out_b)
        if None in prices or not row.sites_a or not row.sites_b:
            return
        turned = not _at(src, row.sites_a)
        for start, end, price in ((src, dst, prices[turned]), (dst, src, prices[not turned])):
            meter = self.meter(f"{row.name} out of {start}", ((0, price or 0),))
            self.hops.append(Hop(self.index[start], self.index[end], (meter,), row.name, row.bandwidth_gbps))

    def relays(self) -> frozenset[int]:
        """Every region of a cloud; a hall only where the estate says what a GB sent out costs: silence is no offer."""
        return frozenset(
            at
            for at, site in enumerate(self.sites)
            if not site.startswith("onprem/")
            or ((hall := self.halls.get(site.partition("/")[2])) is not None and hall.cost_per_gb_out is not None)
        )


def network(sites: Sequence[str], market: Rates, estate: Estate | None = None, interconnects: bool = False) -> Network:
    """The graph over ``sites``. ``interconnects`` counts the listed ones between clouds in, though their ports and
    circuits are billed apart and nobody has ordered them."""
    found = Surveyor(sites, market, estate)
    found.internet()
    fixed: list[tuple[str, int]] = []
    for name, link in (estate.links if estate else {}).items():
        found.declared(name, link)
        if link.cost_per_month is not None:
            fee = found.dollars(link.cost_per_month, f"links.{name}.cost_per_month")
            if fee:
                fixed.append((f"link {name}", fee))
    if interconnects:
        found.listed()
    return Network(
        found.sites, tuple(found.meters), tuple(found.hops), found.relays(), tuple(fixed), tuple(found.left_out)
    )


def tiers(steps: Sequence[Step], discount: Decimal = Decimal(0)) -> tuple[tuple[int, int], ...]:
    """A price's steps as a meter has them, less a discount; each price is rounded half up."""
    left = 1 - discount
    return tuple(
        (step.from_gb * GB, int((step.micro_per_gb * left).to_integral_value(ROUND_HALF_UP))) for step in steps
    )


def private_price(market: Rates, via: str, src: str, dst: str) -> int | None:
    """Micro-USD per GB out of ``src`` on a private line to ``dst``: the listed one of this very pair, else what the
    source's cloud lists for its own kind of private line; None is unknown."""
    rows = market.links(src, dst)
    kinds = [via] if via in BETWEEN_CLOUDS else []
    for kind in (*kinds, PRIVATE.get(src.partition("/")[0], "")):
        for row in rows:
            price = row.per_gb_out_a if _at(src, row.sites_a) else row.per_gb_out_b
            if row.kind == kind and price is not None:
                return price
    return None


def _at(site: str, patterns: Sequence[str]) -> bool:
    cloud = site.partition("/")[0]
    return any(pattern in (site, f"{cloud}/*", "any/*") for pattern in patterns)
