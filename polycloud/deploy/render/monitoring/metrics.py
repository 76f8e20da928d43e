"""The metrics that rendered rules and dashboards may use, by who exports them: a name outside these is a mistake."""

from typing import NamedTuple

from polycloud.deploy.blueprint import Blueprint, Cluster

# Those of polycloud itself; a test holds them against what its control process exports.
OWN = (
    "polycloud_attempts_total",
    "polycloud_breaker_open",
    "polycloud_cost_usd_total",
    "polycloud_credential_expires",
    "polycloud_deployment_down",
    "polycloud_estate_refused",
    "polycloud_failover_total",
    "polycloud_first_token_seconds_bucket",
    "polycloud_ingestion_failures_total",
    "polycloud_journal_lag_bytes",
    "polycloud_overhead_seconds_bucket",
    "polycloud_provider_availability",
    "polycloud_provider_error_ratio",
    "polycloud_request_cost_usd_bucket",
    "polycloud_requests_total",
    "polycloud_response_seconds_bucket",
    "polycloud_tokens_total",
    "polycloud_unpriced_total",
)
RESPONSE_BUCKETS = (0.05, 0.1, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)  # seconds, of polycloud's histograms
# The probe between clusters, https://github.com/prometheus/blackbox_exporter, 2026-11.
PROBE = ("probe_success", "probe_http_duration_seconds")


class Lag(NamedTuple):
    """How far copies are behind: what exports it, under which name, and the PromQL that gives seconds."""

    cloud: str
    exporter: str
    metric: str
    seconds: str


def _cloudwatch(name: str, milliseconds: bool = True) -> Lag:
    """As YACE names CloudWatch's figures: aws_<namespace>_<metric>_<statistic>,
    https://github.com/prometheus-community/yet-another-cloudwatch-exporter, 2026-11."""
    return Lag("aws", "yace", name, f"{name} / 1000" if milliseconds else name)


def _azure(metric: str, milliseconds: bool = False) -> Lag:
    """As azure-metrics-exporter tells them, https://github.com/webdevops/azure-metrics-exporter, 2026-11."""
    told = f'{AZURE_METRIC}{{metric="{metric}"}}'
    return Lag("azure", "azure-metrics-exporter", AZURE_METRIC, f"{told} / 1000" if milliseconds else told)


AZURE_METRIC = "azurerm_resource_metric"
# Seconds: docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html, 2026-11.
OBJECTS = _cloudwatch("aws_s3_replication_latency_maximum", milliseconds=False)
# As stackdriver_exporter names it: stackdriver_<resource>_<metric>; seconds,
# https://cloud.google.com/monitoring/api/metrics_gcp_c#gcp-cloudsql, 2026-11.
CLOUD_SQL = "stackdriver_cloudsql_database_cloudsql_googleapis_com_database_replication_replica_lag"
GCP_SQL = Lag("gcp", "stackdriver-exporter", CLOUD_SQL, CLOUD_SQL)
AURORA = _cloudwatch("aws_rds_aurora_global_dbreplication_lag_maximum")
COSMOS = _azure("ReplicationLatency", milliseconds=True)
# What each cloud tells of a database's copies in its other regions: docs.aws.amazon.com/AmazonRDS/latest/
# AuroraUserGuide/Aurora.AuroraMonitoring.Metrics.html, amazondynamodb/latest/developerguide/metrics-dimensions.html,
# keyspaces/latest/devguide/metrics-dimensions.html; learn.microsoft.com/azure/azure-monitor/reference/
# supported-metrics/metrics-index, 2026-11. Spanner's copies write together, and Oracle tells its own console alone.
DATABASES: dict[tuple[str, str], Lag] = {
    ("aws", "postgresql"): AURORA,
    ("aws", "mysql"): AURORA,
    ("aws", "dynamodb"): _cloudwatch("aws_dynamodb_replication_latency_maximum"),
    ("aws", "cassandra"): _cloudwatch("aws_cassandra_replication_latency_maximum"),
    ("azure", "postgresql"): _azure("physical_replication_delay_in_seconds"),
    ("azure", "mysql"): _azure("replication_lag"),
    ("azure", "cassandra"): COSMOS,
    ("azure", "cosmosdb"): COSMOS,
    ("gcp", "postgresql"): GCP_SQL,
    ("gcp", "mysql"): GCP_SQL,
}
ALWAYS = ("up",)
NAMESPACE = "monitoring"  # where exporters and collectors run
COLLECTOR = "collector"  # the service account of each cluster's collector


def lags(blueprint: Blueprint) -> tuple[Lag, ...]:
    """What Prometheus can see of replication: where a cluster in the same cloud can have its exporter."""
    found = [OBJECTS] if any(bucket.copies_to for bucket in blueprint.of("aws").buckets) else []
    kinds = [(one.site.cloud, one.engine) for one in blueprint.databases if one.near()]
    found += [DATABASES[kind] for kind in kinds if kind in DATABASES]
    clouds = {cluster.site.cloud for cluster in blueprint.clusters}
    return tuple(sorted({lag for lag in found if lag.cloud in clouds}))


def collected(blueprint: Blueprint, cluster: Cluster) -> str:
    """The group of logs that a cluster's collector writes to at AWS, which keeps its name."""
    return f"/polycloud/{blueprint.known_as(cluster.name)}"


def exporters(blueprint: Blueprint, cloud: str) -> tuple[str, ...]:
    """What reads a cloud's figures in its clusters; each is called like its service account."""
    return tuple(sorted({lag.exporter for lag in lags(blueprint) if lag.cloud == cloud}))


def names(blueprint: Blueprint) -> tuple[str, ...]:
    """All that somebody exports in this estate."""
    probe = PROBE if len(blueprint.clusters) > 1 else ()
    return (*OWN, *probe, *dict.fromkeys(lag.metric for lag in lags(blueprint)), *ALWAYS)


def watched(blueprint: Blueprint, measure: str) -> bool:
    """Whether a promise of this kind can be seen at all."""
    if measure == "replication-lag":
        return bool(lags(blueprint))
    return measure != "cross-cloud-latency" or set(PROBE) <= set(names(blueprint))
