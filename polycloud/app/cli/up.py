"""``polycloud up``: proves the estate, then starts its processes in order, and stops them all."""

import asyncio
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from polycloud.app import sandbox_process, wiring
from polycloud.app.cli.estate import located
from polycloud.app.cli.instance import RUN_FILE, Lock, Run
from polycloud.app.cli.options import environment_option, estate_option, state_option
from polycloud.app.cli.output import NO, WRONG, note, say
from polycloud.app.cli.report import print_findings, print_proof
from polycloud.app.client import Client
from polycloud.app.files import write_private
from polycloud.app.library import Examined, examine
from polycloud.app.settings import BadSettings, Settings, is_loopback, read
from polycloud.app.supervise import Child, Supervisor
from polycloud.gateway.worker import WorkerSpec

READY_SECONDS = 60.0  # a cold machine compiles its byte code first
POLL_SECONDS = 0.05
# Left alone, glibc keeps what large bodies took in its heap once it has seen a few of them: half a gigabyte a worker.
WORKER_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": "65536"}
# Of the environment only the control process sees all: clouds' credentials stand there, and callers speak to workers.
PLAIN = ("PATH", "HOME", "LANG", "LC_", "TZ", "TMPDIR", "LD_", "DYLD_", "PYTHON", "VIRTUAL_ENV", "SSL_CERT_",
         "OPENSSL_", "MALLOC_", "GLIBC_")  # fmt: skip


class Plan(NamedTuple):
    """What will run: the settings with a port that is ours, and the estate's proof."""

    settings: Settings
    examined: Examined
    held: socket.socket


@click.command()
@estate_option
@environment_option
@click.option("--port", type=int, help="The port that callers use; 8080 when not given, 0 takes a free one.")
@click.option("--host", help="The address that callers use; 127.0.0.1 when not given.")
@click.option("--workers", type=int, help="Worker processes; one for each core when not given.")
@click.option("--log", type=click.Choice(["debug", "info", "warning", "error"]), help="How much the log says.")
@state_option
def up(
    estate: Path | None,
    env: str | None,
    port: int | None,
    host: str | None,
    workers: int | None,
    log: str | None,
    state: Path | None,
) -> int:
    """Start the gateway, and simulated clouds where the estate names them.

    The estate is checked, compiled and proved first; with an error nothing is started. Ctrl-C stops
    everything and lets requests under way end.
    """
    options = {
        "estate": None if estate is None else str(estate),
        "env": env,
        "port": port,
        "host": host,
        "workers": workers,
        "log": log or os.environ.get("POLYCLOUD_LOG") or "warning",
        "state": None if state is None else str(state),
    }
    examined = examine(located(estate), env)  # before anything is made on disk
    print_findings(examined)
    print_proof(examined)
    if not examined.holds:
        note("nothing was started")
        return WRONG
    settings = read(os.environ, Path.cwd(), options)
    lock = Lock(settings.state)
    lock.take()
    try:
        held = hold_port(settings.host, settings.port)
        settings = msgspec.structs.replace(settings, port=held.getsockname()[1])
        return asyncio.run(_run(Plan(settings, examined, held)))
    finally:
        (settings.state / RUN_FILE).unlink(missing_ok=True)
        lock.free()


def hold_port(host: str, port: int) -> socket.socket:
    """A socket that keeps the port ours without taking connections, while workers come and go; they join it by
    SO_REUSEPORT. Raises BadSettings when another program has it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    probe = socket.socket(family, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with probe:
            probe.bind((host, port))
            port = probe.getsockname()[1]
        held = socket.socket(family, socket.SOCK_STREAM)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
    except OSError as error:
        why = error.strerror or str(error)
        raise BadSettings(f"can not listen on {host}:{port}: {why}; name another with --port or --host") from error
    return held


async def _run(plan: Plan) -> int:
    settings, examined = plan.settings, plan.examined
    supervisor = Supervisor(note)
    stopping = asyncio.create_task(supervisor.wait())
    try:
        control = await _start(supervisor, stopping, settings, examined)
        if control is None:
            return 0
        _note_run(settings, examined, control)
        if await _ready(settings, stopping):
            _welcome(settings, examined, control)
            await stopping
        elif not stopping.done():
            note(f"not ready after {READY_SECONDS:g} s; the lines above say why. Stopping.")
            return NO
        say("stopping …")
        return 0
    finally:
        await supervisor.stop()
        stopping.cancel()
        plan.held.close()


async def _start(
    supervisor: Supervisor, stopping: asyncio.Task[None], settings: Settings, examined: Examined
) -> str | None:
    """Starts the stages in order; the sandbox's control address, "" without one, None when told to stop."""
    control = ""
    estate, tables = examined.loaded.estate, examined.tables
    assert estate is not None and tables is not None, "only a proved estate is started"
    if any(d.simulated for d in tables.deployments):
        _write_sandbox(settings.state, wiring.sandbox_spec(estate, tables))
        arguments = ("-m", "polycloud.app.sandbox_process", str(settings.state))
        supervisor.start(Child("sandbox", arguments, 0, inherits=PLAIN))
        found = await _sandbox_address(supervisor, stopping, settings.state)
        if found is None:
            return None
        control = found
    supervisor.start(Child("control", control_arguments(settings, control), 1))
    for number in range(settings.workers):
        supervisor.start(Child(f"worker {number}", _WorkerArguments(settings, number), 2, WORKER_ENVIRONMENT, PLAIN))
    return control


