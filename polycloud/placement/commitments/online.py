"""When to reserve without any forecast: a deterministic rule that never costs more than (2 - α) times the best.

Wang, Li and Liang, "To Reserve or Not to Reserve: Optimal Online Multi-Instance Acquisition in IaaS Clouds"
(arxiv.org/abs/1305.5608; abstract read 2026-11): a reservation costs a fee and then α times the on-demand price for
each hour it runs; α is 0 where all hours of the term are paid whether used or not, as with today's commitments. The
rule reserves one more machine when on-demand hours that one more reservation would have saved, looking back over one
term, are worth more than the fee. No deterministic rule can promise less than (2 - α) times the offline optimum.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from fractions import Fraction

import msgspec

from polycloud.placement.solve.highs import INF, Model, run

DEMAND_MOST = 100_000  # machines at once; more is a unit mistaken
OFFLINE_SECONDS = 60.0  # a year of hours takes a few


class Price(msgspec.Struct, frozen=True):
    """What the rule weighs: micro-USD per machine-hour on demand (``hourly``) and reserved (``running``, the α part),
    the ``fee`` in micro-USD of a reservation, and its ``term`` in hours."""

    hourly: int
    fee: int
    term: int
    running: int = 0

    @property
    def alpha(self) -> Fraction:
        return Fraction(self.running, self.hourly)

    @property
    def guarantee(self) -> Fraction:
        """The rule costs at most this many times the offline optimum, whatever the demand."""
        return 2 - self.alpha


class Step(msgspec.Struct, frozen=True):
    """What the rule does in one hour: machines newly reserved, in force, and run on demand."""

    reserve: int
    reserved: int
    on_demand: int


class Rule:
    """The rule's state between hours; ``step`` is told each hour's demand as it comes."""

    def __init__(self, price: Price) -> None:
        if not (price.hourly > 0 and 0 <= price.running < price.hourly and price.fee >= 0 and price.term > 0):
            raise ValueError("a reservation needs a term, a fee and a running price below the on-demand price")
        self.price = price
        self._hour = 0
        self._ends: deque[int] = deque()  # the hour in which each reservation ends, ascending
        # What each hour of the last term lacked, plus what had been credited by then: an hour still argues for a
        # reservation while it stands above the credit of now. Counted by value, so that a step is quick.
        self._lacking: deque[int] = deque()
        self._count: Counter[int] = Counter()
        self._credit = 0
        self._arguing = 0

    def step(self, demand: int) -> Step:
        """Raises ValueError for a demand that is negative or beyond ``DEMAND_MOST``."""
        if not 0 <= demand <= DEMAND_MOST:
            raise ValueError(f"{demand} machines are no demand")
        while self._ends and self._ends[0] <= self._hour:
            self._ends.popleft()
        self._look(demand - len(self._ends) + self._credit)
        new = 0
        saved = self.price.hourly - self.price.running
        while saved * self._arguing > self.price.fee:
            new += 1
            # It counts for the hours that made it worth while, so that they argue for no second one.
            self._credit += 1
            self._arguing -= self._count[self._credit]
            self._ends.append(self._hour + self.price.term)
        self._hour += 1
        return Step(new, len(self._ends), max(0, demand - len(self._ends)))

    def _look(self, lack: int) -> None:
        """Takes in this hour, and forgets the one that a term has passed since."""
        self._lacking.append(lack)
        self._count[lack] += 1
        self._arguing += lack > self._credit
        if len(self._lacking) > self.price.term:
            old = self._lacking.popleft()
            self._count[old] -= 1
            self._arguing -= old > self._credit


def cost(price: Price, demands: Sequence[int], steps: Iterable[Step]) -> int:
    """Micro-USD of what was done: fees, on-demand hours, and the running price of the reserved ones in use."""
    return sum(
        step.reserve * price.fee + step.on_demand * price.hourly + min(demand, step.reserved) * price.running
        for demand, step in zip(demands, steps, strict=True)
    )


def follow(price: Price, demands: Sequence[int]) -> tuple[Step, ...]:
    """The rule over a whole sequence, each hour decided without knowing the next."""
    rule = Rule(price)
    return tuple(rule.step(demand) for demand in demands)


def offline(price: Price, demands: Sequence[int]) -> int | None:
    """The least cost with the whole sequence known, in micro-USD; None when it was not found in time.

    A linear programme is enough: with the sum of all reservations so far as its columns, its rows are differences
    of two of them, so its corners are whole numbers.
    """
    model = Model()
    saved = (price.hourly - price.running) / 1e6
    sums: list[int] = []
    for hour, demand in enumerate(demands):
        sums.append(model.column(price.fee / 1e6 if hour == len(demands) - 1 else 0.0, 0.0, INF))
        if hour:
            model.row(0.0, INF, (sums[hour], sums[hour - 1]), (1.0, -1.0))
        if demand > 0:
            on_demand = model.column(saved, 0.0, float(demand))
            columns, values = [sums[hour], on_demand], [1.0, 1.0]
            if hour >= price.term:
                columns, values = [*columns, sums[hour - price.term]], [*values, -1.0]
            model.row(float(demand), INF, columns, values)
    found = run(model, OFFLINE_SECONDS, 1e-9, lambda: True)
    if found.values is None:
        return None
    whole = [round(found.values[column]) for column in sums]
    before = [0] * price.term + whole
    steps = []
    for hour, demand in enumerate(demands):
        force = whole[hour] - before[hour]
        steps.append(Step(whole[hour] - (whole[hour - 1] if hour else 0), force, max(0, demand - force)))
    return cost(price, demands, steps)
