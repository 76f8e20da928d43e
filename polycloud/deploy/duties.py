"""What the gateway has to do in a cloud beside calling models: copy what the cloud does not copy by itself, read the
secrets and use the keys that the estate says are kept there. Rights are for these, and for nothing else."""

from collections.abc import Iterable

import msgspec

from polycloud.deploy.blueprint import Blueprint, Bucket, Held


class Carried(msgspec.Struct, frozen=True):
    """A bucket that is read or written, with the folders; none named: all of it."""

    bucket: Bucket
    folders: tuple[str, ...]


class Duties(msgspec.Struct, frozen=True):
    """What is read, written, looked up and wrapped with in one cloud."""

    reads: tuple[Carried, ...]
    writes: tuple[Carried, ...]
    secrets: tuple[Held, ...]
    keys: tuple[Held, ...]

    @property
    def any(self) -> bool:
        return bool(self.reads or self.writes or self.secrets or self.keys)


def duties(whole: Blueprint, cloud: str, left: Iterable[tuple[Bucket, Bucket]] = ()) -> Duties:
    """The gateway's in a cloud. ``left`` are pairs inside it that it does not copy either."""
    names = {bucket.name: bucket for bucket in whole.buckets}
    pairs = [(one, names[other]) for one in whole.buckets for other in one.copies_to if other in names]
    abroad = [(one, copy) for one, copy in pairs if one.site.cloud != copy.site.cloud]
    reads: dict[str, list[str]] = {}
    writes: dict[str, list[str]] = {}
    for one, copy in (*abroad, *left):
        there = one.copied(copy)
        if one.site.cloud == cloud:
            reads.setdefault(one.name, []).extend(there or [""])
        if copy.site.cloud == cloud:
            come = [name for name in one.datasets if name in copy.datasets and (not there or name in one.begins)]
            writes.setdefault(copy.name, []).extend(place for name in come for place in copy.places(name))
    mine = [one for one in whole.held if one.cloud == cloud]
    return Duties(
        tuple(_carried(names[name], folders) for name, folders in sorted(reads.items())),
        tuple(_carried(names[name], folders) for name, folders in sorted(writes.items())),
        tuple(one for one in mine if one.what == "secret"),
        tuple(one for one in mine if one.what == "key"),
    )


def abroad(whole: Blueprint, cloud: str) -> tuple[str, ...]:
    """Clusters of other clouds, whose gateways call this cloud too."""
    return tuple(sorted(c.name for c in whole.clusters if c.site.cloud not in (cloud, "onprem")))


def _carried(bucket: Bucket, folders: list[str]) -> Carried:
    return Carried(bucket, () if "" in folders else tuple(sorted(set(folders))))
