"""What tokens cost: each kind at its own price, and the hour's cache at the hour's."""

import pytest

from polycloud.core.money import TokenPrice
from polycloud.core.usage import Usage, cost_pico_usd

PRICE = TokenPrice(3_000_000, 15_000_000, 300_000, 3_750_000)  # Claude Sonnet's, in micro-dollars a million tokens


@pytest.mark.parametrize(
    ("usage", "price", "cost"),
    [
        (Usage(100, 10), PRICE, 100 * 3_000_000 + 10 * 15_000_000),
        (Usage(100, 0, cache_read_tokens=100), PRICE, 100 * 300_000),
        (Usage(100, 0, cache_write_tokens=100), PRICE, 100 * 3_750_000),
        (Usage(100, 0, 0, 100, 0, 100), PRICE, 100 * 6_000_000),  # twice the input's
        (Usage(100, 0, 0, 80, 0, 30), PRICE, 20 * 3_000_000 + 50 * 3_750_000 + 30 * 6_000_000),
        (Usage(100, 10, 0, 0, 10), PRICE, 100 * 3_000_000 + 10 * 15_000_000),  # reasoning is a part of the output
        (Usage(100, 0, 40, 50, 0, 50), TokenPrice(2, 3), 200),  # without a price of their own they are plain input
        (Usage(100, 0), TokenPrice(None, 3), None),
        (Usage(100, 0), TokenPrice(3, None), None),
    ],
)
def test_every_kind_of_token_has_its_price(usage: Usage, price: TokenPrice, cost: int | None) -> None:
    assert cost_pico_usd(usage, price) == cost
