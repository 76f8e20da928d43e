"""The entry of a worker process: ``python -m polycloud.app.worker SPEC`` with a WorkerSpec as JSON.

It imports the gateway and nothing above it; adapters are loaded by name when tables need them.
"""

import asyncio
import gc
import os
import signal
import sys

import msgspec
import uvloop

from polycloud.app.adapters import dialects, faces, model_port
from polycloud.app.lifeline import watch
from polycloud.core.clock import SystemClock
from polycloud.gateway.worker import Worker, WorkerSpec


async def serve(spec: WorkerSpec) -> None:
    try:
        worker = Worker(spec, model_port, dialects(), faces(), SystemClock())
    except OSError as error:  # a full disk, a folder that is gone: the supervisor tries again
        raise SystemExit(f"error: {spec.name} can not start in {spec.directory}: {error.strerror}") from error
    watch(asyncio.get_running_loop(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    await worker.run()


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1].encode(), type=WorkerSpec)
    # What is loaded now lives as long as the process: the collector need not look at it again, and a
    # request's few hundred short-lived objects need no collection of their own (3 % of a request's time).
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    uvloop.run(serve(spec))


if __name__ == "__main__":
    main()
