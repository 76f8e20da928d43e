"""A small market of round prices and estates written in a few lines, so that every number can be worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.catalog.market_network import Where
from polycloud.catalog.market_rows import EgressPrice, Interruption, Offer, Rtt, Step, StoragePrice
from polycloud.core.errors import EstateError
from polycloud.estate import Loaded, load
from polycloud.placement.build import Built, Changes, build

HEAD = """
estate: small
clouds:
  aws: {sites: [us-east-1, eu-central-1, eu-west-1]}
  gcp: {sites: [europe-west1, us-central1]}
"""
SITES = ("aws/us-east-1", "aws/eu-central-1", "aws/eu-west-1", "gcp/europe-west1", "gcp/us-central1")


def offered(
    site: str,
    machine: str,
    price: int | None,
    vcpu: float | None = 8.0,
    memory_gib: float | None = 32.0,
    accelerator: str = "",
    count: float | None = None,
    spot: int | None = None,
    committed_1y: int | None = None,
    committed_3y: int | None = None,
    currency: str = "USD",
) -> Offer:
    """A machine at a price per hour in micro-USD."""
    return Offer(
        site, machine, vcpu, memory_gib, accelerator, count, price, spot, committed_1y, committed_3y, currency, "list"
    )


class SmallMarket(Market):
    """The market's behaviour over rows of ours alone."""

    def __init__(
        self,
        offers: tuple[Offer, ...],
        rtts: dict[tuple[str, str], float] | None = None,
        storage: tuple[StoragePrice, ...] | None = None,
        interruptions: tuple[Interruption, ...] = (),
        egress: tuple[EgressPrice, ...] = (),
    ) -> None:
        super().__init__()
        self._mine = offers
        self._ms = rtts or {}
        self._kept = storage
        self._paid = {(row.src, row.dst): row for row in egress}
        self._reclaimed = {(row.site, row.machine): row for row in interruptions}

    def offers(self, site_id: str) -> tuple[Offer, ...]:
        return tuple(row for row in self._mine if row.site == site_id)

    def offer(self, site_id: str, machine: str) -> Offer | None:
        return next((row for row in self.offers(site_id) if row.machine == machine), None)

    def storage(self, site_id: str) -> tuple[StoragePrice, ...]:
        if self._kept is not None:
            return tuple(row for row in self._kept if row.site == site_id)
        return (StoragePrice(site_id, "hot", "hot", (Step(0, 20_000),), quality="list"),)

    def egress(self, src: str, dst: str, dst_country: str = "") -> EgressPrice | None:
        return self._paid.get((src, dst)) or super().egress(src, dst, dst_country)

    def rtt(self, a: Where, b: Where) -> Rtt | None:
        known = next((ms for pair, ms in self._ms.items() if {*pair} == {a, b}), None)
        if known is not None:
            return Rtt(known, True, known, known)
        return super().rtt(a, b)

    def interruption(self, site_id: str, machine: str) -> Interruption | None:
        return self._reclaimed.get((site_id, machine))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load()


@pytest.fixture(scope="session")
def offer() -> Callable[..., Offer]:
    return offered


@pytest.fixture(scope="session")
def small() -> type[SmallMarket]:
    return SmallMarket


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Loaded]:
    """An estate from text; ``head`` replaces its clouds."""

    def of(text: str, head: str = HEAD) -> Loaded:
        path = tmp_path / "estate.yaml"
        path.write_text(head + text, encoding="utf-8")
        loaded = load(path)
        assert loaded.estate is not None, [str(found) for found in loaded.diagnostics]
        return loaded

    return of


@pytest.fixture
def make(read: Callable[..., Loaded], catalog: Catalog) -> Callable[..., Built]:
    """Builds an estate over a market: by default one general machine (1 USD an hour) at every site."""

    def of(text: str, market: Market | None = None, changes: Changes | None = None, head: str = HEAD) -> Built:
        loaded = read(text, head)
        assert loaded.estate is not None
        usual = SmallMarket(tuple(offered(site, "m1.large", 1_000_000) for site in SITES))
        return build(loaded.estate, catalog, market or usual, loaded.place, changes or Changes())

    return of


@pytest.fixture
def refused(make: Callable[..., Built]) -> Callable[..., str]:
    """What is said of an estate that can not be planned."""

    def of(text: str, market: Market | None = None, changes: Changes | None = None, head: str = HEAD) -> str:
        with pytest.raises(EstateError) as raised:
            make(text, market, changes, head)
        return "\n".join(str(found) for found in raised.value.diagnostics if found.severity == "error")

    return of
