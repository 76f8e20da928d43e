"""The metrics that rendered rules and dashboards may use, by who exports them: a name outside these is a mistake."""

from polycloud.deploy.blueprint import Blueprint

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
PROBE = ("probe_success", "probe_duration_seconds")
# Replication of S3 by CloudWatch, exported by YACE: aws_<namespace>_<metric>_<statistic>, in seconds,
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html, 2026-11.
REPLICATION = ("aws_s3_replication_latency_maximum",)
ALWAYS = ("up",)


def replicates(blueprint: Blueprint) -> bool:
    """Whether S3 copies something itself: the one replication whose lag Prometheus can see."""
    return any(bucket.copies_to for bucket in blueprint.of("aws").buckets)


def names(blueprint: Blueprint) -> tuple[str, ...]:
    """All that somebody exports in this estate."""
    probe = PROBE if len(blueprint.clusters) > 1 else ()
    return (*OWN, *probe, *(REPLICATION if replicates(blueprint) else ()), *ALWAYS)


def watched(blueprint: Blueprint, measure: str) -> bool:
    """Whether a promise of this kind can be seen at all."""
    needs = {"cross-cloud-latency": PROBE, "replication-lag": REPLICATION}.get(measure, ())
    return set(needs) <= set(names(blueprint))
