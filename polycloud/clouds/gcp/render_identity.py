"""Roles at Google Cloud: a workforce pool for people, service accounts for programs, and bindings on the very
buckets; other clouds' clusters are trusted by a workload identity pool."""

from collections.abc import Sequence

from polycloud.deploy.blueprint import Blueprint, Federation, Principal
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Block, Expr, Value, block, joined
from polycloud.deploy.intents import Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import Row, on, report
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref, variable

FILE = "identity.tf"
NAMESPACE = "workloads"
PROJECT = ref("var.project")
POOL = ref("var.workforce_pool")
FOREIGN_POOL = "google_iam_workload_identity_pool.clusters"
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
        "storage.buckets.update",
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


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at Google Cloud.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    rows: list[Row] = []
    people = abroad = False
    for principal in here.principals:
        found = intents(here, principal)
        rows += [_row(principal.name, intent) for intent in found]
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
                who, people = _person(member), True
            _bind(section, principal, member, found, custom, who)
    if people:
        _workforce(root, here.federations)
    if abroad:
        _foreign_pool(root)
    if here.principals:
        root.text("identity.md", report("gcp", here, rows))


def _custom_role(section: Section, principal: Principal, found: Sequence[Intent]) -> Expr | None:
    """What is granted on the whole project, as one role of exactly those permissions."""
    permissions = sorted({p for intent in found for p in ON_PROJECT.get(intent.action, ())})
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
    inside = "projects/_/buckets/${google_storage_bucket." + identifier(folder.bucket.name) + ".name}/objects/"
    tests = [f'resource.name.startsWith("{inside}{prefix}")' for prefix in folder.prefixes]
    expression = Expr('"' + " || ".join(tests).replace('"', '\\"') + '"')
    return block("condition", attributes={"title": f"only {folder.dataset}"[:100], "expression": expression})


def _person(member: Member) -> Expr:
    pool = Expr("var.workforce_pool")
    if member.kind == "group":
        return joined(
            "principalSet://iam.googleapis.com/locations/global/workforcePools/", pool, f"/group/{member.name}"
        )
    return joined("principal://iam.googleapis.com/locations/global/workforcePools/", pool, f"/subject/{member.name}")


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
    if foreign:
        subject = f"/subject/system:serviceaccount:{NAMESPACE}:{member.name}"
        section.make(
            "google_service_account_iam_member",
            identifier("workload", principal.name, member.name, "abroad"),
            {
                "service_account_id": attribute(account, "name"),
                "role": "roles/iam.workloadIdentityUser",
                "member": joined("principal://iam.googleapis.com/", Expr(f"{FOREIGN_POOL}.name"), subject),
            },
        )
    return joined("serviceAccount:", attribute(account, "email")), bool(foreign)


def _workforce(root: Root, federations: Sequence[Federation]) -> None:
    """People come from the company's own directory; the pool is the organisation's, and this is its provider."""
    root.add("variables.tf", variable("workforce_pool", "The id of the organisation's workforce pool for people."))
    for federation in federations:
        if not federation.people:
            continue
        client = variable("sso_client_id", "Our client id at the directory.", default=federation.audience)
        root.add("variables.tf", client)
        web: dict[str, Value] = {
            "response_type": "ID_TOKEN",
            "assertion_claims_behavior": "ONLY_ID_TOKEN_CLAIMS",
        }
        root.section(FILE, "", "identity.sso", "identity").make(
            "google_iam_workforce_pool_provider",
            "people",
            {
                "workforce_pool_id": POOL,
                "location": "global",
                "provider_id": "people",
                "display_name": "People",
                "attribute_mapping": {"google.subject": "assertion.sub", "google.groups": "assertion.groups"},
            },
            block(
                "oidc",
                attributes={"issuer_uri": federation.issuer, "client_id": ref("var.sso_client_id")},
                parts=(block("web_sso_config", attributes=web),),
            ),
        )


def _foreign_pool(root: Root) -> None:
    described = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."
    root.add("variables.tf", variable("cluster_issuers", described, "map(string)", {}))
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
            "for_each": ref("var.cluster_issuers"),
            "workload_identity_pool_id": attribute(pool, "workload_identity_pool_id"),
            "workload_identity_pool_provider_id": ref('"c-${substr(sha256(each.key), 0, 20)}"'),
            "display_name": ref("substr(each.key, 0, 32)"),
            "attribute_mapping": {"google.subject": "assertion.sub"},
        },
        block("oidc", attributes={"issuer_uri": ref("each.value")}),
    )


def _row(name: str, intent: Intent) -> Row:
    if intent.action in ON_BUCKET:
        beyond = (
            "reading and overwriting, which the predefined role with delete includes"
            if intent.action == "delete"
            else ""
        )
        return Row(name, intent.action, on(intent), f"{ON_BUCKET[intent.action]} on the buckets named", beyond)
    words = ", ".join(ON_PROJECT[intent.action])
    beyond = {
        "invoke": "all models of the project: Vertex AI has no condition on a publisher's model",
        "run": "all clusters and namespaces of the project, until Kubernetes' own RBAC narrows it",
        "deploy": "all clusters and namespaces of the project, until Kubernetes' own RBAC narrows it",
        "administer": "all clusters and buckets of the project",
        "audit": "all logs, clusters and buckets of the project",
    }[intent.action]
    return Row(name, intent.action, on(intent), words, beyond)
