"""Datasets as items: where copies may be and what keeping them costs, how new data reach them, who reads and writes.

A copy costs its bytes by storage tier, plus requests and retrieval. The size is that of the middle of the planning
horizon (money.spread_moves_over, a year where nothing is said), capped by what delete_after leaves. With data arriving
evenly, the youngest bytes are hot, those past warm_after are warm, and so on; a dataset that does not grow is all of
the coldest age. Where a site lists no price for a tier, the next warmer one that it lists is paid. Requests are of
8 MB; each copy pays for all that is written to it, and for an equal share of what is read. Every copy away from where
the dataset is now is filled once, unless ``copies_at`` says that it is there already.
"""

from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction

import msgspec

from polycloud.catalog.market_rows import StoragePrice
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.work import Dataset, Workload
from polycloud.placement.build.demand import apportion, rounded
from polycloud.placement.build.ground import CURRENCY, Ground
from polycloud.placement.build.law import Law
from polycloud.placement.build.shapes import Part
from polycloud.placement.problem import GB, HOURS, Flow, Item

TIERS = ("hot", "warm", "cold", "archive")
REQUEST_BYTES = 8 * 10**6  # one part of a large object, as the vendors' tools send it (boto3: multipart_chunksize 8 MB)
MONTH = Fraction(2629800)  # seconds, as the estate's unit "month"
PERIODS = {"day": Fraction(86400), "week": Fraction(604800), "month": MONTH, "year": Fraction(31557600)}
NO_SIZE = "no size is stated: what it costs to keep, move and read is not in the plan"


class Volumes(msgspec.Struct, frozen=True):
    """Bytes a month of one dataset: ``read`` and ``written`` by workload, ``feed`` what arises where it is."""

    read: dict[str, int]
    written: dict[str, int]
    feed: int


