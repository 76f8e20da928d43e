"""The control API of the simulated clouds: what goes wrong there, and what they served."""

from typing import TypeVar

from polycloud.app.answers import (
    FaultKind,
    FaultRow,
    FaultsAnswer,
    ServedAnswer,
    ServedRow,
    SimulatedSite,
    SimulatedSites,
)
from polycloud.app.client import Address

SECONDS = 10.0  # it is on this machine
T = TypeVar("T")


class Sandbox:
    """The simulated clouds that run at ``url``. Every method may raise NotRunning and Refused."""

    def __init__(self, url: str) -> None:
        self._address = Address(url)

    def fault(self, kind: FaultKind, **where: object) -> FaultRow:
        """Sets a fault from now on. ``where``: ``cloud``, ``site``, ``model``, ``key`` (patterns), ``count``,
        ``probability``, ``status``, ``seconds``, ``after_events``, ``retry_after_seconds``, ``duration_seconds``."""
        body = {"kind": kind, **{name: value for name, value in where.items() if value is not None}}
        return self._ask("POST", "/faults", FaultRow, body)

    def faults(self) -> list[FaultRow]:
        """The faults in force, in the order in which they are tried."""
        return self._ask("GET", "/faults", FaultsAnswer)["faults"]

    def clear(self, id: str | None = None) -> list[FaultRow]:
        """Ends one fault, or all of them; those that are left."""
        return self._ask("DELETE", f"/faults/{id}" if id else "/faults", FaultsAnswer)["faults"]

    def requests(self, reset: bool = False) -> list[ServedRow]:
        """What the simulated clouds served, as a provider would bill it; ``reset`` starts to count anew."""
        return self._ask("DELETE" if reset else "GET", "/requests", ServedAnswer)["requests"]

    def sites(self) -> list[SimulatedSite]:
        """The simulated sites, with their addresses on this machine."""
        return self._ask("GET", "/sites", SimulatedSites)["sites"]

    def _ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        return self._address.whole(method, path, body, seconds=SECONDS).read(kind)
