"""Roles at AWS: permission sets of IAM Identity Center for people, pod identities for programs, trust for other
clouds' tokens."""

from collections.abc import Sequence

from polycloud.clouds.aws.render_iam import ACCOUNT, PARTITION, allow, arn, grant, policy, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import AiService, Blueprint, Principal
from polycloud.deploy.derive.names import made as made_name
from polycloud.deploy.hcl import Expr, Value, block, joined
from polycloud.deploy.intents import Folder, Intent, Member, intents, members
from polycloud.deploy.render.identity_report import Row, on, report
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref, variable

FILE = "identity.tf"
NAMESPACE = "workloads"  # where placed jobs run in every cluster
SESSION = "PT4H"  # half a working day: long enough to work, short enough to forget
SET_NAME_MAX = 32  # https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html, 2026-11
AUDIENCE = "sts.amazonaws.com"
ROLE_HEAD = 57  # of the 64 characters of a role's name: the rest tells clusters apart
DIRECTORY = {"group": "GROUP", "user": "USER"}
# Access policies of EKS, https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html, 2026-11.
CLUSTER_POLICY = {
    "run": ("AmazonEKSEditPolicy", True),
    "deploy": ("AmazonEKSEditPolicy", True),
    "administer": ("AmazonEKSClusterAdminPolicy", False),
    "audit": ("AmazonEKSViewPolicy", False),
}


def add(root: Root, here: Blueprint) -> None:
    root.about(FILE, "Roles and trusted token issuers at AWS.", "roles, identity")
    rows: list[Row] = []
    section = root.section(FILE, "", "roles", "identity")
    people = abroad = False
    for principal in here.principals:
        found = intents(here, principal)
        rows += [_row(principal.name, intent) for intent in found]
        holders = members(principal)
        if not found:
            continue
        statements = [s for intent in found for s in _statements(intent)]
        if any(m.kind in DIRECTORY for m in holders):
            people = _people(section, principal, holders, found, statements) or people
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
    if people:
        _directory(root)
    if abroad:
        _trusted_clusters(root)
    for federation in here.federations:
        if federation.people:
            root.gap(
                f"people sign in at aws through IAM Identity Center: connect it to {federation.issuer} once, by SAML "
                "and SCIM, in its settings"
            )
    if here.principals:
        root.text("identity.md", report("aws", here, rows))


def _statements(intent: Intent) -> list[dict[str, Value]]:
    """What IAM says for an action; clusters are said by EKS itself, see ``_clusters``."""
    match intent.action:
        case "invoke":
            resources = [one for service in intent.services for one in _models(service)]
            actions = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
            return [dict(allow(actions, list(dict.fromkeys(resources)), "InvokeModels"))]
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
            return _oversight(intent)
        case _:
            return []


def _models(service: AiService) -> list[Expr]:
    """The model where it is called, and for a cross-region profile the profile and the model wherever it routes."""
    scope = service.scope.removeprefix("profile:")
    plain = service.upstream.removeprefix(f"{scope}.") if scope else service.upstream
    if not scope:
        return [joined("arn:", PARTITION, f":bedrock:{service.site.region}::foundation-model/{plain}")]
    return [
        joined("arn:", PARTITION, f":bedrock:*::foundation-model/{plain}"),
        arn("bedrock", service.site.region, f"inference-profile/{scope}.{plain}"),
    ]


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
    return dict(allow(actions, list(keys), "WriteKeys" if write else "ReadKeys"))


def _oversight(intent: Intent) -> list[dict[str, Value]]:
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
        named = [arn("eks", c.site.region, f"cluster/{c.name}") for c in intent.clusters]
        found.append(dict(allow(actions, named, f"{word}Clusters")))
    if not administer:
        logs = [arn("logs", region, "log-group:/polycloud/*") for region in _regions(intent)]
        found.append(dict(allow(["logs:FilterLogEvents", "logs:GetLogEvents"], logs, "AuditLogs")))
    return found


def _regions(intent: Intent) -> list[str]:
    sites = [f.bucket.site.region for f in intent.folders] + [c.site.region for c in intent.clusters]
    return list(dict.fromkeys(sites))


def _people(
    section: Section,
    principal: Principal,
    holders: Sequence[Member],
    found: Sequence[Intent],
    statements: list[dict[str, Value]],
) -> bool:
    """A permission set with an inline policy, given in this account to groups and users of the directory."""
    label = identifier("role", principal.name)
    clusters = sorted({(c.name, c.site.region) for intent in found for c in intent.clusters})
    reach = [arn("eks", region, f"cluster/{name}") for name, region in clusters]
    whole = [*statements, dict(allow(["eks:DescribeCluster"], reach, "ReachClusters"))] if reach else statements
    if not whole:
        return False
    instance = ref("tolist(data.aws_ssoadmin_instances.this.arns)[0]")
    made = section.make(
        "aws_ssoadmin_permission_set",
        label,
        {"name": principal.name[:SET_NAME_MAX], "instance_arn": instance, "session_duration": SESSION},
    )
    section.make(
        "aws_ssoadmin_permission_set_inline_policy",
        label,
        {
            "instance_arn": instance,
            "permission_set_arn": attribute(made, "arn"),
            "inline_policy": policy(*whole),
        },
    )
    for member in holders:
        if member.kind in DIRECTORY:
            _assign(section, principal.name, instance, made, member)
    _clusters(section, principal, found)
    return True


