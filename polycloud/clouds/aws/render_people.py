"""People at AWS: permission sets of IAM Identity Center, given to groups and users of its directory, with the
attributes that a session carries and, where the provider tells it, the second factor as a condition."""

from collections.abc import Sequence

from polycloud.clouds.aws.render_iam import ACCOUNT, PARTITION, allow, policy
from polycloud.deploy.blueprint import Blueprint, Principal, SignIn
from polycloud.deploy.derive.identity import SESSION_SECONDS
from polycloud.deploy.hcl import Block, Expr, Value, block, joined
from polycloud.deploy.intents import Intent, Member
from polycloud.deploy.render.identity_report import Step, Told, at_provider, lasts
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier, ref, variable

FILE = "identity.tf"
NAMESPACE = "workloads"  # where placed jobs run in every cluster
SET_NAME_MAX = 32  # https://docs.aws.amazon.com/singlesignon/latest/APIReference/API_CreatePermissionSet.html, 2026-11
DIRECTORY = {"group": "GROUP", "user": "USER"}
INSTANCE = ref("tolist(data.aws_ssoadmin_instances.this.arns)[0]")
STORE = ref("tolist(data.aws_ssoadmin_instances.this.identity_store_ids)[0]")
# Access policies of EKS, https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html, 2026-11.
CLUSTER_POLICY = {
    "run": ("AmazonEKSEditPolicy", True),
    "deploy": ("AmazonEKSEditPolicy", True),
    "administer": ("AmazonEKSClusterAdminPolicy", False),
    "audit": ("AmazonEKSViewPolicy", False),
}
# Attributes of the directory that a session can carry as tags, filled by SCIM,
# https://docs.aws.amazon.com/singlesignon/latest/userguide/attributemappingsconcept.html, 2026-11.
PATHS = {
    "email": "${path:emails[primary eq true].value}",
    "department": "${path:enterprise.department}",
    "cost_center": "${path:enterprise.costCenter}",
}
ROLE_ARNS = Step(
    "give the root the ARNs of the roles that Identity Center made (sso_role_arns), for rights inside clusters",
    "AWS names them only after the first apply.",
    "aws iam list-roles --path-prefix /aws-reserved/sso.amazonaws.com/ --query 'Roles[].[RoleName,Arn]' --output text",
)
SAML_TAG = "https://aws.amazon.com/SAML/Attributes/AccessControl:"


def give(
    section: Section,
    principal: Principal,
    holders: Sequence[Member],
    found: Sequence[Intent],
    statements: list[dict[str, Value]],
    how: SignIn | None,
) -> bool:
    """A permission set with an inline policy, given in this account to groups and users of the directory; ``False``
    when there is nothing to give."""
    label = identifier("role", principal.name)
    whole = reaching(found, statements)
    if not whole:
        return False
    seconds = how.session_seconds if how is not None else SESSION_SECONDS
    made = section.make(
        "aws_ssoadmin_permission_set",
        label,
        {"name": principal.name[:SET_NAME_MAX], "instance_arn": INSTANCE, "session_duration": f"PT{seconds // 60}M"},
    )
    section.make(
        "aws_ssoadmin_permission_set_inline_policy",
        label,
        {
            "instance_arn": INSTANCE,
            "permission_set_arn": attribute(made, "arn"),
            "inline_policy": policy(*whole, *_second_factor(how)),
        },
    )
    for member in holders:
        if member.kind in DIRECTORY:
            _assign(section, principal.name, made, member)
    # AWS names the role behind a permission set only once it is assigned, so its ARN is said at apply time.
    known = ref(f'toset(compact([lookup(var.sso_role_arns, {joined(principal.name).text}, "")]))')
    clusters(section, principal, found, ref("each.value"), known)
    return True


def reaching(found: Sequence[Intent], statements: list[dict[str, Value]]) -> list[dict[str, Value]]:
    """The statements of a role and, where it has rights inside clusters, that it may find them."""
    named = sorted({c.name for intent in found for c in intent.clusters})
    reach = [ref(f"aws_eks_cluster.{identifier(name)}.arn") for name in named]
    return [*statements, dict(allow(["eks:DescribeCluster"], reach, "ReachClusters"))] if reach else statements


def _second_factor(how: SignIn | None) -> list[dict[str, Value]]:
    """Nothing is allowed in a session whose tag does not tell a second factor, or that has no such tag."""
    if how is None or how.proof is None or not how.proof.tag:
        return []
    unless: Value = {"StringNotEquals": {f"aws:PrincipalTag/{how.proof.tag}": list(how.proof.values)}}
    return [{"Sid": "SecondFactor", "Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": unless}]


