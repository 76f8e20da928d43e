"""The gateway beside its peers: the same work, the same machine, the same run.

    make bench-gateway
    .venv/bin/python benchmarks/gateway/run.py --quick --only polycloud,envoy-ai

One core for the gateway, the other for callers and upstream; rounds go through all gateways in turn.
Results of a full run are written to benchmarks/gateway/results. See ../README.md for the method.
"""

import argparse
import datetime
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import lanes
import measure
import processes
import report
from bare import Bare
from own import Polycloud, Polycloud2

HERE = Path(__file__).parent
PEERS = (lanes.EnvoyAI, lanes.Envoy, lanes.Nginx, lanes.Portkey, lanes.LiteLLM)
LANES = (lanes.Direct, Polycloud, Polycloud2, *PEERS, lanes.Relay, lanes.Relay2)
NAMES = [cls.name for cls in LANES]
DEADLINE_SECONDS = 45 * 60.0  # no new round after this
STARTS = 5  # of a worker, for the time to its first answer


def main() -> int:
    options = _options()
    if len(os.sched_getaffinity(0)) < 2:
        print("the benchmark needs two cores: one for the gateway, one for callers and upstream")
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    for number in (signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        result = _benchmark(options)
    except KeyboardInterrupt:
        print("\nstopped; nothing was written and nothing is left running")
        return 130
    text = report.tables(result)
    print("\n" + text)
    if options.out is not None:
        _write(result, text, options.out)
    return 1 if any(row["wrong"] for row in result["runs"]) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="CPU, latency and memory of polycloud's gateway beside its peers")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing written: about two minutes")
    parser.add_argument("--only", help=f"some gateways, comma-separated: {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, help="rounds over all gateways (3)")
    parser.add_argument("--seconds", type=float, help="of each measurement (3)")
    parser.add_argument("--out", type=Path, help="where results go (benchmarks/gateway/results, for full runs)")
    options = parser.parse_args()
    options.only = set(options.only.split(",")) if options.only else set(NAMES)
    unknown = options.only - set(NAMES)
    if unknown:
        parser.error(f"no such gateway: {', '.join(sorted(unknown))}")
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.seconds = options.seconds or (1.0 if options.quick else 3.0)
    if options.out is None and not options.quick and options.only == set(NAMES):
        options.out = HERE / "results"
    return options


def _benchmark(options: argparse.Namespace) -> dict[str, Any]:
    port = lanes.free_port()
    started = datetime.datetime.now(datetime.UTC)
    log = Path(os.devnull)
    upstream = processes.Process([sys.executable, str(HERE / "upstream.py"), str(port)], lanes.OTHER_CORE, log)
    running: list[lanes.Lane] = []
    try:
        chat, headers = measure.COMMON[0].kind, lanes.Direct.headers
        processes.until(lambda: lanes.answers(port, chat, headers), 10, "the upstream")
        absent = _start(options, port, running)
        runs = _rounds(options, running, upstream.popen.pid)
        return {
            "date": started.isoformat(timespec="seconds"),
            "command": shlex.join(["benchmarks/gateway/run.py", *sys.argv[1:]]),
            "machine": lanes.machine(),
            "rounds": options.rounds,
            "seconds": options.seconds,
            "load_average": os.getloadavg(),
            "lanes": {lane.name: _told(lane) for lane in running},
            "absent": absent,
            "first_answer_seconds": _first_answer(port) if "polycloud" in options.only else None,
            "runs": runs,
        }
    finally:
        for lane in running:
            lane.stop()
        upstream.stop()


def _start(options: argparse.Namespace, port: int, running: list[lanes.Lane]) -> dict[str, str]:
    """Starts every gateway that is wanted and installed; the names of the others with the reason."""
    absent = {}
    for cls in LANES:
        if cls.name not in options.only | {"direct"}:
            continue
        lane = cls(port)
        running.append(lane)
        print(f"starting {lane.name}: {lane.about} ...", flush=True)
        try:
            lane.start()
        except lanes.Absent as error:
            absent[lane.name] = str(error)
            print(f"  absent: {error}")
            running.pop().stop()
    return absent


def _rounds(options: argparse.Namespace, running: list[lanes.Lane], upstream: int) -> report.Runs:
    found: report.Runs = []
    end = time.monotonic() + DEADLINE_SECONDS
    settings = measure.Settings(options.seconds, min(1.0, options.seconds / 2))
    for lane in running:  # compilers in time, pools and caches get to where they stay
        for work in (measure.COMMON[0], measure.COMMON[2]):
            measure.run(lane, work, upstream, measure.Settings(options.seconds, 0.1))
    for number in range(1, options.rounds + 1):
        if time.monotonic() > end:
            print(f"stopping before round {number}: {DEADLINE_SECONDS / 60:g} minutes are over")
            break
        for work in measure.EVERY:  # all gateways at one kind of work: the machine is the same for them, nearly
            for lane in (lane for lane in running if work in _works(lane)):
                row = measure.run(lane, work, upstream, settings)
                found.append({"round": number, "lane": lane.name, "workload": work.name, **row})
                unit = "chunk" if work.kind.stream else "request"
                line = f"round {number}  {lane.name:12} {work.name:17} {row['data_us']:9.1f} µs/{unit:8}"
                wrong = f"  {row['wrong']} WRONG {row['examples'][:1]}" if row["wrong"] else ""
                print(f"{line} {row['per_second']:9.1f}/s  others {row['others']:.0%}{wrong}", flush=True)
    return found


def _works(lane: lanes.Lane) -> tuple[measure.Workload, ...]:
    if isinstance(lane, Polycloud2 | lanes.Relay2):
        return (measure.COMMON[0], measure.EACH, measure.BUSY)
    if isinstance(lane, lanes.Relay):
        return (*measure.COMMON, measure.BUSY)
    return (*measure.COMMON, measure.BUSY, *measure.CROSS) if isinstance(lane, Polycloud) else measure.COMMON


def _told(lane: lanes.Lane) -> dict[str, Any]:
    memory = {role: [processes.memory_mb(pid) for pid in pids] for role, pids in lane.pids().items()}
    return {"version": lane.version(), "about": lane.about, "memory": memory}


def _first_answer(port: int) -> float:
    """Median seconds from a worker's start to its first right answer, on the gateway's core."""
    found = []
    for _ in range(STARTS):
        bare = Bare(port)
        try:
            found.append(bare.start())
        finally:
            bare.stop()
    return round(median(found), 3)


def _write(result: dict[str, Any], text: str, folder: Path) -> None:
    machine = result["machine"]
    slug = re.sub(r"[^a-z0-9]+", "-", f"{machine['cpu']} {machine['cores']} cores".lower()).strip("-")
    name = f"{result['date'][:10]}-{slug}"
    folder.mkdir(parents=True, exist_ok=True)
    head = [
        f"# The gateway beside its peers, {result['date'][:10]}",
        "",
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['kernel']}. "
        f"`{result['command']}`: {result['rounds']} rounds, {result['seconds']:g} s each. "
        f"Raw numbers: [{name}.json]({name}.json). Method: [benchmarks](../../README.md).",
        "",
    ]
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    (folder / f"{name}.md").write_text("\n".join(head) + "\n" + text)
    print(f"written: {folder / name}.md and .json")


if __name__ == "__main__":
    sys.exit(main())
