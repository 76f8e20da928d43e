"""Roles at Azure: built-in roles on the very accounts, containers and clusters, for object ids that are said at apply
time; programs get managed identities, and other clouds' clusters are trusted through them."""

from collections.abc import Iterator, Sequence

from polycloud.deploy.blueprint import Blueprint, Principal
from polycloud.deploy.hcl import Expr, Value, joined
from polycloud.deploy.intents import Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import Row, on, report
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref, variable

FILE = "identity.tf"
NAMESPACE = "workloads"
AUDIENCE = "api://AzureADTokenExchange"  # learn.microsoft.com/entra/workload-id/workload-identity-federation, 2026-11
# Built-in roles, https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, 2026-11.
ON_MODELS = {"invoke": "Cognitive Services OpenAI User"}
ON_OBJECTS = {
    "read": "Storage Blob Data Reader",
    "write": "Storage Blob Data Contributor",
    "delete": "Storage Blob Data Contributor",
}
ON_CLUSTERS = {
    "run": "Azure Kubernetes Service RBAC Writer",
    "deploy": "Azure Kubernetes Service RBAC Writer",
    "administer": "Azure Kubernetes Service RBAC Cluster Admin",
    "audit": "Azure Kubernetes Service RBAC Reader",
}
PEOPLE = ("group", "user")


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at Azure.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    rows: list[Row] = []
    named: set[str] = set()
    programs: dict[str, Value] = {}
    for principal in here.principals:
        found = intents(here, principal)
        rows += [_row(principal.name, intent) for intent in found]
        for member in members(principal) if found else ():
            if member.kind == "team":
                root.gap(f"team:{member.name} holds gateway keys, so role {principal.name} gives it nothing at azure")
                continue
            if member.kind in PEOPLE:
                named.add(f"{member.kind}:{member.name}")
                key = joined(f"{member.kind}:{member.name}")
                who: Expr = ref(f"var.principal_object_ids[{key.text}]")
            else:
                program = _program(section, here, principal, member)
                programs.setdefault(member.name, attribute(program, "client_id"))
                who = attribute(program, "principal_id")
            _assign(section, principal, member, found, who)
    if named:
        described = f"The Entra object id of each of {', '.join(sorted(named))}."
        root.add("variables.tf", variable("principal_object_ids", described, "map(string)"))
    for federation in here.federations:
        if federation.people and "login.microsoftonline.com" not in federation.issuer:
            root.gap(
                f"people sign in at azure through Entra: add {federation.issuer} there as a federated directory, once"
            )
    if here.principals:
        root.text("identity.md", report("azure", here, rows))
    if programs:
        described = "The client id that each workload's pods act as."
        root.add("outputs.tf", output("workload_clients", described, dict(sorted(programs.items()))))


def _scopes(found: Sequence[Intent]) -> Iterator[tuple[str, tuple[str, ...], Expr]]:
    """Each (built-in role, label, scope) that a role's grants come to, once."""
    seen: set[tuple[str, str]] = set()
    for intent in found:
        pairs: list[tuple[str, tuple[str, ...], Expr]] = [
            (ON_MODELS[intent.action], (s.site.region,), _account(s.site.region))
            for s in intent.services
            if intent.action in ON_MODELS
        ]
        pairs += [
            (ON_OBJECTS[intent.action], (f.bucket.name, layer), _container(f, layer))
            for f in intent.folders
            if intent.action in ON_OBJECTS
            for layer in f.bucket.layers
        ]
        pairs += [
            (ON_CLUSTERS[intent.action], (c.name,), ref(f"azurerm_kubernetes_cluster.{identifier(c.name)}.id"))
            for c in intent.clusters
        ]
        for role, label, scope in pairs:
            if (role, scope.text) not in seen:
                seen.add((role, scope.text))
                yield role, label, scope


def _account(region: str) -> Expr:
    """The AI account of a region, as the root's ai.tf names it."""
    return ref(f"azurerm_cognitive_account.{identifier(region)}.id")


def _container(folder: Folder, layer: str) -> Expr:
    return ref(f"azurerm_storage_container.{identifier(folder.bucket.name, layer)}.id")


def _assign(section: Section, principal: Principal, member: Member, found: Sequence[Intent], who: Expr) -> None:
    for role, label, scope in _scopes(found):
        section.make(
            "azurerm_role_assignment",
            identifier(principal.name, member.kind, member.name, role.replace(" ", "_").lower(), *label),
            {
                "scope": scope,
                "role_definition_name": role,
                "principal_id": who,
                "description": f"Role {principal.name} of the estate.",
            },
        )


def _program(section: Section, here: Blueprint, principal: Principal, member: Member) -> Expr:
    """A managed identity that the workload's pods act as, on clusters here and of other clouds."""
    label = identifier("workload", principal.name, member.name)
    home = here.keys[0].site.region
    made = section.make(
        "azurerm_user_assigned_identity",
        label,
        {
            "name": f"{here.estate}-{principal.name}-{member.name}"[:128],
            "location": home,
            "resource_group_name": ref(f"azurerm_resource_group.{identifier(home)}.name"),
        },
    )
    subject = f"system:serviceaccount:{NAMESPACE}:{member.name}"
    placed = {run.cluster for run in here.runs if run.workload == member.name}
    own = [cluster for cluster in here.clusters if cluster.name in placed]
    for cluster in own:
        section.make(
            "azurerm_federated_identity_credential",
            identifier("workload", principal.name, member.name, cluster.name),
            {
                "name": f"{cluster.name}-{member.name}"[:120],
                "user_assigned_identity_id": attribute(made, "id"),
                "issuer": ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.oidc_issuer_url"),
                "subject": subject,
                "audience": [AUDIENCE],
            },
        )
    foreign = sorted(placed - {cluster.name for cluster in own})
    if foreign:
        names = ", ".join(joined(name).text for name in foreign)
        section.make(
            "azurerm_federated_identity_credential",
            identifier("workload", principal.name, member.name, "abroad"),
            {
                "for_each": Expr(
                    f"{{ for name, issuer in var.cluster_issuers : name => issuer if contains([{names}], name) }}"
                ),
                "name": joined(Expr("each.key"), f"-{member.name}"),
                "user_assigned_identity_id": attribute(made, "id"),
                "issuer": ref("each.value"),
                "subject": subject,
                "audience": [AUDIENCE],
            },
        )
    return made


def _row(name: str, intent: Intent) -> Row:
    roles = {**ON_MODELS, **ON_OBJECTS} if intent.action in (*ON_MODELS, *ON_OBJECTS) else ON_CLUSTERS
    beyond = {
        "invoke": "all models of the region's AI account: a role can not name one deployment",
        "read": "all datasets in the same container" if any(not f.alone for f in intent.folders) else "",
        "write": "reading and deleting too: no built-in role writes alone",
        "delete": "reading and writing too: no built-in role deletes alone",
        "run": "all namespaces of the cluster",
        "deploy": "all namespaces of the cluster",
    }.get(intent.action, "")
    lacks = ""
    if intent.action in ("administer", "audit") and intent.folders:
        lacks = "settings and logs of storage accounts: grant Storage Account Contributor or Reader by hand"
    return Row(name, intent.action, on(intent), roles[intent.action], beyond, lacks)
