"""Roles at Azure: built-in roles on the very accounts, containers and clusters, for groups and users of Entra (see
``render_people``); programs get managed identities, and other clouds' clusters are trusted through them."""

from collections.abc import Iterator, Sequence

from polycloud.clouds.azure import render_people
from polycloud.clouds.azure.render_ai import CALLS_OTHERS, calls
from polycloud.deploy.blueprint import Blueprint, Cluster, Principal
from polycloud.deploy.conventions import AUDIENCES
from polycloud.deploy.hcl import Expr, Value, joined
from polycloud.deploy.intents import CLUSTER_ACTIONS, OBJECT_ACTIONS, Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import ANYTHING, NOTHING, Row, on, said
from polycloud.deploy.render.issuers import issuers_of
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, output, ref
from polycloud.estate.schema.rules import Action

FILE = "identity.tf"
NAMESPACE = "workloads"
AUDIENCE = AUDIENCES["azure"]
# Built-in roles, https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, 2026-11.
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
REACH = "Azure Kubernetes Service Cluster User Role"  # to fetch what kubectl needs to find a cluster at all
PEOPLE = ("group", "user")
GIVES: dict[Action, tuple[Action, ...]] = {
    "write": OBJECT_ACTIONS,
    "delete": OBJECT_ACTIONS,
    "run": ("run", "deploy"),
    "deploy": ("run", "deploy"),
    "administer": CLUSTER_ACTIONS,
}

told = render_people.told


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at Azure.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    programs: dict[str, Value] = {}
    given: set[tuple[str, str, str]] = set()  # Azure refuses the same assignment twice, as two roles can ask for it
    for principal in here.principals:
        found = intents(here, principal)
        for member in members(principal) if found else ():
            if member.kind == "team":
                root.gap(f"team:{member.name} holds gateway keys, so role {principal.name} gives it nothing at azure")
                continue
            if member.kind in PEOPLE:
                who = render_people.object_id(member)
            else:
                program = _program(section, here, principal, member)
                programs.setdefault(member.name, attribute(program, "client_id"))
                who = attribute(program, "principal_id")
            _assign(section, principal, member, found, who, given)
    render_people.add(root, here)
    if programs:
        described = "The client id that each workload's pods act as."
        root.add("outputs.tf", output("workload_clients", described, dict(sorted(programs.items()))))


def rows(here: Blueprint) -> list[Row]:
    """Each action of each role as built-in roles say it."""
    return said(here, _row, lambda _, member, __: ANYTHING if member.kind == "team" else "")


def _scopes(found: Sequence[Intent]) -> Iterator[tuple[str, tuple[str, ...], Expr]]:
    """Each (built-in role, label, scope) that a role's grants come to, once."""
    seen: set[tuple[str, str]] = set()
    for intent in found:
        pairs: list[tuple[str, tuple[str, ...], Expr]] = [
            (calls(s), (s.site.region,), _account(s.site.region)) for s in intent.services
        ]
        pairs += [
            (ON_OBJECTS[intent.action], (f.bucket.name, layer), _container(f, layer))
            for f in intent.folders
            if intent.action in ON_OBJECTS
            for layer in f.bucket.layers
        ]
        pairs += [(ON_CLUSTERS[intent.action], (c.name,), _cluster(c, intent.action)) for c in intent.clusters]
        pairs += [(REACH, (c.name,), _cluster(c, "administer")) for c in intent.clusters]
        for role, label, scope in pairs:
            if (role, scope.text) not in seen:
                seen.add((role, scope.text))
                yield role, label, scope


def _account(region: str) -> Expr:
    """The AI account of a region, as the root's ai.tf names it."""
    return ref(f"azurerm_cognitive_account.{identifier(region)}.id")


def _cluster(cluster: Cluster, action: Action) -> Expr:
    """A cluster, or the namespace in it in which placed work runs, learn.microsoft.com/azure/aks/manage-azure-rbac."""
    whole = ref(f"azurerm_kubernetes_cluster.{identifier(cluster.name)}.id")
    return joined(whole, f"/namespaces/{NAMESPACE}") if action in ("run", "deploy") else whole


def _container(folder: Folder, layer: str) -> Expr:
    return ref(f"azurerm_storage_container.{identifier(folder.bucket.name, layer)}.id")


def _assign(
    section: Section,
    principal: Principal,
    member: Member,
    found: Sequence[Intent],
    who: Expr,
    given: set[tuple[str, str, str]],
) -> None:
    for role, label, scope in _scopes(found):
        if (role, scope.text, who.text) in given:
            continue
        given.add((role, scope.text, who.text))
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
        section.make(
            "azurerm_federated_identity_credential",
            identifier("workload", principal.name, member.name, "abroad"),
            {
                "for_each": issuers_of(section.root, foreign),
                "name": joined(Expr("each.key"), f"-{member.name}"),
                "user_assigned_identity_id": attribute(made, "id"),
                "issuer": ref("each.value"),
                "subject": subject,
                "audience": [AUDIENCE],
            },
        )
    return made


def _row(name: str, intent: Intent) -> Row:
    shared = "; all datasets in the same container" if any(not f.alone for f in intent.folders) else ""
    roles = sorted({calls(service) for service in intent.services})
    keys = ", and its keys, which open nothing" if CALLS_OTHERS in roles else ""
    beyond = {
        "invoke": f"all models of the region's AI account: a role can not name one deployment{keys}",
        "read": shared.removeprefix("; "),
        "write": f"reading and deleting too: no built-in role writes alone{shared}",
        "delete": f"reading and writing too: no built-in role deletes alone{shared}",
        "run": f"all workloads in the namespace {NAMESPACE}, and services as well as jobs",
        "deploy": f"all workloads in the namespace {NAMESPACE}, and jobs as well as services",
    }.get(intent.action, "")
    if intent.action not in ("administer", "audit"):
        role = {"invoke": ", ".join(roles), **ON_OBJECTS, **ON_CLUSTERS}[intent.action]
        reach = f", {REACH}" if intent.clusters else ""
        return Row(
            name, intent.action, on(intent), role + reach, beyond, gives=GIVES.get(intent.action, (intent.action,))
        )
    lacks = [word for word, some in (("clusters", intent.clusters), ("storage accounts", intent.folders)) if some]
    told = f"settings and logs of {' and '.join(lacks)}: grant Contributor or Reader on them by hand"
    if not intent.clusters:
        return Row(name, intent.action, on(intent), NOTHING, lacks=told)
    words = f"{ON_CLUSTERS[intent.action]}, {REACH}"
    return Row(name, intent.action, on(intent), words, beyond, told, GIVES.get(intent.action, (intent.action,)))
