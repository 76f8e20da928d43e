"""The library: what the command line does, as typed functions on values. Nothing here starts or changes anything.

>>> import polycloud
>>> estate = polycloud.load("estate.yaml")
>>> polycloud.check(estate)
()
"""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from polycloud.app.client import Client
from polycloud.app.examining import Examined as Examined
from polycloud.app.examining import examine as examine_estate
from polycloud.catalog import Catalog
from polycloud.core.chat import Need
from polycloud.core.diagnostics import Diagnostic
from polycloud.core.errors import BadRequest, EstateError
from polycloud.core.units import parse
from polycloud.estate import Estate, Loaded, json_schema
from polycloud.estate import check as check_estate
from polycloud.estate import load as load_estate
from polycloud.estate.jsonschema import JsonSchema
from polycloud.gateway.explain import Explanation
from polycloud.gateway.explain import explain as explain_choice
from polycloud.gateway.routes import Ask, View, caller_region, effective_classes, route_for
from polycloud.policy.compile import compile as compile_tables
from polycloud.policy.prove import Proof
from polycloud.policy.prove import prove as prove_tables
from polycloud.policy.tables import Compiled, Tables

FACES = {"openai": "openai_chat", "anthropic": "anthropic_messages"}


@cache
def catalog() -> Catalog:
    """The facts that come with this version: regions, laws, models and prices; read once."""
    return Catalog.load()


def load(path: str | Path, env: str | None = None) -> Loaded:
    """Reads an estate file, with the layer of environment ``env``. What is wrong with it stands in
    ``diagnostics``; nothing is raised for it."""
    return load_estate(Path(path), env)


def check(estate: Loaded) -> tuple[Diagnostic, ...]:
    """Everything that is wrong or doubtful with an estate, each with its place and fix."""
    return check_estate(estate, catalog(), datetime.now(UTC).date())


def compile(estate: Loaded) -> Tables:
    """The flat tables that the gateway reads. Raises EstateError with every diagnostic."""
    return compile_tables(_whole(estate), catalog(), {}, estate.place)


def prove(estate: Loaded) -> Proof:
    """Walks every path that a request can take: each stays inside its data classes, or the breaking one is shown.
    Raises EstateError."""
    return prove_tables(Compiled(compile(estate)), _whole(estate), catalog())


def examine(path: str | Path, env: str | None = None) -> Examined:
    """Load, check, compile and prove in one, with all findings."""
    return examine_estate(load(path, env), catalog(), {}, datetime.now(UTC).date())


class Query(msgspec.Struct, frozen=True):
    """A request to be explained. ``data_class`` and ``region`` are what the headers would say; ``needs`` are
    capabilities such as ``tools``, ``json_schema`` and ``stream``."""

    model: str
    face: str = "openai"
    team: str = ""
    data_class: str = ""
    region: str = ""
    needs: tuple[str, ...] = ()
    input_tokens: int = 1000
    max_tokens: int | None = None


def explain(tables: Tables, query: Query) -> Explanation:
    """Where a request would go, and why not elsewhere, with every site in service. Raises BadRequest for a team,
    class or region that the estate does not have."""
    team = tables.teams.get(query.team)
    if query.team and team is None:
        raise BadRequest(
            f"there is no team {query.team!r} (known: {', '.join(sorted(tables.teams)) or 'none'})", "team"
        )
    compiled = Compiled(tables)
    route = route_for(compiled, query.model)
    classes = effective_classes(tables, (), team.classes if team else (), route.data_class, query.data_class or None)
    ask = Ask(
        model=query.model,
        classes=classes,
        needs=_needs(query.needs),
        input_tokens=query.input_tokens,
        max_tokens=query.max_tokens,
        model_patterns=(team.models,) if team else (),
        region=caller_region(tables, query.region or None, "", team.region if team else ""),
        face=FACES.get(query.face, query.face),
    )
    return explain_choice(compiled, View(compiled), ask)


def schema() -> JsonSchema:
    """The JSON Schema (draft 2020-12) of the estate file, for editors."""
    return json_schema()


def connect(url: str = "http://127.0.0.1:8080", admin_token: str = "", key: str = "") -> Client:
    """A client of a running instance. The token is in ``admin.token`` in its state directory; ``key`` is a gateway
    key, for ``call``. Opens no connection yet. Raises ValueError for an address that is not http:// or https://."""
    return Client(url, admin_token, key)


def seconds(text: str) -> float:
    """A time with its unit, such as ``24h`` or ``90d``. Raises BadRequest."""
    try:
        return float(parse(text, "seconds").value)
    except ValueError as error:
        raise BadRequest(f"{text!r} is no time: {error}") from error


def _needs(names: tuple[str, ...]) -> int:
    """Raises BadRequest for a name that is no need."""
    found = 0
    for name in names:
        if name.upper() not in Need.__members__:
            raise BadRequest(f"{name!r} is no need (known: {', '.join(n.lower() for n in Need.__members__)})", "needs")
        found |= Need[name.upper()]
    return found


def _whole(estate: Loaded) -> Estate:
    if estate.estate is None:
        raise EstateError(estate.diagnostics)
    return estate.estate
