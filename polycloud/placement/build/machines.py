"""What can be rented or is owned at a site, at our own prices: the market's list with discounts, own prices and halls.

Negotiated discounts come off list prices (on-demand and committed); a spot price is the market's of the day and keeps
its value; a price of one's own is taken as it stands.
"""

import re
from decimal import Decimal
from fnmatch import fnmatchcase

import msgspec

from polycloud.catalog.machine_names import is_arm, is_burstable
from polycloud.catalog.market_rows import Offer
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.operations import OwnPrice
from polycloud.estate.schema.places import OnpremSite
from polycloud.placement.build.ground import CURRENCY, Ground
from polycloud.placement.prices import less

GIB = 2**30
PPM = 1_000_000
VCPU = "vCPU"  # what a hall's general capacity is counted in
_AZURE = re.compile(r"Standard_([A-Z]+)(?:\d+(?:-\d+)?)([a-z]*)_?(.*)")


class Machine(msgspec.Struct, frozen=True):
    """A machine at a site with the prices that we pay, micro-USD per hour; None is unknown.

    ``own`` machines are units of a hall: one accelerator, or one vCPU with its memory.
    """

    site: str
    name: str
    family: str
    vcpu: float | None
    memory_gib: float | None
    accelerator: str
    accelerators: float | None
    on_demand: int | None
    spot: int | None = None
    committed: tuple[int | None, int | None] = (None, None)
    own: bool = False
    offer: Offer | None = None

    @property
    def arm(self) -> bool:
        return is_arm(self.name)

    @property
    def burstable(self) -> bool:
        return is_burstable(self.name)

    @property
    def keeps(self) -> tuple[int | None, int | None]:
        """What a promise of one and of three years keeps of the on-demand price, in millionths; None: unknown, or
        nothing saved."""
        if not self.on_demand:
            return (None, None)
        kept = [None if c is None else -(-c * PPM // self.on_demand) for c in self.committed]
        one, three = (k if k is not None and k < PPM else None for k in kept)
        return (one, three)


def family(cloud: str, machine: str) -> str:
    """What a promise of capacity is made for: ``m7i`` of m7i.2xlarge, ``c3`` of c3-standard-8, ``Dsv5`` of
    Standard_D16s_v5. Machines of one family differ in size."""
    if cloud == "aws":
        return machine.partition(".")[0]
    if cloud == "gcp":
        return machine.partition("-")[0]
    if cloud == "azure":
        found = _AZURE.match(machine)
        return found[1] + found[2] + found[3].replace("_", "") if found else machine
    return machine.partition("$")[0]


class Machines:
    """The machines of each site of a plan, asked for by site."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._own_prices = [
            (price, ("money", "prices", at)) for at, price in enumerate(ground.estate.money.prices)
        ]  # those of a what-if stand after the file's, and have no line
        self._found: dict[str, tuple[Machine, ...]] = {}
        self._largest: dict[tuple[str, str], float] = {}

    def at(self, site: str) -> tuple[Machine, ...]:
        """Every machine at a site, without any price too."""
        if site not in self._found:
            cloud, _, name = site.partition("/")
            found = self._listed(site, cloud)
            hall = self._ground.estate.onprem.get(name) if cloud == "onprem" else None
            if hall is not None:
                found |= {machine.name: machine for machine in self._hall(site, name, hall)}
            self._found[site] = tuple(self._priced(site, found).values())
        return self._found[site]

    def largest(self, machine: Machine) -> float:
        """The most accelerators of its kind that one machine of the site has, priced or not."""
        key = (machine.site, machine.accelerator)
        if key not in self._largest:
            mine = [m.accelerators or 0 for m in self.at(machine.site) if m.accelerator == machine.accelerator]
            self._largest[key] = max(mine)
        return self._largest[key]

    def _listed(self, site: str, cloud: str) -> dict[str, Machine]:
        left = self._ground.discount(cloud)
        found = {}
        for offer in self._ground.market.offers(site):
            if offer.currency != CURRENCY:
                self._ground.leave("", site, offer.machine, f"its price is in {offer.currency}, no rate is known")
                continue
            off = Decimal(1) if offer.quality == "own" else left
            found[offer.machine] = Machine(
                site,
                offer.machine,
                family(cloud, offer.machine),
                offer.vcpu,
                offer.memory_gib,
                offer.accelerator,
                offer.accelerator_count,
                less(offer.on_demand, off),
                offer.spot,
                (less(offer.committed_1y, off), less(offer.committed_3y, off)),
                offer=offer,
            )
        return found

    def _hall(self, site: str, name: str, hall: OnpremSite) -> list[Machine]:
        each = self._ground.usd(hall.cost_per_hour, ("onprem", name, "cost_per_hour"))
        general = self._ground.usd(hall.cost_per_vcpu_hour, ("onprem", name, "cost_per_vcpu_hour"))
        found = [
            Machine(site, kind, kind, None, None, canonical(self._ground, kind), 1, each, own=True)
            for kind in hall.accelerators
        ]
        if hall.vcpus is not None:
            each_gib = None if hall.memory is None else float(hall.memory.value) / GIB / hall.vcpus
            found.append(Machine(site, VCPU, VCPU, 1, each_gib, "", None, general, own=True))
        return found

    def _priced(self, site: str, found: dict[str, Machine]) -> dict[str, Machine]:
        for price, path in self._own_prices:
            if fnmatchcase(site, price.at):
                found[price.machine] = self._own(site, price, path, found.get(price.machine))
        return found

    def _own(self, site: str, price: OwnPrice, path: KeyPath, known: Machine | None) -> Machine:
        usd = self._ground.usd
        on_demand = usd(price.on_demand, (*path, "on_demand"))
        spot = usd(price.spot, (*path, "spot"))
        promised = (
            usd(price.committed_1y, (*path, "committed_1y")),
            usd(price.committed_3y, (*path, "committed_3y")),
        )
        if known is not None:
            one, three = (
                own if own is not None else listed for own, listed in zip(promised, known.committed, strict=True)
            )
            return msgspec.structs.replace(
                known,
                on_demand=known.on_demand if on_demand is None else on_demand,
                spot=known.spot if spot is None else spot,
                committed=(one, three),
            )
        return Machine(
            site,
            price.machine,
            family(site.partition("/")[0], price.machine),
            price.vcpu,
            None if price.memory is None else float(price.memory.value) / GIB,
            canonical(self._ground, price.accelerator) if price.accelerator else "",
            price.accelerator_count if price.accelerator else None,
            on_demand,
            spot,
            promised,
        )


def canonical(ground: Ground, accelerator: str) -> str:
    """The market's name of an accelerator; the word itself where the market does not know it."""
    names = ground.market.accelerators_named(accelerator)
    return names[0] if names else accelerator
