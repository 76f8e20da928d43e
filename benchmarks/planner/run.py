"""The planner on problems from the real price grids: cost, proven gap, time and memory, beside the naive plans.

    .venv/bin/python benchmarks/planner/run.py --out benchmarks/planner/results
    .venv/bin/python benchmarks/planner/run.py --quick
    .venv/bin/python benchmarks/planner/run.py --seeds 0,3 --variants coupled

Every problem runs in a process of its own, one after the other: building the problem, solving it, its baselines, and
solving it again after one change: a site lost, a price raised, a task more. Each changed problem is also solved from
nothing, until that has a plan no dearer and a gap no wider than the second solve had, or its time is over.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from instances import Size, make
from report import name_of, tables, this_machine

from polycloud.placement.problem import Problem, Solution
from polycloud.placement.solve import Limits, Progress, Solved, baselines, resolve, solve

SEEDS = (0, 1, 2, 3, 4)
VARIANTS = ("uncoupled", "coupled")
SECONDS = {"uncoupled": 60.0, "coupled": 118.0}
GAP = 0.001
FULL, QUICK, EXAMPLE = Size(), Size(100, 20, 30), Size(12, 12, 6)
EXAMPLES = 10  # seeds of the size of an example estate
LATEST = 1800.0  # seconds until a process that hangs is given up


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="default %(default)s")
    parser.add_argument("--variants", default=",".join(VARIANTS), help="default %(default)s")
    parser.add_argument("--quick", action="store_true", help="one seed of 100 tasks, 20 sites and 30 items")
    parser.add_argument(
        "--nothing",
        default="0,1,2,3,4",
        help="seeds whose changed problems are solved from nothing; default %(default)s",
    )
    parser.add_argument("--out", type=Path, help="a folder for <date>-<machine>.md and .json")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        variant, seed, size = asked.one.split(":")
        sized = EXAMPLE if size == "example" else QUICK if size == "quick" else FULL
        print(json.dumps(_one(variant, int(seed), sized, seed in asked.nothing.split(","))))
        return 0
    size = "quick" if asked.quick else "full"
    seeds = ["0"] if asked.quick else asked.seeds.split(",")
    runs = []
    for variant in asked.variants.split(","):
        for seed in seeds:
            runs.append(_apart(f"{variant}:{seed}:{size}", asked.nothing))
            print(_short(runs[-1]), flush=True)
    examples = [_apart(f"coupled:{seed}:example", "") for seed in range(1 if asked.quick else EXAMPLES)]
    result: dict[str, Any] = {
        "machine": this_machine(),
        "command": " ".join(["benchmarks/planner/run.py", *sys.argv[1:]]),
        "runs": runs,
        "examples": examples,
    }
    text = tables(result)
    print(text)
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        name = f"{datetime.now(UTC).date().isoformat()}-{name_of(result['machine'])}"
        (asked.out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        (asked.out / f"{name}.md").write_text(f"# The planner, {datetime.now(UTC).date().isoformat()}\n\n{text}")
    return 1 if any(run["faults"] for run in [*runs, *examples]) else 0


def _apart(what: str, nothing: str) -> dict[str, Any]:
    """One problem in a process of its own, so that memory and CPU are its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", what, "--nothing", nothing],
        capture_output=True,
        text=True,
        timeout=LATEST,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _one(variant: str, seed: int, size: Size, nothing: bool) -> dict[str, Any]:
    begun = time.perf_counter()
    problem = make(seed, variant == "coupled", size)
    built = time.perf_counter() - begun
    limits = Limits(SECONDS[variant], GAP)
    solved, first = _timed(lambda report: solve(problem, limits, report=report))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, Any] = {
        "variant": variant,
        "seed": seed,
        "tasks": len(problem.tasks),
        "options": sum(len(task.options) for task in problem.tasks),
        "reads": sum(len(task.flows) for task in problem.tasks),
        "build_s": built,
        **first,
        "peak_mb": peak / 1024,
        "naive": {b.name: None if b.bill is None else b.bill.total for b in baselines(problem)},
        "why_not": {b.name: b.why_not for b in baselines(problem) if b.why_not} if size == EXAMPLE else {},
        "again": {},
    }
    if size == EXAMPLE or solved.solution is None:
        return found
    for name, changed in _changes(problem, solved.solution).items():
        again = _timed(lambda report, changed=changed: resolve(problem, changed, solved, limits, report))[1]  # type: ignore[misc]
        if nothing:
            again["nothing"] = _from_nothing(changed, limits, again)
        found["again"][name] = again
    return found


