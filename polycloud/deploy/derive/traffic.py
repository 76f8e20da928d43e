"""AI services, links, the edge and the promises, as tools need them."""

from fnmatch import fnmatchcase

from polycloud.catalog import Catalog, UnknownScope
from polycloud.deploy.blueprint import AiService, Bought, Cluster, Edge, EdgePool, Link, Objective, Where
from polycloud.deploy.derive.clusters import where
from polycloud.deploy.derive.names import made
from polycloud.estate import Estate
from polycloud.estate.schema.traffic import Deployment
from polycloud.policy.deployments import in_foundry
from polycloud.policy.residency import Atlas, inside

WINDOW_SECONDS = 30 * 86_400
LINK_MBPS = 1_000  # requirement H3: at least 1 Gbps where the estate says nothing
PPM = 1_000_000
# The hosting of Claude on Azure is a version of the model (platform.claude.com/docs/en/build-with-claude/
# claude-in-microsoft-foundry, 2026-11).
HOSTED = {"anthropic": "1", "azure": "2"}


def services(estate: Estate, catalog: Catalog) -> tuple[AiService, ...]:
    """One for each deployment in a cloud: what must be enabled, deployed or bought there."""
    quotas = {(q.at, q.what.removeprefix("model:")): q.limit for q in estate.quotas.values() if "model:" in q.what}
    found: dict[tuple[str, ...], AiService] = {}
    for name, model in sorted(estate.models.items()):
        for deployment in model.deployments:
            site = where(deployment.at, catalog, estate)
            if site.cloud != "onprem":
                service = _service(catalog, name, model.owner, deployment, site, quotas.get((deployment.at, name)))
                key = (service.site.id, service.upstream, service.scope, service.capacity, service.version)
                found.setdefault(key, service)
    return tuple(found[key] for key in sorted(found))


def links(estate: Estate, catalog: Catalog) -> tuple[Link, ...]:
    return tuple(
        Link(
            name,
            where(link.between[0], catalog, estate),
            where(link.between[1], catalog, estate),
            link.via,
            int(link.bandwidth.value / 1_000_000) if link.bandwidth is not None else LINK_MBPS,
            link.backup or "",
            link.provider,
            link.was,
        )
        for name, link in sorted(estate.links.items())
    )


def edge(estate: Estate, catalog: Catalog, clusters: tuple[Cluster, ...]) -> Edge | None:
    """The public name with its pools; callers of a team whose class confines it are steered by country to pools
    that lie inside as a whole."""
    entry = estate.entry
    if entry is None:
        return None
    called = {name: made("gcp", "cluster", name) for name in entry.pools}  # subsets of the mesh are named like pods
    pools = tuple(
        EdgePool(
            called[name],
            tuple(c.name for c in clusters if any(fnmatchcase(c.site.id, pattern) for pattern in pool.sites)),
            tuple(called[other] for other in pool.fallback),
        )
        for name, pool in sorted(entry.pools.items())
    )
    return Edge(
        entry.hostname,
        entry.provider,
        pools,
        int(entry.affinity.value) if entry.affinity is not None else None,
        entry.health_path,
        _confined(estate, catalog, clusters, pools),
    )


def objectives(estate: Estate) -> tuple[Objective, ...]:
    return tuple(
        Objective(
            name,
            slo.measure,
            int(slo.target.value * PPM),
            int(slo.window.value) if slo.window is not None else WINDOW_SECONDS,
            float(slo.within.value) if slo.within is not None else None,
        )
        for name, slo in sorted(estate.slos.items())
    )


def _confined(
    estate: Estate, catalog: Catalog, clusters: tuple[Cluster, ...], pools: tuple[EdgePool, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """A country is confined when a team that calls from there carries a class with limits: its requests must enter
    inside them. Countries of the same law are confined alike."""
    atlas = Atlas(estate, catalog)
    site_of = {cluster.name: cluster.site.id for cluster in clusters}
    found: dict[str, tuple[str, ...]] = {}
    for _, team in sorted(estate.teams.items()):
        rules = [estate.data_classes[c] for c in team.classes if c in estate.data_classes]
        rules = [rule for rule in rules if not rule.unlimited]
        if not rules or team.region is None:
            continue
        inner = tuple(
            pool.name
            for pool in pools
            if pool.clusters
            and all(inside(atlas.find(site_of[c]), rule, catalog) for c in pool.clusters for rule in rules)
        )
        country = atlas.find(team.region).country if "/" in team.region else team.region
        for one in _same_law(catalog, country):
            found[one] = tuple(p for p in found.get(one, inner) if p in inner)
    return tuple(sorted(found.items()))


def _same_law(catalog: Catalog, country: str) -> tuple[str, ...]:
    laws = catalog.jurisdictions_of(country)
    return tuple(sorted({country, *(c for law in laws for c in catalog.countries_in(law))}))


def _service(
    catalog: Catalog, name: str, owner: str, deployment: Deployment, site: Where, quota: int | None
) -> AiService:
    asked = deployment.model or name
    foundry = in_foundry(site.cloud, asked, deployment, deployment.upstream or "")
    scope = deployment.profile or ("global" if foundry else "")
    try:
        scope = scope or catalog.scope_of(site.cloud, asked)  # Bedrock's ids may begin with one
        upstream = catalog.upstream_id(site.cloud, asked, scope) or asked
    except UnknownScope:
        upstream = asked  # policy.compile refuses it, with its place
    bought = deployment.capacity
    kind: Bought = "on-demand" if bought is None else "ptu" if bought.ptu is not None else "units"
    return AiService(
        name=deployment.upstream or name,
        model=name,
        upstream=upstream,
        site=site,
        capacity=kind,
        units=0 if bought is None else bought.ptu or bought.units or 1,
        scope=scope,
        version=HOSTED.get(deployment.hosting or "", "") if foundry else "",
        owner=owner,
        quota=quota,
        source=f"models.{name}",
        endpoint="" if bought is None else bought.endpoint or "",
    )