def _assign(section: Section, role_name: str, instance: Expr, made: Expr, member: Member) -> None:
    own = identifier("role", role_name, member.kind, member.name)
    path = "DisplayName" if member.kind == "group" else "UserName"
    wanted = block(
        "alternate_identifier",
        parts=(block("unique_attribute", attributes={"attribute_path": path, "attribute_value": member.name}),),
    )
    store = ref("tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]")
    kind = f"aws_identitystore_{member.kind}"
    section.add(block("data", kind, own, attributes={"identity_store_id": store}, parts=(wanted,)))
    section.make(
        "aws_ssoadmin_account_assignment",
        own,
        {
            "instance_arn": instance,
            "permission_set_arn": attribute(made, "arn"),
            "principal_type": DIRECTORY[member.kind],
            "principal_id": ref(f"data.{kind}.{own}.{member.kind}_id"),
            "target_type": "AWS_ACCOUNT",
            "target_id": ACCOUNT,
        },
    )


def _clusters(section: Section, principal: Principal, found: Sequence[Intent]) -> None:
    """Rights inside clusters. AWS names the role behind a permission set only once it is assigned, so its ARN is said
    at apply time; without it nobody gets in by this way."""
    for intent in found:
        if intent.action not in CLUSTER_POLICY:
            continue
        managed, narrow = CLUSTER_POLICY[intent.action]
        for cluster in intent.clusters:
            own = identifier("role", principal.name, intent.action, cluster.name)
            common: dict[str, Value] = {
                "for_each": ref(f'toset(compact([lookup(var.sso_role_arns, {_quoted(principal.name)}, "")]))'),
                "region": cluster.site.region,
                "cluster_name": ref(f"aws_eks_cluster.{identifier(cluster.name)}.name"),
                "principal_arn": ref("each.value"),
            }
            if intent.action == _first_action(found, cluster.name):
                section.make("aws_eks_access_entry", identifier("role", principal.name, cluster.name), common)
            scope: dict[str, Value] = (
                {"type": "namespace", "namespaces": [NAMESPACE]} if narrow else {"type": "cluster"}
            )
            section.make(
                "aws_eks_access_policy_association",
                own,
                {**common, "policy_arn": joined("arn:", PARTITION, f":eks::aws:cluster-access-policy/{managed}")},
                block("access_scope", attributes=scope),
            )


def _first_action(found: Sequence[Intent], cluster: str) -> str:
    return next(i.action for i in found if i.action in CLUSTER_POLICY and cluster in {c.name for c in i.clusters})


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


def _directory(root: Root) -> None:
    root.add(FILE, block("data", "aws_ssoadmin_instances", "this"))
    described = "By role: the ARN that IAM Identity Center gave its permission set here, for rights inside clusters."
    root.add("variables.tf", variable("sso_role_arns", described, "map(string)", {}))


def _abroad(
    section: Section, here: Blueprint, principal: Principal, member: Member, statements: list[dict[str, Value]]
) -> bool:
    """A role that pods of a workload on other clouds' clusters take with their cluster's own token."""
    mine = {cluster.name for cluster in here.clusters}
    foreign = sorted({run.cluster for run in here.runs if run.workload == member.name} - mine)
    if not foreign:
        return False
    label = identifier("abroad", principal.name, member.name)
    names = ", ".join(_quoted(name) for name in foreign)
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
            "for_each": Expr(
                f"{{ for name, issuer in var.cluster_issuers : name => issuer if contains([{names}], name) }}"
            ),
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


def _trusted_clusters(root: Root) -> None:
    """Clusters of other clouds whose tokens we take; their issuers are outputs of those clouds' roots."""
    described = "By cluster of another cloud: the issuer of its tokens, an output of that cloud's root."
    root.add("variables.tf", variable("cluster_issuers", described, "map(string)", {}))
    root.section(FILE, "", "roles", "identity").make(
        "aws_iam_openid_connect_provider",
        "clusters",
        {"for_each": ref("var.cluster_issuers"), "url": ref("each.value"), "client_id_list": [AUDIENCE]},
    )


def _row(name: str, intent: Intent) -> Row:
    words = {
        "invoke": "bedrock:InvokeModel*, on the models named",
        "read": "s3:GetObject, s3:ListBucket, kms:Decrypt",
        "write": "s3:PutObject, kms:GenerateDataKey",
        "delete": "s3:DeleteObject (versions stay)",
    }
    managed, narrow = CLUSTER_POLICY.get(intent.action, ("", False))
    said = words.get(intent.action) or f"{managed}{f' in namespace {NAMESPACE}' if narrow else ''}, settings by IAM"
    beyond = ""
    if intent.action == "invoke" and any(service.scope for service in intent.services):
        beyond = "the model behind a cross-region profile in any region of the partition"
    if intent.action in CLUSTER_POLICY and narrow and intent.clusters:
        beyond = "all workloads in the namespace, since EKS access knows namespaces and not workloads"
    return Row(name, intent.action, on(intent), said, beyond)
