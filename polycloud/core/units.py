"""Quantities written with their unit (``40 TB``, ``15m``, ``10 Gbps``, ``99.95 %``), parsed strictly."""

import re
from decimal import Decimal, InvalidOperation
from typing import Literal

import msgspec

Dimension = Literal["bytes", "seconds", "bits_per_second", "ratio", "count_per_minute", "kilometres"]

# Decimal prefixes are powers of 1000 and binary ones of 1024, as in IEC 80000-13.
UNITS: dict[str, tuple[Dimension, Decimal]] = {
    "B": ("bytes", Decimal(1)),
    **{p + "B": ("bytes", Decimal(1000) ** n) for n, p in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{p + "iB": ("bytes", Decimal(1024) ** n) for n, p in enumerate(("K", "M", "G", "T", "P", "E"), 1)},
    "ms": ("seconds", Decimal("0.001")),
    "s": ("seconds", Decimal(1)),
    "m": ("seconds", Decimal(60)),
    "h": ("seconds", Decimal(3600)),
    "d": ("seconds", Decimal(86400)),
    "w": ("seconds", Decimal(604800)),
    "month": ("seconds", Decimal(2629800)),
    "y": ("seconds", Decimal(31557600)),
    "bps": ("bits_per_second", Decimal(1)),
    **{p + "bps": ("bits_per_second", Decimal(1000) ** n) for n, p in enumerate(("k", "M", "G", "T"), 1)},
    "%": ("ratio", Decimal("0.01")),
    "/m": ("count_per_minute", Decimal(1)),
    "/s": ("count_per_minute", Decimal(60)),
    "km": ("kilometres", Decimal(1)),
}
NUMBER = r"[0-9](?:_?[0-9]){0,11}(?:\.[0-9]{1,30})?"  # more digits than any amount has; none overflows what reads it
_FORM = re.compile(rf"\s*({NUMBER})\s*([A-Za-z%/]+)\s*")


class Quantity(msgspec.Struct, frozen=True, order=True):
    """A number in the base unit of its dimension, and the text that it was written as."""

    value: Decimal
    dimension: Dimension
    text: str = ""

    def __str__(self) -> str:
        return self.text or f"{self.value} {self.dimension}"


def parse(text: str, dimension: Dimension) -> Quantity:
    """Read ``text`` as a quantity of ``dimension``.

    Raises ValueError that says what was expected; a bare number has no unit and is refused.
    """
    examples = ", ".join(u for u, (d, _) in UNITS.items() if d == dimension)
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with a unit ({examples})")
    unit = UNITS.get(match[2])
    if unit is None or unit[0] != dimension:
        raise ValueError(f"{match[2]!r} is not a unit of {dimension.replace('_', ' ')} (use {examples})")
    try:
        number = Decimal(match[1].replace("_", ""))
    except InvalidOperation as error:  # pragma: no cover - the pattern admits only decimals
        raise ValueError(f"{match[1]!r} is not a number") from error
    return Quantity(number * unit[1], dimension, text.strip())
