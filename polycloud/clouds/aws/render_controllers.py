"""Rights of what runs in EKS clusters to serve them: the cluster autoscaler, and the load balancer controller.

Both take them by their pods' service account; each may change only what bears the mark of a cluster.
"""

from polycloud.clouds.aws.render_iam import Statement, allow, arn, grant, policy, role, trust
from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.hcl import Call, Expr, Value
from polycloud.deploy.render.terraform import Section, identifier, ref

NAMESPACE = "kube-system"
AUTOSCALER, BALANCERS = "cluster-autoscaler", "aws-load-balancer-controller"  # the service accounts of their charts
LABELS = {AUTOSCALER: "eks_autoscaler", BALANCERS: "eks_balancers"}
MARK = "elbv2.k8s.aws/cluster"  # the tag that the load balancer controller puts on all that it makes
DESCRIBED = (
    "AccountAttributes",
    "Addresses",
    "AvailabilityZones",
    "Instances",
    "InternetGateways",
    "NetworkInterfaces",
    "SecurityGroups",
    "Subnets",
    "Tags",
    "Vpcs",
)
BALANCER_PARTS = (
    "ListenerAttributes",
    "Listeners",
    "LoadBalancerAttributes",
    "LoadBalancers",
    "Tags",
    "TargetGroupAttributes",
    "TargetGroups",
    "TargetHealth",
)
BALANCED = ("listener/app/*/*/*", "listener/net/*/*/*", "loadbalancer/net/*/*", "targetgroup/*/*")
CHANGES = (
    "AddTags",
    "CreateListener",
    "DeleteListener",
    "DeleteLoadBalancer",
    "DeleteTargetGroup",
    "DeregisterTargets",
    "ModifyListener",
    "ModifyListenerAttributes",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
    "RemoveTags",
    "SetSecurityGroups",
    "SetSubnets",
)


def roles(section: Section, here: Blueprint) -> None:
    pods = trust("pods.eks.amazonaws.com", pods=True)
    for account, document in ((AUTOSCALER, _scaling()), (BALANCERS, _balancing())):
        label = LABELS[account]
        made = role(section, label, label.replace("_", "-"), pods, here.estate, f"The clusters' {account}.")
        grant(section, label, made, document)


def associate(section: Section, cluster: Cluster, name: Expr) -> None:
    """Joins the roles to the service accounts in a cluster."""
    for account, label in LABELS.items():
        section.make(
            "aws_eks_pod_identity_association",
            f"{label.removeprefix('eks_')}_{identifier(cluster.name)}",
            {
                "cluster_name": name,
                "namespace": NAMESPACE,
                "service_account": account,
                "role_arn": ref(f"aws_iam_role.{label}.arn"),
            },
            kind="identity",
        )


def _scaling() -> Call:
    """github.com/kubernetes/autoscaler, cluster-autoscaler/cloudprovider/aws, 2026-11."""
    see = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
    ]
    own: Value = {"StringEquals": {"aws:ResourceTag/eks:cluster-name": "${aws:PrincipalTag/eks-cluster-name}"}}
    change = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    return policy(
        allow(see, "*", "See"),
        allow(["eks:DescribeNodegroup"], arn("eks", "*", "nodegroup/*"), "Pools"),
        allow(change, arn("autoscaling", "*", "autoScalingGroup:*"), "Own", Condition=own),
    )


def _balancing() -> Call:
    """The part of the controller's policy that network load balancers need:
    github.com/kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json, 2026-11."""
    see = [
        *(f"ec2:Describe{what}" for what in DESCRIBED),
        *(f"elasticloadbalancing:Describe{what}" for what in BALANCER_PARTS),
    ]
    new: dict[str, Value] = {"Null": {f"aws:RequestTag/{MARK}": "false"}}
    own: dict[str, Value] = {"Null": {f"aws:ResourceTag/{MARK}": "false"}}
    groups = arn("ec2", "*", "security-group/*")
    balancers = [arn("elasticloadbalancing", "*", kind) for kind in BALANCED]
    statements: tuple[Statement, ...] = (
        allow(see, "*", "See"),
        allow(["ec2:CreateSecurityGroup"], [groups, arn("ec2", "*", "vpc/*")], "NewGroups"),
        allow(
            ["ec2:CreateTags"],
            groups,
            "MarkGroups",
            Condition={"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}, **new},
        ),
        allow(
            [
                "ec2:AuthorizeSecurityGroupIngress",
                "ec2:CreateTags",
                "ec2:DeleteSecurityGroup",
                "ec2:DeleteTags",
                "ec2:RevokeSecurityGroupIngress",
            ],
            groups,
            "OwnGroups",
            Condition=own,
        ),
        allow(
            [
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:CreateListener",
                "elasticloadbalancing:CreateLoadBalancer",
                "elasticloadbalancing:CreateTargetGroup",
            ],
            balancers,
            "New",
            Condition=new,
        ),
        allow(
            [f"elasticloadbalancing:{what}" for what in CHANGES],
            balancers,
            "Own",
            Condition=own,
        ),
    )
    return policy(*statements)
