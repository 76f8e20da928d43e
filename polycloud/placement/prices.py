"""What an estate pays of a list price: the one rule of negotiated discounts, for plans, promises and rendered files.

A discount comes off list prices, on-demand and committed. A spot price is the market's of the day and keeps, and so
does a price that the estate states itself.
"""

from decimal import ROUND_HALF_UP, Decimal

from polycloud.estate.schema.operations import MoneyRules


def left(money: MoneyRules, cloud: str) -> Decimal:
    """What is left of a list price of a cloud, 1 without a negotiated discount."""
    found = next((ratio for name, ratio in money.discounts.items() if name == cloud), None)
    return Decimal(1) if found is None else 1 - found.value


def less(price: int | None, share: Decimal) -> int | None:
    """A share of a price, rounded half up; None stays unknown."""
    return None if price is None else int((price * share).to_integral_value(ROUND_HALF_UP))
