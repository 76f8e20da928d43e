"""The proof that no path leads out: the whole space of requests is walked over the very tables of the hot path.

A path is (classes, asked name, key patterns, deployment, place): a request held by these classes, for
this name, by such a key, served there. For each, ``eligible.rules`` gives the mask that the gateway
uses, and every place of every deployment in it must be inside every class.

Why this covers all states of health and overlay, without listing 2^n of them: the gateway's candidates
are ``rules & health``, where ``health`` is any set at all, and it takes nobody from elsewhere. So a
deployment can be reached in some state exactly if it can be reached in the state where only it is left,
and that state is walked for every deployment. Needs, size, caps and shares likewise only take away.

Why pairs of classes are enough: the rule of a set of classes is the AND of its members' rules, so a
deployment that a larger set lets through is let through by each member; a breach under the larger set
is a breach under one of its members already. Pairs, and all sets that teams, routes and the default
put together, are walked all the same.

What a class allows is derived here a second time, from the estate's words and the catalogue's rows,
into lists of places; neither ``compile`` nor its masks nor its predicate take part. So are the places
of each deployment.
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import combinations

import msgspec

from polycloud.catalog import Catalog, UnknownScope
from polycloud.estate import Estate
from polycloud.estate.schema.rules import DataClass
from polycloud.policy import eligible
from polycloud.policy.eligible import Patterns
from polycloud.policy.tables import Compiled, bits

BREAKS_MAX = 100  # shown; one is enough to refuse an estate
NOWHERE = "unknown"  # a place that no class with limits holds


class Break(msgspec.Struct, frozen=True):
    """A path that leaves its class: ``place`` is outside of ``data_class``, whose ``rule`` says so."""

    classes: tuple[str, ...]
    name: str
    route: str
    team: str
    deployment: str
    place: str
    data_class: str
    rule: str

    def __str__(self) -> str:
        key = f" with a key of team {self.team}" if self.team else ""
        return (
            f"a request for {self.name!r} of class {'+'.join(self.classes) or 'none'}{key}, by route {self.route!r}, "
            f"to {self.deployment}, may run in {self.place}: {self.data_class} {self.rule}"
        )


class Contradiction(msgspec.Struct, frozen=True):
    """Requests for ``name`` under ``classes`` have no eligible place. ``certain``: the estate's own default,
    route or team puts these classes there; else a key or header may."""

    classes: tuple[str, ...]
    name: str
    team: str
    certain: bool

    def __str__(self) -> str:
        who = f" of team {self.team}" if self.team else ""
        return f"no deployment may serve {self.name!r} for requests{who} of class {'+'.join(self.classes)}"


class Proof(msgspec.Struct, frozen=True):
    """``paths`` is how many were walked; ``breaks`` is empty exactly when all of them stay inside."""

    version: str
    paths: int
    requests: int
    breaks: tuple[Break, ...]
    contradictions: tuple[Contradiction, ...]

    @property
    def holds(self) -> bool:
        return not self.breaks


class Request(msgspec.Struct, frozen=True):
    """One kind of request in the space. ``team`` "" is a key without a team's limits."""

    classes: tuple[str, ...]
    name: str
    team: str
    certain: bool


def prove(compiled: Compiled, estate: Estate, catalog: Catalog) -> Proof:
    """Walk the whole space. Pure; the caller decides what a break means (``polycloud check`` refuses)."""
    witness = _Witness(compiled, estate, catalog)
    walked = requests = 0
    breaks: list[Break] = []
    contradictions: list[Contradiction] = []
    for name, team, patterns in _askers(compiled):
        target = eligible.resolve(compiled, name)
        assert target is not None, "only names that stand for something are walked"
        reached = eligible.conjunction(compiled, eligible.rules(compiled, target, (), patterns))
        for classes, certain in _class_sets(compiled, estate, target.route.data_class, team):
            requests += 1
            request = Request(classes, name, team, certain)
            mask = reached & eligible.residency_mask(compiled, classes)
            if not mask and classes:
                contradictions.append(Contradiction(classes, name, team, certain))
            walked += witness.count(mask)
            if any(mask & witness.outside(data_class) for data_class in classes):
                breaks += witness.breaks(request, target.route.name, mask)
    return Proof(compiled.version, walked, requests, tuple(breaks[:BREAKS_MAX]), tuple(contradictions))


def _askers(compiled: Compiled) -> Iterator[tuple[str, str, Patterns]]:
    """Every name with every team that may ask for it, and with a key that no team limits. A wildcard that
    makes a tier stands for all names under it."""
    wild = (p for r in compiled.tables.routes if r.models for p in r.match if set(p) & set("*?"))
    names = (*eligible.public_names(compiled), *(p for p in wild if eligible.resolve(compiled, p) is not None))
    for name in dict.fromkeys(names):
        yield name, "", ()
        for team in compiled.tables.teams.values():
            if eligible.permitted(compiled, name, (team.models,)):
                yield name, team.name, (team.models,)


def _class_sets(
    compiled: Compiled, estate: Estate, route_class: str, team: str
) -> Iterator[tuple[tuple[str, ...], bool]]:
    """Each set of classes that can hold, once, and whether the estate alone puts it there.

    What keys and headers can add is any set; up to two of them are walked. A key's classes keep the
    default out, a header's come on top of it.
    """
    tables = compiled.tables
    known = sorted({*tables.classes, *estate.data_classes})
    own = {*(tables.teams[team].classes if team else ()), *([route_class] if route_class else [])}
    base = own or {*([tables.default_class] if tables.default_class else [])}
    seen = {tuple(sorted(base))}
    yield tuple(sorted(base)), True
    for size in (1, 2):
        for added in combinations(known, size):
            for held in (own, base):
                classes = tuple(sorted({*held, *added}))
                if classes not in seen:
                    seen.add(classes)
                    yield classes, False


