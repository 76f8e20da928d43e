"""Makes polycloud/catalog/tables from the raw reference data: pick, rename, convert, never invent.

    python tools/build_catalog.py [RAW]          write the tables (RAW: ../shared/data from the repository)
    python tools/build_catalog.py [RAW] --check  exit 1 when the tables on disk differ from what would be written

Facts that the raw data lacks are rows in tools/catalog/, each with its source: cross-region profiles, operators,
subdivisions, features, meters of Azure regions, prices that are really free, accelerators' names and power, countries,
versions of Kubernetes, and rows dropped with the reason. catalog_market.py and catalog_network.py make the tables that
placement reads.
"""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

import catalog_market
import catalog_models
import catalog_network

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "polycloud" / "catalog" / "tables"
BY_HAND = Path(__file__).resolve().parent / "catalog"

REGION_KEPT = ("cloud", "region", "name", "city", "country", "kind", "partition", "status", "source")
Row = dict[str, str]


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def render(columns: list[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="raise")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Raw:
    """The raw folder and the hand-made one, with the dates of their sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        own = {r["id"]: r for r in read(BY_HAND / "sources.csv")}
        self.sources = {**{r["id"]: r for r in self.table("sources")}, **own}

    def table(self, name: str) -> list[Row]:
        return read(self.folder / f"{name}.csv")

    def hand(self, name: str) -> list[Row]:
        return read(BY_HAND / f"{name}.csv")

    def as_of(self, source: str) -> str:
        return self.sources[source]["as_of"]


def regions(raw: Raw) -> list[Row]:
    parts = {(r["country"], r["city"]): r["subdivision"] for r in raw.hand("subdivisions")}
    operators = raw.hand("operators")
    found = []
    for r in raw.table("regions"):
        operator = next(
            (
                o["operator"]
                for o in operators
                if (o["cloud"], o["partition"]) == (r["cloud"], r["partition"])
                and fnmatchcase(r["region"], o["region"])
            ),
            "",
        )
        kept = {
            k: r[k] for k in ("cloud", "region", "name", "city", "country", "kind", "partition", "status", "source")
        }
        found.append(
            kept
            | {
                "subdivision": parts.get((r["country"], r["city"]), ""),
                "latitude_degrees": r["lat"],
                "longitude_degrees": r["lon"],
                "operator": operator,
                "as_of": raw.as_of(r["source"]),
            }
        )
    return sorted(found, key=lambda r: (r["cloud"], r["region"]))


def jurisdictions(raw: Raw) -> list[Row]:
    kept = ("id", "name", "short", "law", "members", "in_force", "transfer_class", "transfer_rule", "note")
    return [
        {k: r[k] for k in kept} | {"law_source": r["source"], "source": "laws", "as_of": raw.as_of("laws")}
        for r in raw.table("jurisdictions")
    ]


def adequacy(raw: Raw) -> list[Row]:
    source = {"source": "adequacy-decisions", "as_of": raw.as_of("adequacy-decisions")}
    return [
        {k: r[k] for k in ("from_jurisdiction", "to_country", "year", "decision", "status")}
        | {"condition": r["scope"]}
        | source
        for r in raw.table("adequacy")
    ]


def profiles(raw: Raw, places: list[Row]) -> list[Row]:
    """Patterns of regions written out: ``us-*``, ``country:DE``, ``gov:us-gov-*``, or ``*`` kept as it is."""
    found = []
    for r in raw.hand("profiles"):
        names: set[str] = set()
        for pattern in r["regions"].split():
            if pattern == "*":
                names.add("*")
                continue
            rest = pattern.removeprefix("gov:")
            wanted = "government" if pattern.startswith("gov:") else "commercial"
            matched = {
                p["region"]
                for p in places
                if p["cloud"] == r["cloud"]
                and p["kind"] == wanted
                and (
                    p["country"] == rest.removeprefix("country:")
                    if rest.startswith("country:")
                    else fnmatchcase(p["region"], rest)
                )
            }
            if not matched and not rest.startswith("country:"):
                raise SystemExit(f"profiles.csv: {r['cloud']} {r['id']}: no region matches {pattern}")
            names |= matched
        found.append(r | {"regions": "|".join(sorted(names))})
    return found


def kubernetes(raw: Raw) -> list[Row]:
    return [r | {"as_of": raw.as_of(r["source"])} for r in raw.hand("kubernetes")]


def tables(raw: Raw) -> dict[str, str]:
    """Name of each table → its text."""
    places = regions(raw)
    models, prices = catalog_models.build(raw, places)
    rows: dict[str, list[Row]] = {
        "regions": places,
        "jurisdictions": jurisdictions(raw),
        "adequacy": adequacy(raw),
        "profiles": profiles(raw, places),
        "models": models,
        "prices": prices,
        "free": raw.hand("free"),
        "kubernetes": kubernetes(raw),
    }
    rows |= catalog_market.build(raw, places) | catalog_network.build(raw)
    used = {id for table in rows.values() for r in table for id in r["source"].split("+")}
    rows["sources"] = [raw.sources[id] for id in sorted(used)]
    columns = {
        "regions": "cloud region name city country subdivision latitude_degrees longitude_degrees"
        " kind partition status operator source as_of",
        "jurisdictions": "id name short law members in_force transfer_class transfer_rule note law_source source as_of",
        "adequacy": "from_jurisdiction to_country year decision condition status source as_of",
        "profiles": "cloud id models regions source as_of note",
        "models": " ".join(catalog_models.MODEL_COLUMNS),
        "prices": " ".join(catalog_models.PRICE_COLUMNS),
        "free": "cloud upstream_id scope reason source as_of",
        "kubernetes": "cloud version ends extended_ends source as_of",
        "sources": "id upstream path version as_of licence note",
    }
    columns |= catalog_market.COLUMNS | catalog_network.COLUMNS
    return {name: render(columns[name].split(), table) for name, table in rows.items()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", nargs="?", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    made = tables(Raw(asked.raw))
    if asked.check:
        on_disk = {p.stem: p.read_text(encoding="utf8") for p in TABLES.glob("*.csv")}
        differing = sorted(n for n in made.keys() | on_disk.keys() if made.get(n) != on_disk.get(n))
        for name in differing:
            print(f"{TABLES.relative_to(ROOT)}/{name}.csv differs: run python tools/build_catalog.py")
        return 1 if differing else 0
    TABLES.mkdir(exist_ok=True)
    for name, text in made.items():
        (TABLES / f"{name}.csv").write_text(text, encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
