"""OpenTelemetry collectors: one in each cluster that also feeds its cloud's own monitor, and a central one."""

from typing import Any

from polycloud.deploy.blueprint import Blueprint, Cluster
from polycloud.deploy.render.monitoring import metrics, rules
from polycloud.deploy.yaml import dump, header

Config = dict[str, Any]
CENTRAL = "${env:CENTRAL_OTLP_ENDPOINT}"  # the central collector, told at apply time where the estate has no address
MEMORY = {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20}
BATCH = {"timeout": "5s", "send_batch_size": 1024}
# The attributes in which OpenTelemetry's conventions carry what callers wrote are dropped before anything leaves the
# cluster. Log lines are not read: a workload must not write prompts into them.
SCRUBBED = (
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "http.request.body",
)


def collector(cluster: Cluster, blueprint: Blueprint) -> str:
    """The collector of one cluster. Exporters as in opentelemetry-collector-contrib 0.135 (2026-11)."""
    native = _native(cluster, blueprint)
    content: Config = {
        "receivers": {**_receivers(), "prometheus": {"config": {"scrape_configs": [rules.gateways()]}}},
        "processors": {
            "memory_limiter": MEMORY,
            "resource": {
                "attributes": [
                    {"key": "cloud.provider", "value": cluster.site.cloud, "action": "upsert"},
                    {"key": "cloud.region", "value": cluster.site.region, "action": "upsert"},
                    {"key": "k8s.cluster.name", "value": cluster.name, "action": "upsert"},
                ]
            },
            "attributes": {"actions": [{"key": key, "action": "delete"} for key in SCRUBBED]},
            "batch": BATCH,
        },
        "exporters": {"otlp/central": _central(blueprint), **native},
        "service": {
            "pipelines": {
                signal: {
                    # The gateways give their figures to whoever asks; what else there is, workloads send.
                    "receivers": ["otlp", "prometheus"] if signal == "metrics" else ["otlp"],
                    "processors": ["memory_limiter", "resource", "attributes", "batch"],
                    "exporters": ["otlp/central", *_fitting(native, signal)],
                }
                for signal in ("traces", "metrics", "logs")
            }
        },
    }
    what = f"The OpenTelemetry collector of {cluster.name}"
    return dump(content, head=header(what, blueprint.estate, f"clusters.{cluster.name}, telemetry"))


def central(blueprint: Blueprint) -> str:
    """The collector that all clusters send to."""
    to = {"endpoint": blueprint.otlp or "${env:OTLP_BACKEND_ENDPOINT}"}
    pipeline = {"receivers": ["otlp"], "processors": ["memory_limiter", "batch"], "exporters": ["otlphttp"]}
    content: Config = {
        "receivers": _receivers(),
        "processors": {"memory_limiter": MEMORY, "batch": BATCH},
        "exporters": {"otlphttp": to},
        "service": {"pipelines": {signal: dict(pipeline) for signal in ("traces", "metrics", "logs")}},
    }
    return dump(content, head=header("The central OpenTelemetry collector", blueprint.estate, "telemetry"))


def _receivers() -> Config:
    tls = {
        "cert_file": "/etc/otel/tls/tls.crt",
        "key_file": "/etc/otel/tls/tls.key",
        "client_ca_file": "/etc/otel/tls/ca.crt",
    }
    return {"otlp": {"protocols": {"grpc": {"endpoint": "0.0.0.0:4317", "tls": tls}}}}


def _central(blueprint: Blueprint) -> Config:
    tls = {"cert_file": "/etc/otel/tls/tls.crt", "key_file": "/etc/otel/tls/tls.key", "ca_file": "/etc/otel/tls/ca.crt"}
    return {"endpoint": CENTRAL, "tls": tls, "sending_queue": {"queue_size": 5000}}


def _native(cluster: Cluster, blueprint: Blueprint) -> Config:
    region = cluster.site.region
    match cluster.site.cloud:
        case "aws":
            group = metrics.collected(blueprint, cluster)
            return {
                "awsemf": {"region": region, "namespace": "polycloud", "log_group_name": group},
                "awsxray": {"region": region},
                "awscloudwatchlogs": {"region": region, "log_group_name": group, "log_stream_name": "collector"},
            }
        case "gcp":
            project = blueprint.accounts.get("gcp", {}).get("project")
            return {"googlecloud": {"project": project} if project else {}}
        case "azure":
            return {"azuremonitor": {"connection_string": "${env:APPLICATIONINSIGHTS_CONNECTION_STRING}"}}
        case "oci":
            key = {"authorization": "dataKey ${env:OCI_APM_DATA_KEY}"}
            return {"otlphttp/oci": {"endpoint": "${env:OCI_APM_ENDPOINT}", "headers": key}}
        case _:
            return {}


def _fitting(native: Config, signal: str) -> list[str]:
    """Which of a cloud's exporters take a signal; OCI's APM takes traces and metrics."""
    takes = {
        "awsemf": ("metrics",),
        "awsxray": ("traces",),
        "awscloudwatchlogs": ("logs",),
        "googlecloud": ("traces", "metrics", "logs"),
        "azuremonitor": ("traces", "metrics", "logs"),
        "otlphttp/oci": ("traces", "metrics"),
    }
    return [name for name in native if signal in takes[name]]
