"""The choice of where a request goes: rules first, then the route's order, then turns by share.

Pure and fast: what is the same for all requests of a kind (same name, classes, needs, key patterns,
region) is worked out once per view and kept as a plan; a call only adds the costs of this request.
A plan's rows come from ``eligible.rules`` and health by AND alone, and every later step selects from
those rows: nothing after the rules can bring a deployment back in.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import msgspec

from polycloud.core.errors import (
    BadRequest,
    ContextTooLong,
    PolicyDenied,
    PolycloudError,
    Throttled,
    Unavailable,
    Unsupported,
)
from polycloud.core.geo import distance_km
from polycloud.core.money import PICO_PER_MICRO, pico_as_dollars
from polycloud.gateway.shares import Split, Turns, split
from polycloud.policy import eligible
from polycloud.policy.eligible import Patterns, Rule, Target
from polycloud.policy.overlay import Overlay
from polycloud.policy.tables import Compiled, Route, Tables, bits, mask

PLANS_MAX = 1024  # kinds of requests kept per view; then all are dropped, as callers can invent kinds
CLASSES_KEPT_MAX = 1024  # combinations of what keys, teams and routes say
SPLITS_MAX = 64  # sets of survivors kept per plan
OUTPUT_TOKENS_EXPECTED = 512  # when the caller gives no bound; only ranks and caps use it
ESTIMATE_ERROR = 1.5  # bytes/4 may overstate tokens by this much; a window must be clearly too small to be skipped
NAMED_MAX = 5  # deployments that an error lists one by one
TYPICAL = (1000, 500)  # input and output tokens that rank rows where the request's own do not matter
FAR_KM = 1e9  # a deployment of unknown place is farther than any known one


class Ask(msgspec.Struct, frozen=True):
    """What the choice needs to know of a request. ``classes`` come from ``effective_classes``;
    ``model_patterns`` are the key's and the team's, all of which must match; ``region`` is a site id,
    an ISO country, or "" when unknown; ``face`` is the caller's dialect."""

    model: str
    classes: tuple[str, ...] = ()
    needs: int = 0
    input_tokens: int = 0
    max_tokens: int | None = None
    model_patterns: Patterns = ()
    region: str = ""
    face: str = ""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """One target to try. ``missing`` are the needs it can not meet (only when the route degrades);
    ``equivalent`` means that another model than the asked one would answer. ``output_max``: what the asked bound on
    tokens is lowered to (only when the route degrades), 0 when it fits."""

    index: int
    equivalent: bool
    missing: int
    expected_pico_usd: int | None
    output_max: int = 0


class Choice(msgspec.Struct, frozen=True):
    """``order`` is never empty; ``eligible`` is a mask that holds every index in it."""

    route: Route
    order: list[Candidate]
    eligible: int


class Cooling(Throttled):
    """All that could answer were throttled: ``deployments`` by id, for whoever knows for how long."""

    def __init__(self, message: str, deployments: tuple[str, ...]) -> None:
        super().__init__(message, 0)
        self.deployments = deployments


class OutOfService(Unavailable):
    """Nobody that could answer is in service: ``deployments`` by id, for whoever knows when one may be again."""

    retry_after_seconds: float | None = None

    def __init__(self, message: str, deployments: tuple[str, ...]) -> None:
        super().__init__(message)
        self.deployments = deployments


