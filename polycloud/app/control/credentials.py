"""Credentials for workers: obtained in threads, renewed before they end, held in memory and pushed.

A secret is in no log line, no error, no file and no answer of the API: what can be told of a credential
is its name, its kind, its version and its times.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from polycloud.app.control.log import Log
from polycloud.app.wiring import Obtain
from polycloud.core.clock import Clock
from polycloud.core.errors import PolycloudError, Unauthorized
from polycloud.core.ports.models import Credential
from polycloud.estate import Estate

RENEW_AT = 0.8  # of the life that is left when it is obtained: time for many tries before the end
RECHECK_SECONDS = 300.0  # credentials without an end can be changed at their source
OBTAIN_SECONDS = 60.0  # a vendor's whole chain of sources, each with its own time-out
BACKOFF_SECONDS = (1.0, 60.0)
SETTLE_SECONDS = 5.0
NAMES_MAX = 200  # one for each cloud and secret of an estate
SECRET_BYTES_MAX = 64 * 1024
LATER_SOURCES = ("vault", "aws_secret", "azure_secret", "gcp_secret", "oci_secret")


class Told(msgspec.Struct, frozen=True):
    """What may be said of one credential. ``problem`` is "" when it is in order."""

    name: str
    kind: str
    version: int
    expires_at: float
    problem: str


class _Held(msgspec.Struct):
    credential: Credential | None = None
    due: float = 0.0
    wait: float = BACKOFF_SECONDS[0]
    problem: str = "not obtained yet"


class Sources:
    """Turns a credential's name (``<cloud>:environment``, ``<cloud>:secret:NAME``, ``<cloud>:sandbox``) into one."""

    def __init__(
        self,
        obtain: Callable[[str], Obtain],
        sandbox: Callable[[], dict[str, Credential]] | None,
        environ: Mapping[str, str],
    ) -> None:
        self._obtain = obtain
        self._sandbox = sandbox
        self._environ = environ

    def get(self, name: str, estate: Estate, base: Path, now: float) -> Credential:
        """Blocks. ``base`` is where relative file names start. Raises Unauthorized, Unavailable."""
        cloud, _, reference = name.partition(":")
        if reference == "sandbox":
            found = self._sandbox() if self._sandbox is not None else {}
            if cloud not in found:
                raise Unauthorized(f"the sandbox has no credential for {cloud}; is it running?")
            return found[cloud]
        given = {}
        if reference.startswith("secret:"):
            given["api_key"] = self._secret(reference.removeprefix("secret:"), estate, base)
        return self._obtain(cloud)(given, now)

    def _secret(self, name: str, estate: Estate, base: Path) -> str:
        source = estate.secrets.get(name)
        if source is None:
            raise Unauthorized(f"the estate has no secret {name!r}; declare it under secrets:")
        if source.env is not None:
            text = self._environ.get(source.env, "").strip()
            if not text:  # an empty key would let the cloud's own chain stand in for it, as somebody else
                raise Unauthorized(f"secret {name}: the variable {source.env} is not set here")
            return text
        if source.file is not None:
            path = base / Path(source.file).expanduser()
            try:
                with path.open("rb") as file:
                    text = file.read(SECRET_BYTES_MAX).decode().strip()
            except (OSError, UnicodeDecodeError) as error:
                raise Unauthorized(f"secret {name}: {path} can not be read ({type(error).__name__})") from None
            if not text:
                raise Unauthorized(f"secret {name}: {path} is empty")
            return text
        kinds = ", ".join(kind for kind in LATER_SOURCES if getattr(source, kind) is not None)
        raise Unauthorized(f"secret {name}: this version reads env and file, not {kinds}")


class Credentials:
    """All credentials of the estate in force. ``push`` is called with all that are known whenever one changed."""

    def __init__(self, sources: Sources, clock: Clock, log: Log, push: Callable[[dict[str, Credential]], None]) -> None:
        self._sources = sources
        self._clock = clock
        self._log = log
        self._push = push
        self._held: dict[str, _Held] = {}
        self._estate: Estate | None = None
        self._base = Path()
        self._wake = asyncio.Event()
        self._news = asyncio.Condition()
        self._version = 0

    def want(self, names: set[str], estate: Estate, base: Path) -> None:
        """Hold exactly these from now on; a new estate may have moved the source of a known name."""
        self._estate, self._base = estate, base
        self._held = {name: self._held.get(name, _Held()) for name in sorted(names)[:NAMES_MAX]}
        for held in self._held.values():
            held.due = 0.0
        self._wake.set()

    def told(self) -> list[Told]:
        return [
            Told(
                name,
                held.credential.kind if held.credential else "",
                held.credential.version if held.credential else 0,
                held.credential.expires_at if held.credential else 0.0,
                held.problem,
            )
            for name, held in self._held.items()
        ]

    async def run(self) -> None:
        while True:
            self._wake.clear()
            await self.renew()
            now = self._clock.monotonic()
            wait = min((held.due - now for held in self._held.values()), default=RECHECK_SECONDS)
            try:
                async with asyncio.timeout(max(wait, 0.05)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def settle(self) -> None:
        """Wait, but not for long, until the first try of every credential is over: tables are of more use then."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS), self._news:
                await self._news.wait_for(lambda: all(held.due > 0 for held in self._held.values()))
        except TimeoutError:
            self._log.warning("credentials.slow", seconds=SETTLE_SECONDS)

    async def renew(self) -> None:
        """Obtain all that are due, at once, and push each change as it comes: no cloud waits for another's source."""
        now = self._clock.monotonic()
        due = [name for name, held in self._held.items() if held.due <= now]
        for coming in asyncio.as_completed([self._renew(name) for name in due]):
            if await coming:
                self._push({name: h.credential for name, h in self._held.items() if h.credential is not None})
        for held in self._held.values():
            if held.credential is not None and 0 < held.credential.expires_at <= self._clock.wall():
                held.credential = None  # workers look at its end themselves
        async with self._news:
            self._news.notify_all()

    async def _renew(self, name: str) -> bool:
        held, estate = self._held.get(name), self._estate
        if held is None or estate is None:  # another estate came meanwhile
            return False
        now = self._clock.wall()
        try:
            async with asyncio.timeout(OBTAIN_SECONDS):
                found = await asyncio.to_thread(self._sources.get, name, estate, self._base, now)
        except (PolycloudError, TimeoutError) as error:
            held.problem = error.message if isinstance(error, PolycloudError) else f"no answer in {OBTAIN_SECONDS:g} s"
            held.due = self._clock.monotonic() + held.wait
            held.wait = min(held.wait * 2, BACKOFF_SECONDS[1])
            self._log.warning("credential.failed", name=name, problem=held.problem)
            return False
        held.wait, held.problem = BACKOFF_SECONDS[0], ""
        life = (found.expires_at - now) * RENEW_AT if found.expires_at else RECHECK_SECONDS
        held.due = self._clock.monotonic() + max(min(life, RECHECK_SECONDS * 12), BACKOFF_SECONDS[0])
        before = held.credential
        if before is not None and (before.kind, before.fields) == (found.kind, found.fields):
            held.credential = msgspec.structs.replace(before, expires_at=found.expires_at)
            return before.expires_at != found.expires_at
        self._version += 1
        held.credential = msgspec.structs.replace(found, version=self._version)
        self._log.info("credential.obtained", name=name, kind=found.kind, version=self._version)
        return True
