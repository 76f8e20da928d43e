"""Usage histories as values: what ran in each hour, at on-demand prices. No line and no hour is lost in silence."""

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec

from polycloud.core.diagnostics import Diagnostic, Place
from polycloud.core.money import PICO_PER_MICRO

HOUR, DAY_HOURS, WEEK_HOURS = 3600, 24, 168
WEEKS_LEAST = 2  # one week repeats nothing: neither its shape nor its level can be judged
FINDINGS_SHOWN = 50  # lines of one file that are told one by one; the rest are counted
GAP_SHARE = 0.1  # of the hours; above it the history is called doubtful

MACHINES, TOKENS, DOLLARS = "machines", "tokens/m", "USD"


class Row(msgspec.Struct, frozen=True):
    """One line, read: ``units`` is the mean in use over the line's time (machines, tokens a minute; 0 where only a
    cost is given), ``micro`` the on-demand cost in micro-USD per hour, None where the price is to be looked up."""

    line: int
    start: int  # Unix seconds
    hours: int  # 1 or 24
    cloud: str
    region: str
    sku: str
    unit: str
    units: float
    micro: int | None


class Series(msgspec.Struct, frozen=True):
    """One machine or model in one region: ``micro`` is micro-USD per hour at on-demand prices, hour by hour.

    ``per_unit`` is micro-USD per hour for one of ``unit`` (a machine, a token a minute), None for plain spend;
    ``priced_by`` says where the price comes from.
    """

    cloud: str
    region: str
    sku: str
    micro: tuple[int, ...]
    unit: str = DOLLARS
    per_unit: float | None = None
    priced_by: str = ""

    @property
    def name(self) -> str:
        return f"{self.cloud}/{self.region} {self.sku}"


class History(msgspec.Struct, frozen=True):
    """Series over the same hours from ``start`` (Unix seconds). ``step_hours`` 24: given by the day, so that the
    hours of a day are only their mean. ``notes`` say what was done to the data."""

    start: int
    series: tuple[Series, ...]
    step_hours: int = 1
    notes: tuple[str, ...] = ()

    @property
    def hours(self) -> int:
        return len(self.series[0].micro) if self.series else 0

    def part(self, first: int, end: int) -> "History":
        """The hours from ``first`` to before ``end``."""
        cut = tuple(msgspec.structs.replace(s, micro=s.micro[first:end]) for s in self.series)
        return msgspec.structs.replace(self, start=self.start + first * HOUR, series=cut)


class Read(msgspec.Struct, frozen=True):
    """What a file held: no history when a line is wrong or too little was read; ``diagnostics`` has every reason."""

    history: History | None
    diagnostics: tuple[Diagnostic, ...] = ()


def finding(file: str, line: int, code: str, message: str, fix: str = "") -> Diagnostic:
    """An error at a line of a usage file."""
    return Diagnostic("error", code, message, Place(file, line, 1), fix)


def bounded(found: list[Diagnostic], file: str) -> tuple[Diagnostic, ...]:
    """The first findings, and one that counts the others."""
    if len(found) <= FINDINGS_SHOWN:
        return tuple(found)
    rest = len(found) - FINDINGS_SHOWN
    last = finding(file, found[FINDINGS_SHOWN].place.line, "usage_line", f"and {rest} more lines are wrong")
    return (*found[:FINDINGS_SHOWN], last)


def assemble(rows: Iterable[Row], file: str, per_unit: dict[tuple[str, str, str], tuple[float, str]]) -> Read:
    """Rows as one history over whole hours. ``per_unit`` has for (cloud, region, sku) the price and its source, for
    rows that bring no cost of their own."""
    kept = list(rows)
    if not kept:
        return Read(None, (finding(file, 1, "usage_empty", "no usage was read", "give lines below the header"),))
    steps = Counter(row.hours for row in kept)
    if len(steps) > 1:
        odd = min(steps, key=lambda step: steps[step])
        line = next(row.line for row in kept if row.hours == odd)
        message = f"{steps[1]} lines are by the hour and {steps[24]} by the day"
        return Read(None, (finding(file, line, "usage_mixed", message, "use one of the two in a file"),))
    first = min(row.start for row in kept)
    hours = (max(row.start + row.hours * HOUR for row in kept) - first) // HOUR
    if hours < WEEKS_LEAST * WEEK_HOURS:
        message = f"{hours} hours of usage are too few"
        fix = f"give at least {WEEKS_LEAST} weeks; 8 and more show a trend"
        return Read(None, (finding(file, 1, "usage_short", message, fix),))
    series, twice, seen = _series(kept, first, hours, per_unit)
    filled, notes = _without_gaps(series, seen, first)
    if twice:
        notes.append(f"{twice} lines were added to another of the same time, region and sku")
    if kept[0].hours == DAY_HOURS:
        notes.append("given by the day: what the hours of a day do is not seen, so promises come out too large")
    return Read(History(first, filled, kept[0].hours, tuple(notes)))


