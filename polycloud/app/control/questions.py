"""Explains a request that is not sent, by the steps and the functions that the gateway takes for one that is."""

import msgspec

from polycloud.app.api.backend import Question
from polycloud.core.chat import Need
from polycloud.core.errors import BadRequest
from polycloud.core.ports.models import Face
from polycloud.core.ports.state import KeyRow
from polycloud.gateway.explain import Explanation, explain
from polycloud.gateway.routes import Ask, View, caller_region, effective_classes, route_for
from polycloud.policy.tables import Compiled, Team

_ANYBODY = Team(name="")


def answer(question: Question, key: KeyRow | None, face: Face, compiled: Compiled, view: View) -> Explanation:
    """Raises BadRequest for what the gateway would refuse as malformed, too."""
    tables = compiled.tables
    team = tables.teams.get(key.team if key is not None else question.team, _ANYBODY)
    if question.team and question.team not in tables.teams:
        raise BadRequest(f"no team {question.team!r} in the estate (known: {', '.join(tables.teams) or 'none'})")
    model, needs = question.model, _needs(question.needs)
    tokens, most = question.input_tokens, question.max_tokens
    if question.body:
        envelope = face.peek(question.body)
        model, needs = envelope.model, needs | envelope.needs
        tokens, most = envelope.input_tokens, envelope.max_tokens
    ask = Ask(
        model=model,
        classes=effective_classes(
            tables,
            key.classes if key is not None else (),
            team.classes,
            route_for(compiled, model).data_class,
            question.data_class or None,
        ),
        needs=needs,
        input_tokens=tokens,
        max_tokens=most,
        model_patterns=(key.models if key is not None else ("*",), team.models),
        region=caller_region(tables, question.region or None, key.region if key is not None else "", team.region),
        face=face.name,
    )
    return msgspec.structs.replace(explain(compiled, view, ask), live=True)


def _needs(names: tuple[str, ...]) -> int:
    known = {need.name.lower(): need for need in Need if need.name}
    found = 0
    for name in names:
        if name not in known:
            raise BadRequest(f"no capability {name!r} (known: {', '.join(known)})", "needs")
        found |= known[name]
    return found
