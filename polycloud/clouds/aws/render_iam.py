"""Policies and roles of AWS as values: what each root's file says about rights is made here, in one form."""

from collections.abc import Mapping, Sequence

from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Call, Comment, Expr, Value, joined
from polycloud.deploy.render.terraform import Section, attribute, ref

ACCOUNT = ref("data.aws_caller_identity.this.account_id")
PARTITION = ref("data.aws_partition.this.partition")
Statement = Mapping[str, Value]


def policy(*statements: Statement) -> Call:
    """A policy document."""
    return Call("jsonencode", {"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: Sequence[str], resources: "Value", sid: str = "", **more: Value) -> Statement:
    """A statement that allows; ``more`` are its other parts, such as ``Condition``."""
    named: dict[str, Value] = {"Sid": sid} if sid else {}
    return {**named, "Effect": "Allow", **more, "Action": list(actions), "Resource": resources}


def trust(service: str, pods: bool = False, **more: Value) -> Call:
    """Who may take a role: a service of AWS; ``pods`` of a cluster say which they are in the session's tags."""
    actions = ["sts:AssumeRole", "sts:TagSession"] if pods else ["sts:AssumeRole"]
    return policy({"Effect": "Allow", "Principal": {"Service": service}, "Action": actions, **more})


OWN_ACCOUNT: Mapping[str, Value] = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}  # or another could misuse a right


def arn(service: str, region: str, rest: "str | Expr", *more: "str | Expr", account: bool = True) -> Expr:
    """An ARN of this partition: ``arn("logs", "us-east-1", "log-group:*")``."""
    owner: tuple[str | Expr, ...] = (ACCOUNT,) if account else ()
    return joined("arn:", PARTITION, f":{service}:{region}:", *owner, ":", rest, *more)


def role(section: Section, label: str, name: str, trusts: Call, estate: str, described: str) -> Expr:
    """A role, named after the estate since roles are the whole account's."""
    return section.make(
        "aws_iam_role",
        label,
        {"name": made("aws", "role", estate, name), "description": described, "assume_role_policy": trusts},
        kind="identity",
    )


def attach(section: Section, label: str, to: Expr, managed: str) -> None:
    """A policy that AWS keeps, on a role."""
    section.make(
        "aws_iam_role_policy_attachment",
        label,
        {
            "role": attribute(to, "name"),
            "policy_arn": joined("arn:", PARTITION, ":iam::aws:policy/", managed),
        },
        kind="identity",
    )


def grant(section: Section, label: str, to: Expr, document: Call, why: str = "") -> None:
    """A policy of our own, on a role; ``why``: the reason for what it does not narrow to names, for who reads it."""
    section.make(
        "aws_iam_role_policy",
        label,
        {"name": made("aws", "role", label.replace("_", "-")), "role": attribute(to, "id"), "policy": document},
        *((Comment(why),) if why else ()),
        kind="identity",
    )
