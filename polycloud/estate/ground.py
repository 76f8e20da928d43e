"""What a check stands on: the estate, the catalogue, what is declared, and the findings so far."""

from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from polycloud.catalog import Catalog
from polycloud.core.diagnostics import Place
from polycloud.core.geo import Site
from polycloud.core.units import Quantity
from polycloud.estate.findings import Findings
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema import Estate
from polycloud.estate.schema.traffic import Deployment, Route


class Ground(Findings):
    """A whole estate, read without error, and the findings about it."""

    def __init__(self, estate: Estate, catalog: Catalog, place: Callable[[KeyPath], Place]) -> None:
        super().__init__(place)
        self.estate = estate
        self.catalog = catalog
        self.sites = sites_of(estate, catalog)

    def total(self, path: KeyPath, shares: dict[str, Quantity]) -> None:
        """Shares must come to 100 % exactly."""
        together = sum(share.value for share in shares.values()) * 100
        if shares and together != 100:
            self.error("shares_sum", path, f"the shares come to {_percent(together)} %", "make them 100 % in all")

    def names(self) -> dict[str, tuple[str, ...]]:
        """Every name that callers may ask for, with the models that it can mean."""
        models = self.estate.models
        found: dict[str, tuple[str, ...]] = {name: (name,) for name in models}
        for name, model in models.items():
            found.update({alias: (name,) for alias in model.aliases if alias not in models})
        for route in self.estate.routes:
            if route.tier is not None or route.models or route.quality_floor is not None:
                meant = self.members(route)
                found.update({name: meant for name in route.patterns if not _is_pattern(name) and name not in models})
        return found

    def members(self, route: Route) -> tuple[str, ...]:
        """The models of a tier: those it lists, else all; in both cases only those of enough quality."""
        models = self.estate.models
        listed = route.models or tuple(models)
        floor = route.quality_floor
        if floor is None:
            return tuple(name for name in listed if name in models)
        return tuple(name for name in listed if name in models and (models[name].quality or 0) >= floor)

    def matched(self, route: Route) -> tuple[str, ...]:
        """The names that a route's patterns match, in the order of the estate."""
        return tuple(name for name in self.names() if any(fnmatchcase(name, p) for p in route.patterns))

    def deployments(self, models: Iterable[str]) -> tuple[Deployment, ...]:
        return tuple(d for name in models for d in self.estate.models[name].deployments)


def sites_of(estate: Estate, catalog: Catalog) -> dict[str, Site]:
    """The sites of the estate by id: regions as the catalogue knows them, halls as the estate describes them.

    A region that the catalogue does not know is left out.
    """
    found: dict[str, Site] = {}
    for cloud, declared in estate.clouds.each():
        for region in declared.sites:
            site = catalog.site(f"{cloud}/{region}")
            if site is not None:
                found[site.id] = site
    for name, hall in estate.onprem.items():
        country = hall.country or ""
        found[f"onprem/{name}"] = Site(
            id=f"onprem/{name}",
            cloud="onprem",
            name=name,
            country=country,
            jurisdictions=catalog.jurisdictions_of(country) if country else (),
            latitude=hall.lat,
            longitude=hall.lon,
            operator=hall.operator,
        )
    return found


def _is_pattern(name: str) -> bool:
    return any(mark in name for mark in "*?[")


def _percent(value: object) -> str:
    text = f"{value}"
    return text.rstrip("0").rstrip(".") if "." in text else text
