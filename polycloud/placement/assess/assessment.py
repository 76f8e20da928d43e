"""The answer: which pattern, why, what each costs, what would change it; a plain no where several clouds do not pay.

A pattern that leaves a need unmet is out. Of the others the cheapest wins, people included, and the simplest of
equals. So several clouds are advised only where something needs them, or where they are cheaper after all.
"""

import math
from collections.abc import Mapping

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.placement import availability as available
from polycloud.placement.assess.costs import (
    EVERYWHERE,
    FAILOVER,
    HYBRID,
    PATTERNS,
    SINGLE,
    SPECIALISED,
    Cost,
    Shape,
    cost,
)
from polycloud.placement.assess.ground import HOME, Cloud, clouds, known, together
from polycloud.placement.assess.needs import BYTES_TB, Needs

MODELLED, PLANNED = "your stated spend, and the assumptions named", "the planner, on your estate"
LARGE = 10  # times the spend that is tried for what would change the answer
HEAVY = 10 * BYTES_TB  # a month: about 900 USD of egress; below it the move is cheaper than a platform
TEAM_LEAST = {SINGLE: 1, SPECIALISED: 3, FAILOVER: 4, HYBRID: 4, EVERYWHERE: 8}  # rota and two who know each; judgement


class Option(msgspec.Struct, frozen=True):
    """One pattern: its cost (micro-USD a month; None where the planner has no plan), the availability it can hold,
    what it leaves unmet, and reasons."""

    pattern: str
    clouds: tuple[str, ...]
    cost: Cost | None
    availability: available.Range
    depth: str
    unmet: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    against: tuple[str, ...] = ()

    @property
    def minutes(self) -> float:
        """Minutes a year without service, as expected."""
        return available.minutes_a_year(self.availability.expected)


class Assessment(msgspec.Struct, frozen=True):
    """The recommendation. ``options`` hold all five patterns, the recommended one first; ``changes`` are answers that
    would turn it, each tried; ``unknown`` are questions that were not answered."""

    recommended: str
    clouds: tuple[str, ...]
    verdict: str
    options: tuple[Option, ...]
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    source: str = MODELLED

    @property
    def option(self) -> Option:
        return self.options[0]


class Planned(msgspec.Struct, frozen=True):
    """A pattern as the planner made it for an estate."""

    cost: Cost
    clouds: tuple[str, ...]


Priced = Mapping[str, Planned]


def assess(needs: Needs, catalog: Catalog, market: Market, planned: Priced | None = None) -> Assessment:
    """The honest answer to these needs. ``planned`` costs stand in place of the model's where they are given."""
    ordered = _choices(needs, catalog, market, planned)
    best = ordered[0]
    return Assessment(
        best.pattern,
        best.clouds,
        _verdict(ordered, needs),
        ordered,
        _changes(needs, best, catalog, market, planned),
        _notes(needs, catalog, bool(planned)),
        tuple(key for key, value in msgspec.structs.asdict(needs).items() if value is None),
        PLANNED if planned else MODELLED,
    )


def _choices(needs: Needs, catalog: Catalog, market: Market, planned: Priced | None) -> tuple[Option, ...]:
    found = clouds(needs, catalog, market)
    options = [_option(pattern, needs, found, market, planned or {}) for pattern in PATTERNS]

    def rank(option: Option) -> tuple[int, float, float, int]:
        short = max(0.0, (needs.availability or 0.0) - option.availability.expected)
        return len(option.unmet), short, _expected(option), PATTERNS.index(option.pattern)

    return tuple(sorted(options, key=rank))


def _expected(option: Option) -> float:
    return math.inf if option.cost is None else option.cost.expected


def _option(pattern: str, needs: Needs, found: tuple[Cloud, ...], market: Market, planned: Priced) -> Option:
    used, lacking, doubts = _used(pattern, found, needs)
    primary, second = used[0], used[1] if len(used) > 1 else used[0]
    elsewhere = primary.lacks_places or primary.far_users or _two_estates(needs)
    models_only = pattern == SPECIALISED and bool(primary.lacks_models) and not elsewhere
    needs_both = pattern == SPECIALISED and _two_estates(needs)
    depth = available.depth_for(needs.availability, needs_both) or available.ACTIVE
    if pattern in (FAILOVER, EVERYWHERE):
        reach = available.over_clouds(pattern == EVERYWHERE)
    else:
        reach = available.in_one_cloud(depth)
        reach = available.both(reach) if needs_both else reach
    shape = Shape(depth, len(used), primary.site, second.site if second != primary else HOME[second.name], models_only)
    unmet = [
        *lacking,
        *_unmet(pattern, needs, reach, "onprem" in planned[pattern].clouds if pattern in planned else False),
    ]
    price: Cost | None = None if planned else cost(pattern, shape, needs, market)
    names = tuple(cloud.name for cloud in used) + (("onprem",) if pattern == HYBRID else ())
    if pattern in planned:
        names, price = planned[pattern].clouds, planned[pattern].cost
        chosen = tuple(
            cloud for cloud in found if cloud.name in names
        )  # the planner's, not those that the needs suggest
        if chosen and set(chosen) != set(used):
            used, models_only = chosen, False
            has = {model for cloud in used for model in cloud.models}
            doubts = tuple(
                f"{m} is in none of them: it is called in another cloud" for m in needs.models or () if m not in has
            )
    elif planned:
        unmet.append("the planner found no lawful plan of this kind (see the notes)")
    shown = depth if pattern not in (FAILOVER, EVERYWHERE) else "two clouds"
    moot = bool(planned) and pattern not in planned  # nothing speaks for what can not be
    reasons = () if moot else _reasons(pattern, needs, used, models_only)
    against = (*doubts, *_against(pattern, needs))
    return Option(pattern, names, price, reach, shown, tuple(unmet), reasons, against)


