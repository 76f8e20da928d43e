"""Futures drawn from a history: whole weeks as blocks, with the level of each series wandering as it did before.

A series is its level (the mean of a block of weeks) times a shape (the hours of those weeks over that mean). A
future strings shapes together, all series from the same weeks so that what moved together still does, and lets
the level take steps drawn from those between blocks of the history. Their mean is replaced by the trend, which counts
as far as chance can not explain it, and is followed for no longer than the history is long: nobody knows more.
Chance comes from the seed alone.
"""

import math

import msgspec
import numpy as np

from polycloud.placement.commitments.history import WEEK_HOURS, History
from polycloud.placement.solve.highs import Floats

BLOCK_WEEKS = 4  # long enough that a busy week is no new level
SHORT_WEEKS = 12  # below three blocks of four weeks, a block is one week
FLOOR = 0.02  # of a series' own mean: where it rests, its level still has a logarithm
LEVEL_MOST = 4.0  # times the largest level seen, and a quarter of the smallest: no future runs away


class Model(msgspec.Struct, frozen=True):
    """What is drawn from: ``shapes`` [block, series, hour], ``levels`` [block, series] in micro-USD per hour,
    ``steps`` [block - 1, series] between their logarithms, centred; ``trend`` is the step added in each block."""

    shapes: Floats
    levels: Floats
    steps: Floats
    trend: Floats
    weeks: int

    @property
    def block_hours(self) -> int:
        return int(self.shapes.shape[2])


class Path(msgspec.Struct, frozen=True):
    """One future: ``usage`` [series, hour] in micro-USD per hour; ``levels`` [block, series], the first is today's."""

    usage: Floats
    levels: Floats
    block_hours: int

    def ratio(self, members: tuple[int, ...], hour: int) -> float:
        """How much larger the level of some series is, as far as it is known at ``hour``, than today."""
        now = self.levels[0, list(members)].sum()
        then = self.levels[hour // self.block_hours, list(members)].sum()
        return float(then / now) if now > 0 else 1.0


def matrix(history: History) -> Floats:
    """Micro-USD per hour, [series, hour]."""
    return np.array([series.micro for series in history.series], dtype=np.float64)


def model(history: History) -> Model:
    """Level, shape and steps of a history of at least two weeks; its oldest odd days are left out."""
    usage = matrix(history)
    weeks = usage.shape[1] // WEEK_HOURS
    block_weeks = BLOCK_WEEKS if weeks >= SHORT_WEEKS else 1
    blocks, hours = weeks // block_weeks, block_weeks * WEEK_HOURS
    cut = usage[:, usage.shape[1] - blocks * hours :].reshape(usage.shape[0], blocks, hours).swapaxes(0, 1)
    floor = np.maximum(FLOOR * usage.mean(axis=1), 1e-9)
    levels = np.maximum(cut.mean(axis=2), floor)
    steps = np.diff(np.log(levels), axis=0)
    centred = steps - steps.mean(axis=0) if len(steps) else np.zeros((1, usage.shape[0]))
    return Model(cut / levels[:, :, None], levels, centred, _trend(steps), weeks)


def _trend(steps: Floats) -> Floats:
    """The mean step of each series, shrunk towards none as far as chance could have made it: by the share of its
    square that its standard error is (the positive part of James and Stein's estimator)."""
    if len(steps) < 2:
        return np.zeros(steps.shape[1])
    mean, error = steps.mean(axis=0), steps.std(axis=0, ddof=1) / np.sqrt(len(steps))
    square = np.maximum(mean**2, 1e-30)
    found: Floats = mean * np.maximum(0.0, 1.0 - error**2 / square)
    return found


def draw(model: Model, hours: int, seed: int, number: int) -> Path:
    """Future ``number`` over ``hours``; the same for the same seed and number."""
    chance = np.random.default_rng([seed, number])
    blocks = math.ceil(hours / model.block_hours)
    steps = model.steps[chance.integers(len(model.steps), size=blocks)]
    known = len(model.levels)  # the trend is followed for as many blocks as were seen
    steps = steps + np.where(np.arange(blocks)[:, None] < known, model.trend, 0.0)
    start = model.levels[-1]
    levels = start * np.exp(np.vstack([np.zeros_like(start), np.cumsum(steps, axis=0)]))
    levels = np.clip(levels, model.levels.min(axis=0) / LEVEL_MOST, model.levels.max(axis=0) * LEVEL_MOST)
    shapes = model.shapes[chance.integers(len(model.shapes), size=blocks)]
    usage = (shapes * levels[1:, :, None]).swapaxes(0, 1).reshape(len(start), -1)[:, :hours]
    return Path(usage, levels, model.block_hours)


def steady(model: Model, hours: int, factor: float) -> Path:
    """The last block's shape and level for ever, times ``factor``: a future without surprise but the fall itself."""
    blocks = math.ceil(hours / model.block_hours)
    start = model.levels[-1]
    levels = np.repeat((start * factor)[None, :], blocks + 1, axis=0)
    levels[0] = start
    usage = np.tile(model.shapes[-1] * (start * factor)[:, None], blocks)[:, :hours]
    return Path(usage, levels, model.block_hours)
