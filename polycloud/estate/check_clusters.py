"""Can the clusters be made as they are written: versions that are supported, names that clouds allow, machines that
are offered where they stand."""

import re
from collections.abc import Iterable
from datetime import date, timedelta

from polycloud.catalog.kubernetes import minor, release, releases
from polycloud.catalog.market import Market
from polycloud.catalog.names import broken, made
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.places import Cluster, NodePool

SOON = timedelta(days=60)  # an upgrade of production takes weeks: rehearsed, then cluster by cluster
# Machines that a pool can have: learn.microsoft.com/azure/aks/quotas-skus-regions, 2026-11.
POOL_MOST = {"azure": 1000}
TAKES_ANY = "n1-"  # Google Cloud attaches accelerators to these: cloud.google.com/compute/docs/gpus, 2026-11
AHEAD = 2  # minor versions that a cloud may have had since the catalogue was made: there are three a year
GPU = "gpu"  # a pool of this name has accelerators even where it names none
# How each cloud writes its machines, read off the catalogue's lists of 2026-11: no name fits two of them.
FORMS = {
    "aws": r"[a-z][a-z0-9-]*\.[a-z0-9-]+",
    "azure": r"(Standard|Basic)_\w+",
    "gcp": r"[a-z][a-z0-9]*-[a-z][a-z0-9-]*",
    "oci": r"(VM|BM)\.[A-Za-z0-9.$_-]+",
}
BARE_METAL = "BM."  # Oracle Cloud sells these shapes on demand only: docs.oracle.com, preemptible.htm, 2026-11


def check_clusters(ground: Ground, today: date | None) -> None:
    """Notes what could not be rendered, or not be made by the cloud. With ``today``, ends of support are told."""
    estate = ground.estate
    if not estate.clusters:
        return
    market = Market.load()
    own = {price.accelerator for price in estate.money.prices if price.accelerator}
    for name, cluster in estate.clusters.items():
        path: KeyPath = ("clusters", name)
        cloud = cluster.at.partition("/")[0]
        _named(ground, cloud, name, path)
        if cloud == "onprem":
            continue
        if cluster.version is not None:
            _version(ground, cloud, cluster.version, (*path, "version"), today)
        for pool, spec in cluster.pools.items():
            _pool_name(ground, cloud, pool, (*path, "pools", pool))
            _machines(ground, market, own, cluster, pool, spec, (*path, "pools", pool))
        _distinct(ground, cluster.pools, (*path, "pools"), "pools")
    _distinct(ground, estate.clusters, ("clusters",), "clusters")
    for name in estate.workloads:
        rule = broken("kubernetes", "account", name)
        if rule is not None:
            message = f"pods of {name} run under its name, and Kubernetes takes {rule.words}"
            ground.error("name_refused", ("workloads", name), message, f"such as {made('kubernetes', 'account', name)}")


def _version(ground: Ground, cloud: str, version: str, path: KeyPath, today: date | None) -> None:
    if re.fullmatch(r"[1-9]\d?\.(0|[1-9]\d{0,2})", version) is None:
        ground.error("form_wrong", path, f"{version!r} is no version of Kubernetes", 'write the minor version: "1.35"')
        return
    known = releases(cloud)
    if not known:
        return
    good = [r for r in known if today is None or r.ends is None or r.ends > today + SOON] or [*known]
    fix = "write " + " or ".join(f'"{one.version}"' for one in good[-2:])
    found = release(cloud, version)
    if found is None and minor(version) < minor(known[0].version):
        message = f"{cloud} no longer supports Kubernetes {version}: the oldest that it runs is {known[0].version}"
        ground.error("kubernetes_unsupported", path, message, fix)
    elif found is None and minor(version) > _ahead(known[-1].version):
        message = f"there is no Kubernetes {version} yet: the newest at {cloud} is {known[-1].version}"
        ground.error("kubernetes_unsupported", path, message, fix)
    elif found is None:
        message = f"the catalogue has not seen Kubernetes {version} at {cloud} (newest: {known[-1].version})"
        ground.warn("kubernetes_unseen", path, message, fix)
    elif today is not None and found.ends is not None and today + SOON > found.ends:
        when = "ended" if found.ended(today) else "ends"
        more = f", and costs more until {found.extended_ends}" if found.extended_ends and not found.gone(today) else ""
        message = f"{cloud}'s support of Kubernetes {version} {when} on {found.ends}{more}"
        ground.warn("kubernetes_ends", path, message, fix)


def _ahead(newest: str) -> tuple[int, int]:
    """The newest version that a cloud may have by now."""
    first, second = minor(newest)
    return first, second + AHEAD


def _named(ground: Ground, cloud: str, name: str, path: KeyPath) -> None:
    for kind in ((cloud, "cluster"), ("kubernetes", "account")):
        rule = broken(*kind, name)
        if rule is not None:
            message = f"{kind[0]} takes as a cluster's name {rule.words}"
            ground.error("name_refused", path, message, f"such as {made('gcp', 'cluster', name)}")
            return