class _Witness:
    """What the estate and the catalogue say by themselves: which places a class holds, where a deployment runs."""

    def __init__(self, compiled: Compiled, estate: Estate, catalog: Catalog) -> None:
        self._compiled = compiled
        self._estate = estate
        self._catalog = catalog
        self._places = [self._places_of(i) for i in range(len(compiled.deployments))]
        self._universe = {*(s.id for s in catalog.sites()), *estate.site_ids(), *(p for ps in self._places for p in ps)}
        self._inside = {name: self._places_in(rule) for name, rule in estate.data_classes.items()}
        self._outside: dict[str, int] = {}
        self._counts: dict[int, int] = {}

    def count(self, mask: int) -> int:
        """Paths through a set of deployments: one for each place of each."""
        if mask not in self._counts:
            self._counts[mask] = sum(len(self._places[i]) for i in bits(mask))
        return self._counts[mask]

    def outside(self, data_class: str) -> int:
        """Deployments with a place outside of a class; all of them for a class that the estate does not have."""
        if data_class not in self._outside:
            allowed = self._inside.get(data_class, frozenset())
            self._outside[data_class] = sum(1 << i for i, places in enumerate(self._places) if not places <= allowed)
        return self._outside[data_class]

    def breaks(self, request: Request, route: str, mask: int) -> Iterator[Break]:
        for i in bits(mask):
            for data_class in request.classes:
                row = self._compiled.tables.classes.get(data_class)
                for place in sorted(self._places[i] - self._inside.get(data_class, frozenset())):
                    yield Break(
                        classes=request.classes,
                        name=request.name,
                        route=route,
                        team=request.team,
                        deployment=self._compiled.deployments[i].id,
                        place=place,
                        data_class=data_class,
                        rule=row.rule if row else "is not in the estate",
                    )

    def _places_of(self, index: int) -> frozenset[str]:
        """What the row says, and what its line in the estate says by itself."""
        row = self._compiled.deployments[index]
        found = {*row.places, row.site}
        listed = self._compiled.tables.models.get(row.model)
        order = listed.deployments.index(index) if listed is not None and index in listed.deployments else -1
        model = self._estate.models.get(row.model)
        if model is None or not 0 <= order < len(model.deployments):
            return frozenset({*found, NOWHERE})
        said = model.deployments[order]
        found.add(said.at)
        cloud, _, region = said.at.partition("/")
        if cloud == "onprem":
            return frozenset(found)
        names = [row.upstream.model, said.model, said.upstream, said.capacity.endpoint if said.capacity else None]
        named = " ".join([row.upstream.model, said.model or row.model]).lower()
        claude_on_azure = cloud == "azure" and ("claude" in named or said.dialect == "anthropic_messages")
        if claude_on_azure and said.hosting != "azure":
            found.add(NOWHERE)
        try:
            if claude_on_azure and said.profile not in ("datazone", "datazone:us", "profile:datazone:us"):
                found.update(self._catalog.places(cloud, region, "", "global"))
            if said.profile:
                found.update(self._catalog.places(cloud, region, "", said.profile))
            for name in names:
                if name and not (said.profile and ":application-inference-profile/" in name):
                    found.update(self._catalog.places(cloud, region, name))
        except UnknownScope:
            found.add(NOWHERE)
        return frozenset(found)

    def _places_in(self, rule: DataClass) -> frozenset[str]:
        allowed = set(self._universe)
        if rule.stay_in:
            allowed = set().union(*(self._named(word, rule.include_adequate) for word in rule.stay_in))
        if rule.sites:
            sites = {p for p in self._universe if "/" in p}
            allowed &= {p for p in sites if any(fnmatchcase(p, pattern) for pattern in rule.sites)}
        if rule.clouds:
            allowed &= {p for p in self._universe if p.split("/")[0] in rule.clouds}
        if rule.operators:
            allowed &= {p for p in self._universe if self._run_by(p) & set(rule.operators)}
        return frozenset(allowed)

    def _named(self, word: str, include_adequate: bool) -> set[str]:
        """The places that one word of ``stay_in`` names: by the law's list of members, a country, or a site."""
        law = self._catalog.jurisdiction(word)
        if law is None:
            return {p for p in self._universe if word in (p, *self._codes(p)[:1])}
        codes = set(law.members)
        if include_adequate:
            for decision in self._catalog.adequacy(word):
                if decision.in_force and not decision.needs_certificate:
                    european = self._catalog.jurisdiction("eu")
                    members = european.members if decision.to_country == "EEA" and european else (decision.to_country,)
                    codes.update(m for m in members if "-" not in m)
        return {p for p in self._universe if codes.intersection(self._codes(p))}

    def _codes(self, place: str) -> list[str]:
        """The country of a place and, where known, the part of it."""
        cloud, _, name = place.partition("/")
        hall = self._estate.onprem.get(name) if cloud == "onprem" else None
        if hall is not None:
            return [hall.country] if hall.country else []
        region = self._catalog.region(place)
        return [code for code in (region.country, region.subdivision) if code] if region else []

    def _run_by(self, place: str) -> set[str]:
        cloud, _, name = place.partition("/")
        hall = self._estate.onprem.get(name) if cloud == "onprem" else None
        if hall is not None:
            return {hall.operator or "ourselves", "onprem"}
        region = self._catalog.region(place)
        return {region.operator, region.kind} - {""} if region else set()
