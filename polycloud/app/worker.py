"""The entry of a worker process: ``python -m polycloud.app.worker SPEC`` with a WorkerSpec as JSON.

It imports the gateway and nothing above it; adapters are loaded by name when tables need them.
"""

import asyncio
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
    worker = Worker(spec, model_port, dialects(), faces(), SystemClock())
    watch(asyncio.get_running_loop(), lambda: os.kill(os.getpid(), signal.SIGTERM))
    await worker.run()


def main() -> None:
    spec = msgspec.json.decode(sys.argv[1].encode(), type=WorkerSpec)
    uvloop.run(serve(spec))


if __name__ == "__main__":
    main()
