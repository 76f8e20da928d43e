"""Clusters with their pools and machines, and the networks they stand in."""

from collections.abc import Mapping

from polycloud.catalog import Catalog
from polycloud.catalog.machine_names import is_arm
from polycloud.catalog.market import Market
from polycloud.catalog.market_rows import Offer
from polycloud.deploy.blueprint import Cluster, Network, Pool, Role, Run, Where
from polycloud.deploy.derive.prices import CURRENCY
from polycloud.estate import Estate
from polycloud.estate.schema.places import NodePool
from polycloud.placement.commitments.own_prices import priced
from polycloud.placement.commitments.reading import Lookup
from polycloud.placement.problem import HOURS

DEFAULT_VERSION = "1.35"  # supported by EKS, GKE, AKS and OKE in 2026-11; see the catalogue's Kubernetes table
# The first that is offered at a site is taken: current general-purpose x86 machines, as engineers would choose.
GENERAL: dict[tuple[str, str], tuple[str, ...]] = {
    ("aws", "system"): ("m7i.xlarge", "m6i.xlarge", "m5.xlarge"),
    ("aws", "workload"): ("m7i.2xlarge", "m6i.2xlarge", "m5.2xlarge"),
    ("azure", "system"): ("Standard_D4s_v5", "Standard_D4s_v3"),
    ("azure", "workload"): ("Standard_D8s_v5", "Standard_D8s_v3"),
    ("gcp", "system"): ("n2-standard-4", "e2-standard-4"),
    ("gcp", "workload"): ("n2-standard-8", "e2-standard-8"),
    ("oci", "system"): ("VM.Standard.E5.Flex", "VM.Standard.E4.Flex"),
    ("oci", "workload"): ("VM.Standard.E5.Flex", "VM.Standard.E4.Flex"),
}
USUAL: dict[Role, tuple[int, int]] = {"system": (3, 3), "workload": (5, 50), "gpu": (0, 10)}  # least and most machines
# Maxwell, Pascal and Volta, which CUDA 13 dropped: docs.nvidia.com/cuda/cuda-toolkit-release-notes, 2026-11.
BEFORE_CUDA_13 = ("K80", "M60", "P4", "P100", "V100")
FIRST, LAST = 16, 255  # second octets of the /16 networks in 10.0.0.0/8; the lower ones are often taken at home


def where(site_id: str, catalog: Catalog, estate: Estate) -> Where:
    """A site in parts."""
    cloud, _, region = site_id.partition("/")
    hall = estate.onprem.get(region) if cloud == "onprem" else None
    if hall is not None:
        return Where(site_id, cloud, region, hall.country or "", hall.lat, hall.lon)
    site = catalog.site(site_id)
    if site is None:
        return Where(site_id, cloud, region, "")
    return Where(site_id, cloud, region, site.country, site.latitude, site.longitude)


def clusters(estate: Estate, catalog: Catalog, market: Market, runs: tuple[Run, ...]) -> tuple[Cluster, ...]:
    """The estate's clusters; one for each site of a cloud where it declares none."""
    found = []
    pay = priced(market.offer, estate.money)
    declared = {name: (c.at, c.version or DEFAULT_VERSION, c.pools) for name, c in estate.clusters.items()}
    if not declared:
        for cloud, one in estate.clouds.each():
            declared |= {f"{cloud}-{region}": (f"{cloud}/{region}", DEFAULT_VERSION, {}) for region in one.sites}
    for name, (at, version, pools) in sorted(declared.items()):
        if at.startswith("onprem/"):
            continue  # its machines are there already: only what runs on it is written
        site = where(at, catalog, estate)
        placed = [run for run in runs if run.cluster == name]
        own = estate.clusters.get(name)
        taken_over = own is not None and own.existing is not None and bool(pools)
        wanted = dict(pools) if taken_over else completed(pools)
        steady = [pool for pool, spec in wanted.items() if _steady(pool, spec)]
        made = [
            _pool(market, pay, site, pool, spec, placed, pool in USUAL or steady == [pool])
            for pool, spec in sorted(wanted.items())
        ]
        made += _for_runs(pay, site, placed, made)
        kept = tuple(pool for pool in made if pool is not None)
        found.append(Cluster(name, site, version, kept, own.was if own is not None else ()))
    return tuple(found)


def completed(pools: Mapping[str, NodePool]) -> dict[str, NodePool]:
    """The pools that are named, and the usual one for each role that none of them has: what may be interrupted does not
    count as a place for workloads."""
    found = dict(pools)
    has = {
        "system": "system" in pools,
        "workload": any(_steady(name, spec) for name, spec in pools.items()),
        "gpu": any(_role(name, spec) == "gpu" for name, spec in pools.items()),
    }
    for role, there in has.items():
        if not there:
            found.setdefault(role, NodePool())
    return found


def _role(name: str, spec: NodePool) -> Role:
    return "gpu" if spec.accelerator or name == "gpu" else "system" if name == "system" else "workload"


def _steady(name: str, spec: NodePool) -> bool:
    """Whether workloads have machines there that nobody takes away."""
    return _role(name, spec) == "workload" and not spec.spot


