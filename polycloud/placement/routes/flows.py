"""What an estate sends between clouds and halls in a month, as far as its own words fix both ends.

Copies of data sets go from their home to the sites of ``replicate_to``; workloads bound to one site read and write data
sets elsewhere. Traffic inside one cloud takes that cloud's own lines and is no matter of links.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fnmatch import fnmatchcase

import msgspec

from polycloud.estate import Estate
from polycloud.estate.schema.work import Dataset, Growth

MONTHS_SPREAD = Decimal(12)  # over which a first copy is spread where the estate does not say
SECONDS_A_MONTH = Decimal(31_557_600) / 12
TIMES_A_MONTH = {
    "day": Decimal(365) / 12,
    "week": Decimal(365) / 84,
    "month": Decimal(1),
    "year": Decimal(1) / 12,
}


class PairFlow(msgspec.Struct, frozen=True):
    """Bytes a month between two sites, ``out`` from a to b and ``back``, and what they are."""

    a: str
    b: str
    out: int = 0
    back: int = 0
    what: tuple[str, ...] = ()


Sent = tuple[str, str, int, str]  # from, to, bytes a month, what


def pair_flows(estate: Estate, sent: Iterable[Sent] | None = None) -> tuple[PairFlow, ...]:
    """One row for each pair of sites, not both of one cloud, with a flow or a declared link.

    ``sent`` is what a plan sends; without it what the estate's own words fix.
    """
    found: dict[tuple[str, str], PairFlow] = {}
    for link in estate.links.values():
        a, b = link.between
        if not _inside_one_cloud(a, b):
            found.setdefault(_key(a, b), PairFlow(*_key(a, b)))
    for src, dst, volume, what in _flows(estate) if sent is None else sent:
        if _inside_one_cloud(src, dst):
            continue
        key = _key(src, dst)
        row = found.get(key) or PairFlow(*key)
        out, back = (row.out + volume, row.back) if key[0] == src else (row.out, row.back + volume)
        found[key] = PairFlow(*key, out, back, (*row.what, what))
    return tuple(found.values())


def _inside_one_cloud(a: str, b: str) -> bool:
    cloud = a.partition("/")[0]
    return cloud == b.partition("/")[0] and cloud != "onprem"


def _key(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a <= b else (b, a)


def _home(estate: Estate, dataset: Dataset) -> str | None:
    """Where a data set is now: where it says, or where its store is."""
    store = estate.stores.get(dataset.store or "")
    return dataset.at or (store.at if store else None)


def _flows(estate: Estate) -> Iterator[Sent]:
    sites = estate.site_ids()
    spread = estate.money.spread_moves_over
    months = max(Decimal(1), spread.value / SECONDS_A_MONTH) if spread else MONTHS_SPREAD
    for name, dataset in estate.datasets.items():
        home = _home(estate, dataset)
        if home is None:
            continue
        volume = grown_a_month(dataset.grows) + (int(dataset.size.value / months) if dataset.size else 0)
        for site in sites:
            if site != home and any(fnmatchcase(site, pattern) for pattern in dataset.replicate_to):
                yield home, site, volume, f"copies of {name}"
    for name, work in estate.workloads.items():
        if len(work.at) != 1 or work.at[0] not in sites:
            continue
        (here,) = work.at
        for read in dict.fromkeys((*work.reads, *work.read_per_month)):
            stated, source = work.read_per_month.get(read), estate.datasets[read]
            origin = _home(estate, source)
            if origin is not None and origin != here:
                yield origin, here, int(stated.value) if stated else _size(source), f"{name} reads {read}"
        for written in dict.fromkeys((*work.writes, *work.written_per_month)):
            stated, target = work.written_per_month.get(written), estate.datasets[written]
            end = _home(estate, target)
            if end is not None and end != here:
                volume = int(stated.value) if stated else grown_a_month(target.grows)
                yield here, end, volume, f"{name} writes {written}"


def grown_a_month(growth: Growth | None) -> int:
    """Bytes a month."""
    return int(growth.size.value * TIMES_A_MONTH[growth.per]) if growth else 0


def _size(dataset: Dataset) -> int:
    return int(dataset.size.value) if dataset.size else 0
