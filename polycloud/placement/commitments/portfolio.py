"""The whole answer: what to buy, what it is expected to save, how it may go, and whether a simple rule does as well."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from polycloud.placement.commitments import rules
from polycloud.placement.commitments.applied import Applied, apply, bought, kept
from polycloud.placement.commitments.history import WEEK_HOURS, History, moment
from polycloud.placement.commitments.instruments import Bound, Instrument
from polycloud.placement.commitments.offers import MONTH_HOURS, YEAR_HOURS
from polycloud.placement.commitments.programme import STATES, TAIL, Chosen, choose
from polycloud.placement.commitments.scenarios import Model, Path, draw, matrix, model, steady
from polycloud.placement.solve.highs import Floats

FITTED = 40  # futures that the amounts are chosen on; more move them by less than a percent in the tests' cases
JUDGED = 200  # other futures that the answer is told from
BILLED_MOST = 15_000  # futures times pairs of offer and series: some 20 s; more pairs get fewer futures
JUDGED_LEAST = 50
FALL = 0.7  # the usage of the stated stress: 30 % less from tomorrow on
HELD_OUT = 3  # the last third of the history judges what the first two would have said
HELD_OUT_WEEKS = 6  # shorter histories can not be judged this way
PLAN = "this plan"


class Settings(msgspec.Struct, frozen=True):
    """``risk`` weighs the worst tenth of futures, from 0 to 1; ``seed`` is all the chance there is."""

    risk: float = 0.0
    seed: int = 1
    fitted: int = FITTED
    judged: int = JUDGED
    states: int = STATES
    seconds: float = 60.0


class Buy(msgspec.Struct, frozen=True):
    """One purchase. ``amount`` is in ``unit``; money is micro-USD a month, means over the judged futures in the first
    year, but ``upfront_micro``: what is paid at the start, for the whole term. ``covers_micro`` is what it can cover,
    ``utilisation`` the share of that which is used."""

    name: str
    cloud: str
    kind: str
    at: str
    sku: str
    term: str
    amount: float
    unit: str
    cost_micro: int
    covers_micro: int
    saving_micro: int
    utilisation: float
    upfront_micro: int
    source: str
    again: tuple[float, ...] = ()
    as_of: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """How one set of promises does: micro-USD a month over the judged futures, what is held included.

    ``worst`` is the mean of the worst tenth; ``utilisation`` is of the new promises, None when there is none.
    ``fallen`` is the cost when usage falls by 30 % at once and stays there, ``regret`` how much that is above the
    best that could have been done, had it been known.
    """

    name: str
    mean: int
    p10: int
    p50: int
    p90: int
    worst: int
    utilisation: float | None
    coverage: float
    fallen: int
    regret: int


class HeldOut(msgspec.Struct, frozen=True):
    """What each way, decided on the first weeks, would have cost in the last ones: micro-USD a month, best first."""

    decided: str
    fitted_weeks: int
    judged_weeks: int
    costs: tuple[tuple[str, int], ...]

    @property
    def winner(self) -> str:
        return self.costs[0][0]


class Use(msgspec.Struct, frozen=True):
    """What was promised before, over the last 28 days of the history: micro-USD a month that it covered and could
    have covered, and the hours that it still runs."""

    name: str
    covered_micro: int
    covers_micro: int
    hours_left: int

    @property
    def utilisation(self) -> float:
        return self.covered_micro / self.covers_micro if self.covers_micro else 0.0


class Portfolio(msgspec.Struct, frozen=True):
    """The answer. ``outcomes`` begins with this plan; ``aside`` tells what was not considered, and why."""

    buys: tuple[Buy, ...]
    outcomes: tuple[Outcome, ...]
    held_out: HeldOut | None
    horizon_years: int
    history_weeks: int
    optimal: bool
    futures: int
    usage_micro: int
    held: tuple[Use, ...] = ()
    aside: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def outcome(self, name: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.name == name)


DEFAULTS = Settings()


def recommend(
    history: History, bound: Bound, settings: Settings = DEFAULTS, keep_on: Callable[[], bool] = lambda: True
) -> Portfolio:
    """What to promise, by the stochastic programme, judged on other futures and on held-out weeks."""
    source = model(history)
    hours = _horizon(bound.instruments)
    chosen = _choose(source, bound, settings, keep_on)
    plans = {PLAN: chosen.schedule}
    plans |= {rule: rules.schedule(rule, history, bound, hours // YEAR_HOURS) for rule in rules.RULES}
    judge = _Judge(source, bound, settings, plans)
    return Portfolio(
        judge.buys(chosen.schedule),
        tuple(judge.outcome(name) for name in plans),
        held_out(history, bound, settings, keep_on),
        hours // YEAR_HOURS,
        source.weeks,
        chosen.optimal,
        len(judge.first_year),
        round(float(matrix(history).sum()) / history.hours * MONTH_HOURS),
        _uses(history, bound),
        bound.aside,
        (*history.notes, *_doubts(source)),
    )


def _horizon(instruments: Sequence[Instrument]) -> int:
    return max([YEAR_HOURS, *(i.offering.hours for i in instruments)])


def _choose(source: Model, bound: Bound, settings: Settings, keep_on: Callable[[], bool]) -> Chosen:
    hours = _horizon(bound.instruments)
    paths = (draw(source, hours, settings.seed, number) for number in range(settings.fitted))
    return choose(paths, bound.instruments, bound.held, settings.risk, settings.states, settings.seconds, keep_on)


def _uses(history: History, bound: Bound) -> tuple[Use, ...]:
    """How well earlier promises fit the last 28 days, as if all of them had been in force then."""
    recent = matrix(history)[:, -rules.LOOK_BACK :]
    hours = recent.shape[1]
    pledges = [kept(msgspec.structs.replace(promise, until=hours), hours) for promise in bound.held]
    found = apply(recent, pledges)
    month = MONTH_HOURS / hours
    return tuple(
        Use(promise.name, round(covered * month), round(whole * month), promise.until)
        for promise, covered, whole in zip(bound.held, found.covered, found.whole, strict=True)
    )


def _doubts(source: Model) -> list[str]:
    notes = []
    if len(source.levels) < 3:
        notes.append(f"{source.weeks} weeks show neither trend nor how levels wander: the risk is understated")
    if source.weeks < 104:
        notes.append("less than two years of history: a season of the year is not seen")
    return notes


def held_out(history: History, bound: Bound, settings: Settings, keep_on: Callable[[], bool]) -> HeldOut | None:
    """Decide on the first part of the history, bill the rest; None when it is too short to be told."""
    weeks = history.hours // WEEK_HOURS
    judged = weeks // HELD_OUT
    if weeks < HELD_OUT_WEEKS:
        return None
    split = history.hours - judged * WEEK_HOURS
    before, after = history.part(0, split), history.part(split, history.hours)
    plans = {PLAN: _choose(model(before), bound, settings, keep_on).schedule}
    plans |= {rule: rules.schedule(rule, before, bound, 1) for rule in rules.RULES}
    usage = matrix(after)
    month = MONTH_HOURS / usage.shape[1]
    costs = [(name, round(_bill(bound, amounts, usage, None).total * month)) for name, amounts in plans.items()]
    return HeldOut(moment(after.start), split // WEEK_HOURS, judged, tuple(sorted(costs, key=lambda pair: pair[1])))


def _bill(bound: Bound, plan: rules.Schedule, usage: Floats, path: Path | None) -> Applied:
    hours = usage.shape[1]
    pledges = [bought(i, amounts, path, hours) for i, amounts in zip(bound.instruments, plan, strict=True)]
    return apply(usage, [*pledges, *(kept(promise, hours) for promise in bound.held)])


class _Judge:
    """Bills sets of amounts on the same futures, one future at a time; the amounts were chosen on none of them."""

    def __init__(self, source: Model, bound: Bound, settings: Settings, plans: dict[str, rules.Schedule]) -> None:
        self.bound, self.hours = bound, _horizon(bound.instruments)
        self.months = self.hours / MONTH_HOURS
        self.bills: dict[str, list[Applied]] = {name: [] for name in plans}
        self.first_year: list[Applied] = []
        pairs = sum(len(i.members) for i in bound.instruments)
        judged = min(settings.judged, max(JUDGED_LEAST, BILLED_MOST // max(1, pairs)))
        for number in range(settings.fitted, settings.fitted + judged):
            path = draw(source, self.hours, settings.seed, number)
            for name, amounts in plans.items():
                self.bills[name].append(_bill(bound, amounts, path.usage, path))
            self.first_year.append(_bill(bound, plans[PLAN], path.usage[:, :YEAR_HOURS], path))
        fallen = steady(source, self.hours, FALL)
        self.fallen = {name: _bill(bound, amounts, fallen.usage, fallen).total for name, amounts in plans.items()}
        known = choose([fallen], bound.instruments, bound.held, 0.0, settings.states, settings.seconds)
        best = _bill(bound, known.schedule, fallen.usage, fallen).total
        self.best_fallen = min(best, *self.fallen.values())

    def outcome(self, name: str) -> Outcome:
        bills = self.bills[name]
        costs = np.sort([bill.total / self.months for bill in bills])
        tail = max(1, int(np.ceil(TAIL * len(costs))))
        own = len(self.bound.instruments)
        whole = sum(sum(bill.whole[:own]) for bill in bills)
        used = sum(sum(bill.covered[:own]) for bill in bills)
        p10, p50, p90 = (round(float(np.quantile(costs, q))) for q in (0.1, 0.5, 0.9))
        return Outcome(
            name,
            round(float(costs.mean())),
            p10,
            p50,
            p90,
            round(float(costs[-tail:].mean())),
            used / whole if whole else None,
            float(np.mean([bill.coverage for bill in bills])),
            round(self.fallen[name] / self.months),
            round((self.fallen[name] - self.best_fallen) / self.months),
        )

    def buys(self, plan: rules.Schedule) -> tuple[Buy, ...]:
        """Each purchase with its own share of the first year's mean result, the largest saving first."""
        months = YEAR_HOURS / MONTH_HOURS * len(self.first_year)
        found = []
        for at, (instrument, amounts) in enumerate(zip(self.bound.instruments, plan, strict=True)):
            if amounts[0] > 0:
                paid = sum(bill.paid[at] for bill in self.first_year) / months
                covered = sum(bill.covered[at] for bill in self.first_year) / months
                whole = sum(bill.whole[at] for bill in self.first_year) / months
                found.append(_buy(instrument, amounts, paid, covered, whole))
        return tuple(sorted(found, key=lambda buy: -buy.saving_micro))


def _buy(instrument: Instrument, amounts: Sequence[float], paid: float, covered: float, whole: float) -> Buy:
    """``paid``, ``covered`` and ``whole`` (what it can cover) are micro-USD a month."""
    offering = instrument.offering
    months = offering.hours / MONTH_HOURS
    return Buy(
        offering.name,
        offering.cloud,
        offering.kind,
        offering.region,
        offering.sku,
        offering.term,
        amounts[0],
        _unit(instrument),
        round(paid),
        round(whole),
        round(covered - paid),
        covered / whole if whole else 0.0,
        round(paid * months * (1.0 if offering.prepaid else offering.upfront_ppm / 1e6)),
        offering.source,
        tuple(amounts[1:]),
        offering.as_of,
    )


def _unit(instrument: Instrument) -> str:
    offering = instrument.offering
    if offering.prepaid:
        return f"USD a term at list prices, {instrument.ratio:.0%} of it paid"
    if offering.unit_micro is None:
        return f"USD/h at on-demand prices, {instrument.ratio:.0%} of it paid"
    return "machines" if not offering.serves else f"{offering.kind} units"
