"""Whether copies can be as fresh as the estate wants: new data must cross in less time than may be lost.

How much new data there is costs money whatever the time; a shorter one is no dearer, only harder.
"""

from polycloud.placement.build.data import MONTH, Data
from polycloud.placement.build.ground import Ground
from polycloud.placement.problem import Item


def check_recovery(ground: Ground, data: Data, items: tuple[Item, ...]) -> None:
    """Warns of a dataset whose copies no allowed site can keep within its recovery point.

    A site can when half its round trip is shorter, and when the measured throughput carries the growth. What is not
    measured speaks against no site.
    """
    continuity = ground.estate.continuity
    for item in items:
        dataset = ground.estate.datasets[item.name]
        rpo = dataset.rpo or (continuity.rpo if continuity is not None else None)
        if rpo is None or item.copies < 2 or item.origin < 0:
            continue
        origin, bits = ground.sites[item.origin], data.volumes[item.name].feed * 8 / MONTH
        able = 0
        for at, _ in item.hold:
            site = ground.sites[at]
            rtt, lane = ground.rtt(origin, site), ground.market.throughput(origin, site)
            late = rtt is not None and rtt.ms / 2000 > rpo.value
            able += at != item.origin and not late and (lane is None or lane.gbps * 1e9 >= bits)
        if able < item.copies - 1:
            message = f"{able} site(s) can hold a copy of {item.name} that is {rpo} behind at most"
            key = "rpo" if dataset.rpo is not None else "replicas"
            ground.warn("rpo_short", ("datasets", item.name, key), message, "allow more time, or other sites")
