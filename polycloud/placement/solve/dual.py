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
MEAN, SQUARE = 0.8, 0.99  # how much of what directions were, and were squared, is kept from step to step
SHORTEST = 0.02  # the last steps, as a share of the first
RECENT = 0.05  # the weight of the newest prices in the mean of prices, whose bound is often better
LOOK = 20  # steps between two looks at that mean
CHOSEN = 0.03  # the weight of the newest answer in the mean of answers
STEP = 0.02  # of what an option costs: a step of a row's price
LANE = 0.2  # of what a lane costs: a step of a copy's price
HOURS = 10.0  # a step of what promises cover
TINY = 1e-12
SINGLE: type[np.floating] = np.float32  # near enough to choose by; ``certain`` is not


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
    copy costs by item and site, ``chosen`` an option per task, ``kept`` the copies, ``reach`` (from, pairs);
    ``cover`` is that of its prices."""

    value: float
    cost: Floats
    place: Floats
    chosen: Ints
    kept: Bools
    reach: Floats
    cover: Floats


class Ascent(msgspec.Struct):
    """Where steps upwards led: the best prices and their bound in USD, and how often of late each option (by option)
    and each copy (items, sites) was chosen, which is near to the fractional optimum."""

    prices: Prices
    value: float
    options: Floats
    copies: Floats


class Dual:
    """The bound as a function of prices, and steps upwards. ``pair`` numbers each flow with each site where its task
    has an option; ``carry`` is (from, pairs) in USD."""

    def __init__(self, dense: Dense, carry: Floats):
        """``carry`` is (flows, from, to) in USD."""
        self.dense = dense
        problem = dense.problem
        self._copies = np.array([item.copies for item in problem.items], dtype=np.int64)
        self._most = np.array(
            [dense.sites if item.copies_most is None else item.copies_most for item in problem.items], dtype=np.int64
        )
        self._pinned = np.zeros((len(problem.items), dense.sites), dtype=bool)
        for at, item in enumerate(problem.items):
            self._pinned[at, list(item.pinned)] = True
        self._nowhere = dense.write & (self._copies[dense.flow_item] == 0)  # may write to no copy at all, for nothing
        self._pairs(carry)
        self.may = np.isfinite(dense.hold)
        self._sizes = self._lengths(carry)
        self._pool = np.where(dense.pool < 0, len(problem.pools), dense.pool)
        self._hourly = np.ascontiguousarray(dense.hourly.T)
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
        plain = [all(held == 0 and most == np.inf for _, held, most in terms) for terms in self._terms]
        wide = [(w.keep_ppm / MILLION * hours, w.held / MILLION, list(w.pools)) for w in problem.wide]
        self._wide = [row for row in wide if row[2]]
        self._idle = sum(keep * held for keep, held, pools in wide if not pools)
        self._below = sorted({pool for wide in problem.wide for pool in wide.pools})
        for pool in self._below:  # what wide promises pay for an hour depends on its price as well
            plain[pool] = False
        self._enough = np.where(np.array(plain, dtype=bool), self._need, np.inf)  # more than that is only dearer

    def _pairs(self, carry: Floats) -> None:
        """Number the pairs; ``carry`` is (flows, from, to)."""
        dense = self.dense
        wanted = np.zeros((len(dense.first) - 1, dense.sites), dtype=bool)
        wanted[dense.task, dense.site] = True
        self._flow, to = np.nonzero(wanted[dense.flow_task])
        self.carry = np.ascontiguousarray(carry[self._flow, :, to].T, dtype=SINGLE)
        self.carry[:, self._nowhere[self._flow]] = 0.0
        self._sum = np.empty_like(self.carry)
        self.pair = np.full((len(dense.volume), dense.sites), -1)
        self.pair[self._flow, to] = np.arange(len(to))
        self._pair_at = dense.flow_task[self._flow] * dense.sites + to  # where by task and site
        self._option_at = dense.task * dense.sites + dense.site

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
        for _ in range(len(self.dense.blocks) + 1 if len(cover) else 0):
            whole = cover.sum(axis=1)
            more = np.maximum(0.0, self._need - whole) - np.maximum(0.0, whole - self._enough)
            room = np.where(more[:, None] > 0, cover < self.dense.blocks, cover > 0)
            each = more / np.maximum(room.sum(axis=1), 1)
            cover = np.where(room, np.clip(cover + each[:, None], 0.0, self.dense.blocks), cover)
        return Prices(copy, np.maximum(prices.row, 0.0), cover)

    def steer(self, prices: Prices) -> Floats:
        """What rows and promises add to each option at these prices."""
        dense = self.dense
        extra = np.zeros(len(dense.own))
        if len(prices.row):
            extra += np.einsum("kr,kr->k", np.append(prices.row, 0.0)[dense.row_of], dense.row_value)
        if len(prices.cover):
            cover = np.pad(prices.cover.T, ((0, 0), (0, 1)))
            extra -= np.einsum("bk,bk->k", cover.take(self._pool, axis=1), self._hourly)
        return extra

    def answer(self, prices: Prices) -> Answer:
        """Everyone's choice at lawful prices, and the bound."""
        dense = self.dense
        np.take(prices.copy.T.astype(self.carry.dtype), self._flow, axis=1, out=self._sum, mode="clip")
        self._sum += self.carry
        data = np.bincount(self._pair_at, self._sum.min(axis=0), (len(dense.first) - 1) * dense.sites)
        cost = dense.own + self.steer(prices) + data[self._option_at]
        chosen = dense.fastest(cost)
        place = dense.hold.copy()
        np.subtract.at(place, dense.flow_item, prices.copy)
        kept = self._keep(place)
        value = cost[chosen].sum() + place[kept].sum() - (prices.row * dense.limit).sum() + self._promises(prices.cover)
        return Answer(float(value), cost, place, chosen, kept, self._sum, prices.cover)

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

    def ascend(
        self, prices: Prices, steps: int, go_on: Callable[[], bool], long: float = 1.0, enough: float = np.inf
    ) -> Ascent:
        """Steps along the mean of recent directions, each price by its own length (what is known as Adam), shorter
        and shorter from ``long``, until the bound is ``enough``; the best prices seen, and the best mean of prices."""
        found = Ascent(prices, -np.inf, np.zeros(len(self.dense.own)), np.zeros(self.may.shape))
        now = _parts(prices)
        mean, square = [np.zeros_like(part) for part in now], [np.zeros_like(part) for part in now]
        usual = prices
        for at in range(1, steps + 1):
            answer = self._better(found, prices)
            if not np.isfinite(answer.value) or found.value >= enough:  # something has nowhere to be; or done
                break
            weight = max(CHOSEN, 1.0 / at)
            found.options *= 1.0 - weight
            found.options[answer.chosen] += weight
            found.copies += weight * (answer.kept - found.copies)
            length = long * SHORTEST ** (at / steps)
            moved = []
            for part, was, way, size in zip(
                range(3), _parts(prices), _parts(self._direction(answer)), self._sizes, strict=True
            ):
                mean[part] += (1.0 - MEAN) * (way - mean[part])
                square[part] += (1.0 - SQUARE) * (way**2 - square[part])
                scale = np.sqrt(square[part] / (1.0 - SQUARE**at)) + TINY
                moved.append(was + length * size * mean[part] / (1.0 - MEAN**at) / scale)
            prices = self.lawful(Prices(*moved))
            usual = usual.mixed(prices, RECENT)
            if at % LOOK == 0 or at == steps:
                self._better(found, self.lawful(usual))
            if not go_on():
                break
        return found

    def _better(self, found: Ascent, prices: Prices) -> Answer:
        """The answer at prices, which are kept if their bound is the best."""
        answer = self.answer(prices)
        if answer.value > found.value:
            found.prices, found.value = prices, answer.value
        return answer

    def _keep(self, place: Floats) -> Bools:
        """The cheapest lawful copies of each item at these costs."""
        rank = np.where(self._pinned, -np.inf, place)
        kept = rank < 0
        count = kept.sum(axis=1)
        odd = np.flatnonzero((count < self._copies) | (count > self._most))
        many = np.clip(count[odd], self._copies[odd], self._most[odd])
        order = np.argsort(rank[odd], axis=1, kind="stable")
        kept[odd[:, None], order] = np.arange(rank.shape[1]) < many[:, None]
        return kept

    def _promises(self, cover: Floats) -> float:
        total = self._idle
        saved = (self.dense.blocks - cover).sum(axis=1) if len(cover) else np.zeros(0)
        for terms, hours in zip(self._terms, saved, strict=True):
            for keep, held, most in terms:
                left = keep - hours
                total += left * (held if left >= -1e-9 or most == np.inf else most)
        for keep, held, pools in self._wide:
            total += held * (keep - float((self.dense.blocks - cover[pools].min(axis=0)).sum()))
        return total

    def _direction(self, answer: Answer) -> Prices:
        """Too much use raises a price, too little lowers it."""
        dense = self.dense
        here = dense.site[answer.chosen][dense.flow_task]
        at = np.arange(len(here))
        copy = -answer.kept[dense.flow_item].astype(np.float64)
        copy[at, answer.reach[:, self.pair[at, here]].argmin(axis=0)] += 1.0
        row = np.zeros(len(dense.limit) + 1)
        np.add.at(row, dense.row_of[answer.chosen].ravel(), dense.row_value[answer.chosen].ravel())
        cover = np.zeros((len(self._terms) + 1, len(dense.blocks)))
        np.subtract.at(cover, self._pool[answer.chosen], dense.hourly[answer.chosen])
        cover = cover[:-1]
        even = cover - cover.mean(axis=1, keepdims=True) if len(cover) else cover
        for pool in self._below:
            even[pool] = cover[pool] + sum(held for _, held, most in self._terms[pool])
        for _, held, pools in self._wide:
            even[np.array(pools)[answer.cover[pools].argmin(axis=0)], np.arange(even.shape[1])] += held
        return Prices(copy, row[:-1] - dense.limit, even)

    def _lengths(self, carry: Floats) -> tuple[Floats, Floats, Floats]:
        """How far each kind of price goes in one step at first."""
        dense = self.dense
        reach = np.where(np.isfinite(carry), carry, 0.0).mean(axis=(1, 2), dtype=np.float64)
        hold = np.where(self.may, dense.hold, 0.0).mean(axis=1) / np.maximum(
            1, np.bincount(dense.flow_item, minlength=len(self.may))
        )
        option = float(np.sort(np.abs(dense.own))[len(dense.own) // 2]) if len(dense.own) else 0.0
        return (
            LANE * np.maximum(reach, STEP * hold[dense.flow_item])[:, None],
            np.full(len(dense.limit), STEP * option),
            np.full((1, 1), HOURS),
        )


def _parts(prices: Prices) -> tuple[Floats, Floats, Floats]:
    return prices.copy, prices.row, prices.cover
