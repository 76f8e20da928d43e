"""Whether copies can be as fresh as the estate wants: new data must cross in less time than may be lost.

How much new data there is costs money whatever the time; a shorter one is no dearer, only harder. A site can when half
its round trip is shorter, and when the measured throughput carries the growth. What is not measured speaks against no
site.
"""

import msgspec

from polycloud.core.units import Quantity
from polycloud.placement.build.data import MONTH, Data
from polycloud.placement.build.ground import Ground
from polycloud.placement.problem import Item


def fresh(ground: Ground, data: Data, item: Item) -> Item:
    """The item without the sites whose copy would be further behind than may be lost, where enough others are left."""
    rpo = _point(ground, item)
    if rpo is None:
        return item
    slow = {at: why for at, _ in item.hold if at not in item.pinned and (why := _behind(ground, data, item, at, rpo))}
    if not slow or len(item.hold) - len(slow) < item.copies:
        return item
    for at, why in slow.items():
        ground.leave("", ground.sites[at], f"dataset {item.name}", why)
    return msgspec.structs.replace(item, hold=tuple(row for row in item.hold if row[0] not in slow))


def check_recovery(ground: Ground, data: Data, items: tuple[Item, ...]) -> None:
    """Warns of a dataset whose copies too few allowed sites can keep within its recovery point."""
    for item in items:
        rpo = _point(ground, item)
        if rpo is None:
            continue
        able = sum(at != item.origin and not _behind(ground, data, item, at, rpo) for at, _ in item.hold)
        if able < item.copies - 1:
            message = f"{able} site(s) can hold a copy of {item.name} that is {rpo} behind at most"
            key = "rpo" if ground.estate.datasets[item.name].rpo is not None else "replicas"
            ground.warn("rpo_short", ("datasets", item.name, key), message, "allow more time, or other sites")


def _point(ground: Ground, item: Item) -> Quantity | None:
    """How far behind a copy may be; None where nothing is said, or there is nothing to be behind of."""
    continuity = ground.estate.continuity
    rpo = ground.estate.datasets[item.name].rpo or (continuity.rpo if continuity is not None else None)
    return None if item.copies < 2 or item.origin < 0 else rpo


def _behind(ground: Ground, data: Data, item: Item, at: int, rpo: Quantity) -> str:
    """Why a copy at a site is further behind than that; empty when it is not."""
    if at == item.origin:
        return ""
    origin, site = ground.sites[item.origin], ground.sites[at]
    rtt, lane = ground.rtt(origin, site), ground.market.throughput(origin, site)
    bits = data.volumes[item.name].feed * 8 / MONTH
    if rtt is not None and rtt.ms / 2000 > rpo.value:
        return f"a copy there is {rtt.ms / 2:.0f} ms behind at least, and rpo is {rpo}"
    if lane is not None and lane.gbps * 1e9 < bits:
        return (
            f"{lane.gbps:g} Gbps were measured to it, and {float(bits) / 1e9:.1f} Gbps of new data come: rpo is {rpo}"
        )
    return ""
