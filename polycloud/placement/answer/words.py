"""Amounts as people read them, the same in tables, sentences and reports."""

import math
from collections.abc import Sequence

from polycloud.placement.answer.values import BaselineAnswer, Comparison, LevelAnswer, Placement, Promise, SiteShare

MICRO = 1_000_000
BYTES = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
CENTS_BELOW = 100 * MICRO
OPEN = 50  # a difference is said with its span where that is more than this part of it


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


def candidates(what: tuple[str, ...], most: int = 3) -> str:
    """Candidates left out: their sites, and how many machines where several are named."""
    said = []
    for text in what:
        site, _, machines = text.partition(": ")
        names = machines.split(", ") if machines else []
        few = len(names) == 1 or any(" " in name for name in names)  # data sets and links are named, machines counted
        said.append(f"{site}: {', '.join(names) if few else f'{len(names)} machines'}" if names else site)
    return listed(said, most)


def up(gap: float) -> str:
    """A gap rounded up, so that it is never said to be smaller than it is."""
    return percent(math.ceil(gap * 10_000) / 10_000, 2)


def nearness(found: Placement) -> str:
    """How near a plan is to the optimum; where aims have an order, that is another plan than the cheapest."""
    if found.optimality.gap <= 0:
        return "the cheapest too" if found.levels else "the optimum"
    gap = up(found.optimality.gap)
    return f"the cheapest plan costs at most {gap} less" if found.levels else f"within {gap} of the optimum"


def between(found: Comparison) -> str:
    """What is proven of the difference of two plans, where their gaps leave much of it open; else nothing."""
    before, after = found.before, found.after
    if after is None or before.levels:
        return ""
    low = after.optimality.bound_micro - before.cost.month_micro
    high = after.cost.month_micro - before.optimality.bound_micro
    if high - low <= abs(found.extra_micro or 0) // OPEN:
        return ""
    return f"by the gaps of both plans the difference is from {usd(low, True)} to {usd(high, True)}"


def saving(row: BaselineAnswer) -> str:
    if row.saving_ppm is None:
        return "–"
    if row.saving_ppm == 0:
        return "the same"
    return f"ours {percent(abs(row.saving_ppm) / 1_000_000)} {'less' if row.saving_ppm > 0 else 'more'}"


def dated(promise: Promise) -> str:
    """How old the prices of a promise are, and what is not sure of them."""
    if not promise.as_of:
        return "–"
    return promise.as_of if promise.quality == "list" else f"{promise.as_of}, {promise.quality}"


def best_single(baselines: Sequence[BaselineAnswer]) -> BaselineAnswer | None:
    """The cheapest lawful plan in one cloud."""
    single = [row for row in baselines if row.name.startswith("only ") and row.month_micro is not None]
    return min(single, key=lambda row: row.month_micro or 0, default=None)


def aim(row: LevelAnswer, amount: float) -> str:
    """An amount of an aim with its unit."""
    if row.level == "cost":
        return usd(round(amount))
    units = {"latency": "ms in all", "availability": "minutes down a month, in all", "complexity": "clouds"}
    unit = units.get(row.level, "kg CO2e")
    return f"{amount:,.4g} {'cloud' if unit == 'clouds' and amount == 1 else unit}"


def shared(row: SiteShare) -> tuple[str, str, str]:
    """The target of a site, what the plan has of it, and by how much that differs."""
    target = percent(row.target_ppm / 1_000_000)
    if row.plan_ppm is None:
        return target, "-", "-"
    more = row.plan_ppm - row.target_ppm
    sign = "+" if more > 0 else ""
    return target, percent(row.plan_ppm / 1_000_000), f"{sign}{percent(more / 1_000_000)}" if more else "as meant"
