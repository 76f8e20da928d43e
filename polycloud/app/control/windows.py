"""Ratios over the last five minutes, from the records' own times, in a ring of small counts."""

from typing import NamedTuple

SPAN_SECONDS = 300
STEP_SECONDS = 10
STEPS = SPAN_SECONDS // STEP_SECONDS


class Counts(NamedTuple):
    """``faulty`` are errors that are the provider's; ``errors`` are all, the caller's mistakes too."""

    good: int = 0
    faulty: int = 0
    errors: int = 0

    @property
    def availability(self) -> float | None:
        judged = self.good + self.faulty
        return self.good / judged if judged else None

    @property
    def error_ratio(self) -> float | None:
        answered = self.good + self.errors
        return self.errors / answered if answered else None


class Window:
    """Counts of one provider or deployment. Times are Unix seconds; what is older than the span is passed over."""

    def __init__(self) -> None:
        self._steps = [0] * STEPS
        self._counts = [Counts()] * STEPS

    def add(self, at: float, now: float, more: Counts) -> None:
        step = int(at) // STEP_SECONDS
        if step <= int(now) // STEP_SECONDS - STEPS:
            return
        slot = step % STEPS
        if self._steps[slot] != step:
            self._steps[slot], self._counts[slot] = step, Counts()
        self._counts[slot] = Counts(*(a + b for a, b in zip(self._counts[slot], more, strict=True)))

    def sum(self, now: float) -> Counts:
        oldest = int(now) // STEP_SECONDS - STEPS
        held = [c for s, c in zip(self._steps, self._counts, strict=True) if s > oldest]
        return Counts(*(sum(column) for column in zip(*held, strict=True))) if held else Counts()
