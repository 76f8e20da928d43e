"""Active health: is anybody there? Any HTTP status answers yes; no model is ever called, nothing is billed.

Deployments that share an address share a probe. Whether a deployment answers *well* is seen by the
workers' circuit breakers, on real traffic.
"""

import asyncio
import random
import ssl
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from polycloud.app.control.log import Log
from polycloud.policy.tables import Deployment

EVERY_SECONDS = 10.0
TIMEOUT_SECONDS = 2.0
DOWN_AFTER = 3  # failures in a row
UP_AFTER = 2  # successes in a row
JITTER = 0.2  # of the interval: probes of many gateways must not come together
AT_ONCE = 32  # probes under way: an estate can have a thousand addresses
REPLY_BYTES = 16  # "HTTP/1.1 404" is enough


async def reachable(base_url: str) -> bool:
    """Whether an HTTP server answers at ``base_url``: connect, TLS where it is https, one HEAD, any status."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    context = ssl.create_default_context() if parts.scheme == "https" else None
    request = f"HEAD {parts.path or '/'} HTTP/1.1\r\nhost: {parts.netloc}\r\nconnection: close\r\n\r\n"
    writer = None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.write(request.encode("ascii", "replace"))
            return (await reader.read(REPLY_BYTES)).startswith(b"HTTP/")
    except (OSError, TimeoutError, ssl.SSLError):
        return False
    finally:
        if writer is not None:
            writer.close()


class Address:
    """One address: its state, and how many probes in a row spoke against it."""

    def __init__(self) -> None:
        self.down = False
        self.against = 0

    def see(self, up: bool) -> bool:
        """Take in one probe; True when the state changed."""
        if up != self.down:
            self.against = 0
            return False
        self.against += 1
        if self.against < (UP_AFTER if self.down else DOWN_AFTER):
            return False
        self.down, self.against = not self.down, 0
        return True


class Health:
    """Probes the addresses of all deployments; ``push`` gets the ids of those that are down, on every change."""

    def __init__(self, log: Log, push: Callable[[tuple[str, ...]], None], seed: int) -> None:
        self._log = log
        self._push = push
        self._random = random.Random(seed)  # noqa: S311 - spreads probes, guards nothing
        self._addresses: dict[str, Address] = {}
        self._deployments: dict[str, list[str]] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    @property
    def down(self) -> tuple[str, ...]:
        return tuple(sorted(id for url, a in self._addresses.items() if a.down for id in self._deployments[url]))

    def watch(self, deployments: Iterable[Deployment]) -> None:
        """Probe these from now on; what is known of an address stays known."""
        before = self.down
        self._deployments = {}
        for deployment in deployments:
            self._deployments.setdefault(deployment.upstream.base_url, []).append(deployment.id)
        self._addresses = {url: self._addresses.get(url, Address()) for url in self._deployments}
        if self.down != before:
            self._push(self.down)

    async def run(self) -> None:
        while True:
            await self.round()
            await asyncio.sleep(EVERY_SECONDS * (1 + JITTER * (self._random.random() * 2 - 1)))

    async def round(self) -> None:
        """Probe every address once."""
        changed = await asyncio.gather(*(self._probe(url) for url in list(self._addresses)))
        if any(changed):
            self._push(self.down)

    async def _probe(self, url: str) -> bool:
        async with self._room:
            up = await reachable(url)
        address = self._addresses.get(url)
        if address is None or not address.see(up):
            return False
        self._log.warning("health.changed", address=url, state="down" if address.down else "up")
        return True