def _pool_name(ground: Ground, cloud: str, name: str, path: KeyPath) -> None:
    """A pool is rendered under a lawful name, which people should know before they look for it."""
    rule = broken(cloud, "pool", name)
    if rule is not None:
        short = made(cloud, "pool", name)
        ground.warn("name_changed", path, f"{cloud} takes {rule.words}: the pool will be called {short}", "rename it")


def _distinct(ground: Ground, names: Iterable[str], path: KeyPath, what: str) -> None:
    """Names that differ only in case or in marks are one name in Terraform or in Kubernetes."""
    seen: dict[str, str] = {}
    for name in names:
        folded = re.sub(r"[^a-z0-9]+", "-", name.lower())
        if folded in seen:
            message = f"{seen[folded]} and {name} are too alike: tools would take them for one of the {what}"
            ground.error("name_collides", (*path, name), message, "rename one of them")
        seen.setdefault(folded, name)


def _machines(
    ground: Ground, market: Market, own: set[str], cluster: Cluster, name: str, pool: NodePool, path: KeyPath
) -> None:
    if pool.min is not None and pool.max is not None and pool.min > pool.max:
        message = f"at least {pool.min} machines and at most {pool.max} can not both hold"
        ground.error("demand_impossible", (*path, "min"), message, "min must not be above max")
    cloud = cluster.at.partition("/")[0]
    for bound, count in (("min", pool.min), ("max", pool.max)):
        if count is not None and count > POOL_MOST.get(cloud, count):
            message = f"a pool at {cloud} has at most {POOL_MOST[cloud]} machines, and not {count}"
            ground.error("out_of_range", (*path, bound), message, "write less, or take two pools")
    if pool.machine is not None and re.fullmatch(FORMS[cloud], pool.machine) is None:
        for other in (name for name, form in FORMS.items() if re.fullmatch(form, pool.machine)):
            message = f"{pool.machine} is how {other} writes a machine, and the cluster is at {cluster.at}"
            ground.error("machine_unknown", (*path, "machine"), message, f"name one of {cloud}, or say accelerator:")
            return
    offers = market.offers(cluster.at)
    if not offers:
        return
    if pool.machine is not None:
        listed = {offer.machine: offer for offer in offers}
        if pool.machine in listed:
            _fitted(ground, market, listed[pool.machine].accelerator, name, pool, path)
        else:
            near = market.similar(f"machine:{cluster.at}", pool.machine)
            message = f"no machine {pool.machine!r} is listed at {cluster.at}"
            ground.warn("machine_unlisted", (*path, "machine"), message, f"did you mean {near[0]}?" if near else "")
        if pool.spot and cloud == "oci" and pool.machine.startswith(BARE_METAL):
            message = f"Oracle Cloud does not sell {pool.machine} as preemptible: bare metal is on demand only"
            ground.error("spot_unsupported", (*path, "spot"), message, "take a VM shape, or leave out spot")
        return
    if pool.accelerator is None and name != GPU:
        return
    word = pool.accelerator
    meant = {*market.accelerators_named(word), word} if word is not None else None
    fitting = [o for o in offers if o.accelerator and (meant is None or o.accelerator in meant)]
    if not fitting and (word is None or word not in own):
        where = sorted(s for s in market.sites_offering(word or "") if s.startswith(f"{cloud}/"))[:3]
        message = f"no machine with {word or 'an accelerator'} is listed at {cluster.at}"
        fix = f"{cloud} lists it at {', '.join(where)}" if where else "name another accelerator, or the machine"
        ground.error("accelerator_elsewhere", (*path, "accelerator") if word else path, message, fix)
    elif pool.spot and cloud == "oci" and all(o.machine.startswith(BARE_METAL) for o in fitting):
        message = (
            f"Oracle Cloud has {word or 'accelerators'} there in bare metal only, which is not sold as preemptible"
        )
        ground.error("spot_unsupported", (*path, "spot"), message, "leave out spot, or take another accelerator")


def _fitted(ground: Ground, market: Market, has: str, name: str, pool: NodePool, path: KeyPath) -> None:
    """The machine of a pool has the accelerator that is asked for, as far as both are said."""
    wanted, machine = pool.accelerator, pool.machine or ""
    if wanted is not None and machine.startswith(TAKES_ANY):
        return
    if wanted is not None and has not in {wanted, *market.accelerators_named(wanted)}:
        message = f"{machine} has {has or 'no accelerator'}, and not {wanted}"
        ground.error("accelerator_elsewhere", (*path, "machine"), message, "leave out the machine or the accelerator")
    elif wanted is None and name == GPU and not has:
        message = f"{machine} has no accelerator, and {GPU} keeps its machines for work that asks for one"
        ground.error("accelerator_elsewhere", (*path, "machine"), message, "take a machine with one, or another name")
