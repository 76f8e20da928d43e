"""The tables: what was measured, beside the targets, and what disturbed it."""

from statistics import median
from typing import Any

from measure import BUSY, COMMON, CROSS, EACH, Workload

Runs = list[dict[str, Any]]
DISTURBED = 0.10  # of the gateway's core used by others: caches and turbo are shared, so numbers rise
LIMITED = 0.95  # of the other core used: callers and upstream are then the limit of throughput


TWICE: tuple[tuple[Workload, Workload, str], ...] = (  # one process's work, that of two, and how many callers
    (BUSY, BUSY, "64 callers"),
    (COMMON[0], COMMON[0], "16 callers"),
    (COMMON[0], EACH, "16 callers a process"),
)
# The targets in microseconds were set on a machine where Envoy's AI lane took 43 for a chat request and 31 for a paced
# chunk; how many streams there were is not told. As ratios they can be held to on any machine.
ENVOY_CHAT, ENVOY_CHUNK = 43, 31
BESIDE: tuple[tuple[Workload, Workload, int, int], ...] = (  # polycloud's work, Envoy's, and both in microseconds
    (COMMON[0], COMMON[0], 80, ENVOY_CHAT),
    *((work, work, 30, ENVOY_CHUNK) for work in COMMON[3:]),
    *((work, COMMON[-1], 60, ENVOY_CHUNK) for work in CROSS),
)


class Spread:
    """The rounds of one number: median, least and most."""

    def __init__(self, values: list[float]) -> None:
        self.middle, self.least, self.most = median(values), min(values), max(values)

    def __str__(self) -> str:
        return f"{_short(self.middle)} ({_short(self.least)}–{_short(self.most)})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def of(runs: Runs, lane: str, work: str, *path: str) -> Spread | None:
    """The spread of one number over all rounds; None when it was not measured."""
    values = []
    for row in runs:
        if row["lane"] == lane and row["workload"] == work and row["answers"]:
            value: Any = row
            for key in path:
                value = value[key]
            values.append(float(value))
    return Spread(values) if values else None


def _added(runs: Runs, lane: str, work: str, kind: str, quantile: str) -> str:
    mine, direct = of(runs, lane, work, kind, quantile), of(runs, "direct", work, kind, quantile)
    return _short(mine.middle - direct.middle) if mine and direct else "–"


def _ratio(runs: Runs, mine: tuple[str, str], other: tuple[str, str]) -> float | None:
    """CPU per unit of one lane's work to that of another: the median of the ratios of each round, as what a machine
    gives changes from minute to minute."""
    found: dict[tuple[str, str], dict[int, float]] = {mine: {}, other: {}}
    for row in runs:
        place = row["lane"], row["workload"]
        if place in found and row["answers"] and row["data_us"]:
            found[place][row["round"]] = row["data_us"]
    rounds = found[mine].keys() & found[other].keys()
    return median([found[mine][n] / found[other][n] for n in rounds]) if rounds else None


def _twice(runs: Runs, lane: str, one: Workload, two: Workload) -> float | None:
    """CPU per request of two processes to that of one."""
    return _ratio(runs, (f"{lane}-2", two.name), (lane, one.name))


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]]


def tables(result: dict[str, Any]) -> str:
    """Markdown, from the JSON form of a whole benchmark."""
    runs: Runs = result["runs"]
    lanes = [name for name in result["lanes"] if any(r["lane"] == name for r in runs)]
    gateways = [name for name in lanes if name not in ("direct", "polycloud-2", "relay-2")]
    text = ["## CPU of the gateway, in microseconds: median (least–most) of the rounds", ""]
    units = [f"{w.name}, per {'chunk' if w.kind.stream else 'request'}" for w in COMMON]
    head = ["gateway", *units, "chat, × polycloud"]
    own = of(runs, "polycloud", "chat", "data_us")
    rows = []
    for name in gateways:
        found = [of(runs, name, w.name, "data_us") for w in COMMON]
        ratio = f"{found[0].middle / own.middle:.1f}" if own and found[0] else "–"
        rows.append([_titled(name, result), *(str(x) if x else "–" for x in found), ratio])
    text += _table(head, rows)
    text += ["", "## Throughput, latency added to no gateway, memory", ""]
    head = ["gateway", "chat, requests/s", "chat-1, p50 ms", "chat-1, p99 ms", "paced-20 first chunk, p50 ms"]
    head += ["paced-20 first chunk, p99 ms", "paced-200, a stream takes s (0.98: pace kept)", "memory MB (RSS)"]
    rows = []
    for name in [*gateways, *(x for x in lanes if x == "direct")]:
        speed, streams = of(runs, name, "chat", "per_second"), of(runs, name, "paced-200", "latency_ms", "p50")
        rows.append(
            [
                _titled(name, result),
                str(speed) + (" †" if _limited(runs, name, "chat") else "") if speed else "–",
                _added(runs, name, "chat-1", "latency_ms", "p50"),
                _added(runs, name, "chat-1", "latency_ms", "p99"),
                _added(runs, name, "paced-20", "first_ms", "p50"),
                _added(runs, name, "paced-20", "first_ms", "p99"),
                f"{streams.middle / 1000:.2f}" if streams else "–",
                _short(sum(m["rss"] for m in result["lanes"][name]["memory"].get("data", [])))
                if name != "direct"
                else "",
            ]
        )
    text += [*_table(head, rows), "", "† callers and upstream, on their one core, were the limit.", ""]
    return "\n".join([*text, *_own(result), *_floor(result), *_targets(result), *_notes(result)]) + "\n"


def _titled(name: str, result: dict[str, Any]) -> str:
    return f"{name} {result['lanes'][name]['version']}".strip()


