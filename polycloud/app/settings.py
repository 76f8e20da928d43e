"""The one place that reads the environment and the options of a process: where it listens, where it keeps things.

What must hold for the estate stands in the estate; here is only what differs from machine to machine.
"""

import ipaddress
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from polycloud.core.errors import PolycloudError

ESTATE_FILE = "estate.yaml"
STATE_DIRECTORY = ".polycloud"
SOCKET_PATH_MAX = 103  # bytes: sun_path is 104 with its final zero on macOS and BSD, 108 on Linux
SOCKET_NAME_ROOM = 24  # the longest name of a socket in the directory, with its slash
WORKERS_MAX = 64
LOG_LEVELS = ("debug", "info", "warning", "error")


class BadSettings(PolycloudError):
    """An option or a variable can not be used; the message names it and what to write."""

    code = "settings_invalid"
    status = 400


class Settings(msgspec.Struct, frozen=True):
    """What one installation runs with. ``sockets`` is a directory that only its owner may enter; ``link`` and
    ``http`` are the control process's sockets for workers and for the admin API."""

    estate: Path
    state: Path
    sockets: Path
    link: Path
    http: Path
    environment: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    log_level: str = "info"

    @property
    def journal(self) -> Path:
        return self.state / "journal"

    @property
    def database(self) -> Path:
        return self.state / "state.db"

    @property
    def admin_token(self) -> Path:
        return self.state / "admin.token"

    @property
    def kept_estate(self) -> Path:
        return self.state / "estate.json"

    @property
    def lock(self) -> Path:
        return self.state / "control.lock"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach ``host``. A name other than localhost is not trusted to stay so."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_estate(start: Path) -> Path:
    """``estate.yaml`` in ``start`` or the nearest directory above it. Raises BadSettings."""
    for directory in (start, *start.parents):
        if (directory / ESTATE_FILE).is_file():
            return directory / ESTATE_FILE
    raise BadSettings(f"there is no {ESTATE_FILE} in {start} or above it; name one with -e, or run `polycloud init`")


def read(environ: Mapping[str, str], directory: Path, options: Mapping[str, str | int | None]) -> Settings:
    """Options stand above variables (``POLYCLOUD_ESTATE``, ``_ENV``, ``_STATE``, ``_HOST``, ``_PORT``,
    ``_WORKERS``, ``_LOG``), variables above defaults. Makes the state directory. Raises BadSettings."""

    def given(name: str) -> str:
        option = options.get(name)
        return str(option) if option is not None else environ.get(f"POLYCLOUD_{name.upper()}", "")

    estate = directory / given("estate") if given("estate") else find_estate(directory)
    if not estate.exists():
        raise BadSettings(f"{estate} does not exist")
    base = estate if estate.is_dir() else estate.parent
    state = directory / given("state") if given("state") else base / STATE_DIRECTORY
    level = given("log") or "info"
    if level not in LOG_LEVELS:
        raise BadSettings(f"log level {level!r} is not one of {', '.join(LOG_LEVELS)}")
    make_private(state)
    sockets = socket_directory(state.resolve(), environ)
    return Settings(
        estate=estate.resolve(),
        state=state.resolve(),
        sockets=sockets,
        link=sockets / "link.sock",
        http=sockets / "http.sock",
        environment=given("env") or None,
        host=given("host") or "127.0.0.1",
        port=_number("port", given("port") or "8080", 0, 65535),
        workers=_number("workers", given("workers") or str(min(os.cpu_count() or 1, WORKERS_MAX)), 1, WORKERS_MAX),
        log_level=level,
    )


def with_sockets(read: Settings, link: Path | None, http: Path | None) -> Settings:
    """Other sockets than those in the directory. Raises BadSettings for a path that the kernel can not take."""
    for path in (link, http):
        if path is not None and len(os.fsencode(path.absolute())) > SOCKET_PATH_MAX:
            raise BadSettings(f"{path} is longer than the {SOCKET_PATH_MAX} bytes that a socket's path may have")
    return msgspec.structs.replace(read, link=link or read.link, http=http or read.http)


def _number(name: str, text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise BadSettings(f"{name} {text!r} is not a number from {least} to {most}")
    return int(text)


def make_private(directory: Path) -> None:
    """Makes ``directory`` for its owner alone; an existing one keeps its mode. Raises BadSettings."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadSettings(f"{directory} can not be made: {error.strerror}; name another with --state") from error


def socket_directory(state: Path, environ: Mapping[str, str]) -> Path:
    """A directory whose sockets have paths short enough for the kernel: ``state`` itself where it is, else one
    under the runtime directory, the same each time (``state`` remembers it)."""
    if len(os.fsencode(state)) + SOCKET_NAME_ROOM <= SOCKET_PATH_MAX:
        return state
    note = state / "sockets"
    if note.is_file():
        known = Path(note.read_text("utf8").strip())
        if _is_ours(known):
            return known
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    parent = runtime if runtime and Path(runtime).is_dir() and len(os.fsencode(runtime)) < 60 else None
    made = Path(tempfile.mkdtemp(prefix="polycloud-", dir=parent))
    note.write_text(str(made), "utf8")
    return made


def _is_ours(directory: Path) -> bool:
    """A directory under a shared one could be somebody else's by now."""
    try:
        found = directory.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
