"""Roles at AWS: permission sets of IAM Identity Center for people (see ``render_people``), pod identities for programs,
trust for other clouds' tokens."""

from collections.abc import Sequence
from typing import TypeGuard

from polycloud.clouds.aws import render_people, render_saml
from polycloud.clouds.aws.render_iam import PARTITION, allow, arn, grant, policy, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.clouds.aws.render_models import calls
from polycloud.clouds.aws.render_people import CLUSTER_POLICY, DIRECTORY, NAMESPACE
from polycloud.deploy.blueprint import Blueprint, Principal, SignIn
from polycloud.deploy.conventions import AUDIENCES
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Expr, Value, joined
from polycloud.deploy.intents import CLUSTER_ACTIONS, Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import ANYTHING, Row, Told, on, said
from polycloud.deploy.render.issuers import issuers, issuers_of
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref
from polycloud.estate.schema.rules import Action

FILE = "identity.tf"
AUDIENCE = AUDIENCES["aws"]
EDITS: tuple[Action, ...] = ("run", "deploy")
ROLE_HEAD = 57  # of the 64 characters of a role's name: the rest tells clusters apart


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at AWS.", "roles, identity")
    section = root.section(FILE, "", "roles", "identity")
    abroad = False
    given: list[Principal] = []  # to people
    for principal in here.principals:
        found = intents(here, principal)
        holders = members(principal)
        if not found:
            continue
        statements = [s for intent in found for s in _statements(here, intent)]
        if any(m.kind in DIRECTORY for m in holders):
            given += _people(section, principal, holders, found, statements, here.sign_in)
        for member in holders:
            if member.kind == "workload" and statements:
                far = _abroad(section, here, principal, member, statements)
                near = _program(section, here, principal, member, statements)
                abroad = abroad or far
                if not (far or near):
                    root.gap(
                        f"workload:{member.name} runs nowhere yet, so role {principal.name} gives it nothing at aws"
                    )
            elif member.kind == "team":
                root.gap(f"team:{member.name} holds gateway keys, so role {principal.name} gives it nothing at aws")
    if given and _by_iam(here.sign_in):
        render_saml.provider(root, here, given)
    elif given:
        inside = any(intent.clusters for principal in given for intent in intents(here, principal))
        render_people.directory(root, here.sign_in, inside)
    if abroad:
        trusted_clusters(root)


def rows(here: Blueprint) -> list[Row]:
    """Each action of each role as IAM and EKS say it."""
    return said(here, _row, _lost)


def told(here: Blueprint, how: SignIn) -> Told:
    """What becomes of the sign-in of people."""
    return render_saml.told(here, how) if _by_iam(how) else render_people.told(here, how)


def _by_iam(how: SignIn | None) -> TypeGuard[SignIn]:
    return how is not None and how.aws == "iam"


def _people(
    section: Section,
    principal: Principal,
    holders: Sequence[Member],
    found: Sequence[Intent],
    statements: list[dict[str, Value]],
    how: SignIn | None,
) -> list[Principal]:
    """The role, when its groups and users got anything."""
    if _by_iam(how):
        got = render_saml.give(section, principal, holders, found, statements, how)
    else:
        got = render_people.give(section, principal, holders, found, statements, how)
    return [principal] if got else []


def _statements(here: Blueprint, intent: Intent) -> list[dict[str, Value]]:
    """What IAM says for an action; clusters are said by EKS itself, see ``_clusters``."""
    match intent.action:
        case "invoke":
            return [dict(one) for one in calls(intent.services, here.services)]
        case "read":
            return [
                *_listing(intent.folders),
                _objects(intent.folders, ["s3:GetObject"], "ReadObjects"),
                _keys(intent, False),
            ]
        case "write":
            return [_objects(intent.folders, ["s3:PutObject"], "WriteObjects"), _keys(intent, True)]
        case "delete":
            return [_objects(intent.folders, ["s3:DeleteObject"], "DeleteObjects")]
        case "administer" | "audit":
            return _oversight(here, intent)
        case _:
            return []


def _bucket(folder: Folder) -> Expr:
    return joined("arn:", PARTITION, f":s3:::{folder.bucket.physical}")


def _objects(folders: Sequence[Folder], actions: list[str], sid: str) -> dict[str, Value]:
    resources: list[Expr] = []
    for folder in folders:
        name = folder.bucket.physical
        paths = ["*"] if folder.alone else [f"{prefix}*" for prefix in folder.prefixes]
        resources += [joined("arn:", PARTITION, f":s3:::{name}/{path}") for path in paths]
    return dict(allow(actions, list(dict.fromkeys(resources)), sid))


