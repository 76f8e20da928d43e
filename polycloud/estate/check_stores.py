"""Can stores be made as they are written: names that clouds allow, and no more rules of ageing than they take."""

import math
from collections.abc import Iterable

from polycloud.catalog.names import broken, made
from polycloud.estate.ground import Ground
from polycloud.estate.schema.work import USUAL_DAYS, Dataset, Store

DAY_SECONDS = 86_400
STEPS = ("warm", "cold", "archive", "delete")
LAYERS = 4  # of a lake whose datasets name none: folders of each dataset
# Rules of every bucket: old versions, and uploads that were never finished.
OWN = {"aws": 2, "azure": 1, "gcp": 2, "oci": 2}
# Rules that a bucket can have: cloud.google.com/storage/quotas; learn.microsoft.com/azure/storage/blobs/
# lifecycle-management-overview; docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleConfiguration.html;
# docs.oracle.com/iaas/Content/Object/Tasks/usinglifecyclepolicies.htm, seen 2026-11.
RULES = {"aws": 1000, "azure": 100, "gcp": 100, "oci": 1000}


def check_stores(ground: Ground) -> None:
    kept: dict[str, list[Dataset]] = {}
    for dataset in ground.estate.datasets.values():
        if dataset.store is not None:
            kept.setdefault(dataset.store, []).append(dataset)
    for name, store in ground.estate.stores.items():
        if store.kind == "objects":
            _named(ground, name, store)
            _ageing(ground, name, store, kept.get(name, []))


def _named(ground: Ground, name: str, store: Store) -> None:
    """A name that is said is the bucket's own, at Azure the storage account's: it is taken as it is, or refused."""
    cloud = store.at.partition("/")[0]
    rule = broken(cloud, "store", store.bucket) if store.bucket is not None else None
    if rule is not None:
        message = f"{cloud} takes as a bucket's name {rule.words}, and not {store.bucket!r}"
        fix = f"such as {made(cloud, 'bucket', ground.estate.estate, store.bucket or name)}; or leave it out"
        ground.error("name_refused", ("stores", name, "bucket"), message, fix)


def _ageing(ground: Ground, name: str, store: Store, datasets: list[Dataset]) -> None:
    """Datasets that share a store and age alike need few rules; those that differ have their own."""
    cloud = store.at.partition("/")[0]
    most = RULES.get(cloud)
    each = [_days(dataset) for dataset in datasets]
    if most is None or len(set(each)) < 2:
        return
    rules = OWN[cloud] + _rules(cloud, each, len({d.layer for d in datasets if d.layer}) or LAYERS)
    if rules > most:
        message = f"datasets in {name} age in so many ways that it would have {rules} rules, and {cloud} takes {most}"
        fix = "let more of them age alike, or spread them over two stores"
        ground.error("rules_too_many", ("stores", name), message, fix)


def _rules(cloud: str, each: Iterable[tuple[int | None, ...]], layers: int) -> int:
    """As each cloud's root writes them: Google Cloud's rules have many folders, S3's have one."""
    ages = list(each)
    if cloud == "gcp":
        return len({(at, days) for one in ages for at, days in enumerate(one) if days is not None})
    if cloud == "oci":  # two tiers: what is warm or cold, and the archive
        return sum(any(one[:2]) + (one[2] is not None) + (one[3] is not None) for one in ages)
    return sum(any(days is not None for days in one) for one in ages) * (layers if cloud == "aws" else 1)


def _days(dataset: Dataset) -> tuple[int | None, ...]:
    if dataset.lifecycle is None:
        return tuple(USUAL_DAYS.get(step) for step in STEPS)
    ages = (getattr(dataset.lifecycle, f"{step}_after") for step in STEPS)
    return tuple(None if age is None else math.ceil(age.value / DAY_SECONDS) for age in ages)
