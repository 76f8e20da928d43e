"""From the estate to flat tables: every name resolved, every place counted, every limit a set of indices.

Compiling refuses what it can not decide safely (a scope whose places nobody lists, a class that names
an unknown law) with a diagnostic, and never guesses towards more places.
"""

import hashlib
from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from polycloud.catalog import Catalog
from polycloud.core.errors import EstateError
from polycloud.core.units import Quantity
from polycloud.estate import Estate
from polycloud.estate.schema import traffic
from polycloud.policy import tables as flat
from polycloud.policy.deployments import Deployments
from polycloud.policy.eligible import PLAIN_ROUTE
from polycloud.policy.findings import Findings, Path, Placing, dollars, unplaced
from polycloud.policy.residency import Atlas, inside, sentence, unknown_words

DIGEST_HEX = 32  # 128 bits name a version of the tables


def compile(
    estate: Estate, catalog: Catalog, endpoints: Mapping[str, str] | None = None, place: Placing = unplaced
) -> flat.Tables:
    """The tables of an estate. Raises EstateError with every diagnostic when it can not be compiled.

    ``endpoints`` gives base URLs by site id in place of the real addresses (the sandbox's listeners).
    ``place`` finds the line of a path in the estate's files (``Loaded.place``).
    """
    findings = Findings(place)
    atlas = Atlas(estate, catalog)
    made = Deployments(estate, catalog, endpoints or {}, findings)
    deployments, models = made.all()
    classes = _classes(estate, catalog, atlas, deployments, findings)
    _check_training(estate, deployments, models, classes, findings)
    routes = [_route(estate, n, route, deployments, findings) for n, route in enumerate(estate.routes)]
    rest = msgspec.structs.replace(PLAIN_ROUTE, limits=_limits(estate.traffic.limits, None))
    default = estate.residency.default_class or ""
    _check_class(estate, default, ("residency", "default_class"), findings)
    found = flat.Tables(
        estate=estate.estate,
        version="",
        deployments=deployments,
        models=models,
        aliases={alias: name for name, model in estate.models.items() for alias in model.aliases},
        routes=(*routes, rest),
        classes=classes,
        default_class=default,
        teams={name: _team(estate, name, team, findings) for name, team in estate.teams.items()},
        regions=_regions(estate, catalog),
        simulated=bool(deployments) and all(d.simulated for d in deployments),
    )
    if findings.found:
        raise EstateError(tuple(findings.found))
    digest = hashlib.sha256(flat.encode(found)).hexdigest()[:DIGEST_HEX]
    return msgspec.structs.replace(found, version=digest)


def _classes(
    estate: Estate,
    catalog: Catalog,
    atlas: Atlas,
    deployments: tuple[flat.Deployment, ...],
    findings: Findings,
) -> dict[str, flat.DataClass]:
    sites = frozenset((*estate.site_ids(), *(s.id for s in catalog.sites())))
    found = {}
    for name, rule in estate.data_classes.items():
        for word in unknown_words(rule, sites, catalog):
            close = [*catalog.similar("jurisdiction", word), *catalog.similar("site", word)]
            findings.error(
                "place_unknown",
                ("data_classes", name, "stay_in"),
                f"{word!r} is neither a jurisdiction, nor a country, nor a site",
                f"did you mean {' or '.join(close)}?" if close else "write eu, DE, or aws/eu-west-1",
            )
        allowed = tuple(
            i for i, d in enumerate(deployments) if all(inside(atlas.find(p), rule, catalog) for p in d.places)
        )
        found[name] = flat.DataClass(name, allowed, sentence(rule), f"data_classes.{name}")
    return found


def _check_training(
    estate: Estate,
    deployments: tuple[flat.Deployment, ...],
    models: Mapping[str, flat.Model],
    classes: Mapping[str, flat.DataClass],
    findings: Findings,
) -> None:
    """A model trained on data that must stay somewhere has to stay there too."""
    for name, model in estate.models.items():
        for trained in model.trained_on:
            path: Path = ("models", name, "trained_on")
            if not _check_class(estate, trained, path, findings):
                continue
            row = classes[trained]
            for i in models[name].deployments:
                if i not in row.allowed:
                    findings.error(
                        "model_leaves",
                        path,
                        f"{name} was trained on {trained}, which {row.rule}, but {deployments[i].id} may run in "
                        + ", ".join(deployments[i].places[:4]),
                        "remove that deployment, or give it a profile that stays inside",
                    )