def control_arguments(settings: Settings, sandbox: str) -> tuple[str, ...]:
    """How the control process is started with the same settings."""
    found = ["-m", "polycloud.app.control", "--estate", str(settings.estate), "--state", str(settings.state)]
    found += ["--host", settings.host, "--port", str(settings.port), "--log", settings.log_level]
    found += ["--env", settings.environment] if settings.environment else []
    found += ["--sandbox", sandbox] if sandbox else []
    return tuple(found)


class _WorkerArguments:
    """A worker's arguments, with a new name for each start: a journal belongs to one process alone."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._starts = 0

    def __call__(self) -> tuple[str, ...]:
        self._starts += 1
        settings = self._settings
        spec = WorkerSpec(
            name=f"w{self._number}-{time.time_ns() // 1_000_000:x}-{self._starts}",
            host=settings.host,
            port=settings.port,
            directory=str(settings.state),
            link=str(settings.link),
            control=str(settings.http),
            seed=self._number,
        )
        return ("-m", "polycloud.app.worker", msgspec.json.encode(spec).decode())


def _write_sandbox(state: Path, wanted: msgspec.Struct) -> None:
    """Notes what to simulate, at the ports of the last time where they are free."""
    old = sandbox_process.read(state)
    spec = msgspec.to_builtins(wanted)
    credentials = msgspec.Raw(b"null")
    if old is not None:
        known = msgspec.json.decode(old.spec)
        ports = {site["site"]: site.get("port", 0) for site in known.get("sites", ())}
        for site in spec["sites"]:
            site["port"] = _free(ports.get(site["site"], 0))
        spec["control_port"] = _free(known.get("control_port", 0))
        credentials = old.credentials
    sandbox_process.write(
        state, sandbox_process.Served(spec=msgspec.Raw(msgspec.json.encode(spec)), credentials=credentials)
    )


def _free(port: int) -> int:
    """``port`` when nobody has it, else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


async def _sandbox_address(supervisor: Supervisor, stopping: asyncio.Task[None], state: Path) -> str | None:
    """Waits until the sandbox that was started serves. Raises BadSettings when it does not come."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if stopping.done():
            return None
        served = sandbox_process.read(state)
        if served is not None and served.control and served.pid == supervisor.pid("sandbox"):
            return served.control
        await asyncio.sleep(POLL_SECONDS)
    raise BadSettings(f"the simulated clouds did not start within {READY_SECONDS:g} s; the lines above say why")


async def _ready(settings: Settings, stopping: asyncio.Task[None]) -> bool:
    client = Client(base_url(settings))
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and not stopping.done():
        if await asyncio.to_thread(client.ready):
            return True
        await asyncio.sleep(POLL_SECONDS)
    return False


def base_url(settings: Settings) -> str:
    """Where this machine reaches the gateway."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def demo_key(settings: Settings, examined: Examined) -> str:
    """The sandbox's key while it is in force: on loopback, and only while every cloud is simulated."""
    estate, tables = examined.loaded.estate, examined.tables
    assert estate is not None and tables is not None
    if not (tables.simulated and is_loopback(settings.host)):
        return ""
    return estate.sandbox.key or ""


def _note_run(settings: Settings, examined: Examined, control: str) -> None:
    run = Run(
        url=base_url(settings),
        pid=os.getpid(),
        started=time.time(),
        estate=str(settings.estate),
        sandbox=control,
        key=demo_key(settings, examined),
    )
    write_private(settings.state / RUN_FILE, msgspec.json.encode(run))


def _welcome(settings: Settings, examined: Examined, control: str) -> None:
    tables = examined.tables
    assert tables is not None
    url, key = base_url(settings), demo_key(settings, examined)
    model = next(iter(tables.models), "MODEL")
    site = tables.deployments[0].site if tables.deployments else "SITE"
    header = f"'authorization: Bearer {key}'" if key else '"authorization: Bearer $POLYCLOUD_KEY"'
    shown = f'"{key}"' if key else 'os.environ["POLYCLOUD_KEY"]'
    body = f'{{"model":"{model}","messages":[{{"role":"user","content":"Hello"}}]}}'
    say(f"polycloud is ready on {url}")
    say(
        f"""
  curl       curl {url}/v1/chat/completions -H {header} \\
               -H 'content-type: application/json' -d '{body}'
  OpenAI     OpenAI(base_url="{url}/v1", api_key={shown}).chat.completions.create(model="{model}", …)
  Anthropic  Anthropic(base_url="{url}", api_key={shown}).messages.create(model="{model}", …)
  here       polycloud call {model} "Hello"  ·  polycloud status  ·  polycloud sites drain {site}"""
    )
    if control:
        say(f"  trouble    polycloud sandbox fault add outage --site {site}  ·  polycloud sandbox fault clear")
    if not key:
        say("  a key      polycloud keys create --team TEAM")
    say("\nctrl-C stops it.")
