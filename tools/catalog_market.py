"""The market tables: machines, accelerators, storage, links, carbon, power, interruptions and countries.

Prices become whole micro-units; a spot price that no source states is derived from the advisor's saving and marked.
What a promise's price is (how old, list or inferred, paid when) stands once for each source and term in promises.csv.
What stays out is a row of market_dropped.csv with its reason; what is really free, a row of market_free.csv.
"""

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build_catalog import Raw

Row = dict[str, str]
QUALITY = {"L": "list", "D": "derived", "U": "single", "": "unpriced"}
UNDATED = {"general", "gcp-interconnect-page"}
LINK_KINDS = (  # the first pattern that fits a link's name; the words are the estate's
    ("AWS Direct Connect*", "direct-connect"),
    ("Azure ExpressRoute*", "expressroute"),
    ("OCI FastConnect*", "fastconnect"),
    ("OCI-Azure interconnect*", "azure-oci"),
    ("*VPN*", "vpn"),
    ("GCP *Interconnect*", "interconnect"),
    ("GCP VLAN attachment*", "interconnect"),
    ("OCI-GCP interconnect*", "interconnect"),
    ("AWS Transit Gateway*", "component"),
    ("Azure VNet peering*", "component"),
)

COLUMNS = {
    "instances": "cloud region machine vcpu memory_gib accelerator accelerator_count on_demand spot committed_1y"
    " committed_3y currency quality spot_quality spot_as_of committed_1y_source committed_3y_source source as_of",
    "promises": "source term as_of quality upfront note",
    "accelerators": "accelerator vendor memory_gb tflops precision memory_gb_per_s watts source as_of note",
    "accelerator_names": "name accelerators source as_of",
    "storage": "cloud region tier class from_gb micro_usd_per_gb_month retrieval_micro_usd_per_gb min_days"
    " put_micro_usd_per_1000 get_micro_usd_per_1000 canonical source as_of",
    "links": "name kind sites_a sites_b bandwidth_gbps port_micro_usd_per_hour micro_usd_per_gb_out_a"
    " micro_usd_per_gb_out_b quality source as_of note",
    "carbon": "cloud region grams_per_kwh kind year share share_kind source as_of",
    "power": "cloud pue idle_watts_per_vcpu full_watts_per_vcpu memory_watts_per_gib quality source as_of note",
    "interruptions": "cloud region machine low_percent high_percent source as_of",
    "countries": "country continent latitude_degrees longitude_degrees basis source as_of",
    "market_free": "table cloud what price reason source as_of",
}


def micro(dollars: str) -> str:
    """Dollars as decimal text → whole micro-dollars as text; blank stays blank."""
    if not dollars:
        return ""
    return str(int((Decimal(dollars) * 1_000_000).to_integral_value(ROUND_HALF_EVEN)))


class Dates:
    """The date of a source's rows in one table, where the source itself gives several or words it."""

    def __init__(self, raw: "Raw") -> None:
        self._raw = raw
        self._said = {(r["source"], r["table"]): r["as_of"] for r in raw.hand("market_dates")}

    def of(self, source: str, table: str) -> str:
        first = source.split("+")[0]
        for key in ((first, table), (first, "*")):
            if key in self._said:
                return self._said[key]
        found = re.match(r"\d{4}(-\d{2}(-\d{2})?)?", self._raw.as_of(first))
        if found is None:
            raise SystemExit(f"{source}: no date: add a row to tools/catalog/market_dates.csv")
        return found[0]


def sources_of(*fields: str) -> str:
    """Ids joined by +, each once, in order."""
    return "+".join(dict.fromkeys(id for field in fields for id in field.split("+") if id))


def free(raw: "Raw", table: str, cloud: str, what: str, price: str) -> bool:
    return any(
        r["table"] == table and r["price"] == price and fnmatchcase(cloud, r["cloud"]) and fnmatchcase(what, r["what"])
        for r in raw.hand("market_free")
    )


def promises(raw: "Raw", dates: Dates) -> list[Row]:
    return [r | {"as_of": dates.of(r["source"], "promises")} for r in raw.hand("promises")]


