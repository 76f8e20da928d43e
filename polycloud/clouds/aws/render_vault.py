"""The right of OpenBao's voters to the key at AWS that unseals them, for pods here and on other clouds' clusters."""

from polycloud.clouds.aws.render_clusters import cluster_name
from polycloud.clouds.aws.render_gateway import trusting
from polycloud.clouds.aws.render_iam import allow, grant, policy, role
from polycloud.clouds.aws.render_identity import trusted_clusters
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render.terraform import Root, attribute, identifier, output
from polycloud.deploy.render.vault import ACCOUNT, SPACE, Node, seal_key, sealing, voters

FILE = "vault.tf"
SUBJECT = f"system:serviceaccount:{SPACE}:{ACCOUNT}"


def add(root: Root, here: Blueprint) -> None:
    """Where OpenBao has voters and AWS holds their seal."""
    nodes = voters(root.blueprint)
    if not nodes or sealing(nodes).cloud != "aws":
        return
    site = sealing(nodes)
    root.about(FILE, "Who may use the key that unseals OpenBao.", "secrets, clusters")
    section = root.section(FILE, site.id, "secrets", "identity")
    foreign = sorted({node.cluster.name for node in nodes if node.cluster.site.cloud != "aws"})
    trusted_clusters(root)
    told = "OpenBao's voters: they unseal themselves."
    sealed = role(section, "vault_seal", "vault-seal", trusting(root, tuple(foreign), SUBJECT), here.estate, told)
    key = key_arn(seal_key(root.blueprint, site).name, site.region)
    grant(section, "vault_seal", sealed, policy(allow(["kms:Encrypt", "kms:Decrypt", "kms:DescribeKey"], [key])))
    for node in _at_home(nodes):
        section.make(
            "aws_eks_pod_identity_association",
            identifier("vault", node.cluster.name),
            {
                "region": node.cluster.site.region,
                "cluster_name": cluster_name(node.cluster),
                "namespace": SPACE,
                "service_account": ACCOUNT,
                "role_arn": attribute(sealed, "arn"),
            },
        )
    described = "Who OpenBao's voters on other clouds' clusters are here: the annotation polycloud_seal in Argo CD."
    root.add("outputs.tf", output("vault_seal", described, attribute(sealed, "arn")))
    root.provides(f"vault-seal:{site.id}")


def _at_home(nodes: tuple[Node, ...]) -> list[Node]:
    """One voter of each cluster here."""
    return list({node.cluster.name: node for node in nodes if node.cluster.site.cloud == "aws"}.values())
