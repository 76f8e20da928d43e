"""The stochastic programme: how much of each instrument to promise now, against many futures at once.

First stage: the amounts. Second stage: in every hour of every future, how much of the usage each promise covers.
The objective is the mean cost plus a weight on the mean of the worst tenth (conditional value at risk, Rockafellar
and Uryasev 2000, doi.org/10.21314/JOR.2000.038). With one pool, one term and no such weight it is the newsvendor:
the optimum is a quantile of the usage (``newsvendor``; tested). Solved to its proven optimum by HiGHS.

Hours of one future and year that are alike in total usage are put together as one state with their mean; with
``states`` at least the hours of a year nothing is put together. Terms that end within the horizon are bought again, in
an amount of their own for each year, in proportion to the level known by then (``Path.ratio``): a rule, not foresight.
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
    """For each instrument the units to buy now, and then in each further year of the horizon where its term ends
    within it (at today's level); and whether the programme was solved to its proven optimum."""

    schedule: tuple[tuple[float, ...], ...]
    optimal: bool

    @property
    def amounts(self) -> tuple[float, ...]:
        """The units to buy now."""
        return tuple(years[0] for years in self.schedule)


class _Future(msgspec.Struct, frozen=True):
    """One future in states: ``usage`` [state, series] USD per hour, ``hours`` [state], ``ratio`` [state, instrument]
    of what was bought now, ``held`` [state, held] units in force, ``year`` [state]."""

    usage: Floats
    hours: Floats
    ratio: Floats
    held: Floats
    year: Floats

    @property
    def years(self) -> int:
        """The last year of the horizon, counted from 0."""
        return int(self.year.max())


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
        return Chosen(((0.0,),) * len(instruments), False)
    schedule = tuple(
        tuple(_clean(i, outcome.values[column] * step) for column, step in dict.fromkeys(years))
        for i, years in zip(instruments, writer.amounts, strict=True)
    )
    cost = sum(value * price for value, price in zip(outcome.values, writer.model.cost, strict=True))
    proved = cost - outcome.bound <= 10 * gap * max(1.0, abs(cost))
    return Chosen(schedule, proved and (whole or not any(i.whole for i in instruments)))


def _clean(instrument: Instrument, amount: float) -> float:
    """What the solver leaves at 1e-9 is nothing, and a promise in money has a thousandth of a dollar as its grain."""
    return nearest(instrument, amount) if instrument.whole else rounded(instrument, max(0.0, round(amount, 3)))


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
            parts.append(
                (path.usage[:, group].mean(axis=1) * DOLLARS, len(group), ratio, in_force, start // YEAR_HOURS)
            )
    columns = list(zip(*parts, strict=True))
    return _Future(*(np.array(column, dtype=np.float64) for column in columns))


def _ratio(path: Path, instrument: Instrument, group: Ints) -> float:
    """The mean over some hours of how much is in force for each unit bought now."""
    term = instrument.offering.hours
    starts, counts = np.unique((group // term) * term, return_counts=True)
    ratios = [path.ratio(instrument.members, int(start)) if start else 1.0 for start in starts]
    return float(np.average(ratios, weights=counts))


class _Writer:
    """Writes the programme into ``model``; money in USD. ``amounts`` are (column, units per step) by instrument and
    year; one that lasts for the whole horizon has the same in all."""

    def __init__(self, instruments: Sequence[Instrument], held: Sequence[Held], futures: Sequence[_Future]) -> None:
        self.instruments, self.held, self.futures = instruments, held, futures
        self.model = Model()
        self.years = 1 + max(future.years for future in futures)
        self.amounts = [self._amounts(instrument) for instrument in instruments]
        every = [*instruments, *(promise.instrument for promise in held)]
        self.groups = _groups(every)
        self.covering = {  # (instrument or held, group) -> USD per hour that one unit covers
            (at, g): i.covers[i.members.index(group[0])] * DOLLARS
            for at, i in enumerate(every)
            for g, group in enumerate(self.groups)
            if group[0] in i.members
        }
        self.every = every

    def _amounts(self, instrument: Instrument) -> list[tuple[int, float]]:
        most = max(float(self._peak(future, instrument)) for future in self.futures)
        if instrument.offering.hours >= self.years * YEAR_HOURS:
            return [self._amount(instrument, most)] * self.years
        return [self._amount(instrument, most) for _ in range(self.years)]

    def _amount(self, instrument: Instrument, most: float) -> tuple[int, float]:
        """Units bought: continuous, or steps with the smallest purchase as a condition."""
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
            terms = min(1.0, float(future.hours.sum()) / instrument.offering.hours)
            return float((usage.sum(axis=1) * future.hours).sum() / (min(instrument.covers) * DOLLARS * terms))
        return float((usage / (np.array(instrument.covers) * DOLLARS)).sum(axis=1).max())

    def write(self, risk: float) -> None:
        """Costs of the amounts, coverage in every state, and the tail when it counts."""
        model, share = self.model, 1.0 / len(self.futures)
        worst = [model.column(risk * share / TAIL, 0.0, INF) for _ in self.futures] if risk > 0 else []
        eta = model.column(risk, -INF, INF) if risk > 0 else -1
        for number, future in enumerate(self.futures):
            costs: dict[int, float] = {}
            for at, instrument in enumerate(self.instruments):
                for year, (column, step) in enumerate(self.amounts[at]):
                    paid = self._paid(future, at, instrument, year)
                    costs[column] = costs.get(column, 0.0) + step * paid * instrument.cost * DOLLARS
            self._cover(future, costs)
            for column, cost in costs.items():
                model.cost[column] += (1 - risk) * share * cost
            if risk > 0:
                base = float((future.usage.sum(axis=1) * future.hours).sum())
                columns, values = [worst[number], eta, *costs], [1.0, 1.0, *(-cost for cost in costs.values())]
                model.row(base, INF, columns, values)

    @staticmethod
    def _paid(future: _Future, at: int, instrument: Instrument, year: int) -> float:
        """Unit-hours paid in a year for each unit of its amount; for prepaid credits the units of its terms."""
        mine = future.year == year
        hours = float((future.ratio[mine, at] * future.hours[mine]).sum())
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
                    amount, step = self.amounts[at][int(future.year[state])]
                    values.append(-step * float(future.ratio[state, at]))
                    self.model.row(-INF, 0.0, [*columns, amount], values)
                else:
                    self.model.row(-INF, float(future.held[state, at - len(self.instruments)]), columns, values)
        if prepaid:
            for year in range(future.years + 1):
                self._credits(future, year, used, costs, prepaid)

    def _credits(
        self,
        future: _Future,
        year: int,
        used: dict[tuple[int, int], list[int]],
        costs: dict[int, float],
        prepaid: list[int],
    ) -> None:
        """What prepaid sums take of a year, of what nothing by the hour covers."""
        states = [int(state) for state in np.flatnonzero(future.year == year)]
        drawn: dict[int, list[int]] = {at: [] for at in prepaid}
        for group, members in enumerate(self.groups):
            mine = [at for at in prepaid if (at, group) in self.covering]
            usage = sum(float(future.usage[state, members].sum() * future.hours[state]) for state in states)
            if not mine or usage <= 0:
                continue
            columns, hours = [], []
            for at in mine:
                column = self.model.column(high=usage * self._while_held(at, year))
                costs[column] = -1.0
                drawn[at].append(column)
                columns.append(column)
                hours.append(1.0)
            for state in states:
                for column in used.get((state, group), ()):
                    columns.append(column)
                    hours.append(float(future.hours[state]))
            self.model.row(-INF, usage, columns, hours)
        for at, columns in drawn.items():
            ones = [1.0] * len(columns)
            if at < len(self.instruments):
                amount, step = self.amounts[at][year]
                ratio = float(np.average(future.ratio[states, at], weights=future.hours[states]))
                terms = float(future.hours[states].sum()) / self.every[at].offering.hours
                self.model.row(-INF, 0.0, [*columns, amount], [*ones, -step * ratio * terms])
            elif columns:
                left = self.held[at - len(self.instruments)].amount if year == 0 else 0.0
                self.model.row(-INF, left, columns, ones)

    def _while_held(self, at: int, year: int) -> float:
        """The share of a year in which a prepaid sum is there: all of it for one that would be bought."""
        if at < len(self.instruments):
            return 1.0
        return min(1.0, self.held[at - len(self.instruments)].until / YEAR_HOURS) if year == 0 else 0.0


def _groups(instruments: Sequence[Instrument]) -> list[list[int]]:
    """Series that the same instruments cover at the same rates, together; those that none covers are left out."""
    found: dict[tuple[tuple[int, float], ...], list[int]] = {}
    for series in sorted({member for i in instruments for member in i.members}):
        key = tuple((at, i.covers[i.members.index(series)]) for at, i in enumerate(instruments) if series in i.members)
        found.setdefault(key, []).append(series)
    return list(found.values())
