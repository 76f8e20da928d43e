"""A bound by prices on what couples: with them every task and every item decides alone, and the sum of what they
decide is no more than any plan costs, whatever the prices.

Prices are on copies (``copy[f, j]``: flow f may use a copy at j only if there is one), on rows (quotas, and what must
stay apart or near) and on the hours that promises cover. A write is taken to reach one copy only, and clouds beyond
the first to cost nothing: both make the bound lower, never wrong. The sum is a plain sum of minima, so it is exact up
to the rounding of floating point, for which ``SAFE`` is taken off.
"""

from collections.abc import Callable

import msgspec

from polycloud.placement.bill import MILLION
from polycloud.placement.solve.dense import Dense
from polycloud.placement.solve.highs import Bools, Floats, Ints, np

SAFE = 1e-9  # relative; a sum of some thousand float64 is exact to 1e-12
PATIENCE = 20  # steps without a better bound before the steps get shorter
SHORTER = 0.7
MEMORY = 0.3  # the weight of the newest direction in the mean that a step follows


class Prices(msgspec.Struct):
    """USD: ``copy`` by flow and site, ``row`` by row; ``cover`` by pool and block, in hours."""

    copy: Floats
    row: Floats
    cover: Floats

    def mixed(self, other: "Prices", share: float) -> "Prices":
        """Between the two, ``share`` of the way to the other."""
        return Prices(
            self.copy + share * (other.copy - self.copy),
            self.row + share * (other.row - self.row),
            self.cover + share * (other.cover - self.cover),
        )


class Answer(msgspec.Struct):
    """What everyone does alone: ``value`` in USD is the bound, ``cost`` has one entry per option, ``place`` what a
    copy costs by item and site, ``chosen`` an option per task, ``kept`` the copies, ``reach`` (flows, from, to)."""

    value: float
    cost: Floats
    place: Floats
    chosen: Ints
    kept: Bools
    reach: Floats


