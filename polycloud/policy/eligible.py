"""Who may serve a request: one list of rules, each a mask of deployments, and nothing but their AND.

The gateway's choice, its refusals, its explanations and the proof of residency all read this list.
Every rule starts from a set and can only take away; none adds. So health, overlay, prices and shares
can narrow what residency allows, and can not widen it.
"""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from polycloud.core.chat import Need
from polycloud.core.errors import ModelUnknown, PolicyDenied, RequestError
from polycloud.policy.tables import Compiled, Route, bits, matches

RuleKind = Literal["model", "route", "class", "key", "quality", "need", "size", "health"]
Patterns = tuple[tuple[str, ...], ...]  # each set of patterns (the key's, the team's) must match

# What a target may lack when the route says "degrade": the answer is still an answer to what was
# asked. A tool call or an image that is left out is not.
DEGRADABLE = int(
    Need.SEED
    | Need.STOP
    | Need.TOP_K
    | Need.PENALTIES
    | Need.PROMPT_CACHE
    | Need.REASONING
    | Need.SERIAL_TOOLS
    | Need.JSON_OBJECT
    | Need.JSON_SCHEMA
    | Need.TEMPERATURE
    | Need.OPENAI_EXTRAS
    | Need.ANTHROPIC_EXTRAS
    | Need.FIVE_STOPS
    | Need.MANY_STOPS
)
# What moves a request to a deployment that can, and keeps it from none, whatever the route says: the answer is the
# same without.
PREFERRED = int(Need.PROMPT_CACHE)
# What the common form of a chat does not carry: only a target that speaks the caller's own format can
# do these, because there the body passes through as it is.
PASS_THROUGH_ONLY = int(
    Need.IMAGES | Need.OTHER_MEDIA | Need.LOGPROBS | Need.MULTIPLE | Need.NATIVE_TOOLS | Need.NATIVE_CONTENT
)
# Of these, what the common form of a message or an answer lacks: nothing else of such a request can be left out, as it
# would then not pass through either.
WHOLE_ONLY = int(Need.LOGPROBS | Need.MULTIPLE | Need.NATIVE_TOOLS | Need.NATIVE_CONTENT)
PLAIN_ROUTE = Route(name="default", match=("*",))  # for names that no route of the estate matches
SUGGESTIONS_MAX = 3


class Rule(NamedTuple):
    """``mask`` is who passes; ``text`` says of all others why not."""

    kind: RuleKind
    mask: int
    text: str


class Target(NamedTuple):
    """What an asked name stands for. ``models`` serve it in the route's order; ``tier`` means that the name
    is no model of its own. ``equivalents`` may stand in, and are marked when they do."""

    asked: str
    route_index: int
    route: Route
    models: tuple[str, ...]
    equivalents: tuple[str, ...]
    tier: bool


def resolve(compiled: Compiled, asked: str) -> Target | None:
    """Follow alias, route and tier; None when the name stands for nothing in the estate.

    A route with a quality floor or a cap makes a tier of all models only for a name that it spells
    out: a mistyped ``gpt-5O`` under ``gpt-*`` is unknown, not every model there is.
    """
    tables = compiled.tables
    name = tables.aliases.get(asked, asked)
    index = compiled.route_of(asked)
    route = PLAIN_ROUTE if index is None else tables.routes[index]
    is_model = name in tables.models
    tier = False
    if route.models:
        models = tuple(m for m in route.models if m in tables.models)
        tier = not is_model
    elif is_model:
        models = (name,)
    elif (route.quality_floor is not None or route.cap_micro_usd_per_1k is not None) and {asked, name} & {*route.match}:
        models, tier = tuple(tables.models), True
    else:
        models = ()
    if not models:
        return None
    equivalents: dict[str, None] = {}
    if route.fallback == "equivalent":
        for model in models:
            equivalents.update(dict.fromkeys(e for e in tables.models[model].equivalent if e in tables.models))
    return Target(
        asked, -1 if index is None else index, route, models, tuple(e for e in equivalents if e not in models), tier
    )


def permitted(compiled: Compiled, asked: str, patterns: Patterns) -> bool:
    """Whether a key may ask for this name: every set of patterns matches it, or what it is an alias of."""
    name = compiled.tables.aliases.get(asked, asked)
    return all(matches(asked, one) or matches(name, one) for one in patterns)


def public_names(compiled: Compiled, patterns: Patterns = ()) -> tuple[str, ...]:
    """Every name that a caller may ask for and that stands for something: models, aliases, tiers; sorted."""
    tables = compiled.tables
    tiers = {p for r in tables.routes for p in r.match if not set(p) & set("*?[")}
    names = {*tables.models, *tables.aliases, *tiers}
    return tuple(sorted(n for n in names if permitted(compiled, n, patterns) and resolve(compiled, n) is not None))


