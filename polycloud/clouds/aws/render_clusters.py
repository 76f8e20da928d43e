"""EKS clusters: private machines in pools, our own key, all logs, rights for pods by pod identity."""

import re

from polycloud.clouds.aws import render_controllers
from polycloud.clouds.aws.render_iam import attach, role, trust
from polycloud.clouds.aws.render_keys import key_arn
from polycloud.clouds.aws.render_network import inside, log_group, subnets
from polycloud.deploy.blueprint import Blueprint, Cluster, Pool
from polycloud.deploy.conventions import labels, taints
from polycloud.deploy.derive.names import made
from polycloud.deploy.hcl import Block, Call, Comment, Expr, Value, block, joined
from polycloud.deploy.render.terraform import (
    Root,
    Section,
    attribute,
    identifier,
    output,
    pool_source,
    ref,
    times,
    variable,
)

FILE = "clusters.tf"
LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
DISK_GB = {"system": 100, "workload": 100, "gpu": 300}  # images with accelerators' libraries are tens of gigabytes
ARM = re.compile(r"(a1|[a-z]+\d+g[a-z]*)\.")  # m7g, c8gn, g5g: the g after the number is for Graviton
OTHER = re.compile(r"(g4ad|dl\d|f\d|vt\d)")  # accelerators that are neither NVIDIA's nor Amazon's
NEURON = re.compile(r"(inf|trn)\d")
# Add-ons with the pods' account that needs rights of AWS, where one does, and what AWS calls these rights.
EARLY = ("eks-pod-identity-agent", "kube-proxy", "vpc-cni")  # before any machine: they make it ready
LATE = ("aws-ebs-csi-driver", "coredns", "metrics-server")
RIGHTS = {
    "vpc-cni": ("aws-node", "AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
}
NODE_POLICIES = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly")


def add(root: Root, here: Blueprint) -> None:
    if not here.clusters:
        return
    root.about(FILE, "Clusters at AWS, with their pools of machines and the rights of their parts.", "clusters")
    _roles(root, here)
    for cluster in here.clusters:
        common: dict[str, Value] = {"region": cluster.site.region}
        section = root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "cluster", common)
        _cluster(section, cluster)
        _addons(section, cluster, EARLY, None)
        for pool in cluster.pools:
            _pool(
                root.section(FILE, cluster.site.id, pool_source(cluster, pool), "machines", common), here, cluster, pool
            )
        _addons(section, cluster, LATE, _pools(cluster))
        render_controllers.associate(section, cluster, cluster_name(cluster))
        root.provides(f"cluster:{cluster.name}", *(f"pool:{cluster.name}/{pool.name}" for pool in cluster.pools))
        root.add("outputs.tf", _output(cluster))
    root.add(
        "variables.tf",
        variable(
            "kubernetes_api_cidrs",
            "Networks outside the estate that may reach the Kubernetes API; none: only from inside.",
            "list(string)",
            [],
        ),
        variable(
            "kubernetes_admins",
            "ARNs of roles that administer the clusters, beside whoever creates them.",
            "list(string)",
            [],
        ),
    )


def cluster_name(cluster: Cluster) -> Expr:
    """A reference to the cluster's name, so that what uses it waits for the cluster."""
    return Expr(f"aws_eks_cluster.{identifier(cluster.name)}.name")


def image(pool: Pool) -> str:
    """The kind of Amazon Linux 2023 image that a pool's machines start from."""
    arm = ARM.match(pool.machine) is not None
    if NEURON.match(pool.machine):
        return "AL2023_x86_64_NEURON"
    if pool.role == "gpu" and not OTHER.match(pool.machine):
        return "AL2023_ARM_64_NVIDIA" if arm else "AL2023_x86_64_NVIDIA"
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"


