"""Tables of the network as typed rows (egress, round trips, throughput): each read once, when it is asked for."""

import functools
from collections.abc import Mapping

from polycloud.catalog import reading
from polycloud.catalog.market_rows import EgressPrice, MeasuredRtt, RttFit, Step, Throughput


@functools.cache
def egress_meters() -> Mapping[tuple[str, str], EgressPrice]:
    """(site id, destination of the meter) → price by volume."""
    found: dict[tuple[str, str], EgressPrice] = {}
    for r in reading.table("egress_meters"):
        site, step = f"{r['cloud']}/{r['region']}", Step(int(r["from_gb"]), int(r["micro_usd_per_gb"]))
        known = found.get((site, r["dest"]))
        found[site, r["dest"]] = EgressPrice(
            src=site,
            dst=r["dest"],
            meter=r["meter"],
            steps=(*known.steps, step) if known else (step,),
            quality=r["quality"],
            rule=r["rule"],
            sources=tuple(r["source"].split("+")),
            as_of=r["as_of"],
        )
    return found


def _flat(cloud: str, r: Mapping[str, str]) -> EgressPrice:
    return EgressPrice(
        src=r["src"],
        dst=r["dst"],
        meter="",
        steps=(Step(0, int(r["micro_usd_per_gb"])),),
        quality=r["quality"],
        rule=r["rule"],
        sources=tuple(r["source"].split("+")),
        as_of=r["as_of"],
    )


@functools.cache
def egress_pairs() -> Mapping[tuple[str, str], EgressPrice]:
    """(site id, site id of the same cloud) → price; the meter is named by the look-up."""
    return {
        (f"{r['cloud']}/{r['src']}", f"{r['cloud']}/{r['dst']}"): _flat(r["cloud"], r)
        for r in reading.table("egress_pairs")
    }


@functools.cache
def egress_continents() -> Mapping[tuple[str, str, str], EgressPrice]:
    """(cloud, continent, continent) → the price that stands for pairs nobody lists."""
    return {(r["cloud"], r["src"], r["dst"]): _flat(r["cloud"], r) for r in reading.table("egress_continents")}


@functools.cache
def rtts() -> Mapping[tuple[str, str], MeasuredRtt]:
    """Two site ids in order → measured round trip."""
    return {
        (r["a"], r["b"]): MeasuredRtt(r["a"], r["b"], float(r["ms"]), r["source"], r["as_of"])
        for r in reading.table("rtt")
    }


@functools.cache
def rtt_fits() -> Mapping[tuple[str, str], RttFit]:
    """Two continents in order, or ``("*", "*")`` → fit."""
    return {
        (r["a"], r["b"]): RttFit(
            a=r["a"],
            b=r["b"],
            base_ms=float(r["base_ms"]),
            ms_per_km=float(r["ms_per_km"]),
            low_ms=float(r["low_ms"]),
            high_ms=float(r["high_ms"]),
            pairs=int(r["pairs"]),
            source=r["source"],
            as_of=r["as_of"],
        )
        for r in reading.table("rtt_fit")
    }


@functools.cache
def throughput(src: str) -> Mapping[str, Throughput]:
    """Out of one site, by the other."""
    return {
        r["dst"]: Throughput(src, r["dst"], float(r["gbps"]), r["source"], r["as_of"])
        for r in reading.table("throughput", f"{src},")
    }
