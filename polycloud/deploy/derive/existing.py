"""What is there already and is taken over, by the ids that the estate states."""

from polycloud.deploy.blueprint import Existing
from polycloud.estate import Estate

NETWORKS, MODELS, KEYS = "clouds.{}.sites", "models", "encryption_keys"  # the sources of what has no entry of its own


def existing(estate: Estate) -> tuple[Existing, ...]:
    """Everything that states an id, in the order of the estate's sections."""
    found: list[Existing] = []
    for cloud, one in estate.clouds.each():
        found += [
            Existing("network", NETWORKS.format(cloud), f"{cloud}/{region}", network.existing)
            for region, network in one.networks.items()
            if network.existing is not None
        ]
    azure = estate.clouds.azure
    if azure is not None:
        found += [Existing("ai", MODELS, f"azure/{region}", id) for region, id in azure.existing.items()]
    for name, cluster in estate.clusters.items():
        source = f"clusters.{name}"
        if cluster.existing is not None:
            found.append(Existing("cluster", source, cluster.at, cluster.existing))
        found += [
            Existing("pool", f"{source}.pools.{pool_name}", cluster.at, pool.existing)
            for pool_name, pool in cluster.pools.items()
            if pool.existing is not None
        ]
    for name, store in estate.stores.items():
        if store.existing is not None:
            found.append(Existing("bucket", f"stores.{name}", store.at, store.existing))
    for name, dataset in estate.datasets.items():
        found += [Existing("bucket", f"datasets.{name}", site, id) for site, id in dataset.existing.items()]
    for name, database in estate.databases.items():
        found += [Existing("database", f"databases.{name}", site, id) for site, id in database.existing.items()]
    for _, key in sorted(estate.encryption_keys.items()):
        found += [Existing("key", KEYS, site, id) for site, id in key.existing.items()]
    return tuple(found)


def bucket_named(estate: Estate, name: str, site: str) -> str | None:
    """What the bucket of a store or a dataset at a site is called in its cloud, where it is there already."""
    store, dataset = estate.stores.get(name), estate.datasets.get(name)
    id = store.existing if store is not None else dataset.existing.get(site) if dataset is not None else None
    return None if id is None else id.rpartition("/")[2]
