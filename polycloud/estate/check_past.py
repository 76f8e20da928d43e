"""Can what an estate says of the past hold: former names that nothing else has now, ids in the form of their cloud."""

import ipaddress
import re
from collections.abc import Mapping
from typing import NamedTuple

from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.places import Cluster, Link, NodePool, SiteNetwork
from polycloud.estate.schema.work import Database, Dataset, Store


class _Form(NamedTuple):
    """How a cloud writes the id of a thing, and an example of it."""

    pattern: str
    example: str


def _arm(kind: str, *more: str) -> _Form:
    """An id of Azure's Resource Manager."""
    tail = "".join(f"/{one}/[^/]+" for one in more)
    example = "".join(f"/{one}/NAME" for one in more)
    return _Form(
        rf"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/{kind}/[^/]+{tail}",
        f"/subscriptions/ID/resourceGroups/GROUP/providers/{kind}/NAME{example}",
    )


def _ocid(*kinds: str) -> _Form:
    return _Form(rf"ocid1\.({'|'.join(kinds)})\.[A-Za-z0-9._-]+", f"ocid1.{kinds[0]}.oc1.….…")


_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# What Terraform's providers import by, from their pages about each kind, read 2026-11; see deploy/render/import_forms.
_FORMS: dict[tuple[str, str], _Form] = {
    ("aws", "network"): _Form(r"vpc-[0-9a-z]+", "vpc-0123abcd"),
    ("aws", "cluster"): _Form(_WORD, "the cluster's name"),
    ("aws", "pool"): _Form(_WORD, "the node group's name"),
    ("aws", "bucket"): _Form(r"[a-z0-9][a-z0-9.-]+", "the bucket's name"),
    ("aws", "database"): _Form(_WORD, "the identifier of the cluster, instance, table or keyspace"),
    ("aws", "key"): _Form(r"(mrk-)?[0-9a-f-]{32,36}", "1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("azure", "ai"): _arm("Microsoft.CognitiveServices/accounts"),
    ("azure", "network"): _arm("Microsoft.Network/virtualNetworks"),
    ("azure", "cluster"): _arm("Microsoft.ContainerService/managedClusters"),
    ("azure", "pool"): _arm("Microsoft.ContainerService/managedClusters", "agentPools"),
    ("azure", "bucket"): _arm("Microsoft.Storage/storageAccounts"),
    ("azure", "database"): _arm("Microsoft.[A-Za-z]+/(flexibleServers|databaseAccounts)"),
    ("azure", "key"): _arm("Microsoft.KeyVault/vaults"),
    ("gcp", "network"): _Form(r"projects/[^/]+/global/networks/[^/]+", "projects/PROJECT/global/networks/NAME"),
    ("gcp", "cluster"): _Form(
        r"projects/[^/]+/locations/[^/]+/clusters/[^/]+", "projects/PROJECT/locations/REGION/clusters/NAME"
    ),
    ("gcp", "pool"): _Form(r"[^/]+/[^/]+/[^/]+/[^/]+", "PROJECT/REGION/CLUSTER/NAME"),
    ("gcp", "bucket"): _Form(r"([^/]+/)?[^/]+", "PROJECT/NAME"),
    ("gcp", "database"): _Form(r"projects/[^/]+/instances/[^/]+", "projects/PROJECT/instances/NAME"),
    ("gcp", "key"): _Form(
        r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+",
        "projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/NAME",
    ),
    ("oci", "network"): _ocid("vcn"),
    ("oci", "cluster"): _ocid("cluster"),
    ("oci", "pool"): _ocid("nodepool"),
    ("oci", "bucket"): _Form(r"n/[^/]+/b/[^/]+", "n/NAMESPACE/b/NAME"),
    ("oci", "database"): _ocid("autonomousdatabase", "postgresqldbsystem"),
    ("oci", "key"): _ocid("vault"),
}
_LOCATION = re.compile(r"/locations/([^/]+)/")
NETWORK_BITS = 16  # networks are cut in the same way everywhere: see derive


def check_past(ground: Ground) -> None:
    """Notes former names that are not free, and ids that nothing can be taken over by."""
    estate = ground.estate
    _ids(ground)
    _networks(ground)
    for section, things in (
        ("clusters", estate.clusters),
        ("stores", estate.stores),
        ("datasets", estate.datasets),
        ("databases", estate.databases),
        ("links", estate.links),
    ):
        _former(ground, (section,), things)
    for name, cluster in estate.clusters.items():
        _former(ground, ("clusters", name, "pools"), cluster.pools)


def _ids(ground: Ground) -> None:
    estate = ground.estate
    azure = estate.clouds.azure
    for region, id in azure.existing.items() if azure is not None else ():
        path: KeyPath = ("clouds", "azure", "existing", region)
        _id(ground, path, f"azure/{region}", "ai", id)
        called = azure.resource.replace("{region}", region).replace("{estate}", estate.estate) if azure else ""
        if id.rpartition("/")[2] != called:
            message = f"calls go to the resource {called}, which clouds.azure.resource says, and not to this one"
            ground.error("value_twice", path, message, "say the same name in both")
    for cloud, one in estate.clouds.each():
        for region, network in one.networks.items():
            _id(
                ground,
                ("clouds", cloud, "networks", region, "existing"),
                f"{cloud}/{region}",
                "network",
                network.existing,
            )
    for name, cluster in estate.clusters.items():
        _id(ground, ("clusters", name, "existing"), cluster.at, "cluster", cluster.existing)
        for pool, spec in cluster.pools.items():
            _id(ground, ("clusters", name, "pools", pool, "existing"), cluster.at, "pool", spec.existing)
    for name, store in estate.stores.items():
        _id(ground, ("stores", name, "existing"), store.at, "bucket", store.existing)
    for section, what, things in (
        ("datasets", "bucket", estate.datasets),
        ("databases", "database", estate.databases),
        ("encryption_keys", "key", estate.encryption_keys),
    ):
        for name, thing in things.items():
            for site, id in thing.existing.items():
                _id(ground, (section, name, "existing", site), site, what, id)


def _id(ground: Ground, path: KeyPath, site: str, what: str, id: str | None) -> None:
    form = _FORMS.get((site.partition("/")[0], what))
    if id is None:
        return
    if form is None:
        ground.error("existing_unknown", path, f"nothing of this kind is written for {site}", "leave it out")
    elif re.fullmatch(form.pattern, id) is None:
        ground.error("form_wrong", path, f"{id!r} is no id of an existing {what} at {site}", f"write {form.example}")
    elif (named := _LOCATION.search(id)) is not None and not named[1].startswith(site.partition("/")[2]):
        # A key elsewhere would take from its data where they may be.
        ground.error(
            "address_elsewhere", path, f"this {what} is at {named[1]}, and not at {site}", f"name one at {site}"
        )


def _networks(ground: Ground) -> None:
    taken: dict[str, str] = {}
    for cloud, one in ground.estate.clouds.each():
        for region, network in one.networks.items():
            path: KeyPath = ("clouds", cloud, "networks", region)
            if region not in one.sites:
                ground.unknown(path, "site", f"{cloud}/{region}", [f"{cloud}/{site}" for site in one.sites])
            _network(ground, path, network, taken)


def _network(ground: Ground, path: KeyPath, network: SiteNetwork, taken: dict[str, str]) -> None:
    if network.cidr is None:
        if network.existing is not None:
            ground.error("key_missing", path, "the addresses of an existing network are needed", "add its cidr")
        return
    try:
        found = ipaddress.IPv4Network(network.cidr)
        fits = found.prefixlen == NETWORK_BITS and found.is_private
    except ValueError:
        fits = False
    where = (*path, "cidr")
    if not fits:
        ground.error("form_wrong", where, f"{network.cidr!r} is no private /16", "write it as in 10.20.0.0/16")
    elif network.cidr in taken:
        ground.error("name_twice", where, f"{network.cidr} is that of {taken[network.cidr]} too", "choose another")
    taken.setdefault(network.cidr, f"{path[1]}/{path[3]}")


def _former(
    ground: Ground, section: KeyPath, things: Mapping[str, Cluster | NodePool | Store | Dataset | Database | Link]
) -> None:
    owners: dict[str, str] = {}
    for name, thing in things.items():
        for was in thing.was:
            path = (*section, name, "was")
            if was in things:
                ground.error("name_twice", path, f"{was} is there itself: {name} was not it", "leave it out")
            elif was in owners:
                ground.error("name_twice", path, f"{owners[was]} was {was} too", "one thing can have been it")
            owners.setdefault(was, name)
