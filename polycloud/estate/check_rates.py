"""Prices of one's own under ``money.rates``: volumes that ascend, amounts that can be added up."""

from collections.abc import Sequence

from polycloud.core.money import Money
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.rates import OwnStep

GB = 10**9


def check_rates(ground: Ground) -> None:
    """Notes steps of a price that are out of order, and amounts in a currency that plans are not made in."""
    rates = ground.estate.money.rates
    for at, kept in enumerate(rates.storage):
        path: KeyPath = ("money", "rates", "storage", at)
        _priced(ground, (*path, "per_gb_month"), kept.per_gb_month)
        _steps(ground, (*path, "steps"), kept.per_gb_month, kept.steps)
    for at, sent in enumerate(rates.egress):
        path = ("money", "rates", "egress", at)
        _priced(ground, (*path, "per_gb"), sent.per_gb)
        _steps(ground, (*path, "steps"), sent.per_gb, sent.steps)


def _priced(ground: Ground, path: KeyPath, amount: Money) -> None:
    if amount.currency != "USD":
        message = f"{amount}: plans are made in USD, and no rate to it is known; this row is not counted on"
        ground.warn("currency_foreign", path, message, "write it in USD")


def _steps(ground: Ground, path: KeyPath, first: Money, steps: Sequence[OwnStep]) -> None:
    before = 0
    for at, step in enumerate(steps):
        here, start = (*path, at, "from"), int(step.start.value) // GB
        if start <= before:
            message = f"from {step.start}: " + ("under a gigabyte" if not start else "not above the step before it")
            ground.error("out_of_range", here, message, "begin each step at more than the one before, as from: 10 TB")
        before = max(before, start)
        if step.per_gb.currency != first.currency:
            message = f"{step.per_gb} in a price that begins at {first}"
            ground.error("currency_foreign", (*path, at, "per_gb"), message, f"write it in {first.currency}")
