"""No request ever leaves its classes: an independent checker walks every state, and the choice and the proof agree.

The checker knows places, laws and the meaning of an estate by itself (plain dictionaries below); it
imports nothing of the compiler, the predicate or the rules. It lists all 2^n states of health.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polycloud.catalog import Catalog
from polycloud.core.chat import Need
from polycloud.core.errors import PolicyDenied, PolycloudError, Unavailable
from polycloud.estate import Estate
from polycloud.gateway.routes import Ask, View, choose, effective_classes, route_for
from polycloud.gateway.shares import Turns
from polycloud.policy.compile import compile
from polycloud.policy.overlay import Overlay, Steer
from polycloud.policy.prove import prove
from polycloud.policy.tables import Compiled, bits

CATALOG = Catalog.load()

# What the checker knows. Country and laws of each place that the estates below can reach.
COUNTRY = {
    "aws/eu-central-1": "DE", "aws/eu-central-2": "CH", "aws/eu-north-1": "SE", "aws/eu-south-1": "IT",
    "aws/eu-south-2": "ES", "aws/eu-west-1": "IE", "aws/eu-west-2": "GB", "aws/eu-west-3": "FR",
    "aws/us-east-1": "US", "aws/us-east-2": "US", "aws/us-west-1": "US", "aws/us-west-2": "US",
    "azure/westeurope": "NL", "azure/eastus": "US", "azure/norwayeast": "NO",
    "gcp/europe-west2": "GB", "gcp/asia-northeast1": "JP",
    "onprem/oslo": "NO", "onprem/drift": "",
}  # fmt: skip
LAW = {"DE": "eu", "SE": "eu", "IT": "eu", "ES": "eu", "IE": "eu", "FR": "eu", "NL": "eu", "NO": "eu",
       "CH": "ch", "GB": "uk", "US": "us", "JP": "jp"}  # fmt: skip
# Of the countries above. The United States are adequate only for certified recipients; "CH" names the country.
ADEQUATE = {"eu": {"CH", "GB", "JP"}, "uk": {c for c, law in LAW.items() if law == "eu"}}
PROFILE_PLACES = {
    "eu": [p for p in COUNTRY if p.startswith("aws/eu-")],
    "us": [p for p in COUNTRY if p.startswith("aws/us-")],
}
DEPLOYMENTS: list[dict[str, Any]] = [
    {"at": "aws/eu-central-1", "model": "claude-sonnet-4-6", "profile": "eu"},
    {"at": "aws/us-east-1", "model": "claude-sonnet-4-6", "profile": "us"},
    {"at": "aws/eu-central-1", "model": "llama-3.3-70b-instruct"},
    {"at": "azure/westeurope", "model": "gpt-4o"},
    {"at": "azure/eastus", "model": "gpt-4o"},
    {"at": "azure/norwayeast", "model": "gpt-4o"},
    {"at": "gcp/europe-west2", "model": "claude-sonnet-4-6"},
    {"at": "gcp/asia-northeast1", "model": "claude-sonnet-4-6"},
    {"at": "onprem/oslo", "model": "own"},
    {"at": "onprem/drift", "model": "own"},
]
SITES = sorted({d["at"] for d in DEPLOYMENTS})
CLOUDS = {
    "aws": {"sites": ["eu-central-1", "us-east-1"]},
    "azure": {"sites": ["westeurope", "eastus", "norwayeast"]},
    "gcp": {"sites": ["europe-west2", "asia-northeast1"], "project": "p"},
}
HALLS = {
    "oslo": {"country": "NO", "models_at": "http://10.0.0.1/v1", "operator": "Fjord"},
    "drift": {"models_at": "http://10.0.0.2/v1"},
}
MODELS = ("m1", "m2", "m3")
CLASSES = ("c1", "c2", "c3")
some = st.lists


class_rules = st.fixed_dictionaries(
    {},
    optional={
        "stay_in": some(st.sampled_from(["eu", "uk", "us", "NO", "CH", "aws/us-east-1"]), min_size=1, max_size=2),
        "sites": some(st.sampled_from(["aws/*", "azure/*", "*/e*", "onprem/oslo"]), min_size=1, max_size=2),
        "clouds": some(st.sampled_from(["aws", "azure", "gcp", "onprem"]), min_size=1, max_size=3, unique=True),
        "operators": some(st.sampled_from(["Microsoft", "Fjord", "commercial"]), min_size=1, max_size=2, unique=True),
        "include_adequate": st.booleans(),
    },
)
names_or_patterns = st.sampled_from(["m1", "m2", "m*", "*", "a1", "tier"])


@st.composite
def estates(draw: st.DrawFn) -> dict[str, Any]:
    chosen = draw(some(st.sampled_from(range(len(DEPLOYMENTS))), min_size=2, max_size=5))
    models: dict[str, Any] = {}
    for i in chosen:
        models.setdefault(draw(st.sampled_from(MODELS)), {"deployments": []})["deployments"].append(DEPLOYMENTS[i])
    for name, model in models.items():
        model["equivalent"] = draw(some(st.sampled_from(sorted(models)), max_size=2, unique=True))
        model["quality"] = draw(st.sampled_from([0.2, 0.8]))
        if name == "m1":
            model["aliases"] = ["a1"]
    routes = [draw(_route(sorted(models))) for _ in range(draw(st.integers(0, 3)))]
    classes = {name: draw(class_rules) for name in CLASSES[: draw(st.integers(1, 3))]}
    for route in routes:
        if draw(st.integers(0, 3)) == 0:
            route["class"] = draw(st.sampled_from(sorted(classes)))
    made: dict[str, Any] = {
        "estate": "random", "clouds": CLOUDS, "onprem": HALLS, "models": models, "routes": routes,
        "data_classes": classes,
        "teams": {
            "t": {
                "models": draw(some(names_or_patterns, min_size=1, max_size=2)),
                "classes": draw(some(st.sampled_from(sorted(classes)), max_size=2, unique=True)),
            }
        },
    }  # fmt: skip
    if draw(st.booleans()):
        made["residency"] = {"default_class": draw(st.sampled_from(sorted(classes)))}
    return made


@st.composite
def _route(draw: st.DrawFn, models: list[str]) -> dict[str, Any]:
    route: dict[str, Any] = {
        "fallback": draw(st.sampled_from(["none", "same-model", "equivalent"])),
        "prefer": draw(st.sampled_from(["cost", "near", "order"])),
        "unsupported": draw(st.sampled_from(["reroute", "degrade", "refuse"])),
    }
    kind = draw(st.sampled_from(["match", "tier", "floor"]))
    if kind == "match":
        route["match"] = {"model": draw(some(names_or_patterns, min_size=1, max_size=2))}
    else:
        route["tier"] = "tier"
    if kind == "tier":
        route["models"] = draw(some(st.sampled_from(models), min_size=1, max_size=2, unique=True))
    if kind == "floor":
        route["quality_floor"] = 0.5
    if draw(st.booleans()):
        route["at"] = draw(some(st.sampled_from(["aws/*", "azure/*", "*", "onprem/oslo"]), min_size=1, max_size=2))
    if draw(st.booleans()):
        route["shares"] = dict.fromkeys(draw(some(st.sampled_from(SITES), min_size=1, unique=True)), "50 %")
        lost = next(iter(route["shares"]))
        if draw(st.booleans()):
            route["failover_shares"] = {lost: dict.fromkeys(draw(some(st.sampled_from(SITES), unique=True)), "50 %")}
    return route


# -- the checker: an estate as plain data, read a second time -------------------------------------------------


class Checker:
    def __init__(self, estate: dict[str, Any]) -> None:
        self.estate = estate
        self.ids: list[str] = []
        self.model_of: list[str] = []
        self.site_of: list[str] = []
        self.places: list[list[str]] = []
        for name, model in estate["models"].items():
            count: dict[str, int] = {}
            for d in model["deployments"]:
                site = d["at"]
                count[site] = count.get(site, 0) + 1
                self.ids.append(f"{site}/{name}" + (f"#{count[site]}" if count[site] > 1 else ""))
                self.model_of.append(name)
                self.site_of.append(site)
                self.places.append(PROFILE_PLACES[d["profile"]] if "profile" in d else [site])

    def holds(self, data_class: str, place: str) -> bool:
        rule = self.estate["data_classes"][data_class]
        country = COUNTRY[place]
        cloud = place.split("/")[0]
        if "stay_in" in rule:
            words = rule["stay_in"]
            near = set().union(*(ADEQUATE.get(w, set()) for w in words)) if rule.get("include_adequate") else set()
            if not (place in words or (country and (country in words or LAW[country] in words or country in near))):
                return False
        if "sites" in rule and not any(fnmatchcase(place, p) for p in rule["sites"]):
            return False
        if "clouds" in rule and cloud not in rule["clouds"]:
            return False
        if "operators" in rule:
            runs = {"aws": "Amazon Web Services", "azure": "Microsoft", "gcp": "Google"}.get(cloud, "")
            mine = {runs, "commercial"} if cloud != "onprem" else {"Fjord" if place.endswith("oslo") else "ourselves"}
            if not mine & set(rule["operators"]):
                return False
        return True

    def outside(self, i: int, classes: tuple[str, ...]) -> list[tuple[str, str]]:
        return [(c, p) for c in classes for p in self.places[i] if not self.holds(c, p)]

    def names(self) -> list[str]:
        found = [*self.estate["models"], *(["a1"] if "m1" in self.estate["models"] else [])]
        if any("tier" in self._patterns(r) for r in self.estate["routes"]):
            found.append("tier")
        return [n for n in dict.fromkeys(found) if self.serving(n)]

    def _patterns(self, route: dict[str, Any]) -> list[str]:
        return list(route["match"]["model"]) if "match" in route else ["tier"]

    def route(self, name: str) -> dict[str, Any]:
        spellings = {name, "m1"} if name == "a1" else {name}
        for route in self.estate["routes"]:
            if any(fnmatchcase(s, p) for s in spellings for p in self._patterns(route)):
                return dict(route)
        return {"fallback": "same-model"}

    def serving(self, name: str) -> list[str]:
        """Models that a name stands for."""
        route, models = self.route(name), self.estate["models"]
        real = "m1" if name == "a1" else name
        if route.get("models"):
            return list(route["models"])
        if real in models:
            return [real]
        return list(models) if "quality_floor" in route and real in self._patterns(route) else []

    def may(self, name: str, patterns: list[str] | None) -> bool:
        spellings = {name, "m1"} if name == "a1" else {name}
        return patterns is None or any(fnmatchcase(s, p) for s in spellings for p in patterns)

    def reachable(self, name: str, patterns: list[str] | None, classes: tuple[str, ...], up: int) -> set[int]:
        """Deployments that a request may be sent to in one state of health: a bit a deployment that is up."""
        route, models = self.route(name), self.estate["models"]
        primary = self.serving(name)
        equivalents = []
        if route["fallback"] == "equivalent":
            equivalents = [
                e
                for m in primary
                for e in models[m].get("equivalent", [])
                if patterns is None or any(fnmatchcase(e, p) for p in patterns)
            ]
        found = set()
        for i, model in enumerate(self.model_of):
            if model not in primary and model not in equivalents:
                continue
            if not up >> i & 1 or self.outside(i, classes):
                continue
            if "at" in route and not any(fnmatchcase(self.site_of[i], p) for p in route["at"]):
                continue
            if "quality_floor" in route and models[model]["quality"] < route["quality_floor"]:
                continue
            found.add(i)
        return found

    def base(self, name: str, team: str) -> tuple[set[str], set[str]]:
        """(classes without the default, classes with it where nothing else holds)."""
        own = {*(self.estate["teams"][team]["classes"] if team else []), *_given(self.route(name).get("class"))}
        return own, own or _given(self.estate.get("residency", {}).get("default_class"))

    def requests(self, added_max: int) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """(name, team, classes): every name, with and without the team, under every set of classes that can hold."""
        for name in self.names():
            for team in ("", "t"):
                if team and not self.may(name, self.estate["teams"]["t"]["models"]):
                    continue
                own, base = self.base(name, team)
                sets = {frozenset(base)}
                for size in range(1, added_max + 1):
                    for added in combinations(sorted(self.estate["data_classes"]), size):
                        sets |= {frozenset(own | set(added)), frozenset(base | set(added))}
                for classes in sorted(sets, key=sorted):
                    yield name, team, tuple(sorted(classes))


def _given(word: str | None) -> set[str]:
    return {word} if word else set()


def built(estate: dict[str, Any]) -> tuple[Estate, Compiled]:
    made = Estate.model_validate_json(json.dumps(estate))
    return made, Compiled(compile(made, CATALOG))


QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck))


@settings(QUIET, max_examples=40)
@given(estates())
def test_checker_choice_and_proof_agree_in_every_state_of_health(estate: dict[str, Any]) -> None:
    made, compiled = built(estate)
    checker = Checker(estate)
    assert [d.id for d in compiled.deployments] == checker.ids
    turns = Turns()
    states = range(1 << len(checker.ids))
    views = [View(compiled, open_breakers=compiled.everything & ~up) for up in states]
    reached: set[tuple[str, str, tuple[str, ...], int]] = set()
    for name, team, classes in checker.requests(added_max=len(CLASSES)):
        patterns = estate["teams"]["t"]["models"] if team else None
        ask = Ask(name, classes, model_patterns=(tuple(patterns),) if patterns else ())
        for up in states:
            expected = checker.reachable(name, patterns, classes, up)
            try:
                choice = choose(compiled, views[up], ask, turns)
            except (PolicyDenied, Unavailable):
                assert not expected
                continue
            assert set(bits(choice.eligible)) == expected
            assert {c.index for c in choice.order} <= expected
            for i in expected:
                assert checker.outside(i, classes) == []
                reached.add((name, team, classes, i))
    proof = prove(compiled, made, CATALOG)
    assert proof.holds
    walked = set(checker.requests(added_max=2))
    assert proof.requests == len(walked)
    assert proof.paths == sum(len(checker.places[i]) for n, t, c, i in reached if (n, t, c) in walked)
    dead = {(n, t, c) for n, t, c in walked if c and not any((n, t, c, i) in reached for i in range(len(checker.ids)))}
    assert {(c.name, c.team, c.classes) for c in proof.contradictions} == dead


steers = st.builds(Steer, st.sampled_from(["serving", "draining", "failed"]), st.none() | st.sampled_from([0.0, 30.0]))


@settings(QUIET, max_examples=150)
@given(st.data(), estates())
def test_no_state_shares_needs_or_header_leads_outside(data: st.DataObject, estate: dict[str, Any]) -> None:
    _, compiled = built(estate)
    checker = Checker(estate)
    turns = Turns()
    header = data.draw(st.none() | st.sampled_from(sorted(estate["data_classes"])))
    key_classes = data.draw(some(st.sampled_from(sorted(estate["data_classes"])), max_size=2, unique=True))
    for _ in range(4):
        overlay = Overlay(
            1,
            sites=data.draw(st.dictionaries(st.sampled_from(SITES), steers, max_size=3)),
            deployments=data.draw(st.dictionaries(st.sampled_from(checker.ids), steers, max_size=2)),
        )
        down = data.draw(st.sets(st.sampled_from(checker.ids), max_size=2))
        view = View(compiled, overlay, down)
        for name in checker.names():
            route_class = route_for(compiled, name).data_class
            classes = effective_classes(compiled.tables, key_classes, (), route_class, header)
            for word in [*key_classes, *_given(route_class), *_given(header)]:
                assert word in classes
            ask = Ask(
                name,
                classes,
                needs=data.draw(st.integers(0, (1 << len(Need)) - 1)) if data.draw(st.booleans()) else 0,
                input_tokens=data.draw(st.sampled_from([10, 1000, 300_000])),
                max_tokens=data.draw(st.sampled_from([None, 100, 100_000])),
                region=data.draw(st.sampled_from(["", "DE", "aws/us-east-1"])),
                face=data.draw(st.sampled_from(["", "openai_chat", "anthropic_messages"])),
            )
            for _ in range(3):
                try:
                    choice = choose(compiled, view, ask, turns)
                except PolycloudError:
                    continue
                for candidate in choice.order:
                    assert checker.outside(candidate.index, classes) == []
                    assert choice.eligible >> candidate.index & 1
                    where = compiled.deployments[candidate.index]
                    assert where.id not in down
                    for steer in (overlay.sites.get(where.site), overlay.deployments.get(where.id)):
                        assert steer is None or steer.state == "serving"
                    assert len(choice.order) == len({c.index for c in choice.order})


@settings(QUIET, max_examples=60)
@given(st.data(), estates())
def test_a_planted_violation_is_shown(data: st.DataObject, estate: dict[str, Any]) -> None:
    made, compiled = built(estate)
    checker = Checker(estate)
    data_class = data.draw(st.sampled_from(sorted(estate["data_classes"])))
    index = data.draw(st.integers(0, len(checker.ids) - 1))
    compiled.class_masks[data_class] |= 1 << index
    proof = prove(compiled, made, CATALOG)
    leaving = checker.outside(index, (data_class,))
    served = any(
        index in checker.reachable(name, estate["teams"]["t"]["models"] if team else None, (), compiled.everything)
        and set(classes) == {data_class}
        for name, team, classes in checker.requests(added_max=2)
    )
    if leaving and served:
        assert not proof.holds
        assert {(b.data_class, b.place) for b in proof.breaks if b.deployment == checker.ids[index]} >= set(leaving)
    if not leaving:
        assert proof.holds