class View:
    """What can be used at this moment; made anew on every change of tables, overlay, health or breakers.

    ``down`` are ids of deployments that active checks find unreachable; ``open_breakers`` and ``cooling`` (those
    whose provider throttled) are masks.
    Ids that the tables do not know are passed over: an overlay outlives estates.
    """

    def __init__(
        self,
        compiled: Compiled,
        overlay: Overlay | None = None,
        down: Iterable[str] = (),
        open_breakers: int = 0,
        cooling: int = 0,
    ) -> None:
        self.compiled = compiled
        self.overlay = overlay = overlay or Overlay()
        state = {"draining": 0, "failed": 0}
        self.shares: dict[str, float] = {}
        for where, lookup in ((overlay.sites, compiled.site_masks), (overlay.deployments, compiled.deployment_masks)):
            for name, steer in where.items():
                if steer.state != "serving":
                    state[steer.state] |= lookup.get(name, 0)
                if steer.share is not None:
                    self.shares[name] = steer.share
        self.failed = state["failed"]
        self.draining = state["draining"]
        unreachable = mask(compiled.index[name] for name in down if name in compiled.index)
        everything = compiled.everything
        self.rules = (
            Rule("health", everything & ~self.failed, "the overlay says that it has failed"),
            Rule("health", everything & ~self.draining, "the overlay drains it"),
            Rule("health", everything & ~unreachable, "health checks can not reach it"),
            Rule("health", everything & ~open_breakers, "its circuit breaker is open after errors"),
            Rule("health", everything & ~cooling, "its provider throttles, and asked for a pause"),
        )
        self.cooling = cooling
        self.usable = eligible.conjunction(compiled, self.rules)
        self.plans: dict[tuple[object, ...], Plan] = {}


class Row(NamedTuple):
    """The deployment ``at`` an index, with what the arithmetic of a call needs."""

    at: int
    equivalent: bool
    missing: int
    input: int | None
    output: int | None
    context: int | None
    output_max: int | None


class Layer(NamedTuple):
    """Rows that are tried before any of the next layer's. ``settled``: their order is the same for every
    count of tokens, so that no sort is needed. ``mask`` holds them all."""

    rows: tuple[Row, ...]
    settled: bool
    mask: int


class Plan(NamedTuple):
    """All that is known before the tokens are: ``narrow_context`` and ``narrow_output`` are the tightest
    bounds of any row, None when no row has one."""

    target: Target
    layers: tuple[Layer, ...]
    eligible: int
    narrow_context: int
    narrow_output: int
    splits: dict[int, Split | None]  # by the mask of those present


UNBOUNDED = 1 << 62


def choose(compiled: Compiled, view: View, ask: Ask, turns: Turns) -> Choice:
    """Where to send a request, best first.

    Raises ModelUnknown, PolicyDenied (key, residency, route or cap leave none), Unsupported (none can
    do what is asked), ContextTooLong (no window is wide enough) or Unavailable (health leaves none).
    """
    plan = view.plans.get((ask.model, ask.classes, ask.needs, ask.model_patterns, ask.region, ask.face))
    if plan is None:
        plan = _planned(compiled, view, ask)
    route = plan.target.route
    tokens_in = ask.input_tokens
    asked_out = ask.max_tokens or 0
    tokens_out = asked_out or OUTPUT_TOKENS_EXPECTED
    whole = tokens_in + asked_out <= plan.narrow_context and asked_out <= plan.narrow_output
    cap = route.cap_micro_usd_per_1k
    layers: list[list[Candidate]] = []
    for layer in plan.layers:
        rows = layer.rows if whole else [r for r in layer.rows if not _too_large(r, ask)]
        found = [
            Candidate(i, e, m, None if a is None or b is None else a * tokens_in + b * tokens_out)
            for i, e, m, a, b, _, _ in rows
        ]
        groups = [found] if whole or route.unsupported != "degrade" else [found, _lowered(layer.rows, ask)]
        for group in groups:
            if cap is not None:
                group = [
                    c for c in group if _within(cap, c.expected_pico_usd, tokens_in + (c.output_max or tokens_out))
                ]
            if not layer.settled:
                group.sort(key=_cost)
            if group:
                layers.append(group)
    if not layers:
        raise _unfit_error(compiled, view, plan, ask)
    whole = whole and cap is None
    survivors = plan.eligible if whole else mask(c.index for layer in layers for c in layer)
    if route.unsupported == "refuse" and ask.needs:
        layers, survivors = _refusing(compiled, layers, survivors)
        whole = False
    first = layers[0]
    if (route.shares or view.shares) and len(first) > 1:
        present = plan.layers[0].mask if whole else mask(c.index for c in first)
        first = _by_share(compiled, view, plan, first, present, turns)
    if route.fallback == "none":
        return Choice(route, first[:1], survivors)
    for more in layers[1:]:
        first = first + more
    return Choice(route, first, survivors)