class Dual:
    """The bound as a function of prices, and steps upwards. ``carry`` is (flows, from, to) in USD."""

    def __init__(self, dense: Dense, carry: Floats):
        self.dense = dense
        problem = dense.problem
        self.carry = carry
        self._sum = np.empty_like(carry)
        self._copies = np.array([item.copies for item in problem.items], dtype=np.int64)
        self._most = np.array(
            [dense.sites if item.copies_most is None else item.copies_most for item in problem.items], dtype=np.int64
        )
        self._pinned = np.zeros((len(problem.items), dense.sites), dtype=bool)
        for at, item in enumerate(problem.items):
            self._pinned[at, list(item.pinned)] = True
        self._nowhere = dense.write & (self._copies[dense.flow_item] == 0)  # may write to no copy at all, for nothing
        carry[self._nowhere] = 0.0
        self.may = np.isfinite(dense.hold)
        self._pool = np.where(dense.pool < 0, len(problem.pools), dense.pool)
        hours = float(sum(problem.blocks))
        self._terms = [
            [
                (t.keep_ppm / MILLION * hours, t.held / MILLION, np.inf if t.most is None else t.most / MILLION)
                for t in p.terms
            ]
            for p in problem.pools
        ]
        open_ended = [[keep for keep, _, most in terms if most == np.inf] for terms in self._terms]
        self._need = np.array([max(0.0, hours - min(keeps)) if keeps else 0.0 for keeps in open_ended])

    def start(self) -> Prices:
        """Prices to begin with: a copy's cost shared by its readers, promises spread evenly over the hours."""
        dense = self.dense
        volume = np.bincount(dense.flow_item, weights=dense.volume, minlength=len(self._copies))
        share = dense.volume / np.maximum(volume[dense.flow_item], 1e-9)
        hold = np.where(self.may, dense.hold, 0.0)[dense.flow_item] * share[:, None] * 0.9
        even = self._need[:, None] * dense.blocks / dense.blocks.sum()
        return self.lawful(Prices(hold, np.zeros(len(dense.limit)), even))

    def lawful(self, prices: Prices) -> Prices:
        """The nearest prices for which the bound is finite."""
        copy = np.where(self.may[self.dense.flow_item], np.maximum(prices.copy, 0.0), 0.0)
        copy[self._nowhere] = 0.0
        cover = np.clip(prices.cover, 0.0, self.dense.blocks)
        for _ in range(len(self.dense.blocks) + 1):
            short = np.maximum(0.0, self._need - cover.sum(axis=1)) if len(cover) else np.zeros(0)
            room = cover < self.dense.blocks
            each = short / np.maximum(room.sum(axis=1), 1) if len(cover) else short
            cover = np.where(room, np.minimum(cover + each[:, None], self.dense.blocks), cover)
        return Prices(copy, np.maximum(prices.row, 0.0), cover)

    def steer(self, prices: Prices) -> Floats:
        """What rows and promises add to each option at these prices."""
        dense = self.dense
        extra = np.zeros(len(dense.own))
        if len(prices.row):
            extra += (np.append(prices.row, 0.0)[dense.row_of] * dense.row_value).sum(axis=1)
        if len(prices.cover):
            cover = np.vstack([prices.cover, np.zeros((1, prices.cover.shape[1]))])
            extra -= (cover[self._pool] * dense.hourly).sum(axis=1)
        return extra

    def answer(self, prices: Prices) -> Answer:
        """Everyone's choice at lawful prices, and the bound."""
        dense = self.dense
        np.add(self.carry, prices.copy[:, :, None].astype(self.carry.dtype), out=self._sum)
        data = np.zeros((len(dense.first) - 1, dense.sites))
        np.add.at(data, dense.flow_task, self._sum.min(axis=1))
        cost = dense.own + self.steer(prices) + data[dense.task, dense.site]
        chosen = dense.fastest(cost)
        place = dense.hold.copy()
        np.subtract.at(place, dense.flow_item, prices.copy)
        kept = self._keep(place)
        value = cost[chosen].sum() + place[kept].sum() - (prices.row * dense.limit).sum() + self._promises(prices.cover)
        return Answer(float(value), cost, place, chosen, kept, self._sum)

    def certain(self, prices: Prices, choices: list[tuple[float, Bools]]) -> float:
        """The bound in full precision: the least over the sets of sites that a plan may use, with what each adds."""
        dense = self.dense
        data = np.zeros((len(choices), len(dense.first) - 1, dense.sites))
        for flow, (item, volume, write) in enumerate(zip(dense.flow_item, dense.volume, dense.write, strict=True)):
            if self._nowhere[flow]:
                continue
            way = dense.way[dense.problem.items[item].zone]
            reach = np.full((dense.sites, dense.sites), np.inf)
            way = way.T if write else way
            there = np.isfinite(way) & self.may[item][:, None]
            reach[there] = way[there] * volume
            reach += prices.copy[flow][:, None]
            for at, (_, sites) in enumerate(choices):
                data[at, dense.flow_task[flow]] += reach[sites].min(axis=0) if sites.any() else np.inf
        place = dense.hold.copy()
        np.subtract.at(place, dense.flow_item, prices.copy)
        steer = self.steer(prices)
        fixed = self._promises(prices.cover) - float((prices.row * dense.limit).sum())
        values = []
        for at, (more, sites) in enumerate(choices):
            cost = np.where(sites[dense.site], dense.own + steer + data[at][dense.task, dense.site], np.inf)
            inside = np.where(sites, place, np.inf)
            kept = self._keep(inside)
            alone = np.minimum.reduceat(cost, dense.first[:-1]).sum() + inside[kept].sum()
            values.append(more + fixed + float(alone))
        return min(values)

    def safe(self, value: float) -> int:
        """A value as a bound in whole micro-USD."""
        return int(np.floor((value - SAFE * (1.0 + abs(value))) * MILLION))

    def ascend(self, prices: Prices, target: float, steps: int, go_on: Callable[[float], bool]) -> tuple[Prices, float]:
        """Steps along the mean of recent directions, as long as the gap to ``target`` suggests; the best seen."""
        best, value = prices, -np.inf
        theta, idle = 1.0, 0
        mean: Prices | None = None
        sizes = self._sizes()
        for _ in range(steps):
            answer = self.answer(prices)
            if not np.isfinite(answer.value):  # something has nowhere to be
                break
            idle += 1
            if answer.value > value:
                idle = 0 if answer.value > value + 1e-6 * abs(value) else idle
                best, value = prices, answer.value
            if idle >= PATIENCE:
                theta, idle, mean, prices = theta * SHORTER, 0, None, best
                answer = self.answer(prices)
            way = self._direction(answer)
            mean = way if mean is None else mean.mixed(way, MEMORY)
            long = sum(float(((part * size) ** 2).sum()) for part, size in zip(_parts(mean), sizes, strict=True))
            step = theta * max(target - answer.value, 1e-4 * abs(target)) / max(long, 1e-12)
            copy, row, cover = (
                at + step * part * size**2 for at, part, size in zip(_parts(prices), _parts(mean), sizes, strict=True)
            )
            prices = self.lawful(Prices(copy, row, cover))
            if not go_on(value) or theta < 1e-4:
                break
        return best, value

    def _keep(self, place: Floats) -> Bools:
        """The cheapest lawful copies of each item at these costs."""
        rank = np.where(self._pinned, -np.inf, place)
        kept = rank < 0
        count = kept.sum(axis=1)
        for at in np.flatnonzero((count < self._copies) | (count > self._most)):
            many = self._copies[at] if count[at] < self._copies[at] else self._most[at]
            kept[at] = False
            kept[at, np.argsort(rank[at], kind="stable")[:many]] = True
        return kept

    def _promises(self, cover: Floats) -> float:
        total = 0.0
        saved = (self.dense.blocks - cover).sum(axis=1) if len(cover) else np.zeros(0)
        for terms, hours in zip(self._terms, saved, strict=True):
            for keep, held, most in terms:
                left = keep - hours
                total += left * (held if left >= -1e-9 or most == np.inf else most)
        return total

    def _direction(self, answer: Answer) -> Prices:
        """Too much use raises a price, too little lowers it."""
        dense = self.dense
        here = dense.site[answer.chosen][dense.flow_task]
        at = np.arange(len(here))
        copy = -answer.kept[dense.flow_item].astype(np.float64)
        copy[at, answer.reach[at, :, here].argmin(axis=1)] += 1.0
        row = np.zeros(len(dense.limit) + 1)
        np.add.at(row, dense.row_of[answer.chosen].ravel(), dense.row_value[answer.chosen].ravel())
        cover = np.zeros((len(self._terms) + 1, len(dense.blocks)))
        np.subtract.at(cover, self._pool[answer.chosen], dense.hourly[answer.chosen])
        cover = cover[:-1]
        return Prices(copy, row[:-1] - dense.limit, cover - cover.mean(axis=1, keepdims=True) if len(cover) else cover)

    def _sizes(self) -> tuple[Floats, Floats, Floats]:
        """The scale of each kind of price, so that one step length fits all."""
        dense = self.dense
        usual = 5e-11  # USD per byte of a lane
        return (
            np.maximum(1e-3, dense.volume * usual)[:, None],
            50.0 / np.sqrt(np.maximum(dense.limit, 1.0)),
            np.full((1, 1), 3.0),
        )


def _parts(prices: Prices) -> tuple[Floats, Floats, Floats]:
    return prices.copy, prices.row, prices.cover
