"""Roles at Oracle Cloud: policy statements for groups, and dynamic groups for the pods of workloads."""

from collections.abc import Sequence

from polycloud.clouds.oci import render_people
from polycloud.deploy.blueprint import Blueprint, Principal
from polycloud.deploy.hcl import Expr
from polycloud.deploy.intents import CLUSTER_ACTIONS, OBJECT_ACTIONS, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import ANYTHING, NOTHING, Row, on, said
from polycloud.deploy.render.terraform import Root, identifier
from polycloud.estate.schema.rules import Action

FILE = "identity.tf"
NAMESPACE = "workloads"
COMPARTMENT = Expr("var.compartment")
STATEMENTS_MAX = 50  # of one policy, https://docs.oracle.com/iaas/Content/Identity/sgmgmt/servicelimits.htm, 2026-11
# Verb and resource type, https://docs.oracle.com/iaas/Content/Identity/Reference/policyreference.htm, 2026-11.
SAID = {
    "invoke": ("use", "generative-ai-chat"),
    "read": ("read", "objects"),
    "write": ("manage", "objects"),
    "delete": ("manage", "objects"),
    "run": ("use", "clusters"),
    "deploy": ("use", "clusters"),
    "administer": ("manage", "clusters"),
    "audit": ("read", "audit-events"),
}
# The verb manage means more than one action of ours: these of its permissions are meant. Of clusters, those that change
# one that is there: docs.oracle.com/iaas/Content/Identity/policyreference/contengpolicyreference.htm, 2026-11.
PERMISSIONS = {
    "administer": ("CLUSTER_INSPECT", "CLUSTER_READ", "CLUSTER_USE", "CLUSTER_UPDATE", "CLUSTER_MANAGE"),
    "write": ("OBJECT_CREATE", "OBJECT_OVERWRITE", "OBJECT_INSPECT"),
    "delete": ("OBJECT_DELETE", "OBJECT_INSPECT"),
}

told = render_people.told


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles at Oracle Cloud: policies and the groups of programs.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    for principal in here.principals:
        found = intents(here, principal)
        said = (s for member in members(principal) for s in _statements(root, here, principal, member, found))
        statements = list(dict.fromkeys(said))
        for at in range(0, len(statements), STATEMENTS_MAX):
            number = at // STATEMENTS_MAX
            section.make(
                "oci_identity_policy",
                identifier("role", principal.name, *([str(number)] if number else [])),
                {
                    "compartment_id": COMPARTMENT,
                    "name": f"{here.estate}-{principal.name}{f'-{number}' if number else ''}"[:100],
                    "description": f"What role {principal.name} of the estate {here.estate} may do.",
                    "statements": statements[at : at + STATEMENTS_MAX],
                },
            )
    render_people.add(root, here)


def rows(here: Blueprint) -> list[Row]:
    """Each action of each role as policy statements say it."""
    return said(here, _row, _lost)


def _lost(here: Blueprint, member: Member, _: Intent) -> str:
    """Groups get what policies say, and programs on the clusters of Oracle Cloud that they are on."""
    if member.kind == "group":
        return ""
    near, far = _clusters(here, member)
    if member.kind != "workload" or not near:
        return ANYTHING
    return f"{ANYTHING} on {', '.join(far)}" if far else ""


def _clusters(here: Blueprint, member: Member) -> tuple[list[str], list[str]]:
    """The clusters here that a workload is placed on, and those of other clouds."""
    own = {cluster.name for cluster in here.clusters}
    placed = sorted({run.cluster for run in here.runs if run.workload == member.name})
    return [name for name in placed if name in own], [name for name in placed if name not in own]


def _statements(
    root: Root, here: Blueprint, principal: Principal, member: Member, found: Sequence[Intent]
) -> list[Expr]:
    if member.kind == "group":
        who = render_people.group(member, here.sign_in) or f"group '{_plain(member.name)}'"
    elif member.kind == "workload":
        _abroad(root, here, principal, member)
        return [s for intent in found for s in _workload(here, member, intent)]
    else:
        root.gap(
            f"{member.kind}:{member.name} can not be named in an OCI policy: put it into a group ({principal.name})"
        )
        return []
    return [s for intent in found for s in _allow(f"Allow {who} to ", intent, "")]