def effective_classes(
    tables: Tables,
    principal_classes: Iterable[str],
    team_classes: Iterable[str],
    route_class: str,
    header: str | None,
) -> tuple[str, ...]:
    """All classes that hold for a request; it must satisfy every one.

    The key's, the team's and the route's add up; where none of them says anything the estate's default
    holds. The header (names with commas between) only adds, so it can not loosen. Raises BadRequest
    for a header that names no class of the estate, or that is there and says nothing (a template's empty variable):
    what the caller meant to hold can not be known then.
    """
    found = _classes_of(tuple(principal_classes), tuple(team_classes), route_class, tables.default_class)
    if header is None:
        return found
    more = dict.fromkeys(found)
    for name in map(str.strip, header.split(",")):
        if not name:
            raise BadRequest("x-polycloud-class: a name is missing; leave the header out, or name data classes")
        if name not in tables.classes:
            known = ", ".join(sorted(tables.classes)) or "none"
            shown = name[: eligible.NAME_SHOWN_MAX]
            raise BadRequest(f"x-polycloud-class: {shown!r} is no data class of this estate (known: {known})")
        more[name] = None
    return tuple(more)


@lru_cache(CLASSES_KEPT_MAX)
def _classes_of(
    principal: tuple[str, ...], team: tuple[str, ...], route_class: str, default_class: str
) -> tuple[str, ...]:
    found = dict.fromkeys((*principal, *team))
    if route_class:
        found[route_class] = None
    if not found and default_class:
        found[default_class] = None
    return tuple(found)


def route_for(compiled: Compiled, model: str) -> Route:
    """The route that a name falls under, for its data class and limits before the choice is made."""
    index = compiled.route_of(model)
    return eligible.PLAIN_ROUTE if index is None else compiled.tables.routes[index]


def caller_region(tables: Tables, header: str | None, key_region: str = "", team_region: str = "") -> str:
    """Where the caller is: the header's word, else the key's, else the team's. Raises BadRequest for a header
    that is neither a known site nor a two-letter country."""
    if not header:
        return key_region or team_region
    name = header.strip()
    if name in tables.regions:
        return name
    country = name.upper()
    if len(country) == 2 and country.isascii() and country.isalpha():
        return country
    shown = name[: eligible.NAME_SHOWN_MAX]
    raise BadRequest(f"x-polycloud-region: {shown!r} is neither a site (as aws/eu-west-1) nor an ISO country (as DE)")


def _within(cap: int, cost: int | None, tokens: int) -> bool:
    """Whether so many tokens at this expected cost are under the route's cap; an unknown cost is under none."""
    return cost is not None and cost <= cap * PICO_PER_MICRO * tokens // 1000


def _cost(candidate: Candidate) -> int:
    cost = candidate.expected_pico_usd
    return UNBOUNDED if cost is None else cost


def _planned(compiled: Compiled, view: View, ask: Ask) -> Plan:
    """Make the plan for a kind of request and keep it. Refusals are raised, not kept: they cost no memory."""
    if view.compiled is not compiled:
        raise ValueError("the view belongs to other tables")
    target = eligible.resolve(compiled, ask.model)
    if target is None or not eligible.permitted(compiled, ask.model, ask.model_patterns):
        raise eligible.not_named(compiled, ask.model, ask.model_patterns)
    hard = hard_needs(target.route, ask.needs)
    rules = (*eligible.rules(compiled, target, ask.classes, ask.model_patterns, hard, ask.face), *view.rules)
    allowed = eligible.conjunction(compiled, rules)
    if not allowed:
        raise refusal(compiled, target, ask, rules, view.cooling)
    plan = Plan(target, *_layers(compiled, target, ask, allowed), {})
    if len(view.plans) >= PLANS_MAX:
        view.plans.clear()
    view.plans[ask.model, ask.classes, ask.needs, ask.model_patterns, ask.region, ask.face] = plan
    return plan


