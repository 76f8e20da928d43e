"""The sandbox's own small API, for tests, drills and the command line: JSON over HTTP on its own address.

GET    /health              {"status": "ok"}
GET    /sites               each site with its address, models and state
GET    /credentials         what the sandbox accepts, by cloud and kind
GET    /requests            what was served, by site, model and outcome;  DELETE starts again at 0
GET    /faults              those in force;  POST sets one;  DELETE removes all, DELETE /faults/<id> one
"""

import asyncio
from collections.abc import Awaitable
from typing import Protocol

import msgspec

from polycloud.core.ports.models import Credential
from polycloud.sandbox.faults import Fault, Faults
from polycloud.sandbox.ledger import Ledger
from polycloud.sandbox.spec import SandboxSpec
from polycloud.sandbox.wire import Exchange, Reply, Request

JSON = {"content-type": "application/json"}


class Controlled(Protocol):
    """What the control API needs of a running sandbox."""

    spec: SandboxSpec
    faults: Faults
    ledger: Ledger

    @property
    def addresses(self) -> dict[str, str]: ...

    def credentials(self) -> dict[str, dict[str, Credential]]: ...

    def connections(self) -> dict[str, int]: ...

    def apply_outages(self) -> Awaitable[None]: ...


class Control:
    """Answers the control API."""

    def __init__(self, sandbox: Controlled) -> None:
        self._sandbox = sandbox
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: Request, exchange: Exchange) -> None:
        task = asyncio.get_running_loop().create_task(self._handle(request, exchange))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle(self, request: Request, exchange: Exchange) -> None:
        exchange.reply(await self._reply(request))

    async def _reply(self, request: Request) -> Reply:
        area, _, rest = request.path.strip("/").partition("/")
        if area == "faults":
            return await self._faults(request, rest)
        if rest or area not in ("health", "sites", "credentials", "requests"):
            return _error(404, f"no such path: {request.path}")
        if request.method == "DELETE" and area == "requests":
            self._sandbox.ledger.clear()
            return _json(200, {"requests": []})
        if request.method != "GET":
            return _error(405, f"{request.method} is not offered on {request.path}")
        if area == "health":
            return _json(200, {"status": "ok"})
        if area == "sites":
            return _json(200, {"sites": self._sites()})
        if area == "credentials":
            return _json(200, {"credentials": self._sandbox.credentials()})
        return _json(200, {"requests": self._sandbox.ledger.rows()})

    async def _faults(self, request: Request, rest: str) -> Reply:
        faults = self._sandbox.faults
        if request.method == "GET" and not rest:
            return _json(200, {"faults": faults.list()})
        if request.method == "POST" and not rest:
            try:
                fault = _FAULT.decode(request.body)
                sites = self._sandbox.spec.sites
                if not any(fault.hits_site(site) for site in sites):
                    known = ", ".join(site.site for site in sites) or "none"
                    return _error(400, f"no site here is {fault.site!r} of cloud {fault.cloud!r} (known: {known})")
                active = faults.add(fault)
            except (msgspec.MsgspecError, ValueError) as error:
                return _error(400, f"not a fault: {error}")
            await self._sandbox.apply_outages()
            return _json(201, active)
        if request.method == "DELETE":
            if rest and not faults.remove(rest):
                return _error(404, f"no fault {rest!r} is in force")
            if not rest:
                faults.clear()
            await self._sandbox.apply_outages()
            return _json(200, {"faults": faults.list()})
        return _error(405, f"{request.method} is not offered on {request.path}")

    def _sites(self) -> list[dict[str, object]]:
        addresses, connections = self._sandbox.addresses, self._sandbox.connections()
        return [
            {
                "site": s.site,
                "cloud": s.cloud,
                "region": s.region,
                "models": s.models,
                "address": addresses[s.site],
                "connections": connections[s.site],
                "down": self._sandbox.faults.outage(s),
            }
            for s in self._sandbox.spec.sites
        ]


def _json(status: int, value: object) -> Reply:
    return Reply(status, msgspec.json.encode(value), dict(JSON))


def _error(status: int, message: str) -> Reply:
    return _json(status, {"error": message})


_FAULT = msgspec.json.Decoder(Fault)
