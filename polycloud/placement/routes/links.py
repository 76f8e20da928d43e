"""What can join two sites: each kind of link with its bandwidth, round trip, price, security, and what is not known.

A price has a known part and a list of what no source gives (a circuit, a carrier's cross connect); the unknown is never
taken as nothing, so an option with unknown parts has no total until the user states it: as ``cost_per_month`` and
``cost_per_gb`` of the estate's link, or as rows of their own. Equipment in one's own hall is not counted.
"""

from collections.abc import Sequence

import msgspec

from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Link as ListedLink
from polycloud.estate import Estate
from polycloud.estate.schema.places import Link
from polycloud.placement.problem import GB, HOURS, Meter
from polycloud.placement.routes.flows import PairFlow
from polycloud.placement.routes.network import BETWEEN_CLOUDS, PRIVATE, Hop, Surveyor, joins, private_price, spot
from polycloud.placement.routes.speeds import Speeds

# What each end of a private line is billed for, by the beginning of the names in the catalogue.
PORTS = {
    "direct-connect": ("AWS Direct Connect dedicated",),
    "expressroute": ("Azure ExpressRoute circuit", "Azure ExpressRoute gateway", "Azure ExpressRoute connection"),
    "interconnect": ("GCP Dedicated Interconnect", "GCP VLAN attachment"),
    "fastconnect": ("OCI FastConnect",),
}
CROSS_CLOUD = ("GCP Cross-Cloud Interconnect", "GCP VLAN attachment")  # what Google bills towards another cloud
GB_MOST = 10**9  # an exabyte a month: no break-even is sought beyond


class LinkOption(msgspec.Struct, frozen=True):
    """One way to join two sites. ``micro`` is the known part of a month's bill at the flow's volume in micro-USD,
    both ends and both directions; it is the whole only when ``unknown`` is empty. ``rtt_ms`` is measured or
    estimated between the sites, or declared; ``break_even_gb`` is the monthly volume from which it costs less than
    the internet (None: never, or not to be said while parts are unknown)."""

    kind: str
    gbps: float | None
    gbps_measured: bool
    rtt_ms: float | None
    rtt_measured: bool
    micro: int
    unknown: tuple[str, ...]
    private: bool
    encrypted: bool
    declared: str = ""
    sla: float | None = None
    break_even_gb: int | None = None
    note: str = ""

    @property
    def total(self) -> int | None:
        """Micro-USD a month, None while a part is unknown."""
        return None if self.unknown else self.micro


class _Price(msgspec.Struct):
    """A price in the making: a monthly fee and a meter or None (unknown) for each direction."""

    fee: int = 0
    out: Meter | None = None
    back: Meter | None = None
    unknown: list[str] = []
    gbps: float | None = None

    def cost(self, flow: PairFlow) -> int:
        return self.fee + sum(
            meter.cost(volume) for meter, volume in ((self.out, flow.out), (self.back, flow.back)) if meter
        )