def hard_needs(route: Route, needs: int) -> int:
    """The needs that a target must meet to be considered at all, as the route says."""
    if route.unsupported == "reroute":
        return needs & ~eligible.PREFERRED
    return needs & ~eligible.DEGRADABLE if route.unsupported == "degrade" else 0


def _layers(compiled: Compiled, target: Target, ask: Ask, allowed: int) -> tuple[tuple[Layer, ...], int, int, int]:
    """Rows of ``allowed`` in layers: the asked models first, then each equivalent; whole before degraded."""
    pools = [target.models]
    if target.route.fallback == "equivalent":
        pools += [(name,) for name in target.equivalents]
    named = compiled.tables.aliases.get(ask.model, ask.model)
    splits = target.route.unsupported != "refuse"
    layers = []
    kept = []
    for place, pool in enumerate(pools):
        rows = []
        for model in pool:
            other = place > 0 or (model != named and not target.tier)
            indices = compiled.tables.models[model].deployments
            rows += [_row(compiled, i, other, ask) for i in indices if allowed >> i & 1]
        if splits and ask.needs & eligible.WHOLE_ONLY:
            rows = [r for r in rows if not r.missing & ~eligible.PREFERRED]
        parts = [[r for r in rows if not r.missing], [r for r in rows if r.missing]] if splits else [rows]
        layers += [_ordered(compiled, target.route, ask.region, part) for part in parts if part]
        kept += rows
    narrow_context = min((r.context for r in kept if r.context is not None), default=UNBOUNDED)
    narrow_output = min((r.output_max for r in kept if r.output_max is not None), default=UNBOUNDED)
    return tuple(layers), mask(r.at for r in kept), narrow_context, narrow_output


def _row(compiled: Compiled, index: int, equivalent: bool, ask: Ask) -> Row:
    d = compiled.deployments[index]
    prices = (d.price.input, d.price.output) if d.price.known else (None, None)
    return Row(index, equivalent, lacking(compiled, index, ask), *prices, d.context_tokens, d.max_output_tokens)


def lacking(compiled: Compiled, index: int, ask: Ask) -> int:
    """The needs that a deployment can not meet for this caller."""
    d = compiled.deployments[index]
    foreign = ask.face not in ("", d.upstream.dialect)
    return ask.needs & (~d.can | (eligible.PASS_THROUGH_ONLY if foreign else 0))


def _ordered(compiled: Compiled, route: Route, region: str, rows: list[Row]) -> Layer:
    """Rows by the route's preference; ties go to the nearer, then to the cheaper, then to the estate's order."""
    here = compiled.tables.regions.get(region)
    everyone = mask(row.at for row in rows)
    if route.prefer == "order":
        return Layer(tuple(rows), True, everyone)

    def away(row: Row) -> float:
        d = compiled.deployments[row.at]
        if here is None:
            return 0.0
        return FAR_KM if d.latitude is None or d.longitude is None else distance_km(here, (d.latitude, d.longitude))

    def typical(row: Row) -> int:
        if row.input is None or row.output is None:
            return UNBOUNDED
        return row.input * TYPICAL[0] + row.output * TYPICAL[1]

    if route.prefer == "near" and here is not None:
        return Layer(tuple(sorted(rows, key=lambda r: (away(r), typical(r)))), True, everyone)
    rows = sorted(rows, key=lambda r: (typical(r), away(r)))
    priced = [(r.input, r.output) for r in rows if r.input is not None and r.output is not None]
    settled = all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(priced))
    return Layer(tuple(rows), settled, everyone)


