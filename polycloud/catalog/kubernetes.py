"""Which versions of Kubernetes each cloud runs, and until when."""

import datetime
import functools

import msgspec

from polycloud.catalog import reading


class Release(msgspec.Struct, frozen=True):
    """A version such as ``1.35`` at a cloud. ``ends`` is the last day of ordinary support, ``extended_ends`` that of
    support that costs more; None where the cloud states none."""

    cloud: str
    version: str
    ends: datetime.date | None
    extended_ends: datetime.date | None
    source: str
    as_of: str

    def ended(self, day: datetime.date) -> bool:
        """Whether ordinary support is over on a day."""
        return self.ends is not None and day > self.ends

    def gone(self, day: datetime.date) -> bool:
        """Whether all support is over on a day."""
        return self.ended(day) and (self.extended_ends is None or day > self.extended_ends)


@functools.cache
def releases(cloud: str) -> tuple[Release, ...]:
    """What the table lists for a cloud, oldest first; older ones are out of support, newer ones were not seen."""
    found = [
        Release(r["cloud"], r["version"], _day(r["ends"]), _day(r["extended_ends"]), r["source"], r["as_of"])
        for r in reading.table("kubernetes")
        if r["cloud"] == cloud
    ]
    return tuple(sorted(found, key=lambda release: minor(release.version)))


def release(cloud: str, version: str) -> Release | None:
    return next((one for one in releases(cloud) if one.version == version), None)


def minor(version: str) -> tuple[int, int]:
    """``1.35`` as numbers, to be compared. Raises ValueError for another form."""
    first, _, second = version.partition(".")
    return int(first), int(second)


def _day(text: str) -> datetime.date | None:
    return datetime.date.fromisoformat(text) if text else None
