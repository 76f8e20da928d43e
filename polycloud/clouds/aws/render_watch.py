"""The right of the exporter that reads CloudWatch's figures for Prometheus: by its service account, to read alone."""

from polycloud.clouds.aws.render_clusters import cluster_name
from polycloud.clouds.aws.render_iam import allow, grant, policy, role, trust
from polycloud.deploy.blueprint import Blueprint
from polycloud.deploy.render.monitoring.metrics import NAMESPACE, exporters
from polycloud.deploy.render.terraform import Root, attribute, identifier

FILE = "watch.tf"
# github.com/prometheus-community/yet-another-cloudwatch-exporter, 2026-11.
READS = ("cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics", "tag:GetResources")


def add(root: Root, here: Blueprint) -> None:
    """Where something at AWS tells how far its copies are behind."""
    for exporter in exporters(root.blueprint, "aws"):
        root.about(FILE, "Who reads figures of AWS for Prometheus.", "datasets, databases")
        section = root.section(FILE, "", "databases", "identity")
        reader = role(
            section,
            "exporter",
            exporter,
            trust("pods.eks.amazonaws.com", pods=True),
            here.estate,
            "Reads figures for Prometheus.",
        )
        grant(section, "exporter", reader, policy(allow(list(READS), "*")), "Reading figures takes no resource.")
        for cluster in here.clusters:
            section.make(
                "aws_eks_pod_identity_association",
                identifier("exporter", cluster.name),
                {
                    "region": cluster.site.region,
                    "cluster_name": cluster_name(cluster),
                    "namespace": NAMESPACE,
                    "service_account": exporter,
                    "role_arn": attribute(reader, "arn"),
                },
            )
        root.provides(f"exporter:{exporter}")
