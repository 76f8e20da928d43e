"""What the gateway may do at AWS beside calling models, and from where: pods of EKS, and of other clouds' clusters."""

from polycloud.clouds.aws.render_iam import PARTITION, Statement, allow, arn
from polycloud.clouds.aws.render_identity import AUDIENCE, trusted_clusters
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import Held
from polycloud.deploy.conventions import GATEWAY_ACCOUNT, GATEWAY_NAMESPACE
from polycloud.deploy.duties import Carried, Duties, abroad
from polycloud.deploy.hcl import Call, Expr, Value, joined, quoted
from polycloud.deploy.render.terraform import Root

PROVIDERS = "aws_iam_openid_connect_provider.clusters"
SUBJECT = f"system:serviceaccount:{GATEWAY_NAMESPACE}:{GATEWAY_ACCOUNT}"
SUFFIX = "-??????"  # what Secrets Manager puts behind a name, docs.aws.amazon.com/secretsmanager, 2026-11
WRAPS = ("kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey")


def trusts(root: Root) -> Call:
    """Who acts as the gateway."""
    foreign = abroad(root.blueprint, "aws")
    if foreign:
        trusted_clusters(root)
    return trusting(foreign, SUBJECT)


def trusting(foreign: tuple[str, ...], subject: str) -> Call:
    """Pods here by EKS, and those of each foreign cluster by the tokens that it signs, once its issuer is known."""
    home = (
        '[{ Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, '
        'Action = ["sts:AssumeRole", "sts:TagSession"] }]'
    )
    names = ", ".join(quoted(name) for name in foreign)
    issuer = '${trimprefix(issuer, "https://")}'
    tokens = (
        "[for name, issuer in var.cluster_issuers : {\n"
        '      Effect    = "Allow"\n'
        f"      Principal = {{ Federated = {PROVIDERS}[name].arn }}\n"
        '      Action    = ["sts:AssumeRoleWithWebIdentity"]\n'
        "      Condition = { StringEquals = {\n"
        f'        "{issuer}:aud" = {quoted(AUDIENCE)}\n'
        f'        "{issuer}:sub" = {quoted(subject)}\n'
        "      } }\n"
        f"    }} if contains([{names}], name)]"
    )
    said = f"concat({home}, {tokens})" if foreign else home
    return Call("jsonencode", {"Version": "2012-10-17", "Statement": Expr(said)})


def statements(given: Duties) -> list[Statement]:
    """Exactly the folders, secrets and keys."""
    found: list[Statement] = []
    for at, one in enumerate(given.reads):
        below: dict[str, Value] = {}
        if one.folders:
            below["Condition"] = {"StringLike": {"s3:prefix": [f"{folder}*" for folder in one.folders]}}
        found.append(allow(["s3:ListBucket"], [_bucket(one)], f"List{at}", **below))
    if given.reads:
        found.append(allow(["s3:GetObject"], _objects(given.reads), "CopyFrom"))
        found.append(allow(["kms:Decrypt"], _keys(given.reads), "CopyFromKeys"))
    if given.writes:
        found.append(allow(["s3:PutObject"], _objects(given.writes), "CopyTo"))
        found.append(allow(["kms:Decrypt", "kms:GenerateDataKey"], _keys(given.writes), "CopyToKeys"))
    if given.secrets:
        found.append(allow(["secretsmanager:GetSecretValue"], [_secret(one) for one in given.secrets], "Secrets"))
    exact = [_key(one) for one in given.keys if not one.id.startswith("alias/")]
    if exact:
        found.append(allow(WRAPS, exact, "Wrap"))
    aliases: list[Value] = [one.id for one in given.keys if one.id.startswith("alias/")]
    if aliases:
        by_name: Value = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}}
        found.append(allow(WRAPS, [arn("kms", "*", "key/*")], "WrapByAlias", Condition=by_name))
    return found


def _bucket(one: Carried) -> Expr:
    return joined("arn:", PARTITION, f":s3:::{one.bucket.physical}")


def _objects(given: tuple[Carried, ...]) -> list[Expr]:
    return [
        joined("arn:", PARTITION, f":s3:::{one.bucket.physical}/{folder}*")
        for one in given
        for folder in one.folders or ("",)
    ]


def _keys(given: tuple[Carried, ...]) -> list[Expr]:
    return list(dict.fromkeys(key_arn(one.bucket.key, one.bucket.site.region) for one in given))


def _secret(one: Held) -> Expr:
    return joined(one.id) if one.id.startswith("arn:") else arn("secretsmanager", "*", f"secret:{one.id}{SUFFIX}")


def _key(one: Held) -> Expr:
    return joined(one.id) if one.id.startswith("arn:") else arn("kms", "*", f"key/{one.id}")
