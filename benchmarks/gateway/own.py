"""polycloud as a lane: ``polycloud up`` with an estate of its own, and a key made for the benchmark's team."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import processes
from lanes import Lane, answers
from work import MODEL_REPLY, UPSTREAM_TOKEN, Kind

import polycloud

POLYCLOUD = str(Path(sys.executable).parent / "polycloud")
KEY_SECONDS = 30.0


class Polycloud(Lane):
    """The whole product: supervisor, control process and workers, all on the gateway's core."""

    name = "polycloud"
    about = "key, rate, residency, routing, metering, journal, metrics: all on; 1 worker"
    workers = 1

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.headers: Mapping[str, str] = {}
        self.environment = {
            "BENCH_UPSTREAM_TOKEN": UPSTREAM_TOKEN,
            "AWS_ACCESS_KEY_ID": UPSTREAM_TOKEN,
            "AWS_SECRET_ACCESS_KEY": "bench-secret",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def command(self) -> list[str]:
        self._estate = self.fill("estate.yaml")
        where = ["-e", str(self._estate), "--port", str(self.port), "--workers", str(self.workers)]
        return [POLYCLOUD, "up", *where, "--log", "error"]

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.popen.poll() is not None:
            raise RuntimeError("polycloud ended:\n" + (self.directory / "log").read_text("utf-8", "replace")[-2000:])
        if not self.headers:
            if b"polycloud is ready on" not in (self.directory / "log").read_bytes():
                return False
            self.headers = {"authorization": f"Bearer {self._key()}"}
        return answers(self.port, Kind(MODEL_REPLY, False), self.headers)

    def _key(self) -> str:
        command = [POLYCLOUD, "keys", "create", "--team", "bench", "--name", "bench", "-e", str(self._estate), "--json"]
        environment = {**os.environ, **self.environment}
        made = subprocess.run(command, capture_output=True, timeout=KEY_SECONDS, env=environment, check=False)
        if made.returncode:
            raise RuntimeError(f"polycloud keys create: {made.stderr.decode()}")
        return str(json.loads(made.stdout)["key"])

    def pids(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {"data": [], "control": []}
        if self.process is not None:
            for pid in self.process.family():
                role = "data" if "polycloud.app.worker" in processes.command_line(pid) else "control"
                found[role].append(pid)
        return found

    def version(self) -> str:
        git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        found = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
        return f"{polycloud.__version__} {found}".strip()


class Polycloud2(Polycloud):
    name = "polycloud-2"
    about = "the same with 2 workers, on the one core too"
    workers = 2