def bounds(role: Role, spec: NodePool, main: bool) -> tuple[int, int]:
    """The least and most machines of a pool: as said, else as usual; only the ``main`` pool of a role has machines
    without a word."""
    least, most = USUAL[role] if main else (0, USUAL[role][1])
    if spec.min is not None:
        least = spec.min
    elif spec.max is not None:
        least = min(least, spec.max)
    return least, max(most, least) if spec.max is None else spec.max


def networks(sites: list[Where], last: Mapping[str, str], estate: Estate | None = None) -> tuple[Network, ...]:
    """A /16 for each site: what the estate says, else that of the last render; new ones take the lowest that is free,
    in order of site.

    Raises ValueError when more than 240 sites ask.
    """
    said = (
        {}
        if estate is None
        else {
            f"{cloud}/{region}": network.cidr
            for cloud, one in estate.clouds.each()
            for region, network in one.networks.items()
            if network.cidr is not None
        }
    )
    kept = {site: cidr for site, cidr in last.items() if cidr not in said.values()} | said
    taken = {cidr for site, cidr in kept.items() if site in {s.id for s in sites}}
    possible = (f"10.{octet}.0.0/16" for octet in range(FIRST, LAST + 1))
    free = (one for one in possible if one not in taken)
    found = []
    for site in sorted(sites, key=lambda s: s.id):
        cidr = kept.get(site.id) or next(free, None)
        if cidr is None:
            raise ValueError(f"{len(sites)} sites need a /16 each; 10.0.0.0/8 has {LAST - FIRST + 1} left for them")
        found.append(Network(site, cidr))
    return tuple(found)


def _pool(
    market: Market, pay: Lookup, site: Where, name: str, spec: NodePool, placed: list[Run], main: bool
) -> Pool | None:
    role = _role(name, spec)
    accelerator = spec.accelerator or ""
    machine = spec.machine
    if machine is None and role == "gpu":
        fitting = [r for r in placed if r.accelerator and _has(market, site, r.machine, accelerator)]
        machine = fitting[0].machine if fitting else _cheapest(market, pay, site, accelerator)
    if machine is None and role != "gpu":
        offered = {offer.machine for offer in market.offers(site.id)}
        usual = GENERAL[site.cloud, role]
        machine = next((m for m in usual if m in offered), usual[0])
    if machine is None:
        return None  # no accelerator of that kind is offered there: derive says so
    least, most = bounds(role, spec, main)
    return _filled(pay, site, Pool(name, role, machine, least, most, spec.spot, accelerator, was=spec.was))


def _for_runs(pay: Lookup, site: Where, placed: list[Run], made: list[Pool | None]) -> list[Pool]:
    """Pools for placed runs whose machine no pool has."""
    have = {(pool.machine, pool.spot) for pool in made if pool is not None}
    found: list[Pool] = []
    for run in sorted(placed, key=lambda r: r.name):
        if not run.machine or (run.machine, run.spot) in have:
            continue
        have.add((run.machine, run.spot))
        same = [r for r in placed if (r.machine, r.spot) == (run.machine, run.spot)]
        role: Role = "gpu" if run.accelerator else "workload"
        name = f"{'g' if run.accelerator else 'w'}{'s' if run.spot else 'd'}{len(found)}"
        most = sum(max(r.most, r.count) for r in same)
        pool = Pool(name, role, run.machine, 0, max(1, most), run.spot, run.accelerator, run.accelerators_each)
        found.append(_filled(pay, site, pool))
    return found


def _filled(pay: Lookup, site: Where, pool: Pool) -> Pool:
    """With what its machine is and costs, as the estate pays."""
    offer = pay(site.id, pool.machine)
    if offer is None:
        return pool
    price = (offer.spot if pool.spot else None) or offer.on_demand
    return Pool(
        pool.name,
        pool.role,
        pool.machine,
        pool.least,
        pool.most,
        pool.spot,
        offer.accelerator or pool.accelerator,
        offer.accelerator_count or pool.accelerators_each,
        offer.vcpu,
        offer.memory_gib,
        price * HOURS if price is not None and offer.currency == CURRENCY else None,
        pool.was,
    )


def _has(market: Market, site: Where, machine: str, accelerator: str) -> bool:
    """Whether a machine has the accelerator that a pool names; any will do for a pool that names none."""
    if not accelerator:
        return True
    offer = market.offer(site.id, machine)
    return offer is not None and offer.accelerator in market.accelerators_named(accelerator)


def _cheapest(market: Market, pay: Lookup, site: Where, accelerator: str) -> str | None:
    """The cheapest machine with the accelerator; when none is named, with a whole one that runs today's CUDA, and x86,
    as most images expect."""

    def usual(offer: Offer) -> bool:
        chip = market.accelerator(offer.accelerator)
        whole = offer.accelerator_count is not None and offer.accelerator_count >= 1
        today = chip is not None and chip.vendor == "NVIDIA" and not chip.name.startswith(BEFORE_CUDA_13)
        return today and whole and not is_arm(offer.machine)

    wanted = market.accelerator(accelerator) if accelerator else None
    offers = [
        pay(site.id, offer.machine) or offer
        for offer in market.offers(site.id)
        if offer.accelerator
        and offer.on_demand is not None
        and (offer.accelerator == (wanted.name if wanted is not None else accelerator) if accelerator else usual(offer))
    ]
    return min(offers, key=lambda o: (o.on_demand or 0, o.machine)).machine if offers else None
