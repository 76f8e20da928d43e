"""The network tables: what traffic costs by meter, how long a round trip takes, how much fits through.

Where a newer list price by volume exists it stands; else the first-tier grid of 2022; else a rule, written in the
row (``rule``) and marked ``derived``. Round-trip times without a measurement come from a fit on those measured.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from catalog_market import Dates, free, micro

from polycloud.core.geo import distance_km

if TYPE_CHECKING:
    from build_catalog import Raw

Row = dict[str, str]
FIBRE_KM_PER_MS = 204.2  # light in glass: 299,792 km/s over a refractive index of 1.468
CITY_KM = 100.0  # coordinates of regions are those of a city
FIT_PAIRS_MIN = 30  # fewer measured pairs of two continents say little about their cables
FIT_ROUNDS = 60  # reweighting settles long before
SLOPE_MIN, SLOPE_MAX = 2 / FIBRE_KM_PER_MS, 0.03  # a round trip can not be faster; thrice the detour is no fit
AZURE_ZONES = {"NA": 1, "EU": 1, "AS": 2, "OC": 2, "AF": 2, "SA": 3}
AZURE_MODELS = {1: "eastus", 2: "australiaeast", 3: "brazilsouth"}  # the region whose price stands for its zone
OCI_ZONES = {"NA": "NA-EU-UK", "EU": "NA-EU-UK", "AS": "APAC-JP-SA", "OC": "APAC-JP-SA", "SA": "APAC-JP-SA"}
MIDDLE_EAST = ("AE", "BH", "IL", "JO", "KW", "OM", "QA", "SA")
CONTINENTS = ("AF", "AS", "EU", "NA", "OC", "SA")

COLUMNS = {
    "egress_meters": "cloud region dest meter from_gb micro_usd_per_gb quality rule source as_of",
    "egress_pairs": "cloud src dst micro_usd_per_gb quality rule source as_of",
    "egress_continents": "cloud src dst micro_usd_per_gb quality rule source as_of",
    "rtt": "a b ms source as_of",
    "rtt_fit": "a b base_ms ms_per_km low_ms high_ms pairs source as_of",
    "throughput": "src dst gbps source as_of",
}


class Egress:
    """The raw prices by source, and the rows made of them."""

    def __init__(self, raw: "Raw", dates: Dates) -> None:
        self.raw = raw
        self.dates = dates
        self.places = {(r["cloud"], r["region"]): r for r in raw.table("regions")}
        self.tiers: dict[tuple[str, str, str], list[Row]] = {}
        for r in raw.table("egress_tiers"):
            self.tiers.setdefault((r["cloud"], r["region"], r["dest"]), []).append(r)
        for rows in self.tiers.values():
            rows.sort(key=lambda r: int(r["from_gb"]))
        self.grid: dict[tuple[str, str], dict[str, Row]] = {}
        self.internet: dict[tuple[str, str], Row] = {}
        for r in raw.table("egress"):
            if r["src_cloud"] == r["dst_cloud"]:
                self.grid.setdefault((r["src_cloud"], r["src_region"]), {})[r["dst_region"]] = r
            elif self._plain(r):
                self.internet[r["src_cloud"], r["src_region"]] = r

    def _plain(self, r: Row) -> bool:
        return self.places[r["dst_cloud"], r["dst_region"]]["country"] not in ("AU", "CN")

    def commercial(self, cloud: str) -> Iterator[tuple[str, Row]]:
        for (c, region), place in sorted(self.places.items()):
            if c == cloud and place["kind"] == "commercial":
                yield region, place

    def _steps(self, key: tuple[str, str, str], at: str, meter: str, quality: str, rule: str) -> list[Row]:
        """A step that the source puts below a later one is an error of the source: the later price stands for it.

        Where the source breaks off, a region with the same steps up to there goes on for it; where there is none, its
        last price stands for all above, which is the most that it can be.
        """
        cloud, source_region, dest = key
        rows, dearest, mended = [], 0, False
        own = self.tiers[key]
        like = self._like(key) if own[-1]["to_gb"] else None
        more = [] if like is None else self.tiers[cloud, like, dest][len(own) :]
        for r in reversed([*own, *more]):
            price = int(micro(r["usd_gb"]))
            if price == 0:
                gift = f"first {r['to_gb']} GB a month"
                if int(r["from_gb"]) or not free(self.raw, "egress", cloud, f"{source_region} {dest}", gift):
                    raise SystemExit(f"egress {' '.join(key)}: 0 is unknown: list it in market_free.csv")
            elif price < dearest:
                price, mended = dearest, True
            dearest = max(dearest, price)
            rows.append(
                {
                    "cloud": cloud,
                    "region": at,
                    "dest": dest,
                    "meter": meter,
                    "from_gb": r["from_gb"],
                    "micro_usd_per_gb": str(price),
                    "quality": "derived" if r in more else quality,
                    "rule": f"steps:{like}" if r in more else rule,
                    "source": r["src"],
                    "as_of": self.dates.of(r["src"], "egress"),
                }
            )
        if mended:
            rows = [row | {"quality": "derived", "rule": "steps never rise"} for row in rows]
        return rows[::-1]

    def _like(self, key: tuple[str, str, str]) -> str | None:
        """The first region by name that has the same steps for the same traffic, and more of them."""

        def shape(rows: list[Row]) -> list[tuple[str, str, str]]:
            return [(r["from_gb"], r["to_gb"], r["usd_gb"]) for r in rows]

        mine = shape(self.tiers[key])
        alike = (
            region
            for (cloud, region, dest), rows in self.tiers.items()
            if (cloud, dest) == (key[0], key[2]) and len(rows) > len(mine) and shape(rows[: len(mine)]) == mine
        )
        return min(alike, default=None)

    def _flat(self, r: Row, at: str, dest: str, meter: str, quality: str, rule: str) -> Row:
        return {
            "cloud": r["src_cloud"],
            "region": at,
            "dest": dest,
            "meter": meter,
            "from_gb": "0",
            "micro_usd_per_gb": micro(r["usd_gb"]),
            "quality": quality,
            "rule": rule,
            "source": r["src"],
            "as_of": self.dates.of(r["src"], "egress"),
        }

    def by_region(self, cloud: str, dest: str) -> Iterator[Row]:
        """Meters of clouds whose price belongs to the region: own steps, the grid, or the dearest of the continent."""
        own = [r for c, r, d in self.tiers if (c, d) == (cloud, dest)]
        for region in sorted(own):
            rule = "first-tier" if self.tiers[cloud, region, dest][0]["note"] == "first-tier price only" else "steps"
            yield from self._steps((cloud, region, dest), region, f"{cloud}/{region} {dest}", "list", rule)
        for region, place in self.commercial(cloud):
            meter = f"{cloud}/{region} {dest}"
            if region in own:
                continue
            pairs = self.grid.get((cloud, region), {}) if dest == "other-region" else {}
            if pairs:
                dearest = max(pairs.values(), key=lambda r: float(r["usd_gb"]))
                yield self._flat(dearest, region, dest, meter, "list", "first-tier")
                continue
            near = [r for r in own if self.places[cloud, r]["continent"] == place["continent"]]
            near = [r for r in near if self.places[cloud, r]["kind"] == "commercial"]
            if near:
                model = max(near, key=lambda r: float(self.tiers[cloud, r, dest][0]["usd_gb"]))
                yield from self._steps((cloud, model, dest), region, meter, "derived", f"continent:{model}")

    def azure(self) -> Iterator[Row]:
        """Azure bills internet traffic by zone: the zone's model region stands for every region of it."""
        for region, place in self.commercial("azure"):
            zone = AZURE_ZONES[place["continent"]]
            model = AZURE_MODELS[zone]
            key, meter = ("azure", model, "internet"), f"azure/zone-{zone} internet"
            own, standing = self.internet.get(("azure", region)), self.internet["azure", model]
            if own is not None and own["usd_gb"] != standing["usd_gb"]:
                raise SystemExit(f"azure/{region} is not priced as {model}: AZURE_ZONES is wrong")
            if key in self.tiers:
                listed = region == model == "eastus"  # the other model's steps come from a proxy meter
                quality, rule = ("list", "steps") if listed else ("derived", f"zone:{model}")
                yield from self._steps(key, region, meter, quality, rule)
            else:
                quality, rule = ("list", "first-tier") if own else ("derived", f"zone:{model}")
                yield self._flat(standing, region, "internet", meter, quality, rule)

    def oci(self) -> Iterator[Row]:
        """OCI's list gives one price for each of three zones; it holds for other regions as for the internet."""
        for region, place in self.commercial("oci"):
            zone = "ME-AF" if place["country"] in MIDDLE_EAST else OCI_ZONES.get(place["continent"], "ME-AF")
            for row in self._steps(("oci", f"zone:{zone}", "internet"), region, f"oci/{zone} outbound", "list", "zone"):
                yield row
                yield row | {"dest": "other-region", "quality": "derived", "rule": "internet meter"}

    def meters(self) -> Iterator[Row]:
        yield from self.by_region("aws", "internet")
        yield from self.by_region("aws", "other-region")
        yield from self.by_region("gcp", "internet")
        yield from self.by_region("gcp", "internet-australia")
        yield from self.by_region("gcp", "internet-china")
        yield from self.azure()
        yield from self.oci()

    def pairs(self) -> Iterator[Row]:
        """Prices between two regions of a cloud that bills by pair, and AWS's one cheaper pair."""
        for (cloud, region, dest), rows in sorted(self.tiers.items()):
            if dest == "us-east-pair":
                other = "us-east-2" if region == "us-east-1" else "us-east-1"
                yield self._pair(cloud, region, other, rows[0], "list", "steps")
        inside = self.tiers["azure", "eastus", "other-region"][0]
        for region, place in self.commercial("azure"):
            if place["continent"] == "NA" and region != "eastus":
                yield self._pair("azure", "eastus", region, inside, "list", "continent")
        for (cloud, region), found in sorted(self.grid.items()):
            for other, r in sorted(found.items()):
                newer = region == "eastus" and self.places[cloud, other]["continent"] == "NA"
                if cloud != "aws" and not newer:
                    yield self._pair(cloud, region, other, r, "list", "first-tier")

    def _pair(self, cloud: str, src: str, dst: str, r: Row, quality: str, rule: str) -> Row:
        return {
            "cloud": cloud,
            "src": src,
            "dst": dst,
            "micro_usd_per_gb": micro(r["usd_gb"]),
            "quality": quality,
            "rule": rule,
            "source": r["src"],
            "as_of": self.dates.of(r["src"], "egress"),
        }

    def continents(self) -> Iterator[Row]:
        """For pairs outside the grid: the dearest known price between their continents, else from the first one."""
        for cloud in ("azure", "gcp"):
            known: dict[tuple[str, str], list[Row]] = {}
            for (c, region), found in self.grid.items():
                for other, r in found.items():
                    if c == cloud:
                        pair = (self.places[c, region]["continent"], self.places[c, other]["continent"])
                        known.setdefault(pair, []).append(r)
            for a in CONTINENTS:
                anywhere = [r for (src, _), rows in known.items() if src == a for r in rows]
                for b in CONTINENTS:
                    rows = known.get((a, b), []) or anywhere
                    if rows:
                        dearest = max(rows, key=lambda r: (float(r["usd_gb"]), r["src"]))
                        rule = "continents" if (a, b) in known else "continent to any"
                        yield self._pair(cloud, a, b, dearest, "derived", rule)


