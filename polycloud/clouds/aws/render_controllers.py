"""Rights of what runs in EKS clusters to serve them: the cluster autoscaler, and the load balancer controller.

Both take them by their pods' service account; each may change only what bears the mark of a cluster.
"""

from polycloud.clouds.aws.render_iam import ACCOUNT, PARTITION, Statement, allow, arn, grant, policy, role, trust
from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.hcl import Call, Expr, Value, joined
from polycloud.deploy.render.terraform import Section, identifier, ref

NAMESPACE = "kube-system"
AUTOSCALER, BALANCERS = "cluster-autoscaler", "aws-load-balancer-controller"  # the service accounts of their charts
SCALING = (
    "What it sees takes no resource; groups of machines are named by EKS as it makes them, so the tag of the cluster "
    "that asks binds each change, and what it reads of pools changes nothing."
)
BALANCING = (
    "What it sees takes no resource; it names what it makes itself, so the mark that it puts on all of it binds each "
    "change, and a new group has none yet: nor has the network that it is made in."
)
LABELS = {AUTOSCALER: "eks_autoscaler", BALANCERS: "eks_balancers"}
MARK = "elbv2.k8s.aws/cluster"  # the tag that the load balancer controller puts on all that it makes
DESCRIBED = (
    "AccountAttributes",
    "Addresses",
    "AvailabilityZones",
    "Instances",
    "InternetGateways",
    "NetworkInterfaces",
    "RouteTables",
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
# What is being made with the mark, what has it, and what has it and keeps it as it is.
NEW: dict[str, Value] = {"Null": {f"aws:RequestTag/{MARK}": "false"}}
OWN: dict[str, Value] = {"Null": {f"aws:ResourceTag/{MARK}": "false"}}
UNMARKED: dict[str, Value] = {"Null": {f"aws:RequestTag/{MARK}": "true", f"aws:ResourceTag/{MARK}": "false"}}
SERVICE = "elasticloadbalancing.amazonaws.com"
MADE = ("CreateListener", "CreateLoadBalancer", "CreateTargetGroup")
BALANCED = ("listener/app/*/*/*", "listener/net/*/*/*", "loadbalancer/net/*/*", "targetgroup/*/*")
CHANGES = (
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
    "SetSecurityGroups",
    "SetSubnets",
)


def roles(section: Section, here: Blueprint) -> None:
    pods = trust("pods.eks.amazonaws.com", pods=True)
    for account, document, why in ((AUTOSCALER, _scaling(), SCALING), (BALANCERS, _balancing(), BALANCING)):
        label = LABELS[account]
        made = role(section, label, label.replace("_", "-"), pods, here.estate, f"The clusters' {account}.")
        grant(section, label, made, document, why)


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
    balancers = [arn("elasticloadbalancing", "*", kind) for kind in BALANCED]
    return policy(
        allow(see, "*", "See"),
        *_groups(),
        allow(
            ["iam:CreateServiceLinkedRole"],
            joined("arn:", PARTITION, ":iam::", ACCOUNT, f":role/aws-service-role/{SERVICE}/*"),
            "First",
            Condition={"StringEquals": {"iam:AWSServiceName": SERVICE}},
        ),
        allow([_elb("CreateLoadBalancer"), _elb("CreateTargetGroup")], balancers, "New", Condition=NEW),
        allow(
            [_elb("AddTags")],
            balancers,
            "MarkNew",
            Condition={"StringEquals": {_elb("CreateAction"): list(MADE)}, **NEW},
        ),
        allow([_elb("AddTags"), _elb("RemoveTags")], balancers, "TagOwn", Condition=UNMARKED),
        allow([_elb(what) for what in CHANGES], balancers, "Own", Condition=OWN),
    )


def _elb(what: str) -> str:
    return f"elasticloadbalancing:{what}"


def _groups() -> tuple[Statement, ...]:
    """Groups of its own, and the rules of the machines' group that let load balancers reach pods."""
    groups = arn("ec2", "*", "security-group/*")
    rules = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    machines: Value = {"StringEquals": {"aws:ResourceTag/aws:eks:cluster-name": "${aws:PrincipalTag/eks-cluster-name}"}}
    marked: Value = {"StringEquals": {"ec2:CreateAction": "CreateSecurityGroup"}, **NEW}
    return (
        allow(["ec2:CreateSecurityGroup"], [groups, arn("ec2", "*", "vpc/*")], "NewGroups"),
        allow(["ec2:CreateTags"], groups, "MarkGroups", Condition=marked),
        allow([*rules, "ec2:DeleteSecurityGroup"], groups, "OwnGroups", Condition=OWN),
        allow(["ec2:CreateTags", "ec2:DeleteTags"], groups, "TagGroups", Condition=UNMARKED),
        allow(rules, groups, "Machines", Condition=machines),
    )