def instances(raw: "Raw", dates: Dates) -> Iterator[Row]:
    known = {(r["source"], r["term"]) for r in raw.hand("promises")}
    savings = {(r["region"], r["type"]): r for r in raw.table("spot_interruptions")}
    for r in raw.table("instances"):
        spot, spot_quality, spot_source = r["spot"], "list" if r["spot"] else "", r["src_spot"]
        advised = savings.get((r["region"], r["type"])) if r["cloud"] == "aws" else None
        if not spot and r["od"] and r["cur"] == "USD" and advised and int(advised["savings_pct"]) > 0:
            spot = str(Decimal(r["od"]) * (100 - int(advised["savings_pct"])) / 100)
            spot_quality, spot_source = "derived", advised["src"]
        main = r["src"] if r["od"] else r["src_spot"]
        as_of = dates.of(main, "instances")
        spot_as_of = dates.of(spot_source, "instances") if spot_source else as_of
        if spot_quality == "derived":
            spot_as_of = min(as_of, spot_as_of)  # as old as the older of the price and the saving
        yield {
            "cloud": r["cloud"],
            "region": r["region"],
            "machine": r["type"],
            "vcpu": r["vcpu"],
            "memory_gib": r["mem_gib"],
            "accelerator": r["accel"],
            "accelerator_count": "" if r["accel_count"] == "0" else r["accel_count"],
            "on_demand": micro(r["od"]),
            "spot": micro(spot),
            "committed_1y": micro(r["c1y"]),
            "committed_3y": micro(r["c3y"]),
            "currency": r["cur"],
            "quality": QUALITY[r["q"]],
            "spot_quality": spot_quality,
            "spot_as_of": spot_as_of if spot and spot_as_of != as_of else "",
            "committed_1y_source": _promised(r, "c1y", "1y", known),
            "committed_3y_source": _promised(r, "c3y", "3y", known),
            "source": sources_of(main, spot_source, r["src_c"], r["src_spec"]),
            "as_of": as_of,
        }


def _promised(r: Row, price: str, term: str, known: set[tuple[str, str]]) -> str:
    """The one source of a committed price. Raises SystemExit where promises.csv does not say what its price is."""
    if not r[price]:
        return ""
    found = [source for source in (r["src_c"] or r["src"]).split("+") if (source, term) in known]
    if len(found) != 1:
        raise SystemExit(f"instances: {r['region']} {r['type']} {term}: add its source to tools/catalog/promises.csv")
    return found[0]


def accelerators(raw: "Raw", dates: Dates) -> Iterator[Row]:
    more = {r["accelerator"]: r for r in raw.hand("accelerators")}
    for r in raw.table("accelerators"):
        own = more.pop(r["accel"], {})
        half = own.get("fp16_tflops", "")
        source = sources_of(r["src_tflops"], own.get("source", "")) or "moto"
        yield {
            "accelerator": r["accel"],
            "vendor": r["vendor"],
            "memory_gb": r["mem_gb"],
            "tflops": r["bf16_tflops"] or half,
            "precision": "bf16" if r["bf16_tflops"] else "fp16" if half else "",
            "memory_gb_per_s": own.get("memory_gb_per_s", ""),
            "watts": own.get("watts", ""),
            "source": source,
            "as_of": dates.of(source, "accelerators"),
            "note": "; ".join(n for n in (r["note"], own.get("note", "")) if n),
        }
    if more:
        raise SystemExit(f"tools/catalog/accelerators.csv names accelerators that the raw data lacks: {sorted(more)}")


def accelerator_names(raw: "Raw", dates: Dates) -> Iterator[Row]:
    for r in raw.hand("accelerator_names"):
        yield r | {"source": "hand", "as_of": dates.of("hand", "accelerator_names")}


