"""A bound by prices on what couples: with them every task and every item decides alone, and the sum of what they
decide is no more than any plan costs, whatever the prices.

Prices are on copies (``copy[f, j]``: flow f may use a copy at j only if there is one), on rows (quotas and what must
stay apart or near) and on the hours that promises cover. The sum is a plain sum of minima, so it is exact up to the
rounding of floating point, for which ``SAFE`` is taken off.
"""

from collections import defaultdict

import msgspec

from polycloud.placement.bill import MILLION
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.highs import Floats, Ints, np

SAFE = 1e-9  # relative; sums of some thousand float64 are exact to 1e-12


class Prices(msgspec.Struct):
    """``copy`` is (flows, sites), ``row`` one per row, ``cover`` (pools, blocks), all USD."""

    copy: "Floats"
    row: "Floats"
    cover: "Floats"


class Answer(msgspec.Struct):
    """What everyone does alone at some prices. ``cost`` has one entry per option, ``place`` per item and site."""

    value: float
    cost: "Floats"
    place: "Floats"
    chosen: "Ints"
    held: "list[Ints]"
    source: "Ints"
    promise: "Floats"


class Dual:
    """The bound as a function of prices, and one step upwards."""

    def __init__(self, dense: Dense):
        self.dense = dense
        self.carry = self._carry(np.float32)
        self.option_flows = dense.task
        problem = dense.problem
        self.hours = float(sum(problem.blocks))
        self.keep = [[term.keep_ppm / MILLION for term in pool.terms] for pool in problem.pools]

    def _carry(self, kind: type) -> "Floats":
        """USD for each flow, copy site and task site."""
        dense = self.dense
        found = np.empty((len(dense.volume), dense.sites, dense.sites), dtype=kind)
        for at, (item, volume, write) in enumerate(zip(dense.flow_item, dense.volume, dense.write, strict=True)):
            way = dense.way[dense.problem.items[item].zone]
            way = way.T if write else way
            reach = np.isfinite(way)
            found[at] = np.inf
            found[at][reach] = way[reach] * volume
        return found
