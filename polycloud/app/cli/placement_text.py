"""A placement in the terminal: figures, tables, and one sentence for each reason."""

from collections.abc import Sequence

from polycloud.app.cli.output import say, table
from polycloud.placement.answer.values import Alternative, Comparison, Curve, Placement, WorkloadAnswer
from polycloud.placement.answer.words import (
    aim,
    best_single,
    between,
    candidates,
    data,
    dated,
    listed,
    nearness,
    percent,
    saving,
    shared,
    usd,
)

AIM_PPM = 350_000  # the saving against a single cloud that is aimed at
FLOWS_SHOWN = 12
REFUSED_SHOWN = 6


def print_placement(found: Placement) -> None:
    """The whole answer, the figures first."""
    _figures(found)
    _levels(found)
    if found.workloads:
        names = ("workload", "kind", "where", "on what", "a month", "next best")
        table(names, (_row(row) for row in found.workloads), "Where work runs")
    for row in found.workloads:
        say(f"  {row.name}: {row.reason}")
    say()
    if found.shares:
        told = ((row.site, *shared(row)) for row in found.shares)
        table(("site", "target", "plan", "difference"), told, "Shares of what is served")
    if found.datasets:
        rows = (
            (row.name, row.data_class, listed([copy.site for copy in row.copies], 6), usd(row.month_micro))
            for row in found.datasets
        )
        table(("data set", "class", "copies", "a month"), rows, "Where data live")
    _flows(found)
    _links(found)
    _costs(found)
    _promises(found)
    _baselines(found)
    _sure(found)


def _figures(found: Placement) -> None:
    cost, proof = found.cost, found.optimality
    clouds = listed(found.clouds, 5) or "no cloud"
    say(f"{found.estate}: {usd(cost.month_micro)} a month in {clouds}; three years {usd(cost.three_years_micro)}")
    if len(set(cost.years_micro)) > 1:
        say(f"  data grow as stated: {listed([usd(year) for year in cost.years_micro])} in the years one by one")
    if cost.unbilled_micro:
        say(f"  of it {usd(cost.unbilled_micro)} a month are on no bill: complexity and penalties")
    say(f"  {nearness(found)}: no plan costs less than {usd(proof.bound_micro)} ({proof.status})")
    kept = found.residency
    verdict = "holds" if kept.holds else f"is BROKEN: {listed(kept.breaks)}"
    say(f"  residency {verdict}: {kept.facts} facts checked")
    say()


def _levels(found: Placement) -> None:
    if found.levels:
        rows = ((row.level, aim(row, row.least), aim(row, row.has)) for row in found.levels)
        table(("aim", "the least found", "this plan"), rows, "Aims in order, each giving 2 % for the next")


def _row(row: WorkloadAnswer) -> tuple[object, ...]:
    sites = listed([part.site for part in row.parts], 4)
    on = listed([f"{part.count} × {part.machine}, {part.market}" for part in row.parts], 4)
    best = next((a for a in row.alternatives if a.extra_micro is not None), None)
    return row.name, row.kind, sites, on, usd(row.month_micro), f"{best.site} {extra(best)}" if best else "-"


def extra(other: Alternative) -> str:
    """What moving there costs, in a few words."""
    if other.extra_micro is None:
        return "no plan"
    if other.extra_micro == 0:
        return "as much"
    return usd(other.extra_micro, signed=True) + ("" if other.proven else " at most")


def print_workloads(rows: Sequence[WorkloadAnswer]) -> None:
    """All other places of some workloads."""
    for row in rows:
        for part in row.parts:
            on = f"{part.count} × {part.machine} ({part.market})"
            say(f"{part.task}: {on} at {part.site}, {usd(part.month_micro)} a month")
            for text in part.notes:
                say(f"  {text}")
        say(f"  {row.reason}")
        say(f"  all that it costs: {', '.join(f'{kind} {usd(micro)}' for kind, micro in row.by_kind.items() if micro)}")
        table(
            ("instead at", "part", "on what", "a month more", "then also", "it would win if"),
            (
                (
                    a.site,
                    a.task,
                    f"{a.count} × {a.machine}, {a.market}",
                    extra(a),
                    listed(a.differs, 3),
                    a.why_not or a.wins_if,
                )
                for a in row.alternatives
            ),
        )
        for group in row.refused:
            say(f"  not considered: {group.why} ({candidates(group.what)})")
        say()


def _flows(found: Placement) -> None:
    rows = [f for f in found.flows if f.source != f.target]
    if rows:
        shown = (
            (
                f.kind,
                f.dataset,
                f.workload,
                f.source,
                f.target,
                listed(f.via) or "direct",
                data(f.bytes),
                usd(f.month_micro),
            )
            for f in rows[:FLOWS_SHOWN]
        )
        title = (
            f"What moves a month ({FLOWS_SHOWN} of {len(rows)})" if len(rows) > FLOWS_SHOWN else "What moves a month"
        )
        table(("what", "data set", "for", "from", "to", "via", "volume", "cost"), shown, title)


