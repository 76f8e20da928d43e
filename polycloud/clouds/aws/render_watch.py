"""The rights of what watches: the exporter reads CloudWatch's figures, the collector writes to it and to X-Ray."""

from polycloud.clouds.aws.render_clusters import cluster_name
from polycloud.clouds.aws.render_iam import allow, grant, policy, role, trust
from polycloud.clouds.aws.render_network import log_group
from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.hcl import Call, Value, joined
from polycloud.deploy.render.monitoring.metrics import COLLECTOR, NAMESPACE, collected, exporters
from polycloud.deploy.render.terraform import Root, attribute, identifier

FILE = "watch.tf"
# github.com/prometheus-community/yet-another-cloudwatch-exporter, 2026-11.
READS = ("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "tag:GetResources")
# Of the exporters awsemf and awscloudwatchlogs, and of awsxray:
# github.com/open-telemetry/opentelemetry-collector-contrib, exporter/*/README.md, 2026-11.
LOGS = ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents")
TRACES = ("xray:PutTelemetryRecords", "xray:PutTraceSegments")


def add(root: Root, here: Blueprint) -> None:
    """Where something at AWS tells how far its copies are behind, and where there are clusters."""
    for exporter in exporters(root.blueprint, "aws"):
        reads = policy(allow(list(READS), "*"))
        why = "Reading figures takes no resource."
        _pods(root, here, ("exporter", exporter), reads, "Reads figures for Prometheus.", why)
        root.provides(f"exporter:{exporter}")
    if here.clusters:
        groups = [_logs(root, cluster) for cluster in here.clusters]
        writes = policy(allow(list(LOGS), groups), allow(list(TRACES), "*"))
        told = "Writes figures, logs and traces."
        _pods(root, here, ("collector", COLLECTOR), writes, told, "Traces have no resource.")


def _logs(root: Root, cluster: Cluster) -> Value:
    """Where a cluster's collector writes: its streams."""
    region = cluster.site.region
    section = root.section(FILE, cluster.site.id, f"clusters.{cluster.name}", "logs", {"region": region})
    group = log_group(section, identifier("collector", cluster.name), collected(root.blueprint, cluster), region)
    return joined(attribute(group, "arn"), ":*")


def _pods(root: Root, here: Blueprint, named: tuple[str, str], rights: Call, what: str, why: str) -> None:
    """A role of the pods that run under a service account in every cluster here; ``named``: its label and the account.
    ``why``: for who reads what is not narrowed."""
    root.about(FILE, "Who watches at AWS.", "clusters, datasets, databases")
    section = root.section(FILE, "", "clusters", "identity")
    label, account = named
    who = role(section, label, account, trust("pods.eks.amazonaws.com", pods=True), here.estate, what)
    grant(section, label, who, rights, why)
    for cluster in here.clusters:
        root.section(FILE, "", f"clusters.{cluster.name}", "identity").make(
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