class LinkOptions:
    """The options between any two sites of an estate."""

    def __init__(self, estate: Estate, market: Market, speeds: Speeds) -> None:
        self._estate = estate
        self._market = market
        self._speeds = speeds

    def between(self, flow: PairFlow, gbps: float) -> tuple[LinkOption, ...]:
        """Every kind that can join the pair with at least ``gbps``; declared links stand for their kind."""
        internet = self._internet(flow.a, flow.b)
        declared = [(n, link) for n, link in self._estate.links.items() if set(link.between) == {flow.a, flow.b}]
        taken = {str(link.via) for _, link in declared}
        wanted: list[tuple[str, str, Link | None]] = [
            (kind, "", None) for kind in dict.fromkeys(self._kinds(flow.a, flow.b)) if kind not in taken
        ]
        wanted += [(link.via, name, link) for name, link in declared]
        found = []
        for kind, name, link in wanted:
            price = internet if kind == "internet" else self._priced(kind, flow.a, flow.b, gbps, internet)
            found.append(self._option(kind, flow, price, internet, name, link))
        return tuple(found)

    def _kinds(self, a: str, b: str) -> Sequence[str]:
        clouds = {site.partition("/")[0] for site in (a, b)}
        if "onprem" in clouds:
            own = [PRIVATE[cloud] for cloud in sorted(clouds - {"onprem"})]
            return ("internet", "vpn", *own)
        listed = [kind for kind in BETWEEN_CLOUDS if any(_names(row, a, b) for row in self._market.links(kind))]
        across = ["interconnect"] if "gcp" in clouds else []
        return ("internet", "vpn", *listed, *across, "exchange")

    def _option(
        self, kind: str, flow: PairFlow, price: _Price, internet: _Price, name: str, link: Link | None
    ) -> LinkOption:
        private = kind not in ("internet", "vpn")
        rtt = self._market.rtt(spot(self._estate, flow.a), spot(self._estate, flow.b))
        ms, measured = (rtt.ms, rtt.measured) if rtt else (None, False)
        gbps, known = price.gbps, price.gbps is not None
        if kind == "internet":
            gbps, known = self._speeds.of(Hop(0, 1, ()), (flow.a, flow.b))
        if link is not None:
            price = self._stated(link, price)
            gbps, known = (float(link.bandwidth.value) / 1e9, True) if link.bandwidth else (gbps, known)
            ms, measured = (float(link.latency.value) * 1000, True) if link.latency else (ms, measured)
        return LinkOption(
            kind=kind,
            gbps=gbps,
            gbps_measured=known,
            rtt_ms=ms,
            rtt_measured=measured,
            micro=price.cost(flow),
            unknown=tuple(price.unknown),
            private=private,
            encrypted=kind == "vpn",
            declared=name,
            sla=float(link.sla.value) if link and link.sla else None,
            break_even_gb=None if price.unknown or kind == "internet" else break_even(price, internet, flow),
            note=link.provider if link else "",
        )

    # -- prices ------------------------------------------------------------------------------------------

    def _internet(self, a: str, b: str) -> _Price:
        found = Surveyor((a, b), self._market, self._estate)
        meters = []
        for src, dst in ((a, b), (b, a)):
            row = found.egress(src, dst)
            meters.append(found.meters[row[0]] if row else None)
        unknown = [f"{row.what}: {row.why}" for row in found.left_out]
        unknown += [f"per GB out of {site}" for site in (a, b) if self._silent(site)]
        return _Price(0, meters[0], meters[1], unknown)

    def _silent(self, site: str) -> bool:
        """Whether it is a hall whose price of a GB sent out is not stated."""
        hall = self._estate.onprem.get(site.removeprefix("onprem/"))
        return site.startswith("onprem/") and hall is not None and hall.cost_per_gb_out is None

    def _priced(self, kind: str, a: str, b: str, gbps: float, internet: _Price) -> _Price:
        ends = [site for site in (a, b) if not site.startswith("onprem/")]
        if kind == "vpn":
            price = _Price(0, internet.out, internet.back, list(internet.unknown))
            speeds = [self._parts(price, ("",), site, "vpn", gbps) for site in ends]
        else:
            price = _Price()
            across = kind == "interconnect" and len(ends) == 2
            speeds = [self._end(price, site, across, gbps) for site in ends]
            price.out, price.back = (self._per_gb(price, kind, src, dst) for src, dst in ((a, b), (b, a)))
            if kind == "exchange":
                price.unknown.append("the exchange's port and virtual circuit")
            elif len(ends) < 2:
                price.unknown.append("the carrier's line to the hall")
        known = [speed for speed in speeds if speed is not None]
        price.gbps = min(known) if known and len(known) == len(speeds) else None
        return price

    def _end(self, price: _Price, site: str, across: bool, gbps: float) -> float | None:
        """Adds what one cloud bills for its end of a private line; its bandwidth where known."""
        own = PRIVATE[site.partition("/")[0]]
        return self._parts(price, CROSS_CLOUD if across and own == "interconnect" else PORTS[own], site, own, gbps)

    def _parts(self, price: _Price, names: Sequence[str], site: str, kind: str, gbps: float) -> float | None:
        """For each part the cheapest listed one that carries ``gbps``, else what is missing by name."""
        speeds = []
        for name in names:
            rows = [
                row
                for row in self._market.links(kind, site)
                if row.name.startswith(name)
                and row.port_per_hour is not None
                and (row.bandwidth_gbps or gbps) >= gbps
                and joins(site, row.sites_a)  # whose end it is; the other end may be anywhere
            ]
            if not rows:
                price.unknown.append(f"{name or kind} at {site}")
                continue
            row = min(rows, key=lambda row: row.port_per_hour or 0)
            price.fee += (row.port_per_hour or 0) * HOURS
            speeds += [row.bandwidth_gbps] if row.bandwidth_gbps else []
        return min(speeds) if speeds else None

    def _per_gb(self, price: _Price, kind: str, src: str, dst: str) -> Meter | None:
        each = 0 if src.startswith("onprem/") else private_price(self._market, kind, src, dst)
        if each is None:
            price.unknown.append(f"per GB out of {src}")
            return None
        return Meter(f"{kind} out of {src}", ((0, each),))

    def _stated(self, link: Link, price: _Price) -> _Price:
        """What the estate says of its link stands above the catalogue: its fee is the whole fee, ports included."""
        unknown = list(price.unknown)
        fee, out, back = price.fee, price.out, price.back
        foreign = [a.currency for a in (link.cost_per_month, link.cost_per_gb) if a and a.currency != "USD"]
        if link.cost_per_month is not None and not foreign:
            fee = link.cost_per_month.micro
            unknown = [what for what in unknown if what.startswith("per GB")]
        if link.cost_per_gb is not None and not foreign:
            each = Meter("stated", ((0, link.cost_per_gb.micro),))
            out, back = each, each
            unknown = [what for what in unknown if not what.startswith("per GB")]
        unknown += [f"the estate's price is in {currency}, and no rate to USD" for currency in dict.fromkeys(foreign)]
        return _Price(fee, out, back, unknown, price.gbps)


def break_even(price: _Price, internet: _Price, flow: PairFlow) -> int | None:
    """The least whole GB a month, in the flow's own proportion of directions, at which a link costs less than the
    internet; None where it never does. With no flow all goes from a to b."""
    out, back = (flow.out, flow.back) if flow.out + flow.back else (1, 0)

    def cheaper(gb: int) -> bool:
        at = PairFlow(flow.a, flow.b, gb * GB * out // (out + back), gb * GB * back // (out + back))
        return price.cost(at) < internet.cost(at)

    if internet.unknown:
        return None
    low, high = 0, 1
    while not cheaper(high):
        low, high = high, high * 2
        if high > GB_MOST:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if cheaper(middle) else (middle, high)
    return high


def _names(row: ListedLink, a: str, b: str) -> bool:
    return (a in row.sites_a and b in row.sites_b) or (b in row.sites_a and a in row.sites_b)