def _links(found: Placement) -> None:
    if found.links:
        rows = (
            (
                link.name,
                link.via,
                " – ".join(link.between),
                usd(link.month_micro) if link.stated else "unknown",
                data(link.bytes),
            )
            for link in found.links
        )
        table(("link", "kind", "between", "a month", "carries"), rows, "Links")


def _costs(found: Placement) -> None:
    clouds, kinds = list(found.cost.by_cloud), list(found.cost.by_kind)
    cells = {(cloud, kind): 0 for cloud in clouds for kind in kinds}
    for line in found.cost.lines:
        cells[line.cloud, line.kind] += line.micro
    rows = [
        (kind, *(usd(cells[cloud, kind]) if cells[cloud, kind] else "-" for cloud in clouds), usd(total))
        for kind, total in found.cost.by_kind.items()
    ]
    whole = ("all", *(usd(found.cost.by_cloud[cloud]) for cloud in clouds), usd(found.cost.month_micro))
    table(("a month", *clouds, "all"), [*rows, whole], "What it costs")


def _promises(found: Placement) -> None:
    if found.promises:
        table(
            ("pool", "term", "held, USD/h at list", "to buy", "paid of list", "upfront", "prices of"),
            (
                (
                    p.pool,
                    p.term,
                    usd(p.held_micro_hour),
                    usd(p.buy_micro_hour),
                    percent(p.keep_ppm / 1_000_000),
                    usd(p.upfront_micro) if p.upfront_micro else "-",
                    dated(p),
                )
                for p in found.promises
            ),
            "Commitments",
        )


def _baselines(found: Placement) -> None:
    if not found.baselines:
        return
    rows = (
        (row.name, "-" if row.month_micro is None else usd(row.month_micro), saving(row), row.why_not)
        for row in found.baselines
    )
    table(("simpler plan", "a month", "against it", "why not"), rows, "Against simpler plans")
    best = best_single(found.baselines)
    if best is None and any(row.name.startswith("only ") for row in found.baselines):
        say("no single cloud can do it")
    elif best is not None and best.saving_ppm is not None and best.saving_ppm < AIM_PPM:
        say(f"the aim of 35 % less than a single cloud is not reached: {best.name} is the best of them, {saving(best)}")
    say()


def _sure(found: Placement) -> None:
    for diagnostic in found.diagnostics:
        say(str(diagnostic))
    for warning in found.warnings:
        say(f"note: {warning}")
    # Where data may not be is said by their classes; what else was left out can be mended.
    mendable = [group for group in found.refused if not all(": dataset " in what for what in group.what)]
    for group in mendable[:REFUSED_SHOWN]:
        say(f"note: not considered: {candidates(group.what)}: {group.why}")
    left = sum(group.count for row in found.workloads for group in row.refused)
    if left:
        say(f"note: {left:,} candidates were not considered; --explain WORKLOAD and --json say why")


def print_comparison(found: Comparison) -> None:
    """What an assumption changes."""
    say(f"What if: {'; '.join(found.assumed)}")
    if found.after is None:
        say("  there is no plan:")
        for line in found.conflict:
            say(f"  {line}")
        return
    before, after = found.before.cost, found.after.cost
    more = found.extra_micro or 0
    share = f" ({percent(more / before.month_micro)})" if before.month_micro else ""
    say(f"  {usd(before.month_micro)} a month becomes {usd(after.month_micro)}: {usd(more, True)}{share}")
    if span := between(found):
        say(f"  {span}")
    say(f"  three years: {usd(before.three_years_micro)} becomes {usd(after.three_years_micro)}")
    rows = [
        (kind, usd(before.by_kind.get(kind, 0)), usd(after.by_kind.get(kind, 0)), usd(more, True))
        for kind, more in found.by_kind.items()
        if more
    ]
    if rows:
        table(("kind", "before", "after", "difference"), rows)
    if found.moved:
        table(("what", "before", "after"), ((m.what, m.before, m.after) for m in found.moved), "What moves")
    else:
        say("  nothing moves")
    _baselines(found.after)


def print_curves(curves: Sequence[Curve]) -> None:
    """The trade-offs, one table for each."""
    for curve in curves:
        if len(curve.points) < 2:
            say(f"Trade-off: {curve.axis}: the cheapest plan is also the best; nothing can be bought")
            continue
        rows = (
            (
                point.limit,
                usd(point.month_micro) + ("" if point.proven else " at most"),
                "-" if point.latency_ms is None else f"{point.latency_ms:.1f} ms",
                listed(point.clouds, 4),
                "-" if point.kg_co2e is None else f"{point.kg_co2e:,.0f} kg",
            )
            for point in curve.points
        )
        table(("limit", "a month", "mean round trip", "clouds", "CO2e"), rows, f"Trade-off: cost against {curve.axis}")
