"""Made usage, by kind and seed: what the benchmarks decide on. Nothing here is a real company's bill."""

import math
import random

from polycloud.placement.commitments.history import DOLLARS, History, Series

WEEK = 168
START = 1_779_062_400  # 2026-05-18, a Monday
KINDS = ("steady", "growing", "shrinking", "wandering", "falling off", "bursty")


def levels(kind: str, weeks: int, chance: random.Random) -> list[float]:
    """The level of each week, around 1."""
    if kind == "growing":
        return [1.0 + 0.5 * week / weeks for week in range(weeks)]
    if kind == "shrinking":
        return [1.0 - 0.3 * week / weeks for week in range(weeks)]
    if kind == "falling off":  # half of it leaves at a week that nobody was told of
        gone = chance.randrange(weeks // 2, weeks)
        return [1.0 if week < gone else 0.5 for week in range(weeks)]
    found, level = [], 1.0
    for _ in range(weeks):
        level *= math.exp(chance.gauss(0, 0.25 / math.sqrt(weeks))) if kind == "wandering" else 1.0
        found.append(level)
    return found


def series(name: str, kind: str, usd_per_hour: float, weeks: int, seed: int) -> Series:
    """One cloud's eligible spend by the hour: a working day, a quieter weekend, noise, and its kind of level."""
    chance = random.Random(f"{kind}/{name}/{seed}")
    weekly = levels(kind, weeks, chance)
    micro = []
    for hour in range(weeks * WEEK):
        day = 1 + 0.25 * math.sin((hour % 24 - 8) / 24 * 2 * math.pi)
        weekend = 0.8 if hour % WEEK >= 120 else 1.0
        burst = 2.5 if kind == "bursty" and chance.random() < 0.06 else 1.0
        noise = math.exp(chance.gauss(0, 0.06))
        micro.append(round(usd_per_hour * weekly[hour // WEEK] * day * weekend * burst * noise * 1e6))
    return Series(name, "all", "compute", tuple(micro), DOLLARS, None, "made")


def history(kind: str, seed: int, weeks: int = 26, usd_per_hour: float = 100.0) -> History:
    return History(START, (series("aws", kind, usd_per_hour, weeks, seed),))