class Data:
    """The items of a plan, one for each dataset of the estate, in its order."""

    def __init__(self, ground: Ground, law: Law) -> None:
        self._ground = ground
        self._law = law
        self.names = tuple(ground.estate.datasets)
        self.index = {name: at for at, name in enumerate(self.names)}
        self.volumes = {name: self._volumes(name) for name in self.names}
        self.zones = tuple(dict.fromkeys(map(self.zone, self.names)))
        self._ages = {name: ages(ground.estate.datasets[name], self.months) for name in self.names}
        self._tiers: dict[tuple[str, str], StoragePrice | None] = {}
        self.refused: dict[str, dict[str, dict[KeyPath, str]]] = {}

    @property
    def months(self) -> Fraction:
        """The planning horizon."""
        spread = self._ground.estate.money.spread_moves_over
        return Fraction(12) if spread is None else Fraction(spread.value) / MONTH

    # -- volumes -----------------------------------------------------------------------------------------

    def _volumes(self, name: str) -> Volumes:
        dataset = self._ground.estate.datasets[name]
        read: dict[str, int] = {}
        stated: dict[str, int] = {}
        silent: list[str] = []
        for who, work in self._ground.estate.workloads.items():
            amount = _read(work, name, dataset)
            if amount:
                read[who] = amount
            if name in work.written_per_month:
                stated[who] = int(work.written_per_month[name].value)
            elif name in work.writes:
                silent.append(who)
        rest = max(0, _growth(dataset) - sum(stated.values()))
        if silent:
            shares = apportion(rest, [Fraction(1)] * len(silent))
            return Volumes(read, stated | dict(zip(silent, shares, strict=True)), 0)
        return Volumes(read, stated, rest)

    def flows(self, parts: list[Part]) -> list[tuple[Flow, ...]]:
        """What each part of one workload reads and writes; the parts' flows sum to the workload's."""
        found: list[list[Flow]] = [[] for _ in parts]
        weights = [part.share for part in parts]
        for name in self.names:
            volumes = self.volumes[name]
            for table, write in ((volumes.read, False), (volumes.written, True)):
                amount = table.get(parts[0].workload, 0)
                if not amount or not any(weights):
                    continue
                for flows, volume in zip(found, apportion(amount, weights), strict=True):
                    if volume:
                        flows.append(Flow(self.index[name], volume, write))
        return [tuple(flows) for flows in found]

    def zone(self, name: str) -> tuple[str, frozenset[str]]:
        """Which ways a dataset may take: its class, and the links that can not carry its largest flow in a month.

        A way has one path only; without this a link that is cheap and thin would forbid what the internet carries.
        """
        volumes, dataset = self.volumes[name], self._ground.estate.datasets[name]
        size = 0 if dataset.size is None else int(dataset.size.value)
        moved = volumes.feed + rounded(size / self.months) if dataset.at or dataset.store else 0
        most = max([moved, *volumes.read.values(), *volumes.written.values()])
        thin = {
            link
            for link, row in self._ground.estate.links.items()
            if row.bandwidth is not None and int(row.bandwidth.value) * HOURS * 3600 // 8 < most
        }
        return self._law.of_dataset(name), frozenset(thin)

    # -- items -------------------------------------------------------------------------------------------

    def item(self, name: str) -> Item:
        """Raises nothing: an item without any site is told by ``refused``."""
        ground, dataset = self._ground, self._ground.estate.datasets[name]
        if dataset.size is None and (self.volumes[name].read or dataset.grows is None):
            ground.leave("", "", f"dataset {name}", NO_SIZE)
        origin = self.origin(name)
        rule = self._law.rule(self._law.of_dataset(name))
        limited = rule.replicate == "anywhere" and not rule.unlimited
        targets = tuple(dict.fromkeys(dataset.replicate_to))
        copies = self.copies(name)
        pinned = {origin} if origin >= 0 and (dataset.pinned or dataset.store is not None or limited) else set()
        hold = []
        for site in ground.sites:
            price = self._hold(name, site, origin)
            if price is not None:
                hold.append((ground.index[site], price))
        pinned |= {ground.index[s] for s in targets if s in ground.index}
        size = 0 if dataset.size is None else int(dataset.size.value)
        return Item(
            name,
            self.zones.index(self.zone(name)),
            tuple(hold),
            origin,
            self.volumes[name].feed if origin >= 0 else 0,
            rounded(size / self.months) if origin >= 0 else 0,
            max(copies, len(pinned)),
            1 if rule.replicate == "never" else None,
            tuple(sorted(pinned)),
            tuple(sorted(ground.index[s] for s in set(dataset.copies_at) if s in ground.index)),
        )

    def copies(self, name: str) -> int:
        """How many copies there must be at least."""
        dataset = self._ground.estate.datasets[name]
        if self._law.rule(self._law.of_dataset(name)).replicate == "never":
            return 1
        targets = len(dict.fromkeys(dataset.replicate_to))
        return dataset.replicas if dataset.replicas > 1 or not targets else 1 + targets

    def origin(self, name: str) -> int:
        """The site where a dataset is now, or of a copy where a what-if has taken that away; -1 where there is none."""
        dataset = self._ground.estate.datasets[name]
        store = self._ground.estate.stores.get(dataset.store or "")
        at = dataset.at or (store.at if store else None)
        if at is not None and at not in self._ground.index:
            left = next((site for site in dataset.copies_at if site in self._ground.index), None)
            if left is not None and left in self._law.inside(self._law.of_dataset(name)):
                self._ground.leave(
                    "", at, f"dataset {name}", f"its site is not in the plan: its copy at {left} is used"
                )
                return self._ground.index[left]
            why = "its site is not in the plan: it is placed anew, and what comes from there is not counted"
            self._ground.leave("", at, f"dataset {name}", why)
        elif at is not None and at not in self._law.inside(self._law.of_dataset(name)):
            self._ground.leave("", at, f"dataset {name}", "its class does not allow where it is: it is placed anew")
            return -1
        return -1 if at is None else self._ground.index.get(at, -1)

    def _hold(self, name: str, site: str, origin: int) -> int | None:
        """What a copy costs a month; None where none may be, with every statement that says so."""
        refused = self._refusals(name, site, origin)
        price = self.price(name, site)
        if isinstance(price, str):
            refused[self._unpriced(site)] = price
        if refused:
            self.refused.setdefault(name, {})[site] = refused
            self._ground.leave("", site, f"dataset {name}", "; ".join(refused.values()))
        return price if isinstance(price, int) and not refused else None

    def _refusals(self, name: str, site: str, origin: int) -> dict[KeyPath, str]:
        dataset, class_name = self._ground.estate.datasets[name], self._law.of_dataset(name)
        rule = self._law.rule(class_name)
        found: dict[KeyPath, str] = {}
        first_elsewhere = origin >= 0 and rule.replicate == "anywhere"
        if site not in self._law.inside(class_name) and not (first_elsewhere and self._ground.index[site] != origin):
            found["data_classes", class_name] = f"outside the data class {class_name!r}"
        targets = dataset.replicate_to
        copy = origin >= 0 and self._ground.index[site] != origin
        if targets and copy and not any(fnmatchcase(site, pattern) for pattern in targets):
            found["datasets", name, "replicate_to"] = f"not among replicate_to: {', '.join(targets)}"
        cloud, _, hall_name = site.partition("/")
        hall = self._ground.estate.onprem.get(hall_name) if cloud == "onprem" else None
        room = hall.storage if hall is not None else None
        if room is not None and dataset.size is not None and dataset.size.value > room.value:
            found["onprem", hall_name, "storage"] = f"it is larger than the storage there ({room})"
        return found

    def _unpriced(self, site: str) -> KeyPath:
        cloud, _, hall = site.partition("/")
        return ("onprem", hall, "cost_per_gb_month") if cloud == "onprem" else ("money", "prices")

    # -- prices ------------------------------------------------------------------------------------------

    def price(self, name: str, site: str) -> int | str:
        """Micro-USD a month for a copy at a site, or why that is not known."""
        volumes, copies, layers = self.volumes[name], self.copies(name), self._ages[name]
        read = Fraction(sum(volumes.read.values()), copies)
        arriving = sum(volumes.written.values()) + volumes.feed
        cloud, _, hall_name = site.partition("/")
        if cloud == "onprem":
            hall = self._ground.estate.onprem.get(hall_name)
            each = (
                None
                if hall is None
                else self._ground.usd(hall.cost_per_gb_month, ("onprem", hall_name, "cost_per_gb_month"))
            )
            if each is None:
                return f"what a GB kept there costs is not stated: write cost_per_gb_month in onprem.{hall_name}"
            return rounded(Fraction(sum(layers) * each) / GB)
        left = self._ground.discount(cloud)
        total = Fraction(0)
        stored = sum(layers)
        for tier, volume in zip(TIERS, layers, strict=True):
            price = self._tier(site, tier)
            if tier == "hot" and price is None:
                return "no storage price is known there"
            if price is None or not volume:
                continue
            if price.currency != CURRENCY:
                return f"its storage price is in {price.currency}, and no rate is known"
            kept = Decimal(1) if price.quality == "own" else left
            total += Fraction(kept) * marginal(tuple((s.from_gb, s.micro_per_gb) for s in price.steps), volume)
            fetched = read * volume / stored
            total += Fraction(kept) * fetched / GB * (price.retrieval_per_gb or 0)
            total += Fraction(kept) * fetched / REQUEST_BYTES * (price.get_per_1000 or 0) / 1000
            if tier == "hot":
                total += Fraction(kept) * Fraction(arriving, REQUEST_BYTES) * (price.put_per_1000 or 0) / 1000
        return rounded(total)

    def _tier(self, site: str, tier: str) -> StoragePrice | None:
        """The price of a tier at a site, or of the next warmer one that it lists."""
        if (site, tier) not in self._tiers:
            found = (self._ground.market.storage_tier(site, t) for t in reversed(TIERS[: TIERS.index(tier) + 1]))
            self._tiers[site, tier] = next((price for price in found if price), None)
        return self._tiers[site, tier]


