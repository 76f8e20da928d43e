"""A worker of polycloud alone, fed by a stand-in for the control process: the data path and nothing else.

It measures what a worker costs by itself, how soon after its start it answers, and where its time goes
(``python bare.py`` runs one until ctrl-C, for a profiler to look at).
"""

import hashlib
import signal
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec
import processes
from lanes import GATEWAY_CORE, KEY, answers, free_port
from work import MODEL_REPLY, UPSTREAM_TOKEN, Kind

from polycloud.core.chat import NEED_BITS
from polycloud.core.money import TokenPrice
from polycloud.core.ports.models import Credential, Upstream
from polycloud.gateway import link
from polycloud.gateway.worker import WorkerSpec
from polycloud.policy.overlay import Overlay
from polycloud.policy.tables import DataClass, Deployment, Model, Principal, Route, Tables, Team, encode

PER_MINUTE = 1_000_000  # the limiter is at work and never refuses: a little more than a worker can do
ADDRESSES = {
    "onprem": ("openai_chat", "/v1", "frankfurt"),
    "aws": ("bedrock_converse", "", "eu-central-1"),
    "gcp": ("gemini", "", "europe-west1"),
}


def tables(upstream: int) -> Tables:
    """Two models in each of three dialects, and as much again elsewhere, so that choosing is no formality."""
    rows: list[Deployment] = []
    models: dict[str, Model] = {}
    for adapter, (dialect, path, region) in ADDRESSES.items():
        for kind in ("bench", "bench-paced"):
            name = kind if adapter == "onprem" else f"{adapter}-{kind}"
            first = len(rows)
            for place, price in ((region, 1_000_000), ("elsewhere", 2_000_000)):
                site = f"{adapter}/{place}"
                address = f"http://127.0.0.1:{upstream}{path}"
                options = {"project": "bench"} if adapter == "gcp" else {}
                called = Upstream(adapter, place, address, kind, dialect, options)
                rows.append(
                    Deployment(
                        id=f"{site}/{name}",
                        site=site,
                        cloud=adapter,
                        model=name,
                        adapter=adapter,
                        upstream=called,
                        places=(site,),
                        can=(1 << NEED_BITS) - 1,
                        price=TokenPrice(price, 2 * price),
                        context_tokens=128_000,
                        credential=adapter,
                    )
                )
            models[name] = Model(name, (first, first + 1), owner="bench")
    inside = tuple(i for i, row in enumerate(rows) if "elsewhere" not in row.site)
    return Tables(
        estate="bench", version=hashlib.sha256(repr(rows).encode()).hexdigest(), deployments=tuple(rows),
        models=models, aliases={}, routes=(Route("all", ("*",), prefer="cost"),),
        classes={
            "general": DataClass("general", tuple(range(len(rows))), "anywhere"),
            "inside": DataClass("inside", inside, "stays inside"),
        },
        default_class="general", teams={"bench": Team("bench", classes=("inside",), requests_per_minute=PER_MINUTE)},
        regions={},
    )  # fmt: skip


def messages(upstream: int) -> list[link.ToWorker]:
    key = Principal(
        id="k1", digest=hashlib.sha256(KEY.encode()).digest(), team="bench", classes=("inside",),
        requests_per_minute=PER_MINUTE,
    )  # fmt: skip
    bearer = Credential("bearer", {"token": UPSTREAM_TOKEN})
    signing = {"access_key": UPSTREAM_TOKEN, "secret_key": "bench-secret"}
    credentials = {"onprem": bearer, "gcp": bearer, "aws": Credential("aws", signing)}
    return [
        link.SetKeys(1, (key,)),
        link.SetCredentials(credentials),
        link.SetOverlay(Overlay(1)),
        link.SetTables(encode(tables(upstream))),
    ]


class Bare:
    """One worker and its link."""

    def __init__(self, upstream: int, core: int = GATEWAY_CORE) -> None:
        self.port = free_port()
        self._core = core
        self._directory = tempfile.TemporaryDirectory(prefix="polycloud-bench-")
        self._frames = b"".join(link.frame(m) for m in messages(upstream))
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self._path("link"))
        self._server.listen(4)
        self._accepted: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _path(self, name: str) -> str:
        return str(Path(self._directory.name) / name)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            self._accepted.append(connection)
            connection.sendall(self._frames)
            threading.Thread(target=_swallow, args=(connection,), daemon=True).start()

    def start(self) -> float:
        """Seconds from the start of the process to its first right answer."""
        spec = WorkerSpec("w0", "127.0.0.1", self.port, self._directory.name, self._path("link"), self._path("none"))
        command = [sys.executable, "-m", "polycloud.app.worker", msgspec.json.encode(spec).decode()]
        begun = time.monotonic()
        self.process = processes.Process(command, self._core, Path(self._path("log")))
        kind, headers = Kind(MODEL_REPLY, False), {"authorization": f"Bearer {KEY}"}
        while not answers(self.port, kind, headers):
            if self.process.popen.poll() is not None or time.monotonic() - begun > 10:
                raise RuntimeError("the worker does not answer:\n" + Path(self._path("log")).read_text()[-2000:])
            time.sleep(0.002)
        return time.monotonic() - begun

    def stop(self) -> None:
        self.process.stop()
        self._server.close()
        for connection in self._accepted:
            connection.close()
        self._directory.cleanup()


def _swallow(connection: socket.socket) -> None:
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


if __name__ == "__main__":
    bare = Bare(int(sys.argv[1]))
    print(f"answered after {bare.start():.3f} s; pid {bare.process.popen.pid}, port {bare.port}", flush=True)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)  # a shell's background job starts with ctrl-C ignored
    signal.pause()
    bare.stop()
