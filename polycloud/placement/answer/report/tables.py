"""The report's tables and sections, one function for each."""

from collections.abc import Iterable, Sequence

from polycloud.placement.answer.curve import measured
from polycloud.placement.answer.report.charts import bars, key, plot, stacked
from polycloud.placement.answer.report.markup import Child, Markup, join, tag
from polycloud.placement.answer.values import (
    Alternative,
    Comparison,
    Cost,
    Curve,
    Fact,
    Placement,
    WorkloadAnswer,
)
from polycloud.placement.answer.words import aim, between, candidates, data, dated, listed, percent, saving, shared, usd

FLOWS_SHOWN = 60  # the rest is summed up in one row
FACTS_SHOWN = 80


def table(
    head: Sequence[str], rows: Iterable[Sequence[Child]], caption: str = "", numbers: Sequence[int] = ()
) -> Markup:
    """A table whose first cell of each row is its heading; ``numbers`` are the columns that stand right."""
    kinds = ["number" if at in numbers else None for at in range(len(head))]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            [tag("td", cell, class_=kinds[at]) for at, cell in enumerate(row[1:], 1)],
        )
        for row in rows
    ]
    columns = [tag("th", name, scope="col", class_=kinds[at]) for at, name in enumerate(head)]
    return tag(
        "div",
        tag(
            "table", tag("caption", caption) if caption else None, tag("thead", tag("tr", columns)), tag("tbody", body)
        ),
        class_="wide",
        tabindex=0,
    )


def machines(count: int, machine: str, market: str) -> str:
    return f"{count} × {machine}, {market}"


def workloads(rows: Sequence[WorkloadAnswer]) -> Markup:
    """Where each workload runs; each opens to its reason and its alternatives."""
    overview = table(
        ("Workload", "Kind", "Where", "On what", "A month"),
        (
            (
                row.name,
                row.kind,
                [tag("div", part.site) for part in row.parts],
                [tag("div", machines(part.count, part.machine, part.market)) for part in row.parts],
                usd(row.month_micro),
            )
            for row in rows
        ),
        numbers=(4,),
    )
    return join(overview, tag("h3", "Why there, and why not elsewhere"), [_why(row) for row in rows])


def _why(row: WorkloadAnswer) -> Markup:
    sites = listed(sorted({part.site for part in row.parts}))
    kinds = ", ".join(f"{kind} {usd(micro)}" for kind, micro in row.by_kind.items() if micro)
    others = table(
        ("Instead at", "On what", "A month more", "Then also", "It would win if"),
        (_other(row, other) for other in row.alternatives),
        numbers=(2,),
    )
    left = (
        tag("p", "Not considered:", class_="soft"),
        tag("ul", [tag("li", f"{group.why} ({candidates(group.what)})") for group in row.refused]),
    )
    return tag(
        "details",
        tag("summary", row.name, " ", tag("span", f"at {sites}", class_="soft")),
        tag("p", row.reason + "."),
        tag("p", f"All that it costs: {kinds}.", class_="soft") if kinds else None,
        others if row.alternatives else tag("p", "No other place is left to compare with.", class_="soft"),
        left if row.refused else None,
    )


def _other(row: WorkloadAnswer, other: Alternative) -> tuple[Child, ...]:
    extra = "no plan" if other.extra_micro is None else usd(other.extra_micro, signed=True)
    sure = "" if other.proven or other.extra_micro is None else " at most"
    where = f"{other.site} ({other.task})" if len(row.parts) > 1 else other.site
    return (
        where,
        machines(other.count, other.machine, other.market),
        extra + sure,
        listed(other.differs, 4) or "–",
        other.why_not or other.wins_if,
    )


def datasets(found: Placement) -> Markup:
    return table(
        ("Data set", "Class", "Copies", "Fed a month", "A month"),
        (
            (
                row.name,
                row.data_class or "none",
                [tag("div", copy.site, " (first)" if copy.first else None) for copy in row.copies],
                data(row.feed_bytes) if row.feed_bytes else "–",
                usd(row.month_micro),
            )
            for row in found.datasets
        ),
        numbers=(3, 4),
    )


