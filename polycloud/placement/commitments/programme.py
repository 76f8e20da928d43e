"""The stochastic programme: how much of each instrument to promise now, against many futures at once.

First stage: the amounts. Second stage: in every hour of every future, how much of the usage each promise covers.
The objective is the mean cost plus a weight on the mean of the worst tenth (conditional value at risk, Rockafellar
and Uryasev 2000, doi.org/10.21314/JOR.2000.038). With one pool, one term and no such weight it is the newsvendor:
the optimum is a quantile of the usage (``newsvendor``; tested). Solved to its proven optimum by HiGHS.

Hours of one future and year that are alike in total usage are put together as one state with their mean; with
``states`` at least the hours of a year nothing is put together. Terms that end within the horizon are bought again
in proportion to the level known by then (``Path.ratio``): a rule, not foresight.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from polycloud.placement.commitments.applied import kept, nearest, rounded
from polycloud.placement.commitments.instruments import Held, Instrument
from polycloud.placement.commitments.offers import YEAR_HOURS
from polycloud.placement.commitments.scenarios import Path
from polycloud.placement.solve.highs import INF, Floats, Ints, Model, run

TAIL = 0.1  # the share of the worst futures that the risk weight looks at
STATES = 24  # of one future and year: beyond it the amounts of the tests move by less than 1 %
STATES_LEAST = 6
COLUMNS_MOST = 50_000  # of coverage: some 10 s of HiGHS; more series get fewer futures and states
FUTURES_LEAST = 12
SMALL = 20_000  # columns up to which the optimum is proved to a millionth, above to a ten-thousandth
DOLLARS = 1e-6  # per micro-USD


class Chosen(msgspec.Struct, frozen=True):
    """The units of each instrument, and whether the programme was solved to its proven optimum."""

    amounts: tuple[float, ...]
    optimal: bool


class _Future(msgspec.Struct, frozen=True):
    """One future in states: ``usage`` [state, series] USD per hour, ``hours`` [state], ``ratio`` [state, instrument]
    of what was bought now, ``held`` [state, held] units in force, ``year`` [state]."""

    usage: Floats
    hours: Floats
    ratio: Floats
    held: Floats
    year: Floats


def newsvendor(usage: Floats, keep: float) -> float:
    """The amount that costs least when ``keep`` is paid for each unit promised and 1 for each unit beyond.

    It is the (1 - keep) quantile: promise until the share of hours that use the last unit falls to ``keep``.
    """
    if keep >= 1 or usage.size == 0:
        return 0.0
    ordered = np.sort(usage, axis=None)[::-1]
    used = np.arange(1, ordered.size + 1) / ordered.size  # the share of hours that use at least this much
    at = int(np.searchsorted(used, keep, side="left"))
    return float(ordered[at]) if at < ordered.size else 0.0


def choose(
    paths: Iterable[Path],
    instruments: Sequence[Instrument],
    held: Sequence[Held] = (),
    risk: float = 0.0,
    states: int = STATES,
    seconds: float = 60.0,
    keep_on: Callable[[], bool] = lambda: True,
) -> Chosen:
    """The best amounts over equally likely futures. ``risk`` from 0 (mean cost) to 1 (the worst tenth only).

    Where many offers cover many series, fewer of the futures and states are taken (``COLUMNS_MOST``).
    """
    if not instruments:
        return Chosen((), True)
    futures = []
    for path in paths:
        fewer = _size(path, instruments, held, states)
        futures.append(_states(path, instruments, held, fewer.states))
        if len(futures) >= fewer.futures:
            break
    writer = _Writer(instruments, held, futures)
    writer.write(risk)
    whole = any(i.whole for i in instruments)
    gap = 1e-6 if len(writer.model.cost) <= SMALL else 1e-4
    outcome = run(writer.model, seconds, gap, keep_on)
    if outcome.values is None and whole:  # no whole plan in time: the relaxed one, rounded, and not called optimal
        outcome = run(writer.model, seconds, gap, keep_on, relaxed=True)
        whole = False
    if outcome.values is None:
        return Chosen((0.0,) * len(instruments), False)
    amounts = [outcome.values[column] * step for column, step in writer.amounts]
    # What the solver leaves at 1e-9 is nothing, and a promise in money has a thousandth of a dollar as its grain.
    pairs = zip(instruments, amounts, strict=True)
    clean = [nearest(i, amount) if i.whole else rounded(i, max(0.0, round(amount, 3))) for i, amount in pairs]
    cost = sum(value * price for value, price in zip(outcome.values, writer.model.cost, strict=True))
    proved = cost - outcome.bound <= 10 * gap * max(1.0, abs(cost))
    return Chosen(tuple(clean), proved and (whole or not any(i.whole for i in instruments)))


class _Size(msgspec.Struct, frozen=True):
    futures: int
    states: int


def _size(path: Path, instruments: Sequence[Instrument], held: Sequence[Held], states: int) -> _Size:
    """How many futures and states keep the programme solvable: first fewer states, then fewer futures."""
    pairs = sum(len(i.members) for i in (*instruments, *(promise.instrument for promise in held)))
    years = -(-path.usage.shape[1] // YEAR_HOURS)
    each = max(1, pairs * years)
    futures = 1_000_000
    if states <= STATES and each * states * FUTURES_LEAST > COLUMNS_MOST:
        states = max(STATES_LEAST, COLUMNS_MOST // (each * FUTURES_LEAST))
    if states <= STATES:
        futures = max(FUTURES_LEAST, COLUMNS_MOST // (each * states))
    return _Size(futures, states)


def _states(path: Path, instruments: Sequence[Instrument], held: Sequence[Held], most: int) -> _Future:
    hours = path.usage.shape[1]
    total = path.usage.sum(axis=0)
    pledges = [kept(promise, hours) for promise in held]
    parts: list[tuple[Floats, float, Floats, Floats, int]] = []
    for start in range(0, hours, YEAR_HOURS):
        end = min(hours, start + YEAR_HOURS)
        order = (start + np.argsort(total[start:end], kind="stable")).astype(np.int64)
        for group in np.array_split(order, min(most, len(order))):
            ratio = np.array([_ratio(path, i, group) for i in instruments])
            in_force = np.array(
                [p.units[0] if p.instrument.offering.prepaid else p.units[group].mean() for p in pledges]
            )
            parts.append((path.usage[:, group].mean(axis=1) * DOLLARS, len(group), ratio, in_force, start))
    columns = list(zip(*parts, strict=True))
    return _Future(*(np.array(column, dtype=np.float64) for column in columns))


def _ratio(path: Path, instrument: Instrument, group: Ints) -> float:
    """The mean over some hours of how much is in force for each unit bought now."""
    term = instrument.offering.hours
    starts, counts = np.unique((group // term) * term, return_counts=True)
    ratios = [path.ratio(instrument.members, int(start)) if start else 1.0 for start in starts]
    return float(np.average(ratios, weights=counts))


class _Writer:
    """Writes the programme into ``model``; money in USD. ``amounts`` are (column, units per step) by instrument."""

    def __init__(self, instruments: Sequence[Instrument], held: Sequence[Held], futures: Sequence[_Future]) -> None:
        self.instruments, self.held, self.futures = instruments, held, futures
        self.model = Model()
        self.amounts = [self._amount(at, instrument) for at, instrument in enumerate(instruments)]
        every = [*instruments, *(promise.instrument for promise in held)]
        self.groups = _groups(every)
        self.covering = {  # (instrument or held, group) -> USD per hour that one unit covers
            (at, g): i.covers[i.members.index(group[0])] * DOLLARS
            for at, i in enumerate(every)
            for g, group in enumerate(self.groups)
            if group[0] in i.members
        }
        self.every = every

    def _amount(self, at: int, instrument: Instrument) -> tuple[int, float]:
        """Units bought now: continuous, or steps with the smallest purchase as a condition."""
        most = max(float(self._peak(future, instrument)) for future in self.futures)
        offering = instrument.offering
        if offering.most is not None:
            most = min(most, offering.most)
        if not instrument.whole:
            return self.model.column(high=most), 1.0
        step = offering.increment
        steps = int(most / step) + 1 if offering.most is None else int(most / step)
        column = self.model.column(high=steps, whole=True)
        least = -(-max(offering.minimum, 1) // step)
        if least > 1:
            buy = self.model.column(whole=True)
            self.model.row(0.0, INF, (column, buy), (1.0, -float(least)))
            self.model.row(-INF, 0.0, (column, buy), (1.0, -float(max(steps, least))))
        return column, float(step)

    @staticmethod
    def _peak(future: _Future, instrument: Instrument) -> float:
        usage = future.usage[:, list(instrument.members)]
        if instrument.offering.prepaid:
            return float((usage.sum(axis=1) * future.hours).sum() / (min(instrument.covers) * DOLLARS))
        return float((usage / (np.array(instrument.covers) * DOLLARS)).sum(axis=1).max())

    def write(self, risk: float) -> None:
        """Costs of the amounts, coverage in every state, and the tail when it counts."""
        model, share = self.model, 1.0 / len(self.futures)
        worst = [model.column(risk * share / TAIL, 0.0, INF) for _ in self.futures] if risk > 0 else []
        eta = model.column(risk, -INF, INF) if risk > 0 else -1
        for number, future in enumerate(self.futures):
            costs: dict[int, float] = {}
            for at, instrument in enumerate(self.instruments):
                column, step = self.amounts[at]
                paid = self._paid(future, at, instrument)
                costs[column] = costs.get(column, 0.0) + step * paid * instrument.cost * DOLLARS
            self._cover(future, costs)
            for column, cost in costs.items():
                model.cost[column] += (1 - risk) * share * cost
            if risk > 0:
                base = float((future.usage.sum(axis=1) * future.hours).sum())
                columns, values = [worst[number], eta, *costs], [1.0, 1.0, *(-cost for cost in costs.values())]
                model.row(base, INF, columns, values)

    @staticmethod
    def _paid(future: _Future, at: int, instrument: Instrument) -> float:
        """Unit-hours paid for each unit bought now; for prepaid credits the units of all terms."""
        hours = float((future.ratio[:, at] * future.hours).sum())
        return hours / instrument.offering.hours if instrument.offering.prepaid else hours

    def _cover(self, future: _Future, costs: dict[int, float]) -> None:
        """Columns for what each promise covers in each state; what is covered is saved."""
        hourly = [at for at, i in enumerate(self.every) if not i.offering.prepaid]
        prepaid = [at for at, i in enumerate(self.every) if i.offering.prepaid]
        used: dict[tuple[int, int], list[int]] = {}  # (state, group) -> columns
        for state in range(len(future.hours)):
            by_promise: dict[int, list[tuple[int, float]]] = {}
            for group, members in enumerate(self.groups):
                usage = float(future.usage[state, members].sum())
                mine = [at for at in hourly if (at, group) in self.covering]
                if usage <= 0 or not mine:
                    continue
                columns = [self.model.column(high=usage) for _ in mine]
                used[state, group] = columns
                for at, column in zip(mine, columns, strict=True):
                    costs[column] = -float(future.hours[state])
                    by_promise.setdefault(at, []).append((column, self.covering[at, group]))
                if len(columns) > 1:
                    self.model.row(-INF, usage, columns, [1.0] * len(columns))
            for at, covered in by_promise.items():
                columns, values = [c for c, _ in covered], [1.0 / cover for _, cover in covered]
                if at < len(self.instruments):
                    amount, step = self.amounts[at]
                    values.append(-step * float(future.ratio[state, at]))
                    self.model.row(-INF, 0.0, [*columns, amount], values)
                else:
                    self.model.row(-INF, float(future.held[state, at - len(self.instruments)]), columns, values)
        for at in prepaid:
            self._credits(future, at, used, costs, prepaid)

    def _credits(
        self,
        future: _Future,
        at: int,
        used: dict[tuple[int, int], list[int]],
        costs: dict[int, float],
        prepaid: list[int],
    ) -> None:
        """Prepaid credits of each year take what nothing else covers; of two that overlap, each its own share."""
        offering = self.every[at].offering
        shares = sum(1 for other in prepaid if set(self.every[other].members) & set(self.every[at].members))
        for year in np.unique(future.year):
            states = [int(s) for s in np.flatnonzero(future.year == year)]
            pairs = [(s, g) for s in states for g in range(len(self.groups)) if (at, g) in self.covering]
            usage = sum(float(future.usage[s, self.groups[g]].sum() * future.hours[s]) for s, g in pairs)
            drawn = self.model.column(high=usage)
            costs[drawn] = -1.0
            others = [(column, float(future.hours[s])) for s, g in pairs for column in used.get((s, g), ())]
            columns = [drawn, *(column for column, _ in others)]
            self.model.row(-INF, usage, columns, [float(shares), *(hours for _, hours in others)])
            years = offering.hours / YEAR_HOURS
            if at < len(self.instruments):
                amount, step = self.amounts[at]
                ratio = float(np.average(future.ratio[states, at], weights=future.hours[states]))
                self.model.row(-INF, 0.0, (drawn, amount), (1.0, -step * ratio / years))
            elif year == 0:
                self.model.row(-INF, float(future.held[states[0], at - len(self.instruments)]), (drawn,), (1.0,))
            else:
                self.model.row(-INF, 0.0, (drawn,), (1.0,))


def _groups(instruments: Sequence[Instrument]) -> list[list[int]]:
    """Series that the same instruments cover at the same rates, together; those that none covers are left out."""
    found: dict[tuple[tuple[int, float], ...], list[int]] = {}
    for series in sorted({member for i in instruments for member in i.members}):
        key = tuple((at, i.covers[i.members.index(series)]) for at, i in enumerate(instruments) if series in i.members)
        found.setdefault(key, []).append(series)
    return list(found.values())
