"""One-to-many transfers over the real price list: the cheapest tree beside direct copies and shortest paths.

    .venv/bin/python benchmarks/routes/run.py
    .venv/bin/python benchmarks/routes/run.py --cases 5 --size "40 TB" --oci

Case n is drawn with seed n and nothing else: a source and 6 to 12 destinations among the regions of AWS, Azure and
Google Cloud that the catalogue has measured traffic for, drawn again until all three clouds are among the destinations.
Every region may relay. Each case has 30 s; a tree that is not proven the cheapest is shown with its bound. All cases
are reported. A full run writes benchmarks/routes/results.
"""

import argparse
import datetime
import json
import os
import platform
import random
import sys
from pathlib import Path
from statistics import mean

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.units import parse
from polycloud.placement.problem import Problem
from polycloud.placement.routes.lanes import zones
from polycloud.placement.routes.multicast import cheapest_tree
from polycloud.placement.routes.network import INTERNET, Network, network
from polycloud.placement.routes.tree import Case, case, shortest_paths

HERE = Path(__file__).parent
CLOUDS = ("aws", "azure", "gcp")
FEWEST, MOST = 6, 12
CASES = 20
RUNS = (("1 TB", False), ("40 TB", False), ("40 TB", True))  # size, whether Oracle's regions may relay too


class Row(msgspec.Struct, frozen=True):
    """One case; money in USD for one transfer."""

    seed: int
    source: str
    targets: tuple[str, ...]
    direct: float
    paths: float
    tree: float
    bound: float
    proven: bool
    relays: tuple[str, ...]
    seconds: float

    @property
    def against_direct(self) -> float:
        return 1 - self.tree / self.direct

    @property
    def against_paths(self) -> float:
        return 1 - self.tree / self.paths


def main() -> int:
    options = _options()
    catalog, market = Catalog.load(), Market.load()
    grid = _grid(catalog, market)
    runs = [(options.size, options.oci)] if options.size else list(RUNS)
    text = [f"# One to many, {datetime.datetime.now(datetime.UTC):%Y-%m-%d}", "", _where(), ""]
    raw: dict[str, list[dict[str, object]]] = {}
    for size, oci in runs:
        sites = (*grid, *(s.id for s in catalog.sites("oci") if _open(catalog, s.id))) if oci else grid
        ways = network(sites, market)
        volume = int(parse(size, "bytes").value)
        rows = [_row(seed, grid, ways, volume, options.seconds) for seed in range(options.cases)]
        name = f"{size} to each destination" + (", Oracle's regions may relay" if oci else "")
        text += _table(name, rows)
        raw[name] = [{**msgspec.to_builtins(row), "against_direct": row.against_direct} for row in rows]
    text += _pairs(grid, market)
    print("\n".join(text))
    if not options.size and options.cases == CASES:
        name = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"
        (HERE / "results" / f"{name}.md").write_text("\n".join(text) + "\n", "utf8")
        (HERE / "results" / f"{name}.json").write_text(json.dumps(raw, indent=1) + "\n", "utf8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the cheapest tree beside direct copies and shortest paths")
    parser.add_argument("--cases", type=int, default=CASES, help="seeds 0 to this less one; default %(default)s")
    parser.add_argument("--size", help="one run of this size instead of all; nothing is written")
    parser.add_argument("--oci", action="store_true", help="with --size: Oracle's regions may relay")
    parser.add_argument("--seconds", type=float, default=30.0, help="for each case; default %(default)s")
    return parser.parse_args()


def _open(catalog: Catalog, site: str) -> bool:
    region = catalog.region(site)
    return region is not None and region.kind == "commercial" and region.status == "ga"


def _grid(catalog: Catalog, market: Market) -> tuple[str, ...]:
    """Regions with any measured transfer: those of the published grid of prices and speeds."""
    sites = [s.id for cloud in CLOUDS for s in catalog.sites(cloud) if _open(catalog, s.id)]
    return tuple(a for a in sites if any(market.throughput(a, b) is not None for b in sites))


def draw(seed: int, grid: tuple[str, ...]) -> tuple[int, list[int]]:
    """A source and its destinations, by index."""
    dice = random.Random(seed)
    while True:
        found = dice.sample(range(len(grid)), 1 + dice.randint(FEWEST, MOST))
        if {grid[at].partition("/")[0] for at in found[1:]} == set(CLOUDS):
            return found[0], found[1:]