def _roles(root: Root, here: Blueprint) -> None:
    """The roles of the clusters' own parts, shared by all: what tells clusters apart is in the session's tags."""
    section = root.section(FILE, "", "clusters", "identity")
    control = role(
        section, "eks_cluster", "eks-cluster", trust("eks.amazonaws.com"), here.estate, "The clusters' control planes."
    )
    attach(section, "eks_cluster", control, "AmazonEKSClusterPolicy")
    nodes = role(section, "eks_nodes", "eks-nodes", trust("ec2.amazonaws.com"), here.estate, "The clusters' machines.")
    for managed in NODE_POLICIES:
        attach(section, f"eks_nodes_{identifier(managed)}", nodes, managed)
    pods = trust("pods.eks.amazonaws.com", pods=True)
    for addon, (_, managed) in sorted(RIGHTS.items()):
        to = role(section, _label(addon), _label(addon).replace("_", "-"), pods, here.estate, f"The add-on {addon}.")
        attach(section, _label(addon), to, managed)
    render_controllers.roles(section, here)


def _cluster(section: Section, cluster: Cluster) -> None:
    region, name = cluster.site.region, identifier(cluster.name)
    logs = log_group(section, f"eks_{name}", f"/aws/eks/{cluster.name}/cluster", region)
    made_cluster = section.make(
        "aws_eks_cluster",
        name,
        {
            "name": cluster.name,
            "version": cluster.version,
            "role_arn": ref("aws_iam_role.eks_cluster.arn"),
            "enabled_cluster_log_types": list(LOGS),
            "deletion_protection": True,
            "bootstrap_self_managed_addons": False,
            "depends_on": [logs, ref("aws_iam_role_policy_attachment.eks_cluster")],
        },
        Comment("checkov:skip=CKV_AWS_339:Versions are checked against dated tables when the estate is."),
        Comment(
            "checkov:skip=CKV_AWS_38:Closed unless var.kubernetes_api_cidrs names networks, and open to them alone."
        ),
        Comment("checkov:skip=CKV_AWS_39:Closed unless var.kubernetes_api_cidrs names networks."),
        block(
            "vpc_config",
            attributes={
                "subnet_ids": subnets(region),
                "security_group_ids": [inside(region)],
                "endpoint_private_access": True,
                "endpoint_public_access": ref("length(var.kubernetes_api_cidrs) > 0"),
                "public_access_cidrs": ref("length(var.kubernetes_api_cidrs) > 0 ? var.kubernetes_api_cidrs : null"),
            },
        ),
        block(
            "access_config",
            attributes={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": True},
        ),
        block(
            "encryption_config",
            attributes={"resources": ["secrets"]},
            parts=(block("provider", attributes={"key_arn": key_arn("data", region)}),),
        ),
        block("upgrade_policy", attributes={"support_type": "STANDARD"}),
        block("zonal_shift_config", attributes={"enabled": True}),
    )
    admins: dict[str, Value] = {
        "for_each": ref("toset(var.kubernetes_admins)"),
        "cluster_name": attribute(made_cluster, "name"),
        "principal_arn": ref("each.value"),
    }
    section.make("aws_eks_access_entry", f"admins_{name}", admins, kind="identity")
    section.make(
        "aws_eks_access_policy_association",
        f"admins_{name}",
        {
            **admins,
            "policy_arn": joined(
                "arn:",
                ref("data.aws_partition.this.partition"),
                ":eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
            ),
            "depends_on": [ref(f"aws_eks_access_entry.admins_{name}")],
        },
        block("access_scope", attributes={"type": "cluster"}),
        kind="identity",
    )


def _addons(section: Section, cluster: Cluster, names: tuple[str, ...], after: list[Expr] | None) -> None:
    for addon in names:
        parts: tuple[Block, ...] = ()
        if addon in RIGHTS:
            account = RIGHTS[addon][0]
            given: dict[str, Value] = {
                "role_arn": ref(f"aws_iam_role.{_label(addon)}.arn"),
                "service_account": account,
            }
            parts = (block("pod_identity_association", attributes=given),)
        settings = {"enableNetworkPolicy": "true"} if addon == "vpc-cni" else None
        section.make(
            "aws_eks_addon",
            f"{identifier(cluster.name)}__{identifier(addon)}",
            {
                "cluster_name": cluster_name(cluster),
                "addon_name": addon,
                "resolve_conflicts_on_create": "OVERWRITE",
                "resolve_conflicts_on_update": "OVERWRITE",
                "configuration_values": Call("jsonencode", settings) if settings is not None else None,
                "depends_on": after or None,
            },
            *parts,
        )


def _pool(section: Section, here: Blueprint, cluster: Cluster, pool: Pool) -> None:
    label = identifier(cluster.name, pool.name)
    region = cluster.site.region
    name = made("aws", "pool", pool.name)
    template = _template(section, here, cluster, pool)
    most = times(pool.most, pool.monthly)
    section.make(
        "aws_eks_node_group",
        label,
        {
            "cluster_name": cluster_name(cluster),
            "node_group_name": name,
            "node_role_arn": ref("aws_iam_role.eks_nodes.arn"),
            "subnet_ids": subnets(region),
            "instance_types": [pool.machine],
            "ami_type": image(pool),
            "capacity_type": "SPOT" if pool.spot else "ON_DEMAND",
            "version": Expr(f"aws_eks_cluster.{identifier(cluster.name)}.version"),
            "labels": dict(labels(pool)),
            "depends_on": [
                *(ref(f"aws_eks_addon.{identifier(cluster.name)}__{identifier(addon)}") for addon in EARLY),
                *(ref(f"aws_iam_role_policy_attachment.eks_nodes_{identifier(p)}") for p in NODE_POLICIES),
            ],
        },
        block("scaling_config", attributes={"min_size": pool.least, "max_size": pool.most, "desired_size": pool.least}),
        *(
            block("taint", attributes={"key": key, "value": value, "effect": "NO_SCHEDULE"})
            for key, value in taints(pool)
        ),
        block(
            "launch_template",
            attributes={"id": attribute(template, "id"), "version": attribute(template, "latest_version")},
        ),
        block("update_config", attributes={"max_unavailable_percentage": 33}),
        block("node_repair_config", attributes={"enabled": True}),
        block("lifecycle", attributes={"ignore_changes": [ref("scaling_config[0].desired_size")]}),
        kind="machines",
        monthly=times(pool.least, pool.monthly),
        note=f"{pool.least} to {pool.most} {pool.machine}" + ("" if most is None else f", at most {most} micro-USD"),
    )


def _template(section: Section, here: Blueprint, cluster: Cluster, pool: Pool) -> Expr:
    """What machines have beyond their kind: an encrypted disk, and no way for pods to the machine's own rights."""
    tags: dict[str, Value] = {**here.tags, "Name": f"{cluster.name}-{pool.name}"}
    return section.make(
        "aws_launch_template",
        identifier(cluster.name, pool.name),
        {"name": made("aws", "pool", cluster.name, pool.name), "update_default_version": True},
        block(
            "block_device_mappings",
            attributes={"device_name": "/dev/xvda"},
            parts=(
                block(
                    "ebs",
                    attributes={
                        "volume_type": "gp3",
                        "volume_size": DISK_GB[pool.role],
                        "encrypted": True,
                        "kms_key_id": key_arn("data", cluster.site.region),
                        "delete_on_termination": True,
                    },
                ),
            ),
        ),
        block(
            "metadata_options",
            attributes={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
        ),
        block("monitoring", attributes={"enabled": True}),
        *(
            block("tag_specifications", attributes={"resource_type": kind, "tags": tags})
            for kind in ("instance", "volume")
        ),
        kind="machines",
    )


def _pools(cluster: Cluster) -> list[Expr]:
    return [Expr(f"aws_eks_node_group.{identifier(cluster.name, pool.name)}") for pool in cluster.pools]


def _label(addon: str) -> str:
    return f"eks_{identifier(addon)}"


def _output(cluster: Cluster) -> Block:
    name = identifier(cluster.name)
    address = f"aws_eks_cluster.{name}"
    return output(
        f"cluster_{name}",
        f"The cluster {cluster.name}, for kubectl and for other roots.",
        {
            "name": ref(f"{address}.name"),
            "endpoint": ref(f"{address}.endpoint"),
            "certificate_authority": ref(f"{address}.certificate_authority[0].data"),
            "issuer": ref(f"{address}.identity[0].oidc[0].issuer"),
            "region": cluster.site.region,
        },
    )
