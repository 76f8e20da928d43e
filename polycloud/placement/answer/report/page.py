"""The whole page: figures first, then the map, where things are and why, what it costs, and the proofs."""

from collections.abc import Sequence

from polycloud.placement.answer.report import tables
from polycloud.placement.answer.report.maps import world
from polycloud.placement.answer.report.markup import Child, Markup, join, tag
from polycloud.placement.answer.report.style import CSS
from polycloud.placement.answer.values import Comparison, Curve, Placement
from polycloud.placement.answer.words import best_single, candidates, listed, nearness, saving, up, usd


def page(found: Placement, curves: Sequence[Curve] = (), compared: Comparison | None = None) -> str:
    """One HTML document that needs no other file, no network and no script. All text of the estate is escaped."""
    sections: list[tuple[str, str, Child]] = [
        ("map", "On the map", world(found.sites, found.cost.by_site, found.flows)),
        (
            "work",
            "Where work runs",
            join(tables.workloads(found.workloads), tables.shares(found) if found.shares else None),
        ),
        ("data", "Where data live", tables.datasets(found)),
        ("flows", "What moves", join(tables.flows(found), tables.links(found) if found.links else None)),
        ("cost", "What it costs", tables.costs(found.cost)),
        ("commitments", "Commitments", tables.promises(found)),
        ("baselines", "Against simpler plans", tables.baselines(found)),
    ]
    if not found.workloads:
        sections = [section for section in sections if section[0] != "work"]
    if found.levels:
        sections.append(("aims", "Aims in order", tables.aims(found)))
    if compared is not None:
        sections.append(("what-if", "What if", tables.comparison(compared)))
    if curves:
        sections.append(("trade-offs", "Trade-offs", tables.curves(curves)))
    sections += [
        ("proof", "How sure this is", _proof(found)),
        ("facts", "What it rests on", join(_warnings(found), _left_out(found), tables.facts(found.facts))),
    ]
    title = f"Placement of {found.estate}"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", Markup(CSS)),
    )
    main = tag(
        "main",
        tag("h1", title),
        tag(
            "p", f"As of {found.day}. Costs are US dollars a month before tax unless they say otherwise.", class_="soft"
        ),
        tag("nav", [tag("a", name, href=f"#{id_}") for id_, name, _ in sections], aria_label="Contents"),
        _figures(found),
        [tag("section", tag("h2", name), body, id=id_) for id_, name, body in sections],
    )
    return "<!DOCTYPE html>\n" + tag("html", head, tag("body", main), lang="en") + "\n"


def _figures(found: Placement) -> Markup:
    best = best_single(found.baselines)
    cost, proof = found.cost, found.optimality
    rows: list[tuple[str, Child, str]] = [
        ("Cost a month", usd(cost.month_micro), _unbilled(found)),
        (
            "Three years",
            usd(cost.three_years_micro),
            _years(found),
        ),
        (
            "How near to the best",
            nearness(found),
            f"no plan costs less than {usd(proof.bound_micro)}",
        ),
        (
            "Residency",
            tag(
                "span",
                "holds" if found.residency.holds else "broken",
                class_="good" if found.residency.holds else "bad",
            ),
            f"{found.residency.facts} facts checked",
        ),
    ]
    if best is not None:
        rows.insert(2, ("Against the best single cloud", saving(best), best.name))
    cells = [tag("div", tag("dt", name), tag("dd", value, tag("small", more))) for name, value, more in rows]
    return tag("dl", cells, class_="figures")


def _unbilled(found: Placement) -> str:
    if found.cost.unbilled_micro:
        return f"{usd(found.cost.unbilled_micro)} of it on no bill: complexity and penalties"
    return f"in {len(found.clouds)} cloud{'s' if len(found.clouds) != 1 else ''}"


def _proof(found: Placement) -> Markup:
    proof, residency = found.optimality, found.residency
    other = "the cheapest" if found.levels else "a better"
    said = (
        f"The plan costs {usd(found.cost.month_micro)}; it is proven that no plan that keeps all rules costs less than "
        f"{usd(proof.bound_micro)}. So {other} plan can save {up(proof.gap)} at most ({proof.status}, by "
        f"{proof.method}, in {proof.seconds:.1f} s)."
    )
    checked = ", ".join(f"{name or 'no class'} {count}" for name, count in residency.classes.items())
    kept = (
        f"Every task, copy, reading, writing, feed and relay was held against every class that binds it, by the same "
        f"predicate that decides for requests: {residency.facts} facts ({checked})."
    )
    return join(
        tag("p", said),
        tag("p", kept),
        tag("p", "All of them hold.", class_="good") if residency.holds else tables.listing(residency.breaks),
    )


def _years(found: Placement) -> str:
    cost = found.cost
    once = f"{usd(cost.once_micro)} of it once, for moving data" if cost.once_micro else "nothing of it is paid once"
    if len(set(cost.years_micro)) < 2:
        return once
    return f"{once}; with data grown as stated, year by year {listed([usd(year) for year in cost.years_micro])}"


def _warnings(found: Placement) -> Markup | None:
    said = (*map(str, found.diagnostics), *found.warnings)
    return tables.listing(said) if said else None


def _left_out(found: Placement) -> Markup | None:
    if not found.refused:
        return None
    said = [f"{group.why} ({candidates(group.what)})" for group in found.refused]
    return join(tag("p", "Not considered for data, links and promises:"), tables.listing(said))