def flows(found: Placement) -> Markup:
    rows = [f for f in found.flows if f.source != f.target]
    shown = [
        (
            f"{f.source} → {f.target}",
            f.kind,
            f.dataset,
            f.workload or "–",
            data(f.bytes),
            ", ".join(f.via) or "direct",
            usd(f.month_micro),
        )
        for f in rows[:FLOWS_SHOWN]
    ]
    rest = rows[FLOWS_SHOWN:]
    if rest:
        volume, cost = sum(f.bytes for f in rest), sum(f.month_micro for f in rest)
        shown.append((f"{len(rest)} more", "", "", "", data(volume), "", usd(cost)))
    if not shown:
        return tag("p", "Nothing crosses from one site to another: all data are read where they are kept.")
    return table(("Way", "What", "Data set", "For", "A month", "Via", "Cost"), shown, numbers=(4, 6))


def links(found: Placement) -> Markup:
    return table(
        ("Link", "Kind", "Between", "A month", "Carries"),
        (
            (k.name, k.via, " – ".join(k.between), usd(k.month_micro) if k.stated else "unknown", data(k.bytes))
            for k in found.links
        ),
        numbers=(3, 4),
    )


def costs(cost: Cost) -> Markup:
    """The month by cloud and by site, each bar by kind."""
    kinds = [kind for kind, micro in cost.by_kind.items() if micro > 0]
    saving = any(line.kind == "commitment" and line.micro < 0 for line in cost.lines)

    def parts(name: str, of: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for line in cost.lines:
            where = line.cloud if of == "cloud" else line.site or "everywhere"
            if where == name:
                found[line.kind] = found.get(line.kind, 0) + line.micro
        return found

    return join(
        key(kinds),
        tag("p", "What promises save is taken off the compute that they cover.", class_="soft") if saving else None,
        tag("h3", "By cloud"),
        stacked([(name, parts(name, "cloud")) for name in cost.by_cloud]),
        tag("h3", "By site"),
        stacked([(name, parts(name, "site")) for name in cost.by_site]),
        table(
            ("Kind", "A month", "Share"),
            [
                (kind, usd(micro), percent(micro / cost.month_micro) if cost.month_micro else "–")
                for kind, micro in cost.by_kind.items()
            ]
            + [("all", usd(cost.month_micro), "100 %")],
            numbers=(1, 2),
        ),
    )


def promises(found: Placement) -> Markup:
    if not found.promises:
        return tag("p", "None are held and none are worth buying for this plan alone.")
    return join(
        table(
            ("Pool", "Term", "Held, on-demand an hour", "To buy", "Paid of list", "Upfront", "Prices of"),
            (
                (
                    p.pool,
                    p.term,
                    usd(p.held_micro_hour),
                    usd(p.buy_micro_hour),
                    percent(p.keep_ppm / 1_000_000),
                    usd(p.upfront_micro) if p.upfront_micro else "–",
                    dated(p),
                )
                for p in found.promises
            ),
            numbers=(2, 3, 4, 5),
        ),
        table(
            ("Pool", "Used", "Adds a month"),
            (
                (u.pool, "–" if u.used_ppm is None else percent(u.used_ppm / 1_000_000), usd(u.adds_micro, signed=True))
                for u in found.pools
            ),
            numbers=(1, 2),
        ),
    )


def aims(found: Placement) -> Markup:
    rows = ((row.level, aim(row, row.least), aim(row, row.has)) for row in found.levels)
    return table(("Aim", "The least found", "This plan"), rows, numbers=(1, 2))


def shares(found: Placement) -> Markup:
    """The target share of each site beside the plan's."""
    rows = ((row.site, *shared(row)) for row in found.shares)
    return table(("Site", "Target", "Plan", "Difference"), rows, "Shares of what is served", (1, 2, 3))


def baselines(found: Placement) -> Markup:
    rows = [("this plan", found.cost.month_micro, "accent", usd(found.cost.month_micro))]
    rows += [
        (row.name, row.month_micro, "penalty", f"{usd(row.month_micro)} ({saving(row)})")
        for row in found.baselines
        if row.month_micro is not None
    ]
    impossible = [row for row in found.baselines if row.month_micro is None]
    said = tag("ul", [tag("li", f"{row.name}: {row.why_not or 'no lawful plan'}") for row in impossible])
    return join(bars(rows), said if impossible else None)


AXES = {"clouds": "clouds in use", "latency": "mean round trip, ms", "carbon": "kg CO2e a month"}


def curves(found: Sequence[Curve]) -> Markup:
    """Side by side; a curve without a choice in it is a line of words over the whole width."""
    cells = [tag("div", _curve(curve), class_=None if len(curve.points) > 1 else "words") for curve in found]
    return tag("div", cells, class_="plots")


def _curve(curve: Curve) -> Markup:
    if len(curve.points) < 2:
        return tag("p", f"{AXES[curve.axis].capitalize()}: the cheapest plan is also the best; nothing can be bought.")
    dots = [
        (at, point.month_micro, point.limit)
        for point in curve.points
        if (at := measured(point, curve.axis)) is not None
    ]
    rows = table(
        ("Limit", "A month", "Round trip", "Clouds", "CO2e"),
        (
            (
                point.limit,
                usd(point.month_micro) + ("" if point.proven else " at most"),
                "–" if point.latency_ms is None else f"{point.latency_ms:.1f} ms",
                ", ".join(point.clouds),
                "–" if point.kg_co2e is None else f"{point.kg_co2e:,.0f} kg",
            )
            for point in curve.points
        ),
        numbers=(1, 2, 4),
    )
    drawn = plot(dots, AXES[curve.axis], f"Cost against {AXES[curve.axis]}") if dots else None
    return join(drawn, rows)


def comparison(found: Comparison) -> Markup:
    """What an assumption changes."""
    asked = tag("p", "Assumed: " + "; ".join(found.assumed) + ".")
    if found.after is None:
        return join(asked, tag("p", "There is no plan under it.", class_="bad"), listing(found.conflict))
    extra = found.extra_micro or 0
    kinds = table(
        ("Kind", "Before", "After", "Difference"),
        [
            (
                kind,
                usd(found.before.cost.by_kind.get(kind, 0)),
                usd(found.after.cost.by_kind.get(kind, 0)),
                usd(more, True),
            )
            for kind, more in found.by_kind.items()
        ]
        + [("all", usd(found.before.cost.month_micro), usd(found.after.cost.month_micro), usd(extra, True))],
        numbers=(1, 2, 3),
    )
    moved = table(("What", "Before", "After"), ((m.what, m.before, m.after) for m in found.moved))
    span = between(found)
    open_ = tag("p", span[0].upper() + span[1:] + ".", class_="soft") if span else None
    return join(asked, kinds, open_, moved if found.moved else tag("p", "Nothing moves."))


def listing(rows: Iterable[str]) -> Markup:
    return tag("ul", [tag("li", row) for row in rows])


def facts(rows: Sequence[Fact]) -> Markup:
    order = sorted(rows, key=lambda f: (f.quality in ("list", "measured"), -(f.days or 0)))
    shown = table(
        ("Fact", "Value", "Quality", "Of", "Age", "Source"),
        (
            (
                f.what,
                f.value,
                f.quality,
                f.as_of or "undated",
                tag("span", f"{f.days} days", class_="warn" if f.stale else None) if f.days is not None else "–",
                ", ".join(f.sources) or "the estate",
            )
            for f in order[:FACTS_SHOWN]
        ),
        numbers=(4,),
    )
    more = len(order) - FACTS_SHOWN
    return join(shown, tag("p", f"{more} more are in the JSON.", class_="soft") if more > 0 else None)