def storage(raw: "Raw", dates: Dates) -> Iterator[Row]:
    """One class per name; where two sources name a class twice the older is a row of market_dropped.csv."""
    dropped = [r for r in raw.hand("market_dropped") if r["table"] == "storage"]
    standing: set[tuple[str, ...]] = set()
    seen: dict[tuple[str, ...], str] = {}
    prefer = {"S3 Standard-IA": 0, "S3 One Zone-IA": 1}
    rows = sorted(
        raw.table("storage"),
        key=lambda r: (
            r["cloud"], r["region"], r["tier"], prefer.get(r["class"], 0), r["class"], int(r["from_gb"]),
        ),
    )  # fmt: skip
    for r in rows:
        names = (r["region"], f"{r['region']} {r['class']}")
        if any(d["cloud"] == r["cloud"] and fnmatchcase(n, d["what"]) for d in dropped for n in names):
            continue
        key = (r["cloud"], r["region"], r["tier"])
        canonical = seen.setdefault(key, r["class"]) == r["class"]
        what = f"{r['class']} {r['tier']}"
        retrieval = micro(r["retrieval_usd_gb"])
        if retrieval == "0" and not free(raw, "storage", r["cloud"], what, "retrieval"):
            retrieval = ""
        step = (*key, r["class"], r["from_gb"])
        if step in standing:
            raise SystemExit(f"storage: {' '.join(step)} twice")
        standing.add(step)
        yield {
            "cloud": r["cloud"],
            "region": r["region"],
            "tier": r["tier"],
            "class": r["class"],
            "from_gb": r["from_gb"],
            "micro_usd_per_gb_month": micro(r["usd_gb_month"]),
            "retrieval_micro_usd_per_gb": retrieval,
            "min_days": r["min_days"],
            "put_micro_usd_per_1000": micro(r["put_usd_1000"]),
            "get_micro_usd_per_1000": micro(r["get_usd_1000"]),
            "canonical": "1" if canonical else "0",
            "source": r["src"],
            "as_of": dates.of(r["src"], "storage"),
        }


def _ends(raw: "Raw", r: Row) -> tuple[str, str]:
    """The sites at either end: ``us-east4|us-ashburn-1`` names one of each cloud, other lists all of the first."""
    known = {(p["cloud"], p["region"]) for p in raw.table("regions")}
    names = r["region"].split("|")
    any_b = f"{r['cloud_b']}/*"
    if names == ["*"]:
        return f"{r['cloud_a']}/*", any_b
    if len(names) == 2 and (r["cloud_b"], names[1]) in known:
        return f"{r['cloud_a']}/{names[0]}", f"{r['cloud_b']}/{names[1]}"
    for name in names:
        if (r["cloud_a"], name) not in known:
            raise SystemExit(f"links: {r['link']}: no region {r['cloud_a']}/{name}")
    return "|".join(f"{r['cloud_a']}/{name}" for name in names), any_b


def links(raw: "Raw", dates: Dates) -> Iterator[Row]:
    for r in raw.table("links"):
        kind = next(k for pattern, k in LINK_KINDS if fnmatchcase(r["link"], pattern))
        ends = _ends(raw, r)
        outs = [micro(r["usd_gb_out_a"]), micro(r["usd_gb_out_b"])]
        for i, (cloud, out) in enumerate(zip((r["cloud_a"], r["cloud_b"]), outs, strict=True)):
            if out == "0" and not (
                free(raw, "links", cloud, r["link"], "per GB out")
                or free(raw, "links", r["cloud_a"], r["link"], "per GB out")
            ):
                outs[i] = ""
        yield {
            "name": r["link"],
            "kind": kind,
            "sites_a": ends[0],
            "sites_b": ends[1],
            "bandwidth_gbps": r["bandwidth_gbps"],
            "port_micro_usd_per_hour": micro(r["port_usd_h"]),
            "micro_usd_per_gb_out_a": outs[0],
            "micro_usd_per_gb_out_b": outs[1],
            "quality": "general" if r["src"] == "general" else "list",
            "source": r["src"],
            "as_of": dates.of(r["src"], "links"),
            "note": r["note"],
        }


MOST_GRAMS = 1500  # of CO2 equivalent a kWh: lignite alone is near 1,100


