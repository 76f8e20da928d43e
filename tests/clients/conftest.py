"""The whole gateway as `polycloud up` starts it, in front of the five simulated clouds, for clients over real sockets.

Each of ``CLOUDS`` is a public model name that one cloud alone serves, without fallback: what a test asks for is
answered there or not at all.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from contextlib import contextmanager

import pytest
import yaml

HERE = pathlib.Path(__file__).parent
CLOUDS = {
    "on-aws": "aws",
    "on-azure": "azure",
    "on-azure-claude": "azure",
    "on-gcp": "gcp",
    "on-gcp-claude": "gcp",
    "on-oci": "oci",
    "on-onprem": "onprem",
}
TROUBLED_EACH = 40  # names for each of CLOUDS, one for each fault that is set: breakers stay open after it
FACES_MAX = 3  # ways in which one client calls
START_SECONDS = 60
STOP_SECONDS = 40  # a little over the supervisor's own
TOOL_SECONDS = 100  # for a client in a process of its own: all its calls


def troubled_names(model):
    return [f"troubled-{model}-{i}" for i in range(TROUBLED_EACH)]


class Gateway:
    """Where the gateway is, and how trouble is made behind it."""

    key = "pk-demo"

    def __init__(self, state, sites):
        run = json.loads((state / "run.json").read_text())
        self.url = run["url"]
        self._sandbox = run["sandbox"]
        self._sites = sites
        self._troubled = {name: iter(troubled_names(name)) for name in sites}

    def _control(self, method, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._sandbox}/faults", data, {"content-type": "application/json"})
        request.method = method
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()

    @contextmanager
    def fault(self, kind, model, **fields):
        """Trouble of this ``kind`` where ``model`` is served, for the public name that is given, which no test used
        before."""
        with self.faults(kind, [model], **fields) as found:
            yield found[model][0]

    @contextmanager
    def faults(self, kind, models, each=1, **fields):
        """The same for several models at once: public name → ``each`` names to call."""
        try:
            for site in {self._sites[model] for model in models}:
                self._control("POST", {"kind": kind, "site": site, **fields})
            yield {model: [next(self._troubled[model]) for _ in range(each)] for model in models}
        finally:
            self._control("DELETE")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.clients)


@pytest.fixture(scope="session")
def gateway():
    own = {name: value for name, value in os.environ.items() if not name.startswith("POLYCLOUD_")}
    with tempfile.TemporaryDirectory(prefix="pc") as directory:  # short: sockets with a path live in it
        state = pathlib.Path(directory) / "s"
        estate = pathlib.Path(directory) / "estate.yaml"
        text = (HERE / "estate.yaml").read_text()
        models = yaml.safe_load(text)["models"]
        troubled = "".join(f"  {n}: {json.dumps(row)}\n" for name, row in models.items() for n in troubled_names(name))
        estate.write_text(text.replace("\nmodels:\n", "\nmodels:\n" + troubled, 1))
        sites = {name: row["deployments"][0]["at"] for name, row in models.items()}
        process = subprocess.Popen(
            [sys.executable, "-m", "polycloud", "up", "-e", str(estate), "--port", "0", "--workers", "1",
             "--state", str(state)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=own,
        )  # fmt: skip
        assert process.stdout is not None
        too_late = threading.Timer(START_SECONDS, process.terminate)
        too_late.start()
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith("ctrl-C stops it"):
                break
        else:
            pytest.fail("the gateway did not start:\n" + "".join(said))
        too_late.cancel()
        try:
            yield Gateway(state, sites)
        finally:
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0, rest
        assert "Traceback" not in rest, rest


@pytest.fixture(params=CLOUDS)
def model(request):
    """A public name that one cloud alone serves."""
    return request.param


@pytest.fixture(scope="session")
def clouds():
    """All of those names."""
    return list(CLOUDS)


@pytest.fixture(scope="session")
def cloud_of():
    """The cloud that serves a public name."""
    return CLOUDS.__getitem__


WEATHER = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "A city"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
CLOCK = {
    "type": "object",
    "properties": {"zone": {"type": "string"}},
    "required": ["zone"],
    "additionalProperties": False,
}
SCHEMAS = {"get_weather": WEATHER, "get_clock": CLOCK}


@pytest.fixture(scope="session")
def schemas():
    """Two tools, by name: the JSON Schema of their arguments."""
    return SCHEMAS


@pytest.fixture(scope="session")
def fits():
    """Whether JSON text is arguments of a tool of ``schemas``."""

    def check(name, arguments):
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        kinds = {"string": str, "integer": int}
        fields = SCHEMAS[name]["properties"]
        return value.keys() == fields.keys() and all(isinstance(value[k], kinds[f["type"]]) for k, f in fields.items())

    return check


@pytest.fixture(scope="session")
def in_process():
    """Run a client that needs its own environment; what it prints is one JSON value: model → feature → what it saw.
    ``troubled``: only what it does in trouble, public name → the names to call, one for each of its faces."""

    def run(command, why_absent, gateway, troubled=None):
        tool = pathlib.Path(command[0])
        if not tool.exists():
            pytest.skip(why_absent)
        asked = {"url": gateway.url, "key": gateway.key, "schemas": SCHEMAS, "troubled": troubled is not None}
        arguments = json.dumps({**asked, "models": troubled or {name: [name] * FACES_MAX for name in CLOUDS}})
        done = subprocess.run([*command, arguments], capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)
        assert done.returncode == 0, done.stderr[-4000:]
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


@pytest.fixture(scope="module")
def in_trouble(gateway, in_process, tool):
    """What the client saw in trouble of a kind, made once for each."""
    seen = {}

    def look(kind, models, **fields):
        if kind not in seen:
            with gateway.faults(kind, models, each=FACES_MAX, **fields) as troubled:
                seen[kind] = in_process(*tool, gateway, troubled)
        return seen[kind]

    return look