def _point(place: Row) -> tuple[float, float]:
    return float(place["lat"]), float(place["lon"])


def measured(raw: "Raw", places: dict[tuple[str, str], Row]) -> dict[tuple[str, str], tuple[float, float, Row]]:
    """Pair of site ids → milliseconds, kilometres and row: the lower direction that light could have made.

    Both directions were measured and must agree but for noise (median 0.3 ms apart); a value below what light in
    glass needs for the distance is an error of the source and is left out.
    """
    found: dict[tuple[str, str], tuple[float, float, Row]] = {}
    for r in raw.table("rtt"):
        if (r["src_tier"], r["dst_tier"]) != ("P", "P"):
            continue
        a, b = sorted(((r["src_cloud"], r["src_region"]), (r["dst_cloud"], r["dst_region"])))
        km = distance_km(_point(places[a]), _point(places[b]))
        ms = float(r["min_ms"])
        if ms < 2 * max(0.0, km - CITY_KM) / FIBRE_KM_PER_MS:
            continue
        pair = ("/".join(a), "/".join(b))
        if a != b and (pair not in found or ms < found[pair][0]):
            found[pair] = (ms, km, r)
    return found


def fit(points: list[tuple[float, float]]) -> tuple[float, float]:
    """(base, slope) of the line with the least sum of absolute errors, by reweighted least squares."""
    weights = [1.0] * len(points)
    base = slope = 0.0
    for _ in range(FIT_ROUNDS):
        total = sum(weights)
        mx = sum(w * x for w, (x, _) in zip(weights, points, strict=True)) / total
        my = sum(w * y for w, (_, y) in zip(weights, points, strict=True)) / total
        spread = sum(w * (x - mx) ** 2 for w, (x, _) in zip(weights, points, strict=True))
        slope = sum(w * (x - mx) * (y - my) for w, (x, y) in zip(weights, points, strict=True)) / spread
        base = my - slope * mx
        weights = [1 / max(abs(y - base - slope * x), 0.5) for x, y in points]
    return base, slope


