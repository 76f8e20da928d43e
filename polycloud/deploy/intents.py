"""What a role's grants reach in one cloud: the very buckets, models and clusters, so that each cloud's policy can
name them and nothing else. Which words of a cloud express it is that cloud's own business."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

from polycloud.deploy.blueprint import AiService, Blueprint, Bucket, Cluster, Principal
from polycloud.estate.schema.rules import Action, Grant


class Folder(msgspec.Struct, frozen=True):
    """The objects of one dataset in a bucket; ``alone``: nothing else is in the bucket."""

    bucket: Bucket
    dataset: str
    alone: bool

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Where the dataset's objects lie: a folder of its name in each layer."""
        return self.bucket.places(self.dataset)


class Intent(msgspec.Struct, frozen=True):
    """One action of a role, with all that it may be done to in one cloud.

    ``everything`` says that the grant is not narrowed to names: clouds may then use a wider, simpler form.
    """

    action: Action
    services: tuple[AiService, ...] = ()
    folders: tuple[Folder, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    workloads: tuple[str, ...] = ()
    everything: bool = False

    @property
    def empty(self) -> bool:
        """Whether the action reaches nothing in this cloud."""
        return not (self.services or self.folders or self.clusters)


class Member(msgspec.Struct, frozen=True):
    """``group:ml`` is kind group, name ml. Kinds: group, user, team, workload."""

    kind: str
    name: str


OBJECT_ACTIONS: tuple[Action, ...] = ("read", "write", "delete")
CLUSTER_ACTIONS: tuple[Action, ...] = ("run", "deploy", "administer", "audit")


def members(principal: Principal) -> tuple[Member, ...]:
    """Who holds a role, in the order of the estate."""
    return tuple(Member(*text.split(":", 1)) for text in principal.members if ":" in text)


def intents(here: Blueprint, principal: Principal) -> tuple[Intent, ...]:
    """What a role reaches in the cloud that ``here`` is narrowed to; one intent for each action, sorted.

    An action on models reaches services, on datasets their folders, on workloads the clusters they run on; ``*``
    reaches all three. ``administer`` and ``audit`` reach the clusters and folders of their sites.
    """
    found: dict[Action, Intent] = {}
    for grant in principal.can:
        for action in grant.do:
            before = found.get(action, Intent(action))
            found[action] = _union(before, _reach(here, grant, action))
    return tuple(found[action] for action in sorted(found) if not found[action].empty)


def _reach(here: Blueprint, grant: Grant, action: Action) -> Intent:
    def sites(id: str) -> bool:
        return not grant.at or any(fnmatchcase(id, pattern) for pattern in grant.at)

    def named(kind: str, name: str) -> bool:
        return any(pattern == "*" or fnmatchcase(f"{kind}/{name}", pattern) for pattern in grant.on)

    services = tuple(s for s in here.services if action == "invoke" and sites(s.site.id) and named("model", s.model))
    folders = tuple(
        Folder(bucket, dataset, len(bucket.datasets) == 1)
        for bucket in here.buckets
        if action in (*OBJECT_ACTIONS, "administer", "audit") and sites(bucket.site.id)
        for dataset in bucket.datasets
        if named("dataset", dataset) and (not grant.classes or _within(bucket.data_class, grant.classes))
    )
    runs = [run for run in here.runs if named("workload", run.workload)]
    wanted = {run.cluster for run in runs}
    clusters = tuple(
        c
        for c in here.clusters
        if action in CLUSTER_ACTIONS and sites(c.site.id) and (c.name in wanted or "*" in grant.on)
    )
    workloads = tuple(sorted({run.workload for run in runs if run.cluster in {c.name for c in clusters}}))
    return Intent(action, services, folders, clusters, workloads, "*" in grant.on and not grant.classes)


def _within(data_class: str, classes: Iterable[str]) -> bool:
    """Whether all that a bucket holds is of the classes granted: a mixed bucket would give more."""
    return bool(data_class) and set(data_class.split()) <= set(classes)


def _union(a: Intent, b: Intent) -> Intent:
    return Intent(
        a.action,
        tuple(dict.fromkeys((*a.services, *b.services))),
        tuple(dict.fromkeys((*a.folders, *b.folders))),
        tuple(dict.fromkeys((*a.clusters, *b.clusters))),
        tuple(sorted({*a.workloads, *b.workloads})),
        a.everything or b.everything,
    )
