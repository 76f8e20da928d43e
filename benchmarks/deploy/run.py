"""How long a render takes: the eight-cluster example, and an estate of 100 clusters and 1,000 nodes.

    python benchmarks/deploy/run.py [--rounds 3]

Prints wall and CPU seconds of each step: load and check (with the proof), derive, render with all checks across files.
Budgets: 2 s for the eight clusters, 10 s for the hundred.
"""

import argparse
import tempfile
import time
from pathlib import Path

from polycloud.app.library import catalog, examine
from polycloud.app.rendering import rendering, save
from polycloud.catalog.market import Market

ROOT = Path(__file__).resolve().parents[2]
CLUSTERS, NODES = 100, 1_000
PER_CLOUD = {"aws": 25, "azure": 25, "gcp": 25, "oci": 25}


def large() -> str:
    """An estate with a cluster of ten nodes in each of a hundred commercial regions, data and a model in each."""
    lines = ["estate: large", "sandbox: {clouds: all, seed: 1}", "clouds:"]
    sites: list[str] = []
    settings = {"gcp": "project: large-ai, ", "oci": "compartment: ocid1.compartment.oc1..x, "}
    for cloud, count in PER_CLOUD.items():
        regions = [s.name for s in catalog().sites(cloud) if (r := catalog().region(s.id)) and r.kind == "commercial"][
            :count
        ]
        sites += [f"{cloud}/{region}" for region in regions]
        lines.append(f"  {cloud}: {{{settings.get(cloud, '')}sites: [{', '.join(regions)}]}}")
    lines.append("clusters:")
    for site in sites:
        pools = "system: {min: 3, max: 3}, workload: {min: 7, max: 50}"
        lines.append(f'  {site.replace("/", "-")[:40]}: {{at: {site}, version: "1.35", pools: {{{pools}}}}}')
    lines += ["datasets:"]
    lines += [f"  d{at}: {{at: {site}, size: 5 TB, layer: raw}}" for at, site in enumerate(sites)]
    lines += ["models:", "  gpt-4o: {deployments: [{at: azure/eastus}]}", 'routes: [{match: {model: "*"}}]']
    assert len(sites) == CLUSTERS
    return "\n".join(lines) + "\n"


def measure(name: str, path: Path, out: Path) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    examined = examine(path)
    estate = examined.loaded.estate
    if estate is None or not examined.holds:
        raise SystemExit("\n".join(map(str, examined.diagnostics[:10])))
    read_wall, read_cpu = time.perf_counter(), time.process_time()
    found = rendering(estate, catalog(), Market.load(), out)
    save(found, out)
    done_wall, done_cpu = time.perf_counter(), time.process_time()
    size = sum(map(len, found.files.values()))
    print(
        f"{name}: read and proved {read_wall - wall:.2f} s ({read_cpu - cpu:.2f} s CPU), "
        f"rendered and written {done_wall - read_wall:.2f} s ({done_cpu - read_cpu:.2f} s CPU); "
        f"{len(found.files)} files, {size / 1e6:.2f} MB, {len(found.plan.resources)} resources"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.yaml"
        path.write_text(large())
        for at in range(given.rounds):
            measure(
                "eight clusters", ROOT / "polycloud/app/examples/active-active/estate.yaml", Path(folder) / f"e{at}"
            )
            measure("100 clusters, 1,000 nodes", path, Path(folder) / f"l{at}")


if __name__ == "__main__":
    main()