def _check_class(estate: Estate, name: str, path: Path, findings: Findings) -> bool:
    if not name or name in estate.data_classes:
        return True
    known = ", ".join(estate.data_classes) or "none"
    findings.error("class_unknown", path, f"{name!r} is no data class (known: {known})", "declare it in data_classes")
    return False


def _route(
    estate: Estate, n: int, route: traffic.Route, deployments: tuple[flat.Deployment, ...], findings: Findings
) -> flat.Route:
    path: Path = ("routes", n)
    _check_class(estate, route.data_class or "", (*path, "class"), findings)
    for model in route.models:
        if model not in estate.models:
            findings.error("model_unknown", (*path, "models"), f"{model!r} is no model here", "declare it in models")
    at = None
    if route.at:
        at = tuple(i for i, d in enumerate(deployments) if any(fnmatchcase(d.site, pattern) for pattern in route.at))
    return flat.Route(
        name=route.name or route.tier or f"route-{n + 1}",
        match=route.patterns,
        models=route.models,
        at=at,
        prefer=route.prefer,
        shares=_shares(route.shares),
        failover_shares={lost: _shares(shares) for lost, shares in route.failover_shares.items()},
        fallback=route.fallback,
        unsupported=route.unsupported,
        data_class=route.data_class or "",
        cap_micro_usd_per_1k=None if route.cap is None else dollars(route.cap, (*path, "cap"), findings),
        quality_floor=route.quality_floor,
        retry_filtered=route.retry_filtered,
        limits=_limits(estate.traffic.limits, route.limits),
    )


def _shares(shares: Mapping[str, Quantity]) -> dict[str, float]:
    return {site: float(ratio.value * 100) for site, ratio in shares.items()}


def _limits(general: traffic.Limits | None, own: traffic.Limits | None) -> flat.Limits:
    """The route's word, else that of ``traffic``, else the default: for each limit by itself."""
    base = flat.Limits()

    def seconds(name: str, default: float) -> float:
        for part in (own, general):
            given: Quantity | None = getattr(part, name, None)
            if given is not None:
                return float(given.value)
        return default

    attempts = next((p.attempts for p in (own, general) if p is not None and p.attempts is not None), base.attempts)
    return flat.Limits(
        connect_seconds=seconds("connect", base.connect_seconds),
        header_seconds=seconds("header", base.header_seconds),
        idle_seconds=seconds("idle", base.idle_seconds),
        total_seconds=seconds("total", base.total_seconds),
        attempts=attempts,
    )


def _team(estate: Estate, name: str, team: traffic.Team, findings: Findings) -> flat.Team:
    for data_class in team.classes:
        _check_class(estate, data_class, ("teams", name, "classes"), findings)
    rate = None if team.rate is None else max(1, int(team.rate.value))
    return flat.Team(name, team.models, team.classes, rate, team.region or "")


def _regions(estate: Estate, catalog: Catalog) -> dict[str, tuple[float, float]]:
    """Where callers can say they are: every site with known coordinates, and countries at the mean of theirs."""
    found: dict[str, tuple[float, float]] = {}
    by_country: dict[str, list[tuple[float, float]]] = {}
    for site in catalog.sites():
        if site.latitude is not None and site.longitude is not None:
            found[site.id] = (site.latitude, site.longitude)
            by_country.setdefault(site.country, []).append(found[site.id])
    for name, hall in estate.onprem.items():
        if hall.lat is not None and hall.lon is not None:
            found[f"onprem/{name}"] = (hall.lat, hall.lon)
            by_country.setdefault(hall.country or "", []).append((hall.lat, hall.lon))
    for country, points in sorted(by_country.items()):
        if country:
            found[country] = (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))
    return found
