"""The entry of the sandbox process: ``python -m polycloud.app.sandbox_process STATE_DIRECTORY``.

What it serves stands in ``sandbox.json`` there, with the ports and credentials that it had: started
again, it is found where it was. The credentials are drawn here and good for this sandbox alone.
"""

import asyncio
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from polycloud.app.files import write_private
from polycloud.app.lifeline import watch

FILE = "sandbox.json"


class Served(msgspec.Struct, frozen=True):
    """``spec`` is a SandboxSpec and ``credentials`` what it accepts, as JSON; ``control`` the control
    address and ``pid`` the process, once it serves."""

    spec: msgspec.Raw
    credentials: msgspec.Raw = msgspec.Raw(b"null")
    control: str = ""
    pid: int = 0


class Running(Protocol):
    """A sandbox that serves, as far as this file needs it."""

    @property
    def spec(self) -> msgspec.Struct: ...

    @property
    def accepted(self) -> msgspec.Struct: ...

    @property
    def control(self) -> str: ...

    @property
    def addresses(self) -> dict[str, str]: ...


def read(state: Path) -> Served | None:
    """None when there is none, or one that another version wrote."""
    try:
        return msgspec.json.decode((state / FILE).read_bytes(), type=Served)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write(state: Path, served: Served) -> None:
    write_private(state / FILE, msgspec.json.encode(served))


def main() -> None:
    state = Path(sys.argv[1])
    served = read(state)
    if served is None:
        raise SystemExit(f"{state / FILE} is missing; `polycloud up` writes it")
    spec_type = import_module("polycloud.sandbox.spec").SandboxSpec
    accepted = import_module("polycloud.sandbox.credentials")
    server = import_module("polycloud.sandbox.server")
    credentials = msgspec.json.decode(served.credentials, type=accepted.Credentials | None) or accepted.draw()

    def ready(running: Running) -> None:
        watch(asyncio.get_running_loop(), lambda: os.kill(os.getpid(), signal.SIGTERM))
        spec = msgspec.to_builtins(running.spec)
        for site in spec["sites"]:
            site["port"] = urlsplit(running.addresses[site["site"]]).port
        spec["control_port"] = urlsplit(running.control).port
        write(
            state,
            Served(
                spec=msgspec.Raw(msgspec.json.encode(spec)),
                credentials=msgspec.Raw(msgspec.json.encode(running.accepted)),
                control=running.control,
                pid=os.getpid(),
            ),
        )

    try:
        server.run(msgspec.json.decode(served.spec, type=spec_type), ready, credentials)
    except OSError as error:  # a port is taken for now; the supervisor starts this process again
        raise SystemExit(f"the sandbox can not listen: {error}") from error


if __name__ == "__main__":
    main()
