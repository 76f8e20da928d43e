"""Whether a place is inside a data class: the one predicate, and the sentence that errors quote.

Every limit of a class must hold. ``stay_in`` is a union (eu, or CH, or this site); the allow-lists of
sites, clouds and operators narrow it further. A place of which nothing is known is inside nothing
but a class without limits.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple

from polycloud.catalog import Catalog
from polycloud.estate import Estate
from polycloud.estate.schema.rules import DataClass

OWN = "ourselves"  # the operator of a hall for which the estate names none


class Where(NamedTuple):
    """What residency asks of a place. ``operators``: who runs it, and of what kind it is."""

    id: str
    cloud: str
    country: str
    jurisdictions: frozenset[str]
    operators: frozenset[str]


class Atlas:
    """Sites of the clouds from the catalogue, halls of one's own from the estate."""

    def __init__(self, estate: Estate, catalog: Catalog) -> None:
        self._estate = estate
        self._catalog = catalog
        self._found: dict[str, Where] = {}

    def find(self, site: str) -> Where:
        """A site's facts; blank where nothing is known."""
        if site not in self._found:
            self._found[site] = self._look_up(site)
        return self._found[site]

    def _look_up(self, site: str) -> Where:
        cloud, _, name = site.partition("/")
        hall = self._estate.onprem.get(name) if cloud == "onprem" else None
        if hall is not None:
            country = hall.country or ""
            jurisdictions = frozenset(self._catalog.jurisdictions_of(country)) if country else frozenset[str]()
            return Where(site, cloud, country, jurisdictions, frozenset({hall.operator or OWN, "onprem"}))
        known, region = self._catalog.site(site), self._catalog.region(site)
        if known is None or region is None:
            return Where(site, cloud, "", frozenset(), frozenset())
        operators = frozenset(word for word in (known.operator, region.kind) if word)
        return Where(site, cloud, known.country, frozenset(known.jurisdictions), operators)


def unknown_words(rule: DataClass, atlas_sites: frozenset[str], catalog: Catalog) -> list[str]:
    """Words of ``stay_in`` that are neither a jurisdiction, nor a country (two capitals), nor a site."""
    return [word for word in rule.stay_in if not (_names_law(word, catalog) or _country(word) or word in atlas_sites)]


def inside(where: Where, rule: DataClass, catalog: Catalog) -> bool:
    """Whether a request of this class may be processed there.

    Adequacy widens a jurisdiction only when the class says ``include_adequate``, and then by the decisions
    in force that need no certificate of the recipient.
    """
    if rule.stay_in and not any(_within(where, word, rule.include_adequate, catalog) for word in rule.stay_in):
        return False
    if rule.sites and not ("/" in where.id and any(fnmatchcase(where.id, pattern) for pattern in rule.sites)):
        return False
    if rule.clouds and where.cloud not in rule.clouds:
        return False
    return not rule.operators or not where.operators.isdisjoint(rule.operators)


def sentence(rule: DataClass) -> str:
    """The class's limits in words: "must stay in eu (adequate countries do not count)"."""
    said = []
    if rule.stay_in:
        adequate = "adequate countries included" if rule.include_adequate else "adequate countries do not count"
        said.append(f"must stay in {', '.join(rule.stay_in)} ({adequate})")
    if rule.sites:
        said.append(f"allows only the sites {', '.join(rule.sites)}")
    if rule.clouds:
        said.append(f"allows only the clouds {', '.join(rule.clouds)}")
    if rule.operators:
        said.append(f"allows only sites run by {', '.join(rule.operators)}")
    return " and ".join(said) or "has no limits"


def _within(where: Where, word: str, include_adequate: bool, catalog: Catalog) -> bool:
    if word in (where.id, where.country) or word in where.jurisdictions:
        return bool(word)
    return (
        include_adequate
        and bool(where.country)
        and _names_law(word, catalog)
        and where.country in catalog.adequate(word)
    )


def _names_law(word: str, catalog: Catalog) -> bool:
    return catalog.jurisdiction(word) is not None


def _country(word: str) -> bool:
    return len(word) == 2 and word.isascii() and word.isalpha() and word.isupper()
