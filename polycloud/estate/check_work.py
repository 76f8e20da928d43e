"""Do the declarations of data, work, money and continuity agree with each other and with the data classes?"""

from datetime import date

from polycloud.catalog import databases
from polycloud.estate.check_rules import admits, reaches_itself
from polycloud.estate.ground import Ground
from polycloud.estate.paths import KeyPath
from polycloud.estate.schema.work import Database

NAMES_SHOWN = 3
_NEEDS_BOUND = ("latency", "first-token", "cross-cloud-latency", "replication-lag")


def check_work(ground: Ground) -> None:
    _datasets(ground)
    _widened(ground)
    _databases(ground)
    for name, search in ground.estate.search.items():
        for index, store in enumerate(search.stores):
            found = ground.estate.stores.get(store)
            if found is not None and found.kind != "vectors":
                path: KeyPath = ("search", name, "stores", index)
                ground.error(
                    "store_kind", path, f"store {store!r} keeps {found.kind}, not vectors", "name a vector store"
                )
    _commitments(ground)
    _templates(ground)
    for name, phase in ground.estate.migration.items():
        ground.total(("migration", name, "shares"), phase.shares)
    ground.total(("traffic", "shares"), ground.estate.traffic.shares)
    for name, slo in ground.estate.slos.items():
        if slo.measure in _NEEDS_BOUND and slo.within is None:
            message = f"a promise about {slo.measure} needs its bound"
            ground.error("key_missing", ("slos", name), message, "add within: 200ms")
    continuity = ground.estate.continuity
    for site, standby in continuity.standby.items() if continuity is not None else ():
        if site == standby:
            path = ("continuity", "standby", site)
            ground.error("link_circular", path, "a site can not stand by for itself", "name another site")


def _templates(ground: Ground) -> None:
    """Argo Workflows start training and what feeds it, and read {{ in all that they start as their own."""
    for name, workload in ground.estate.workloads.items():
        if workload.kind not in ("training", "data", "batch"):
            continue
        paths: dict[KeyPath, str] = {("workloads", name, "image"): workload.image or ""}
        paths |= {("workloads", name, "command", index): word for index, word in enumerate(workload.command)}
        for path, text in paths.items():
            if "{{" in text:
                message = "{{ begins a template of Argo Workflows, which would replace it or refuse the workflow"
                ground.error("form_wrong", path, message, "put what needs it into the image")


def _held(ground: Ground, class_name: str | None, site_id: str, path: KeyPath) -> None:
    """Data of a class at a site that the class does not admit is a contradiction."""
    name = class_name or ground.estate.residency.default_class
    data_class = ground.estate.data_classes.get(name or "")
    site = ground.sites.get(site_id)
    if data_class is not None and site is not None and not admits(ground, data_class, site):
        limits = ", ".join((*data_class.stay_in, *data_class.sites, *data_class.clouds, *data_class.operators))
        fitting = [one.id for one in ground.sites.values() if admits(ground, data_class, one)]
        fix = f"sites inside: {', '.join(fitting)}" if fitting else "no site of the estate is inside"
        ground.error("class_broken", path, f"{site_id} is outside the data class {name!r} ({limits})", fix)


def _widened(ground: Ground) -> None:
    """What is made of data that must stay somewhere, in a dataset that may be elsewhere: only its class keeps it in."""
    estate = ground.estate
    flows: list[tuple[KeyPath, str, str]] = []
    for name, work in estate.workloads.items():
        read = dict.fromkeys((*work.reads, *work.read_per_month))
        written = dict.fromkeys((*work.writes, *work.written_per_month))
        flows += [(("workloads", name), source, made) for source in read for made in written]
    for name, dataset in estate.datasets.items():
        flows += [
            (("datasets", name, "derived_from", at), source, name) for at, source in enumerate(dataset.derived_from)
        ]
    for path, source, made in flows:
        if source not in estate.datasets or made not in estate.datasets:
            continue
        kept, wider = (_class_of(ground, name) for name in (source, made))
        rule, other = (estate.data_classes.get(name) for name in (kept, wider))
        if rule is None or other is None or kept == wider or rule.may_cross_as == "anonymised":
            continue
        free = [
            site.id
            for site in ground.sites.values()
            if (other.replicate == "anywhere" or admits(ground, other, site)) and not admits(ground, rule, site)
        ]
        if free and rule.replicate != "anywhere":
            message = f"{made} is made from {source} ({kept}), but its class {wider} also admits {_listing(free)}"
            fix = f"give {made} the class {kept}, or write may_cross_as: anonymised in {kept} where that is so"
            ground.warn("class_widened", path, message, fix)


def _class_of(ground: Ground, dataset: str) -> str:
    return ground.estate.datasets[dataset].data_class or ground.estate.residency.default_class or ""