def _row(seed: int, grid: tuple[str, ...], ways: Network, volume: int, seconds: float) -> Row:
    source, targets = draw(seed, grid)
    given = case(ways, source, targets, volume, frozenset(range(len(ways.sites))))
    tree = cheapest_tree(given, seconds)
    paths = shortest_paths(given)
    if tree is None or paths is None:
        raise SystemExit(f"case {seed} has a destination without a price")
    starts = {hop.start for hop in tree.hops} - {source, *targets}
    return Row(
        seed,
        ways.sites[source],
        tuple(ways.sites[at] for at in targets),
        _direct(given) / 1e6,
        given.cost(paths) / 1e6,
        tree.micro / 1e6,
        tree.bound / 1e6,
        tree.proven,
        tuple(sorted(ways.sites[at] for at in starts)),
        tree.seconds,
    )


def _direct(given: Case) -> int:
    plain = {hop.end: at for at, hop in enumerate(given.hops) if hop.start == given.source and hop.via == INTERNET}
    return given.cost([plain[target] for target in given.targets])


def _table(name: str, rows: list[Row]) -> list[str]:
    head = ("seed", "source", "destinations", "direct USD", "shortest paths USD", "tree USD", "bound USD")
    head += ("saved against direct", "against paths", "relays", "s")
    lines = [f"## {name}", "", "| " + " | ".join(head) + " |", "| " + " | ".join("---" for _ in head) + " |"]
    for row in rows:
        bound = "= tree" if row.proven else f"{row.bound:,.2f}"
        cells = (row.seed, row.source, len(row.targets), f"{row.direct:,.2f}", f"{row.paths:,.2f}", f"{row.tree:,.2f}")
        saved = (f"{row.against_direct:.1%}", f"{row.against_paths:.1%}")
        relays = ", ".join(row.relays) or "–"
        lines.append("| " + " | ".join(map(str, (*cells, bound, *saved, relays, f"{row.seconds:.2f}"))) + " |")
    proven = sum(row.proven for row in rows)
    direct, paths = [r.against_direct for r in rows], [r.against_paths for r in rows]
    lines += [
        "",
        f"{proven} of {len(rows)} proven the cheapest. Saved against direct: {min(direct):.1%} to {max(direct):.1%}, "
        f"mean {mean(direct):.1%}; against shortest paths: {min(paths):.1%} to {max(paths):.1%}, "
        f"mean {mean(paths):.1%}. Slowest: {max(r.seconds for r in rows):.2f} s.",
        "",
    ]
    return lines


def _pairs(grid: tuple[str, ...], market: Market) -> list[str]:
    """How often one relay or more makes a single transfer cheaper, at first-tier prices."""
    lanes = zones(grid, {"all": set(grid)}, market, None)
    problem = Problem((), lanes.meters, lanes.zones, ())
    first = [meter.tiers[0][1] for meter in problem.meters]
    plain = {(hop.start, hop.end): sum(first[meter] for meter in hop.meters) for hop in network(grid, market).hops}
    saved = []
    for start, row in enumerate(lanes.zones[0].lanes):
        for end, lane in enumerate(row):
            if lane is not None and lane.via:
                saved.append(1 - sum(first[meter] for meter in lane.meters) / plain[start, end])
    pairs = len(grid) * (len(grid) - 1)
    return [
        "## One to one, first-tier prices",
        "",
        f"A relay is cheaper for {len(saved)} of {pairs:,} ordered pairs of {len(grid)} regions "
        f"({len(saved) / pairs:.1%}): {mean(saved):.1%} in the mean, {max(saved):.1%} at most.",
    ]


def _where() -> str:
    cpu = next(
        (x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x), "?"
    )
    command = " ".join(["benchmarks/routes/run.py", *sys.argv[1:]])
    return (
        f"{cpu}, {os.cpu_count()} cores, {platform.system()} {platform.release()}. `{command}`. List prices of the "
        "catalogue with their volume tiers, for this transfer alone; machines at relays are not counted. "
        "Method: [benchmarks](../../README.md)."
    )


if __name__ == "__main__":
    sys.exit(main())