def carbon(raw: "Raw", dates: Dates) -> Iterator[Row]:
    """The newest year of each region; a region whose own figure is dropped gets its country's average.

    Raises SystemExit for a figure that no grid can have and that is not dropped with its reason.
    """
    newest: dict[tuple[str, str], Row] = {}
    country = {(r["cloud"], r["region"]): r["country"] for r in raw.table("regions")}
    national = {country[r["cloud"], r["region"]]: r for r in raw.table("carbon") if r["src"] == "codecarbon-country"}
    dropped = {(d["cloud"], d["what"]) for d in raw.hand("market_dropped") if d["table"] == "carbon"}
    for given in raw.table("carbon"):
        key = (given["cloud"], given["region"])
        r = given
        if key in dropped and r["src"] != "codecarbon-country":
            r = national[country[key]] | {"cloud": key[0], "region": key[1]}
        if r["gco2e_kwh"] and float(r["gco2e_kwh"]) > MOST_GRAMS:
            raise SystemExit(f"carbon: {key} at {r['gco2e_kwh']} g/kWh can not be: drop it with its reason")
        if r["gco2e_kwh"] and (key not in newest or r["year"] > newest[key]["year"]):
            newest[key] = r
    for (cloud, region), r in sorted(newest.items()):
        yield {
            "cloud": cloud,
            "region": region,
            "grams_per_kwh": r["gco2e_kwh"],
            "kind": "country" if r["src"] == "codecarbon-country" else "region",
            "year": r["year"],
            "share": r["renewable_share"],
            "share_kind": r["share_kind"],
            "source": r["src"],
            "as_of": dates.of(r["src"], "carbon"),
        }


def power(raw: "Raw", dates: Dates) -> Iterator[Row]:
    for r in raw.hand("power"):
        yield r | {"as_of": dates.of(r["source"], "power")}


def interruptions(raw: "Raw", dates: Dates) -> Iterator[Row]:
    for r in raw.table("spot_interruptions"):
        yield {
            "cloud": r["cloud"],
            "region": r["region"],
            "machine": r["type"],
            "low_percent": r["month_lo_pct"],
            "high_percent": r["month_hi_pct"],
            "source": r["src"],
            "as_of": dates.of(r["src"], "interruptions"),
        }


def countries(raw: "Raw", places: list[Row], dates: Dates) -> Iterator[Row]:
    """A point for the users of each country: the mean of its commercial regions, else its capital."""
    points: dict[str, list[tuple[Decimal, Decimal]]] = {}
    for p in places:
        if p["latitude_degrees"] and p["kind"] in ("commercial", "china"):
            at = (Decimal(p["latitude_degrees"]), Decimal(p["longitude_degrees"]))
            if at not in points.setdefault(p["country"], []):
                points[p["country"]].append(at)
    for r in raw.hand("countries"):
        known = points.get(r["country"], [])
        mean = [sum(c) / len(known) for c in zip(*known, strict=True)]
        source = "jw-regions" if known else "countryinfo"
        yield {
            "country": r["country"],
            "continent": r["continent"],
            "latitude_degrees": f"{mean[0]:.2f}" if known else r["latitude"],
            "longitude_degrees": f"{mean[1]:.2f}" if known else r["longitude"],
            "basis": "regions" if known else r["place"],
            "source": f"{source}+countryinfo" if known else source,
            "as_of": dates.of(source, "countries"),
        }


def build(raw: "Raw", places: list[Row]) -> dict[str, list[Row]]:
    """Name of each market table but those of the network → its rows."""
    dates = Dates(raw)
    return {
        "instances": sorted(instances(raw, dates), key=lambda r: (r["cloud"], r["region"], r["machine"])),
        "promises": promises(raw, dates),
        "accelerators": list(accelerators(raw, dates)),
        "accelerator_names": list(accelerator_names(raw, dates)),
        "storage": list(storage(raw, dates)),
        "links": list(links(raw, dates)),
        "carbon": list(carbon(raw, dates)),
        "power": list(power(raw, dates)),
        "interruptions": list(interruptions(raw, dates)),
        "countries": list(countries(raw, places, dates)),
        "market_free": [r | {"as_of": dates.of(r["source"], "market_free")} for r in raw.hand("market_free")],
    }
