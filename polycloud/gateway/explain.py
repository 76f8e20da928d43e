"""Why a request goes where it goes: every deployment with its verdict and reasons.

The verdicts are the choice's own: the same rules, the same plan, the same order. Nothing here decides.
"""

import msgspec

from polycloud.core.errors import PolycloudError
from polycloud.core.money import pico_as_dollars
from polycloud.gateway.routes import (
    Ask,
    Candidate,
    Choice,
    Cooling,
    OutOfService,
    View,
    choose,
    hard_needs,
    lacking,
    unfit,
)
from polycloud.gateway.shares import Turns
from polycloud.policy import eligible
from polycloud.policy.tables import Compiled


class Verdict(msgspec.Struct, frozen=True):
    """One deployment. ``order`` counts from 1 for those that would be tried; ``reasons`` say why the others
    would not; ``expected_usd`` is decimal text, "" when the price is unknown."""

    deployment: str
    site: str
    model: str
    places: tuple[str, ...]
    eligible: bool
    order: int | None
    equivalent: bool
    degraded: tuple[str, ...]
    expected_usd: str
    reasons: tuple[str, ...]


class Explanation(msgspec.Struct, frozen=True):
    """The decision for one request. ``error`` is the code and ``message`` the text that the caller would get,
    both "" when the request would be served. ``shares`` are percent by site or deployment, those of the overlay before
    the route's. ``live``: the overlay, health and breakers of now counted, not the estate alone. ``refused`` by
    deployment id serves the decision record."""

    asked: str
    route: str
    classes: tuple[str, ...]
    prefer: str
    policy: str
    overlay: int
    error: str
    message: str
    verdicts: tuple[Verdict, ...]
    shares: dict[str, float] = {}
    live: bool = False

    @property
    def refused(self) -> dict[str, str]:
        return {v.deployment: "; ".join(v.reasons) for v in self.verdicts if not v.eligible}


def explain(compiled: Compiled, view: View, ask: Ask, answer: Choice | PolycloudError | None = None) -> Explanation:
    """Explain ``answer``, which ``choose`` gave or raised for ``ask``; without one, what it would do, where shares
    are at their first turn. Raises nothing that ``choose`` raises: errors are part of the answer."""
    note = ""
    if answer is None:
        try:
            answer = choose(compiled, view, ask, Turns())
        except PolycloudError as failure:
            answer = failure
        if isinstance(answer, Cooling | OutOfService) and (despite := _despite(compiled, view, ask)):
            first = compiled.deployments[despite[0].index].id
            note = f"; workers try {first} all the same, within their retry budget: breakers and checks may be behind"
    order: list[Candidate] = []
    may = 0
    error = message = ""
    if isinstance(answer, PolycloudError):
        error, message = answer.code, answer.message + note
    else:
        order, may = answer.order, answer.eligible
    target = eligible.resolve(compiled, ask.model)
    reasons = _reasons(compiled, view, ask, target)
    placed = {candidate.index: (n, candidate) for n, candidate in enumerate(order, 1)}
    verdicts = []
    for i, d in enumerate(compiled.deployments):
        n, candidate = placed.get(i, (None, None))
        cost = candidate.expected_pico_usd if candidate else None
        why = () if may >> i & 1 else tuple(reasons[i]) or ((message,) if message else ())
        verdicts.append(
            Verdict(
                deployment=d.id,
                site=d.site,
                model=d.model,
                places=d.places,
                eligible=bool(may >> i & 1),
                order=n,
                equivalent=bool(candidate and candidate.equivalent),
                degraded=_degraded(candidate) if candidate else (),
                expected_usd="" if cost is None else f"{pico_as_dollars(cost):f}",
                reasons=why,
            )
        )
    route = target.route if target else eligible.PLAIN_ROUTE
    return Explanation(
        asked=ask.model,
        route=route.name if target else "",
        classes=ask.classes,
        prefer=route.prefer,
        policy=compiled.version,
        overlay=view.overlay.version,
        error=error,
        message=message,
        verdicts=tuple(verdicts),
        shares={**route.shares, **view.shares} if target else {},
    )


def _despite(compiled: Compiled, view: View, ask: Ask) -> list[Candidate]:
    """Who would be tried as the last resort: breakers and active checks do not count, all else does."""
    try:
        return choose(compiled, View(compiled, view.overlay, cooling=view.cooling), ask, Turns()).order
    except PolycloudError:
        return []


def _degraded(candidate: Candidate) -> tuple[str, ...]:
    names = eligible.need_names(candidate.missing)
    return (*names, f"max_tokens:{candidate.output_max}") if candidate.output_max else names


def _reasons(compiled: Compiled, view: View, ask: Ask, target: eligible.Target | None) -> list[list[str]]:
    """By deployment: every rule that it fails, not the first alone; an unwanted model is reason enough."""
    found: list[list[str]] = [[] for _ in compiled.deployments]
    if target is None:
        return [[f"does not serve {ask.model!r}"] for _ in found]
    hard = hard_needs(target.route, ask.needs)
    rules = (*eligible.rules(compiled, target, ask.classes, ask.model_patterns, hard, ask.face), *view.rules)
    for i, reasons in enumerate(found):
        if not rules[0].mask >> i & 1:
            reasons.append(rules[0].text)
            continue
        reasons += [rule.text for rule in rules if not rule.mask >> i & 1]
        size = unfit(compiled, ask, target.route, i)
        if size:
            reasons.append(size)
        missing = lacking(compiled, i, ask) if target.route.unsupported == "refuse" else 0
        if missing:
            reasons.append("can not do " + ", ".join(eligible.need_names(missing)))
    return found
