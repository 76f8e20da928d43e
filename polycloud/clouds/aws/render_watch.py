"""The rights of what watches: the exporter reads CloudWatch's figures, the collector writes to it and to X-Ray."""

from polycloud.clouds.aws.render_clusters import cluster_name
from polycloud.clouds.aws.render_iam import allow, arn, grant, policy, role, trust
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.hcl import Call
from polycloud.deploy.render.monitoring.metrics import COLLECTOR, NAMESPACE, exporters
from polycloud.deploy.render.terraform import Root, Section, attribute, identifier

FILE = "watch.tf"
# github.com/prometheus-community/yet-another-cloudwatch-exporter, 2026-11.
READS = ("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "tag:GetResources")
# Of the exporters awsemf and awscloudwatchlogs, and of awsxray:
# github.com/open-telemetry/opentelemetry-collector-contrib, exporter/*/README.md, 2026-11.
LOGS = ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")


def add(root: Root, here: Blueprint) -> None:
    """Where something at AWS tells how far its copies are behind, and where there are clusters."""
    for exporter in exporters(root.blueprint, "aws"):
        section = _section(root)
        reads = policy(allow(list(READS), "*"))
        _pods(
            section,
            here,
            "exporter",
            exporter,
            reads,
            "Reads figures for Prometheus.",
            "Reading figures takes no resource.",
        )
        root.provides(f"exporter:{exporter}")
    if here.clusters:
        groups = arn("logs", "*", "log-group:/polycloud/*")
        writes = policy(allow(list(LOGS), groups), allow(list(TRACES), "*"))
        _pods(
            _section(root),
            here,
            "collector",
            COLLECTOR,
            writes,
            "Writes figures, logs and traces.",
            "Traces have no resource.",
        )


def _section(root: Root) -> Section:
    root.about(FILE, "Who watches at AWS.", "clusters, datasets, databases")
    return root.section(FILE, "", "clusters", "identity")


def _pods(section: Section, here: Blueprint, label: str, account: str, rights: Call, what: str, why: str) -> None:
    """A role of the pods that run under a service account in every cluster here."""
    who = role(section, label, account, trust("pods.eks.amazonaws.com", pods=True), here.estate, what)
    grant(section, label, who, rights, why)
    for cluster in here.clusters:
        section.make(
            "aws_eks_pod_identity_association",
            identifier(label, cluster.name),
            {
                "region": cluster.site.region,
                "cluster_name": cluster_name(cluster),
                "namespace": NAMESPACE,
                "service_account": account,
                "role_arn": attribute(who, "arn"),
            },
        )
