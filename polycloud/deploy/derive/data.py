"""Buckets for every copy of every dataset and store, databases, and the keys that wrap their data keys."""

from collections.abc import Mapping

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.core.units import Quantity
from polycloud.deploy.blueprint import Bucket, Database, Key, Lifecycle, Where
from polycloud.deploy.derive.clusters import where
from polycloud.deploy.derive.existing import bucket_named
from polycloud.deploy.derive.names import made
from polycloud.deploy.derive.prices import stored
from polycloud.estate import Estate
from polycloud.estate.schema import work
from polycloud.placement.problem import GB

LAYERS = ("raw", "processed", "curated", "models")
DAY_SECONDS = 86_400
BACKUP_HOURS, KEEP_BACKUP_DAYS = 24, 35  # a day, and five weeks, where the estate says nothing
DEFAULT_KEY = "data"
UNSAID = Lifecycle(**work.USUAL_DAYS)


def days(duration: Quantity | None) -> int | None:
    """Whole days, rounded up: nothing goes earlier than was said."""
    return None if duration is None else int(-(-duration.value // DAY_SECONDS))


def buckets(
    estate: Estate, catalog: Catalog, market: Market, copies: Mapping[str, tuple[str, ...]]
) -> tuple[Bucket, ...]:
    """One bucket for each site of each dataset, or of the store that holds it; and one for each store of objects.

    ``copies`` are the sites of each dataset, its first one first, as placement chose them.
    """
    held: dict[tuple[str, str], list[str]] = {}
    for name, dataset in sorted(estate.datasets.items()):
        for site in copies.get(name, ()):
            store = _store(estate, dataset, site)
            held.setdefault((store or name, site), []).append(name)
    for name, kept in sorted(estate.stores.items()):
        if kept.kind == "objects":
            held.setdefault((name, kept.at), [])
    first = {name: sites[0] for name, sites in copies.items() if sites}
    found = [_bucket(estate, catalog, name, site, held, first) for name, site in sorted(held)]
    return tuple(
        msgspec.structs.replace(bucket, monthly=stored(estate, market, bucket.site.id, bucket.stored_gb))
        for bucket in found
        if bucket.site.cloud != "onprem"
    )


def databases(estate: Estate, catalog: Catalog) -> tuple[Database, ...]:
    return tuple(
        Database(
            name=name,
            engine=database.engine,
            site=where(database.at, catalog, estate),
            replicas=tuple(where(site, catalog, estate) for site in database.replicas),
            data_class=database.data_class or estate.residency.default_class or "",
            key=DEFAULT_KEY,
            backup_hours=max(1, int(database.backup_every.value // 3600)) if database.backup_every else BACKUP_HOURS,
            keep_days=days(database.keep_backups) or KEEP_BACKUP_DAYS,
            was=database.was,
        )
        for name, database in sorted(estate.databases.items())
    )


def keys(sites: list[Where], estate: Estate) -> tuple[Key, ...]:
    """A key of ours at each site of a cloud: rotated as the estate's key says, 90 days otherwise (requirement I4)."""
    declared = next(iter(sorted(estate.encryption_keys.items())), None)
    rotate = days(declared[1].rotate) if declared is not None else None
    hardware = declared is not None and declared[1].hardware
    there = {site: id for _, key in sorted(estate.encryption_keys.items()) for site, id in key.existing.items()}
    return tuple(
        Key(DEFAULT_KEY, site, rotate or 90, hardware, there.get(site.id, ""))
        for site in sites
        if site.cloud != "onprem"
    )


def _store(estate: Estate, dataset: work.Dataset, site: str) -> str:
    """The declared store that holds a dataset's copy at a site, "" for none."""
    if dataset.store is not None and estate.stores[dataset.store].at == site:
        return dataset.store
    if dataset.store is None:
        return ""
    return next((n for n, s in sorted(estate.stores.items()) if s.at == site and s.kind == "objects"), "")


def _bucket(
    estate: Estate,
    catalog: Catalog,
    name: str,
    site: str,
    held: Mapping[tuple[str, str], list[str]],
    first: Mapping[str, str],
) -> Bucket:
    place = where(site, catalog, estate)
    mine = [(n, estate.datasets[n]) for n in held[name, site]]
    declared = estate.stores.get(name)
    sizes = [int(d.size.value / GB) for _, d in mine if d.size is not None]
    classes = sorted({d.data_class or estate.residency.default_class or "" for _, d in mine})
    begins = tuple(n for n, _ in mine if first[n] == site)
    mates = [(n, s) for n, s in sorted(held) if s != site and set(held[n, s]) & set(begins)]
    others = [f"{n}-{s.replace('/', '-')}" for n, s in mates if not s.startswith("onprem/")]
    was = declared.was if declared is not None else estate.datasets[name].was
    first_name = was[-1] if was else name  # buckets can not be renamed: they keep what they were made as
    lifecycle, ages = _lifecycles([(n, d.lifecycle) for n, d in mine])
    return Bucket(
        name=f"{name}-{site.replace('/', '-')}",
        physical=bucket_named(estate, name, site)
        or (declared.bucket if declared is not None else None)
        or made(place.cloud if place.cloud != "onprem" else "aws", "bucket", estate.estate, first_name, place.region),
        site=place,
        datasets=tuple(n for n, _ in mine),
        layers=tuple(sorted({d.layer for _, d in mine if d.layer})) or LAYERS,
        lifecycle=lifecycle,
        data_class=" ".join(c for c in classes if c),
        key=DEFAULT_KEY,
        copies_to=tuple(others),
        stored_gb=sum(sizes) if sizes else None,
        audit=any(c in estate.data_classes and estate.data_classes[c].audit == "required" for c in classes),
        source=f"stores.{name}" if declared is not None else f"datasets.{name}",
        begins=begins,
        was=tuple(f"{n}-{site.replace('/', '-')}" for n in was),
        folders=tuple((n, d.was[-1]) for n, d in mine if d.was),
        ages=ages,
    )


def _lifecycles(
    datasets: list[tuple[str, work.Lifecycle | None]],
) -> tuple[Lifecycle, tuple[tuple[str, Lifecycle], ...]]:
    """How a whole bucket ages; where its datasets differ, nothing does as a whole, and each has its own."""
    each = tuple((name, _lifecycle(rule)) for name, rule in datasets)
    said = {ages for _, ages in each} or {UNSAID}
    return (said.pop(), ()) if len(said) == 1 else (Lifecycle(), each)


def _lifecycle(rule: work.Lifecycle | None) -> Lifecycle:
    if rule is None:
        return UNSAID
    return Lifecycle(days(rule.warm_after), days(rule.cold_after), days(rule.archive_after), days(rule.delete_after))
