"""The tables of the planner's benchmark, from its JSON form."""

import os
import re
from pathlib import Path
from statistics import median
from typing import Any

Run = dict[str, Any]


def this_machine() -> dict[str, Any]:
    """What the numbers were made on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return {
        "cpu": next((line.split(":")[1].strip() for line in lines if "model name" in line), "?"),
        "cores": os.cpu_count(),
        "memory_gb": round(int(Path("/proc/meminfo").read_text().split()[1]) * 1024 / 1e9, 1),
        "load_before": os.getloadavg()[0],
    }


def name_of(machine: dict[str, Any]) -> str:
    """A name for a file: what the processor is called, and its cores."""
    words = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-")
    return f"{words}-{machine['cores']}-cores"


def tables(result: dict[str, Any]) -> str:
    """Markdown."""
    machine, runs = result["machine"], result["runs"]
    load = f"load {machine['load_before']:.1f} before it began"
    text = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {load}. `{result['command']}`.",
        "",
    ]
    for variant in dict.fromkeys(run["variant"] for run in runs):
        text += _variant(variant, [run for run in runs if run["variant"] == variant])
    text += _examples(result["examples"])
    return "\n".join(text) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def _usd(micro: int | None) -> str:
    return "none" if micro is None else f"{micro / 1e6:,.0f}"


def _variant(variant: str, runs: list[Run]) -> list[str]:
    first = runs[0]
    what = (
        f"{first['tasks']:,} tasks, {first['options']:,} options and {first['reads']:,} reads in seed {first['seed']}"
    )
    text = [f"## {variant}: {what}", ""]
    head = [
        "seed",
        "USD a month",
        "proven bound",
        "gap",
        "build s",
        "first plan s",
        "solve s",
        "CPU s",
        "peak MB",
        "by",
    ]
    rows = [
        [
            str(run["seed"]),
            _usd(run["cost"]),
            _usd(run["bound"]),
            "–" if run["gap"] is None else f"{run['gap']:.2%}",
            f"{run['build_s']:.1f}",
            "–" if run["first_plan_s"] is None else f"{run['first_plan_s']:.1f}",
            f"{run['solve_s']:.1f}",
            f"{run['cpu_s']:.1f}",
            f"{run['peak_mb']:,.0f}",
            run["method"],
        ]
        for run in runs
    ]
    text += [*_table(head, rows), "", "The lawful naive plans, by how much they cost more than the answer:", ""]
    names = list(first["naive"])
    rows = [[str(run["seed"]), *(_more(run["naive"][name], run["cost"]) for name in names)] for run in runs]
    text += [
        *_table(["seed", *names], rows),
        "",
        "Solved again after one change, and from nothing until as good:",
        "",
    ]
    return [*text, *_again(runs), ""]


def _more(naive: int | None, cost: int | None) -> str:
    return "none lawful" if naive is None or not cost else f"{naive / cost - 1:+.1%}"


def _again(runs: list[Run]) -> list[str]:
    head = [
        "seed",
        "change",
        "USD a month",
        "gap",
        "s",
        "CPU s",
        "from nothing: s",
        "CPU s",
        "times the s",
        "the CPU s",
    ]
    rows = []
    for run in runs:
        for name, again in run["again"].items():
            row = [str(run["seed"]), name, _usd(again["cost"]), f"{again['gap']:.2%}"]
            row += [f"{again['solve_s']:.1f}", f"{again['cpu_s']:.1f}"]
            nothing = again.get("nothing")
            if nothing is None:
                rows.append([*row, *["–"] * 4])
                continue
            never = "" if nothing["as_good"] else "> "
            row += [f"{never}{nothing['solve_s']:.1f}", f"{never}{nothing['cpu_s']:.1f}"]
            row += [f"{never}{nothing[kind] / again[kind]:.1f}" for kind in ("solve_s", "cpu_s")]
            rows.append(row)
    return _table(head, rows)


def _examples(runs: list[Run]) -> list[str]:
    times = [run["solve_s"] for run in runs]
    first = runs[0]
    return [
        f"## The size of an example: {first['tasks']} tasks, {first['options']} options, coupled",
        "",
        f"{len(runs)} seeds: median {median(times):.2f} s, longest {max(times):.2f} s; "
        f"widest gap {max(run['gap'] or 0.0 for run in runs):.3%}.",
    ]