def _read(work: Workload, name: str, dataset: Dataset) -> int:
    if name in work.read_per_month:
        return int(work.read_per_month[name].value)
    return int(dataset.size.value) if name in work.reads and dataset.size is not None else 0


def _growth(dataset: Dataset) -> int:
    """Bytes a month."""
    if dataset.grows is None:
        return 0
    return rounded(Fraction(dataset.grows.size.value) * MONTH / PERIODS[dataset.grows.per])


def ages(dataset: Dataset, months: Fraction) -> tuple[int, int, int, int]:
    """Bytes of a copy that are hot, warm, cold and archived, in the middle of the horizon."""
    growth = _growth(dataset)
    size = 0 if dataset.size is None else int(dataset.size.value)
    cycle = dataset.lifecycle
    whole = size + rounded(growth * months / 2)
    after = () if cycle is None else (cycle.warm_after, cycle.cold_after, cycle.archive_after, cycle.delete_after)
    *colder, delete = [None if age is None else Fraction(age.value) / MONTH for age in after or (None,)]
    if delete is not None and growth:
        whole = min(whole, rounded(growth * delete))
    found = [0, 0, 0, 0]
    left, tier = whole, 0
    for step, age in enumerate(colder, 1):
        if age is not None:
            younger = min(left, max(0, rounded(growth * age) - (whole - left)))
            found[tier] += younger
            left -= younger
            tier = step
    found[tier] += left
    return (found[0], found[1], found[2], found[3])


def marginal(steps: tuple[tuple[int, int], ...], volume: int) -> Fraction:
    """Micro-USD of ``volume`` bytes by (from GB, micro-USD per GB) steps, each for what is above its start."""
    total = Fraction(0)
    for at, (start, price) in enumerate(steps):
        end = steps[at + 1][0] * GB if at + 1 < len(steps) else volume
        total += Fraction(max(0, min(volume, end) - start * GB) * price, GB)
    return total