def _assign(section: Section, role_name: str, made: Expr, member: Member) -> None:
    own = identifier("role", role_name, member.kind, member.name)
    path = "DisplayName" if member.kind == "group" else "UserName"
    wanted = block(
        "alternate_identifier",
        parts=(block("unique_attribute", attributes={"attribute_path": path, "attribute_value": member.name}),),
    )
    kind = f"aws_identitystore_{member.kind}"
    section.add(block("data", kind, own, attributes={"identity_store_id": STORE}, parts=(wanted,)))
    section.make(
        "aws_ssoadmin_account_assignment",
        own,
        {
            "instance_arn": INSTANCE,
            "permission_set_arn": attribute(made, "arn"),
            "principal_type": DIRECTORY[member.kind],
            "principal_id": ref(f"data.{kind}.{own}.{member.kind}_id"),
            "target_type": "AWS_ACCOUNT",
            "target_id": ACCOUNT,
        },
    )


def clusters(
    section: Section, principal: Principal, found: Sequence[Intent], who: Expr, often: Expr | None = None
) -> None:
    """Rights inside clusters of the role that ``who`` is the ARN of; ``often``: once for each of these."""
    for intent in found:
        if intent.action not in CLUSTER_POLICY:
            continue
        managed, narrow = CLUSTER_POLICY[intent.action]
        for cluster in intent.clusters:
            own = identifier("role", principal.name, intent.action, cluster.name)
            common: dict[str, Value] = {
                **({"for_each": often} if often is not None else {}),
                "region": cluster.site.region,
                "cluster_name": ref(f"aws_eks_cluster.{identifier(cluster.name)}.name"),
                "principal_arn": who,
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


def directory(root: Root, how: SignIn | None, inside: bool) -> None:
    """The instance of Identity Center, and the attributes of people that sessions carry; ``inside``: some have rights
    inside clusters."""
    root.add(FILE, block("data", "aws_ssoadmin_instances", "this"))
    described = "By role: the ARN that IAM Identity Center gave its permission set here, for rights inside clusters."
    root.add("variables.tf", variable("sso_role_arns", described, "map(string)", {}))
    if how is None and inside:
        root.gap(f"aws: {ROLE_ARNS.what}: {ROLE_ARNS.commands}")
    if how is not None:
        root.section(FILE, "", "identity.sso", "identity").make(
            "aws_ssoadmin_instance_access_control_attributes",
            "this",
            {"instance_arn": INSTANCE},
            *(_attribute(key, path) for key, path in _tags(how)),
        )


def _tags(how: SignIn) -> list[tuple[str, str]]:
    given = {"email": how.email, "department": how.department, "cost_center": how.cost_center}
    return [(word, PATHS[word]) for word, claim in given.items() if claim]


def _attribute(key: str, path: str) -> Block:
    return block("attribute", attributes={"key": key}, parts=(block("value", attributes={"source": [path]}),))


def told(here: Blueprint, how: SignIn) -> Told:
    proof = how.proof
    factor = "not required"
    if how.second_factor:
        factor = at_provider(here, how, "Identity Center has no second factor for an external provider")
    steps = [
        Step(
            "make the provider the identity source of IAM Identity Center (Settings, Change identity source, by SAML), "
            "and switch on automatic provisioning, which fills its directory by SCIM",
            "No API of AWS does either (https://github.com/hashicorp/terraform-provider-aws/issues/38736, "
            "https://docs.aws.amazon.com/singlesignon/latest/userguide/manage-your-identity-source-idp.html, 2026-11).",
        ),
        ROLE_ARNS,
        Step(
            "if sessions carry attributes in the organisation already, import that setting before the first apply",
            "An instance of Identity Center has one list of attributes, and this root then keeps it.",
            "terraform import aws_ssoadmin_instance_access_control_attributes.this INSTANCE_ARN",
        ),
    ]
    if proof is not None and proof.tag:
        factor = (
            f"at AWS: every right is denied unless the session's tag {proof.tag} is {' or '.join(proof.values)}; "
            "rights inside clusters, which EKS grants by itself, are left to the provider"
        )
        steps.append(
            Step(
                f"let the provider send the SAML attribute {SAML_TAG}{proof.tag}, one text, after a second factor",
                "Sessions have no other way to know it, and without it all rights are denied "
                "(https://docs.aws.amazon.com/singlesignon/latest/userguide/configure-abac.html, 2026-11).",
            )
        )
    mapping = (
        ("subject", "UserName, by SAML's NameID"),
        ("groups", "groups of the directory, by SCIM"),
        ("family_name", "name.familyName, by SCIM"),
        *((word, f"session tag {word}, from {path}") for word, path in _tags(how)),
    )
    session = f"{lasts(how.session_seconds)}, by each permission set"
    return Told("IAM Identity Center, permission sets assigned in the account", factor, session, mapping, tuple(steps))
