"""Roles at Google Cloud: bindings on the very buckets for people of a workforce pool (see ``render_people``) and for
the service accounts of programs; other clouds' clusters are trusted by a workload identity pool."""

from collections.abc import Sequence

from polycloud.clouds.gcp import render_people
from polycloud.deploy.blueprint import Blueprint, Principal
from polycloud.deploy.conventions import GATEWAY_SUBJECT
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Block, Comment, Expr, block, joined
from polycloud.deploy.intents import OBJECT_ACTIONS, Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import ANYTHING, Row, on, said
from polycloud.deploy.render.issuers import issuers
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref

FILE = "identity.tf"
NAMESPACE = "workloads"
PROJECT = ref("var.project")
FOREIGN_POOL = "google_iam_workload_identity_pool.clusters"
POD = "attribute.pod"  # the cluster and the service account: a token's own subject tells no cluster
# Permissions by action on the project, https://cloud.google.com/iam/docs/permissions-reference, 2026-11.
ON_PROJECT = {
    "invoke": ("aiplatform.endpoints.predict", "aiplatform.endpoints.explain"),
    "run": ("container.clusters.get", "container.clusters.connect", "container.jobs.create", "container.jobs.get"),
    "deploy": (
        "container.clusters.get",
        "container.clusters.connect",
        "container.deployments.create",
        "container.deployments.update",
        "container.services.create",
        "container.services.update",
    ),
    "administer": (
        "container.clusters.get",
        "container.clusters.update",
        "storage.buckets.get",
    ),
    "audit": (
        "container.clusters.get",
        "container.clusters.list",
        "logging.logEntries.list",
        "logging.logs.list",
        "storage.buckets.get",
        "storage.buckets.list",
    ),
}
# Predefined roles on a bucket, https://cloud.google.com/storage/docs/access-control/iam-roles, 2026-11.
ON_BUCKET = {
    "read": "roles/storage.objectViewer",
    "write": "roles/storage.objectCreator",
    "delete": "roles/storage.objectUser",
}

INSIDE = "what may be done inside a cluster: Kubernetes' own RBAC has to say it"

told = render_people.told


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at Google Cloud.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    people = abroad = False
    for principal in here.principals:
        found = intents(here, principal)
        if not found:
            continue
        custom = _custom_role(section, principal, found)
        for member in members(principal):
            if member.kind == "team":
                root.gap(f"team:{member.name} holds gateway keys, so role {principal.name} gives it nothing at gcp")
                continue
            if member.kind == "workload":
                who, far = _program(section, here, principal, member)
                abroad = abroad or far
            else:
                who, people = render_people.member(member, here.sign_in), True
            _bind(section, principal, member, found, custom, who)
    if people:
        render_people.add(root, here)
    if abroad:
        foreign_pool(root)


def rows(here: Blueprint) -> list[Row]:
    """Each action of each role as permissions and predefined roles say it."""
    return said(here, _row, lambda _, member, __: ANYTHING if member.kind == "team" else "")


def _custom_role(section: Section, principal: Principal, found: Sequence[Intent]) -> Expr | None:
    """What is granted on the whole project, as one role of exactly those permissions."""
    permissions = sorted({p for intent in found for p in _on_project(intent)})
    if not permissions:
        return None
    return section.make(
        "google_project_iam_custom_role",
        identifier("role", principal.name),
        {
            "project": PROJECT,
            "role_id": identifier("polycloud", principal.name),
            "title": f"polycloud {principal.name}"[:100],
            "permissions": permissions,
        },
    )


def _on_project(intent: Intent) -> list[str]:
    """What an action asks for on the kinds of things that it reaches; a bucket's settings are Terraform's to change,
    since whoever sets its lifecycle can delete."""
    reached = {"container": bool(intent.clusters), "storage": bool(intent.folders)}
    return [one for one in ON_PROJECT.get(intent.action, ()) if reached.get(one.partition(".")[0], True)]


def _bind(
    section: Section,
    principal: Principal,
    member: Member,
    found: Sequence[Intent],
    custom: Expr | None,
    who: Expr,
) -> None:
    own = (principal.name, member.kind, member.name)
    if custom is not None:
        section.make(
            "google_project_iam_member",
            identifier(*own),
            {"project": PROJECT, "role": attribute(custom, "id"), "member": who},
            Comment("On the project: models and clusters have no rights of their own, see identity/report.md."),
        )
    for intent in found:
        if intent.action not in ON_BUCKET:
            continue
        for folder in intent.folders:
            label = identifier(*own, intent.action, folder.bucket.name, folder.dataset)
            parts = () if folder.alone else (_below(folder),)
            section.make(
                "google_storage_bucket_iam_member",
                label,
                {
                    "bucket": ref(f"google_storage_bucket.{identifier(folder.bucket.name)}.name"),
                    "role": ON_BUCKET[intent.action],
                    "member": who,
                },
                *parts,
            )


