"""Money and token prices as integers: never a float.

A token price is kept in micro-dollars per million tokens, so that ``tokens * price`` is an exact
count of pico-dollars (10⁻¹² USD) and sums of any length stay exact.
"""

from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

PICO_PER_MICRO = 1_000_000
PICO_PER_DOLLAR = 1_000_000_000_000


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in integer micro-units of one currency (1 USD = 1,000,000)."""

    micro: int
    currency: str = "USD"

    def __add__(self, other: "Money") -> "Money":
        """Raises ValueError when the currencies differ: convert first, with a dated rate."""
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.micro + other.micro, self.currency)

    def __str__(self) -> str:
        return f"{Decimal(self.micro) / 1_000_000:,.2f} {self.currency}"


class TokenPrice(msgspec.Struct, frozen=True):
    """What one deployment charges, in micro-dollars per million tokens; None is unknown, never free.

    ``cache_read`` and ``cache_write`` None mean that the provider lists no separate price: such
    tokens are then charged as plain input.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None

    @property
    def known(self) -> bool:
        return self.input is not None and self.output is not None


def micro_usd(dollars: str | Decimal) -> int:
    """Dollars, as decimal text, in whole micro-dollars (half to even)."""
    return int((Decimal(dollars) * 1_000_000).to_integral_value(ROUND_HALF_EVEN))


def pico_as_dollars(pico: int) -> Decimal:
    """A count of pico-dollars in dollars, exactly."""
    return Decimal(pico) / PICO_PER_DOLLAR
