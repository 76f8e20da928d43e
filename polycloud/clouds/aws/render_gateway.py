"""Who acts as the gateway at AWS: its pods on EKS, and those of other clouds' clusters."""

from polycloud.clouds.aws.render_identity import AUDIENCE, trusted_clusters
from polycloud.deploy.conventions import GATEWAY_SUBJECT
from polycloud.deploy.hcl import Call, Expr, quoted
from polycloud.deploy.render.issuers import issuers
from polycloud.deploy.render.terraform import Root

PROVIDERS = "aws_iam_openid_connect_provider.clusters"


def trusts(root: Root) -> Call:
    """Who acts as the gateway."""
    foreign = root.blueprint.abroad("aws")
    if foreign:
        trusted_clusters(root)
    return trusting(root, foreign, GATEWAY_SUBJECT)


def trusting(root: Root, foreign: tuple[str, ...], subject: str) -> Call:
    """Pods here by EKS, and those of each foreign cluster by the tokens that it signs, once its issuer is known."""
    home = (
        '[{ Effect = "Allow", Principal = { Service = "pods.eks.amazonaws.com" }, '
        'Action = ["sts:AssumeRole", "sts:TagSession"] }]'
    )
    if not foreign:
        return Call("jsonencode", {"Version": "2012-10-17", "Statement": Expr(home)})
    names = ", ".join(quoted(root.blueprint.known_as(name)) for name in foreign)
    issuer = '${trimprefix(issuer, "https://")}'
    tokens = (
        f"[for name, issuer in {issuers(root).text} : {{\n"
        '      Effect    = "Allow"\n'
        f"      Principal = {{ Federated = {PROVIDERS}[name].arn }}\n"
        '      Action    = ["sts:AssumeRoleWithWebIdentity"]\n'
        "      Condition = { StringEquals = {\n"
        f'        "{issuer}:aud" = {quoted(AUDIENCE)}\n'
        f'        "{issuer}:sub" = {quoted(subject)}\n'
        "      } }\n"
        f"    }} if contains([{names}], name)]"
    )
    return Call("jsonencode", {"Version": "2012-10-17", "Statement": Expr(f"concat({home}, {tokens})")})