def _limited(runs: Runs, lane: str, work: str) -> bool:
    found = of(runs, lane, work, "other_core")
    return found is not None and found.middle > LIMITED


def _own(result: dict[str, Any]) -> list[str]:
    runs: Runs = result["runs"]
    if "polycloud" not in result["lanes"]:
        return []
    text = ["## polycloud: its processes apart, and streams across dialects", ""]
    text += ["CPU in microseconds per request or chunk; the control process takes in records, metrics and health.", ""]
    rows = []
    for lane, works in (("polycloud", (*COMMON, BUSY, *CROSS)), ("polycloud-2", (COMMON[0], EACH, BUSY))):
        for work in works:
            data, control = of(runs, lane, work.name, "data_us"), of(runs, lane, work.name, "control_us")
            speed = of(runs, lane, work.name, "per_second")
            if data and control and speed:
                both = _short(data.middle + control.middle)
                rows.append([lane, work.name, work.about, str(data), str(control), both, str(speed)])
    head = ["lane", "work", "what", "workers", "control process", "both", "requests/s"]
    return [*text, *_table(head, rows), ""]


def _floor(result: dict[str, Any]) -> list[str]:
    """What a process of this kind costs that only moves the bytes, and what polycloud does beyond that."""
    runs: Runs = result["runs"]
    rows = []
    for work in (*COMMON, BUSY):
        least, own = of(runs, "relay", work.name, "data_us"), of(runs, "polycloud", work.name, "data_us")
        if least and own:
            rows.append([work.name, str(least), str(own), _short(own.middle - least.middle)])
    twice = []
    for one, two, callers in TWICE:
        ratios = [_twice(runs, lane, one, two) for lane in ("relay", "polycloud")]
        if all(ratios):
            twice.append([f"2 processes to 1, {callers}", *(f"{ratio:.2f} ×" for ratio in ratios), ""])
    if not rows:
        return []
    head = ["work", "relay: bytes moved, nothing read", "polycloud", "what polycloud does"]
    text = "CPU in microseconds per request or chunk, of a relay on the same event loop and of polycloud."
    return ["## The floor of this design", "", text, "", *_table(head, [*rows, *twice]), ""]


def _targets(result: dict[str, Any]) -> list[str]:
    rows = [
        [name, f"{sign} {_short(goal)} {unit}", f"{_short(value)} {unit}", "met" if met else "**missed**"]
        for name, sign, goal, value, unit, met in targets(result)
    ]
    return ["## Targets", "", *_table(["what", "target", "measured (median)", ""], rows), ""] if rows else []


def targets(result: dict[str, Any]) -> list[tuple[str, str, float, float, str, bool]]:
    """Name, relation, goal, measured, unit, met; only what was measured."""
    runs: Runs = result["runs"]

    def middle(lane: str, work: str) -> float | None:
        found = of(runs, lane, work, "data_us")
        return found.middle if found else None

    chat = middle("polycloud", "chat")
    found: list[tuple[str, str, float, float | None, str]] = [
        ("CPU per chat request", "≤", 80, chat, "µs"),
        ("CPU per paced chunk, same dialect, 200 streams", "≤", 30, middle("polycloud", "paced-200"), "µs"),
        ("CPU per paced chunk, same dialect, 20 streams", "≤", 30, middle("polycloud", "paced-20"), "µs"),
    ]
    found += [(f"CPU per paced chunk, {w.name}", "≤", 60, middle("polycloud", w.name), "µs") for w in CROSS]
    memory = [m["peak"] for m in result["lanes"].get("polycloud", {}).get("memory", {}).get("data", [])]
    found.append(("memory of a worker (largest RSS)", "≤", 64, max(memory, default=None), "MB"))
    found.append(("a worker's start to its first answer", "≤", 0.5, result.get("first_answer_seconds"), "s"))
    for peer, goal in (("litellm", 90.0), ("portkey", 9.0)):
        ratio = _ratio(runs, (peer, "chat"), ("polycloud", "chat"))
        found.append((f"CPU of {peer} for a chat request", "≥", goal, ratio, "× polycloud"))
    for work, base, own, theirs in BESIDE:
        ratio = _ratio(runs, ("polycloud", work.name), ("envoy-ai", base.name))
        found.append((f"{work.name}, beside Envoy's AI lane", "≤", own / theirs, ratio, "×"))
    for one, two, callers in TWICE:
        ratio = _twice(runs, "polycloud", one, two)
        found.append((f"CPU per request, 2 workers to 1, {callers}", "≤", 1.1, ratio, "×"))
    ratio = _ratio(runs, ("polycloud", "chat"), ("envoy-ai", "chat"))
    found.append(("aim: CPU per chat request to Envoy's AI lane", "≤", 1.0, ratio, "×"))
    return [
        (name, sign, goal, value, unit, value <= goal if sign == "≤" else value >= goal)
        for name, sign, goal, value, unit in found
        if value is not None
    ]


def _notes(result: dict[str, Any]) -> list[str]:
    """What a reader must know before believing a number."""
    found = [f"- {name} is absent: {why}" for name, why in result["absent"].items()]
    for row in result["runs"]:
        where = f"round {row['round']}, {row['lane']}, {row['workload']}"
        if row["wrong"]:
            found.append(
                f"- {where}: {row['wrong']} wrong answers of {row['wrong'] + row['answers']}: {row['examples'][:1]}"
            )
        if row["reopened"]:
            found.append(f"- {where}: {row['reopened']} connections closed by the gateway and opened again")
        if row["others"] > DISTURBED and row["lane"] != "direct":
            found.append(f"- {where}: disturbed, others used {row['others']:.0%} of the gateway's core")
    return ["## Notes", "", *found, ""] if found else ["No wrong answer, no connection lost, no round disturbed.", ""]
