"""The placement of the estate, for the admin API: planned in a process of its own, so that nothing waits for it."""

import asyncio
import sys
from pathlib import Path

import msgspec

from polycloud.core.errors import BadRequest, Unavailable
from polycloud.placement.answer.conflicts import NoPlan

GRACE_SECONDS = 45.0  # to start, read the estate, find alternatives and write the answer
NO, WRONG = 1, 2  # exit codes of `polycloud place`: no plan, wrong estate


class Placing:
    """One plan at a time; the newest is kept for as long as the same is asked of the same estate."""

    def __init__(self, estate: Path, environment: str | None) -> None:
        command = (sys.executable, "-m", "polycloud", "place", "--json", "-e", str(estate))
        self._command = command if environment is None else (*command, "--env", environment)
        self._one = asyncio.Lock()
        self._asked: tuple[str, int] | None = None
        self._found = msgspec.Raw()

    async def placement(self, version: str, seconds: int) -> msgspec.Raw:
        """What ``polycloud place --json`` prints for the estate's files. ``version`` is that of the estate in force.

        Raises NoPlan, BadRequest for an estate that can not be planned, Unavailable when the planner fails.
        """
        async with self._one:
            if self._asked != (version, seconds):
                self._found = msgspec.Raw(await self._run(seconds))
                self._asked = (version, seconds)
            return self._found

    async def _run(self, seconds: int) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "--seconds",
            str(seconds),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                out, err = await process.communicate()
        except TimeoutError as error:
            raise Unavailable(f"the planner gave no answer within {seconds + GRACE_SECONDS:.0f} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode == 0:
            return out
        message = err.decode("utf8", "replace").partition("error: ")[2].strip() or "the planner failed"
        if process.returncode == NO:
            raise NoPlan(message)
        if process.returncode == WRONG:
            raise BadRequest(message)
        raise Unavailable(message)