def _listing(names: list[str]) -> str:
    """The first names, the rest counted."""
    return ", ".join(names[:NAMES_SHOWN]) + (
        f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    )


def _datasets(ground: Ground) -> None:
    estate = ground.estate
    edges = {name: dataset.derived_from for name, dataset in estate.datasets.items()}
    for name, dataset in estate.datasets.items():
        path: KeyPath = ("datasets", name)
        if reaches_itself(name, edges):
            ground.error(
                "dataset_circular", (*path, "derived_from"), f"{name!r} is derived from itself", "break the circle"
            )
        if dataset.store is not None and dataset.at is not None:
            message = f"store {dataset.store!r} says already where it is"
            ground.error("value_twice", (*path, "at"), message, "remove at: or store:")
        if dataset.at is not None:
            _held(ground, dataset.data_class, dataset.at, (*path, "at"))
        elif dataset.store in estate.stores:
            _held(ground, dataset.data_class, estate.stores[dataset.store].at, (*path, "store"))
        data_class = estate.data_classes.get(dataset.data_class or estate.residency.default_class or "")
        if data_class is not None and data_class.replicate == "never" and dataset.replicas > 1:
            message = f"{dataset.replicas} copies, but its data class is never replicated"
            ground.error("class_broken", (*path, "replicas"), message, "write replicas: 1")
        for index, target in enumerate(dataset.replicate_to):
            if data_class is None or data_class.replicate != "anywhere":
                _held(ground, dataset.data_class, target, (*path, "replicate_to", index))
        if dataset.copies_at and dataset.at is None and dataset.store is None:
            message = "copies of what is nowhere yet"
            ground.error("dataset_nowhere", (*path, "copies_at"), message, "say where it is now: at:, or store:")
        for index, site in enumerate(dataset.copies_at):
            if data_class is None or data_class.replicate != "anywhere":
                _held(ground, dataset.data_class, site, (*path, "copies_at", index))
        if dataset.lifecycle is not None:
            ages = [getattr(dataset.lifecycle, f"{step}_after") for step in ("warm", "cold", "archive", "delete")]
            given = [age.value for age in ages if age is not None]
            if given != sorted(set(given)):
                message = "data gets warm, then cold, then archived, then deleted"
                ground.error(
                    "lifecycle_order", (*path, "lifecycle"), message, "let each time be later than the one before"
                )


def _databases(ground: Ground) -> None:
    for name, database in ground.estate.databases.items():
        path: KeyPath = ("databases", name)
        _held(ground, database.data_class, database.at, (*path, "at"))
        _engine(ground, database, path)
        for index, site in enumerate(database.replicas):
            _held(ground, database.data_class, site, (*path, "replicas", index))
            if site == database.at:
                message = "a copy at the same site is lost with it"
                ground.error("name_twice", (*path, "replicas", index), message, "name another site")
            cloud, other = (place.partition("/")[0] for place in (database.at, site))
            if cloud != other and "onprem" not in (cloud, other):
                message = f"{cloud} keeps no copies of its databases at {other}, so no files are written for this one"
                fix = f"name a site of {cloud}, or let {database.engine} copy by itself over a link"
                ground.warn("replica_unwritten", (*path, "replicas", index), message, fix)


def _engine(ground: Ground, database: Database, path: KeyPath) -> None:
    """Only what a cloud runs can be made there; copies in other clouds are the engine's own affair."""
    cloud = database.at.partition("/")[0]
    service = databases.SERVICES.get((cloud, database.engine))
    if cloud == "onprem" or (service is not None and service.written):
        return
    others = ", ".join(databases.clouds(database.engine))
    if service is None:
        fix = f"{database.engine} is at {others}; at {cloud} take {', '.join(databases.engines(cloud))}"
        message = f"{cloud} runs no {database.engine}"
        ground.error("engine_unsupported", (*path, "engine"), message, fix)
    else:
        message = f"{cloud} runs {database.engine} as {service.name}, for which no files are written"
        fix = f"make it by hand, or place it at {others}"
        ground.warn("engine_unwritten", (*path, "engine"), message, fix)


def _commitments(ground: Ground) -> None:
    for name, commitment in ground.estate.commitments.items():
        path: KeyPath = ("commitments", name)
        if commitment.at is not None and not commitment.at.startswith(commitment.cloud + "/"):
            message = f"{commitment.at} is not a site of {commitment.cloud}"
            ground.error("commitment_elsewhere", (*path, "at"), message, "name a site of the same cloud")
        if commitment.starts is not None:
            try:
                date.fromisoformat(commitment.starts)
            except ValueError:
                message = f"{commitment.starts} is no day of the calendar"
                ground.error("day_malformed", (*path, "starts"), message, "write it as 2026-11-21")