def residency_mask(compiled: Compiled, classes: Iterable[str]) -> int:
    """Deployments that every class allows. A class that the tables do not know allows nothing."""
    found = compiled.everything
    for name in classes:
        found &= compiled.class_masks.get(name, 0)
    return found


def rules(
    compiled: Compiled, target: Target, classes: tuple[str, ...], patterns: Patterns, needs: int = 0, face: str = ""
) -> tuple[Rule, ...]:
    """Every rule but health, in the order in which a refusal names them. ``face`` is the caller's dialect, ""
    when no body is to be passed through."""
    tables, route = compiled.tables, target.route
    serving = _union(compiled, (*target.models, *target.equivalents))
    found = [Rule("model", serving, f"does not serve {target.asked!r}")]
    allowed = compiled.everything if target.route_index < 0 else compiled.route_masks[target.route_index]
    if allowed != compiled.everything:
        found.append(Rule("route", allowed, f"route {route.name!r} does not include it"))
    for name in classes:
        row = tables.classes.get(name)
        text = f"data class {name!r} {row.rule}" if row else f"data class {name!r} is not in the estate"
        found.append(Rule("class", residency_mask(compiled, (name,)), text))
    for one in patterns:
        granted = (*target.models, *(e for e in target.equivalents if matches(e, one)))
        if len(granted) < len(target.models) + len(target.equivalents):
            found.append(Rule("key", _union(compiled, granted), f"the key allows only {', '.join(one)}"))
    if route.quality_floor is not None:
        floor = route.quality_floor
        good = sum(1 << i for i in range(len(compiled.deployments)) if (_quality(compiled, i) or -1.0) >= floor)
        found.append(Rule("quality", good, f"its quality is not known to reach {floor:g}"))
    if face and needs & PASS_THROUGH_ONLY:
        named = ", ".join(need_names(needs & PASS_THROUGH_ONLY))
        same = compiled.dialect_masks.get(face, 0)
        found.append(Rule("need", same, f"speaks another format than the caller, into which {named} do not carry over"))
    found += [Rule("need", compiled.capable[bit], f"can not do {need_names(1 << bit)[0]}") for bit in bits(needs)]
    return tuple(found)


def conjunction(compiled: Compiled, found: Iterable[Rule]) -> int:
    """Whom all of the rules let pass."""
    mask = compiled.everything
    for rule in found:
        mask &= rule.mask
    return mask


def not_named(compiled: Compiled, asked: str, patterns: Patterns) -> RequestError:
    """The error for a name that stands for nothing, or that the key may not ask for."""
    if resolve(compiled, asked) is not None and not permitted(compiled, asked, patterns):
        limits = " and only ".join(", ".join(one) or "no model" for one in patterns if not matches(asked, one))
        return PolicyDenied(f"this key may not use {asked!r}: it allows only {limits}", "model")
    names = public_names(compiled, patterns)
    close = closest(asked, names)
    hint = f"; did you mean {' or '.join(close)}?" if close else "; GET /v1/models lists what this key may use"
    return ModelUnknown(f"no model, alias or tier is named {asked[:NAME_SHOWN_MAX]!r}{hint}", "model")


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that share most letter pairs with ``name``, best first."""
    pairs = _pairs(name[:NAME_SHOWN_MAX])
    scored = []
    for other in known:
        theirs = _pairs(other)
        score = 2 * len(pairs & theirs) / ((len(pairs) + len(theirs)) or 1)
        if score >= 0.5:
            scored.append((-score, other))
    return [other for _, other in sorted(scored)[:SUGGESTIONS_MAX]]


_MEANT = {int(Need.MULTIPLE): "multiple answers (n > 1)"}  # of those whose name is not what callers write


def need_names(needs: int) -> tuple[str, ...]:
    """The needs in a set, as words for errors and headers."""
    return tuple(_MEANT.get(1 << bit) or (Need(1 << bit).name or "").lower() for bit in bits(needs))


NAME_SHOWN_MAX = 100  # a caller's name is quoted, never a kilobyte of it


def _pairs(name: str) -> set[str]:
    text = name.lower()
    return {text[i : i + 2] for i in range(len(text) - 1)} or {text}


def _union(compiled: Compiled, models: Iterable[str]) -> int:
    found = 0
    for name in models:
        found |= compiled.model_masks[name]
    return found


def _quality(compiled: Compiled, index: int) -> float | None:
    deployment = compiled.deployments[index]
    if deployment.quality is not None:
        return deployment.quality
    model = compiled.tables.models.get(deployment.model)
    return None if model is None else model.quality