def _used(pattern: str, found: tuple[Cloud, ...], needs: Needs) -> tuple[tuple[Cloud, ...], list[str], tuple[str, ...]]:
    """The clouds of a pattern, what they lack, and what the other side of a pair would do without."""
    best = found[0]
    if pattern in (SINGLE, HYBRID):
        places = () if pattern == HYBRID and needs.own_hall else best.lacks_places
        return (best,), _lack(needs, best.lacks_models, places, best.far_users), ()
    chosen, missing = together(found, needs)
    lacking = [f"no cloud has it: {word}" for word in missing]
    if len(chosen) > 1:
        return chosen, lacking, ()
    others = [cloud for cloud in found if cloud not in chosen]
    second = next((cloud for cloud in others if cloud.whole), others[0])
    if pattern == SPECIALISED:
        return (*chosen, second), lacking, ()
    there = _lack(needs, (), second.lacks_places, second.far_users)
    lacking += [f"{second.name}, the other side: {lack}" for lack in there]
    doubts = tuple(f"{second.name} lacks {m}: an equivalent model has to do there" for m in second.lacks_models)
    return (*chosen, second), lacking, doubts


def _lack(needs: Needs, models: tuple[str, ...], places: tuple[str, ...], users: tuple[str, ...]) -> list[str]:
    found = [f"the model {m} is not offered" for m in models]
    found += [f"no {'sovereign ' if needs.sovereign else ''}region in {p}" for p in places]
    return found + [f"users in {u} are too far" for u in users]


def _two_estates(needs: Needs) -> bool:
    """Whether two large estates pull: their data must be heavy, else it is cheaper to move it than to be in both."""
    return len(needs.existing or ()) > 1 and (needs.moved_per_month or 0) >= HEAVY


def _unmet(pattern: str, needs: Needs, reach: available.Range, own: bool) -> list[str]:
    """``own``: the planner put work on one's own machines."""
    found = []
    if needs.availability is not None and reach.expected < needs.availability:
        found.append(f"{needs.availability:.4%} is promised, {reach.expected:.4%} is expected")
    if needs.survive_cloud and pattern not in (FAILOVER, EVERYWHERE):
        found.append("the loss of the provider is not survived")
    if needs.own_hall and pattern != HYBRID and not own:
        found.append("your own machines stay, and are left out")
    if pattern == HYBRID and not needs.own_hall:
        found.append("you have no machines of your own")
    if _two_estates(needs) and pattern in (SINGLE, HYBRID):
        found.append(f"the {' and '.join(needs.existing or ())} estates can not both be next to the work")
    return found


def _reasons(pattern: str, needs: Needs, used: tuple[Cloud, ...], models_only: bool) -> tuple[str, ...]:
    """What speaks for it, from the needs."""
    first = used[0]
    found = [f"{first.name}: {fit}" for fit in first.fits]
    if pattern == SINGLE:
        if first.whole:
            found.append(f"{first.name} alone has every model, place and distance that you asked for")
        if needs.predictable:
            found.append("one bill and one large commitment are the most predictable")
        if needs.fine_tuning:
            found.append("training and its data stay in one place")
        if needs.exit_plan and not needs.survive_cloud:
            found.append("an exit plan asks for a rehearsed way out, not for a second cloud that runs every day")
    elif pattern == SPECIALISED:
        for cloud in used[1:]:
            has = sorted(set(cloud.models) & set(first.lacks_models))
            found += [f"{cloud.name} has {', '.join(has)}"] if has else []
            found += [f"{cloud.name}: {fit}" for fit in cloud.fits]
        if models_only and first.lacks_models:
            found.append("only model calls leave the first cloud: a gateway does it, no second platform is needed")
        if {"azure", "oci"} <= {cloud.name for cloud in used}:
            found.append("Azure and OCI are joined by an interconnect in some regions: see `polycloud route`")
    elif pattern in (FAILOVER, EVERYWHERE):
        if needs.survive_cloud:
            found.append("it goes on when a whole provider is gone")
        if needs.exit_plan:
            found.append("the way out is rehearsed by every drill")
    elif needs.own_hall:
        found.append("your machines are there and paid for")
        if needs.sovereign:
            found.append("what must not leave your hands does not")
    return tuple(found)


