"""An instance as a child of this process: started, used, stopped."""

import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from polycloud.app.cli import instance
from polycloud.app.client import Client
from polycloud.app.settings import BadSettings
from polycloud.app.simulated import Sandbox
from polycloud.core.errors import NotRunning

START_SECONDS = 90.0  # a little over what `polycloud up` gives itself
STOP_SECONDS = 60.0  # it lets requests under way end
POLL_SECONDS = 0.05
SAID_CHARS_MAX = 4000


@contextmanager
def up(
    estate: str | Path,
    *,
    env: str | None = None,
    state: str | Path | None = None,
    port: int = 0,
    workers: int = 1,
) -> Iterator[Client]:
    """Runs ``polycloud up`` as a child process for the length of a ``with``; gives its client, with the sandbox's key.
    ``port`` 0 takes a free one. Raises BadSettings, and NotRunning with what the child said when it does not start."""
    directory = instance.state_directory(Path(estate), None if state is None else Path(state))
    command = [sys.executable, "-m", "polycloud", "up", "-e", str(estate), "--state", str(directory)]
    command += ["--port", str(port), "--workers", str(workers), *(("--env", env) if env else ())]
    with tempfile.TemporaryFile() as said:  # not a pipe, which would fill up
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)  # noqa: S603
        try:
            yield _ready(process, Path(estate), directory, said)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def sandbox_of(estate: str | Path | None = None, state: str | Path | None = None) -> Sandbox:
    """The simulated clouds of the instance that runs from ``estate``. Raises NotRunning, BadSettings."""
    return instance.sandbox(None if estate is None else Path(estate), None if state is None else Path(state))


def _ready(process: "subprocess.Popen[bytes]", estate: Path, directory: Path, said: IO[bytes]) -> Client:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            run, _ = instance.running(estate, directory)
            client = instance.client(estate, directory)
            if run.pid == process.pid and client.ready():
                return client
        except (NotRunning, BadSettings):
            pass  # not yet
        time.sleep(POLL_SECONDS)
    said.seek(0)
    text = said.read().decode("utf8", "replace")[-SAID_CHARS_MAX:]
    raise NotRunning(f"polycloud did not start from {estate}: {text.strip()}")