def fits(found: dict[tuple[str, str], tuple[float, float, Row]], places: dict[tuple[str, str], Row]) -> Iterator[Row]:
    """One line for all pairs (``*``), and one for each two continents whose pairs give a lawful slope."""
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {("*", "*"): []}
    for (a, b), (ms, km, _) in found.items():
        ends = sorted((places[_key(a)]["continent"], places[_key(b)]["continent"]))
        groups["*", "*"].append((km, ms))
        groups.setdefault((ends[0], ends[1]), []).append((km, ms))
    for (a, b), points in sorted(groups.items()):
        base, slope = fit(points) if len(points) >= FIT_PAIRS_MIN else (0.0, 0.0)
        if not SLOPE_MIN <= slope <= SLOPE_MAX:
            continue
        rest = sorted(y - base - slope * x for x, y in points)
        yield {
            "a": a,
            "b": b,
            "base_ms": f"{base:.2f}",
            "ms_per_km": f"{slope:.6f}",
            "low_ms": f"{rest[len(rest) // 10]:.1f}",
            "high_ms": f"{rest[-1 - len(rest) // 10]:.1f}",
            "pairs": str(len(points)),
        }


def _key(site: str) -> tuple[str, str]:
    cloud, _, region = site.partition("/")
    return cloud, region