def _below(folder: Folder) -> Block:
    """Only the folders of one dataset, where a bucket holds several."""
    bucket = ref(f"google_storage_bucket.{identifier(folder.bucket.name)}.name")
    pieces: list[str | Expr] = []
    for prefix in folder.prefixes:
        escaped = prefix.replace("\\", "\\\\").replace('"', '\\"')
        pieces += [" || "] if pieces else []
        pieces += ['resource.name.startsWith("projects/_/buckets/', bucket, f'/objects/{escaped}")']
    return block("condition", attributes={"title": f"only {folder.dataset}"[:100], "expression": joined(*pieces)})


def _program(section: Section, here: Blueprint, principal: Principal, member: Member) -> tuple[Expr, bool]:
    """A service account that the workload's pods act as; ``True`` when pods of other clouds do too."""
    label = identifier("workload", principal.name, member.name)
    account = section.make(
        "google_service_account",
        label,
        {
            "project": PROJECT,
            "account_id": made_name("gcp", "account", here.estate, principal.name, member.name),
            "display_name": f"Workload {member.name} in role {principal.name}"[:100],
        },
    )
    own = {cluster.name for cluster in here.clusters}
    placed = {run.cluster for run in here.runs if run.workload == member.name}
    section.make(
        "google_service_account_iam_member",
        label,
        {
            "service_account_id": attribute(account, "name"),
            "role": "roles/iam.workloadIdentityUser",
            "member": joined("serviceAccount:", Expr("var.project"), f".svc.id.goog[{NAMESPACE}/{member.name}]"),
        },
    )
    foreign = sorted(placed - own)
    for cluster in foreign:
        section.make(
            "google_service_account_iam_member",
            identifier("workload", principal.name, member.name, "abroad", cluster),
            {
                "service_account_id": attribute(account, "name"),
                "role": "roles/iam.workloadIdentityUser",
                "member": pod(here.known_as(cluster), f"system:serviceaccount:{NAMESPACE}:{member.name}"),
            },
        )
    return joined("serviceAccount:", attribute(account, "email")), bool(foreign)


def pod(cluster: str, subject: str) -> Expr:
    """A service account of one cluster of another cloud: another cluster may have one of the same name."""
    return joined("principalSet://iam.googleapis.com/", Expr(f"{FOREIGN_POOL}.name"), f"/{POD}/{cluster}/{subject}")


def foreign_pool(root: Root) -> None:
    """Clusters of other clouds whose tokens we take, for placed work and for their gateways."""
    if root.has(FOREIGN_POOL):
        return
    section = root.section(FILE, "", "roles", "identity", {"project": PROJECT})
    pool = section.make(
        "google_iam_workload_identity_pool",
        "clusters",
        {"workload_identity_pool_id": "polycloud-clusters", "display_name": "Clusters of other clouds"},
    )
    section.make(
        "google_iam_workload_identity_pool_provider",
        "clusters",
        {
            "for_each": issuers(root),
            "workload_identity_pool_id": attribute(pool, "workload_identity_pool_id"),
            "workload_identity_pool_provider_id": ref('"c-${substr(sha256(each.key), 0, 20)}"'),
            "display_name": ref("substr(each.key, 0, 32)"),
            "attribute_mapping": {"google.subject": "assertion.sub", POD: ref("\"'${each.key}/' + assertion.sub\"")},
            "attribute_condition": f"assertion.sub.startsWith('system:serviceaccount:{NAMESPACE}:') || "
            f"assertion.sub == '{GATEWAY_SUBJECT}'",
        },
        block("oidc", attributes={"issuer_uri": ref("each.value")}),
    )


def _row(name: str, intent: Intent) -> Row:
    if intent.action in ON_BUCKET:
        beyond = "reading and writing: no predefined role deletes alone" if intent.action == "delete" else ""
        lacks = "overwriting, which asks for the right to delete" if intent.action == "write" else ""
        if intent.action == "read" and any(not folder.alone for folder in intent.folders):
            lacks = "listing what is in a bucket of several datasets, which is known of whole buckets alone"
        gives = OBJECT_ACTIONS if intent.action == "delete" else (intent.action,)
        words = f"{ON_BUCKET[intent.action]} on the buckets named"
        return Row(name, intent.action, on(intent), words, beyond, lacks, gives)
    kinds = " and ".join(word for word, some in (("clusters", intent.clusters), ("buckets", intent.folders)) if some)
    beyond = {
        "invoke": "all models of the project: Vertex AI has no condition on a publisher's model",
        "run": "all clusters and namespaces of the project, until Kubernetes' own RBAC narrows it",
        "deploy": "all clusters and namespaces of the project, until Kubernetes' own RBAC narrows it",
        "administer": f"all {kinds} of the project",
        "audit": f"all logs, {kinds} of the project",
    }[intent.action]
    changing = "changing settings of buckets, by which data can be deleted or copied out: Terraform's"
    missing: dict[str, tuple[str, ...]] = {
        "administer": (INSIDE if intent.clusters else "", changing if intent.folders else ""),
        "audit": (INSIDE if intent.clusters else "", "who read which object: roles/logging.privateLogViewer"),
    }
    lacks = "; ".join(one for one in missing.get(intent.action, ()) if one)
    words = ", ".join(_on_project(intent))
    return Row(name, intent.action, on(intent), words, beyond, lacks, (intent.action,))
