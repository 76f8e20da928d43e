"""Can requests be served: models that clouds offer, prices that are known, routes that lead somewhere."""

from datetime import date
from fnmatch import fnmatchcase

from polycloud.catalog import UnknownScope
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath, nearest, suggestion
from polycloud.estate.schema.traffic import Deployment, Route


def check_models(ground: Ground, today: date | None) -> None:
    """``today``: when given, models that a provider has announced to retire by then are warned of."""
    models = ground.estate.models
    taken: dict[str, str] = {}
    tiers = {route.tier for route in ground.estate.routes if route.tier is not None}
    for name, model in models.items():
        if name in tiers:
            ground.error("name_twice", ("models", name), f"{name!r} is also the name of a tier", "rename one of them")
        for index, alias in enumerate(model.aliases):
            path: KeyPath = ("models", name, "aliases", index)
            other = "a model" if alias in models else "a tier" if alias in tiers else taken.get(alias)
            if other is not None:
                ground.error(
                    "name_twice", path, f"{alias!r} is {other} already", "a name means one thing: choose another"
                )
            taken[alias] = f"an alias of {name}"
        for index, equivalent in enumerate(model.equivalent):
            if equivalent == name:
                path = ("models", name, "equivalent", index)
                ground.error("equivalent_circular", path, "a model is no stand-in for itself", "remove it")
        for index, deployment in enumerate(model.deployments):
            _deployment(ground, name, deployment, ("models", name, "deployments", index), today)


def _deployment(ground: Ground, name: str, deployment: Deployment, path: KeyPath, today: date | None) -> None:
    cloud, _, region = deployment.at.partition("/")
    asked = deployment.model or name
    for key in ("input", "output", "cache_read", "cache_write"):
        amount = getattr(deployment.price, key, None)
        if amount is not None and amount.currency != "USD":
            message = f"token prices are kept in USD, not {amount.currency}"
            ground.error("currency_unsupported", (*path, "price", key), message, "convert it, and say so in source:")
    bought = deployment.capacity
    if bought is not None and cloud == "azure" and bought.units is not None:
        message = "Azure sells throughput as provisioned throughput units, which are written as ptu"
        ground.error("unit_unknown", (*path, "capacity", "units"), message, f"write ptu: {bought.units}")
    if bought is not None and cloud != "azure" and bought.ptu is not None:
        message = f"ptu are Azure's units, and {cloud} has its own"
        ground.error("unit_unknown", (*path, "capacity", "ptu"), message, "write units: and how many of these it takes")
    if cloud == "onprem":
        _own_deployment(ground, deployment, path)
        return
    profile = ground.catalog.model(cloud, asked)
    if profile is None:
        if not deployment.features:
            near = ground.catalog.similar(f"model:{cloud}", asked)
            meant = f"did you mean model: {near[0]}? If not, " if near else ""
            fix = meant + "say what it can do, as in features: {tools: true}"
            ground.warn("model_unlisted", path, f"the catalogue knows no model {asked!r} at {cloud}", fix)
        upstream = deployment.upstream or asked
    else:
        upstream = profile.upstream_id
        if not profile.usable and deployment.dialect is None:
            message = f"{asked} at {cloud} speaks {profile.dialect or 'a format'} which is not carried there yet"
            ground.error("dialect_unsupported", path, message, "serve it from another cloud")
        if not profile.regional and deployment.profile is None and deployment.capacity is None:
            message = f"{cloud} offers {asked} under a cross-region profile only"
            ground.warn("profile_missing", path, message, f"add profile: (one of {', '.join(profile.scopes)})")
        if today is not None and profile.deprecation is not None and profile.deprecation <= today:
            message = f"{cloud} may refuse {asked} since {profile.deprecation}"
            ground.warn("model_retired", path, message, "choose its successor")
    if _profile_known(ground, cloud, region, upstream, deployment, path):
        _price(ground, cloud, upstream, deployment, path)


def _own_deployment(ground: Ground, deployment: Deployment, path: KeyPath) -> None:
    if deployment.profile is not None:
        ground.error("profile_unknown", (*path, "profile"), "a hall of one's own has no profiles", "remove it")
    if not deployment.features:
        message = "what this server can do is not known, so only plain chats are sent to it"
        ground.warn("features_missing", path, message, "add features: {tools: true, json_schema: true, stream: true}")
    if deployment.price is None:
        ground.warn("price_unknown", path, *_unpriced())


def _profile_known(
    ground: Ground, cloud: str, region: str, upstream: str, deployment: Deployment, path: KeyPath
) -> bool:
    try:
        ground.catalog.places(cloud, region, deployment.upstream or upstream, deployment.profile or "")
    except UnknownScope as error:
        known = [scope.id for scope in ground.catalog.scopes(cloud)]
        where = (*path, "profile") if deployment.profile is not None else path
        ground.error("profile_unknown", where, str(error), suggestion(deployment.profile or "", known))
        return False
    return True