def _listing(folders: Sequence[Folder]) -> list[dict[str, Value]]:
    """Whole buckets where a dataset is alone in one; else only below its folders."""
    found: list[dict[str, Value]] = []
    alone = [_bucket(folder) for folder in folders if folder.alone]
    if alone:
        found.append(dict(allow(["s3:ListBucket"], list(dict.fromkeys(alone)), "ListBuckets")))
    for at, folder in enumerate(folder for folder in folders if not folder.alone):
        below: dict[str, Value] = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in folder.prefixes]}}
        found.append(dict(allow(["s3:ListBucket"], [_bucket(folder)], f"ListFolder{at}", Condition=below)))
    return found


def _keys(intent: Intent, write: bool) -> dict[str, Value]:
    keys = dict.fromkeys(key_arn(folder.bucket.key, folder.bucket.site.region) for folder in intent.folders)
    actions = ["kms:Decrypt", "kms:GenerateDataKey"] if write else ["kms:Decrypt"]
    by = [f"s3.{region}.amazonaws.com" for region in dict.fromkeys(f.bucket.site.region for f in intent.folders)]
    only: Value = {"StringEquals": {"kms:ViaService": by}}  # the key wraps databases and secrets too
    return dict(allow(actions, list(keys), "WriteKeys" if write else "ReadKeys", Condition=only))


