"""What a plan is made from: the estate, the facts, the sites in question, and all that was noted on the way."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_network import Where
from polycloud.catalog.market_rows import Rtt
from polycloud.core.diagnostics import Place
from polycloud.core.money import Money
from polycloud.core.units import Quantity
from polycloud.estate import Estate
from polycloud.estate.findings import Findings
from polycloud.estate.paths import KeyPath
from polycloud.placement.build.changes import Changes
from polycloud.placement.prices import left
from polycloud.placement.problem import LeftOut

CURRENCY = "USD"  # what all list prices but China's are in; no exchange rate is known
NAMES_SHOWN = 4


class Ground(Findings):
    """One estate with its changes, the sites to plan with, findings, and every candidate left out."""

    def __init__(
        self,
        estate: Estate,
        catalog: Catalog,
        market: Market,
        place: Callable[[KeyPath], Place],
        changes: Changes,
        today: date | None,
    ) -> None:
        super().__init__(place)
        self.estate = changes.applied(estate)
        self.catalog = catalog
        self.market = market
        self.changes = changes
        self.today = today
        self.sites = changes.sites(estate)
        self.index = {site: at for at, site in enumerate(self.sites)}
        self._left: dict[tuple[str, str, str], dict[str, None]] = {}
        self._rtts: dict[tuple[str, str], Rtt | None] = {}

    def leave(self, workload: str, site: str, what: str | tuple[str, ...], why: str) -> None:
        """Notes candidates that are not considered; those of one site and reason become one line."""
        found = self._left.setdefault((workload, site, why), {})
        found.update(dict.fromkeys([what] if isinstance(what, str) else what))

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was left out, in the order in which it was found."""
        return tuple(
            LeftOut(workload, ": ".join(part for part in (site, ", ".join(filter(None, whats))) if part), why)
            for (workload, site, why), whats in self._left.items()
        )

    def where(self, path: KeyPath) -> Place:
        """The file and line of a statement."""
        return self._place(path)

    def usd(self, amount: Money | None, path: KeyPath) -> int | None:
        """Micro-USD; None for an amount that is not stated, or not in USD: that is noted once."""
        if amount is None or amount.currency == CURRENCY:
            return None if amount is None else amount.micro
        message = f"{amount} is not in {CURRENCY}, and no rate is known: the plan is made without it"
        if not any(found.code == "currency_foreign" and found.message == message for found in self.found):
            self.warn("currency_foreign", path, message, f"write it in {CURRENCY}")
        return None

    def discount(self, cloud: str) -> Decimal:
        """What is left of a list price of a cloud, 1 without a negotiated discount."""
        return left(self.estate.money, cloud)

    def spot(self, site: str) -> Where:
        """How the market finds a site: by its id, a hall by its point or else its country."""
        cloud, _, name = site.partition("/")
        hall = self.estate.onprem.get(name) if cloud == "onprem" else None
        if hall is None:
            return site
        return (hall.lat, hall.lon) if hall.lat is not None and hall.lon is not None else hall.country or site

    def rtt(self, a: str, b: str) -> Rtt | None:
        """The round trip between two sites, or a site and a country; None where nothing is known. A link of the
        estate that states its latency is believed where it is shorter."""
        key = (a, b) if a <= b else (b, a)
        if key not in self._rtts:
            here, there = self.spot(key[0]), self.spot(key[1])
            found = self.market.rtt(key[0], key[0]) if a == b else self.market.rtt(here, there)
            links = [link for link in self.estate.links.values() if {*link.between} == {a, b}]
            for stated in (milliseconds(link.latency) for link in links if link.latency is not None):
                if found is None or stated < found.ms:
                    found = Rtt(stated, True, stated, stated, "estate")
            self._rtts[key] = found
        return self._rtts[key]


def milliseconds(time: Quantity) -> float:
    return float(time.value * 1000)


def hours(time: Quantity | None, default: float) -> float:
    """A duration in hours."""
    return default if time is None else float(time.value) / 3600


def listed(names: list[str]) -> str:
    """Names in one line, the rest counted."""
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return ", ".join(names[:NAMES_SHOWN]) + more