def _abroad(root: Root, here: Blueprint, principal: Principal, member: Member) -> None:
    """Pods on clusters of other clouds have no name in a policy here: a person is told."""
    near, far = _clusters(here, member)
    if far:
        root.gap(
            f"oci: workload:{member.name} gets nothing here on {', '.join(far)} ({principal.name}): Oracle Cloud "
            "takes no tokens of other clouds' clusters; place it where its data are, or give its pods the API key of "
            "a user whose group a policy of yours allows the same"
        )
    elif not near:
        root.gap(f"workload:{member.name} runs nowhere yet, so role {principal.name} gives it nothing at oci")


def _workload(here: Blueprint, member: Member, intent: Intent) -> list[Expr]:
    """Pods on enhanced clusters are named in the condition: cluster, namespace and service account."""
    found: list[Expr] = []
    near, _ = _clusters(here, member)
    for cluster in here.clusters:
        if cluster.name in near:
            cluster_id = f"oci_containerengine_cluster.{identifier(cluster.name)}.id"
            tests = (
                "request.principal.type = 'workload', "
                f"request.principal.namespace = '{NAMESPACE}', "
                f"request.principal.service_account = '{_plain(member.name)}', "
                f"request.principal.cluster_id = '${{{cluster_id}}}'"
            )
            found += _allow("Allow any-user to ", intent, tests)
    return found


def _allow(who: str, intent: Intent, tests: str) -> list[Expr]:
    verb, kind = SAID[intent.action]
    if intent.action in CLUSTER_ACTIONS and intent.action != "audit":  # settings of buckets are Terraform's
        named = [f"oci_containerengine_cluster.{identifier(cluster.name)}.id" for cluster in intent.clusters]
        each = [f"target.cluster.id = '${{{cluster_id}}}'" for cluster_id in named]
    elif intent.action in OBJECT_ACTIONS:
        buckets = dict.fromkeys(folder.bucket for folder in intent.folders)
        each = [f"target.bucket.name = '{_plain(bucket.physical)}'" for bucket in buckets]
    else:
        each = [""]
    meant = ", ".join(f"request.permission = '{one}'" for one in PERMISSIONS.get(intent.action, ()))
    narrowed = f"any {{{meant}}}" if meant else ""
    return [
        _statement(f"{who}{verb} {kind} in compartment id ", ", ".join(t for t in (tests, own, narrowed) if t))
        for own in each
    ]


def _statement(head: str, tests: str) -> Expr:
    """One sentence of OCI's policy language; only text that ``_plain`` let through stands in it."""
    where = f" where all {{{tests}}}" if tests else ""
    return Expr(f'"{head}${{{COMPARTMENT.text}}}{where}"')


def _plain(text: str) -> str:
    """A name as it may stand between quotes in a statement and in HCL: letters, digits and . _ - @ / only."""
    return "".join(c for c in text if c.isalnum() or c in "._-@/")


def _row(name: str, intent: Intent) -> Row:
    verb, kind = SAID[intent.action]
    shared = intent.action in OBJECT_ACTIONS and any(not folder.alone for folder in intent.folders)
    beyond = {
        "invoke": "all models of the compartment: the policy language has no word for one on-demand model",
        "audit": "all events of the compartment",
    }.get(intent.action, "all datasets in the same bucket" if shared else "")
    changing = "settings of buckets, by which data can be deleted or copied out: Terraform's"
    lacks = {
        "run": "what may be done inside a cluster: Kubernetes' own RBAC has to say it",
        "deploy": "what may be done inside a cluster: Kubernetes' own RBAC has to say it",
        "audit": "settings of clusters and buckets",
        "administer": changing if intent.folders else "",
    }.get(intent.action, "")
    if intent.action == "administer" and not intent.clusters:
        return Row(name, intent.action, on(intent), NOTHING, lacks=lacks)
    gives: tuple[Action, ...] = (intent.action,)
    if intent.action in ("run", "deploy"):
        gives = ()
    elif intent.action == "administer":
        gives = CLUSTER_ACTIONS
    words = f"{verb} {kind}{' of the permissions meant' if intent.action in PERMISSIONS else ''}"
    return Row(name, intent.action, on(intent), words, beyond, lacks, gives)
