"""The planner as a user meets it: an estate in YAML, loaded, built and solved, with the time of each step.

    .venv/bin/python benchmarks/planner/product.py [--seed 0] [--uncoupled]

1,000 workloads and 200 data sets over 60 sites. ``--uncoupled``: the estate says that no new promises are bought.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.estate.load import load
from polycloud.placement.build import build
from polycloud.placement.solve import Limits, solve

SITES = {"aws": 20, "azure": 18, "gcp": 17, "oci": 5}
WORKLOADS, DATASETS = 1000, 200
COUPLED, UNCOUPLED, GAP = 118.0, 60.0, 0.001


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--uncoupled", action="store_true", help="without new promises")
    asked = parser.parse_args()
    catalog, market = Catalog.load(), Market.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "estate.yaml"
        stated = estate(random.Random(asked.seed), catalog, market)
        stated["money"] = {"new_commitments": not asked.uncoupled}
        path.write_text(yaml.safe_dump(stated))
        clock = _Clock()
        loaded = load(path)
        clock.say("load")
    if loaded.estate is None or loaded.errors:
        print(*loaded.errors, sep="\n", file=sys.stderr)
        return 1
    problem = build(loaded.estate, catalog, market, loaded.place).problem
    clock.say("build")
    print(f"{len(problem.tasks)} tasks, {sum(len(task.options) for task in problem.tasks)} options")
    print(f"{len(problem.pools)} pools of promises, {len(problem.quotas)} quotas")
    clock = _Clock()
    solved = solve(problem, Limits(UNCOUPLED if asked.uncoupled else COUPLED, GAP))
    clock.say("solve")
    if solved.bill is None:
        print(solved.status)
        return 1
    print(f"gap {solved.gap:.3%}, {solved.bill.total / 1e6:,.0f} USD a month, {solved.status}, by {solved.method}")
    return 1 if solved.bill.faults else 0


class _Clock:
    """Wall and CPU seconds since it was last asked."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def say(self, step: str) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        print(f"{step}: {wall - self._wall:.1f} s, CPU {cpu - self._cpu:.1f} s", flush=True)
        self._wall, self._cpu = wall, cpu


def estate(draw: random.Random, catalog: Catalog, market: Market) -> dict[str, Any]:
    """An estate as its file says it: a third of the data each anywhere, in the EU and in the USA, on average."""
    clouds = {
        cloud: [
            s.name
            for s in catalog.sites(cloud)
            if (region := catalog.region(s.id)) is not None and region.kind == "commercial" and market.offers(s.id)
        ]
        for cloud in SITES
    }
    clouds = {cloud: names[: SITES[cloud]] for cloud, names in clouds.items()}
    sites = [f"{cloud}/{name}" for cloud, names in clouds.items() for name in names]
    datasets: dict[str, dict[str, Any]] = {}
    for at in range(DATASETS):
        law = draw.choice(["free", "eu", "us"])
        row = {"size": f"{draw.randint(1, 50)} TB", "replicas": draw.choice([1, 1, 2]), "class": law}
        datasets[f"data-{at}"] = {**row, "at": draw.choice(sites)} if law == "free" else row
    workloads = {f"work-{at}": _workload(draw, datasets) for at in range(WORKLOADS)}
    return {
        "estate": "large",
        "clouds": {cloud: {"sites": names} for cloud, names in clouds.items()},
        "data_classes": {"free": {}, "eu": {"stay_in": ["eu"]}, "us": {"stay_in": ["us"]}},
        "residency": {"default_class": "free"},
        "datasets": datasets,
        "workloads": workloads,
    }


def _workload(draw: random.Random, datasets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    kind = draw.choice(["training", "inference", "batch", "data"])
    accelerator = draw.choice(["A100", "H100", "L4", None, None])
    needs: dict[str, Any] = {"vcpu": draw.choice([4, 8, 16]), "memory": draw.choice(["16 GiB", "64 GiB"])}
    if accelerator is not None:
        needs = {"accelerator": accelerator, "count": draw.choice([1, 4, 8])}
    law = draw.choice(["eu", "us"])
    reads = draw.choice([name for name, row in datasets.items() if row["class"] in ("free", law)])
    found: dict[str, Any] = {"kind": kind, "needs": needs, "scale": {"max": draw.randint(1, 20)}, "reads": [reads]}
    if kind in ("training", "batch"):
        found["hours_per_month"] = draw.randint(50, 600)
    return found


if __name__ == "__main__":
    sys.exit(main())
