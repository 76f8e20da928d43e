"""What lies between sites: the price of traffic, round-trip times, throughput and links.

Egress is charged by the cloud that the data leaves; arriving is free, and so is staying at a site. Prices between
two regions of one cloud are those of the pair; everything else (another cloud, another realm of the same vendor, a
hall of one's own) goes over the internet meter of the source. AWS's 100 GB free a month are not in the tables.
"""

from collections.abc import Sequence

import msgspec

from polycloud.catalog import market_network_reading as tables
from polycloud.catalog import market_reading as places
from polycloud.catalog.market_rows import EgressPrice, Link, OwnRows, Rtt, RttFit, Step, Throughput
from polycloud.catalog.rows import Region
from polycloud.core.geo import distance_km

Point = tuple[float, float]
Where = str | Point  # a site id, an ISO country, or (latitude, longitude) in degrees

FIBRE_KM_PER_MS = 204.2  # light in glass: 299,792 km/s over a refractive index of 1.468
SAME_SITE = Rtt(0.5, measured=False, low_ms=0.0, high_ms=1.0, note="the same site")
GCP_INTERNET = {"AU": "internet-australia", "CN": "internet-china"}  # its price list's own destinations


class Network:
    """Look-ups over the tables of the network, the user's rows before the catalogue's."""

    def __init__(self, own: OwnRows) -> None:
        self._egress = {(e.src, e.dst): e for e in own.egress}
        self._rtts = {_ordered(r.a, r.b): r for r in own.rtts}
        self._throughput = {(t.src, t.dst): t for t in own.throughput}
        self._links = {link.name: link for link in own.links}

    # -- egress ------------------------------------------------------------------------------------------

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None:
        """The price of moving data from one site to another; None when nothing is known, as for a hall of one's own.

        In this order: the user's row of the pair; nothing to pay inside a site; inside one cloud and realm the listed
        pair, the source's one price for other regions, the dearest listed pair of the two continents (``derived``),
        the internet price as an upper bound (``derived``); else the internet meter of the source.
        """
        own = self._egress.get((src, dst))
        if own is not None:
            return own
        if src == dst:
            return EgressPrice(src, dst, f"{src} inside", (Step(0, 0),), quality="list", rule="same site")
        here, there = places.regions().get(src), places.regions().get(dst)
        if here is not None and there is not None and (here.cloud, here.partition) == (there.cloud, there.partition):
            return self._inside_cloud(src, dst, here, there)
        country = there.country if there else dst_country
        dest = GCP_INTERNET.get(country, "internet") if here and here.cloud == "gcp" else "internet"
        return _towards(dst, self._meter(src, dest))

    def _meter(self, src: str, dest: str) -> EgressPrice | None:
        own = self._egress.get((src, dest))
        if own is None and dest in GCP_INTERNET.values():
            own = self._egress.get((src, "internet"))  # the user's one price for the internet is for all of it
        return own or tables.egress_meters().get((src, dest))

    def _inside_cloud(self, src: str, dst: str, here: Region, there: Region) -> EgressPrice | None:
        own = self._egress.get((src, "other-region"))
        pair = tables.egress_pairs().get((src, dst))
        if own is None and pair is not None:
            return msgspec.structs.replace(pair, src=src, dst=dst, meter=f"{src} to {dst}")
        listed = own or tables.egress_meters().get((src, "other-region"))
        if listed is not None:
            return _towards(dst, listed)
        if "commercial" == here.kind == there.kind:
            key = (here.cloud, _continent(here.country), _continent(there.country))
            usual = tables.egress_continents().get(key)
            if usual is not None:
                return msgspec.structs.replace(usual, src=src, dst=dst, meter=f"{src} to {dst}")
        internet = self._meter(src, "internet")
        if internet is None:
            return None
        return msgspec.structs.replace(internet, dst=dst, quality="derived", rule="internet as upper bound")

    # -- time --------------------------------------------------------------------------------------------

    def rtt(self, a: Where, b: Where) -> Rtt | None:
        """The round trip between two sites, countries' users or points; None where a place is not known.

        Measured: between cloud regions on premium tiers in 2022, the lower of the two directions (they agree to
        0.3 ms in the median). Else estimated from the great-circle distance by the robust line that fits the measured
        pairs of the same two continents, never below what light in glass needs. A caller's last mile is not in it.
        """
        if a == b and isinstance(a, str) and "/" in a:
            return SAME_SITE
        if isinstance(a, str) and isinstance(b, str):
            key = _ordered(a, b)
            row = self._rtts.get(key) or tables.rtts().get(key)
            if row is not None:
                return Rtt(row.ms, True, row.ms, row.ms, row.source, row.as_of)
        ends = (_point(a), _point(b))
        if ends[0] is None or ends[1] is None:
            return None
        return _estimate(distance_km(ends[0], ends[1]), _fit(_continent_of(a), _continent_of(b)))

    def throughput(self, src: str, dst: str) -> Throughput | None:
        """Gigabits per second from one VM to another, the newest measurement (2022, 64 connections); None without."""
        return self._throughput.get((src, dst)) or tables.throughput(src).get(dst)

    # -- links -------------------------------------------------------------------------------------------

    def links(self, kind: str | None = None, a: str | None = None, b: str | None = None) -> tuple[Link, ...]:
        """Links and parts of links of a kind, that can stand at site ``a`` and, given ``b``, between the two."""
        own = self._links
        rows = (*(link for link in places.links() if link.name not in own), *own.values())
        return tuple(
            link
            for link in rows
            if (kind is None or link.kind == kind)
            and (a is None or (_joins(link, a, b) if b else _fits(link.sites_a, a) or _fits(link.sites_b, a)))
        )


def _ordered(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a <= b else (b, a)


def _towards(dst: str, price: EgressPrice | None) -> EgressPrice | None:
    return None if price is None else msgspec.structs.replace(price, dst=dst)


def _continent(country: str) -> str:
    place = places.countries().get(country)
    return place.continent if place else ""


def _point(where: Where) -> Point | None:
    if not isinstance(where, str):
        return where
    region = places.regions().get(where)
    if region is not None and region.latitude is not None and region.longitude is not None:
        return region.latitude, region.longitude
    place = places.countries().get(region.country if region else where)
    return (place.latitude, place.longitude) if place else None


def _continent_of(where: Where) -> str:
    if isinstance(where, str):
        region = places.regions().get(where)
        return _continent(region.country if region else where)
    return min(places.countries().values(), key=lambda p: distance_km(where, (p.latitude, p.longitude))).continent


def _fit(a: str, b: str) -> RttFit:
    found = tables.rtt_fits()
    return found.get(_ordered(a, b)) or found["*", "*"]


def _estimate(km: float, line: RttFit) -> Rtt:
    least = 2 * km / FIBRE_KM_PER_MS
    middle = max(line.base_ms + line.ms_per_km * km, least)
    low, high = (max(middle + spread, least) for spread in (line.low_ms, line.high_ms))
    note = f"from {km:.0f} km, by {line.pairs} measured pairs {line.a}-{line.b}"
    return Rtt(round(middle, 2), False, round(low, 2), round(high, 2), line.source, line.as_of, note)


def _fits(ends: Sequence[str], site: str) -> bool:
    cloud = site.partition("/")[0]
    return any(end in (site, f"{cloud}/*", "any/*") for end in ends)


def _joins(link: Link, a: str, b: str) -> bool:
    return (_fits(link.sites_a, a) and _fits(link.sites_b, b)) or (_fits(link.sites_a, b) and _fits(link.sites_b, a))
