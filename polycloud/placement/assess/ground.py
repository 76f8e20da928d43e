"""What each cloud can do of what is needed, by the catalogue: models, places, operators, distance to the users."""

from collections.abc import Iterable, Sequence

import msgspec

from polycloud.catalog import Catalog
from polycloud.catalog.lookup import CLOUDS
from polycloud.catalog.market import Market
from polycloud.core.geo import Site
from polycloud.placement.assess.needs import ESTATES, Needs

HOME = {"aws": "aws/us-east-1", "azure": "azure/eastus", "gcp": "gcp/us-central1", "oci": "oci/us-ashburn-1"}
EUROPE = {
    "aws": "aws/eu-central-1",
    "azure": "azure/westeurope",
    "gcp": "gcp/europe-west1",
    "oci": "oci/eu-frankfurt-1",
}
KINDS = {False: ("commercial",), True: ("sovereign",)}  # what a cloud sells to anybody; and under another operator


class Cloud(msgspec.Struct, frozen=True):
    """One cloud against the needs: what it lacks, and how well it fits where it lacks nothing."""

    name: str
    models: tuple[str, ...]
    lacks_models: tuple[str, ...]
    lacks_places: tuple[str, ...]
    far_users: tuple[str, ...]
    site: str
    fits: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether it meets all that a single cloud must."""
        return not (self.lacks_models or self.lacks_places or self.far_users)


def clouds(needs: Needs, catalog: Catalog, market: Market) -> tuple[Cloud, ...]:
    """All four, the best fit first: fewest lacks, then what one has and knows there."""
    found = [_cloud(name, needs, catalog, market) for name in CLOUDS]
    return tuple(sorted(found, key=lambda c: (_lacks(c), -len(c.fits), CLOUDS.index(c.name))))


def _lacks(cloud: Cloud) -> int:
    return len(cloud.lacks_models) + len(cloud.lacks_places) + len(cloud.far_users)


def _cloud(name: str, needs: Needs, catalog: Catalog, market: Market) -> Cloud:
    wanted, places = needs.models or (), needs.countries or ()
    sites = [s for s in catalog.sites(name) if _kind(catalog, s) in KINDS[bool(needs.sovereign)]]
    lacks = tuple(word for word in places if not any(inside(site, word) for site in sites))
    if needs.sovereign and not places and not sites:
        lacks = ("any country",)
    own = [site for site in sites if any(inside(site, word) for word in places)] if places else sites
    has = tuple(model for model in wanted if own and offers(catalog, name, model))  # no place there: no model either
    far = tuple(user for user in needs.users or () if _far(user, own, needs.latency_ms, market))
    ids = sorted(site.id for site in own)
    home = next((id for id in (HOME[name], EUROPE[name]) if id in ids), ids[0] if ids else HOME[name])
    return Cloud(name, has, tuple(m for m in wanted if m not in has), lacks, far, home, _fits(name, needs))


def offers(catalog: Catalog, cloud: str, model: str) -> bool:
    """Whether a cloud has a model of this name, or one that begins with it (``claude``)."""
    word = model.lower()
    return catalog.model(cloud, model) is not None or any(
        p.name.lower().startswith(word) for p in catalog.models(cloud)
    )


def known(catalog: Catalog, model: str) -> bool:
    return any(offers(catalog, cloud, model) for cloud in CLOUDS)


def _kind(catalog: Catalog, site: Site) -> str:
    region = catalog.region(site.id)
    return "" if region is None else region.kind


def inside(site: Site, word: str) -> bool:
    return word in (site.country, site.id, *site.jurisdictions)


def _far(user: str, sites: Sequence[Site], limit_ms: int | None, market: Market) -> bool:
    """Whether every site is farther than the limit; a distance that is not known is not held against a cloud."""
    if limit_ms is None:
        return False
    if not sites:
        return True
    trips = [rtt.ms for site in sites if (rtt := market.rtt(site.id, user)) is not None]
    return bool(trips) and min(trips) > limit_ms


def _fits(name: str, needs: Needs) -> tuple[str, ...]:
    found = [f"your {estate} estate is at home there" for estate in needs.existing or () if ESTATES[estate] == name]
    if name in (needs.knows or ()):
        found.append("your people know it")
    return tuple(found)


def together(found: Iterable[Cloud], needs: Needs) -> tuple[tuple[Cloud, ...], tuple[str, ...]]:
    """The fewest clouds that lack nothing together (the better fits first), and what even all of them lack."""
    every = tuple(found)
    missing = {
        *(("model", m) for m in needs.models or ()),
        *(("place", p) for p in needs.countries or ()),
        *(("user", u) for u in (needs.users or ()) if needs.latency_ms is not None),
    }
    chosen: list[Cloud] = []
    while missing:
        best = max(every, key=lambda cloud: (len(missing & _has(cloud, needs)), -every.index(cloud)))
        if not missing & _has(best, needs):
            break
        chosen.append(best)
        missing -= _has(best, needs)
    return tuple(chosen or every[:1]), tuple(sorted(word for _, word in missing))


def _has(cloud: Cloud, needs: Needs) -> set[tuple[str, str]]:
    return {
        *(("model", m) for m in cloud.models),
        *(("place", p) for p in needs.countries or () if p not in cloud.lacks_places),
        *(("user", u) for u in needs.users or () if u not in cloud.far_users),
    }