def _against(pattern: str, needs: Needs) -> tuple[str, ...]:
    found = []
    team = needs.engineers
    if team is not None and team < TEAM_LEAST[pattern]:
        found.append(f"{team} people can not carry it: {TEAM_LEAST[pattern]} is the least (a judgement, not a measure)")
    if pattern == SINGLE:
        if not needs.survive_cloud:
            found.append("when the provider fails as a whole, you stand still")
        if needs.exit_plan:
            found.append("the exit has to be rehearsed on purpose: see the portability drill")
        return tuple(found)
    if pattern != HYBRID and needs.knows is not None and len(needs.knows) < 2:
        found.append("your people know one cloud")
    if needs.predictable and pattern in (SPECIALISED, EVERYWHERE):
        found.append("several bills, traffic between them, smaller commitments: less predictable")
    if needs.fine_tuning and pattern == EVERYWHERE:
        found.append("tuned models have to be made, or carried, on both sides")
    if pattern in (FAILOVER, EVERYWHERE):
        found.append("your own mistakes, your software and the way to the callers are common to both sides")
    if pattern == EVERYWHERE:
        found.append("data written on both sides needs rules for conflicts")
    return tuple(found)


def _verdict(options: tuple[Option, ...], needs: Needs) -> str:
    best = options[0]
    where = " + ".join(best.clouds)
    if best.unmet:
        return f"No pattern meets all of it. The nearest is {best.pattern} ({where}); unmet: {'; '.join(best.unmet)}."
    if best.pattern == SINGLE:
        others = [o for o in options if o.pattern not in (SINGLE, HYBRID) and o.cost is not None]
        more = ""
        if others and best.cost is not None:
            added = min(_expected(o) for o in others) - best.cost.expected
            share = f" ({added / best.cost.expected:,.0%} more)" if best.cost.expected else ""
            more = f"Several clouds would cost at least {added / 1e6:,.0f} USD a month more{share}, and "
        return f"No: stay in one cloud ({where}, {best.depth}). {more}nothing that you need asks for them."
    forced = [o for o in options if o.unmet and o.pattern == SINGLE]
    why = f"one cloud leaves this unmet: {'; '.join(forced[0].unmet)}" if forced else "it is cheaper, people included"
    few = needs.engineers is not None and needs.engineers < TEAM_LEAST[best.pattern]
    but = f" But {needs.engineers} people can not carry it: hire, or drop the need." if few else ""
    return f"Yes: {best.pattern} ({where}), because {why}.{but}"


def _notes(needs: Needs, catalog: Catalog, planned: bool) -> tuple[str, ...]:
    notes = [f"no cloud in the catalogue lists {m}" for m in needs.models or () if not known(catalog, m)]
    if needs.monthly_spend is None and not planned:
        notes.append("the spend is not stated: the costs are only what is added to it")
    if needs.availability is not None and needs.availability > available.over_clouds(True).expected:
        notes.append("no pattern here is expected to hold this: promise less, or keep a way that works without a cloud")
    notes.append("availability is from the vendors' promises and assumed common causes; your own mistakes come on top")
    return tuple(notes)


def _changes(needs: Needs, best: Option, catalog: Catalog, market: Market, planned: Priced | None) -> tuple[str, ...]:
    """Answers that turn the recommendation: each is tried alone."""
    tries: list[tuple[str, dict[str, object]]] = [
        ("if you had to survive the loss of a whole provider", {"survive_cloud": True}),
        ("if you did not have to survive the loss of a whole provider", {"survive_cloud": False}),
        ("if 99.95 % were promised", {"availability": 0.9995}),
        ("if 99.99 % were promised", {"availability": 0.9999}),
        ("if 99.9 % were enough", {"availability": 0.999}),
        ("if your own machines could go", {"own_hall": False}),
        ("if the operator had to be out of reach of foreign law", {"sovereign": True}),
        ("without the demand for a sovereign operator", {"sovereign": False}),
        ("if any place would do for the data", {"countries": ()}),
        ("if no distance to users were asked for", {"latency_ms": None}),
    ]
    tries += [(f"without {m}", {"models": _without(needs.models, m)}) for m in needs.models or ()]
    tries += [(f"without the {e} estate", {"existing": _without(needs.existing, e)}) for e in needs.existing or ()]
    if planned is None:
        if spend := needs.monthly_spend:
            tries.append((f"if you spent {LARGE} times as much", {"monthly_spend": spend * LARGE}))
            tries.append((f"if you spent a {LARGE}th of it", {"monthly_spend": spend // LARGE}))
        tries.append(("if a further cloud cost nothing in people", {"extra_cloud_cost": 0}))
    found = []
    for words, answers in tries:
        other = _choices(msgspec.structs.replace(needs, **answers), catalog, market, planned)[0]
        if answers.get("own_hall") is False and "onprem" in other.clouds:
            continue  # the plan itself keeps them
        if other.pattern != best.pattern or set(other.clouds) != set(best.clouds):
            unmet = ", which would not meet all either" if other.unmet else ""
            found.append(f"{words}: {other.pattern} ({' + '.join(other.clouds)}){unmet}")
    return tuple(found)


def _without(words: tuple[str, ...] | None, word: str) -> tuple[str, ...]:
    return tuple(other for other in words or () if other != word)
