"""Amounts as people read them, the same in tables, sentences and reports."""

MICRO = 1_000_000
BYTES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
CENTS_BELOW = 100 * MICRO


def usd(micro: int, signed: bool = False) -> str:
    """``1,234 USD``; cents below a hundred dollars. A difference carries its sign."""
    sign = "−" if micro < 0 else "+" if signed and micro > 0 else ""
    size = abs(micro)
    text = f"{size / MICRO:,.2f}" if size < CENTS_BELOW else f"{(size + MICRO // 2) // MICRO:,}"
    return f"{sign}{text} USD"


def data(amount: int) -> str:
    """``2.5 TB``: three digits and a decimal prefix."""
    value, unit = float(amount), 0
    while value >= 999.5 and unit < len(BYTES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {BYTES[unit]}"


def percent(share: float, digits: int = 1) -> str:
    """``12.5 %`` of a share such as 0.125; a true minus sign."""
    return f"{share * 100:.{digits}f} %".replace("-", "−")


def listed(names: tuple[str, ...] | list[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