def throughput(raw: "Raw", dates: Dates) -> Iterator[Row]:
    """The newest measurement of each ordered pair on premium tiers."""
    newest: dict[tuple[str, str], Row] = {}
    for r in raw.table("throughput"):
        pair = (f"{r['src_cloud']}/{r['src_region']}", f"{r['dst_cloud']}/{r['dst_region']}")
        if (r["src_tier"], r["dst_tier"]) != ("P", "P") or pair[0] == pair[1]:
            continue
        if pair not in newest or r["src"] > newest[pair]["src"]:
            newest[pair] = r
    for (src, dst), r in sorted(newest.items()):
        date = dates.of(r["src"], "throughput")
        yield {"src": src, "dst": dst, "gbps": r["gbps"], "source": r["src"], "as_of": date}


def build(raw: "Raw") -> dict[str, list[Row]]:
    """Name of each table of the network → its rows."""
    dates = Dates(raw)
    egress = Egress(raw, dates)
    found = measured(raw, egress.places)
    rtts = [
        {"a": a, "b": b, "ms": f"{ms:g}", "source": r["src"], "as_of": dates.of(r["src"], "rtt")}
        for (a, b), (ms, _, r) in sorted(found.items())
    ]
    made = {"source": rtts[0]["source"], "as_of": rtts[0]["as_of"]}
    return {
        "egress_meters": sorted(egress.meters(), key=lambda r: (r["cloud"], r["region"], r["dest"], int(r["from_gb"]))),
        "egress_pairs": sorted(egress.pairs(), key=lambda r: (r["cloud"], r["src"], r["dst"])),
        "egress_continents": list(egress.continents()),
        "rtt": rtts,
        "rtt_fit": [r | made for r in fits(found, egress.places)],
        "throughput": list(throughput(raw, dates)),
    }
