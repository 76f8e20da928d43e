"""A gateway for the length of a script: started on a free port, asked over plain HTTP, stopped without a trace."""

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
POLYCLOUD = Path(sys.executable).with_name("polycloud")
READY = "polycloud is ready on "
ANSWER_SECONDS = 60.0
STOP_SECONDS = 60.0


class Answer(NamedTuple):
    """``deployment`` is who answered; "" for a refusal."""

    status: int
    headers: dict[str, str]
    body: dict[str, object]

    @property
    def deployment(self) -> str:
        return self.headers.get("x-polycloud-deployment", "")

    @property
    def site(self) -> str:
        return "/".join(self.deployment.split("/")[:2])


class Gateway:
    """What a script asks of the gateway that runs."""

    def __init__(self, url: str, state: str) -> None:
        self.url = url
        self._state = state

    def ask(self, model: str, key: str = "pk-demo", **headers: str) -> Answer:
        """One chat request in OpenAI's form; keyword ``data_class`` is the header x-polycloud-class."""
        body = {"model": model, "max_tokens": 40, "messages": [{"role": "user", "content": "Hello"}]}
        sent = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        sent |= {f"x-polycloud-{name.removeprefix('data_')}": value for name, value in headers.items()}
        request = urllib.request.Request(self.url + "/v1/chat/completions", json.dumps(body).encode(), sent)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as reply:
                return _answer(reply.status, reply.headers.items(), reply.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal.code, refusal.headers.items(), refusal.read())

    def sites(self, model: str, times: int, **headers: str) -> Counter[str]:
        """How often each site answered; fails on any request that was not answered."""
        found: Counter[str] = Counter()
        for _ in range(times):
            answer = self.ask(model, **headers)
            assert answer.status == 200, f"{answer.status}: {answer.body}"
            found[answer.site] += 1
        return found

    def command(self, *words: str) -> str:
        """Run a command of polycloud against this gateway; its output."""
        done = subprocess.run(
            [POLYCLOUD, *words, "--state", self._state],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        print(f"$ polycloud {' '.join(words)}\n{done.stdout}{done.stderr}".rstrip())
        assert done.returncode == 0, f"exit code {done.returncode}"
        return done.stdout


def _answer(status: int, headers: Iterator[tuple[str, str]], body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers}, json.loads(body))


@contextlib.contextmanager
def gateway(estate: str) -> Iterator[Gateway]:
    """``polycloud up`` for one of the example estates, with its state in a folder that is gone afterwards."""
    path = ROOT / "polycloud" / "app" / "examples" / estate / "estate.yaml"
    with tempfile.TemporaryDirectory(prefix="polycloud-example-") as state:
        begun = time.monotonic()
        process = subprocess.Popen(
            [POLYCLOUD, "up", "-e", path, "--port", "0", "--workers", "1", "--state", state],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            line = next((line for line in process.stdout if line.startswith(READY)), "")
            assert line, "polycloud up ended before it was ready"
            print(f"ready after {time.monotonic() - begun:.1f} s")
            yield Gateway(line.removeprefix(READY).strip(), state)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0, f"polycloud up ended with {process.returncode}"