def _by_share(
    compiled: Compiled, view: View, plan: Plan, found: list[Candidate], present: int, turns: Turns
) -> list[Candidate]:
    """The deployment whose turn it is first, the others by share; no change when no share applies."""
    if present in plan.splits:
        parts = plan.splits[present]
    else:
        route = plan.target.route
        indices = [c.index for c in found]
        parts = split(route.shares, route.failover_shares, view.shares, compiled.deployments, indices)
        if len(plan.splits) < SPLITS_MAX:
            plan.splits[present] = parts
    if parts is None:
        return found
    ranks = parts.ranks[turns.pick((plan.target.route.name, parts.weights))]
    return sorted(found, key=lambda c: ranks[c.index])


def _refusing(compiled: Compiled, layers: list[list[Candidate]], survivors: int) -> tuple[list[list[Candidate]], int]:
    """For a route that refuses: the first by order must meet every need. Raises Unsupported."""
    first = layers[0][0]
    if first.missing:
        where = compiled.deployments[first.index].id
        raise Unsupported(
            f"{where} can not do {', '.join(eligible.need_names(first.missing))}, and the route refuses rather than "
            "send the request elsewhere; leave the parameter out, or set the route's 'unsupported' to reroute"
        )
    layers = [able for layer in layers if (able := [c for c in layer if not c.missing])]
    return layers, survivors & mask(c.index for layer in layers for c in layer)


def _lowered(rows: Iterable[Row], ask: Ask) -> list[Candidate]:
    """Those of ``rows`` that fit once the asked bound on tokens is lowered to their own."""
    found = []
    for row in rows:
        most = row.output_max
        lower = _lower(row, ask)
        if most is not None and lower is not ask and not _too_large(row, lower):
            known = row.input is not None and row.output is not None
            cost = row.input * ask.input_tokens + row.output * most if known else None  # type: ignore[operator]
            found.append(Candidate(row.at, row.equivalent, row.missing, cost, most))
    return found


def _lower(row: Row, ask: Ask) -> Ask:
    """``ask`` with its bound on tokens lowered to the row's own; itself where there is nothing to lower."""
    most = row.output_max
    if most is None or (ask.max_tokens or 0) <= most:
        return ask
    return msgspec.structs.replace(ask, max_tokens=most)


def _too_large(row: Row, ask: Ask) -> str:
    """Why this request's size rules a row out; "" when it does not."""
    asked_out = ask.max_tokens or 0
    if row.context is not None and ask.input_tokens / ESTIMATE_ERROR + asked_out > row.context:
        return f"about {ask.input_tokens} input and {asked_out} output tokens exceed its window of {row.context}"
    if row.output_max is not None and asked_out > row.output_max:
        return f"max_tokens {asked_out} exceeds its output limit of {row.output_max}"
    return ""


def _too_dear(row: Row, ask: Ask, route: Route) -> str:
    """Why the route's cap rules a row out; "" when it does not."""
    if route.cap_micro_usd_per_1k is None:
        return ""
    if row.input is None or row.output is None:
        return "its price is unknown, which no cap on cost admits"
    tokens_out = ask.max_tokens or OUTPUT_TOKENS_EXPECTED
    tokens = ask.input_tokens + tokens_out
    cost = row.input * ask.input_tokens + row.output * tokens_out
    if _within(route.cap_micro_usd_per_1k, cost, tokens):
        return ""
    return f"expected {pico_as_dollars(cost * 1000 // tokens):.6f} USD per 1,000 tokens exceed the route's cap"


def unfit(compiled: Compiled, ask: Ask, route: Route, index: int) -> str:
    """Why the request's size or cost rules a deployment out; "" when it does not."""
    row = _row(compiled, index, False, ask)
    if route.unsupported == "degrade":
        if row.missing & ~eligible.PREFERRED and ask.needs & eligible.WHOLE_ONLY:
            lost, kept = (", ".join(eligible.need_names(n)) for n in (row.missing, ask.needs & eligible.WHOLE_ONLY))
            return f"can not do {lost}, and nothing can be left out of a request for {kept}"
        ask = _lower(row, ask)
    return _too_large(row, ask) or _too_dear(row, ask, route)


