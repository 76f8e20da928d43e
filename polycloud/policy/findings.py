"""Findings of the compiler: collected with their places, told all at once."""

from collections.abc import Callable
from decimal import Decimal

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.core.money import Money

Path = tuple[str | int, ...]
Placing = Callable[[Path], Place]


class Findings:
    """Collects what is wrong, each with its place in the estate."""

    def __init__(self, place: Placing) -> None:
        self._place = place
        self.found: list[Diagnostic] = []

    def error(self, code: str, path: Path, message: str, fix: str) -> None:
        self.found.append(Diagnostic("error", code, message, self._place(path), fix))


def unplaced(path: Path) -> Place:
    """A place for estates that were made in memory: line 1 of "estate"."""
    return Place("estate", 1, 1, ".".join(map(str, path)))


def dollars(amount: Money, path: Path, findings: Findings) -> int:
    """Micro-dollars; an amount in another currency is a finding, as rates of exchange have dates."""
    if amount.currency != "USD":
        findings.error(
            "currency_unsupported",
            path,
            f"{Decimal(amount.micro) / 1_000_000} {amount.currency}: token prices and caps are compared in USD",
            "write the amount in USD",
        )
    return amount.micro
