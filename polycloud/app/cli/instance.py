"""The instance that runs from a state directory: where it listens, and how to reach it."""

import fcntl
import os
from pathlib import Path

import msgspec

from polycloud.app.client import Client
from polycloud.app.settings import STATE_DIRECTORY, BadSettings, find_estate
from polycloud.app.simulated import Sandbox
from polycloud.core.errors import NotRunning

RUN_FILE = "run.json"
LOCK_FILE = "up.lock"


class Run(msgspec.Struct, frozen=True):
    """What ``polycloud up`` notes for other commands. ``key`` is the demo key while it is in force."""

    url: str
    pid: int
    started: float
    estate: str
    sandbox: str = ""
    key: str = ""


def state_directory(estate: Path | None, state: Path | None) -> Path:
    """Where the instance of ``estate`` keeps its state. Raises BadSettings when no estate is found."""
    if state is not None:
        return state
    if estate is None and (near := nearest_instance(Path.cwd())) is not None:
        return near
    found = estate if estate is not None else find_estate(Path.cwd())
    if not found.exists():
        raise BadSettings(f"{found} does not exist")
    return (found if found.is_dir() else found.parent) / STATE_DIRECTORY


def nearest_instance(start: Path) -> Path | None:
    """The state directory of an instance in ``start`` or the nearest directory above it; None when there is none. What
    a killed one left is passed over, and one of somebody else, which we may not read."""
    found = (folder / STATE_DIRECTORY for folder in (start, *start.parents))
    return next((state for state in found if _runs(state)), None)


def _runs(state: Path) -> bool:
    try:
        run = msgspec.json.decode((state / RUN_FILE).read_bytes(), type=Run)
        os.kill(run.pid, 0)
    except PermissionError as error:
        return error.filename is None  # of the signal, not of the file: it runs as somebody else
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, OverflowError):
        return False
    return True


def running(estate: Path | None, state: Path | None) -> tuple[Run, Path]:
    """The instance that runs and its state directory. Raises NotRunning, BadSettings."""
    directory = state_directory(estate, state)
    try:
        run = msgspec.json.decode((directory / RUN_FILE).read_bytes(), type=Run)
    except (FileNotFoundError, NotADirectoryError):
        raise NotRunning(f"polycloud does not run from {directory}; start it with `polycloud up`") from None
    except msgspec.DecodeError as error:
        raise BadSettings(f"{directory / RUN_FILE} can not be read: {error}; stop polycloud and remove it") from error
    return run, directory


def client(estate: Path | None, state: Path | None) -> Client:
    """A client of the admin API of the instance that runs. Raises NotRunning, BadSettings."""
    run, directory = running(estate, state)
    try:
        token = (directory / "admin.token").read_text("utf8").strip()
    except FileNotFoundError:
        token = ""
    return Client(run.url, token, run.key)


def sandbox(estate: Path | None, state: Path | None) -> Sandbox:
    """The simulated clouds that run. Raises NotRunning, BadSettings."""
    run, directory = running(estate, state)
    if not run.sandbox:
        raise NotRunning(f"the estate of {directory} simulates no cloud; add a sandbox: section to it")
    return Sandbox(run.sandbox)


class Lock:
    """One ``polycloud up`` at a time for each state directory; the kernel frees it however the holder ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._fd = -1

    def take(self) -> None:
        """Raises BadSettings when another one runs."""
        self._fd = os.open(self._directory / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            try:
                where = msgspec.json.decode((self._directory / RUN_FILE).read_bytes(), type=Run)
                known = f" on {where.url} (process {where.pid})"
            except (OSError, msgspec.DecodeError):
                known = ""
            raise BadSettings(
                f"polycloud already runs from {self._directory}{known}; stop it, or name another --state"
            ) from None

    def free(self) -> None:
        os.close(self._fd)
