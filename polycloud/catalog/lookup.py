"""Look-ups over the tables: one immutable ``Catalog``, read once from the package and passed around."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from polycloud.catalog import reading
from polycloud.catalog.rows import Adequacy, Facts, Jurisdiction, ModelProfile, PriceRow, Region, Scope
from polycloud.core.geo import Site
from polycloud.core.spelling import near

CLOUDS = ("aws", "azure", "gcp", "oci")
ANYWHERE = "*"
PROFILE = "profile:"
SIMILAR_MAX = 3  # as many suggestions as a person reads
SIMILAR_CUTOFF = 0.6  # difflib's own default for a close match


class UnknownScope(LookupError):
    """The places of processing are not known: a cross-region scope, prefix or ARN that no table lists."""


class Catalog:
    """Dated, sourced facts about regions, law, models and prices. On-premises sites come from the estate."""

    def __init__(self, facts: Facts) -> None:
        self.sources = {s.id: s for s in facts.sources}
        self._jurisdictions = {j.id: j for j in facts.jurisdictions}
        self._adequacy = facts.adequacy
        self._by_member: dict[str, tuple[str, ...]] = {}
        for j in facts.jurisdictions:
            for member in j.members:
                self._by_member[member] = (*self._by_member.get(member, ()), j.id)
        self._regions = {f"{r.cloud}/{r.region}": r for r in facts.regions}
        self._sites = {id: self._site_of(r) for id, r in self._regions.items()}
        self._scopes = {(s.cloud, s.id): s for s in facts.scopes if not s.models}
        self._unbound = tuple(s for s in facts.scopes if s.models)
        self._models: dict[str, list[ModelProfile]] = {}
        self._by_id: dict[tuple[str, str], ModelProfile] = {}
        self._by_name: dict[tuple[str, str], ModelProfile] = {}
        for profile in facts.models:
            self._models.setdefault(profile.cloud, []).append(profile)
            self._by_id.setdefault((profile.cloud, profile.upstream_id.lower()), profile)
            self._by_name.setdefault((profile.cloud, _spelling(profile.name)), profile)
        self._makers = {p.upstream_id.split(".")[0] for p in self._models.get("aws", ())}
        self._prices = {(p.cloud, p.upstream_id.lower(), p.scope): p for p in facts.prices}
        self._priced = {(p.cloud, p.upstream_id.lower()) for p in facts.prices}

    @classmethod
    def load(cls) -> "Catalog":
        """The catalogue that ships with the package. Raises FileNotFoundError when a table is missing."""
        return cls(reading.facts())

    # -- places ------------------------------------------------------------------------------------------

    def _site_of(self, region: Region) -> Site:
        codes = (region.country, region.subdivision)
        return Site(
            id=f"{region.cloud}/{region.region}",
            cloud=region.cloud,
            name=region.region,
            country=region.country,
            jurisdictions=tuple(j for code in codes if code for j in self._by_member.get(code, ())),
            latitude=region.latitude,
            longitude=region.longitude,
            operator=region.operator,
        )

    def site(self, site_id: str) -> Site | None:
        """The site ``cloud/region``; None when no cloud has such a region."""
        return self._sites.get(site_id)

    def sites(self, cloud: str | None = None) -> tuple[Site, ...]:
        """All sites of one cloud, or of all, those of government, sovereign and dedicated realms included."""
        return tuple(s for s in self._sites.values() if cloud is None or s.cloud == cloud)

    def region(self, site_id: str) -> Region | None:
        """The full row of a site: its kind, partition, status, city and source."""
        return self._regions.get(site_id)

    def scopes(self, cloud: str) -> tuple[Scope, ...]:
        """The cross-region scopes of a cloud."""
        return tuple(s for (c, _), s in self._scopes.items() if c == cloud)

    # -- law ---------------------------------------------------------------------------------------------

    def jurisdiction(self, id: str) -> Jurisdiction | None:
        return self._jurisdictions.get(id)

    def jurisdictions(self) -> tuple[Jurisdiction, ...]:
        return tuple(self._jurisdictions.values())

    def jurisdictions_of(self, country: str) -> tuple[str, ...]:
        """Ids of the jurisdictions that a country (``DE``) or part of one (``US-CA``) belongs to."""
        return self._by_member.get(country.upper(), ())

    def countries_in(self, jurisdiction: str) -> tuple[str, ...]:
        """Whole countries in a jurisdiction; none for a part of a country. Raises KeyError for an unknown id."""
        return tuple(m for m in self._jurisdictions[jurisdiction].members if "-" not in m)

    def adequacy(self, from_jurisdiction: str) -> tuple[Adequacy, ...]:
        """The adequacy decisions of a jurisdiction, drafts and conditional ones included."""
        return tuple(a for a in self._adequacy if a.from_jurisdiction == from_jurisdiction)

    def adequate(self, from_jurisdiction: str, certified: bool = False) -> frozenset[str]:
        """Countries that a jurisdiction's decisions in force call adequate.

        Decisions that hold only for recipients certified under a framework (the United States) count when
        ``certified``. This widens nothing by itself: a data class must ask for it.
        """
        found: set[str] = set()
        for row in self.adequacy(from_jurisdiction):
            if row.in_force and (certified or not row.needs_certificate):
                found.update(self.countries_in("eu") if row.to_country == "EEA" else (row.to_country,))
        return frozenset(found)

    # -- models ------------------------------------------------------------------------------------------

    def models(self, cloud: str | None = None) -> tuple[ModelProfile, ...]:
        """All profiles, one for each upstream id; the first of a name is the one that the name stands for."""
        clouds = CLOUDS if cloud is None else (cloud,)
        return tuple(p for c in clouds for p in self._models.get(c, ()))

    def model(self, cloud: str, name_or_id: str) -> ModelProfile | None:
        """The profile under a public name or an upstream id, with or without a cross-region prefix."""
        found = self._by_id.get((cloud, name_or_id.lower())) or self._by_name.get((cloud, _spelling(name_or_id)))
        if found is None and cloud == "aws":
            prefix, _, rest = _plain_id(name_or_id).partition(".")
            if ("aws", prefix) in self._scopes:
                return self._by_id.get((cloud, rest.lower())) or self._by_name.get((cloud, _spelling(rest)))
        return found

    def upstream_id(self, cloud: str, name_or_id: str, scope: str = "") -> str | None:
        """What to call the provider with: the id itself when it is one, else the one that the name stands for.

        On Bedrock the scope becomes the id's prefix (``eu`` → ``eu.anthropic…``). None for an unknown name.
        """
        profile = self.model(cloud, name_or_id)
        if profile is None:
            return None
        if cloud != "aws":
            return profile.upstream_id
        prefix = self.scope_of(cloud, name_or_id) or scope.removeprefix(PROFILE)
        return f"{prefix}.{profile.upstream_id}" if prefix else profile.upstream_id

    def scope_of(self, cloud: str, upstream_id: str) -> str:
        """The cross-region scope that an upstream id names by itself (``eu.anthropic…`` → ``eu``), or "".

        Raises UnknownScope for a Bedrock id whose prefix is neither a listed scope nor a maker of models, and
        for an ARN that does not say what it routes to.
        """
        if cloud != "aws" or not upstream_id:
            return ""
        if upstream_id.startswith("arn:") and ":application-inference-profile/" in upstream_id:
            raise UnknownScope(f"{upstream_id} does not say where it routes to: name its places in the estate")
        if upstream_id.startswith("arn:") and ":inference-profile/" not in upstream_id:
            return ""  # a foundation, custom or provisioned model stays in the ARN's region
        plain = _plain_id(upstream_id)
        head, dot, _ = plain.partition(".")
        if ("aws", head) in self._scopes:
            return head
        if not dot or head in self._makers or ("aws", _spelling(plain)) in self._by_name:
            return ""
        raise UnknownScope(f"no table says where the prefix {head!r} of {upstream_id} routes to")

    # -- places of processing ----------------------------------------------------------------------------

    def places(self, cloud: str, region: str, upstream_id: str = "", scope: str = "") -> tuple[str, ...]:
        """All site ids where a request to this deployment may be processed; the called region is the first.

        ``scope`` is a cross-region scope (``global``, ``datazone:eu``, ``datazone`` for the region's own zone;
        ``profile:`` before it is allowed); a Bedrock id brings its own. One place for a plain regional
        deployment. Raises UnknownScope when no table says where the scope leads: the caller must refuse it.
        """
        here = f"{cloud}/{region}"
        asked, own = self.full_scope(cloud, region, scope), self.scope_of(cloud, upstream_id)
        if asked and own and asked != own:
            raise UnknownScope(f"{upstream_id} routes to {own}, not to {asked}: say one of them")
        named = asked or own
        if named and (cloud, named) not in self._scopes:
            raise UnknownScope(f"{cloud} has no cross-region scope {named!r} in the tables")
        found = self._scopes.get((cloud, named or region)) or self._unbound_scope(cloud, upstream_id)
        if found is None:
            return (here,)
        return (here, *(id for id in self._sites_in(found) if id != here))

    def _unbound_scope(self, cloud: str, upstream_id: str) -> Scope | None:
        profile = self.model(cloud, upstream_id)
        id = (profile.upstream_id if profile else upstream_id).lower()
        return next((s for s in self._unbound if s.cloud == cloud and fnmatchcase(id, s.models)), None)

    def _sites_in(self, scope: Scope) -> tuple[str, ...]:
        if ANYWHERE in scope.regions:
            return tuple(id for id, r in self._regions.items() if r.cloud == scope.cloud and r.kind == "commercial")
        return tuple(f"{scope.cloud}/{region}" for region in scope.regions)

    def full_scope(self, cloud: str, region: str, scope: str) -> str:
        """A scope's own name: without ``profile:``, ``datazone`` as the zone of the region, "" for regional.

        Raises UnknownScope for a region in no data zone.
        """
        name = scope.removeprefix(PROFILE)
        if name != "datazone":
            return "" if name in ("", "regional", region) else name
        zones = [s.id for s in self.scopes(cloud) if s.id.startswith("datazone:") and region in s.regions]
        if not zones:
            raise UnknownScope(f"{cloud}/{region} lies in no data zone of the tables")
        return zones[0]

    # -- prices ------------------------------------------------------------------------------------------

    def price(self, cloud: str, upstream_id: str, place: str = "") -> PriceRow | None:
        """The list price of a model at a place: a region, or a cross-region scope (``profile:eu``, ``global``).

        The row of the place itself wins; else the general row, which holds for commercial regions and scopes
        only; else None, which is unknown and never free. On Azure the general row is the Global price, and
        regional and data-zone rows stand beside it where the vendor lists them; of Claude none is listed, and its
        data zone costs more than Global (platform.claude.com/docs/en/about-claude/pricing, 2026-11).
        """
        id = self._priced_id(cloud, upstream_id)
        if id is None:
            return None
        scope = self._scope_in(cloud, upstream_id, place)
        own = self._prices.get((cloud, id, scope))
        if own is not None or scope == "" or (id.startswith("claude-") and scope.startswith(PROFILE + "datazone")):
            return own
        return self._prices.get((cloud, id, "")) if self._is_commercial(cloud, scope) else None

    def _priced_id(self, cloud: str, upstream_id: str) -> str | None:
        text = upstream_id.lower()
        if (cloud, text) in self._priced:
            return text
        profile = self.model(cloud, upstream_id)
        if profile is not None and (cloud, profile.upstream_id.lower()) in self._priced:
            return profile.upstream_id.lower()
        return None

    def _scope_in(self, cloud: str, upstream_id: str, place: str) -> str:
        name = self.scope_of(cloud, upstream_id) or place.removeprefix(PROFILE)
        if f"{cloud}/{name}" in self._regions or name == "":
            return name
        return PROFILE + name

    def _is_commercial(self, cloud: str, scope: str) -> bool:
        if scope.startswith(PROFILE):
            found = self._scopes.get((cloud, scope.removeprefix(PROFILE)))
            regions: Iterable[str] = found.regions if found else ()
            return found is not None and all(r == ANYWHERE or self._is_commercial(cloud, r) for r in regions)
        row = self._regions.get(f"{cloud}/{scope}")
        return row is not None and row.kind == "commercial"

    # -- did you mean ------------------------------------------------------------------------------------

    def similar(self, kind: str, text: str) -> list[str]:
        """Up to three names like ``text``: of a ``cloud``, ``site``, ``jurisdiction``, ``country`` or ``model``,
        or of the regions or models of one cloud (``region:aws``, ``model:azure``). Raises ValueError else."""
        what, _, cloud = kind.partition(":")
        names: Iterable[str]
        if what == "cloud":
            names = (*CLOUDS, "onprem")
        elif what == "site":
            names = self._sites
        elif what == "region":
            names = (s.name for s in self.sites(cloud or None))
        elif what == "jurisdiction":
            names = self._jurisdictions
        elif what == "country":
            names = {s.country for s in self._sites.values() if s.country} | set(self._by_member)
        elif what == "model":
            names = {n for p in self.models(cloud or None) for n in (p.name, p.upstream_id)}
        else:
            raise ValueError(f"no names of kind {kind!r}")
        return near(text, names, SIMILAR_MAX, SIMILAR_CUTOFF)


def _spelling(name: str) -> str:
    """``claude-sonnet-4.5`` and ``claude-sonnet-4-5`` are one name."""
    return name.lower().replace(".", "-")


def _plain_id(upstream_id: str) -> str:
    return upstream_id.rsplit("/", 1)[-1] if upstream_id.startswith("arn:") else upstream_id
