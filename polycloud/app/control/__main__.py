"""The entry of the control process: ``python -m polycloud.app.control --estate FILE --state DIR …``."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

import prometheus_client

from polycloud.app import settings
from polycloud.app.control.log import Log, to_stderr
from polycloud.app.control.process import ControlProcess
from polycloud.core.clock import SystemClock
from polycloud.core.errors import PolycloudError


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m polycloud.app.control", description=__doc__)
    parser.add_argument("--estate", required=True, help="the estate file")
    parser.add_argument("--state", required=True, help="the state directory")
    parser.add_argument("--env", help="the environment's layer")
    parser.add_argument("--host", help="the address that workers listen on: it decides what a demo key may do")
    parser.add_argument("--port", type=int, help="their port")
    parser.add_argument("--log", choices=settings.LOG_LEVELS, help="the least level that is logged")
    parser.add_argument("--link", type=Path, help="the unix socket for workers; default: in the state directory")
    parser.add_argument("--http", type=Path, help="the unix socket of the admin API")
    parser.add_argument("--sandbox", help="the control address of the running sandbox")
    return parser


async def _run(given: argparse.Namespace, read: settings.Settings, log: Log) -> None:
    await ControlProcess(read, given.sandbox, os.environ, SystemClock(), log).run()


def main() -> int:
    """Exit code 0 after a clean stop, 2 when it can not start."""
    given = arguments().parse_args()
    os.umask(0o077)  # digests of keys and who asked what: for the owner alone
    options = {name: getattr(given, name) for name in ("estate", "state", "env", "host", "port", "log")}
    try:
        read = settings.read(os.environ, Path.cwd(), options)
        read = settings.with_sockets(read, given.link, given.http)
    except PolycloudError as error:
        to_stderr("error").error("control.refused", error=error.message)
        return 2
    log = to_stderr(read.log_level)
    # Else each counter brings a second series that nobody reads.
    prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        asyncio.run(_run(given, read, log))
    except PolycloudError as error:
        log.error("control.refused", error=error.message)
        return 2
    except OSError as error:  # a full disk, a file of somebody else's: people need no traceback for it
        where = f" ({error.filename})" if error.filename else ""
        log.error("control.refused", error=f"{error.strerror or error}{where}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