def _unfit_error(compiled: Compiled, view: View, plan: Plan, ask: Ask) -> PolycloudError:
    """The error for a request that fits none of the plan's rows. One that would fit and is out of service comes
    first: a caller who hears of a size or a price does not come again."""
    target, route = plan.target, plan.target.route
    needs = hard_needs(route, ask.needs)
    rules = eligible.rules(compiled, target, ask.classes, ask.model_patterns, needs, ask.face)
    may = bits(eligible.conjunction(compiled, rules))
    fitting = mask(i for i in may if not unfit(compiled, ask, route, i))
    if fitting:
        fit = Rule("size", fitting, "the request does not fit it")
        return refusal(compiled, target, ask, (*rules, fit, *view.rules), view.cooling)
    rows = [row for layer in plan.layers for row in layer.rows]
    if not rows:
        why = next(unfit(compiled, ask, route, i) for i in may if view.usable >> i & 1)
        return Unsupported(f"no deployment of {ask.model!r} that this request may use can do all it asks: it {why}")
    asks = [_lower(row, ask) if route.unsupported == "degrade" else ask for row in rows]
    narrow = [_too_large(row, one) for row, one in zip(rows, asks, strict=True)]
    if all(narrow):
        return ContextTooLong(f"the request fits no eligible deployment of {ask.model!r}: {narrow[0]}")
    dear = next(_too_dear(row, one, route) for row, one, large in zip(rows, asks, narrow, strict=True) if not large)
    return PolicyDenied(f"no deployment for {ask.model!r} is under the cap of route {route.name!r}: {dear}")


def refusal(compiled: Compiled, target: Target, ask: Ask, rules: tuple[Rule, ...], cooling: int = 0) -> PolycloudError:
    """The error for rules that leave nobody: it names the rule after which none was left. ``cooling``: a mask."""
    left = compiled.everything
    for rule in rules:
        if not left & rule.mask:
            break
        left &= rule.mask
    else:
        raise ValueError("the rules leave somebody")
    name = ask.model
    if rule.kind == "class":
        said = "; ".join(r.text for r in rules if r.kind == "class" and r.mask != compiled.everything)
        return PolicyDenied(f"no deployment of {name!r} may process this request: {said}")
    if rule.kind == "need":
        asked = bits(hard_needs(target.route, ask.needs))
        lacking = ", ".join(eligible.need_names(mask(bit for bit in asked if left & ~compiled.capable[bit])))
        why = lacking or f"each {rule.text}"
        return Unsupported(f"no deployment of {name!r} that this request may use can do all it asks: {why}")
    if rule.kind == "health":
        ready = eligible.conjunction(compiled, (r for r in rules if r.kind != "health"))
        if cooling and rule is rules[-1]:  # nothing else is wrong with those that it took
            ids = tuple(compiled.deployments[i].id for i in bits(left))
            return Cooling(f"no deployment of {name!r} takes a request now: {_down(compiled, ready, rules)}", ids)
        ids = tuple(compiled.deployments[i].id for i in bits(ready))
        return OutOfService(f"no deployment of {name!r} is in service: {_down(compiled, ready, rules)}", ids)
    if rule.kind == "model":
        return Unavailable(f"{name!r} has no deployment in this estate")
    return PolicyDenied(f"no deployment of {name!r} may be used: {rule.text}")


def _down(compiled: Compiled, ready: int, rules: tuple[Rule, ...]) -> str:
    found = bits(ready)
    named = []
    for i in found[:NAMED_MAX]:
        why = next(r.text for r in rules if r.kind == "health" and not r.mask >> i & 1)
        named.append(f"{compiled.deployments[i].id}: {why}")
    more = len(found) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more > 0 else "")
