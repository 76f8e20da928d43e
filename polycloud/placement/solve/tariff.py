"""One price per byte for meters that have several: what a plan pays on the margin, and what no plan can undercut."""

from collections.abc import Mapping
from itertools import pairwise

from polycloud.placement.bill import MILLION
from polycloud.placement.problem import GB, Meter, Problem
from polycloud.placement.solve.exact import most
from polycloud.placement.solve.highs import Floats, np

Point = tuple[int, int]


def plain(problem: Problem) -> bool:
    """Whether every meter has one price and carries all there could be."""
    limits = most(problem)
    return all(
        (len(meter.tiers) == 1 or meter.tiers[1][0] >= limit) and (meter.capacity is None or meter.capacity >= limit)
        for meter, limit in zip(problem.meters, limits, strict=True)
    )


def marginal(problem: Problem, volumes: Mapping[int, int]) -> Floats:
    """USD per byte of one byte more on each meter, at these volumes. For falling prices a plan that is better at
    marginal prices is better at true ones; where prices rise, such as after a free first tier, the average speaks."""
    found = [_marginal(meter, volumes.get(at, 0)) for at, meter in enumerate(problem.meters)]
    return np.array(found, dtype=np.float64) / GB / MILLION


def _marginal(meter: Meter, volume: int) -> float:
    prices = [price for _, price in meter.tiers]
    if any(later > price for price, later in pairwise(prices)):
        return _cost(meter, volume) / volume if volume else max(prices)
    return next(price for start, price in reversed(meter.tiers) if start <= volume)


def under(problem: Problem, volumes: Mapping[int, int]) -> tuple[Floats, float]:
    """For each meter a line below its cost at every volume that there can be, as tight as a line can be near these
    volumes: USD per byte, and the sum of what the lines leave at no volume (USD, not positive)."""
    prices, left = [], 0.0
    for at, (meter, limit) in enumerate(zip(problem.meters, most(problem), strict=True)):
        end = limit if meter.capacity is None else min(limit, max(1, meter.capacity))
        slope, start = _line(meter, end, min(volumes.get(at, 0), end))
        prices.append(slope)
        left += start
    return np.array(prices, dtype=np.float64) / GB / MILLION, left / GB / MILLION


def _line(meter: Meter, end: int, near: int) -> tuple[float, float]:
    """The piece near a volume of the greatest convex function below the cost: micro-USD per GB, and where it starts."""
    points = [(start, _cost(meter, start)) for start, _ in meter.tiers if start < end] + [(end, _cost(meter, end))]
    hull: list[Point] = []
    for point in points:
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    for (x0, y0), (x1, y1) in pairwise(hull):
        if near <= x1:
            slope = (y1 - y0) / (x1 - x0)
            return slope, y0 - slope * x0
    return 0.0, 0.0


def _above(a: Point, b: Point, c: Point) -> bool:
    return (b[1] - a[1]) * (c[0] - a[0]) >= (c[1] - a[1]) * (b[0] - a[0])


def _cost(meter: Meter, volume: int) -> int:
    """Micro-USD times bytes per GB: exact."""
    total = 0
    for at, (start, price) in enumerate(meter.tiers):
        stop = meter.tiers[at + 1][0] if at + 1 < len(meter.tiers) else volume
        total += max(0, min(volume, stop) - start) * price
    return total