def _from_nothing(changed: Problem, limits: Limits, again: dict[str, Any]) -> dict[str, Any]:
    """A solve from nothing up to the first plan no dearer and gap no wider than another's. Its last plan may come
    with its end, so both are looked at."""

    def good(best: int | None, bound: int | None) -> bool:
        if best is None or bound is None:
            return False
        return bool(best <= again["cost"] and (best - bound) / best <= max(again["gap"], limits.gap))

    solved, row = _timed(lambda report: solve(changed, limits, report=report), good)
    row["as_good"] = solved.bill is not None and good(solved.bill.total, solved.bound)
    return row


def _timed(
    run: Callable[[Callable[[Progress], bool]], Solved], good: Callable[[int | None, int | None], bool] | None = None
) -> tuple[Solved, dict[str, Any]]:
    first: list[float] = []

    def report(progress: Progress) -> bool:
        if progress.best is not None:
            first.append(progress.seconds)
        return good is None or not good(progress.best, progress.bound)

    wall, cpu = time.perf_counter(), time.process_time()
    solved = run(report)
    row = {
        "solve_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "status": solved.status,
        "method": solved.method,
        "cost": None if solved.bill is None else solved.bill.total,
        "kinds": {} if solved.bill is None else dict(_kinds(solved)),
        "bound": solved.bound,
        "gap": solved.gap if solved.bill is not None else None,
        "faults": ["no plan"] if solved.bill is None else list(solved.bill.faults),
        "first_plan_s": first[0] if first else None,
    }
    return solved, row


def _kinds(solved: Solved) -> Counter[str]:
    count: Counter[str] = Counter()
    for line in solved.bill.lines if solved.bill is not None else ():
        count[line.kind] += line.micro
    return count


def _changes(problem: Problem, solution: Solution) -> dict[str, Problem]:
    """The same problem with one change: without the third most used site, with the most used machine a tenth dearer,
    with the first task a second time."""
    used = Counter(task.options[k].site for task, k in zip(problem.tasks, solution.choice, strict=True))
    lost = used.most_common(3)[-1][0]
    machines = Counter(
        (task.options[k].site, task.options[k].machine) for task, k in zip(problem.tasks, solution.choice, strict=True)
    )
    dearer = machines.most_common(1)[0][0]
    tasks, items, up = [], [], []
    for task in problem.tasks:
        rest = tuple(option for option in task.options if option.site != lost)
        tasks.append(msgspec.structs.replace(task, options=rest or task.options))
        raised = tuple(
            msgspec.structs.replace(
                option, cost=option.cost * 11 // 10, hourly=tuple(hour * 11 // 10 for hour in option.hourly)
            )
            if (option.site, option.machine) == dearer
            else option
            for option in task.options
        )
        up.append(msgspec.structs.replace(task, options=raised))
    for item in problem.items:
        hold = tuple(pair for pair in item.hold if pair[0] != lost)
        items.append(msgspec.structs.replace(item, hold=hold if len(hold) >= item.copies else item.hold))
    more = msgspec.structs.replace(problem.tasks[0], name="one more", workload="one more")
    return {
        "a site lost": msgspec.structs.replace(problem, tasks=tuple(tasks), items=tuple(items)),
        "a price raised": msgspec.structs.replace(problem, tasks=tuple(up)),
        "a task more": msgspec.structs.replace(problem, tasks=(*problem.tasks, more)),
    }


def _short(run: dict[str, Any]) -> str:
    gap = "–" if run["gap"] is None else f"{run['gap']:.2%}"
    again = ", ".join(
        f"{name} {row['solve_s']:.1f} s"
        + (f" (nothing: {row['nothing']['solve_s']:.1f} s)" if "nothing" in row else "")
        for name, row in run["again"].items()
    )
    return f"{run['variant']} {run['seed']}: {gap} in {run['solve_s']:.1f} s (CPU {run['cpu_s']:.1f}); {again}"


if __name__ == "__main__":
    sys.exit(main())
