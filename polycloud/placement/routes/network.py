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
    """What of the market a network is made of; ``catalog.market.Market`` answers it."""

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None: ...

    def links(self, kind: str | None = None, a: str | None = None, b: str | None = None) -> Sequence[ListedLink]: ...


class Hop(msgspec.Struct, frozen=True):
    """One way from site to site without a stop. ``via`` is ``internet`` or a link's name; ``gbps`` is what a
    link carries, None where only a measurement can say; ``derived`` marks a price by rule, not from a list."""

    start: int
    end: int
    meters: tuple[int, ...]
    via: str = INTERNET
    gbps: float | None = None
    derived: bool = False


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

    def egress(self, src: str, dst: str) -> tuple[int, bool] | None:
        """The meter that counts what leaves ``src`` for ``dst`` over the internet or the cloud's own lines, and
        whether its price is derived by a rule."""
        cloud, _, name = src.partition("/")
        if cloud == "onprem":
            hall = self.halls.get(name)
            amount = hall.cost_per_gb_out if hall else None
            if amount is None:
                return self.meter(f"{src} out", ((0, 0),)), False
            price = self.dollars(amount, f"onprem.{name}.cost_per_gb_out")
            return None if price is None else (self.meter(f"{src} out", ((0, price),)), False)
        there = self.halls.get(dst.removeprefix("onprem/"))
        row = self.market.egress(src, dst, (there.country or "") if there else "")
        if row is None:
            self.refuse(f"{src} to {dst}", "no price per GB is known for this way")
            return None
        if row.currency != "USD":
            self.refuse(f"{src} to {dst}", f"its price is in {row.currency}, and no rate to USD is known")
            return None
        off = Decimal(0) if row.quality == "own" else self.discounts.get(cloud, Decimal(0))
        return self.meter(row.meter, tiers(row.steps, off)), row.quality == "derived"

    def dollars(self, amount: Money, what: str) -> int | None:
        if amount.currency == "USD":
            return amount.micro
        self.refuse(what, f"it is in {amount.currency}, and no rate to USD is known")
        return None

    def internet(self) -> None:
        for start, src in enumerate(self.sites):
            for end, dst in enumerate(self.sites):
                if start != end and (found := self.egress(src, dst)) is not None:
                    self.hops.append(Hop(start, end, (found[0],), derived=found[1]))

    def declared(self, name: str, link: Link) -> None:
        """Both directions of a link of the estate, each with the whole bandwidth (links are full duplex)."""
        a, b = link.between
        if a not in self.index or b not in self.index:
            return
        gbps = float(link.bandwidth.value) / 1e9 if link.bandwidth else None
        capacity = int(link.bandwidth.value) * HOURS * 3600 // 8 if link.bandwidth else None
        for src, dst in ((a, b), (b, a)):
            found = self._on_link(name, link, src, dst, capacity)
            if found is not None:
                self.hops.append(Hop(self.index[src], self.index[dst], found[0], f"link {name}", gbps, found[1]))

    def _on_link(
        self, name: str, link: Link, src: str, dst: str, capacity: int | None
    ) -> tuple[tuple[int, ...], bool] | None:
        label = f"link {name} out of {src}"
        if link.cost_per_gb is not None:
            price = self.dollars(link.cost_per_gb, f"links.{name}.cost_per_gb")
            return None if price is None else ((self.meter(label, ((0, price),), capacity),), False)
        if link.via in OVER_THE_INTERNET:
            egress = self.egress(src, dst)
            return None if egress is None else ((egress[0], self.meter(label, ((0, 0),), capacity)), egress[1])
        price = 0 if src.startswith("onprem/") else private_price(self.market, link.via, src, dst)
        if price is None:
            self.refuse(label, f"no price per GB is known for {link.via} there; write links.{name}.cost_per_gb")
            return None
        return (self.meter(label, ((0, price),), capacity),), False

    def listed(self) -> None:
        """The interconnects between two clouds that the catalogue lists without a charge per GB, as if ordered."""
        for kind in BETWEEN_CLOUDS:
            for row in self.market.links(kind):
                for a in row.sites_a:
                    for b in row.sites_b:
                        if a in self.index and b in self.index:
                            self._as_listed(row, a, b)

    def _as_listed(self, row: ListedLink, a: str, b: str) -> None:
        if row.per_gb_out_a is None or row.per_gb_out_b is None:
            return
        for src, dst, price in ((a, b, row.per_gb_out_a), (b, a, row.per_gb_out_b)):
            meter = self.meter(f"{row.name} out of {src}", ((0, price),))
            self.hops.append(Hop(self.index[src], self.index[dst], (meter,), row.name, row.bandwidth_gbps))

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
    """The price of ``private_row``; None is unknown."""
    found = private_row(market, via, src, dst)
    return None if found is None else found[0]


def private_row(market: Rates, via: str, src: str, dst: str) -> tuple[int, ListedLink] | None:
    """Micro-USD per GB out of ``src`` on a private line to ``dst``: the listed one of this very pair, else what the
    source's cloud lists for its own kind of private line, a row of the region before one of the whole cloud; and that
    row.

    None is unknown; so is a row for a whole cloud whose note says that it varies.
    """
    rows = [row for row in market.links(via, src, dst) if via in BETWEEN_CLOUDS]
    own = market.links(PRIVATE.get(src.partition("/")[0], ""), src)
    rows += sorted((row for row in own if row not in rows), key=lambda row: src not in (*row.sites_a, *row.sites_b))
    for row in rows:
        near = joins(src, row.sites_a)
        named = src in (row.sites_a if near else row.sites_b)
        price = row.per_gb_out_a if near else row.per_gb_out_b
        if price is not None and (named or "varies" not in row.note):
            return price, row
    return None


def joins(site: str, patterns: Sequence[str]) -> bool:
    """Whether an end of a listed link may be at a site."""
    cloud = site.partition("/")[0]
    return any(pattern in (site, f"{cloud}/*", "any/*") for pattern in patterns)


def spot(estate: Estate | None, site: str) -> str | tuple[float, float]:
    """Where a site is, as ``Market.rtt`` asks: its id, for a hall its point or its country."""
    cloud, _, name = site.partition("/")
    hall = estate.onprem.get(name) if estate is not None and cloud == "onprem" else None
    if hall is None:
        return site
    return (hall.lat, hall.lon) if hall.lat is not None and hall.lon is not None else hall.country or site
