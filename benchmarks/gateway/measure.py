"""One run: one kind of work against one gateway, with the CPU that its processes used for it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import processes
from lanes import GATEWAY_CORE, OTHER_CORE, Lane
from work import CHUNKS, MODEL_PACED, MODEL_REPLY, Kind

HERE = Path(__file__).parent
SETTLE_SECONDS = 8.0  # for the control process to take in the records of a run
SETTLED = 0.04  # of a core: what it uses when nothing happens


class Workload(NamedTuple):
    """``units``: what CPU is counted per: a request, or one of its CHUNKS chunks. ``spread``: streams start evenly
    over one pace, and so out of step; else each starts a pace after the one before."""

    name: str
    kind: Kind
    connections: int
    about: str
    spread: bool = False

    @property
    def units(self) -> int:
        return CHUNKS if self.kind.stream else 1


COMMON = (
    Workload("chat", Kind(MODEL_REPLY, False), 16, "500-byte request, 600-byte reply; 16 callers, closed loop"),
    Workload("chat-1", Kind(MODEL_REPLY, False), 1, "the same by 1 caller: latency without queueing"),
    Workload("burst", Kind(MODEL_REPLY, True), 8, "50 chunks in one burst; 8 callers, closed loop"),
    Workload("paced-20", Kind(MODEL_PACED, True), 20, "50 chunks, one every 20 ms; 20 streams at a time"),
    Workload("spread-20", Kind(MODEL_PACED, True), 20, "the same, no two streams in step", True),
    Workload("paced-200", Kind(MODEL_PACED, True), 200, "50 chunks, one every 20 ms; 200 streams at a time"),
)
BUSY = Workload("chat-64", Kind(MODEL_REPLY, False), 64, "as chat, 64 callers: enough to keep two workers busy")
EACH = Workload(
    "chat-32", Kind(MODEL_REPLY, False), 32, "as chat, 32 callers: for two workers 16 each, as chat's one has"
)
CROSS = (
    Workload("anthropic-openai", Kind(MODEL_PACED, True, "anthropic"), 200, "as paced-200: Anthropic in, OpenAI out"),
    Workload("openai-bedrock", Kind(f"aws-{MODEL_PACED}", True), 200, "as paced-200: OpenAI in, Bedrock out, signed"),
    Workload("openai-gemini", Kind(f"gcp-{MODEL_PACED}", True), 200, "as paced-200: OpenAI in, Gemini out"),
)
EVERY = (COMMON[0], EACH, BUSY, *COMMON[1:], *CROSS)  # in the order of a round: what is compared comes close together


class Settings(NamedTuple):
    seconds: float
    warm_seconds: float


def run(lane: Lane, work: Workload, upstream: int, settings: Settings) -> dict[str, Any]:
    """What the callers saw, and the CPU of the gateway by role. ``upstream`` is a process id."""
    spec = {
        "kind": work.kind._asdict(),
        "port": lane.port,
        "headers": dict(lane.headers),
        "connections": work.connections,
        "spread": work.spread,
        "warm_seconds": settings.warm_seconds,
        "warm_requests": 50 * work.connections,
        "seconds": settings.seconds,
    }
    command = [sys.executable, str(HERE / "load.py"), json.dumps(spec)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    log = lane.directory / "load.log"
    load = processes.Process(command, OTHER_CORE, log, **pipes)
    try:
        stdin, stdout = load.popen.stdin, load.popen.stdout
        assert stdin is not None and stdout is not None
        if stdout.readline() != b"warm\n":
            raise RuntimeError(f"{lane.name}, {work.name}: the callers failed:\n{log.read_text()[-2000:]}")
        _settle(lane)
        before, busy, upstream_ns = _cpu(lane), processes.core_busy_seconds(GATEWAY_CORE), processes.cpu_ns(upstream)
        stdin.write(b"go\n")
        stdin.flush()
        line = stdout.readline()
        after, busy = _cpu(lane), processes.core_busy_seconds(GATEWAY_CORE) - busy
        upstream_ns = processes.cpu_ns(upstream) - upstream_ns
        if not line:
            raise RuntimeError(f"{lane.name}, {work.name}: the callers failed:\n{log.read_text()[-2000:]}")
    finally:
        load.stop()
    seen: dict[str, Any] = json.loads(line)
    used = {role: after[role] - before.get(role, 0) for role in after}
    _settle(lane)
    seen["control_ns"] = _cpu(lane).get("control", 0) - before.get("control", 0)
    seen["data_ns"] = used.get("data", 0)
    return {**seen, **_derived(seen, work, busy - sum(used.values()) / 1e9, upstream_ns)}


def _derived(seen: dict[str, Any], work: Workload, others: float, upstream_ns: int) -> dict[str, Any]:
    """``others``: share of the gateway's core that other programs and the kernel's own threads used."""
    units = max(1, seen["answers"] * work.units)
    return {
        "data_us": round(seen["data_ns"] / 1000 / units, 2),
        "control_us": round(seen["control_ns"] / 1000 / units, 2),
        "per_second": round(seen["answers"] / seen["seconds"], 1),
        "others": round(max(0.0, others) / seen["seconds"], 3),
        "other_core": round((seen["cpu_seconds"] + upstream_ns / 1e9) / seen["seconds"], 3),
    }


def _cpu(lane: Lane) -> dict[str, int]:
    return {role: sum(processes.cpu_ns(pid) for pid in pids) for role, pids in lane.pids().items()}


def _settle(lane: Lane) -> None:
    """Wait until a control process has done what the last run gave it to do."""
    if "control" not in lane.pids():
        return
    end = time.monotonic() + SETTLE_SECONDS
    last = _cpu(lane)["control"]
    while time.monotonic() < end:
        time.sleep(0.5)
        now = _cpu(lane)["control"]
        if now - last < SETTLED * 0.5e9:
            return
        last = now
