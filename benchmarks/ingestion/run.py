"""CPU of the control process for the journal: what one request costs it, from bytes in a file to rows and metrics.

    .venv/bin/python benchmarks/ingestion/run.py
    .venv/bin/python benchmarks/ingestion/run.py --requests 10000 --profile

A request is one decision and one attempt, as the gateway writes them; one in fifty fails over first. Teams, models,
sites, prices and times vary with a fixed seed. Nothing is left on the disk.
"""

import argparse
import asyncio
import cProfile
import logging
import pstats
import random
import tempfile
import time
from pathlib import Path

from polycloud.app.control.ingest import Ingestion
from polycloud.app.control.log import Log
from polycloud.app.control.metrics import Gauges, Metrics
from polycloud.core.clock import SystemClock
from polycloud.core.ids import IdSource
from polycloud.core.usage import AttemptRecord, DecisionRecord, Usage
from polycloud.gateway.journal import Journal
from polycloud.store import Store

SERIES = "w0-bench"
LINKED = frozenset({SERIES})
TURN = 200  # records of one turn of the writer's event loop
FAILOVER_EVERY = 50
TEAMS = [f"team-{n}" for n in range(8)]
MODELS = ["gpt-4o", "claude-sonnet-4-5", "gemini-2.5-pro", "llama-3.3-70b"]
SITES = ["aws/us-east-1", "azure/westeurope", "gcp/europe-west1", "oci/eu-frankfurt-1", "onprem/frankfurt"]


def main() -> int:
    parser = argparse.ArgumentParser(description="CPU per request of the journal's ingestion")
    parser.add_argument("--requests", type=int, default=50_000, help="1 to 1,000,000; default %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="1 to 20, each with a new store; default %(default)s")
    parser.add_argument("--profile", action="store_true", help="show where the time goes; slower")
    options = parser.parse_args()
    requests, rounds = min(max(options.requests, 1), 1_000_000), min(max(options.rounds, 1), 20)
    profile = cProfile.Profile() if options.profile else None
    with tempfile.TemporaryDirectory() as root:
        directory = Path(root) / "journal"
        asyncio.run(_write(directory, requests))
        size = sum(path.stat().st_size for path in directory.iterdir())
        print(f"{requests} requests, {size / requests:.0f} bytes of journal each")
        figures = [_round(Path(root) / f"state-{n}.db", directory, requests, profile) for n in range(rounds)]
    if profile is not None:
        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    best = min(figures, key=sum)
    print(f"best of {rounds}: {sum(best):.1f} µs CPU a request ({best[0]:.1f} rows, {best[1]:.1f} metrics)")
    return 0


def _round(path: Path, directory: Path, requests: int, profile: cProfile.Profile | None) -> tuple[float, float]:
    """(µs CPU a request to read and store, µs to count), with a new store at ``path``."""
    clock = SystemClock()
    store = Store(path)
    metrics = Metrics(clock, Gauges)
    ingestion = Ingestion(directory, store.journals, clock, Log(logging.getLogger("bench")))
    stored = counted = 0.0
    lines, more = 0, True
    if profile is not None:
        profile.enable()
    while more:
        start = time.process_time()
        turn = ingestion.turn(LINKED)
        middle = time.process_time()
        metrics.take(turn)
        counted += time.process_time() - middle
        stored += middle - start
        lines += len(turn.entries)
        more = turn.more
    if profile is not None:
        profile.disable()
    found = sum(row.requests for row in store.ledger.usage((), 0, 2**62, {}))
    store.close()
    if found != requests:
        raise SystemExit(f"{found} requests in the store, {requests} in the journal")
    figures = stored / requests * 1e6, counted / requests * 1e6
    print(
        f"{lines} lines: {sum(figures):.1f} µs a request ({figures[0]:.1f} rows, {figures[1]:.1f} metrics), "
        f"{path.stat().st_size / requests:.0f} bytes of store each"
    )
    return figures


async def _write(directory: Path, requests: int) -> None:
    chance = random.Random(7)
    journal = Journal(directory, SERIES, asyncio.get_running_loop())
    ids = IdSource("req-")
    now = int(time.time() * 1000) - requests // 10
    for n in range(requests):
        _request(journal, chance, ids.next(), n, now + n // 10)
        if n % TURN == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    journal.close()


def _request(journal: Journal, chance: random.Random, request: str, n: int, at_ms: int) -> None:
    team, model = chance.choice(TEAMS), chance.choice(MODELS)
    key, sites = f"key_{team}", chance.sample(SITES, 3)
    targets = [f"{site}/{model}" for site in sites]
    journal.add(
        DecisionRecord(
            request=request, at_ms=at_ms, key=key, team=team, asked=model, route="chat", classes=("eu-personal",),
            policy="5f3a9c21d07b", overlay=4, chosen=targets[0], eligible=tuple(targets),
            expected_pico_usd=chance.randrange(10**10), face="openai_chat", trace=chance.randbytes(16).hex(),
        )
    )  # fmt: skip
    failed = n % FAILOVER_EVERY == 0
    for number, site in enumerate(sites[: 1 + failed], 1):
        final = number == 1 + failed
        journal.add(
            AttemptRecord(
                request=request, at_ms=at_ms, number=number, key=key, team=team, asked=model,
                deployment=f"{site}/{model}", cloud=site.partition("/")[0], site=site, model=model,
                outcome="ok" if final else "error", code="" if final else "provider_unavailable",
                status=200 if final else 503, latency_ms=round(chance.lognormvariate(7, 1), 3),
                first_token_ms=round(chance.lognormvariate(5, 1), 3) if final else None,
                usage=Usage(chance.randrange(5000), chance.randrange(900), chance.randrange(50)) if final else None,
                cost_pico_usd=chance.randrange(10**11) if final else None, streamed=True, final=final,
                reported_region=site.partition("/")[2], provider_request=chance.randbytes(12).hex(),
                policy="5f3a9c21d07b", overhead_us=chance.randrange(30, 400) if final else 0,
            )
        )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