def _series(
    rows: list[Row], first: int, hours: int, per_unit: dict[tuple[str, str, str], tuple[float, str]]
) -> tuple[list[Series], int, bytearray]:
    values: dict[tuple[str, str, str], array[int]] = {}
    units: dict[tuple[str, str, str], float] = {}
    unit: dict[tuple[str, str, str], str] = {}
    seen = bytearray(hours)
    times: set[tuple[tuple[str, str, str], int]] = set()
    for row in rows:
        key = (row.cloud, row.region, row.sku)
        line = values.setdefault(key, array("q", bytes(8 * hours)))
        at = (row.start - first) // HOUR
        rate = per_unit[key][0] if row.micro is None else 0.0
        micro = round(row.units * rate) if row.micro is None else row.micro
        for hour in range(at, at + row.hours):
            line[hour] += micro
            seen[hour] = 1
        times.add((key, row.start))
        units[key] = units.get(key, 0.0) + row.units * row.hours
        unit.setdefault(key, row.unit)
    found = []
    for key, line in sorted(values.items()):
        looked_up = per_unit.get(key)
        mean = sum(line) / units[key] if units[key] else None
        each, source = looked_up if looked_up is not None else (mean, "its own cost")
        found.append(Series(*key, micro=tuple(line), unit=unit[key], per_unit=each, priced_by=source))
    return found, len(rows) - len(times), seen


def _without_gaps(series: list[Series], seen: bytearray, start: int) -> tuple[tuple[Series, ...], list[str]]:
    """Hours that no line speaks of, filled from the same hour of the week nearest to them, and said."""
    missing = [hour for hour, there in enumerate(seen) if not there]
    if not missing:
        return tuple(series), []
    source = {hour: _nearest(hour, seen) for hour in missing}
    filled = []
    for line in series:
        micro = list(line.micro)
        for hour, other in source.items():
            micro[hour] = line.micro[other] if other is not None else 0
        filled.append(msgspec.structs.replace(line, micro=tuple(micro)))
    spans = list(_spans(missing))
    longest = max(spans, key=lambda span: span[1] - span[0])
    notes = [
        f"{len(missing)} hours in {len(spans)} gaps have no line and were filled from the same hour of the nearest "
        f"week; the longest is {longest[1] - longest[0]} hours from {moment(start + longest[0] * HOUR)}"
    ]
    if len(missing) > GAP_SHARE * len(seen):
        notes.append(f"{len(missing) / len(seen):.0%} of all hours are missing: doubt what follows")
    return tuple(filled), notes


def _nearest(hour: int, seen: bytearray) -> int | None:
    for weeks in range(1, len(seen) // WEEK_HOURS + 2):
        for other in (hour - weeks * WEEK_HOURS, hour + weeks * WEEK_HOURS):
            if 0 <= other < len(seen) and seen[other]:
                return other
    return None


def _spans(hours: list[int]) -> Iterator[tuple[int, int]]:
    begin = previous = hours[0]
    for hour in hours[1:]:
        if hour != previous + 1:
            yield begin, previous + 1
            begin = hour
        previous = hour
    yield begin, previous + 1


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%MZ")


class Spent(msgspec.Struct, frozen=True):
    """What a gateway counted for one model at one site in one hour: tokens, and cost in pico-USD at the list
    prices; ``unpriced`` attempts have no known price and are in no cost."""

    start: int
    site: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_pico_usd: int
    unpriced: int = 0


def from_gateway(spent: Iterable[Spent], output_counts: dict[str, float], hours: tuple[int, int]) -> Read:
    """The gateway's own usage as a history, in tokens a minute: an output token counts as ``output_counts`` of its
    model says in input tokens, as one where nothing is said. ``hours`` are the first and last hour asked for, in
    Unix seconds: an hour between them without a row was without traffic, which is not a gap."""
    file = "the gateway's usage"
    rows, unpriced = [], 0
    for line, hour in enumerate(spent, 1):
        cloud, _, region = hour.site.partition("/")
        weight = output_counts.get(hour.model, 1.0)
        tokens = hour.input_tokens + weight * hour.output_tokens
        micro = math.floor(hour.cost_pico_usd / PICO_PER_MICRO + 0.5)
        unpriced += hour.unpriced
        rows.append(Row(line, hour.start, 1, cloud, region, hour.model, TOKENS, tokens / 60, micro))
    if not rows:
        fix = "the hour that runs is not counted yet; look further back, or send traffic first"
        return Read(None, (finding(file, 1, "usage_empty", "no traffic was counted in whole hours", fix),))
    # Every hour asked for, so that quiet ones count as quiet.
    rows += [msgspec.structs.replace(rows[0], start=at, units=0.0, micro=0) for at in range(*hours, HOUR)]
    found = assemble(rows, file, {})
    if found.history is None:
        return found
    quiet = "added to another"  # the hours that were put in are not lines of the user's
    notes = [note for note in found.history.notes if quiet not in note]
    if unpriced:
        notes.append(f"{unpriced} attempts have no known price: they are left out of every cost")
    return Read(msgspec.structs.replace(found.history, notes=tuple(notes)), found.diagnostics)
