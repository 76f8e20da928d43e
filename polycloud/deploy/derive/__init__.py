"""From an estate and its placement to the blueprint that all renderers read."""

from collections.abc import Mapping

from polycloud.catalog import Catalog
from polycloud.catalog.market import Market
from polycloud.deploy.blueprint import Blueprint, Delivery, Paging, Run, Shift
from polycloud.deploy.derive import clusters as machines
from polycloud.deploy.derive import data, identity, traffic
from polycloud.deploy.derive.existing import existing
from polycloud.estate import Estate
from polycloud.placement.own_rows import own_market
from polycloud.policy.residency import Atlas, inside

CLOUD_STORES = {"aws_secret", "azure_secret", "gcp_secret", "oci_secret"}


def derive(
    estate: Estate,
    catalog: Catalog,
    market: Market,
    runs: tuple[Run, ...] = (),
    copies: Mapping[str, tuple[str, ...]] | None = None,
    networks: Mapping[str, str] | None = None,
) -> Blueprint:
    """The blueprint of an estate whose ``check`` found no error.

    ``runs`` are its placed workloads and ``copies`` the sites of its datasets, first one first (none: as declared);
    ``networks`` are the addresses that the last render gave out by site, and stay.
    """
    kept = copies if copies is not None else declared_copies(estate)
    market = own_market(market, estate, estate.site_ids())
    found = machines.clusters(estate, catalog, market, runs)
    held = data.buckets(estate, catalog, market, kept)
    stored = data.databases(estate, catalog)
    served = traffic.services(estate, catalog)
    joined = traffic.links(estate, catalog)
    atlas = Atlas(estate, catalog)
    sites = {place.id: place for place in (c.site for c in found)}
    sites |= {b.site.id: b.site for b in held}
    sites |= {place.id: place for d in stored for place in (d.site, *d.replicas)}
    sites |= {place.id: place for link in joined for place in (link.a, link.b)}
    own = [sites[id] for id in sorted(sites) if sites[id].cloud != "onprem"]
    return Blueprint(
        estate=estate.estate,
        environment=estate.environment,
        accounts=_accounts(estate),
        networks=machines.networks(own, networks or {}, estate),
        clusters=found,
        buckets=held,
        databases=stored,
        services=served,
        links=joined,
        keys=data.keys(
            sorted({s.id: s for s in (*own, *(one.site for one in served))}.values(), key=lambda s: s.id), estate
        ),
        principals=(*identity.principals(estate), *identity.placed(estate, runs, held)),
        sign_in=identity.sign_in(estate),
        edge=traffic.edge(estate, catalog, found),
        runs=tuple(sorted(runs, key=lambda run: run.name)),
        objectives=traffic.objectives(estate),
        regions_allowed={
            name: tuple(s for s in sorted(estate.site_ids()) if inside(atlas.find(s), rule, catalog))
            for name, rule in sorted(estate.data_classes.items())
        },
        secrets=tuple(sorted(estate.secrets)),
        in_vault={n: (s.vault.path, s.vault.field) for n, s in sorted(estate.secrets.items()) if s.vault is not None},
        in_clouds=tuple(n for n, s in sorted(estate.secrets.items()) if set(s.sources) & CLOUD_STORES),
        called=_called(estate),
        tags={"managed-by": "polycloud", "estate": estate.estate, "environment": estate.environment},
        continuity=_continuity(estate),
        triggers=_triggers(estate),
        paging=_paging(estate),
        delivery=_delivery(estate),
        otlp=estate.telemetry.otlp or "",
        existing=existing(estate),
    )


def _called(estate: Estate) -> tuple[str, ...]:
    """What is called under addresses of the estate's own."""
    found = {hall.models_at for hall in estate.onprem.values()} | {store.url for store in estate.stores.values()}
    found |= {cloud.endpoint for _, cloud in estate.clouds.each()}
    return tuple(sorted(url for url in found if url and "{" not in url))


def declared_copies(estate: Estate) -> dict[str, tuple[str, ...]]:
    """Where the estate itself says that datasets are; a dataset without a place is nowhere yet."""
    found: dict[str, tuple[str, ...]] = {}
    for name, dataset in estate.datasets.items():
        at = estate.stores[dataset.store].at if dataset.store in estate.stores else dataset.at
        sites = [] if at is None else [at]
        sites += [site for site in dataset.replicate_to if "*" not in site and site not in sites]
        found[name] = tuple(sites)
    return found


def _accounts(estate: Estate) -> dict[str, dict[str, str]]:
    fields = (
        "account",
        "compartment",
        "home_region",
        "namespace",
        "project",
        "resource",
        "subscription",
        "tenancy",
        "tenant",
    )
    return {
        name: {field: str(value) for field in fields if (value := getattr(cloud, field, None))}
        for name, cloud in estate.clouds.each()
    }


def _delivery(estate: Estate) -> Delivery | None:
    given = estate.delivery
    return None if given is None else Delivery(given.repository, given.revision, given.path)


def _continuity(estate: Estate) -> dict[str, int]:
    rules = estate.continuity
    if rules is None:
        return {}
    given = {
        "rto": rules.rto,
        "rpo": rules.rpo,
        "detect": rules.detect_within,
        "reroute": rules.reroute_within,
        "scale": rules.scale_within,
    }
    return {name: int(value.value) for name, value in given.items() if value is not None}


def _paging(estate: Estate) -> Paging:
    alerts = estate.alerts

    def shifts(names: tuple[str, ...]) -> tuple[Shift, ...]:
        rotations = [(name, alerts.rotations[name]) for name in names if name in alerts.rotations]
        return tuple(Shift(name, r.time_zone, *r.hours.split("-", 1)) for name, r in rotations)

    minutes = int(alerts.escalate_after.value // 60) if alerts.escalate_after is not None else None
    return Paging(
        (alerts.webhook or "").removeprefix("secret:"),
        (alerts.pagerduty or "").removeprefix("secret:"),
        shifts(alerts.primary),
        shifts(alerts.secondary),
        minutes,
    )


def _triggers(estate: Estate) -> dict[str, dict[str, float]]:
    rules = estate.continuity
    words = ("availability_below", "response_time_over", "error_rate_over", "for_at_least")
    return {
        name: {word: float(value.value) for word in words if (value := getattr(trigger, word)) is not None}
        for name, trigger in sorted((rules.triggers if rules is not None else {}).items())
    }