def _price(ground: Ground, cloud: str, upstream: str, deployment: Deployment, path: KeyPath) -> None:
    if deployment.price is not None or deployment.capacity is not None:
        return
    region = deployment.at.partition("/")[2]
    row = ground.catalog.price(cloud, upstream, deployment.profile or region)
    if row is None or not row.price.known:
        ground.warn("price_unknown", path, *_unpriced())


def _unpriced() -> tuple[str, str]:
    return (
        "its price is not known: it counts as the dearest, and its cost is not recorded",
        "add price: {input: 1 USD, output: 2 USD, source: WHERE FROM}, per million tokens",
    )


def check_routes(ground: Ground) -> None:
    covered: dict[str, str] = {}
    used: set[str] = set()
    for index, route in enumerate(ground.estate.routes):
        path: KeyPath = ("routes", index)
        label = route.name or f"route-{index + 1}"
        if route.name is not None and route.name in used:
            ground.error("name_twice", (*path, "name"), f"a route is called {route.name!r} already", "rename it")
        used.add(label)
        if not route.patterns:
            message = "a route says which requests it is for"
            ground.error("key_missing", path, message, "add match: {model: gpt-*}, or tier: economy")
            continue
        if route.cap is not None and route.cap.currency != "USD":
            message = f"token prices are kept in USD, not {route.cap.currency}"
            ground.error("currency_unsupported", (*path, "cap"), message, "write the cap in USD")
        _patterns(ground, route, path, covered)
        matched = ground.matched(route)
        covered.update({name: label for name in matched if name not in covered})
        _targets(ground, route, path, matched)
    for name, team in ground.estate.teams.items():
        for index, pattern in enumerate(team.models):
            _pattern(ground, pattern, ("teams", name, "models", index))


def _patterns(ground: Ground, route: Route, path: KeyPath, covered: dict[str, str]) -> None:
    where: KeyPath = (*path, "match", "model") if route.match is not None else (*path, "tier")
    several = route.match is not None and len(route.match.model) > 1
    for index, pattern in enumerate(route.patterns):
        _pattern(ground, pattern, (*where, index) if several else where)
    matched = ground.matched(route)
    if matched and all(name in covered for name in matched):
        message = f"it never decides: {covered[matched[0]]} matches {matched[0]} first"
        ground.error("route_shadowed", where, message, "move it up, or remove it")


def _pattern(ground: Ground, pattern: str, path: KeyPath) -> None:
    known = ground.names()
    if pattern == "*" or any(fnmatchcase(name, pattern) for name in known):
        return
    message = f"no model, alias or tier is called {pattern!r}"
    near = nearest(pattern.strip("*-"), known)
    fix = f"did you mean {near}?" if near else suggestion(pattern, known)
    ground.error("route_unreachable" if path[0] == "routes" else "model_unknown", path, message, fix)


def _targets(ground: Ground, route: Route, path: KeyPath, matched: tuple[str, ...]) -> None:
    """Which deployments the route can reach, and whether its shares and its fallback fit them."""
    names = ground.names()
    models = ground.members(route) if route.models or route.quality_floor is not None else ()
    models = models or tuple(dict.fromkeys(m for name in matched for m in names[name]))
    if route.quality_floor is not None and not ground.members(route):
        message = f"no model has a quality of {route.quality_floor} or more"
        ground.error("tier_empty", (*path, "quality_floor"), message, "lower it, or give models their quality:")
        return
    if not models:
        return
    stand_ins = [e for m in models for e in ground.estate.models[m].equivalent if e in ground.estate.models]
    if route.fallback == "equivalent" and not stand_ins:
        message = f"fallback: equivalent, but {', '.join(models)} declare no equivalent"
        ground.error("equivalent_missing", (*path, "fallback"), message, "add equivalent: [MODEL] to a model")
    sites = {d.at for d in ground.deployments(models)}
    reached = {s for s in sites if not route.at or any(fnmatchcase(s, pattern) for pattern in route.at)}
    if sites and not reached:
        message = f"none of its models is deployed there (they are at {', '.join(sorted(sites))})"
        ground.error("route_unreachable", (*path, "at"), message, "add a deployment, or widen at:")
    _shares(ground, route, path, reached)


def _shares(ground: Ground, route: Route, path: KeyPath, reached: set[str]) -> None:
    ground.total((*path, "shares"), route.shares)
    for site in route.shares:
        _shared(ground, site, (*path, "shares", site), reached)
    for lost, shares in route.failover_shares.items():
        here: KeyPath = (*path, "failover_shares", lost)
        ground.total(here, shares)
        if lost not in route.shares:
            ground.error("share_unservable", here, f"{lost} has no share to lose", suggestion(lost, route.shares))
        for site in shares:
            if site == lost:
                message = "a lost site can not take over its own share"
                ground.error("share_unservable", (*here, site), message, "name the sites that remain")
            else:
                _shared(ground, site, (*here, site), reached)


def _shared(ground: Ground, site: str, path: KeyPath, reached: set[str]) -> None:
    if site in ground.sites and reached and site not in reached:
        message = f"no model of this route is deployed at {site}"
        ground.error("share_unservable", path, message, f"deployed at: {', '.join(sorted(reached))}")
