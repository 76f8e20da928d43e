"""Tables of machines, storage, links, carbon and countries as typed rows: each read once, when it is asked for."""

import functools
from collections.abc import Mapping

from polycloud.catalog import reading
from polycloud.catalog.market_rows import (
    Accelerator,
    Carbon,
    Interruption,
    Link,
    Offer,
    Place,
    Power,
    Promised,
    Step,
    StoragePrice,
)
from polycloud.catalog.rows import Region

ANYWHERE = "*"  # OCI's one list price for all commercial regions
ANYWHERE_NOTE = "one list price for all commercial OCI regions; availability in this region is not sourced"


def _int(text: str) -> int | None:
    return int(text) if text else None


def _price(text: str) -> int | None:
    """Micro-units; 0 is unknown: what is free is stated by the tables that have a free list."""
    return int(text) or None if text else None


def _float(text: str) -> float | None:
    return float(text) if text else None


def _sources(row: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(row["source"].split("+"))


def _sites(text: str) -> tuple[str, ...]:
    return tuple(text.split("|"))


@functools.cache
def regions() -> Mapping[str, Region]:
    """Site id → region."""
    return {f"{r.cloud}/{r.region}": r for r in reading.regions()}


@functools.cache
def countries() -> Mapping[str, Place]:
    """ISO country → its continent and the point for its users."""
    return {
        r["country"]: Place(
            country=r["country"],
            continent=r["continent"],
            latitude=float(r["latitude_degrees"]),
            longitude=float(r["longitude_degrees"]),
            basis=r["basis"],
            source=r["source"],
            as_of=r["as_of"],
        )
        for r in reading.table("countries")
    }


@functools.cache
def machine_rows() -> Mapping[str, tuple[Mapping[str, str], ...]]:
    """Site id (``oci/*`` for OCI) → its machines as text: typed only for the sites that are asked for."""
    found: dict[str, list[Mapping[str, str]]] = {}
    for r in reading.table("instances"):
        found.setdefault(f"{r['cloud']}/{r['region']}", []).append(r)
    return {site: tuple(rows) for site, rows in found.items()}


@functools.cache
def machines_at(site: str) -> tuple[Mapping[str, str], ...]:
    """The same of one site: the others are not read."""
    return tuple(reading.table("instances", site.replace("/", ",") + ","))


@functools.cache
def promises() -> Mapping[tuple[str, str], Promised]:
    """(source, term) → what its committed prices are."""
    return {
        (r["source"], r["term"]): Promised(r["source"], r["as_of"], r["quality"], r["upfront"] == "all", r["note"])
        for r in reading.table("promises")
    }


def offer(site: str, r: Mapping[str, str]) -> Offer:
    return Offer(
        site=site,
        machine=r["machine"],
        vcpu=_float(r["vcpu"]),
        memory_gib=_float(r["memory_gib"]),
        accelerator=r["accelerator"],
        accelerator_count=_float(r["accelerator_count"]),
        on_demand=_price(r["on_demand"]),
        spot=_price(r["spot"]),
        committed_1y=_price(r["committed_1y"]),
        committed_3y=_price(r["committed_3y"]),
        currency=r["currency"],
        quality=r["quality"],
        spot_quality=r["spot_quality"],
        sources=_sources(r),
        as_of=r["as_of"],
        note=ANYWHERE_NOTE if r["region"] == ANYWHERE else "",
        promised=(
            promises().get((r["committed_1y_source"], "1y")),
            promises().get((r["committed_3y_source"], "3y")),
        ),
        spot_as_of=r["spot_as_of"] or (r["as_of"] if r["spot"] else ""),
    )


@functools.cache
def accelerators() -> Mapping[str, Accelerator]:
    return {
        r["accelerator"]: Accelerator(
            name=r["accelerator"],
            vendor=r["vendor"],
            memory_gb=_float(r["memory_gb"]),
            tflops=_float(r["tflops"]),
            precision=r["precision"],
            memory_gb_per_s=_float(r["memory_gb_per_s"]),
            watts=_float(r["watts"]),
            sources=_sources(r),
            as_of=r["as_of"],
            note=r["note"],
        )
        for r in reading.table("accelerators")
    }


@functools.cache
def accelerator_names() -> Mapping[str, tuple[str, ...]]:
    """Other names → the canonical ones they may mean."""
    return {r["name"]: _sites(r["accelerators"]) for r in reading.table("accelerator_names")}


@functools.cache
def storage() -> Mapping[str, tuple[StoragePrice, ...]]:
    """Site id (``oci/*`` for OCI) → its storage classes."""
    steps: dict[tuple[str, str], list[Step]] = {}
    first: dict[tuple[str, str], dict[str, str]] = {}
    for r in reading.table("storage"):
        key = (f"{r['cloud']}/{r['region']}", r["class"])
        first.setdefault(key, r)
        steps.setdefault(key, []).append(Step(int(r["from_gb"]), int(r["micro_usd_per_gb_month"])))
    found: dict[str, tuple[StoragePrice, ...]] = {}
    for (site, name), r in first.items():
        price = StoragePrice(
            site=site,
            tier=r["tier"],
            storage_class=name,
            steps=tuple(steps[site, name]),
            retrieval_per_gb=_int(r["retrieval_micro_usd_per_gb"]),
            min_days=_int(r["min_days"]),
            put_per_1000=_price(r["put_micro_usd_per_1000"]),
            get_per_1000=_price(r["get_micro_usd_per_1000"]),
            canonical=r["canonical"] == "1",
            quality="list",
            sources=_sources(r),
            as_of=r["as_of"],
        )
        found[site] = (*found.get(site, ()), price)
    return found


@functools.cache
def carbon() -> Mapping[str, Carbon]:
    return {
        f"{r['cloud']}/{r['region']}": Carbon(
            site=f"{r['cloud']}/{r['region']}",
            grams_per_kwh=float(r["grams_per_kwh"]),
            kind=r["kind"],
            year=_int(r["year"]),
            share=_float(r["share"]),
            share_kind=r["share_kind"],
            source=r["source"],
            as_of=r["as_of"],
        )
        for r in reading.table("carbon")
    }


@functools.cache
def power() -> Mapping[str, Power]:
    return {
        r["cloud"]: Power(
            cloud=r["cloud"],
            pue=_float(r["pue"]),
            idle_watts_per_vcpu=_float(r["idle_watts_per_vcpu"]),
            full_watts_per_vcpu=_float(r["full_watts_per_vcpu"]),
            memory_watts_per_gib=_float(r["memory_watts_per_gib"]),
            quality=r["quality"],
            source=r["source"],
            as_of=r["as_of"],
            note=r["note"],
        )
        for r in reading.table("power")
    }


@functools.cache
def interruptions() -> Mapping[tuple[str, str], Interruption]:
    """(site id, machine) → monthly share reclaimed."""
    found: dict[tuple[str, str], Interruption] = {}
    for r in reading.table("interruptions"):
        site, high = f"{r['cloud']}/{r['region']}", _int(r["high_percent"])
        low = int(r["low_percent"]) / 100
        found[site, r["machine"]] = Interruption(
            site, r["machine"], low, None if high is None else high / 100, r["source"], r["as_of"]
        )
    return found


@functools.cache
def links() -> tuple[Link, ...]:
    return tuple(
        Link(
            name=r["name"],
            kind=r["kind"],
            sites_a=_sites(r["sites_a"]),
            sites_b=_sites(r["sites_b"]),
            bandwidth_gbps=_float(r["bandwidth_gbps"]),
            port_per_hour=_price(r["port_micro_usd_per_hour"]),
            per_gb_out_a=_int(r["micro_usd_per_gb_out_a"]),
            per_gb_out_b=_int(r["micro_usd_per_gb_out_b"]),
            quality=r["quality"],
            source=r["source"],
            as_of=r["as_of"],
            note=r["note"],
        )
        for r in reading.table("links")
    )