def _oversight(here: Blueprint, intent: Intent) -> list[dict[str, Value]]:
    """Looking at settings and logs (audit), or at settings and changing clusters (administer); never at objects.

    A bucket's settings are Terraform's to change: whoever sets its lifecycle can delete, and whoever sets its
    replication can copy it out.
    """
    found: list[dict[str, Value]] = []
    administer = intent.action == "administer"
    word = "Administer" if administer else "Audit"
    if intent.folders:
        actions = ["s3:GetBucketPolicy", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration"]
        actions += ["s3:GetBucketVersioning", "s3:GetReplicationConfiguration", "s3:GetBucketLogging"]
        buckets = list(dict.fromkeys(_bucket(folder) for folder in intent.folders))
        found.append(dict(allow(actions, buckets, f"{word}Buckets")))
    if intent.clusters:
        actions = ["eks:DescribeCluster", "eks:ListNodegroups"]
        if administer:
            actions += ["eks:UpdateClusterConfig", "eks:UpdateClusterVersion"]
        named = [ref(f"aws_eks_cluster.{identifier(c.name)}.arn") for c in intent.clusters]
        found.append(dict(allow(actions, named, f"{word}Clusters")))
    if not administer:
        logs = [arn("logs", region, f"log-group:/polycloud/{here.estate}/*") for region in _regions(intent)]
        logs += [joined(ref(f"aws_cloudwatch_log_group.eks_{identifier(c.name)}.arn"), ":*") for c in intent.clusters]
        found.append(dict(allow(["logs:FilterLogEvents", "logs:GetLogEvents"], logs, "AuditLogs")))
    return found


def _regions(intent: Intent) -> list[str]:
    sites = [f.bucket.site.region for f in intent.folders] + [c.site.region for c in intent.clusters]
    return list(dict.fromkeys(sites))


def _quoted(text: str) -> str:
    return joined(text).text


def _program(
    section: Section, here: Blueprint, principal: Principal, member: Member, statements: list[dict[str, Value]]
) -> bool:
    """A role for the pods of a workload on each of its clusters here."""
    label = identifier("role", principal.name, member.name)
    clusters = {run.cluster for run in here.runs if run.workload == member.name}
    placed = [cluster for cluster in here.clusters if cluster.name in clusters]
    if not placed:
        return False
    described = f"What workload {member.name} may do by role {principal.name}."
    made = role(
        section,
        label,
        f"{principal.name}-{member.name}",
        trust("pods.eks.amazonaws.com", pods=True),
        here.estate,
        described,
    )
    grant(section, label, made, policy(*statements))
    for cluster in placed:
        section.make(
            "aws_eks_pod_identity_association",
            identifier("role", principal.name, member.name, cluster.name),
            {
                "region": cluster.site.region,
                "cluster_name": ref(f"aws_eks_cluster.{identifier(cluster.name)}.name"),
                "namespace": NAMESPACE,
                "service_account": member.name,
                "role_arn": attribute(made, "arn"),
            },
        )
    return True


def _abroad(
    section: Section, here: Blueprint, principal: Principal, member: Member, statements: list[dict[str, Value]]
) -> bool:
    """A role that pods of a workload on other clouds' clusters take with their cluster's own token."""
    mine = {cluster.name for cluster in here.clusters}
    foreign = sorted({run.cluster for run in here.runs if run.workload == member.name} - mine)
    if not foreign:
        return False
    label = identifier("abroad", principal.name, member.name)
    issuer = 'trimprefix(each.value, "https://")'
    subject = _quoted(f"system:serviceaccount:{NAMESPACE}:{member.name}")
    trusts = Expr(
        "jsonencode({\n"
        '    Version = "2012-10-17"\n'
        "    Statement = [{\n"
        '      Effect    = "Allow"\n'
        "      Principal = { Federated = aws_iam_openid_connect_provider.clusters[each.key].arn }\n"
        '      Action    = ["sts:AssumeRoleWithWebIdentity"]\n'
        "      Condition = { StringEquals = {\n"
        f'        "${{{issuer}}}:aud" = "{AUDIENCE}"\n'
        f'        "${{{issuer}}}:sub" = {subject}\n'
        "      } }\n"
        "    }]\n"
        "  })"
    )
    made = section.make(
        "aws_iam_role",
        label,
        {
            "for_each": issuers_of(section.root, foreign),
            "name": joined(
                made_name("aws", "role", here.estate, principal.name, member.name)[:ROLE_HEAD],
                "-",
                Expr("substr(sha256(each.key), 0, 6)"),
            ),
            "description": f"What workload {member.name} may do from another cloud, by role {principal.name}.",
            "assume_role_policy": trusts,
        },
    )
    section.make(
        "aws_iam_role_policy",
        label,
        {"for_each": made, "name": "intent", "role": ref("each.value.id"), "policy": policy(*statements)},
    )
    return True


def trusted_clusters(root: Root) -> None:
    """Clusters of other clouds whose tokens we take; their issuers are outputs of those clouds' roots."""
    if root.has("aws_iam_openid_connect_provider.clusters"):
        return
    root.section(FILE, "", "roles", "identity").make(
        "aws_iam_openid_connect_provider",
        "clusters",
        {"for_each": issuers(root), "url": ref("each.value"), "client_id_list": [AUDIENCE]},
    )


def _lost(here: Blueprint, member: Member, intent: Intent) -> str:
    """Programs get what IAM says, on the clusters that they are placed on; rights inside clusters are for people."""
    if member.kind in DIRECTORY:
        return ""
    placed = any(run.workload == member.name for run in here.runs)
    if member.kind != "workload" or not placed or intent.action in EDITS:
        return ANYTHING
    return "rights inside clusters" if intent.clusters else ""


def _row(name: str, intent: Intent) -> Row:
    words = {
        "invoke": "bedrock:InvokeModel*, on the models named",
        "read": "s3:GetObject, s3:ListBucket, kms:Decrypt",
        "write": "s3:PutObject, kms:GenerateDataKey",
        "delete": "s3:DeleteObject (versions stay)",
    }
    managed, narrow = CLUSTER_POLICY.get(intent.action, ("", False))
    inside = f"{managed} in namespace {NAMESPACE}, eks:DescribeCluster" if narrow else f"{managed}, settings by IAM"
    by_iam = "reading settings of buckets" if intent.folders else ""
    parts = (inside if intent.clusters else "", by_iam, "reading logs" if intent.action == "audit" else "")
    told = words.get(intent.action) or ", ".join(part for part in parts if part)
    beyond = lacks = ""
    if narrow:
        beyond = "all workloads in the namespace, and services as well as jobs: EKS knows namespaces alone"
    if intent.action == "audit":
        beyond = "" if intent.everything else "all logs of the estate in the region"
        lacks = "who read which object: the trail keeps it in a bucket of its own"
    elif intent.action == "administer" and intent.folders:
        lacks = "changing settings of buckets, by which data can be deleted or copied out: Terraform's"
    given = CLUSTER_ACTIONS if intent.clusters else (intent.action,)
    gives = {"run": EDITS, "deploy": EDITS, "administer": given}.get(intent.action, (intent.action,))
    return Row(name, intent.action, on(intent), told, beyond, lacks, gives)
